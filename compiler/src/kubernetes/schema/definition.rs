//! CustomResourceDefinitions: the kinds that they define, with their schemas.
//!
//! **Invariant:** a definition that lacks group, kind or versions defines nothing.

use serde_json::Value;

use super::{Schema, parse};

/// A custom kind.
#[derive(Clone, Debug)]
pub struct Definition {
    pub group: String,
    pub kind: String,
    pub namespaced: bool,
    pub versions: Vec<Version>,
}

#[derive(Clone, Debug)]
pub struct Version {
    pub name: String,
    pub served: bool,
    pub schema: Option<Schema>,
    /// What is written as `status` is dropped when an object is created.
    pub drops_status: bool,
}

/// The kind that an object defines; `None` for anything but a CustomResourceDefinition of `apiextensions.k8s.io/v1`.
pub fn of(object: &Value) -> Option<Definition> {
    if object.get("kind")? != "CustomResourceDefinition" || object.get("apiVersion")? != "apiextensions.k8s.io/v1" {
        return None;
    }
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    Some(Definition {
        group: text("/spec/group")?.to_owned(),
        kind: text("/spec/names/kind")?.to_owned(),
        namespaced: text("/spec/scope")? == "Namespaced",
        versions: object.pointer("/spec/versions")?.as_array()?.iter().filter_map(version).collect(),
    })
}

fn version(value: &Value) -> Option<Version> {
    Some(Version {
        name: value.get("name")?.as_str()?.to_owned(),
        served: value.get("served") != Some(&Value::Bool(false)),
        schema: value.pointer("/schema/openAPIV3Schema").map(parse::schema),
        drops_status: value.pointer("/subresources/status").is_some(),
    })
}
