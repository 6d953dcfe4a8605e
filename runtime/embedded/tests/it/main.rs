//! Integration tests of this crate, one binary.

#![allow(clippy::unwrap_used)] // what fails here fails the test
mod node;
mod node_end;
mod node_refused;
mod node_volumes;
