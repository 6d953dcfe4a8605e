//! Spec to model: names to ids, defaults filled in.

use super::{Cluster, EnvironmentId, Model, Project, Registry, Store, environment, order, pipeline, task};
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::{Sources, Span, Spanned};
use crate::spec::{self, Spec};

/// The cluster that exists without being written: the embedded one.
pub const DEFAULT_CLUSTER: &str = "default";

/// A model, if nothing is wrong so far. Errors of each part are found whatever is wrong with the others.
pub fn resolve(sources: &Sources, spec: &Spec, diags: &mut Diags) -> Option<Model> {
    let project = project(sources, spec, diags);
    let clusters = clusters(spec, diags);
    unique(spec.tasks.iter().map(|task| &task.name), "task", diags);
    unique(spec.pipelines.iter().map(|pipeline| &pipeline.name), "pipeline", diags);
    unique(spec.environments.iter().map(|environment| &environment.name), "environment", diags);
    let tasks: Vec<_> = spec.tasks.iter().map(|spec| task::resolve(spec, diags)).collect();
    let registries = project.as_ref().map(|project| project.registries.as_slice()).unwrap_or_default();
    let outer = pipeline::Outer { clusters: &clusters, tasks: &tasks, registries };
    let pipelines: Vec<_> = spec.pipelines.iter().map(|spec| pipeline::resolve(spec, &outer, diags)).collect();
    let environments = environments(spec, &clusters, &pipelines, diags);
    if diags.has_errors() {
        return None;
    }
    let stores = spec.stores.iter().map(|store| Store { name: store.name.clone() }).collect();
    let pipelines = pipelines.into_iter().collect::<Option<Vec<_>>>()?;
    Some(Model { project: project?, clusters, stores, tasks, pipelines, environments: environments? })
}

fn project(sources: &Sources, spec: &Spec, diags: &mut Diags) -> Option<Project> {
    if let [first, second, ..] = spec.projects.as_slice() {
        let finding = Diagnostic::new(&codes::DUPLICATE_DEFINITION, second.span, "the spec has two projects");
        diags.push(finding.here("the second").label(first.span, "the first"));
    }
    let Some(project) = spec.projects.first() else {
        let written = sources.ids().next().filter(|_| !diags.has_errors());
        if let Some(file) = written {
            let finding = Diagnostic::new(&codes::NO_PROJECT, Span::start_of(file), "the spec has no project");
            diags.push(finding.help("begin with `project \"NAME\"`"));
        }
        return None;
    };
    let repo = project.repo.as_ref();
    let registry = |registry: &spec::project::Registry| Registry {
        prefix: registry.prefix.clone(),
        pull: registry.pull.clone(),
        push: registry.push.clone(),
    };
    Some(Project {
        name: project.name.value.clone(),
        runner_image: project.runner_image.clone(),
        remote: repo.and_then(|repo| repo.url.clone()),
        branch: repo.and_then(|repo| repo.branch.clone()).map_or("main".into(), |branch| branch.value),
        registries: project.registries.iter().map(registry).collect(),
        credentials: repo.and_then(|repo| repo.credentials.clone()),
        span: project.span,
    })
}

fn clusters(spec: &Spec, diags: &mut Diags) -> Vec<Cluster> {
    unique(spec.clusters.iter().map(|cluster| &cluster.name), "cluster", diags);
    let written = |cluster: &spec::cluster::Cluster| Cluster {
        name: cluster.name.value.clone(),
        context: cluster.context.as_ref().map(|context| context.value.clone()),
        span: Some(cluster.span),
    };
    let mut clusters: Vec<Cluster> = spec.clusters.iter().map(written).collect();
    if !clusters.iter().any(|cluster| cluster.name == DEFAULT_CLUSTER) {
        clusters.push(Cluster { name: DEFAULT_CLUSTER.into(), context: None, span: None });
    }
    clusters
}

/// Environments in the order of promotion; `None` where a cycle or an unknown name makes one impossible.
fn environments(
    spec: &Spec,
    clusters: &[Cluster],
    pipelines: &[Option<super::Pipeline>],
    diags: &mut Diags,
) -> Option<Vec<super::Environment>> {
    let names: Vec<&str> = spec.environments.iter().map(|environment| environment.name.as_str()).collect();
    let mut needs = Vec::new();
    for environment in &spec.environments {
        let from = environment.promote.as_ref().map(|promote| &promote.from);
        needs.push(from.and_then(|from| environment::find(from, &names, diags)).into_iter().collect::<Vec<usize>>());
    }
    let order = match order::topological(&needs) {
        Ok(order) => order,
        Err(cycle) => {
            diags.push(promotion_cycle(spec, &cycle));
            (0..names.len()).collect()
        }
    };
    let mut resolved: Vec<super::Environment> = Vec::new();
    let mut complete = true;
    for at in order {
        let before =
            needs[at].first().and_then(|need| resolved.iter().position(|done| done.name.value == names[*need]));
        match environment::resolve(
            &spec.environments[at],
            clusters,
            pipelines,
            before.map(EnvironmentId),
            &resolved,
            diags,
        ) {
            Some(environment) => resolved.push(environment),
            None => complete = false,
        }
    }
    complete.then_some(resolved)
}

fn promotion_cycle(spec: &Spec, cycle: &[usize]) -> Diagnostic {
    let at = |index: usize| &spec.environments[index];
    let span = |index: usize| at(index).promote.as_ref().map_or(at(index).span, |promote| promote.from.span);
    let name = |index: usize| at(index).name.value.as_str();
    let first = cycle[0];
    if let [only] = cycle {
        let message = format!("environment `{}` is promoted from itself", name(*only));
        return Diagnostic::new(&codes::PROMOTION_CYCLE, span(*only), message).here("name the environment before it");
    }
    let path: Vec<&str> = cycle.iter().chain([&first]).map(|index| name(*index)).collect();
    let message = format!("environments are promoted in a circle: {}", path.join(" from "));
    let finding = Diagnostic::new(&codes::PROMOTION_CYCLE, span(first), message)
        .here(format!("`{}` comes from here", name(first)));
    cycle[1..]
        .iter()
        .fold(finding, |finding, index| finding.label(span(*index), format!("`{}` comes from here", name(*index))))
}

/// Reports each name that was there before.
pub fn unique<'a>(names: impl Iterator<Item = &'a Spanned<String>>, what: &str, diags: &mut Diags) {
    let mut seen: std::collections::BTreeMap<&str, Span> = Default::default();
    for name in names {
        match seen.get(name.as_str()) {
            Some(first) => {
                let message = format!("{what} `{}` is defined twice", name.value);
                let finding = Diagnostic::new(&codes::DUPLICATE_DEFINITION, name.span, message);
                diags.push(finding.here("again").label(*first, "first here"));
            }
            None => {
                seen.insert(name.as_str(), name.span);
            }
        }
    }
}

/// The cluster called `name`.
pub fn cluster(name: &Spanned<String>, clusters: &[Cluster], diags: &mut Diags) -> Option<super::ClusterId> {
    let found = clusters.iter().position(|cluster| cluster.name == name.value);
    if found.is_none() {
        let known: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
        diags.push(unknown(name, "cluster", &known));
    }
    found.map(super::ClusterId)
}

/// A name of the spec that nothing has.
pub fn unknown(name: &Spanned<String>, what: &str, known: &[&str]) -> Diagnostic {
    let finding = Diagnostic::new(&codes::UNKNOWN_NAME, name.span, format!("there is no {what} `{}`", name.value));
    super::scope::closest(finding.here("not defined"), name, what, known)
}
