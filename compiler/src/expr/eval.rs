//! The value of an expression.
//!
//! **Invariant:** never panics; the same expression over the same values costs the same everywhere, and whatever it costs
//! or makes stays within the budget. Every error has the place of the part that failed.

mod calls;
mod kubernetes;
mod operators;
mod strings;
mod times;

use std::collections::BTreeMap;
use std::sync::Arc;

use regex::Regex;

use super::Dialect;
use super::ast::{Comprehension, Expr, Expression, Kind, Literal, Macro};
use super::check::TYPE_NAMES;
use super::value::{Key, Value};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;

/// What an evaluation may cost and make.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// One for each node evaluated, and one for each 64 bytes or elements that are looked at or made.
    pub cost: u64,
    /// Most bytes of a string and most elements of a list or map that is made.
    pub size: usize,
}

impl Budget {
    /// For expressions of a spec: a few milliseconds at most.
    pub const SPEC: Budget = Budget { cost: 100_000, size: 1 << 16 };
    /// For rules over whole objects.
    pub const OBJECT: Budget = Budget { cost: 5_000_000, size: 1 << 20 };
}

/// The values of the names.
#[derive(Clone, Debug, Default)]
pub struct Bindings {
    pub names: BTreeMap<String, Value>,
}

impl Bindings {
    pub fn with(mut self, name: &str, value: Value) -> Bindings {
        self.names.insert(name.to_owned(), value);
        self
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A name, field or key that is not there.
    Missing,
    /// Values of types that an operator or function does not take.
    Type,
    /// A number, time or duration out of range, or a division by zero.
    Range,
    /// An argument that is no number, pattern, time … or an index outside.
    Argument,
    /// More work than the budget has.
    Cost,
    /// A value larger than the budget has.
    Size,
    /// It reads a value that is known only later.
    Unknown,
}

/// Why there is no value, and at which part.
#[derive(Clone, Debug)]
pub struct EvalError {
    pub failure: Failure,
    /// A lower-case phrase without its place.
    pub message: String,
    pub span: Span,
}

impl EvalError {
    /// As a finding at its place.
    pub fn finding(&self) -> Diagnostic {
        let message = format!("an expression has no value: {}", self.message);
        Diagnostic::new(&codes::EVALUATION_FAILED, self.span, message).here("fails here")
    }
}

/// Evaluates an expression.
pub fn eval(expression: &Expression, bindings: &Bindings, budget: Budget) -> Result<Value, EvalError> {
    let patterns = BTreeMap::new();
    let mut eval = Eval {
        dialect: expression.dialect,
        bindings,
        bound: Vec::new(),
        left: budget.cost,
        size: budget.size,
        patterns,
    };
    let value = eval.value(&expression.root)?;
    eval.known(value, expression.root.span)
}

type Evaluated = Result<Value, EvalError>;

struct Eval<'a> {
    dialect: Dialect,
    bindings: &'a Bindings,
    bound: Vec<(&'a str, Value)>,
    left: u64,
    size: usize,
    patterns: BTreeMap<Arc<str>, Regex>,
}

fn fail<T>(failure: Failure, span: Span, message: impl Into<String>) -> Result<T, EvalError> {
    Err(EvalError { failure, message: message.into(), span })
}

impl<'a> Eval<'a> {
    fn spend(&mut self, cost: u64, span: Span) -> Result<(), EvalError> {
        match self.left.checked_sub(cost) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => {
                self.left = 0;
                fail(Failure::Cost, span, "it costs more than it may")
            }
        }
    }

    /// Pays for looking at or making something of a size.
    fn pay(&mut self, size: usize, span: Span) -> Result<(), EvalError> {
        self.spend(size as u64 / 64, span)
    }

    /// Before something of a size is made.
    fn room(&mut self, size: usize, span: Span) -> Result<(), EvalError> {
        if size > self.size {
            let message = format!("a value of size {size} is larger than the {} it may be", self.size);
            return fail(Failure::Size, span, message);
        }
        self.pay(size, span)
    }

    fn known(&self, value: Value, span: Span) -> Evaluated {
        match value {
            Value::Unknown(name) => fail(Failure::Unknown, span, format!("`{name}` is not known yet")),
            value => Ok(value),
        }
    }

    fn value(&mut self, expr: &'a Expr) -> Evaluated {
        self.spend(1, expr.span)?;
        match &expr.kind {
            Kind::Unread => fail(Failure::Missing, expr.span, "it could not be read"),
            Kind::Literal(literal) => Ok(of_literal(literal)),
            Kind::Name(name) => self.name(name, expr.span),
            Kind::Select { of, field } => {
                let of = self.value(of)?;
                self.field(&of, &field.value, field.span)
            }
            Kind::Has { of, field } => self.has(of, &field.value, field.span),
            Kind::Index { of, index } => self.index(of, index),
            Kind::Call { target, function, args } => self.call(target.as_deref(), function, args),
            Kind::Not(inner) => Ok(Value::Bool(!self.truth(inner)?)),
            Kind::Negative(inner) => self.negative(inner),
            Kind::Binary { operator, place, left, right } => self.binary(*operator, *place, left, right),
            Kind::All(parts) => self.logical(parts, false),
            Kind::Any(parts) => self.logical(parts, true),
            Kind::Conditional { test, then, otherwise } => {
                if self.truth(test)? {
                    self.value(then)
                } else {
                    self.value(otherwise)
                }
            }
            Kind::List(items) => {
                self.room(items.len(), expr.span)?;
                let items = items.iter().map(|item| self.value(item)).collect::<Result<Vec<Value>, EvalError>>()?;
                Ok(Value::list(items))
            }
            Kind::Map(entries) => self.map(entries, expr.span),
            Kind::Macro(inner) => self.comprehension(inner, expr.span),
        }
    }

    fn name(&mut self, name: &str, span: Span) -> Evaluated {
        let bound = self.bound.iter().rev().find(|(bound, _)| *bound == name).map(|(_, value)| value.clone());
        if let Some(value) = bound.or_else(|| self.bindings.names.get(name).cloned()) {
            return self.known(value, span);
        }
        match TYPE_NAMES.iter().find(|known| **known == name) {
            Some(name) => Ok(Value::Type(name)),
            None => fail(Failure::Missing, span, format!("there is no name `{name}`")),
        }
    }

    fn field(&mut self, of: &Value, name: &str, span: Span) -> Evaluated {
        match of {
            Value::Map(entries) => match entries.get(&Key::String(name.into())) {
                Some(value) => self.known(value.clone(), span),
                None => fail(Failure::Missing, span, format!("there is no field `{name}`")),
            },
            Value::String(sha) if self.dialect == Dialect::Waybill && is_sha(sha) => match name {
                "sha" => Ok(of.clone()),
                "short" => Ok(Value::string(&sha[..7])),
                _ => fail(Failure::Missing, span, format!("a commit has no field `{name}`")),
            },
            other => fail(Failure::Type, span, format!("a value of type {} has no fields", other.type_name())),
        }
    }

    fn has(&mut self, of: &'a Expr, name: &str, span: Span) -> Evaluated {
        match self.value(of)? {
            Value::Map(entries) => Ok(Value::Bool(entries.contains_key(&Key::String(name.into())))),
            Value::String(sha) if self.dialect == Dialect::Waybill && is_sha(&sha) => {
                Ok(Value::Bool(matches!(name, "sha" | "short")))
            }
            other => fail(Failure::Type, span, format!("a value of type {} has no fields", other.type_name())),
        }
    }

    fn index(&mut self, of: &'a Expr, index: &'a Expr) -> Evaluated {
        let value = self.value(of)?;
        let at = self.value(index)?;
        match &value {
            Value::List(items) => {
                let whole = whole_number(&at);
                let Some(number) = whole else {
                    return fail(Failure::Type, index.span, format!("an index is int, not {}", at.type_name()));
                };
                match usize::try_from(number).ok().and_then(|at| items.get(at)) {
                    Some(item) => self.known(item.clone(), index.span),
                    None => {
                        let message = format!("index {number} is outside a list of {}", items.len());
                        fail(Failure::Argument, index.span, message)
                    }
                }
            }
            Value::Map(entries) => {
                let key =
                    at.key().or_else(|| whole_number(&at).and_then(|number| i64::try_from(number).ok()).map(Key::Int));
                match key.and_then(|key| entries.get(&key)) {
                    Some(value) => self.known(value.clone(), index.span),
                    None => {
                        let shown = at.text().unwrap_or_else(|| at.type_name().to_owned());
                        fail(Failure::Missing, index.span, format!("there is no key `{shown}`"))
                    }
                }
            }
            other => fail(Failure::Type, of.span, format!("a value of type {} has no elements", other.type_name())),
        }
    }

    fn map(&mut self, entries: &'a [(Expr, Expr)], span: Span) -> Evaluated {
        self.room(entries.len(), span)?;
        let mut map = BTreeMap::new();
        for (key, value) in entries {
            let found = self.value(key)?;
            let Some(name) = found.key() else {
                return fail(Failure::Type, key.span, format!("a key cannot be {}", found.type_name()));
            };
            let value = self.value(value)?;
            if map.insert(name, value).is_some() {
                return fail(Failure::Argument, key.span, "a key stands twice in a map");
            }
        }
        Ok(Value::Map(Arc::new(map)))
    }

    fn truth(&mut self, expr: &'a Expr) -> Result<bool, EvalError> {
        match self.value(expr)? {
            Value::Bool(truth) => Ok(truth),
            other => fail(Failure::Type, expr.span, format!("bool is wanted, not {}", other.type_name())),
        }
    }

    /// `&&` (decided by false) and `||` (decided by true): the deciding value wins over errors on either side, and what
    /// is unknown over other errors.
    fn logical(&mut self, parts: &'a [Expr], decides: bool) -> Evaluated {
        let mut error = None;
        for part in parts {
            match self.truth(part) {
                Ok(truth) if truth == decides => return Ok(Value::Bool(decides)),
                Ok(_) => {}
                Err(found) => remember(&mut error, found)?,
            }
        }
        error.map_or(Ok(Value::Bool(!decides)), Err)
    }

    fn comprehension(&mut self, inner: &'a Macro, span: Span) -> Evaluated {
        let range = self.value(&inner.range)?;
        let items: Vec<Value> = match &range {
            Value::List(items) => items.to_vec(),
            Value::Map(entries) => entries.keys().map(Key::value).collect(),
            other => {
                let message = format!("`{}` goes over a list or a map, not {}", inner.what.as_str(), other.type_name());
                return fail(Failure::Type, inner.range.span, message);
            }
        };
        self.room(items.len(), inner.range.span)?;
        let depth = self.bound.len();
        let value = self.over(inner, items, span);
        self.bound.truncate(depth);
        value
    }

    fn over(&mut self, inner: &'a Macro, items: Vec<Value>, span: Span) -> Evaluated {
        let (mut error, mut count, mut made) = (None, 0usize, Vec::new());
        let depth = self.bound.len();
        for item in items {
            self.bound.truncate(depth);
            self.bound.push((&inner.variable.value, item.clone()));
            match inner.what {
                Comprehension::All | Comprehension::Exists => {
                    let decides = inner.what == Comprehension::Exists;
                    match self.truth(&inner.body) {
                        Ok(truth) if truth == decides => return Ok(Value::Bool(decides)),
                        Ok(_) => {}
                        Err(found) => remember(&mut error, found)?,
                    }
                }
                Comprehension::ExistsOne => count += usize::from(self.truth(&inner.body)?),
                Comprehension::Filter => {
                    if self.truth(&inner.body)? {
                        made.push(item);
                    }
                }
                Comprehension::Map => {
                    let taken = match &inner.filter {
                        Some(filter) => self.truth(filter)?,
                        None => true,
                    };
                    if taken {
                        made.push(self.value(&inner.body)?);
                    }
                }
            }
        }
        if let Some(error) = error {
            return Err(error);
        }
        self.pay(made.len(), span)?;
        Ok(match inner.what {
            Comprehension::All => Value::Bool(true),
            Comprehension::Exists => Value::Bool(false),
            Comprehension::ExistsOne => Value::Bool(count == 1),
            Comprehension::Map | Comprehension::Filter => Value::list(made),
        })
    }
}

/// Keeps the error that counts; a budget that is used up ends everything.
fn remember(kept: &mut Option<EvalError>, found: EvalError) -> Result<(), EvalError> {
    match found.failure {
        Failure::Cost | Failure::Size => return Err(found),
        Failure::Unknown => *kept = Some(found),
        Failure::Missing | Failure::Type | Failure::Range | Failure::Argument => {
            kept.get_or_insert(found);
        }
    }
    Ok(())
}

fn is_sha(text: &str) -> bool {
    (text.len() == 40 || text.len() == 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A number without a fraction, whatever its type.
fn whole_number(value: &Value) -> Option<i128> {
    match value {
        Value::Int(number) => Some(i128::from(*number)),
        Value::Uint(number) => Some(i128::from(*number)),
        Value::Double(number) if number.fract() == 0.0 => Some(*number as i128),
        _ => None,
    }
}

fn of_literal(literal: &Literal) -> Value {
    match literal {
        Literal::Null => Value::Null,
        Literal::Bool(truth) => Value::Bool(*truth),
        Literal::Int(number) => Value::Int(*number),
        Literal::Uint(number) => Value::Uint(*number),
        Literal::Double(number) => Value::Double(*number),
        Literal::String(text) => Value::string(text.as_str()),
        Literal::Bytes(bytes) => Value::Bytes(bytes.as_slice().into()),
    }
}
