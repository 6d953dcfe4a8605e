//! What a pipeline gives to a parameter of a task: one value, a list or a mapping, each fitting the parameter's type.

use super::param::judged;
use super::scope::{self, Scope, Typed};
use super::shape::{Kind, Shape};
use super::{Atom, Given, Param, Value, ValueType};
use crate::diag::{Diagnostic, Diags, codes};
use crate::expr::Template;
use crate::source::{Span, Spanned};
use crate::spec::param as written;

/// A given value with its names resolved.
pub fn resolve(given: &written::Given, param: &Param, scope: &Scope, diags: &mut Diags) -> Given {
    match given {
        written::Given::One(template) => {
            let typed = scope::resolve(template, scope, diags);
            expect(&typed, &param.shape, diags);
            Given::One(one(typed.value, &param.shape))
        }
        written::Given::List { items, span } => list(items, *span, param, scope, diags),
        written::Given::Map { entries, span } => map(entries, *span, param, scope, diags),
    }
}

/// A literal as text of the shape: one value for a list is a list of one.
fn one(value: Value, shape: &Shape) -> Value {
    match (&shape.kind, value.atoms.as_slice()) {
        (Kind::List(of), [Atom::Text(text)]) if !text.trim_start().starts_with('[') => {
            let text = serde_json::Value::Array(vec![super::shape::item(text, *of)]).to_string();
            Value { atoms: vec![Atom::Text(text)], span: value.span }
        }
        (Kind::Plain(_) | Kind::Enum(_) | Kind::List(_) | Kind::Map(_) | Kind::Object(_), _) => value,
    }
}

/// Reports a value that does not fit a type.
pub fn expect(typed: &Typed, wanted: &Shape, diags: &mut Diags) {
    let name = wanted.ty().as_str();
    let mismatch = |why: String| {
        let message = format!("a value of type {name} is wanted here");
        Diagnostic::new(&codes::TYPE_MISMATCH, typed.value.span, message).here(why)
    };
    if let [Atom::Text(text)] = typed.value.atoms.as_slice() {
        let of_list = matches!(wanted.kind, Kind::List(_)) && !text.trim_start().starts_with('[');
        let text = if of_list { format!("[{}]", quoted(text, wanted)) } else { text.clone() };
        let Some(misfit) = wanted.misfit(&text) else { return };
        diags.push(match misfit {
            super::shape::Misfit::Type(why) => mismatch(why),
            rule @ super::shape::Misfit::Rule(_) => judged("the value".into(), rule, typed.value.span, wanted, &text),
        });
        return;
    }
    let why = match &typed.shape {
        Some(shape) if typed.ty.is_some() => wanted.refuses(shape),
        Some(_) | None => typed.ty.and_then(|ty| scope::mismatch(ty, wanted.ty())),
    };
    diags.extend(why.map(mismatch));
}

fn quoted(text: &str, list: &Shape) -> String {
    match &list.kind {
        Kind::List(of) => super::shape::item(text, *of).to_string(),
        Kind::Plain(_) | Kind::Enum(_) | Kind::Map(_) | Kind::Object(_) => text.to_owned(),
    }
}

fn list(items: &[Template], span: Span, param: &Param, scope: &Scope, diags: &mut Diags) -> Given {
    let Kind::List(of) = param.shape.kind else {
        diags.push(unwanted(param, span, "a list"));
        return Given::List(
            items.iter().map(|item| scope::resolve(item, scope, diags).value).collect(),
            ValueType::String,
        );
    };
    let shape = Shape { pattern: param.shape.pattern.clone(), ..Shape::plain(of) };
    let count = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let few = param.shape.min.is_some_and(|min| count < min);
    if few || param.shape.max.is_some_and(|max| count > max) {
        let message = format!("the list for `{}` has too {} items", param.name.value, if few { "few" } else { "many" });
        let finding = Diagnostic::new(&codes::VALUE_NOT_ALLOWED, span, message).here(format!("{count} items"));
        diags.push(finding.label(param.name.span, "its bounds are declared here"));
    }
    let mut value = |item: &Template| {
        let typed = scope::resolve(item, scope, diags);
        expect(&typed, &shape, diags);
        typed.value
    };
    Given::List(items.iter().map(&mut value).collect(), of)
}

fn map(entries: &[(Spanned<String>, Template)], span: Span, param: &Param, scope: &Scope, diags: &mut Diags) -> Given {
    let mut all = Vec::new();
    for (key, template) in entries {
        let typed = scope::resolve(template, scope, diags);
        let ty = match &param.shape.kind {
            Kind::Map(of) => *of,
            Kind::Object(fields) => {
                let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
                let place = format!(" of `{}`", param.name.value);
                let at = super::resolve::find_in(key, "field", &place, &known, diags);
                at.map_or(ValueType::String, |at| fields[at].ty)
            }
            Kind::Plain(_) | Kind::Enum(_) | Kind::List(_) => ValueType::String,
        };
        expect(&typed, &Shape { pattern: param.shape.pattern.clone(), ..Shape::plain(ty) }, diags);
        all.push((key.value.clone(), typed.value, ty));
    }
    match &param.shape.kind {
        Kind::Plain(_) | Kind::Enum(_) | Kind::List(_) => diags.push(unwanted(param, span, "a mapping")),
        Kind::Object(fields) => {
            let absent =
                |field: &&super::shape::Field| !field.optional && !all.iter().any(|(key, ..)| *key == field.name);
            for field in fields.iter().filter(absent) {
                let message = format!("the object for `{}` needs its field `{}`", param.name.value, field.name);
                let finding = Diagnostic::new(&codes::PARAM_MISSING, span, message).here("no value is given");
                diags.push(finding.label(param.name.span, "declared here"));
            }
        }
        Kind::Map(_) => {}
    }
    Given::Map(all)
}

fn unwanted(param: &Param, span: Span, found: &str) -> Diagnostic {
    let message = format!("a value of type {} is wanted here", param.ty.as_str());
    let finding = Diagnostic::new(&codes::TYPE_MISMATCH, span, message).here(format!("this is {found}"));
    finding.label(param.name.span, "declared here")
}
