//! Text to tokens.
//!
//! **Invariant:** every byte is in one token, whatever the text is; each step goes forward.
//! Not here: what strings contain (`text`), what tokens mean together (`build`).

use super::chars::{self, Class};
use super::findings::Findings;
use super::quotes::{self, Ahead};
use super::tree::{Kind, Token};

/// Most quotes of one line that are taken for wrong: each makes the rest of the line be read anew.
const CULPRITS: usize = 8;

/// The tokens of a text, an empty `End` last.
pub fn tokens(text: &str, found: &mut Findings) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 4 + 2);
    let mut at = 0;
    let mut ahead = Ahead::default();
    // Where the line at hand begins: its first token, and the findings before it.
    let mut line = (0, 0);
    let mut culprits = 0;
    while at < text.len() {
        let (kind, end) = token(text, at, &mut ahead, found);
        if kind == Kind::Unclosed
            && culprits < CULPRITS
            && let Some(culprit) = quotes::culprit(text, &tokens[line.0..], at)
        {
            // An earlier quote of the line is the wrong one: what stands behind it is read anew.
            tokens.truncate(tokens.partition_point(|token| (token.start as usize) < culprit.start));
            found.truncate(line.1);
            culprit.report(found);
            tokens.push(Token { kind, start: offset(culprit.start) });
            at = culprit.end;
            ahead.braces = 0;
            line = (tokens.len(), found.len());
            culprits += 1;
            continue;
        }
        match kind {
            Kind::Newline => ahead.braces = 0,
            Kind::OpenBrace => ahead.braces += 1,
            Kind::CloseBrace => ahead.braces = ahead.braces.saturating_sub(1),
            _other => {}
        }
        tokens.push(Token { kind, start: offset(at) });
        at = end;
        if matches!(kind, Kind::Newline | Kind::Continuation | Kind::Lines | Kind::RawLines | Kind::BlockComment) {
            line = (tokens.len(), found.len());
            culprits = 0;
        }
    }
    tokens.push(Token { kind: Kind::End, start: offset(text.len()) });
    tokens
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

fn token(text: &str, at: usize, ahead: &mut Ahead, found: &mut Findings) -> (Kind, usize) {
    let (class, length) = chars::class(text, at);
    match class {
        Class::Space => (Kind::Space, chars::spaces(text, at)),
        Class::Newline => (Kind::Newline, at + chars::newline(text, at).unwrap_or(length)),
        Class::Word => word(text, at, ahead, found),
        Class::Forbidden if at == 0 && text.starts_with('\u{feff}') => (Kind::ByteOrderMark, length),
        Class::Forbidden => {
            forbidden(text, at, found);
            (Kind::Space, at + length)
        }
        Class::Mark => mark(text, at, ahead, found),
    }
}

fn word(text: &str, at: usize, ahead: &mut Ahead, found: &mut Findings) -> (Kind, usize) {
    let end = chars::word(text, at);
    let raw = end == at + 1 && text.as_bytes()[at] == b'r';
    if raw && text[end..].trim_start_matches('#').starts_with('"') && text[end..].starts_with(['"', '#']) {
        return quotes::old_raw(text, at, ahead, found);
    }
    (Kind::Word, end)
}

fn mark(text: &str, at: usize, ahead: &mut Ahead, found: &mut Findings) -> (Kind, usize) {
    let bytes = text.as_bytes();
    let next = bytes.get(at + 1);
    match (bytes[at], next) {
        (b'{', _) => (Kind::OpenBrace, at + 1),
        (b'}', _) => (Kind::CloseBrace, at + 1),
        (b'(', _) => (Kind::OpenParen, at + 1),
        (b')', _) => (Kind::CloseParen, at + 1),
        (b'=', _) => (Kind::Equals, at + 1),
        (b';', _) => (Kind::Semicolon, at + 1),
        (b'"', _) => quotes::quoted(text, at, ahead, found),
        (b'#', _) => hash(text, at, ahead, found),
        (b'/', Some(b'/')) => (Kind::LineComment, line_end(text, at, found)),
        (b'/', Some(b'*')) => (Kind::BlockComment, comment_end(text, at, found)),
        (b'/', Some(b'-')) => (Kind::Slashdash, at + 2),
        (b'\\', _) => continuation(text, at, found),
        (_, _) => (Kind::Stray, at + 1),
    }
}

fn hash(text: &str, at: usize, ahead: &mut Ahead, found: &mut Findings) -> (Kind, usize) {
    let hashes = text[at..].len() - text[at..].trim_start_matches('#').len();
    if text[at + hashes..].starts_with('"') {
        return quotes::raw(text, at, hashes, ahead, found);
    }
    let end = chars::word(text, at + 1);
    if hashes == 1 && end > at + 1 { (Kind::Keyword, end) } else { (Kind::Stray, at + hashes) }
}

/// Where the line ends that `at` is in, its line end not included.
pub fn line_end(text: &str, mut at: usize, found: &mut Findings) -> usize {
    while at < text.len() {
        let (class, length) = chars::class(text, at);
        match class {
            Class::Newline => return at,
            Class::Forbidden => forbidden(text, at, found),
            Class::Word | Class::Space | Class::Mark => {}
        }
        at += length;
    }
    at
}

fn comment_end(text: &str, start: usize, found: &mut Findings) -> usize {
    let (mut at, mut depth) = (start + 2, 1usize);
    while depth > 0 && at < text.len() {
        let pair = text.as_bytes().get(at..at + 2);
        if pair == Some(b"/*") {
            depth += 1;
            at += 2;
        } else if pair == Some(b"*/") {
            depth -= 1;
            at += 2;
        } else {
            let (class, length) = chars::class(text, at);
            if class == Class::Forbidden {
                forbidden(text, at, found);
            }
            at += length;
        }
    }
    if depth > 0 {
        found.unclosed_comment(start);
    }
    at
}

/// A backslash with blanks, comments and the line end behind it; a stray one where something else follows.
fn continuation(text: &str, start: usize, found: &mut Findings) -> (Kind, usize) {
    let mut at = start + 1;
    loop {
        at = chars::spaces(text, at);
        if text[at..].starts_with("/*") {
            let mut inner = Findings::new(found.file);
            at = comment_end(text, at, &mut inner);
            if !inner.is_empty() {
                return (Kind::Stray, start + 1);
            }
        } else {
            break;
        }
    }
    if text[at..].starts_with("//") {
        at = line_end(text, at, found);
    }
    match chars::newline(text, at) {
        Some(length) => (Kind::Continuation, at + length),
        None if at == text.len() => (Kind::Continuation, at),
        None => (Kind::Stray, start + 1),
    }
}

/// Says that the character at `at` may not stand there.
pub fn forbidden(text: &str, at: usize, found: &mut Findings) {
    if let Some(character) = text[at..].chars().next() {
        found.forbidden(at, character);
    }
}
