//! What strings say: escapes and indentation taken away, by the rules of KDL version 2.
//!
//! **Invariant:** every decoded byte knows where it comes from. What is wrong is said to the caller and read as it stands.

use super::chars;
use super::tree::Kind;
use crate::source::{FileId, Span};
use crate::syntax::Text;

/// What is wrong inside a string, with its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A backslash with a character behind it that makes no escape.
    Escape,
    /// `\/`, which version 1 has.
    Solidus,
    /// `\u{…}` without a Unicode scalar value in it.
    Unicode,
    /// Text behind the quotes that begin lines.
    FirstLine,
    /// Text before the quotes that end lines.
    LastLine,
    /// A line that is not indented as the last one.
    Indent,
}

/// Takes what is wrong, with its start and end.
pub type Report<'r> = &'r mut dyn FnMut(usize, usize, Wrong);

/// The text of a string token that begins at `start`.
pub fn decode(file: FileId, token: &str, kind: Kind, start: usize, report: Report<'_>) -> Text {
    let span = Span::new(file, start, start + token.len());
    match kind {
        Kind::Quoted => Text::at(&token[1..token.len() - 1], span, start + 1),
        Kind::Escaped => {
            let mut out = Out { text: Text { value: String::with_capacity(token.len()), span, map: Vec::new() } };
            escaped(token, 1, token.len() - 1, start, &mut out, report);
            out.text
        }
        Kind::Raw | Kind::OldRaw => {
            let open = token.find('"').map_or(0, |quote| quote + 1);
            let close = token.len() - token.rfind('"').unwrap_or(0);
            Text::at(&token[open..token.len() - close], span, start + open)
        }
        Kind::Lines | Kind::RawLines => lines(token, kind, span, report),
        _bare => Text::plain(token, span),
    }
}

/// A text as it grows.
struct Out {
    text: Text,
}

impl Out {
    /// Adds `piece`, the first byte of which stands at `source`.
    fn push(&mut self, piece: &str, source: usize) {
        let (at, source) = (self.text.value.len() as u32, source as u32);
        let in_step = self.text.map.last().is_some_and(|(from, place)| at - from == source.wrapping_sub(*place));
        if !in_step && !piece.is_empty() {
            self.text.map.push((at, source));
        }
        self.text.value.push_str(piece);
    }

    fn escape(&mut self, character: char, source: usize) {
        let mut buffer = [0; 4];
        let at = self.text.value.len() as u32;
        self.text.map.push((at, source as u32));
        // Its last byte stands at the letter behind the backslash: a longer character than the escape ends inside it.
        if character.len_utf8() > 1 {
            self.text.map.push((at + character.len_utf8() as u32 - 1, source as u32 + 1));
        }
        self.text.value.push_str(character.encode_utf8(&mut buffer));
    }
}

/// Adds the part of a token from `from` to `to`, escapes resolved. The token begins at `start` in the source.
fn escaped(token: &str, mut from: usize, to: usize, start: usize, out: &mut Out, report: Report<'_>) {
    while from < to {
        let plain = token[from..to].find('\\').map_or(to, |length| from + length);
        out.push(&token[from..plain], start + from);
        if plain == to {
            return;
        }
        from = escape(token, plain, to, start, out, report);
    }
}

/// Adds what the backslash at `at` stands for, and gives where it ends.
fn escape(token: &str, at: usize, to: usize, start: usize, out: &mut Out, report: Report<'_>) -> usize {
    let blanks = chars::blanks(&token[..to], at + 1);
    if blanks > at + 1 {
        return blanks;
    }
    let Some(next) = token[at + 1..to].chars().next() else { return to };
    let simple = match next {
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\u{8}',
        'f' => '\u{c}',
        's' => ' ',
        '"' => '"',
        '\\' => '\\',
        'u' => return unicode(token, at, to, start, out, report),
        other => {
            let wrong = if other == '/' { Wrong::Solidus } else { Wrong::Escape };
            report(start + at, start + at + 1 + other.len_utf8(), wrong);
            let end = at + 1 + other.len_utf8();
            out.push(&token[at + 1..end], start + at + 1);
            return end;
        }
    };
    out.escape(simple, start + at);
    at + 1 + next.len_utf8()
}

fn unicode(token: &str, at: usize, to: usize, start: usize, out: &mut Out, report: Report<'_>) -> usize {
    let rest = &token[at + 2..to];
    // No further than an escape can reach: what is not closed is not looked for in the whole text.
    let close = rest.bytes().take(8).position(|byte| byte == b'}');
    let digits = close.filter(|_| rest.starts_with('{')).map(|close| &rest[1..close]);
    let digits = digits.filter(|d| (1..=6).contains(&d.len()) && d.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let character = digits.and_then(|d| u32::from_str_radix(d, 16).ok()).and_then(char::from_u32);
    match (digits, character) {
        (Some(digits), Some(character)) => {
            out.escape(character, start + at);
            at + 4 + digits.len()
        }
        (digits, _) => {
            let length = digits.map_or(2, |digits| 4 + digits.len());
            report(start + at, start + at + length, Wrong::Unicode);
            out.escape('\u{fffd}', start + at);
            at + length
        }
    }
}

/// A line of a string: parts of the token that stand side by side once escaped blanks are gone.
type Line = Vec<(usize, usize)>;

fn lines(token: &str, kind: Kind, span: Span, report: Report<'_>) -> Text {
    let (start, hashes) = (span.start as usize, token.len() - token.trim_start_matches('#').len());
    let (body, end) = (hashes + 3, (token.len() - hashes).saturating_sub(3));
    let mut out = Out { text: Text { value: String::with_capacity(token.len()), span, map: Vec::new() } };
    let Some(first) = chars::newline(&token[..end], body) else {
        report(start, start + body, Wrong::FirstLine);
        out.push(token.get(body..end).unwrap_or(""), start + body);
        return out.text;
    };
    let mut all = split(&token[..end], body + first, kind == Kind::RawLines);
    let last = all.pop().unwrap_or_default();
    let content = |line: &Line| line.iter().map(|(from, to)| &token[*from..*to]).collect::<String>();
    let prefix = content(&last);
    if !blank(&prefix) {
        report(start + end, start + token.len(), Wrong::LastLine);
        all.push(last);
        for line in &all {
            line.iter().for_each(|(from, to)| out.push(&token[*from..*to], start + from));
        }
        return out.text;
    }
    for (at, line) in all.iter().enumerate() {
        if at > 0 {
            let place = line.first().map_or(start, |(from, _)| start + from);
            out.push("\n", place.saturating_sub(1));
        }
        indented(token, line, &prefix, kind, start, &mut out, report);
    }
    out.text
}

/// Adds a line of a string without its indentation.
fn indented(token: &str, line: &Line, prefix: &str, kind: Kind, start: usize, out: &mut Out, report: Report<'_>) {
    if line.iter().all(|(from, to)| blank(&token[*from..*to])) {
        return;
    }
    let mut left = prefix;
    for (from, to) in line {
        let part = &token[*from..*to];
        let same = part.bytes().zip(left.bytes()).take_while(|(a, b)| a == b).count();
        let skip = if same == left.len() || same == part.len() { same } else { 0 };
        if skip < left.len() && skip < part.len() {
            report(start + from, start + from + part.len() - part.trim_start().len(), Wrong::Indent);
            left = "";
        } else {
            left = &left[skip..];
        }
        if kind == Kind::RawLines {
            out.push(&token[from + skip..*to], start + from + skip);
        } else {
            escaped(token, from + skip, *to, start, out, report);
        }
    }
}

fn blank(text: &str) -> bool {
    chars::spaces(text, 0) == text.len()
}

/// The lines from `at` on, without their ends; escaped blanks and line ends are left out, unless the string is raw.
fn split(token: &str, mut at: usize, raw: bool) -> Vec<Line> {
    let mut all: Vec<Line> = vec![Vec::new()];
    let mut from = at;
    while at < token.len() {
        let byte = token.as_bytes()[at];
        let newline = if !(0x20..0x80).contains(&byte) { chars::newline(token, at) } else { None };
        let gap = match (newline, byte) {
            (Some(length), _) => length,
            (None, b'\\') if !raw => chars::blanks(token, at + 1) - at,
            (None, _) => 0,
        };
        if newline.is_some() || gap > 1 {
            all.last_mut().expect("BUG: a text has a line").push((from, at));
            at += gap;
            from = at;
            if newline.is_some() {
                all.push(Vec::new());
            }
        } else if gap == 1 {
            at += 1 + token[at + 1..].chars().next().map_or(0, char::len_utf8);
        } else {
            at += chars::class(token, at).1;
        }
    }
    all.last_mut().expect("BUG: a text has a line").push((from, token.len()));
    all
}
