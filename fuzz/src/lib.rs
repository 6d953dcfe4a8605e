//! What the targets fuzz: the invariants that the tests of the compiler hold too.
//!
//! **Invariant:** nothing is defined here, so that a finding of a target is a finding of the test it becomes.

#[path = "../../compiler/tests/it/invariants.rs"]
pub mod invariants;
#[path = "../../compiler/tests/it/project.rs"]
pub mod project;
