//! The verbs of the API, as functions on one write transaction or one snapshot.
//!
//! **Invariant:** no verb does I/O, waits or keeps state of its own; everything is in the store's transaction.
//! Not here: HTTP (`service`), controllers.

mod convert;
mod definition;
mod delete;
mod patch;
mod read;
mod strategic;
mod subresource;
mod watch;
mod write;

use serde_json::{Map, Value};

use crate::kinds::{Catalogue, Kind};
use crate::managed::Manager;
use crate::schema::Type;
use crate::status::{Failure, FieldError};
use crate::{custom, decode, defaults};

pub use definition::sweep as sweep_definition;
pub use delete::{DeleteOptions, Propagation, delete, delete_collection, release};
pub use patch::{PatchType, patch};
pub use read::{ListOptions, get, list};
pub use subresource::{bind, evict, finalize_namespace, scale_of, write_scale};
pub use watch::{Watch, WatchOptions};
pub use write::{create, rewrite, update};

/// What a client may say about a write.
#[derive(Clone, Debug, Default)]
pub struct WriteOptions {
    pub dry_run: bool,
    /// `fieldManager`, if given.
    pub field_manager: Option<String>,
    /// The start of the User-Agent, which names the manager where `fieldManager` does not.
    pub user_agent: String,
    /// Take fields over from other appliers.
    pub force: bool,
    pub validation: FieldValidation,
}

/// What happens to fields that a kind does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    Ignore,
    #[default]
    Warn,
    Strict,
}

/// The result of a write, as it is sent back.
#[derive(Clone, Debug)]
pub struct Written {
    pub object: Value,
    pub created: bool,
    pub warnings: Vec<String>,
}

impl WriteOptions {
    fn updater(&self, kind: &Kind, subresource: &str) -> Manager {
        let name = self.field_manager.as_deref().filter(|name| !name.is_empty()).unwrap_or(&self.user_agent);
        Manager::updater(name, &kind.api_version(), subresource)
    }
}

/// Where an object is asked for: its kind, namespace (empty if cluster-scoped) and name.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    pub kind: &'a Kind,
    pub namespace: &'a str,
    pub name: &'a str,
}

impl Target<'_> {
    pub fn key(&self) -> crate::store::Key {
        crate::store::Key::new(&self.kind.table(), self.namespace, self.name)
    }

    fn not_found(&self) -> Failure {
        Failure::not_found(&self.kind.group_resource(), self.name)
    }
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn metadata(object: &mut Value) -> &mut Map<String, Value> {
    if !object["metadata"].is_object() {
        object["metadata"] = Value::Object(Map::new());
    }
    object["metadata"].as_object_mut().expect("BUG: metadata was just made an object")
}

/// Reads an object of the kind: shape, defaults, and what strict reading objects to.
fn read_object(kind: &Kind, value: &Value) -> Result<(Value, Vec<String>), decode::Problem> {
    let decoded = decode::decode(&kind.ty, value)?;
    let mut object = decoded.value;
    object["apiVersion"] = Value::String(kind.api_version());
    object["kind"] = Value::String(kind.kind.clone());
    match kind.custom {
        true => custom::default(&kind.ty, &mut object),
        false => defaults::fill(&kind.ty, &mut object),
    }
    Ok((object, decoded.strict))
}

/// Reads the body of a create or update.
fn read_body(
    catalogue: &Catalogue,
    kind: &Kind,
    body: &Value,
    options: &WriteOptions,
) -> Result<(Value, Vec<String>), Failure> {
    let expected = kind.api_version();
    if !body.is_object() {
        return Err(Failure::bad_request(format!(
            "couldn't get version/kind; json parse error: json: cannot unmarshal {} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}",
            json_kind(body)
        )));
    }
    let (version, name) = (text(body, "/apiVersion"), text(body, "/kind"));
    let given = if version.is_empty() { &expected } else { version };
    let named = if name.is_empty() { &kind.kind } else { name };
    if given != expected || named != kind.kind {
        let (group, short) = given.split_once('/').unwrap_or(("", given));
        return Err(Failure::bad_request(match catalogue.kind(group, short, named).is_some() && given != expected {
            true => {
                format!("the API version in the data ({given}) does not match the expected API version ({expected})")
            }
            false => format!(
                "{named} in version {short:?} cannot be handled as a {}: no kind {named:?} is registered for version {given:?} in scheme \"pkg/runtime/scheme.go:111\"",
                kind.kind
            ),
        }));
    }
    let handled = |error: &str| {
        format!("{} in version {:?} cannot be handled as a {}: {error}", kind.kind, kind.version, kind.kind)
    };
    let (object, strict) = match read_object(kind, body) {
        Ok(read) => read,
        Err(problem) if kind.custom => return Err(wrong_type(kind, body, &problem)),
        Err(problem) => return Err(Failure::bad_request(handled(&problem.message))),
    };
    match (options.validation, strict.as_slice()) {
        (_, []) | (FieldValidation::Ignore, _) => Ok((object, Vec::new())),
        (FieldValidation::Warn, _) => Ok((object, strict)),
        (FieldValidation::Strict, _) => {
            Err(Failure::bad_request(handled(&format!("strict decoding error: {}", strict.join(", ")))))
        }
    }
}

/// A custom resource that is not of the types of its schema.
fn wrong_type(kind: &Kind, object: &Value, problem: &decode::Problem) -> Failure {
    let (field, found) = (&problem.field, Value::String(problem.found.clone()));
    let detail = format!("{field} in body must be of type {}: {found}", problem.expected);
    let error = FieldError::wrong_type(field, &found, &detail);
    Failure::invalid(&kind.group, &kind.kind, text(object, "/metadata/name"), &[error])
}

fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The stored object in a version that one of its managers wrote, with the type there.
fn in_version(catalogue: &Catalogue, kind: &Kind, value: &Value, version: &str) -> Option<(Value, Type)> {
    let (group, name) = version.split_once('/').unwrap_or(("", version));
    if group != kind.group {
        return None;
    }
    let other = catalogue.resource(group, name, &kind.plural)?;
    Some((convert::convert(value, kind, other), other.ty.clone()))
}
