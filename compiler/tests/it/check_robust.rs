//! Whatever is written, the check ends with findings at real places: no panic, no place outside a file, nothing checked
//! that has an error.

use proptest::prelude::*;
use waybill_compiler::compile;
use waybill_compiler::diag::{Diagnostic, Severity};
use waybill_compiler::source::{Entry, Missing, Sources, Span};

use crate::project::{Outcome, Project};

const KDL: &str = include_str!("../suite/ok/whole.kdl");
const YAML: &str = include_str!("../suite/ok/whole.yaml");
const SPLICES: &str = include_str!("../suite/check/splice.kdl");
const EXPRESSIONS: &str = include_str!("../suite/expr/names.kdl");

fn assert_place(outcome: &Outcome, span: Span, finding: &Diagnostic) {
    let text = outcome.sources.text(span.file);
    let (start, end) = (span.start as usize, span.end as usize);
    assert!(start <= end && text.is_char_boundary(start) && text.is_char_boundary(end), "{span:?} of {finding:?}");
}

fn assert_sound(project: &Project) {
    let outcome = project.compile();
    for finding in &outcome.findings {
        let labels = finding.labels.iter().map(|label| label.span);
        let edits = finding.fixes.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
        labels.chain(edits).chain([finding.span]).for_each(|span| assert_place(&outcome, span, finding));
        assert!(!finding.message.is_empty() && !finding.message.ends_with('.'), "{finding:?}");
    }
    let errors = outcome.findings.iter().any(|finding| finding.severity == Severity::Error);
    assert_ne!(errors, outcome.checked.is_some(), "{:#?}", outcome.lines());
}

/// A text with `length` characters at about `at` replaced by `insert`.
fn mutated(text: &str, at: usize, length: usize, insert: &str) -> String {
    let from = (0..=at % text.len()).rev().find(|at| text.is_char_boundary(*at)).unwrap();
    let to = (from + length..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    format!("{}{insert}{}", &text[..from], &text[to..])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn no_mutation_of_kdl_panics(
        source in 0usize..3,
        at in 0usize..6000,
        length in 0usize..30,
        insert in "[a-z{}\"#=\\\\;/ \n$().é0-9-]{0,6}",
    ) {
        let text = mutated([KDL, SPLICES, EXPRESSIONS][source], at, length, &insert);
        assert_sound(&Project::parse(&text, "waybill.kdl"));
    }

    #[test]
    fn no_mutation_of_yaml_panics(
        at in 0usize..6000,
        length in 0usize..30,
        insert in "[a-z{}\\[\\]\"':&*|> \n$-]{0,6}",
    ) {
        assert_sound(&Project::parse(&mutated(YAML, at, length, &insert), "waybill.yaml"));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,60}", yaml in any::<bool>()) {
        assert_sound(&Project::parse(&text, if yaml { "waybill.yaml" } else { "waybill.kdl" }));
    }
}

fn codes_of(text: &str, path: &str) -> Vec<&'static str> {
    Project::parse(text, path).compile().findings.iter().map(|finding| finding.code.name).collect()
}

#[test]
fn limits_give_one_finding() {
    let nested = |depth: usize| format!("project \"p\"\n{}{}", "a {".repeat(depth), "}".repeat(depth));
    assert_eq!(codes_of(&nested(257), "waybill.kdl"), ["nesting-too-deep"]);
    assert_eq!(codes_of(&nested(256), "waybill.kdl"), ["unknown-block"]);
    assert_eq!(codes_of(&nested(100_000), "waybill.kdl"), ["nesting-too-deep"]);
    let braces_in_texts = format!("project \"p\"\n// {0}\n/* {0} */\n/- x \"{0}\"\n", "{".repeat(300));
    assert_eq!(codes_of(&braces_in_texts, "waybill.kdl"), Vec::<&str>::new());
    let large = format!("project \"p\"\n//{}\n", "x".repeat(1 << 20));
    assert_eq!(codes_of(&large, "waybill.kdl"), ["file-too-large"]);
    assert_eq!(codes_of(&large.replace("//", "#"), "waybill.yaml"), ["file-too-large"]);
    assert_eq!(codes_of(&"[".repeat(100_000), "waybill.yaml"), ["nesting-too-deep"]);
    let expression = format!("{}1{}", "(".repeat(400), ")".repeat(400));
    let long = format!(
        "project \"p\"\npipeline \"c\" {{\n runs-on namespace=\"c\"\n workspace \"w\"\n checkout \"w\" revision=\"${{{expression}}}\"\n}}\n"
    );
    assert_eq!(codes_of(&long, "waybill.kdl"), ["expression-too-deep"]);
    for nasty in ["!", "-", "a?b:", "1+", "a.", "a[", "a(", "[", "{1:", "a&&", "a in ", "x==", "'"] {
        let expression = nasty.repeat(1000 / nasty.len());
        let text = format!(
            "project \"p\"\ntask \"t\" {{\n step \"s\" image=\"a:1\" workdir=\"${{{expression}}}\" {{ run \"true\"; }}\n}}\n"
        );
        let codes = codes_of(&text, "waybill.kdl");
        let found = ["bad-expression", "expression-too-deep"].contains(&codes[0]);
        assert!(found && (codes.len() == 1 || codes[1..] == ["kdl-syntax"]), "{nasty}: {codes:?}");
    }
}

#[test]
fn what_cannot_be_read_is_one_finding_without_a_place() {
    let with = |path: &str, missing: Missing| {
        let mut sources = Sources::default();
        sources.add(".", "");
        for other in ["waybill.kdl", "waybill.yaml", ".waybill"] {
            sources.answer(other, Entry::Missing(Missing::NotFound));
        }
        sources.answer(path, Entry::Missing(missing));
        let (checking, diags) = compile(&sources);
        assert!(checking.needs.is_empty() && checking.checked.is_none());
        let found: Vec<(&str, u32, u32)> =
            diags.iter().map(|found| (found.code.name, found.span.start, found.span.end)).collect();
        assert!(diags.iter().all(|found| found.message.contains(path)), "{diags:?}");
        found
    };
    let unreadable = || Missing::Unreadable { reason: "permission denied".into() };
    assert_eq!(with("waybill.kdl", Missing::NotUtf8 { offset: 7 }), [("not-utf8", 0, 0)]);
    assert_eq!(with("waybill.yaml", Missing::TooLarge { bytes: 50 << 20, limit: 1 << 20 }), [("file-too-large", 0, 0)]);
    assert_eq!(with("waybill.kdl", unreadable()), [("unreadable", 0, 0)]);
    assert_eq!(with(".waybill", Missing::Link { reason: "it leads in a circle".into() }), [("unreadable", 0, 0)]);
}

#[test]
fn a_folder_where_a_file_is_expected_is_said() {
    let lines = Project::parse("--- waybill.kdl/x.txt\nx\n", "none").compile().lines();
    assert_eq!(lines, [".:1:1: error[WB0004]: `waybill.kdl` cannot be read: it is a folder"]);
}

#[test]
fn a_spec_may_be_cut_into_files() {
    let cut = Project::parse(
        "--- .waybill/project.kdl\nproject \"shop\"\n--- .waybill/dev.kdl\nenvironment \"dev\" {\n    cluster \"prod\" namespace=\"dev\"\n}\n--- .waybill/clusters.kdl\ncluster \"prod\" context=\"prod\"\n",
        "none",
    );
    let outcome = cut.compile();
    assert_eq!(outcome.lines(), Vec::<String>::new());
    assert!(outcome.checked.is_some());
    let both = Project::parse(
        "--- .waybill/a.kdl\nproject \"shop\"\n--- .waybill/b.yaml\nproject: other\n--- .waybill/c.kdl\nproject \"again\"\n",
        "none",
    );
    assert_eq!(
        both.compile().lines(),
        [
            ".waybill/c.kdl:1:1: note[WB0005]: `.waybill/b.yaml` is not read beside the KDL files of `.waybill`",
            ".waybill/c.kdl:1:1: error[WB0109]: the spec has two projects"
        ]
    );
}

#[test]
fn one_broken_file_hides_no_finding_of_another_and_makes_no_unknown_names() {
    let lines = Project::parse(
        "--- .waybill/a.kdl\nproject \"shop\"\ntask \"t\" {\n    step \"s\" image=\"alpine:3.22\" { run \"true\"\n}\n--- .waybill/b.kdl\npipeline \"ci\" {\n    runs-on namespace=\"ci\"\n    task \"one\" use=\"t\" aftr=\"x\"\n}\n",
        "none",
    )
    .compile()
    .lines();
    assert_eq!(lines.len(), 2, "{lines:#?}");
    assert!(lines[0].contains("WB0013"), "{lines:#?}");
    assert!(lines[1].contains("`task` has no property `aftr`"), "{lines:#?}");
}
