//! Autoscalers, in version 1 and 2.

use super::at::At;
use super::finding;
use super::values::{amount, not_empty, not_negative, within, word};
use crate::diag::{Diagnostic, Diags, codes};

/// A type of metric and the field that says it.
const TYPES: &[(&str, &str)] = &[
    ("Resource", "resource"),
    ("Pods", "pods"),
    ("Object", "object"),
    ("External", "external"),
    ("ContainerResource", "containerResource"),
];

/// As in `pkg/apis/autoscaling/validation`: `validateHorizontalPodAutoscalerSpec`.
pub(super) fn check(spec: At<'_>, diags: &mut Diags) {
    let (least, most) = (spec.int("minReplicas"), spec.int("maxReplicas"));
    within(spec, "maxReplicas", (1, i64::from(i32::MAX)), diags);
    let by_others = spec.items("metrics").iter().any(|metric| matches!(metric.word("type"), "Object" | "External"));
    if least != Some(0) || !by_others {
        within(spec, "minReplicas", (1, i64::from(i32::MAX)), diags);
    }
    if let (Some(least), Some(most)) = (least, most)
        && least > most
        && most > 0
    {
        let message = format!("`maxReplicas` is {most}, less than `minReplicas` {least}");
        let finding = Diagnostic::new(&codes::OUT_OF_RANGE, spec.place("maxReplicas"), message);
        diags.push(
            finding.here("less").label(spec.place("minReplicas"), "than this").help("raise it, or lower `minReplicas`"),
        );
    }
    within(spec, "targetCPUUtilizationPercentage", (1, i64::from(i32::MAX)), diags);
    if let Some(target) = spec.get("scaleTargetRef") {
        not_empty(target, "kind", "the target", diags);
        not_empty(target, "name", "the target", diags);
    }
    spec.items("metrics").into_iter().for_each(|metric| check_metric(metric, diags));
    for direction in ["scaleUp", "scaleDown"] {
        if let Some(rules) = spec.get(&format!("behavior.{direction}")) {
            check_behavior(rules, direction, diags);
        }
    }
}

/// As in `pkg/apis/autoscaling/validation`: `validateMetricSpec`, `validateMetricTarget`.
fn check_metric(metric: At<'_>, diags: &mut Diags) {
    let types: Vec<&str> = TYPES.iter().map(|(ty, _)| *ty).collect();
    word(metric, "type", &types, diags);
    let Some((ty, own)) = TYPES.iter().find(|(ty, _)| *ty == metric.word("type")) else { return };
    if !metric.has(own) {
        let owner = metric.get("type").unwrap_or(metric);
        let finding = Diagnostic::new(
            &codes::REQUIRED_BY_RULE,
            owner.span(),
            format!("a metric of the type `{ty}` has no `{own}`"),
        );
        diags.push(finding.here("the API server refuses it without").help(format!("add `{own}`")));
    }
    for (_, other) in TYPES.iter().filter(|(_, other)| other != own) {
        if let Some(at) = metric.get(other) {
            diags.push(finding::forbidden(at, format!("a metric of the type `{ty}` has `{other}`")));
        }
    }
    let Some(target) = metric.get(&format!("{own}.target")) else { return };
    word(target, "type", &["Utilization", "Value", "AverageValue"], diags);
    within(target, "averageUtilization", (1, i64::from(i32::MAX)), diags);
    for field in ["value", "averageValue"] {
        if let Some(at) = target.get(field)
            && let Some((_, text)) = amount(at.node).filter(|(number, _)| *number <= 0.0)
        {
            diags.push(finding::invalid(at.span(), format!("`{field}` is {text}"), "write more than 0"));
        }
    }
    check_target(metric, own, target, diags);
}

/// Which value a target has. As in `pkg/apis/autoscaling/validation`: `validateResourceSource` and its like.
fn check_target(metric: At<'_>, own: &str, target: At<'_>, diags: &mut Diags) {
    let has = |field: &str| target.has(field);
    let needed: &[&str] = match own {
        "resource" | "containerResource" => &["averageUtilization", "averageValue"],
        "pods" => &["averageValue"],
        _ => &["value", "averageValue"],
    };
    if !needed.iter().any(|field| has(field)) {
        diags.push(finding::none_of(target, "the target", needed));
    } else if needed.len() == 2 && needed.iter().all(|field| has(field)) && own != "object" {
        let (first, second) = (target.get(needed[0]).unwrap_or(target), target.get(needed[1]).unwrap_or(target));
        diags.push(finding::exclusive(
            second,
            first,
            format!("the target has both `{}` and `{}`", needed[0], needed[1]),
        ));
    }
    if let Some(source) = metric.get(own)
        && matches!(own, "resource" | "containerResource")
    {
        not_empty(source, "name", "the metric", diags);
    }
}

/// As in `pkg/apis/autoscaling/validation`: `validateScalingRules`, `validateScalingPolicy`.
fn check_behavior(rules: At<'_>, direction: &str, diags: &mut Diags) {
    within(rules, "stabilizationWindowSeconds", (0, 3600), diags);
    word(rules, "selectPolicy", &["Max", "Min", "Disabled"], diags);
    if rules.get("policies").is_some() && !rules.filled("policies") {
        diags.push(finding::missing(rules, "policies", &format!("`{direction}`")));
    }
    for policy in rules.items("policies") {
        word(policy, "type", &["Pods", "Percent"], diags);
        within(policy, "value", (1, i64::from(i32::MAX)), diags);
        within(policy, "periodSeconds", (1, 1800), diags);
    }
    not_negative(rules, &["tolerance"], diags);
}
