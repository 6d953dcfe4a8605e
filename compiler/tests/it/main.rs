//! Integration tests of this crate, one binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod check_robust;
mod codes;
mod corpus;
mod dockerfile;
mod examples;
mod folder;
mod manifest_cases;
mod manifest_corpus;
mod manifest_findings;
mod overlay;
mod project;
mod schemas;
mod suite;
mod yaml;
