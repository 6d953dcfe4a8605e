//! Where Pods may run: affinities, tolerations, spread constraints.

use super::at::At;
use super::finding;
use super::labels::check_requirement;
use super::pod::check_inner_selector;
use super::values::{Unique, is_label_value, is_qualified, required, within, word};
use crate::diag::{Diags, Severity};

const NODE_OPERATORS: &[&str] = &["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"];

/// As in `pkg/apis/core/validation`: `validateAffinity`, `ValidateTolerations`, `validateTopologySpreadConstraints`.
pub(super) fn check(spec: At<'_>, diags: &mut Diags) {
    for (key, value) in spec.entries("nodeSelector") {
        let bad_value = value.as_str().is_some_and(|text| !is_label_value(text));
        if !is_qualified(&key.value) || bad_value {
            let message = format!("`{}` of `nodeSelector` is no label", key.value);
            diags.push(finding::invalid(key.span, message, "write a label that nodes can have"));
        }
    }
    check_node_affinity(spec, diags);
    for side in ["affinity.podAffinity", "affinity.podAntiAffinity"] {
        for term in spec.items(&format!("{side}.requiredDuringSchedulingIgnoredDuringExecution")) {
            check_term(term, diags);
        }
        for preferred in spec.items(&format!("{side}.preferredDuringSchedulingIgnoredDuringExecution")) {
            within(preferred, "weight", (1, 100), diags);
            if let Some(term) = preferred.get("podAffinityTerm") {
                check_term(term, diags);
            }
        }
    }
    spec.items("tolerations").into_iter().for_each(|toleration| check_toleration(toleration, diags));
    check_spread(spec, diags);
}

fn check_node_affinity(spec: At<'_>, diags: &mut Diags) {
    let Some(affinity) = spec.get("affinity.nodeAffinity") else { return };
    if let Some(required) = affinity.get("requiredDuringSchedulingIgnoredDuringExecution") {
        check_node_selector(required, diags);
    }
    for preferred in affinity.items("preferredDuringSchedulingIgnoredDuringExecution") {
        within(preferred, "weight", (1, 100), diags);
        preferred.items("preference.matchExpressions").into_iter().for_each(|at| check_node_requirement(at, diags));
    }
}

/// As in `pkg/apis/core/validation`: `ValidateNodeSelector`.
pub(super) fn check_node_selector(selector: At<'_>, diags: &mut Diags) {
    super::values::not_empty(selector, "nodeSelectorTerms", "the node selector", diags);
    for term in selector.items("nodeSelectorTerms") {
        term.items("matchExpressions").into_iter().for_each(|at| check_node_requirement(at, diags));
        for field in term.items("matchFields") {
            word(field, "operator", &["In", "NotIn"], diags);
            word(field, "key", &["metadata.name"], diags);
        }
    }
}

fn check_node_requirement(requirement: At<'_>, diags: &mut Diags) {
    check_requirement(requirement, NODE_OPERATORS, diags);
    let values = requirement.items("values");
    if matches!(requirement.word("operator"), "Gt" | "Lt") && values.len() != 1 {
        let message = format!("a requirement with `{}` has {} values", requirement.word("operator"), values.len());
        diags.push(finding::invalid(requirement.place("values"), message, "give it one number"));
    }
}

fn check_term(term: At<'_>, diags: &mut Diags) {
    super::values::not_empty(term, "topologyKey", "an affinity term", diags);
    check_key(term, diags);
    check_inner_selector(term, diags);
}

fn check_key(term: At<'_>, diags: &mut Diags) {
    if let Some(key) =
        term.get("topologyKey").filter(|_| term.text("topologyKey").is_some_and(|key| !is_qualified(key)))
    {
        let message = format!("`{}` is no key of a label", term.word("topologyKey"));
        diags.push(finding::invalid(key.span(), message, "write the label of nodes that tells places apart"));
    }
}

/// As in `pkg/apis/core/validation`: `ValidateTolerations`.
fn check_toleration(toleration: At<'_>, diags: &mut Diags) {
    let before = diags.iter().filter(|found| found.severity == Severity::Error).count();
    word(toleration, "operator", &["Equal", "Exists", "Lt", "Gt"], diags);
    word(toleration, "effect", &["NoSchedule", "PreferNoSchedule", "NoExecute"], diags);
    if diags.errors() > before {
        return;
    }
    let operator = toleration.word("operator");
    if toleration.text("key").is_none() && operator != "Exists" {
        diags.push(finding::missing(toleration, "key", "a toleration whose operator is not `Exists`"));
    }
    if operator == "Exists" && toleration.filled("value") {
        let field = toleration.get("value").unwrap_or(toleration);
        diags.push(finding::forbidden(field, "a toleration with `Exists` takes no `value`"));
    }
    if let Some(seconds) = toleration.get("tolerationSeconds").filter(|_| toleration.word("effect") != "NoExecute") {
        diags.push(finding::forbidden(seconds, "`tolerationSeconds` is for the effect `NoExecute` only"));
    }
}

fn check_spread(spec: At<'_>, diags: &mut Diags) {
    let mut pairs = Unique::default();
    for constraint in spec.items("topologySpreadConstraints") {
        within(constraint, "maxSkew", (1, i64::from(i32::MAX)), diags);
        within(constraint, "minDomains", (1, i64::from(i32::MAX)), diags);
        word(constraint, "whenUnsatisfiable", &["DoNotSchedule", "ScheduleAnyway"], diags);
        word(constraint, "nodeAffinityPolicy", &["Ignore", "Honor"], diags);
        word(constraint, "nodeTaintsPolicy", &["Ignore", "Honor"], diags);
        check_inner_selector(constraint, diags);
        required(constraint, "topologyKey", "a spread constraint", diags);
        check_key(constraint, diags);
        let pair = (constraint.word("topologyKey"), constraint.word("whenUnsatisfiable"));
        let message = || format!("two spread constraints are for `{}` and `{}`", pair.0, pair.1);
        diags.extend(pairs.add(pair, constraint.place("topologyKey"), message));
        if let Some(domains) = constraint.get("minDomains").filter(|_| pair.1 == "ScheduleAnyway") {
            diags.push(finding::forbidden(domains, "`minDomains` is for `DoNotSchedule` only"));
        }
    }
}
