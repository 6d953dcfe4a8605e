//! Findings in the format that was asked for.

use std::fmt;

use clap::ValueEnum;
use miette::{
    GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan,
    SpanContents,
};
use waybill_compiler::diag::render::{json, short};
use waybill_compiler::diag::{Diagnostic, Severity};
use waybill_compiler::source::{FileId, Sources, Span};

use super::{Exit, out};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Frames with the source
    Fancy,
    /// A line for each finding
    Short,
    /// One JSON document
    Json,
}

/// How a path of the sources is shown.
type Display<'a> = dyn Fn(&str) -> String + Sync + 'a;

/// Most findings that are shown in frames.
const SHOWN: usize = 50;
/// Columns that are shown of a line: what lies further right is only counted.
const COLUMNS: usize = 400;

/// Prints findings to stdout. Errors give `Failed`.
pub fn print(sources: &Sources, findings: &[Diagnostic], format: Format, display: &Display<'_>) -> Exit {
    let failed = findings.iter().any(|finding| finding.severity == Severity::Error);
    let printed = match format {
        Format::Fancy => out::print(&fancy(sources, findings, display)),
        Format::Short => out::print(&short::render(sources, findings, display)),
        Format::Json => out::json(&json::report(sources, findings, display)),
    };
    if failed { Exit::Failed } else { printed }
}

/// Findings as frames, and how many there are.
pub fn fancy(sources: &Sources, findings: &[Diagnostic], display: &Display<'_>) -> String {
    let mut text = String::new();
    let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode()).with_width(100).with_context_lines(1);
    for finding in findings.iter().take(SHOWN) {
        let framed = Framed { sources, finding, display };
        if handler.render_report(&mut text, &framed).is_err() {
            text.push_str(&short::render(sources, std::slice::from_ref(finding), display));
        }
        text.push('\n');
    }
    if findings.len() > SHOWN {
        text.push_str(&format!("and {} more\n", findings.len() - SHOWN));
    }
    text.push_str(&count(findings));
    text
}

/// `2 errors, 1 warning.`
pub fn count(findings: &[Diagnostic]) -> String {
    let of = |severity: Severity, word: &str| {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        (count > 0).then(|| format!("{count} {word}{}", if count == 1 { "" } else { "s" }))
    };
    let parts = [of(Severity::Error, "error"), of(Severity::Warning, "warning"), of(Severity::Note, "note")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "No problems found.\n".into() } else { format!("{}.\n", parts.join(", ")) }
}

/// A finding as miette wants it.
struct Framed<'a> {
    sources: &'a Sources,
    finding: &'a Diagnostic,
    display: &'a Display<'a>,
}

impl Framed<'_> {
    /// Whether a place can be shown in the frame: in the finding's file and not too far right.
    fn shown(&self, span: Span) -> bool {
        let at = self.sources.line_column(span.file, span.start);
        span.file == self.finding.span.file && span.file != FileId(0) && at.column <= COLUMNS
    }

    fn labelled(&self, span: Span, text: &str) -> LabeledSpan {
        let text = Some(text.to_owned()).filter(|text| !text.is_empty());
        let length = (span.end - span.start) as usize;
        LabeledSpan::new(text, span.start as usize, length)
    }
}

impl fmt::Display for Framed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.finding.message)?;
        if !self.shown(self.finding.span) {
            write!(f, " ({})", (self.display)(self.sources.path(self.finding.span.file)))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Framed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Framed<'_> {}

impl miette::Diagnostic for Framed<'_> {
    fn code<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        Some(Box::new(format!(
            "{}[{}] {}",
            self.finding.severity.as_str(),
            self.finding.code.id(),
            self.finding.code.name
        )))
    }

    fn severity(&self) -> Option<miette::Severity> {
        Some(match self.finding.severity {
            Severity::Error => miette::Severity::Error,
            Severity::Warning => miette::Severity::Warning,
            Severity::Note => miette::Severity::Advice,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let mut lines: Vec<String> = self.finding.help.iter().cloned().collect();
        lines.extend(self.finding.fixes.iter().map(|fix| format!("fix: {}", fix.title)));
        lines.extend(self.finding.notes.iter().map(|note| format!("note: {note}")));
        let elsewhere = self.finding.labels.iter().filter(|label| !self.shown(label.span));
        lines.extend(elsewhere.map(|label| {
            let at = self.sources.line_column(label.span.file, label.span.start);
            let path = (self.display)(self.sources.path(label.span.file));
            format!("see {path}:{}:{}: {}", at.line, at.column, label.message)
        }));
        if lines.is_empty() { None } else { Some(Box::new(lines.join("\n"))) }
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        if self.shown(self.finding.span) { Some(self) } else { None }
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        if !self.shown(self.finding.span) {
            return None;
        }
        let primary = self.labelled(self.finding.span, &self.finding.label);
        let others = self.finding.labels.iter().filter(|label| self.shown(label.span));
        Some(Box::new(std::iter::once(primary).chain(others.map(|label| self.labelled(label.span, &label.message)))))
    }
}

/// Lines by the index of `Sources`: miette's own walk costs the whole file for each finding.
impl SourceCode for Framed<'_> {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let file = self.finding.span.file;
        let text = self.sources.text(file);
        if span.offset() + span.len() > text.len() {
            return Err(MietteError::OutOfBounds);
        }
        // Without context the name of the frame is asked for: line and column of the place itself.
        let place = before == 0 && after == 0;
        let start = if place { span.offset() } else { back(text, span.offset(), before) };
        let end = forward(text, span.offset() + span.len(), after);
        let offset = u32::try_from(start).map_err(|_| MietteError::OutOfBounds)?;
        let at = self.sources.line_column(file, offset);
        let data = &text.as_bytes()[start..end];
        let lines = data.iter().filter(|byte| **byte == b'\n').count();
        let name = (self.display)(self.sources.path(file));
        let span = SourceSpan::new(start.into(), end - start);
        Ok(Box::new(MietteSpanContents::new_named(name, data, span, at.line - 1, at.column - 1, lines)))
    }
}

/// Start of the line that is `lines` above the one at `at`.
fn back(text: &str, at: usize, lines: usize) -> usize {
    let mut start = text[..at].rfind('\n').map_or(0, |found| found + 1);
    for _ in 0..lines {
        if start > 0 {
            start = text[..start - 1].rfind('\n').map_or(0, |found| found + 1);
        }
    }
    start
}

/// End of the line that is `lines` below the one at `at`, its line end left out.
fn forward(text: &str, at: usize, lines: usize) -> usize {
    let line_end = |from: usize| text[from..].find('\n').map_or(text.len(), |found| from + found);
    let mut end = line_end(at);
    for _ in 0..lines {
        if end < text.len() {
            end = line_end(end + 1);
        }
    }
    end
}
