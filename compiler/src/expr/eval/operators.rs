//! Operators on values.
//!
//! Source of the rules: the CEL language definition: ints and uints never wrap, times stay in their range.

use std::cmp::Ordering;

use jiff::SignedDuration;

use super::{Eval, EvalError, Evaluated, Failure, fail};
use crate::expr::ast::{Expr, Operator};
use crate::expr::value::{Key, Value};
use crate::source::Span;

impl<'a> Eval<'a> {
    pub(super) fn negative(&mut self, inner: &'a Expr) -> Evaluated {
        match self.value(inner)? {
            Value::Int(number) => number.checked_neg().map(Value::Int).map_or_else(|| overflow(inner.span), Ok),
            Value::Double(number) => Ok(Value::Double(-number)),
            other => fail(Failure::Type, inner.span, format!("`-` does not work on {}", other.type_name())),
        }
    }

    pub(super) fn binary(&mut self, operator: Operator, place: Span, left: &'a Expr, right: &'a Expr) -> Evaluated {
        let one = self.value(left)?;
        let other = self.value(right)?;
        match operator {
            Operator::Equal | Operator::Unequal => {
                self.weigh(&one, place)?;
                Ok(Value::Bool((one == other) == (operator == Operator::Equal)))
            }
            Operator::Less => self.ordered(operator, place, &one, &other, Ordering::is_lt),
            Operator::LessEqual => self.ordered(operator, place, &one, &other, Ordering::is_le),
            Operator::Greater => self.ordered(operator, place, &one, &other, Ordering::is_gt),
            Operator::GreaterEqual => self.ordered(operator, place, &one, &other, Ordering::is_ge),
            Operator::In => self.within(place, &one, &other),
            Operator::Add => self.sum(place, &one, &other),
            Operator::Subtract => difference(place, &one, &other),
            Operator::Multiply | Operator::Divide | Operator::Modulo => numbers(operator, place, &one, &other),
        }
    }

    /// Pays for comparing a value as a whole.
    fn weigh(&mut self, value: &Value, span: Span) -> Result<(), EvalError> {
        self.spend(1, span)?;
        match value {
            Value::List(items) => items.iter().try_for_each(|item| self.weigh(item, span)),
            Value::Map(entries) => entries.values().try_for_each(|item| self.weigh(item, span)),
            other => self.pay(other.size(), span),
        }
    }

    fn ordered(
        &mut self,
        operator: Operator,
        place: Span,
        one: &Value,
        other: &Value,
        holds: fn(Ordering) -> bool,
    ) -> Evaluated {
        self.pay(one.size().min(other.size()), place)?;
        let doubles = matches!(one, Value::Double(_)) || matches!(other, Value::Double(_));
        match one.order(other) {
            Some(order) => Ok(Value::Bool(holds(order))),
            // Nothing is less or greater than what is not a number.
            None if doubles && is_number(one) && is_number(other) => Ok(Value::Bool(false)),
            None => mismatch(operator, place, one, other),
        }
    }

    fn within(&mut self, place: Span, one: &Value, other: &Value) -> Evaluated {
        match other {
            Value::List(items) => {
                for item in items.iter() {
                    self.weigh(item, place)?;
                    if item == one {
                        return Ok(Value::Bool(true));
                    }
                }
                Ok(Value::Bool(false))
            }
            Value::Map(entries) => {
                let whole = || super::whole_number(one).and_then(|number| i64::try_from(number).ok()).map(Key::Int);
                Ok(Value::Bool(one.key().or_else(whole).is_some_and(|key| entries.contains_key(&key))))
            }
            _ => mismatch(Operator::In, place, one, other),
        }
    }

    fn sum(&mut self, place: Span, one: &Value, other: &Value) -> Evaluated {
        match (one, other) {
            (Value::String(left), Value::String(right)) => {
                self.room(left.len() + right.len(), place)?;
                Ok(Value::string(format!("{left}{right}")))
            }
            (Value::Bytes(left), Value::Bytes(right)) => {
                self.room(left.len() + right.len(), place)?;
                Ok(Value::Bytes([left.as_ref(), right.as_ref()].concat().into()))
            }
            (Value::List(left), Value::List(right)) => {
                self.room(left.len() + right.len(), place)?;
                Ok(Value::list(left.iter().chain(right.iter()).cloned().collect()))
            }
            (Value::Duration(left), Value::Duration(right)) => {
                left.checked_add(*right).filter(in_range).map(Value::Duration).map_or_else(|| overflow(place), Ok)
            }
            (Value::Timestamp(time), Value::Duration(span)) | (Value::Duration(span), Value::Timestamp(time)) => {
                time.checked_add(*span).ok().map(Value::Timestamp).map_or_else(|| overflow(place), Ok)
            }
            _ => numbers(Operator::Add, place, one, other),
        }
    }
}

fn difference(place: Span, one: &Value, other: &Value) -> Evaluated {
    match (one, other) {
        (Value::Timestamp(one), Value::Timestamp(other)) => Ok(Value::Duration(one.duration_since(*other))),
        (Value::Timestamp(time), Value::Duration(span)) => {
            time.checked_sub(*span).ok().map(Value::Timestamp).map_or_else(|| overflow(place), Ok)
        }
        (Value::Duration(left), Value::Duration(right)) => {
            left.checked_sub(*right).filter(in_range).map(Value::Duration).map_or_else(|| overflow(place), Ok)
        }
        _ => numbers(Operator::Subtract, place, one, other),
    }
}

/// Ten thousand years, as in `google.protobuf.Duration`.
pub(super) fn in_range(duration: &SignedDuration) -> bool {
    duration.as_secs().unsigned_abs() <= 315_576_000_000
}

fn numbers(operator: Operator, place: Span, one: &Value, other: &Value) -> Evaluated {
    let by_zero = matches!(operator, Operator::Divide | Operator::Modulo)
        && matches!(other, Value::Int(0) | Value::Uint(0))
        && !matches!(one, Value::Double(_));
    if by_zero && is_number(one) {
        return fail(Failure::Range, place, "a division by zero");
    }
    let found = match (one, other) {
        (Value::Int(one), Value::Int(other)) => match operator {
            Operator::Add => one.checked_add(*other),
            Operator::Subtract => one.checked_sub(*other),
            Operator::Multiply => one.checked_mul(*other),
            Operator::Divide => one.checked_div(*other),
            _ => one.checked_rem(*other),
        }
        .map(Value::Int),
        (Value::Uint(one), Value::Uint(other)) => match operator {
            Operator::Add => one.checked_add(*other),
            Operator::Subtract => one.checked_sub(*other),
            Operator::Multiply => one.checked_mul(*other),
            Operator::Divide => one.checked_div(*other),
            _ => one.checked_rem(*other),
        }
        .map(Value::Uint),
        (Value::Double(one), Value::Double(other)) => match operator {
            Operator::Add => Some(one + other),
            Operator::Subtract => Some(one - other),
            Operator::Multiply => Some(one * other),
            Operator::Divide => Some(one / other),
            _ => return mismatch(operator, place, &Value::Double(*one), &Value::Double(*other)),
        }
        .map(Value::Double),
        (one, other) => return mismatch(operator, place, one, other),
    };
    found.map_or_else(|| overflow(place), Ok)
}

fn is_number(value: &Value) -> bool {
    matches!(value, Value::Int(_) | Value::Uint(_) | Value::Double(_))
}

fn overflow(place: Span) -> Evaluated {
    fail(Failure::Range, place, "the result is out of range")
}

fn mismatch(operator: Operator, place: Span, one: &Value, other: &Value) -> Evaluated {
    let message = format!("`{}` does not work on {} and {}", operator.as_str(), one.type_name(), other.type_name());
    fail(Failure::Type, place, message)
}
