//! Who set a field: `metadata.managedFields` read as data (the format is `fieldsV1` of Kubernetes).

use serde_json::{Map, Value};

use super::diff::Segment;

/// The field manager that Waybill writes with.
pub const MANAGER: &str = "waybill";

/// The managers that own a field or a part above it as a leaf, sorted.
pub fn owners(object: &Value, path: &[Segment]) -> Vec<String> {
    let mut owners: Vec<String> = entries(object)
        .filter(|(_, fields)| owns(fields, object, path))
        .map(|(entry, _)| entry["manager"].as_str().unwrap_or_default().to_owned())
        .collect();
    owners.sort();
    owners.dedup();
    owners
}

/// The same for a value by its JSON pointer, whose positions are those of the object's lists. Facts of a plan are noted and
/// compared by this, so that both sides read the same thing.
pub fn owners_at(object: &Value, pointer: &str) -> Vec<String> {
    let mut owners: Vec<String> = entries(object)
        .filter(|(_, fields)| owns_at(fields, object, pointer))
        .map(|(entry, _)| entry["manager"].as_str().unwrap_or_default().to_owned())
        .collect();
    owners.sort();
    owners.dedup();
    owners
}

/// The managers of an object other than Waybill and the control plane, sorted.
pub fn managers(object: &Value) -> Vec<String> {
    let name = |(entry, _): (&Value, &Map<String, Value>)| entry["manager"].as_str().unwrap_or_default().to_owned();
    let mut names: Vec<String> = entries(object).map(name).filter(|name| !ours(name)).collect();
    names.sort();
    names.dedup();
    names
}

/// Leaf fields that a manager other than Waybill owns and Waybill does not: path and manager, sorted.
pub fn foreign(object: &Value) -> Vec<(String, String)> {
    let mut mine = Vec::new();
    for (_, fields) in entries(object).filter(|(entry, _)| entry["manager"] == MANAGER) {
        collect(fields, String::new(), &mut mine);
    }
    let mut found = Vec::new();
    for (entry, fields) in entries(object) {
        let manager = entry["manager"].as_str().unwrap_or_default();
        if ours(manager) {
            continue;
        }
        let mut paths = Vec::new();
        collect(fields, String::new(), &mut paths);
        found.extend(paths.into_iter().filter(|path| !mine.contains(path)).map(|path| (path, manager.to_owned())));
    }
    found.sort();
    found.dedup();
    found
}

/// The control plane's own managers set defaults and status, which are nobody's wish.
fn ours(manager: &str) -> bool {
    matches!(manager, MANAGER | "kube-controller-manager" | "kube-scheduler" | "kubelet" | "kube-apiserver")
}

/// Entries that are not about a subresource.
fn entries(object: &Value) -> impl Iterator<Item = (&Value, &Map<String, Value>)> {
    let list = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let main = list.into_iter().flatten().filter(|entry| entry["subresource"].as_str().unwrap_or_default().is_empty());
    main.filter_map(|entry| Some((entry, entry["fieldsV1"].as_object()?)))
}

/// Whether a set holds the path, or ends above it (an atomic field).
fn owns(fields: &Map<String, Value>, object: &Value, path: &[Segment]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    let below = match first {
        Segment::Key(key) => fields.get(&format!("f:{key}")),
        Segment::Item(keys, _) => item(fields, keys),
        Segment::Index(_) => return fields.is_empty() || fields.contains_key("."),
    };
    match below.and_then(Value::as_object) {
        Some(below) if below.is_empty() => true,
        Some(below) => owns(below, object, rest),
        None => false,
    }
}

fn owns_at(fields: &Map<String, Value>, object: &Value, pointer: &str) -> bool {
    let (mut fields, mut value) = (fields, object);
    for step in pointer.split('/').skip(1) {
        if fields.is_empty() {
            return true;
        }
        let step = step.replace("~1", "/").replace("~0", "~");
        let position = || step.parse::<usize>().ok();
        let (below, inner) = match value {
            Value::Array(items) => {
                let item = position().and_then(|at| items.get(at));
                (item.and_then(|item| element(fields, item, &step)), item)
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
                (fields.get(&format!("f:{step}")), value.get(&step))
            }
        };
        let Some(below) = below.and_then(Value::as_object) else { return false };
        fields = below;
        value = inner.unwrap_or(&Value::Null);
    }
    true
}

/// The entry of a list element: by its keys, by its value in a set, or by its position.
fn element<'a>(fields: &'a Map<String, Value>, item: &Value, position: &str) -> Option<&'a Value> {
    let same = |name: &str| {
        let parsed = |json: &str| serde_json::from_str::<Value>(json).ok();
        match name.split_once(':') {
            Some(("k", json)) => parsed(json)
                .as_ref()
                .and_then(Value::as_object)
                .is_some_and(|keys| keys.iter().all(|(key, value)| item.get(key) == Some(value))),
            Some(("v", json)) => parsed(json).as_ref() == Some(item),
            Some(("i", index)) => index == position,
            Some(_) | None => false,
        }
    };
    fields.iter().find(|(name, _)| same(name)).map(|(_, below)| below)
}

/// The entry of a list element whose key fields have these values.
fn item<'a>(fields: &'a Map<String, Value>, keys: &[(String, Value)]) -> Option<&'a Value> {
    let matches = |name: &str| {
        let Some(key) = name.strip_prefix("k:").and_then(|json| serde_json::from_str::<Value>(json).ok()) else {
            return false;
        };
        keys.iter().all(|(name, value)| key.get(name).is_none_or(|known| known == value))
    };
    fields.iter().find(|(name, _)| matches(name)).map(|(_, below)| below)
}

fn collect(fields: &Map<String, Value>, path: String, found: &mut Vec<String>) {
    for (name, below) in fields {
        let step = match name.split_once(':') {
            Some(("f", key)) if path.is_empty() => key.to_owned(),
            Some(("f", key)) if key.contains(['.', '/']) => format!("{path}[{key}]"),
            Some(("f", key)) => format!("{path}.{key}"),
            Some(("k", json)) => format!("{path}[{}]", item_name(json)),
            Some(("v", json)) => format!("{path}[{}]", json.trim_matches('"')),
            _ => continue,
        };
        match below.as_object() {
            Some(below) if below.keys().any(|key| key != ".") => collect(below, step, found),
            Some(_) | None => found.push(step),
        }
    }
}

/// `{"name":"api"}` as `api`.
fn item_name(json: &str) -> String {
    let Ok(Value::Object(keys)) = serde_json::from_str::<Value>(json) else { return json.to_owned() };
    let values: Vec<String> =
        keys.values().map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned)).collect();
    values.join("/")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn owners_are_found_through_maps_lists_sets_and_atomic_parents() {
        let live = json!({
            "spec": {"replicas": 2, "selector": {"a": "b"}, "template": {"spec": {"containers": [
                {"name": "side", "image": "x"}, {"name": "api", "image": "y"}]}}},
            "metadata": {"finalizers": ["keep"], "managedFields": [
                {"manager": "waybill", "fieldsV1": {"f:spec": {"f:selector": {}, "f:template": {"f:spec":
                    {"f:containers": {"k:{\"name\":\"api\"}": {".": {}, "f:image": {}}}}}}}},
                {"manager": "hpa", "fieldsV1": {"f:spec": {"f:replicas": {}},
                    "f:metadata": {"f:finalizers": {"v:\"keep\"": {}}}}},
                {"manager": "status", "subresource": "status", "fieldsV1": {"f:spec": {"f:replicas": {}}}},
            ]},
        });
        assert_eq!(owners_at(&live, "/spec/replicas"), ["hpa"]);
        assert_eq!(owners_at(&live, "/spec/selector/a"), ["waybill"]);
        assert_eq!(owners_at(&live, "/spec/template/spec/containers/1/image"), ["waybill"]);
        assert_eq!(owners_at(&live, "/spec/template/spec/containers/0/image"), [] as [&str; 0]);
        assert_eq!(owners_at(&live, "/spec/template/spec/containers/7/image"), [] as [&str; 0]);
        assert_eq!(owners_at(&live, "/metadata/finalizers/0"), ["hpa"]);
        assert_eq!(owners_at(&live, "/spec"), ["hpa", "waybill"]);
        assert_eq!(owners_at(&live, "/spec/paused"), [] as [&str; 0]);
    }
}
