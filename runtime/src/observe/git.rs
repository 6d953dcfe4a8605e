//! What the clone and its remote say.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use waybill_compiler::Checked;
use waybill_compiler::desired::versions;
use waybill_compiler::model::{Model, Pipeline};
use waybill_compiler::plan::observed::{Git, PipelineFacts};
use waybill_compiler::source::Sources;

use crate::effects::git::{self, Cache, GitError, Repo};

/// The repository that a project's folder lies in.
pub struct Clone {
    pub repo: Repo,
    pub facts: git::Facts,
    /// The project's folder in the repository, empty or ending with `/`.
    pub prefix: String,
}

/// The clone around a folder; `None` where there is no repository.
pub fn discover(project: &Path) -> Result<Option<Clone>, GitError> {
    let repo = match Repo::discover(project) {
        Ok(repo) => repo,
        Err(GitError::NotARepository { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let facts = repo.facts()?;
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let inside = real(project).strip_prefix(real(&facts.root)).map(Path::to_owned).unwrap_or_default();
    let mut prefix = inside.to_string_lossy().into_owned();
    if !prefix.is_empty() {
        prefix.push('/');
    }
    Ok(Some(Clone { repo, facts, prefix }))
}

/// What to read besides the clone.
pub struct Request<'a> {
    pub home: PathBuf,
    /// `--revision`, else HEAD.
    pub revision: Option<&'a str>,
    /// Whether the remote may be asked.
    pub fetch: bool,
}

/// All facts of git that a plan rests on.
pub fn observe(clone: &Clone, sources: &Sources, checked: &Checked, request: &Request) -> Result<Git, GitError> {
    let model = checked.model();
    let named = clone.repo.resolve(request.revision.unwrap_or("HEAD"))?;
    let revision = clone.repo.delivered(&named)?;
    let written = model.project.remote.as_ref().map(|remote| git::absolute(&clone.facts.root, &remote.value));
    let remote = written.or_else(|| clone.facts.origin.clone());
    let mut facts = Git {
        remote: remote.clone().unwrap_or_else(|| clone.facts.root.to_string_lossy().trim_end_matches('/').to_owned()),
        branch: model.project.branch.clone(),
        folder: clone.prefix.clone(),
        revision: revision.clone(),
        uncommitted: uncommitted(clone),
        ..Git::default()
    };
    let images = overlays(sources, model, &clone.prefix);
    if let Some(remote) = remote.filter(|_| request.fetch) {
        let cache = Cache::open(&request.home, &remote)?;
        facts.tip = cache.fetch(&facts.branch)?;
        facts.unpushed = !cache.repo().has_commit(&revision);
        cache.attach(&clone.repo)?;
        if let Some(tip) = &facts.tip {
            facts.behind = u32::try_from(cache.repo().behind(&named, tip)?.others.len()).unwrap_or(u32::MAX);
            facts.tip_files = read_overlays(cache.repo(), tip, &images, &clone.prefix)?;
        }
    }
    for pipeline in &model.pipelines {
        facts.pipelines.insert(
            pipeline.name.value.clone(),
            pipeline_facts(&clone.repo, pipeline, &revision, &images, &clone.prefix)?,
        );
    }
    Ok(facts)
}

fn uncommitted(clone: &Clone) -> Vec<String> {
    let inside = |path: &String| path.strip_prefix(&clone.prefix).map(str::to_owned);
    clone.facts.uncommitted.iter().filter_map(inside).collect()
}

/// By path in the repository: the images whose scalars Waybill writes there.
pub fn overlays(sources: &Sources, model: &Model, prefix: &str) -> BTreeMap<String, Vec<String>> {
    let mut images: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for environment in &model.environments {
        let root = environment.manifests.as_ref().filter(|_| !environment.images.is_empty());
        let Some(path) = root.and_then(|root| versions::overlay_path(sources, &root.value)) else { continue };
        let names = environment.images.iter().map(|image| image.reference.clone());
        images.entry(format!("{prefix}{path}")).or_default().extend(names);
    }
    images
}

fn read_overlays(
    repo: &Repo,
    tip: &str,
    images: &BTreeMap<String, Vec<String>>,
    prefix: &str,
) -> Result<BTreeMap<String, String>, GitError> {
    let mut files = BTreeMap::new();
    for path in images.keys() {
        let bytes = repo.read_file(tip, path)?;
        if let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) {
            files.insert(path.strip_prefix(prefix).unwrap_or(path).to_owned(), text);
        }
    }
    Ok(files)
}

fn pipeline_facts(
    repo: &Repo,
    pipeline: &Pipeline,
    revision: &str,
    images: &BTreeMap<String, Vec<String>>,
    prefix: &str,
) -> Result<PipelineFacts, GitError> {
    let own = if prefix.is_empty() { "**".to_owned() } else { format!("{prefix}**") };
    let mut globs: Vec<String> = pipeline.inputs.iter().map(|glob| format!("{prefix}{glob}")).collect();
    if globs.is_empty() {
        globs.push(own);
    }
    git::with_image_mask(images, |mask| {
        Ok(PipelineFacts {
            inputs: repo.inputs_hash(revision, &globs, mask)?,
            revision: repo.newest_first_parent_change(revision, &globs, mask)?,
        })
    })
}
