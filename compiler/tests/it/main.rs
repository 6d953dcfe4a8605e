//! Integration tests of this crate, one binary.

mod corpus;
mod yaml;
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod overlay;
