//! What the language has and apply cannot do yet: a plan refuses it at its place, a check does not. And what it can do.

use crate::cli::Project;

/// A project with one task and one pipeline; `PARTS` of the text are replaced.
const SPEC: &str = r#"project "small"
task "echo" {
    param "text" default="x"
    param "level" type="enum" default="low" { one-of "low" "high"; }
    param "many" type="list" { default "x"; }
    step "say" image="alpine:3.22" {
        run "echo \"$TEXT $LEVEL $MANY\"; printf x > \"$SAID\""
        env TEXT="${param.text}" LEVEL="${param.level}" MANY="${param.many}" SAID="${result.said.path}"
    }
    result "said" default="nothing"
    TASK
}
pipeline "ci" {
    runs-on namespace="ci" create=#true
    param "level" default="low"
    param "list" type="list" of="int" max=3 { default 1; }
    PIPELINE
    task "first" use="echo" {
        param level="${param.level}"
        FIRST
    }
    task "second" use="echo" after="first" {
        SECOND
    }
    finally {
        task "last" use="echo" { param text="${task.first.result.said}"; }
    }
}
"#;

fn project() -> Project {
    Project::example("library")
}

/// Writes the spec with a part filled in and the others empty.
fn write(project: &Project, part: &str, text: &str) {
    let mut spec = SPEC.replace(part, text);
    for other in ["TASK", "PIPELINE", "FIRST", "SECOND"] {
        let line = format!("    {other}\n");
        spec = spec.replace(&line, "").replace(other, "");
    }
    project.write("waybill.kdl", &spec);
}

#[test]
fn what_apply_cannot_do_is_refused_by_a_plan_and_passes_a_check() {
    let project = project();
    let cases = [
        ("FIRST", "when \"param.level == 'low'\"", "`when` is not supported yet by apply"),
        ("FIRST", "retries 2", "`retries` is not supported yet by apply"),
        ("FIRST", "matrix { axes { a \"${param.list}\"; }; }", "a matrix with an axis that is an expression"),
        ("FIRST", "matrix max-parallel=1 { axes { a 1 2; }; }", "`max-parallel` is not supported yet by apply"),
        ("FIRST", "resources cpu=\"1\"", "`resources` of a whole task is not supported yet by apply"),
        ("FIRST", "pod priority-class=\"ci\"", "a `pod` of its own for a task that shares a Pod is not supported yet"),
        ("SECOND", "param text=\"x\"; param { many \"${task.first.result.said}\"; }", "inside a list or mapping"),
        ("TASK", "sidecar \"db\" image=\"postgres:17\" { port 5432; }", "a `sidecar` is not supported yet by apply"),
        ("TASK", "cache \"c\" path=\"/c\" key=\"${param.text}\"", "a `cache` is not supported yet by apply"),
        ("TASK", "artefact \"a\" path=\"/a\"", "an `artefact` is not supported yet by apply"),
        ("PIPELINE", "approval \"ok\" by=\"group:qa\"", "an `approval` inside a run is not supported yet by apply"),
        ("PIPELINE", "concurrency group=\"g\"", "`concurrency` is not supported yet by apply"),
        ("PIPELINE", "timeouts all=\"2h\"", "one time limit for the tasks and `finally` together"),
    ];
    for (part, text, refusal) in cases {
        write(&project, part, text);
        project.waybill("check").exits(0);
        let plan = project.waybill("plan").exits(1);
        plan.says("error[WB0812]").says(refusal);
    }
}

#[test]
fn the_status_of_a_task_and_an_error_that_is_passed_over_are_refused() {
    let project = project();
    write(&project, "PIPELINE", "");
    project.replace("waybill.kdl", "${task.first.result.said}", "${task.first.status}");
    project.waybill("check").exits(0);
    project.waybill("plan").exits(1).says("the status of a task is not supported yet by apply");
    write(&project, "PIPELINE", "");
    project.replace(
        "waybill.kdl",
        "task \"second\" use=\"echo\"",
        "task \"second\" use=\"echo\" on-error=\"continue\"",
    );
    project.waybill("plan").exits(1).says("`on-error` of a task is not supported yet by apply");
    write(&project, "PIPELINE", "");
    project.replace(
        "waybill.kdl",
        "task \"second\" use=\"echo\"",
        "task \"second\" use=\"echo\" service-account=\"own\"",
    );
    project.waybill("plan").exits(1).says("a service account of its own for a task that shares a Pod");
}

#[test]
fn values_of_the_run_are_held_against_their_types() {
    let project = project();
    write(&project, "PIPELINE", "");
    for (given, refusal) in [
        ("list=[1,2,3,4]", "the value of parameter `list` is not allowed"),
        ("list=[1,\"a\"]", "the value of parameter `list` has the wrong type"),
        ("list=1", "the value of parameter `list` has the wrong type"),
        ("level=hihg", "the value of `level` for task `first` is not allowed"),
    ] {
        project.run(&["plan", "--param", given]).exits(1).says(refusal);
    }
    project.run(&["plan", "--param", "list=[1,2]", "--param", "level=high"]).exits(0);
}

#[test]
fn a_matrix_is_ordinary_tasks_whose_results_come_together() {
    let project = Project::example("matrix");
    let plan = project.waybill("plan").exits(0);
    plan.says("cases-titles--e").says("cases-edges--eu").says_not("cases-titles--u");
    project.apply();
    project.nothing_to_do();
    project.run(&["plan", "--param", "channel=realease"]).exits(1).says("`release`");
}
