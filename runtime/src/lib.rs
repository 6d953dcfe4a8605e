//! The runtime.

pub mod effects;
