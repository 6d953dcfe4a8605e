//! Rules for Services, configuration, claims, access and the rest.
//!
//! **Invariant:** as in `validate`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::syntax::{config_key_problem, label_problem, port_problem};
use super::{Errors, immutable, items, not_negative, text};
use crate::selector::Selector;
use crate::status::FieldError;

pub fn service(object: &Value, old: Option<&Value>, errors: &mut Errors) {
    let kind = text(object, "/spec/type");
    if !matches!(kind, "ClusterIP" | "NodePort" | "LoadBalancer" | "ExternalName") {
        let known = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
        errors.push(FieldError::unsupported("spec.type", &json!(kind), &known));
    }
    let affinity = text(object, "/spec/sessionAffinity");
    if !matches!(affinity, "None" | "ClientIP") {
        errors.push(FieldError::unsupported("spec.sessionAffinity", &json!(affinity), &["ClientIP", "None"]));
    }
    if kind == "ExternalName" && text(object, "/spec/externalName").is_empty() {
        errors.push(FieldError::required("spec.externalName", ""));
    }
    let address = text(object, "/spec/clusterIP");
    if !address.is_empty() && address != "None" && address.parse::<std::net::IpAddr>().is_err() {
        let detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
        errors.push(FieldError::invalid("spec.clusterIPs[0]", &json!(address), detail));
    }
    service_ports(object, kind, errors);
    super::meta::labels(object, "/spec/selector", "spec.selector", errors);
    if let Some(old) = old {
        service_update(object, old, kind, errors);
    }
}

fn service_ports(object: &Value, kind: &str, errors: &mut Errors) {
    let ports = items(object, "/spec/ports");
    if ports.is_empty() && text(object, "/spec/clusterIP") != "None" && kind != "ExternalName" {
        errors.push(FieldError::required("spec.ports", ""));
    }
    let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
    for (index, port) in ports.iter().enumerate() {
        let here = format!("spec.ports[{index}]");
        let name = text(port, "/name");
        if name.is_empty() {
            if ports.len() > 1 {
                errors.push(FieldError::required(format!("{here}.name"), ""));
            }
        } else if let Some(problem) = label_problem(name) {
            errors.push(FieldError::invalid(format!("{here}.name"), &json!(name), &problem));
        } else if !names.insert(name.to_owned()) {
            errors.push(FieldError::duplicate(format!("{here}.name"), &json!(name)));
        }
        let number = port["port"].as_i64().unwrap_or(0);
        if let Some(problem) = port_problem(number) {
            errors.push(FieldError::invalid(format!("{here}.port"), &json!(number), &problem));
        }
        if let Some(target) = port["targetPort"].as_i64()
            && let Some(problem) = port_problem(target)
        {
            errors.push(FieldError::invalid(format!("{here}.targetPort"), &json!(target), &problem));
        }
        if kind == "ClusterIP" && port["nodePort"].as_i64().is_some_and(|number| number != 0) {
            let detail = "may not be used when `type` is 'ClusterIP'";
            errors.push(FieldError::forbidden(format!("{here}.nodePort"), detail));
        }
        let protocol = text(port, "/protocol");
        if !matches!(protocol, "TCP" | "UDP" | "SCTP") {
            errors.push(FieldError::unsupported(format!("{here}.protocol"), &json!(protocol), &["SCTP", "TCP", "UDP"]));
        }
        if !numbers.insert((number, protocol.to_owned())) {
            errors.push(FieldError::duplicate(here, &json!({"port": number, "protocol": protocol})));
        }
    }
}

fn service_update(object: &Value, old: &Value, kind: &str, errors: &mut Errors) {
    let (new, before) = (text(object, "/spec/clusterIP"), text(old, "/spec/clusterIP"));
    if text(old, "/spec/type") == "ExternalName" || kind == "ExternalName" || before.is_empty() {
        return;
    }
    if new != before {
        errors.push(FieldError::invalid("spec.clusterIPs[0]", &json!([new]), "may not change once set"));
    } else if text(object, "/spec/clusterIPs/0") != new {
        errors.push(FieldError::invalid(
            "spec.clusterIPs",
            &object["spec"]["clusterIPs"],
            "first value must match `clusterIP`",
        ));
    }
}

fn keys(object: &Value, pointer: &str, errors: &mut Errors) {
    for key in object.pointer(pointer).and_then(Value::as_object).into_iter().flat_map(Map::keys) {
        if let Some(problem) = config_key_problem(key) {
            let field = format!("{}[{key}]", pointer.trim_start_matches('/'));
            errors.push(FieldError::invalid(field, &json!(key), &problem));
        }
    }
}

const MAX_DATA_BYTES: usize = 1024 * 1024;

fn size(object: &Value, lists: &[&str]) -> usize {
    lists
        .iter()
        .filter_map(|list| object[list].as_object())
        .flatten()
        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
        .sum()
}

fn frozen(object: &Value, old: &Value, lists: &[&str], errors: &mut Errors) {
    if old["immutable"] != true {
        return;
    }
    let detail = "field is immutable when `immutable` is set";
    if object["immutable"] != true {
        errors.push(FieldError::forbidden("immutable", detail));
    }
    for list in lists {
        if object[list] != old[list] {
            errors.push(FieldError::forbidden(*list, detail));
        }
    }
}

pub fn config_map(object: &Value, old: Option<&Value>, errors: &mut Errors) {
    keys(object, "/data", errors);
    keys(object, "/binaryData", errors);
    for key in object["data"].as_object().into_iter().flat_map(Map::keys) {
        if object["binaryData"].get(key).is_some() {
            errors.push(FieldError::invalid(
                format!("data[{key}]"),
                &json!(key),
                "duplicate of key present in binaryData",
            ));
        }
    }
    if size(object, &["data", "binaryData"]) > MAX_DATA_BYTES {
        errors.push(FieldError::too_long("", MAX_DATA_BYTES));
    }
    if let Some(old) = old {
        frozen(object, old, &["data", "binaryData"], errors);
    }
}

pub fn secret(object: &Value, old: Option<&Value>, errors: &mut Errors) {
    if let Some(old) = old {
        immutable(object, old, "/type", errors);
        frozen(object, old, &["data"], errors);
    }
    keys(object, "/data", errors);
    // Values are base64 here: four bytes for three.
    if size(object, &["data"]) / 4 * 3 > MAX_DATA_BYTES {
        errors.push(FieldError::too_long("data", MAX_DATA_BYTES));
    }
    let required: &[&str] = match text(object, "/type") {
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        _ => &[],
    };
    for key in required {
        if object["data"].get(*key).is_none() {
            errors.push(FieldError::required(format!("data[{key}]"), ""));
        }
    }
}

pub fn claim(object: &Value, old: Option<&Value>, errors: &mut Errors) {
    let Some(old) = old else {
        if items(object, "/spec/accessModes").is_empty() {
            errors.push(FieldError::required("spec.accessModes", "at least 1 access mode is required"));
        }
        if object["spec"]["resources"]["requests"]["storage"].is_null() {
            errors.push(FieldError::required("spec.resources[storage]", ""));
        }
        return;
    };
    let fixed = |value: &Value| {
        let mut spec = value["spec"].as_object().cloned().unwrap_or_default();
        for key in ["resources", "volumeName", "volumeAttributesClassName"] {
            spec.remove(key);
        }
        spec
    };
    if fixed(object) != fixed(old) {
        errors.push(FieldError::forbidden(
            "spec",
            "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims",
        ));
    }
}

/// A binding of a cluster cannot leave the namespace of an account open.
pub fn role_binding(namespaced: bool, object: &Value, old: Option<&Value>, errors: &mut Errors) {
    let role = &object["roleRef"];
    if old.is_some_and(|old| old["roleRef"] != *role) {
        // The API prints its inner form of the reference, whose fields have other names.
        let shown = json!({"APIGroup": role["apiGroup"], "Kind": role["kind"], "Name": role["name"]});
        errors.push(FieldError::invalid("roleRef", &shown, "cannot change roleRef"));
    }
    if text(role, "/name").is_empty() {
        errors.push(FieldError::required("roleRef.name", ""));
    }
    if !matches!(text(role, "/kind"), "Role" | "ClusterRole") {
        errors.push(FieldError::unsupported("roleRef.kind", &role["kind"], &["Role", "ClusterRole"]));
    }
    for (index, subject) in items(object, "/subjects").iter().enumerate() {
        if text(subject, "/name").is_empty() {
            errors.push(FieldError::required(format!("subjects[{index}].name"), ""));
        }
        let account = text(subject, "/kind") == "ServiceAccount";
        if account && !namespaced && text(subject, "/namespace").is_empty() {
            errors.push(FieldError::required(format!("subjects[{index}].namespace"), ""));
        }
        if !matches!(text(subject, "/kind"), "ServiceAccount" | "User" | "Group") {
            errors.push(FieldError::unsupported(
                format!("subjects[{index}].kind"),
                &subject["kind"],
                &["ServiceAccount", "User", "Group"],
            ));
        }
    }
}

pub fn autoscaler(object: &Value, errors: &mut Errors) {
    let (min, max) =
        (object["spec"]["minReplicas"].as_i64().unwrap_or(1), object["spec"]["maxReplicas"].as_i64().unwrap_or(0));
    if min < 1 {
        errors.push(FieldError::invalid("spec.minReplicas", &json!(min), "must be greater than or equal to 1"));
    }
    if max < 1 {
        errors.push(FieldError::invalid("spec.maxReplicas", &json!(max), "must be greater than 0"));
    } else if max < min {
        errors.push(FieldError::invalid(
            "spec.maxReplicas",
            &json!(max),
            "must be greater than or equal to `minReplicas`",
        ));
    }
    for key in ["kind", "name"] {
        if text(object, &format!("/spec/scaleTargetRef/{key}")).is_empty() {
            errors.push(FieldError::required(format!("spec.scaleTargetRef.{key}"), ""));
        }
    }
}

pub fn disruption_budget(object: &Value, errors: &mut Errors) {
    let spec = &object["spec"];
    if !spec["minAvailable"].is_null() && !spec["maxUnavailable"].is_null() {
        errors.push(FieldError::invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"));
    }
    not_negative(object, "/spec/minAvailable", errors);
    not_negative(object, "/spec/maxUnavailable", errors);
    if let Err(problem) = Selector::from_label_selector(&spec["selector"]) {
        errors.push(FieldError::invalid("spec.selector", &spec["selector"], &problem));
    }
}

pub fn ingress(object: &Value, errors: &mut Errors) {
    let spec = &object["spec"];
    if spec["defaultBackend"].is_null() && items(object, "/spec/rules").is_empty() {
        errors.push(FieldError::invalid("spec", spec, "either `defaultBackend` or `rules` must be specified"));
    }
    for (rule_index, rule) in items(object, "/spec/rules").iter().enumerate() {
        for (index, path) in items(rule, "/http/paths").iter().enumerate() {
            let here = format!("spec.rules[{rule_index}].http.paths[{index}]");
            let port = &path["backend"]["service"]["port"];
            let named = !text(port, "/name").is_empty() || port["number"].as_i64().unwrap_or(0) != 0;
            if path["backend"]["service"].is_object() && !named {
                errors.push(FieldError::required(format!("{here}.backend"), "port name or number is required"));
            }
            match text(path, "/pathType") {
                "Exact" | "Prefix" => {
                    if !text(path, "/path").starts_with('/') {
                        errors.push(FieldError::invalid(
                            format!("{here}.path"),
                            &path["path"],
                            "must be an absolute path",
                        ));
                    }
                }
                "ImplementationSpecific" => {}
                "" => errors.push(FieldError::required(format!("{here}.pathType"), "pathType must be specified")),
                other => errors.push(FieldError::unsupported(
                    format!("{here}.pathType"),
                    &json!(other),
                    &["Exact", "ImplementationSpecific", "Prefix"],
                )),
            }
        }
    }
}

pub fn storage_class(object: &Value, old: Option<&Value>, errors: &mut Errors) {
    if text(object, "/provisioner").is_empty() {
        errors.push(FieldError::required("provisioner", ""));
    }
    for key in ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"] {
        if old.is_some_and(|old| old[key] != object[key]) {
            errors.push(FieldError::forbidden(key, &format!("updates to {key} are forbidden.")));
        }
    }
}

pub fn definition(object: &Value, old: Option<&Value>, errors: &mut Errors) {
    let spec = &object["spec"];
    let expected = format!("{}.{}", text(spec, "/names/plural"), text(spec, "/group"));
    if text(object, "/metadata/name") != expected {
        errors.push(FieldError::invalid(
            "metadata.name",
            &object["metadata"]["name"],
            "must be spec.names.plural+\".\"+spec.group",
        ));
    }
    for key in ["group", "scope"] {
        if text(spec, &format!("/{key}")).is_empty() {
            errors.push(FieldError::required(format!("spec.{key}"), ""));
        }
    }
    for key in ["plural", "kind"] {
        if text(spec, &format!("/names/{key}")).is_empty() {
            errors.push(FieldError::required(format!("spec.names.{key}"), ""));
        }
    }
    if !matches!(text(spec, "/scope"), "Namespaced" | "Cluster" | "") {
        errors.push(FieldError::unsupported("spec.scope", &spec["scope"], &["Cluster", "Namespaced"]));
    }
    let versions = items(spec, "/versions");
    let storage = versions.iter().filter(|version| version["storage"] == true).count();
    if storage != 1 {
        errors.push(FieldError::invalid(
            "spec.versions",
            &json!(versions),
            "must have exactly one version marked as storage version",
        ));
    }
    for (index, version) in versions.iter().enumerate() {
        if version["schema"]["openAPIV3Schema"].is_null() {
            errors.push(FieldError::required(
                format!("spec.versions[{index}].schema.openAPIV3Schema"),
                "schemas are required",
            ));
        }
    }
    if let Some(old) = old {
        for key in ["group", "scope"] {
            immutable(object, old, &format!("/spec/{key}"), errors);
        }
        immutable(object, old, "/spec/names/plural", errors);
        immutable(object, old, "/spec/names/kind", errors);
    }
}
