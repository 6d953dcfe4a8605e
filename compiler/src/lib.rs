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
pub mod modules;
pub mod needs;
pub mod overlay;
pub mod plan;
pub mod source;
pub mod spec;
pub mod syntax;

pub use check::{Checked, Checking};

use diag::{Diagnostic, Diags, codes};
use model::Model;
use source::{FileId, Sources, Span};
use spec::Spec;

/// Takes sources as far as they go: to files that are still needed, or to findings and, without errors, a checked model.
/// The first file of `sources` is what findings without a place point to.
pub fn compile(sources: &Sources) -> (Checking, Diags) {
    compile_again(sources, &mut Kept::default())
}

/// What rounds of needs need not do again: the spec and its model, as long as the spec files are the same.
#[derive(Default)]
pub struct Kept {
    front: Option<Front>,
}

/// A compilation up to where manifests are looked at.
struct Front {
    files: Vec<FileId>,
    spec: Spec,
    model: Option<Model>,
    diags: Diags,
}

/// As `compile`, for the next round over the same sources with more answers: `kept` is that of the rounds before.
pub fn compile_again(sources: &Sources, kept: &mut Kept) -> (Checking, Diags) {
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
    let front = match kept.front.take().filter(|front| front.files == files) {
        Some(front) => front,
        None => front(sources, files, diags),
    };
    let mut diags = front.diags.clone();
    let checking = match &front.model {
        Some(model) => check::run(sources, &front.spec, model.clone(), &mut diags),
        None => Checking { needs: front.spec.generated.needs.clone(), checked: None },
    };
    diags.once_in(&front.spec.generated.blocks);
    if !checking.needs.is_empty() && front.spec.generated.needs.is_empty() {
        kept.front = Some(front);
        return (checking, diags);
    }
    if diags.errors() < 2 {
        return (checking, diags);
    }
    let parts = spec::outline(sources, &front.files);
    let diags = diag::cascade::quiet(sources, &front.files, &parts, diags);
    (checking, diags)
}

/// The spec of the files and, if it is whole, its model; `diags` are the findings so far.
/// Without a model, the spec may need files first.
fn front(sources: &Sources, files: Vec<FileId>, mut diags: Diags) -> Front {
    let unread = diags.has_errors();
    let mut spec = spec::lower(sources, &files, &mut diags);
    spec.torn |= unread;
    modules::bring(sources, &mut spec, &mut diags);
    if !spec.generated.needs.is_empty() {
        return Front { files, spec, model: None, diags };
    }
    check::spec(sources, &spec, &mut diags);
    let model = if spec.torn { None } else { Some(model::resolve(&spec, &mut diags)) };
    Front { files, spec, model, diags }
}
