//! Objects between the versions of their kind.
//!
//! **Invariant:** storage always holds the storage version. Custom kinds differ in `apiVersion` alone, since their
//! conversion strategy is always `None` here; the one built-in kind with two versions is the autoscaler.

use serde_json::{Map, Value, json};

use crate::kinds::Kind;
use crate::store::Txn;

/// A stored object as this version of its kind shows it.
pub fn served(kind: &Kind, stored: &Value) -> Value {
    let from = stored["apiVersion"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default();
    between(stored, kind, from, &kind.version)
}

/// An object of one version in another.
pub fn convert(value: &Value, from: &Kind, to: &Kind) -> Value {
    between(value, to, &from.version, &to.version)
}

/// An object in the version that is stored.
pub fn stored(kind: &Kind, value: &Value) -> Value {
    between(value, kind, &kind.version, &kind.storage_version)
}

/// The kind in its storage version.
pub fn storage_kind(txn: &Txn, kind: &Kind) -> Kind {
    match kind.version == kind.storage_version {
        true => kind.clone(),
        false => txn
            .catalogue()
            .resource(&kind.group, &kind.storage_version, &kind.plural)
            .map_or_else(|| kind.clone(), |found| (**found).clone()),
    }
}

fn between(value: &Value, kind: &Kind, from: &str, to: &str) -> Value {
    let mut out = value.clone();
    if from == to {
        return out;
    }
    out["apiVersion"] = Value::String(crate::kinds::api_version(&kind.group, to));
    if kind.custom || kind.group != "autoscaling" {
        return out;
    }
    match to {
        "v1" => to_v1(&mut out),
        _ => to_v2(&mut out),
    }
    out
}

fn take(object: &mut Value, section: &str) -> Map<String, Value> {
    object.get_mut(section).and_then(Value::as_object_mut).map(std::mem::take).unwrap_or_default()
}

fn put(object: &mut Value, section: &str, map: Map<String, Value>) {
    if !map.is_empty() || object.get(section).is_some() {
        object[section] = Value::Object(map);
    }
}

fn cpu_utilization(metrics: Option<&Value>) -> Option<Value> {
    let list = metrics?.as_array()?;
    let cpu = list.iter().find(|metric| metric["type"] == "Resource" && metric["resource"]["name"] == "cpu")?;
    cpu.pointer("/resource/target/averageUtilization")
        .or_else(|| cpu.pointer("/resource/current/averageUtilization"))
        .cloned()
}

fn to_v1(object: &mut Value) {
    let mut spec = take(object, "spec");
    if let Some(percent) = cpu_utilization(spec.remove("metrics").as_ref()) {
        spec.insert("targetCPUUtilizationPercentage".to_owned(), percent);
    }
    spec.remove("behavior");
    put(object, "spec", spec);
    let mut status = take(object, "status");
    if let Some(percent) = cpu_utilization(status.remove("currentMetrics").as_ref()) {
        status.insert("currentCPUUtilizationPercentage".to_owned(), percent);
    }
    status.remove("conditions");
    for key in ["currentReplicas", "desiredReplicas"] {
        status.entry(key).or_insert(json!(0));
    }
    put(object, "status", status);
}

fn to_v2(object: &mut Value) {
    let mut spec = take(object, "spec");
    if let Some(percent) = spec.remove("targetCPUUtilizationPercentage") {
        let target = json!({"type": "Utilization", "averageUtilization": percent});
        let metric = json!({"type": "Resource", "resource": {"name": "cpu", "target": target}});
        spec.insert("metrics".to_owned(), json!([metric]));
    }
    put(object, "spec", spec);
    let mut status = take(object, "status");
    status.remove("currentCPUUtilizationPercentage");
    status.entry("currentMetrics").or_insert(Value::Null);
    put(object, "status", status);
}
