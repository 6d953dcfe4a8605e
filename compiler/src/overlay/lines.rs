//! Where lines begin and end in a text, and which line end it uses.
//!
//! **Invariant:** offsets are bytes; a byte order mark belongs to no line.
//! Not here: YAML.

use std::ops::Range;

/// The line end that the text uses, by its first one.
pub(super) fn eol(text: &str) -> &'static str {
    match text.find('\n') {
        Some(at) if text[..at].ends_with('\r') => "\r\n",
        Some(_) | None => "\n",
    }
}

pub(super) fn start(text: &str, offset: usize) -> usize {
    match text[..offset].rfind('\n') {
        Some(at) => at + 1,
        None if text.starts_with('\u{feff}') => '\u{feff}'.len_utf8(),
        None => 0,
    }
}

/// The end of the line's content, before its line end.
pub(super) fn content_end(text: &str, offset: usize) -> usize {
    let end = text[offset..].find('\n').map_or(text.len(), |at| offset + at);
    match text[offset..end].ends_with('\r') {
        true => end - 1,
        false => end,
    }
}

pub(super) fn column(text: &str, offset: usize) -> usize {
    offset - start(text, offset)
}

/// Only blanks stand before it on its line.
pub(super) fn is_first(text: &str, offset: usize) -> bool {
    text[start(text, offset)..offset].trim().is_empty()
}

/// The range that takes whole lines away: with their line end, or, at the end of the text, with the one before.
pub(super) fn removal(text: &str, first: usize, last: usize) -> Range<usize> {
    let from = start(text, first);
    let to = content_end(text, last);
    if text[to..].starts_with("\r\n") {
        return from..to + 2;
    }
    if text[to..].starts_with('\n') {
        return from..to + 1;
    }
    let before = text[..from].strip_suffix('\n').unwrap_or(&text[..from]);
    before.strip_suffix('\r').unwrap_or(before).len()..to
}
