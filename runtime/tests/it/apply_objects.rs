//! Applies of object plans: journal, records, refusals, staleness, locks, and a kill at every record.

use std::sync::Arc;

use serde_json::json;
use waybill_compiler::plan::effect::{Apply, Effect, Found, FoundField, ObjectRef};
use waybill_compiler::plan::observed::ImageState;
use waybill_compiler::plan::{Action, Plan, Segment};
use waybill_runtime::apply::event::Event;
use waybill_runtime::apply::{self, End, Refusal};
use waybill_runtime::effects::kube::core;
use waybill_runtime::journal::lock::{self, Holder, Timing, acquire};
use waybill_runtime::journal::{SYSTEM_NAMESPACE, records, store};

use crate::bench::{Bench, Ears, options};
use crate::plans;

const SEGMENT: &str = "environment.staging";

fn system() -> Action {
    plans::action("system", SEGMENT, plans::create(plans::namespace(SYSTEM_NAMESPACE)), &[])
}

fn staging(inventory: &[&str]) -> Segment {
    let inventory = inventory.iter().map(|name| core("ConfigMap", "staging", name)).collect();
    let image = ImageState { name: "app".into(), tag: "1".into(), digest: "sha256:d".into(), source: "s".into() };
    plans::segment(SEGMENT, vec![image], inventory, Vec::new())
}

/// Two ConfigMaps in a namespace that the plan makes.
fn first(bench: &Bench, nonce: &str) -> Plan {
    let actions = vec![
        system(),
        plans::action("ns", SEGMENT, plans::create(plans::namespace("staging")), &["system"]),
        plans::action("one", SEGMENT, plans::create(plans::config_map("staging", "one", "1")), &["ns"]),
        plans::action("two", SEGMENT, plans::create(plans::config_map("staging", "two", "2")), &["ns"]),
        plans::action("three", SEGMENT, plans::create(plans::config_map("staging", "three", "3")), &["one"]),
    ];
    plans::plan(&bench.uid, nonce, actions, Vec::new(), vec![staging(&["one", "two", "three"])])
}

/// Updates `one`, as it is now.
async fn update(bench: &Bench, nonce: &str, value: &str) -> Plan {
    let live = bench.config_map("staging", "one").await.unwrap();
    let found = Found {
        uid: live["metadata"]["uid"].as_str().unwrap().into(),
        resource_version: live["metadata"]["resourceVersion"].as_str().unwrap().into(),
        fields: vec![FoundField {
            path: "/data/k".into(),
            value: live["data"]["k"].clone(),
            owners: waybill_compiler::plan::owners::owners(&live, "/data/k"),
        }],
    };
    let effect =
        Effect::Apply(Apply { object: plans::config_map("staging", "one", value), found: Some(found), force: false });
    let actions = vec![plans::action("one", SEGMENT, effect, &[])];
    plans::plan(&bench.uid, nonce, actions, Vec::new(), vec![staging(&["one", "two", "three"])])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_is_applied_once_and_leaves_its_record() {
    let bench = Bench::new().await;
    let plan = first(&bench, "a");
    let outcome = bench.apply(&plan).await.unwrap();
    assert_eq!(outcome.end, End::Done, "{outcome:?}");
    assert_eq!(outcome.summary.done.len(), 5);
    assert_eq!(bench.config_map("staging", "three").await.unwrap()["data"]["k"], "3");
    let found = records::read_all(&bench.cluster, plans::PROJECT).await.unwrap();
    let record = &found.newest["staging"];
    assert_eq!((record.result.as_str(), record.plan.as_str()), ("succeeded", plan.id.as_str()));
    assert_eq!(record.actions.len(), 5);
    assert_eq!(record.images[0].tag, "1");
    assert!(record.inventory.iter().all(|object| object.uid.is_some()), "{:?}", record.inventory);
    assert_eq!(found.unfinished, None);
    let refused = bench.apply(&plan).await.unwrap_err();
    assert!(matches!(&refused, Refusal::Used { result, .. } if result == "succeeded"), "{refused}");
    assert!(bench.resume().await.unwrap().is_none());
    let journal = store::list(&bench.cluster, plans::PROJECT).await.unwrap();
    assert!(journal.len() == 1 && journal[0].compacted, "{journal:?}");
    let lease = bench.get(&lock::lease(plans::PROJECT, SEGMENT)).await.unwrap();
    assert!(lease["spec"]["holderIdentity"].is_null(), "the lock is given back: {lease}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_targets_tools_and_offline_plans_are_refused_before_anything_is_written() {
    let bench = Bench::new().await;
    let mut elsewhere = first(&bench, "a");
    elsewhere.targets[0].uid = "another".into();
    assert!(matches!(bench.apply(&elsewhere).await, Err(Refusal::Target { .. })));
    let mut tool = first(&bench, "a");
    tool.tool = "9.9.9".into();
    assert!(matches!(bench.apply(&tool).await, Err(Refusal::Tool { .. })));
    let mut offline = first(&bench, "a");
    offline.offline = true;
    assert!(matches!(bench.apply(&offline).await, Err(Refusal::Offline)));
    assert!(bench.get(&waybill_runtime::effects::kube::namespace(SYSTEM_NAMESPACE)).await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_moved_field_or_owner_is_stale_and_others_fields_are_not() {
    let bench = Bench::new().await;
    bench.apply(&first(&bench, "a")).await.unwrap();
    let plan = update(&bench, "b", "new").await;
    bench
        .meddle(&json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one", "namespace": "staging"},
        "data": {"other": "x"}}))
        .await;
    assert_eq!(bench.apply(&plan).await.unwrap().end, End::Done);
    let live = bench.config_map("staging", "one").await.unwrap();
    assert_eq!(live["data"], json!({"k": "new", "other": "x"}));

    let plan = update(&bench, "c", "newer").await;
    bench.meddle(&plans::config_map("staging", "one", "theirs")).await;
    let outcome = bench.apply(&plan).await.unwrap();
    assert_eq!((outcome.end, outcome.resumable), (End::Refused, false));
    let reason = &outcome.stopped[0].1;
    assert_eq!(reason, "ConfigMap staging/one: `/data/k` was \"new\" in the plan and is \"theirs\" now");
    assert_eq!(bench.config_map("staging", "one").await.unwrap()["data"]["k"], "theirs");
    assert!(matches!(bench.apply(&plan).await, Err(Refusal::Used { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stale_segment_stops_and_the_others_finish() {
    let bench = Bench::new().await;
    bench.put(&plans::namespace("staging")).await;
    bench.put(&plans::config_map("staging", "one", "1")).await;
    let other = "environment.other";
    let actions = vec![
        system(),
        plans::action("one", SEGMENT, plans::create(plans::config_map("staging", "one", "2")), &["system"]),
        plans::action("after", SEGMENT, plans::create(plans::config_map("staging", "after", "2")), &["one"]),
        plans::action("two", other, plans::create(plans::config_map("staging", "two", "2")), &["system"]),
    ];
    let segments = vec![staging(&["one"]), plans::segment(other, Vec::new(), Vec::new(), Vec::new())];
    let plan = plans::plan(&bench.uid, "a", actions, Vec::new(), segments);
    let outcome = bench.apply(&plan).await.unwrap();
    assert_eq!(outcome.end, End::Refused);
    assert!(outcome.stopped[0].1.contains("did not exist when the plan was made"), "{:?}", outcome.stopped);
    assert_eq!(bench.config_map("staging", "one").await.unwrap()["data"]["k"], "1");
    assert!(bench.config_map("staging", "two").await.is_some());
    assert!(bench.config_map("staging", "after").await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deletes_take_only_the_object_of_the_plan() {
    let bench = Bench::new().await;
    bench.apply(&first(&bench, "a")).await.unwrap();
    let uid = bench.config_map("staging", "two").await.unwrap()["metadata"]["uid"].as_str().map(str::to_owned);
    let object = ObjectRef { uid, ..core("ConfigMap", "staging", "two") };
    let of = |nonce: &str| {
        let actions = vec![plans::action("two", SEGMENT, plans::delete(object.clone()), &[])];
        plans::plan(&bench.uid, nonce, actions, Vec::new(), vec![staging(&["one"])])
    };
    assert_eq!(bench.apply(&of("b")).await.unwrap().end, End::Done);
    assert!(bench.config_map("staging", "two").await.is_none());
    bench.put(&plans::config_map("staging", "two", "another")).await;
    assert_eq!(bench.apply(&of("c")).await.unwrap().end, End::Refused);
    assert!(bench.config_map("staging", "two").await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_record_and_a_resume_end_as_without_it() {
    let calm = Bench::new().await;
    let ears = Arc::new(Ears::default());
    calm.apply_with(&first(&calm, "a"), &options(), Arc::clone(&ears)).await.unwrap();
    let wanted = calm.end_state(&["staging"]).await;
    for nth in 1..=ears.journal_events() {
        let bench = Bench::new().await;
        let plan = first(&bench, "a");
        if let Some(outcome) = bench.apply_killed_at(&plan, nth).await {
            assert_eq!(outcome.unwrap().end, End::Done);
        }
        let again = bench.apply(&plan).await;
        match again {
            // Killed before its plan was in the journal: the file is as good as new.
            Ok(outcome) => assert_eq!(outcome.end, End::Done, "killed at {nth}"),
            Err(Refusal::Unfinished { .. }) => {
                let outcome = bench.resume().await.unwrap().unwrap();
                assert_eq!(outcome.end, End::Done, "killed at {nth}: {outcome:?}");
            }
            Err(Refusal::Used { result, .. }) => assert_eq!(result, "succeeded"),
            Err(other) => panic!("killed at {nth}: {other}"),
        }
        assert_eq!(bench.end_state(&["staging"]).await, wanted, "killed at {nth}");
        assert!(bench.resume().await.unwrap().is_none(), "killed at {nth}");
        assert!(matches!(bench.apply(&plan).await, Err(Refusal::Used { .. })), "killed at {nth}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resume_does_not_take_its_own_writes_for_somebody_elses() {
    let bench = Bench::new().await;
    bench.apply(&first(&bench, "a")).await.unwrap();
    let plan = update(&bench, "b", "new").await;
    assert!(bench.apply_killed_at(&plan, 6).await.is_none());
    // The write went through, its outcome was never journalled.
    bench.put(&plans::config_map("staging", "one", "new")).await;
    let outcome = bench.resume().await.unwrap().unwrap();
    assert_eq!(outcome.end, End::Done, "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_held_lock_is_refused_and_a_dead_holders_is_taken_over() {
    let bench = Bench::new().await;
    bench.apply(&first(&bench, "a")).await.unwrap();
    let timing = Timing::default();
    let elsewhere = Holder { host: "elsewhere".into(), ..Holder::this_process("other") };
    let told = |_: &str| {};
    let short = options().timing;
    let held = acquire(&bench.cluster, plans::PROJECT, SEGMENT, &elsewhere, short, &told).await.unwrap();
    let plan = update(&bench, "b", "new").await;
    let outcome = bench.apply(&plan).await.unwrap();
    assert_eq!((outcome.end, outcome.resumable), (End::Refused, true));
    assert!(outcome.stopped[0].1.contains("another apply is at work"), "{:?}", outcome.stopped);
    // Its process ends without a word: the lock is waited out.
    drop(held);
    assert_eq!(bench.resume().await.unwrap().unwrap().end, End::Done);
    // A process of this host that is gone is not waited for.
    let gone = Holder { pid: u32::MAX - 1, ..Holder::this_process("gone") };
    drop(acquire(&bench.cluster, plans::PROJECT, SEGMENT, &gone, timing, &told).await.unwrap());
    let plan = update(&bench, "c", "newer").await;
    let before = std::time::Instant::now();
    let options = apply::Options { timing, ..options() };
    assert_eq!(bench.apply_with(&plan, &options, Arc::new(Ears::default())).await.unwrap().end, End::Done);
    assert!(before.elapsed() < timing.lease, "it must not wait for the lease");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_approval_opens_a_gate_for_the_resume_and_for_an_apply_that_waits() {
    let bench = Bench::new().await;
    let of = |nonce: &str, name: &str| {
        let actions = vec![
            system(),
            plans::action("ns", SEGMENT, plans::create(plans::namespace("staging")), &["system"]),
            plans::action("gate", SEGMENT, plans::approval(), &["ns"]),
            plans::action("one", SEGMENT, plans::create(plans::config_map("staging", name, "1")), &["gate"]),
        ];
        plans::plan(&bench.uid, nonce, actions, Vec::new(), vec![staging(&["one"])])
    };
    let outcome = bench.apply(&of("a", "one")).await.unwrap();
    assert_eq!((outcome.end, outcome.resumable), (End::Waiting, true));
    assert_eq!(outcome.waiting[0].address, "gate");
    let lease = bench.get(&lock::lease(plans::PROJECT, SEGMENT)).await.unwrap();
    assert!(lease["spec"]["holderIdentity"].is_null(), "no lock is held at a gate: {lease}");
    assert_eq!(bench.resume().await.unwrap().unwrap().end, End::Waiting);
    assert!(matches!(
        apply::approve(plans::PROJECT, "one", "user:ada", 1, &bench.world).await,
        Err(Refusal::NoGate { .. })
    ));
    apply::approve(plans::PROJECT, "gate", "user:ada", 1, &bench.world).await.unwrap();
    let twice = apply::approve(plans::PROJECT, "gate", "user:ada", 1, &bench.world).await;
    assert!(matches!(twice, Err(Refusal::NoGate { .. })));
    assert_eq!(bench.resume().await.unwrap().unwrap().end, End::Done);
    let found = records::read_all(&bench.cluster, plans::PROJECT).await.unwrap();
    assert_eq!(found.newest["staging"].approvals[0].by, "user:ada");

    let mut plan = of("b", "two");
    plan.actions.retain(|action| !matches!(action.address.as_str(), "system" | "ns"));
    plan.actions[0].waits_for.clear();
    waybill_compiler::plan::digest::seal(&mut plan);
    let options = apply::Options { wait_seconds: 30, ..options() };
    let ears = Arc::new(Ears::default());
    let says_yes = async {
        while !ears.heard().iter().any(|event| matches!(event, Event::AtGate { .. })) {
            tokio::task::yield_now().await;
        }
        apply::approve(plans::PROJECT, "gate", "user:bob", 2, &bench.world).await.unwrap();
    };
    let (outcome, ()) = tokio::join!(bench.apply_with(&plan, &options, Arc::clone(&ears)), says_yes);
    assert_eq!(outcome.unwrap().end, End::Done);
    assert!(ears.heard().contains(&Event::Approved { address: "gate".into(), by: "user:bob".into() }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_plan_supersedes_an_unfinished_one() {
    let bench = Bench::new().await;
    let old = first(&bench, "a");
    assert!(bench.apply_killed_at(&old, 8).await.is_none(), "it must be cut off");
    assert!(matches!(bench.apply(&old).await, Err(Refusal::Unfinished { .. })));
    let actions = vec![plans::action("four", SEGMENT, plans::create(plans::config_map("default", "four", "4")), &[])];
    let new = plans::plan(&bench.uid, "b", actions, Vec::new(), vec![staging(&[])]);
    let ears = Arc::new(Ears::default());
    assert_eq!(bench.apply_with(&new, &options(), Arc::clone(&ears)).await.unwrap().end, End::Done);
    assert!(ears.heard().contains(&Event::Supersedes { plan: old.id.clone() }));
    assert!(matches!(bench.apply(&old).await, Err(Refusal::Superseded { by, .. }) if by == new.id));
    assert!(bench.resume().await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_journal_is_an_error_that_says_so() {
    let bench = Bench::new().await;
    let plan = first(&bench, "a");
    assert!(bench.apply_killed_at(&plan, 8).await.is_none(), "it must be cut off");
    let name = core("ConfigMap", SYSTEM_NAMESPACE, &format!("waybill-journal-{}-{}-000001", plans::PROJECT, plan.id));
    bench.cluster.delete(&name, None).await.unwrap();
    let error = bench.resume().await.unwrap_err().to_string();
    assert!(error.contains("the journal is damaged: record 1 is missing"), "{error}");
}
