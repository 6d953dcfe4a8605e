//! Dockerfiles of image builds: there, and of the kind that can be built here.

use std::collections::{BTreeMap, BTreeSet};

use crate::diag::{Diagnostic, Diags, Severity, codes};
use crate::dockerfile::{self, Dockerfile};
use crate::model::{ImageWork, JobId, Model, Pipeline, PipelineId, Work};
use crate::needs;
use crate::source::{Entry, FileId, Missing, Need, Sources, Span};

/// A Dockerfile of the project.
#[derive(Clone, Debug)]
pub struct Found {
    pub file: FileId,
    pub dockerfile: Dockerfile,
    /// Where the spec asks for it.
    pub asked: Span,
}

/// Dockerfiles by image job. Those of workspaces that no checkout fills are not in the project.
pub type Dockerfiles = BTreeMap<(PipelineId, JobId), Found>;

/// Reads the Dockerfiles of all images and reports those that are missing or cannot be built here.
pub fn check(sources: &Sources, model: &Model, needs: &mut BTreeSet<Need>, diags: &mut Diags) -> Dockerfiles {
    let mut found = Dockerfiles::new();
    for (at, pipeline) in model.pipelines.iter().enumerate() {
        for (job, work) in images(pipeline) {
            if let Some(outside) = outside(work, pipeline.job(job).name.as_str()) {
                diags.push(outside);
                continue;
            }
            let path = path(work);
            match sources.entry(&path) {
                None => {
                    needs.insert(Need { path });
                }
                Some(Entry::File(file)) => {
                    let dockerfile = dockerfile::parse(sources.text(*file));
                    let read = Found { file: *file, dockerfile, asked: work.dockerfile.span };
                    let refused = refusal(&read, pipeline.job(job).name.as_str(), false);
                    diags.extend(refused.map(|refused| Diagnostic { severity: Severity::Warning, ..refused }));
                    copied_from_outside(&read, work, diags);
                    found.insert((PipelineId(at), job), read);
                }
                Some(Entry::Folder(_)) => diags.push(missing(pipeline, job, work, "it is a folder")),
                Some(Entry::Missing(Missing::NotFound)) => {
                    diags.push(missing(pipeline, job, work, "there is no such file"))
                }
                Some(Entry::Missing(other)) => diags.push(needs::missing_file(&path, other)),
            }
        }
    }
    found
}

/// The images whose context is a checkout of the project.
fn images(pipeline: &Pipeline) -> impl Iterator<Item = (JobId, &ImageWork)> {
    pipeline.jobs.iter().enumerate().filter_map(|(at, job)| match &job.work {
        Work::Image(work) if pipeline.checkouts.iter().any(|checkout| checkout.workspace == work.workspace) => {
            Some((JobId(at), work))
        }
        Work::Image(_) | Work::Task(_) | Work::Approval(_) => None,
    })
}

/// The Dockerfile's path in the project.
fn path(work: &ImageWork) -> String {
    let folder = if work.folder.is_empty() { String::new() } else { format!("{}/", work.folder) };
    format!("{folder}{}", crate::spec::value::clean_path(&work.dockerfile.value))
}

/// A Dockerfile that is not below its context.
fn outside(work: &ImageWork, name: &str) -> Option<Diagnostic> {
    let path = &work.dockerfile.value;
    if !path.starts_with('/') && stays_inside(path) {
        return None;
    }
    let message = format!("the Dockerfile of image `{name}` lies outside its context: `{path}`");
    let finding = Diagnostic::new(&codes::OUTSIDE_CONTEXT, work.dockerfile.span, message)
        .here("not below the context")
        .label(work.context.span, "the context");
    Some(finding.help("take a folder as `context` that holds both, and write `dockerfile` relative to it"))
}

/// Whether a path never leads above where it starts.
fn stays_inside(path: &str) -> bool {
    let mut depth = 0i32;
    path.split('/').all(|part| {
        match part {
            "" | "." => {}
            ".." => depth -= 1,
            _ => depth += 1,
        }
        depth >= 0
    })
}

/// Sources that lead out of the context: this builder refuses them, and others take what lies at the context's root instead
/// (<https://docs.docker.com/reference/dockerfile/#adding-files-from-the-build-context>).
fn copied_from_outside(found: &Found, work: &ImageWork, diags: &mut Diags) {
    for refusal in dockerfile::buildable(&found.dockerfile).err().into_iter().flatten().filter(|one| one.outside) {
        let span = Span::new(found.file, refusal.span.start, refusal.span.end);
        let finding =
            Diagnostic::new(&codes::OUTSIDE_CONTEXT, span, format!("{}: {}", refusal.instruction, refusal.reason))
                .here("other builders drop the `../` and take another file")
                .label(work.context.span, "the context");
        let finding = finding.help("take a folder as `context` that holds the file");
        diags.push(Diagnostic { severity: Severity::Warning, ..finding });
    }
}

fn missing(pipeline: &Pipeline, job: JobId, work: &ImageWork, why: &str) -> Diagnostic {
    let (job, path) = (pipeline.job(job), path(work));
    let message = format!("image `{}` has no Dockerfile: `{path}`", job.name.value);
    let written = work.dockerfile.span != job.span;
    let span = if written { work.dockerfile.span } else { work.context.span };
    let mut finding = Diagnostic::new(&codes::DOCKERFILE_MISSING, span, message).here(why);
    finding = finding.help("the path is relative to the context, the context to the workspace that is checked out");
    // A task in front may write the file; then nothing is sure.
    let made = job.after.iter().any(|id| match &pipeline.job(*id).work {
        Work::Task(task) => task.workspaces.contains(&work.workspace),
        Work::Image(_) | Work::Approval(_) => false,
    });
    if made {
        finding.severity = Severity::Warning;
        finding = finding.note("unless a task in front of it writes the file");
    }
    finding
}

/// What keeps a Dockerfile from being built here, all of it in one finding.
fn refusal(found: &Found, image: &str, at_plan: bool) -> Option<Diagnostic> {
    let mut refusals = dockerfile::buildable(&found.dockerfile).err()?;
    // A check has a finding of its own for these.
    refusals.retain(|refusal| at_plan || !refusal.outside);
    let place = |range: &std::ops::Range<usize>| Span::new(found.file, range.start, range.end);
    let first = refusals.first()?;
    let message = match first.instruction.as_str() {
        "" => format!("image `{image}` cannot be built here: {}", first.reason),
        keyword => format!("image `{image}` cannot be built here: {keyword}: {}", first.reason),
    };
    let mut finding = Diagnostic::new(&codes::DOCKERFILE_NOT_BUILDABLE, place(&first.span), message);
    if !first.needs.is_empty() {
        finding = finding.here(format!("needs {}", first.needs));
    }
    for refusal in &refusals[1..] {
        finding = finding.label(place(&refusal.span), refusal.to_string());
    }
    Some(finding.label(found.asked, "asked for here"))
}

/// The Dockerfiles that a plan refuses, as errors, by image job.
pub fn refused(model: &Model, dockerfiles: &Dockerfiles) -> Vec<Diagnostic> {
    let refused = |((pipeline, job), found): (&(PipelineId, JobId), &Found)| {
        let name = model.pipeline(*pipeline).job(*job).name.as_str();
        refusal(found, name, true).map(|finding| Diagnostic { severity: Severity::Error, ..finding })
    };
    dockerfiles.iter().filter_map(refused).collect()
}
