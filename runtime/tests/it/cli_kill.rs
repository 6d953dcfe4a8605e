//! `waybill apply` killed at many moments, and taken up again: the end is that of a run that nobody killed.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::cli::{self, Project};

/// What an apply leaves behind, without what differs between two runs of the same plan.
#[derive(Debug, PartialEq)]
struct End {
    overlays: Vec<String>,
    /// Commits of the remote by what they say they are.
    commits: Vec<(String, Option<String>)>,
    records: BTreeMap<String, Value>,
}

fn end(project: &Project) -> End {
    let overlays = ["staging", "production"].map(|name| format!("deploy/{name}/kustomization.yaml"));
    let commits =
        project.log().into_iter().map(|commit| (commit.summary, commit.trailers.get("Waybill-Action").cloned()));
    let facts = project.facts();
    let cluster = facts["clusters"]["default"].as_object().unwrap().values().next().unwrap().clone();
    let records = cluster["records"].as_object().unwrap().clone();
    assert!(records.len() >= 2, "{records:?}");
    let records = records.into_iter().map(|(segment, mut record)| {
        for field in ["plan", "finished"] {
            record[field] = Value::Null;
        }
        // What a checkout's intent names is the remote, and each twin has its own.
        if segment.starts_with("pipeline.") {
            record["intents"] = Value::Null;
        }
        for object in record["inventory"].as_array_mut().unwrap() {
            object["uid"] = Value::Null;
        }
        (segment, record)
    });
    End {
        overlays: overlays.iter().map(|path| project.remote_text(path)).collect(),
        commits: commits.collect(),
        records: records.collect(),
    }
}

/// Kills the apply of a twin at that line of its progress and goes on until it is done.
fn killed_at(base: &Project, lines: usize) -> End {
    let project = base.twin();
    let plan = project.save("killed.plan");
    let seen = project.kill_at(&["apply", &plan, "--wait", "30s"], lines);
    assert!(seen.is_some(), "the apply ended before line {lines}");
    // From the first segment on the plan is in the journal.
    let journalled = seen.unwrap().iter().any(|line| line.contains("pipeline.ci: begins"));
    if journalled {
        project.run(&["apply", &plan]).exits(4).says("run `waybill apply --resume`");
    }
    // A resume can be killed like anything else.
    let killed_again = lines.is_multiple_of(2) && project.kill_at(&["apply", "--resume", "--wait", "30s"], 5).is_some();
    let resumed = project.waybill("apply --resume --wait 30s").exits(0);
    if resumed.out.contains("Nothing to resume.") && !journalled && !killed_again && project.log().len() == 4 {
        project.run(&["apply", &plan, "--wait", "30s"]).exits(0);
    }
    project.waybill("apply --resume").exits(0).says("Nothing to resume.");
    project.run(&["apply", &plan]).exits(4).says("was applied before");
    project.nothing_to_do();
    end(&project)
}

#[test]
fn a_killed_apply_ends_as_if_nobody_had_killed_it() {
    let base = Project::example("fintech");
    base.waybill("apply --resume").exits(0).says("Nothing to resume.");
    base.apply();
    cli::second_version(&base);
    let whole = base.twin();
    let plan = whole.save("whole.plan");
    whole.run(&["apply", &plan, "--wait", "30s"]).exits(0);
    whole.nothing_to_do();
    let wanted = end(&whole);
    assert_eq!(wanted.commits.len(), 6);
    let moments = [1, 3, 6, 9, 13, 18, 25, 33];
    std::thread::scope(|scope| {
        let base = &base;
        let ends: Vec<_> = moments.map(|lines| (lines, scope.spawn(move || killed_at(base, lines)))).into();
        for (lines, end) in ends {
            let (end, wanted) = (format!("{:#?}", end.join().unwrap()), format!("{wanted:#?}"));
            let difference = similar::TextDiff::from_lines(&wanted, &end).unified_diff().to_string();
            assert_eq!(difference, "", "killed at line {lines}:\n{difference}");
        }
    });
}
