//! Secrets in a plan: those that External Secrets makes are waited for, all others must be there.

use serde_json::Value;

use super::draft::Draft;
use super::environment::Scope;
use super::objects::Compared;
use crate::desired::environment::Environment as Desired;
use crate::desired::secrets::GROUP;
use crate::diag::{Diagnostic, codes};
use crate::model::Environment;
use crate::model::secret::Source;
use crate::plan::effect::{Effect, Gate};
use crate::plan::{Action, Kind, Op};
use crate::spec::value::show_seconds;

/// Secrets that the plan does not make must be there.
pub fn missing(draft: &mut Draft, environment: &Environment, desired: &Desired) {
    let Some(facts) = draft.facts.cluster(environment.cluster) else { return };
    let namespace = &environment.namespace.value;
    for secret in &environment.secrets {
        let name = &secret.name.value;
        let stored = matches!(secret.source, Source::Store(..));
        let made = desired.objects.iter().any(|object| object.kind() == "ExternalSecret" && object.name() == name);
        match facts.secrets.get(&format!("{namespace}/{name}")) {
            Some(false) if !made => {
                let message = format!("Secret `{name}` does not exist in namespace `{namespace}`");
                let finding = Diagnostic::new(&codes::SECRET_MISSING, secret.name.span, message).here("named here");
                draft.problems.push(finding.help(if stored {
                    "install External Secrets in the cluster, which makes it from its store, or make it by hand"
                } else {
                    "make it in the cluster: the spec says that somebody else sees to it"
                }));
            }
            Some(true) if !made && stored => draft.note(format!(
                "Secret {namespace}/{name} is taken as it is: the cluster has no External Secrets to make it from its store"
            )),
            Some(_) | None => {}
        }
    }
    if draft.facts.options.offline && desired.objects.iter().any(is_external) {
        draft.note(
            "offline: secrets are shown as external-secrets.io/v1; the version that the target serves is asked online",
        );
    }
}

fn is_external(object: &crate::manifest::Object) -> bool {
    object.group() == GROUP
}

/// The gate that waits until the environment's secrets are synced, if something in this plan needs it. What it waits for
/// itself is filled in when their actions are known.
pub fn gate(draft: &Draft, scope: &Scope, compared: &[Compared]) -> Option<Action> {
    let mine = |item: &&Compared| item.reference.group == GROUP && item.reference.kind == "ExternalSecret";
    let objects: Vec<_> = compared.iter().filter(mine).map(|item| item.reference.clone()).collect();
    let names: Vec<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    let needed = |item: &Compared| {
        !item.differences.is_empty() && (item.reference.group == GROUP || uses(&item.object.value, &names))
    };
    if objects.is_empty() || !compared.iter().any(needed) {
        return None;
    }
    let seconds = scope.environment.health_seconds;
    let text = format!("sync of {} secrets, up to {}", objects.len(), show_seconds(seconds));
    let reason = draft.because(text, scope.environment.name.span);
    let rules = super::environment::read_rules(&objects);
    let effect = Effect::Gate(Gate::Health { objects, timeout_seconds: seconds });
    let address = format!("environment.{}.gate.secrets", scope.environment.name.value);
    let mut action = scope.place.action(address, Kind::Gate, Op::Wait, reason, effect);
    action.waits_for = scope.ready.to_vec();
    action.rbac = rules;
    Some(action)
}

/// The gate behind the actions that make the secrets and their stores.
pub fn behind(mut gate: Action, actions: &[(Action, usize)]) -> Action {
    let of_group = |action: &&Action| match &action.effect {
        Effect::Apply(apply) => group(&apply.object) == Some(GROUP),
        Effect::Delete(_)
        | Effect::Pod(_)
        | Effect::Commit(_)
        | Effect::Traffic(_)
        | Effect::Gate(_)
        | Effect::UndoRollout(_)
        | Effect::UndoCommit(_) => false,
    };
    let before = actions.iter().map(|(action, _)| action).filter(of_group);
    gate.waits_for.extend(before.map(|action| action.address.clone()));
    gate.waits_for.sort();
    gate
}

fn group(object: &Value) -> Option<&str> {
    object["apiVersion"].as_str().and_then(|version| version.split_once('/')).map(|(group, _)| group)
}

/// Whether an object names one of the Secrets that a gate waits for.
pub fn waits_for(gate: Option<&Action>, object: &Value) -> bool {
    let Some(Effect::Gate(Gate::Health { objects, .. })) = gate.map(|gate| &gate.effect) else { return false };
    let names: Vec<&str> = objects.iter().map(|object| object.name.as_str()).collect();
    group(object) != Some(GROUP) && uses(object, &names)
}

/// Whether a Secret of that name stands anywhere in an object where Kubernetes reads the name of a Secret.
fn uses(value: &Value, names: &[&str]) -> bool {
    let named = |value: Option<&Value>| value.and_then(Value::as_str).is_some_and(|name| names.contains(&name));
    match value {
        Value::Object(fields) => fields.iter().any(|(key, below)| match key.as_str() {
            "secretName" => named(Some(below)),
            "secretRef" | "secretKeyRef" | "secret" => named(below.get("name")) || uses(below, names),
            "imagePullSecrets" | "secrets" => {
                below.as_array().into_iter().flatten().any(|item| named(item.get("name")) || uses(item, names))
            }
            _ => uses(below, names),
        }),
        Value::Array(items) => items.iter().any(|item| uses(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
