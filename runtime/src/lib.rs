//! The runtime.

pub mod effects;
pub mod step;
