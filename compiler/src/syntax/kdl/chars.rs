//! Which characters mean what in KDL version 2: the tables of its specification.
//!
//! Not here: what is made of them (`lex`).

/// What a character may be part of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Part of a bare word.
    Word,
    Space,
    Newline,
    /// A character with a meaning of its own, never part of a bare word.
    Mark,
    /// Not allowed as itself anywhere (section "Disallowed Literal Code Points").
    Forbidden,
}

const ASCII: [Class; 128] = ascii();

const fn ascii() -> [Class; 128] {
    let mut table = [Class::Word; 128];
    let mut at = 0;
    while at < 128 {
        table[at] = match at as u8 {
            b'\t' | b' ' => Class::Space,
            b'\n' | 0x0b | 0x0c | b'\r' => Class::Newline,
            0..=8 | 0x0e..=0x1f | 0x7f => Class::Forbidden,
            b'\\' | b'/' | b'(' | b')' | b'{' | b'}' | b';' | b'[' | b']' | b'"' | b'#' | b'=' => Class::Mark,
            _ => Class::Word,
        };
        at += 1;
    }
    table
}

/// The class of the character whose first byte is at `at`, and its length in bytes. `at` is inside `text`, on a boundary.
pub fn class(text: &str, at: usize) -> (Class, usize) {
    let byte = text.as_bytes()[at];
    if byte < 0x80 {
        return (ASCII[byte as usize], 1);
    }
    let character = text[at..].chars().next().unwrap_or(' ');
    (wide(character), character.len_utf8())
}

fn wide(character: char) -> Class {
    match character {
        '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{202f}' | '\u{205f}' | '\u{3000}' => Class::Space,
        '\u{85}' | '\u{2028}' | '\u{2029}' => Class::Newline,
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' => Class::Forbidden,
        _ => Class::Word,
    }
}

/// Length of the line end at `at`; a carriage return takes the line feed behind it along.
pub fn newline(text: &str, at: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    if *bytes.get(at)? == b'\r' && bytes.get(at + 1) == Some(&b'\n') {
        return Some(2);
    }
    let (class, length) = class(text, at);
    (class == Class::Newline).then_some(length)
}

/// Where the blanks end that begin at `at`.
pub fn spaces(text: &str, at: usize) -> usize {
    run(text, at, &[Class::Space])
}

/// Where the blanks and line ends end that begin at `at`.
pub fn blanks(text: &str, at: usize) -> usize {
    run(text, at, &[Class::Space, Class::Newline])
}

/// Where the word ends that begins at `at`.
pub fn word(text: &str, mut at: usize) -> usize {
    let bytes = text.as_bytes();
    loop {
        while at < bytes.len() && bytes[at] < 0x80 && ASCII[bytes[at] as usize] == Class::Word {
            at += 1;
        }
        if at >= bytes.len() || bytes[at] < 0x80 {
            return at;
        }
        let (class, length) = class(text, at);
        if class != Class::Word {
            return at;
        }
        at += length;
    }
}

fn run(text: &str, mut at: usize, classes: &[Class]) -> usize {
    while at < text.len() {
        let (class, length) = class(text, at);
        if !classes.contains(&class) {
            break;
        }
        at += length;
    }
    at
}
