//! Canaries: stages, a failure that takes everything back and holds the version, a stop in the middle.

use std::sync::Arc;

use serde_json::{Value, json};
use waybill_compiler::plan::effect::{Apply, Effect, Found, FoundField};
use waybill_compiler::plan::observed::ImageState;
use waybill_compiler::plan::{Action, Plan};
use waybill_runtime::apply::event::Event;
use waybill_runtime::apply::{self, End};
use waybill_runtime::journal::records;

use crate::bench::{Bench, Ears, options};
use crate::plans;

const SEGMENT: &str = "environment.production";
const UNDO: &str = "environment.production.rollout.app.undo";
const REVERT: &str = "environment.production.commit.undo";

fn image(tag: &str) -> ImageState {
    ImageState { name: "app".into(), tag: tag.into(), digest: format!("sha256:{tag}"), source: tag.into() }
}

/// The stable version 1 with two replicas, available, and its record.
async fn stable(bench: &Bench) -> Value {
    let actions = vec![
        plans::action("system", SEGMENT, plans::create(plans::namespace("waybill-system")), &[]),
        plans::action("ns", SEGMENT, plans::create(plans::namespace("production")), &["system"]),
        plans::action("commit", SEGMENT, Effect::Commit(plans::commit("0", "1", "1")), &["ns"]),
        plans::action("app", SEGMENT, plans::create(plans::deployment("production", "app", 2, "app:1")), &["commit"]),
        plans::action(
            "health",
            SEGMENT,
            Effect::Gate(waybill_compiler::plan::effect::Gate::Health {
                objects: vec![plans::deployment_ref("production", "app")],
                timeout_seconds: 20,
            }),
            &["app"],
        ),
    ];
    let inventory = vec![plans::deployment_ref("production", "app")];
    let segment = plans::segment(SEGMENT, vec![image("1")], inventory, Vec::new());
    let plan = plans::plan(&bench.uid, "stable", actions, Vec::new(), vec![segment]);
    let outcome = bench.apply(&plan).await.unwrap();
    assert_eq!(outcome.end, End::Done, "{outcome:?}");
    bench.get(&plans::deployment_ref("production", "app")).await.unwrap()
}

/// A canary to `tag` in two stages with a hold between them. In the stage `broken` the new version never becomes ready.
fn canary(bench: &Bench, live: &Value, tag: &str, hold: u64, broken: Option<u32>) -> Plan {
    let image_name = format!("app:{tag}");
    let first = plans::canary("production", "app", 1, &image_name);
    let mut second = plans::canary("production", "app", 2, &image_name);
    let mut whole = plans::deployment("production", "app", 2, &image_name);
    let not_ready = |object: &mut Value| {
        object["spec"]["template"]["metadata"]["annotations"]["waybill.dev/simulate"] = json!("not-ready");
    };
    match broken {
        Some(1) => not_ready(&mut second),
        Some(_) => not_ready(&mut whole),
        None => {}
    }
    let path = "/spec/template/spec/containers/0/image";
    let update = Effect::Apply(Apply {
        object: whole,
        found: Some(Found {
            uid: live["metadata"]["uid"].as_str().unwrap().into(),
            resource_version: live["metadata"]["resourceVersion"].as_str().unwrap().into(),
            fields: vec![FoundField {
                path: path.into(),
                value: live.pointer(path).unwrap().clone(),
                owners: waybill_compiler::plan::owners::owners(live, path),
            }],
        }),
        force: true,
    });
    let of_rollout = |action: Action| plans::undone_by(action, UNDO);
    let mut last = plans::stage("production", "app", 2, 2, None);
    let mut middle = plans::stage("production", "app", 1, 1, Some(second));
    for (at, stage) in [(1, &mut middle), (2, &mut last)] {
        if let (true, Effect::Traffic(stage)) = (broken == Some(at), stage) {
            stage.timeout_seconds = 2;
        }
    }
    let commit = plans::action("commit", SEGMENT, Effect::Commit(plans::commit("1", tag, tag)), &[]);
    let actions = vec![
        plans::undone_by(commit, REVERT),
        of_rollout(plans::action(
            "stage[0]",
            SEGMENT,
            plans::stage("production", "app", 0, 1, Some(first)),
            &["commit"],
        )),
        of_rollout(plans::action("hold", SEGMENT, plans::hold(hold), &["stage[0]"])),
        of_rollout(plans::action("stage[1]", SEGMENT, middle, &["hold"])),
        of_rollout(plans::action("update", SEGMENT, update, &["stage[1]"])),
        of_rollout(plans::action("stage[2]", SEGMENT, last, &["update"])),
    ];
    let template = live["spec"]["template"].clone();
    let undo = vec![
        plans::action(REVERT, SEGMENT, Effect::UndoCommit(plans::commit(tag, "1", tag)), &[]),
        plans::action(UNDO, SEGMENT, plans::undo_rollout("production", "app", 2, template, vec![image(tag)]), &[]),
    ];
    let inventory = vec![plans::deployment_ref("production", "app")];
    let segment = plans::segment(SEGMENT, vec![image(tag)], inventory, Vec::new());
    plans::plan(&bench.uid, tag, actions, undo, vec![segment])
}

async fn shape(bench: &Bench) -> Value {
    let app = bench.get(&plans::deployment_ref("production", "app")).await.unwrap();
    let canary = bench.get(&plans::deployment_ref("production", "app-canary")).await;
    json!([app["spec"]["replicas"], app.pointer("/spec/template/spec/containers/0/image"), canary.is_some()])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_canary_goes_through_its_stages_and_a_kill_changes_nothing() {
    let bench = Bench::new().await;
    let live = stable(&bench).await;
    let ears = Arc::new(Ears::default());
    let outcome = bench.apply_with(&canary(&bench, &live, "2", 1, None), &options(), Arc::clone(&ears)).await.unwrap();
    assert_eq!(outcome.end, End::Done, "{outcome:?}");
    assert_eq!(shape(&bench).await, json!([2, "app:2", false]));
    let found = records::read_all(&bench.cluster, plans::PROJECT).await.unwrap();
    assert_eq!(found.newest["production"].images, [image("2")]);
    // The next one is killed again and again, at every third event of its journal.
    let live = bench.get(&plans::deployment_ref("production", "app")).await.unwrap();
    let mut plan = canary(&bench, &live, "3", 0, None);
    if let Effect::Commit(commit) = &mut plan.actions[0].effect {
        commit.edits[0].tag.before = Some("2".into());
    }
    waybill_compiler::plan::digest::seal(&mut plan);
    if bench.apply_killed_at(&plan, 3).await.is_none() {
        while bench.resume_killed_at(3).await.is_none() {}
    }
    assert_eq!(shape(&bench).await, json!([2, "app:3", false]));
    assert_eq!(bench.git.commits(), ["1", "2", "3"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_stage_takes_back_rollout_and_commit_and_holds_the_version() {
    let bench = Bench::new().await;
    let live = stable(&bench).await;
    let outcome = bench.apply(&canary(&bench, &live, "2", 0, Some(1))).await.unwrap();
    assert_eq!((outcome.end, outcome.resumable), (End::Failed, false), "{outcome:?}");
    assert!(outcome.summary.failed[0].1.contains("not done within 2 s"), "{:?}", outcome.summary.failed);
    assert_eq!(outcome.summary.undone.len(), 2);
    assert_eq!(shape(&bench).await, json!([2, "app:1", false]));
    assert_eq!(bench.git.commits(), ["1", "2", "1"]);
    let found = records::read_all(&bench.cluster, plans::PROJECT).await.unwrap();
    let hold = &found.holds[0];
    assert_eq!((hold.environment.as_str(), hold.tag.as_str()), ("production", "2"));
    assert_eq!(hold.address, "environment.production.rollout.app");
    assert!(hold.cause.starts_with("stage[1]: "), "{}", hold.cause);
    let record = &found.newest["production"];
    assert_eq!((record.result.as_str(), record.images[0].tag.as_str()), ("failed", "1"));
    assert_eq!(record.inventory.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_in_the_middle_takes_the_stages_back_and_a_resume_does_them_again() {
    let bench = Bench::new().await;
    let live = stable(&bench).await;
    let plan = canary(&bench, &live, "2", 3, None);
    let ears = Arc::new(Ears::default());
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let stops = async {
        let held = |event: &Event| matches!(event, Event::AtGate { address, .. } if address == "hold");
        while !ears.heard().iter().any(held) {
            tokio::task::yield_now().await;
        }
        assert_eq!(shape(&bench).await, json!([1, "app:1", true]));
        stop.send_replace(true);
    };
    let options = options();
    let sink = Arc::clone(&ears);
    let (outcome, ()) = tokio::join!(apply::run(&plan, Arc::clone(&bench.world), &options, sink, stopped), stops);
    let outcome = outcome.unwrap();
    assert_eq!((outcome.end, outcome.resumable), (End::Interrupted, true));
    assert_eq!(shape(&bench).await, json!([2, "app:1", false]));
    assert!(records::read_all(&bench.cluster, plans::PROJECT).await.unwrap().holds.is_empty());
    let outcome = bench.resume().await.unwrap().unwrap();
    assert_eq!(outcome.end, End::Done, "{outcome:?}");
    assert_eq!(shape(&bench).await, json!([2, "app:2", false]));
    assert_eq!(bench.git.commits(), ["1", "2"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_failure_of_the_last_stage_nothing_of_the_new_version_is_left() {
    let bench = Bench::new().await;
    let live = stable(&bench).await;
    let outcome = bench.apply(&canary(&bench, &live, "2", 0, Some(2))).await.unwrap();
    assert_eq!(outcome.end, End::Failed, "{outcome:?}");
    assert_eq!(outcome.summary.undone.len(), 2, "{outcome:?}");
    assert_eq!(shape(&bench).await, json!([2, "app:1", false]));
    let name = plans::deployment_ref("production", "app");
    let now = bench.get(&name).await.unwrap();
    assert_eq!(now["spec"]["template"], live["spec"]["template"]);
    // What the undo wrote conflicts with nobody, and a later apply that leaves it out removes it.
    let mut next = plans::deployment("production", "app", 2, "app:3");
    next["spec"]["template"]["spec"]["containers"][0]["name"] = json!("renamed");
    let next = bench.cluster.apply(&name, &next, false, true).await.unwrap();
    let containers = next.pointer("/spec/template/spec/containers").and_then(Value::as_array).unwrap();
    assert_eq!((containers.len(), &containers[0]["image"]), (1, &json!("app:3")), "{next}");
}
