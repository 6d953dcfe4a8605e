//! Calls: sizes, conversions, patterns; the rest by subject beside this file.
//!
//! Source of the rules: the standard definitions of the CEL language definition.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use super::{Eval, EvalError, Evaluated, Failure, fail, kubernetes, strings, times};
use crate::expr::Dialect;
use crate::expr::ast::Expr;
use crate::expr::value::Value;
use crate::source::{Span, Spanned};

/// Most bytes of a compiled pattern.
const PATTERN: usize = 1 << 20;

impl<'a> Eval<'a> {
    pub(super) fn call(&mut self, target: Option<&'a Expr>, name: &'a Spanned<String>, args: &'a [Expr]) -> Evaluated {
        let mut values = Vec::new();
        for arg in target.into_iter().chain(args) {
            values.push(self.value(arg)?);
        }
        // What is looked at is paid for; what is made is not larger than twice that, but for `replace` and `join`.
        let size = values.iter().map(Value::size).sum::<usize>();
        self.pay(size, name.span)?;
        let found = self.dispatch(target.is_some(), name, &values)?;
        let value = match found {
            Some(value) => value,
            None => {
                let types: Vec<&str> = values.iter().map(Value::type_name).collect();
                let message = format!("`{}` does not take {}", name.value, types.join(", "));
                return fail(Failure::Type, name.span, message);
            }
        };
        self.room(value.size(), name.span)?;
        Ok(value)
    }

    /// `None` where there is no such form of the function.
    fn dispatch(&mut self, method: bool, name: &Spanned<String>, values: &[Value]) -> Result<Option<Value>, EvalError> {
        let span = name.span;
        let found = match (name.value.as_str(), values) {
            ("size", [Value::String(text)]) => Some(Value::Int(length(text.chars().count()))),
            ("size", [Value::Bytes(_) | Value::List(_) | Value::Map(_)]) => Some(Value::Int(length(values[0].size()))),
            ("matches", [Value::String(text), Value::String(pattern)]) => {
                let found = self.pattern(pattern, span)?.is_match(text);
                Some(Value::Bool(found))
            }
            ("dyn", [value]) if !method => Some(value.clone()),
            ("type", [value]) if !method => Some(Value::Type(value.type_name())),
            ("find", [Value::String(text), Value::String(pattern)]) if self.dialect == Dialect::Kubernetes => {
                let found = self.pattern(pattern, span)?.find(text).map_or("", |found| found.as_str());
                Some(Value::string(found))
            }
            ("findAll", [Value::String(text), Value::String(pattern), rest @ ..])
                if self.dialect == Dialect::Kubernetes =>
            {
                let most = match rest {
                    [Value::Int(most)] => usize::try_from(*most).unwrap_or(usize::MAX),
                    _ => usize::MAX,
                };
                let pattern = self.pattern(pattern, span)?;
                let found = pattern.find_iter(text).take(most).map(|found| Value::string(found.as_str()));
                Some(Value::list(found.collect()))
            }
            (_, _) => None,
        };
        if found.is_some() {
            return Ok(found);
        }
        let others = [if method { None } else { convert(name, values)? }];
        if let Some(value) = others.into_iter().flatten().next() {
            return Ok(Some(value));
        }
        if method {
            if let Some(value) = strings::call(name, values, self.size)? {
                return Ok(Some(value));
            }
            if let Some(value) = times::part(name, values)? {
                return Ok(Some(value));
            }
        }
        if self.dialect == Dialect::Kubernetes { kubernetes::call(name, values) } else { Ok(None) }
    }

    fn pattern(&mut self, pattern: &Arc<str>, span: Span) -> Result<&Regex, EvalError> {
        if !self.patterns.contains_key(pattern) {
            self.spend(100 + pattern.len() as u64, span)?;
            match RegexBuilder::new(pattern).size_limit(PATTERN).build() {
                Ok(compiled) => self.patterns.insert(pattern.clone(), compiled),
                Err(_) => return fail(Failure::Argument, span, format!("`{pattern}` is not a pattern")),
            };
        }
        Ok(self.patterns.get(pattern).expect("BUG: the pattern was just compiled"))
    }
}

fn length(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// `int(…)` and its like.
fn convert(name: &Spanned<String>, values: &[Value]) -> Result<Option<Value>, EvalError> {
    let [value] = values else { return Ok(None) };
    let bad = |what: &str| -> Result<Option<Value>, EvalError> {
        let shown = value.text().unwrap_or_else(|| value.type_name().to_owned());
        fail(Failure::Argument, name.span, format!("`{shown}` is not {what}"))
    };
    let found = match (name.value.as_str(), value) {
        ("int", Value::Int(_)) | ("uint", Value::Uint(_)) | ("double", Value::Double(_)) => Some(value.clone()),
        ("bool", Value::Bool(_)) | ("bytes", Value::Bytes(_)) => Some(value.clone()),
        ("duration", Value::Duration(_)) | ("timestamp", Value::Timestamp(_)) => Some(value.clone()),
        ("int", Value::Uint(number)) => i64::try_from(*number).ok().map(Value::Int),
        ("int", Value::Double(number)) if number.abs() < 9.223_372_036_854_775e18 => Some(Value::Int(*number as i64)),
        ("int", Value::String(text)) => text.parse().ok().map(Value::Int),
        ("int", Value::Timestamp(time)) => Some(Value::Int(time.as_second())),
        ("uint", Value::Int(number)) => u64::try_from(*number).ok().map(Value::Uint),
        ("uint", Value::Double(number)) if (0.0..1.844_674_407_370_955e19).contains(number) => {
            Some(Value::Uint(*number as u64))
        }
        ("uint", Value::String(text)) => text.parse().ok().map(Value::Uint),
        ("double", Value::Int(number)) => Some(Value::Double(*number as f64)),
        ("double", Value::Uint(number)) => Some(Value::Double(*number as f64)),
        ("double", Value::String(text)) => text.parse().ok().map(Value::Double),
        ("bool", Value::String(text)) => match &**text {
            "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(Value::Bool(true)),
            "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(Value::Bool(false)),
            _ => None,
        },
        ("bytes", Value::String(text)) => Some(Value::Bytes(text.as_bytes().into())),
        ("duration", Value::String(text)) => times::duration(text).map(Value::Duration),
        ("timestamp", Value::String(text)) => times::timestamp(text).map(Value::Timestamp),
        ("timestamp", Value::Int(second)) => jiff::Timestamp::from_second(*second).ok().map(Value::Timestamp),
        ("string", value) => match value.text() {
            Some(text) => Some(Value::string(text)),
            None if matches!(value, Value::Bytes(_)) => None,
            None => return Ok(None),
        },
        (_, _) => return Ok(None),
    };
    match (found, name.value.as_str()) {
        (Some(value), _) => Ok(Some(value)),
        (None, "int") => bad("an int"),
        (None, "uint") => bad("a uint"),
        (None, "double") => bad("a double"),
        (None, "bool") => bad("a bool"),
        (None, "duration") => bad("a duration"),
        (None, "timestamp") => bad("a time of RFC 3339"),
        (None, _) => bad("text"),
    }
}
