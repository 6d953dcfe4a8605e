//! What the spec of a folder could be.
//!
//! Not here: whether it holds (the command checks it), and how it is written.

use std::collections::{BTreeMap, BTreeSet};

use waybill_compiler::Checked;
use waybill_compiler::manifest::images::{Reference, containers};

use super::survey::{Found, folder_of, name_of};

#[derive(Clone, Debug, Default)]
pub struct Guess {
    pub project: String,
    pub environments: Vec<Environment>,
    pub images: Vec<Image>,
    /// What was found and is not in the spec, and why.
    pub left_out: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct Environment {
    pub name: String,
    pub namespace: String,
    pub manifests: String,
    pub images: Vec<String>,
    pub promoted_from: Option<String>,
    /// What names it: the path without what is only structure, and without the stage.
    line: Vec<String>,
    stage: Option<usize>,
}

/// An image that a pipeline builds.
#[derive(Clone, Debug)]
pub struct Image {
    pub name: String,
    pub dockerfile: String,
    /// Name in the registry.
    pub reference: String,
    /// Environments whose manifests name it.
    pub environments: Vec<String>,
}

/// Folder names that say how a repository is laid out, not what lies in it.
const STRUCTURE: &[&str] = &[
    "overlays",
    "overlay",
    "environments",
    "environment",
    "envs",
    "env",
    "deploy",
    "deployment",
    "deployments",
    "k8s",
    "kubernetes",
    "manifests",
    "manifest",
    "kustomize",
    "config",
    "apps",
    "clusters",
    "default",
    "base",
];
/// Names of stages, in the order in which a version goes through them.
const STAGES: &[&[&str]] = &[
    &["dev", "develop", "development", "sandbox", "local"],
    &["test", "testing", "qa", "ci", "int", "integration"],
    &["staging", "stage", "stg", "uat", "preprod", "pre-prod", "preproduction"],
    &["prod", "production", "prd", "live"],
];

/// The environments that overlays and manifests suggest.
pub fn environments(found: &Found) -> Guess {
    let project = named(&found.project).unwrap_or_else(|| "project".into());
    let overlays = found.overlays.iter().map(|overlay| (overlay.folder.as_str(), overlay.namespace.clone()));
    let all: Vec<(&str, Option<String>)> =
        overlays.chain(found.manifests.iter().map(|folder| (folder.as_str(), None))).collect();
    let mut guess = Guess { project, ..Guess::default() };
    let mut taken = BTreeSet::new();
    for (folder, namespace) in all {
        if folder.is_empty() {
            guess
                .left_out
                .push("the kustomization in the project's own folder: move it into a folder of its own".into());
            continue;
        }
        let parts: Vec<String> = folder.split('/').filter(|part| !STRUCTURE.contains(part)).filter_map(named).collect();
        let stage_at = parts.iter().rposition(|part| stage(part).is_some());
        let mut name = if parts.is_empty() { guess.project.clone() } else { parts.join("-") };
        while !taken.insert(name.clone()) {
            name.push_str("-2");
        }
        let line =
            parts.iter().enumerate().filter(|(at, _)| Some(*at) != stage_at).map(|(_, part)| part.clone()).collect();
        guess.environments.push(Environment {
            namespace: namespace.unwrap_or_else(|| name.clone()),
            name,
            manifests: folder.to_owned(),
            images: Vec::new(),
            promoted_from: None,
            line,
            stage: stage_at.and_then(|at| stage(&parts[at])),
        });
    }
    guess.environments.sort_by(|a, b| (&a.line, a.stage, &a.name).cmp(&(&b.line, b.stage, &b.name)));
    guess
}

/// The images that Dockerfiles build and manifests name.
pub fn images(guess: &Guess, found: &Found, checked: &Checked) -> Vec<Image> {
    let mut used: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for id in checked.model().environment_ids() {
        let environment = checked.model().environment(id);
        let objects = checked.rendered(id).map(|rendered| rendered.objects.as_slice()).unwrap_or_default();
        for container in objects.iter().flat_map(|object| containers(&object.value)) {
            let users = used.entry(Reference::parse(&container.image).name).or_default();
            if !users.contains(&environment.name.value) {
                users.push(environment.name.value.clone());
            }
        }
    }
    let mut images: Vec<Image> = Vec::new();
    for dockerfile in &found.dockerfiles {
        let name = image_name(dockerfile, guess);
        let Some((reference, environments)) = used.iter().find(|(reference, _)| name_of(reference) == name) else {
            continue;
        };
        if !images.iter().any(|image| image.name == name) {
            images.push(Image {
                name,
                dockerfile: dockerfile.clone(),
                reference: reference.clone(),
                environments: environments.clone(),
            });
        }
    }
    // A single Dockerfile and a single image of a registry that is not the public default one belong together.
    let mut own =
        used.iter().filter(|(reference, _)| reference.split('/').next().is_some_and(|host| host.contains('.')));
    if let (true, [dockerfile], Some((reference, environments)), None) =
        (images.is_empty(), found.dockerfiles.as_slice(), own.next(), own.next())
    {
        let name = named(name_of(reference)).unwrap_or_else(|| guess.project.clone());
        images.push(Image {
            name,
            dockerfile: dockerfile.clone(),
            reference: reference.clone(),
            environments: environments.clone(),
        });
    }
    images
}

/// Which environment could take its versions from which: the stage before in the same line, if both have the same images.
pub fn promotions(guess: &Guess) -> Vec<(String, String)> {
    let pairs = guess.environments.windows(2).filter(|pair| {
        let ordered = pair[0].line == pair[1].line && pair[0].stage.is_some() && pair[0].stage < pair[1].stage;
        ordered && !pair[1].images.is_empty() && pair[0].images == pair[1].images
    });
    pairs.map(|pair| (pair[1].name.clone(), pair[0].name.clone())).collect()
}

impl Guess {
    /// This guess with one environment and nothing built.
    pub fn only(&self, name: &str) -> Guess {
        let environments = self.environments.iter().filter(|environment| environment.name == name).cloned().collect();
        Guess { project: self.project.clone(), environments, ..Guess::default() }
    }

    pub fn drop_environment(&mut self, name: &str, reason: String) {
        let Some(at) = self.environments.iter().position(|environment| environment.name == name) else { return };
        let dropped = self.environments.remove(at);
        self.left_out.push(format!("{}: {reason}", dropped.manifests));
    }

    pub fn take_image(&mut self, image: Image) {
        for environment in self.environments.iter_mut().filter(|known| image.environments.contains(&known.name)) {
            environment.images.push(image.name.clone());
        }
        self.images.push(image);
    }

    pub fn promote(&mut self, environment: &str, from: &str) {
        for known in self.environments.iter_mut().filter(|known| known.name == environment) {
            known.promoted_from = Some(from.to_owned());
        }
    }
}

/// What a Dockerfile is probably the image of: its suffix, its folder, or the project.
fn image_name(dockerfile: &str, guess: &Guess) -> String {
    let file = name_of(dockerfile);
    let suffix = file.strip_prefix("Dockerfile.").or_else(|| file.strip_suffix(".Dockerfile"));
    let folder = Some(name_of(folder_of(dockerfile))).filter(|folder| !folder.is_empty());
    suffix.or(folder).and_then(named).unwrap_or_else(|| guess.project.clone())
}

fn stage(part: &str) -> Option<usize> {
    STAGES.iter().position(|names| names.contains(&part))
}

/// A text as a name of the language; `None` if no letter is left.
fn named(text: &str) -> Option<String> {
    let kept: String = text.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let name =
        kept.trim_matches(|c: char| !c.is_ascii_alphanumeric()).trim_start_matches(|c: char| !c.is_ascii_lowercase());
    if name.is_empty() { None } else { Some(name.chars().take(40).collect()) }
}
