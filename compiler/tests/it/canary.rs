//! Replica counts of canaries.

use proptest::prelude::*;
use waybill_compiler::plan::canary::{Split, split};

#[test]
fn shares_are_rounded_up() {
    let counts = |replicas, weights: &[u32]| -> Vec<(u32, u32)> {
        weights.iter().map(|weight| split(replicas, *weight)).map(|Split { stable, canary }| (stable, canary)).collect()
    };
    assert_eq!(counts(4, &[1, 25, 26, 50, 99, 100]), [(3, 1), (3, 1), (2, 2), (2, 2), (0, 4), (0, 4)]);
    assert_eq!(counts(1, &[1, 50, 100]), [(0, 1), (0, 1), (0, 1)]);
    assert_eq!(counts(0, &[1, 100]), [(0, 0), (0, 0)]);
}

proptest! {
    #[test]
    fn no_replica_is_lost_and_larger_weights_give_no_fewer(replicas in 0u32..=u32::MAX, weight in 1u32..100) {
        let (now, next) = (split(replicas, weight), split(replicas, weight + 1));
        prop_assert_eq!(u64::from(now.stable) + u64::from(now.canary), u64::from(replicas));
        prop_assert!(next.canary >= now.canary);
        prop_assert!(replicas == 0 || now.canary >= 1);
    }
}
