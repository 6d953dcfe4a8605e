//! Manifests of cluster blocks: what belongs to no environment, each object once.

use std::collections::{BTreeMap, BTreeSet};

use super::namespaces::same;
use super::rendered::Place;
use crate::diag::{Diagnostic, Diags, codes};
use crate::manifest::scope::Kinds;
use crate::manifest::{self, Key, Object, Rendered};
use crate::model::Model;
use crate::source::{Need, Sources, Span};

/// What the clusters render, by index of the cluster; those with an error are left out.
pub type Platforms = BTreeMap<usize, Rendered>;

/// Renders the manifests of all clusters. What is needed is added to `needs`.
pub fn all(sources: &Sources, model: &Model, needs: &mut BTreeSet<Need>, diags: &mut Diags) -> Platforms {
    let mut platforms = Platforms::new();
    for (at, cluster) in model.clusters.iter().enumerate() {
        let Some(root) = cluster.manifests.as_ref().filter(|root| !root.value.is_empty()) else { continue };
        let mut found = Diags::default();
        let rendered = manifest::render(sources, &root.value, root.span, &|_| None, &mut found);
        needs.extend(rendered.needs.iter().cloned());
        if rendered.needs.is_empty() && !found.has_errors() {
            platforms.insert(at, rendered);
        }
        diags.extend(found);
    }
    platforms
}

/// Reports objects without the namespace that they need, and objects that an environment has too.
pub fn check(model: &Model, platforms: &Platforms, places: &[Place], diags: &mut Diags) {
    for (at, rendered) in platforms {
        let kinds = Kinds::with_definitions(rendered.objects.iter().map(|object| &object.value));
        let cluster = &model.clusters[*at];
        for object in &rendered.objects {
            let namespaced = kinds.get(object.group(), object.kind()).is_some_and(|kind| kind.namespaced);
            if namespaced && object.namespace().is_empty() {
                let message = format!("{} of cluster `{}` is in no namespace", object.key(), cluster.name);
                let place = object.place("/metadata/name");
                let finding = Diagnostic::new(&codes::NO_NAMESPACE_IN_CLUSTER, place, message);
                diags.push(finding.here("no `namespace` beside it").help("say which, or move it to an environment"));
            }
        }
        let theirs: BTreeMap<Key, Span> = rendered.objects.iter().map(|object| (object.key(), object.origin)).collect();
        let root = cluster.manifests.as_ref().map(|root| root.span);
        for place in places.iter().filter(|place| same(model.cluster(place.environment.cluster), cluster)) {
            let key = |object: &Object| Key { namespace: place.namespace(object).to_owned(), ..object.key() };
            let both = place.rendered.objects.iter().find(|object| theirs.contains_key(&key(object)));
            if let (Some(object), Some(root)) = (both, root) {
                let (key, name) = (object.key(), place.name());
                let message = format!("cluster `{}` and environment `{name}` both render {key}", cluster.name);
                let finding = Diagnostic::new(&codes::OBJECT_SHARED, root, message).here("the cluster renders it");
                let finding = finding.label(place.environment.name.span, "the environment renders it");
                diags.push(finding.label(object.origin, "this object").help("render it in one of them"));
            }
        }
    }
}
