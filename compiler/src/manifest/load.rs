//! Paths, files and documents: what a kustomization refers to, taken from the sources.
//!
//! **Invariant:** nothing is read here; what the sources do not have yet becomes a need, and no finding is made of it.
//! Paths are relative to the project's root, `.` is the root itself, and none leads out of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::kustomization::FILE_NAMES;
use super::resource::Resource;
use crate::diag::{Diagnostic, Diags, codes};
use crate::kubernetes::templating;
use crate::source::{Entry, FileId, Missing, Need, Sources, Span};
use crate::syntax::Text;
use crate::syntax::yaml::{self, Kind, Node, Schema};

/// Replacement texts by path.
pub type Overlay<'a> = dyn Fn(&str) -> Option<String> + 'a;

pub(super) struct Files<'a> {
    sources: &'a Sources,
    overlay: &'a Overlay<'a>,
    pub(super) diags: Diags,
    pub(super) needs: BTreeSet<Need>,
    documents: BTreeMap<(String, Reading), Arc<[Arc<Node>]>>,
    /// How manifests are read: as Kustomize does within a kustomization.
    pub(super) manifests: Reading,
}

/// Who would read a file: kubectl, which also reads kustomizations and JSON patches so, or Kustomize.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reading {
    Kubectl,
    Kustomize,
}

impl Reading {
    fn schema(self) -> Schema {
        match self {
            Reading::Kubectl => Schema::Kubernetes,
            Reading::Kustomize => Schema::Kustomize,
        }
    }
}

/// What is at a path.
pub(super) enum Found<'a> {
    File(FileId),
    Folder(&'a [String]),
    /// Nobody has looked yet; the need is noted.
    Pending,
    Missing(&'a Missing),
}

/// The path `relative` of `folder`; `None` if it leads above the root.
pub(super) fn join(folder: &str, relative: &str) -> Option<String> {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    for part in relative.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(if parts.is_empty() { ".".to_owned() } else { parts.join("/") })
}

impl<'a> Files<'a> {
    pub(super) fn new(sources: &'a Sources, overlay: &'a Overlay<'a>) -> Files<'a> {
        let (diags, needs, documents) = Default::default();
        Files { sources, overlay, diags, needs, documents, manifests: Reading::Kubectl }
    }

    pub(super) fn look(&mut self, path: &str) -> Found<'a> {
        match self.sources.entry(path) {
            Some(Entry::File(id)) => Found::File(*id),
            Some(Entry::Folder(names)) => Found::Folder(names),
            Some(Entry::Missing(missing)) => Found::Missing(missing),
            None => {
                self.needs.insert(Need { path: path.to_owned() });
                Found::Pending
            }
        }
    }

    /// Asks for the kustomization of what is probably a folder, so that a base takes one round less.
    pub(super) fn foresee(&mut self, path: &str) {
        let is_file = [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end));
        if let Some(path) = join(path, FILE_NAMES[0]).filter(|_| !is_file)
            && self.sources.entry(&path).is_none()
        {
            self.needs.insert(Need { path });
        }
    }

    /// The text of a file, or its replacement.
    pub(super) fn text(&self, path: &str, id: FileId) -> String {
        (self.overlay)(path).unwrap_or_else(|| self.sources.text(id).to_owned())
    }

    /// The text at a place.
    pub(super) fn written(&self, span: Span) -> String {
        self.sources.slice(span).to_owned()
    }

    /// The documents of a file that are not empty; its syntax errors are findings, made once.
    pub(super) fn documents(&mut self, path: &str, id: FileId, reading: Reading) -> Arc<[Arc<Node>]> {
        let key = (path.to_owned(), reading);
        if let Some(documents) = self.documents.get(&key) {
            return Arc::clone(documents);
        }
        let nodes = match (self.overlay)(path) {
            Some(text) => templating::parse(id, &text, reading.schema(), &mut self.diags),
            None => templating::parse(id, self.sources.text(id), reading.schema(), &mut self.diags),
        };
        let documents: Arc<[Arc<Node>]> = nodes.into_iter().filter(|node| !node.is_null()).map(Arc::new).collect();
        self.documents.insert(key, Arc::clone(&documents));
        documents
    }

    /// The documents within a text of a file, such as an inline patch, with their places in the file.
    pub(super) fn documents_within(&mut self, text: &Text, reading: Reading) -> Vec<Node> {
        let mut inner = Diags::default();
        let mut nodes = yaml::parse(text.span.file, &text.value, reading.schema(), &mut inner);
        for finding in inner.iter() {
            let mut finding = finding.clone();
            finding.span = within(text, finding.span);
            finding.labels.iter_mut().for_each(|label| label.span = within(text, label.span));
            self.diags.push(finding);
        }
        nodes.iter_mut().for_each(|node| relocate(node, text));
        nodes.retain(|node| !node.is_null());
        nodes
    }

    /// Where a path written at `asked` leads; `None`, with a finding, if it is no path within the project.
    pub(super) fn resolve(&mut self, folder: &str, asked: &Text) -> Option<String> {
        let path = &asked.value;
        let finding = if is_remote(path) {
            Diagnostic::new(&codes::REMOTE_BASE, asked.span, format!("`{path}` is not in this project"))
                .here("a remote resource")
                .help("copy it into the project (`git subtree add`, or a vendored folder), where a review can see it")
        } else if path.starts_with('/') {
            Diagnostic::new(&codes::OUTSIDE_PROJECT, asked.span, format!("`{path}` is an absolute path"))
                .here("paths are relative to the folder of the kustomization")
        } else if path.is_empty() {
            missing(asked.span, "an empty path", &Missing::NotFound)
        } else if let Some(path) = join(folder, path) {
            return Some(path);
        } else {
            Diagnostic::new(&codes::OUTSIDE_PROJECT, asked.span, format!("`{path}` leads out of the project"))
                .here(format!("relative to `{folder}`, this is above the project's folder"))
        };
        self.diags.push(finding);
        None
    }

    /// The file at a path written at `asked`: its path and id. Anything else is a finding or a need.
    pub(super) fn file(&mut self, folder: &str, asked: &Text) -> Option<(String, FileId)> {
        let path = self.resolve(folder, asked)?;
        let finding = match self.look(&path) {
            Found::File(id) => return Some((path, id)),
            Found::Pending => return None,
            Found::Folder(_) => {
                Diagnostic::new(&codes::MANIFEST_MISSING, asked.span, format!("`{path}` is a folder, not a file"))
                    .here("a file is expected here")
            }
            Found::Missing(why) => missing(asked.span, &path, why),
        };
        self.diags.push(finding);
        None
    }

    /// The objects of a file, lists expanded.
    pub(super) fn resources(&mut self, path: &str, id: FileId) -> Vec<Resource> {
        let documents = self.documents(path, id, self.manifests);
        let mut found = Vec::new();
        // As in Kustomize, the items of a list come after everything else in the file.
        let mut waiting: VecDeque<(Arc<Node>, bool)> = documents.iter().map(|node| (Arc::clone(node), false)).collect();
        while let Some((node, listed)) = waiting.pop_front() {
            if node.as_map().is_some_and(<[_]>::is_empty) {
                continue;
            }
            if let Some(items) = listed_items(&node) {
                waiting.extend(items.as_seq().unwrap_or_default().iter().map(|item| (Arc::new(item.clone()), true)));
                if items.as_seq().is_none() && !items.is_null() {
                    self.diags.push(incomplete(items.span, format!("`items` is {}, not a list", items.what())));
                }
                continue;
            }
            found.extend(self.resource(node, listed));
        }
        found
    }

    /// The object of a document; what is none is a finding.
    pub(super) fn resource(&mut self, node: Arc<Node>, listed: bool) -> Option<Resource> {
        if let Err(finding) = check(&node) {
            self.diags.push(*finding);
            return None;
        }
        let mut resource = Resource::new(node.to_json(), node.span, Some(node));
        (resource.listed, resource.cleaned) = (listed, listed);
        Some(resource)
    }
}

/// The `items` of a `List`, or of a list of one kind.
fn listed_items(node: &Node) -> Option<&Node> {
    node.get("kind").and_then(Node::as_str).filter(|kind| kind.ends_with("List"))?;
    node.get("items")
}

/// Every object has texts as `apiVersion`, `kind` and `metadata.name`.
fn check(node: &Node) -> Result<(), Box<Diagnostic>> {
    if node.as_map().is_none() {
        return Err(Box::new(incomplete(node.span, format!("a manifest is a mapping, and this is {}", node.what()))));
    }
    for pointer in ["/apiVersion", "/kind", "/metadata/name"] {
        let name = pointer[1..].replace('/', ".");
        match node.at(pointer) {
            None => {
                let first = node.as_map().and_then(<[_]>::first).map_or(node.span, |(key, _)| key.span);
                return Err(Box::new(incomplete(first, format!("this manifest has no `{name}`"))));
            }
            Some(field) if field.as_str().is_none_or(str::is_empty) => {
                return Err(Box::new(incomplete(field.span, format!("`{name}` is {}, not a text", field.what()))));
            }
            Some(_) => {}
        }
    }
    let namespace = node.at("/metadata/namespace").filter(|field| field.as_str().is_none() && !field.is_null());
    if let Some(field) = namespace {
        return Err(Box::new(incomplete(field.span, format!("`metadata.namespace` is {}, not a text", field.what()))));
    }
    Ok(())
}

fn incomplete(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(&codes::MANIFEST_INCOMPLETE, span, message)
        .help("every Kubernetes object has `apiVersion`, `kind` and `metadata.name`")
}

fn is_remote(path: &str) -> bool {
    path.contains("://")
        || path.contains("?ref=")
        || path.starts_with("git@")
        || path.starts_with("git::")
        || path.starts_with("github.com/")
}

/// The finding for a path that gives neither a text nor a folder.
pub(super) fn missing(span: Span, path: &str, why: &Missing) -> Diagnostic {
    match why {
        Missing::NotFound => {
            Diagnostic::new(&codes::MANIFEST_MISSING, span, format!("`{path}` does not exist")).here("nothing is there")
        }
        Missing::NotUtf8 { offset } => {
            Diagnostic::new(&codes::NOT_UTF8, span, format!("`{path}` is not UTF-8 text (from byte {offset} on)"))
        }
        Missing::TooLarge { bytes, limit } => Diagnostic::new(
            &codes::FILE_TOO_LARGE,
            span,
            format!("`{path}` has {bytes} bytes, more than the {limit} that are read"),
        ),
        Missing::Link { reason } | Missing::Unreadable { reason } => {
            Diagnostic::new(&codes::UNREADABLE, span, format!("`{path}` cannot be read: {reason}"))
        }
    }
}

fn within(text: &Text, span: Span) -> Span {
    let (start, end) = (span.start as usize, span.end as usize);
    let last = text.value.len();
    text.place(start.min(last), end.min(last))
}

fn relocate(node: &mut Node, text: &Text) {
    node.span = within(text, node.span);
    match &mut node.kind {
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
        Kind::Str(inner) => relocate_text(inner, text),
        Kind::Seq(items) => items.iter_mut().for_each(|item| relocate(item, text)),
        Kind::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
            relocate_text(key, text);
            relocate(value, text);
        }),
    }
}

fn relocate_text(inner: &mut Text, text: &Text) {
    inner.span = within(text, inner.span);
    inner.map.clear();
}

/// What a value is, for messages: `Deployment web`.
pub(super) fn title(value: &Value) -> String {
    let id = super::resource::id_of(value);
    format!("{} {}", id.kind, id.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_in_the_project() {
        assert_eq!(join("a/b", "../c.yaml").as_deref(), Some("a/c.yaml"));
        assert_eq!(join(".", "./x//y").as_deref(), Some("x/y"));
        assert_eq!(join("a", "..").as_deref(), Some("."));
        assert_eq!(join("a", "../.."), None);
        assert_eq!(join("a", "../../a/b"), None);
    }
}
