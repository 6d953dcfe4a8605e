//! Checks of every join, one rule per file.
//!
//! **Invariant:** a rule only reads and reports; `Checked` exists only if no rule found an error.
//! Not here: facts of a cluster or of git (`plan`).

pub mod splice;

use crate::diag::Diags;
use crate::model::Model;
use crate::source::{Need, Sources};
use crate::spec::Spec;

/// A model in which every rule holds.
#[derive(Clone, Debug)]
pub struct Checked {
    model: Model,
}

impl Checked {
    pub fn model(&self) -> &Model {
        &self.model
    }
}

/// What a round of checking gave: files that are still needed, or the checked model.
pub struct Checking {
    pub needs: Vec<Need>,
    pub checked: Option<Checked>,
}

/// Runs every rule that the spec alone decides; they run even where names do not resolve.
pub fn spec(sources: &Sources, spec: &Spec, diags: &mut Diags) {
    splice::check(sources, spec, diags);
}

/// Runs every rule over the model. With needs left, the caller loads them and calls again with fresh findings.
pub fn run(_sources: &Sources, model: Model, diags: &mut Diags) -> Checking {
    let checked = (!diags.has_errors()).then_some(Checked { model });
    Checking { needs: Vec::new(), checked }
}
