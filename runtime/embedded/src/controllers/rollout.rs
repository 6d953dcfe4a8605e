//! The arithmetic of a rollout: how big each ReplicaSet may be next.
//!
//! **Invariant:** pure. Sets are given oldest first; answers are pairs of index and new size, only where it changes.

use serde_json::Value;

use super::share;

/// What a Deployment allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub desired: i64,
    pub surge: i64,
    pub unavailable: i64,
}

/// One ReplicaSet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Set {
    pub replicas: i64,
    pub actual: i64,
    pub available: i64,
    /// The replicas of the Deployment that this size was made for.
    pub sized_for: Option<i64>,
}

/// Reads a Deployment's spec.
pub fn limits(spec: &Value) -> Limits {
    let desired = spec["replicas"].as_i64().unwrap_or(1);
    if spec["strategy"]["type"] == "Recreate" {
        return Limits { desired, surge: 0, unavailable: 0 };
    }
    let rolling = &spec["strategy"]["rollingUpdate"];
    let surge = share(&rolling["maxSurge"], desired, true);
    let unavailable = share(&rolling["maxUnavailable"], desired, false);
    let stuck = surge == 0 && unavailable == 0;
    Limits { desired, surge, unavailable: if stuck { 1 } else { unavailable }.min(desired) }
}

/// The size of the new ReplicaSet that surge allows, given all Pods and its own.
pub fn new_size(limits: &Limits, total: i64, current: i64) -> i64 {
    let room = (limits.desired + limits.surge - total).max(0);
    current + room.min((limits.desired - current).max(0))
}

type Sizes = Vec<(usize, i64)>;

/// Whether the Deployment was scaled since its sets got their sizes.
pub fn is_resized(limits: &Limits, sets: &[Set]) -> bool {
    sets.iter().any(|set| set.replicas > 0 && set.sized_for.is_some_and(|sized| sized != limits.desired))
}

/// A change of `replicas`: spread over the sets that run, in proportion.
pub fn resize(limits: &Limits, sets: &[Set], current: Option<usize>) -> Sizes {
    let active: Vec<usize> = (0..sets.len()).filter(|index| sets[*index].replicas > 0).collect();
    let single = match active.as_slice() {
        [] => current.or_else(|| sets.len().checked_sub(1)),
        [only] => Some(*only),
        _ => None,
    };
    if let Some(index) = single {
        let fits = sets[index].replicas == limits.desired && sets[index].sized_for == Some(limits.desired);
        return if fits { Vec::new() } else { vec![(index, limits.desired)] };
    }
    let total: i64 = sets.iter().map(|set| set.replicas).sum();
    let allowed = if limits.desired == 0 { 0 } else { limits.desired + limits.surge };
    let change = allowed - total;
    let mut sizes: Sizes = Vec::new();
    let mut left = change;
    for index in &active {
        let set = sets[*index];
        // Rounded towards zero; what is left over goes to the newest.
        let part = if total == 0 { 0 } else { change * set.replicas / total };
        sizes.push((*index, (set.replicas + part).max(0)));
        left -= part;
    }
    if let Some(last) = sizes.iter_mut().max_by_key(|(index, _)| (Some(*index) == current, *index)) {
        last.1 = (last.1 + left).max(0);
    }
    sizes
}

/// Everything old goes first, then the new set comes whole.
pub fn recreate(limits: &Limits, sets: &[Set], current: Option<usize>, old_pods_left: bool) -> Sizes {
    let old: Sizes = (0..sets.len())
        .filter(|index| Some(*index) != current && sets[*index].replicas > 0)
        .map(|index| (index, 0))
        .collect();
    if !old.is_empty() || old_pods_left {
        return old;
    }
    current
        .filter(|index| sets[*index].replicas != limits.desired)
        .map(|index| (index, limits.desired))
        .into_iter()
        .collect()
}

/// One step of a rolling update.
pub fn roll(limits: &Limits, sets: &[Set], current: Option<usize>) -> Sizes {
    let Some(current) = current else {
        return Vec::new();
    };
    let total: i64 = sets.iter().map(|set| set.replicas).sum();
    let new = sets[current];
    if new.replicas > limits.desired {
        return vec![(current, limits.desired)];
    }
    let size = new_size(limits, total, new.replicas);
    if size != new.replicas {
        return vec![(current, size)];
    }
    let old: Vec<usize> = (0..sets.len()).filter(|index| *index != current && sets[*index].replicas > 0).collect();
    let minimum = limits.desired - limits.unavailable;
    let mut budget = total - minimum - (new.replicas - new.available);
    if old.is_empty() || budget <= 0 {
        return Vec::new();
    }
    let mut next: Vec<i64> = sets.iter().map(|set| set.replicas).collect();
    for index in &old {
        // Pods that are not available serve nobody: they go first.
        let idle = (sets[*index].replicas - sets[*index].available).max(0).min(budget);
        next[*index] -= idle;
        budget -= idle;
    }
    let available: i64 = sets.iter().map(|set| set.available).sum();
    let mut spare = (available - minimum).max(0);
    for index in &old {
        let gone = next[*index].min(spare);
        next[*index] -= gone;
        spare -= gone;
    }
    old.into_iter().filter(|index| next[*index] != sets[*index].replicas).map(|index| (index, next[index])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn set(replicas: i64, available: i64) -> Set {
        Set { replicas, actual: replicas, available, sized_for: Some(4) }
    }

    #[test]
    fn fractions_round_surge_up_and_unavailable_down() {
        let spec = json!({"replicas": 2, "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}});
        assert_eq!(limits(&spec), Limits { desired: 2, surge: 1, unavailable: 0 });
    }

    #[test]
    fn a_rolling_update_keeps_its_limits_and_ends() {
        let limits = Limits { desired: 4, surge: 1, unavailable: 1 };
        let mut sets = vec![set(4, 4), set(0, 0)];
        let mut steps = 0;
        loop {
            let sizes = roll(&limits, &sets, Some(1));
            if sizes.is_empty() {
                break;
            }
            for (index, size) in sizes {
                sets[index].replicas = size;
                sets[index].available = sets[index].available.min(size);
            }
            let available: i64 = sets.iter().map(|set| set.available).sum();
            let total: i64 = sets.iter().map(|set| set.replicas).sum();
            assert!(available >= 3 && total <= 5, "{sets:?}");
            // The new Pods become ready one by one.
            if sets[1].available < sets[1].replicas {
                sets[1].available += 1;
            }
            steps += 1;
            assert!(steps < 50);
        }
        assert_eq!((sets[0].replicas, sets[1].replicas), (0, 4));
    }

    #[test]
    fn what_never_gets_ready_stops_at_the_limit() {
        let limits = Limits { desired: 4, surge: 1, unavailable: 1 };
        assert_eq!(roll(&limits, &[set(3, 3), set(2, 0)], Some(1)), []);
    }

    #[test]
    fn resizing_is_proportional() {
        let limits = Limits { desired: 8, surge: 2, unavailable: 0 };
        assert_eq!(resize(&limits, &[set(3, 3), set(2, 2)], Some(1)), [(0, 6), (1, 4)]);
        assert_eq!(resize(&limits, &[set(0, 0), set(4, 4)], Some(1)), [(1, 8)]);
    }
}
