//! The end of a CustomResourceDefinition: its resources go first.
//!
//! **Invariant:** no custom resource outlives its definition.

use serde_json::{Value, json};

use super::delete::{DeleteOptions, delete};
use super::{Target, metadata, text};
use crate::clock;
use crate::kinds::{self, Kind};
use crate::status::Failure;
use crate::store::{Key, Txn};

const FINALIZER: &str = "customresourcecleanup.apiextensions.k8s.io";

pub fn is_definition(kind: &Kind) -> bool {
    kind.group == "apiextensions.k8s.io" && kind.kind == "CustomResourceDefinition"
}

/// Marks a definition that is being deleted, so that it stays until its resources are gone.
pub fn hold(object: &mut Value) {
    let meta = metadata(object);
    if let Some(list) = meta.entry("finalizers").or_insert_with(|| json!([])).as_array_mut()
        && !list.iter().any(|one| one == FINALIZER)
    {
        list.push(json!(FINALIZER));
    }
    let condition = json!({
        "type": "Terminating", "status": "True", "reason": "InstanceDeletionPending", "lastTransitionTime": clock::now(),
        "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
    });
    if let Some(list) = object["status"]["conditions"].as_array_mut() {
        list.retain(|one| one["type"] != "Terminating");
        list.push(condition);
    }
}

/// Deletes the resources of a definition that is going away, and the definition once there are none.
pub fn sweep(txn: &mut Txn, key: &Key) -> Result<(), Failure> {
    let Some(definition) = txn.get(key).filter(|found| !found["metadata"]["deletionTimestamp"].is_null()) else {
        return Ok(());
    };
    let (group, plural) = (text(&definition, "/spec/group"), text(&definition, "/spec/names/plural"));
    let table = kinds::table(group, plural);
    if let Some(kind) = txn.catalogue().tables().get(&table).cloned() {
        for (member, object) in txn.list(&table, None) {
            if object["metadata"]["deletionTimestamp"].is_null() {
                let target = Target { kind: &kind, namespace: &member.namespace, name: &member.name };
                delete(txn, target, &DeleteOptions::default())?;
            }
        }
    }
    if !txn.list(&table, None).is_empty() {
        return Ok(());
    }
    let mut last = (*definition).clone();
    if let Some(list) = metadata(&mut last).get_mut("finalizers").and_then(Value::as_array_mut) {
        list.retain(|one| one != FINALIZER);
    }
    match super::write::finished(&last) {
        true => drop(txn.remove(key, &last)),
        false => drop(txn.put(key.clone(), last)),
    }
    Ok(())
}
