//! Checks of every join, one rule per file.
//!
//! **Invariant:** a rule only reads and reports; `Checked` exists only if no rule found an error.
//! Not here: facts of a cluster or of git (`plan`).

mod access;
mod analyses;
mod bumps;
mod confinement;
mod containers;
mod credentials;
mod delivery;
mod dockerfiles;
mod images;
mod insert;
mod keepers;
mod limits;
mod links;
mod manifests;
mod moments;
mod namespaces;
mod objects;
mod payloads;
mod platform;
mod pods;
mod policies;
mod readers;
mod references;
mod rendered;
mod results;
mod rollouts;
mod selectors;
mod shells;
mod skipped;
mod sources;
mod splice;
mod stages;
mod startup;
mod strategies;
mod times;
mod traffic;
mod triggers;
mod unsupported;
mod unused;
mod webhooks;

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Diagnostic, Diags, codes};
use crate::dockerfile::Dockerfile;
use crate::manifest::Rendered;
use crate::model::{EnvironmentId, JobId, Model, PipelineId};
use crate::source::{Need, Sources};
use crate::spec::Spec;

/// A model in which every rule holds, with what its manifests render and its Dockerfiles say.
#[derive(Clone, Debug)]
pub struct Checked {
    model: Model,
    rendered: BTreeMap<EnvironmentId, Rendered>,
    dockerfiles: dockerfiles::Dockerfiles,
}

impl Checked {
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// The manifests of an environment as they are in the sources; `None` if it has none.
    pub fn rendered(&self, id: EnvironmentId) -> Option<&Rendered> {
        self.rendered.get(&id)
    }

    /// The Dockerfile of an image; `None` if its context is not a checkout of the project.
    pub fn dockerfile(&self, pipeline: PipelineId, job: JobId) -> Option<&Dockerfile> {
        self.dockerfiles.get(&(pipeline, job)).map(|found| &found.dockerfile)
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
    results::check(spec, diags);
    images::check(spec, diags);
    stages::check(spec, diags);
    containers::check(spec, diags);
    limits::check(spec, diags);
    skipped::check(spec, diags);
    strategies::check(spec, diags);
    analyses::check(spec, diags);
    delivery::check(spec, diags);
    times::check(spec, diags);
    sources::check(spec, diags);
    triggers::check(spec, diags);
    policies::check(spec, diags);
    payloads::check(spec, diags);
    access::check(spec, diags);
    confinement::spec(spec, diags);
}

/// Runs every rule over the model. With needs left, the caller loads them and calls again with fresh findings.
pub fn run(sources: &Sources, spec: &Spec, model: Model, diags: &mut Diags) -> Checking {
    let mut needs = BTreeSet::new();
    let rendered = rendered::all(sources, &model, &mut needs, diags);
    let platforms = platform::all(sources, &model, &mut needs, diags);
    let dockerfiles = dockerfiles::check(sources, &model, &mut needs, diags);
    if !needs.is_empty() {
        return Checking { needs: needs.into_iter().collect(), checked: None };
    }
    namespaces::check(&model, diags);
    let places = rendered::places(sources, &model, &rendered);
    confinement::check(spec, &model, &places, diags);
    manifests::check(sources, &places, &platforms, diags);
    objects::check(sources, spec, &model, &places, diags);
    let keepers = keepers::Keepers::all(&model, &places, &platforms);
    references::check(sources, spec, &model, &places, &keepers, diags);
    credentials::check(&model, &places, &dockerfiles, &keepers, diags);
    webhooks::check(spec, &model, &places, &platforms, &keepers, diags);
    readers::check(&model, &places, &platforms, &keepers, diags);
    shells::check(&model, &places, diags);
    startup::check(&places, diags);
    links::check(&model, &places, &platforms, diags);
    platform::check(&model, &platforms, &places, diags);
    moments::check(&model, &places, diags);
    bumps::check(&model, &places, diags);
    selectors::check(&places, diags);
    rollouts::check(&model, &places, diags);
    if diags.has_errors() {
        return Checking { needs: Vec::new(), checked: None };
    }
    unused::check(spec, diags);
    rollouts::list(&places, diags);
    Checking { needs: Vec::new(), checked: Some(Checked { model, rendered, dockerfiles }) }
}

/// What a plan refuses although the check lets it pass: what apply cannot do yet, and images that cannot be built here.
pub fn refused_at_plan(checked: &Checked) -> Vec<Diagnostic> {
    let mut refused = unsupported::refused(&checked.model);
    if checked.model.project.name.is_empty() {
        let finding =
            Diagnostic::new(&codes::NO_PROJECT, checked.model.project.span, "a module alone has nothing to plan");
        refused.push(finding.here("this is a module").help("plan a project that uses it"));
    }
    refused.extend(dockerfiles::refused(&checked.model, &checked.dockerfiles));
    refused
}
