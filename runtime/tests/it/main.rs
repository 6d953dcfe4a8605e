//! Integration tests of this crate, one binary.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod git;
mod git_commit;
mod repos;
mod step_checkout;
mod step_image;
