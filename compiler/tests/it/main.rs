//! Integration tests of this crate, one binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "tests read files; the compiler does not"
)]

mod canary;
mod check_robust;
mod codes;
mod corpus;
mod delivery;
mod dockerfile;
mod events;
mod examples;
mod expressions;
mod external_secrets;
mod folder;
mod fuzzed;
mod immutable;
mod invariants;
mod kdl;
mod kdl_oracles;
mod kdl_work;
mod kubernetes_corpus;
mod manifest_cases;
mod manifest_corpus;
mod manifest_findings;
mod mutation;
mod overlay;
mod project;
mod reference;
mod rules_corpus;
mod schemas;
mod suite;
mod tidy;
mod yaml;
