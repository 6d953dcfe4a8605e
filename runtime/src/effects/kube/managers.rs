//! Entries of `metadata.managedFields`: giving what a manager has updated to its applies.
//!
//! **Invariant:** pure. Kubernetes tells a manager's updates from its applies, and an apply removes only what applies
//! have set; `k8s.io/client-go/util/csaupgrade` does the same for what kubectl has set before server-side apply.

use serde_json::{Map, Value};

/// The entries with the manager's update of the main resource moved into its apply, but for the field at `keep` (steps as
/// in FieldsV1). `None` if there is nothing to move, or no apply to move it to.
pub fn merged(object: &Value, manager: &str, keep: &[&str]) -> Option<Value> {
    let entries = object["metadata"]["managedFields"].as_array()?;
    let is = |entry: &&Value, operation: &str| {
        entry["manager"] == manager
            && entry["operation"] == operation
            && entry["subresource"].as_str().unwrap_or_default().is_empty()
    };
    let update = entries.iter().find(|entry| is(entry, "Update"))?;
    entries.iter().find(|entry| is(entry, "Apply"))?;
    let mut moved = update["fieldsV1"].clone();
    let kept = take(&mut moved, keep);
    if moved.as_object().is_none_or(Map::is_empty) {
        return None;
    }
    let mut merged = Vec::new();
    for entry in entries {
        let mut entry = entry.clone();
        if is(&&entry, "Apply") {
            unite(&mut entry["fieldsV1"], &moved);
        } else if is(&&entry, "Update") {
            let Some(kept) = kept.clone() else { continue };
            entry["fieldsV1"] = kept;
        }
        merged.push(entry);
    }
    Some(Value::Array(merged))
}

/// Takes one field out of a set; gives the set of that field alone.
fn take(fields: &mut Value, path: &[&str]) -> Option<Value> {
    let (first, rest) = path.split_first()?;
    let below = fields.get_mut(*first)?;
    let taken = if rest.is_empty() { below.take() } else { take(below, rest)? };
    let empty = below.is_null() || below.as_object().is_some_and(|fields| fields.keys().all(|key| key == "."));
    if let Some(fields) = fields.as_object_mut().filter(|_| empty) {
        fields.remove(*first);
    }
    Some(Value::Object(Map::from_iter([((*first).to_owned(), taken)])))
}

fn unite(fields: &mut Value, more: &Value) {
    let (Some(fields), Some(more)) = (fields.as_object_mut(), more.as_object()) else { return };
    for (name, below) in more {
        unite(fields.entry(name.clone()).or_insert_with(|| Value::Object(Map::new())), below);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_update_moves_into_the_apply_but_for_one_field() {
        let entry = |manager: &str, operation: &str, fields: Value| json!({"manager": manager, "operation": operation, "fieldsV1": fields});
        let object = |update: Value| {
            json!({"metadata": {"managedFields": [
                entry("waybill", "Apply", json!({"f:spec": {"f:a": {}}})),
                entry("other", "Update", json!({"f:spec": {"f:x": {}}})),
                entry("waybill", "Update", update),
            ]}})
        };
        let moved = merged(
            &object(json!({"f:spec": {"f:replicas": {}, "f:b": {"f:c": {}}}})),
            "waybill",
            &["f:spec", "f:replicas"],
        );
        assert_eq!(
            moved,
            Some(json!([
                entry("waybill", "Apply", json!({"f:spec": {"f:a": {}, "f:b": {"f:c": {}}}})),
                entry("other", "Update", json!({"f:spec": {"f:x": {}}})),
                entry("waybill", "Update", json!({"f:spec": {"f:replicas": {}}})),
            ]))
        );
        assert_eq!(merged(&object(json!({"f:spec": {"f:replicas": {}}})), "waybill", &["f:spec", "f:replicas"]), None);
        let gone = merged(&object(json!({"f:spec": {"f:b": {}}})), "waybill", &["f:spec", "f:replicas"]).unwrap();
        assert_eq!(gone.as_array().map(Vec::len), Some(2));
    }
}
