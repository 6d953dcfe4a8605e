//! Findings in the format that was asked for.

mod frame;

use clap::ValueEnum;
use waybill_compiler::diag::render::{github, gitlab, json, sarif, short};
use waybill_compiler::diag::{Diagnostic, Severity};
use waybill_compiler::source::Sources;

use super::{Exit, TOOL, out};
use frame::Look;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Frames with the source
    Fancy,
    /// A line for each finding
    Short,
    /// One JSON document
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Workflow commands that GitHub shows beside the lines
    Github,
    /// A GitLab code quality report
    Gitlab,
}

/// How a path of the sources is shown.
pub(super) type Display<'a> = dyn Fn(&str) -> String + 'a;

/// Most findings that are shown in frames.
const SHOWN: usize = 50;

/// Prints findings to stdout. Errors give `Failed`.
pub fn print(sources: &Sources, findings: &[Diagnostic], format: Format, display: &Display<'_>) -> Exit {
    let failed = findings.iter().any(|finding| finding.severity == Severity::Error);
    let printed = match format {
        Format::Fancy => out::print(&fancy(sources, findings, display, Look::of_stdout())),
        Format::Short => out::print(&short::render(sources, findings, display)),
        Format::Json => out::json(&json::report(sources, findings, display)),
        Format::Sarif => out::json(&sarif::report(sources, findings, display, TOOL)),
        Format::Github => out::print(&github::render(sources, findings, display)),
        Format::Gitlab => out::json(&gitlab::report(sources, findings, display)),
    };
    if failed { Exit::Failed } else { printed }
}

/// Findings as frames on stderr, where stdout is something else.
pub fn say(sources: &Sources, findings: &[Diagnostic], display: &Display<'_>) {
    out::say(fancy(sources, findings, display, Look::of_stdout()).trim_end());
}

/// Findings as frames, how many there are, and where to read more.
fn fancy(sources: &Sources, findings: &[Diagnostic], display: &Display<'_>, look: Look) -> String {
    let mut text = String::new();
    for finding in findings.iter().take(SHOWN) {
        text.push_str(&frame::render(sources, finding, display, look));
        text.push_str("\n\n");
    }
    if findings.len() > SHOWN {
        text.push_str(&format!("and {} more\n", findings.len() - SHOWN));
    }
    text.push_str(&count(findings));
    if let Some(worst) = findings.iter().min_by_key(|finding| finding.severity) {
        text.push_str(&format!("More about {}: waybill explain {}\n", worst.code.name, worst.code.id()));
    }
    text
}

/// `2 errors, 1 warning.`
pub fn count(findings: &[Diagnostic]) -> String {
    let of = |severity: Severity, word: &str| {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        (count > 0).then(|| plural(count, word, &format!("{word}s")))
    };
    let parts = [of(Severity::Error, "error"), of(Severity::Warning, "warning"), of(Severity::Note, "note")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "No problems found.\n".into() } else { format!("{}.\n", parts.join(", ")) }
}

/// `1 fix`, `2 fixes`.
pub fn plural(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
