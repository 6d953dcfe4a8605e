//! The environment variables of a container.

use super::at::At;
use super::finding;
use super::values::{not_empty, one_of, required};
use crate::diag::{Diagnostic, Diags, codes};

/// Paths of a Pod's own fields that a variable may take.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];

/// As in `pkg/apis/core/validation`: `ValidateEnv`, `ValidateEnvFrom`.
pub(super) fn check(container: At<'_>, whose: &str, diags: &mut Diags) {
    for variable in container.items("env") {
        not_empty(variable, "name", &format!("a variable of {whose}"), diags);
        let name = variable.word("name");
        if !name.is_empty() && !name.chars().all(|c| (' '..='~').contains(&c) && c != '=') {
            let finding = Diagnostic::new(
                &codes::INVALID_VALUE,
                variable.place("name"),
                format!("`{name}` is no name for a variable"),
            );
            diags.push(finding.here("not printable ASCII, or with `=`").help("use letters, digits, `_`, `-` and `.`"));
        }
        if let Some(source) = variable.get("valueFrom") {
            check_source(variable, source, name, diags);
        }
    }
    for source in container.items("envFrom") {
        let whose = format!("an entry of `envFrom` of {whose}");
        one_of(source, &whose, &["configMapRef", "secretRef"], true, diags);
        for field in ["configMapRef", "secretRef"] {
            if let Some(reference) = source.get(field) {
                required(reference, "name", &whose, diags);
            }
        }
    }
}

/// As in `pkg/apis/core/validation`: `validateEnvVarValueFrom`.
fn check_source(variable: At<'_>, source: At<'_>, name: &str, diags: &mut Diags) {
    const SOURCES: &[&str] = &["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"];
    let whose = format!("variable `{name}`");
    one_of(source, &whose, SOURCES, true, diags);
    if let Some(value) = variable.get("value").filter(|_| variable.filled("value")) {
        diags.push(finding::exclusive(source, value, format!("{whose} has both `value` and `valueFrom`")));
    }
    for field in ["configMapKeyRef", "secretKeyRef"] {
        if let Some(reference) = source.get(field) {
            required(reference, "name", &whose, diags);
            not_empty(reference, "key", &whose, diags);
            if let Some(key) = reference.text("key").filter(|key| !super::configuration::is_key(key)) {
                diags.push(super::configuration::bad_key(reference.place("key"), key));
            }
        }
    }
    if let Some(path) = source.text("fieldRef.fieldPath") {
        let subscript = ["metadata.labels[", "metadata.annotations["].iter().any(|start| path.starts_with(start));
        if !FIELDS.contains(&path) && !subscript {
            let field = source.get("fieldRef.fieldPath").unwrap_or(source);
            diags.push(finding::unsupported(field, "fieldPath", FIELDS));
        }
    }
    if let Some(resource) = source.text("resourceFieldRef.resource") {
        let (kind, rest) = resource.split_once('.').unwrap_or((resource, ""));
        let known = ["cpu", "memory", "ephemeral-storage"].contains(&rest) || rest.starts_with("hugepages-");
        if !matches!(kind, "limits" | "requests") || !known {
            let field = source.get("resourceFieldRef.resource").unwrap_or(source);
            diags.push(finding::unsupported(
                field,
                "resource",
                &["limits.cpu", "limits.memory", "limits.ephemeral-storage", "requests.cpu", "requests.memory"],
            ));
        }
    }
}
