//! Credentials of registries and of the repository: there where the build, the pull or the push runs.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::dockerfiles::Dockerfiles;
use super::keepers::Keepers;
use super::rendered::Place;
use crate::diag::{Diagnostic, Diags, codes};
use crate::manifest::images::{containers, pod_spec_pointer};
use crate::manifest::{Object, images::Reference};
use crate::model::{JobId, Model, Pipeline, PipelineId, Registry, Work};
use crate::source::{Span, Spanned};

/// Reports credentials that are not where they are used, and Pods that pull without theirs.
pub fn check(model: &Model, places: &[Place], dockerfiles: &Dockerfiles, keepers: &Keepers, diags: &mut Diags) {
    for (at, pipeline) in model.pipelines.iter().enumerate() {
        let mut uses = builds(model, pipeline);
        uses.extend(bases(model, PipelineId(at), dockerfiles));
        uses.extend(pulls(model, pipeline, diags));
        let mut said = BTreeSet::new();
        for one in uses.iter().filter(|one| !one.secret.value.is_empty()) {
            let cluster = model.cluster(pipeline.cluster);
            let there = keepers.has(cluster, &pipeline.namespace.value, &one.secret.value);
            if !there && said.insert(one.secret.value.as_str()) {
                let finding = one.missing(&pipeline.namespace.value, &format!("pipeline `{}`", pipeline.name.value));
                diags.push(match keepers.elsewhere(cluster, &pipeline.namespace.value, &one.secret.value) {
                    Some(other) => finding.label(other.span, format!("this one is in namespace `{}`", other.namespace)),
                    None => finding,
                });
            }
        }
    }
    bumps(model, keepers, diags);
    if model.project.registries.iter().all(|registry| registry.pull.is_none()) {
        return;
    }
    for place in places {
        let accounts = place.accounts();
        let objects = place.rendered.objects.iter();
        objects.for_each(|object| diags.extend(without_pull(model, &accounts, object)));
    }
}

/// A Secret that something in a namespace needs.
struct Use<'a> {
    secret: &'a Spanned<String>,
    /// What needs it.
    span: Span,
    what: String,
}

impl Use<'_> {
    fn missing(&self, namespace: &str, holder: &str) -> Diagnostic {
        let name = &self.secret.value;
        let message =
            format!("{} needs Secret `{name}`, which namespace `{namespace}` is not known to have", self.what);
        let finding = Diagnostic::new(&codes::CREDENTIAL_MISSING, self.span, message)
            .here(format!("{holder} runs in `{namespace}`"))
            .help(format!("add `secret \"{name}\"` to the {holder}: with a store, or `existing` if it is there"));
        if self.secret.span == self.span { finding } else { finding.label(self.secret.span, "the credential") }
    }
}

/// The registry that an image lies in, by the longest prefix.
fn registry<'a>(model: &'a Model, image: &str) -> Option<&'a Registry> {
    let within = |registry: &&Registry| {
        let rest = image.strip_prefix(registry.prefix.value.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':', '@']))
    };
    model.project.registries.iter().filter(within).max_by_key(|registry| registry.prefix.value.len())
}

/// Images that are pushed.
fn builds<'a>(model: &'a Model, pipeline: &'a Pipeline) -> Vec<Use<'a>> {
    let build = |job: &'a crate::model::Job| match &job.work {
        Work::Image(work) => {
            let secret = registry(model, &work.reference)?.push.as_ref()?;
            Some(Use { secret, span: job.name.span, what: format!("image `{}`", job.name.value) })
        }
        Work::Task(_) | Work::Approval(_) => None,
    };
    pipeline.jobs.iter().filter_map(build).collect()
}

/// Images that a Dockerfile starts from.
fn bases<'a>(model: &'a Model, id: PipelineId, dockerfiles: &Dockerfiles) -> Vec<Use<'a>> {
    let mut uses = Vec::new();
    for ((_, job), found) in dockerfiles.range((id, JobId(0))..(PipelineId(id.0 + 1), JobId(0))) {
        for from in found.dockerfile.instructions.iter().filter(|one| one.keyword == "FROM") {
            let image = from.rest.split_whitespace().next().unwrap_or("");
            let Some(secret) = registry(model, image).and_then(|registry| registry.pull.as_ref()) else { continue };
            let what = format!("the base of image `{}`", model.pipeline(id).job(*job).name.value);
            uses.push(Use { secret, span: Span::new(found.file, from.span.start, from.span.end), what });
        }
    }
    uses
}

/// Secrets that Pods of a pipeline name, and images of steps whose registry has one that their Pod does not name.
fn pulls<'a>(model: &'a Model, pipeline: &'a Pipeline, diags: &mut Diags) -> Vec<Use<'a>> {
    let mut uses = Vec::new();
    let mut said = BTreeSet::new();
    for job in pipeline.jobs.iter().chain(&pipeline.finally) {
        let named: Vec<&Spanned<String>> =
            [&pipeline.pod, &job.flow.pod].into_iter().flatten().flat_map(|pod| &pod.pull_secrets).collect();
        uses.extend(named.iter().map(|secret| Use { secret, span: secret.span, what: "a Pod".to_owned() }));
        let Work::Task(work) = &job.work else { continue };
        for step in &model.task(work.task).steps {
            let Some(registry) = registry(model, &step.image.value) else { continue };
            let Some(secret) = &registry.pull else { continue };
            let account = pipeline.service_account.is_some() || job.flow.service_account.is_some();
            if named.iter().any(|name| name.value == secret.value) || account {
                continue;
            }
            if said.insert(step.image.span) {
                let finding = unused(&step.image.value, step.image.span, secret);
                diags.push(finding.help(format!("add `pod {{ pull-secrets \"{}\"; }}` to the pipeline", secret.value)));
            }
        }
    }
    uses
}

fn unused(image: &str, span: Span, secret: &Spanned<String>) -> Diagnostic {
    let message = format!("the Pod pulls `{image}` without Secret `{}`", secret.value);
    let finding = Diagnostic::new(&codes::PULL_SECRET_UNUSED, span, message);
    finding.here("the Pod names no Secret for its registry").label(secret.span, "the registry is pulled from with this")
}

/// A server that pushes bumps does so with the credentials of the repository.
fn bumps(model: &Model, keepers: &Keepers, diags: &mut Diags) {
    let Some(server) = &model.server else { return };
    let pushes = model.environments.iter().find(|environment| !environment.images.is_empty());
    let Some(environment) = pushes else { return };
    let (cluster, namespace) = (model.cluster(server.cluster), &server.namespace.value);
    match (&model.project.credentials, &model.project.remote) {
        (Some(secret), _) if !keepers.has(cluster, namespace, &secret.value) => {
            let what = format!("the bump of environment `{}`", environment.name.value);
            let found = Use { secret, span: secret.span, what }.missing(namespace, "server");
            diags.push(match keepers.elsewhere(cluster, namespace, &secret.value) {
                Some(other) => found.label(other.span, format!("this one is in namespace `{}`", other.namespace)),
                None => found,
            });
        }
        (None, Some(url)) if !url.value.starts_with("file:") => {
            let message = format!("the server pushes bumps of environment `{}` as nobody", environment.name.value);
            let finding = Diagnostic::new(&codes::CREDENTIAL_MISSING, url.span, message)
                .here("no credentials for this repository")
                .label(server.span, "the server that pushes");
            diags.push(finding.help("add `credentials secret=\"NAME\"` to `repo`"));
        }
        _ => {}
    }
}

/// A workload that pulls from a registry without the Secret for it; an account that the manifests lack may have one.
fn without_pull(model: &Model, accounts: &BTreeMap<&str, &Object>, object: &Object) -> Option<Diagnostic> {
    let spec = pod_spec_pointer(object.group(), object.kind())?;
    let at = |field: &str| object.value.pointer(&format!("{spec}/{field}"));
    if at("imagePullSecrets").and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
        return None;
    }
    let account = at("serviceAccountName").and_then(Value::as_str).unwrap_or("default");
    let known = accounts.get(account);
    if known.map_or(account != "default", |known| known.value.get("imagePullSecrets").is_some()) {
        return None;
    }
    containers(&object.value).iter().find_map(|container| {
        let secret = registry(model, &Reference::parse(&container.image).name)?.pull.as_ref()?;
        let finding = unused(&container.image, object.place(&container.pointer), secret);
        Some(finding.help(format!("add `imagePullSecrets: [{{name: {}}}]` to the Pod", secret.value)))
    })
}
