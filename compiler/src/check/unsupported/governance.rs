//! Of triggers, secrets, access and policies.

use crate::diag::Diagnostic;
use crate::model::Model;

pub fn refused(_model: &Model) -> Vec<Diagnostic> {
    Vec::new()
}
