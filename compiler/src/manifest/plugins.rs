//! `generators`, `transformers` and `validators`: the built-in ones, told by their configuration.
//!
//! **Invariant:** a transformer is a kustomization of one field with field tables of its own, so both do the same.
//! What would run a program (exec, containers, Helm) is an error: rendering runs nothing.

use std::sync::Arc;

use super::config::Config;
use super::kustomization::{
    Generator, Kustomization, NamespaceMode, Patch, Reader, Subjects, ValueAdd, ValueTarget, helm,
};
use super::load::Files;
use super::resource::Resource;
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::Text;
use crate::syntax::yaml::{Kind, Node};
use serde_json::Value;

/// One transformer: what it does, and where.
pub(super) struct Transformer {
    pub(super) kustomization: Kustomization,
    pub(super) config: Config,
    pub(super) span: Span,
}

const TRANSFORMERS: [&str; 14] = [
    "AnnotationsTransformer",
    "HashTransformer",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "PrefixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "SortOrderTransformer",
    "SuffixTransformer",
    "ValueAddTransformer",
];

/// The transformer that an object configures.
pub(super) fn transformer(files: &mut Files<'_>, folder: &str, resource: &Resource) -> Option<Transformer> {
    let node = node_of(resource);
    if !is_built_in(files, resource, &node, &TRANSFORMERS) {
        return None;
    }
    let mut result =
        Transformer { kustomization: Kustomization::default(), config: Config::default(), span: node.span };
    let mut reader = Reader { diags: &mut files.diags };
    for (key, value) in reader.map(&node, resource.kind()) {
        let field = key.value.as_str();
        let known = match (resource.kind(), field) {
            (_, "apiVersion" | "kind") => true,
            ("NamespaceTransformer", "metadata") => {
                result.kustomization.namespace =
                    value.get("namespace").and_then(|namespace| reader.text(namespace, "namespace"));
                true
            }
            (_, "metadata") => true,
            (_, "fieldSpecs") => tables(&mut reader, resource.kind(), value, &mut result.config),
            (kind, field) => set(&mut reader, (kind, field), value, &mut result),
        };
        if !known {
            reader.unknown(key, &format!("the configuration of a {}", resource.kind()), fields_of(resource.kind()));
        }
    }
    finish(&mut reader, resource.kind(), &node, &mut result);
    if let Some(add) = &mut result.kustomization.value_add
        && add.value.value.is_empty()
    {
        folder.rsplit('/').next().unwrap_or(folder).clone_into(&mut add.value.value);
    }
    Some(result)
}

fn fields_of(kind: &str) -> &'static [&'static str] {
    match kind {
        "AnnotationsTransformer" => &["annotations", "fieldSpecs"],
        "ImageTagTransformer" => &["imageTag", "fieldSpecs"],
        "LabelTransformer" => &["labels", "fieldSpecs"],
        "NamespaceTransformer" => &["fieldSpecs", "unsetOnly", "setRoleBindingSubjects"],
        "PatchJson6902Transformer" => &["target", "path", "jsonOp"],
        "PatchStrategicMergeTransformer" => &["paths", "patches"],
        "PatchTransformer" => &["target", "path", "patch", "options"],
        "PrefixTransformer" => &["prefix", "fieldSpecs"],
        "SuffixTransformer" => &["suffix", "fieldSpecs"],
        "ReplacementTransformer" => &["replacements"],
        "ReplicaCountTransformer" => &["replica", "fieldSpecs"],
        "ValueAddTransformer" => &["value", "targets"],
        "SortOrderTransformer" => &["sortOptions"],
        _ => &["metadata"],
    }
}

/// The field tables of a transformer, which has no others.
fn tables(reader: &mut Reader<'_>, kind: &str, value: &Node, config: &mut Config) -> bool {
    let list = match kind {
        "AnnotationsTransformer" => &mut config.annotations,
        "ImageTagTransformer" => &mut config.images,
        "LabelTransformer" => &mut config.common_labels,
        "NamespaceTransformer" => &mut config.namespace,
        "PrefixTransformer" => &mut config.name_prefix,
        "SuffixTransformer" => &mut config.name_suffix,
        "ReplicaCountTransformer" => &mut config.replicas,
        _ => return false,
    };
    *list = reader.field_specs(value, "fieldSpecs");
    true
}

fn set(reader: &mut Reader<'_>, name: (&str, &str), value: &Node, result: &mut Transformer) -> bool {
    let kustomization = &mut result.kustomization;
    match name {
        ("AnnotationsTransformer", "annotations") => kustomization.common_annotations = reader.pairs(value, name.1),
        ("LabelTransformer", "labels") => kustomization.common_labels = reader.pairs(value, name.1),
        ("ImageTagTransformer", "imageTag") => kustomization.images.extend(reader.image(value)),
        ("NamespaceTransformer", "unsetOnly") => {
            kustomization.namespace_mode.unset_only = reader.flag(value, name.1);
        }
        ("NamespaceTransformer", "setRoleBindingSubjects") => {
            subjects(reader, value, &mut kustomization.namespace_mode);
        }
        ("PrefixTransformer", "prefix") => kustomization.name_prefix = reader.text(value, name.1),
        ("SuffixTransformer", "suffix") => kustomization.name_suffix = reader.text(value, name.1),
        ("ReplicaCountTransformer", "replica") => kustomization.replicas.extend(reader.replicas(value)),
        ("ReplacementTransformer", "replacements") => {
            kustomization.replacements = reader.each(value, name.1, Reader::replacement_field);
        }
        ("PatchStrategicMergeTransformer", "paths") => {
            let paths = reader.texts(value, name.1);
            drop(kustomization.strategic.splice(0..0, paths));
        }
        ("PatchStrategicMergeTransformer", "patches") => kustomization.strategic.extend(reader.text(value, name.1)),
        ("PatchTransformer", "path" | "patch" | "target" | "options")
        | ("PatchJson6902Transformer", "path" | "target" | "jsonOp") => {}
        ("ValueAddTransformer", "value") => {
            let text = reader.text(value, name.1);
            if let Some(text) = text {
                value_add(kustomization, value.span).value = text;
            }
        }
        ("ValueAddTransformer", "targets") => {
            let targets = reader.each(value, name.1, value_target);
            value_add(kustomization, value.span).targets = targets;
        }
        ("SortOrderTransformer", "sortOptions") => kustomization.sort = reader.sort(value),
        (_, _) => return false,
    }
    true
}

fn value_add(kustomization: &mut Kustomization, span: Span) -> &mut ValueAdd {
    let empty = || ValueAdd { value: Text::plain("", span), targets: Vec::new() };
    kustomization.value_add.get_or_insert_with(empty)
}

fn value_target(reader: &mut Reader<'_>, node: &Node) -> Option<ValueTarget> {
    let (mut selector, mut path, mut position) = (None, None, 0);
    for (key, value) in reader.map(node, "a target") {
        match key.value.as_str() {
            "selector" => selector = reader.target(value),
            "fieldPath" => path = reader.text(value, "fieldPath"),
            "filePathPosition" => {
                position = usize::try_from(reader.number(value, "filePathPosition")).unwrap_or_default();
            }
            _ => reader.unknown(key, "a target", &["selector", "fieldPath", "filePathPosition"]),
        }
    }
    let path = reader.required(node, path, "a target", "fieldPath")?;
    Some(ValueTarget { selector, path, position })
}

fn subjects(reader: &mut Reader<'_>, node: &Node, mode: &mut NamespaceMode) {
    let text = reader.text(node, "setRoleBindingSubjects");
    mode.subjects = match text.as_ref().map_or("", |text| text.value.as_str()) {
        "" | "defaultOnly" => Subjects::NamedDefault,
        "allServiceAccounts" => Subjects::ServiceAccounts,
        "none" => Subjects::None,
        other => {
            let message = format!("`{other}` is not `defaultOnly`, `allServiceAccounts` or `none`");
            reader.diags.push(Diagnostic::new(&codes::TRANSFORMER_CONFIG, node.span, message));
            Subjects::None
        }
    };
}

/// What is one entry of a list in a kustomization is the whole of a transformer.
fn finish(reader: &mut Reader<'_>, kind: &str, node: &Node, result: &mut Transformer) {
    let kustomization = &mut result.kustomization;
    let rest = |names: &[(&str, &str)]| {
        let entries = node.as_map().unwrap_or_default().iter();
        let entries = entries.filter_map(|(key, value)| {
            let (_, name) = names.iter().find(|(name, _)| *name == key.value)?;
            Some((Text { value: (*name).to_owned(), ..key.clone() }, value.clone()))
        });
        Node { span: node.span, kind: Kind::Map(entries.collect()) }
    };
    let patch: Option<Patch> = match kind {
        "PatchTransformer" => {
            let fields = [("path", "path"), ("patch", "patch"), ("target", "target"), ("options", "options")];
            reader.patch(&rest(&fields))
        }
        "PatchJson6902Transformer" => {
            reader.patch(&rest(&[("path", "path"), ("jsonOp", "patch"), ("target", "target")]))
        }
        _ => None,
    };
    match kind {
        "PatchTransformer" => kustomization.patches.extend(patch),
        "HashTransformer" => kustomization.hash = true,
        _ => kustomization.json.extend(patch),
    }
    if matches!(kind, "PrefixTransformer" | "SuffixTransformer") && node.get("fieldSpecs").is_none() {
        let message = format!("a {kind} has no `fieldSpecs`");
        let finding = Diagnostic::new(&codes::TRANSFORMER_CONFIG, node.span, message);
        reader.diags.push(finding.help("write `fieldSpecs: [{path: metadata/name}]` for the names of all objects"));
    }
}

/// The entry that an object under `generators` is.
pub(super) fn generator(files: &mut Files<'_>, resource: &Resource) -> Option<Generator> {
    let node = node_of(resource);
    if resource.kind() == "HelmChartInflationGenerator" {
        files.diags.push(helm(node.span, "HelmChartInflationGenerator"));
        return None;
    }
    if !is_built_in(files, resource, &node, &["ConfigMapGenerator", "SecretGenerator"]) {
        return None;
    }
    let metadata = node.get("metadata").and_then(Node::as_map).unwrap_or_default();
    let of_metadata = metadata.iter().filter(|(key, _)| ["name", "namespace"].contains(&key.value.as_str()));
    let own = node.as_map().unwrap_or_default().iter();
    let own = own.filter(|(key, _)| !["apiVersion", "kind", "metadata"].contains(&key.value.as_str()));
    let mut entries: Vec<(Text, Node)> = own.cloned().collect();
    for entry in of_metadata {
        if entries.iter().all(|(key, _)| key.value != entry.0.value) {
            entries.push(entry.clone());
        }
    }
    let entry = Node { span: node.span, kind: Kind::Map(entries) };
    let mut reader = Reader { diags: &mut files.diags };
    if resource.kind() == "SecretGenerator" { reader.secret(&entry) } else { reader.config_map(&entry) }
}

/// Whether an object configures something built in; a finding says it if not.
fn is_built_in(files: &mut Files<'_>, resource: &Resource, node: &Node, kinds: &[&str]) -> bool {
    let span = node.get("kind").map_or(node.span, |kind| kind.span);
    let kind = resource.kind();
    let annotations = resource.value.pointer("/metadata/annotations");
    let runs = annotations.and_then(|map| map.get("config.kubernetes.io/function")).is_some();
    let finding = if runs || resource.api_version() != "builtin" {
        Diagnostic::new(&codes::KUSTOMIZE_FUNCTION, span, format!("`{kind}` would have to run a program"))
            .here("no transformer or generator that Kustomize has built in")
            .help("rendering runs no program: commit what it makes, and list that under `resources`")
    } else if kinds.contains(&kind) {
        return true;
    } else {
        let message = format!("there is no built-in `{kind}` that could stand here");
        let finding = Diagnostic::new(&codes::TRANSFORMER_CONFIG, span, message);
        match crate::diag::suggest::closest(kind, kinds.iter().copied()) {
            Some(name) => finding.here(format!("did you mean `{name}`?")),
            None => finding.here(format!("there are {}", kinds.join(", "))),
        }
    };
    files.diags.push(finding);
    false
}

/// The document of an object, or, where a kustomization has changed it, one that says what it became.
fn node_of(resource: &Resource) -> Arc<Node> {
    let node = resource.node.as_ref().filter(|node| node.to_json() == resource.value);
    node.map_or_else(|| Arc::new(written(&resource.value, resource, "")), Arc::clone)
}

fn written(value: &Value, resource: &Resource, at: &str) -> Node {
    let span = resource.place(at);
    let below = |name: &str| format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
    let kind = match value {
        Value::Null => Kind::Null,
        Value::Bool(value) => Kind::Bool(*value),
        Value::Number(number) => Kind::Number(number.clone()),
        Value::String(text) => Kind::Str(Text { value: text.clone(), span, map: Vec::new() }),
        Value::Array(items) => Kind::Seq(
            items.iter().enumerate().map(|(index, item)| written(item, resource, &below(&index.to_string()))).collect(),
        ),
        Value::Object(map) => {
            let entry = |(name, value): (&String, &Value)| {
                let node = written(value, resource, &below(name));
                (Text { value: name.clone(), span: node.span, map: Vec::new() }, node)
            };
            Kind::Map(map.iter().map(entry).collect())
        }
    };
    Node { span, kind }
}
