//! Small judgements that many rules share: exactly one of, one of some words, ranges, unique names, name syntax.

use std::collections::BTreeMap;

use super::at::At;
use super::finding;
use crate::diag::{Diagnostic, Diags};
use crate::source::Span;

/// At most one of the fields, and at least one if `needed`.
pub(super) fn one_of(owner: At<'_>, whose: &str, fields: &[&str], needed: bool, diags: &mut Diags) {
    let set: Vec<(&str, At<'_>)> =
        fields.iter().filter_map(|field| owner.get(field).map(|value| (*field, value))).collect();
    match &set[..] {
        [] if needed => {
            let listed = if fields.len() > 8 { &fields[..8] } else { fields };
            diags.push(finding::none_of(owner, whose, listed));
        }
        [] | [_] => {}
        [(first, at), (second, field), ..] => {
            diags.push(finding::exclusive(*field, *at, format!("{whose} has both `{first}` and `{second}`")));
        }
    }
}

/// A text must be one of some words; absent and empty ones are passed over.
pub(super) fn word(owner: At<'_>, path: &str, allowed: &[&str], diags: &mut Diags) {
    if let Some(field) = owner.get(path)
        && field.node.as_str().is_some_and(|text| !text.is_empty() && !allowed.contains(&text))
    {
        diags.push(finding::unsupported(field, last(path), allowed));
    }
}

/// A whole number must lie within limits.
pub(super) fn within(owner: At<'_>, path: &str, (low, high): (i64, i64), diags: &mut Diags) {
    if let (Some(field), Some(value)) = (owner.get(path), owner.int(path))
        && (value < low || value > high)
    {
        let allowed = match (low, high) {
            (low, i64::MAX) => format!("at least {low}"),
            (low, high) => format!("from {low} to {high}"),
        };
        diags.push(finding::range(field, last(path), value, &allowed));
    }
}

/// A whole number must not be negative.
pub(super) fn not_negative(owner: At<'_>, paths: &[&str], diags: &mut Diags) {
    paths.iter().for_each(|path| within(owner, path, (0, i64::MAX), diags));
}

/// A port number.
pub(super) fn port(owner: At<'_>, path: &str, diags: &mut Diags) {
    within(owner, path, (1, 65535), diags);
}

/// A field that must be there and not empty.
pub(super) fn required(owner: At<'_>, field: &str, whose: &str, diags: &mut Diags) {
    if !owner.filled(field) {
        diags.push(finding::missing(owner, field, whose));
    }
}

/// A field that must not be empty where it is written; its absence is judged by the schema.
pub(super) fn not_empty(owner: At<'_>, field: &str, whose: &str, diags: &mut Diags) {
    if owner.node.get(field).is_some() && !owner.filled(field) {
        diags.push(finding::missing(owner, field, whose));
    }
}

/// What was said first of each key; a second one of the same key is a finding.
#[derive(Default)]
pub(super) struct Unique<K> {
    seen: BTreeMap<K, Span>,
}

impl<K: Ord> Unique<K> {
    pub(super) fn add(&mut self, key: K, place: Span, message: impl FnOnce() -> String) -> Option<Diagnostic> {
        if let Some(first) = self.seen.get(&key) {
            return Some(finding::duplicate(place, *first, message()));
        }
        self.seen.insert(key, place);
        None
    }

    pub(super) fn get(&self, key: &K) -> Option<Span> {
        self.seen.get(key).copied()
    }
}

/// RFC 1123 label: up to 63 of `a-z0-9-`, a letter or digit at both ends.
pub(super) fn is_label(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !text.is_empty()
        && text.len() <= 63
        && text.chars().all(|c| plain(c) || c == '-')
        && text.starts_with(plain)
        && text.ends_with(plain)
}

/// RFC 1123 subdomain: labels with dots, up to 253 characters.
pub(super) fn is_subdomain(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let part =
        |part: &str| part.starts_with(plain) && part.ends_with(plain) && part.chars().all(|c| plain(c) || c == '-');
    text.len() <= 253 && text.split('.').all(part)
}

/// IANA service name: up to 15 of `a-z0-9-` with a letter, no `--`, no `-` at an end.
pub(super) fn is_port_name(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    !text.is_empty()
        && text.len() <= 15
        && text.chars().all(|c| plain(c) || c == '-')
        && text.chars().any(|c| c.is_ascii_lowercase())
        && !text.contains("--")
        && text.starts_with(plain)
        && text.ends_with(plain)
}

/// A qualified name: `[SUBDOMAIN/]NAME`, as label keys, resource and condition names are.
pub(super) fn is_qualified(text: &str) -> bool {
    let (prefix, name) = text.split_once('/').map_or((None, text), |(prefix, name)| (Some(prefix), name));
    let ends = |c: char| c.is_ascii_alphanumeric();
    prefix.is_none_or(is_subdomain)
        && !name.is_empty()
        && name.len() <= 63
        && name.starts_with(ends)
        && name.ends_with(ends)
        && name.chars().all(|c| ends(c) || "-_.".contains(c))
}

/// The value of a label.
pub(super) fn is_label_value(text: &str) -> bool {
    let ends = |c: char| c.is_ascii_alphanumeric();
    text.is_empty()
        || (text.len() <= 63
            && text.starts_with(ends)
            && text.ends_with(ends)
            && text.chars().all(|c| ends(c) || "-_.".contains(c)))
}

/// A name that other objects are looked up by must have the syntax of one.
pub(super) fn label_name(owner: At<'_>, path: &str, what: &str, diags: &mut Diags) {
    if let (Some(field), Some(name)) = (owner.get(path), owner.text(path))
        && !is_label(name)
    {
        let message = format!("`{name}` is no name for a {what}");
        let help = "use up to 63 lower-case letters, digits and `-`, with a letter or digit at both ends";
        diags.push(finding::invalid(field.span(), message, help));
    }
}

/// The value of a quantity; `None` for what is none.
pub(super) fn quantity(text: &str) -> Option<f64> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || "+-.".contains(c))).unwrap_or(text.len());
    let number: f64 = text[..end].parse().ok()?;
    let factor = match &text[end..] {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024f64.powi(2),
        "Gi" => 1024f64.powi(3),
        "Ti" => 1024f64.powi(4),
        "Pi" => 1024f64.powi(5),
        "Ei" => 1024f64.powi(6),
        exponent => 10f64.powi(exponent.strip_prefix(['e', 'E'])?.parse().ok()?),
    };
    Some(number * factor)
}

/// A quantity as it is written, text or number.
pub(super) fn amount(node: &crate::syntax::yaml::Node) -> Option<(f64, String)> {
    match (node.as_str(), node.as_number()) {
        (Some(text), _) => Some((quantity(text)?, text.to_owned())),
        (None, Some(number)) => Some((number.as_f64()?, number.to_string())),
        (None, None) => None,
    }
}

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}
