//! What a kustomization does to all of its objects: namespace, prefix, suffix, labels, annotations, replicas, images.
//!
//! **Invariant:** each is Kustomize's transformer of that name, on the field tables of `config`.

use serde_json::{Map, Value};

use super::config::{self, Config};
use super::fields::{self, FieldSpec, Make, visit};
use super::generator;
use super::images::Rewrite;
use super::kustomization::{Image, Kustomization, NamespaceMode, Replacement, Replicas, Subjects, ValueAdd};
use super::load::{Files, title};
use super::patch::{self, Aim, Patches};
use super::provenance::{Path, Step, step_of};
use super::replacement;
use super::resource::{Gvk, Resource};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::Text;

/// Everything that a kustomization, or one transformer, does to objects, in the order of Kustomize.
pub(super) fn run(files: &mut Files<'_>, job: &Job<'_>, config: &Config, resources: &mut Vec<Resource>) {
    let kustomization = job.kustomization;
    patch::apply(files, resources, &job.patches.first, false);
    names(files, kustomization, config, resources);
    labels(files, kustomization, config, resources);
    patch::apply(files, resources, &job.patches.later, true);
    for replicas in &kustomization.replicas {
        set_replicas(files, resources, replicas, &config.replicas);
    }
    for image in &kustomization.images {
        set_image(files, resources, image, &config.images);
    }
    replacement::apply(files, resources, &job.replacements);
    if let Some(value) = &kustomization.value_add {
        add_value(files, resources, value);
    }
    if kustomization.hash {
        resources.iter_mut().for_each(add_hash);
    }
}

/// A kustomization, or one transformer, with the files that it names.
pub(super) struct Job<'k> {
    pub(super) kustomization: &'k Kustomization,
    pub(super) patches: Patches<'k>,
    pub(super) replacements: Vec<Replacement>,
}

impl<'k> Job<'k> {
    pub(super) fn load(files: &mut Files<'_>, folder: &str, kustomization: &'k Kustomization) -> Job<'k> {
        let patches = patch::load(files, folder, kustomization);
        Job { kustomization, patches, replacements: replacement::load(files, folder, &kustomization.replacements) }
    }
}

/// Puts the hash of an object behind its name, where it is to have one.
pub(super) fn add_hash(resource: &mut Resource) {
    if resource.needs_hash {
        resource.remember();
        let name = format!("{}-{}", resource.name(), generator::hash(&resource.value));
        resource.set_metadata("name", &name);
    }
}

fn names(files: &mut Files<'_>, kustomization: &Kustomization, config: &Config, resources: &mut [Resource]) {
    if let Some(namespace) = &kustomization.namespace {
        for resource in resources.iter_mut() {
            resource.remember();
            let result = set_namespace(resource, namespace, kustomization.namespace_mode, &config.namespace);
            report(files, namespace.span, resource, result);
        }
    }
    let affixes =
        [(&kustomization.name_prefix, &config.name_prefix), (&kustomization.name_suffix, &config.name_suffix)];
    for (is_suffix, (affix, specs)) in affixes.into_iter().enumerate() {
        let Some(affix) = affix else { continue };
        for resource in resources.iter_mut().filter(|resource| is_renamed(resource)) {
            let result = set_affix(resource, affix, is_suffix == 1, specs);
            report(files, affix.span, resource, result);
        }
    }
}

/// Prefixes or suffixes the fields; that of the name itself is remembered.
fn set_affix(resource: &mut Resource, affix: &Text, is_suffix: bool, specs: &[FieldSpec]) -> Result<(), String> {
    for spec in specs {
        if !spec.selects(resource.first_gvk()) {
            continue;
        }
        if spec.is_path(&["metadata", "name"]) {
            let list = if is_suffix { &mut resource.suffixes } else { &mut resource.prefixes };
            list.push(affix.value.clone());
            resource.remember();
        }
        visit(&mut resource.value, spec, Make::Nothing, &mut |value| {
            let Value::String(name) = value else { return Err("a text is expected".to_owned()) };
            *name = if is_suffix { format!("{name}{}", affix.value) } else { format!("{}{name}", affix.value) };
            Ok(())
        })?;
    }
    Ok(())
}

fn labels(files: &mut Files<'_>, kustomization: &Kustomization, config: &Config, resources: &mut [Resource]) {
    for labels in &kustomization.labels {
        let mut specs = labels.fields.clone();
        let own = FieldSpec {
            path: ["metadata", "labels"].map(str::to_owned).to_vec(),
            create: true,
            ..FieldSpec::default()
        };
        let more: &[&[FieldSpec]] = match (labels.selectors, labels.templates) {
            (true, _) => &[&config.labels, &config.common_labels],
            (false, true) => &[&config.labels, &config.template_labels, std::slice::from_ref(&own)],
            (false, false) => &[&config.labels, std::slice::from_ref(&own)],
        };
        let merged = more.iter().flat_map(|list| list.iter()).try_for_each(|spec| config::add_spec(&mut specs, spec));
        if let (Err(reason), Some((key, _))) = (merged, labels.pairs.first()) {
            files.diags.push(config::conflict(key.span, &reason));
        }
        set_pairs(files, resources, &specs, &labels.pairs);
    }
    set_pairs(files, resources, &config.common_labels, &kustomization.common_labels);
    set_pairs(files, resources, &config.annotations, &kustomization.common_annotations);
}

fn set_image(files: &mut Files<'_>, resources: &mut [Resource], image: &Image, fields: &[FieldSpec]) {
    let rewrite = match Rewrite::new(image) {
        Ok(rewrite) => rewrite,
        Err(message) => {
            files.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_TYPE, image.name.span, message));
            return;
        }
    };
    let mut matched = false;
    for resource in resources.iter_mut() {
        match rewrite.apply(resource, fields) {
            Ok(found) => matched |= found,
            Err(reason) => report(files, image.name.span, resource, Err(reason)),
        }
    }
    if !matched {
        files.diags.push(unused_image(&image.name));
    }
}

fn add_value(files: &mut Files<'_>, resources: &mut [Resource], add: &ValueAdd) {
    for target in &add.targets {
        let selected = match target.selector.as_ref().map(Aim::new) {
            None => (0..resources.len()).collect(),
            Some(Ok(aim)) => aim.select(resources),
            Some(Err((span, reason))) => {
                files.diags.push(Diagnostic::new(&codes::TRANSFORMER_CONFIG, span, reason));
                continue;
            }
        };
        for at in selected {
            let resource = &mut resources[at];
            let result = if target.path.value == "metadata/namespace" {
                set_namespace(resource, &add.value, NamespaceMode::default(), &[])
            } else {
                let spec = FieldSpec { path: fields::split(&target.path.value), create: true, ..FieldSpec::default() };
                let set = &mut |value: &mut Value| {
                    *value = Value::from(added(value.as_str().unwrap_or_default(), target.position, &add.value.value));
                    Ok(())
                };
                let changed = visit(&mut resource.value, &spec, Make::Scalar, set);
                changed.map(|changed| resource.wrote(changed, add.value.span))
            };
            report(files, target.path.span, &resources[at], result);
        }
    }
}

/// The value itself, or, at a position, a file path with the value put in or in the place of a part.
fn added(path: &str, position: usize, value: &str) -> String {
    if position == 0 {
        return value.to_owned();
    }
    let absolute = path.starts_with('/');
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts.insert((position - 1).min(parts.len()), value);
    format!("{}{}", if absolute { "/" } else { "" }, parts.join("/"))
}

fn unused_image(name: &Text) -> Diagnostic {
    let message = format!("no container has the image `{}`", name.value);
    Diagnostic::new(&codes::IMAGE_UNUSED, name.span, message)
        .here("this entry changes nothing")
        .help("`name` is what the manifests write before the tag")
}

fn report(files: &mut Files<'_>, span: Span, resource: &Resource, result: Result<(), String>) {
    if let Err(reason) = result {
        let message = format!("this does not fit {}: {reason}", title(&resource.value));
        files.diags.push(
            Diagnostic::new(&codes::TRANSFORMER_CONFLICT, span, message)
                .here("written into every object")
                .label(resource.origin, "the object"),
        );
    }
}

/// Custom resource definitions, API services and namespaces keep their names.
fn is_renamed(resource: &Resource) -> bool {
    let Gvk { group, kind, .. } = resource.first_gvk();
    let is_service = group == "apiregistration.k8s.io" && kind == "APIService";
    !is_service && kind != "CustomResourceDefinition" && kind != "Namespace"
}

fn set_namespace(
    resource: &mut Resource,
    namespace: &Text,
    mode: NamespaceMode,
    specs: &[FieldSpec],
) -> Result<(), String> {
    let name = namespace.value.as_str();
    let is_set = |value: Option<&Value>| value.is_some_and(|value| !value.is_null() && value != "");
    let mut set = |value: &mut Value| {
        if !(mode.unset_only && is_set(Some(value))) {
            *value = Value::from(name);
        }
        Ok(())
    };
    let stays = mode.unset_only && is_set(resource.value.pointer("/metadata/namespace"));
    if !resource.is_cluster_scoped() && !stays {
        resource.write_metadata("namespace", name, namespace.span);
    }
    let binds = matches!(resource.kind(), "RoleBinding" | "ClusterRoleBinding");
    let mut written = Vec::new();
    if binds {
        let subjects = resource.value.get_mut("subjects").and_then(Value::as_array_mut);
        for subject in subjects.into_iter().flatten().filter(|subject| is_subject(subject, mode.subjects)) {
            if !(mode.unset_only && is_set(subject.get("namespace"))) {
                subject["namespace"] = Value::from(name);
                written.push(vec![Step::Field("subjects".to_owned()), step_of(0, subject), field("namespace")]);
            }
        }
    }
    let is_core = resource.api_version() == "v1";
    for spec in specs {
        let passed = spec.is_path(&["metadata", "namespace"])
            || (!is_core && spec.is_path(&["metadata", "name"]))
            || (binds && spec.is_path(&["subjects", "namespace"]));
        if spec.selects(resource.gvk()) && !passed {
            written.extend(visit(&mut resource.value, spec, Make::Scalar, &mut set)?);
        }
    }
    resource.wrote(written, namespace.span);
    Ok(())
}

fn field(name: &str) -> Step {
    Step::Field(name.to_owned())
}

fn is_subject(subject: &Value, mode: Subjects) -> bool {
    match mode {
        Subjects::NamedDefault => subject.get("name").is_some_and(|name| name == "default"),
        Subjects::ServiceAccounts => subject.get("kind").is_some_and(|kind| kind == "ServiceAccount"),
        Subjects::None => false,
    }
}

fn set_pairs(files: &mut Files<'_>, resources: &mut [Resource], specs: &[FieldSpec], pairs: &[(Text, Text)]) {
    let Some((first, _)) = pairs.first() else { return };
    let new: Map<String, Value> =
        pairs.iter().map(|(key, value)| (key.value.clone(), Value::from(value.value.as_str()))).collect();
    for resource in resources {
        let mut result = Ok(());
        for spec in specs.iter().filter(|spec| spec.selects(resource.gvk())).collect::<Vec<_>>() {
            let written = visit(&mut resource.value, spec, Make::Map, &mut |value| match value {
                Value::Object(map) => {
                    map.extend(new.clone());
                    Ok(())
                }
                Value::Null => Ok(()),
                Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                    Err("a mapping is expected".to_owned())
                }
            });
            result = result.and(written.map(|changed| {
                for path in changed {
                    wrote_pairs(resource, path, pairs);
                }
            }));
        }
        report(files, first.span, resource, result);
    }
}

/// What was changed is one pair, or a mapping that was made for all of them.
fn wrote_pairs(resource: &mut Resource, path: Path, pairs: &[(Text, Text)]) {
    match pairs.iter().find(|(key, _)| path.last() == Some(&field(&key.value))) {
        Some((_, value)) => resource.wrote([path], value.span),
        None => {
            for (key, value) in pairs {
                let mut path = path.clone();
                path.push(field(&key.value));
                resource.wrote([path], value.span);
            }
        }
    }
}

fn set_replicas(files: &mut Files<'_>, resources: &mut [Resource], replicas: &Replicas, specs: &[FieldSpec]) {
    let mut found = false;
    for resource in resources.iter_mut() {
        let named = resource.ids().any(|id| id.name == replicas.name.value);
        let mut result = Ok(());
        for spec in specs.iter().filter(|spec| named && spec.selects(resource.gvk())).collect::<Vec<_>>() {
            found = true;
            let written = visit(&mut resource.value, spec, Make::Scalar, &mut |value| {
                *value = Value::from(replicas.count);
                Ok(())
            });
            result = result.and(written.map(|changed| resource.wrote(changed, replicas.count_span)));
        }
        report(files, replicas.name.span, resource, result);
    }
    if !found {
        let name = &replicas.name;
        let message = format!("there is no workload `{}` whose replicas could be set", name.value);
        files.diags.push(
            Diagnostic::new(&codes::TARGET_MISSING, name.span, message)
                .here("no Deployment, StatefulSet, ReplicaSet or ReplicationController has this name"),
        );
    }
}
