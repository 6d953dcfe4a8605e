//! Rules for what makes Pods: Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs.
//!
//! **Invariant:** as in `validate`.

use serde_json::{Map, Value, json};

use super::pods;
use super::{Errors, immutable, items, not_negative, text};
use crate::selector::Selector;
use crate::status::FieldError;

/// Deployments, ReplicaSets and DaemonSets.
pub fn workload(kind: &str, object: &Value, old: Option<&Value>, errors: &mut Errors) {
    not_negative(object, "/spec/replicas", errors);
    let named = match kind {
        "Deployment" => "deployment",
        "ReplicaSet" => "replica set",
        _ => "daemon set",
    };
    selector(object, named, errors);
    pods::template(&object["spec"]["template"], "spec.template", &[], errors);
    always(object, errors);
    if kind == "Deployment" {
        strategy(object, errors);
    }
    not_negative(object, "/spec/minReadySeconds", errors);
    not_negative(object, "/spec/revisionHistoryLimit", errors);
    if kind == "Deployment" {
        not_negative(object, "/spec/progressDeadlineSeconds", errors);
        let deadline = object["spec"]["progressDeadlineSeconds"].as_i64();
        let ready = object["spec"]["minReadySeconds"].as_i64().unwrap_or(0);
        if let Some(deadline) = deadline.filter(|deadline| *deadline <= ready) {
            let detail = "must be greater than minReadySeconds";
            errors.push(FieldError::invalid("spec.progressDeadlineSeconds", &json!(deadline), detail));
        }
    }
    if let Some(old) = old {
        immutable(object, old, "/spec/selector", errors);
    }
}

fn selector(object: &Value, named: &str, errors: &mut Errors) {
    let selector = &object["spec"]["selector"];
    if selector.is_null() {
        errors.push(FieldError::required("spec.selector", ""));
    } else if selector.as_object().is_some_and(Map::is_empty) {
        let detail = format!("empty selector is invalid for {named}");
        errors.push(FieldError::invalid("spec.selector", selector, &detail));
        return;
    }
    let labels = &object["spec"]["template"]["metadata"]["labels"];
    match Selector::from_label_selector(selector) {
        Ok(parsed) if parsed.matches(labels) && !selector.is_null() => {}
        Ok(_) => errors.push(FieldError::invalid(
            "spec.template.metadata.labels",
            labels,
            "`selector` does not match template `labels`",
        )),
        Err(_) => errors.push(FieldError::invalid("spec.selector", selector, "invalid label selector")),
    }
}

fn always(object: &Value, errors: &mut Errors) {
    let policy = text(object, "/spec/template/spec/restartPolicy");
    if policy != "Always" {
        errors.push(FieldError::unsupported("spec.template.spec.restartPolicy", &json!(policy), &["Always"]));
    }
}

fn strategy(object: &Value, errors: &mut Errors) {
    let strategy = &object["spec"]["strategy"];
    let rolling = &strategy["rollingUpdate"];
    match text(strategy, "/type") {
        "Recreate" => {
            if !rolling.is_null() {
                errors.push(FieldError::forbidden(
                    "spec.strategy.rollingUpdate",
                    "may not be specified when strategy `type` is 'Recreate'",
                ));
            }
        }
        "RollingUpdate" => {
            let zero = |value: &Value| *value == json!(0) || *value == json!("0%") || *value == json!("0");
            if zero(&rolling["maxUnavailable"]) && zero(&rolling["maxSurge"]) {
                errors.push(FieldError::invalid(
                    "spec.strategy.rollingUpdate.maxUnavailable",
                    &rolling["maxUnavailable"],
                    "may not be 0 when `maxSurge` is 0",
                ));
            }
            for key in ["maxUnavailable", "maxSurge"] {
                count_or_percent(&rolling[key], &format!("spec.strategy.rollingUpdate.{key}"), errors);
            }
        }
        other => {
            errors.push(FieldError::unsupported("spec.strategy.type", &json!(other), &["Recreate", "RollingUpdate"]))
        }
    }
}

fn count_or_percent(value: &Value, field: &str, errors: &mut Errors) {
    match value {
        Value::String(text) => {
            let fine = text
                .strip_suffix('%')
                .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()));
            if !fine {
                let detail = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";
                errors.push(FieldError::invalid(field, value, detail));
            }
        }
        other if other.as_i64().is_some_and(|number| number < 0) => {
            errors.push(FieldError::invalid(field, value, "must be greater than or equal to 0"));
        }
        _ => {}
    }
}

pub fn replication_controller(object: &Value, errors: &mut Errors) {
    not_negative(object, "/spec/replicas", errors);
    let selector = &object["spec"]["selector"];
    if selector.as_object().is_none_or(Map::is_empty) {
        errors.push(FieldError::required("spec.selector", ""));
    }
    pods::template(&object["spec"]["template"], "spec.template", &[], errors);
}

pub fn stateful_set(object: &Value, old: Option<&Value>, errors: &mut Errors) {
    not_negative(object, "/spec/replicas", errors);
    selector(object, "statefulset", errors);
    let claims: Vec<&str> =
        items(object, "/spec/volumeClaimTemplates").iter().map(|claim| text(claim, "/metadata/name")).collect();
    pods::template(&object["spec"]["template"], "spec.template", &claims, errors);
    always(object, errors);
    if let Some(old) = old {
        let fixed = |value: &Value| {
            let mut spec = value["spec"].as_object().cloned().unwrap_or_default();
            for key in [
                "replicas",
                "ordinals",
                "template",
                "updateStrategy",
                "revisionHistoryLimit",
                "persistentVolumeClaimRetentionPolicy",
                "minReadySeconds",
            ] {
                spec.remove(key);
            }
            spec
        };
        if fixed(object) != fixed(old) {
            errors.push(FieldError::forbidden(
                "spec",
                "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
            ));
        }
    }
}

pub fn job(object: &Value, old: Option<&Value>, errors: &mut Errors) {
    for key in ["parallelism", "completions", "backoffLimit", "activeDeadlineSeconds", "ttlSecondsAfterFinished"] {
        not_negative(object, &format!("/spec/{key}"), errors);
    }
    pods::template(&object["spec"]["template"], "spec.template", &[], errors);
    finite(&object["spec"]["template"], "spec.template", errors);
    if let Some(old) = old {
        immutable(object, old, "/spec/completions", errors);
        immutable(object, old, "/spec/selector", errors);
        immutable(object, old, "/spec/completionMode", errors);
        let suspended = old["spec"]["suspend"] == true && old["status"]["startTime"].is_null();
        if !suspended {
            immutable(object, old, "/spec/template", errors);
        }
    }
}

fn finite(template: &Value, path: &str, errors: &mut Errors) {
    let policy = text(template, "/spec/restartPolicy");
    let field = format!("{path}.spec.restartPolicy");
    match policy {
        "OnFailure" | "Never" => {}
        "Always" => errors.push(FieldError::required(field, "valid values: \"OnFailure\", \"Never\"")),
        other => errors.push(FieldError::unsupported(field, &json!(other), &["OnFailure", "Never"])),
    }
}

pub fn cron_job(object: &Value, errors: &mut Errors) {
    let path = "spec.jobTemplate.spec.template";
    let template = &object["spec"]["jobTemplate"]["spec"]["template"];
    pods::template(template, path, &[], errors);
    finite(template, path, errors);
    let schedule = text(object, "/spec/schedule");
    if schedule.is_empty() {
        errors.push(FieldError::required("spec.schedule", ""));
    } else if !schedule.starts_with('@') && schedule.split_whitespace().count() != 5 {
        let found = schedule.split_whitespace().count();
        let detail = format!("expected exactly 5 fields, found {found}: [{schedule}]");
        errors.push(FieldError::invalid("spec.schedule", &json!(schedule), &detail));
    }
    let policy = text(object, "/spec/concurrencyPolicy");
    if !matches!(policy, "Allow" | "Forbid" | "Replace") {
        errors.push(FieldError::unsupported("spec.concurrencyPolicy", &json!(policy), &["Allow", "Forbid", "Replace"]));
    }
}
