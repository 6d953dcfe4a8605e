//! Applies of pipelines: results, failures, `finally`, lost nodes, and a kill at every record, on the embedded node.

use std::sync::Arc;

use waybill_compiler::plan::effect::{Commit, Effect, Env, Gate, Part};
use waybill_compiler::plan::observed::RunRecord;
use waybill_compiler::plan::{Action, Plan, Unknown};
use waybill_runtime::apply::End;
use waybill_runtime::apply::event::Event;
use waybill_runtime::effects::kube::core;
use waybill_runtime::journal::records;

use crate::bench::{Bench, Ears, options};
use crate::plans::{self, shell, task};

const SEGMENT: &str = "pipeline.ci";
const STAGING: &str = "environment.staging";

fn ns() -> Vec<Action> {
    vec![
        plans::action("system", SEGMENT, plans::create(plans::namespace("waybill-system")), &[]),
        plans::action("ns", SEGMENT, plans::create(plans::namespace("ci")), &["system"]),
    ]
}

fn pipeline(bench: &Bench, actions: Vec<Action>) -> Plan {
    let run = RunRecord {
        pipeline: "ci".into(),
        key: "key".into(),
        revision: "a".repeat(40),
        plan: String::new(),
        values: [("image.api.tag".to_owned(), "1".to_owned())].into(),
    };
    let segments = vec![
        plans::segment(SEGMENT, Vec::new(), Vec::new(), vec![run]),
        plans::segment(STAGING, Vec::new(), Vec::new(), Vec::new()),
    ];
    plans::plan(&bench.uid, "n", actions, Vec::new(), segments)
}

fn result_env(name: &str, task: &str, result: &str) -> Env {
    Env { name: name.into(), parts: vec![Part::Result { task: task.into(), name: result.into() }] }
}

fn unknown() -> Unknown {
    Unknown {
        placeholder: "<<tag>>".into(),
        from: "pipeline.ci.task.build.result.tag".into(),
        r#type: "string".into(),
        expression: "task.build.result.tag".into(),
    }
}

/// Build gives a tag, test uses it inside the Pod, a commit and an object use it after.
fn delivery(bench: &Bench) -> Plan {
    let build = task("build", vec![shell("tag", "echo building; printf v7 > /waybill/results/build/tag")], &["tag"]);
    let mut show = shell("show", "echo \"tag is $TAG\"; echo \"$TAG\" > /workspace/source/seen; test \"$TAG\" = v7");
    show.env = vec![result_env("TAG", "build", "tag")];
    let test = task("test", vec![show, shell("again", "grep v7 /workspace/source/seen")], &[]);
    let mut actions = ns();
    actions.push(plans::action("pipeline.ci.pod.build+test", SEGMENT, plans::pod(vec![build, test], false), &["ns"]));
    let commit = Commit { ..plans::commit("v6", "<<tag>>", "1") };
    let commit =
        plans::action("environment.staging.commit", STAGING, Effect::Commit(commit), &["pipeline.ci.pod.build+test"]);
    actions.push(plans::with_unknown(commit, &unknown()));
    let object = plans::create(plans::config_map("ci", "deployed", "tag-<<tag>>"));
    let object = plans::action("object", STAGING, object, &["environment.staging.commit"]);
    actions.push(plans::with_unknown(object, &unknown()));
    let health = Effect::Gate(Gate::Health { objects: vec![core("ConfigMap", "ci", "deployed")], timeout_seconds: 5 });
    actions.push(plans::action("health", STAGING, health, &["object"]));
    pipeline(bench, actions)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_of_a_run_reach_steps_commits_and_objects() {
    let bench = Bench::new().await;
    let ears = Arc::new(Ears::default());
    let outcome = bench.apply_with(&delivery(&bench), &options(), Arc::clone(&ears)).await.unwrap();
    assert_eq!(outcome.end, End::Done, "{outcome:?}");
    assert_eq!(bench.git.commits(), ["v7"]);
    assert_eq!(bench.config_map("ci", "deployed").await.unwrap()["data"]["k"], "tag-v7");
    let line = |text: &str| ears.heard().iter().any(|event| matches!(event, Event::Log { line, .. } if line == text));
    assert!(line("building") && line("tag is v7"), "{:?}", ears.heard());
    let found = records::read_all(&bench.cluster, plans::PROJECT).await.unwrap();
    let run = &found.runs["key"];
    assert_eq!((run.values["task.build.result.tag"].as_str(), run.values["image.api.tag"].as_str()), ("v7", "1"));
    let pods = bench.cluster.list(&core("Pod", "ci", ""), "waybill.dev/plan").await.unwrap();
    assert!(pods.is_empty(), "Pods are removed when their outcome is known: {pods:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_record_makes_no_second_run_and_no_second_commit() {
    let calm = Bench::new().await;
    let ears = Arc::new(Ears::default());
    calm.apply_with(&delivery(&calm), &options(), Arc::clone(&ears)).await.unwrap();
    let wanted = calm.end_state(&["ci"]).await;
    for nth in 1..=ears.journal_events() {
        let bench = Bench::new().await;
        let plan = delivery(&bench);
        if bench.apply_killed_at(&plan, nth).await.is_none() {
            // The resume is killed as well, a little later each time.
            for more in [2, 4] {
                if bench.resume_killed_at(more).await.is_some() {
                    break;
                }
            }
            match bench.resume().await.unwrap() {
                Some(outcome) => assert_eq!(outcome.end, End::Done, "killed at {nth}: {outcome:?}"),
                None => drop(bench.apply(&plan).await),
            }
        }
        assert_eq!(bench.end_state(&["ci"]).await, wanted, "killed at {nth}");
        assert_eq!(bench.git.commits(), ["v7"], "killed at {nth}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_task_stops_its_dependants_and_runs_finally() {
    let bench = Bench::new().await;
    let text = "for line in $(seq 1 30); do echo \"line $line\"; done; exit 3";
    let mut actions = ns();
    let failing = plans::pod(
        vec![task("test", vec![shell("unit", text)], &[]), task("later", vec![shell("a", "true")], &[])],
        false,
    );
    actions.push(plans::action("pod", SEGMENT, failing, &["ns"]));
    let report = plans::pod(vec![task("report", vec![shell("say", "echo reported")], &[])], true);
    actions.push(plans::action("finally", SEGMENT, report, &["pod"]));
    actions.push(plans::action("commit", STAGING, Effect::Commit(plans::commit("a", "b", "1")), &["pod"]));
    let ears = Arc::new(Ears::default());
    let outcome = bench.apply_with(&pipeline(&bench, actions), &options(), Arc::clone(&ears)).await.unwrap();
    assert_eq!((outcome.end, outcome.resumable), (End::Failed, false), "{outcome:?}");
    assert!(outcome.summary.done.contains(&"finally".to_owned()));
    assert_eq!(outcome.summary.failed[0].1, "task `test` step `unit` exited with 3");
    assert!(bench.git.commits().is_empty());
    let tail = ears.heard().into_iter().find_map(|event| match event {
        Event::Failed { log_tail, .. } => Some(log_tail),
        _ => None,
    });
    let tail = tail.unwrap();
    assert_eq!((tail.len(), tail[0].as_str(), tail[19].as_str()), (20, "line 11", "line 30"));
    let found = records::read_all(&bench.cluster, plans::PROJECT).await.unwrap();
    assert!(found.runs.is_empty());
    assert_eq!(found.history[0].result, "failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_that_still_runs_is_awaited() {
    let bench = Bench::new().await;
    let mut actions = ns();
    let slow = plans::pod(vec![task("slow", vec![shell("run", "echo start; sleep 2")], &[])], false);
    actions.push(plans::action("pod", SEGMENT, slow, &["ns"]));
    let plan = pipeline(&bench, actions);
    let ears = Arc::new(Ears::default());
    let runs = async {
        while !ears.heard().iter().any(|event| matches!(event, Event::Log { line, .. } if line == "start")) {
            tokio::task::yield_now().await;
        }
    };
    let options = options();
    tokio::select! {
        () = runs => {}
        outcome = bench.apply_with(&plan, &options, Arc::clone(&ears)) => panic!("too early: {outcome:?}"),
    }
    let pods = bench.cluster.list(&core("Pod", "ci", ""), "waybill.dev/plan").await.unwrap();
    let uid = pods[0]["metadata"]["uid"].clone();
    let again = Arc::new(Ears::default());
    assert_eq!(bench.resume_with(&options, Arc::clone(&again)).await.unwrap().unwrap().end, End::Done);
    assert!(uid.is_string() && !again.heard().iter().any(|event| matches!(event, Event::Retried { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_node_gets_one_new_try_on_fresh_workspaces() {
    let bench = Bench::new().await;
    let mut actions = ns();
    let text =
        "echo start; test ! -e /workspace/source/old; touch /workspace/source/old; [ \"$SLOW\" = no ] || sleep 60";
    let slow = plans::pod(vec![task("slow", vec![shell("run", text)], &[])], false);
    actions.push(plans::action("pod", SEGMENT, slow, &["ns"]));
    let plan = pipeline(&bench, actions);
    let ears = Arc::new(Ears::default());
    let runs = |ears: Arc<Ears>| async move {
        while !ears.heard().iter().any(|event| matches!(event, Event::Log { line, .. } if line == "start")) {
            tokio::task::yield_now().await;
        }
    };
    let options = options();
    tokio::select! {
        () = runs(Arc::clone(&ears)) => {}
        outcome = bench.apply_with(&plan, &options, Arc::clone(&ears)) => panic!("too early: {outcome:?}"),
    }
    let bench = bench.reopen().await;
    let again = Arc::new(Ears::default());
    tokio::select! {
        () = runs(Arc::clone(&again)) => {}
        outcome = bench.resume_with(&options, Arc::clone(&again)) => panic!("too early: {outcome:?}"),
    }
    let retried = again.heard().iter().any(|event| matches!(event, Event::Retried { address, .. } if address == "pod"));
    assert!(retried, "{:?}", again.heard());
    let pods = bench.cluster.list(&core("Pod", "ci", ""), "waybill.dev/plan").await.unwrap();
    let names: Vec<&str> = pods.iter().filter_map(|pod| pod["metadata"]["name"].as_str()).collect();
    assert!(names.len() == 1 && names[0].ends_with("-r1"), "{names:?}");
}
