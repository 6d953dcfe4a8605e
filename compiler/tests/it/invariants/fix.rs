//! Specs: compiled, safe fixes applied, compiled again: no error more than before, and nothing wrong is checked.

use std::collections::BTreeSet;

use waybill_compiler::diag::repair::repair;
use waybill_compiler::diag::{Diagnostic, Severity, codes};

use crate::project::{Outcome, Project};

pub fn hold(text: &str) {
    for first in ["waybill.kdl", "waybill.yaml"] {
        let project = Project::parse(text, first);
        let before = sound(&project);
        let repaired = repair(&before.sources, &before.findings);
        if repaired.texts.is_empty() {
            continue;
        }
        let mut fixed = project.clone();
        for (file, text) in repaired.texts {
            fixed.files.insert(before.sources.path(file).to_owned(), text);
        }
        let after = sound(&fixed);
        // What stood in an expression that could not be read is seen only now, and all joins where that was a text.
        let unread: BTreeSet<(String, usize)> =
            places(&before, |finding| finding.code == &codes::BAD_EXPRESSION).collect();
        let seen_now = places(&after, |_| true).filter(|place| unread.contains(place)).count();
        let texts = |outcome: &Outcome| places(outcome, |finding| finding.code.number < 100).count();
        assert!(texts(&after) <= texts(&before), "{:#?}\nbecame {:#?}", before.lines(), after.lines());
        if texts(&before) > 0 {
            continue;
        }
        assert!(
            errors(&after) <= errors(&before) + seen_now,
            "{:#?}\nbecame {:#?}\nof {:#?}",
            before.lines(),
            after.lines(),
            fixed.files
        );
    }
}

fn sound(project: &Project) -> Outcome {
    let outcome = project.compile();
    outcome.findings.iter().for_each(|finding| super::assert_finding(&outcome.sources, finding));
    assert_ne!(errors(&outcome) > 0, outcome.checked.is_some(), "{:#?}", outcome.lines());
    outcome
}

/// Files and lines of errors.
fn places(outcome: &Outcome, wanted: impl Fn(&Diagnostic) -> bool) -> impl Iterator<Item = (String, usize)> {
    let errors = outcome.findings.iter().filter(|finding| finding.severity == Severity::Error);
    errors
        .filter(move |finding| wanted(finding))
        .map(|finding| (outcome.sources.path(finding.span.file).to_owned(), outcome.sources.line(finding.span)))
}

fn errors(outcome: &Outcome) -> usize {
    outcome.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
}
