//! What every object says of itself. Names, labels and annotations are judged with the structure.

use super::at::At;
use super::finding;
use super::values::{required, word};
use crate::diag::{Diags, Severity};
use crate::manifest::scope;

/// As in apimachinery: `ValidateObjectMetaAccessor` and the validation of managed fields and owners.
pub(super) fn check(object: At<'_>, group: &str, kind: &str, diags: &mut Diags) {
    let Some(metadata) = object.get("metadata") else { return };
    if let (Some(namespace), Some(false)) = (metadata.get("namespace"), scope::is_namespaced(group, kind))
        && metadata.filled("namespace")
    {
        let message = format!("a {kind} belongs to no namespace, and this one names `{}`", metadata.word("namespace"));
        let mut finding = finding::forbidden(namespace, message).here("the API server drops it");
        finding.severity = Severity::Warning;
        diags.push(finding);
    }
    for entry in metadata.items("managedFields") {
        word(entry, "operation", &["Apply", "Update"], diags);
        word(entry, "fieldsType", &["FieldsV1"], diags);
    }
    let mut controller = None;
    for owner in metadata.items("ownerReferences") {
        for field in ["apiVersion", "kind", "name", "uid"] {
            required(owner, field, "an owner reference", diags);
        }
        if owner.bool("controller") {
            match controller {
                None => controller = Some(owner.place("controller")),
                Some(first) => {
                    diags.push(finding::duplicate(owner.place("controller"), first, "the object has two controllers"));
                }
            }
        }
    }
    let finalizers = metadata.items("finalizers");
    for finalizer in finalizers {
        if let Some(text) = finalizer.node.as_str().filter(|text| !super::values::is_qualified(text)) {
            let message = format!("`{text}` cannot be a finalizer");
            diags.push(finding::invalid(finalizer.span(), message, "write it as `DOMAIN/NAME`"));
        }
    }
}
