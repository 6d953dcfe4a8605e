//! What should be: pipeline runs, versions, overlays and objects, from the checked spec and what git and the records say.
//!
//! **Invariant:** pure; a value that only a run can give stands as a placeholder (`plan::unknown`).
//! Not here: what is there already (`plan::observed`) and the difference (`plan::build`).

pub mod environment;
pub mod pod;
pub mod run;
pub mod secrets;
pub mod versions;

use std::collections::{BTreeMap, BTreeSet};

use crate::check::Checked;
use crate::diag::Diags;
use crate::model::{EnvironmentId, Model, PipelineId};
use crate::plan::observed::Observed;
use crate::source::Sources;

/// What of the spec is planned, and with which values.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Names given by `--env`.
    pub environments: Vec<String>,
    /// Names given by `--pipeline`.
    pub pipelines: Vec<String>,
    /// `--param [PIPELINE.]NAME=VALUE`.
    pub params: Vec<Param>,
    /// Run pipelines whose run has succeeded before.
    pub rerun: bool,
    /// Addresses of holds that are lifted.
    pub retry: Vec<String>,
    pub offline: bool,
    /// Version of the program.
    pub tool: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Param {
    pub pipeline: Option<String>,
    pub name: String,
    pub value: String,
}

/// The spec's pipelines and environments that are planned.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub pipelines: BTreeSet<PipelineId>,
    pub environments: BTreeSet<EnvironmentId>,
}

/// Everything that should be.
#[derive(Debug, Default)]
pub struct Desired {
    pub scope: Scope,
    /// Runs that are not known to have succeeded, by pipeline.
    pub runs: BTreeMap<PipelineId, run::Run>,
    pub environments: BTreeMap<EnvironmentId, environment::Environment>,
    pub held: Vec<crate::plan::observed::Hold>,
    /// Findings that only planning can make.
    pub problems: Diags,
}

/// What should be. `observed` needs git and the records; objects may be missing yet.
pub fn desired(sources: &Sources, checked: &Checked, observed: &Observed, options: &Options) -> Desired {
    let mut desired = Desired { scope: scope(checked.model(), options), ..Desired::default() };
    let model = checked.model();
    for pipeline in desired.scope.pipelines.clone() {
        if let Some(run) = run::wanted(model, pipeline, observed, options, &mut desired.problems) {
            desired.runs.insert(pipeline, run);
        }
    }
    let versions = versions::versions(sources, checked, observed, options, &mut desired);
    for id in desired.scope.environments.clone() {
        let mut environment = environment::environment(sources, model, id, &versions[id.0], &mut desired.problems);
        let secrets = secrets::objects(model, model.environment(id), &environment.objects, observed, options.offline);
        environment.objects.splice(0..0, secrets);
        desired.environments.insert(id, environment);
    }
    desired
}

/// Nothing named: everything. An environment brings the pipelines that its images come from; a pipeline comes alone.
pub fn scope(model: &Model, options: &Options) -> Scope {
    let mut scope = Scope::default();
    let all = options.environments.is_empty() && options.pipelines.is_empty();
    for id in model.environment_ids() {
        let named = options.environments.contains(&model.environment(id).name.value);
        if !named && !all {
            continue;
        }
        scope.environments.insert(id);
        for image in &model.environment(id).images {
            if let crate::model::ImageSource::Pipeline(pipeline, _) = image.from {
                scope.pipelines.insert(pipeline);
            }
        }
    }
    for (at, pipeline) in model.pipelines.iter().enumerate() {
        if all || options.pipelines.contains(&pipeline.name.value) {
            scope.pipelines.insert(PipelineId(at));
        }
    }
    scope
}
