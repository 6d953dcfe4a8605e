//! What a kustomization does to all of its objects: namespace, prefix, suffix, labels, annotations, replicas, images.
//!
//! **Invariant:** each is Kustomize's transformer of that name, on the pinned field table.

use serde_json::{Map, Value};

use super::fields::{FieldSpec, Make, SPECS, visit};
use super::images::Rewrite;
use super::kustomization::{Kustomization, Replicas};
use super::load::{Files, title};
use super::resource::{Gvk, Resource};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::Text;

/// In the order of Kustomize, after the patches.
pub(super) fn all(files: &mut Files<'_>, kustomization: &Kustomization, resources: &mut [Resource]) {
    if let Some(namespace) = &kustomization.namespace {
        for resource in resources.iter_mut() {
            resource.remember();
            let result = set_namespace(resource, &namespace.value);
            report(files, namespace.span, resource, result);
        }
    }
    if let Some(prefix) = &kustomization.name_prefix {
        for resource in resources.iter_mut().filter(|resource| is_renamed(resource)) {
            resource.prefixes.push(prefix.value.clone());
            resource.remember();
            let name = format!("{}{}", prefix.value, resource.name());
            resource.set_metadata("name", &name);
        }
    }
    if let Some(suffix) = &kustomization.name_suffix {
        for resource in resources.iter_mut().filter(|resource| is_renamed(resource)) {
            resource.suffixes.push(suffix.value.clone());
            resource.remember();
            let name = format!("{}{}", resource.name(), suffix.value);
            resource.set_metadata("name", &name);
        }
    }
    for labels in &kustomization.labels {
        let specs = match (labels.selectors, labels.templates) {
            (true, _) => SPECS.labels_with_selectors.as_slice(),
            (false, true) => SPECS.labels_with_templates.as_slice(),
            // The first row of the templates is that of every object's own labels.
            (false, false) => &SPECS.labels_with_templates[..1],
        };
        set_pairs(files, resources, specs, &labels.pairs);
    }
    set_pairs(files, resources, &SPECS.labels_with_selectors, &kustomization.common_labels);
    set_pairs(files, resources, &SPECS.annotations, &kustomization.common_annotations);
}

/// After the JSON patches of `patchesJson6902`.
pub(super) fn counts_and_images(files: &mut Files<'_>, kustomization: &Kustomization, resources: &mut [Resource]) {
    for replicas in &kustomization.replicas {
        set_replicas(files, resources, replicas);
    }
    for image in &kustomization.images {
        match Rewrite::new(image) {
            Ok(rewrite) => {
                let mut matched = false;
                for resource in resources.iter_mut() {
                    matched |= rewrite.apply(&mut resource.value);
                }
                if !matched {
                    files.diags.push(unused_image(&image.name));
                }
            }
            Err(message) => {
                files.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_TYPE, image.name.span, message));
            }
        }
    }
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

fn set_namespace(resource: &mut Resource, namespace: &str) -> Result<(), String> {
    let set = |value: &mut Value| {
        *value = Value::from(namespace);
        Ok(())
    };
    if !resource.is_cluster_scoped() {
        resource.set_metadata("namespace", namespace);
    }
    if matches!(resource.kind(), "RoleBinding" | "ClusterRoleBinding") {
        let subjects = resource.value.get_mut("subjects").and_then(Value::as_array_mut);
        for subject in subjects.into_iter().flatten().filter_map(Value::as_object_mut) {
            if subject.get("name").is_some_and(|name| name == "default") {
                subject.insert("namespace".to_owned(), Value::from(namespace));
            }
        }
    }
    let is_core = resource.api_version() == "v1";
    for spec in &SPECS.namespace {
        let renames = spec.path.first().is_some_and(|part| part == "metadata");
        if spec.selects(resource.gvk()) && (is_core || !renames) {
            visit(&mut resource.value, spec, Make::Scalar, &mut { set })?;
        }
    }
    Ok(())
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
            result = result.and(written);
        }
        report(files, first.span, resource, result);
    }
}

fn set_replicas(files: &mut Files<'_>, resources: &mut [Resource], replicas: &Replicas) {
    let mut found = false;
    for resource in resources.iter_mut() {
        let named = resource.ids().any(|id| id.name == replicas.name.value);
        let Some(spec) = SPECS.replicas.iter().find(|spec| named && spec.selects(resource.gvk())) else { continue };
        found = true;
        let result = visit(&mut resource.value, spec, Make::Scalar, &mut |value| {
            *value = Value::from(replicas.count);
            Ok(())
        });
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
