//! The JSON form of findings: lines and columns from 1, columns in characters, offsets in bytes, `end` exclusive.

use serde::Serialize;

use crate::diag::{Diagnostic, Edit, Fix, Label};
use crate::source::{Sources, Span};

/// What `--format json` prints.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Report {
    pub diagnostics: Vec<Finding>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Finding {
    pub code: String,
    pub name: &'static str,
    pub severity: &'static str,
    pub message: String,
    pub file: String,
    pub span: Range,
    pub labels: Vec<Place>,
    pub help: Option<String>,
    pub notes: Vec<String>,
    pub fixes: Vec<Repair>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Range {
    pub start: Position,
    pub end: Position,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Position {
    pub line: usize,
    pub column: usize,
    pub offset: u32,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Place {
    pub file: String,
    pub span: Range,
    pub message: String,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Repair {
    pub title: String,
    pub applicability: &'static str,
    pub edits: Vec<Replacement>,
}

#[derive(Debug, Serialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
pub struct Replacement {
    pub file: String,
    pub span: Range,
    pub text: String,
}

/// Findings as a serialisable report; `display` turns a path of the sources into the one to show.
pub fn report(sources: &Sources, findings: &[Diagnostic], display: &dyn Fn(&str) -> String) -> Report {
    let file = |span: Span| display(sources.path(span.file));
    let place = |label: &Label| Place {
        file: file(label.span),
        span: range(sources, label.span),
        message: label.message.clone(),
    };
    let replacement =
        |edit: &Edit| Replacement { file: file(edit.span), span: range(sources, edit.span), text: edit.text.clone() };
    let repair = |fix: &Fix| Repair {
        title: fix.title.clone(),
        applicability: fix.applicability.as_str(),
        edits: fix.edits.iter().map(replacement).collect(),
    };
    let primary = |finding: &Diagnostic| Label { span: finding.span, message: finding.label.clone() };
    let finding = |finding: &Diagnostic| Finding {
        code: finding.code.id(),
        name: finding.code.name,
        severity: finding.severity.as_str(),
        message: finding.message.clone(),
        file: file(finding.span),
        span: range(sources, finding.span),
        labels: std::iter::once(&primary(finding))
            .filter(|label| !label.message.is_empty())
            .chain(&finding.labels)
            .map(place)
            .collect(),
        help: finding.help.clone(),
        notes: finding.notes.clone(),
        fixes: finding.fixes.iter().map(repair).collect(),
    };
    Report { diagnostics: findings.iter().map(finding).collect() }
}

fn range(sources: &Sources, span: Span) -> Range {
    let position = |offset: u32| {
        let at = sources.line_column(span.file, offset);
        Position { line: at.line, column: at.column, offset }
    };
    Range { start: position(span.start), end: position(span.end) }
}
