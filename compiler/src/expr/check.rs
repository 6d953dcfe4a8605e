//! The type of an expression, found on its tree before anything is evaluated.
//!
//! **Invariant:** one mistake gives one finding: what could not be typed has the type `Error`, which fits everywhere.

mod calls;
mod operators;

use super::Dialect;
use super::ast::{Comprehension, Expr, Expression, Kind, Literal, Macro};
use super::ty::{Field, Object, Scope, Ty};
use crate::diag::{Applicability, Diagnostic, Diags, codes, suggest};
use crate::source::{Span, Spanned};

/// Types an expression and reports where its result is not `expected`; `Ty::Dyn` expects nothing.
pub fn check(expression: &Expression, scope: &Scope, expected: &Ty, diags: &mut Diags) -> Ty {
    let mut checker = Checker { dialect: expression.dialect, scope, bound: Vec::new(), diags };
    let ty = checker.ty(&expression.root);
    if !ty.fits(expected) {
        let message = format!("this gives {ty}, but {expected} is wanted");
        let finding = Diagnostic::new(&codes::EXPRESSION_RESULT, expression.span, message);
        diags.push(finding.here(format!("of type {ty}")));
        return Ty::Error;
    }
    ty
}

pub(super) struct Checker<'a> {
    pub dialect: Dialect,
    scope: &'a Scope,
    /// Variables of macros, innermost last.
    bound: Vec<(Spanned<String>, Ty)>,
    pub diags: &'a mut Diags,
}

/// Names of types, which are values of type `type`.
pub(super) const TYPE_NAMES: &[&str] =
    &["bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type", "uint"];

impl Checker<'_> {
    fn ty(&mut self, expr: &Expr) -> Ty {
        match &expr.kind {
            Kind::Unread => Ty::Error,
            Kind::Literal(literal) => of_literal(literal),
            Kind::Name(name) => self.name(name, expr.span),
            Kind::Select { of, field } => {
                let of = self.ty(of);
                self.select(&of, field)
            }
            Kind::Has { of, field } => {
                let of = self.ty(of);
                self.select(&of, field);
                Ty::Bool
            }
            Kind::Index { of, index } => self.index(of, index),
            Kind::Call { target, function, args } => self.call(target.as_deref(), function, args),
            Kind::Not(inner) => self.truth(inner, "`!`"),
            Kind::Negative(inner) => self.negative(inner),
            Kind::Binary { operator, place, left, right } => self.binary(*operator, *place, left, right),
            Kind::All(parts) => self.logical(parts, "`&&`"),
            Kind::Any(parts) => self.logical(parts, "`||`"),
            Kind::Conditional { test, then, otherwise } => self.conditional(test, then, otherwise),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => self.map(entries),
            Kind::Macro(inner) => self.comprehension(inner),
        }
    }

    fn error(&mut self, code: &'static crate::diag::Code, span: Span, message: String, label: String) -> Ty {
        self.diags.push(Diagnostic::new(code, span, message).here(label));
        Ty::Error
    }

    fn name(&mut self, name: &str, span: Span) -> Ty {
        if let Some((_, ty)) = self.bound.iter().rev().find(|(bound, _)| bound.value == name) {
            return ty.clone();
        }
        if let Some(field) = self.scope.names.get(name) {
            return field.ty.clone();
        }
        if TYPE_NAMES.contains(&name) {
            return Ty::Type;
        }
        let bound = self.bound.iter().map(|(bound, _)| bound.value.as_str());
        let mut known: Vec<&str> = self.scope.names.keys().map(String::as_str).chain(bound).collect();
        known.sort_unstable();
        let finding = Diagnostic::new(&codes::UNKNOWN_REFERENCE, span, format!("there is no name `{name}`"))
            .here("not known here");
        let literal = match name {
            "True" | "TRUE" => Some("true"),
            "False" | "FALSE" => Some("false"),
            "None" | "nil" | "NULL" | "undefined" => Some("null"),
            _ => None,
        };
        let finding = match literal {
            Some(real) => finding.help(format!("write `{real}`")).fix(
                format!("replace by `{real}`"),
                Applicability::Safe,
                span,
                real,
            ),
            None => closest(finding, name, span, "name", &known),
        };
        self.diags.push(finding);
        Ty::Error
    }

    fn select(&mut self, of: &Ty, field: &Spanned<String>) -> Ty {
        match of {
            Ty::Error => Ty::Error,
            Ty::Dyn => Ty::Dyn,
            Ty::Map(key, value) if key.is_text() || key.is_open() => (**value).clone(),
            Ty::Object(object) => match object.fields.get(&field.value) {
                Some(found) => found.ty.clone(),
                None if object.open => Ty::Dyn,
                None => {
                    let finding = unknown_field(object, field);
                    self.diags.push(finding);
                    Ty::Error
                }
            },
            Ty::Text("commit") if self.dialect == Dialect::Waybill => match field.value.as_str() {
                "sha" | "short" => Ty::String,
                other => {
                    let message = format!("there is no field of a commit `{other}`");
                    let finding =
                        Diagnostic::new(&codes::UNKNOWN_REFERENCE, field.span, message).here("not known here");
                    self.diags.push(closest(finding, other, field.span, "field", &["sha", "short"]));
                    Ty::Error
                }
            },
            other => {
                let message = format!("a value of type {other} has no field `{}`", field.value);
                self.error(&codes::WRONG_OPERAND, field.span, message, "only maps and objects have fields".into())
            }
        }
    }

    fn index(&mut self, of: &Expr, index: &Expr) -> Ty {
        let ty = self.ty(of);
        let index_ty = self.ty(index);
        let wanted = match &ty {
            Ty::Error => return Ty::Error,
            Ty::Dyn => return Ty::Dyn,
            Ty::List(_) => Ty::Int,
            Ty::Map(key, _) => (**key).clone(),
            Ty::Object(object) => {
                let Kind::Literal(Literal::String(name)) = &index.kind else { return Ty::Dyn };
                let object = object.clone();
                return self.select(&Ty::Object(object), &Spanned::new(name.clone(), index.span));
            }
            other => {
                let message = format!("a value of type {other} has no elements");
                return self.error(&codes::WRONG_OPERAND, of.span, message, format!("of type {other}"));
            }
        };
        let exact = index_ty.fits(&wanted) || (wanted.is_number() && index_ty.is_number());
        if !exact {
            let message = format!("an index of a {ty} is {wanted}, not {index_ty}");
            return self.error(&codes::WRONG_OPERAND, index.span, message, format!("of type {index_ty}"));
        }
        match ty {
            Ty::List(of) | Ty::Map(_, of) => *of,
            _ => Ty::Dyn,
        }
    }

    fn conditional(&mut self, test: &Expr, then: &Expr, otherwise: &Expr) -> Ty {
        self.truth(test, "the test of a choice");
        let (one, other) = (self.ty(then), self.ty(otherwise));
        one.join(&other).unwrap_or_else(|| {
            let message = format!("the two values of a choice have different types: {one} and {other}");
            let finding = Diagnostic::new(&codes::WRONG_OPERAND, otherwise.span, message);
            self.diags.push(finding.here(format!("of type {other}")).label(then.span, format!("of type {one}")));
            Ty::Error
        })
    }

    fn list(&mut self, items: &[Expr]) -> Ty {
        let mut of: Option<Ty> = None;
        for item in items {
            let ty = self.ty(item);
            of = Some(of.map_or(ty.clone(), |of| of.join(&ty).unwrap_or(Ty::Dyn)));
        }
        Ty::list(of.unwrap_or(Ty::Dyn))
    }

    fn map(&mut self, entries: &[(Expr, Expr)]) -> Ty {
        let (mut keys, mut values): (Option<Ty>, Option<Ty>) = (None, None);
        for (key, value) in entries {
            let mut key_ty = self.ty(key);
            let scalar = matches!(key_ty, Ty::Bool | Ty::Int | Ty::Uint) || key_ty.is_text() || key_ty.is_open();
            if !scalar {
                let message = format!("a key of a map is bool, int, uint or string, not {key_ty}");
                key_ty = self.error(&codes::WRONG_OPERAND, key.span, message, format!("of type {key_ty}"));
            }
            let value_ty = self.ty(value);
            keys = Some(keys.map_or(key_ty.clone(), |keys| keys.join(&key_ty).unwrap_or(Ty::Dyn)));
            values = Some(values.map_or(value_ty.clone(), |values| values.join(&value_ty).unwrap_or(Ty::Dyn)));
        }
        Ty::Map(Box::new(keys.unwrap_or(Ty::Dyn)), Box::new(values.unwrap_or(Ty::Dyn)))
    }

    fn comprehension(&mut self, inner: &Macro) -> Ty {
        let name = inner.what.as_str();
        let range = self.ty(&inner.range);
        let item = match &range {
            Ty::List(of) => (**of).clone(),
            Ty::Map(key, _) => (**key).clone(),
            Ty::Object(_) => Ty::String,
            Ty::Error | Ty::Dyn => range.clone(),
            other => {
                let message = format!("`{name}` goes over a list or a map, not {other}");
                self.error(&codes::WRONG_OPERAND, inner.range.span, message, format!("of type {other}"))
            }
        };
        self.bound.push((inner.variable.clone(), item.clone()));
        if let Some(filter) = &inner.filter {
            self.truth(filter, "the test of `map`");
        }
        let ty = match inner.what {
            Comprehension::Map => Ty::list(self.ty(&inner.body)),
            Comprehension::Filter => {
                self.truth(&inner.body, "the test of `filter`");
                Ty::list(item)
            }
            Comprehension::All | Comprehension::Exists | Comprehension::ExistsOne => {
                self.truth(&inner.body, &format!("the test of `{name}`"));
                Ty::Bool
            }
        };
        self.bound.pop();
        ty
    }

    /// A part that must be bool.
    fn truth(&mut self, expr: &Expr, what: &str) -> Ty {
        let ty = self.ty(expr);
        if !ty.fits(&Ty::Bool) {
            let finding = Diagnostic::new(&codes::WRONG_OPERAND, expr.span, format!("{what} wants bool, not {ty}"));
            let finding = finding.here(format!("of type {ty}"));
            self.diags.push(match ty {
                Ty::String | Ty::Text(_) => finding.help("compare it: `… != \"\"`"),
                Ty::Int | Ty::Uint | Ty::Double => finding.help("compare it: `… != 0`"),
                Ty::List(_) | Ty::Map(..) => finding.help("compare its size: `size(…) > 0`"),
                _ => finding,
            });
            return Ty::Error;
        }
        Ty::Bool
    }

    fn logical(&mut self, parts: &[Expr], what: &str) -> Ty {
        for part in parts {
            self.truth(part, what);
        }
        Ty::Bool
    }
}

fn of_literal(literal: &Literal) -> Ty {
    match literal {
        Literal::Null => Ty::Null,
        Literal::Bool(_) => Ty::Bool,
        Literal::Int(_) => Ty::Int,
        Literal::Uint(_) => Ty::Uint,
        Literal::Double(_) => Ty::Double,
        Literal::String(_) => Ty::String,
        Literal::Bytes(_) => Ty::Bytes,
    }
}

fn unknown_field(object: &Object, field: &Spanned<String>) -> Diagnostic {
    let what = if object.what.is_empty() { "field" } else { object.what.as_str() };
    let known: Vec<&str> = object.fields.keys().map(String::as_str).collect();
    let message = format!("there is no {what} `{}`", field.value);
    let finding = Diagnostic::new(&codes::UNKNOWN_REFERENCE, field.span, message).here("not known here");
    // `count-1` behind a dot is one name: perhaps a difference was meant.
    if let Some((head, _)) = field.value.split_once('-').filter(|(head, _)| known.contains(head)) {
        return finding.help(format!("a dash belongs to the name; write `{head} - …` with spaces to subtract"));
    }
    let similar = suggest::closest(&field.value, known.iter().copied());
    let declared: Option<Span> =
        similar.and_then(|real| object.fields.get(real)).and_then(|found: &Field| found.declared);
    let finding = closest(finding, &field.value, field.span, what, &known);
    match declared {
        Some(place) => finding.label(place, "declared here"),
        None => finding,
    }
}

/// Adds the closest known name, or what is known at all.
pub(super) fn closest(finding: Diagnostic, name: &str, span: Span, what: &str, known: &[&str]) -> Diagnostic {
    match suggest::closest(name, known.iter().copied()) {
        Some(real) => {
            let finding = finding.help(format!("there is a {what} with a similar name: `{real}`"));
            let quoted = (span.end - span.start) as usize == name.len() + 2;
            let place = if quoted { span.slice(1, 1 + name.len()) } else { span };
            finding.fix(format!("replace by `{real}`"), Applicability::Maybe, place, real)
        }
        None if known.is_empty() => finding.help(format!("no {what} is defined here")),
        None => {
            let shown: Vec<String> = known.iter().take(20).map(|name| format!("`{name}`")).collect();
            let more = if known.len() > 20 { format!(" and {} more", known.len() - 20) } else { String::new() };
            finding.help(format!("known here: {}{more}", shown.join(", ")))
        }
    }
}
