//! Whether the facts that a segment rests on still hold, asked when it starts to act.
//!
//! **Invariant:** reads only. What this plan has written or begun to write is left out: it is compared with the journal.

use futures::stream::{self, StreamExt};
use waybill_compiler::plan::{Action, Effect};

use super::engine::Graph;
use crate::effects::kube::{Cluster, KubeError, object_ref, stale};
use crate::effects::{EffectError, traffic};
use crate::journal::SYSTEM_NAMESPACE;
use crate::journal::fold::State;

/// What moved, in the plan's order, the first one; `None` if all is as planned.
pub(super) async fn moved(
    cluster: &Cluster,
    graph: &Graph<'_>,
    state: &State,
    segment: &str,
    parallelism: usize,
) -> Result<Option<String>, EffectError> {
    let actions = graph.plan.actions.iter();
    let open = actions.filter(|action| action.segment == segment && !state.actions.contains_key(&action.address));
    let mut answers = stream::iter(open).map(|action| of_action(cluster, action)).buffered(parallelism.max(1));
    while let Some(answer) = answers.next().await {
        if let Some(what) = answer? {
            return Ok(Some(what));
        }
    }
    Ok(None)
}

async fn of_action(cluster: &Cluster, action: &Action) -> Result<Option<String>, EffectError> {
    match &action.effect {
        Effect::Apply(effect) => {
            let object = object_ref(&effect.object);
            if object.kind == "Namespace" && object.name == SYSTEM_NAMESPACE {
                // Locks lie in it: apply itself makes it, when it takes the first one.
                return Ok(None);
            }
            let live = live(cluster, &object).await?;
            Ok(stale::apply(effect, live.as_ref()))
        }
        Effect::Delete(effect) => Ok(stale::delete(effect, live(cluster, &effect.object).await?.as_ref())),
        Effect::Traffic(effect) => traffic::check(cluster, effect).await,
        // A scalar in git is compared when the commit is made, a Pod rests on nothing.
        Effect::Pod(_) | Effect::Commit(_) | Effect::Gate(_) | Effect::UndoRollout(_) | Effect::UndoCommit(_) => {
            Ok(None)
        }
    }
}

/// A kind that is not served has no objects.
async fn live(
    cluster: &Cluster,
    object: &waybill_compiler::plan::effect::ObjectRef,
) -> Result<Option<serde_json::Value>, EffectError> {
    match cluster.get(object).await {
        Ok(live) => Ok(live),
        Err(KubeError::NotServed(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
