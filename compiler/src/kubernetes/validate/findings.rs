//! The wording of findings about fields.

use crate::diag::{Applicability, Diagnostic, codes, suggest};
use crate::kubernetes::Object;
use crate::kubernetes::schema::{Schema, Type};
use crate::source::{Sources, Span};
use crate::syntax::Text;
use crate::syntax::yaml::{Kind, Node};

/// The place of a field's value, or the whole object.
pub(super) fn document(object: &Object<'_>, field: &str) -> Span {
    object.node.get(field).map_or(object.node.span, |node| node.span)
}

/// A key that the schema does not have, and which one was probably meant. `beside` is what is written there.
pub(super) fn unknown(path: &str, key: &Text, known: &[&str], beside: &[(Text, Node)]) -> (Diagnostic, Option<String>) {
    let free = known.iter().copied().filter(|name| !beside.iter().any(|(key, _)| key.value == *name));
    let closest = suggest::closest(&key.value, free);
    let finding =
        Diagnostic::new(&codes::FIELD_UNKNOWN, key.span, format!("unknown field `{path}`")).here("no such field");
    let finding = match closest {
        Some(real) => finding.help(format!("there is a field with a similar name: `{real}`")).fix(
            format!("rename it to `{real}`"),
            Applicability::Maybe,
            key.span,
            real,
        ),
        None if known.is_empty() => finding.help("no fields are known here"),
        None => finding.help(format!("the fields here are {}", listed(known))),
    };
    (finding, closest.map(str::to_owned))
}

fn listed(known: &[&str]) -> String {
    let shown: Vec<String> = known.iter().take(12).map(|name| format!("`{name}`")).collect();
    let more = known.len().saturating_sub(shown.len());
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// A field without which the object is refused; `parent` is where it would stand.
pub(super) fn missing(path: &str, name: &str, parent: Span) -> Diagnostic {
    Diagnostic::new(&codes::FIELD_REQUIRED, parent, format!("`{path}` is missing"))
        .here(format!("needs a field `{name}`"))
}

/// A value of the wrong type.
pub(super) fn wrong_type(sources: &Sources, path: &str, schema: &Schema, node: &Node, key: Span) -> Diagnostic {
    let expected = expected(schema.ty);
    let span = if node.span.start == node.span.end { key } else { node.span };
    let finding = Diagnostic::new(&codes::FIELD_TYPE, span, format!("`{path}` is {}, not {expected}", node.what()))
        .here(format!("{expected} is expected here"));
    match &node.kind {
        Kind::Bool(_) | Kind::Number(_) if schema.ty == Type::Text => quoted(sources, finding, node),
        Kind::Str(text) => unquoted(sources, finding, text, schema.ty),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Seq(_) | Kind::Map(_) => finding,
    }
}

/// YAML takes `yes`, `on` and `1.0` for something else than texts: quotes help.
fn quoted(sources: &Sources, finding: Diagnostic, node: &Node) -> Diagnostic {
    let written = sources.slice(node.span);
    let finding = finding.help("put it into quotes");
    let simple = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '+');
    if written.is_empty() || !written.chars().all(simple) {
        return finding;
    }
    finding.fix("put it into quotes", Applicability::Safe, node.span, format!("\"{written}\""))
}

fn unquoted(sources: &Sources, finding: Diagnostic, text: &Text, ty: Type) -> Diagnostic {
    let fits = match ty {
        Type::Integer => text.value.parse::<i32>().is_ok_and(|number| number.to_string() == text.value),
        Type::Boolean => matches!(text.value.as_str(), "true" | "false"),
        Type::Any | Type::Object | Type::Array | Type::Text | Type::Number | Type::IntOrText | Type::Quantity => false,
    };
    if !fits || !sources.slice(text.span).starts_with(['"', '\'']) {
        return finding;
    }
    finding.help("leave the quotes out").fix("leave the quotes out", Applicability::Safe, text.span, text.value.clone())
}

fn expected(ty: Type) -> &'static str {
    match ty {
        Type::Any => "a value",
        Type::Object => "a mapping",
        Type::Array => "a list",
        Type::Text => "a text",
        Type::Integer => "a whole number",
        Type::Number => "a number",
        Type::Boolean => "`true` or `false`",
        Type::IntOrText => "a whole number or a text",
        Type::Quantity => "a quantity",
    }
}

/// A value of the right type that is not allowed.
pub(super) fn value(path: &str, span: Span, why: impl std::fmt::Display) -> Diagnostic {
    Diagnostic::new(&codes::FIELD_VALUE, span, format!("`{path}` {why}"))
}
