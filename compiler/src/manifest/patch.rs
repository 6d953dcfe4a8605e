//! Patches of a kustomization: found, read, aimed and applied.
//!
//! **Invariant:** a patch is either a strategic merge or a JSON patch, never both; one that hits nothing is said.
//! Not here: the two ways of patching themselves (`merge`, `json_patch`).

use std::sync::Arc;

use regex::Regex;
use serde_json::Value;

use super::json_patch::Operation;
use super::kustomization::{Kustomization, Patch, Target};
use super::load::{Files, Reading, title};
use super::merge;
use super::provenance::{By, Step, Written, changes, path_of, walk};
use super::resource::{Gvk, Resource, effective_namespace, id_of, text_at};
use super::selectors::Selector;
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::Text;
use crate::syntax::yaml::{Kind, Node};

/// What a patch says.
enum Body {
    Strategic(Vec<(Value, Arc<Node>)>),
    Json(Vec<(Operation, Arc<Node>)>),
}

/// A patch that has been read.
pub(super) struct Loaded<'a> {
    patch: Option<&'a Patch>,
    span: Span,
    body: Body,
}

/// The three lists of patches of a kustomization.
#[derive(Default)]
pub(super) struct Patches<'a> {
    /// `patchesStrategicMerge`, then `patches`: applied before anything else.
    pub(super) first: Vec<Loaded<'a>>,
    /// `patchesJson6902`: applied after labels and annotations.
    pub(super) later: Vec<Loaded<'a>>,
}

/// Reads all patches; what is wrong with one is a finding, and it is left out.
pub(super) fn load<'a>(files: &mut Files<'_>, folder: &str, kustomization: &'a Kustomization) -> Patches<'a> {
    let mut patches = Patches::default();
    for text in &kustomization.strategic {
        let documents = if is_inline(text) { Some(within(files, text)) } else { from_file(files, folder, text) };
        let body = documents.and_then(|documents| body(files, text.span, documents));
        patches.first.extend(body.map(|body| Loaded { patch: None, span: text.span, body }));
    }
    for patch in &kustomization.patches {
        patches.first.extend(load_one(files, folder, patch));
    }
    for patch in &kustomization.json {
        let loaded = load_one(files, folder, patch);
        patches.later.extend(loaded.filter(|loaded| matches!(loaded.body, Body::Json(_))));
    }
    patches
}

/// An entry of `patchesStrategicMerge` is a path or a patch.
fn is_inline(text: &Text) -> bool {
    text.value.contains('\n') || text.value.trim_start().starts_with('{')
}

fn from_file(files: &mut Files<'_>, folder: &str, asked: &Text) -> Option<Vec<Node>> {
    let (path, id) = files.file(folder, asked)?;
    let documents = files.documents(&path, id, reading(&files.text(&path, id)));
    Some(documents.iter().map(|node| Node::clone(node)).collect())
}

fn within(files: &mut Files<'_>, text: &Text) -> Vec<Node> {
    files.documents_within(text, reading(&text.value))
}

/// JSON patches are read as kubectl reads, and strategic merge patches as manifests are.
fn reading(text: &str) -> Reading {
    let lines = text.lines().map(str::trim_start);
    let mut written = lines.filter(|line| !line.is_empty() && !line.starts_with('#') && !line.starts_with("---"));
    let is_list = written.next().is_some_and(|line| line.starts_with(['-', '[']));
    if is_list { Reading::Kubectl } else { Reading::Kustomize }
}

fn load_one<'a>(files: &mut Files<'_>, folder: &str, patch: &'a Patch) -> Option<Loaded<'a>> {
    let (asked, documents) = match (&patch.path, &patch.inline) {
        (Some(path), None) => (path, from_file(files, folder, path)),
        (None, Some(inline)) => (inline, Some(within(files, inline))),
        (Some(_), Some(_)) => {
            files.diags.push(wrong(patch.span, "a patch has either `path` or `patch`, not both".to_owned()));
            return None;
        }
        (None, None) => {
            files.diags.push(wrong(patch.span, "a patch has no `path` and no `patch`".to_owned()));
            return None;
        }
    };
    let body = body(files, asked.span, documents?)?;
    Some(Loaded { patch: Some(patch), span: asked.span, body })
}

fn wrong(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(&codes::PATCH, span, message)
}

fn body(files: &mut Files<'_>, asked: Span, documents: Vec<Node>) -> Option<Body> {
    let lists = documents.iter().filter(|node| node.as_seq().is_some()).count();
    let finding = match (documents.len(), lists) {
        (0, _) => wrong(asked, "this patch is empty".to_owned()),
        (1, 1) => return operations(files, &documents[0]).map(Body::Json),
        (_, 0) => return strategic(files, &documents).map(Body::Strategic),
        (_, _) => wrong(asked, "a JSON patch is one list".to_owned()),
    };
    files.diags.push(finding);
    None
}

fn operations(files: &mut Files<'_>, list: &Node) -> Option<Vec<(Operation, Arc<Node>)>> {
    let mut operations = Vec::new();
    for node in list.as_seq().unwrap_or_default() {
        match Operation::read(&node.to_json()) {
            Ok(operation) => operations.push((operation, Arc::new(node.clone()))),
            Err(reason) => {
                files.diags.push(wrong(node.span, format!("this is no operation of a JSON patch: {reason}")));
                return None;
            }
        }
    }
    Some(operations)
}

fn strategic(files: &mut Files<'_>, documents: &[Node]) -> Option<Vec<(Value, Arc<Node>)>> {
    let mut patches = Vec::new();
    for node in documents {
        let has =
            |pointer: &str| node.at(pointer).is_some_and(|field| field.as_str().is_some_and(|text| !text.is_empty()));
        if !matches!(node.kind, Kind::Map(_)) {
            files.diags.push(wrong(node.span, format!("a patch is a mapping or a list, and this is {}", node.what())));
            return None;
        }
        if let Some(missing) = ["/kind", "/metadata/name"].into_iter().find(|pointer| !has(pointer)) {
            let first = node.as_map().and_then(<[_]>::first).map_or(node.span, |(key, _)| key.span);
            let message = format!("this patch has no `{}`", missing[1..].replace('/', "."));
            files.diags.push(wrong(first, message).help("a strategic merge patch says which object it is for"));
            return None;
        }
        if node.at("/kind").and_then(Node::as_str).is_some_and(|kind| kind.ends_with("List")) {
            files.diags.push(wrong(node.span, "a list of objects cannot be a patch".to_owned()));
            return None;
        }
        patches.push((node.to_json(), Arc::new(node.clone())));
    }
    Some(patches)
}

/// Applies patches in order; an object that is deleted is gone for those that follow.
pub(super) fn apply(files: &mut Files<'_>, resources: &mut Vec<Resource>, patches: &[Loaded<'_>], later: bool) {
    for loaded in patches {
        let target = loaded.patch.and_then(|patch| patch.target.as_ref());
        let selected = match target.map(|target| Aim::new(target).map(|aim| aim.select(resources))) {
            Some(Ok(selected)) => Some(selected),
            Some(Err((span, reason))) => {
                files.diags.push(wrong(span, reason));
                continue;
            }
            None => None,
        };
        if selected.as_ref().is_some_and(Vec::is_empty) {
            let message = "the target of this patch selects no object";
            files
                .diags
                .push(Diagnostic::new(&codes::PATCH_UNUSED, loaded.span, message).here("this patch changes nothing"));
            continue;
        }
        match &loaded.body {
            Body::Strategic(parts) => apply_strategic(files, resources, loaded, parts, selected.as_deref()),
            Body::Json(operations) => match selected {
                Some(selected) => apply_json(files, resources, operations, &selected, later),
                None => files.diags.push(
                    wrong(loaded.span, "a JSON patch needs a `target`".to_owned())
                        .help("add `target:` with `kind` and `name`"),
                ),
            },
        }
    }
}

fn apply_json(
    files: &mut Files<'_>,
    resources: &mut [Resource],
    operations: &[(Operation, Arc<Node>)],
    selected: &[usize],
    later: bool,
) {
    for at in selected {
        let resource = &mut resources[*at];
        if !later {
            resource.remember();
        }
        resource.cleaned = true;
        let mut value = resource.value.clone();
        let mut written = Vec::new();
        for (operation, node) in operations {
            if let Err(reason) = operation.apply(&mut value) {
                let message = format!("the patch does not fit {}: {reason}", title(&resource.value));
                files.diags.push(wrong(node.span, message).label(resource.origin, "the object"));
                return;
            }
            if let Some(pointer) = operation.written(&value) {
                let new = node.get("value").cloned().map_or(By::Place(node.span), |new| By::Node(Arc::new(new)));
                let key = node.get("path").map(|path| path.span);
                written.push(Written { path: path_of(&value, &pointer), by: new, key });
            }
        }
        if text_at(&value, "/kind").is_empty() || text_at(&value, "/metadata/name").is_empty() {
            files
                .diags
                .push(wrong(operations[0].1.span, "the patch leaves no `kind` or no `metadata.name`".to_owned()));
            return;
        }
        resource.value = value;
        resource.written.extend(written);
    }
}

fn apply_strategic(
    files: &mut Files<'_>,
    resources: &mut Vec<Resource>,
    loaded: &Loaded<'_>,
    parts: &[(Value, Arc<Node>)],
    selected: Option<&[usize]>,
) {
    if selected.is_some() && parts.len() > 1 {
        let message = "a patch of several documents cannot have a `target`";
        files.diags.push(wrong(loaded.span, message.to_owned()));
        return;
    }
    for (patch, node) in parts {
        let span = &node.span;
        let targets = match selected {
            Some(selected) => {
                if let Some(name) = null_text(patch) {
                    let message =
                        format!("Kustomize reads the null of `{name}` as the text `null` in a patch with a target");
                    files.diags.push(wrong(*span, message).help("use a JSON patch with `op: remove`"));
                    return;
                }
                selected.to_vec()
            }
            None => match only_match(resources, patch, *span) {
                Ok(at) => vec![at],
                Err(finding) => {
                    files.diags.push(*finding);
                    return;
                }
            },
        };
        let mut deleted = Vec::new();
        for at in targets {
            let before = resources[at].value.clone();
            match merge_one(&mut resources[at], patch, loaded.patch, selected.is_some()) {
                Ok(true) => keep_places(&mut resources[at], &before, node),
                Ok(false) => deleted.push(at),
                Err(reason) => {
                    let message = format!("the patch does not fit {}: {reason}", title(&resources[at].value));
                    files.diags.push(wrong(*span, message).label(resources[at].origin, "the object"));
                    return;
                }
            }
        }
        for at in deleted.into_iter().rev() {
            resources.remove(at);
        }
    }
}

/// What a patch changed leads to where the patch says it.
fn keep_places(resource: &mut Resource, before: &Value, patch: &Arc<Node>) {
    let mut changed = Vec::new();
    changes(Some(before), &resource.value, &mut Vec::new(), &mut changed);
    for path in changed {
        if let (node, true) = walk(patch, &path) {
            let by = By::Node(Arc::new(node.clone()));
            let key = match path.split_last() {
                Some((Step::Field(name), parent)) => walk(patch, parent).0.entry(name).map(|(key, _)| key.span),
                Some(_) | None => None,
            };
            resource.written.push(Written { path, by, key });
        }
    }
}

/// A label or annotation that a patch sets to null.
fn null_text(patch: &Value) -> Option<&str> {
    let maps = ["/metadata/labels", "/metadata/annotations"].into_iter();
    let mut fields = maps.filter_map(|pointer| patch.pointer(pointer)?.as_object()).flatten();
    fields.find(|(_, value)| value.is_null()).map(|(name, _)| name.as_str())
}

/// The one object that a patch without a target is for.
fn only_match(resources: &[Resource], patch: &Value, span: Span) -> Result<usize, Box<Diagnostic>> {
    let id = id_of(patch);
    let found: Vec<usize> = (0..resources.len()).filter(|at| resources[*at].ids().any(|other| other == id)).collect();
    match found[..] {
        [at] => Ok(at),
        [] => {
            let mut alike = resources.iter().filter(|resource| resource.ids().any(|other| other.name == id.name));
            let finding = Diagnostic::new(
                &codes::TARGET_MISSING,
                span,
                format!("there is no {} `{}` ({}) to patch", id.kind, id.name, id.api_version),
            )
            .here("a patch is for the object of its apiVersion, kind, namespace and name");
            Err(Box::new(match alike.find(|resource| resource.kind() == id.kind) {
                Some(other) => finding.label(other.origin, "this one differs in apiVersion or namespace"),
                None => finding,
            }))
        }
        [first, second, ..] => {
            let finding = wrong(span, format!("`{}` could be more than one object", title(patch)))
                .label(resources[first].origin, "this one")
                .label(resources[second].origin, "or this one");
            Err(Box::new(finding))
        }
    }
}

/// Merges a patch into an object; `false` when that deletes it.
fn merge_one(resource: &mut Resource, patch: &Value, options: Option<&Patch>, aimed: bool) -> Result<bool, String> {
    let name_may_change = options.is_some_and(|patch| patch.allow_name_change);
    let kind_may_change = options.is_some_and(|patch| patch.allow_kind_change);
    if name_may_change || kind_may_change {
        resource.remember();
    }
    resource.clean();
    let mut patch = patch.clone();
    if aimed {
        // A patch for whatever the target selects takes the version of the object.
        patch["apiVersion"] = Value::from(resource.api_version());
        texts(&mut patch);
    }
    let (name, namespace, kind) =
        (resource.name().to_owned(), resource.namespace().to_owned(), resource.kind().to_owned());
    let Some(value) = merge::merge_object(resource.value.clone(), patch)? else { return Ok(false) };
    resource.value = value;
    if !kind_may_change {
        resource.value["kind"] = Value::from(kind);
    }
    if !name_may_change {
        resource.set_metadata("name", &name);
    }
    if namespace.is_empty() {
        if let Some(metadata) = resource.value.pointer_mut("/metadata").and_then(Value::as_object_mut) {
            metadata.remove("namespace");
        }
    } else {
        resource.set_metadata("namespace", &namespace);
    }
    Ok(true)
}

/// Labels and annotations of an aimed patch are texts for Kustomize, however they are written.
fn texts(patch: &mut Value) {
    for pointer in ["/metadata/labels", "/metadata/annotations"] {
        for value in
            patch.pointer_mut(pointer).and_then(Value::as_object_mut).into_iter().flat_map(|map| map.values_mut())
        {
            if value.is_boolean() || value.is_number() {
                *value = Value::from(value.to_string());
            }
        }
    }
}

/// A target ready to select.
pub(super) struct Aim {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Selector,
    annotations: Selector,
}

impl Aim {
    /// The error is a place and why the target cannot be understood.
    pub(super) fn new(target: &Target) -> Result<Aim, (Span, String)> {
        let pattern = |text: &Option<Text>| match text {
            Some(text) => Regex::new(&format!("^(?:{})$", text.value))
                .map(Some)
                .map_err(|error| (text.span, format!("`{}` is no regular expression: {error}", text.value))),
            None => Ok(None),
        };
        let selector = |text: &Option<Text>| match text {
            Some(text) => Selector::parse(&text.value).map_err(|reason| (text.span, reason)),
            None => Ok(Selector::default()),
        };
        Ok(Aim {
            group: pattern(&target.group)?,
            version: pattern(&target.version)?,
            kind: pattern(&target.kind)?,
            name: pattern(&target.name)?,
            namespace: pattern(&target.namespace)?,
            labels: selector(&target.labels)?,
            annotations: selector(&target.annotations)?,
        })
    }

    pub(super) fn select(&self, resources: &[Resource]) -> Vec<usize> {
        (0..resources.len()).filter(|at| self.selects(&resources[*at])).collect()
    }

    fn selects(&self, resource: &Resource) -> bool {
        let fits = |pattern: &Option<Regex>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        let current = effective_namespace(resource.api_version(), resource.kind(), resource.namespace());
        let gvk = resource.gvk();
        let metadata = |field: &str| resource.value.pointer(&format!("/metadata/{field}")).unwrap_or(&Value::Null);
        (fits(&self.namespace, resource.first_namespace()) || fits(&self.namespace, current))
            && (fits(&self.name, resource.first_name()) || fits(&self.name, resource.name()))
            && fits(&self.group, gvk.group)
            && fits(&self.version, gvk.version)
            && fits(&self.kind, gvk.kind)
            && self.labels.matches(metadata("labels"))
            && self.annotations.matches(metadata("annotations"))
    }

    /// Whether an identity fits; an empty part of the target fits all.
    pub(super) fn names(&self, gvk: Gvk<'_>, namespace: &str, name: &str) -> bool {
        let fits = |pattern: &Option<Regex>, text: &str| pattern.as_ref().is_none_or(|pattern| pattern.is_match(text));
        fits(&self.group, gvk.group)
            && fits(&self.version, gvk.version)
            && fits(&self.kind, gvk.kind)
            && fits(&self.name, name)
            && fits(&self.namespace, namespace)
    }

    /// Whether labels and annotations fit.
    pub(super) fn labels_fit(&self, object: &Value) -> bool {
        let metadata = |field: &str| object.pointer(&format!("/metadata/{field}")).unwrap_or(&Value::Null);
        self.labels.matches(metadata("labels")) && self.annotations.matches(metadata("annotations"))
    }
}
