//! Types of operators.
//!
//! Source of the rules: the standard definitions of CEL; numbers of different types may be compared, as in cel-go with
//! cross-type comparisons, but not added.

use super::Checker;
use crate::diag::{Diagnostic, codes};
use crate::expr::ast::{Expr, Operator};
use crate::expr::ty::Ty;
use crate::source::Span;

impl Checker<'_> {
    pub(super) fn negative(&mut self, inner: &Expr) -> Ty {
        match self.ty(inner) {
            ty @ (Ty::Int | Ty::Double | Ty::Error | Ty::Dyn) => ty,
            ty => {
                let message = format!("`-` wants int or double, not {ty}");
                self.error(&codes::WRONG_OPERAND, inner.span, message, format!("of type {ty}"))
            }
        }
    }

    pub(super) fn binary(&mut self, operator: Operator, place: Span, left: &Expr, right: &Expr) -> Ty {
        let (one, other) = (self.ty(left), self.ty(right));
        if one == Ty::Error || other == Ty::Error {
            return result_of_unknown(operator);
        }
        let found = match operator {
            Operator::Equal | Operator::Unequal => one.comparable(&other).then_some(Ty::Bool),
            Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => ordered(&one, &other),
            Operator::In => within(&one, &other),
            Operator::Add => sum(&one, &other),
            Operator::Subtract => difference(&one, &other),
            Operator::Multiply | Operator::Divide => numbers(&one, &other, true),
            Operator::Modulo => numbers(&one, &other, false),
        };
        found.unwrap_or_else(|| {
            let finding = wrong(operator, place, (left, &one), (right, &other));
            self.diags.push(finding);
            result_of_unknown(operator)
        })
    }
}

/// A comparison is bool whatever is wrong with it: what stands around it is right then.
fn result_of_unknown(operator: Operator) -> Ty {
    match operator {
        Operator::Equal
        | Operator::Unequal
        | Operator::Less
        | Operator::LessEqual
        | Operator::Greater
        | Operator::GreaterEqual
        | Operator::In => Ty::Bool,
        Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Modulo => Ty::Error,
    }
}

fn wrong(operator: Operator, place: Span, (left, one): (&Expr, &Ty), (right, other): (&Expr, &Ty)) -> Diagnostic {
    let sign = operator.as_str();
    let message = match operator {
        Operator::Equal | Operator::Unequal => format!("{one} and {other} are never equal"),
        Operator::In => format!("`in` looks into a list or a map of {one}, not into {other}"),
        Operator::Less | Operator::LessEqual | Operator::Greater | Operator::GreaterEqual => {
            format!("`{sign}` cannot compare {one} with {other}")
        }
        Operator::Add | Operator::Subtract | Operator::Multiply | Operator::Divide | Operator::Modulo => {
            format!("`{sign}` does not work on {one} and {other}")
        }
    };
    let finding = Diagnostic::new(&codes::WRONG_OPERAND, place, message).here("types that do not go together");
    let finding = finding.label(left.span, format!("of type {one}")).label(right.span, format!("of type {other}"));
    match (one, other) {
        (text, _) | (_, text) if operator == Operator::Add && text.is_text() => {
            finding.help("convert the other value: `string(…)`")
        }
        (one, other) if one.is_number() && other.is_number() => {
            finding.help("convert one of them: `int(…)`, `uint(…)` or `double(…)`")
        }
        (text, number) if text.is_text() && number.is_number() => finding.help(format!("convert it: `{number}(…)`")),
        (number, text) if text.is_text() && number.is_number() => finding.help(format!("convert it: `{number}(…)`")),
        (text, Ty::Duration) if text.is_text() => finding.help("write a duration as `duration(\"90s\")`"),
        (Ty::Duration, text) if text.is_text() => finding.help("write a duration as `duration(\"90s\")`"),
        (Ty::Timestamp, text) if text.is_text() => {
            finding.help("write a time as `timestamp(\"2026-01-31T00:00:00Z\")`")
        }
        _ => finding,
    }
}

fn ordered(one: &Ty, other: &Ty) -> Option<Ty> {
    let orderable = |ty: &Ty| {
        ty.is_open()
            || ty.is_number()
            || ty.is_text()
            || matches!(ty, Ty::Bool | Ty::Bytes | Ty::Duration | Ty::Timestamp)
    };
    let both = orderable(one) && orderable(other);
    (both && one.comparable(other)).then_some(Ty::Bool)
}

fn within(one: &Ty, other: &Ty) -> Option<Ty> {
    let fits = match other {
        Ty::List(of) => one.comparable(of),
        Ty::Map(key, _) => one.comparable(key),
        Ty::Object(_) => one.is_text() || one.is_open(),
        other => other.is_open(),
    };
    fits.then_some(Ty::Bool)
}

fn sum(one: &Ty, other: &Ty) -> Option<Ty> {
    match (one, other) {
        (Ty::Dyn, ty) | (ty, Ty::Dyn) if addable(ty) => Some(Ty::Dyn),
        (Ty::List(_), Ty::List(_)) => one.join(other),
        (Ty::Bytes, Ty::Bytes) => Some(Ty::Bytes),
        (Ty::Duration, Ty::Duration) => Some(Ty::Duration),
        (Ty::Timestamp, Ty::Duration) | (Ty::Duration, Ty::Timestamp) => Some(Ty::Timestamp),
        (one, other) if one.is_text() && other.is_text() => Some(Ty::String),
        _ => numbers(one, other, true),
    }
}

fn addable(ty: &Ty) -> bool {
    ty.is_open()
        || ty.is_number()
        || ty.is_text()
        || matches!(ty, Ty::List(_) | Ty::Bytes | Ty::Duration | Ty::Timestamp)
}

fn difference(one: &Ty, other: &Ty) -> Option<Ty> {
    match (one, other) {
        (Ty::Dyn, ty) | (ty, Ty::Dyn) if matches!(ty, Ty::Duration | Ty::Timestamp) => Some(Ty::Dyn),
        (Ty::Timestamp, Ty::Timestamp) | (Ty::Duration, Ty::Duration) => Some(Ty::Duration),
        (Ty::Timestamp, Ty::Duration) => Some(Ty::Timestamp),
        _ => numbers(one, other, true),
    }
}

fn numbers(one: &Ty, other: &Ty, doubles: bool) -> Option<Ty> {
    let number = |ty: &Ty| ty.is_number() && (doubles || *ty != Ty::Double);
    match (one, other) {
        (Ty::Dyn, Ty::Dyn) => Some(Ty::Dyn),
        (Ty::Dyn, ty) | (ty, Ty::Dyn) if number(ty) => Some(ty.clone()),
        (one, other) if one == other && number(one) => Some(one.clone()),
        _ => None,
    }
}
