//! What the `manifests` path of an environment means: objects, rendered purely from the sources.
//!
//! **Invariant:** the same sources give the same objects; what Kustomize would do and this does not is an error that
//! names it. Its output for the supported fields is Kustomize's own (api v0.18).
//! Not here: reading files (`runtime::load`), and what of the objects is new (`plan`).

mod build;
mod config;
mod crds;
mod field_path;
mod fields;
mod generator;
pub mod images;
mod json_patch;
mod kustomization;
mod load;
mod merge;
mod merge_keys;
mod patch;
mod plugins;
mod provenance;
mod references;
mod replacement;
mod resource;
pub mod scope;
pub mod selectors;
mod sort;
mod transform;
mod variables;

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

pub use kustomization::{FILE_NAMES, Image};
pub use load::Overlay;

use crate::diag::{Diagnostic, Diags, codes};
use crate::source::{FileId, Need, Sources, Span};
use crate::syntax::yaml::{self, Node, Schema};
use load::{Files, Found};
use resource::Resource;

/// The objects of one `manifests` path.
#[derive(Clone, Debug, Default)]
pub struct Rendered {
    /// In the order of Kustomize: as they appear, bases first.
    pub objects: Vec<Object>,
    /// Paths that the sources do not have yet. While there are any, `objects` are incomplete and no findings are made:
    /// answer them and render again.
    pub needs: BTreeSet<Need>,
    /// The kustomization file of the path, if it is one.
    pub kustomization: Option<KustomizationFile>,
}

/// The paths that the text of a kustomization takes in as resources, bases or components.
pub fn folders(text: &str) -> Vec<String> {
    let nodes = yaml::parse(FileId(0), text, Schema::Kubernetes, &mut Diags::default());
    let lists = nodes.iter().flat_map(|node| ["resources", "bases", "components"].map(|key| node.get(key)));
    let items = lists.flatten().filter_map(Node::as_seq).flatten();
    items.filter_map(Node::as_str).map(str::to_owned).collect()
}

/// Whether the text of a kustomization is that of a component, which only others render.
pub fn is_component(text: &str) -> bool {
    let nodes = yaml::parse(FileId(0), text, Schema::Kubernetes, &mut Diags::default());
    nodes.iter().any(|node| node.get("kind").and_then(Node::as_str) == Some("Component"))
}

/// The kustomization at the root of a rendering: where a bump writes.
#[derive(Clone, Debug)]
pub struct KustomizationFile {
    pub path: String,
    pub images: Vec<Image>,
}

/// One object, and where it comes from.
#[derive(Clone, Debug)]
pub struct Object {
    pub value: Value,
    /// The document in its file, or the entry of the generator that made it.
    pub origin: Span,
    node: Option<Arc<Node>>,
    written: Vec<provenance::Written>,
}

/// What tells one object of a cluster from another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// `""` for the core group.
    pub group: String,
    pub kind: String,
    /// `""` where none is written.
    pub namespace: String,
    pub name: String,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

impl Object {
    /// An object that no manifest has written, and the place in the spec that asks for it.
    pub fn new(value: Value, origin: Span) -> Object {
        Object { value, origin, node: None, written: Vec::new() }
    }

    /// The apiVersion as written.
    pub fn api_version(&self) -> &str {
        resource::text_at(&self.value, "/apiVersion")
    }

    /// `""` for the core group.
    pub fn group(&self) -> &str {
        resource::group_version(self.api_version()).0
    }

    pub fn version(&self) -> &str {
        resource::group_version(self.api_version()).1
    }

    pub fn kind(&self) -> &str {
        resource::text_at(&self.value, "/kind")
    }

    pub fn name(&self) -> &str {
        resource::text_at(&self.value, "/metadata/name")
    }

    /// The namespace that is written, `""` where none is.
    pub fn namespace(&self) -> &str {
        resource::text_at(&self.value, "/metadata/namespace")
    }

    pub fn key(&self) -> Key {
        Key {
            group: self.group().to_owned(),
            kind: self.kind().to_owned(),
            namespace: self.namespace().to_owned(),
            name: self.name().to_owned(),
        }
    }

    /// The object with the places of what wrote its parts.
    pub fn grafted(&self) -> Node {
        let mut node = crate::kubernetes::graft::graft(&self.value, self.node.as_deref(), self.origin);
        provenance::overlay(&mut node, &self.written);
        node
    }

    /// Where the field at a JSON pointer is written, or the nearest part of the object around it: in its document, in a
    /// patch, or where the value came from that a kustomization wrote there. List elements with a name are found by it,
    /// so that patches which reorder a list do not mislead.
    pub fn place(&self, pointer: &str) -> Span {
        provenance::place(&self.value, (self.origin, self.node.as_deref()), &self.written, pointer)
    }
}

/// Renders what is at `root` (relative to the project, `.` for the project itself): a file of manifests, a folder with a
/// kustomization, or a plain folder of which every `*.yaml`, `*.yml` and `*.json` is read, subfolders not, as `kubectl
/// apply -f` does. `overlay` gives texts to be used instead of those of the sources, and `asked` is the place that names
/// the path. Objects are as written: an unset namespace stays unset.
pub fn render(sources: &Sources, root: &str, asked: Span, overlay: &Overlay<'_>, diags: &mut Diags) -> Rendered {
    let mut files = Files::new(sources, overlay);
    let mut rendered = Rendered::default();
    let resources = at_root(&mut files, root, asked, &mut rendered.kustomization);
    if files.needs.is_empty() {
        build::check_unique(&mut files, &resources);
        diags.extend(without_consequences(files.diags));
    }
    rendered.needs = files.needs;
    rendered.objects = resources.into_iter().map(object).collect();
    rendered
}

/// Where a base cannot be had, what it would have given is missing everywhere else, which is not said too.
fn without_consequences(diags: Diags) -> Diags {
    let bases = [&codes::REMOTE_BASE, &codes::MANIFEST_MISSING, &codes::OUTSIDE_PROJECT, &codes::KUSTOMIZE_HELM];
    if !diags.iter().any(|finding| bases.contains(&finding.code)) {
        return diags;
    }
    let follows = [&codes::TARGET_MISSING, &codes::GENERATOR, &codes::IMAGE_UNUSED, &codes::REPLACEMENT];
    let mut kept = Diags::default();
    kept.extend(diags.into_iter().filter(|finding| !follows.contains(&finding.code)));
    kept
}

fn object(resource: Resource) -> Object {
    Object { value: resource.value, origin: resource.origin, node: resource.node, written: resource.written }
}

fn at_root(
    files: &mut Files<'_>,
    root: &str,
    asked: Span,
    kustomized: &mut Option<KustomizationFile>,
) -> Vec<Resource> {
    let Some(root) = load::join(".", root).filter(|_| !root.starts_with('/')) else {
        let message = format!("`{root}` is not in this project");
        files.diags.push(Diagnostic::new(&codes::OUTSIDE_PROJECT, asked, message).here("leads out of the project"));
        return Vec::new();
    };
    let (folder, names) = match files.look(&root) {
        Found::Pending => {
            files.foresee(&root);
            return Vec::new();
        }
        Found::Missing(why) => {
            files.diags.push(load::missing(asked, &root, why));
            return Vec::new();
        }
        Found::File(id) => {
            let (folder, name) = root.rsplit_once('/').unwrap_or((".", &root));
            if !FILE_NAMES.contains(&name) {
                return files.resources(&root, id);
            }
            return kustomize(files, folder, (&root, id), asked, kustomized);
        }
        Found::Folder(names) => (root, names),
    };
    match build::find(files, &folder, names, asked) {
        build::File::At { path, id } => kustomize(files, &folder, (&path, id), asked, kustomized),
        build::File::Unknown => Vec::new(),
        build::File::None => plain_folder(files, &folder, names, asked),
    }
}

fn kustomize(
    files: &mut Files<'_>,
    folder: &str,
    file: (&str, crate::source::FileId),
    asked: Span,
    kustomized: &mut Option<KustomizationFile>,
) -> Vec<Resource> {
    let (resources, images) = build::kustomize(files, folder, file, asked);
    *kustomized = Some(KustomizationFile { path: file.0.to_owned(), images });
    resources
}

fn plain_folder(files: &mut Files<'_>, folder: &str, names: &[String], asked: Span) -> Vec<Resource> {
    let manifests = names.iter().filter(|name| [".yaml", ".yml", ".json"].iter().any(|end| name.ends_with(end)));
    let (mut resources, mut any) = (Vec::new(), false);
    for name in manifests {
        any = true;
        let path = load::join(folder, name).unwrap_or_else(|| name.clone());
        match files.look(&path) {
            Found::File(id) => resources.extend(files.resources(&path, id)),
            Found::Missing(why) => files.diags.push(load::missing(asked, &path, why)),
            Found::Folder(_) | Found::Pending => {}
        }
    }
    if !any {
        let message = format!("the folder `{folder}` has no manifests");
        let finding = Diagnostic::new(&codes::NO_MANIFESTS, asked, message)
            .here("no `*.yaml`, `*.yml` or `*.json` file, and no kustomization");
        files.diags.push(finding);
    }
    resources
}
