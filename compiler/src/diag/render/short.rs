//! One line per finding: `file:line:column: severity[code]: message`.

use crate::diag::Diagnostic;
use crate::source::Sources;

/// Writes findings as lines; `display` turns a path of the sources into the one to show.
pub fn render(sources: &Sources, findings: &[Diagnostic], display: &dyn Fn(&str) -> String) -> String {
    let line = |finding: &Diagnostic| {
        let at = sources.line_column(finding.span.file, finding.span.start);
        let path = display(sources.path(finding.span.file));
        let (severity, code) = (finding.severity.as_str(), finding.code.id());
        format!("{path}:{}:{}: {severity}[{code}]: {}\n", at.line, at.column, finding.message)
    };
    findings.iter().map(line).collect()
}
