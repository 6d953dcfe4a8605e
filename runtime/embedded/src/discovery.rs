//! What the API tells about itself: versions, groups, resources.
//!
//! **Invariant:** pure functions of the catalogue.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::kinds::{Catalogue, Kind, api_version};

/// `/version`: the Kubernetes version whose behaviour is followed.
pub fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "gitVersion": "v1.36.1+waybill", "gitCommit": "", "gitTreeState": "clean",
        "buildDate": "2026-05-12T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux/amd64",
        "emulationMajor": "1", "emulationMinor": "36", "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
    })
}

/// `/api`
pub fn core_versions() -> Value {
    json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
}

/// Groups with their versions, the preferred one first.
fn groups(catalogue: &Catalogue) -> BTreeMap<String, Vec<String>> {
    let mut out: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for kind in catalogue.all().iter().filter(|kind| !kind.group.is_empty()) {
        let versions = out.entry(kind.group.clone()).or_default();
        if !versions.contains(&kind.version) {
            versions.push(kind.version.clone());
        }
    }
    out.entry("authorization.k8s.io".to_owned()).or_insert_with(|| vec!["v1".to_owned()]);
    for versions in out.values_mut() {
        versions.sort_by_key(|version| priority(version));
    }
    out
}

/// Stable before beta before alpha, and newer before older.
fn priority(version: &str) -> (u8, std::cmp::Reverse<u32>, std::cmp::Reverse<u32>, String) {
    let rest = version.strip_prefix('v').unwrap_or(version);
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    let major = digits.parse().unwrap_or(0);
    let tail = &rest[digits.len()..];
    let (rank, minor) = match (tail.strip_prefix("beta"), tail.strip_prefix("alpha")) {
        (Some(minor), _) => (1, minor),
        (None, Some(minor)) => (2, minor),
        (None, None) if tail.is_empty() && !digits.is_empty() => (0, "0"),
        (None, None) => (3, "0"),
    };
    (rank, std::cmp::Reverse(major), std::cmp::Reverse(minor.parse().unwrap_or(0)), version.to_owned())
}

fn group_body(name: &str, versions: &[String]) -> Value {
    let versions: Vec<Value> = versions
        .iter()
        .map(|version| json!({"groupVersion": api_version(name, version), "version": version}))
        .collect();
    json!({"name": name, "versions": versions, "preferredVersion": versions.first()})
}

/// `/apis`
pub fn group_list(catalogue: &Catalogue) -> Value {
    let list: Vec<Value> = groups(catalogue).iter().map(|(name, versions)| group_body(name, versions)).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": list})
}

/// `/apis/GROUP`
pub fn group(catalogue: &Catalogue, name: &str) -> Option<Value> {
    let groups = groups(catalogue);
    let mut body = group_body(name, groups.get(name)?);
    body["kind"] = json!("APIGroup");
    body["apiVersion"] = json!("v1");
    Some(body)
}

/// `/api/v1` and `/apis/GROUP/VERSION`
pub fn resources(catalogue: &Catalogue, group: &str, version: &str) -> Option<Value> {
    let mut list: Vec<Value> = Vec::new();
    for kind in catalogue.all().iter().filter(|kind| kind.group == group && kind.version == version) {
        list.extend(entries(kind));
    }
    if group == "authorization.k8s.io" && version == "v1" {
        list.push(json!({"name": "selfsubjectaccessreviews", "singularName": "selfsubjectaccessreview", "namespaced": false, "kind": "SelfSubjectAccessReview", "verbs": ["create"]}));
    }
    if list.is_empty() {
        return None;
    }
    list.sort_by_key(|entry| entry["name"].as_str().unwrap_or_default().to_owned());
    let mut body = json!({"kind": "APIResourceList", "groupVersion": api_version(group, version), "resources": list});
    if !group.is_empty() {
        body["apiVersion"] = json!("v1");
    }
    Some(body)
}

fn entries(kind: &Kind) -> Vec<Value> {
    let mut main = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
        "verbs": verbs(kind),
    });
    if !kind.short_names.is_empty() {
        main["shortNames"] = json!(kind.short_names);
    }
    if !kind.categories.is_empty() {
        main["categories"] = json!(kind.categories);
    }
    let sub = |name: &str, kind_name: &str, verbs: &[&str]| json!({"name": format!("{}/{name}", kind.plural), "singularName": "", "namespaced": kind.namespaced, "kind": kind_name, "verbs": verbs});
    let mut out = vec![main];
    if kind.has_status {
        out.push(sub("status", &kind.kind, &["get", "patch", "update"]));
    }
    if kind.scale.is_some() {
        let mut scale = sub("scale", "Scale", &["get", "patch", "update"]);
        scale["group"] = json!("autoscaling");
        scale["version"] = json!("v1");
        out.push(scale);
    }
    if kind.kind == "Pod" && kind.group.is_empty() {
        out.push(sub("binding", "Binding", &["create"]));
        out.push(sub("log", "Pod", &["get"]));
        let mut eviction = sub("eviction", "Eviction", &["create"]);
        eviction["group"] = json!("policy");
        eviction["version"] = json!("v1");
        out.push(eviction);
    }
    out
}

fn verbs(kind: &Kind) -> Vec<&'static str> {
    let mut verbs = match kind.custom {
        true => vec!["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"],
        false => vec!["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
    };
    if kind.kind == "Namespace" && kind.group.is_empty() {
        verbs.retain(|verb| *verb != "deletecollection");
    }
    verbs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stable_versions_come_first() {
        let mut versions = ["v1alpha1", "v2beta1", "v1", "v2", "v1beta2"];
        versions.sort_by_key(|version| priority(version));
        assert_eq!(versions, ["v2", "v1", "v2beta1", "v1beta2", "v1alpha1"]);
    }
}
