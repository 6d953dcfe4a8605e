//! Before the first step: what refuses a plan, what an earlier plan left behind, the first records.
//!
//! **Invariant:** nothing is written before every check has passed, but for the namespace that the journal lies in, which
//! is an action of the plan.

use std::sync::Arc;

use tokio::sync::watch;
use waybill_compiler::plan::effect::Gate;
use waybill_compiler::plan::{Action, Effect, Plan};

use super::drive::{Drive, Parts};
use super::event::{Event, Sink};
use super::{Options, Outcome, Refusal, now_millis};
use crate::effects::kube::{Cluster, namespace, object, object_ref};
use crate::effects::{Ctx, World};
use crate::journal::SYSTEM_NAMESPACE;
use crate::journal::lock::{Fence, Holder, LockError, acquire};
use crate::journal::record::{ActionOutcome, ActionResult, Record};
use crate::journal::store::{self, Begun, Journal, JournalError};

/// Applies a plan that was not begun before.
pub(super) async fn run(
    plan: &Plan,
    world: Arc<World>,
    options: &Options,
    events: Arc<dyn Sink>,
    stop: watch::Receiver<bool>,
) -> Result<Outcome, Refusal> {
    if plan.offline {
        return Err(Refusal::Offline);
    }
    check_tool(plan, options)?;
    check_targets(plan, &world).await?;
    let home = world.home().map_err(Refusal::Unreachable)?.clone();
    let options = with_plan(options, &plan.id);
    let begun = begun_plans(&home, &plan.project).await?;
    refuse_known(&begun, plan)?;
    if plan.actions.is_empty() {
        return Ok(nothing_to_do(plan));
    }
    for old in begun.iter().filter(|old| old.plan != plan.id && old.is_unfinished()) {
        supersede(old, plan, &world, &options, &events).await?;
    }
    events.event(Event::Began { plan: plan.id.clone(), resumed: false, actions: plan.actions.len() });
    let bootstrap = make_namespace(plan, &world.home, &home, &events).await?;
    if let Some(broken) = begun.iter().find(|old| old.plan == plan.id) {
        broken.open(&home, &plan.project, &options.holder.to_string()).discard().await?;
    }
    let by = options.holder.to_string();
    let (journal, state) = Journal::begin(&home, plan, &by, now_millis()).await.map_err(lost_race)?;
    let mut drive = Drive::new(Parts { plan, world, options: &options, events, stop, journal, state });
    if let Some((action, uid)) = bootstrap {
        let facts = [("uid".to_owned(), uid)].into();
        let result = ActionResult::Done { values: Default::default(), facts };
        drive.append(Record::Intent { actions: vec![action.address.clone()] }).await?;
        let outcome = ActionOutcome { action: action.address.clone(), result };
        drive.append(Record::Outcome { outcomes: vec![outcome] }).await?;
    }
    drive.run().await
}

/// Goes on with the oldest unfinished plan of the project, or with that plan; `None` if there is nothing to go on with.
pub async fn resume(
    project: &str,
    plan_id: Option<&str>,
    world: Arc<World>,
    options: &Options,
    events: Arc<dyn Sink>,
    stop: watch::Receiver<bool>,
) -> Result<Option<Outcome>, Refusal> {
    let home = world.home().map_err(Refusal::Unreachable)?.clone();
    let begun = begun_plans(&home, project).await?;
    let found = begun.iter().find(|begun| match plan_id {
        Some(id) => begun.plan == id,
        None => begun.is_unfinished(),
    });
    let Some(begun) = found else { return Ok(None) };
    if let Some(by) = &begun.state.superseded_by {
        return Err(Refusal::Superseded { plan: begun.plan.clone(), by: by.clone() });
    }
    if !begun.is_unfinished() {
        return Ok(None);
    }
    let plan = begun.read_plan()?;
    check_tool(&plan, options)?;
    check_targets(&plan, &world).await?;
    events.event(Event::Began { plan: plan.id.clone(), resumed: true, actions: plan.actions.len() });
    let options = with_plan(options, &plan.id);
    let journal = begun.open(&home, project, &options.holder.to_string());
    let state = begun.state.clone();
    Drive::new(Parts { plan: &plan, world, options: &options, events, stop, journal, state }).run().await.map(Some)
}

/// Says yes to a gate of an unfinished plan. `at` in seconds since 1970. Gives the plan.
pub async fn approve(project: &str, address: &str, by: &str, at: i64, world: &World) -> Result<String, Refusal> {
    let home = world.home().map_err(Refusal::Unreachable)?;
    let no_gate = |why: String| Refusal::NoGate { address: address.to_owned(), why };
    let begun = begun_plans(home, project).await?;
    let mut reason = "no plan of the project waits".to_owned();
    for begun in begun.iter().filter(|begun| begun.is_unfinished()) {
        let plan = begun.read_plan()?;
        let Some(action) = plan.actions.iter().find(|action| action.address == address) else {
            reason = format!("plan {} has no such gate", plan.id);
            continue;
        };
        if !matches!(action.effect, Effect::Gate(Gate::Approval { .. })) {
            return Err(no_gate("it is no approval gate".into()));
        }
        if begun.state.approved(address) {
            return Err(no_gate("it is approved already".into()));
        }
        let record = Record::Approved { address: address.to_owned(), by: by.to_owned(), at };
        append_late(begun.open(home, project, by), record).await?;
        return Ok(plan.id);
    }
    Err(no_gate(reason))
}

/// An approval has no claim on the head: it goes behind whatever the applier appends meanwhile.
async fn append_late(mut journal: Journal, record: Record) -> Result<(), Refusal> {
    for _ in 0..100 {
        match journal.append(record.clone(), now_millis()).await {
            Ok(_) => return Ok(()),
            Err(JournalError::Fenced { what, .. }) if what == "ended" || what == "superseded-by" => {
                return Err(Refusal::Unreachable("the plan has ended meanwhile".into()));
            }
            Err(JournalError::Fenced { .. }) => journal.pass_over(),
            Err(error) => return Err(error.into()),
        }
    }
    Err(Refusal::Unreachable("the journal grows too fast".into()))
}

fn with_plan(options: &Options, plan: &str) -> Options {
    Options { holder: Holder { plan: plan.to_owned(), ..options.holder.clone() }, ..options.clone() }
}

fn nothing_to_do(plan: &Plan) -> Outcome {
    Outcome {
        plan: plan.id.clone(),
        end: super::End::Done,
        summary: Default::default(),
        waiting: Vec::new(),
        stopped: Vec::new(),
        resumable: false,
    }
}

fn check_tool(plan: &Plan, options: &Options) -> Result<(), Refusal> {
    if plan.tool == options.tool {
        return Ok(());
    }
    Err(Refusal::Tool { plan: plan.tool.clone(), ours: options.tool.clone() })
}

async fn check_targets(plan: &Plan, world: &World) -> Result<(), Refusal> {
    for target in &plan.targets {
        let refused = |why: String| Refusal::Target { cluster: target.cluster.clone(), why };
        let cluster = world.cluster(&target.cluster).map_err(refused)?;
        let uid = cluster.uid().await.map_err(|error| Refusal::Unreachable(error.to_string()))?;
        if uid != target.uid {
            return Err(refused(format!("the plan is for the cluster with uid {}, this one has {uid}", target.uid)));
        }
    }
    Ok(())
}

async fn begun_plans(home: &Cluster, project: &str) -> Result<Vec<Begun>, Refusal> {
    let there = home.get(&namespace(SYSTEM_NAMESPACE)).await;
    let there = there.map_err(|error| Refusal::Unreachable(error.to_string()))?;
    if there.is_none() { Ok(Vec::new()) } else { Ok(store::list(home, project).await?) }
}

fn refuse_known(begun: &[Begun], plan: &Plan) -> Result<(), Refusal> {
    let Some(known) = begun.iter().find(|known| known.plan == plan.id) else { return Ok(()) };
    let plan = plan.id.clone();
    match (&known.state.superseded_by, &known.state.ended) {
        (Some(by), _) => Err(Refusal::Superseded { plan, by: by.clone() }),
        (None, Some(result)) => Err(Refusal::Used { plan, result: result.clone() }),
        (None, None) if known.is_unfinished() => Err(Refusal::Unfinished { plan }),
        // Killed while its plan was being written: nothing was done under it.
        (None, None) => Ok(()),
    }
}

fn lost_race(error: JournalError) -> Refusal {
    match error {
        JournalError::Fenced { by, .. } => Refusal::LockHeld { segment: "the journal".into(), by },
        JournalError::Corrupt(_) | JournalError::NoNamespace | JournalError::Api(_) => Refusal::Journal(error),
    }
}

/// An older plan that shares a segment with the new one is refused from now on. A rollout that it left in the middle is
/// taken back first; whoever is still at work on it keeps it.
async fn supersede(
    old: &Begun,
    plan: &Plan,
    world: &Arc<World>,
    options: &Options,
    events: &Arc<dyn Sink>,
) -> Result<(), Refusal> {
    let old_plan = old.read_plan()?;
    let shared = |segment: &&String| plan.segments.iter().any(|planned| planned.name == **segment);
    let mut segments: Vec<String> =
        old_plan.segments.iter().map(|planned| &planned.name).filter(shared).cloned().collect();
    if segments.is_empty() {
        return Ok(());
    }
    segments.sort();
    let home = world.home().map_err(Refusal::Unreachable)?.clone();
    for segment in &segments {
        let name = old_plan.segments.iter().find(|planned| planned.name == *segment).map(|planned| &planned.cluster);
        let cluster = world.cluster(name.unwrap_or(&world.home)).map_err(Refusal::Unreachable)?;
        let held = |holder: &str| {
            events.event(Event::LockHeld { segment: segment.clone(), holder: holder.to_owned() });
        };
        match acquire(cluster, &plan.project, segment, &options.holder, options.timing, &held).await {
            Ok(lock) => lock.release().await,
            Err(LockError::Held { by }) => return Err(Refusal::LockHeld { segment: segment.clone(), by }),
            Err(LockError::Api(why)) => return Err(Refusal::Unreachable(why)),
        }
    }
    events.event(Event::Supersedes { plan: old.plan.clone() });
    let journal = old.open(&home, &plan.project, &options.holder.to_string());
    let (_keep, stop) = watch::channel(true);
    let parts = Parts {
        plan: &old_plan,
        world: Arc::clone(world),
        options,
        events: Arc::clone(events),
        stop,
        journal,
        state: old.state.clone(),
    };
    let mut drive = Drive::new(parts);
    if !drive.take_back_rollouts().await? {
        let why = format!("the rollout that plan {} left in the middle could not be taken back", old.plan);
        return Err(Refusal::Stale { why });
    }
    let last = drive.append(Record::SupersededBy { plan: plan.id.clone() }).await?;
    drive.compact(&last).await;
    Ok(())
}

/// The namespace of journal and locks, if the plan makes it: its action and the uid.
async fn make_namespace<'p>(
    plan: &'p Plan,
    home_name: &str,
    home: &Cluster,
    events: &Arc<dyn Sink>,
) -> Result<Option<(&'p Action, String)>, Refusal> {
    let makes = |action: &&Action| match &action.effect {
        Effect::Apply(effect) => {
            let name = object_ref(&effect.object);
            name.kind == "Namespace" && name.group.is_empty() && name.name == SYSTEM_NAMESPACE
        }
        Effect::Delete(_)
        | Effect::Pod(_)
        | Effect::Commit(_)
        | Effect::Traffic(_)
        | Effect::Gate(_)
        | Effect::UndoRollout(_)
        | Effect::UndoCommit(_) => false,
    };
    let action = plan.actions.iter().filter(makes).find(|action| action.cluster == home_name);
    let there = home.get(&namespace(SYSTEM_NAMESPACE)).await;
    let there = there.map_err(|error| Refusal::Unreachable(error.to_string()))?;
    let Some(action) = action else {
        let deleted = || Refusal::Stale { why: format!("the namespace {SYSTEM_NAMESPACE} was deleted") };
        return there.map(|_| None).ok_or_else(deleted);
    };
    if let Some(there) = there {
        // Another plan of ours, or this one before it was killed, was faster.
        return Ok(Some((action, there["metadata"]["uid"].as_str().unwrap_or_default().to_owned())));
    }
    let Effect::Apply(effect) = &action.effect else { return Ok(None) };
    let (_keep, stop) = watch::channel(false);
    let ctx = Ctx {
        address: action.address.clone(),
        plan_id: plan.id.clone(),
        project: plan.project.clone(),
        events: Arc::clone(events),
        stop,
        fence: Fence::open(),
        waiting: Arc::default(),
    };
    events.event(Event::Started { address: action.address.clone() });
    let before = tokio::time::Instant::now();
    let live = object::apply(home, effect, &ctx).await.map_err(|error| Refusal::Stale { why: error.to_string() })?;
    let millis = u64::try_from(before.elapsed().as_millis()).unwrap_or(u64::MAX);
    events.event(Event::Done { address: action.address.clone(), millis, detail: String::new() });
    Ok(Some((action, live["metadata"]["uid"].as_str().unwrap_or_default().to_owned())))
}
