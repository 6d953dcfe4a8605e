//! The environment of a container, and `$(NAME)` in its strings.
//!
//! Rules as in Kubernetes' `pkg/kubelet` (`makeEnvironmentVariables`) and `third_party/forked/golang/expansion`:
//! `envFrom` first, then `env` in order, each value seeing those before it; `$$` is `$`; a reference to a name that is
//! not there stays as written.
//!
//! **Invariant:** nothing of the node's own environment reaches a container.
//! Not here: `PATH`, `HOME` and the host name, which the image would bring (`mounts`).

use super::objects::{self, Objects};
use super::pod::{CONFIG_ERROR, Container, Metadata, Pod, Refusal};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Variable {
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: Option<String>,
    value_from: Option<Source>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    config_map_key_ref: Option<KeyRef>,
    secret_key_ref: Option<KeyRef>,
    field_ref: Option<FieldRef>,
}

#[derive(Deserialize)]
struct KeyRef {
    #[serde(default)]
    name: String,
    key: String,
    #[serde(default)]
    optional: bool,
}

/// A reference to a field of the Pod itself.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct FieldRef {
    pub field_path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FromAll {
    #[serde(default)]
    prefix: String,
    config_map_ref: Option<ObjectRef>,
    secret_ref: Option<ObjectRef>,
}

#[derive(Deserialize)]
struct ObjectRef {
    #[serde(default)]
    name: String,
    #[serde(default)]
    optional: bool,
}

/// What the container's `envFrom` and `env` give, sorted by name.
pub(super) fn of(pod: &Pod, container: &Container, objects: &Objects) -> Result<BTreeMap<String, String>, Refusal> {
    gather(pod, container, objects).map_err(|message| Refusal::container(&container.name, CONFIG_ERROR, message))
}

fn gather(pod: &Pod, container: &Container, objects: &Objects) -> Result<BTreeMap<String, String>, String> {
    let mut variables = BTreeMap::new();
    for entry in &container.env_from {
        let from = FromAll::deserialize(entry).map_err(|error| format!("envFrom: {error}"))?;
        for (kind, reference) in [(objects::CONFIG_MAP, &from.config_map_ref), (objects::SECRET, &from.secret_ref)] {
            let Some(reference) = reference else { continue };
            let data = objects.data(kind, &reference.name, reference.optional)?;
            for (key, value) in data.unwrap_or_default() {
                let name = format!("{}{key}", from.prefix);
                if is_variable(&name)
                    && let Ok(value) = String::from_utf8(value)
                {
                    variables.insert(name, value);
                }
            }
        }
    }
    for entry in &container.env {
        let variable = Variable::deserialize(entry).map_err(|error| format!("env: {error}"))?;
        if !is_variable(&variable.name) {
            return Err(format!("`{}` cannot name a variable", variable.name));
        }
        let value = match &variable.value_from {
            Some(source) => from_source(pod, &variable.name, source, objects)?,
            None => Some(expand(variable.value.as_deref().unwrap_or(""), &variables)),
        };
        if let Some(value) = value {
            if value.contains('\0') {
                return Err(format!("the value of `{}` holds a NUL byte", variable.name));
            }
            variables.insert(variable.name, value);
        }
    }
    Ok(variables)
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// `None` where an optional source is missing.
fn from_source(pod: &Pod, name: &str, source: &Source, objects: &Objects) -> Result<Option<String>, String> {
    if let Some(reference) = &source.field_ref {
        return field(pod, &reference.field_path).map(Some);
    }
    for (kind, reference) in
        [(objects::CONFIG_MAP, &source.config_map_key_ref), (objects::SECRET, &source.secret_key_ref)]
    {
        let Some(reference) = reference else { continue };
        let Some(mut data) = objects.data(kind, &reference.name, reference.optional)? else {
            return Ok(None);
        };
        return match data.remove(&reference.key) {
            Some(bytes) => String::from_utf8(bytes)
                .map(Some)
                .map_err(|_| format!("`{name}`: key `{}` is not UTF-8", reference.key)),
            None if reference.optional => Ok(None),
            None => Err(format!(
                "couldn't find key {} in {kind} {}/{}",
                reference.key, pod.metadata.namespace, reference.name
            )),
        };
    }
    Err(format!("`{name}`: the embedded node supports configMapKeyRef, secretKeyRef and fieldRef"))
}

/// A field that the downward API offers.
pub(super) fn field(pod: &Pod, path: &str) -> Result<String, String> {
    let Metadata { name, namespace, uid, labels, annotations } = &pod.metadata;
    let one = |map: &BTreeMap<String, String>, rest: &str| {
        rest.strip_prefix("['")
            .and_then(|rest| rest.strip_suffix("']"))
            .map(|key| map.get(key).cloned().unwrap_or_default())
    };
    let all = |map: &BTreeMap<String, String>| {
        let lines = map.iter().map(|(key, value)| format!("{key}={value:?}"));
        lines.collect::<Vec<_>>().join("\n")
    };
    let found = match path {
        "metadata.name" => Some(name.clone()),
        "metadata.namespace" => Some(namespace.clone()),
        "metadata.uid" => Some(uid.clone()),
        "metadata.labels" => Some(all(labels)),
        "metadata.annotations" => Some(all(annotations)),
        "spec.nodeName" => Some(pod.spec.node_name.clone().unwrap_or_default()),
        "spec.serviceAccountName" => {
            Some(pod.spec.service_account_name.clone().unwrap_or_else(|| "default".to_owned()))
        }
        "status.podIP" | "status.podIPs" | "status.hostIP" | "status.hostIPs" => {
            Some(super::status::ADDRESS.to_owned())
        }
        _ => path
            .strip_prefix("metadata.labels")
            .and_then(|rest| one(labels, rest))
            .or_else(|| path.strip_prefix("metadata.annotations").and_then(|rest| one(annotations, rest))),
    };
    found.ok_or_else(|| format!("the embedded node has no field `{path}`"))
}

/// Replaces `$(NAME)`.
pub(super) fn expand(text: &str, variables: &BTreeMap<String, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
            match variables.get(name) {
                Some(value) => out.push_str(value),
                None => out.push_str(&format!("$({name})")),
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansion_is_that_of_kubernetes() {
        let variables = BTreeMap::from([
            ("A".to_owned(), "a".to_owned()),
            ("REF".to_owned(), "$(A)".to_owned()),
            ("EMPTY".to_owned(), String::new()),
        ]);
        for (text, expected) in [
            ("$(A)", "a"),
            ("$(A)-$(A)", "a-a"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$a"),
            ("$$$$(A)", "$$(A)"),
            ("$(REF)", "$(A)"),
            ("$(EMPTY)x", "x"),
            ("$(MISSING)", "$(MISSING)"),
            ("$(A", "$(A"),
            ("$A $", "$A $"),
            ("é$(A)", "éa"),
            ("", ""),
        ] {
            assert_eq!(expand(text, &variables), expected, "{text}");
        }
    }
}
