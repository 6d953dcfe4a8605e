//! Addresses and ports of Services.
//!
//! **Invariant:** no two Services have the same cluster address or node port. Follows Kubernetes' service registry.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::random;
use crate::store::Txn;

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn has_node_ports(kind: &str) -> bool {
    matches!(kind, "NodePort" | "LoadBalancer")
}

/// Takes away what the old type of a Service had been given and the new one has no use for.
pub fn drop_unused(object: &mut Value, old: &Value) {
    let (new_kind, old_kind) = (text(object, "/spec/type").to_owned(), text(old, "/spec/type"));
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    let mut wipe = |keys: &[&str]| {
        for key in keys {
            if spec.get(*key) == old["spec"].get(*key) {
                spec.remove(*key);
            }
        }
    };
    if new_kind == "ExternalName" && old_kind != "ExternalName" {
        wipe(&["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"]);
    }
    if has_node_ports(old_kind) && !has_node_ports(&new_kind) {
        wipe(&["externalTrafficPolicy"]);
        let ports = |spec: &Value| -> Vec<Value> {
            let list = spec["ports"].as_array();
            list.into_iter().flatten().map(|port| port["nodePort"].clone()).collect()
        };
        if ports(&object["spec"]) == ports(&old["spec"]) {
            for port in object["spec"]["ports"].as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
                port.remove("nodePort");
            }
        }
    }
    if old_kind == "LoadBalancer" && new_kind != "LoadBalancer" {
        let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
            return;
        };
        for key in ["allocateLoadBalancerNodePorts", "loadBalancerClass", "healthCheckNodePort"] {
            if spec.get(key) == old["spec"].get(key) {
                spec.remove(key);
            }
        }
    }
}

/// Gives a Service its cluster address and node ports, or those that it has already.
pub fn allocate(txn: &Txn, object: &mut Value, old: Option<&Value>) {
    let kind = text(object, "/spec/type").to_owned();
    let selects = object["spec"]["selector"].as_object().is_some_and(|selector| !selector.is_empty());
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if kind == "ExternalName" {
        return;
    }
    if let Some(old) = old.filter(|old| text(old, "/spec/type") != "ExternalName") {
        for key in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
            if let (None, Some(value)) = (spec.get(key), old["spec"].get(key)) {
                spec.insert(key.to_owned(), value.clone());
            }
        }
    }
    let address = match (spec.get("clusterIP").and_then(Value::as_str), spec.get("clusterIPs")) {
        (Some(address), _) => address.to_owned(),
        (None, Some(list)) if list[0].is_string() => text(list, "/0").to_owned(),
        (None, _) => free_address(txn),
    };
    spec.entry("clusterIPs").or_insert_with(|| json!([address]));
    spec.insert("clusterIP".to_owned(), json!(address));
    let headless = address == "None";
    let policy = if headless && !selects { "RequireDualStack" } else { "SingleStack" };
    let families = if headless && !selects { json!(["IPv4", "IPv6"]) } else { json!(["IPv4"]) };
    spec.entry("ipFamilies").or_insert(families);
    spec.entry("ipFamilyPolicy").or_insert(json!(policy));
    if matches!(kind.as_str(), "NodePort" | "LoadBalancer")
        && spec.get("allocateLoadBalancerNodePorts") != Some(&json!(false))
    {
        node_ports(txn, spec, old);
    }
}

fn services(txn: &Txn) -> Vec<crate::store::Object> {
    txn.list("services", None).into_iter().map(|(_, object)| object).collect()
}

fn free_address(txn: &Txn) -> String {
    let used: BTreeSet<String> =
        services(txn).iter().map(|service| text(service, "/spec/clusterIP").to_owned()).collect();
    // 10.96.0.0/12 without its first addresses, as clusters are set up by default.
    let mut offset = 256 + random::below((1 << 20) - 512);
    loop {
        let address = format!("10.{}.{}.{}", 96 + (offset >> 16), (offset >> 8) & 255, offset & 255);
        if !used.contains(&address) {
            return address;
        }
        offset = 256 + (offset + 1) % ((1 << 20) - 512);
    }
}

fn node_ports(txn: &Txn, spec: &mut Map<String, Value>, old: Option<&Value>) {
    let mut used: BTreeSet<i64> = services(txn)
        .iter()
        .flat_map(|service| service["spec"]["ports"].as_array().cloned().unwrap_or_default())
        .filter_map(|port| port["nodePort"].as_i64())
        .collect();
    let before = old.and_then(|old| old["spec"]["ports"].as_array().cloned()).unwrap_or_default();
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if port["nodePort"].as_i64().is_some_and(|number| number != 0) {
            continue;
        }
        let twin = before.iter().find(|old| old["port"] == port["port"] && old["protocol"] == port["protocol"]);
        let number = twin
            .and_then(|twin| twin["nodePort"].as_i64())
            .or_else(|| (30_000..32_768).find(|number| !used.contains(number)));
        if let Some(number) = number {
            used.insert(number);
            port["nodePort"] = json!(number);
        }
    }
}
