//! Spec suites: the files below `tests/suite`, in folders that mirror `src`, with the findings written into them.
//!
//! A comment `// error[CODE]: "PART OF THE MESSAGE"` (`# …` in YAML and Dockerfiles) announces a finding in the next line
//! that is no such comment; a finding about a whole file is announced at its top. A file is the text of `waybill.kdl` or
//! `waybill.yaml`, by its extension, and may go on with other files after lines `--- PATH`. A finding that is not
//! announced fails the suite, and so does an announcement without a finding.

use std::path::{Path, PathBuf};

use waybill_compiler::diag::{Applicability, Diagnostic, Severity};

use crate::examples::{assert_same, lowered_text};
use crate::project::{Outcome, Project};

/// All suite files, sorted, with their texts.
fn suites() -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    assert!(files.len() > 40, "{}", files.len());
    files.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect()
}

fn project(path: &Path, text: &str) -> Project {
    let yaml = path.extension().is_some_and(|extension| extension == "yaml");
    Project::parse(text, if yaml { "waybill.yaml" } else { "waybill.kdl" })
}

/// A finding that a file announces.
#[derive(Debug)]
struct Announced {
    path: String,
    line: usize,
    /// Whether only announcements stand before it.
    top: bool,
    head: String,
    part: String,
}

fn announced(project: &Project) -> Vec<Announced> {
    let mut all = Vec::new();
    for (path, text) in &project.files {
        let mut waiting: Vec<(String, String)> = Vec::new();
        let mut top = true;
        for (at, line) in text.lines().enumerate() {
            match announcement(line) {
                Some(found) => waiting.push(found),
                None => {
                    let announce = |(head, part)| Announced { path: path.clone(), line: at + 1, top, head, part };
                    all.extend(waiting.drain(..).map(announce));
                    top = false;
                }
            }
        }
        assert!(waiting.is_empty(), "{path} ends with an announcement");
    }
    all
}

/// `error[name]` and the part of the message of a comment line.
fn announcement(line: &str) -> Option<(String, String)> {
    let rest = line.trim_start().strip_prefix("// ").or_else(|| line.trim_start().strip_prefix("# "))?;
    let (head, part) = rest.split_once("]: \"")?;
    let known = ["error[", "warning[", "note["].iter().any(|severity| head.starts_with(severity));
    let part = part.trim_end().strip_suffix('"')?.replace("\\\"", "\"");
    known.then(|| (format!("{head}]"), part))
}

fn matches(outcome: &Outcome, found: &Diagnostic, announced: &Announced) -> bool {
    let placeless = found.span.start == 0 && found.span.end == 0;
    let line = outcome.sources.line(found.span) == announced.line || (placeless && announced.top);
    let head = format!("{}[{}]", found.severity.as_str(), found.code.name);
    line && outcome.sources.path(found.span.file) == announced.path
        && head == announced.head
        && found.message.contains(&announced.part)
}

/// What a suite file announces and does not have, and the other way round.
fn judge(path: &Path, text: &str) -> String {
    let project = project(path, text);
    let outcome = project.compile();
    let mut open = announced(&project);
    let mut wrong = String::new();
    for (found, line) in outcome.findings.iter().zip(outcome.lines()) {
        match open.iter().position(|announced| matches(&outcome, found, announced)) {
            Some(at) => drop(open.remove(at)),
            None => wrong += &format!("  not announced: [{}] {line}\n", found.code.name),
        }
    }
    for announced in open {
        wrong +=
            &format!("  not found: {}:{}: {}: {}\n", announced.path, announced.line, announced.head, announced.part);
    }
    let errors = outcome.findings.iter().any(|found| found.severity == Severity::Error);
    if errors == outcome.checked.is_some() {
        wrong += "  a checked spec and errors exclude each other\n";
    }
    if wrong.is_empty() { wrong } else { format!("{}\n{wrong}", path.display()) }
}

#[test]
fn every_file_has_the_findings_that_it_announces() {
    let wrong: String = suites().iter().map(|(path, text)| judge(path, text)).collect();
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn errors(outcome: &Outcome) -> usize {
    outcome.findings.iter().filter(|found| found.severity != Severity::Note).count()
}

#[test]
fn every_fix_leaves_one_finding_fewer() {
    let (mut wrong, mut fixes) = (String::new(), 0);
    for (path, text) in suites() {
        let project = project(&path, &text);
        let outcome = project.compile();
        for found in &outcome.findings {
            for fix in found.fixes.iter().filter(|fix| fix.applicability != Applicability::Placeholder) {
                let fixed = project.fixed(&outcome, fix);
                let after = fixed.compile();
                fixes += 1;
                if errors(&after) + 1 != errors(&outcome) {
                    let lines = after.lines().join("\n    ");
                    wrong += &format!("{}: {}: `{}` leaves\n    {lines}\n", path.display(), found.message, fix.title);
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
    assert!(fixes >= 20, "{fixes}");
}

#[test]
fn every_fix_with_a_placeholder_leaves_another_finding_than_its_own() {
    let mut fixes = 0;
    for (path, text) in suites() {
        let project = project(&path, &text);
        let outcome = project.compile();
        for found in &outcome.findings {
            for fix in found.fixes.iter().filter(|fix| fix.applicability == Applicability::Placeholder) {
                let after = project.fixed(&outcome, fix).compile();
                let still = after.findings.iter().any(|left| left.code == found.code && left.message == found.message);
                let torn = after.findings.iter().any(|left| left.code.name.ends_with("-syntax"));
                assert!(!still && !torn, "{}: `{}` leaves {:#?}", path.display(), fix.title, after.lines());
                fixes += 1;
            }
        }
    }
    assert!(fixes >= 2, "{fixes}");
}

#[test]
fn twins_in_kdl_and_yaml_are_the_same_spec() {
    let mut twins = 0;
    for (path, text) in suites().iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "kdl")) {
        if path.parent().and_then(Path::file_name).is_none_or(|name| name != "ok") {
            continue;
        }
        let twin = std::fs::read_to_string(path.with_extension("yaml")).unwrap();
        twins += 1;
        let kdl = project(path, text).files["waybill.kdl"].clone();
        let yaml = project(&path.with_extension("yaml"), &twin).files["waybill.yaml"].clone();
        assert_same(&lowered_text("waybill.kdl", &kdl), &lowered_text("waybill.yaml", &yaml), path);
    }
    assert!(twins >= 3, "{twins}");
}

#[test]
fn every_code_is_in_a_suite_or_needs_more_than_a_text() {
    let texts: String = suites().into_iter().map(|(_, text)| text).collect();
    let elsewhere = |code: &&&waybill_compiler::diag::Code| {
        // Manifests and plans have tests of their own.
        (600..900).contains(&code.number) || crate::codes::WITHOUT_EXAMPLE.contains(&code.name)
    };
    let codes = waybill_compiler::diag::codes::all();
    let missing: Vec<&str> = codes
        .iter()
        .filter(|code| !elsewhere(code) && !texts.contains(&format!("[{}]: ", code.name)))
        .map(|code| code.name)
        .filter(|name| *name != "no-spec")
        .collect();
    assert!(missing.is_empty(), "no suite has {missing:?}");
}
