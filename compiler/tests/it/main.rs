//! Integration tests of this crate, one binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod corpus;
mod examples;
mod manifest_cases;
mod manifest_corpus;
mod manifest_findings;
mod overlay;
mod project;
mod yaml;
