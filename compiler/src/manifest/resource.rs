//! An object on its way through a kustomization: its value, where it stands, and what it was called before.
//!
//! **Invariant:** `value` is a mapping with texts as `kind` and `metadata.name`; the names it had are kept in order.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::merge_keys::{self, Keys};
use super::provenance::{self, By, Path, Step, Written};
use crate::source::Span;
use crate::syntax::yaml::{Kind, Node};

/// Group, version and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Gvk<'a> {
    pub(super) group: &'a str,
    pub(super) version: &'a str,
    pub(super) kind: &'a str,
}

/// What tells one object from another, as Kustomize does: by version too, and with an effective namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) api_version: String,
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
}

/// The effective namespace of what is certainly cluster-scoped.
pub(super) const CLUSTER: &str = "_non_namespaceable_";

/// A name that an object had.
#[derive(Clone, Debug)]
pub(super) struct Previous {
    pub(super) name: String,
    pub(super) namespace: String,
    pub(super) kind: String,
}

#[derive(Clone, Debug)]
pub(super) struct Resource {
    pub(super) value: Value,
    /// The document, or the entry of the generator.
    pub(super) origin: Span,
    pub(super) node: Option<Arc<Node>>,
    pub(super) previous: Vec<Previous>,
    pub(super) prefixes: Vec<String>,
    pub(super) suffixes: Vec<String>,
    pub(super) needs_hash: bool,
    /// Fields without a value were dropped, as by the first strategic merge.
    pub(super) cleaned: bool,
    /// It stood in a list, of which Kustomize makes JSON: how a value was written is lost, and a blank is a null.
    pub(super) listed: bool,
    /// Variables that take their value from here.
    pub(super) variables: Vec<String>,
    /// What was written after the document, in order.
    pub(super) written: Vec<Written>,
}

/// Group and version of an `apiVersion`.
pub(super) fn group_version(api_version: &str) -> (&str, &str) {
    api_version.split_once('/').unwrap_or(("", api_version))
}

/// The text at a pointer, `""` where there is none.
pub(super) fn text_at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or("")
}

pub(super) fn effective_namespace<'a>(api_version: &str, kind: &str, namespace: &'a str) -> &'a str {
    if merge_keys::is_cluster_scoped(api_version, kind) {
        CLUSTER
    } else if namespace.is_empty() {
        "default"
    } else {
        namespace
    }
}

/// The identity of an object or a patch.
pub(super) fn id_of(value: &Value) -> Id {
    let (api_version, kind) = (text_at(value, "/apiVersion"), text_at(value, "/kind"));
    Id {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: effective_namespace(api_version, kind, text_at(value, "/metadata/namespace")).to_owned(),
        name: text_at(value, "/metadata/name").to_owned(),
    }
}

impl Resource {
    pub(super) fn new(value: Value, origin: Span, node: Option<Arc<Node>>) -> Resource {
        Resource {
            value,
            origin,
            node,
            previous: Vec::new(),
            prefixes: Vec::new(),
            suffixes: Vec::new(),
            needs_hash: false,
            cleaned: false,
            listed: false,
            variables: Vec::new(),
            written: Vec::new(),
        }
    }

    pub(super) fn kind(&self) -> &str {
        text_at(&self.value, "/kind")
    }

    pub(super) fn name(&self) -> &str {
        text_at(&self.value, "/metadata/name")
    }

    pub(super) fn namespace(&self) -> &str {
        text_at(&self.value, "/metadata/namespace")
    }

    pub(super) fn api_version(&self) -> &str {
        text_at(&self.value, "/apiVersion")
    }

    pub(super) fn gvk(&self) -> Gvk<'_> {
        let (group, version) = group_version(self.api_version());
        Gvk { group, version, kind: self.kind() }
    }

    /// As `gvk`, of the kind that it had first.
    pub(super) fn first_gvk(&self) -> Gvk<'_> {
        let kind = self.previous.first().map_or(self.kind(), |previous| &previous.kind);
        Gvk { kind, ..self.gvk() }
    }

    pub(super) fn id(&self) -> Id {
        id_of(&self.value)
    }

    /// All identities, the first one first and the current one last.
    pub(super) fn ids(&self) -> impl Iterator<Item = Id> {
        let previous = self.previous.iter().map(|previous| Id {
            api_version: self.api_version().to_owned(),
            kind: previous.kind.clone(),
            namespace: previous.namespace.clone(),
            name: previous.name.clone(),
        });
        previous.chain(std::iter::once(self.id()))
    }

    pub(super) fn first_name(&self) -> &str {
        self.previous.first().map_or(self.name(), |previous| &previous.name)
    }

    pub(super) fn current_namespace(&self) -> &str {
        effective_namespace(self.api_version(), self.kind(), self.namespace())
    }

    pub(super) fn first_namespace(&self) -> &str {
        self.previous.first().map_or(self.current_namespace(), |previous| &previous.namespace)
    }

    pub(super) fn is_cluster_scoped(&self) -> bool {
        merge_keys::is_cluster_scoped(self.api_version(), self.kind())
    }

    /// Keeps the current identity, before a change of it.
    pub(super) fn remember(&mut self) {
        let previous = Previous {
            name: self.name().to_owned(),
            namespace: self.current_namespace().to_owned(),
            kind: self.kind().to_owned(),
        };
        self.previous.push(previous);
    }

    pub(super) fn set_metadata(&mut self, field: &str, value: &str) {
        if let Some(object) = self.value.as_object_mut() {
            let metadata = object.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.insert(field.to_owned(), Value::from(value));
            }
        }
    }

    /// Where the field at a JSON pointer was written.
    pub(super) fn place(&self, pointer: &str) -> Span {
        provenance::place(&self.value, (self.origin, self.node.as_deref()), &self.written, pointer)
    }

    /// Keeps who wrote these parts.
    pub(super) fn wrote(&mut self, paths: impl IntoIterator<Item = Path>, place: Span) {
        self.written.extend(paths.into_iter().map(|path| Written { path, by: By::Place(place), key: None }));
    }

    /// As `set_metadata`, and keeps who wrote it.
    pub(super) fn write_metadata(&mut self, field: &str, value: &str, place: Span) {
        self.set_metadata(field, value);
        self.wrote([["metadata", field].map(|name| Step::Field(name.to_owned())).to_vec()], place);
    }

    /// Drops what is written without any value (`key:`), as Kustomize does in the first strategic merge.
    pub(super) fn clean(&mut self) {
        if !std::mem::replace(&mut self.cleaned, true)
            && let Some(node) = self.node.clone()
        {
            let keys = merge_keys::of(self.api_version(), self.kind());
            clean(&mut self.value, &node, keys);
        }
    }

    /// Makes all annotations texts, and drops them where there are none, as Kustomize does in the end.
    /// `written` gives the text at a place.
    pub(super) fn settle_annotations(&mut self, written: &dyn Fn(Span) -> String) {
        let source = self.node.as_ref().filter(|_| !self.listed);
        let source = source.and_then(|node| node.at("/metadata/annotations")).cloned();
        let Some(metadata) = self.value.pointer_mut("/metadata").and_then(Value::as_object_mut) else { return };
        let Some(Value::Object(annotations)) = metadata.get_mut("annotations") else { return };
        let node_of = |name: &str| source.as_ref().and_then(|node| node.get(name));
        annotations.retain(|name, value| !(value.is_null() && is_blank(node_of(name))));
        for (name, value) in annotations.iter_mut().filter(|(_, value)| !value.is_string()) {
            let node = node_of(name).filter(|node| node.to_json() == *value);
            *value = Value::String(node.map_or_else(|| value.to_string(), |node| written(node.span)));
        }
        // A key such as `on` is a truth value when it is read, and a text again when it is written.
        let entries = source.as_ref().and_then(Node::as_map).unwrap_or_default();
        for (key, _) in entries.iter().filter(|(key, _)| key.map.is_empty() && !key.value.is_empty()) {
            if let Some(value) = annotations.remove(&key.value) {
                annotations.insert(written(key.span), value);
            }
        }
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}

fn is_blank(node: Option<&Node>) -> bool {
    node.is_some_and(|node| node.is_null() && node.span.start == node.span.end)
}

fn clean(value: &mut Value, node: &Node, keys: Option<&Keys>) {
    match (value, &node.kind) {
        (Value::Object(map), Kind::Map(entries)) => {
            for (name, node) in entries {
                if is_blank(Some(node)) && map.get(&name.value).is_some_and(Value::is_null) {
                    map.remove(&name.value);
                } else if let Some(value) = map.get_mut(&name.value) {
                    clean(value, node, keys.and_then(|keys| keys.field(&name.value)));
                }
            }
        }
        (Value::Array(list), Kind::Seq(nodes)) if keys.is_some_and(|keys| keys.list.is_some()) => {
            list.iter_mut().zip(nodes).for_each(|(value, node)| clean(value, node, keys));
        }
        (_, _) => {}
    }
}
