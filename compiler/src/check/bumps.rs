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
                let again = place.environment.images[..at].iter().any(|first| first.reference == image.reference);
                if let Some(why) = place.refused.get(&at) {
                    diags.push(uneditable(place, image, why));
                } else if !again && !reached(place, &image.reference) {
                    diags.push(unreached(place, image));
                }
            }),
            (_, None) => {}
        }
        check_same_entry(place, diags);
        check_floating(place, diags);
    }
    for (at, place) in places.iter().enumerate() {
        diags.extend(places[..at].iter().find_map(|other| shared(other, place)));
    }
}

/// Whether a container runs an image; of several that are written to one entry the last one is seen.
fn reached(place: &Place, reference: &str) -> bool {
    place.bumped.values().any(|bumped| place.environment.images[*bumped].reference == reference)
}

fn uneditable(place: &Place, image: &EnvironmentImage, why: &str) -> Diagnostic {
    let message = format!("the overlay of environment `{}` takes no version: {why}", place.name());
    let finding = Diagnostic::new(&codes::OVERLAY_UNEDITABLE, image.span, message);
    finding.here(format!("the version of `{}` goes there", image.name))
}

/// Two images of an environment that would be written to one entry.
fn check_same_entry(place: &Place, diags: &mut Diags) {
    let images = &place.environment.images;
    for (at, image) in images.iter().enumerate() {
        if let Some(first) = images[..at].iter().find(|first| first.reference == image.reference) {
            let message =
                format!("images `{}` and `{}` are both written to `{}`", first.name, image.name, image.reference);
            let finding = Diagnostic::new(&codes::DUPLICATE_DEFINITION, image.span, message).here("again");
            diags.push(finding.label(first.span, "first here").help("say by name=\"…\" which entry each of them is"));
        }
    }
}

/// An entry that both environments write in one file.
fn shared(first: &Place, second: &Place) -> Option<Diagnostic> {
    let path = &second.rendered.kustomization.as_ref()?.path;
    if first.rendered.kustomization.as_ref()?.path != *path {
        return None;
    }
    let same =
        |image: &&EnvironmentImage| first.environment.images.iter().any(|other| other.reference == image.reference);
    let image = second.environment.images.iter().find(same)?;
    let root =
        |place: &Place| place.environment.manifests.as_ref().map_or(place.environment.name.span, |root| root.span);
    let (one, two) = (first.name(), second.name());
    let message = format!("environments `{one}` and `{two}` both write the version of `{}` to `{path}`", image.name);
    let finding = Diagnostic::new(&codes::OVERLAY_SHARED, root(second), message)
        .here(format!("the overlay of `{two}`"))
        .label(root(first), format!("and of `{one}`"));
    Some(finding.help("give each an overlay of its own, with the common manifests as a base in its `resources`"))
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
