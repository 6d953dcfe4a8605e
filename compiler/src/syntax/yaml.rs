//! YAML documents as spanned nodes.
//!
//! **Invariant:** parsing never fails and never panics; a document with an error is left out and a finding says why;
//! what aliases add is bounded, and no tree is deeper than `MAX_DEPTH`.
//! Not here: KDL (`syntax::kdl`), and what the keys mean (`spec`, `manifest`).

mod build;
mod offsets;
mod scalar;

pub use scalar::Schema;

use granit_parser::{ErrorKind, Options, Parser, ScanError};
use serde_json::{Number, Value};

use crate::diag::{Applicability, Diagnostic, Diags, codes};
use crate::source::{FileId, Span};
use crate::syntax::Text;

/// Collections within collections beyond this are refused.
pub const MAX_DEPTH: usize = 128;
/// Nodes that the aliases of one file may expand to.
pub const MAX_ALIAS_NODES: usize = 100_000;
/// Bytes of text that the aliases of one file may expand to.
pub const MAX_ALIAS_BYTES: usize = 16 << 20;

/// A value and where it was written. What came through an alias has the place of the anchored original.
#[derive(Clone, Debug)]
pub struct Node {
    pub span: Span,
    pub kind: Kind,
}

#[derive(Clone, Debug)]
pub enum Kind {
    Null,
    Bool(bool),
    /// An integer of 64 bits or a finite float.
    Number(Number),
    Str(Text),
    Seq(Vec<Node>),
    /// In the order of the text, keys unique; keys that came through `<<` follow.
    Map(Vec<(Text, Node)>),
}

/// One node per document, in order; an empty document gives `Null`. A document with a syntax error is left out, and
/// reading goes on with the next one.
pub fn parse(file: FileId, text: &str, schema: Schema, diags: &mut Diags) -> Vec<Node> {
    let mut parser = Parser::new_from_str_with_options(text, options());
    let mut builder = build::Builder::new(file, text, schema, diags);
    let mut documents = Vec::new();
    while let Some(result) = parser.next_event() {
        let step = match result {
            Ok((event, span)) => builder.event(event, span),
            Err(error) => {
                let finding = syntax_error(file, text, &error);
                builder.fail(finding)
            }
        };
        match step {
            build::Step::More => {}
            build::Step::Document(node) => documents.push(node),
            build::Step::Abandon => {
                builder.reset();
                if !matches!(parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
        }
    }
    documents
}

fn options() -> Options {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.emit_unresolved_aliases = true;
    // As libyaml and the readers of kubectl and Kustomize, which descend from it.
    options.block_scalar_eof_without_line_feed = true;
    options.flow_nesting_limit = MAX_DEPTH;
    options.block_nesting_limit = MAX_DEPTH;
    options
}

fn syntax_error(file: FileId, text: &str, error: &ScanError) -> Diagnostic {
    let start = error.marker().byte_offset().unwrap_or(0).min(text.len());
    let start = (0..=start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let length = text[start..].chars().next().filter(|c| !matches!(c, '\n' | '\r')).map_or(0, char::len_utf8);
    let span = Span::new(file, start, start + length);
    if matches!(error.kind(), ErrorKind::RecursionLimitExceeded) {
        return too_deep(span);
    }
    if let Some(open) = unclosed_quote(text, start) {
        return unclosed(file, text, open, span);
    }
    Diagnostic::new(&codes::SYNTAX_YAML, span, format!("this is not YAML: {}", error.kind()))
        .here("the parser gave up here")
}

/// Where a quoted text begins that was taken to end just before `at`, lines below: it was rather meant to end in its own
/// line, and what follows it to begin another.
fn unclosed_quote(text: &str, at: usize) -> Option<usize> {
    let before = text[..at].trim_end_matches([' ', '\t']);
    let quote = before.chars().next_back().filter(|c| matches!(c, '"' | '\''))?;
    let inside = &before[..before.len() - 1];
    let open = inside.rfind(quote)?;
    inside[open..].contains('\n').then_some(open)
}

fn unclosed(file: FileId, text: &str, open: usize, noticed: Span) -> Diagnostic {
    let line = text[open..].find(['\n', '\r']).map_or(text.len(), |length| open + length);
    let (quote, end) = (&text[open..=open], open + text[open..line].trim_end().len());
    let place = Span::new(file, end, end);
    Diagnostic::new(&codes::SYNTAX_YAML, Span::new(file, open, end), "a quote is not closed")
        .here(format!("no `{quote}` at its end"))
        .label(noticed, "so the next quote ends it, with text behind")
        .fix(format!("add `{quote}`"), Applicability::Maybe, place, quote)
}

fn too_deep(span: Span) -> Diagnostic {
    Diagnostic::new(&codes::NESTING, span, format!("YAML is nested more than {MAX_DEPTH} levels deep"))
        .here("one level too many")
}

impl Node {
    /// The same data as JSON, without places.
    pub fn to_json(&self) -> Value {
        match &self.kind {
            Kind::Null => Value::Null,
            Kind::Bool(value) => Value::Bool(*value),
            Kind::Number(value) => Value::Number(value.clone()),
            Kind::Str(text) => Value::String(text.value.clone()),
            Kind::Seq(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            Kind::Map(entries) => {
                Value::Object(entries.iter().map(|(key, node)| (key.value.clone(), node.to_json())).collect())
            }
        }
    }

    /// The value of `key` in a mapping.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|(_, node)| node)
    }

    /// Key and value of `key` in a mapping.
    pub fn entry(&self, key: &str) -> Option<&(Text, Node)> {
        self.as_map()?.iter().find(|(text, _)| text.value == key)
    }

    /// The node at a JSON pointer (RFC 6901), such as `/spec/containers/0/image`; the empty pointer is this node.
    pub fn at(&self, pointer: &str) -> Option<&Node> {
        let mut node = self;
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            node = match &node.kind {
                Kind::Map(_) => node.get(&part)?,
                Kind::Seq(items) => items.get(part.parse::<usize>().ok()?)?,
                Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Str(_) => return None,
            };
        }
        Some(node)
    }

    pub fn as_text(&self) -> Option<&Text> {
        match &self.kind {
            Kind::Str(text) => Some(text),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Seq(_) | Kind::Map(_) => None,
        }
    }

    pub fn as_str(&self) -> Option<&str> {
        self.as_text().map(|text| text.value.as_str())
    }

    pub fn as_bool(&self) -> Option<bool> {
        match &self.kind {
            Kind::Bool(value) => Some(*value),
            Kind::Null | Kind::Str(_) | Kind::Number(_) | Kind::Seq(_) | Kind::Map(_) => None,
        }
    }

    pub fn as_number(&self) -> Option<&Number> {
        match &self.kind {
            Kind::Number(value) => Some(value),
            Kind::Null | Kind::Str(_) | Kind::Bool(_) | Kind::Seq(_) | Kind::Map(_) => None,
        }
    }

    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.kind {
            Kind::Seq(items) => Some(items),
            Kind::Null | Kind::Str(_) | Kind::Bool(_) | Kind::Number(_) | Kind::Map(_) => None,
        }
    }

    pub fn as_map(&self) -> Option<&[(Text, Node)]> {
        match &self.kind {
            Kind::Map(entries) => Some(entries),
            Kind::Null | Kind::Str(_) | Kind::Bool(_) | Kind::Number(_) | Kind::Seq(_) => None,
        }
    }

    pub fn is_null(&self) -> bool {
        matches!(self.kind, Kind::Null)
    }

    /// What kind of value this is, as messages say it: `a list`.
    pub fn what(&self) -> &'static str {
        match &self.kind {
            Kind::Null => "nothing",
            Kind::Bool(_) => "a truth value",
            Kind::Number(_) => "a number",
            Kind::Str(_) => "a text",
            Kind::Seq(_) => "a list",
            Kind::Map(_) => "a mapping",
        }
    }
}
