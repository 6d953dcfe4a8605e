//! The field managers of an object, and the fields that are not ours (`metadata.managedFields`, format `fieldsV1`).

use serde_json::{Map, Value};

/// The field manager that Waybill writes with.
pub const MANAGER: &str = "waybill";

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
