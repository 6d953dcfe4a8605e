//! Rules for Pods and Pod templates.
//!
//! **Invariant:** as in `validate`.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::syntax::{env_name_problem, label_problem, port_name_problem, port_problem};
use super::{Errors, items, text};
use crate::status::FieldError;

pub fn pod(object: &Value, old: Option<&Value>, errors: &mut Errors) {
    match old {
        None => spec(&object["spec"], "spec", &[], errors),
        Some(old) => pod_update(object, old, errors),
    }
}

/// A template at `path`, such as `spec.template`. `claims` are volumes that the workload adds to its Pods.
pub fn template(template: &Value, path: &str, claims: &[&str], errors: &mut Errors) {
    super::meta::labels(template, "/metadata/labels", &format!("{path}.labels"), errors);
    spec(&template["spec"], &format!("{path}.spec"), claims, errors);
}

fn spec(spec: &Value, path: &str, claims: &[&str], errors: &mut Errors) {
    let mut volumes = volumes(spec, path, errors);
    volumes.extend(claims.iter().map(|name| (*name).to_owned()));
    if items(spec, "/containers").is_empty() {
        errors.push(FieldError::required(format!("{path}.containers"), ""));
    }
    let mut names = BTreeSet::new();
    for list in ["initContainers", "containers"] {
        for (index, container) in items(spec, &format!("/{list}")).iter().enumerate() {
            let place = format!("{path}.{list}[{index}]");
            container_rules(container, &place, &volumes, errors);
            let name = text(container, "/name");
            if !name.is_empty() && !names.insert(name.to_owned()) {
                errors.push(FieldError::duplicate(format!("{place}.name"), &json!(name)));
            }
        }
    }
    match text(spec, "/restartPolicy") {
        "Always" | "OnFailure" | "Never" => {}
        "" => errors.push(FieldError::required(format!("{path}.restartPolicy"), "")),
        other => errors.push(FieldError::unsupported(
            format!("{path}.restartPolicy"),
            &json!(other),
            &["Always", "Never", "OnFailure"],
        )),
    }
    match text(spec, "/dnsPolicy") {
        "ClusterFirstWithHostNet" | "ClusterFirst" | "Default" | "None" => {}
        "" => errors.push(FieldError::required(format!("{path}.dnsPolicy"), "")),
        other => errors.push(FieldError::unsupported(
            format!("{path}.dnsPolicy"),
            &json!(other),
            &["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
        )),
    }
    if let Some(seconds) = spec.get("activeDeadlineSeconds").filter(|value| value.as_i64().is_some_and(|n| n < 1)) {
        let field = format!("{path}.activeDeadlineSeconds");
        errors.push(FieldError::invalid(field, seconds, "must be between 1 and 2147483647, inclusive"));
    }
}

fn volumes(spec: &Value, path: &str, errors: &mut Errors) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (index, volume) in items(spec, "/volumes").iter().enumerate() {
        let place = format!("{path}.volumes[{index}]");
        let name = text(volume, "/name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{place}.name"), ""));
        } else if let Some(problem) = label_problem(name) {
            errors.push(FieldError::invalid(format!("{place}.name"), &json!(name), &problem));
        } else if !names.insert(name.to_owned()) {
            errors.push(FieldError::duplicate(format!("{place}.name"), &json!(name)));
        }
        let sources = volume.as_object().map_or(0, |map| map.keys().filter(|key| *key != "name").count());
        if sources > 1 {
            errors.push(FieldError::forbidden(place.clone(), "may not specify more than 1 volume type"));
        }
        for (kind, key) in [("secret", "secretName"), ("configMap", "name"), ("persistentVolumeClaim", "claimName")] {
            let required = volume.get(kind).is_some_and(|source| text(source, &format!("/{key}")).is_empty());
            if required {
                errors.push(FieldError::required(format!("{place}.{kind}.{key}"), ""));
            }
        }
    }
    names
}

fn container_rules(container: &Value, place: &str, volumes: &BTreeSet<String>, errors: &mut Errors) {
    match text(container, "/name") {
        "" => errors.push(FieldError::required(format!("{place}.name"), "")),
        name => {
            if let Some(problem) = label_problem(name) {
                errors.push(FieldError::invalid(format!("{place}.name"), &json!(name), &problem));
            }
        }
    }
    match text(container, "/image") {
        "" => errors.push(FieldError::required(format!("{place}.image"), "")),
        image if image != image.trim() => errors.push(FieldError::invalid(
            format!("{place}.image"),
            &json!(image),
            "must not have leading or trailing whitespace",
        )),
        _ => {}
    }
    match text(container, "/imagePullPolicy") {
        "Always" | "IfNotPresent" | "Never" => {}
        other => errors.push(FieldError::unsupported(
            format!("{place}.imagePullPolicy"),
            &json!(other),
            &["Always", "IfNotPresent", "Never"],
        )),
    }
    ports(container, place, errors);
    environment(container, place, errors);
    mounts(container, place, volumes, errors);
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(found) = container.get(probe) {
            let handlers = ["exec", "httpGet", "tcpSocket", "grpc"];
            let count = handlers.iter().filter(|name| found.get(**name).is_some()).count();
            match count {
                0 => errors.push(FieldError::required(format!("{place}.{probe}"), "must specify a handler type")),
                1 => {}
                _ => {
                    let second =
                        handlers.iter().filter(|name| found.get(**name).is_some()).nth(1).copied().unwrap_or_default();
                    errors.push(FieldError::forbidden(
                        format!("{place}.{probe}.{second}"),
                        "may not specify more than 1 handler type",
                    ));
                }
            }
        }
    }
}

fn ports(container: &Value, place: &str, errors: &mut Errors) {
    let mut names = BTreeSet::new();
    for (index, port) in items(container, "/ports").iter().enumerate() {
        let here = format!("{place}.ports[{index}]");
        match port["containerPort"].as_i64() {
            None | Some(0) => errors.push(FieldError::required(format!("{here}.containerPort"), "")),
            Some(number) => {
                if let Some(problem) = port_problem(number) {
                    errors.push(FieldError::invalid(format!("{here}.containerPort"), &json!(number), &problem));
                }
            }
        }
        let name = text(port, "/name");
        if !name.is_empty() {
            if let Some(problem) = port_name_problem(name) {
                errors.push(FieldError::invalid(format!("{here}.name"), &json!(name), &problem));
            } else if !names.insert(name.to_owned()) {
                errors.push(FieldError::duplicate(format!("{here}.name"), &json!(name)));
            }
        }
        let protocol = text(port, "/protocol");
        if !matches!(protocol, "TCP" | "UDP" | "SCTP") {
            errors.push(FieldError::unsupported(format!("{here}.protocol"), &json!(protocol), &["SCTP", "TCP", "UDP"]));
        }
    }
}

fn environment(container: &Value, place: &str, errors: &mut Errors) {
    for (index, variable) in items(container, "/env").iter().enumerate() {
        let here = format!("{place}.env[{index}]");
        let name = text(variable, "/name");
        if name.is_empty() {
            errors.push(FieldError::required(format!("{here}.name"), ""));
        } else if let Some(problem) = env_name_problem(name) {
            errors.push(FieldError::invalid(format!("{here}.name"), &json!(name), &problem));
        }
        if let Some(source) = variable.get("valueFrom") {
            let count = source.as_object().map_or(0, serde_json::Map::len);
            if count == 0 {
                let detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
                errors.push(FieldError::invalid(format!("{here}.valueFrom"), &json!(""), detail));
            } else if count > 1 {
                let detail = "may not have more than one field specified at a time";
                errors.push(FieldError::invalid(format!("{here}.valueFrom"), &json!(""), detail));
            } else if !text(variable, "/value").is_empty() {
                errors.push(FieldError::invalid(
                    format!("{here}.valueFrom"),
                    &json!(""),
                    "may not be specified when `value` is not empty",
                ));
            }
        }
    }
}

fn mounts(container: &Value, place: &str, volumes: &BTreeSet<String>, errors: &mut Errors) {
    let mut paths = BTreeSet::new();
    for (index, mount) in items(container, "/volumeMounts").iter().enumerate() {
        let here = format!("{place}.volumeMounts[{index}]");
        match text(mount, "/name") {
            "" => errors.push(FieldError::required(format!("{here}.name"), "")),
            name if !volumes.contains(name) => errors.push(FieldError::not_found(format!("{here}.name"), &json!(name))),
            _ => {}
        }
        match text(mount, "/mountPath") {
            "" => errors.push(FieldError::required(format!("{here}.mountPath"), "")),
            path if !paths.insert(path.to_owned()) => {
                errors.push(FieldError::invalid(format!("{here}.mountPath"), &json!(path), "must be unique"));
            }
            _ => {}
        }
        let sub_path = text(mount, "/subPath");
        if sub_path.starts_with('/') {
            errors.push(FieldError::invalid(format!("{here}.subPath"), &json!(sub_path), "must be a relative path"));
        } else if sub_path.split('/').any(|part| part == "..") {
            errors.push(FieldError::invalid(format!("{here}.subPath"), &json!(sub_path), "must not contain '..'"));
        }
    }
}

/// Only images and a few numbers of a Pod can change.
fn pod_update(object: &Value, old: &Value, errors: &mut Errors) {
    let mut new = object["spec"].clone();
    for list in ["containers", "initContainers"] {
        let before = items(old, &format!("/spec/{list}"));
        let containers = new.get_mut(list).and_then(Value::as_array_mut);
        for (index, container) in containers.into_iter().flatten().enumerate() {
            if container["image"].as_str().unwrap_or_default().is_empty() {
                errors.push(FieldError::required(format!("spec.{list}[{index}].image"), ""));
            }
            if let Some(before) = before.get(index) {
                container["image"] = before["image"].clone();
            }
        }
    }
    let mut before = old["spec"].clone();
    for key in ["activeDeadlineSeconds", "tolerations", "terminationGracePeriodSeconds", "schedulingGates"] {
        for spec in [&mut new, &mut before] {
            if let Some(map) = spec.as_object_mut() {
                map.remove(key);
            }
        }
    }
    let was_unbound = text(old, "/spec/nodeName").is_empty();
    if was_unbound && let (Some(new), Some(before)) = (new.as_object_mut(), before.as_object_mut()) {
        new.remove("nodeName");
        before.remove("nodeName");
    }
    if new != before {
        errors.push(FieldError::forbidden(
            "spec",
            "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
        ));
    }
}
