//! The Waybill compiler: pure text to plan.
//!
//! `Sources → Tree → Spec → Model → Checked → Plan`, a straight line of plain functions.
//!
//! **Invariant:** no file access, network, process, clock, environment, async, threads or randomness: time, ids and
//! facts about the world are inputs.

pub mod check;
pub mod desired;

pub mod diag;
pub mod dockerfile;
pub mod event;
pub mod expr;
pub mod kubernetes;
pub mod manifest;
pub mod model;
pub mod needs;
pub mod overlay;
pub mod plan;
pub mod source;
pub mod spec;
pub mod syntax;

pub use check::{Checked, Checking};

use diag::{Diagnostic, Diags, codes};
use source::{FileId, Sources, Span};

/// Takes sources as far as they go: to files that are still needed, or to findings and, without errors, a checked model.
/// The first file of `sources` is what findings without a place point to.
pub fn compile(sources: &Sources) -> (Checking, Diags) {
    let mut diags = Diags::default();
    let files = match needs::spec_files(sources, &mut diags) {
        Ok(files) => files,
        Err(needs) => return (Checking { needs, checked: None }, diags),
    };
    if files.is_empty() {
        if !diags.has_errors() {
            let finding =
                Diagnostic::new(&codes::NO_SPEC, Span::start_of(FileId(0)), "no delivery spec was found here");
            diags.push(finding.help("a spec is `waybill.kdl` or `waybill.yaml`, or files under `.waybill/`"));
        }
        return (Checking { needs: Vec::new(), checked: None }, diags);
    }
    let unread = diags.has_errors();
    let mut spec = spec::lower(sources, &files, &mut diags);
    spec.torn |= unread;
    if !spec.generated.needs.is_empty() {
        return (Checking { needs: spec.generated.needs, checked: None }, diags);
    }
    check::spec(sources, &spec, &mut diags);
    if spec.torn {
        diags.once_in(&spec.generated.blocks);
        return (Checking { needs: Vec::new(), checked: None }, diags);
    }
    let model = model::resolve(&spec, &mut diags);
    let checking = check::run(sources, &spec, model, &mut diags);
    diags.once_in(&spec.generated.blocks);
    (checking, diags)
}
