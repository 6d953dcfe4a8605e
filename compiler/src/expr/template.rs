//! `${…}` in strings.
//!
//! **Invariant:** a string is cut into pieces whatever is in it; what cannot be read is a piece that has been reported.

use super::ast::{Chain, Expression};
use super::{Dialect, ROOTS, parse};
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::Span;
use crate::syntax::Text;

/// A string with expressions in it.
#[derive(Clone, Debug)]
pub struct Template {
    pub pieces: Vec<Piece>,
    /// The whole string as written.
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Piece {
    Text(String),
    /// Names joined by dots and nothing else.
    Chain(Chain),
    Expression(Box<Expression>),
    /// An expression that could not be read, which has been said: what it stands for is of any type.
    Unread,
}

impl Template {
    /// A string without expressions.
    pub fn text(text: impl Into<String>, span: Span) -> Template {
        Template { pieces: vec![Piece::Text(text.into())], span }
    }

    /// The string, if there is no expression in it.
    pub fn literal(&self) -> Option<String> {
        let mut all = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => all.push_str(text),
                Piece::Chain(_) | Piece::Expression(_) | Piece::Unread => return None,
            }
        }
        Some(all)
    }

    /// All names that the string reads.
    pub fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.pieces.iter().flat_map(|piece| match piece {
            Piece::Chain(chain) => std::slice::from_ref(chain),
            Piece::Expression(expression) => expression.chains.as_slice(),
            Piece::Text(_) | Piece::Unread => &[],
        })
    }
}

/// Reads a string: `${…}` is an expression, `$${` is `${` itself, any other `$` stands for itself.
pub fn template(text: &Text, diags: &mut Diags) -> Template {
    let value = text.value.as_str();
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut at = 0;
    while let Some(found) = value[at..].find("${") {
        let open = at + found;
        if value[at..open].ends_with('$') {
            plain.push_str(&value[at..open - 1]);
            plain.push_str("${");
            at = open + 2;
            continue;
        }
        plain.push_str(&value[at..open]);
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        let Some(close) = closing(value, open + 2) else {
            diags.push(unclosed(text.place(open, open + 2)));
            pieces.push(Piece::Unread);
            return Template { pieces, span: text.span };
        };
        pieces.push(piece(parse::parse(text, open + 2, close, Dialect::Waybill, diags)));
        at = close + 1;
    }
    plain.push_str(&value[at..]);
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Template { pieces, span: text.span }
}

fn piece(expression: Expression) -> Piece {
    if !expression.is_read() {
        return Piece::Unread;
    }
    match expression.chain() {
        Some(chain) => Piece::Chain(chain.clone()),
        None => Piece::Expression(Box::new(expression)),
    }
}

fn unclosed(place: Span) -> Diagnostic {
    Diagnostic::new(&codes::BAD_EXPRESSION, place, "an expression is not closed")
        .here("`${` without its `}`")
        .help("close it with `}`, or write `$${` for the characters themselves")
}

/// The `}` that closes an expression which begins at `from`: not one of a map and not one in a string. Where a quote or
/// a brace in it stays open, the first `}` of all, so that the rest of the string is still read.
fn closing(value: &str, from: usize) -> Option<usize> {
    let bytes = value.as_bytes();
    let (mut at, mut depth) = (from, 0usize);
    while at < bytes.len() {
        match bytes[at] {
            b'}' if depth == 0 => return Some(at),
            b'}' => depth -= 1,
            b'{' => depth += 1,
            quote @ (b'"' | b'\'') => match string_end(bytes, at, quote, from) {
                Some(end) => at = end,
                None => break,
            },
            _ => {}
        }
        at += 1;
    }
    value[from..].find('}').map(|length| from + length)
}

/// The last byte of the string that begins at `at`.
fn string_end(bytes: &[u8], at: usize, quote: u8, from: usize) -> Option<usize> {
    let raw = at > from && matches!(bytes[at - 1], b'r' | b'R');
    let triple = bytes[at..].starts_with(&[quote; 3]);
    let close: &[u8] = if triple { &[quote; 3] } else { &[quote] };
    let mut at = at + close.len();
    while at < bytes.len() {
        if bytes[at] == b'\\' && !raw {
            at += 2;
        } else if bytes[at..].starts_with(close) {
            return Some(at + close.len() - 1);
        } else {
            at += 1;
        }
    }
    None
}

/// Where a shell text has one of our expressions spliced in: `${param.…}` and its like; other `${…}` are the shell's.
pub fn splices(script: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = script[at..].find("${").map(|open| at + open) {
        let Some(length) = script[open..].find('}') else { break };
        let inside = &script[open + 2..open + length];
        let root = inside.split(['.', '[']).next().unwrap_or_default().trim();
        let names = inside
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ' ' | '[' | ']' | '"' | '\''));
        if names && inside.contains(['.', '[']) && ROOTS.contains(&root) {
            found.push((open, open + length + 1));
        }
        at = open + length + 1;
    }
    found
}
