//! References from objects to objects: each names something that the environment, its cluster or Kubernetes provides.
//!
//! **Invariant:** what may exist without being in the manifests is a warning; an error is what the objects that are there
//! contradict: a key or port that the object has not. What belongs to the cluster is only missed where the `cluster` block
//! has manifests.
//! Not here: Secrets (`references`), and what selects nothing (`selectors`).

mod ports;
mod uses;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::namespaces::same;
use super::platform::Platforms;
use super::rendered::Place;
use crate::diag::{Code, Diagnostic, Diags, codes, suggest};
use crate::manifest::{Object, scope};
use crate::model::Model;
use uses::Use;

/// Objects by group, kind, namespace and name.
type Provided<'a> = BTreeMap<(&'a str, &'a str, &'a str, &'a str), &'a Object>;

/// Names that every cluster has: kind and name, or the beginning of names.
const BUILT_IN: &[(&str, &str)] = &[
    ("ServiceAccount", "default"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("ClusterRole", "admin"),
    ("ClusterRole", "edit"),
    ("ClusterRole", "view"),
    ("ClusterRole", "cluster-admin"),
    ("PriorityClass", "system-cluster-critical"),
    ("PriorityClass", "system-node-critical"),
    ("Service", "kubernetes"),
];

/// Reports references to what nothing provides.
pub fn check(model: &Model, places: &[Place], platforms: &Platforms, diags: &mut Diags) {
    for place in places {
        let provided = provided(model, place, places, platforms);
        let mut said = BTreeSet::new();
        for object in &place.rendered.objects {
            let namespace = place.namespace(object);
            for wanted in uses::of(object) {
                let (group, kind) = (wanted.group.as_str(), wanted.kind.as_str());
                let within = if wanted.namespaced() { wanted.namespace.as_deref().unwrap_or(namespace) } else { "" };
                match provided.get(&(group, kind, within, wanted.name.as_str())) {
                    Some(target) => diags.extend(inside(place, object, &wanted, target)),
                    None => {
                        let foreign = within != namespace && wanted.namespaced();
                        let untold = !wanted.namespaced() && !described(model, place, platforms);
                        let known = wanted.optional || built_in(&wanted) || made(place, &wanted.name);
                        let silent = foreign || untold || known;
                        if !silent && said.insert((wanted.kind.clone(), wanted.name.clone())) {
                            diags.push(missing(place, object, &wanted, within, &provided));
                        }
                    }
                }
            }
        }
        ports::check(place, diags);
        if described(model, place, platforms) {
            diags.extend(without_class(place, &provided));
        }
    }
}

/// What is there for the objects of an environment: its own, those of environments beside it, and those of the cluster.
fn provided<'a>(model: &'a Model, place: &'a Place, places: &'a [Place], platforms: &'a Platforms) -> Provided<'a> {
    let cluster = model.cluster(place.environment.cluster);
    let mut provided = Provided::new();
    for (_, rendered) in platforms.iter().filter(|(at, _)| same(&model.clusters[**at], cluster)) {
        for object in &rendered.objects {
            provided.insert((object.group(), object.kind(), object.namespace(), object.name()), object);
        }
    }
    for other in places.iter().filter(|other| same(model.cluster(other.environment.cluster), cluster)) {
        for object in &other.rendered.objects {
            provided.insert((object.group(), object.kind(), other.namespace(object), object.name()), object);
        }
    }
    provided
}

/// Where a claim may leave its class out: the class that the manifests call the default
/// (`pkg/volume/util`: `GetDefaultClass`).
const DEFAULT_CLASS: &[&str] = &[
    "/metadata/annotations/storageclass.kubernetes.io~1is-default-class",
    "/metadata/annotations/storageclass.beta.kubernetes.io~1is-default-class",
];

/// The first claim that names no class, where the cluster has classes and none is the default.
fn without_class(place: &Place, provided: &Provided) -> Option<Diagnostic> {
    let classes =
        provided.iter().filter(|((group, kind, ..), _)| (*group, *kind) == ("storage.k8s.io", "StorageClass"));
    let classes: Vec<&Object> = classes.map(|(_, class)| *class).collect();
    let is_default = |class: &&Object| {
        DEFAULT_CLASS.iter().any(|pointer| class.value.pointer(pointer).and_then(Value::as_str) == Some("true"))
    };
    let class = classes.first().filter(|_| !classes.iter().any(is_default))?;
    let claims =
        place.rendered.objects.iter().flat_map(|object| uses::claims(object).into_iter().map(move |at| (object, at)));
    let (object, spec) = claims.into_iter().find(|(object, spec)| {
        let has = |field: &str| object.value.pointer(&format!("{spec}/{field}")).is_some();
        !has("storageClassName") && !has("volumeName")
    })?;
    let message = format!("{} names no StorageClass, and no class of the cluster is the default", object.key());
    let finding = Diagnostic::new(&codes::NO_DEFAULT_CLASS, object.place(&spec), message)
        .here("this claim would wait for ever")
        .label(class.place("/metadata/name"), "a class, not the default");
    let names: Vec<String> = classes.iter().take(5).map(|class| format!("`{}`", class.name())).collect();
    Some(finding.help(format!("write `storageClassName`: the cluster has {}", names.join(", "))))
}

/// Whether the cluster of an environment has manifests: without them nobody knows which classes and roles it has.
fn described(model: &Model, place: &Place, platforms: &Platforms) -> bool {
    let cluster = model.cluster(place.environment.cluster);
    platforms.keys().any(|at| same(&model.clusters[*at], cluster))
}

fn built_in(wanted: &Use) -> bool {
    let system = wanted.kind == "ClusterRole" && wanted.name.starts_with("system:");
    system || BUILT_IN.contains(&(wanted.kind.as_str(), wanted.name.as_str()))
}

/// Whether an object of a kind that is not built in, so of an operator, names it or may be the reason for its name.
fn made(place: &Place, name: &str) -> bool {
    let own = |object: &&Object| scope::built_in(object.group(), object.kind()).is_none();
    let mut operators = place.rendered.objects.iter().filter(own);
    operators.any(|object| name.contains(object.name()) || names(&object.value, name))
}

/// Whether a text in a value is `name`.
fn names(value: &Value, name: &str) -> bool {
    match value {
        Value::String(text) => text == name,
        Value::Array(items) => items.iter().any(|item| names(item, name)),
        Value::Object(map) => map.values().any(|value| names(value, name)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn code(kind: &str) -> &'static Code {
    match kind {
        "ConfigMap" => &codes::CONFIG_MAP_MISSING,
        "ServiceAccount" => &codes::SERVICE_ACCOUNT_MISSING,
        "PersistentVolumeClaim" => &codes::CLAIM_MISSING,
        "Role" | "ClusterRole" => &codes::ROLE_MISSING,
        "Service" => &codes::SERVICE_MISSING,
        "StorageClass" | "IngressClass" | "PriorityClass" | "RuntimeClass" => &codes::CLASS_MISSING,
        _ => &codes::SCALE_TARGET_MISSING,
    }
}

fn missing(place: &Place, object: &Object, wanted: &Use, within: &str, provided: &Provided) -> Diagnostic {
    let (kind, name) = (&wanted.kind, &wanted.name);
    let message = format!("{} needs {kind} `{name}`, which environment `{}` does not have", object.key(), place.name());
    let span = object.place(&wanted.pointer);
    let finding = Diagnostic::new(code(kind), span, message).here(format!("no such {kind} in the manifests"));
    let known = provided
        .keys()
        .filter(|(group, other, namespace, _)| *group == wanted.group && *other == kind && *namespace == within);
    match suggest::closest(name, known.map(|(.., name)| *name)) {
        Some(real) => finding.help(format!("there is a {kind} with a similar name: `{real}`")),
        None if wanted.namespaced() => {
            finding.help(format!("add it to the manifests, unless something else makes it in namespace `{within}`"))
        }
        None => finding.help("add it to the manifests of the `cluster` block, unless the cluster has it"),
    }
}

/// What the object that is there contradicts: a key or a port that it has not.
fn inside(place: &Place, object: &Object, wanted: &Use, target: &Object) -> Option<Diagnostic> {
    let title = format!("{} `{}`", wanted.kind, wanted.name);
    let (known, pointer, what) = match (&wanted.key, &wanted.port) {
        (Some((key, pointer)), _) => {
            let keys: Vec<String> = ["data", "binaryData"]
                .iter()
                .filter_map(|field| target.value.get(*field)?.as_object())
                .flat_map(|map| map.keys().cloned())
                .collect();
            if wanted.optional || keys.contains(key) {
                return None;
            }
            (keys, pointer, (key, "key", &codes::CONFIG_KEY_MISSING))
        }
        (None, Some((port, pointer))) => {
            let ports = target.value.pointer("/spec/ports").and_then(Value::as_array).map(Vec::as_slice);
            let external = target.value.pointer("/spec/type").and_then(Value::as_str) == Some("ExternalName");
            let ports: Vec<String> = ports.unwrap_or_default().iter().flat_map(ports::names).collect();
            if external || ports.contains(port) {
                return None;
            }
            (ports, pointer, (port, "port", &codes::SERVICE_PORT_MISSING))
        }
        (None, None) => return None,
    };
    let (name, what, code) = what;
    let message = format!("{title} of environment `{}` has no {what} `{name}`", place.name());
    let finding = Diagnostic::new(code, object.place(pointer), message)
        .here(format!("{} needs it", object.key()))
        .label(target.place("/metadata/name"), format!("the {}", wanted.kind));
    Some(match suggest::closest(name, known.iter().map(String::as_str)) {
        Some(real) => finding.help(format!("there is a {what} with a similar name: `{real}`")),
        None if known.is_empty() => finding.help(format!("it has no {what}s at all")),
        None => {
            let listed: Vec<String> = known.iter().take(8).map(|name| format!("`{name}`")).collect();
            finding.help(format!("it has {}", listed.join(", ")))
        }
    })
}
