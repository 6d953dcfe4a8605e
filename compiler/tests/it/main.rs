//! Integration tests of this crate, one binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod codes;
mod corpus;
mod dockerfile;
mod examples;
mod folder;
mod overlay;
mod project;
mod yaml;
