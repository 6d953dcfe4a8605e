//! How the rules word what they find.

use super::at::At;
use crate::diag::{Applicability, Diagnostic, codes, suggest};
use crate::source::Span;

/// A field that the API server asks for is not there.
pub(super) fn missing(owner: At<'_>, field: &str, whose: &str) -> Diagnostic {
    let place = owner.get(field).map_or(owner.key, |field| field.key);
    Diagnostic::new(&codes::REQUIRED_BY_RULE, place, format!("{whose} has no `{field}`"))
        .here("the API server refuses it without")
        .help(format!("add `{field}`"))
}

/// A field that may not be where it is.
pub(super) fn forbidden(field: At<'_>, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(&codes::FIELD_FORBIDDEN, field.key, message).here("not allowed here").help("remove it")
}

/// A word that is not one of those allowed.
pub(super) fn unsupported(field: At<'_>, name: &str, allowed: &[&str]) -> Diagnostic {
    let value = field.node.as_str().unwrap_or("");
    let listed: Vec<String> = allowed.iter().map(|word| format!("`{word}`")).collect();
    let listed = listed.join(", ");
    let finding = Diagnostic::new(&codes::UNSUPPORTED_VALUE, field.span(), format!("`{name}` cannot be `{value}`"));
    match suggest::closest(value, allowed.iter().copied()) {
        Some(real) => finding.here(format!("did you mean `{real}`?")).help(format!("it is one of {listed}")).fix(
            format!("write `{real}`"),
            Applicability::Maybe,
            field.span(),
            real,
        ),
        None => finding.here("no such value").help(format!("it is one of {listed}")),
    }
}

/// A number outside of what is allowed.
pub(super) fn range(field: At<'_>, name: &str, value: i64, allowed: &str) -> Diagnostic {
    Diagnostic::new(&codes::OUT_OF_RANGE, field.span(), format!("`{name}` is {value}, and must be {allowed}"))
        .here("out of range")
        .help(format!("write a number that is {allowed}"))
}

/// The second of two things that must differ.
pub(super) fn duplicate(place: Span, first: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(&codes::DUPLICATE_ENTRY, place, message)
        .here("again")
        .label(first, "first here")
        .help("give it another name, or remove one")
}

/// Several fields of which one is allowed.
pub(super) fn exclusive(field: At<'_>, first: At<'_>, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(&codes::FIELDS_EXCLUDE, field.key, message)
        .here("this one")
        .label(first.key, "and this one")
        .help("keep one of them")
}

/// None of several fields of which one is needed.
pub(super) fn none_of(owner: At<'_>, whose: &str, fields: &[&str]) -> Diagnostic {
    let listed: Vec<String> = fields.iter().map(|field| format!("`{field}`")).collect();
    let message = format!("{whose} says none of {}", listed.join(", "));
    Diagnostic::new(&codes::REQUIRED_BY_RULE, owner.key, message).here("one is needed").help("add one of them")
}

/// A value that the server does not take.
pub(super) fn invalid(place: Span, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
    Diagnostic::new(&codes::INVALID_VALUE, place, message).here("the API server refuses it").help(help)
}
