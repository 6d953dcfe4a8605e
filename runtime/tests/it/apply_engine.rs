//! Laws of the apply engine over random plans, and its answers in named situations.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use waybill_compiler::plan::effect::{Effect, Gate};
use waybill_compiler::plan::{Action, Plan};
use waybill_runtime::apply::engine::{self, Graph, Pace, Step};
use waybill_runtime::journal::fold::{Phase, Progress, State};
use waybill_runtime::journal::record::ActionResult;

use crate::plans;

const N: usize = 3;

/// What one action of a random plan is made of.
#[derive(Clone, Debug)]
struct Seed {
    kind: u8,
    segment: usize,
    /// Which of the earlier actions it waits for, as bits.
    waits: u32,
    result: u8,
    covered: bool,
}

fn seeds() -> impl Strategy<Value = Vec<Seed>> {
    let seed = (0u8..8, 0usize..3, any::<u32>(), 0u8..8, any::<bool>())
        .prop_map(|(kind, segment, waits, result, covered)| Seed { kind, segment, waits, result, covered });
    proptest::collection::vec(seed, 1..16)
}

/// The plan, and how each of its actions would end.
fn build(seeds: &[Seed]) -> (Plan, BTreeMap<String, ActionResult>) {
    let mut actions: Vec<Action> = Vec::new();
    let mut results = BTreeMap::new();
    for (at, seed) in seeds.iter().enumerate() {
        let segment = format!("environment.e{}", seed.segment);
        // As in any plan, the `finally` Pods come last, and nothing waits for them.
        let finally = |at: usize| seeds[at].kind == 6 && seeds[at..].iter().all(|later| later.kind != 5);
        let effect = match seed.kind {
            0 | 1 => plans::create(plans::config_map("n", &format!("c{at}"), "v")),
            2 => Effect::Commit(plans::commit("a", "b", "s")),
            3 => plans::stage("n", "app", 0, 1, None),
            4 => plans::hold(2),
            5 | 6 => plans::pod(Vec::new(), finally(at)),
            _ => Effect::Gate(Gate::Health { objects: Vec::new(), timeout_seconds: 1 }),
        };
        let waits: Vec<String> = (0..at)
            .filter(|before| seed.waits >> before & 1 == 1 && !finally(*before))
            .map(|before| format!("a{before}"))
            .collect();
        let waits: Vec<&str> = waits.iter().map(String::as_str).collect();
        let mut action = plans::action(&format!("a{at}"), &segment, effect, &waits);
        if seed.covered && matches!(seed.kind, 2 | 3) {
            action.undone_by = Some(format!("{}.undo.{}", segment, seed.kind));
        }
        let result = match (seed.kind, seed.result) {
            (2, 0) => ActionResult::Superseded { by: "newer".into() },
            (4, _) => ActionResult::done(),
            (_, 1 | 2) => ActionResult::failed("no"),
            _ => ActionResult::done(),
        };
        results.insert(action.address.clone(), result);
        actions.push(action);
    }
    let undo = actions.iter().filter_map(|action| action.undone_by.clone()).collect::<BTreeSet<_>>();
    let undo = undo.into_iter().map(|address| {
        let segment = address.split(".undo").next().unwrap().to_owned();
        let effect = if address.ends_with('2') {
            Effect::UndoCommit(plans::commit("b", "a", "s"))
        } else {
            plans::undo_rollout("n", "app", 1, serde_json::Value::Null, Vec::new())
        };
        plans::action(&address, &segment, effect, &[])
    });
    let undo = undo.collect();
    (plans::plan("u", "n", actions, undo, Vec::new()), results)
}

fn ended(state: &State, address: &str) -> Option<ActionResult> {
    match &state.actions.get(address)?.phase {
        Phase::Ended(result) => Some(result.clone()),
        Phase::Intended | Phase::Running => None,
    }
}

fn is_done(state: &State, address: &str) -> bool {
    matches!(ended(state, address), Some(ActionResult::Done { .. }))
}

fn running<'p>(plan: &'p Plan, state: &State) -> Vec<&'p Action> {
    let all = plan.actions.iter().chain(&plan.undo);
    all.filter(|action| state.actions.get(&action.address).is_some_and(|it| it.phase == Phase::Running)).collect()
}

fn is_heavy(action: &Action) -> bool {
    !matches!(action.effect, Effect::Apply(_) | Effect::Delete(_) | Effect::UndoRollout(_) | Effect::UndoCommit(_))
        && !engine::is_clockwork(action)
}

/// Runs the plan in the engine alone: `picks` says which running action ends next, or that the process is killed.
fn simulate(
    plan: &Plan,
    results: &BTreeMap<String, ActionResult>,
    picks: &[u8],
) -> Result<(State, Vec<String>), TestCaseError> {
    let graph = Graph::new(plan);
    let mut state = State::default();
    let mut started: Vec<String> = Vec::new();
    let mut now = 1_000_000;
    let mut picks = picks.iter().copied().cycle();
    let mut kills = 0;
    for _ in 0..2000 {
        match engine::next(&graph, &state, Pace { parallelism: N, stopping: false }, now) {
            Step::Run(actions) => {
                for action in actions {
                    check_start(plan, &state, action)?;
                    started.push(action.address.clone());
                    let progress = Progress { started_millis: now, ended_millis: None, phase: Phase::Running };
                    state.actions.insert(action.address.clone(), progress);
                }
                prop_assert!(running(plan, &state).into_iter().filter(|action| is_heavy(action)).count() <= N);
            }
            Step::WaitUntil(wait) => {
                let pick = picks.next().unwrap();
                let running = running(plan, &state);
                prop_assert_eq!(running.len(), wait.running);
                if let Some(action) = running.get(usize::from(pick) % running.len().max(1)) {
                    let kill = pick % 11 == 0 && kills < 20;
                    kills += u32::from(kill);
                    let result = results.get(&action.address).cloned().unwrap_or_else(ActionResult::done);
                    let progress = state.actions.get_mut(&action.address).unwrap();
                    progress.phase = if kill { Phase::Intended } else { Phase::Ended(result) };
                    progress.ended_millis = (!kill).then_some(now);
                } else {
                    let until = wait.until_millis();
                    prop_assert!(until.is_some_and(|until| until > now), "waits for nothing: {wait:?}");
                    now = until.unwrap();
                }
            }
            Step::Finished(_) => return Ok((state, started)),
        }
        now += 1;
    }
    Err(TestCaseError::fail("the plan does not end"))
}

fn check_start(plan: &Plan, state: &State, action: &Action) -> Result<(), TestCaseError> {
    let begun = state.actions.get(&action.address);
    prop_assert!(begun.is_none_or(|begun| begun.phase == Phase::Intended), "{} starts again", action.address);
    if plan.undo.iter().any(|undo| undo.address == action.address) {
        let covered = |other: &&Action| other.undone_by.as_deref() == Some(action.address.as_str());
        prop_assert!(!running(plan, state).iter().any(covered), "{} starts under its action", action.address);
        let latest = triggered(plan, state, action);
        let earlier = plan.undo.iter().filter(|other| other.segment == action.segment);
        for other in earlier.filter(|other| ended(state, &other.address).is_none()) {
            let wanted = triggered(plan, state, other);
            prop_assert!(wanted <= latest, "{} is taken back before {}", action.address, other.address);
        }
        return Ok(());
    }
    let finally = matches!(&action.effect, Effect::Pod(group) if group.finally);
    for before in &action.waits_for {
        let other = plan.actions.iter().find(|other| other.address == *before).unwrap();
        let sibling = finally && matches!(&other.effect, Effect::Pod(group) if !group.finally);
        prop_assert!(sibling || is_done(state, before), "{} starts before {before} is done", action.address);
        let open = state.actions.get(before).is_some_and(|it| !matches!(it.phase, Phase::Ended(_)));
        prop_assert!(!open, "{} starts while {before} goes on", action.address);
    }
    Ok(())
}

/// Whether `at` comes after `from` by the plan's edges, or is it.
fn after(plan: &Plan, from: &str, at: &Action) -> bool {
    at.address == from
        || at.waits_for.iter().any(|before| {
            let before = plan.actions.iter().find(|other| other.address == *before).unwrap();
            let finally = matches!(&at.effect, Effect::Pod(group) if group.finally);
            let sibling = finally && matches!(&before.effect, Effect::Pod(group) if !group.finally);
            !sibling && after(plan, from, before)
        })
}

/// The position of the latest action that an undo has to take back, if a failure asks for it by now.
fn triggered(plan: &Plan, state: &State, undo: &Action) -> Option<usize> {
    let covered: Vec<usize> =
        (0..plan.actions.len()).filter(|&at| plan.actions[at].undone_by.as_deref() == Some(&undo.address)).collect();
    let failed = plan.actions.iter().any(|one| {
        one.segment == undo.segment
            && matches!(ended(state, &one.address), Some(ActionResult::Failed { .. }))
            && covered.iter().any(|&covered| after(plan, &plan.actions[covered].address, one))
    });
    let begun = covered.into_iter().filter(|&at| match &plan.actions[at].effect {
        Effect::Commit(_) => is_done(state, &plan.actions[at].address),
        _ => state.actions.contains_key(&plan.actions[at].address),
    });
    begun.max().filter(|_| failed)
}

fn check_undo(plan: &Plan, state: &State, started: &[String]) -> Result<(), TestCaseError> {
    for undo in &plan.undo {
        let ran = started.contains(&undo.address);
        prop_assert_eq!(ran, triggered(plan, state, undo).is_some(), "undo {}", undo.address);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_run_ends_in_order_and_takes_back_what_it_must(
        seeds in seeds(),
        picks in proptest::collection::vec(any::<u8>(), 1..40),
    ) {
        let (plan, results) = build(&seeds);
        let (state, started) = simulate(&plan, &results, &picks)?;
        check_undo(&plan, &state, &started)?;
        for action in &plan.actions {
            let undone = action.undone_by.is_some();
            let open = state.actions.get(&action.address).is_some_and(|it| !matches!(it.phase, Phase::Ended(_)));
            prop_assert!(!open || undone || is_downstream_of_undo(&plan, action), "{} was left open", action.address);
            let none_failed = results.values().all(|result| matches!(result, ActionResult::Done { .. }));
            prop_assert!(!none_failed || is_done(&state, &action.address), "{} was not run", action.address);
        }
    }
}

/// What was cut off by a kill and then taken back with its rollout stays without an outcome until the segment ends.
fn is_downstream_of_undo(plan: &Plan, action: &Action) -> bool {
    let covered = plan.actions.iter().filter(|one| one.undone_by.is_some() && one.segment == action.segment);
    covered.into_iter().any(|covered| after(plan, &covered.address, action))
}

fn run_all(plan: &Plan, results: &[(&str, ActionResult)]) -> (State, Vec<String>) {
    let results = results.iter().map(|(address, result)| ((*address).to_owned(), result.clone())).collect();
    simulate(plan, &results, &[1]).unwrap()
}

#[test]
fn finally_runs_after_a_failure_but_not_if_nothing_ran() {
    let pipeline = |first: &str| {
        let actions = vec![
            plans::action("namespace", "pipelines", plans::create(plans::namespace("ci")), &[]),
            plans::action("build", "pipelines", plans::pod(Vec::new(), false), &["namespace"]),
            plans::action("report", "pipelines", plans::pod(Vec::new(), true), &["namespace", "build"]),
            plans::action("commit", "environment.s", Effect::Commit(plans::commit("a", "b", "s")), &["build"]),
        ];
        let plan = plans::plan("u", "n", actions, Vec::new(), Vec::new());
        run_all(&plan, &[(first, ActionResult::failed("no"))]).1
    };
    assert_eq!(pipeline("build"), ["namespace", "build", "report"]);
    assert_eq!(pipeline("namespace"), ["namespace"]);
    assert_eq!(pipeline("none"), ["namespace", "build", "report", "commit"]);
}

#[test]
fn a_superseded_commit_skips_the_rest_of_its_environment() {
    let segment = "environment.s";
    let actions = vec![
        plans::action("commit", segment, Effect::Commit(plans::commit("a", "b", "s")), &[]),
        plans::action("object", segment, plans::create(plans::config_map("n", "c", "v")), &["commit"]),
        plans::action("apart", segment, plans::create(plans::config_map("n", "d", "v")), &["object"]),
        plans::action("other", "environment.t", plans::create(plans::config_map("n", "e", "v")), &[]),
    ];
    let plan = plans::plan("u", "n", actions, Vec::new(), Vec::new());
    let (state, started) = run_all(&plan, &[("commit", ActionResult::Superseded { by: "newer".into() })]);
    assert_eq!(started, ["commit", "other"]);
    let summary = engine::summary(&Graph::new(&plan), &state);
    assert_eq!(summary.superseded, [("commit".to_owned(), "newer".to_owned())]);
    assert_eq!(summary.failed, []);
}

fn rollout() -> Plan {
    let segment = "environment.p";
    let (undo, revert) = ("environment.p.rollout.app.undo", "environment.p.commit.undo");
    let commit = plans::action("commit", segment, Effect::Commit(plans::commit("a", "b", "s")), &[]);
    let actions = vec![
        plans::undone_by(commit, revert),
        plans::undone_by(plans::action("stage[0]", segment, plans::stage("n", "app", 0, 1, None), &["commit"]), undo),
        plans::undone_by(plans::action("hold", segment, plans::hold(5), &["stage[0]"]), undo),
        plans::undone_by(plans::action("stage[1]", segment, plans::stage("n", "app", 1, 1, None), &["hold"]), undo),
        plans::action("health", segment, plans::hold(0), &["stage[1]"]),
    ];
    let template = serde_json::Value::Null;
    let undo = vec![
        plans::action(revert, segment, Effect::UndoCommit(plans::commit("b", "a", "s")), &[]),
        plans::action(undo, segment, plans::undo_rollout("n", "app", 1, template, Vec::new()), &[]),
    ];
    plans::plan("u", "n", actions, undo, Vec::new())
}

#[test]
fn a_failed_stage_takes_back_the_rollout_then_the_commit() {
    let (state, started) = run_all(&rollout(), &[("stage[1]", ActionResult::failed("no"))]);
    let undone = ["environment.p.rollout.app.undo", "environment.p.commit.undo"];
    assert_eq!(started, ["commit", "stage[0]", "hold", "stage[1]", undone[0], undone[1]]);
    assert!(is_done(&state, undone[0]) && is_done(&state, undone[1]));
}

#[test]
fn a_hold_is_waited_out_and_a_stop_in_it_takes_the_rollout_back() {
    let plan = rollout();
    let graph = Graph::new(&plan);
    let mut state = State::default();
    for address in ["commit", "stage[0]"] {
        let phase = Phase::Ended(ActionResult::done());
        state.actions.insert(address.into(), Progress { started_millis: 0, ended_millis: Some(1000), phase });
    }
    let pace = |stopping| Pace { parallelism: 1, stopping };
    let Step::WaitUntil(wait) = engine::next(&graph, &state, pace(false), 5999) else { panic!("it must wait") };
    assert_eq!(wait.until_millis(), Some(6000));
    assert!(wait.must_stay());
    let Step::Run(run) = engine::next(&graph, &state, pace(false), 6000) else { panic!("the hold is over") };
    assert_eq!(run[0].address, "hold");
    let Step::Run(run) = engine::next(&graph, &state, pace(true), 5999) else { panic!("it must take back") };
    assert_eq!(run.iter().map(|one| one.address.as_str()).collect::<Vec<_>>(), ["environment.p.rollout.app.undo"]);
    assert!(engine::undo_interrupts(&graph, &state, &run[0].address));
    assert_eq!(engine::undoes(&graph, &state, &run[0].address), ["stage[0]"]);
}

#[test]
fn a_stop_before_the_rollout_takes_nothing_back() {
    let plan = rollout();
    let graph = Graph::new(&plan);
    let mut state = State::default();
    let phase = Phase::Ended(ActionResult::done());
    state.actions.insert("commit".into(), Progress { started_millis: 0, ended_millis: Some(1), phase });
    let step = engine::next(&graph, &state, Pace { parallelism: 1, stopping: true }, 5);
    assert!(matches!(step, Step::Finished(_)), "{step:?}");
}

#[test]
fn an_approval_opens_its_gate() {
    let segment = "environment.p";
    let actions = vec![
        plans::action("gate", segment, plans::approval(), &[]),
        plans::action("object", segment, plans::create(plans::config_map("n", "c", "v")), &["gate"]),
    ];
    let plan = plans::plan("u", "n", actions, Vec::new(), Vec::new());
    let graph = Graph::new(&plan);
    let pace = Pace { parallelism: 1, stopping: false };
    let mut state = State::default();
    let Step::WaitUntil(wait) = engine::next(&graph, &state, pace, 0) else { panic!("it must wait") };
    assert_eq!(wait.gates[0].what, "needs the approval of group:sre");
    assert!(!wait.must_stay());
    let approval = waybill_compiler::plan::observed::Approval { address: "gate".into(), by: "user:ada".into(), at: 1 };
    state.approvals.push(approval);
    assert!(matches!(engine::next(&graph, &state, pace, 0), Step::Run(run) if run[0].address == "gate"));
}
