//! What an expression sees of an action and of its plan. The types of these fields are `check::policies::scope`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::manifest::images::containers;
use crate::plan::build::compare;
use crate::plan::effect::{Effect, Gate, ObjectRef, Program};
use crate::plan::{Action, Change, Plan, unknown};

/// What `plan` is.
pub fn plan(plan: &Plan) -> Value {
    let revision = plan.revision.as_ref();
    json!({
        "project": plan.project,
        "revision": revision.map_or("", |revision| revision.sha.as_str()),
        "branch": revision.and_then(|revision| revision.branch.as_deref()).unwrap_or_default(),
        "uncommitted": revision.map(|revision| revision.uncommitted.clone()).unwrap_or_default(),
        "offline": plan.offline,
        "actions": plan.actions.len(),
        "creates": plan.summary.create,
        "updates": plan.summary.update,
        "deletes": plan.summary.delete,
    })
}

/// What `action` is, placeholders in place of what is not known yet. `all` are the actions of its plan.
pub fn action(action: &Action, all: &[Action]) -> Value {
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let target = target(&action.effect);
    let object = match &action.effect {
        Effect::Apply(apply) => apply.object.clone(),
        Effect::Delete(_)
        | Effect::Pod(_)
        | Effect::Commit(_)
        | Effect::Traffic(_)
        | Effect::Gate(_)
        | Effect::UndoRollout(_)
        | Effect::UndoCommit(_) => json!({}),
    };
    let (gates, approvals) = gates(action, all);
    json!({
        "address": action.address,
        "kind": word(json!(action.kind)),
        "op": word(json!(action.op)),
        "environment": action.environment.as_deref().unwrap_or_default(),
        "cluster": action.cluster,
        "segment": action.segment,
        "cause": if let Effect::Delete(delete) = &action.effect { delete.cause.as_str() } else { "" },
        "reason": action.reason.text,
        "file": action.reason.file,
        "target": {
            "group": target.as_ref().map_or("", |target| &target.group),
            "version": target.as_ref().map_or("", |target| &target.version),
            "kind": target.as_ref().map_or("", |target| &target.kind),
            "namespace": target.as_ref().map_or("", |target| &target.namespace),
            "name": target.as_ref().map_or("", |target| &target.name),
        },
        "object": object,
        "changes": action.changes.iter().map(|change| change_of(change, action)).collect::<Vec<_>>(),
        "images": images(&action.effect),
        "weight": if let Effect::Traffic(traffic) = &action.effect { traffic.weight } else { 0 },
        "gates": gates,
        "approvals": approvals,
        "unknowns": action.unknowns.iter().map(|one| one.from.clone()).collect::<Vec<_>>(),
    })
}

/// The view of an action whose effect is filled; the fields that it changes still have their marks.
pub fn filled(plan: &Plan, filled: &Action, values: &BTreeMap<String, String>) -> Value {
    let mut seen = action(filled, &plan.actions);
    for (placeholder, value) in values {
        replace(&mut seen["changes"], placeholder, value);
    }
    seen["unknowns"] = json!([]);
    seen
}

fn replace(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) if !from.is_empty() && text.contains(from) => *text = text.replace(from, to),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, from, to)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, from, to)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A gate or policy that the last applied spec of an environment had and the new one has not, as an action of no plan.
pub fn removed(environment: &str, cluster: &str, kind: &str, name: &str, op: &str) -> Value {
    json!({
        "address": format!("environment.{environment}.{kind}.{name}"), "kind": kind, "op": op,
        "environment": environment, "cluster": cluster, "segment": format!("environment.{environment}"),
        "cause": "removed", "reason": format!("{kind} {name} of the last applied spec"), "file": "",
        "target": {"group": "", "version": "", "kind": "", "namespace": "", "name": ""},
        "object": {}, "changes": [], "images": [], "weight": 0, "gates": [], "approvals": [], "unknowns": [],
    })
}

fn target(effect: &Effect) -> Option<ObjectRef> {
    match effect {
        Effect::Apply(apply) => Some(compare::reference(&apply.object)),
        Effect::Delete(delete) => Some(delete.object.clone()),
        Effect::Traffic(traffic) => Some(traffic.stable.clone()),
        Effect::UndoRollout(undo) => Some(undo.stable.clone()),
        Effect::Pod(_) | Effect::Commit(_) | Effect::Gate(_) | Effect::UndoCommit(_) => None,
    }
}

/// A changed field; what is known only later has its placeholder, as the object has it.
fn change_of(change: &Change, action: &Action) -> Value {
    let mut after = change.after.clone();
    for one in &action.unknowns {
        if let Some(after) = &mut after {
            let shown = unknown::shown(&one.placeholder, std::slice::from_ref(one));
            replace(after, &shown, &one.placeholder);
        }
    }
    json!({"path": change.path, "before": change.before, "after": after, "known": change.unknown.is_none()})
}

/// The images that Pods of this action run.
fn images(effect: &Effect) -> Vec<String> {
    let of_object = |object: &Value| containers(object).into_iter().map(|container| container.image).collect();
    match effect {
        Effect::Apply(apply) => of_object(&apply.object),
        Effect::Traffic(traffic) => traffic.canary.as_ref().map(of_object).unwrap_or_default(),
        Effect::Pod(group) => {
            let steps = group.tasks.iter().flat_map(|task| &task.steps);
            let image = |step: &crate::plan::effect::Step| match &step.program {
                Program::Shell { image, .. } => Some(image.clone()),
                Program::Checkout { .. } | Program::Image { .. } => None,
            };
            steps.filter_map(image).collect()
        }
        Effect::Delete(_) | Effect::Commit(_) | Effect::Gate(_) | Effect::UndoRollout(_) | Effect::UndoCommit(_) => {
            Vec::new()
        }
    }
}

/// Addresses of the gates that an action comes after, and who may open those that are approvals.
fn gates(action: &Action, all: &[Action]) -> (Vec<String>, Vec<String>) {
    let index: BTreeMap<&str, &Action> = all.iter().map(|action| (action.address.as_str(), action)).collect();
    let mut open: Vec<&str> = action.waits_for.iter().map(String::as_str).collect();
    let mut seen: BTreeMap<&str, &Action> = BTreeMap::new();
    while let Some(address) = open.pop() {
        let Some(before) = index.get(address) else { continue };
        if seen.insert(address, before).is_none() {
            open.extend(before.waits_for.iter().map(String::as_str));
        }
    }
    let (mut gates, mut approvals) = (Vec::new(), Vec::new());
    for (address, before) in seen {
        let Effect::Gate(gate) = &before.effect else { continue };
        gates.push(address.to_owned());
        if let Gate::Approval { by } = gate {
            approvals.extend(by.iter().cloned());
        }
    }
    approvals.sort();
    approvals.dedup();
    (gates, approvals)
}
