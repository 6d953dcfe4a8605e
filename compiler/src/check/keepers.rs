//! Secrets that are known to be somewhere: those of `secret` blocks, and those that manifests hold or ask an operator for.

use serde_json::Value;

use super::platform::Platforms;
use super::rendered::Place;
use crate::manifest::Object;
use crate::model::{Cluster, Model, Secret};
use crate::source::Span;

/// A Secret and its place.
pub struct Keeper<'a> {
    cluster: &'a Cluster,
    pub namespace: &'a str,
    pub name: &'a str,
    /// Where that is written.
    pub span: Span,
}

/// All known Secrets.
pub struct Keepers<'a>(Vec<Keeper<'a>>);

impl<'a> Keepers<'a> {
    pub fn all(model: &'a Model, places: &'a [Place], platforms: &'a Platforms) -> Keepers<'a> {
        let mut all = Vec::new();
        let mut declared = |cluster: &'a Cluster, namespace: &'a str, secrets: &'a [Secret]| {
            all.extend(secrets.iter().map(|secret| Keeper {
                cluster,
                namespace,
                name: &secret.name.value,
                span: secret.name.span,
            }));
        };
        for environment in &model.environments {
            let own = (environment.cluster, &environment.namespace);
            let others = environment.others.iter().map(|(cluster, namespace)| (*cluster, namespace));
            for (cluster, namespace) in std::iter::once(own).chain(others) {
                declared(model.cluster(cluster), &namespace.value, &environment.secrets);
            }
        }
        for pipeline in &model.pipelines {
            declared(model.cluster(pipeline.cluster), &pipeline.namespace.value, &pipeline.secrets);
        }
        if let Some(server) = &model.server {
            declared(model.cluster(server.cluster), &server.namespace.value, &server.secrets);
        }
        for place in places {
            let cluster = model.cluster(place.environment.cluster);
            for object in &place.rendered.objects {
                let namespace = place.namespace(object);
                let keeper = |(name, span)| Keeper { cluster, namespace, name, span };
                all.extend(made(object).map(keeper));
            }
        }
        for (at, rendered) in platforms {
            let cluster = &model.clusters[*at];
            for object in &rendered.objects {
                let namespace = object.namespace();
                let keeper = |(name, span)| Keeper { cluster, namespace, name, span };
                all.extend(made(object).map(keeper));
            }
        }
        Keepers(all)
    }

    /// Whether a namespace is known to have a Secret.
    pub fn has(&self, cluster: &Cluster, namespace: &str, name: &str) -> bool {
        let mut named = self.named(cluster, name);
        named.any(|keeper| keeper.namespace == namespace)
    }

    /// The Secret in another namespace of the cluster.
    pub fn elsewhere(&self, cluster: &Cluster, namespace: &str, name: &str) -> Option<&Keeper<'a>> {
        self.named(cluster, name).find(|keeper| keeper.namespace != namespace)
    }

    fn named(&self, cluster: &Cluster, name: &str) -> impl Iterator<Item = &Keeper<'a>> {
        self.0.iter().filter(move |keeper| keeper.name == name && super::namespaces::same(keeper.cluster, cluster))
    }
}

/// The name of the Secret that an object is, or that it asks an operator for: External Secrets or Sealed Secrets.
fn made(object: &Object) -> Option<(&str, Span)> {
    match (object.group(), object.kind()) {
        ("", "Secret") | ("bitnami.com", "SealedSecret") => Some((object.name(), object.place("/metadata/name"))),
        ("external-secrets.io", "ExternalSecret") => {
            let target = object.value.pointer("/spec/target/name").and_then(Value::as_str);
            Some((target.unwrap_or(object.name()), object.place("/metadata/name")))
        }
        _ => None,
    }
}
