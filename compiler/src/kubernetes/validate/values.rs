//! The bounds of a value: what is not its type.
//!
//! **Invariant:** called only for values of the right type.

use std::collections::BTreeSet;

use super::{findings, formats};
use crate::diag::{Applicability, Diagnostic, suggest};
use crate::kubernetes::schema::{Limits, ListType, Schema, Type};
use crate::syntax::yaml::{Kind, Node};

/// What is wrong with a value of the right type. `custom`: its schema is that of a CustomResourceDefinition.
pub(super) fn check(path: &str, schema: &Schema, node: &Node, custom: bool, out: &mut Vec<Diagnostic>) {
    let before = out.len();
    out.extend(allowed(path, schema, node, custom));
    if out.len() > before {
        return;
    }
    match &node.kind {
        Kind::Str(text) => out.extend(texts(schema, &text.value).map(|why| findings::value(path, node.span, why))),
        Kind::Number(number) => {
            out.extend(numbers(schema, number, custom).map(|why| findings::value(path, node.span, why)));
        }
        Kind::Seq(items) => lists(path, schema, items, node, custom, out),
        Kind::Map(entries) => {
            let why = outside(entries.len(), schema.limits.properties, "entries");
            out.extend(why.map(|why| findings::value(path, node.span, why)));
        }
        Kind::Null | Kind::Bool(_) => {}
    }
}

fn allowed(path: &str, schema: &Schema, node: &Node, custom: bool) -> Option<Diagnostic> {
    // An empty text of a built-in kind is the same as none.
    let empty = !custom && node.as_str().is_some_and(str::is_empty);
    if schema.allowed.is_empty() || empty || schema.allowed.contains(&node.to_json()) {
        return None;
    }
    let known: Vec<&str> = schema.allowed.iter().filter_map(|value| value.as_str()).collect();
    let listed: Vec<String> = schema.allowed.iter().map(|value| format!("`{}`", plain(value))).collect();
    let what = if listed.len() == 1 { "must be" } else { "must be one of" };
    let finding = findings::value(path, node.span, format!("cannot be `{}`", plain(&node.to_json())))
        .here(format!("{what} {}", listed.join(", ")));
    Some(match node.as_str().and_then(|text| suggest::closest(text, known)) {
        Some(real) => finding.help(format!("there is a similar value: `{real}`")).fix(
            format!("use `{real}`"),
            Applicability::Maybe,
            node.span,
            real,
        ),
        None => finding,
    })
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn texts(schema: &Schema, text: &str) -> Option<String> {
    if schema.ty == Type::Quantity {
        return (!formats::is_quantity(text))
            .then(|| format!("is `{text}`, which is no quantity like `100m` or `2Gi`"));
    }
    if let Some(why) = formats::wrong(&schema.format, text) {
        return Some(why.to_owned());
    }
    let pattern = schema.limits.pattern.as_ref().filter(|pattern| pattern.matches(text) == Some(false));
    outside(text.chars().count(), schema.limits.length, "characters")
        .or_else(|| pattern.map(|pattern| format!("is `{text}`, which does not match `{}`", pattern.text)))
}

fn numbers(schema: &Schema, number: &serde_json::Number, custom: bool) -> Option<String> {
    let narrow = schema.format == "int32" || (schema.ty == Type::IntOrText && !custom);
    let whole = number.as_i64().or_else(|| number.as_u64().map(|_| i64::MAX));
    if narrow && whole.is_some_and(|value| i32::try_from(value).is_err()) {
        return Some(format!("is {number}, beyond the range of 32 bits"));
    }
    if schema.ty == Type::Integer && number.is_u64() && number.as_i64().is_none() {
        return Some(format!("is {number}, beyond the range of 64 bits"));
    }
    let value = number.as_f64()?;
    let Limits { minimum, maximum, above, below, multiple_of, .. } = &schema.limits;
    if let Some(least) = minimum.filter(|least| value < *least || (*above && value <= *least)) {
        return Some(format!("is {number}, and must be {} {least}", if *above { "more than" } else { "at least" }));
    }
    if let Some(most) = maximum.filter(|most| value > *most || (*below && value >= *most)) {
        return Some(format!("is {number}, and must be {} {most}", if *below { "less than" } else { "at most" }));
    }
    let step = multiple_of.filter(|step| (value / step).fract() != 0.0)?;
    Some(format!("is {number}, and must be a multiple of {step}"))
}

fn lists(path: &str, schema: &Schema, items: &[Node], node: &Node, custom: bool, out: &mut Vec<Diagnostic>) {
    let why = outside(items.len(), schema.limits.items, "items");
    out.extend(why.map(|why| findings::value(path, node.span, why)));
    let keys: &[String] = match &schema.list {
        ListType::Map(keys) if custom => keys,
        ListType::Set if custom => &[],
        ListType::Atomic if custom && schema.limits.unique => &[],
        ListType::Map(_) | ListType::Set | ListType::Atomic => return,
    };
    let identity = |item: &Node| -> String {
        if keys.is_empty() {
            return item.to_json().to_string();
        }
        let part = |key: &String| {
            let default = || schema.items.as_ref()?.properties.get(key)?.default.clone();
            let value = item.get(key).map(Node::to_json).or_else(default);
            value.map_or_else(String::new, |value| value.to_string())
        };
        keys.iter().map(part).collect::<Vec<_>>().join("\u{0}")
    };
    let mut seen = BTreeSet::new();
    for item in items {
        if !seen.insert(identity(item)) {
            let what = if keys.is_empty() { "value".to_owned() } else { keys.join(" and ") };
            let finding = findings::value(path, item.span, format!("has the same {what} twice"));
            out.push(finding.here("given before"));
        }
    }
}

/// Why a count is outside its bounds.
fn outside(count: usize, (least, most): (Option<u64>, Option<u64>), what: &str) -> Option<String> {
    let count = count as u64;
    if let Some(least) = least.filter(|least| count < *least) {
        return Some(format!("has {count} {what}, and needs at least {least}"));
    }
    most.filter(|most| count > *most).map(|most| format!("has {count} {what}, and may have at most {most}"))
}
