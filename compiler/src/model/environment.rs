//! Environments: their cluster, where their images come from, and their gates.

use super::resolve::{cluster, find, find_in, unique};
use super::{
    Cluster, Environment, EnvironmentId, EnvironmentImage, ImageSource, JobId, Pipeline, PipelineId, Promote, Rollout,
    Stage, Store, Work, secret,
};
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::Spanned;
use crate::spec::{Spec, environment as written};

/// How long to wait for health where the spec does not say.
const HEALTH_SECONDS: u64 = 600;

/// What an environment can name outside itself.
pub struct Outer<'a> {
    pub spec: &'a Spec,
    pub clusters: &'a [Cluster],
    pub stores: &'a [Store],
    pub pipelines: &'a [Option<Pipeline>],
}

/// An environment, if its cluster is known. `before` is the one that it is promoted from.
pub fn resolve(
    spec: &written::Environment,
    outer: &Outer,
    before: Option<EnvironmentId>,
    resolved: &[Environment],
    diags: &mut Diags,
) -> Option<Environment> {
    unique(spec.images.iter().map(|image| &image.name), "image", diags);
    unique(spec.rollouts.iter().map(|rollout| &rollout.workload), "rollout", diags);
    unique(spec.secrets.iter().map(|secret| &secret.name), "secret", diags);
    let secrets = secret::secrets(&spec.secrets, outer.stores, diags);
    let images = images(spec, outer, before, resolved, diags);
    let place = spec.clusters.first()?;
    let mut known = spec.clusters.iter().map(|place| (cluster(&place.name, outer.clusters, diags), &place.namespace));
    let own = known.next().and_then(|(cluster, _)| cluster);
    let others = known.filter_map(|(cluster, namespace)| Some((cluster?, namespace.clone()))).collect();
    let promote = spec.promote.as_ref().zip(before).map(|(promote, from)| Promote {
        from,
        soak: promote.soak.clone(),
        approval: promote.approval.clone(),
        written: promote.clone(),
        span: promote.span,
    });
    Some(Environment {
        name: spec.name.clone(),
        cluster: own?,
        namespace: place.namespace.clone(),
        create: place.create,
        manifests: spec.manifests.clone(),
        images,
        promote,
        rollouts: spec.rollouts.iter().map(rollout).collect(),
        health_seconds: spec.health_seconds.unwrap_or(HEALTH_SECONDS),
        secrets,
        sync: spec.sync.clone(),
        others,
        delivery: spec.delivery.clone(),
    })
}

fn rollout(rollout: &crate::spec::rollout::Rollout) -> Rollout {
    let stage = |stage: &crate::spec::rollout::Stage| Stage {
        weight: stage.weight.clone().unwrap_or(Spanned::new(100, stage.span)),
        hold_seconds: stage.hold.as_ref().map_or(0, |hold| hold.value),
        span: stage.span,
    };
    Rollout {
        workload: rollout.workload.clone(),
        stages: rollout.stages.iter().map(stage).collect(),
        timeout_seconds: rollout.timeout_seconds.unwrap_or(HEALTH_SECONDS),
        written: rollout.clone(),
        span: rollout.span,
    }
}

/// The images that the environment writes into its overlay: built ones first, then promoted ones.
fn images(
    spec: &written::Environment,
    outer: &Outer,
    before: Option<EnvironmentId>,
    resolved: &[Environment],
    diags: &mut Diags,
) -> Vec<EnvironmentImage> {
    let mut images = Vec::new();
    for image in spec.images.iter() {
        let Some(from) = &image.from else {
            if spec.promote.is_none() {
                let message = format!("nothing says where image `{}` comes from", image.name.value);
                let finding =
                    Diagnostic::new(&codes::MISSING_VALUE, image.name.span, message).here("`from` is missing");
                diags.push(
                    finding.help("write from=\"pipeline.NAME.image.NAME\", or promote it from another environment"),
                );
            }
            continue;
        };
        if let Some((pipeline, job, reference)) = built_by(from, outer, diags) {
            let reference = image.reference.as_ref().map_or(reference, |reference| reference.value.clone());
            let from = ImageSource::Pipeline(pipeline, job);
            images.push(EnvironmentImage { name: image.name.value.clone(), from, reference, span: image.span });
        }
    }
    if let (Some(promote), Some(before)) = (&spec.promote, before) {
        images.extend(promoted(spec, promote, before, &resolved[before.0], diags));
    }
    images
}

fn promoted(
    spec: &written::Environment,
    promote: &written::Promote,
    before: EnvironmentId,
    source: &Environment,
    diags: &mut Diags,
) -> Vec<EnvironmentImage> {
    let known: Vec<&str> = source.images.iter().map(|image| image.name.as_str()).collect();
    let mut chosen: Vec<(usize, crate::source::Span)> = Vec::new();
    for name in &promote.images {
        let found = find_in(name, "image", &format!(" in environment `{}`", source.name.value), &known, diags);
        chosen.extend(found.map(|at| (at, name.span)));
    }
    if promote.images.is_empty() {
        chosen = (0..known.len()).map(|at| (at, promote.span)).collect();
    }
    let image = |(at, span): (usize, crate::source::Span)| {
        let original = &source.images[at];
        let own = spec.images.iter().find(|image| image.name.value == original.name);
        let reference = own.and_then(|image| image.reference.as_ref()).map(|reference| reference.value.clone());
        EnvironmentImage {
            name: original.name.clone(),
            from: ImageSource::Promoted(before, at),
            reference: reference.unwrap_or_else(|| original.reference.clone()),
            span,
        }
    };
    chosen.into_iter().map(image).collect()
}

/// What `pipeline.NAME.image.NAME` names: pipeline, job, and the image's name in the registry. What the spec has and did
/// not resolve has been reported.
fn built_by(from: &Spanned<String>, outer: &Outer, diags: &mut Diags) -> Option<(PipelineId, JobId, String)> {
    let parts: Vec<&str> = from.value.split('.').collect();
    let ["pipeline", _, "image", image_name] = parts.as_slice() else {
        if !from.value.is_empty() {
            let finding = Diagnostic::new(&codes::UNKNOWN_NAME, from.span, format!("`{}` names no image", from.value));
            diags.push(finding.here("the form is `pipeline.NAME.image.NAME`"));
        }
        return None;
    };
    let known: Vec<&str> = outer.spec.pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect();
    let at = find(&part(from, 1), "pipeline", &known, diags)?;
    let images: Vec<&str> = outer.spec.pipelines[at].images.iter().map(|image| image.name.as_str()).collect();
    find_in(&part(from, 3), "image", &format!(" in pipeline `{}`", known[at]), &images, diags)?;
    let jobs = &outer.pipelines[at].as_ref()?.jobs;
    jobs.iter().enumerate().find_map(|(job, found)| match &found.work {
        Work::Image(image) if found.name.value == *image_name => {
            Some((PipelineId(at), JobId(job), image.reference.clone()))
        }
        Work::Image(_) | Work::Task(_) | Work::Approval(_) => None,
    })
}

/// One dotted part of a quoted text, with its place.
fn part(text: &Spanned<String>, index: usize) -> Spanned<String> {
    let parts: Vec<&str> = text.value.split('.').collect();
    let before: usize = parts[..index].iter().map(|part| part.len() + 1).sum();
    let quote = usize::from((text.span.end - text.span.start) as usize == text.value.len() + 2);
    let span = text.span.slice(quote + before, quote + before + parts[index].len());
    Spanned::new(parts[index].to_owned(), span)
}
