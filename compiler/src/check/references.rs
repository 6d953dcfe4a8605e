//! Secrets that the manifests use: each has a source, or its Pods wait for ever.

use std::collections::BTreeSet;

use serde_json::Value;

use super::insert;
use super::keepers::Keepers;
use super::rendered::Place;
use crate::diag::{Applicability, Diagnostic, Diags, codes, suggest};
use crate::manifest::images::pod_spec_pointer;
use crate::manifest::{Object, scope};
use crate::model::Model;
use crate::source::{Sources, Span};
use crate::spec::Spec;

/// Reports each Secret that Pods of an environment need and that neither a `secret` block nor the manifests give.
pub fn check(sources: &Sources, spec: &Spec, model: &Model, places: &[Place], keepers: &Keepers, diags: &mut Diags) {
    for place in places {
        let mut said = BTreeSet::new();
        for object in &place.rendered.objects {
            for (name, pointer) in used(object) {
                if given(place, object, &name) || !said.insert(name.clone()) {
                    continue;
                }
                let cluster = model.cluster(place.environment.cluster);
                diags.push(match keepers.elsewhere(cluster, place.namespace(object), &name) {
                    Some(other) => elsewhere(place, object, (&name, &pointer), other.namespace, other.span),
                    None => missing(sources, spec, place, object, &name, &pointer),
                });
            }
        }
    }
}

/// A Pod reads Secrets of its own namespace only.
fn elsewhere(place: &Place, object: &Object, used: (&str, &str), namespace: &str, span: Span) -> Diagnostic {
    let (name, pointer) = used;
    let own = place.namespace(object);
    let pull = pointer.contains("/imagePullSecrets/");
    let what = if pull { "registry Secret" } else { "Secret" };
    let message = format!("{what} `{name}` is in namespace `{namespace}`, and the Pod in `{own}`");
    let finding = Diagnostic::new(&codes::SECRET_ELSEWHERE, object.place(pointer), message)
        .here(format!("{} needs it in `{own}`", object.key()))
        .label(span, format!("this one is in `{namespace}`"));
    finding.help(format!("add `secret \"{name}\"` to environment `{}`: a Pod reads no other namespace", place.name()))
}

fn missing(sources: &Sources, spec: &Spec, place: &Place, object: &Object, name: &str, pointer: &str) -> Diagnostic {
    let message = format!("Secret `{name}` has no source in environment `{}`", place.name());
    let finding = Diagnostic::new(&codes::SECRET_SOURCE, object.place(pointer), message)
        .here(format!("{} needs it", object.key()));
    let known: Vec<&str> = place.environment.secrets.iter().map(|secret| secret.name.as_str()).collect();
    if let Some(real) = suggest::closest(name, known.iter().copied()) {
        return finding.help(format!("there is a secret with a similar name: `{real}`"));
    }
    let finding = finding.help(format!("add `secret \"{name}\"` to the environment, with `vault` or `existing`"));
    let environment = spec.environments.iter().find(|environment| environment.name.value == place.name());
    let block = insert::Secret { name, ty: None, vault: false };
    match environment.and_then(|environment| insert::secret(sources, environment, &block)) {
        Some(edit) => finding.fix_edits("say that it exists", Applicability::Maybe, vec![edit]),
        None => finding,
    }
}

/// Whether something makes the Secret: the spec, the manifests, or an operator by an object of its own kind.
fn given(place: &Place, user: &Object, name: &str) -> bool {
    let declared = place.environment.secrets.iter().any(|secret| secret.name.value == name);
    let written = place.rendered.objects.iter().any(|object| match (object.group(), object.kind()) {
        ("", "Secret") => object.name() == name && place.namespace(object) == place.namespace(user),
        (group, kind) => {
            scope::built_in(group, kind).is_none() && (name.contains(object.name()) || names(&object.value, name))
        }
    });
    declared || written
}

/// Whether a text in a value is `name`.
fn names(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text == name,
        Value::Array(items) => items.iter().any(|item| names(item, name)),
        Value::Object(map) => map.values().any(|value| names(value, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The Secrets that the Pods of an object cannot start without, with the pointers of their names.
pub fn used(object: &Object) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let Some(spec) = pod_spec_pointer(object.group(), object.kind()) else { return found };
    let list = |pointer: String| {
        let items = object.value.pointer(&pointer).and_then(Value::as_array).map_or(0, Vec::len);
        (0..items).map(move |at| format!("{pointer}/{at}"))
    };
    let mut note = |holder: String, field: &str| {
        let Some(value) = object.value.pointer(&holder) else { return };
        let optional = value.get("optional").and_then(Value::as_bool).unwrap_or(false);
        if let Some(name) = value.get(field).and_then(Value::as_str).filter(|name| !optional && !name.is_empty()) {
            found.push((name.to_owned(), format!("{holder}/{field}")));
        }
    };
    for containers in ["initContainers", "containers"] {
        for container in list(format!("{spec}/{containers}")) {
            list(format!("{container}/env")).for_each(|env| note(format!("{env}/valueFrom/secretKeyRef"), "name"));
            list(format!("{container}/envFrom")).for_each(|env| note(format!("{env}/secretRef"), "name"));
        }
    }
    for volume in list(format!("{spec}/volumes")) {
        note(format!("{volume}/secret"), "secretName");
        list(format!("{volume}/projected/sources")).for_each(|source| note(format!("{source}/secret"), "name"));
    }
    list(format!("{spec}/imagePullSecrets")).for_each(|secret| note(secret, "name"));
    found
}
