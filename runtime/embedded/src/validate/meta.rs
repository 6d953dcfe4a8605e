//! Rules for `metadata`, the same for every kind.
//!
//! **Invariant:** as in `validate`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::syntax::{
    label_problem, label_value_problem, path_segment_problem, qualified_name_problem, subdomain_problem,
};
use super::{Errors, items, text};
use crate::kinds::Kind;
use crate::status::FieldError;

const MAX_ANNOTATIONS_BYTES: usize = 256 * 1024;

pub fn check(kind: &Kind, object: &Value, errors: &mut Errors) {
    name(kind, object, errors);
    labels(object, "/metadata/labels", "metadata.labels", errors);
    annotations(object, errors);
    owners(object, errors);
    for (index, finalizer) in items(object, "/metadata/finalizers").iter().enumerate() {
        let text = finalizer.as_str().unwrap_or_default();
        if let Some(problem) = qualified_name_problem(text) {
            errors.push(FieldError::invalid("metadata.finalizers", finalizer, &problem));
        } else if !text.contains('/') && !matches!(text, "orphan" | "foregroundDeletion" | "kubernetes") {
            let field = format!("metadata.finalizers[{index}]");
            errors.push(FieldError::invalid(
                field,
                finalizer,
                "name is neither a standard finalizer name nor is it fully qualified",
            ));
        }
    }
}

fn name(kind: &Kind, object: &Value, errors: &mut Errors) {
    let problem_of = match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Namespace" | "Service") => label_problem,
        ("rbac.authorization.k8s.io", _) => path_segment_problem,
        (_, _) => subdomain_problem,
    };
    let prefix = text(object, "/metadata/generateName");
    if !prefix.is_empty()
        && let Some(problem) = problem_of(prefix.trim_end_matches('-'))
    {
        errors.push(FieldError::invalid("metadata.generateName", &json!(prefix), &problem));
    }
    match text(object, "/metadata/name") {
        "" => errors.push(FieldError::required("metadata.name", "name or generateName is required")),
        name => {
            if let Some(problem) = problem_of(name) {
                errors.push(FieldError::invalid("metadata.name", &json!(name), &problem));
            }
        }
    }
    let namespace = text(object, "/metadata/namespace");
    match (kind.namespaced, namespace) {
        (true, "") => errors.push(FieldError::required("metadata.namespace", "")),
        (true, namespace) => {
            if let Some(problem) = label_problem(namespace) {
                errors.push(FieldError::invalid("metadata.namespace", &json!(namespace), &problem));
            }
        }
        (false, "") => {}
        (false, _) => errors.push(FieldError::forbidden("metadata.namespace", "not allowed on this type")),
    }
}

/// Labels at `pointer`, reported under `field`.
pub fn labels(object: &Value, pointer: &str, field: &str, errors: &mut Errors) {
    for (key, value) in object.pointer(pointer).and_then(Value::as_object).into_iter().flatten() {
        if let Some(problem) = qualified_name_problem(key) {
            errors.push(FieldError::invalid(field, &json!(key), &problem));
        }
        if let Some(problem) = label_value_problem(value.as_str().unwrap_or_default()) {
            errors.push(FieldError::invalid(field, value, &problem));
        }
    }
}

fn annotations(object: &Value, errors: &mut Errors) {
    let mut total = 0;
    for (key, value) in object.pointer("/metadata/annotations").and_then(Value::as_object).into_iter().flatten() {
        total += key.len() + value.as_str().map_or(0, str::len);
        if let Some(problem) = qualified_name_problem(&key.to_lowercase()) {
            errors.push(FieldError::invalid("metadata.annotations", &json!(key), &problem));
        }
    }
    if total > MAX_ANNOTATIONS_BYTES {
        errors.push(FieldError::too_long("metadata.annotations", MAX_ANNOTATIONS_BYTES));
    }
}

fn owners(object: &Value, errors: &mut Errors) {
    let mut controllers = Vec::new();
    for owner in items(object, "/metadata/ownerReferences") {
        for (key, detail) in [
            ("apiVersion", "version must not be empty"),
            ("kind", "must not be empty"),
            ("name", "must not be empty"),
            ("uid", "must not be empty"),
        ] {
            if owner[key].as_str().unwrap_or_default().is_empty() {
                errors.push(FieldError::invalid(format!("metadata.ownerReferences.{key}"), &owner[key], detail));
            }
        }
        if owner["controller"] == true {
            controllers.push(owner);
        }
    }
    if let [first, second, ..] = controllers.as_slice() {
        let detail = format!(
            "Only one reference can have Controller set to true. Found \"true\" in references for {}/{} and {}/{}",
            text(first, "/kind"),
            text(first, "/name"),
            text(second, "/kind"),
            text(second, "/name")
        );
        errors.push(FieldError::invalid("metadata.ownerReferences", &json!(controllers), &detail));
    }
}

pub fn check_update(object: &Value, old: &Value, errors: &mut Errors) {
    for key in ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        let (new, before) = (&object["metadata"][key], &old["metadata"][key]);
        if new != before {
            errors.push(FieldError::invalid(format!("metadata.{key}"), new, "field is immutable"));
        }
    }
    let added = finalizers_added_while_deleting(object, old);
    if !added.is_empty() {
        let quoted: Vec<String> = added.iter().map(|name| format!("{name:?}")).collect();
        let detail = format!(
            "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
            quoted.join(", ")
        );
        errors.push(FieldError::forbidden("metadata.finalizers", &detail));
    }
}

/// Finalizers that a write adds to an object that is going away already.
fn finalizers_added_while_deleting(object: &Value, old: &Value) -> Vec<String> {
    if old["metadata"]["deletionTimestamp"].is_null() {
        return Vec::new();
    }
    let names = |value: &Value| -> BTreeSet<String> {
        items(value, "/metadata/finalizers").iter().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    names(object).difference(&names(old)).cloned().collect()
}
