//! Workflow commands: GitHub Actions shows them beside the lines of a pull request.
//!
//! The form is that of "Workflow commands for GitHub Actions": `::error file=…,line=…,col=…::message`, with `%`, line
//! ends and, in properties, `:` and `,` percent-encoded.

use crate::diag::{Diagnostic, Severity};
use crate::source::Sources;

/// One command per finding; `display` turns a path of the sources into the one to show.
pub fn render(sources: &Sources, findings: &[Diagnostic], display: &dyn Fn(&str) -> String) -> String {
    findings.iter().map(|finding| command(sources, finding, display)).collect()
}

fn command(sources: &Sources, finding: &Diagnostic, display: &dyn Fn(&str) -> String) -> String {
    let level = match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "notice",
    };
    let start = sources.line_column(finding.span.file, finding.span.start);
    let end = sources.line_column(finding.span.file, finding.span.end);
    let file = property(&display(sources.path(finding.span.file)));
    let mut place = format!("file={file},line={},col={}", start.line, start.column);
    if end.line == start.line && end.column > start.column {
        // GitHub's last column is inclusive, and it takes one only for places on a single line.
        place.push_str(&format!(",endLine={},endColumn={}", end.line, end.column - 1));
    }
    let title = property(&format!("{} {}", finding.code.id(), finding.code.name));
    let mut message = finding.message.clone();
    for line in finding.help.iter().chain(&finding.notes) {
        message.push('\n');
        message.push_str(line);
    }
    format!("::{level} {place},title={title}::{}\n", data(&message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
