//! Embedded cluster.

pub mod node;
