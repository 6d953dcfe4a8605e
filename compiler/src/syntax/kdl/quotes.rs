//! Where strings end, also those that nothing closes.
//!
//! **Invariant:** a string that is not closed takes no more than looks like text: the end of its line, or the lines that stand
//! deeper than its own. So the rest of the file is still understood.

use std::collections::BTreeMap;

use super::chars::{self, Class};
use super::findings::Findings;
use super::lex;
use super::tree::{Kind, Token};
use crate::diag::Applicability;

/// What is known of the text around a string: what was seen on the way is not looked for again.
#[derive(Default)]
pub struct Ahead {
    /// Braces that are open in this line: a string that is not closed does not swallow what closes them.
    pub braces: usize,
    /// By number of `#`: the quotes that are next for a string of lines.
    lines: BTreeMap<usize, Next>,
    /// By number of `#`: from where on nothing closes a raw string of version 1.
    old: BTreeMap<usize, usize>,
}

/// Quotes that may end a string of lines, the first ones for all that begin between `from` and `at`.
#[derive(Clone, Copy)]
struct Next {
    from: usize,
    /// The end of the text if there are none.
    at: usize,
    /// Where their line begins, if that is behind `from`.
    line: usize,
    /// Whether they rather begin a string than end one that begins before their line: something stands before them, and
    /// nothing behind.
    begins: bool,
}

/// How a string ended.
enum End {
    Closed(usize),
    /// The line ended at this offset first.
    Line(usize),
}

/// A string that begins at `at` with `"`.
pub fn quoted(text: &str, at: usize, ahead: &mut Ahead, found: &mut Findings) -> (Kind, usize) {
    if text[at..].starts_with("\"\"\"") {
        return lines(text, at, 0, ahead, found);
    }
    let mut escaped = false;
    let mut inside = at + 1;
    let bytes = text.as_bytes();
    let end = loop {
        // The common case first: printable ASCII.
        while inside < bytes.len() && matches!(bytes[inside], 0x20..=0x7e) && !matches!(bytes[inside], b'"' | b'\\') {
            inside += 1;
        }
        if inside >= bytes.len() {
            break End::Line(inside);
        }
        match bytes[inside] {
            b'"' => break End::Closed(inside + 1),
            b'\\' => {
                escaped = true;
                inside = after_backslash(text, inside);
            }
            _ => match step(text, inside, found) {
                Some(next) => inside = next,
                None => break End::Line(inside),
            },
        }
    };
    match end {
        End::Closed(end) => (if escaped { Kind::Escaped } else { Kind::Quoted }, end),
        End::Line(line) => match old_lines(text, at, line, found) {
            Some(end) => {
                found.old_lines(at, end);
                (Kind::Unclosed, end)
            }
            None => unclosed(text, at, "\"", line, "\"", ahead, found),
        },
    }
}

/// Past a backslash and what it takes along: blanks and line ends, or one character.
fn after_backslash(text: &str, at: usize) -> usize {
    let blanks = chars::blanks(text, at + 1);
    if blanks > at + 1 {
        return blanks;
    }
    text[at + 1..].chars().next().map_or(text.len(), |next| at + 1 + next.len_utf8())
}

/// Past a character of a string; `None` at a line end.
fn step(text: &str, at: usize, found: &mut Findings) -> Option<usize> {
    let (class, length) = chars::class(text, at);
    match class {
        Class::Newline => return None,
        Class::Forbidden => lex::forbidden(text, at, found),
        Class::Word | Class::Space | Class::Mark => {}
    }
    Some(at + length)
}

/// A string of version 1 that goes over lines: nothing stands behind the quote that opens it, and a line has nothing but the
/// quote that closes it.
fn old_lines(text: &str, at: usize, line: usize, found: &mut Findings) -> Option<usize> {
    if !text[at + 1..line].trim().is_empty() {
        return None;
    }
    let length = text[line..].find('"');
    found.looked += length.unwrap_or(text.len() - line);
    let quote = length? + line;
    let start = text[..quote].rfind('\n')?;
    text[start..quote].trim().is_empty().then_some(quote + 1)
}

/// A raw string that begins at `at` with so many `#`.
pub fn raw(text: &str, at: usize, hashes: usize, ahead: &mut Ahead, found: &mut Findings) -> (Kind, usize) {
    let body = at + hashes;
    if text[body..].starts_with("\"\"\"") {
        return lines(text, at, hashes, ahead, found);
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let mut inside = body + 1;
    while inside < text.len() {
        if text[inside..].starts_with(&close) {
            return (Kind::Raw, inside + close.len());
        }
        match step(text, inside, found) {
            Some(next) => inside = next,
            None => break,
        }
    }
    unclosed(text, at, &text[at..=body], inside, &close, ahead, found)
}

/// `r"…"` or `r#"…"#`: it may go over lines if it is closed at all.
pub fn old_raw(text: &str, at: usize, ahead: &mut Ahead, found: &mut Findings) -> (Kind, usize) {
    let hashes = text[at + 1..].len() - text[at + 1..].trim_start_matches('#').len();
    let body = at + 2 + hashes;
    let close = format!("\"{}", "#".repeat(hashes));
    match old_end(text, body, hashes, &close, ahead, found) {
        Some(end) => {
            found.old_raw(at, &text[at..end]);
            (Kind::OldRaw, end)
        }
        None => {
            let line = lex::line_end(text, body, &mut Findings::new(found.file));
            unclosed(text, at, &text[at..body], line, &close, ahead, found)
        }
    }
}

/// Where a raw string of version 1 ends; without `#` it ends in its line.
fn old_end(
    text: &str,
    body: usize,
    hashes: usize,
    close: &str,
    ahead: &mut Ahead,
    found: &mut Findings,
) -> Option<usize> {
    if hashes == 0 {
        let end = body + text[body..].find(['"', '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}'])?;
        return text[end..].starts_with('"').then_some(end + 1);
    }
    if ahead.old.get(&hashes).is_some_and(|none| *none <= body) {
        return None;
    }
    let end = text[body..].find(close).map(|length| body + length + close.len());
    if end.is_none() {
        found.looked += text.len() - body;
        ahead.old.insert(hashes, body);
    }
    end
}

/// Cuts a string that its line does not close before the braces at the end of the line, and says so.
fn unclosed(
    text: &str,
    at: usize,
    open: &str,
    line: usize,
    close: &str,
    ahead: &Ahead,
    found: &mut Findings,
) -> (Kind, usize) {
    let body = at + open.len();
    let mut end = body + text[body..line].trim_end().len();
    if text[body..end].ends_with(" {") {
        end -= 1;
    } else if ahead.braces > 0 && text[body..end].ends_with('}') {
        let mut left = ahead.braces;
        while left > 0 && text[body..end].trim_end().ends_with('}') {
            end = body + text[body..end].trim_end().len() - 1;
            left -= 1;
        }
        end = body + text[body..end].trim_end().trim_end_matches(';').len();
    }
    let end = body + text[body..end].trim_end().len();
    found.unclosed_string(at, open, end, close, Applicability::Placeholder);
    (Kind::Unclosed, end)
}

/// The quote that is wrong in a line with an odd number of them: the text from `start` to `end` is one string.
pub struct Culprit {
    pub start: usize,
    pub end: usize,
    /// Whether it lacks the quote that opens it; else the one that closes it.
    unopened: bool,
}

impl Culprit {
    pub fn report(&self, found: &mut Findings) {
        if self.unopened {
            found.unopened_string(self.start, self.end);
        } else {
            found.unclosed_string(self.start, "\"", self.end, "\"", Applicability::Maybe);
        }
    }
}

/// Looks in a line for the first string that touches other text: there the quotes got out of step. `tokens` are those of
/// the line before `at`, where a string begins that the line does not close.
pub fn culprit(text: &str, tokens: &[Token], at: usize) -> Option<Culprit> {
    if !text[at..].starts_with('"') || text[at..].starts_with("\"\"\"") {
        return None;
    }
    let ends = tokens.iter().skip(1).map(|token| token.start as usize).chain([at]);
    let strings = tokens.iter().zip(ends).filter(|(token, _)| matches!(token.kind, Kind::Quoted | Kind::Escaped));
    let strings = strings.map(|(token, end)| (token.start as usize, Some(end))).chain([(at, None)]);
    let line = tokens.first().map_or(at, |token| token.start as usize);
    for (start, end) in strings {
        if touches(text[line..start].chars().next_back(), &['=', '(', ')', '{', ';', '"', '#', '\\']) {
            let apart = |c: char| c.is_whitespace() || c == '=' || c == '"';
            let own = text[line..start].rsplit(apart).next().map_or(0, str::len);
            return Some(Culprit { start: start - own, end: start + 1, unopened: true });
        }
        let Some(end) = end else { continue };
        if touches(text[end..].chars().next(), &['=', ')', '{', '}', ';', '"', '/', '\\', '#']) {
            let inside = &text[start + 1..end - 1];
            // The key of the next property was taken for text.
            let key = inside.strip_suffix('=').and_then(|inside| inside.rfind(char::is_whitespace));
            let own = inside[..key.unwrap_or(inside.len())].trim_end();
            return (!own.is_empty()).then_some(Culprit { start, end: start + 1 + own.len(), unopened: false });
        }
    }
    None
}

/// Whether a character beside a string is more than a blank or one of those that may stand there.
fn touches(beside: Option<char>, allowed: &[char]) -> bool {
    beside.is_some_and(|c| !c.is_whitespace() && !allowed.contains(&c))
}

/// A string of lines that begins at `at` with so many `#`.
fn lines(text: &str, at: usize, hashes: usize, ahead: &mut Ahead, found: &mut Findings) -> (Kind, usize) {
    let body = at + hashes + 3;
    let close = format!("\"\"\"{}", "#".repeat(hashes));
    let next = next(text, body, hashes, &close, ahead, found);
    if next.at < text.len() && !(next.begins && body < next.line) {
        forbidden(text, body, next.at, found);
        let kind = if hashes == 0 { Kind::Lines } else { Kind::RawLines };
        return (kind, next.at + close.len());
    }
    let end = deeper(text, at, body, found);
    found.unclosed_string(at, &text[at..body], end, &close, Applicability::Placeholder);
    (Kind::Unclosed, end)
}

/// The quotes behind `body`.
fn next(text: &str, body: usize, hashes: usize, close: &str, ahead: &mut Ahead, found: &mut Findings) -> Next {
    if let Some(known) = ahead.lines.get(&hashes).filter(|known| known.from <= body && body <= known.at) {
        return *known;
    }
    let at = match hashes {
        0 => unescaped(text, body, close),
        _ => text[body..].find(close).map_or(text.len(), |length| body + length),
    };
    found.looked += at - body;
    let line = text[body..at].rfind('\n').map_or(0, |newline| body + newline + 1);
    let before = text[line.max(body)..at].trim();
    let begins = line > 0 && at < text.len() && !before.is_empty() && !before.ends_with('\\') && {
        let after = text[at + close.len()..].lines().next().unwrap_or("");
        found.looked += after.len();
        after.trim().is_empty()
    };
    let next = Next { from: body, at, line, begins };
    ahead.lines.insert(hashes, next);
    next
}

/// Where quotes stand that no backslash takes away.
fn unescaped(text: &str, mut at: usize, close: &str) -> usize {
    let bytes = text.as_bytes();
    while at < bytes.len() {
        match bytes[at] {
            b'"' if bytes[at..].starts_with(close.as_bytes()) => return at,
            b'\\' => at = after_backslash(text, at),
            _ => at += 1,
        }
    }
    text.len()
}

/// Says which characters of a string may not stand there.
fn forbidden(text: &str, mut at: usize, end: usize, found: &mut Findings) {
    while at < end {
        let (class, length) = chars::class(text, at);
        if class == Class::Forbidden {
            lex::forbidden(text, at, found);
        }
        at += length;
    }
}

/// The end of the last line below `at` that stands deeper than the line of `at`; blank lines count only between those.
fn deeper(text: &str, at: usize, body: usize, found: &mut Findings) -> usize {
    let indent = |line: &str| line.len() - line.trim_start_matches([' ', '\t']).len();
    let own = indent(&text[text[..at].rfind('\n').map_or(0, |line| line + 1)..]);
    let first = text[body..].find('\n').map_or(text.len(), |line| body + line);
    let (mut end, mut line) = (first, first);
    while line < text.len() {
        let next = text[line + 1..].find('\n').map_or(text.len(), |length| line + 1 + length);
        let content = &text[line + 1..next];
        if !content.trim().is_empty() {
            if indent(content) <= own {
                break;
            }
            end = next;
        }
        line = next;
    }
    found.looked += line - body.min(line);
    body + text[body..end].trim_end().len()
}
