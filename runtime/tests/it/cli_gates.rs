//! Applies that do not go straight through: a task that fails, a gate, a canary that fails.

use crate::cli::{self, Project};

/// Records of the environments.
fn environments(project: &Project) -> Vec<serde_json::Value> {
    let records = project.facts()["clusters"]["default"]["facts"]["records"].clone();
    let found = ["staging", "production"].map(|name| records[format!("environment.{name}")].clone());
    assert!(found.iter().all(|record| record["images"].is_array()), "{records}");
    found.into()
}

#[test]
fn a_failing_task_stops_what_comes_after_and_finally_runs() {
    let project = Project::example("fintech");
    project.apply();
    project.pull();
    let test = project.read("service/test.sh");
    project.write("service/test.sh", &format!("echo 'the last words of the test'\nexit 1\n{test}"));
    project.commit("a test that fails");
    project.push();
    let (log, before) = (project.log(), environments(&project));
    let plan = project.save("failing.plan");
    let ran = project.run(&["apply", &plan, "--wait", "30s"]).exits(1);
    let ran = ran.says("| the last words of the test").says("step `unit` exited with 1");
    ran.says("pipeline.ci.pod.finally.report report: succeeded").says("environment.staging.commit: skipped");
    assert_eq!(project.log(), log, "the overlays are as they were");
    assert_eq!(environments(&project), before, "so are the environments");
    project.waybill("apply --resume").exits(0).says("Nothing to resume.");
    project.run(&["apply", &plan]).exits(4).says("was applied before (failed)");
    project.waybill("plan --detailed-exitcode").exits(2).says("pipeline.ci.pod.test+api will run");
    project.write("service/test.sh", &test);
    project.commit("mended");
    project.push();
    // The content is that of the version that runs already.
    project.nothing_to_do();
}

#[test]
fn a_gate_stops_the_apply_until_somebody_says_yes() {
    let project = Project::edited("monorepo", |clone| {
        for file in ["waybill.kdl", "waybill.yaml"] {
            cli::replace(&clone.join(file), "10m", "1s");
            cli::replace(&clone.join(file), "30s", "1s");
        }
    });
    // Nobody can be asked: the plan is printed, and that is all.
    project.waybill("apply").exits(3).says("environment production").says("--auto-approve");
    assert_eq!(project.log().len(), 1);
    let gate = "environment.production.gate.approval";
    project.waybill(&format!("approve {gate}")).exits(4).says("no plan of the project waits");
    let stopped = project.waybill("apply --auto-approve --wait 5s").exits(3);
    let stopped = stopped.says(&format!("waybill approve {gate}")).says("waybill apply --resume");
    assert_eq!(project.log().len(), 2, "staging has its commit\n{}", stopped.told());
    let waits = project.waybill("apply --resume").exits(3);
    waits.says(&format!("waybill approve {gate}"));
    project.waybill("approve environment.production.gate.aproval").exits(4).says("has no such gate");
    project.waybill("approve environment.production.gate.soak").exits(4).says("it is no approval gate");
    project.waybill(&format!("approve {gate}")).exits(0).says("approved by ada@").says("waybill apply --resume");
    project.waybill(&format!("approve {gate}")).exits(4).says("it is approved already");
    project.waybill("apply --resume --wait 30s").exits(0).says("complete");
    assert_eq!(project.log().len(), 3);
    project.nothing_to_do();
    let records = project.facts()["clusters"]["default"]["facts"]["records"].clone();
    let approvals = records["environment.production"]["approvals"].as_array().unwrap().clone();
    assert_eq!(approvals.len(), 1, "{records}");
    assert_eq!(approvals[0]["address"], gate);
}

#[test]
fn a_soak_says_when_it_ends_and_needs_no_approval() {
    let project =
        Project::edited("fintech", |clone| cli::replace(&clone.join("waybill.kdl"), "soak \"1s\"", "soak \"10m\""));
    let stopped = project.waybill("apply --auto-approve").exits(3).says("not before ").says("waybill apply --resume");
    stopped.says_not("waybill approve");
    project.waybill("apply --resume").exits(3).says("not before ");
    project.waybill("approve environment.production.gate.soak").exits(4).says("it is no approval gate");
    assert_eq!(project.log().len(), 2);
}

#[test]
fn a_canary_that_fails_is_taken_back_and_its_version_is_held() {
    let project = Project::edited("fintech", |clone| {
        cli::replace(
            &clone.join("waybill.kdl"),
            "strategy=\"canary\" timeout=\"2m\"",
            "strategy=\"canary\" timeout=\"5s\"",
        );
    });
    project.apply();
    project.pull();
    let overlay = project.remote_text("deploy/production/kustomization.yaml");
    // Production alone gets the template that never becomes ready.
    project.replace(
        "deploy/production/limits.yaml",
        "  template:\n    spec:",
        "  template:\n    metadata:\n      annotations:\n        waybill.dev/simulate: crash\n    spec:",
    );
    cli::second_version_here(&project);
    let failed = project.waybill("apply --auto-approve --wait 30s").exits(1);
    let failed = failed.says("environment.production.rollout.payments.undo").says("environment.production.commit.undo");
    assert_eq!(project.remote_text("deploy/production/kustomization.yaml"), overlay, "{}", failed.told());
    let actions: Vec<_> =
        project.log().iter().filter_map(|commit| commit.trailers.get("Waybill-Action").cloned()).collect();
    let wanted = ["environment.production.commit.undo", "environment.production.commit", "environment.staging.commit"];
    assert_eq!(actions[..3], wanted);
    // The version and the manifests that came with it are held: nothing is left to do.
    let held = project.nothing_to_do().says("Held: ").says("in production");
    let address = held.out.split("lift it by --retry ").nth(1).unwrap().split(')').next().unwrap().to_owned();
    project.waybill("apply --resume").exits(0).says("Nothing to resume.");
    let retried = project.run(&["apply", "--retry", &address]).exits(3);
    retried.says("canary payments stage 1").says_not("Held: ");
}

#[test]
fn many_deletes_need_a_saved_plan_and_claims_are_kept() {
    let maps = |count: usize| -> String {
        let map =
            |at| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: map-{at}\ndata:\n  key: value\n");
        (0..count).map(map).collect()
    };
    let claim = "---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata:\n  name: data\nspec:\n  accessModes: [ReadWriteOnce]\n  \
                 resources:\n    requests:\n      storage: 1Gi\n";
    let project = Project::example("deploy-only");
    project.write("manifests/more.yaml", &format!("{}{claim}", maps(11)));
    project.apply();
    std::fs::remove_file(project.clone().join("manifests/more.yaml")).unwrap();
    let plan = project.waybill("plan").exits(0).says("11 to delete");
    plan.says("kept: core/PersistentVolumeClaim/team-payments/data");
    project.waybill("apply --auto-approve").exits(3).says("11 deletes are more than 10");
    let file = project.save("deletes.json");
    project.run(&["apply", &file]).exits(0);
    project.nothing_to_do();
}

#[test]
fn health_does_not_wait_for_what_the_embedded_cluster_only_stores() {
    let project = Project::example("deploy-only");
    let service = "apiVersion: v1\nkind: Service\nmetadata:\n  name: public\nspec:\n  type: LoadBalancer\n  selector:\n    \
                   app.kubernetes.io/name: maintenance\n  ports:\n    - port: 80\n";
    project.write("manifests/public.yaml", service);
    project.waybill("plan").exits(0).says("nothing acts on them here: NetworkPolicy, Service");
    project.apply();
    project.nothing_to_do();
}
