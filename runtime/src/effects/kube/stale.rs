//! Whether what an object write rests on is still so.
//!
//! **Invariant:** pure. Only the object's uid and the value and owners of the fields that the plan writes count; status,
//! other people's fields and resourceVersions do not.

use serde_json::{Value, json};
use waybill_compiler::plan::effect::{Apply, Delete, Found};
use waybill_compiler::plan::owners::owners;

use super::{MANAGER, display, object_ref};

/// What moved since the plan was made, as a sentence naming object and field; `None` if nothing did.
pub fn apply(effect: &Apply, live: Option<&Value>) -> Option<String> {
    let name = display(&object_ref(&effect.object));
    match (&effect.found, live) {
        (None, None) => None,
        (None, Some(_)) => Some(format!("{name} did not exist when the plan was made, and does now")),
        (Some(_), None) => Some(format!("{name} was deleted since the plan was made")),
        (Some(found), Some(live)) => moved(found, live).map(|what| format!("{name}: {what}")),
    }
}

/// The same for a delete. What is gone already is not stale.
pub fn delete(effect: &Delete, live: Option<&Value>) -> Option<String> {
    let live = live?;
    let uid = effect.object.uid.as_deref()?;
    (live["metadata"]["uid"] != uid)
        .then(|| format!("{} was replaced by another object of that name", display(&effect.object)))
}

/// Whether an object is what a dry run of our own write gives: then the write was done already.
pub fn same_but_for_bookkeeping(live: &Value, dry_run: &Value) -> bool {
    bare(live) == bare(dry_run)
}

fn moved(found: &Found, live: &Value) -> Option<String> {
    let metadata = &live["metadata"];
    if metadata["uid"] != found.uid.as_str() {
        return Some("it was replaced by another object of that name".into());
    }
    if metadata["resourceVersion"] == found.resource_version.as_str() {
        return None;
    }
    found.fields.iter().find_map(|field| {
        let now = live.pointer(&field.path).unwrap_or(&Value::Null);
        if now != &field.value {
            return Some(format!("`{}` was {} in the plan and is {now} now", field.path, field.value));
        }
        let owners = owners(live, &field.path);
        (owners != field.owners).then(|| {
            format!(
                "`{}` was owned by {} in the plan and is by {} now",
                field.path,
                names(&field.owners),
                names(&owners)
            )
        })
    })
}

fn names(owners: &[String]) -> String {
    if owners.is_empty() { "nobody".into() } else { owners.join(", ") }
}

/// The object without what every write changes: resourceVersion, generation, status; of the managers only our own, which
/// would change if the fields were not ours yet. (An object of which we own nothing, a bare namespace, gets an entry
/// `before-first-apply` at the next apply, as in Kubernetes.)
fn bare(object: &Value) -> Value {
    let mut bare = object.clone();
    if let Some(fields) = bare.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = bare["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
        metadata.remove("generation");
    }
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let ours: Vec<&Value> =
        entries.filter(|entry| entry["manager"] == MANAGER).map(|entry| &entry["fieldsV1"]).collect();
    bare["metadata"]["managedFields"] = json!(ours);
    bare
}

#[cfg(test)]
mod tests {
    use waybill_compiler::plan::effect::FoundField;

    use super::*;

    fn effect() -> Apply {
        Apply {
            object: json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "n"}}),
            found: Some(Found {
                uid: "u".into(),
                resource_version: "5".into(),
                fields: vec![FoundField { path: "/data/k".into(), value: json!("v"), owners: vec!["waybill".into()] }],
            }),
            force: false,
        }
    }

    fn live(value: &str, manager: &str) -> Value {
        json!({"metadata": {"uid": "u", "resourceVersion": "9", "managedFields": [
            {"manager": manager, "fieldsV1": {"f:data": {"f:k": {}, "f:other": {}}}}]}, "data": {"k": value, "other": "x"}})
    }

    #[test]
    fn only_uid_and_the_fields_to_be_written_count() {
        assert_eq!(apply(&effect(), Some(&live("v", "waybill"))), None);
        let value = apply(&effect(), Some(&live("w", "waybill"))).unwrap();
        assert_eq!(value, "ConfigMap n/a: `/data/k` was \"v\" in the plan and is \"w\" now");
        let owner = apply(&effect(), Some(&live("v", "kubectl"))).unwrap();
        assert_eq!(owner, "ConfigMap n/a: `/data/k` was owned by waybill in the plan and is by kubectl now");
        let mut other = live("v", "waybill");
        other["metadata"]["uid"] = json!("z");
        assert!(apply(&effect(), Some(&other)).unwrap().contains("replaced by another"));
        assert!(apply(&effect(), None).unwrap().contains("was deleted"));
        let create = Apply { found: None, ..effect() };
        assert_eq!(apply(&create, None), None);
        assert!(apply(&create, Some(&live("v", "waybill"))).unwrap().contains("did not exist"));
    }
}
