//! Deployments, StatefulSets, DaemonSets and ReplicaSets.

use super::at::At;
use super::labels::{own_template, whose};
use super::pod::{Maker, check_template};
use super::values::{not_negative, within, word};
use super::{finding, storage};
use crate::diag::{Diagnostic, Diags, codes};

/// As in `pkg/apis/apps/validation`.
pub(super) fn check(object: At<'_>, kind: &str, diags: &mut Diags) {
    let spec = object.get("spec").unwrap_or(object);
    own_template(object, spec, diags);
    check_template(spec, "template", Maker::Controller, diags);
    let counts = ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"];
    not_negative(spec, &counts, diags);
    match kind {
        "Deployment" => check_deployment(object, spec, diags),
        "StatefulSet" => check_stateful(object, spec, diags),
        "DaemonSet" => check_daemon(object, spec, diags),
        _ => {}
    }
}

/// As in `pkg/apis/apps/validation`: `ValidateDeploymentSpec`, `ValidateDeploymentStrategy`.
fn check_deployment(object: At<'_>, spec: At<'_>, diags: &mut Diags) {
    // Ten minutes where nothing is written.
    let (deadline, ready) =
        (spec.int("progressDeadlineSeconds").unwrap_or(600), spec.int("minReadySeconds").unwrap_or(0));
    if deadline >= 0 && deadline <= ready {
        let message = format!("`progressDeadlineSeconds` is {deadline}, not more than `minReadySeconds` {ready}");
        let field = if spec.has("progressDeadlineSeconds") { "progressDeadlineSeconds" } else { "minReadySeconds" };
        diags.push(finding::invalid(spec.place(field), message, "write a longer deadline"));
    }
    super::probes::check_deadline(spec, diags);
    let Some(strategy) = spec.get("strategy") else { return };
    word(strategy, "type", &["Recreate", "RollingUpdate"], diags);
    if strategy.word("type") == "Recreate"
        && let Some(field) = strategy.get("rollingUpdate")
    {
        let message = format!("{} is recreated at once and cannot have `rollingUpdate`", whose(object));
        diags.push(finding::forbidden(field, message));
    }
    if let Some(update) = strategy.get("rollingUpdate").filter(|_| strategy.word("type") != "Recreate") {
        check_rolling(update, &whose(object), true, diags);
    }
}

/// As in `pkg/apis/apps/validation`: `ValidateRollingUpdateDeployment`, `ValidateRollingUpdateDaemonSet`.
fn check_rolling(update: At<'_>, whose: &str, deployment: bool, diags: &mut Diags) {
    let unavailable = check_share(update, "maxUnavailable", true, diags);
    let surge = check_share(update, "maxSurge", !deployment, diags);
    let (Some(0), 0) = (unavailable, surge.unwrap_or(if deployment { 1 } else { 0 })) else {
        if let (false, Some(surge), true) = (deployment, surge, unavailable.unwrap_or(1) > 0)
            && surge > 0
            && (unavailable.is_some() || update.has("maxSurge"))
        {
            let message = format!("{whose} has both `maxSurge` and `maxUnavailable` other than 0");
            let finding = Diagnostic::new(&codes::FIELDS_EXCLUDE, update.place("maxSurge"), message);
            diags.push(finding.here("one of both is 0").help("write `maxUnavailable: 0` with a `maxSurge`"));
        }
        return;
    };
    let message = format!("{whose} can be updated neither by a Pod less nor by one more");
    let finding = Diagnostic::new(&codes::OUT_OF_RANGE, update.place("maxUnavailable"), message);
    diags.push(finding.here("0").label(update.place("maxSurge"), "and 0").help("give one of them at least 1"));
}

/// A number or a percentage that is not negative, and at most 100 % where `capped`; gives the number.
pub(super) fn check_share(owner: At<'_>, field: &str, capped: bool, diags: &mut Diags) -> Option<i64> {
    within(owner, field, (0, i64::MAX), diags);
    if let Some(number) = owner.int(field) {
        return Some(number);
    }
    let text = owner.get(field)?.node.as_str()?;
    let digits = text.strip_suffix('%').filter(|digits| digits.chars().all(|c| c.is_ascii_digit()));
    let share = digits.and_then(|digits| digits.parse::<i64>().ok());
    match share {
        None => {
            let message = format!("`{field}` `{text}` is neither a number nor a percentage");
            diags.push(finding::invalid(owner.place(field), message, "write it as `1` or `25%`"));
        }
        Some(share) if capped && share > 100 => {
            let message = format!("`{field}` `{text}` is more than 100%");
            diags.push(finding::invalid(owner.place(field), message, "write at most `100%`"));
        }
        Some(_) => {}
    }
    share
}

/// As in `pkg/apis/apps/validation`: `ValidateStatefulSetSpec`.
fn check_stateful(object: At<'_>, spec: At<'_>, diags: &mut Diags) {
    word(spec, "podManagementPolicy", &["OrderedReady", "Parallel"], diags);
    not_negative(spec, &["ordinals.start"], diags);
    for field in ["whenDeleted", "whenScaled"] {
        let path = format!("persistentVolumeClaimRetentionPolicy.{field}");
        word(spec, &path, &["Retain", "Delete"], diags);
    }
    for claim in spec.items("volumeClaimTemplates") {
        if let Some(claim) = claim.get("spec") {
            storage::check_claim(claim, diags);
        }
    }
    let Some(strategy) = spec.get("updateStrategy") else { return };
    word(strategy, "type", &["RollingUpdate", "OnDelete"], diags);
    check_on_delete(object, strategy, diags);
    if let Some(update) = strategy.get("rollingUpdate") {
        not_negative(update, &["partition"], diags);
        if check_share(update, "maxUnavailable", true, diags) == Some(0) {
            diags.push(finding::range(
                update.get("maxUnavailable").unwrap_or(update),
                "maxUnavailable",
                0,
                "at least 1",
            ));
        }
    }
}

fn check_on_delete(object: At<'_>, strategy: At<'_>, diags: &mut Diags) {
    if let Some(field) = strategy.get("rollingUpdate").filter(|_| strategy.word("type") == "OnDelete")
        && object.word("kind") == "StatefulSet"
    {
        let message = format!("{} is updated by hand and cannot have `rollingUpdate`", whose(object));
        diags.push(finding::forbidden(field, message));
    }
}

/// As in `pkg/apis/apps/validation`: `ValidateDaemonSetSpec`.
fn check_daemon(object: At<'_>, spec: At<'_>, diags: &mut Diags) {
    if let Some(deadline) = spec.get("template.spec.activeDeadlineSeconds") {
        diags.push(finding::forbidden(deadline, "the Pods of a DaemonSet cannot have `activeDeadlineSeconds`"));
    }
    let Some(strategy) = spec.get("updateStrategy") else { return };
    word(strategy, "type", &["RollingUpdate", "OnDelete"], diags);
    if let Some(update) = strategy.get("rollingUpdate").filter(|_| strategy.word("type") != "OnDelete") {
        check_rolling(update, &whose(object), false, diags);
    }
}

/// As in `pkg/apis/core/validation`: `ValidateReplicationControllerSpec`. Its selector is a plain map, that of its own
/// template by default.
pub(super) fn check_replication(object: At<'_>, diags: &mut Diags) {
    let Some(spec) = object.get("spec") else { return };
    check_template(spec, "template", Maker::Controller, diags);
    not_negative(spec, &["replicas", "minReadySeconds"], diags);
    let (wanted, labels) = (spec.entries("selector"), spec.entries("template.metadata.labels"));
    let has = |key: &str, value: Option<&str>| {
        labels.iter().any(|(other, label)| other.value == key && label.as_str() == value)
    };
    if wanted.iter().any(|(key, value)| !has(&key.value, value.as_str())) {
        let message = format!("the selector of {} does not match its own Pods", whose(object));
        let finding = Diagnostic::new(&codes::SELECTOR_MISMATCH, spec.place("selector"), message);
        diags.push(finding.here("wants other labels").help("the API server refuses it: give both the same labels"));
    }
}
