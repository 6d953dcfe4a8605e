//! Specs: compiled, safe fixes applied, compiled again: no error more than before, and nothing wrong is checked.

use waybill_compiler::diag::Severity;
use waybill_compiler::diag::repair::repair;

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
        assert!(
            errors(&after) <= errors(&before),
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

fn errors(outcome: &Outcome) -> usize {
    outcome.findings.iter().filter(|finding| finding.severity == Severity::Error).count()
}
