//! Every code: its number and name, and its examples, which are run.

use std::collections::BTreeSet;

use waybill_compiler::diag::{Code, Severity, codes};

use crate::project::Project;

/// Codes of what the operating system or a size brings about: an example would not fit a page.
pub const WITHOUT_EXAMPLE: &[&str] = &[
    "not-utf8",
    "file-too-large",
    "unreadable",
    "nesting-too-deep",
    "yaml-expansion",
    "expression-too-long",
    "expression-too-deep",
    "evaluation-failed",
    "schema-unknown",
    "not-an-object",
    "schemas-empty",
    "immutable-field",
];

/// Findings that need git or a cluster: the tests of plans show them.
fn of_planning(code: &Code) -> bool {
    (800..900).contains(&code.number) || (700..750).contains(&code.number)
}

#[test]
fn numbers_and_names_are_unique() {
    let all = codes::all();
    let numbers: BTreeSet<u16> = all.iter().map(|code| code.number).collect();
    let names: BTreeSet<&str> = all.iter().map(|code| code.name).collect();
    assert_eq!((numbers.len(), names.len()), (all.len(), all.len()));
    for code in all {
        let kebab = code
            .name
            .split('-')
            .all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit()));
        assert!(kebab, "{}", code.name);
        assert!(
            code.explanation.len() > 40 && code.explanation.ends_with(['.', '`']),
            "{}: {}",
            code.name,
            code.explanation
        );
        assert!(!code.summary.ends_with('.') && code.summary.len() <= 90, "{}: {}", code.name, code.summary);
        assert_eq!(codes::find(code.name), Some(code));
        assert_eq!(codes::find(&code.id()), Some(code));
    }
}

/// What is wrong with the examples of a code.
fn judge(code: &Code) -> Vec<String> {
    let mut wrong = Vec::new();
    let failing = Project::parse(code.failing, "waybill.kdl").compile();
    let of_code = failing.findings.iter().filter(|found| found.code == code).count();
    let others = failing.findings.iter().filter(|found| found.code != code && found.severity != Severity::Note).count();
    if of_code != 1 || others > 0 {
        wrong.push(format!("{}: the failing example gives {of_code} of it: {:#?}", code.name, failing.lines()));
    }
    let fixed = Project::parse(code.fixed, "waybill.kdl").compile();
    if fixed.findings.iter().any(|found| found.severity != Severity::Note) || fixed.checked.is_none() {
        wrong.push(format!("{}: the fixed example gives {:#?}", code.name, fixed.lines()));
    }
    if fixed.findings.iter().any(|found| found.code == code) {
        wrong.push(format!("{}: the fixed example still gives it", code.name));
    }
    wrong
}

#[test]
fn examples_give_their_code_and_nothing_else() {
    let with = codes::all().into_iter().filter(|code| !WITHOUT_EXAMPLE.contains(&code.name) && !of_planning(code));
    let wrong: Vec<String> = with.flat_map(judge).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for name in WITHOUT_EXAMPLE {
        let code = codes::find(name).unwrap();
        assert_eq!((code.failing, code.fixed), ("", ""), "{name} has an example");
    }
}
