//! What can still be read of a text that is not KDL: node by node, so that one mistake hides no other node.
//!
//! **Invariant:** gives at least one finding, each at the node that is wrong; of a node whose first line
//! is wrong only its name and the nodes in its braces are read.

use ::kdl::{KdlDocument, KdlError};

use super::{Reader, after_comment, after_string, utf8_length};
use crate::diag::{Applicability, Diagnostic, Diags, codes};
use crate::source::{FileId, Span};
use crate::syntax::{Node, Text};

/// Most findings of a text: what follows says nothing new.
const FINDINGS: usize = 50;

/// The nodes that can be read, and a finding for each that cannot.
pub(super) fn nodes(file: FileId, text: &str, diags: &mut Diags) -> Vec<Node> {
    let mut recovery = Recovery { file, text, found: Vec::new() };
    let (mut nodes, mut end) = recovery.block(0, text.len());
    while end < text.len() {
        recovery.found.push(recovery.stray_brace(end));
        let (more, next) = recovery.block(end + 1, text.len());
        nodes.extend(more);
        end = next;
    }
    if recovery.found.is_empty() {
        recovery.found.extend(recovery.whole());
    }
    recovery.found.truncate(FINDINGS);
    diags.extend(recovery.found);
    nodes
}

struct Recovery<'a> {
    file: FileId,
    text: &'a str,
    found: Vec<Diagnostic>,
}

/// Where the parts of a node are.
struct Extent {
    start: usize,
    /// End of the name, the values and the properties.
    head: usize,
    /// Between the braces.
    body: Option<(usize, usize)>,
    end: usize,
    /// The brace that nothing closes.
    unclosed: Option<usize>,
}

impl Recovery<'_> {
    /// The nodes from `at` on, up to a brace that closes more than was opened; `limit` is where the text of the block ends.
    fn block(&mut self, mut at: usize, limit: usize) -> (Vec<Node>, usize) {
        let mut nodes = Vec::new();
        loop {
            at = self.skip(at, limit);
            if at >= limit || self.text.as_bytes()[at] == b'}' {
                return (nodes, at);
            }
            let extent = self.extent(at, limit);
            at = extent.end.max(at + 1);
            nodes.extend(self.node(&extent));
        }
    }

    /// A node by the parser if it can read it; else its parts one by one.
    fn node(&mut self, extent: &Extent) -> Option<Node> {
        if let Ok(document) = KdlDocument::parse_v2(&self.text[extent.start..extent.end]) {
            return self.reader(extent.start).nodes(&document).into_iter().next();
        }
        let before = self.found.len();
        let head = &self.text[extent.start..extent.head];
        let parsed = KdlDocument::parse_v2(head);
        if let Err(error) = &parsed {
            self.found.extend(self.head_error(extent.start, head, error));
        }
        let mut children = Vec::new();
        if let Some((from, to)) = extent.body {
            children = self.block(from, to).0;
        }
        if let Some(brace) = extent.unclosed {
            let finding = self.finding(brace, brace + 1, "a brace is not closed");
            self.found.push(finding.here("no `}` for it").help("add the `}` where the block ends"));
        } else if self.found.len() == before {
            let (start, end) = (extent.start, extent.head);
            self.found.push(self.finding(start, end, "this node cannot be read"));
        }
        let read = parsed.ok().and_then(|document| self.reader(extent.start).nodes(&document).into_iter().next());
        let mut node = read.or_else(|| self.torn(extent))?;
        node.children = children;
        node.span = Span::new(self.file, extent.start, extent.end);
        Some(node)
    }

    /// A node of which only the name can be read.
    fn torn(&self, extent: &Extent) -> Option<Node> {
        let end = token(self.text, extent.start);
        let name =
            self.text.get(extent.start..end).filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '-'))?;
        let span = Span::new(self.file, extent.start, end);
        let name = Text::plain(name, span);
        Some(Node { name, args: Vec::new(), props: Vec::new(), children: Vec::new(), span, torn: true })
    }

    fn reader(&self, base: usize) -> Reader<'_> {
        Reader { file: self.file, text: self.text, base }
    }

    fn finding(&self, start: usize, end: usize, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&codes::SYNTAX_KDL, Span::new(self.file, start, end), message)
    }

    fn stray_brace(&self, at: usize) -> Diagnostic {
        self.finding(at, at + 1, "a brace closes nothing").here("no `{` for it").help("remove it")
    }

    /// What the parser says of the whole text, where each node by itself can be read.
    fn whole(&self) -> Option<Diagnostic> {
        let error = KdlDocument::parse_v2(self.text).err()?;
        Some(self.said_by_parser(0, self.text, &error))
    }

    /// The mistake in the first part of a node: a habit from elsewhere, or what the parser says.
    fn head_error(&self, start: usize, head: &str, error: &KdlError) -> Vec<Diagnostic> {
        let habits = self.habits(start, head);
        if habits.is_empty() { vec![self.said_by_parser(start, head, error)] } else { habits }
    }

    fn said_by_parser(&self, start: usize, part: &str, error: &KdlError) -> Diagnostic {
        let Some(found) = error.diagnostics.first() else { return self.finding(start, start, "this is not KDL") };
        let from = floor(part, found.span.offset());
        let to = floor(part, (from + found.span.len().max(1)).min(from + 80)).max(from);
        let message = found.message.as_deref().map_or("this is not KDL".into(), lower_first);
        let mut finding = self.finding(start + from, start + to, message).here(found.label.clone().unwrap_or_default());
        finding.help = found.help.clone();
        finding
    }

    /// Mistakes with a known way out: words and strings of KDL version 1, a property without a value, an open string.
    fn habits(&self, start: usize, head: &str) -> Vec<Diagnostic> {
        let mut found = Vec::new();
        let mut at = 0;
        while at < head.len() {
            let next = token(head, at);
            let word = &head[at..next];
            found.extend(self.habit(start + at, word, &head[next..]));
            at = next;
        }
        found
    }

    fn habit(&self, at: usize, word: &str, rest: &str) -> Option<Diagnostic> {
        let end = at + word.len();
        let (key, value) = word.split_once('=').filter(|(key, _)| !key.contains('"')).unwrap_or(("", word));
        let from = end - value.len();
        if ["true", "false", "null"].contains(&value) && (!key.is_empty() || word == value) {
            let finding = self.finding(from, end, format!("`{value}` is written `#{value}`"));
            if value == "null" {
                return Some(finding.here("KDL version 1").help("leave it out, or write `#null`"));
            }
            return Some(finding.here("KDL version 1").fix("add the `#`", Applicability::Safe, self.at(from), "#"));
        }
        if value == "r" && rest.starts_with(['"', '#']) {
            let finding = self.finding(from, end, "a raw string has no `r` in front").here("KDL version 1");
            let hash = if rest.starts_with('"') { "a raw string is written #\"…\"#" } else { "remove the `r`" };
            let finding = finding.help(hash);
            return Some(match rest.starts_with('#') {
                true => finding.fix("remove the `r`", Applicability::Safe, Span::new(self.file, from, end), ""),
                false => finding,
            });
        }
        if !key.is_empty() && value.is_empty() {
            let finding = self.finding(at, end, format!("`{key}` has no value"));
            return Some(
                finding.here("nothing behind the `=`").help(format!("write {key}=\"…\", without blanks around `=`")),
            );
        }
        let quoted = value.starts_with('"') && !value.starts_with("\"\"\"");
        if quoted && (value.len() == 1 || !value.ends_with('"')) {
            return Some(self.finding(from, end, "a string is not closed").here("no `\"` at its end"));
        }
        None
    }

    fn at(&self, offset: usize) -> Span {
        Span::new(self.file, offset, offset)
    }

    /// Past blanks, line ends, semicolons and comments.
    fn skip(&self, mut at: usize, limit: usize) -> usize {
        while at < limit {
            let rest = &self.text[at..limit];
            let first = rest.chars().next().unwrap_or(' ');
            at = if rest.starts_with("//") {
                at + rest.find('\n').unwrap_or(rest.len())
            } else if rest.starts_with("/*") {
                after_comment(self.text, at)
            } else if first.is_whitespace() || matches!(first, ';' | '\u{feff}') {
                at + first.len_utf8()
            } else {
                return at;
            };
        }
        limit
    }

    /// The extent of the node that begins at `start`: to the end of its line, or past its braces.
    fn extent(&self, start: usize, limit: usize) -> Extent {
        let mut at = start;
        while at < limit {
            let rest = &self.text[at..limit];
            match rest.as_bytes()[0] {
                b'\n' | b';' | b'}' => break,
                b'{' => return self.braced(start, at, limit),
                b'\\' => at = self.continued(at, limit),
                b'/' if rest.starts_with("//") => break,
                b'/' if rest.starts_with("/*") => at = after_comment(self.text, at),
                _ => at = token(&self.text[..limit], at).max(at + 1),
            }
        }
        let at = at.min(limit);
        Extent { start, head: at, body: None, end: at, unclosed: None }
    }

    /// Past a line end that a backslash takes away, with the comment that may stand between.
    fn continued(&self, at: usize, limit: usize) -> usize {
        let line = self.text[at..limit].find('\n').map_or(limit, |end| at + end + 1);
        let between = self.text[at + 1..line].trim();
        if between.is_empty() || between.starts_with("//") { line } else { at + 1 }
    }

    fn braced(&self, start: usize, brace: usize, limit: usize) -> Extent {
        let (mut at, mut depth) = (brace, 0usize);
        while at < limit {
            match self.text.as_bytes()[at] {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Extent { start, head: brace, body: Some((brace + 1, at)), end: at + 1, unclosed: None };
            }
            at = if self.text[at..].starts_with("//") {
                at + self.text[at..limit].find('\n').unwrap_or(limit - at)
            } else if self.text[at..].starts_with("/*") {
                after_comment(self.text, at)
            } else {
                quoted_end(self.text, at).unwrap_or(at + utf8_length(self.text.as_bytes()[at]))
            };
        }
        self.unclosed(start, brace, limit)
    }

    /// Nothing closes the brace: the block is taken to end before the next line that stands no deeper than its own.
    fn unclosed(&self, start: usize, brace: usize, limit: usize) -> Extent {
        let column = |at: usize| at - self.text[..at].rfind('\n').map_or(0, |line| line + 1);
        let own = column(start);
        let mut line = self.text[brace..limit].find('\n').map_or(limit, |at| brace + at + 1);
        let mut end = limit;
        while line < limit {
            let next = self.text[line..limit].find('\n').map_or(limit, |at| line + at + 1);
            let written = self.text[line..next].trim_start();
            if !written.trim().is_empty()
                && !written.starts_with('}')
                && self.text[line..next].len() - written.len() <= own
            {
                end = line;
                break;
            }
            line = next;
        }
        let body = self.text[brace + 1..end].trim_end();
        Extent { start, head: brace, body: Some((brace + 1, brace + 1 + body.len())), end, unclosed: Some(brace) }
    }
}

/// Where a string ends that begins at `at`; a plain one ends with its line. `None` where none begins.
fn quoted_end(text: &str, at: usize) -> Option<usize> {
    let rest = &text[at..];
    if !rest.starts_with(['"', '#']) {
        return None;
    }
    let end = after_string(text, at);
    let plain = rest.starts_with('"') && !rest.starts_with("\"\"\"");
    match text[at..end].find('\n') {
        Some(line) if plain => Some(at + line),
        _ => Some(end),
    }
}

/// Where the word ends that begins at `at`: blanks and braces end it, strings are part of it.
fn token(text: &str, mut at: usize) -> usize {
    let first = text[at..].chars().next().unwrap_or(' ');
    if first.is_whitespace() || matches!(first, '(' | ')') {
        return at + first.len_utf8();
    }
    while let Some(next) = text[at..].chars().next() {
        if next.is_whitespace() || matches!(next, '{' | '}' | ';' | '(' | ')') {
            break;
        }
        // The `r` of a raw string of version 1 is a word of its own.
        at = match quoted_end(text, at) {
            Some(end) => return end.max(at + 1),
            None => at + next.len_utf8(),
        };
        if text[..at].ends_with('r') && text[at..].starts_with(['"', '#']) {
            return at;
        }
    }
    at.max(1)
}

fn lower_first(message: &str) -> String {
    let mut chars = message.trim_end_matches('.').chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
