//! `${…}` in strings: parsed by CEL, reduced to select chains.
//!
//! **Invariant:** nothing is evaluated here but names; a chain keeps the place of each of its parts.
//! Not here: what the names stand for (`model`).

use cel::common::ast::{Expr, operators};
use cel::parser::Parser;

use crate::diag::{Applicability, Diagnostic, Diags, codes};
use crate::source::{Span, Spanned};
use crate::syntax::Text;

/// Longest expression in bytes.
const LENGTH: usize = 1024;

/// Deepest nesting of brackets and prefixes: the parser recurses.
const DEPTH: usize = 8;

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
    Chain(Chain),
    /// An expression that could not be read, which has been said: what it stands for is of any type.
    Unread,
}

/// `param.revision.short`: names joined by dots.
#[derive(Clone, Debug)]
pub struct Chain {
    pub names: Vec<Spanned<String>>,
    /// The expression without `${` and `}`.
    pub span: Span,
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
                Piece::Chain(_) | Piece::Unread => return None,
            }
        }
        Some(all)
    }

    pub fn chains(&self) -> impl Iterator<Item = &Chain> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Chain(chain) => Some(chain),
            Piece::Text(_) | Piece::Unread => None,
        })
    }
}

impl Chain {
    /// The chain as text: `param.revision`.
    pub fn show(&self) -> String {
        self.names.iter().map(|name| name.value.as_str()).collect::<Vec<_>>().join(".")
    }

    /// The names, for matching.
    pub fn parts(&self) -> Vec<&str> {
        self.names.iter().map(|name| name.value.as_str()).collect()
    }
}

/// Reads a string: `${…}` is an expression, `$${` is `${` itself, any other `$` stands for itself.
pub fn parse(text: &Text, diags: &mut Diags) -> Template {
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
        let Some(length) = value[open..].find('}') else {
            let finding =
                Diagnostic::new(&codes::BAD_EXPRESSION, text.place(open, open + 2), "an expression is not closed");
            diags.push(
                finding
                    .here("`${` without its `}`")
                    .help("close it with `}`, or write `$${` for the characters themselves"),
            );
            pieces.push(Piece::Unread);
            return Template { pieces, span: text.span };
        };
        if !plain.is_empty() {
            pieces.push(Piece::Text(std::mem::take(&mut plain)));
        }
        pieces.push(expression(text, open + 2, open + length, diags).map_or(Piece::Unread, Piece::Chain));
        at = open + length + 1;
    }
    plain.push_str(&value[at..]);
    if !plain.is_empty() || pieces.is_empty() {
        pieces.push(Piece::Text(plain));
    }
    Template { pieces, span: text.span }
}

/// The chain between `from` and `to` of a text; `None` if a finding was made.
fn expression(text: &Text, from: usize, to: usize, diags: &mut Diags) -> Option<Chain> {
    let source = &text.value[from..to];
    let span = text.place(from, to);
    let bad = |message: String| Diagnostic::new(&codes::BAD_EXPRESSION, span, message);
    if source.len() > LENGTH {
        diags.push(bad(format!("an expression has {} bytes, more than the {LENGTH} it may have", source.len())));
        return None;
    }
    if source.trim().is_empty() {
        diags.push(bad("an expression is empty".into()).here("nothing between the braces"));
        return None;
    }
    if deepest(source) > DEPTH {
        diags
            .push(bad("an expression is nested too deeply".into()).here("only names joined by dots are supported yet"));
        return None;
    }
    let parsed = match Parser::new().parse(&dashed_names(source)) {
        Ok(parsed) => parsed,
        Err(errors) => {
            let said = errors.errors.first().map(|error| error.msg.clone()).unwrap_or_default();
            diags.push(bad(format!("`{}` is not an expression", source.trim())).here(said));
            return None;
        }
    };
    let Some(names) = chain(&parsed.expr) else {
        let finding =
            bad(format!("`{}` is more than a name", source.trim())).here("only names joined by dots are supported yet");
        diags.push(finding.help("write for instance `param.revision.short`"));
        return None;
    };
    Some(Chain { names: place_names(text, from, source, names), span })
}

/// How deep brackets and prefixes are nested, at most.
fn deepest(source: &str) -> usize {
    let (mut depth, mut prefixes, mut deepest) = (0usize, 0usize, 0usize);
    for character in source.chars() {
        match character {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            '!' | '-' | '?' => prefixes += 1,
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest.max(prefixes / 4)
}

/// CEL reads `a.b-c` as a subtraction; in a plain chain of names it is a name with a dash.
fn dashed_names(source: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let trimmed = source.trim();
    if !trimmed.contains('-') || !trimmed.chars().all(plain) {
        return trimmed.to_owned();
    }
    let mut names = trimmed.split('.');
    let first = names.next().unwrap_or_default();
    names.fold(first.to_owned(), |chain, name| {
        if name.contains('-') { format!("{chain}[\"{name}\"]") } else { format!("{chain}.{name}") }
    })
}

/// The names of a pure select chain, `a.b["c"]` included.
fn chain(expr: &Expr) -> Option<Vec<String>> {
    match expr {
        Expr::Ident(name) => Some(vec![name.clone()]),
        Expr::Select(select) if !select.test => {
            let mut names = chain(&select.operand.expr)?;
            names.push(select.field.clone());
            Some(names)
        }
        Expr::Call(call) if call.func_name == operators::INDEX => {
            let [operand, index] = call.args.as_slice() else { return None };
            let mut names = chain(&operand.expr)?;
            let Expr::Literal(cel::common::ast::LiteralValue::String(key)) = &index.expr else { return None };
            names.push(key.inner().to_owned());
            Some(names)
        }
        _ => None,
    }
}

/// Finds each name's place in the source of its chain, left to right.
fn place_names(text: &Text, from: usize, source: &str, names: Vec<String>) -> Vec<Spanned<String>> {
    let mut at = 0;
    let place = |name: String| {
        let start = at + source[at..].find(&name).unwrap_or(0);
        let end = (start + name.len()).min(source.len());
        at = end;
        Spanned::new(name, text.place(from + start, from + end))
    };
    names.into_iter().map(place).collect()
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

/// The names with which an expression can begin.
pub const ROOTS: &[&str] = &["param", "workspace", "result", "task", "image"];

/// A fix that turns a plain string into another one, quotes kept by replacing only what is between them.
pub fn replace_name(finding: Diagnostic, name: &Spanned<String>, real: &str) -> Diagnostic {
    finding.fix(format!("replace by `{real}`"), Applicability::Maybe, name.span, real)
}
