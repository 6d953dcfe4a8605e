//! Fields that an update may not change, compared with the live object before anything is applied.
//!
//! **Invariant:** only what the desired object says is compared: what the server filled in, or an operator added, is no
//! change. What is not found here the server refuses at its dry run.
//! Source of the rules: the `Validate…Update` functions of Kubernetes' `pkg/apis/*/validation`.

use serde_json::Value;

use crate::diag::{Diagnostic, codes};
use crate::kubernetes::rules::quantity;
use crate::manifest::Object;
use crate::plan::{Unknown, unknown};

/// How a field is compared.
#[derive(Clone, Copy)]
enum Compared {
    /// Both say the same, as a whole.
    Whole,
    /// The live one says at least what the desired one says.
    Within,
}

use Compared::{Whole, Within};

const SELECTOR: &[(&str, Compared)] = &[("/spec/selector", Whole)];

/// The fields of a kind that stay as they were made.
fn fields(group: &str, kind: &str) -> &'static [(&'static str, Compared)] {
    match (group, kind) {
        ("apps", "Deployment" | "DaemonSet" | "ReplicaSet") => SELECTOR,
        ("apps", "StatefulSet") => &[
            ("/spec/selector", Whole),
            ("/spec/serviceName", Within),
            ("/spec/podManagementPolicy", Within),
            ("/spec/volumeClaimTemplates", Within),
        ],
        ("batch", "Job") => &[
            ("/spec/selector", Within),
            ("/spec/completionMode", Within),
            ("/spec/podFailurePolicy", Within),
            ("/spec/template", Within),
        ],
        ("", "Secret") => &[("/type", Within)],
        ("", "PersistentVolumeClaim") => &[
            ("/spec/accessModes", Whole),
            ("/spec/storageClassName", Within),
            ("/spec/volumeName", Within),
            ("/spec/volumeMode", Within),
            ("/spec/selector", Whole),
        ],
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => &[("/roleRef", Within)],
        ("storage.k8s.io", "StorageClass") => &[
            ("/provisioner", Within),
            ("/parameters", Whole),
            ("/reclaimPolicy", Within),
            ("/volumeBindingMode", Within),
        ],
        ("networking.k8s.io", "IngressClass") => &[("/spec/controller", Within)],
        ("scheduling.k8s.io", "PriorityClass") => &[("/value", Within)],
        ("node.k8s.io", "RuntimeClass") => &[("/handler", Within)],
        ("apiextensions.k8s.io", "CustomResourceDefinition") => &[("/spec/group", Within), ("/spec/scope", Within)],
        _ => &[],
    }
}

/// The first field that the desired object changes and the server would not; `name` is what the object is called.
pub fn check(object: &Object, live: &Value, name: &str, unknowns: &[Unknown]) -> Option<Diagnostic> {
    let mut changed = fields(object.group(), object.kind()).iter().find_map(|(pointer, compared)| {
        let (wanted, there) = (object.value.pointer(pointer)?, live.pointer(pointer).unwrap_or(&Value::Null));
        let kept = match compared {
            Whole => same(wanted, there) && same(there, wanted),
            Within => same(wanted, there),
        };
        (!kept).then(|| differing(pointer, wanted, there))
    });
    changed = changed.or_else(|| of_kind(object, live));
    // A value that only a run gives may be the one that is there.
    let known = |pointer: &String| {
        object.value.pointer(pointer).is_none_or(|value| unknown::within(value, unknowns).is_empty())
    };
    let pointer = changed.filter(known)?;
    let field = pointer.trim_start_matches('/').replace('/', ".");
    let (before, after) = (shown(live.pointer(&pointer)), shown(object.value.pointer(&pointer)));
    let message = format!("`{field}` of {name} cannot be changed once the object is there");
    let finding = Diagnostic::new(&codes::IMMUTABLE_FIELD, object.place(&pointer), message);
    Some(finding.here(format!("the cluster has {before}, and this says {after}")).help(way_out(object)))
}

/// Fields whose rule is more than a comparison.
fn of_kind(object: &Object, live: &Value) -> Option<String> {
    let wanted = &object.value;
    let changed = |pointer: &str| {
        let value = wanted.pointer(pointer)?;
        let there = live.pointer(pointer).unwrap_or(&Value::Null);
        (!same(value, there) || !same(there, value)).then(|| differing(pointer, value, there))
    };
    match (object.group(), object.kind()) {
        ("", "Service") => {
            let text =
                |value: &Value| value.pointer("/spec/clusterIP").and_then(Value::as_str).unwrap_or("").to_owned();
            let external = wanted.pointer("/spec/type").and_then(Value::as_str) == Some("ExternalName");
            let (after, before) = (text(wanted), text(live));
            let moved = !external && !after.is_empty() && !before.is_empty() && after != before;
            moved.then(|| "/spec/clusterIP".to_owned())
        }
        ("", "PersistentVolumeClaim") => {
            let pointer = "/spec/resources/requests/storage";
            let size = |value: &Value| quantity(value.pointer(pointer)?);
            (size(wanted)? < size(live)?).then(|| pointer.to_owned())
        }
        ("", "ConfigMap" | "Secret") if live.get("immutable") == Some(&Value::Bool(true)) => {
            if wanted.get("immutable") == Some(&Value::Bool(false)) {
                return Some("/immutable".to_owned());
            }
            // The values of Secrets are not looked at.
            let data = || changed("/data").or_else(|| changed("/binaryData"));
            (object.kind() == "ConfigMap").then(data).flatten()
        }
        ("batch", "Job") => {
            // An indexed job may change both numbers together.
            let elastic = wanted.pointer("/spec/completionMode").and_then(Value::as_str) == Some("Indexed");
            (!elastic).then(|| changed("/spec/completions")).flatten()
        }
        _ => None,
    }
}

/// The deepest field in which two values differ.
fn differing(pointer: &str, wanted: &Value, there: &Value) -> String {
    let inner = match (wanted, there) {
        (Value::Object(wanted), Value::Object(there)) => {
            let mut differing = wanted.iter().filter_map(|(key, value)| {
                let there = there.get(key).filter(|there| !same(value, there))?;
                Some((key.replace('~', "~0").replace('/', "~1"), value, there))
            });
            differing.next().map(|(key, value, there)| (key, value.clone(), there.clone()))
        }
        (Value::Array(wanted), Value::Array(there)) if wanted.len() == there.len() => {
            let at = wanted.iter().zip(there).position(|(value, there)| !same(value, there));
            at.map(|at| (at.to_string(), wanted[at].clone(), there[at].clone()))
        }
        (_, _) => None,
    };
    match inner {
        Some((step, wanted, there)) => differing(&format!("{pointer}/{step}"), &wanted, &there),
        None => pointer.to_owned(),
    }
}

/// Whether the second value says all that the first one does; quantities are compared by what they are worth.
fn same(wanted: &Value, there: &Value) -> bool {
    match (wanted, there) {
        (Value::Object(wanted), Value::Object(there)) => {
            wanted.iter().all(|(key, value)| same(value, there.get(key).unwrap_or(&Value::Null)))
        }
        (Value::Array(wanted), Value::Array(there)) => {
            wanted.len() == there.len() && wanted.iter().zip(there).all(|(wanted, there)| same(wanted, there))
        }
        (Value::String(text), there) if text.is_empty() && there.is_null() => true,
        (Value::Null, Value::Null) => true,
        (Value::Null, _) => true,
        (Value::Object(map), Value::Null) => map.is_empty(),
        (Value::Array(items), Value::Null) => items.is_empty(),
        (Value::Bool(false), Value::Null) => true,
        (Value::Number(number), Value::Null) => number.as_i64() == Some(0),
        (wanted, there) => wanted == there || quantity(wanted).is_some_and(|worth| quantity(there) == Some(worth)),
    }
}

fn shown(value: Option<&Value>) -> String {
    let text = value.map_or_else(|| "nothing".to_owned(), |value| format!("`{value}`"));
    if text.chars().count() <= 80 { text } else { format!("{}…`", text.chars().take(77).collect::<String>()) }
}

fn way_out(object: &Object) -> String {
    match (object.group(), object.kind()) {
        ("batch", "Job") => "give the Job another name, for instance with the version in it, or delete it first".into(),
        ("apps", "StatefulSet") => {
            "delete it with `kubectl delete --cascade=orphan`, so that its Pods go on, or give it another name".into()
        }
        ("", "PersistentVolumeClaim") => "its data would be lost with it: give the new claim another name".into(),
        ("", "ConfigMap" | "Secret") => {
            "give it another name; a generator of Kustomize puts a hash of the content into it".into()
        }
        (_, _) => format!("give the {} another name, or delete it before the plan is applied", object.kind()),
    }
}
