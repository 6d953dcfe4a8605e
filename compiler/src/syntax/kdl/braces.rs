//! Which brace is the wrong one, where braces do not match: indentation decides.
//!
//! **Invariant:** where the braces of a text match, nothing is repaired, however it is indented.

use std::collections::BTreeMap;

use super::findings::Findings;
use super::tree::{Kind, Token};
use crate::diag::{Applicability, codes};

/// How the braces of a text have to be read. Token indices, ascending.
#[derive(Debug, Default)]
pub struct Repair {
    /// A block ends before this token although no brace closes it.
    pub closes: Vec<u32>,
    /// A block begins at this line end although no brace opens it.
    pub opens: Vec<u32>,
    /// Closing braces of nothing.
    pub strays: Vec<u32>,
}

/// Most closing braces for which an opening one is looked for.
const SEARCHES: usize = 20;

/// An open brace.
#[derive(Clone, Copy)]
struct Open {
    token: usize,
    indent: usize,
    line: usize,
}

/// Where a line stands.
#[derive(Clone, Copy)]
struct Line {
    /// Its first token that is neither blank nor comment.
    first: usize,
    indent: usize,
}

/// How the braces are meant, each that is wrong reported where it stands.
pub fn repair(text: &str, tokens: &[Token], found: &mut Findings) -> Repair {
    let (opens, strays) = count(tokens);
    if opens + strays == 0 {
        return Repair::default();
    }
    let mut reading = Reading {
        text,
        tokens,
        strays: strays > 0,
        open: Vec::new(),
        indents: BTreeMap::new(),
        closed: Vec::new(),
        repair: Repair::default(),
    };
    if let (0, 1, Some(stray)) = (opens, strays, reading.early()) {
        reading.repair.strays.push(stray as u32);
        reading.report(found);
        return reading.repair;
    }
    reading.run();
    if reading.closed.len() + reading.repair.strays.len() + reading.repair.opens.len() > opens + strays {
        reading.as_they_stand();
    }
    reading.report(found);
    reading.repair
}

/// How many braces nothing closes, and how many close nothing, whatever the indentation.
fn count(tokens: &[Token]) -> (usize, usize) {
    let (mut depth, mut strays) = (0usize, 0usize);
    for token in tokens {
        match token.kind {
            Kind::OpenBrace => depth += 1,
            Kind::CloseBrace if depth > 0 => depth -= 1,
            Kind::CloseBrace => strays += 1,
            _other => {}
        }
    }
    (depth, strays)
}

struct Reading<'t> {
    text: &'t str,
    tokens: &'t [Token],
    /// Whether more braces close than open somewhere.
    strays: bool,
    open: Vec<Open>,
    /// How many of them stand in lines of each indentation.
    indents: BTreeMap<usize, usize>,
    /// Braces that nothing closes, with the token before which their block ends.
    closed: Vec<(usize, usize)>,
    repair: Repair,
}

impl Reading<'_> {
    fn run(&mut self) {
        let lines = self.lines();
        let (mut line, mut at) = (0, 0);
        while at < self.tokens.len() {
            let begins = lines.get(line).filter(|found| found.first == at).copied();
            if let Some(begins) = begins {
                line += 1;
                self.begin(begins, line);
            }
            match self.tokens[at].kind {
                Kind::OpenBrace => {
                    let indent = lines.get(line.wrapping_sub(1)).map_or(0, |line| line.indent);
                    self.push(Open { token: at, indent, line });
                }
                Kind::CloseBrace => self.close(at, begins, &lines[..line]),
                _other => {}
            }
            at += 1;
        }
        let end = self.tokens.len() - 1;
        while let Some(open) = self.open.pop() {
            self.end_block(open, end);
        }
        self.repair.opens.sort_unstable();
    }

    /// The closing brace that is one too many, where a later one then closes nothing: the first that stands less deep than
    /// the line whose block it would end, or behind which a line stands deeper than any block that is still open.
    fn early(&self) -> Option<usize> {
        let (mut open, mut last): (Vec<usize>, Option<usize>) = (Vec::new(), None);
        let lines = self.lines();
        let (mut line, mut indent) = (0, 0);
        for (at, token) in self.tokens.iter().enumerate() {
            let begins = lines.get(line).is_some_and(|line| line.first == at);
            if begins {
                indent = lines[line].indent;
                line += 1;
            }
            match token.kind {
                Kind::CloseBrace => {
                    if begins && open.last().is_some_and(|opener| indent < *opener) {
                        return Some(at);
                    }
                    let opener = open.pop()?;
                    last = (begins && indent <= opener).then_some(at);
                }
                Kind::OpenBrace => open.push(indent),
                _other if begins && open.is_empty() && indent > 0 => return last,
                _other if begins && open.is_empty() => last = None,
                _other => {}
            }
        }
        None
    }

    /// The lines that are more than blanks and comments.
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let (mut start, mut fresh) = (0, true);
        for (at, token) in self.tokens.iter().enumerate() {
            match token.kind {
                Kind::Newline => {
                    start = self.tokens.get(at + 1).map_or(0, |next| next.start as usize);
                    fresh = true;
                }
                Kind::Space | Kind::LineComment | Kind::BlockComment | Kind::ByteOrderMark | Kind::End => {}
                _other if fresh => {
                    lines.push(Line { first: at, indent: token.start as usize - start });
                    fresh = false;
                }
                _other => {}
            }
        }
        lines
    }

    fn push(&mut self, open: Open) {
        *self.indents.entry(open.indent).or_default() += 1;
        self.open.push(open);
    }

    fn pop(&mut self) {
        let Some(open) = self.open.pop() else { return };
        let left = self.indents.get_mut(&open.indent).map_or(0, |count| {
            *count -= 1;
            *count
        });
        if left == 0 {
            self.indents.remove(&open.indent);
        }
    }

    fn end_block(&mut self, open: Open, before: usize) {
        self.closed.push((open.token, before));
        self.repair.closes.push(before as u32);
    }

    /// A line ends the blocks whose own line stands as deep as it or deeper; a closing brace, those deeper than itself
    /// where it fits one further out.
    fn begin(&mut self, line: Line, number: usize) {
        let closes = self.tokens[line.first].kind == Kind::CloseBrace;
        if closes && !self.indents.contains_key(&line.indent) {
            return;
        }
        while let Some(open) = self.open.last().copied() {
            let deeper = if closes { open.indent > line.indent } else { open.indent >= line.indent };
            if !deeper || open.line == number {
                return;
            }
            self.pop();
            self.end_block(open, line.first);
        }
    }

    fn close(&mut self, at: usize, begins: Option<Line>, lines: &[Line]) {
        let shallow = |open: &Open| begins.is_some_and(|line| open.indent < line.indent);
        if self.open.last().is_some_and(|open| !self.strays || !shallow(open)) {
            self.pop();
            return;
        }
        let opener = begins.filter(|_| self.repair.opens.len() + self.repair.strays.len() < SEARCHES);
        match opener.and_then(|line| self.opener(line.indent, lines)) {
            Some(end) => self.repair.opens.push(end as u32),
            None => self.repair.strays.push(at as u32),
        }
    }

    /// The end of the last line that stands at `indent`, opens no block, and has deeper lines behind it.
    fn opener(&self, indent: usize, lines: &[Line]) -> Option<usize> {
        let before = lines.len().checked_sub(1)?;
        let at = lines[..before].iter().rposition(|line| line.indent <= indent)?;
        let (line, next) = (lines[at], lines[at + 1]);
        if line.indent != indent || next.indent <= indent || self.tokens[line.first].kind == Kind::CloseBrace {
            return None;
        }
        let end = (line.first..next.first)
            .find(|at| matches!(self.tokens[*at].kind, Kind::Newline | Kind::LineComment | Kind::OpenBrace))?;
        let taken = self.repair.opens.contains(&(end as u32));
        (self.tokens[end].kind != Kind::OpenBrace && !taken).then_some(end)
    }

    /// Where indentation leads to more mistakes than there are: brace by brace.
    fn as_they_stand(&mut self) {
        self.repair = Repair::default();
        self.closed.clear();
        self.open.clear();
        for (at, token) in self.tokens.iter().enumerate() {
            match token.kind {
                Kind::OpenBrace => self.open.push(Open { token: at, indent: 0, line: 0 }),
                Kind::CloseBrace if self.open.pop().is_none() => self.repair.strays.push(at as u32),
                _other => {}
            }
        }
        let end = self.tokens.len() - 1;
        while let Some(open) = self.open.pop() {
            self.end_block(open, end);
        }
    }

    fn report(&self, found: &mut Findings) {
        let place = |token: usize| self.tokens[token].start as usize;
        // What is not kept need not be worded.
        let closed: &[(usize, usize)] = if found.swallowed { &[] } else { &self.closed };
        for (open, before) in closed {
            if found.full() {
                return;
            }
            let (at, noticed) = (place(*open), place(*before));
            let finding = found.make(&codes::UNCLOSED_BRACE, at, at + 1, "a brace is not closed").here("no `}` for it");
            let finding = match noticed < self.text.len() {
                true => finding.label(found.span(noticed, noticed), "its block seems to end before this line"),
                false => finding.label(found.span(noticed, noticed), "the file ends here"),
            };
            found.push(self.with_brace(finding.help("add the `}` where the block ends"), at, noticed, found));
        }
        for stray in &self.repair.strays {
            if found.full() {
                return;
            }
            let at = place(*stray as usize);
            let finding = found.syntax(at, at + 1, "a brace closes nothing");
            found.push(finding.here("no `{` for it").help("remove it"));
        }
        for open in &self.repair.opens {
            let at = self.text[..place(*open as usize)].trim_end().len();
            let start = self.text[..at].rfind('\n').map_or(0, |line| line + 1);
            let start = start + self.text[start..at].len() - self.text[start..at].trim_start().len();
            let finding = found.make(&codes::UNCLOSED_BRACE, start, at, "a block has no `{`");
            let finding =
                finding.here("the lines below stand deeper and end with `}`").help("add `{` at the end of the line");
            found.push(finding.fix("add `{`", Applicability::Maybe, found.span(at, at), " {"));
        }
    }

    /// Adds the fix that closes the block in a line of its own.
    fn with_brace(
        &self,
        finding: crate::diag::Diagnostic,
        open: usize,
        noticed: usize,
        found: &Findings,
    ) -> crate::diag::Diagnostic {
        let line = self.text[..open].rfind('\n').map_or(0, |line| line + 1);
        let indent = self.text[line..].len() - self.text[line..].trim_start_matches([' ', '\t']).len();
        let indent = &self.text[line..line + indent];
        let (at, text) = if noticed == self.text.len() {
            let gap = if self.text.ends_with('\n') { "" } else { "\n" };
            (noticed, format!("{gap}{indent}}}\n"))
        } else {
            (self.text[..noticed].rfind('\n').map_or(0, |line| line + 1), format!("{indent}}}\n"))
        };
        finding.fix("close the block", Applicability::Maybe, found.span(at, at), text)
    }
}
