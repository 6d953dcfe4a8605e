//! A GitLab code quality report: the part of the Code Climate form that GitLab reads.

use std::collections::BTreeMap;

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::diag::{Diagnostic, Severity};
use crate::source::Sources;

#[derive(Debug, Serialize)]
pub struct Issue {
    #[serde(rename = "type")]
    kind: &'static str,
    check_name: &'static str,
    description: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Debug, Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Debug, Serialize)]
struct Lines {
    begin: usize,
    end: usize,
}

/// Findings as issues; `display` turns a path of the sources into the one to show.
pub fn report(sources: &Sources, findings: &[Diagnostic], display: &dyn Fn(&str) -> String) -> Vec<Issue> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut issue = |finding: &Diagnostic| {
        let path = display(sources.path(finding.span.file));
        // Lines are left out: an issue stays the same one when text above it moves. Equal ones are counted.
        let key = format!("{}\0{path}\0{}", finding.code.id(), finding.message);
        let count = seen.entry(key.clone()).or_default();
        *count += 1;
        Issue {
            kind: "issue",
            check_name: finding.code.name,
            description: format!("{}: {}", finding.code.id(), finding.message),
            fingerprint: hex::encode(Sha256::digest(format!("{key}\0{count}"))),
            severity: match finding.severity {
                Severity::Error => "major",
                Severity::Warning => "minor",
                Severity::Note => "info",
            },
            location: Location {
                path,
                lines: Lines {
                    begin: sources.line_column(finding.span.file, finding.span.start).line,
                    end: sources.line_column(finding.span.file, finding.span.end).line,
                },
            },
        }
    };
    findings.iter().map(&mut issue).collect()
}
