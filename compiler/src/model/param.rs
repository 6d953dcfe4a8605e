//! Parameters and results with their whole types: what is written fits together, defaults fit their types.

use std::collections::BTreeMap;

use regex::Regex;
use serde_json::{Map, Value as Json};

use super::shape::{self, Kind, Misfit, Shape};
use super::{Param, ResultDecl, ValueType, resolve::unique};
use crate::diag::{Applicability, Diagnostic, Diags, codes, suggest};
use crate::source::{Span, Spanned};
use crate::spec::param::{self as written, Literal, Typing};

/// Parameters with types, their defaults checked.
pub fn params(params: &[written::Param], diags: &mut Diags) -> Vec<Param> {
    let resolved = |param: &written::Param| {
        let shape = shape(&param.name, &param.typing, diags);
        let default = default(&param.name, &param.typing, &shape, param.default.as_ref(), diags);
        Param { name: param.name.clone(), ty: shape.ty(), shape, default, propagate: param.propagate }
    };
    params.iter().map(resolved).collect()
}

/// Results with types.
pub fn results(results: &[written::ResultDecl], diags: &mut Diags) -> Vec<ResultDecl> {
    let resolved = |result: &written::ResultDecl| {
        let shape = shape(&result.name, &result.typing, diags);
        let default = default(&result.name, &result.typing, &shape, result.default.as_ref(), diags);
        ResultDecl { name: result.name.clone(), ty: shape.ty(), shape, default }
    };
    results.iter().map(resolved).collect()
}

/// The type that is written, as far as it makes sense.
fn shape(name: &Spanned<String>, typing: &Typing, diags: &mut Diags) -> Shape {
    let ty = ValueType::parse(&typing.ty.value).unwrap_or(ValueType::String);
    stray(ty, typing, diags);
    let of = typing.of.as_ref().and_then(|of| ValueType::parse(&of.value)).unwrap_or(ValueType::String);
    let kind = match ty {
        ValueType::Enum => Kind::Enum(one_of(name, typing, diags)),
        ValueType::List => Kind::List(of),
        ValueType::Map => Kind::Map(of),
        ValueType::Object => Kind::Object(fields(name, typing, diags)),
        plain => Kind::Plain(plain),
    };
    let pattern = typing.pattern.as_ref().filter(|text| readable(text, diags));
    if let (Some(min), Some(max)) = (&typing.min, &typing.max)
        && min.value > max.value
    {
        let finding =
            Diagnostic::new(&codes::EMPTY_RANGE, max.span, format!("no value of `{}` is in its range", name.value));
        diags.push(finding.here(format!("less than {}", min.value)).label(min.span, "the smallest"));
    }
    Shape {
        kind,
        pattern: pattern.map(|text| text.value.clone()),
        min: typing.min.as_ref().map(|min| min.value),
        max: typing.max.as_ref().map(|max| max.value),
    }
}

/// Reports what does not go with the type.
fn stray(ty: ValueType, typing: &Typing, diags: &mut Diags) {
    let mut wrong = |span: Span, what: &str, wanted: &str| {
        let message = format!("`{what}` does not go with the type {}", ty.as_str());
        let finding = Diagnostic::new(&codes::TYPE_INCOMPLETE, span, message).here(format!("only for {wanted}"));
        diags.push(finding.label(typing.ty.span, "the type"));
    };
    if let Some(of) = typing.of.as_ref().filter(|_| !matches!(ty, ValueType::List | ValueType::Map)) {
        wrong(of.span, "of", "a list or a map");
    }
    if let Some(first) = typing.one_of.first().filter(|_| ty != ValueType::Enum) {
        wrong(first.span, "one-of", "an enum");
    }
    if let Some(first) = typing.fields.first().filter(|_| ty != ValueType::Object) {
        wrong(first.name.span, "field", "an object");
    }
    let counted = matches!(ty, ValueType::Int | ValueType::Number | ValueType::List);
    if let Some(bound) = typing.min.as_ref().or(typing.max.as_ref()).filter(|_| !counted) {
        wrong(bound.span, if typing.min.is_some() { "min" } else { "max" }, "int, number and list");
    }
    let whole = matches!(ty, ValueType::Enum | ValueType::Bool | ValueType::Object);
    if let Some(pattern) = typing.pattern.as_ref().filter(|_| whole) {
        wrong(pattern.span, "pattern", "texts, and lists and maps of them");
    }
}

fn one_of(name: &Spanned<String>, typing: &Typing, diags: &mut Diags) -> Vec<String> {
    if typing.one_of.is_empty() {
        let message = format!("the enum `{}` has no values", name.value);
        let finding = Diagnostic::new(&codes::TYPE_INCOMPLETE, typing.ty.span, message).here("of which values");
        diags.push(finding.help("add `one-of \"A\" \"B\"`"));
    }
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for value in &typing.one_of {
        if let Some(first) = seen.get(value.value.as_str()) {
            let message = format!("`{}` stands twice in `one-of`", value.value);
            let finding = Diagnostic::new(&codes::DUPLICATE_VALUE, value.span, message).here("again");
            diags.push(finding.label(*first, "first here"));
        }
        seen.entry(&value.value).or_insert(value.span);
    }
    typing.one_of.iter().map(|text| text.value.clone()).collect()
}

fn fields(name: &Spanned<String>, typing: &Typing, diags: &mut Diags) -> Vec<shape::Field> {
    if typing.fields.is_empty() {
        let message = format!("the object `{}` has no fields", name.value);
        let finding = Diagnostic::new(&codes::TYPE_INCOMPLETE, typing.ty.span, message).here("of which fields");
        diags.push(finding.help("add `field \"NAME\" type=\"string\"`, or make it a map"));
    }
    unique(typing.fields.iter().map(|field| &field.name), "field", diags);
    let field = |field: &written::Field| shape::Field {
        name: field.name.value.clone(),
        ty: ValueType::parse(&field.ty).unwrap_or(ValueType::String),
        optional: field.optional,
    };
    typing.fields.iter().map(field).collect()
}

fn readable(pattern: &crate::syntax::Text, diags: &mut Diags) -> bool {
    let finding = |message: String| Diagnostic::new(&codes::BAD_PATTERN, pattern.span, message);
    if pattern.value.len() > shape::PATTERN {
        let message =
            format!("a pattern has {} bytes, more than the {} it may have", pattern.value.len(), shape::PATTERN);
        diags.push(finding(message));
        return false;
    }
    match Regex::new(&pattern.value) {
        Ok(_) => true,
        Err(error) => {
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default().trim().trim_start_matches("error: ").to_owned();
            diags.push(finding(format!("`{}` is not a regular expression", pattern.value)).here(why));
            false
        }
    }
}

/// The default as text, if it fits.
fn default(
    name: &Spanned<String>,
    typing: &Typing,
    shape: &Shape,
    literal: Option<&Literal>,
    diags: &mut Diags,
) -> Option<Spanned<String>> {
    let literal = literal?;
    let text = match text(literal, shape) {
        Ok(text) => text,
        Err(why) => {
            let message = format!("the default of `{}` has the wrong type", name.value);
            let finding = Diagnostic::new(&codes::TYPE_MISMATCH, literal.span(), message).here(why);
            diags.push(finding.label(typing.ty.span, "the type"));
            return Some(Spanned::new(String::new(), literal.span()));
        }
    };
    if let Some(misfit) = shape.misfit(&text) {
        diags.push(
            judged(format!("the default of `{}`", name.value), misfit, literal.span(), shape, &text)
                .label(typing.ty.span, "the type"),
        );
    }
    Some(Spanned::new(text, literal.span()))
}

/// A finding about a value that does not fit.
pub fn judged(what: String, misfit: Misfit, span: Span, shape: &Shape, text: &str) -> Diagnostic {
    match misfit {
        Misfit::Type(why) => {
            Diagnostic::new(&codes::TYPE_MISMATCH, span, format!("{what} has the wrong type")).here(why)
        }
        Misfit::Rule(why) => {
            let finding = Diagnostic::new(&codes::VALUE_NOT_ALLOWED, span, format!("{what} is not allowed")).here(why);
            let Kind::Enum(values) = &shape.kind else { return finding };
            match suggest::closest(text, values.iter().map(String::as_str)) {
                Some(real) => finding.help(format!("there is a value with a similar name: `{real}`")).fix(
                    format!("replace by `{real}`"),
                    Applicability::Maybe,
                    between_quotes(span, text),
                    real,
                ),
                None => finding,
            }
        }
    }
}

/// The part of a span that the letters take: without the quotes around them.
fn between_quotes(span: Span, text: &str) -> Span {
    let (length, wide) = (text.len(), (span.end - span.start) as usize);
    if wide == length + 2 { span.slice(1, 1 + length) } else { span }
}

/// A literal as text of a shape: compact JSON for a list, map or object. One value for a list is a list of one.
fn text(literal: &Literal, shape: &Shape) -> Result<String, String> {
    let list = |items: &[&str], of: ValueType| {
        Json::Array(items.iter().map(|text| shape::item(text, of)).collect()).to_string()
    };
    match (&shape.kind, literal) {
        (Kind::Plain(_) | Kind::Enum(_), Literal::One(text)) => Ok(text.value.clone()),
        (Kind::List(of), Literal::One(text)) => Ok(list(&[&text.value], *of)),
        (Kind::List(of), Literal::List { items, .. }) => {
            Ok(list(&items.iter().map(|text| text.value.as_str()).collect::<Vec<_>>(), *of))
        }
        (Kind::Map(of), Literal::Map { entries, .. }) => {
            let entry = |(key, text): &(Spanned<String>, crate::syntax::Text)| {
                (key.value.clone(), shape::item(&text.value, *of))
            };
            Ok(Json::Object(entries.iter().map(entry).collect()).to_string())
        }
        (Kind::Object(fields), Literal::Map { entries, .. }) => {
            let ty =
                |key: &str| fields.iter().find(|field| field.name == key).map_or(ValueType::String, |field| field.ty);
            let entry = |(key, text): &(Spanned<String>, crate::syntax::Text)| {
                (key.value.clone(), shape::item(&text.value, ty(&key.value)))
            };
            Ok(Json::Object(entries.iter().map(entry).collect::<Map<String, Json>>()).to_string())
        }
        (Kind::Plain(_) | Kind::Enum(_), _) => Err(format!("one value of type {} is wanted", shape.ty().as_str())),
        (Kind::List(_), Literal::Map { .. }) => Err("a list is wanted: values without keys".into()),
        (Kind::Map(_) | Kind::Object(_), Literal::One(_) | Literal::List { .. }) => {
            Err("values by key are wanted: `default KEY=\"VALUE\"`".into())
        }
    }
}
