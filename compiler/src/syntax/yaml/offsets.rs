//! From offsets in a scalar's decoded text to offsets in the source.
//!
//! **Invariant:** from each pair of a map on, decoded bytes and source bytes are equal up to the next pair, or the pair
//! stands for an escape. Where the two cannot be matched the map is empty, and the whole scalar is the place.

use granit_parser::ScalarStyle;

/// Ascending pairs (decoded offset, source offset) of a scalar whose source is `text[start..end]`.
pub(super) fn map(text: &str, start: usize, end: usize, style: ScalarStyle, decoded: &str) -> Vec<(u32, u32)> {
    let source = text.get(start..end).unwrap_or("");
    let pairs = match style {
        ScalarStyle::Plain if source == decoded => Some(vec![(0, 0)]),
        ScalarStyle::Plain => flow(source, 0, source.len(), decoded, style),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            flow(source, 1, source.len().saturating_sub(1), decoded, style)
        }
        ScalarStyle::Literal | ScalarStyle::Folded => block(source, decoded, style == ScalarStyle::Folded),
    };
    let cap = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    pairs.unwrap_or_default().into_iter().map(|(from, to)| (cap(from), cap(start + to))).collect()
}

/// Where a block scalar is written whose content starts at `content`: at its `|` or `>`, somewhere after `from`.
pub(super) fn header(text: &str, from: usize, content: usize) -> usize {
    let bytes = text.as_bytes();
    let until = |at: usize, stops: &[u8]| {
        bytes[at..content].iter().position(|byte| stops.contains(byte)).map_or(content, |length| at + length)
    };
    let mut at = from;
    while at < content {
        match bytes[at] {
            b'|' | b'>' => return at,
            b'#' => at = until(at, b"\n"),
            b'&' | b'!' => at = until(at, b" \t\r\n"),
            _ => at += 1,
        }
    }
    content
}

type Pairs = Vec<(usize, usize)>;

/// Adds a pair unless the last one already says the same.
fn add(pairs: &mut Pairs, decoded: usize, source: usize) {
    if let Some((from, to)) = pairs.last_mut() {
        if *from == decoded {
            *to = source;
            return;
        }
        if decoded - *from == source.wrapping_sub(*to) {
            return;
        }
    }
    pairs.push((decoded, source));
}

/// Plain and quoted scalars: lines are folded, quotes and escapes decoded.
fn flow(source: &str, from: usize, to: usize, decoded: &str, style: ScalarStyle) -> Option<Pairs> {
    let (bytes, out) = (source.as_bytes(), decoded.as_bytes());
    let (mut at, mut done, mut pairs) = (from, 0, Vec::new());
    while at < to {
        let blank = bytes[at..to].iter().take_while(|byte| b" \t\r\n".contains(byte)).count();
        if bytes[at..at + blank].contains(&b'\n') || bytes[at..at + blank].contains(&b'\r') {
            done = fold(bytes, at, at + blank, out, done, &mut pairs);
            at += blank;
        } else if style == ScalarStyle::DoubleQuoted && bytes[at] == b'\\' {
            let (length, given) = escape(source, at)?;
            add(&mut pairs, done, at);
            at += length;
            done += given;
        } else {
            add(&mut pairs, done, at);
            if out.get(done) != Some(&bytes[at]) {
                return None;
            }
            at += if style == ScalarStyle::SingleQuoted && bytes[at] == b'\'' { 2 } else { 1 };
            done += 1;
        }
    }
    (done == out.len()).then_some(pairs)
}

/// A run of white space with line breaks: one blank, or one line feed less than there are. Gives how far the decoded
/// text is read.
fn fold(bytes: &[u8], at: usize, end: usize, out: &[u8], done: usize, pairs: &mut Pairs) -> usize {
    let breaks = bytes[at..end].iter().filter(|byte| **byte == b'\n').count();
    add(pairs, done, at);
    let given = if breaks > 1 { breaks - 1 } else { usize::from(out.get(done) == Some(&b' ')) };
    (done + given).min(out.len())
}

/// Source length and decoded length of the escape at `at`.
fn escape(source: &str, at: usize) -> Option<(usize, usize)> {
    let rest = source.get(at + 1..)?;
    let character = rest.chars().next()?;
    let hex = |digits: usize| {
        let code = u32::from_str_radix(rest.get(1..=digits)?, 16).ok()?;
        match code {
            // The two halves of a surrogate pair stand for one character of four bytes.
            0xD800..=0xDBFF if rest.get(1 + digits..3 + digits) == Some("\\u") => Some((2 * (digits + 2), 4)),
            _ => Some((digits + 2, char::from_u32(code)?.len_utf8())),
        }
    };
    match character {
        'x' => hex(2),
        'u' => hex(4),
        'U' => hex(8),
        'N' | '_' => Some((2, 2)),
        'L' | 'P' => Some((2, 3)),
        '\r' | '\n' => {
            let blank = rest.bytes().take_while(|byte| b" \t\r\n".contains(byte)).count();
            let breaks = rest[..blank].bytes().filter(|byte| *byte == b'\n').count();
            Some((1 + blank, breaks.saturating_sub(1)))
        }
        _ => Some((1 + character.len_utf8(), 1)),
    }
}

/// Literal and folded scalars: every line of the source without its indentation.
fn block(source: &str, decoded: &str, folded: bool) -> Option<Pairs> {
    // A carriage return alone breaks a line too, which nobody writes: then the whole scalar is the place.
    if source.replace("\r\n", "\n").contains('\r') {
        return None;
    }
    let mut at = source.find('\n')? + 1;
    let (mut done, mut pairs, mut indent) = (0, Vec::new(), None);
    while at < source.len() && done < decoded.len() {
        let line = source[at..].split_inclusive('\n').next().unwrap_or("");
        let text = line.trim_end_matches(['\n', '\r']);
        let spaces = text.len() - text.trim_start_matches(' ').len();
        let rest = &decoded[done..];
        if text.len() == spaces && indent.is_none_or(|indent| spaces <= indent) {
            // A blank line; in a folded text the separation before it may already have been counted.
            if rest.starts_with('\n') {
                add(&mut pairs, done, at);
                done += 1;
            }
            at += line.len();
            continue;
        }
        let indent =
            *indent.get_or_insert_with(|| spaces.saturating_sub(rest.len() - rest.trim_start_matches(' ').len()));
        let content = text.get(indent..)?;
        if !rest.starts_with(content) {
            return None;
        }
        add(&mut pairs, done, at + indent);
        done += content.len();
        let next = decoded[done..].bytes().next();
        let separator = next == Some(b'\n') || (folded && next == Some(b' '));
        // Folding a single line feed away leaves a blank; one before blank lines leaves nothing.
        let swallowed = folded && next == Some(b'\n') && swallows(source, at + line.len(), &decoded[done..], indent);
        done += usize::from(separator && !swallowed);
        at += line.len();
    }
    Some(pairs)
}

/// Whether the line feed before the blank lines at `at` is folded away: then the decoded text has just as many line
/// feeds as there are blank lines.
fn swallows(source: &str, at: usize, rest: &str, indent: usize) -> bool {
    let blank = |line: &str| line.len() <= indent && line.trim_start_matches(' ').is_empty();
    let lines = source.get(at..).unwrap_or("").lines().take_while(|line| blank(line)).count();
    let feeds = rest.bytes().take_while(|byte| *byte == b'\n').count();
    lines > 0 && feeds == lines
}
