//! The controllers: loops that watch the store and bring objects to where their specs want them.
//!
//! **Invariant:** each decision is a function of what is stored and the time.

use serde_json::Value;

use crate::store::Store;

pub struct Running;

impl Running {
    pub async fn stop(self) {}
}

pub fn start(_store: Store) -> Running {
    Running
}

/// A count or a percentage of `total`, rounded up or down.
pub fn share(value: &Value, total: i64, round_up: bool) -> i64 {
    match value {
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            let product = percent * total;
            product / 100 + i64::from(round_up && product % 100 != 0)
        }
        other => other.as_i64().unwrap_or(0),
    }
}
