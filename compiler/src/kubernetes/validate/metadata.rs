//! What every object's metadata must be (`k8s.io/apimachinery/pkg/api/validation`).
//!
//! **Invariant:** only texts are judged: what is no text is a finding of the walk.

use super::findings::document;
use super::names::{self, Form};
use crate::diag::{Diagnostic, Diags, Severity, codes};
use crate::kubernetes::Object;
use crate::kubernetes::schema::Schemas;
use crate::manifest::scope;
use crate::source::Span;
use crate::syntax::yaml::Node;

/// Most bytes of all annotations together.
const ANNOTATIONS: usize = 256 << 10;

/// Groups of kinds that are asked with and never stored: they need no name.
const REVIEWS: &[&str] = &["authentication.k8s.io", "authorization.k8s.io"];

/// Reports what the API server refuses in the metadata of an object of any kind.
pub(super) fn check(object: &Object<'_>, schemas: &Schemas, diags: &mut Diags) {
    name(object, schemas, diags);
    namespace(object, schemas, diags);
    if let Some(metadata) = object.at("/metadata") {
        labels(metadata, diags);
        annotations(metadata, diags);
        owners(metadata, diags);
        managed(metadata, diags);
    }
}

fn name(object: &Object<'_>, schemas: &Schemas, diags: &mut Diags) {
    let written = |field: &str| object.at(&format!("/metadata/{field}"));
    if [written("name"), written("generateName")].into_iter().flatten().any(|node| node.as_str().is_none()) {
        return;
    }
    let generate = object.text("/metadata/generateName").unwrap_or("");
    if object.name.is_empty() && generate.is_empty() {
        if !REVIEWS.contains(&object.group) {
            let span = object.node.entry("metadata").map_or_else(|| document(object, "kind"), |(key, _)| key.span);
            let message = format!("this {} has no name", object.kind);
            diags.push(Diagnostic::new(&codes::OBJECT_NAME, span, message).here("needs `metadata.name`"));
        }
        return;
    }
    let form = if schemas.release.has_group(object.group) {
        names::form(schemas.release.version, object.group, object.kind)
    } else {
        Form::Subdomain
    };
    let (field, text) = if object.name.is_empty() { ("generateName", generate) } else { ("name", object.name) };
    // A generated name goes on after the prefix: a dash at its end is fine.
    let stem = text.strip_suffix('-').filter(|_| field == "generateName").map(|stem| format!("{stem}a"));
    if let Some(why) = names::wrong(form, stem.as_deref().unwrap_or(text)) {
        let span = written(field).map_or(object.node.span, |node| node.span);
        let message = format!("the {field} `{text}` of a {} {why}", object.kind);
        diags.push(Diagnostic::new(&codes::OBJECT_NAME, span, message).here("the API server refuses this name"));
    }
}

fn namespace(object: &Object<'_>, schemas: &Schemas, diags: &mut Diags) {
    let Some(node) = object.at("/metadata/namespace").filter(|_| !object.namespace.is_empty()) else { return };
    let known = schemas.get(object.group, object.version, object.kind);
    let built_in = scope::built_in(object.group, object.kind).is_some();
    let finding = if known.is_some_and(|known| !known.namespaced) {
        if built_in {
            return;
        }
        // As for built-in kinds, of which the rules say it.
        let message = format!("a {} belongs to no namespace, and one is given", object.kind);
        let finding = Diagnostic::new(&codes::OBJECT_METADATA, node.span, message);
        let finding = finding.here("the API server drops it").help("remove it");
        Diagnostic { severity: Severity::Warning, ..finding }
    } else if let Some(why) = names::label(object.namespace) {
        Diagnostic::new(&codes::OBJECT_METADATA, node.span, format!("the namespace `{}` {why}", object.namespace))
            .here("no namespace can be called so")
    } else {
        return;
    };
    diags.push(finding);
}

/// Labels of an object or of a template's metadata.
pub(super) fn labels(metadata: &Node, diags: &mut Diags) {
    for (key, value) in metadata.get("labels").and_then(Node::as_map).unwrap_or_default() {
        if let Some(why) = names::qualified(&key.value) {
            diags.push(bad(key.span, format!("the label key `{}` {why}", key.value)));
        }
        if let Some((text, why)) = value.as_str().and_then(|text| Some((text, names::label_value(text)?))) {
            diags.push(bad(value.span, format!("the value `{text}` of label `{}` {why}", key.value)));
        }
    }
}

/// Annotations: keys and total size.
pub(super) fn annotations(metadata: &Node, diags: &mut Diags) {
    let entries = metadata.get("annotations").and_then(Node::as_map).unwrap_or_default();
    for (key, _) in entries {
        if let Some(why) = names::qualified(&key.value.to_lowercase()) {
            diags.push(bad(key.span, format!("the annotation key `{}` {why}", key.value)));
        }
    }
    let size: usize = entries.iter().map(|(key, value)| key.value.len() + value.as_str().map_or(0, str::len)).sum();
    if let Some((first, _)) = entries.first().filter(|_| size > ANNOTATIONS) {
        let message = format!("the annotations have {size} bytes, more than the {ANNOTATIONS} that are stored");
        diags.push(bad(first.span, message));
    }
}

fn owners(metadata: &Node, diags: &mut Diags) {
    for owner in metadata.get("ownerReferences").and_then(Node::as_seq).unwrap_or_default() {
        for field in ["apiVersion", "kind", "name", "uid"] {
            if owner.get(field).is_some_and(|node| node.as_str() == Some("")) {
                diags.push(bad(owner.span, format!("an owner reference has an empty `{field}`")));
            }
        }
    }
}

fn managed(metadata: &Node, diags: &mut Diags) {
    for entry in metadata.get("managedFields").and_then(Node::as_seq).unwrap_or_default() {
        let place = |field: &str| entry.get(field).map_or(entry.span, |node| node.span);
        let text = |field: &str| entry.get(field).and_then(Node::as_str).unwrap_or("");
        if !matches!(text("operation"), "Apply" | "Update") {
            diags.push(bad(place("operation"), "the operation of a managed field is `Apply` or `Update`".to_owned()));
        } else if !matches!(text("fieldsType"), "" | "FieldsV1") {
            diags.push(bad(place("fieldsType"), "the `fieldsType` of a managed field is `FieldsV1`".to_owned()));
        }
    }
}

fn bad(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(&codes::OBJECT_METADATA, span, message).here("the API server refuses this")
}
