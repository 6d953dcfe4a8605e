//! What apply does to the outside world, one module per kind of effect.
//!
//! **Invariant:** every effect is idempotent: doing it again after a crash ends in the same state.
//! Not here: deciding what to do.

pub mod git;
