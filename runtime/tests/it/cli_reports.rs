//! Findings in every format, repairs, first specs, and what shells know of the commands.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::cli::Project;

/// A project with two mistakes: one in a KDL name, one that concerns two files.
fn wrong() -> Project {
    let project = Project::example("fintech");
    project.replace("waybill.kdl", "promote from=\"staging\"", "promote from=\"stagin\"");
    project
}

/// The schema of OASIS, its descriptions left out; a bare `]` in one of its patterns is escaped, as strict readers want it.
fn sarif_schema() -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sarif-schema-2.1.0.json");
    let schema: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

#[test]
fn sarif_is_valid_and_points_at_the_place() {
    let log = wrong().waybill("check --format sarif").exits(1).json();
    let validator = sarif_schema();
    let errors: Vec<String> = validator.iter_errors(&log).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
    let mut broken = log.clone();
    broken["version"] = "2.0".into();
    assert!(!validator.is_valid(&broken), "the schema takes anything");
    let results = log["runs"][0]["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["level"] == "error").unwrap();
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "waybill.kdl");
    assert_eq!((&place["region"]["startLine"], &place["region"]["startColumn"]), (&101.into(), &18.into()));
    assert_eq!(result["ruleId"], "WB0300");
    assert_eq!(result["fixes"][0]["artifactChanges"][0]["replacements"][0]["insertedContent"]["text"], "staging");
}

#[test]
fn sarif_of_many_kinds_of_findings_is_valid() {
    let project = Project::example("fintech");
    project.write("waybill.kdl", "project \"a\" {\n  repo branch=true\n}\nenviroment \"x\"\ntask \"t\" {\n");
    let log = project.waybill("check --format sarif").exits(1).json();
    let errors: Vec<String> = sarif_schema().iter_errors(&log).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{errors:#?}");
}

/// A schema of `schemas/`, which the compiler's tests keep fresh.
fn schema(name: &str) -> jsonschema::Validator {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas").join(name);
    jsonschema::validator_for(&serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()).unwrap()
}

fn misfits(validator: &jsonschema::Validator, value: &Value) -> Vec<String> {
    validator.iter_errors(value).map(|error| error.to_string()).collect()
}

#[test]
fn json_findings_fit_their_schema() {
    let validator = schema("diagnostics.schema.json");
    let report = wrong().waybill("check --format json").exits(1).json();
    assert!(!report["diagnostics"].as_array().unwrap().is_empty());
    assert_eq!(misfits(&validator, &report), Vec::<String>::new());
    let project = Project::example("fintech");
    let clean = project.waybill("check --format json").exits(0).json();
    assert_eq!(misfits(&validator, &clean), Vec::<String>::new());
    // Trouble outside of the spec is told in the same form.
    let trouble = project.waybill("plan --format json --offline --base nowhere").exits(1).json();
    assert_eq!(misfits(&validator, &trouble), Vec::<String>::new());
    let mut broken = report;
    broken["diagnostics"][0]["span"]["start"]["line"] = "one".into();
    assert!(!validator.is_valid(&broken), "the schema takes anything");
}

#[test]
fn json_plans_fit_their_schema() {
    let validator = schema("plan.schema.json");
    for name in ["fintech", "monorepo", "library", "nightly", "manifests", "deploy-only", "matrix"] {
        let plan = crate::snapshot::all_new(name).waybill("plan --offline --format json").exits(0).json();
        assert!(!plan["actions"].as_array().unwrap().is_empty(), "{name}");
        assert_eq!(misfits(&validator, &plan), Vec::<String>::new(), "{name}");
        for (pointer, wrong) in [("/actions/0/op", "explode"), ("/summary/pods", "many"), ("/home", "")] {
            let mut broken = plan.clone();
            *broken.pointer_mut(pointer).unwrap() = if wrong.is_empty() { Value::Null } else { wrong.into() };
            assert!(!validator.is_valid(&broken), "the schema takes {wrong:?} at {pointer}");
        }
    }
}

#[test]
fn github_gets_a_command_for_each_finding() {
    let ran = wrong().waybill("check --format github").exits(1);
    let line = ran.out.lines().find(|line| line.starts_with("::error ")).unwrap();
    assert!(
        line.starts_with("::error file=waybill.kdl,line=101,col=18,endLine=101,endColumn=25,title=WB0300 "),
        "{line}"
    );
    assert!(line.contains("%0A") && !line.contains('\r'), "{line}");
}

#[test]
fn gitlab_gets_issues_that_can_be_told_apart() {
    let project = wrong();
    let issues = project.waybill("check --format gitlab").exits(1).json();
    let issues = issues.as_array().unwrap();
    let prints: BTreeSet<&str> = issues.iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
    assert_eq!(prints.len(), issues.len());
    let major: Vec<&Value> = issues.iter().filter(|issue| issue["severity"] == "major").collect();
    assert_eq!(major[0]["location"], serde_json::json!({"path": "waybill.kdl", "lines": {"begin": 101, "end": 101}}));
    // A line more above it does not make another issue of it.
    project.replace("waybill.kdl", "project \"fintech\" {", "\nproject \"fintech\" {");
    let moved = project.waybill("check --format gitlab").exits(1).json();
    let moved: BTreeSet<&str> =
        moved.as_array().unwrap().iter().map(|issue| issue["fingerprint"].as_str().unwrap()).collect();
    assert_eq!(
        prints.iter().map(|print| (*print).to_owned()).collect::<Vec<_>>(),
        moved.iter().map(|print| (*print).to_owned()).collect::<Vec<_>>()
    );
}

#[test]
fn frames_are_plain_without_a_terminal_and_show_the_fix() {
    let ran = wrong().waybill("check").exits(1);
    assert!(ran.out.is_ascii(), "{}", ran.told());
    ran.says("error[WB0300]: there is no environment `stagin`")
        .says("--> waybill.kdl:101:18")
        .says("^^^^^^^^ not defined")
        .says("fix: replace by `staging`")
        .says("waybill explain WB0300");
}

#[test]
fn fix_repairs_what_is_sure_and_keeps_the_rest() {
    let project = Project::example("fintech");
    let good = project.read("waybill.kdl");
    // What KDL 1 wrote.
    project.replace("waybill.kdl", "namespace=\"ci\" create=#true", "namespace=\"ci\" create=true /* kept */");
    let broken = project.read("waybill.kdl");
    project
        .waybill("fix --diff")
        .exits(0)
        .says("+    runs-on cluster=\"default\" namespace=\"ci\" create=#true /* kept */");
    assert_eq!(project.read("waybill.kdl"), broken, "--diff wrote");
    project.waybill("fix").exits(0).says("1 fix in 1 file.");
    let kept = good.replacen("create=#true", "create=#true /* kept */", 1);
    assert_eq!(project.read("waybill.kdl"), kept);
    project.waybill("fix").exits(0).says("2 notes.").says_not("fix in");
}

#[test]
fn fix_leaves_a_guess_to_the_writer() {
    let project = wrong();
    let before = project.read("waybill.kdl");
    project.waybill("fix").exits(1).says("there is no environment `stagin`");
    assert_eq!(project.read("waybill.kdl"), before);
}

#[test]
fn init_writes_a_spec_that_checks_clean() {
    for (example, says) in [
        ("fintech", "deploy/production is environment production"),
        ("monorepo", "is environment"),
        ("manifests", "manifests/prod is environment prod"),
        ("deploy-only", "is environment"),
    ] {
        let project = Project::example(example);
        project.waybill("init").exits(1).says("there is a spec already");
        for name in ["waybill.kdl", "waybill.yaml"] {
            let _ = std::fs::remove_file(project.clone().join(name));
        }
        let _ = std::fs::remove_dir_all(project.clone().join(".waybill"));
        let printed = project.waybill("init --print").exits(0).out;
        assert!(!project.clone().join("waybill.kdl").exists());
        project.waybill("init").exits(0).says("waybill.kdl written").says(says);
        assert_eq!(project.read("waybill.kdl"), printed);
        let findings = project.waybill("check --format json").exits(0).json();
        let of_spec = findings["diagnostics"].as_array().unwrap().iter().filter(|found| found["file"] == "waybill.kdl");
        assert_eq!(of_spec.count(), 0, "{example}: {findings:#}");
    }
}

#[test]
fn init_finds_the_image_and_the_promotion() {
    let project = Project::example("fintech");
    std::fs::remove_file(project.clone().join("waybill.kdl")).unwrap();
    std::fs::remove_file(project.clone().join("waybill.yaml")).unwrap();
    project.waybill("init").exits(0).says("production takes the images that staging proved");
    let spec = project.read("waybill.kdl");
    assert!(spec.contains("name=\"registry.example.com/fintech/payments\""), "{spec}");
    assert!(spec.contains("promote from=\"staging\""), "{spec}");
}

#[test]
fn init_of_a_folder_with_nothing_to_deliver_writes_the_project_alone() {
    let project = Project::example("deploy-only");
    std::fs::create_dir(project.clone().join("empty")).unwrap();
    project.waybill("init empty").exits(0).says("empty/waybill.kdl written");
    project.waybill("check empty").exits(0).says("No problems found");
}

#[test]
fn shells_and_man_know_every_command() {
    let project = Project::example("deploy-only");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        project.waybill(&format!("completions {shell}")).exits(0).says("approve").says("completions");
    }
    project.waybill("man").exits(0).says(".TH waybill 1");
    project.waybill("man --out pages").exits(0);
    let pages = std::fs::read_dir(project.clone().join("pages")).unwrap().count();
    assert!(pages > 10, "{pages} pages");
}
