//! What apply refuses, each with its own sentence and exit code 4, before anything is written.

use waybill_compiler::plan::digest;

use crate::cli::{self, Project};

#[test]
fn a_plan_file_that_was_changed_is_refused() {
    let project = Project::example("deploy-only");
    let path = project.save("good.plan");
    let bytes = std::fs::read(&path).unwrap();
    let before = project.facts();
    let bad = project.file("bad.plan").to_str().unwrap().to_owned();
    let last = bytes.len() - 1;
    for at in [0, 1, 9, last / 7, last / 5, last / 3, last / 2, last - 40, last - 1, last] {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&bad, &changed).unwrap();
        for command in ["show", "apply", "graph"] {
            let ran = project.run(&[command, &bad]).exits(4);
            let named = ["was changed after the plan was made", "is not a plan file", "has format"];
            assert!(named.iter().any(|text| ran.err.contains(text)), "byte {at}: {}", ran.told());
        }
    }
    let mut end = bytes.clone();
    end.push(b'\n');
    let front = [b" ", bytes.as_slice()].concat();
    let comma = bytes.iter().position(|byte| *byte == b',').unwrap() + 1;
    let inside = [&bytes[..comma], b" ", &bytes[comma..]].concat();
    let pretty = serde_json::to_vec_pretty(&serde_json::from_slice::<serde_json::Value>(&bytes).unwrap()).unwrap();
    for changed in [end, front, inside, pretty, bytes[..last].to_vec()] {
        std::fs::write(&bad, changed).unwrap();
        project.run(&["apply", &bad]).exits(4).says("was changed after the plan was made");
    }
    std::fs::write(&bad, &bytes[..last / 2]).unwrap();
    project.run(&["apply", &bad]).exits(4).says("is not a plan file");
    project.run(&["show", &bad, "--format", "json"]).exits(4).json();
    assert_eq!(project.facts(), before, "nothing was written");
    project.run(&["apply", &path, "--wait", "30s"]).exits(0);
}

#[test]
fn a_plan_of_another_version_or_format_is_refused() {
    let project = Project::example("deploy-only");
    let path = project.save("good.plan");
    let mut plan = digest::read(&std::fs::read(&path).unwrap()).unwrap();
    plan.tool = "9.9.9".into();
    digest::seal(&mut plan);
    let bad = project.file("bad.plan").to_str().unwrap().to_owned();
    std::fs::write(&bad, digest::write(&plan)).unwrap();
    for line in [["apply", &bad], ["show", &bad]] {
        project.run(&line).exits(4).says("was made by version 9.9.9, this is");
    }
    plan.format = 2;
    digest::seal(&mut plan);
    std::fs::write(&bad, digest::write(&plan)).unwrap();
    project.run(&["apply", &bad]).exits(4).says("has format 2, this version reads 1");
    let offline = project.file("offline.plan").to_str().unwrap().to_owned();
    project.run(&["plan", "--offline", "--out", &offline]).exits(0).says("for reading: it was made offline");
    project.run(&["apply", &offline]).exits(4).says("made offline");
}

#[test]
fn a_plan_for_another_target_is_refused() {
    let project = Project::example("deploy-only");
    let path = project.save("here.plan");
    let elsewhere = project.file("elsewhere");
    let mut command = project.command(&["apply", &path]);
    let ran = cli::Ran::new("apply elsewhere".into(), command.env("WAYBILL_HOME", &elsewhere).output().unwrap());
    ran.exits(4).says("cluster `default` is not the plan's target");
    project.run(&["apply", &path, "--wait", "30s"]).exits(0);
}

#[test]
fn a_stale_plan_is_refused() {
    let project = Project::example("fintech");
    project.apply();
    cli::second_version(&project);
    let stale = project.save("stale.plan");
    let fresh = project.save("fresh.plan");
    project.run(&["apply", &fresh, "--wait", "30s"]).exits(0);
    let (log, facts) = (project.log(), project.facts());
    project.run(&["apply", &stale, "--wait", "30s"]).exits(4).says("Make a new plan");
    assert_eq!(project.log(), log, "no commit");
    assert_eq!(
        project.facts()["clusters"]["default"]["facts"]["objects"],
        facts["clusters"]["default"]["facts"]["objects"]
    );
    project.nothing_to_do();
}

#[test]
fn an_object_that_came_or_went_makes_a_plan_stale() {
    let project = Project::example("deploy-only");
    let stale = project.save("stale.plan");
    project.apply();
    project.run(&["apply", &stale]).exits(4).says("Make a new plan");
    project.nothing_to_do();
}

#[test]
fn a_branch_that_moved_on_is_refused() {
    let project = Project::example("deploy-only");
    project.write("manifests-of-another.txt", "somebody else's\n");
    project.commit("of somebody else");
    project.push();
    let git = project.git();
    git.reset(&git.revparse_single("HEAD~1").unwrap(), git2::ResetType::Hard, None).unwrap();
    project.waybill("plan").exits(0).says("has 1 commits that HEAD lacks: apply will refuse");
    let refused = project.waybill("apply --auto-approve").exits(4);
    refused.says("the branch main moved on: it has 1 commits that HEAD lacks");
    project.pull();
    project.apply();
}

#[test]
fn a_second_process_waits_and_then_names_the_one_that_holds_the_state() {
    let project = Project::example("deploy-only");
    let plan = project.save("held.plan");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let options = waybill_embedded::Options { node: false, runner: env!("CARGO_BIN_EXE_waybill").into() };
    let held = runtime.block_on(waybill_embedded::Cluster::open(&project.home(), options)).unwrap();
    let pid = std::process::id().to_string();
    std::thread::scope(|scope| {
        for line in [vec!["plan"], vec!["plan", "--format", "json"], vec!["apply", &plan], vec!["apply", "--resume"]] {
            let (project, pid) = (&project, &pid);
            scope.spawn(move || {
                let ran = project.run(&line).exits(4).says(pid);
                if line.contains(&"json") {
                    ran.json();
                }
            });
        }
    });
    runtime.block_on(held.shutdown());
    project.run(&["apply", &plan, "--wait", "30s"]).exits(0);
}
