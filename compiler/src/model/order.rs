//! Order of things that come after one another, and the cycles that make one impossible.

/// Indexes in an order in which each comes after what it needs, ties in the order given; or a cycle, each index needing
/// the next one and the last the first.
pub fn topological(needs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut waiting: Vec<usize> = needs.iter().map(Vec::len).collect();
    let mut dependants: Vec<Vec<usize>> = vec![Vec::new(); needs.len()];
    for (at, before) in needs.iter().enumerate() {
        for need in before {
            dependants[*need].push(at);
        }
    }
    let mut ready: std::collections::BTreeSet<usize> = (0..needs.len()).filter(|at| waiting[*at] == 0).collect();
    let mut order = Vec::with_capacity(needs.len());
    while let Some(at) = ready.pop_first() {
        order.push(at);
        for dependant in &dependants[at] {
            waiting[*dependant] -= 1;
            if waiting[*dependant] == 0 {
                ready.insert(*dependant);
            }
        }
    }
    if order.len() == needs.len() { Ok(order) } else { Err(cycle(needs, &waiting)) }
}

/// Follows needs that are still waiting until one comes again.
fn cycle(needs: &[Vec<usize>], waiting: &[usize]) -> Vec<usize> {
    let start = waiting.iter().position(|count| *count > 0).expect("BUG: no cycle without a waiting item");
    let mut path = vec![start];
    loop {
        let last = path[path.len() - 1];
        let next = needs[last].iter().copied().find(|need| waiting[*need] > 0);
        let next = next.expect("BUG: what waits needs something that waits");
        if let Some(from) = path.iter().position(|at| *at == next) {
            return path.split_off(from);
        }
        path.push(next);
    }
}
