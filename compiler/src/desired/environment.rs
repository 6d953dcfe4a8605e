//! The objects of an environment, rendered with its versions written in.

use super::versions::{self, Versions};
use crate::diag::Diags;
use crate::manifest::{self, Object};
use crate::model::{EnvironmentId, Model};
use crate::plan::Unknown;
use crate::source::Sources;

/// What an environment should hold.
#[derive(Debug)]
pub struct Environment {
    pub id: EnvironmentId,
    pub versions: Versions,
    /// In the order of the manifests.
    pub objects: Vec<Object>,
    /// Placeholders that can stand in the objects.
    pub unknowns: Vec<Unknown>,
}

/// The objects of an environment. Objects without a namespace get the environment's, if their kind has one.
pub fn environment(
    sources: &Sources,
    model: &Model,
    id: EnvironmentId,
    versions: &Versions,
    problems: &mut Diags,
) -> Environment {
    let environment = model.environment(id);
    let texts = versions::overlay_text(sources, versions);
    let objects = match &environment.manifests {
        Some(root) => {
            manifest::render(sources, &root.value, root.span, &|path| texts.get(path).cloned(), problems).objects
        }
        None => Vec::new(),
    };
    let unknowns = versions.images.iter().filter_map(|version| version.unknown.clone()).collect();
    let objects = objects.into_iter().map(|object| in_namespace(object, &environment.namespace.value)).collect();
    Environment { id, versions: versions.clone(), objects, unknowns }
}

fn in_namespace(mut object: Object, namespace: &str) -> Object {
    let namespaced = manifest::scope::is_namespaced(object.group(), object.kind()).unwrap_or(true);
    if namespaced && object.namespace().is_empty() {
        object.value["metadata"]["namespace"] = namespace.into();
    }
    object
}
