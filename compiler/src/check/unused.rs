//! Definitions that nothing uses. They do no harm; most often a name next to them is wrong or a use was forgotten.
//!
//! **Invariant:** runs only over a spec without errors: an unknown name would make what it meant look unused.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Diags, codes};
use crate::expr::{Chain, Template};
use crate::model::resolve::DEFAULT_CLUSTER;
use crate::source::Spanned;
use crate::spec::Spec;
use crate::spec::analysis::SourceKind;
use crate::spec::param::Param;
use crate::spec::pipeline::{Pipeline, TaskUse};
use crate::spec::task::Task;

/// Reports tasks, parameters, workspaces, results, clusters and secret-stores that nothing uses.
pub fn check(spec: &Spec, diags: &mut Diags) {
    check_tops(spec, diags);
    let uses = uses(spec);
    check_modules(spec, diags);
    // What stands in a module is for others too.
    for task in spec.tasks.iter().filter(|task| !task.name.value.contains('.')) {
        match uses.get(task.name.as_str()) {
            Some(uses) => check_task(task, uses, diags),
            None if measured(spec, task) => {}
            None if spec.module.is_some() => check_inner(task, diags),
            None => diags.push(unused("task", &task.name, "no pipeline uses it")),
        }
    }
    for pipeline in &spec.pipelines {
        check_pipeline(pipeline, diags);
    }
}

fn unused(what: &str, name: &Spanned<String>, why: &str) -> Diagnostic {
    let message = format!("{what} `{}` is not used", name.value);
    Diagnostic::new(&codes::UNUSED, name.span, message).here(why.to_owned()).help("use it, or remove it")
}

fn check_tops(spec: &Spec, diags: &mut Diags) {
    let places = spec.environments.iter().flat_map(|environment| &environment.clusters);
    let runs_on = spec.pipelines.iter().filter_map(|pipeline| pipeline.runs_on.as_ref());
    let pods = runs_on.map(|runs_on| runs_on.cluster.as_ref().map_or(DEFAULT_CLUSTER, Spanned::as_str));
    let servers = spec.servers.iter().map(|server| server.cluster.as_ref());
    let servers = servers.map(|cluster| cluster.map_or(DEFAULT_CLUSTER, Spanned::as_str));
    let clusters: Vec<&str> = places.map(|place| place.name.as_str()).chain(pods).chain(servers).collect();
    let idle = |cluster: &&crate::spec::cluster::Cluster| {
        cluster.manifests.is_none() && !clusters.contains(&cluster.name.as_str())
    };
    for cluster in spec.clusters.iter().filter(idle) {
        diags.push(unused("cluster", &cluster.name, "nothing is there"));
    }
    check_named(spec, diags);
    let references = spec.secrets().flat_map(|secret| &secret.references);
    let stores: Vec<&str> = references.map(|reference| reference.store.as_str()).collect();
    for store in spec.stores.iter().filter(|store| !stores.contains(&store.name.as_str())) {
        diags.push(unused("secret-store", &store.name, "no secret is in it"));
    }
}

/// Whether a metric is the outcome of a task.
fn measured(spec: &Spec, task: &Task) -> bool {
    let metrics = spec.analyses.iter().flat_map(|analysis| &analysis.metrics);
    metrics.flat_map(|metric| &metric.sources).any(|source| match &source.kind {
        SourceKind::Job(name) => name.value == task.name.value,
        SourceKind::Prometheus | SourceKind::Web | SourceKind::Kubernetes { .. } => false,
    })
}

/// Analyses and channels.
fn check_named(spec: &Spec, diags: &mut Diags) {
    let named: Vec<&str> =
        spec.environments.iter().flat_map(super::analyses::uses).map(|(_, _, used)| used.name.as_str()).collect();
    for analysis in spec.analyses.iter().filter(|analysis| !named.contains(&analysis.name.as_str())) {
        diags.push(unused("analysis", &analysis.name, "no rollout uses it"));
    }
    let told = spec.environments.iter().flat_map(|environment| &environment.delivery.notifies);
    let told: Vec<&str> = told.map(|notify| notify.channel.as_str()).collect();
    for channel in spec.channels.iter().filter(|channel| !told.contains(&channel.name.as_str())) {
        diags.push(unused("channel", &channel.name, "nobody is told"));
    }
}

/// Modules of which no task is used; those of a module may be there for others.
fn check_modules(spec: &Spec, diags: &mut Diags) {
    let tasks = spec.pipelines.iter().flat_map(|pipeline| pipeline.tasks.iter().chain(&pipeline.finally));
    let tasks: Vec<&str> = tasks.map(|task| task.task.as_str()).collect();
    let metrics = spec.analyses.iter().flat_map(|analysis| &analysis.metrics).flat_map(|metric| &metric.sources);
    let jobs = metrics.filter_map(|source| match &source.kind {
        SourceKind::Job(name) => Some(name.as_str()),
        SourceKind::Prometheus | SourceKind::Web | SourceKind::Kubernetes { .. } => None,
    });
    let named: Vec<&str> = tasks.into_iter().chain(jobs).collect();
    let idle = |alias: &str| !named.iter().any(|name| name.split_once('.').is_some_and(|(first, _)| first == alias));
    for used in spec.uses.iter().filter(|used| spec.module.is_none() && idle(&used.alias.value)) {
        diags.push(unused("module", &used.alias, "no pipeline uses a task of it"));
    }
}

/// By name of a task: where it is used.
fn uses(spec: &Spec) -> BTreeMap<&str, Vec<(&Pipeline, &TaskUse)>> {
    let mut all: BTreeMap<&str, Vec<(&Pipeline, &TaskUse)>> = BTreeMap::new();
    for pipeline in &spec.pipelines {
        for use_of in pipeline.tasks.iter().chain(&pipeline.finally) {
            all.entry(use_of.task.as_str()).or_default().push((pipeline, use_of));
        }
    }
    all
}

fn check_task(task: &Task, uses: &[(&Pipeline, &TaskUse)], diags: &mut Diags) {
    check_inner(task, diags);
    for result in &task.results {
        let read = |(pipeline, use_of): &(&Pipeline, &TaskUse)| {
            let is_it = |chain: &&Chain| chain.parts() == ["task", &use_of.name.value, "result", &result.name.value];
            values(pipeline).iter().flat_map(|template| template.chains()).any(|chain| is_it(&chain))
        };
        if !uses.iter().any(read) {
            diags.push(unused("result", &result.name, "no pipeline reads it"));
        }
    }
}

/// What the steps of a task do not use.
fn check_inner(task: &Task, diags: &mut Diags) {
    let templates = task.strings();
    for param in task.params.iter().filter(|param| !named(&templates, "param", &param.name.value)) {
        diags.push(unused("parameter", &param.name, "no step gets it"));
    }
    // Workspaces are mounted at fixed paths too, so a script may know them without an expression.
    let by_path = task.steps.iter().any(|step| {
        let workdir = step.workdir.as_ref().and_then(Template::literal).unwrap_or_default();
        let script = step.script.as_ref().map_or("", |script| script.text.value.as_str());
        workdir.contains("/workspace") || script.contains("/workspace")
    });
    for workspace in task.workspaces.iter().filter(|name| !by_path && !named(&templates, "workspace", &name.value)) {
        diags.push(unused("workspace", workspace, "no step works in it"));
    }
}

fn check_pipeline(pipeline: &Pipeline, diags: &mut Diags) {
    let values = values(pipeline);
    let read = |name: &str| named(&values, "param", name) || in_conditions(pipeline, name);
    let unread = |param: &&Param| !param.propagate && !read(&param.name.value);
    for param in pipeline.params.iter().filter(unread) {
        diags.push(unused("parameter", &param.name, "nothing in the pipeline gets it"));
    }
    let tasks = pipeline.tasks.iter().chain(&pipeline.finally);
    let bound = tasks.flat_map(|task| &task.workspaces).map(|(_, name)| name.as_str());
    let contexts = pipeline.images.iter().map(|image| image.context.value.split('/').next().unwrap_or_default());
    let used: Vec<&str> = bound.chain(contexts).collect();
    for workspace in pipeline.workspaces.iter().filter(|workspace| !used.contains(&workspace.name.as_str())) {
        diags.push(unused("workspace", &workspace.name, "no task or image works in it"));
    }
}

/// Whether a condition may name a parameter: as a word of its text.
fn in_conditions(pipeline: &Pipeline, name: &str) -> bool {
    let tasks = pipeline.tasks.iter().chain(&pipeline.finally);
    tasks.filter_map(|task| task.when.as_ref()).any(|when| when.value.contains(name))
}

/// Everything in a pipeline that may hold an expression.
fn values(pipeline: &Pipeline) -> Vec<&Template> {
    let tasks = pipeline.tasks.iter().chain(&pipeline.finally);
    let matrices = tasks.clone().filter_map(|task| task.matrix.as_ref());
    let params = tasks.flat_map(|task| task.params.iter().flat_map(|(_, given)| given.templates()));
    let axes = matrices.flat_map(|matrix| matrix.axes.iter().flat_map(|(_, given)| given.templates()));
    let groups = pipeline.concurrency.iter().map(|concurrency| &concurrency.group);
    let tags = pipeline.images.iter().map(|image| &image.tag);
    params
        .chain(axes)
        .chain(groups)
        .chain(tags)
        .chain(pipeline.checkouts.iter().map(|checkout| &checkout.revision))
        .collect()
}

fn named(templates: &[&Template], root: &str, name: &str) -> bool {
    let chains = templates.iter().flat_map(|template| template.chains());
    chains
        .into_iter()
        .any(|chain| matches!(chain.parts().as_slice(), [first, second, ..] if *first == root && *second == name))
}
