//! Jobs and CronJobs.

use super::at::At;
use super::labels::check_selector;
use super::pod::{Maker, check_template};
use super::values::{not_empty, not_negative, one_of, word};
use super::{finding, schedule};
use crate::diag::Diags;

/// As in `pkg/apis/batch/validation`: `validateJobSpec`.
pub(super) fn check_job(spec: At<'_>, diags: &mut Diags) {
    let counts = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    not_negative(spec, &counts, diags);
    word(spec, "completionMode", &["NonIndexed", "Indexed"], diags);
    word(spec, "podReplacementPolicy", &["Failed", "TerminatingOrFailed"], diags);
    let indexed = spec.word("completionMode") == "Indexed";
    if indexed && !spec.has("completions") {
        diags.push(finding::missing(spec, "completions", "a job with `completionMode: Indexed`"));
    }
    for field in ["backoffLimitPerIndex", "maxFailedIndexes", "successPolicy"] {
        if let Some(at) = spec.get(field).filter(|_| !indexed) {
            diags.push(finding::forbidden(at, format!("`{field}` is for a job with `completionMode: Indexed`")));
        }
    }
    if indexed && spec.has("maxFailedIndexes") && !spec.has("backoffLimitPerIndex") {
        diags.push(finding::missing(spec, "backoffLimitPerIndex", "a job with `maxFailedIndexes`"));
    }
    if let Some(selector) = spec.get("selector") {
        check_selector(selector, diags);
        if spec.get("manualSelector").is_none() && spec.filled("selector") {
            let message = "a job makes its own selector, unless `manualSelector: true`";
            diags.push(finding::forbidden(selector, message));
        }
    }
    check_failure_policy(spec, diags);
    check_template(spec, "template", Maker::Job, diags);
}

/// As in `pkg/apis/batch/validation`: `validatePodFailurePolicyRule`.
fn check_failure_policy(spec: At<'_>, diags: &mut Diags) {
    let Some(policy) = spec.get("podFailurePolicy") else { return };
    if spec.word("template.spec.restartPolicy") == "OnFailure" {
        let place = spec.place("template.spec.restartPolicy");
        let message = "with `podFailurePolicy` the Pods cannot have the `restartPolicy` `OnFailure`";
        let finding = crate::diag::Diagnostic::new(&crate::diag::codes::RESTART_POLICY, place, message);
        diags.push(finding.here("must be `Never`").label(policy.key, "because of this").help("write `Never`"));
    }
    let containers: Vec<&str> = ["containers", "initContainers"]
        .iter()
        .flat_map(|list| spec.items(&format!("template.spec.{list}")))
        .map(|container| container.word("name"))
        .collect();
    for rule in policy.items("rules") {
        word(rule, "action", &["FailJob", "FailIndex", "Ignore", "Count"], diags);
        one_of(rule, "a rule of the failure policy", &["onExitCodes", "onPodConditions"], true, diags);
        let Some(codes) = rule.get("onExitCodes") else { continue };
        word(codes, "operator", &["In", "NotIn"], diags);
        not_empty(codes, "values", "`onExitCodes`", diags);
        let zero =
            codes.items("values").into_iter().find(|code| code.node.as_number().and_then(|n| n.as_i64()) == Some(0));
        if let Some(zero) = zero.filter(|_| codes.word("operator") == "In") {
            diags.push(finding::invalid(zero.span(), "the exit code 0 is no failure", "remove it"));
        }
        if let Some(name) = codes.text("containerName").filter(|name| !containers.contains(name)) {
            let message = format!("the Pods of the job have no container `{name}`");
            diags.push(finding::invalid(codes.place("containerName"), message, "name one of its containers"));
        }
    }
}

/// As in `pkg/apis/batch/validation`: `validateCronJobSpec`.
pub(super) fn check_cron_job(object: At<'_>, diags: &mut Diags) {
    let Some(spec) = object.get("spec") else { return };
    schedule::check(spec, diags);
    let counts = ["startingDeadlineSeconds", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"];
    not_negative(spec, &counts, diags);
    word(spec, "concurrencyPolicy", &["Allow", "Forbid", "Replace"], diags);
    if let (Some(field), true) = (object.get("metadata.name"), object.word("metadata.name").len() > 52) {
        let message = format!("the name of the CronJob has {} characters", object.word("metadata.name").len());
        diags.push(finding::invalid(field.span(), message, "52 are allowed: its jobs get 11 more"));
    }
    if let Some(job) = spec.get("jobTemplate.spec") {
        if job.bool("manualSelector") {
            let field = job.get("manualSelector").unwrap_or(job);
            diags.push(finding::forbidden(field, "the jobs of a CronJob cannot have `manualSelector: true`"));
        }
        check_job(job, diags);
    } else if let Some(template) = spec.get("jobTemplate") {
        diags.push(finding::missing(template, "spec", "the job template"));
    }
}
