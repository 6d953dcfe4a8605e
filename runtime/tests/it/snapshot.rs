//! Golden outputs under `snapshots/`: plans and graphs of the examples, findings in frames, help.
//!
//! To write them anew: `INSTA_UPDATE=always cargo test`, then read the difference.

use crate::cli::Project;

/// Compares with `snapshots/NAME.snap`; ids and digests, which follow every byte of the examples, are named only.
fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../snapshots"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.add_filter(r"\b[0-9a-f]{64}\b", "[digest]");
    settings.add_filter(r"\b[0-9a-f]{40}\b", "[commit]");
    settings.add_filter(r"\b[0-9a-f]{12}\b", "[plan]");
    settings.add_filter(r"(@ |base |:|commit |api |web |worker |-> )[0-9a-f]{7}\b", "${1}[short]");
    settings.bind(|| insta::assert_snapshot!(name, text));
}

/// An example whose base revision has no spec yet, so that everything is new.
pub fn all_new(name: &str) -> Project {
    let aside = tempfile::tempdir().unwrap();
    let project = Project::edited(name, |clone| {
        crate::cli::copy(clone, aside.path());
        for entry in std::fs::read_dir(clone).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                std::fs::remove_dir_all(path).unwrap();
            } else if !path.ends_with("README.md") {
                std::fs::remove_file(path).unwrap();
            }
        }
    });
    crate::cli::copy(aside.path(), &project.clone());
    project.commit("the project");
    project
}

#[test]
fn offline_plans_of_the_examples() {
    for name in ["deploy-only", "fintech", "library", "manifests", "matrix", "monorepo", "nightly"] {
        let project = all_new(name);
        golden(&format!("{name}.plan"), &project.waybill("plan --offline").exits(0).out);
        golden(&format!("{name}.plan.md"), &project.waybill("plan --offline --format markdown").exits(0).out);
    }
}

#[test]
fn the_offline_plan_of_a_change() {
    let project = Project::example("fintech");
    let text = project.read("service/payments.sh");
    project.write("service/payments.sh", &format!("{text}# Second version.\n"));
    project.replace("deploy/base/service.yaml", "port: 80", "port: 8080");
    project.commit("a change");
    golden("fintech-change.plan", &project.waybill("plan --offline").exits(0).out);
    golden("fintech-change.plan.md", &project.waybill("plan --offline --format markdown").exits(0).out);
}

#[test]
fn graphs_of_plans() {
    let project = all_new("fintech");
    golden("fintech.graph.mermaid", &project.waybill("graph --offline").exits(0).out);
    golden("fintech.graph.dot", &project.waybill("graph --offline --format dot").exits(0).out);
}

#[test]
fn findings_in_frames() {
    let project = Project::example("fintech");
    let spec = project.read("waybill.kdl");
    let edits = [
        ("unknown-block", "environment \"staging\"", "enviroment \"staging\""),
        ("unresolved-task", "task \"test\" use=\"shell-tests\"", "task \"test\" use=\"shel-tests\""),
        ("git-ref-as-tag", "tag=\"${param.revision.short}\"", "tag=\"refs/heads/main\""),
        (
            "value-in-script",
            "run \"printf 'payments %s: %s tests passed\\\\n' \\\"$REVISION\\\"",
            "run \"printf 'payments %s: %s tests passed\\\\n' \\\"${param.revision}\\\"",
        ),
        ("never-100", "        stage weight=100\n", ""),
        ("promoted-from-itself", "promote from=\"staging\"", "promote from=\"production\""),
        ("unknown-result", "${task.test.result.passed}", "${task.test.result.pased}"),
    ];
    for (name, from, to) in edits {
        assert!(spec.contains(from), "{name}");
        project.write("waybill.kdl", &spec.replace(from, to));
        std::fs::remove_file(project.clone().join("waybill.yaml")).unwrap_or_default();
        golden(&format!("check-{name}"), &project.waybill("check").exits(1).out);
    }
}

#[test]
fn help_of_every_command() {
    let project = Project::example("deploy-only");
    let mut text = project.waybill("--help").exits(0).out;
    for command in ["check", "explain", "fmt", "vendor", "plan", "show", "observe", "graph", "apply", "approve"] {
        text.push_str(&format!(
            "\n$ waybill {command} --help\n{}",
            project.waybill(&format!("{command} --help")).exits(0).out
        ));
    }
    golden("help", &text);
}
