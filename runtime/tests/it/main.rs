//! Integration tests of this crate, one binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apply_commit;
mod apply_engine;
mod apply_objects;
mod apply_pods;
mod apply_rollout;
mod bench;
mod cli;
mod cli_fmt;
mod cli_gates;
mod cli_input;
mod cli_kill;
mod cli_language;
mod cli_line;
mod cli_manifests;
mod cli_policies;
mod cli_refused;
mod cli_reports;
mod cli_vendor;
mod git;
mod git_commit;
mod planfile;
mod plans;
mod repos;
mod snapshot;
mod step_checkout;
mod step_image;
mod yaml_language_server;
