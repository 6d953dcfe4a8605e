//! A kustomization built: its resources gathered, generated, patched and transformed, bases before overlays.
//!
//! **Invariant:** a base is entered once per path that leads to it, a circle of bases is an error, and the number of
//! folders is bounded. While anything is still needed, nothing is transformed.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::config::{self, Config};
use super::kustomization::{self, FILE_NAMES, Generator, Image, Kustomization, Reader, Variable};
use super::load::{Files, Found, Reading, join, missing, title};
use super::plugins::{self, Transformer};
use super::resource::{Id, Resource};
use super::transform::{self, Job};
use super::{crds, generator, references, sort, variables};
use crate::diag::{Diagnostic, codes};
use crate::source::{FileId, Span};
use crate::syntax::Text;

/// Folders that one rendering may enter.
const MAX_FOLDERS: usize = 5_000;
/// Bases within bases.
const MAX_DEPTH: usize = 64;

/// Annotation of objects that only Kustomize reads.
const LOCAL_CONFIG: &str = "config.kubernetes.io/local-config";

/// What has been gathered of a kustomization: of a base all of it, of a component what it is put into.
struct Gathered {
    resources: Vec<Resource>,
    config: Arc<Config>,
    variables: Vec<Variable>,
}

impl Gathered {
    fn new() -> Gathered {
        Gathered { resources: Vec::new(), config: config::built_in(), variables: Vec::new() }
    }
}

/// Whether a folder is asked for as a base or as a component.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Root,
    Base,
    Component,
}

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
    let (gathered, kustomization) = builder.folder(folder, file, asked, Gathered::new(), Role::Root);
    let Gathered { mut resources, config, variables } = gathered;
    let Kustomization { images, sort: order, .. } = kustomization.unwrap_or_default();
    if !files.needs.is_empty() {
        return (resources, images);
    }
    resources.iter_mut().for_each(transform::add_hash);
    for problem in references::fix(&mut resources, &config.references) {
        let resource = &resources[problem.resource];
        let message = format!("a reference in {} cannot follow: {}", title(&resource.value), problem.message);
        files.diags.push(Diagnostic::new(&codes::REFERENCE_AMBIGUOUS, resource.origin, message));
    }
    variables::resolve(files, &mut resources, &variables, &config.variables);
    for resource in &mut resources {
        resource.settle_annotations(&|span| files.written(span));
    }
    resources.retain(|resource| {
        let local =
            resource.value.pointer("/metadata/annotations").and_then(|annotations| annotations.get(LOCAL_CONFIG));
        local.is_none_or(|value| value == "false" || value == &serde_json::Value::Bool(false))
    });
    if let Some(order) = order {
        sort::sort(&mut resources, &order);
    }
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
    /// Builds a folder on top of what is given: nothing for a base, everything so far for a component.
    fn folder(
        &mut self,
        folder: &str,
        file: (&str, FileId),
        asked: Span,
        mut gathered: Gathered,
        role: Role,
    ) -> (Gathered, Option<Kustomization>) {
        self.entered += 1;
        if self.open.len() >= MAX_DEPTH || self.entered > MAX_FOLDERS {
            let message = format!("more than {MAX_DEPTH} bases within bases, or {MAX_FOLDERS} in all");
            self.files.diags.push(Diagnostic::new(&codes::BASE_CYCLE, asked, message));
            return (gathered, None);
        }
        let Some(kustomization) = self.read(file, asked, role) else { return (gathered, None) };
        self.open.push((folder.to_owned(), asked));
        self.resources(folder, &kustomization.resources, &mut gathered);
        self.tables(folder, &kustomization, &mut gathered);
        self.generate(folder, &kustomization, &mut gathered);
        for asked in &kustomization.components {
            gathered = self.component(folder, asked, gathered);
        }
        let transformers = self.transformers(folder, &kustomization.transformers);
        let validators = self.transformers(folder, &kustomization.validators);
        self.open.pop();
        self.transform(folder, &kustomization, (&transformers, &validators), &mut gathered);
        (gathered, Some(kustomization))
    }

    fn resources(&mut self, folder: &str, asked: &[Text], gathered: &mut Gathered) {
        for asked in asked {
            self.resource(folder, asked, gathered);
        }
        if self.files.needs.is_empty() {
            check_unique(self.files, &gathered.resources);
        }
    }

    /// The field tables of `configurations` and `crds`.
    fn tables(&mut self, folder: &str, kustomization: &Kustomization, gathered: &mut Gathered) {
        let configurations = kustomization.configurations.iter().map(|asked| (asked, false));
        for (asked, is_schema) in configurations.chain(kustomization.crds.iter().map(|asked| (asked, true))) {
            let Some((path, id)) = self.files.file(folder, asked) else { continue };
            for document in self.files.documents(&path, id, Reading::Kubectl).iter() {
                let more = if is_schema {
                    crds::config(document, &mut self.files.diags)
                } else {
                    Reader { diags: &mut self.files.diags }.config(document)
                };
                if let Err(reason) = Arc::make_mut(&mut gathered.config).add(&more) {
                    self.files.diags.push(config::conflict(asked.span, &reason));
                }
            }
        }
    }

    fn generate(&mut self, folder: &str, kustomization: &Kustomization, gathered: &mut Gathered) {
        let made: Vec<Generator> = self
            .plugins(folder, &kustomization.generators)
            .iter()
            .filter_map(|resource| plugins::generator(self.files, resource))
            .collect();
        let own = kustomization.generated.iter().map(|entry| (entry, &kustomization.options));
        let none = kustomization::Options::default();
        for (entry, options) in own.chain(made.iter().map(|entry| (entry, &none))) {
            let Some(resource) = generator::make(self.files, folder, entry, options) else { continue };
            if self.files.needs.is_empty()
                && let Err(finding) = generator::absorb(&mut gathered.resources, resource, entry.behavior)
            {
                self.files.diags.push(*finding);
            }
        }
    }

    /// Objects that configure generators or transformers: written in the list, in files, or made by kustomizations.
    fn plugins(&mut self, folder: &str, asked: &[Text]) -> Vec<Resource> {
        let mut found = Gathered::new();
        let is_inline = |text: &&Text| text.value.contains('\n') || text.value.trim_start().starts_with('{');
        for text in asked.iter().filter(is_inline) {
            for node in self.files.documents_within(text, Reading::Kustomize) {
                found.resources.extend(self.files.resource(Arc::new(node), false));
            }
        }
        for text in asked.iter().filter(|text| !is_inline(text)) {
            self.resource(folder, text, &mut found);
        }
        found.resources
    }

    fn transformers(&mut self, folder: &str, asked: &[Text]) -> Vec<Transformer> {
        let resources = self.plugins(folder, asked);
        resources.iter().filter_map(|resource| plugins::transformer(self.files, folder, resource)).collect()
    }

    fn transform(
        &mut self,
        folder: &str,
        kustomization: &Kustomization,
        (transformers, validators): (&[Transformer], &[Transformer]),
        gathered: &mut Gathered,
    ) {
        let files = &mut *self.files;
        let own = Job::load(files, folder, kustomization);
        // All files are asked for before anything is transformed.
        let more = jobs(files, folder, transformers);
        let checks = jobs(files, folder, validators);
        if !files.needs.is_empty() {
            return;
        }
        let config = Arc::clone(&gathered.config);
        transform::run(files, &own, &config, &mut gathered.resources);
        for (job, transformer) in more.iter().zip(transformers) {
            transform::run(files, job, &transformer.config, &mut gathered.resources);
            if let Some(order) = &job.kustomization.sort {
                sort::sort(&mut gathered.resources, order);
            }
        }
        for (job, validator) in checks.iter().zip(validators) {
            let mut resources = gathered.resources.clone();
            transform::run(files, job, &validator.config, &mut resources);
            let same = resources.len() == gathered.resources.len()
                && resources.iter().zip(&gathered.resources).all(|(new, old)| new.value == old.value);
            if !same {
                let message = "a validator may not change objects, and this transformer does";
                files.diags.push(Diagnostic::new(&codes::TRANSFORMER_CONFIG, validator.span, message));
            }
        }
        // Patches and namespaces can make two objects one.
        check_unique(files, &gathered.resources);
        variables::note(files, &mut gathered.resources, &mut gathered.variables, &kustomization.variables);
    }

    fn read(&mut self, (path, id): (&str, FileId), asked: Span, role: Role) -> Option<Kustomization> {
        let before = self.files.diags.has_errors();
        let documents = self.files.documents(path, id, Reading::Kubectl);
        let finding = match &documents[..] {
            [document] if role == Role::Base && kustomization::is_component(document) => {
                let message = format!("`{path}` is a component, which cannot be a base");
                Diagnostic::new(&codes::COMPONENT_ROLE, asked, message)
                    .here("under `resources`")
                    .label(document.span, "the component")
                    .help("list it under `components`")
            }
            [document] if role == Role::Component && !kustomization::is_component(document) => {
                let message = format!("`{path}` is no component");
                Diagnostic::new(&codes::COMPONENT_ROLE, asked, message)
                    .here("under `components`")
                    .label(document.span, "the kustomization")
                    .help("list it under `resources`, or write `kind: Component` into it")
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

    fn resource(&mut self, folder: &str, asked: &Text, gathered: &mut Gathered) {
        let Some(path) = self.files.resolve(folder, asked) else { return };
        match self.files.look(&path) {
            Found::Pending => self.files.foresee(&path),
            Found::File(id) => gathered.resources.extend(self.files.resources(&path, id)),
            Found::Missing(why) => self.files.diags.push(missing(asked.span, &path, why)),
            Found::Folder(names) => {
                let base = self.base(&path, names, asked.span, Gathered::new(), Role::Base);
                self.merge(gathered, base, asked.span);
            }
        }
    }

    fn component(&mut self, folder: &str, asked: &Text, gathered: Gathered) -> Gathered {
        let Some(path) = self.files.resolve(folder, asked) else { return gathered };
        match self.files.look(&path) {
            Found::Pending => self.files.foresee(&path),
            Found::Missing(why) => self.files.diags.push(missing(asked.span, &path, why)),
            Found::File(_) => {
                let message = format!("`{path}` is a file, and a component is a folder");
                self.files.diags.push(Diagnostic::new(&codes::COMPONENT_ROLE, asked.span, message));
            }
            Found::Folder(names) => return self.base(&path, names, asked.span, gathered, Role::Component),
        }
        gathered
    }

    fn merge(&mut self, gathered: &mut Gathered, base: Gathered, asked: Span) {
        gathered.resources.extend(base.resources);
        if let Err(reason) = config::merge(&mut gathered.config, &base.config) {
            self.files.diags.push(config::conflict(asked, &reason));
        }
        for variable in base.variables {
            match gathered.variables.iter().find(|known| known.name.value == variable.name.value) {
                Some(known) => {
                    let message = format!("variable `{}` is defined twice", variable.name.value);
                    let finding = Diagnostic::new(&codes::VARIABLE, variable.name.span, message);
                    self.files.diags.push(finding.label(known.name.span, "first defined here"));
                }
                None => gathered.variables.push(variable),
            }
        }
    }

    fn base(&mut self, path: &str, names: &[String], asked: Span, gathered: Gathered, role: Role) -> Gathered {
        if let Some(at) = self.open.iter().position(|(open, _)| open == path) {
            self.files.diags.push(cycle(&self.open[at..], path, asked));
            return gathered;
        }
        match find(self.files, path, names, asked) {
            File::At { path: file, id } => self.folder(path, (&file, id), asked, gathered, role).0,
            File::None => {
                let message = format!("the folder `{path}` has no kustomization");
                let finding = Diagnostic::new(&codes::KUSTOMIZATION_MISSING, asked, message)
                    .here("a folder under `resources` is a kustomization of its own")
                    .help(format!("add `{path}/kustomization.yaml`, or list the files"));
                self.files.diags.push(finding);
                gathered
            }
            File::Unknown => gathered,
        }
    }
}

fn jobs<'t>(files: &mut Files<'_>, folder: &str, transformers: &'t [Transformer]) -> Vec<Job<'t>> {
    transformers.iter().map(|one| Job::load(files, folder, &one.kustomization)).collect()
}

fn cycle(open: &[(String, Span)], path: &str, asked: Span) -> Diagnostic {
    let names: Vec<String> =
        open.iter().map(|(folder, _)| folder.as_str()).chain([path]).map(|name| format!("`{name}`")).collect();
    let message = format!("bases go in a circle: {}", names.join(" → "));
    let finding = Diagnostic::new(&codes::BASE_CYCLE, asked, message).here("back to where it began");
    open.iter()
        .skip(1)
        .fold(finding, |finding, (folder, span)| finding.label(*span, format!("`{folder}` is asked here")))
}
