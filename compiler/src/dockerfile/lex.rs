//! Words of an instruction: splitting, quotes, variables, the JSON form, here-documents.
//!
//! **Invariant:** what is not understood is an error with a reason, never taken literally.
//! Not here: what the words mean.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// Values of ENV and ARG.
pub(super) type Vars = BTreeMap<String, String>;

/// `["a", "b"]`; `None` for any other form.
pub(super) fn json_form(rest: &str) -> Option<Vec<String>> {
    if !rest.starts_with('[') {
        return None;
    }
    serde_json::from_str(rest).ok()
}

/// Splits at blanks outside quotes; quotes and escapes stay in the words.
pub(super) fn quoted_words(rest: &str, escape: char) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut chars = rest.chars();
    while let Some(ch) = chars.next() {
        match quote {
            None if ch.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                continue;
            }
            None if ch == '"' || ch == '\'' => quote = Some(ch),
            Some(open) if ch == open => quote = None,
            None | Some(_) => {}
        }
        word.push(ch);
        // Within single quotes an escape is a character like any other.
        if ch == escape && quote != Some('\'') {
            word.extend(chars.next());
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Takes quotes and escapes away and fills in variables.
pub(super) fn expand(word: &str, vars: &Vars, escape: char) -> Result<String, String> {
    let mut out = String::new();
    let mut chars = word.chars().peekable();
    let mut in_double = false;
    while let Some(ch) = chars.next() {
        match ch {
            '\'' if !in_double => single_quoted(&mut chars, &mut out)?,
            '"' => in_double = !in_double,
            '$' => variable(&mut chars, vars, escape, &mut out)?,
            ch if ch == escape => match chars.next() {
                // Within double quotes an escape stays unless it protects something.
                Some(next) if in_double && !['"', '$', escape].contains(&next) => out.extend([ch, next]),
                Some(next) => out.push(next),
                None => out.push(ch),
            },
            ch => out.push(ch),
        }
    }
    match in_double {
        true => Err("a double quote is not closed".to_owned()),
        false => Ok(out),
    }
}

fn single_quoted(chars: &mut Peekable<Chars<'_>>, out: &mut String) -> Result<(), String> {
    for ch in chars {
        if ch == '\'' {
            return Ok(());
        }
        out.push(ch);
    }
    Err("a single quote is not closed".to_owned())
}

/// What follows a dollar sign.
fn variable(chars: &mut Peekable<Chars<'_>>, vars: &Vars, escape: char, out: &mut String) -> Result<(), String> {
    let braced = chars.next_if_eq(&'{').is_some();
    let mut name = String::new();
    while let Some(ch) = chars.next_if(|ch| ch.is_ascii_alphanumeric() || *ch == '_') {
        name.push(ch);
    }
    if !braced {
        match name.is_empty() {
            true => out.push('$'),
            false => out.push_str(vars.get(&name).map_or("", String::as_str)),
        }
        return Ok(());
    }
    let mut operand = String::new();
    let mut depth = 1;
    for ch in chars.by_ref() {
        match ch {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            break;
        }
        operand.push(ch);
    }
    if depth > 0 || name.is_empty() {
        return Err(format!("`${{{name}{operand}` is not a variable"));
    }
    let value = vars.get(&name);
    let filled = value.filter(|value| !value.is_empty());
    let (value, other) = if operand.is_empty() {
        (value.cloned(), None)
    } else if let Some(default) = operand.strip_prefix(":-") {
        (filled.cloned(), Some(default))
    } else if let Some(instead) = operand.strip_prefix(":+") {
        (None, filled.map(|_| instead))
    } else if let Some(default) = operand.strip_prefix('-') {
        (value.cloned(), Some(default))
    } else if let Some(instead) = operand.strip_prefix('+') {
        (None, value.map(|_| instead))
    } else {
        return Err(format!("`${{{name}{operand}}}` is a form of variable that is not read here"));
    };
    match (value, other) {
        (Some(value), _) => out.push_str(&value),
        (None, Some(other)) => out.push_str(&expand(other, vars, escape)?),
        (None, None) => {}
    }
    Ok(())
}

/// Delimiters of here-documents in the order of their bodies; `true` for `<<-`, which strips tabs.
pub(super) fn heredocs(rest: &str) -> Vec<(String, bool)> {
    let mut out = Vec::new();
    let parts = rest.split_whitespace();
    for part in parts {
        let Some((before, mut name)) = part.split_once("<<") else {
            continue;
        };
        let strip_tabs = name.starts_with('-');
        name = name.trim_start_matches('-');
        let name = name.trim_matches(['"', '\'']);
        let is_word = |ch: char| ch.is_ascii_alphanumeric() || ch == '_';
        // `<<<` and shifts such as `1<<2` are no here-documents.
        let descriptor = before.chars().all(|ch| ch.is_ascii_digit());
        if descriptor && name.starts_with(|ch: char| ch.is_ascii_alphabetic() || ch == '_') && name.chars().all(is_word)
        {
            out.push((name.to_owned(), strip_tabs));
        }
    }
    out
}
