//! The subresources `scale`, `binding`, `eviction` and, of namespaces, `finalize`.
//!
//! **Invariant:** as in `api`. Status goes through the ordinary update and patch; logs are the node's.

use serde_json::{Value, json};

use super::delete::{DeleteOptions, delete};
use super::write::{record, replace};
use super::{Target, WriteOptions, convert, text};
use crate::kinds::{Kind, Scale};
use crate::selector::Selector;
use crate::status::{Failure, FieldError};
use crate::store::{Key, Txn};

fn paths(kind: &Kind) -> Result<&Scale, Failure> {
    kind.scale.as_ref().ok_or_else(Failure::no_such_path)
}

/// The Scale object of a workload.
pub fn scale_of(kind: &Kind, object: &Value) -> Result<Value, Failure> {
    let paths = paths(kind)?;
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0);
    let mut meta = serde_json::Map::new();
    for key in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] {
        if let Some(value) = object["metadata"].get(key) {
            meta.insert(key.to_owned(), value.clone());
        }
    }
    let mut spec = json!({});
    let replicas = number(&paths.spec_replicas);
    if replicas != 0 {
        spec["replicas"] = json!(replicas);
    }
    let mut status = json!({"replicas": number(&paths.status_replicas)});
    let selector = match &paths.selector {
        Some(pointer) => text(object, pointer).to_owned(),
        None if kind.kind == "ReplicationController" => {
            let labels = json!({"matchLabels": object["spec"]["selector"]});
            Selector::from_label_selector(&labels).unwrap_or_default().display()
        }
        None => Selector::from_label_selector(&object["spec"]["selector"]).unwrap_or_default().display(),
    };
    if !selector.is_empty() {
        status["selector"] = json!(selector);
    }
    Ok(json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": meta, "spec": spec, "status": status}))
}

/// Sets the replicas of a workload from a Scale object.
pub fn write_scale(txn: &mut Txn, target: Target, scale: &Value, options: &WriteOptions) -> Result<Value, Failure> {
    txn.dry_run |= options.dry_run;
    let kind = target.kind;
    let paths = paths(kind)?;
    let stored = txn.get(&target.key()).ok_or_else(|| target.not_found())?;
    let name = text(scale, "/metadata/name");
    if !name.is_empty() && name != target.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
    if replicas < 0 {
        let problem = FieldError::invalid("spec.replicas", &json!(replicas), "must be greater than or equal to 0");
        return Err(Failure::invalid("autoscaling", "Scale", target.name, &[problem]));
    }
    let live = convert::served(kind, &stored);
    let mut object = live.clone();
    set(&mut object, &paths.spec_replicas, json!(replicas));
    for key in ["resourceVersion", "uid"] {
        let given = text(scale, &format!("/metadata/{key}"));
        if !given.is_empty() {
            object["metadata"][key] = json!(given);
        }
    }
    let manager = options.updater(kind, "scale");
    record(txn, kind, &live, &mut object, &manager);
    // The endpoint changes the replicas alone, but as a write to the object itself: its generation counts it.
    let written = replace(txn, target, "", object)?;
    scale_of(kind, &written)
}

fn set(object: &mut Value, pointer: &str, value: Value) {
    let mut place = object;
    for part in pointer.split('/').skip(1) {
        place = &mut place[part];
    }
    *place = value;
}

/// Binds a Pod to a node.
pub fn bind(txn: &mut Txn, target: Target, binding: &Value) -> Result<Value, Failure> {
    let stored = txn.get(&target.key()).ok_or_else(|| target.not_found())?;
    let mut pod = (*stored).clone();
    let resource = target.kind.group_resource();
    let bound = text(&pod, "/spec/nodeName");
    if !bound.is_empty() {
        let why = format!("pod {} is already assigned to node {bound:?}", target.name);
        return Err(Failure::conflict(&resource, target.name, &why));
    }
    let node = text(binding, "/target/name");
    pod["spec"]["nodeName"] = json!(node);
    txn.put(target.key(), pod);
    Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}

/// Deletes a Pod unless a PodDisruptionBudget is against it.
pub fn evict(txn: &mut Txn, target: Target, eviction: &Value) -> Result<Value, Failure> {
    let pod = txn.get(&target.key()).ok_or_else(|| target.not_found())?;
    let over = matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed" | "Pending");
    if !over {
        for (key, budget) in txn.list("poddisruptionbudgets.policy", Some(target.namespace)) {
            let selector = Selector::from_label_selector(&budget["spec"]["selector"]).unwrap_or_default();
            if !selector.matches(&pod["metadata"]["labels"]) {
                continue;
            }
            let (healthy, desired) = disruption(txn, &key, &budget, &selector);
            if healthy <= desired {
                let cause = format!(
                    "The disruption budget {} needs {desired} healthy pods and has {healthy} currently",
                    key.name
                );
                return Err(Failure::too_many(
                    "Cannot evict pod as it would violate the pod's disruption budget.",
                    &cause,
                ));
            }
        }
    }
    let options = DeleteOptions::read(&eviction["deleteOptions"], &[])?;
    delete(txn, target, &options)?;
    Ok(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}))
}

/// How many of the selected Pods are ready, and how many have to be.
fn disruption(txn: &Txn, key: &Key, budget: &Value, selector: &Selector) -> (i64, i64) {
    let pods: Vec<_> = txn
        .list("pods", Some(&key.namespace))
        .into_iter()
        .filter(|(_, pod)| selector.matches(&pod["metadata"]["labels"]))
        .collect();
    let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
    let total = count(pods.len());
    let ready = pods.iter().filter(|(_, pod)| {
        let conditions = pod["status"]["conditions"].as_array();
        conditions.into_iter().flatten().any(|one| one["type"] == "Ready" && one["status"] == "True")
    });
    let healthy = count(ready.count());
    let spec = &budget["spec"];
    let desired = match (&spec["minAvailable"], &spec["maxUnavailable"]) {
        (Value::Null, Value::Null) => 1,
        (Value::Null, most) => total - crate::controllers::share(most, total, true),
        (least, _) => crate::controllers::share(least, total, true),
    };
    (healthy, desired)
}

/// Replaces the finalizers in the spec of a namespace, which goes once they and its other finalizers are gone.
pub fn finalize_namespace(txn: &mut Txn, target: Target, body: &Value) -> Result<Value, Failure> {
    let stored = txn.get(&target.key()).ok_or_else(|| target.not_found())?;
    let mut namespace = (*stored).clone();
    namespace["spec"] = body["spec"].clone();
    if !namespace["spec"].is_object() {
        namespace["spec"] = json!({});
    }
    let written = match super::write::finished(&namespace) {
        true => txn.remove(&target.key(), &namespace),
        false => txn.put(target.key(), namespace),
    };
    Ok((*written).clone())
}
