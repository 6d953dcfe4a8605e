//! The runtime.

pub mod apply;
pub mod effects;
pub mod journal;
pub mod planfile;
