//! One action's effect, and what the journal says of it afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;

use waybill_compiler::plan::Effect;
use waybill_compiler::plan::effect::{Commit, Gate, ObjectRef};
use waybill_compiler::plan::observed::Hold;

use crate::effects::kube::{Cluster, object};
use crate::effects::{CommitOutcome, Ctx, EffectError, World, gate, pod, traffic};
use crate::journal::record::ActionResult;
use crate::journal::records;

/// An action with its unknowns filled in.
pub(super) struct Job {
    pub effect: Effect,
    pub cluster: String,
    /// The number of a Pod's current try.
    pub attempt: u32,
    /// Versions to hold before an undo begins.
    pub holds: Vec<Hold>,
}

/// Does it. Everything here can be done again after a crash.
pub(super) async fn perform(world: Arc<World>, job: Job, ctx: &Ctx) -> Result<ActionResult, EffectError> {
    let cluster = world.cluster(&job.cluster).map_err(EffectError::failed)?;
    match &job.effect {
        Effect::Apply(effect) => {
            let live = object::apply(cluster, effect, ctx).await?;
            Ok(done("uid", live["metadata"]["uid"].as_str().unwrap_or_default()))
        }
        Effect::Delete(effect) => object::delete(cluster, effect, ctx).await.map(|()| ActionResult::done()),
        Effect::Pod(group) => {
            let values = pod::run::run(cluster, group, job.attempt, ctx).await?;
            Ok(ActionResult::Done { values, facts: BTreeMap::new() })
        }
        Effect::Commit(commit) => push(&world, commit.clone(), ctx).await,
        Effect::Traffic(effect) => traffic::stage(cluster, effect, ctx).await.map(|()| ActionResult::done()),
        Effect::Gate(Gate::Health { objects, timeout_seconds }) => {
            gate::health(cluster, objects, *timeout_seconds, ctx).await.map(|()| ActionResult::done())
        }
        Effect::Gate(Gate::Hold { .. } | Gate::Soak { .. } | Gate::Approval { .. }) => Ok(ActionResult::done()),
        Effect::UndoRollout(effect) => {
            // First the hold: whatever becomes of the undo, this version does not come back by itself.
            hold(cluster, &job.holds, ctx).await?;
            traffic::undo(cluster, effect, ctx).await.map(|()| ActionResult::done())
        }
        Effect::UndoCommit(commit) => revert(&world, commit.clone(), ctx).await,
    }
}

async fn hold(cluster: &Cluster, holds: &[Hold], ctx: &Ctx) -> Result<(), EffectError> {
    for one in holds {
        ctx.may_write()?;
        records::write_hold(cluster, &ctx.project, one).await?;
    }
    Ok(())
}

fn done(fact: &str, value: &str) -> ActionResult {
    let facts = BTreeMap::from([(fact.to_owned(), value.to_owned())]);
    ActionResult::Done { values: BTreeMap::new(), facts }
}

async fn push(world: &World, commit: Commit, ctx: &Ctx) -> Result<ActionResult, EffectError> {
    ctx.may_write()?;
    ctx.waits_for(&format!("the push to {}", commit.branch));
    let (git, plan, address) = (Arc::clone(&world.git), ctx.plan_id.clone(), ctx.address.clone());
    let outcome = blocking(move || git.push(&commit, &plan, &address)).await?;
    match outcome {
        CommitOutcome::Pushed { sha } | CommitOutcome::Already { sha } => Ok(pushed(&sha)),
        CommitOutcome::Superseded { by } => Ok(ActionResult::Superseded { by }),
        CommitOutcome::Moved { what } => Err(EffectError::Moved(what)),
    }
}

async fn revert(world: &World, commit: Commit, ctx: &Ctx) -> Result<ActionResult, EffectError> {
    ctx.may_write()?;
    ctx.waits_for(&format!("the push to {}", commit.branch));
    let (git, plan, address) = (Arc::clone(&world.git), ctx.plan_id.clone(), ctx.address.clone());
    let outcome = blocking(move || git.revert(&commit, &plan, &address)).await?;
    match outcome {
        CommitOutcome::Pushed { sha } | CommitOutcome::Already { sha } => Ok(pushed(&sha)),
        // What others have changed since is theirs: there is nothing left of ours to take back.
        CommitOutcome::Superseded { by } => Ok(done("kept", &by)),
        CommitOutcome::Moved { what } => Ok(done("kept", &what)),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, crate::effects::GitError> + Send + 'static,
) -> Result<T, EffectError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(answer) => answer.map_err(|error| EffectError::failed(error.0)),
        Err(error) => Err(EffectError::failed(format!("the push broke off: {error}"))),
    }
}

/// A commit's id under every name that a plan may ask for it by.
fn pushed(sha: &str) -> ActionResult {
    let short: String = sha.chars().take(7).collect();
    let values = [("commit", sha), ("commit.sha", sha), ("sha", sha), ("commit.short", &short), ("short", &short)];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    ActionResult::Done { values, facts: BTreeMap::from([("sha".to_owned(), sha.to_owned())]) }
}

/// The Pod of an earlier or the current try, to be cleaned up.
pub(super) fn pod_of(
    effect: &Effect,
    plan_id: &str,
    project: &str,
    address: &str,
    attempt: u32,
    embedded: bool,
) -> Option<ObjectRef> {
    match effect {
        Effect::Pod(group) => Some(pod::reference(group, pod::Place { plan_id, project, address, attempt, embedded })),
        Effect::Apply(_)
        | Effect::Delete(_)
        | Effect::Commit(_)
        | Effect::Traffic(_)
        | Effect::Gate(_)
        | Effect::UndoRollout(_)
        | Effect::UndoCommit(_) => None,
    }
}
