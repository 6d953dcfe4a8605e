//! The whole line on the example `fintech`: check, plan, apply, an empty plan; then a change by canary.

use std::collections::BTreeMap;

use crate::cli::{self, Project};

/// HEAD, branches and tags of the clone with what they name, and the state of its working tree.
fn clone_state(project: &Project) -> (BTreeMap<String, String>, Vec<String>) {
    let git = project.git();
    let mut refs = BTreeMap::new();
    for reference in git.references().unwrap() {
        let reference = reference.unwrap();
        refs.insert(
            reference.name().unwrap().to_owned(),
            reference.target().map(|id| id.to_string()).unwrap_or_default(),
        );
    }
    refs.insert("HEAD".into(), git.head().unwrap().name().unwrap().to_owned());
    let changed = git.statuses(None).unwrap().iter().map(|entry| entry.path().unwrap().to_owned()).collect();
    (refs, changed)
}

#[test]
fn fintech_is_delivered_and_then_a_change_of_it() {
    let project = Project::example("fintech");
    project.waybill("check").exits(0);
    let before = clone_state(&project);
    project.waybill("plan --detailed-exitcode").exits(2).says("the stages are skipped").says("2 commits");
    project.apply().says("Apply complete.");
    assert_eq!(clone_state(&project), before, "the clone is only read");
    // The clone lacks only Waybill's own commits, and plans the same.
    project.nothing_to_do();
    project.waybill("plan").exits(0).says("No changes.");
    project.waybill("apply").exits(0).says("No changes.");
    let actions = ["environment.production.commit", "environment.staging.commit"];
    let log = project.log();
    assert_eq!(log.len(), 3, "{log:?}");
    for (commit, action) in log.iter().zip(actions) {
        assert_eq!(commit.trailers["Waybill-Action"], action);
        assert_eq!(commit.trailers["Waybill-Plan"].len(), 12);
    }
    assert!(log[2].trailers.is_empty());

    cli::second_version(&project);
    let plan = project.save("second.plan");
    let shown = project.run(&["show", &plan]).exits(0);
    let shown = shown.says("canary payments stage 1").says("25 % asked for, 25 % reached").says("3 canary stages");
    project.run(&["show", &plan, "--format", "markdown"]).exits(0).says("<details>");
    let json = project.run(&["show", &plan, "--format", "json"]).exits(0);
    assert_eq!(json.out.as_bytes(), std::fs::read(&plan).unwrap(), "the document is the file\n{}", shown.told());
    let before = clone_state(&project);
    project.run(&["apply", &plan, "--wait", "30s"]).exits(0).says("Apply complete.");
    assert_eq!(clone_state(&project), before);
    project.nothing_to_do();
    let log = project.log();
    assert_eq!(log.len(), 6, "{log:?}");
    let id = json.json()["id"].as_str().unwrap().to_owned();
    for (commit, action) in log.iter().zip(actions) {
        assert_eq!((&commit.trailers["Waybill-Action"], &commit.trailers["Waybill-Plan"]), (&action.to_owned(), &id));
    }
    project.run(&["apply", &plan]).exits(4).says(&format!("plan {id} was applied before"));
    assert_eq!(project.log(), log);
}

#[test]
fn a_remote_may_be_named_by_a_relative_path_and_by_a_way_round() {
    for url in ["../remote.git", "DIR/clone/../remote.git"] {
        let project = Project::example("library");
        let url = url.replace("DIR", project.dir.path().to_str().unwrap());
        project.git().remote_set_url("origin", &url).unwrap();
        project.apply().says("Apply complete.");
        project.nothing_to_do();
    }
}

#[test]
fn every_example_is_applied_and_then_there_is_nothing_to_do() {
    for name in ["deploy-only", "library", "manifests", "nightly"] {
        let project = Project::example(name);
        project.waybill("check").exits(0);
        project.apply();
        project.nothing_to_do();
    }
}

#[test]
fn reviewed_actions_are_applied_after_the_merge_and_no_others() {
    let project = Project::example("fintech");
    project.apply();
    project.pull();
    // A commit on a branch, reviewed with its plan.
    let base = project.git().head().unwrap().peel_to_commit().unwrap().id();
    let text = project.read("service/payments.sh");
    project.write("service/payments.sh", &format!("{text}# Reviewed.\n"));
    let on_branch = project.commit("on a branch");
    let plan = project.save("reviewed.plan");
    // The merge gives it another id.
    let git = project.git();
    let base = git.find_object(base, None).unwrap();
    git.reset(&base, git2::ResetType::Soft, None).unwrap();
    let merged = project.commit("merged by squashing");
    assert_ne!(on_branch, merged);
    project.push();
    // One more change was not reviewed.
    project.write("service/extra.sh", "# Not an input of anything else.\n");
    project.replace("deploy/base/service.yaml", "port: 80", "port: 8080");
    let before = project.log();
    let refused = project.run(&["apply", "--reviewed", &plan, "--wait", "30s"]).exits(4);
    refused
        .says("were not in the reviewed plan")
        .says("environment.staging@default.object.core/Service/staging/payments");
    assert_eq!(project.log(), before);
    git.reset(&git.revparse_single("HEAD").unwrap(), git2::ResetType::Hard, None).unwrap();
    std::fs::remove_file(project.clone().join("service/extra.sh")).unwrap_or_default();
    project.run(&["apply", "--reviewed", &plan, "--wait", "30s"]).exits(0).says("Apply complete.");
    project.nothing_to_do();
}
