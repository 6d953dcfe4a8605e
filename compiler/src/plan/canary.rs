//! Replica counts of a canary, and the label that tells its Pods apart.

/// Label that a canary's Pods, template and selector have.
pub const TRACK_LABEL: &str = "waybill.dev/track";
/// Its value.
pub const TRACK: &str = "canary";

/// How many replicas each Deployment has in a stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Split {
    pub stable: u32,
    pub canary: u32,
}

/// The counts for a weight in percent: the canary's share rounded up, together always `replicas`.
pub fn split(replicas: u32, weight: u32) -> Split {
    let share = (u64::from(replicas) * u64::from(weight.min(100))).div_ceil(100);
    let canary = u32::try_from(share).unwrap_or(replicas);
    Split { stable: replicas - canary, canary }
}
