//! Containers and Pods of tasks: names, resources, security, tolerations, probes, caches, artefacts.
//!
//! Source of what Kubernetes refuses: `k8s.io/kubernetes/pkg/apis/core/validation`.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Diags, codes};
use crate::expr::Template;
use crate::source::{Span, Spanned};
use crate::spec::Spec;
use crate::spec::pod::{Cache, Pod, Ready, Resources, Security, Sidecar, Toleration};
use crate::spec::task::Task;
use crate::spec::value;

/// Reports what cannot start, or starts as nobody meant it.
pub fn check(spec: &Spec, diags: &mut Diags) {
    for task in &spec.tasks {
        check_task(task, diags);
    }
    for pipeline in &spec.pipelines {
        let uses = pipeline.tasks.iter().chain(&pipeline.finally);
        let own = uses.clone().filter_map(|task| task.pod.as_ref());
        for pod in pipeline.pod.iter().chain(own) {
            check_pod(pod, diags);
        }
        for resources in uses.filter_map(|task| task.resources.as_ref()) {
            check_resources(resources, diags);
        }
    }
}

fn check_task(task: &Task, diags: &mut Diags) {
    let template = task.template.as_ref();
    let resources = template.iter().filter_map(|template| template.resources.as_ref());
    let resources = resources.chain(task.steps.iter().filter_map(|step| step.resources.as_ref()));
    for resources in resources.chain(task.sidecars.iter().filter_map(|sidecar| sidecar.resources.as_ref())) {
        check_resources(resources, diags);
    }
    let security = template.iter().filter_map(|template| template.security.as_ref());
    let security = security.chain(task.steps.iter().filter_map(|step| step.security.as_ref()));
    for security in security.chain(task.sidecars.iter().filter_map(|sidecar| sidecar.security.as_ref())) {
        check_security(security, diags);
    }
    let mut names: BTreeMap<&str, Span> = task.steps.iter().map(|step| (step.name.as_str(), step.name.span)).collect();
    for sidecar in task.sidecars.iter().filter(|sidecar| !sidecar.name.value.is_empty()) {
        if let Some(first) = names.get(sidecar.name.as_str()) {
            let message = format!("sidecar `{}` has the name of another container", sidecar.name.value);
            let finding = Diagnostic::new(&codes::CONTAINER_NAME_TAKEN, sidecar.name.span, message).here("again");
            diags.push(finding.label(*first, "first here"));
        }
        names.insert(sidecar.name.as_str(), sidecar.name.span);
        check_sidecar(sidecar, diags);
    }
    task.caches.iter().for_each(|cache| check_key(cache, diags));
    paths("cache", task.caches.iter().map(|cache| &cache.path), diags);
    paths("artefact", task.artefacts.iter().map(|artefact| &artefact.path), diags);
}

fn check_resources(resources: &Resources, diags: &mut Diags) {
    for bounds in &resources.bounds {
        let (Some(request), Some(limit)) = (&bounds.request, &bounds.limit) else { continue };
        let (Some(asked), Some(most)) = (value::quantity_value(&request.value), value::quantity_value(&limit.value))
        else {
            continue;
        };
        if asked > most {
            let message = format!("the request of {} is larger than its limit", bounds.resource);
            let finding = Diagnostic::new(&codes::REQUEST_ABOVE_LIMIT, request.span, message);
            diags.push(finding.here(format!("more than {}", limit.value)).label(limit.span, "the limit"));
        }
    }
}

fn check_security(security: &Security, diags: &mut Diags) {
    let set = |field: &Option<Spanned<bool>>, value: bool| {
        field.as_ref().filter(|field| field.value == value).map(|field| field.span)
    };
    let mut conflict = |span: Span, message: &str, other: Option<Span>| {
        let finding = Diagnostic::new(&codes::SECURITY_CONFLICT, span, message).here("this does not go");
        diags.push(match other {
            Some(other) => finding.label(other, "with this"),
            None => finding,
        });
    };
    let root = security.run_as_user.as_ref().filter(|user| user.value == 0);
    if let (Some(user), Some(rule)) = (root, set(&security.run_as_non_root, true)) {
        conflict(user.span, "user 0 is root, which `run-as-non-root` forbids", Some(rule));
    }
    for id in [&security.run_as_user, &security.run_as_group, &security.fs_group].into_iter().flatten() {
        if id.value < 0 || id.value > i64::from(i32::MAX) {
            conflict(id.span, "an id is between 0 and 2147483647", None);
        }
    }
    if let (Some(privileged), Some(rule)) = (set(&security.privileged, true), set(&security.allow_escalation, false)) {
        conflict(privileged, "a privileged container may always gain rights", Some(rule));
    }
    for name in &security.add {
        if let Some(dropped) = security.drop.iter().find(|dropped| dropped.value == name.value) {
            conflict(name.span, "a capability is given and given up", Some(dropped.span));
        }
    }
}

fn check_pod(pod: &Pod, diags: &mut Diags) {
    pod.security.iter().for_each(|security| check_security(security, diags));
    pod.tolerations.iter().for_each(|toleration| check_toleration(toleration, diags));
}

fn check_toleration(toleration: &Toleration, diags: &mut Diags) {
    let finding = |span: Span, message: &str| Diagnostic::new(&codes::TOLERATION_CONFLICT, span, message);
    if let Some(seconds) = &toleration.seconds {
        match &toleration.effect {
            Some(effect) if effect.value == "NoExecute" => {}
            Some(effect) => {
                let found = finding(seconds.span, "a toleration has a time although its effect is not `NoExecute`");
                diags.push(found.here("only `NoExecute` takes a time").label(effect.span, "the effect"));
            }
            None => {
                let found = finding(seconds.span, "a toleration has a time and no effect");
                diags.push(found.here("only `NoExecute` takes a time").help("add `effect=\"NoExecute\"`"));
            }
        }
    }
    if let (Some(value), None) = (&toleration.value, &toleration.key) {
        let found = finding(value.span, "a toleration has a value and no key");
        diags
            .push(found.here("the value of which taint").help("write the key first: `toleration \"KEY\" value=\"…\"`"));
    }
}

fn check_sidecar(sidecar: &Sidecar, diags: &mut Diags) {
    for port in sidecar.ports.iter().filter(|port| !is_port(port.value)) {
        diags.push(bad_port(port));
    }
    match &sidecar.ready {
        Some(ready) => check_ready(ready, sidecar, diags),
        None if sidecar.ports.is_empty() => {
            let message = format!("nothing says when sidecar `{}` is ready", sidecar.name.value);
            let finding = Diagnostic::new(&codes::SIDECAR_NEVER_READY, sidecar.name.span, message);
            diags.push(finding.here("the steps do not wait for it").help("add `ready tcp=PORT`, or `port PORT`"));
        }
        None => {}
    }
}

fn check_ready(ready: &Ready, sidecar: &Sidecar, diags: &mut Diags) {
    let bad = |span: Span, message: &str| Diagnostic::new(&codes::BAD_PROBE, span, message);
    let ways = [ready.tcp.is_some(), ready.http.is_some(), ready.run.is_some()].iter().filter(|way| **way).count();
    if ways != 1 {
        let found = bad(ready.span, "`ready` has one of `tcp`, `http` and `run`");
        diags.push(found.here(format!("it has {ways}")));
    }
    for port in ready.tcp.iter().chain(&ready.port).filter(|port| !is_port(port.value)) {
        diags.push(bad_port(port));
    }
    if let (Some(path), None, true) = (&ready.http, &ready.port, sidecar.ports.is_empty()) {
        diags.push(bad(path.span, "an HTTP probe has no port").here("at which port").help("add `port=8080`"));
    }
    if let Some(path) = ready.http.as_ref().filter(|path| !path.value.starts_with('/')) {
        diags.push(bad(path.span, "the path of an HTTP probe begins with `/`").here("no path of a URL"));
    }
}

fn is_port(port: i64) -> bool {
    (1..=65535).contains(&port)
}

fn bad_port(port: &Spanned<i64>) -> Diagnostic {
    let message = format!("{} is not a port", port.value);
    Diagnostic::new(&codes::BAD_PROBE, port.span, message).here("a port is between 1 and 65535")
}

fn check_key(cache: &Cache, diags: &mut Diags) {
    let moving = cache.key.as_ref().is_some_and(|key| key.literal().is_none());
    if cache.files.is_empty() && !moving {
        let message = format!("the key of cache `{}` never changes", cache.name.value);
        let span = cache.key.as_ref().map_or(cache.name.span, |key| key.span);
        let finding = Diagnostic::new(&codes::CACHE_KEY_CONSTANT, span, message).here("what is in it goes stale");
        diags.push(finding.help("add `files \"go.sum\"` with the files that say what is in it"));
    }
}

fn paths<'a>(what: &str, all: impl Iterator<Item = &'a Template>, diags: &mut Diags) {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    for template in all.filter(|template| !template.pieces.is_empty()) {
        let text = written(template);
        if let Some(first) = seen.get(&text) {
            let finding =
                Diagnostic::new(&codes::PATH_TWICE, template.span, format!("two of `{what}` have the same path"));
            diags.push(finding.here("again").label(*first, "first here"));
        }
        seen.entry(text).or_insert(template.span);
    }
}

fn written(template: &Template) -> String {
    let chains = template.chains().map(|chain| chain.show()).collect::<Vec<_>>().join(" ");
    let text = |piece: &crate::expr::Piece| match piece {
        crate::expr::Piece::Text(text) => text.clone(),
        crate::expr::Piece::Expression(expression) => format!("\0{}", expression.source),
        crate::expr::Piece::Chain(_) | crate::expr::Piece::Unread => "\0".to_owned(),
    };
    format!("{} {chains}", template.pieces.iter().map(text).collect::<String>().trim_end_matches('/'))
}
