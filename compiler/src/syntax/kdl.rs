//! KDL version 2 by the `kdl` crate, on the calling thread.
//!
//! **Invariant:** the parser recurses, so a text nested deeper than `DEPTH` never reaches it.

mod recover;

use ::kdl::{KdlDocument, KdlEntry, KdlIdentifier, KdlNode, KdlValue};

use super::{Node, Scalar, Text, Value};
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::{FileId, Span};

/// Deepest nesting of braces. A debug build of the parser overflows a thread's 2 MiB stack between 60 and 80.
const DEPTH: usize = 48;

/// The nodes of a text; none if it is not KDL.
pub fn parse(file: FileId, text: &str, diags: &mut Diags) -> Vec<Node> {
    if let Some(at) = too_deep(text) {
        let message = format!("blocks are nested more than {DEPTH} deep");
        diags.push(Diagnostic::new(&codes::NESTING, Span::new(file, at, at + 1), message).here("one level too many"));
        return Vec::new();
    }
    match KdlDocument::parse_v2(text) {
        Ok(document) => Reader { file, text, base: 0 }.nodes(&document),
        Err(_) => recover::nodes(file, text, diags),
    }
}

/// The offset of the brace that opens one level too many.
fn too_deep(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let (mut at, mut depth) = (0, 0usize);
    while at < bytes.len() {
        match bytes[at] {
            b'{' => {
                depth += 1;
                if depth > DEPTH {
                    return Some(at);
                }
                at += 1;
            }
            b'}' => {
                depth = depth.saturating_sub(1);
                at += 1;
            }
            b'"' | b'#' => at = after_string(text, at),
            b'/' if text[at..].starts_with("//") => at += text[at..].find('\n').unwrap_or(text.len() - at),
            b'/' if text[at..].starts_with("/*") => at = after_comment(text, at),
            b => at += utf8_length(b),
        }
    }
    None
}

fn utf8_length(first: u8) -> usize {
    match first {
        0..=0x7f => 1,
        0x80..=0xdf => 2,
        0xe0..=0xef => 3,
        0xf0..=0xff => 4,
    }
}

/// Where a string that starts at `at` ends; one further where no string starts.
fn after_string(text: &str, at: usize) -> usize {
    let rest = &text[at..];
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let body = &rest[hashes..];
    if !body.starts_with('"') {
        return at + hashes.max(1);
    }
    let quotes = if body.starts_with("\"\"\"") { 3 } else { 1 };
    let close = format!("{}{}", "\"".repeat(quotes), "#".repeat(hashes));
    let mut inside = at + hashes + quotes;
    while inside < text.len() {
        if text[inside..].starts_with(&close) {
            return inside + close.len();
        }
        let escaped = hashes == 0 && text.as_bytes()[inside] == b'\\';
        inside += utf8_length(text.as_bytes()[inside]);
        if escaped && inside < text.len() {
            inside += utf8_length(text.as_bytes()[inside]);
        }
    }
    text.len()
}

/// Where a comment that starts at `at` ends; they nest.
fn after_comment(text: &str, at: usize) -> usize {
    let (mut inside, mut depth) = (at + 2, 1);
    while depth > 0 && inside < text.len() {
        let rest = &text[inside..];
        if rest.starts_with("/*") {
            depth += 1;
            inside += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            inside += 2;
        } else {
            inside += utf8_length(rest.as_bytes()[0]);
        }
    }
    inside.min(text.len())
}

/// Turns what the parser gave into nodes. The parser saw the part of `text` that begins at `base`.
struct Reader<'a> {
    file: FileId,
    text: &'a str,
    base: usize,
}

impl Reader<'_> {
    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, self.base + start, self.base + end)
    }

    fn nodes(&self, document: &KdlDocument) -> Vec<Node> {
        document.nodes().iter().map(|node| self.node(node)).collect()
    }

    fn node(&self, node: &KdlNode) -> Node {
        let mut read = Node {
            name: self.name(node.name()),
            args: Vec::new(),
            props: Vec::new(),
            children: node.children().map(|children| self.nodes(children)).unwrap_or_default(),
            span: self.span(node.span().offset(), node.span().offset() + node.span().len()),
            torn: false,
        };
        for entry in node.entries() {
            let value = self.value(entry);
            match entry.name() {
                Some(name) => read.props.push((self.name(name), value)),
                None => read.args.push(value),
            }
        }
        read
    }

    fn name(&self, name: &KdlIdentifier) -> Text {
        let span = self.span(name.span().offset(), name.span().offset() + name.span().len());
        self.decoded(name.value(), span)
    }

    /// The span of an entry covers `key=(type)value`; its value is what stands at its end.
    fn value(&self, entry: &KdlEntry) -> Value {
        let end = entry.span().offset() + entry.span().len();
        let length = entry.format().map_or(0, |format| format.value_repr.len());
        let start = if length == 0 || length > entry.span().len() { entry.span().offset() } else { end - length };
        let span = self.span(start, end);
        let scalar = match entry.value() {
            KdlValue::String(text) => Scalar::Text(self.decoded(text, span)),
            KdlValue::Integer(number) => Scalar::Int(*number),
            KdlValue::Float(number) => Scalar::Float(*number),
            KdlValue::Bool(truth) => Scalar::Bool(*truth),
            KdlValue::Null => Scalar::Null,
        };
        Value { scalar, span }
    }

    fn decoded(&self, value: &str, span: Span) -> Text {
        let raw = self.text.get(span.start as usize..span.end as usize).unwrap_or("");
        Text { value: value.to_owned(), span, map: align(raw, value, span.start) }
    }
}

/// Pairs the characters of a decoded text with those of its source: equal ones run in step, an escape gives what it stands
/// for, and what only the source has (quotes, indentation) is passed over.
fn align(raw: &str, decoded: &str, start: u32) -> Vec<(u32, u32)> {
    let raw_string = raw.starts_with('#');
    let open = raw.len() - raw.trim_start_matches('#').trim_start_matches('"').len();
    let mut map: Vec<(u32, u32)> = Vec::new();
    let (mut at, mut step) = (open.min(raw.len()), None);
    for (offset, wanted) in decoded.char_indices() {
        let Some((place, length)) = next_char(raw, at, wanted, raw_string) else { break };
        let shift = place as i64 - offset as i64;
        if step != Some(shift) {
            map.push((offset as u32, start + place as u32));
            step = Some(shift);
        }
        at = place + length;
        if length != wanted.len_utf8() {
            step = None;
        }
    }
    map
}

/// Where in `raw`, from `at` on, the character `wanted` is written, and how many bytes it takes there.
fn next_char(raw: &str, mut at: usize, wanted: char, raw_string: bool) -> Option<(usize, usize)> {
    loop {
        let rest = raw.get(at..)?;
        let first = rest.chars().next()?;
        if first == '\\' && !raw_string {
            if let Some(length) = escape(rest, wanted) {
                return Some((at, length));
            }
        } else if first == wanted {
            return Some((at, first.len_utf8()));
        }
        at += first.len_utf8();
    }
}

/// Length of the escape at the start of `rest` if it stands for `wanted`.
fn escape(rest: &str, wanted: char) -> Option<usize> {
    let simple = match rest[1..].chars().next()? {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        's' => ' ',
        '"' => '"',
        '\\' => '\\',
        'u' => {
            let end = rest.find('}')?;
            let number = u32::from_str_radix(rest.get(3..end)?, 16).ok()?;
            return (char::from_u32(number) == Some(wanted)).then_some(end + 1);
        }
        _ => return None,
    };
    (simple == wanted).then_some(2)
}
