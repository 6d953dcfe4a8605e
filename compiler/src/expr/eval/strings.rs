//! Methods of strings. Positions count characters.
//!
//! Source of the rules: cel-go's extension `strings`.

use super::{EvalError, Failure, fail};
use crate::expr::value::Value;
use crate::source::{Span, Spanned};

/// `None` where there is no such form. `size` is the most bytes that may be made.
pub(super) fn call(name: &Spanned<String>, values: &[Value], size: usize) -> Result<Option<Value>, EvalError> {
    let span = name.span;
    let found = match (name.value.as_str(), values) {
        ("contains", [Value::String(text), Value::String(part)]) => Value::Bool(text.contains(&**part)),
        ("startsWith", [Value::String(text), Value::String(part)]) => Value::Bool(text.starts_with(&**part)),
        ("endsWith", [Value::String(text), Value::String(part)]) => Value::Bool(text.ends_with(&**part)),
        ("lowerAscii", [Value::String(text)]) => Value::string(text.to_ascii_lowercase()),
        ("upperAscii", [Value::String(text)]) => Value::string(text.to_ascii_uppercase()),
        ("trim", [Value::String(text)]) => Value::string(text.trim()),
        ("charAt", [Value::String(text), Value::Int(at)]) => {
            let at = position(*at, text, span)?;
            Value::string(text.chars().skip(at).take(1).collect::<String>())
        }
        ("substring", [Value::String(text), Value::Int(from)]) => {
            let from = position(*from, text, span)?;
            Value::string(text.chars().skip(from).collect::<String>())
        }
        ("substring", [Value::String(text), Value::Int(from), Value::Int(to)]) => {
            let (from, to) = (position(*from, text, span)?, position(*to, text, span)?);
            if from > to {
                return fail(Failure::Argument, span, format!("the end {to} is before the start {from}"));
            }
            Value::string(text.chars().skip(from).take(to - from).collect::<String>())
        }
        ("indexOf", [Value::String(text), Value::String(part), rest @ ..]) => index(text, part, rest, false, span)?,
        ("lastIndexOf", [Value::String(text), Value::String(part), rest @ ..]) => index(text, part, rest, true, span)?,
        ("replace", [Value::String(text), Value::String(from), Value::String(to), rest @ ..]) => {
            let most = most(rest);
            let times = if from.is_empty() { text.chars().count() + 1 } else { text.matches(&**from).count() };
            // What it can be at most is known before it is made.
            let longest = text.len().saturating_add(times.min(most).saturating_mul(to.len()));
            if longest > size.saturating_add(text.len()) {
                return fail(Failure::Size, span, format!("a string of {longest} bytes is larger than it may be"));
            }
            Value::string(text.replacen(&**from, to, most))
        }
        ("split", [Value::String(text), Value::String(by), rest @ ..]) => split(text, by, most(rest)),
        ("join", [Value::List(items), rest @ ..]) => match rest {
            [] => join(items, "", size, span)?,
            [Value::String(by)] => join(items, by, size, span)?,
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    Ok(Some(found))
}

fn most(rest: &[Value]) -> usize {
    match rest {
        [Value::Int(most)] => usize::try_from(*most).unwrap_or(usize::MAX),
        _ => usize::MAX,
    }
}

fn position(at: i64, text: &str, span: Span) -> Result<usize, EvalError> {
    let count = text.chars().count();
    match usize::try_from(at).ok().filter(|at| *at <= count) {
        Some(at) => Ok(at),
        None => fail(Failure::Argument, span, format!("position {at} is outside a string of {count}")),
    }
}

fn index(text: &str, part: &str, rest: &[Value], last: bool, span: Span) -> Result<Value, EvalError> {
    let at = match rest {
        [Value::Int(at)] => Some(position(*at, text, span)?),
        _ => None,
    };
    let byte = |at: usize| text.char_indices().nth(at).map_or(text.len(), |(byte, _)| byte);
    let found = match (last, at) {
        (false, None) => text.find(part),
        (false, Some(at)) => text[byte(at)..].find(part).map(|found| found + byte(at)),
        (true, None) => text.rfind(part),
        (true, Some(at)) => {
            let end = (byte(at) + part.len()).min(text.len());
            let end = (end..=text.len()).find(|end| text.is_char_boundary(*end)).unwrap_or(text.len());
            text[..end].rfind(part)
        }
    };
    let chars = found.map(|byte| text[..byte].chars().count());
    Ok(Value::Int(chars.map_or(-1, |at| i64::try_from(at).unwrap_or(i64::MAX))))
}

fn split(text: &str, by: &str, most: usize) -> Value {
    if most == 0 {
        return Value::list(Vec::new());
    }
    if by.is_empty() {
        let characters: Vec<char> = text.chars().collect();
        let single = characters.len().min(most.saturating_sub(usize::from(characters.len() > most)));
        let mut parts: Vec<Value> = characters[..single].iter().map(|c| Value::string(c.to_string())).collect();
        if single < characters.len() {
            parts.push(Value::string(characters[single..].iter().collect::<String>()));
        }
        return Value::list(parts);
    }
    Value::list(text.splitn(most, by).map(Value::string).collect())
}

fn join(items: &[Value], by: &str, size: usize, span: Span) -> Result<Value, EvalError> {
    let mut text = String::new();
    for (at, item) in items.iter().enumerate() {
        let Value::String(item) = item else {
            return fail(Failure::Type, span, format!("`join` takes strings, not {}", item.type_name()));
        };
        if at > 0 {
            text.push_str(by);
        }
        text.push_str(item);
        if text.len() > size {
            return fail(Failure::Size, span, format!("a string of more than {size} bytes is larger than it may be"));
        }
    }
    Ok(Value::string(text))
}
