//! KDL in one layout: indentation by four, one blank between parts, no blank at the end of a line, one blank line at most.
//!
//! **Invariant:** the author's lines and comments stay, and the nodes stay the same; formatting twice changes nothing more.
//! Not here: breaking long lines; what is on one line is on one line afterwards.

use super::chars;
use super::tree::{Kind, Tree};
use crate::diag::Diagnostic;
use crate::source::FileId;

/// The formatted text, or what is wrong with the text, which then stays as it is.
pub fn format(file: FileId, text: &str) -> Result<String, Vec<Diagnostic>> {
    let (tree, found) = super::tree(file, text);
    if let Some(finding) = super::too_deep(&tree, file) {
        return Err(vec![finding]);
    }
    if !found.is_empty() {
        return Err(found);
    }
    let mut layout = Layout { tree: &tree, out: String::with_capacity(text.len()), depth: 0, lines: 0, before: None };
    let mut spaced = false;
    let mut continued = false;
    for at in 0..tree.tokens.len() {
        match tree.kind(at) {
            Kind::Space => spaced = true,
            Kind::Newline => layout.lines += 1,
            Kind::End => {}
            kind => {
                layout.token(at, kind, spaced, continued);
                spaced = false;
                continued = kind == Kind::Continuation;
            }
        }
    }
    Ok(layout.finish())
}

struct Layout<'a, 't> {
    tree: &'a Tree<'t>,
    out: String,
    depth: usize,
    /// Line ends since the last token that was written.
    lines: usize,
    /// The last token that was written.
    before: Option<Kind>,
}

impl Layout<'_, '_> {
    fn token(&mut self, at: usize, kind: Kind, spaced: bool, continued: bool) {
        if kind == Kind::CloseBrace {
            self.depth = self.depth.saturating_sub(1);
        }
        let begins = self.before.is_none_or(|before| before == Kind::ByteOrderMark);
        if begins {
            // Nothing but a byte order mark stands before it, so there is nothing to keep apart.
        } else if self.lines > 0 {
            let inside = self.before == Some(Kind::OpenBrace) || kind == Kind::CloseBrace;
            self.out.push_str(if self.lines > 1 && !inside { "\n\n" } else { "\n" });
            let extra = usize::from(continued && kind != Kind::CloseBrace && kind != Kind::OpenBrace);
            self.out.push_str(&"    ".repeat(self.depth + extra));
        } else if self.before.is_some_and(|before| apart(before, kind, spaced)) {
            self.out.push(' ');
        }
        self.lines = 0;
        self.write(at, kind);
        self.before = Some(kind);
        if kind == Kind::OpenBrace {
            self.depth += 1;
        }
    }

    fn write(&mut self, at: usize, kind: Kind) {
        let token = self.tree.token(at);
        match kind {
            Kind::LineComment => self.out.push_str(token.trim_end()),
            Kind::Continuation => {
                self.out.push('\\');
                let comment = token[1..].trim();
                if !comment.is_empty() {
                    self.out.push(' ');
                    self.out.push_str(comment);
                }
                self.lines = 0;
            }
            Kind::Lines | Kind::RawLines => self.out.push_str(&lines(token, kind, self.depth + 1)),
            _other => self.out.push_str(token),
        }
        if kind == Kind::Continuation {
            self.lines = 1;
        }
    }

    fn finish(mut self) -> String {
        if self.before.is_some_and(|before| before != Kind::ByteOrderMark) {
            self.out.push('\n');
        }
        self.out
    }
}

/// Whether a blank stands between two tokens of one line.
fn apart(before: Kind, kind: Kind, spaced: bool) -> bool {
    match (before, kind) {
        (Kind::Slashdash, _) => spaced,
        (Kind::OpenBrace, Kind::CloseBrace) => false,
        (Kind::BlockComment, _) | (_, Kind::BlockComment | Kind::LineComment | Kind::Continuation) => true,
        (Kind::OpenParen | Kind::CloseParen | Kind::Equals, _) => false,
        (_, Kind::CloseParen | Kind::Equals | Kind::Semicolon) => false,
        (_, _) => true,
    }
}

/// A string of lines, indented as its place asks where that keeps what it says.
fn lines(token: &str, kind: Kind, depth: usize) -> String {
    let (opening, rest) = token.split_at(token.find('"').unwrap_or(0) + 3);
    let movable = kind == Kind::RawLines || !gaps(rest);
    let plain = !rest.contains(['\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']);
    let Some((body, last)) = rest.rsplit_once('\n').filter(|_| movable && plain) else { return token.to_owned() };
    let prefix = &last[..chars::spaces(last, 0)];
    let indent = "    ".repeat(depth);
    let mut out = opening.to_owned();
    for line in body.split('\n').skip(1) {
        out.push('\n');
        if chars::spaces(line, 0) < line.len() {
            out.push_str(&indent);
            out.push_str(line.strip_prefix(prefix).unwrap_or(line));
        }
    }
    out + "\n" + &indent + &last[prefix.len()..]
}

/// Whether a backslash takes blanks away: then the lines of the text are not those of the file.
fn gaps(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        if chars::blanks(rest, at + 1) > at + 1 {
            return true;
        }
        let next = rest[at + 1..].chars().next().map_or(0, char::len_utf8);
        rest = &rest[at + 1 + next..];
    }
    false
}
