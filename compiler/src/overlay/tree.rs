//! A small spanned tree of one YAML document, made for edits.
//!
//! **Invariant:** spans are byte ranges of the text that was parsed. Aliases are not expanded.
//! Not here: editing, and the tree that specs are lowered from.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

use super::BumpError;

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub kind: Kind,
    /// Of a block collection, only the start is meaningful; see [`Node::end`].
    pub span: Range<usize>,
    /// It has an anchor or a tag of its own.
    pub decorated: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Kind {
    Scalar { text: String, style: ScalarStyle },
    Seq { flow: bool, items: Vec<Node> },
    Map { flow: bool, pairs: Vec<(Node, Node)> },
    Alias,
}

/// What a text says, without how it is written; scalars tell strings from other plain values.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Model {
    Scalar { text: String, string: bool },
    Seq(Vec<Model>),
    Map(Vec<(Model, Model)>),
    Alias,
}

impl Node {
    /// Where the last written byte of this node ends; `text` is what was parsed.
    pub fn end(&self, text: &str) -> usize {
        let last = match &self.kind {
            Kind::Seq { flow: false, items } => items.last().map(|item| item.end(text)),
            Kind::Map { flow: false, pairs } => pairs.last().map(|(key, value)| pair_end(text, key, value)),
            Kind::Scalar { style: ScalarStyle::Literal | ScalarStyle::Folded, .. } => {
                Some(self.span.start + text[self.span.clone()].trim_end().len())
            }
            Kind::Scalar { .. } | Kind::Seq { .. } | Kind::Map { .. } | Kind::Alias => None,
        };
        last.unwrap_or(self.span.end)
    }

    pub fn scalar(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { text, .. } => Some(text),
            Kind::Seq { .. } | Kind::Map { .. } | Kind::Alias => None,
        }
    }

    /// A plain scalar that stands for nothing: `key:`, `~`, `null`.
    pub fn is_null(&self) -> bool {
        match &self.kind {
            Kind::Scalar { text, style } => {
                *style == ScalarStyle::Plain && ["", "~", "null", "Null", "NULL"].contains(&text.as_str())
            }
            Kind::Seq { .. } | Kind::Map { .. } | Kind::Alias => false,
        }
    }

    pub fn model(&self) -> Model {
        match &self.kind {
            Kind::Scalar { text, style } => Model::Scalar {
                text: text.clone(),
                string: *style != ScalarStyle::Plain || !super::scalar::is_not_a_string(text),
            },
            Kind::Seq { items, .. } => Model::Seq(items.iter().map(Node::model).collect()),
            Kind::Map { pairs, .. } => Model::Map(pairs.iter().map(|(k, v)| (k.model(), v.model())).collect()),
            Kind::Alias => Model::Alias,
        }
    }
}

/// Where a pair ends: an absent value has a span somewhere after its key, so the colon decides there.
pub(super) fn pair_end(text: &str, key: &Node, value: &Node) -> usize {
    if value.span.is_empty() && value.scalar() == Some("") {
        return colon_end(text, key).unwrap_or(key.span.end);
    }
    value.end(text)
}

/// The offset after the colon that follows a key.
pub(super) fn colon_end(text: &str, key: &Node) -> Option<usize> {
    let rest = &text[key.span.end..];
    let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
    rest[blank..].starts_with(':').then_some(key.span.end + blank + 1)
}

pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

type SpannedEvent<'a> = (Event<'a>, Range<usize>);

/// The root of the only document; `None` for a text without one.
pub(super) fn parse(text: &str) -> Result<Option<Node>, BumpError> {
    let mut events = Vec::new();
    // Comments are skipped, not gathered: the parser gives up on long runs of those that it gathers.
    let options = granit_parser::options! { emit_comments: false };
    for event in Parser::new_from_str_with_options(text, options) {
        let (event, span) =
            event.map_err(|error| BumpError::Yaml { line: error.marker().line(), message: error.info() })?;
        events.push((event, range(&span)));
    }
    let starts = events.iter().filter(|(event, _)| matches!(event, Event::DocumentStart(..)));
    if starts.count() > 1 {
        return Err(BumpError::SeveralDocuments);
    }
    let mut events = events.into_iter().filter(|(event, _)| is_node_part(event));
    Ok(events.next().map(|first| node(first, &mut events)))
}

fn range(span: &Span) -> Range<usize> {
    span.byte_range().expect("BUG: granit gives byte ranges for a borrowed string")
}

fn is_node_part(event: &Event<'_>) -> bool {
    event.is_node() || matches!(event, Event::SequenceEnd | Event::MappingEnd)
}

/// Builds the node that begins with `first`. Depth is bounded by the parser's nesting limit.
fn node<'a>((event, span): SpannedEvent<'a>, events: &mut impl Iterator<Item = SpannedEvent<'a>>) -> Node {
    match event {
        Event::Scalar(value, style, anchor, tag) => Node {
            kind: Kind::Scalar { text: value.into_owned(), style },
            span,
            decorated: anchor != 0 || tag.is_some(),
        },
        Event::SequenceStart(style, anchor, tag) => {
            let mut items = Vec::new();
            let end = children(events, &mut |child, events| items.push(node(child, events)));
            Node {
                kind: Kind::Seq { flow: style == StructureStyle::Flow, items },
                span: span.start..end,
                decorated: anchor != 0 || tag.is_some(),
            }
        }
        Event::MappingStart(style, anchor, tag) => {
            let mut pairs = Vec::new();
            let end = children(events, &mut |child, events| {
                let key = node(child, events);
                if let Some(value) = events.next() {
                    pairs.push((key, node(value, events)));
                }
            });
            Node {
                kind: Kind::Map { flow: style == StructureStyle::Flow, pairs },
                span: span.start..end,
                decorated: anchor != 0 || tag.is_some(),
            }
        }
        // What is left of the filtered events are aliases; an unbalanced end cannot come from the parser.
        _ => Node { kind: Kind::Alias, span, decorated: false },
    }
}

/// Calls `child` for every event up to the end of this collection; gives the end's offset.
fn children<'a, I: Iterator<Item = SpannedEvent<'a>>>(
    events: &mut I,
    child: &mut dyn FnMut(SpannedEvent<'a>, &mut I),
) -> usize {
    while let Some((event, span)) = events.next() {
        if matches!(event, Event::SequenceEnd | Event::MappingEnd) {
            return span.end;
        }
        child((event, span), events);
    }
    0
}
