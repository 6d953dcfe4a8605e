//! What a project may touch: repositories, clusters, namespaces and kinds that its `confine` block allows.

use super::rendered::Place;
use crate::diag::{Diagnostic, Diags, codes};
use crate::model::Model;
use crate::plan::judge::matches;
use crate::source::Span;
use crate::spec::Spec;
use crate::spec::access::{Confine, Patterns};

/// Reports lists that allow everything.
pub fn spec(spec: &Spec, diags: &mut Diags) {
    let Some(confine) = spec.projects.first().and_then(|project| project.confine.as_ref()) else { return };
    let lists = [&confine.repositories, &confine.clusters, &confine.namespaces, &confine.kinds];
    for pattern in lists.into_iter().flatten().flat_map(|patterns| &patterns.list).filter(|one| one.value == "*") {
        let finding = Diagnostic::new(&codes::WILDCARD_PROJECT, pattern.span, "`*` confines the project to everything");
        diags.push(finding.here("allows all of them").help("name what the project needs, for instance `team-*`"));
    }
}

/// Reports what is outside.
pub fn check(spec: &Spec, model: &Model, places: &[Place], diags: &mut Diags) {
    let Some(confine) = spec.projects.first().and_then(|project| project.confine.as_ref()) else { return };
    if let Some(remote) = &model.project.remote {
        inside(&confine.repositories, "repository", &remote.value, remote.span, diags);
    }
    for environment in &model.environments {
        let written = spec.environments.iter().find(|written| written.name.value == environment.name.value);
        for place in written.iter().flat_map(|written| &written.clusters) {
            inside(&confine.clusters, "cluster", &place.name.value, place.name.span, diags);
        }
        let others = environment.others.iter().map(|(_, namespace)| namespace);
        for namespace in std::iter::once(&environment.namespace).chain(others) {
            inside(&confine.namespaces, "namespace", &namespace.value, namespace.span, diags);
        }
    }
    for pipeline in &model.pipelines {
        let written = spec.pipelines.iter().find(|written| written.name.value == pipeline.name.value);
        let cluster = written.and_then(|written| written.runs_on.as_ref()).and_then(|place| place.cluster.as_ref());
        let span = cluster.map_or(pipeline.name.span, |cluster| cluster.span);
        inside(&confine.clusters, "cluster", &model.cluster(pipeline.cluster).name, span, diags);
        if !pipeline.namespace.value.is_empty() {
            inside(&confine.namespaces, "namespace", &pipeline.namespace.value, pipeline.namespace.span, diags);
        }
    }
    places.iter().for_each(|place| objects(confine, place, diags));
}

fn objects(confine: &Confine, place: &Place, diags: &mut Diags) {
    for object in &place.rendered.objects {
        let group = if object.group().is_empty() { "core" } else { object.group() };
        let kind = format!("{group}/{}", object.kind());
        let span = object.place("/kind");
        if let Some(denied) = confine.denied_kinds.as_ref().and_then(|denied| fitting(denied, &kind)) {
            let message = format!("kind `{kind}` is denied to the project");
            let finding = Diagnostic::new(&codes::OUTSIDE_CONFINEMENT, span, message).here("not allowed");
            diags.push(
                finding.label(denied, "denied here").help("remove the object, or change the project's `confine`"),
            );
            continue;
        }
        inside(&confine.kinds, "kind", &kind, span, diags);
        let namespace = place.namespace(object);
        if !namespace.is_empty() && namespace != place.environment.namespace.value {
            inside(&confine.namespaces, "namespace", namespace, object.place("/metadata/namespace"), diags);
        }
    }
}

fn fitting(patterns: &Patterns, text: &str) -> Option<Span> {
    patterns.list.iter().find(|pattern| matches(&pattern.value, text)).map(|pattern| pattern.span)
}

fn inside(allowed: &Option<Patterns>, what: &str, text: &str, span: Span, diags: &mut Diags) {
    let Some(allowed) = allowed.as_ref().filter(|allowed| fitting(allowed, text).is_none()) else { return };
    let message = format!("{what} `{text}` is outside what the project is confined to");
    let finding = Diagnostic::new(&codes::OUTSIDE_CONFINEMENT, span, message).here("not allowed");
    diags.push(
        finding
            .label(allowed.span, "allowed are only these")
            .help(format!("use an allowed {what}, or add it to the project's `confine`")),
    );
}
