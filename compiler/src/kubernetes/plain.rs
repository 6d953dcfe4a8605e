//! Plain manifests, without any spec: every document of some files, judged as an API server would.
//!
//! **Invariant:** what is no Kubernetes object is passed over with a note; definitions count wherever they stand.
//! Not here: walking folders (`runtime`).

use std::collections::BTreeMap;

use super::schema::{Schemas, definition};
use super::{Object, templating};
use crate::diag::{Diagnostic, Diags, codes, suggest};
use crate::manifest;
use crate::source::{FileId, Sources, Span};
use crate::syntax::yaml::{self, Node, Schema};

/// Reports what an API server with these schemas refuses of the objects in some files, with the definitions among them.
pub fn check(sources: &Sources, files: &[FileId], mut schemas: Schemas, diags: &mut Diags) {
    let mut nodes = Vec::new();
    for file in files {
        nodes.extend(templating::parse(*file, sources.text(*file), Schema::Kubernetes, diags));
    }
    let mut objects = Vec::new();
    for node in nodes.iter().filter(|node| !node.is_null()) {
        expand(node, &mut objects, diags);
    }
    for object in objects.iter().filter(|object| object.kind == "CustomResourceDefinition") {
        definition::of(&object.node.to_json()).into_iter().for_each(|definition| schemas.add(definition));
    }
    let mut without: BTreeMap<(String, &str), (Span, usize)> = BTreeMap::new();
    for object in &objects {
        super::check(sources, object, &schemas, diags);
        let known = schemas.get(object.group, object.version, object.kind).is_some();
        if !known && !schemas.release.has_group(object.group) {
            let key = (object.api_version().to_owned(), object.kind);
            without.entry(key).or_insert((object.place(), 0)).1 += 1;
        }
    }
    for ((api_version, kind), (span, count)) in without {
        diags.push(unchecked(&api_version, kind, span, count));
    }
}

/// Reports what an API server refuses of the object or list that one document is.
pub fn judge(sources: &Sources, node: &Node, schemas: &Schemas, diags: &mut Diags) {
    let mut objects = Vec::new();
    expand(node, &mut objects, diags);
    objects.iter().for_each(|object| super::check(sources, object, schemas, diags));
}

/// Reports what an API server refuses of rendered objects, with the definitions among them.
pub fn check_rendered(sources: &Sources, objects: &[manifest::Object], mut schemas: Schemas, diags: &mut Diags) {
    let definitions = objects.iter().filter_map(|object| definition::of(&object.value));
    definitions.for_each(|definition| schemas.add(definition));
    for object in objects {
        let node = object.grafted();
        if let Some(object) = Object::of(&node) {
            super::check(sources, &object, &schemas, diags);
        }
    }
}

/// The definitions in a file; everything else is passed over.
pub fn definitions(sources: &Sources, file: FileId, schemas: &mut Schemas) -> usize {
    let text = sources.text(file);
    if !text.contains("CustomResourceDefinition") {
        return 0;
    }
    let nodes = yaml::parse(file, text, Schema::Kubernetes, &mut Diags::default());
    let mut objects = Vec::new();
    nodes.iter().for_each(|node| expand(node, &mut objects, &mut Diags::default()));
    let found: Vec<_> = objects.iter().filter_map(|object| definition::of(&object.node.to_json())).collect();
    let count = found.len();
    found.into_iter().for_each(|definition| schemas.add(definition));
    count
}

/// The object that a node is, or those of the list that it is.
fn expand<'a>(node: &'a Node, objects: &mut Vec<Object<'a>>, diags: &mut Diags) {
    let Some(object) = Object::of(node) else {
        diags.extend(not_an_object(node));
        return;
    };
    if object.group == "kustomize.config.k8s.io" {
        let message = format!("this {} is not rendered here", object.kind);
        let finding = Diagnostic::new(&codes::NOT_AN_OBJECT, object.place(), message);
        diags.push(finding.help("check the folder of the kustomization by itself"));
        return;
    }
    match node.get("items").and_then(Node::as_seq).filter(|_| object.kind.ends_with("List")) {
        Some(items) => items.iter().for_each(|item| expand(item, objects, diags)),
        None => objects.push(object),
    }
}

fn not_an_object(node: &Node) -> Option<Diagnostic> {
    let Some(entries) = node.as_map() else {
        let message = format!("{} is no Kubernetes object and is passed over", node.what());
        return Some(Diagnostic::new(&codes::NOT_AN_OBJECT, first_line(node.span), message));
    };
    let (first, _) = entries.first()?;
    let has = |name: &str| entries.iter().any(|(key, _)| key.value == name);
    let lacking: Vec<&str> = ["apiVersion", "kind"].into_iter().filter(|name| !has(name)).collect();
    let looks = has("apiVersion") || has("kind");
    if !looks || !(has("metadata") || has("spec")) {
        let message = "this is no Kubernetes object and is passed over";
        return Some(Diagnostic::new(&codes::NOT_AN_OBJECT, first.span, message).here("no `apiVersion` and `kind`"));
    }
    let Some(lacking) = lacking.first() else {
        let field = ["apiVersion", "kind"]
            .into_iter()
            .find(|name| node.get(name).and_then(Node::as_str).is_none_or(str::is_empty))?;
        let place = node.entry(field).map_or(first.span, |(key, _)| key.span);
        return Some(Diagnostic::new(&codes::MANIFEST_INCOMPLETE, place, format!("`{field}` is not a text")));
    };
    let keys = entries.iter().map(|(key, _)| key.value.as_str()).filter(|key| !matches!(*key, "metadata" | "spec"));
    let similar = suggest::closest(lacking, keys).and_then(|key| node.entry(key)).map(|(key, _)| key);
    let span = similar.map_or(first.span, |key| key.span);
    let finding = Diagnostic::new(&codes::MANIFEST_INCOMPLETE, span, format!("this manifest has no `{lacking}`"));
    Some(match similar {
        Some(key) => finding.help(format!("`{}` looks like `{lacking}`", key.value)),
        None => finding.help("every Kubernetes object has `apiVersion`, `kind` and `metadata.name`"),
    })
}

fn first_line(span: Span) -> Span {
    Span { end: span.end.min(span.start + 1), ..span }
}

fn unchecked(api_version: &str, kind: &str, span: Span, count: usize) -> Diagnostic {
    let more = if count > 1 { format!(" ({count} objects)") } else { String::new() };
    let message = format!("no schema is known for {kind} of `{api_version}`{more}");
    Diagnostic::new(&codes::SCHEMA_UNKNOWN, span, message)
        .here("only its metadata was checked")
        .help("give the folder of its CustomResourceDefinition with `--schemas`")
}
