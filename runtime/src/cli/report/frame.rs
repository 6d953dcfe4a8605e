//! A finding as a frame: its message, the lines of every file that it speaks of, what helps, and its fixes as diffs.
//!
//! Not here: which findings are shown (`report`).

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Origin, Patch, Renderer, Snippet};
use waybill_compiler::diag::{Diagnostic, Fix, Severity};
use waybill_compiler::source::{FileId, Sources, Span};

use super::Display;

/// How frames are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Colours and box drawing; without them, plain ASCII.
    pub rich: bool,
    /// Columns.
    pub width: usize,
}

/// Columns where there is no terminal to ask.
const WIDTH: usize = 120;
/// Longest line that is shown in a frame, in bytes: of longer ones only the place is named.
const LINE: usize = 2_000;
/// Most edits of a fix that are drawn as a diff.
const EDITS: usize = 8;

impl Look {
    /// As stdout wants it: rich on a terminal unless `NO_COLOR` is set.
    pub fn of_stdout() -> Look {
        let stdout = std::io::stdout();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        if !stdout.is_terminal() {
            return Look { rich: false, width: WIDTH };
        }
        let columns = rustix::termios::tcgetwinsize(&stdout).map_or(0, |size| usize::from(size.ws_col));
        Look { rich: !plain, width: if columns == 0 { WIDTH } else { columns.max(40) } }
    }
}

/// The frame of a finding, without a line end.
pub fn render(sources: &Sources, finding: &Diagnostic, display: &Display<'_>, look: Look) -> String {
    let drawing = Drawing { sources, finding, display };
    let mut groups = vec![drawing.main()];
    groups.extend(finding.fixes.iter().filter_map(|fix| drawing.diff(fix)));
    let renderer = if look.rich { Renderer::styled().decor_style(DecorStyle::Unicode) } else { Renderer::plain() };
    renderer.term_width(look.width).render(&groups)
}

/// A labelled place.
type Place<'t> = (Span, &'t str, AnnotationKind);

struct Drawing<'a> {
    sources: &'a Sources,
    finding: &'a Diagnostic,
    display: &'a Display<'a>,
}

/// A stretch of whole lines of a file.
struct Lines<'a> {
    text: &'a str,
    /// Byte offset of the first line.
    start: usize,
    /// Its number, from 1.
    number: usize,
}

impl<'a> Drawing<'a> {
    fn main(&self) -> Group<'a> {
        let level = match self.finding.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let title = level.primary_title(self.finding.message.clone()).id(self.finding.code.id());
        let mut group = Group::with_title(title).elements(self.places());
        if let Some(help) = &self.finding.help {
            group = group.element(Level::HELP.message(help.clone()));
        }
        let undrawn = self.finding.fixes.iter().filter(|fix| self.diff(fix).is_none());
        group = group.elements(undrawn.map(|fix| Level::HELP.message(format!("fix: {}", fix.title))));
        group.elements(self.finding.notes.iter().map(|note| Level::NOTE.message(note.clone())))
    }

    /// The finding's own file first, then the others in the order of their labels.
    fn places(&self) -> Vec<Element<'a>> {
        let primary = (self.finding.span, self.finding.label.as_str(), AnnotationKind::Primary);
        let others =
            self.finding.labels.iter().map(|label| (label.span, label.message.as_str(), AnnotationKind::Context));
        let mut files: Vec<(FileId, Vec<Place<'_>>)> = Vec::new();
        for place in std::iter::once(primary).chain(others) {
            match files.iter_mut().find(|(file, _)| *file == place.0.file) {
                Some((_, places)) => places.push(place),
                None => files.push((place.0.file, vec![place])),
            }
        }
        files.iter().map(|(file, places)| self.file(*file, places)).collect()
    }

    fn file(&self, file: FileId, places: &[Place<'_>]) -> Element<'a> {
        let path = (self.display)(self.sources.path(file));
        let first = places.first().expect("BUG: a file of a frame has a place").0;
        let Some(lines) = self.lines(file, places.iter().map(|(span, ..)| *span)) else {
            let origin = Origin::path(path);
            if self.sources.text(file).is_empty() {
                return origin.into();
            }
            let at = self.sources.line_column(file, first.start);
            return origin.line(at.line).char_column(at.column).into();
        };
        let annotation = |(span, label, kind): &Place<'_>| -> Annotation<'a> {
            let label = Some((*label).to_owned()).filter(|label| !label.is_empty());
            kind.span(lines.range(*span)).label(label)
        };
        let annotations: Vec<Annotation<'a>> = places.iter().map(annotation).collect();
        Snippet::source(lines.text).path(path).line_start(lines.number).annotations(annotations).into()
    }

    /// A fix as a diff; `None` if it is too large or in a place that cannot be shown.
    fn diff(&self, fix: &Fix) -> Option<Group<'a>> {
        if fix.edits.len() > EDITS || fix.edits.iter().any(|edit| edit.text.len() > LINE) {
            return None;
        }
        let mut files: BTreeMap<FileId, Vec<(Span, String)>> = BTreeMap::new();
        for edit in &fix.edits {
            files.entry(edit.span.file).or_default().push((edit.span, edit.text.clone()));
        }
        let mut group = Group::with_title(Level::HELP.secondary_title(format!("fix: {}", fix.title)));
        for (file, edits) in files {
            let lines = self.lines(file, edits.iter().map(|(span, _)| *span))?;
            let patches = edits.into_iter().map(|(span, text)| Patch::new(lines.range(span), text));
            let path = (self.display)(self.sources.path(file));
            group = group.element(Snippet::source(lines.text).path(path).line_start(lines.number).patches(patches));
        }
        Some(group)
    }

    /// The lines that hold all of `spans`, and one more on each side; `None` where there is no text, or no line that fits.
    fn lines(&self, file: FileId, spans: impl Iterator<Item = Span> + Clone) -> Option<Lines<'a>> {
        let text = self.sources.text(file);
        if text.is_empty() || file == FileId(0) {
            return None;
        }
        let first = spans.clone().map(|span| span.start as usize).min()?.min(text.len());
        let last = spans.clone().map(|span| span.end as usize).max()?.min(text.len());
        let too_long = |span: Span| {
            let line = line_start(text, (span.start as usize).min(text.len()));
            line_end(text, line) - line > LINE
        };
        if spans.clone().any(too_long) {
            return None;
        }
        let start = line_start(text, first);
        let start = if start > 0 { line_start(text, start - 1) } else { start };
        let end = line_end(text, last);
        let end = if end < text.len() { line_end(text, end + 1) } else { end };
        let number = self.sources.line_column(file, u32::try_from(start).ok()?).line;
        Some(Lines { text: &text[start..end], start, number })
    }
}

impl Lines<'_> {
    /// A span as a range of this stretch.
    fn range(&self, span: Span) -> Range<usize> {
        let within = |offset: u32| (offset as usize).saturating_sub(self.start).min(self.text.len());
        within(span.start)..within(span.end)
    }
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |found| found + 1)
}

fn line_end(text: &str, at: usize) -> usize {
    text[at..].find('\n').map_or(text.len(), |found| at + found)
}
