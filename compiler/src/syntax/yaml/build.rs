//! Parser events to nodes: aliases expanded, merge keys resolved, keys checked.
//!
//! **Invariant:** what aliases copy is counted before it is copied; the stack is never deeper than `MAX_DEPTH`.

use std::collections::HashMap;

use granit_parser::{Event, ScalarStyle, Tag};

use super::{Kind, MAX_ALIAS_BYTES, MAX_ALIAS_NODES, MAX_DEPTH, Node, Schema, offsets, scalar, too_deep};
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::{FileId, Span};
use crate::syntax::Text;

/// What an event led to.
pub(super) enum Step {
    More,
    Document(Node),
    /// The document is broken; its findings are made.
    Abandon,
}

/// How much a node holds.
#[derive(Clone, Copy, Default)]
struct Weight {
    nodes: usize,
    bytes: usize,
    height: usize,
}

impl Weight {
    fn of_text(bytes: usize) -> Weight {
        Weight { nodes: 1, bytes, height: 0 }
    }

    fn add(&mut self, other: Weight) {
        self.nodes += other.nodes;
        self.bytes += other.bytes;
        self.height = self.height.max(other.height + 1);
    }
}

enum Key {
    Text(Text),
    Merge(Span),
    /// A key that cannot be one; the finding is made, and its value is read and dropped.
    Lost,
}

enum Items {
    Seq(Vec<Node>),
    Map { entries: Vec<(Text, Node)>, merges: Vec<(Span, Node)>, key: Option<Key> },
}

struct Open {
    start: usize,
    end: usize,
    anchor: usize,
    weight: Weight,
    items: Items,
}

enum Anchored {
    Node(Node, Weight),
    /// Copying it would go beyond the budget.
    TooMuch,
}

pub(super) struct Builder<'a> {
    file: FileId,
    text: &'a str,
    schema: Schema,
    diags: &'a mut Diags,
    stack: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    /// Where the last event ended: a block scalar's header is looked for from there.
    last_end: usize,
    /// What aliases have copied so far, and what is kept for them.
    copied: Weight,
    kept: Weight,
}

impl<'a> Builder<'a> {
    pub(super) fn new(file: FileId, text: &'a str, schema: Schema, diags: &'a mut Diags) -> Builder<'a> {
        let (copied, kept) = Default::default();
        Builder { file, text, schema, diags, stack: Vec::new(), anchors: HashMap::new(), last_end: 0, copied, kept }
    }

    /// Forgets what is open, after a broken document.
    pub(super) fn reset(&mut self) {
        self.stack.clear();
        self.anchors.clear();
    }

    pub(super) fn fail(&mut self, finding: Diagnostic) -> Step {
        self.diags.push(finding);
        Step::Abandon
    }

    pub(super) fn event(&mut self, event: Event<'_>, span: granit_parser::Span) -> Step {
        let start = span.start.byte_offset().unwrap_or(0);
        let end = span.end.byte_offset().unwrap_or(start);
        let (start, last_end) = match &event {
            Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
                (offsets::header(self.text, self.last_end, start), end)
            }
            // One that nobody wrote stands where its first content does, which for a block scalar is behind its header.
            Event::DocumentStart(false, _) => (start, self.last_end),
            _ => (start, end),
        };
        self.last_end = last_end;
        match event {
            Event::Scalar(value, style, anchor, tag) => self.scalar(&value, style, anchor, tag.as_deref(), start, end),
            Event::Alias(id) => self.alias(id, Span::new(self.file, start, end)),
            Event::UnresolvedAlias(name) => {
                let span = Span::new(self.file, start, end);
                self.fail(syntax(span, format!("alias `*{name}` has no anchor `&{name}` before it")))
            }
            Event::SequenceStart(_, anchor, _) => self.open(start, anchor, Items::Seq(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                self.open(start, anchor, Items::Map { entries: Vec::new(), merges: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(start, end),
            Event::DocumentEnd => {
                self.anchors.clear();
                self.kept = Weight::default();
                Step::More
            }
            _ => Step::More,
        }
    }

    fn open(&mut self, start: usize, anchor: usize, items: Items) -> Step {
        if self.stack.len() >= MAX_DEPTH {
            return self.fail(too_deep(Span::new(self.file, start, start)));
        }
        let weight = Weight { nodes: 1, ..Weight::default() };
        self.stack.push(Open { start, end: start, anchor, weight, items });
        Step::More
    }

    fn close(&mut self, start: usize, end: usize) -> Step {
        let Some(open) = self.stack.pop() else { return Step::More };
        // The end of a block collection is an empty place further down; that of its last part is the true one.
        let last = if end > start { end } else { open.end };
        let span = Span::new(self.file, open.start, last.max(open.start));
        let kind = match open.items {
            Items::Seq(items) => Kind::Seq(items),
            Items::Map { entries, merges, .. } => Kind::Map(self.finish_map(entries, merges)),
        };
        self.place(Node { span, kind }, open.anchor, open.weight, last)
    }

    fn scalar(
        &mut self,
        value: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        start: usize,
        end: usize,
    ) -> Step {
        let length = self.text.get(start..end).map_or(0, |written| written.trim_end_matches(['\n', '\r']).len());
        let span = Span::new(self.file, start, start + length);
        let resolved = match scalar::resolve(self.schema, value, style, tag) {
            Ok(resolved) => resolved,
            Err(message) => return self.fail(syntax(span, message)),
        };
        if style == ScalarStyle::DoubleQuoted && self.schema != Schema::Core {
            self.diags.extend(half_character(self.file, self.text, start, end));
        }
        let text = |value: &str| Text {
            value: value.to_owned(),
            span,
            map: offsets::map(self.text, start, end, style, value),
        };
        if self.wants_key() {
            let key = match scalar::key(self.schema, value, &resolved) {
                Ok(_) if resolved == scalar::Value::Merge => Key::Merge(span),
                Ok(key) if key == value => Key::Text(text(value)),
                Ok(value) => Key::Text(Text { value, span, map: Vec::new() }),
                Err(reason) => {
                    self.diags.push(syntax(span, reason.to_owned()));
                    Key::Lost
                }
            };
            if anchor != 0 {
                let node = Node { span, kind: Kind::Str(text(value)) };
                self.keep(anchor, &node, Weight::of_text(value.len()));
            }
            self.set_key(key, end);
            return Step::More;
        }
        let kind = match resolved {
            scalar::Value::Null => Kind::Null,
            scalar::Value::Bool(value) => Kind::Bool(value),
            scalar::Value::Number(number) => Kind::Number(number),
            scalar::Value::Decoded(value) => Kind::Str(Text { value, span, map: Vec::new() }),
            scalar::Value::Str | scalar::Value::Merge => Kind::Str(text(value)),
        };
        self.place(Node { span, kind }, anchor, Weight::of_text(value.len()), end)
    }

    fn alias(&mut self, id: usize, span: Span) -> Step {
        let (node, weight) = match self.anchors.get(&id) {
            Some(Anchored::Node(node, weight)) => (node, *weight),
            Some(Anchored::TooMuch) => return self.fail(too_much(span)),
            None => return self.fail(syntax(span, "an anchor's value contains its own alias".to_owned())),
        };
        if self.stack.len() + weight.height > MAX_DEPTH {
            return self.fail(too_deep(span));
        }
        self.copied.nodes += weight.nodes;
        self.copied.bytes += weight.bytes;
        if self.copied.nodes > MAX_ALIAS_NODES || self.copied.bytes > MAX_ALIAS_BYTES {
            return self.fail(too_much(span));
        }
        let node = node.clone();
        if self.wants_key() {
            let key = match node.kind {
                Kind::Str(text) => Key::Text(Text { span, map: Vec::new(), ..text }),
                Kind::Bool(_) | Kind::Number(_) => {
                    Key::Text(Text { value: node.to_json().to_string(), span, map: Vec::new() })
                }
                Kind::Null | Kind::Seq(_) | Kind::Map(_) => self.lost_key(span),
            };
            self.set_key(key, span.end as usize);
            return Step::More;
        }
        self.place(node, 0, weight, span.end as usize)
    }

    fn wants_key(&self) -> bool {
        matches!(self.stack.last(), Some(Open { items: Items::Map { key: None, .. }, .. }))
    }

    fn set_key(&mut self, new: Key, end: usize) {
        if let Some(Open { items: Items::Map { key, .. }, end: open_end, weight, .. }) = self.stack.last_mut() {
            if let Key::Text(text) = &new {
                weight.bytes += text.value.len();
            }
            *key = Some(new);
            *open_end = end;
        }
    }

    fn lost_key(&mut self, span: Span) -> Key {
        self.diags.push(syntax(span, "a mapping key is a collection, which JSON does not have".to_owned()));
        Key::Lost
    }

    /// Puts a complete node where it belongs.
    fn place(&mut self, node: Node, anchor: usize, weight: Weight, end: usize) -> Step {
        if anchor != 0 {
            self.keep(anchor, &node, weight);
        }
        if self.wants_key() {
            let key = self.lost_key(node.span);
            self.set_key(key, end);
            return Step::More;
        }
        let Some(open) = self.stack.last_mut() else { return Step::Document(node) };
        open.end = end.max(open.end);
        open.weight.add(weight);
        match &mut open.items {
            Items::Seq(items) => items.push(node),
            Items::Map { entries, merges, key } => match key.take() {
                Some(Key::Text(text)) => entries.push((text, node)),
                Some(Key::Merge(span)) => merges.push((span, node)),
                Some(Key::Lost) | None => {}
            },
        }
        Step::More
    }

    fn keep(&mut self, anchor: usize, node: &Node, weight: Weight) {
        self.kept.nodes += weight.nodes;
        self.kept.bytes += weight.bytes;
        let fits = self.kept.nodes <= MAX_ALIAS_NODES && self.kept.bytes <= MAX_ALIAS_BYTES;
        let anchored = if fits { Anchored::Node(node.clone(), weight) } else { Anchored::TooMuch };
        self.anchors.insert(anchor, anchored);
    }

    /// Drops repeated keys with a finding each, and adds what `<<` brings: own keys win, then earlier merges.
    fn finish_map(&mut self, entries: Vec<(Text, Node)>, merges: Vec<(Span, Node)>) -> Vec<(Text, Node)> {
        let repeats = repeats(&entries);
        for (first, second) in &repeats {
            self.diags.push(duplicate(&entries[*first].0, &entries[*second].0));
        }
        let mut repeated = repeats.into_iter().map(|(_, second)| second).peekable();
        let mut kept: Vec<(Text, Node)> = Vec::with_capacity(entries.len());
        for (at, entry) in entries.into_iter().enumerate() {
            if repeated.next_if_eq(&at).is_none() {
                kept.push(entry);
            }
        }
        if merges.is_empty() {
            return kept;
        }
        for (span, node) in merges {
            let parts = match node.kind {
                Kind::Seq(items) => items,
                Kind::Map(_) | Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Str(_) => vec![node],
            };
            for part in parts {
                match part.kind {
                    Kind::Map(entries) => kept.extend(entries),
                    Kind::Seq(_) | Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Str(_) => {
                        self.diags.push(syntax(span, "`<<` needs a mapping or a list of mappings".to_owned()));
                    }
                }
            }
        }
        let mut hidden = self::repeats(&kept).into_iter().map(|(_, second)| second).peekable();
        let mut at = 0;
        kept.retain(|_| {
            let keep = hidden.next_if_eq(&at).is_none();
            at += 1;
            keep
        });
        kept
    }
}

/// Indices (first, repeated) of equal keys, ascending by the second.
fn repeats(entries: &[(Text, Node)]) -> Vec<(usize, usize)> {
    if entries.len() <= 12 {
        let first = |at: usize| entries[..at].iter().position(|(key, _)| key.value == entries[at].0.value);
        return (1..entries.len()).filter_map(|at| Some((first(at)?, at))).collect();
    }
    let mut seen: HashMap<&str, usize> = HashMap::with_capacity(entries.len());
    let mut found = Vec::new();
    for (at, (key, _)) in entries.iter().enumerate() {
        match seen.get(key.value.as_str()) {
            Some(first) => found.push((*first, at)),
            None => {
                seen.insert(&key.value, at);
            }
        }
    }
    found
}

fn syntax(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(&codes::SYNTAX_YAML, span, message)
}

fn duplicate(first: &Text, second: &Text) -> Diagnostic {
    Diagnostic::new(&codes::DUPLICATE_KEY, second.span, format!("key `{}` is given twice", second.value))
        .here("given again here")
        .label(first.span, "first given here")
        .help("remove one of the two")
}

/// The readers of kubectl and Kustomize refuse halves of characters (surrogates), which only JSON writes in pairs. What
/// begins as JSON does is read as JSON.
fn half_character(file: FileId, text: &str, start: usize, end: usize) -> Option<Diagnostic> {
    let written = text.get(start..end).filter(|written| written.contains("\\u"))?;
    if text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    let mut at = 0;
    while let Some(escape) = written[at..].find('\\').map(|found| at + found) {
        let digits = written.get(escape + 2..escape + 6).filter(|_| written[escape + 1..].starts_with('u'));
        let code = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        if code.is_some_and(|code| (0xD800..0xE000).contains(&code)) {
            let span = Span::new(file, start + escape, start + escape + 6);
            let message =
                format!("`{}` is half of a character, which YAML does not take", &written[escape..escape + 6]);
            return Some(syntax(span, message).help("write the character itself, or `\\U` with its eight digits"));
        }
        at = escape + 1 + written[escape + 1..].chars().next()?.len_utf8();
    }
    None
}

fn too_much(span: Span) -> Diagnostic {
    Diagnostic::new(&codes::YAML_ALIAS, span, "the aliases of this file expand to too much")
        .here(format!("with this one they come to more than {MAX_ALIAS_NODES} nodes or 16 MB of text"))
}
