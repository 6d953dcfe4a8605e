//! Which objects the API accepts: names, labels, references between fields, and what may never change.
//!
//! **Invariant:** pure; texts and field paths are those of Kubernetes' validation. Covers what deployments meet in
//! practice, not every rule of every kind. Not here: the shape of objects (`decode`), CRD schemas.

mod meta;
mod objects;
mod pods;
mod syntax;
mod workloads;

use serde_json::Value;

use crate::kinds::Kind;
use crate::status::{Failure, FieldError};

pub use syntax::{is_qualified_name, label_value_problem};

pub type Errors = Vec<FieldError>;

/// Refuses a new object that the API would refuse.
pub fn create(kind: &Kind, object: &Value) -> Result<(), Failure> {
    let mut errors = Errors::new();
    specific(kind, object, None, &mut errors);
    meta::check(kind, object, &mut errors);
    finish(kind, object, &errors)
}

/// Refuses a changed object that the API would refuse. `subresource` is empty for the object itself.
pub fn update(kind: &Kind, subresource: &str, object: &Value, old: &Value) -> Result<(), Failure> {
    let mut errors = Errors::new();
    meta::check(kind, object, &mut errors);
    meta::check_update(object, old, &mut errors);
    if subresource.is_empty() || subresource == "scale" {
        specific(kind, object, Some(old), &mut errors);
    }
    finish(kind, object, &errors)
}

fn finish(kind: &Kind, object: &Value, errors: &[FieldError]) -> Result<(), Failure> {
    match errors {
        [] => Ok(()),
        _ => Err(Failure::invalid(&kind.group, &kind.kind, text(object, "/metadata/name"), errors)),
    }
}

fn specific(kind: &Kind, object: &Value, old: Option<&Value>, errors: &mut Errors) {
    if kind.custom {
        return;
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => pods::pod(object, old, errors),
        ("", "Service") => objects::service(object, old, errors),
        ("", "ConfigMap") => objects::config_map(object, old, errors),
        ("", "Secret") => objects::secret(object, old, errors),
        ("", "PersistentVolumeClaim") => objects::claim(object, old, errors),
        ("", "ReplicationController") => workloads::replication_controller(object, errors),
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet") => workloads::workload(&kind.kind, object, old, errors),
        ("apps", "StatefulSet") => workloads::stateful_set(object, old, errors),
        ("batch", "Job") => workloads::job(object, old, errors),
        ("batch", "CronJob") => workloads::cron_job(object, errors),
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
            objects::role_binding(kind.namespaced, object, old, errors)
        }
        ("autoscaling", _) => objects::autoscaler(object, errors),
        ("policy", _) => objects::disruption_budget(object, errors),
        ("networking.k8s.io", "Ingress") => objects::ingress(object, errors),
        ("storage.k8s.io", "StorageClass") => objects::storage_class(object, old, errors),
        ("apiextensions.k8s.io", _) => objects::definition(object, old, errors),
        (_, _) => {}
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// A number that must not be negative.
fn not_negative(object: &Value, pointer: &str, errors: &mut Errors) {
    if let Some(value) = object.pointer(pointer)
        && value.as_i64().is_some_and(|number| number < 0)
    {
        errors.push(FieldError::invalid(dotted(pointer), value, "must be greater than or equal to 0"));
    }
}

fn dotted(pointer: &str) -> String {
    pointer.trim_start_matches('/').replace('/', ".")
}

/// A field that must stay as it was.
fn immutable(object: &Value, old: &Value, pointer: &str, errors: &mut Errors) {
    let blank = Value::Null;
    let (new, before) = (object.pointer(pointer).unwrap_or(&blank), old.pointer(pointer).unwrap_or(&blank));
    if new != before {
        errors.push(FieldError::invalid(dotted(pointer), new, "field is immutable"));
    }
}
