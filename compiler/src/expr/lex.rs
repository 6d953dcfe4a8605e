//! Words, numbers, strings and signs of an expression, one at a time.
//!
//! Source of the rules: the lexis of the CEL language definition; dashes in names after a dot are ours.
//! **Invariant:** never panics; each token lies inside the text and ends on character boundaries.

use super::Dialect;
use super::ast::Literal;

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    Word(String),
    /// A name in backquotes: only after a dot.
    Quoted(String),
    Literal(Literal),
    Sign(&'static str),
    End,
}

/// Why there is no token, and where. `instead` is what should be written there.
#[derive(Debug)]
pub(super) struct Wrong {
    pub from: usize,
    pub to: usize,
    pub message: String,
    pub label: String,
    pub help: Option<String>,
    pub instead: Option<&'static str>,
}

pub(super) struct Lexer<'a> {
    pub text: &'a str,
    pub at: usize,
    /// Where the expression ends in the text.
    pub end: usize,
    pub dialect: Dialect,
}

/// Longest first.
const SIGNS: &[&str] = &[
    "&&", "||", "==", "!=", "<=", ">=", "(", ")", "[", "]", "{", "}", ".", ",", "?", ":", "+", "-", "*", "/", "%", "<",
    ">", "!",
];

/// What other languages write, what is meant, and what to say.
const HABITS: &[(&str, &str, &str)] = &[
    ("===", "==", "`==` compares"),
    ("!==", "!=", "`!=` compares"),
    ("<>", "!=", "`!=` means unequal"),
    ("=~", ".matches(…)", "write `text.matches(\"pattern\")`"),
    ("=", "==", "`==` compares; nothing is assigned in an expression"),
    ("&", "&&", "`&&` means and"),
    ("|", "||", "`||` means or"),
];

impl Lexer<'_> {
    /// The next token with its place; `after_dot` lets a name have dashes.
    pub fn next(&mut self, after_dot: bool) -> Result<(Token, usize, usize), Wrong> {
        self.skip();
        let from = self.at;
        let Some(first) = self.rest().chars().next() else { return Ok((Token::End, from, from)) };
        let token = if first.is_ascii_digit() || (first == '.' && self.byte(1).is_some_and(|b| b.is_ascii_digit())) {
            Token::Literal(self.number()?)
        } else if let Some(prefix) = self.string_prefix() {
            self.string(prefix)?
        } else if first.is_ascii_alphabetic() || first == '_' {
            Token::Word(self.word(after_dot))
        } else if first == '`' {
            self.quoted_name()?
        } else {
            self.sign(first)?
        };
        Ok((token, from, self.at))
    }

    fn rest(&self) -> &str {
        &self.text[self.at..self.end]
    }

    fn byte(&self, ahead: usize) -> Option<u8> {
        self.rest().as_bytes().get(ahead).copied()
    }

    fn skip(&mut self) {
        loop {
            let rest = self.rest();
            let spaces = rest.len() - rest.trim_start().len();
            self.at += spaces;
            if !self.rest().starts_with("//") {
                return;
            }
            let rest = self.rest();
            self.at += rest.find('\n').unwrap_or(rest.len());
        }
    }

    fn wrong(&self, from: usize, to: usize, message: impl Into<String>, label: impl Into<String>) -> Wrong {
        Wrong { from, to, message: message.into(), label: label.into(), help: None, instead: None }
    }

    /// Letters, digits and `_`; after a dot also a dash with a letter, digit or `_` behind it.
    fn word(&mut self, dashes: bool) -> String {
        let from = self.at;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let dashes = dashes && self.dialect == Dialect::Waybill;
        while let Some(byte) = self.byte(0) {
            let dash = dashes && byte == b'-' && self.byte(1).is_some_and(plain);
            if !plain(byte) && !dash {
                break;
            }
            self.at += 1;
        }
        self.text[from..self.at].to_owned()
    }

    fn quoted_name(&mut self) -> Result<Token, Wrong> {
        let from = self.at;
        match self.rest()[1..].find('`') {
            Some(0) | None => Err(self.wrong(from, from + 1, "a quoted name is not closed", "no closing backquote")),
            Some(length) => {
                let name = self.rest()[1..length + 1].to_owned();
                self.at += length + 2;
                Ok(Token::Quoted(name))
            }
        }
    }

    fn sign(&mut self, first: char) -> Result<Token, Wrong> {
        let from = self.at;
        let habit = HABITS.iter().find(|(written, _, _)| self.rest().starts_with(written));
        let sign = SIGNS.iter().find(|sign| self.rest().starts_with(**sign));
        match (habit, sign) {
            (Some((written, meant, help)), sign) if sign.is_none_or(|sign| sign.len() < written.len()) => {
                let message = format!("`{written}` is not an operator");
                let mut wrong = self.wrong(from, from + written.len(), message, format!("write `{meant}`"));
                wrong.help = Some((*help).to_owned());
                wrong.instead = (!meant.starts_with('.')).then_some(*meant);
                Err(wrong)
            }
            (_, Some(sign)) => {
                self.at += sign.len();
                Ok(Token::Sign(sign))
            }
            (_, None) => {
                let to = from + first.len_utf8();
                let mut wrong = self.wrong(from, to, format!("`{first}` has no meaning in an expression"), "not known");
                match first {
                    '$' => {
                        wrong.help = Some("names are written without `$`".into());
                        wrong.instead = Some("");
                    }
                    '“' | '”' | '‘' | '’' | '„' => wrong.help = Some("strings have straight quotes".into()),
                    _ => {}
                }
                Err(wrong)
            }
        }
    }

    fn number(&mut self) -> Result<Literal, Wrong> {
        let from = self.at;
        let digits = |lexer: &mut Self| {
            while lexer.byte(0).is_some_and(|byte| byte.is_ascii_digit()) {
                lexer.at += 1;
            }
        };
        let hex = self.byte(0) == Some(b'0') && matches!(self.byte(1), Some(b'x' | b'X'));
        let mut double = false;
        if hex {
            self.at += 2;
            while self.byte(0).is_some_and(|byte| byte.is_ascii_hexdigit()) {
                self.at += 1;
            }
        } else {
            digits(self);
            if self.byte(0) == Some(b'.') && self.byte(1).is_some_and(|byte| byte.is_ascii_digit()) {
                double = true;
                self.at += 1;
                digits(self);
            }
            let sign = usize::from(matches!(self.byte(1), Some(b'+' | b'-')));
            let exponent = matches!(self.byte(0), Some(b'e' | b'E'))
                && self.byte(1 + sign).is_some_and(|byte| byte.is_ascii_digit());
            if exponent {
                double = true;
                self.at += 1 + sign;
                digits(self);
            }
        }
        let written = &self.text[from..self.at];
        let unsigned = !double && matches!(self.byte(0), Some(b'u' | b'U'));
        self.at += usize::from(unsigned);
        if self.byte(0).is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
            self.word(false);
            let whole = &self.text[from..self.at];
            let mut wrong = self.wrong(from, self.at, format!("`{whole}` is not a number"), "letters in a number");
            wrong.help = Some("a duration or a quantity is a string: `duration(\"90s\")`".into());
            return Err(wrong);
        }
        value(written, hex, double, unsigned)
            .ok_or_else(|| self.wrong(from, self.at, format!("`{written}` is out of range"), "too large for its type"))
    }

    /// Quote, raw and bytes, if a string begins here.
    fn string_prefix(&self) -> Option<(usize, bool, bool)> {
        let (mut raw, mut bytes, mut length) = (false, false, 0);
        loop {
            match self.byte(length)? {
                b'r' | b'R' if !raw => raw = true,
                b'b' | b'B' if !bytes => bytes = true,
                b'"' | b'\'' => return Some((length, raw, bytes)),
                _ => return None,
            }
            length += 1;
        }
    }

    fn string(&mut self, (prefix, raw, bytes): (usize, bool, bool)) -> Result<Token, Wrong> {
        let from = self.at;
        self.at += prefix;
        let quote = &self.rest()[..1];
        let triple = quote.repeat(3);
        let close = if self.rest().starts_with(&triple) { triple } else { quote.to_owned() };
        self.at += close.len();
        let mut content = Vec::new();
        loop {
            if self.rest().starts_with(&close) {
                self.at += close.len();
                return Ok(Token::Literal(finish(content, bytes)));
            }
            let Some(next) = self.rest().chars().next() else {
                let message = "a string in an expression is not closed";
                let mut wrong = self.wrong(from, from + prefix + close.len(), message, format!("no closing `{close}`"));
                wrong.help = Some(format!("end the string with `{close}`"));
                return Err(wrong);
            };
            if next == '\\' && !raw {
                self.escape(bytes, &mut content)?;
            } else {
                content.extend_from_slice(next.encode_utf8(&mut [0; 4]).as_bytes());
                self.at += next.len_utf8();
            }
        }
    }

    fn escape(&mut self, bytes: bool, content: &mut Vec<u8>) -> Result<(), Wrong> {
        let from = self.at;
        let kind = self.rest()[1..].chars().next().unwrap_or(' ');
        let simple = match kind {
            'a' => Some(7),
            'b' => Some(8),
            'f' => Some(12),
            'n' => Some(10),
            'r' => Some(13),
            't' => Some(9),
            'v' => Some(11),
            '\\' | '?' | '"' | '\'' | '`' => Some(kind as u8),
            _ => None,
        };
        if let Some(byte) = simple {
            content.push(byte);
            self.at += 2;
            return Ok(());
        }
        let (skip, length, radix) = match kind {
            'x' | 'X' => (2, 2, 16),
            'u' if !bytes => (2, 4, 16),
            'U' if !bytes => (2, 8, 16),
            '0'..='3' => (1, 3, 8),
            _ => (1, 0, 10),
        };
        let digits = self.rest().get(skip..skip + length).unwrap_or("");
        let number = u32::from_str_radix(digits, radix).ok().filter(|_| digits.chars().all(|c| c.is_digit(radix)));
        let encoded = match (number, bytes) {
            (Some(number), true) => u8::try_from(number).ok().map(|byte| vec![byte]),
            (Some(number), false) => char::from_u32(number).map(|c| c.to_string().into_bytes()),
            (None, _) => None,
        };
        let Some(encoded) = encoded else {
            let to = self.at + 1 + kind.len_utf8().min(self.rest().len() - 1);
            let shown = &self.text[from..to];
            let mut wrong = self.wrong(from, to, format!("`{shown}` is not an escape"), "not known in a string");
            wrong.help = Some("write `\\\\` for a backslash, or a raw string: `r'\\d+'`".into());
            return Err(wrong);
        };
        content.extend(encoded);
        self.at += skip + length;
        Ok(())
    }
}

fn finish(content: Vec<u8>, bytes: bool) -> Literal {
    if bytes {
        return Literal::Bytes(content);
    }
    Literal::String(String::from_utf8(content).expect("BUG: a string was put together from characters"))
}

/// The number as written, without its suffix; a magnitude of 2^63 is left to the sign before it.
fn value(written: &str, hex: bool, double: bool, unsigned: bool) -> Option<Literal> {
    if double {
        return written.parse::<f64>().ok().filter(|number| number.is_finite()).map(Literal::Double);
    }
    let magnitude = if hex { u64::from_str_radix(&written[2..], 16) } else { written.parse::<u64>() }.ok()?;
    if unsigned {
        return Some(Literal::Uint(magnitude));
    }
    match i64::try_from(magnitude) {
        Ok(number) => Some(Literal::Int(number)),
        Err(_) if magnitude == 1 << 63 => Some(Literal::Int(i64::MIN)),
        Err(_) => None,
    }
}
