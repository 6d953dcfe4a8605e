//! Integration tests of this crate, one binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod codes;
mod corpus;
mod examples;
mod memory;
mod overlay;
mod project;
mod yaml;
