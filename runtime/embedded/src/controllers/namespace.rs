//! Namespaces: their default account, and what happens when they are deleted.
//!
//! **Invariant:** a namespace goes last, after everything in it.

use serde_json::json;

use super::act::{self, is_deleted};
use crate::api::Propagation;
use crate::status::Failure;
use crate::store::{Key, Txn};

/// Gives a namespace its `default` account, or empties one that is going away.
pub fn sync(txn: &mut Txn, key: &Key) -> Result<(), Failure> {
    let Some(namespace) = txn.get(key) else {
        return Ok(());
    };
    if !is_deleted(&namespace) {
        let account = Key::new("serviceaccounts", &key.name, "default");
        if txn.get(&account).is_none() {
            let kind = act::kind(txn, "", "serviceaccounts")?;
            let body = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
            act::create(txn, &kind, &key.name, &body)?;
        }
        return Ok(());
    }
    let mut left = 0;
    for (table, kind) in txn.catalogue().tables() {
        if !kind.namespaced {
            continue;
        }
        for (member, object) in txn.list(&table, Some(&key.name)) {
            if !is_deleted(&object) {
                act::delete(txn, &kind, &member, Some(Propagation::Background))?;
            }
            left += usize::from(txn.get(&member).is_some());
        }
    }
    if left > 0 {
        return Ok(());
    }
    let mut emptied = (*namespace).clone();
    if let Some(spec) = emptied["spec"].as_object_mut() {
        spec.remove("finalizers");
    }
    let kind = act::kind(txn, "", "namespaces")?;
    let target = crate::api::Target { kind: &kind, namespace: "", name: &key.name };
    crate::api::finalize_namespace(txn, target, &emptied).map(drop)
}
