//! Label selectors, and workloads that must select their own Pods.

use super::at::At;
use super::finding;
use super::values;
use crate::diag::{Diagnostic, Diags, codes};
use crate::manifest::selectors::Selector;
use serde_json::Value;

/// As in apimachinery: `ValidateLabelSelector`.
pub(super) fn check_selector(selector: At<'_>, diags: &mut Diags) {
    for (key, value) in selector.entries("matchLabels") {
        if !values::is_qualified(&key.value) {
            diags.push(bad_key(key.span, &key.value));
        }
        if let Some(text) = value.as_str().filter(|text| !values::is_label_value(text)) {
            let help = "up to 63 letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
            diags.push(finding::invalid(value.span, format!("`{text}` cannot be the value of a label"), help));
        }
    }
    for requirement in selector.items("matchExpressions") {
        check_requirement(requirement, &["In", "NotIn", "Exists", "DoesNotExist"], diags);
    }
}

/// One requirement: its operator says whether it has values. As in apimachinery: `ValidateLabelSelectorRequirement`.
pub(super) fn check_requirement(requirement: At<'_>, operators: &[&str], diags: &mut Diags) {
    values::word(requirement, "operator", operators, diags);
    let (operator, filled) = (requirement.word("operator"), requirement.filled("values"));
    match operator {
        "In" | "NotIn" if !filled => {
            diags.push(finding::missing(requirement, "values", &format!("a requirement with `{operator}`")));
        }
        "Exists" | "DoesNotExist" if filled => {
            let place = requirement.get("values").unwrap_or(requirement);
            diags.push(finding::forbidden(place, format!("a requirement with `{operator}` takes no `values`")));
        }
        _ => {}
    }
    if let (Some(key), Some(field)) = (requirement.text("key"), requirement.get("key"))
        && !values::is_qualified(key)
    {
        diags.push(bad_key(field.span(), key));
    }
}

fn bad_key(place: crate::source::Span, key: &str) -> Diagnostic {
    let help = "a name of up to 63 letters, digits, `-`, `_` and `.`, after `DOMAIN/` if it has one";
    finding::invalid(place, format!("`{key}` cannot be the key of a label"), help)
}

/// A workload must select its own Pods. As in `pkg/apis/apps/validation`: `ValidateDeploymentSpec` and its like.
pub(super) fn own_template(owner: At<'_>, spec: At<'_>, diags: &mut Diags) {
    let Some(selector) = spec.get("selector") else {
        if !owner.has("spec") {
            diags.push(finding::missing(owner, "selector", &whose(owner)));
        }
        return;
    };
    let before = diags.errors();
    check_selector(selector, diags);
    let value = selector.node.to_json();
    let Some(parsed) = Selector::from_label_selector(&value).ok().flatten().filter(|_| diags.errors() == before) else {
        return;
    };
    if parsed.is_empty() {
        let message = format!("the selector of {} is empty", whose(owner));
        let finding = Diagnostic::new(&codes::SELECTOR_MISMATCH, selector.key, message);
        diags.push(finding.here("would match every Pod").help("give it the labels of the Pod template"));
        return;
    }
    let Some(template) = spec.get("template") else { return };
    let labels = template.get("metadata.labels");
    if parsed.matches(&labels.map_or(Value::Null, |labels| labels.node.to_json())) {
        return;
    }
    let message = format!("the selector of {} does not match its own Pods", whose(owner));
    let place = labels.or_else(|| template.get("metadata")).unwrap_or(template);
    let finding = Diagnostic::new(&codes::SELECTOR_MISMATCH, selector.span(), message)
        .here("wants other labels")
        .label(if labels.is_some() { place.span() } else { place.key }, "than the template has");
    diags.push(finding.help("the API server refuses it: give both the same labels"));
}

/// An object as messages name it.
pub(super) fn whose(object: At<'_>) -> String {
    format!("{} {}", object.word("kind"), object.word("metadata.name")).trim_end().to_owned()
}
