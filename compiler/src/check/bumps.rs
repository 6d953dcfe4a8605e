//! Images of an environment: the overlay that they are written to, and the containers that they reach.

use super::images::floating;
use super::rendered::Place;
use crate::diag::{Diagnostic, Diags, codes, suggest};
use crate::manifest::images::{Reference, containers};
use crate::model::{EnvironmentImage, Model};

/// Reports images without an overlay, images that no container has, and containers with floating images.
pub fn check(model: &Model, places: &[Place], diags: &mut Diags) {
    for environment in model.environments.iter().filter(|environment| environment.manifests.is_none()) {
        if let Some(image) = environment.images.first() {
            let message = format!("environment `{}` has images and no manifests", environment.name.value);
            let finding = Diagnostic::new(&codes::NO_OVERLAY, image.span, message).here("nowhere to write its version");
            diags.push(finding.help("add `manifests \"PATH\"` with the path of a Kustomize overlay"));
        }
    }
    for place in places {
        match (&place.rendered.kustomization, place.environment.images.first()) {
            (None, Some(image)) => diags.push(no_overlay(place, image)),
            (Some(_), Some(_)) => place.environment.images.iter().enumerate().for_each(|(at, image)| {
                if !place.bumped.values().any(|bumped| *bumped == at) {
                    diags.push(unreached(place, image));
                }
            }),
            (_, None) => {}
        }
        check_floating(place, diags);
    }
}

fn no_overlay(place: &Place, image: &EnvironmentImage) -> Diagnostic {
    let message = format!("the manifests of environment `{}` are no Kustomize overlay", place.name());
    let finding = Diagnostic::new(&codes::NO_OVERLAY, image.span, message)
        .here(format!("nowhere to write the version of `{}`", image.name));
    let finding = match &place.environment.manifests {
        Some(root) => finding.label(root.span, "no `kustomization.yaml` here"),
        None => finding,
    };
    finding.help("add a `kustomization.yaml` with the manifests as its `resources`")
}

fn unreached(place: &Place, image: &EnvironmentImage) -> Diagnostic {
    let message = format!("no container of environment `{}` runs `{}`", place.name(), image.reference);
    let finding =
        Diagnostic::new(&codes::IMAGE_NOT_IN_MANIFESTS, image.span, message).here("its version would reach nothing");
    let written = place.rendered.objects.iter().flat_map(|object| containers(&object.value));
    let mut names: Vec<String> = written.map(|container| Reference::parse(&container.image).name).collect();
    names.sort();
    names.dedup();
    let listed = || names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    match suggest::closest(&image.reference, names.iter().map(String::as_str)) {
        Some(real) => finding.help(format!("the manifests have `{real}`: write name=\"{real}\"")),
        None if names.is_empty() => finding.help("the manifests have no container"),
        None => finding.help(format!("the manifests have {}: say which by name=\"…\"", listed())),
    }
}

/// An image that a bump writes is pinned by it; the others should be pinned where they are written.
fn check_floating(place: &Place, diags: &mut Diags) {
    for (index, object) in place.rendered.objects.iter().enumerate() {
        for container in containers(&object.value) {
            if !place.bumped.contains_key(&(index, container.pointer.clone())) {
                diags.extend(floating(&container.image, object.place(&container.pointer)));
            }
        }
    }
}
