//! Garbage collection by owner references: what depends on an object goes, waits or is let go as its deletion asks.
//!
//! **Invariant:** an object is deleted here only if every owner that it names is known to be gone or to wait for it.

use serde_json::{Value, json};

use super::act::{self, CONTROLLERS, is_deleted, text};
use crate::api::Propagation;
use crate::kinds::{Catalogue, Kind};
use crate::status::Failure;
use crate::store::{Key, Txn};

const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";

/// Looks at one object: whether it has lost its owners, and whether its own deletion waits for its dependents.
pub fn collect(txn: &mut Txn, key: &Key, dependents: &[Key]) -> Result<(), Failure> {
    let Some(object) = txn.get(key) else {
        return Ok(());
    };
    let Some(kind) = txn.catalogue().tables().get(&key.table).cloned() else {
        return Ok(());
    };
    if is_deleted(&object) {
        return finish(txn, &kind, key, &object, dependents);
    }
    let Some(owners) = object["metadata"]["ownerReferences"].as_array().filter(|owners| !owners.is_empty()) else {
        return Ok(());
    };
    let mut solid = 0;
    let mut waiting = false;
    let mut gone: Vec<&Value> = Vec::new();
    for reference in owners {
        match owner(txn, key, reference) {
            Owner::There { foreground: false } | Owner::Unknown => solid += 1,
            Owner::There { foreground: true } => waiting = true,
            Owner::Gone => gone.push(reference),
        }
    }
    if solid > 0 {
        if !gone.is_empty() {
            let gone: Vec<Value> = gone.into_iter().map(|reference| reference["uid"].clone()).collect();
            drop_references(txn, &kind, key, &gone)?;
        }
        return Ok(());
    }
    let propagation = match (waiting, has_finalizer(&object, ORPHAN), has_finalizer(&object, FOREGROUND)) {
        (true, _, _) if !dependents.is_empty() => Propagation::Foreground,
        (_, true, _) => Propagation::Orphan,
        (_, _, true) => Propagation::Foreground,
        (_, _, _) => Propagation::Background,
    };
    act::delete(txn, &kind, key, Some(propagation))
}

enum Owner {
    There {
        foreground: bool,
    },
    Gone,
    /// Of a kind that is not served: nothing is known.
    Unknown,
}

fn owner(txn: &Txn, dependent: &Key, reference: &Value) -> Owner {
    let (group, _) = text(reference, "/apiVersion").split_once('/').unwrap_or(("", ""));
    let Some(kind) = owner_kind(txn.catalogue(), group, text(reference, "/kind")) else {
        return Owner::Unknown;
    };
    let namespace = if kind.namespaced { dependent.namespace.as_str() } else { "" };
    let key = Key::new(&kind.table(), namespace, text(reference, "/name"));
    match txn.get(&key) {
        Some(found) if found["metadata"]["uid"] == reference["uid"] => {
            Owner::There { foreground: is_deleted(&found) && has_finalizer(&found, FOREGROUND) }
        }
        _ => Owner::Gone,
    }
}

fn owner_kind<'a>(catalogue: &'a Catalogue, group: &str, name: &str) -> Option<&'a Kind> {
    catalogue.by_group_kind(group, name).map(|kind| &**kind)
}

fn has_finalizer(object: &Value, name: &str) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|list| list.iter().any(|one| one == name))
}

/// An object that is going away while its dependents are dealt with.
fn finish(txn: &mut Txn, kind: &Kind, key: &Key, object: &Value, dependents: &[Key]) -> Result<(), Failure> {
    let uid = object["metadata"]["uid"].clone();
    if has_finalizer(object, ORPHAN) {
        for dependent in dependents {
            if let Some(kind) = txn.catalogue().tables().get(&dependent.table).cloned() {
                drop_references(txn, &kind, dependent, std::slice::from_ref(&uid))?;
            }
        }
        return drop_finalizer(txn, kind, key, ORPHAN);
    }
    if !has_finalizer(object, FOREGROUND) {
        return Ok(());
    }
    let mut blocked = false;
    for dependent in dependents {
        let Some(child) = txn.get(dependent) else {
            continue;
        };
        let references = child["metadata"]["ownerReferences"].as_array();
        blocked |= references.into_iter().flatten().any(|one| one["uid"] == uid && one["blockOwnerDeletion"] == true);
    }
    match blocked {
        true => Ok(()),
        false => drop_finalizer(txn, kind, key, FOREGROUND),
    }
}

fn drop_finalizer(txn: &mut Txn, kind: &Kind, key: &Key, name: &str) -> Result<(), Failure> {
    act::change(txn, kind, key, (CONTROLLERS, ""), |object| {
        if let Some(list) = object["metadata"]["finalizers"].as_array_mut() {
            list.retain(|one| one != name);
        }
    })
}

fn drop_references(txn: &mut Txn, kind: &Kind, key: &Key, uids: &[Value]) -> Result<(), Failure> {
    act::change(txn, kind, key, (CONTROLLERS, ""), |object| {
        if let Some(list) = object["metadata"]["ownerReferences"].as_array_mut() {
            list.retain(|reference| !uids.contains(&reference["uid"]));
        }
        if object["metadata"]["ownerReferences"] == json!([])
            && let Some(meta) = object["metadata"].as_object_mut()
        {
            meta.remove("ownerReferences");
        }
    })
}
