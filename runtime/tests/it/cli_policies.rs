//! Policies: a plan that breaks one is refused, an exception lets it pass until its day, and what only the run gives is
//! judged when it is known.

use waybill_compiler::plan::unknown;

use crate::cli::Project;

const POLICY: &str = r#"
policy "no-deletes" {
    environments "payments"
    deny "action.op == 'delete' && action.cause == 'removed'" message="deletes need an exception"
    // EXCEPTIONS
}
"#;

/// `deploy-only` with a policy, without the YAML form, applied once, and then without one of its manifests.
fn without_a_manifest(policy: &str) -> Project {
    let project = Project::edited("deploy-only", |clone| {
        let spec = std::fs::read_to_string(clone.join("waybill.kdl")).unwrap();
        std::fs::write(clone.join("waybill.kdl"), format!("{spec}{policy}")).unwrap();
        std::fs::remove_file(clone.join("waybill.yaml")).unwrap();
    });
    project.apply();
    std::fs::remove_file(project.clone().join("manifests/network.yaml")).unwrap();
    project.commit("no network rules");
    project.push();
    project
}

#[test]
fn a_policy_refuses_a_plan_until_an_exception_lets_it_pass() {
    let project = without_a_manifest(POLICY);
    let refused = project.waybill("plan").exits(4).says("error[WB0700]").says("deletes need an exception");
    refused.says("waybill.kdl:15:10").says("environment.payments@default.object.networking.k8s.io/NetworkPolicy/");
    project.waybill("apply --auto-approve").exits(4).says("policy `no-deletes` refuses");
    let exception =
        |day: &str| format!("exception for=\"*/NetworkPolicy/*\" until=\"{day}\" reason=\"moved to the mesh\"");
    project.replace("waybill.kdl", "// EXCEPTIONS", &exception("2020-01-31"));
    project.waybill("plan").exits(4).says("its exception ended on 2020-01-31: moved to the mesh");
    project.replace("waybill.kdl", "2020-01-31", "2999-01-31");
    let passed = project.waybill("plan").exits(0).says("lets environment.payments@default.object");
    passed.says("pass until 2999-01-31: moved to the mesh");
    project.replace("waybill.kdl", "*/NetworkPolicy/*", "*/ConfigMap/*");
    project.waybill("plan").exits(4).says("policy `no-deletes` refuses");
}

#[test]
fn a_policy_that_warns_is_a_note_and_one_that_forbids_takes_no_exception() {
    let project = without_a_manifest(&POLICY.replace("\"no-deletes\"", "\"no-deletes\" level=\"warn\""));
    project.waybill("plan").exits(0).says("Note: policy `no-deletes`: deletes need an exception: environment.payments");
    project.replace("waybill.kdl", "level=\"warn\"", "level=\"forbid\"");
    project.replace("waybill.kdl", "// EXCEPTIONS", "exception for=\"*\" until=\"2999-01-31\" reason=\"please\"");
    project.waybill("plan").exits(4).says("a policy that forbids takes no exceptions");
}

#[test]
fn the_policies_of_the_last_applied_spec_judge_too() {
    let project = without_a_manifest(POLICY);
    let spec = project.read("waybill.kdl");
    let (without, _) = spec.split_once("\npolicy").unwrap();
    project.write("waybill.kdl", without);
    let refused = project.waybill("plan").exits(4).says("of the spec that plan").says("deletes need an exception");
    refused.says("policy `no-deletes`");
    // A weaker rule under the same name is no way around it either.
    project.write("waybill.kdl", &spec.replace("action.cause == 'removed'", "action.cause == 'nothing'"));
    project.waybill("plan").exits(4).says("of the spec that plan");
}

#[test]
fn a_policy_that_cannot_judge_lets_nothing_pass() {
    let project = Project::edited("deploy-only", |clone| {
        let spec = std::fs::read_to_string(clone.join("waybill.kdl")).unwrap();
        let policy = "policy \"odd\" {\n    deny \"action.object.spec.replicas > 5\" message=\"too many\"\n}\n";
        std::fs::write(clone.join("waybill.kdl"), format!("{spec}{policy}")).unwrap();
        std::fs::remove_file(clone.join("waybill.yaml")).unwrap();
    });
    project.waybill("plan").exits(4).says("policy `odd` cannot judge");
}

#[test]
fn what_only_the_run_gives_is_judged_when_it_is_known() {
    let placeholder = unknown::digest("ci", "api").placeholder;
    let rule = format!(
        "action.kind == 'commit' && action.changes.exists(c, c.path.endsWith('.digest') && c.after != '{placeholder}')"
    );
    let project = Project::edited("fintech", |clone| {
        let spec = std::fs::read_to_string(clone.join("waybill.kdl")).unwrap();
        let policy = format!("policy \"known\" {{\n    deny \"{rule}\" message=\"not this digest\"\n}}\n");
        std::fs::write(clone.join("waybill.kdl"), format!("{spec}{policy}")).unwrap();
        std::fs::remove_file(clone.join("waybill.yaml")).unwrap();
    });
    let ran = project.waybill("apply --auto-approve --wait 30s").exits(1);
    ran.says("policy `known`, now that its values are known: not this digest");
    assert_eq!(project.log().len(), 1, "nothing was committed");
}
