//! What controllers do to objects: through the same verbs as everybody, under a manager name of their own.
//!
//! **Invariant:** a controller never writes past validation and ownership. Not here: why.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::api::{self, DeleteOptions, Propagation, Target, WriteOptions};
use crate::clock;
use crate::kinds::Kind;
use crate::status::Failure;
use crate::store::{Key, Object, Txn};

/// The manager of what Kubernetes' controller manager would write.
pub const CONTROLLERS: &str = "kube-controller-manager";
/// The manager of what a node would write.
pub const KUBELET: &str = "kubelet";

/// A built-in kind by its group and plural name.
pub fn kind(txn: &Txn, group: &str, plural: &str) -> Result<Arc<Kind>, Failure> {
    let found = txn.catalogue().all().iter().find(|kind| kind.group == group && kind.plural == plural);
    found.cloned().ok_or_else(Failure::no_such_path)
}

pub fn create(txn: &mut Txn, kind: &Kind, namespace: &str, body: &Value) -> Result<Value, Failure> {
    let options = WriteOptions { field_manager: Some(CONTROLLERS.to_owned()), ..WriteOptions::default() };
    let target = Target { kind, namespace, name: "" };
    Ok(api::create(txn, target, body, &options)?.object)
}

/// Changes an object (`subresource` empty) or its status. Nothing is written where nothing changes or it is gone.
pub fn change(
    txn: &mut Txn,
    kind: &Kind,
    key: &Key,
    (manager, subresource): (&str, &str),
    edit: impl FnOnce(&mut Value),
) -> Result<(), Failure> {
    let Some(live) = txn.get(key) else {
        return Ok(());
    };
    let mut object = (*live).clone();
    edit(&mut object);
    let target = Target { kind, namespace: &key.namespace, name: &key.name };
    api::rewrite(txn, target, subresource, &object, manager)
}

pub fn delete(txn: &mut Txn, kind: &Kind, key: &Key, propagation: Option<Propagation>) -> Result<(), Failure> {
    if txn.get(key).is_none() {
        return Ok(());
    }
    let options = DeleteOptions { propagation, ..DeleteOptions::default() };
    let target = Target { kind, namespace: &key.namespace, name: &key.name };
    api::delete(txn, target, &options).map(drop)
}

pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

pub fn is_deleted(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

/// The uid of the controller that an object belongs to.
pub fn controller(object: &Value) -> Option<&Value> {
    let owners = object["metadata"]["ownerReferences"].as_array()?;
    owners.iter().find(|owner| owner["controller"] == true)
}

pub fn owner_reference(kind: &Kind, owner: &Value) -> Value {
    json!({
        "apiVersion": kind.api_version(), "kind": kind.kind, "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"], "controller": true, "blockOwnerDeletion": true,
    })
}

/// The objects of a table that belong to this controller; ones without a controller that it selects are adopted first.
pub fn owned(
    txn: &mut Txn,
    table: (&str, &str),
    (owner_kind, owner): (&Kind, &Value),
    selects: impl Fn(&Value) -> bool,
) -> Result<Vec<(Key, Object)>, Failure> {
    let member_kind = kind(txn, table.0, table.1)?;
    let namespace = text(owner, "/metadata/namespace").to_owned();
    let uid = owner["metadata"]["uid"].clone();
    let mut out = Vec::new();
    for (key, object) in txn.list(&member_kind.table(), Some(&namespace)) {
        match controller(&object) {
            Some(found) if found["uid"] == uid => out.push((key, object)),
            Some(_) => {}
            None if selects(&object["metadata"]["labels"]) && !is_deleted(owner) && !is_deleted(&object) => {
                let reference = owner_reference(owner_kind, owner);
                change(txn, &member_kind, &key, (CONTROLLERS, ""), |object| {
                    let owners = object["metadata"]
                        .as_object_mut()
                        .map(|meta| meta.entry("ownerReferences").or_insert_with(|| json!([])));
                    if let Some(list) = owners.and_then(Value::as_array_mut) {
                        list.push(reference);
                    }
                })?;
                out.extend(txn.get(&key).map(|object| (key, object)));
            }
            None => {}
        }
    }
    Ok(out)
}

/// A Pod made from the template of a workload.
pub fn pod_from(template: &Value, kind: &Kind, owner: &Value) -> Value {
    let mut meta = Map::new();
    for key in ["labels", "annotations", "finalizers"] {
        if let Some(value) = template["metadata"].get(key) {
            meta.insert(key.to_owned(), value.clone());
        }
    }
    meta.insert("namespace".to_owned(), owner["metadata"]["namespace"].clone());
    let prefix = format!("{}-", text(owner, "/metadata/name"));
    meta.insert("generateName".to_owned(), json!(prefix));
    meta.insert("ownerReferences".to_owned(), json!([owner_reference(kind, owner)]));
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]})
}

/// Whether a Pod counts for a workload: not ended and not on its way out.
pub fn is_active(pod: &Value) -> bool {
    !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed") && !is_deleted(pod)
}

/// Whether the Pod may still use what it mounts.
pub fn is_running(pod: &Value) -> bool {
    !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

pub fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == kind)
}

pub fn is_ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True")
}

/// Seconds until a ready Pod counts as available; 0 if it does, `None` if it is not ready.
pub fn available_in(pod: &Value, min_ready_seconds: i64) -> Option<i64> {
    let ready = condition(pod, "Ready").filter(|ready| ready["status"] == "True")?;
    let since = clock::age(text(ready, "/lastTransitionTime"));
    Some((min_ready_seconds - since).max(0))
}

/// Sets a condition with update time; its transition time moves only where its status does, the other where anything
/// does.
pub fn set_condition(status: &mut Value, kind: &str, word: &str, (reason, message): (&str, &str)) {
    let now = clock::now();
    let Some(map) = status.as_object_mut() else {
        return;
    };
    let Some(list) = map.entry("conditions").or_insert_with(|| json!([])).as_array_mut() else {
        return;
    };
    let known = list.iter_mut().find(|condition| condition["type"] == kind);
    let mut made = json!({"type": kind, "status": word, "lastUpdateTime": now, "lastTransitionTime": now, "reason": reason, "message": message});
    match known {
        Some(known) if known["status"] == word && known["reason"] == reason && known["message"] == message => {}
        Some(known) => {
            if known["status"] == word {
                made["lastTransitionTime"] = known["lastTransitionTime"].clone();
            }
            *known = made;
        }
        None => list.push(made),
    }
}
