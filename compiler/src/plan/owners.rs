//! Who owns a field of a live object, read from its `metadata.managedFields`.
//!
//! **Invariant:** pure. The format is Kubernetes' FieldsV1 (structured-merge-diff, `fieldpath/serialize.go`): `f:NAME` a
//! field, `k:{…}` an item of a list by its keys, `v:VALUE` an item of a set, `i:N` an item by index, `.` the item itself;
//! `{}` is a leaf that owns everything below it.

use std::collections::BTreeSet;

use serde_json::Value;

/// Managers that own the value at a JSON pointer, sorted. The pointer is of the live object, so the items of its lists
/// are looked up there by index.
pub fn owners(live: &Value, pointer: &str) -> Vec<String> {
    let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    let managers: BTreeSet<String> = entries
        .filter(|entry| entry["subresource"].as_str().unwrap_or_default().is_empty())
        .filter(|entry| owns(&entry["fieldsV1"], live, pointer))
        .map(|entry| entry["manager"].as_str().unwrap_or_default().to_owned())
        .collect();
    managers.into_iter().collect()
}

/// Whether a FieldsV1 tree owns the value at `pointer` or some part of it.
fn owns(fields: &Value, live: &Value, pointer: &str) -> bool {
    let (mut node, mut value) = (fields, live);
    for raw in pointer.split('/').skip(1) {
        if node.as_object().is_none_or(serde_json::Map::is_empty) {
            return node.is_object();
        }
        let part = raw.replace("~1", "/").replace("~0", "~");
        let child = match value {
            Value::Array(items) => part.parse().ok().and_then(|index: usize| item(node, items.get(index), index)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                node.get(format!("f:{part}"))
            }
        };
        let Some(child) = child else { return false };
        node = child;
        value = match value {
            Value::Array(items) => part.parse().ok().and_then(|index: usize| items.get(index)).unwrap_or(&Value::Null),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => &value[&part],
        };
    }
    node.is_object()
}

/// The subtree for an item of a list: by its keys, by its value in a set, or by its index.
fn item<'a>(node: &'a Value, item: Option<&Value>, index: usize) -> Option<&'a Value> {
    let item = item?;
    node.as_object()?.iter().find_map(|(name, child)| {
        let (kind, rest) = name.split_once(':')?;
        let same = match kind {
            "k" => {
                let keys: Value = serde_json::from_str(rest).ok()?;
                keys.as_object()?.iter().all(|(key, value)| item.get(key) == Some(value))
            }
            "v" => serde_json::from_str::<Value>(rest).is_ok_and(|value| &value == item),
            "i" => rest.parse() == Ok(index),
            _other => false,
        };
        same.then_some(child)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn live() -> Value {
        json!({
            "spec": {"replicas": 2, "selector": {"a": "b"}, "template": {"spec": {"containers": [
                {"name": "side", "image": "x"}, {"name": "api", "image": "y"}]}}},
            "metadata": {"finalizers": ["keep"], "managedFields": [
                {"manager": "waybill", "operation": "Apply", "fieldsV1": {"f:spec": {"f:selector": {}, "f:template":
                    {"f:spec": {"f:containers": {"k:{\"name\":\"api\"}": {".": {}, "f:image": {}}}}}}}},
                {"manager": "hpa", "operation": "Update", "fieldsV1": {"f:spec": {"f:replicas": {}},
                    "f:metadata": {"f:finalizers": {"v:\"keep\"": {}}}}},
                {"manager": "status", "subresource": "status", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            ]},
        })
    }

    #[test]
    fn owners_are_found_through_maps_lists_sets_and_atomic_parents() {
        let live = live();
        assert_eq!(owners(&live, "/spec/replicas"), ["hpa"]);
        assert_eq!(owners(&live, "/spec/selector/a"), ["waybill"]);
        assert_eq!(owners(&live, "/spec/template/spec/containers/1/image"), ["waybill"]);
        assert_eq!(owners(&live, "/spec/template/spec/containers/0/image"), [] as [&str; 0]);
        assert_eq!(owners(&live, "/metadata/finalizers/0"), ["hpa"]);
        assert_eq!(owners(&live, "/spec"), ["hpa", "waybill"]);
        assert_eq!(owners(&live, "/spec/paused"), [] as [&str; 0]);
    }
}
