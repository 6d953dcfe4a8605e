//! Admission webhooks and policies.

use super::at::At;
use super::finding;
use super::labels::check_selector;
use super::values::{Unique, is_subdomain, not_empty, one_of, port, required, within, word};
use crate::diag::Diags;

/// As in `pkg/apis/admissionregistration/validation`: `validateValidatingWebhook` and its like.
pub(super) fn check_webhooks(object: At<'_>, diags: &mut Diags) {
    let mut names = Unique::default();
    for webhook in object.items("webhooks") {
        let name = webhook.word("name");
        let whose = format!("webhook `{name}`");
        diags.extend(names.add(name, webhook.place("name"), || format!("two webhooks are called `{name}`")));
        if !name.is_empty() && (!is_subdomain(name) || name.split('.').count() < 3) {
            let message = format!("`{name}` is no name for a webhook");
            diags.push(finding::invalid(
                webhook.place("name"),
                message,
                "write at least three labels: `check.example.com`",
            ));
        }
        word(webhook, "sideEffects", &["None", "NoneOnDryRun"], diags);
        word(webhook, "failurePolicy", &["Ignore", "Fail"], diags);
        word(webhook, "matchPolicy", &["Exact", "Equivalent"], diags);
        word(webhook, "reinvocationPolicy", &["Never", "IfNeeded"], diags);
        within(webhook, "timeoutSeconds", (1, 30), diags);
        not_empty(webhook, "admissionReviewVersions", &whose, diags);
        check_versions(webhook, diags);
        for selector in ["namespaceSelector", "objectSelector"].iter().filter_map(|field| webhook.get(field)) {
            check_selector(selector, diags);
        }
        webhook.items("rules").into_iter().for_each(|rule| check_rule(rule, &whose, diags));
        if let Some(config) = webhook.get("clientConfig") {
            check_client(config, &whose, diags);
        }
    }
}

fn check_versions(webhook: At<'_>, diags: &mut Diags) {
    let versions = webhook.items("admissionReviewVersions");
    let known = versions.iter().any(|version| matches!(version.node.as_str(), Some("v1" | "v1beta1")));
    if let (Some(first), false) = (versions.first(), known) {
        diags.push(finding::invalid(first.span(), "none of `admissionReviewVersions` is known", "add `v1`"));
    }
}

/// As in `pkg/apis/admissionregistration/validation`: `validateRuleWithOperations`.
fn check_rule(rule: At<'_>, whose: &str, diags: &mut Diags) {
    for field in ["operations", "apiGroups", "apiVersions", "resources"] {
        required(rule, field, &format!("a rule of {whose}"), diags);
    }
    let operations = ["*", "CREATE", "UPDATE", "DELETE", "CONNECT"];
    for operation in rule.items("operations") {
        if operation.node.as_str().is_some_and(|text| !operations.contains(&text)) {
            diags.push(finding::unsupported(operation, "operations", &operations));
        }
    }
    for field in ["operations", "apiGroups", "apiVersions"] {
        let items = rule.items(field);
        if let Some(star) = items.iter().find(|item| item.node.as_str() == Some("*")).filter(|_| items.len() > 1) {
            diags.push(finding::invalid(
                star.span(),
                format!("`*` of `{field}` stands with others"),
                "let it stand alone",
            ));
        }
    }
    word(rule, "scope", &["Cluster", "Namespaced", "*"], diags);
}

/// As in apiserver: `webhook.ValidateWebhookURL`, `webhook.ValidateWebhookService`.
fn check_client(config: At<'_>, whose: &str, diags: &mut Diags) {
    one_of(config, whose, &["url", "service"], true, diags);
    if let Some(url) = config.text("url").filter(|url| !url.starts_with("https://")) {
        diags.push(finding::invalid(
            config.place("url"),
            format!("`{url}` is no https address"),
            "begin with `https://`",
        ));
    }
    if let Some(service) = config.get("service") {
        not_empty(service, "name", whose, diags);
        not_empty(service, "namespace", whose, diags);
        port(service, "port", diags);
    }
}

/// As in `pkg/apis/admissionregistration/validation`: `validateValidatingAdmissionPolicySpec`.
pub(super) fn check_policy(object: At<'_>, diags: &mut Diags) {
    let spec = object.get("spec").unwrap_or(object);
    let constraints = spec.get("matchConstraints");
    if constraints.is_none() {
        diags.push(finding::missing(spec, "matchConstraints", "the policy"));
    }
    if let Some(constraints) = constraints {
        required(constraints, "resourceRules", "`matchConstraints`", diags);
        constraints.items("resourceRules").into_iter().for_each(|rule| check_rule(rule, "the policy", diags));
    }
    word(spec, "failurePolicy", &["Ignore", "Fail"], diags);
    if object.word("kind") == "ValidatingAdmissionPolicy"
        && !spec.filled("validations")
        && !spec.filled("auditAnnotations")
    {
        diags.push(finding::none_of(spec, "the policy", &["validations", "auditAnnotations"]));
    }
    for validation in spec.items("validations") {
        not_empty(validation, "expression", "a validation", diags);
    }
    let mut names = Unique::default();
    for variable in spec.items("variables") {
        let name = variable.word("name");
        diags.extend(names.add(name, variable.place("name"), || format!("two variables are called `{name}`")));
        not_empty(variable, "expression", "a variable", diags);
    }
}

/// As in `pkg/apis/admissionregistration/validation`: `validateValidatingAdmissionPolicyBindingSpec`.
pub(super) fn check_policy_binding(object: At<'_>, diags: &mut Diags) {
    let spec = object.get("spec").unwrap_or(object);
    required(spec, "policyName", "the binding", diags);
    if object.word("kind") != "ValidatingAdmissionPolicyBinding" {
        return;
    }
    required(spec, "validationActions", "the binding", diags);
    let actions = ["Deny", "Warn", "Audit"];
    let mut seen = Unique::default();
    for action in spec.items("validationActions") {
        let Some(text) = action.node.as_str() else { continue };
        if !actions.contains(&text) {
            diags.push(finding::unsupported(action, "validationActions", &actions));
        }
        diags.extend(seen.add(text, action.span(), || format!("the action `{text}` is said twice")));
    }
    if let (Some(_), Some(warn)) = (seen.get(&"Deny"), seen.get(&"Warn")) {
        diags.push(finding::invalid(
            warn,
            "`Warn` stands with `Deny`",
            "a denied request has its message anyway: remove one",
        ));
    }
}
