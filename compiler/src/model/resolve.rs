//! Spec to model: names to ids, defaults filled in.

use super::{
    Cluster, EnvironmentId, ImageSource, Model, Project, Registry, Server, Store, environment, governance, order,
    pipeline, secret, task,
};
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::{FileId, Span, Spanned};
use crate::spec::{self, Spec};

/// The cluster that exists without being written: the embedded one.
pub const DEFAULT_CLUSTER: &str = "default";

/// The model as far as it resolves: what is wrong is reported and left out, so that the rules still see the rest.
pub fn resolve(spec: &Spec, diags: &mut Diags) -> Model {
    let project = project(spec, diags);
    let clusters = clusters(spec, diags);
    let stores: Vec<Store> = spec.stores.iter().map(secret::store).collect();
    unique(stores.iter().map(|store| &store.name), "secret-store", diags);
    unique(spec.tasks.iter().map(|task| &task.name), "task", diags);
    unique(spec.pipelines.iter().map(|pipeline| &pipeline.name), "pipeline", diags);
    unique(spec.environments.iter().map(|environment| &environment.name), "environment", diags);
    let tasks: Vec<_> = spec.tasks.iter().map(|spec| task::resolve(spec, diags)).collect();
    let names = tasks.iter().enumerate().rev().map(|(at, task)| (task.name.as_str(), at)).collect();
    let (registries, modules) = (&project.registries, &spec.modules);
    let outer =
        pipeline::Outer { clusters: &clusters, tasks: &tasks, names: &names, registries, stores: &stores, modules };
    let pipelines: Vec<_> = spec.pipelines.iter().map(|spec| pipeline::resolve(spec, &outer, diags)).collect();
    let outer = environment::Outer { spec, clusters: &clusters, stores: &stores, pipelines: &pipelines };
    let mut environments = environments(spec, &outer, diags);
    let mut kept = 0..;
    let places: Vec<Option<usize>> =
        pipelines.iter().map(|pipeline| pipeline.as_ref().and_then(|_| kept.next())).collect();
    for image in environments.iter_mut().flat_map(|environment| &mut environment.images) {
        if let ImageSource::Pipeline(id, _) = &mut image.from {
            id.0 = places[id.0].expect("BUG: an image comes from a pipeline that was left out");
        }
    }
    let server = server(spec, &clusters, &stores, diags);
    let governance = governance::resolve(spec, &environments, diags);
    let pipelines = pipelines.into_iter().flatten().collect();
    Model { project, server, clusters, stores, tasks, pipelines, environments, governance }
}

/// The project; a nameless one where there is none.
fn project(spec: &Spec, diags: &mut Diags) -> Project {
    // Two in one file are a block too many there, which the table says.
    let two =
        spec.projects.first().zip(spec.projects.iter().find(|project| project.span.file != spec.projects[0].span.file));
    if let Some((first, second)) = two {
        let finding = Diagnostic::new(&codes::DUPLICATE_DEFINITION, second.span, "the spec has two projects");
        diags.push(finding.here("the second").label(first.span, "the first"));
    }
    let written = spec.projects.first();
    if let (None, Some(file), false) = (written, spec.files.first(), spec.is_empty() || spec.module.is_some()) {
        let finding = Diagnostic::new(&codes::NO_PROJECT, Span::start_of(*file), "the spec has no project");
        diags.push(finding.help("begin with `project \"NAME\"`"));
    }
    let repo = written.and_then(|project| project.repo.as_ref());
    let registry = |registry: &spec::project::Registry| Registry {
        prefix: registry.prefix.clone(),
        pull: registry.pull.clone(),
        push: registry.push.clone(),
    };
    let registries = written.map(|project| project.registries.iter().map(registry).collect());
    Project {
        name: written.map_or(String::new(), |project| project.name.value.clone()),
        runner_image: written.and_then(|project| project.runner_image.clone()),
        remote: repo.and_then(|repo| repo.url.clone()),
        branch: repo.and_then(|repo| repo.branch.clone()).map_or("main".into(), |branch| branch.value),
        registries: registries.unwrap_or_default(),
        credentials: repo.and_then(|repo| repo.credentials.clone()),
        pull_request: repo.and_then(|repo| repo.pull_request),
        span: written
            .map(|project| project.span)
            .or(spec.module.as_ref().map(|module| module.span))
            .unwrap_or(Span::start_of(FileId(0))),
    }
}

/// The server, if its cluster is known.
fn server(spec: &Spec, clusters: &[Cluster], stores: &[Store], diags: &mut Diags) -> Option<Server> {
    // Two in one file are a block too many there, which the table says.
    let other = |first: &spec::server::Server| {
        spec.servers.iter().find(|server| server.span.file != first.span.file).map(|server| server.span)
    };
    let written = spec.servers.first()?;
    if let Some(second) = other(written) {
        let finding = Diagnostic::new(&codes::DUPLICATE_DEFINITION, second, "the spec has two servers");
        diags.push(finding.here("the second").label(written.span, "the first"));
    }
    unique(written.secrets.iter().map(|secret| &secret.name), "secret", diags);
    let secrets = secret::secrets(&written.secrets, stores, diags);
    let default = Spanned::new(DEFAULT_CLUSTER.to_owned(), written.span);
    let cluster = cluster(written.cluster.as_ref().unwrap_or(&default), clusters, diags)?;
    let (url, namespace) = (written.url.clone(), written.namespace.clone());
    Some(Server { url, cluster, namespace, secrets, span: written.span })
}

fn clusters(spec: &Spec, diags: &mut Diags) -> Vec<Cluster> {
    unique(spec.clusters.iter().map(|cluster| &cluster.name), "cluster", diags);
    let written = |cluster: &spec::cluster::Cluster| Cluster {
        name: cluster.name.value.clone(),
        context: cluster.context.as_ref().map(|context| context.value.clone()),
        manifests: cluster.manifests.clone(),
        span: Some(cluster.span),
    };
    let mut clusters: Vec<Cluster> = spec.clusters.iter().map(written).collect();
    if !clusters.iter().any(|cluster| cluster.name == DEFAULT_CLUSTER) {
        clusters.push(Cluster { name: DEFAULT_CLUSTER.into(), context: None, manifests: None, span: None });
    }
    clusters
}

/// Environments in the order of promotion.
fn environments(spec: &Spec, outer: &environment::Outer, diags: &mut Diags) -> Vec<super::Environment> {
    let names: Vec<&str> = spec.environments.iter().map(|environment| environment.name.as_str()).collect();
    let mut needs = Vec::new();
    for environment in &spec.environments {
        let from = environment.promote.as_ref().map(|promote| &promote.from);
        needs.push(from.and_then(|from| find(from, "environment", &names, diags)).into_iter().collect::<Vec<usize>>());
    }
    let order = match order::topological(&needs) {
        Ok(order) => order,
        Err(cycle) => {
            diags.push(promotion_cycle(spec, &cycle));
            (0..names.len()).collect()
        }
    };
    let mut resolved: Vec<super::Environment> = Vec::new();
    for at in order {
        let before =
            needs[at].first().and_then(|need| resolved.iter().position(|done| done.name.value == names[*need]));
        let before = before.map(EnvironmentId);
        resolved.extend(environment::resolve(&spec.environments[at], outer, before, &resolved, diags));
    }
    resolved
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
    for name in names.filter(|name| !name.value.is_empty()) {
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
    let known: Vec<&str> = clusters.iter().map(|cluster| cluster.name.as_str()).collect();
    find(name, "cluster", &known, diags).map(super::ClusterId)
}

/// Index of the known name that is meant; an unknown one is reported. An empty one was reported where it is missing.
pub fn find(name: &Spanned<String>, what: &str, known: &[&str], diags: &mut Diags) -> Option<usize> {
    find_in(name, what, "", known, diags)
}

/// As `find`; `place` says where the name is looked for: ` in pipeline …`.
pub fn find_in(name: &Spanned<String>, what: &str, place: &str, known: &[&str], diags: &mut Diags) -> Option<usize> {
    let found = known.iter().position(|known| *known == name.value);
    if found.is_none() && !name.value.is_empty() {
        let message = format!("there is no {what} `{}`{place}", name.value);
        let finding = Diagnostic::new(&codes::UNKNOWN_NAME, name.span, message);
        diags.push(super::scope::closest(finding.here("not defined"), name, what, known));
    }
    found.filter(|_| !name.value.is_empty())
}
