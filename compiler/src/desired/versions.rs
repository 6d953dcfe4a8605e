//! Which version of each image each environment should run, and what its overlay says now.

use std::collections::BTreeMap;

use super::{Desired, Options};
use crate::check::Checked;
use crate::diag::{Diagnostic, Diags, codes};
use crate::model::{EnvironmentId, EnvironmentImage, ImageSource, Model};
use crate::overlay;
use crate::plan::effect::Scalar;
use crate::plan::observed::{Cluster, ClusterFacts, Hold, ImageState, Observed};
use crate::plan::{Unknown, unknown};
use crate::source::{Entry, Sources};

/// The versions of one environment.
#[derive(Clone, Debug, Default)]
pub struct Versions {
    /// The kustomization that they are written in; `None` where there are no images.
    pub overlay: Option<String>,
    pub images: Vec<Version>,
}

/// One image of an environment: what the overlay says at the tip of the branch, and what it should say.
#[derive(Clone, Debug)]
pub struct Version {
    /// Name in the spec.
    pub name: String,
    /// Name of the entry in the overlay.
    pub reference: String,
    pub tag: Scalar,
    pub digest: Scalar,
    /// The commit that the version was built from; empty if nobody knows.
    pub source: String,
    /// The digest's placeholder, if only a run gives it.
    pub unknown: Option<Unknown>,
}

impl Version {
    /// Whether a commit is needed.
    pub fn changes(&self) -> bool {
        self.tag.before != self.tag.after || self.digest.before != self.digest.after
    }

    /// The state after the plan, if the version is known by digest.
    pub fn state(&self) -> Option<ImageState> {
        Some(ImageState {
            name: self.name.clone(),
            tag: self.tag.after.clone().unwrap_or_default(),
            digest: self.digest.after.clone()?,
            source: self.source.clone(),
        })
    }
}

/// What an environment should run: a tag and digest with their source.
struct Target {
    tag: String,
    digest: String,
    source: String,
    unknown: Option<Unknown>,
}

/// The versions of every environment of the model, in its order; those out of scope stay as they are.
pub fn versions(
    sources: &Sources,
    checked: &Checked,
    observed: &Observed,
    options: &Options,
    desired: &mut Desired,
) -> Vec<Versions> {
    let model = checked.model();
    let mut all: Vec<Versions> = Vec::new();
    for id in model.environment_ids() {
        let environment = model.environment(id);
        let mut versions = Versions::default();
        if !environment.images.is_empty() {
            let overlay = environment.manifests.as_ref().and_then(|root| overlay_path(sources, &root.value));
            let texts = Texts { sources, observed, path: overlay.as_deref() };
            for image in &environment.images {
                let now = texts.now(image, &mut desired.problems);
                let target = match image.from {
                    ImageSource::Promoted(from, index) => promoted(&all[from.0], index),
                    ImageSource::Pipeline(..) if !desired.scope.environments.contains(&id) => None,
                    ImageSource::Pipeline(pipeline, job) => built(model, desired, pipeline, job),
                };
                let target = target.filter(|_| desired.scope.environments.contains(&id));
                versions.images.push(version(model, id, image, now, target, observed, options, &mut desired.held));
            }
            versions.overlay = overlay;
        }
        all.push(versions);
    }
    all
}

/// The kustomization file in a folder, by the names that Kustomize accepts.
pub fn overlay_path(sources: &Sources, root: &str) -> Option<String> {
    let root = crate::spec::value::clean_path(root);
    let names = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
    names.iter().map(|name| format!("{root}/{name}")).find(|path| matches!(sources.entry(path), Some(Entry::File(_))))
}

struct Texts<'a> {
    sources: &'a Sources,
    observed: &'a Observed,
    path: Option<&'a str>,
}

impl Texts<'_> {
    /// What the overlay says now: at the tip of the branch, or in the working tree where there is no git.
    fn now(&self, image: &EnvironmentImage, problems: &mut Diags) -> overlay::ImageRef {
        let Some(path) = self.path else { return overlay::ImageRef::default() };
        let written = self.sources.by_path(path).map(|id| self.sources.text(id));
        let tip = self.observed.git.as_ref().and_then(|git| git.tip_files.get(path)).map(String::as_str);
        match tip.or(written).map(|text| overlay::read(text, &image.reference)) {
            Some(Ok(found)) => found.unwrap_or_default(),
            Some(Err(error)) => {
                let message = format!("`{path}` cannot be edited: {error}");
                problems.push(Diagnostic::new(&codes::OVERLAY_UNEDITABLE, image.span, message));
                overlay::ImageRef::default()
            }
            None => overlay::ImageRef::default(),
        }
    }
}

fn promoted(before: &Versions, index: usize) -> Option<Target> {
    let version = before.images.get(index)?;
    let state = version.state()?;
    Some(Target { tag: state.tag, digest: state.digest, source: state.source, unknown: version.unknown.clone() })
}

fn built(
    model: &Model,
    desired: &Desired,
    pipeline: crate::model::PipelineId,
    job: crate::model::JobId,
) -> Option<Target> {
    let run = desired.runs.get(&pipeline)?;
    let (_, tag) = run.images.get(&job)?;
    let name = &model.pipeline(pipeline).job(job).name.value;
    let (tag, source) = (tag.clone(), run.revision.clone());
    if run.needed {
        let unknown = unknown::digest(&model.pipeline(pipeline).name.value, name);
        return Some(Target { tag, digest: unknown.placeholder.clone(), source, unknown: Some(unknown) });
    }
    let digest = run.values.get(&format!("image.{name}.digest"))?.clone();
    let tag = run.values.get(&format!("image.{name}.tag")).cloned().unwrap_or(tag);
    Some(Target { tag, digest, source, unknown: None })
}

#[allow(clippy::too_many_arguments, reason = "each is another kind of fact, and there is one caller")]
fn version(
    model: &Model,
    id: EnvironmentId,
    image: &EnvironmentImage,
    now: overlay::ImageRef,
    target: Option<Target>,
    observed: &Observed,
    options: &Options,
    held: &mut Vec<Hold>,
) -> Version {
    let name = &model.environment(id).name.value;
    let facts = facts(model, id, observed);
    let fresh = |target: &&Target| now.digest.as_deref() != Some(target.digest.as_str());
    let hold = target.as_ref().filter(fresh).and_then(|target| {
        let holds = facts.map(|facts| facts.holds.as_slice()).unwrap_or_default();
        let mut held = holds.iter().filter(|hold| &hold.environment == name && hold.image == image.name);
        held.find(|hold| hold.source == target.source && !options.retry.contains(&hold.address))
    });
    if let Some(hold) = hold {
        held.push(hold.clone());
    }
    let target = target.filter(|_| hold.is_none());
    let scalar = |before: Option<String>, after: Option<String>| Scalar { after: after.or(before.clone()), before };
    let source = match &target {
        Some(target) => target.source.clone(),
        None => recorded_source(facts, name, &image.name, now.digest.as_deref()),
    };
    Version {
        name: image.name.clone(),
        reference: image.reference.clone(),
        tag: scalar(now.tag, target.as_ref().map(|target| target.tag.clone())),
        digest: scalar(now.digest, target.as_ref().map(|target| target.digest.clone())),
        source,
        unknown: target.and_then(|target| target.unknown),
    }
}

fn facts<'a>(model: &Model, id: EnvironmentId, observed: &'a Observed) -> Option<&'a ClusterFacts> {
    match observed.clusters.get(&model.cluster(model.environment(id).cluster).name)? {
        Cluster::Facts(facts) => Some(facts),
        Cluster::Failure(_) => None,
    }
}

/// The commit that a version in an overlay was built from, by the environment's record.
fn recorded_source(facts: Option<&ClusterFacts>, environment: &str, image: &str, digest: Option<&str>) -> String {
    let record = facts.and_then(|facts| facts.records.get(&format!("environment.{environment}")));
    let images = record.map(|record| record.images.as_slice()).unwrap_or_default();
    let found = images.iter().find(|state| state.name == image && Some(state.digest.as_str()) == digest);
    found.map(|state| state.source.clone()).unwrap_or_default()
}

/// The text of an environment's overlay with its versions written in, for rendering.
pub fn overlay_text(sources: &Sources, versions: &Versions) -> BTreeMap<String, String> {
    let Some(path) = &versions.overlay else { return BTreeMap::new() };
    let Some(id) = sources.by_path(path) else { return BTreeMap::new() };
    let mut text = sources.text(id).to_owned();
    for version in &versions.images {
        let new = overlay::NewImage { new_tag: version.tag.after.clone(), digest: version.digest.after.clone() };
        if let Ok(edited) = overlay::restore(&text, &version.reference, &new) {
            text = edited.text;
        }
    }
    BTreeMap::from([(path.clone(), text)])
}
