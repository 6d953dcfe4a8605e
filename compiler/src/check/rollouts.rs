//! Rollouts against the manifests: the workload, what its stages change, and every selector that sees its Pods.
//!
//! The canary is a second Deployment whose Pods have the labels of the stable ones and `waybill.dev/track: canary`.

use serde_json::Value;

use super::rendered::Place;
use super::traffic;
use crate::diag::{Diagnostic, Diags, Severity, codes, suggest};
use crate::manifest::Object;
use crate::manifest::selectors::Selector;
use crate::model::{Model, Rollout};
use crate::plan::canary::{self, Split};
use crate::source::Span;

/// Reports rollouts that cannot do what they say.
pub fn check(model: &Model, places: &[Place], diags: &mut Diags) {
    for environment in model.environments.iter().filter(|environment| environment.manifests.is_none()) {
        for rollout in &environment.rollouts {
            let message = format!("environment `{}` has no manifests to roll out", environment.name.value);
            let finding = Diagnostic::new(&codes::ROLLOUT_WORKLOAD, rollout.workload.span, message);
            diags.push(finding.here("not in any manifest").help("add `manifests \"PATH\"`"));
        }
    }
    for place in places {
        for rollout in &place.environment.rollouts {
            match workload(place, rollout) {
                Ok(workload) if rollout.written.blue_green.is_some() => {
                    traffic::check_switch(place, rollout, workload, diags)
                }
                Ok(workload) => {
                    traffic::check_route(place, rollout, workload, diags);
                    let pods = Pods::of(place, rollout, workload);
                    check_stages(&pods, diags);
                    check_selectors(&pods, diags);
                    check_autoscalers(&pods, diags);
                }
                Err(finding) => diags.push(*finding),
            }
        }
        check_fixed_replicas(place, diags);
    }
}

/// A rollout's Deployment and the labels of the Pods of both sides.
struct Pods<'a> {
    place: &'a Place<'a>,
    rollout: &'a Rollout,
    workload: &'a Object,
    stable: Value,
    canary: Value,
}

impl<'a> Pods<'a> {
    fn of(place: &'a Place<'a>, rollout: &'a Rollout, workload: &'a Object) -> Pods<'a> {
        let labels = workload.value.pointer("/spec/template/metadata/labels").cloned();
        let stable = labels.filter(Value::is_object).unwrap_or_else(|| Value::Object(serde_json::Map::new()));
        let mut canary = stable.clone();
        canary[canary::TRACK_LABEL] = canary::TRACK.into();
        Pods { place, rollout, workload, stable, canary }
    }

    fn name(&self) -> &str {
        &self.rollout.workload.value
    }
}

fn workload<'a>(place: &'a Place, rollout: &Rollout) -> Result<&'a Object, Box<Diagnostic>> {
    let wanted = &rollout.workload;
    let deployments: Vec<&Object> = place.of_kind("apps", "Deployment").collect();
    if let Some(found) = deployments.iter().find(|object| object.name() == wanted.value) {
        return Ok(found);
    }
    let finding = |message: String| Diagnostic::new(&codes::ROLLOUT_WORKLOAD, wanted.span, message);
    let kinds = ["StatefulSet", "DaemonSet", "ReplicaSet"];
    let other = kinds.iter().find_map(|kind| place.of_kind("apps", kind).find(|object| object.name() == wanted.value));
    if let Some(other) = other {
        let found =
            finding(format!("`{}` is a {}, and only a Deployment can be rolled out so", wanted.value, other.kind()));
        return Err(Box::new(found.here("no Deployment").label(other.place("/kind"), "this one")));
    }
    let message = format!("environment `{}` has no Deployment `{}`", place.name(), wanted.value);
    let found = finding(message).here("not in the manifests");
    let names: Vec<&str> = deployments.iter().map(|object| object.name()).collect();
    Err(Box::new(match suggest::closest(&wanted.value, names.iter().copied()) {
        Some(real) => found.help(format!("there is a Deployment with a similar name: `{real}`")),
        None if names.is_empty() => found.help("the manifests have no Deployment"),
        None => {
            let listed: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            found.help(format!("the manifests have {}", listed.join(", ")))
        }
    }))
}

/// Stages with the same replica counts as before them. Without `replicas` in the manifest the counts are not known.
fn check_stages(pods: &Pods, diags: &mut Diags) {
    let written = pods.workload.value.pointer("/spec/replicas").and_then(Value::as_u64);
    let Some(replicas) = written.and_then(|replicas| u32::try_from(replicas).ok()) else { return };
    let place = pods.workload.place("/spec/replicas");
    let finding = |span: Span, message: String| {
        let finding = Diagnostic::new(&codes::STAGE_WITHOUT_EFFECT, span, message);
        finding.label(place, format!("`{}` has {replicas} of them", pods.name()))
    };
    if replicas == 0 {
        let message = format!("no stage of `{}` changes a replica", pods.name());
        diags.push(finding(pods.rollout.workload.span, message).help("give the Deployment replicas"));
        return;
    }
    let mut before = Split { stable: replicas, canary: 0 };
    for stage in pods.rollout.stages.iter().filter(|stage| (1..100).contains(&stage.weight.value)) {
        let split = canary::split(replicas, stage.weight.value);
        if split == before {
            let message = format!("the stage with the weight {} changes no replica", stage.weight.value);
            let found = finding(stage.weight.span, message);
            let found = found.here(format!("{} of {replicas}, as in the stage before", split.canary));
            diags.push(found.help("remove the stage, give it another weight, or give the Deployment more replicas"));
        }
        before = split;
    }
}

/// A selector of an object, and where it stands.
struct Seer<'a> {
    object: &'a Object,
    selector: Selector,
    place: Span,
}

fn check_selectors(pods: &Pods, diags: &mut Diags) {
    for seer in seers(pods.place) {
        let (stable, canary) = (seer.selector.matches(&pods.stable), seer.selector.matches(&pods.canary));
        if stable != canary {
            diags.push(one_sided(pods, &seer, stable));
        }
    }
}

/// Lists what sees the stable Pods of each rollout: a note, for specs without errors.
pub fn list(places: &[Place], diags: &mut Diags) {
    for place in places {
        for rollout in &place.environment.rollouts {
            let Ok(workload) = workload(place, rollout) else { continue };
            if rollout.written.blue_green.is_some() {
                continue;
            }
            diags.extend(listed(&Pods::of(place, rollout, workload)));
        }
    }
}

fn listed(pods: &Pods) -> Option<Diagnostic> {
    let seers = seers(pods.place).into_iter().filter(|seer| seer.selector.matches(&pods.stable));
    let mut seen: Vec<(String, Span)> = seers.map(|seer| (seer.object.key().to_string(), seer.place)).collect();
    let scalers = autoscalers(pods.place).filter(|(_, target)| *target == ("Deployment", pods.name()));
    seen.extend(scalers.map(|(object, _)| (object.key().to_string(), object.place("/spec/scaleTargetRef"))));
    seen.dedup_by(|a, b| a.0 == b.0);
    let names: Vec<&str> = seen.iter().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() {
        return None;
    }
    let message = format!("the Pods of `{}` are seen by {}", pods.name(), names.join(", "));
    let finding = Diagnostic::new(&codes::ROLLOUT_SELECTORS, pods.rollout.workload.span, message);
    Some(seen.iter().fold(finding, |finding, (name, place)| finding.label(*place, name.clone())))
}

fn one_sided(pods: &Pods, seer: &Seer, stable: bool) -> Diagnostic {
    let (sees, other) = if stable { ("stable", "canary") } else { ("canary", "stable") };
    let service = seer.object.kind() == "Service";
    let code = if service { &codes::ROLLOUT_SERVICE } else { &codes::ROLLOUT_ONE_SIDED };
    let message =
        format!("{} selects the {sees} Pods of `{}` and not the {other} ones", seer.object.key(), pods.name());
    let finding = Diagnostic::new(code, seer.place, message)
        .here(format!("the canary's Pods have `{}: {}`", canary::TRACK_LABEL, canary::TRACK))
        .label(pods.rollout.workload.span, "this rollout");
    if service {
        return finding.help(format!("select by labels that both sides have, not by `{}`", canary::TRACK_LABEL));
    }
    finding.help("select by labels that both sides have, or mean it")
}

/// The selectors of Services, disruption budgets and network policies.
fn seers<'a>(place: &'a Place) -> Vec<Seer<'a>> {
    let mut seers = Vec::new();
    let mut note = |object: &'a Object, pointer: &str, selector: Option<Selector>| {
        seers.extend(selector.map(|selector| Seer { object, selector, place: object.place(pointer) }));
    };
    let labels =
        |object: &Object, pointer: &str| Selector::from_label_selector(object.value.pointer(pointer)?).ok().flatten();
    for object in place.of_kind("", "Service") {
        let selector = object.value.pointer("/spec/selector").and_then(|map| Selector::from_map(map).ok());
        note(object, "/spec/selector", selector.filter(|selector| !selector.is_empty()));
    }
    for object in place.of_kind("policy", "PodDisruptionBudget") {
        note(object, "/spec/selector", labels(object, "/spec/selector"));
    }
    for object in place.of_kind("networking.k8s.io", "NetworkPolicy") {
        note(object, "/spec/podSelector", labels(object, "/spec/podSelector"));
        for pointer in peers(&object.value) {
            note(object, &pointer, labels(object, &pointer));
        }
    }
    seers
}

/// Pointers of the Pod selectors of a network policy's peers in its own namespace.
fn peers(policy: &Value) -> Vec<String> {
    let count = |pointer: &str| policy.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
    let mut pointers = Vec::new();
    for (direction, side) in [("ingress", "from"), ("egress", "to")] {
        for rule in 0..count(&format!("/spec/{direction}")) {
            let list = format!("/spec/{direction}/{rule}/{side}");
            for peer in (0..count(&list)).map(|at| format!("{list}/{at}")) {
                if policy.pointer(&format!("{peer}/namespaceSelector")).is_none() {
                    pointers.push(format!("{peer}/podSelector"));
                }
            }
        }
    }
    pointers
}

/// Autoscalers with the kind and name of what they scale.
fn autoscalers<'a>(place: &'a Place) -> impl Iterator<Item = (&'a Object, (&'a str, &'a str))> {
    place.of_kind("autoscaling", "HorizontalPodAutoscaler").map(|object| {
        let text = |field: &str| {
            let pointer = format!("/spec/scaleTargetRef/{field}");
            object.value.pointer(&pointer).and_then(Value::as_str).unwrap_or("")
        };
        (object, (text("kind"), text("name")))
    })
}

fn target<'a>(place: &'a Place, (kind, name): (&str, &str)) -> Option<&'a Object> {
    place.of_kind("apps", kind).find(|object| object.name() == name)
}

/// An autoscaler counts the Pods that its target's selector matches: with the canary's among them it counts wrong.
fn check_autoscalers(pods: &Pods, diags: &mut Diags) {
    for (object, target_name) in autoscalers(pods.place) {
        let Some(target) = target(pods.place, target_name) else { continue };
        let selector = target.value.pointer("/spec/selector").map(Selector::from_label_selector);
        let Some(Ok(Some(selector))) = selector else { continue };
        if selector.matches(&pods.canary) {
            let message = format!("{} would count the canary's Pods of `{}`", object.key(), pods.name());
            let finding = Diagnostic::new(&codes::ROLLOUT_AUTOSCALER, object.place("/spec/scaleTargetRef"), message)
                .here(format!("the selector of `{}` matches them", target.name()))
                .label(pods.rollout.workload.span, "this rollout")
                .label(target.place("/spec/selector"), "the selector");
            diags.push(
                finding.help("this version cannot roll out what is autoscaled: remove the autoscaler or the rollout"),
            );
        }
    }
}

/// `replicas` in the manifest of what an autoscaler scales: an error where a rollout counts by them, else a warning.
fn check_fixed_replicas(place: &Place, diags: &mut Diags) {
    for (object, target_name) in autoscalers(place) {
        let Some(target) = target(place, target_name) else { continue };
        if target.value.pointer("/spec/replicas").is_none() {
            continue;
        }
        let message = format!("`replicas` of `{}` fights with {}", target.name(), object.key());
        let mut finding = Diagnostic::new(&codes::AUTOSCALED_REPLICAS, target.place("/spec/replicas"), message)
            .here("each apply would set it back")
            .label(object.place("/spec/scaleTargetRef"), "the autoscaler's target")
            .help("leave `replicas` out of the manifest");
        let rolled = place.environment.rollouts.iter().any(|rollout| rollout.workload.value == target.name());
        if !rolled {
            finding.severity = Severity::Warning;
        }
        diags.push(finding);
    }
}
