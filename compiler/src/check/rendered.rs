//! The manifests of each environment, rendered, and which of their images a bump would change.
//!
//! **Invariant:** only environments whose manifests rendered without an error are given to the rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::Diags;
use crate::manifest::{self, Object, Rendered};
use crate::model::{Environment, EnvironmentId, Model};
use crate::overlay::{self, NewImage};
use crate::source::{Need, Sources};

/// Containers (index of the object, JSON pointer of the image) with the index of the image that a bump writes there.
type Reached = BTreeMap<(usize, String), usize>;

/// An environment and what it renders.
pub struct Place<'a> {
    pub environment: &'a Environment,
    pub rendered: &'a Rendered,
    /// What a bump changes.
    pub bumped: Reached,
    /// Why the overlay takes no version of an image, by the index of the image.
    pub refused: BTreeMap<usize, String>,
}

/// Renders the manifests of all environments; those with an error are left out. What is needed is added to `needs`.
pub fn all(
    sources: &Sources,
    model: &Model,
    needs: &mut BTreeSet<Need>,
    diags: &mut Diags,
) -> BTreeMap<EnvironmentId, Rendered> {
    let mut rendered = BTreeMap::new();
    for id in model.environment_ids() {
        let root = model.environment(id).manifests.as_ref();
        let Some(root) = root.filter(|root| !root.value.is_empty()) else { continue };
        let mut found = Diags::default();
        let result = manifest::render(sources, &root.value, root.span, &|_| None, &mut found);
        needs.extend(result.needs.iter().cloned());
        if result.needs.is_empty() && !found.has_errors() {
            rendered.insert(id, result);
        }
        diags.extend(found);
    }
    rendered
}

/// The environments that the rules look at.
pub fn places<'a>(
    sources: &Sources,
    model: &'a Model,
    rendered: &'a BTreeMap<EnvironmentId, Rendered>,
) -> Vec<Place<'a>> {
    let place = |(id, rendered): (&EnvironmentId, &'a Rendered)| {
        let environment = model.environment(*id);
        let (bumped, refused) = bumped(sources, environment, rendered);
        Place { environment, rendered, bumped, refused }
    };
    rendered.iter().map(place).collect()
}

/// Renders once more with a tag for each image that nothing else has, and sees where it comes out.
fn bumped(sources: &Sources, environment: &Environment, rendered: &Rendered) -> (Reached, BTreeMap<usize, String>) {
    let (mut changed, mut refused) = (BTreeMap::new(), BTreeMap::new());
    let (Some(file), Some(root)) = (&rendered.kustomization, &environment.manifests) else { return (changed, refused) };
    let Some(id) = sources.by_path(&file.path).filter(|_| !environment.images.is_empty()) else {
        return (changed, refused);
    };
    let mut text = sources.text(id).to_owned();
    let tag = |at: usize| format!("waybill-probe-{at}");
    for (at, image) in environment.images.iter().enumerate() {
        let new = NewImage { new_tag: Some(tag(at)), digest: None };
        match overlay::restore(&text, &image.reference, &new) {
            Ok(edited) => text = edited.text,
            Err(why) => drop(refused.insert(at, why.to_string())),
        }
    }
    let with = |path: &str| (path == file.path).then(|| text.clone());
    let probed = manifest::render(sources, &root.value, root.span, &with, &mut Diags::default());
    for (index, object) in probed.objects.iter().enumerate() {
        for container in manifest::images::containers(&object.value) {
            let tagged = manifest::images::Reference::parse(&container.image).tag;
            let image = (0..environment.images.len()).find(|at| tagged.as_deref() == Some(tag(*at).as_str()));
            changed.extend(image.map(|image| ((index, container.pointer), image)));
        }
    }
    (changed, refused)
}

impl Place<'_> {
    /// The objects of a kind.
    pub fn of_kind<'o>(&'o self, group: &str, kind: &str) -> impl Iterator<Item = &'o Object> {
        let (group, kind) = (group.to_owned(), kind.to_owned());
        self.rendered.objects.iter().filter(move |object| object.kind() == kind && object.group() == group)
    }

    /// The service accounts, by name.
    pub fn accounts(&self) -> BTreeMap<&str, &Object> {
        self.of_kind("", "ServiceAccount").map(|account| (account.name(), account)).collect()
    }

    /// The namespace that an object goes to, `""` for cluster-scoped ones.
    pub fn namespace<'o>(&'o self, object: &'o Object) -> &'o str {
        if manifest::scope::is_namespaced(object.group(), object.kind()) == Some(false) {
            ""
        } else if object.namespace().is_empty() {
            &self.environment.namespace.value
        } else {
            object.namespace()
        }
    }

    pub fn name(&self) -> &str {
        &self.environment.name.value
    }
}
