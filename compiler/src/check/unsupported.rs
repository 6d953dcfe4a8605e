//! What the language has and apply cannot do yet: a plan refuses it, a check does not.
//!
//! **Invariant:** whatever apply would ignore is named here, at the place where it is written.

mod delivery;
mod governance;
mod pipelines;

use crate::diag::Diagnostic;
use crate::model::Model;

/// Everything of a model that apply cannot do yet.
pub fn refused(model: &Model) -> Vec<Diagnostic> {
    let mut all = pipelines::refused(model);
    all.extend(delivery::refused(model));
    all.extend(governance::refused(model));
    all
}
