//! A kustomization built: its resources gathered, generated, patched and transformed, bases before overlays.
//!
//! **Invariant:** a base is entered once per path that leads to it, a circle of bases is an error, and the number of
//! folders is bounded. While anything is still needed, nothing is transformed.

use std::collections::BTreeMap;

use super::kustomization::{self, FILE_NAMES, Image, Kustomization};
use super::load::{Files, Found, Reading, join, missing, title};
use super::resource::{Id, Resource};
use super::{generator, patch, references, transform};
use crate::diag::{Diagnostic, codes};
use crate::source::{FileId, Span};
use crate::syntax::Text;

/// Folders that one rendering may enter.
const MAX_FOLDERS: usize = 5_000;
/// Bases within bases.
const MAX_DEPTH: usize = 64;

/// Annotation of objects that only Kustomize reads.
const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

pub(super) struct Builder<'f, 'a> {
    pub(super) files: &'f mut Files<'a>,
    /// The folders that are being built, each with the place that names it.
    open: Vec<(String, Span)>,
    entered: usize,
}

/// The kustomization file of a folder.
pub(super) enum File {
    At {
        path: String,
        id: FileId,
    },
    None,
    /// Needed, or a finding is made.
    Unknown,
}

/// Finds the kustomization file of a folder with these names; more than one is an error at `asked`.
pub(super) fn find(files: &mut Files<'_>, folder: &str, names: &[String], asked: Span) -> File {
    let found: Vec<&str> = FILE_NAMES.into_iter().filter(|name| names.iter().any(|other| other == name)).collect();
    let name = match found[..] {
        [] => return File::None,
        [name] => name,
        [first, second, ..] => {
            let message = format!("`{folder}` has both `{first}` and `{second}`");
            files.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_TWICE, asked, message).help("keep one of them"));
            return File::Unknown;
        }
    };
    let path = join(folder, name).unwrap_or_else(|| name.to_owned());
    match files.look(&path) {
        Found::File(id) => return File::At { path, id },
        Found::Pending => {}
        Found::Missing(why) => files.diags.push(missing(asked, &path, why)),
        Found::Folder(_) => {
            let message = format!("`{path}` is a folder, not a file");
            files.diags.push(Diagnostic::new(&codes::MANIFEST_MISSING, asked, message));
        }
    }
    File::Unknown
}

/// The objects of a kustomization, and the `images` of its own file.
pub(super) fn kustomize(
    files: &mut Files<'_>,
    folder: &str,
    file: (&str, FileId),
    asked: Span,
) -> (Vec<Resource>, Vec<Image>) {
    files.manifests = Reading::Kustomize;
    let mut builder = Builder { files, open: Vec::new(), entered: 0 };
    let (mut resources, images) = builder.folder(folder, file, asked);
    if !builder.files.needs.is_empty() {
        return (resources, images);
    }
    for resource in resources.iter_mut().filter(|resource| resource.needs_hash) {
        resource.remember();
        let name = format!("{}-{}", resource.name(), generator::hash(&resource.value));
        resource.set_metadata("name", &name);
    }
    for problem in references::fix(&mut resources) {
        let resource = &resources[problem.resource];
        let message = format!("a reference in {} cannot follow: {}", title(&resource.value), problem.message);
        files.diags.push(Diagnostic::new(&codes::REFERENCE_AMBIGUOUS, resource.origin, message));
    }
    for resource in &mut resources {
        resource.settle_annotations(&|span| files.written(span));
    }
    resources.retain(|resource| {
        let local =
            resource.value.pointer("/metadata/annotations").and_then(|annotations| annotations.get(LOCAL_CONFIG));
        local.is_none_or(|value| value == "false" || value == &serde_json::Value::Bool(false))
    });
    (resources, images)
}

/// A finding for every object that is there twice.
pub(super) fn check_unique(files: &mut Files<'_>, resources: &[Resource]) {
    let mut seen: BTreeMap<Id, Span> = BTreeMap::new();
    for resource in resources {
        if let Some(first) = seen.insert(resource.id(), resource.origin) {
            let message = format!("{} is defined twice", title(&resource.value));
            files.diags.push(
                Diagnostic::new(&codes::OBJECT_TWICE, resource.origin, message)
                    .here("defined again here")
                    .label(first, "first defined here"),
            );
        }
    }
}

impl Builder<'_, '_> {
    fn folder(&mut self, folder: &str, file: (&str, FileId), asked: Span) -> (Vec<Resource>, Vec<Image>) {
        self.entered += 1;
        if self.open.len() >= MAX_DEPTH || self.entered > MAX_FOLDERS {
            let message = format!("more than {MAX_DEPTH} bases within bases, or {MAX_FOLDERS} in all");
            self.files.diags.push(Diagnostic::new(&codes::BASE_CYCLE, asked, message));
            return (Vec::new(), Vec::new());
        }
        let Some(kustomization) = self.read(file, asked) else { return (Vec::new(), Vec::new()) };
        self.open.push((folder.to_owned(), asked));
        let mut resources = Vec::new();
        for asked in &kustomization.resources {
            self.resource(folder, asked, &mut resources);
        }
        self.open.pop();
        let generated: Vec<_> = kustomization
            .config_maps
            .iter()
            .filter_map(|entry| {
                let resource = generator::make(self.files, folder, entry, &kustomization.options)?;
                Some((resource, entry.behavior))
            })
            .collect();
        let patches = patch::load(self.files, folder, &kustomization);
        if self.files.needs.is_empty() {
            check_unique(self.files, &resources);
            for (resource, behavior) in generated {
                if let Err(finding) = generator::absorb(&mut resources, resource, behavior) {
                    self.files.diags.push(*finding);
                }
            }
            patch::apply(self.files, &mut resources, &patches.first, false);
            transform::all(self.files, &kustomization, &mut resources);
            patch::apply(self.files, &mut resources, &patches.later, true);
            transform::counts_and_images(self.files, &kustomization, &mut resources);
            // Patches and namespaces can make two objects one.
            check_unique(self.files, &resources);
        }
        drop(patches);
        (resources, kustomization.images)
    }

    fn read(&mut self, (path, id): (&str, FileId), asked: Span) -> Option<Kustomization> {
        let before = self.files.diags.has_errors();
        let documents = self.files.documents(path, id, Reading::Kubectl);
        let finding = match &documents[..] {
            [document] if kustomization::is_component(document) && !self.open.is_empty() => {
                let message = format!("`{path}` is a component, which cannot be a base");
                Diagnostic::new(&codes::KUSTOMIZATION_UNSUPPORTED, asked, message)
                    .here("components are not supported")
                    .label(document.span, "the component")
            }
            [document] => return Some(kustomization::read(document, &mut self.files.diags)),
            // A file that is not YAML has its finding already.
            [] if before || self.files.diags.has_errors() => return None,
            [] => Diagnostic::new(&codes::NO_MANIFESTS, asked, format!("`{path}` is empty")),
            [_, second, ..] => {
                let message = "a kustomization is one document";
                Diagnostic::new(&codes::KUSTOMIZATION_TYPE, second.span, message).here("a second document begins here")
            }
        };
        self.files.diags.push(finding);
        None
    }

    fn resource(&mut self, folder: &str, asked: &Text, resources: &mut Vec<Resource>) {
        let Some(path) = self.files.resolve(folder, asked) else { return };
        match self.files.look(&path) {
            Found::Pending => self.files.foresee(&path),
            Found::File(id) => resources.extend(self.files.resources(&path, id)),
            Found::Missing(why) => self.files.diags.push(missing(asked.span, &path, why)),
            Found::Folder(names) => self.base(&path, names, asked.span, resources),
        }
    }

    fn base(&mut self, path: &str, names: &[String], asked: Span, resources: &mut Vec<Resource>) {
        if let Some(at) = self.open.iter().position(|(open, _)| open == path) {
            self.files.diags.push(cycle(&self.open[at..], path, asked));
            return;
        }
        match find(self.files, path, names, asked) {
            File::At { path: file, id } => resources.extend(self.folder(path, (&file, id), asked).0),
            File::None => {
                let message = format!("the folder `{path}` has no kustomization");
                let finding = Diagnostic::new(&codes::KUSTOMIZATION_MISSING, asked, message)
                    .here("a folder under `resources` is a kustomization of its own")
                    .help(format!("add `{path}/kustomization.yaml`, or list the files"));
                self.files.diags.push(finding);
            }
            File::Unknown => {}
        }
    }
}

fn cycle(open: &[(String, Span)], path: &str, asked: Span) -> Diagnostic {
    let names: Vec<&str> = open.iter().map(|(folder, _)| folder.as_str()).chain([path]).collect();
    let message = format!("bases go in a circle: {}", names.join(" → "));
    let finding = Diagnostic::new(&codes::BASE_CYCLE, asked, message).here("back to where it began");
    open.iter()
        .skip(1)
        .fold(finding, |finding, (folder, span)| finding.label(*span, format!("`{folder}` is asked here")))
}
