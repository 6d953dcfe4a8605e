//! Where strings end, also those that nothing closes.
//!
//! **Invariant:** a string that is not closed takes no more than looks like text: the end of its line, or the lines that stand
//! deeper than its own. So the rest of the file is still understood.

use super::chars::{self, Class};
use super::findings::Findings;
use super::lex;
use super::tree::Kind;

/// How a string ended.
enum End {
    Closed(usize),
    /// The line ended at this offset first.
    Line(usize),
}

/// A string that begins at `at` with `"`.
pub fn quoted(text: &str, at: usize, braces: usize, found: &mut Findings) -> (Kind, usize) {
    if text[at..].starts_with("\"\"\"") {
        return lines(text, at, 0, found);
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
        End::Line(line) => match old_lines(text, at, line) {
            Some(end) => {
                found.old_lines(at, end);
                (Kind::Unclosed, end)
            }
            None => unclosed(text, at, "\"", line, "\"", braces, found),
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
fn old_lines(text: &str, at: usize, line: usize) -> Option<usize> {
    if !text[at + 1..line].trim().is_empty() {
        return None;
    }
    let quote = text[line..].find('"')? + line;
    let start = text[..quote].rfind('\n')?;
    text[start..quote].trim().is_empty().then_some(quote + 1)
}

/// A raw string that begins at `at` with so many `#`.
pub fn raw(text: &str, at: usize, hashes: usize, braces: usize, found: &mut Findings) -> (Kind, usize) {
    let body = at + hashes;
    if text[body..].starts_with("\"\"\"") {
        return lines(text, at, hashes, found);
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
    unclosed(text, at, &text[at..=body], inside, &close, braces, found)
}

/// `r"…"` or `r#"…"#`: it may go over lines if it is closed at all.
pub fn old_raw(text: &str, at: usize, braces: usize, found: &mut Findings) -> (Kind, usize) {
    let hashes = text[at + 1..].len() - text[at + 1..].trim_start_matches('#').len();
    let body = at + 2 + hashes;
    let close = format!("\"{}", "#".repeat(hashes));
    let line = lex::line_end(text, body, &mut Findings::new(found.file));
    let limit = if hashes == 0 { line } else { text.len() };
    match text[body..limit].find(&close) {
        Some(length) => {
            let end = body + length + close.len();
            found.old_raw(at, &text[at..end]);
            (Kind::OldRaw, end)
        }
        None => unclosed(text, at, &text[at..body], line, &close, braces, found),
    }
}

/// Cuts a string that its line does not close before the braces at the end of the line, and says so.
fn unclosed(
    text: &str,
    at: usize,
    open: &str,
    line: usize,
    close: &str,
    braces: usize,
    found: &mut Findings,
) -> (Kind, usize) {
    let body = at + open.len();
    let mut end = body + text[body..line].trim_end().len();
    if text[body..end].ends_with(" {") {
        end -= 1;
    } else if braces > 0 && text[body..end].ends_with('}') {
        let mut left = braces;
        while left > 0 && text[body..end].trim_end().ends_with('}') {
            end = body + text[body..end].trim_end().len() - 1;
            left -= 1;
        }
        end = body + text[body..end].trim_end().trim_end_matches(';').len();
    }
    let end = body + text[body..end].trim_end().len();
    found.unclosed_string(at, open, end, close);
    (Kind::Unclosed, end)
}

/// A string of lines that begins at `at` with so many `#`.
fn lines(text: &str, at: usize, hashes: usize, found: &mut Findings) -> (Kind, usize) {
    let body = at + hashes + 3;
    let close = format!("\"\"\"{}", "#".repeat(hashes));
    let kind = if hashes == 0 { Kind::Lines } else { Kind::RawLines };
    let mut inside = body;
    let mut marks = Findings::new(found.file);
    while inside < text.len() {
        if text[inside..].starts_with(&close) {
            if opens_another(text, body, inside, close.len()) {
                break;
            }
            marks.finish().into_iter().for_each(|finding| found.push(finding));
            return (kind, inside + close.len());
        }
        if hashes == 0 && text.as_bytes()[inside] == b'\\' {
            inside = after_backslash(text, inside);
            continue;
        }
        let (class, length) = chars::class(text, inside);
        if class == Class::Forbidden {
            lex::forbidden(text, inside, &mut marks);
        }
        inside += length;
    }
    let end = deeper(text, at, body);
    found.unclosed_string(at, &text[at..body], end, &close);
    (Kind::Unclosed, end)
}

/// Whether quotes at `at` rather begin a string than end the one whose text begins at `body`: something stands before
/// them in their line, and nothing behind.
fn opens_another(text: &str, body: usize, at: usize, length: usize) -> bool {
    let Some(line) = text[body..at].rfind('\n') else { return false };
    let before = text[body + line..at].trim();
    let after = text[at + length..].lines().next().unwrap_or("");
    !before.is_empty() && !before.ends_with('\\') && after.trim().is_empty()
}

/// The end of the last line below `at` that stands deeper than the line of `at`; blank lines count only between those.
fn deeper(text: &str, at: usize, body: usize) -> usize {
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
    body + text[body..end].trim_end().len()
}
