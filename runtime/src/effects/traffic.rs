//! Rollout stages by replica counts, and what takes a whole rollout back.
//!
//! **Invariant:** capacity is never taken away before its replacement is available: the canary grows before the stable
//! Deployment shrinks, and the stable one is whole again before the canary goes.

use std::time::Duration;

use serde_json::{Value, json};
use waybill_compiler::plan::canary::{TRACK, TRACK_LABEL};
use waybill_compiler::plan::effect::{Delete, ObjectRef, Traffic, UndoRollout};

use super::kube::health::{Health, health};
use super::kube::{Cluster, MANAGER, display, managers, object};
use super::{Ctx, EffectError, Wait};

const TRIES: u32 = 6;

/// Brings one stage about: canary up, stable to its replicas, both available; or the canary away.
pub async fn stage(cluster: &Cluster, effect: &Traffic, ctx: &Ctx) -> Result<(), EffectError> {
    let timeout = Duration::from_secs(effect.timeout_seconds);
    let mut wait = Wait::new(ctx, timeout);
    if let Some(canary) = &effect.canary {
        if let Some(live) = cluster.get(&effect.canary_ref).await? {
            check_canary(&live, &effect.canary_ref)?;
        }
        ctx.may_write()?;
        cluster.apply(&effect.canary_ref, canary, true, false).await?;
        available(cluster, &effect.canary_ref, Some(effect.canary_replicas), &mut wait).await?;
    }
    if let Some(replicas) = effect.stable_replicas {
        scale(cluster, &effect.stable, replicas, ctx).await?;
    }
    available(cluster, &effect.stable, effect.stable_replicas, &mut wait).await?;
    if effect.canary.is_none() {
        remove(cluster, &effect.canary_ref, "stage-end", ctx).await?;
    }
    Ok(())
}

/// Gives the stable Deployment its replicas and template back, waits for it, then removes the canary. The stable one is
/// fully up before the canary goes; if it cannot get there the canary stays, for it may be what still serves.
pub async fn undo(cluster: &Cluster, effect: &UndoRollout, ctx: &Ctx) -> Result<(), EffectError> {
    let mut wait = Wait::new(ctx, Duration::from_secs(effect.timeout_seconds));
    restore(cluster, effect, ctx).await?;
    available(cluster, &effect.stable, Some(effect.replicas), &mut wait).await?;
    remove(cluster, &effect.canary, "undo", ctx).await
}

/// Whether the plan's stable Deployment is still the one that is there; what moved, if not.
pub async fn check(cluster: &Cluster, effect: &Traffic) -> Result<Option<String>, EffectError> {
    let live = cluster.get(&effect.stable).await?;
    Ok(match (live, &effect.stable.uid) {
        (None, _) => Some(format!("{} was deleted since the plan was made", display(&effect.stable))),
        (Some(live), Some(uid)) if live["metadata"]["uid"] != uid.as_str() => {
            Some(format!("{} was replaced by another of that name", display(&effect.stable)))
        }
        (Some(_), _) => None,
    })
}

async fn restore(cluster: &Cluster, effect: &UndoRollout, ctx: &Ctx) -> Result<(), EffectError> {
    for _ in 0..TRIES {
        let mut live = same_object(cluster, &effect.stable).await?;
        if live["spec"]["template"] == effect.template && live["spec"]["replicas"] == effect.replicas {
            return Ok(());
        }
        live["spec"]["template"] = effect.template.clone();
        live["spec"]["replicas"] = json!(effect.replicas);
        ctx.may_write()?;
        match cluster.replace(&effect.stable, &live).await {
            Ok(written) => return own_by_apply(cluster, effect, written, ctx).await,
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(changed_too_often(&effect.stable))
}

/// Gives what the replace has written to the manager of our applies: else a later apply that leaves a field out would
/// not remove it. The replicas stay: an apply whose manifest has none would reset them.
async fn own_by_apply(cluster: &Cluster, effect: &UndoRollout, mut live: Value, ctx: &Ctx) -> Result<(), EffectError> {
    for _ in 0..TRIES {
        let Some(entries) = managers::merged(&live, MANAGER, &["f:spec", "f:replicas"]) else { return Ok(()) };
        live["metadata"]["managedFields"] = entries;
        ctx.may_write()?;
        match cluster.replace(&effect.stable, &live).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_conflict() => live = same_object(cluster, &effect.stable).await?,
            Err(error) => return Err(error.into()),
        }
    }
    Err(changed_too_often(&effect.stable))
}

async fn scale(cluster: &Cluster, stable: &ObjectRef, replicas: u32, ctx: &Ctx) -> Result<(), EffectError> {
    for _ in 0..TRIES {
        let live = same_object(cluster, stable).await?;
        if live["spec"]["replicas"] == replicas {
            return Ok(());
        }
        let patch = json!({
            "metadata": {"uid": live["metadata"]["uid"], "resourceVersion": live["metadata"]["resourceVersion"]},
            "spec": {"replicas": replicas},
        });
        ctx.may_write()?;
        match cluster.merge(stable, &patch).await {
            Ok(_) => return Ok(()),
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(changed_too_often(stable))
}

fn changed_too_often(object: &ObjectRef) -> EffectError {
    EffectError::failed(format!("{} was changed by others {TRIES} times during the write", display(object)))
}

async fn same_object(cluster: &Cluster, object: &ObjectRef) -> Result<Value, EffectError> {
    let Some(live) = cluster.get(object).await? else {
        return Err(EffectError::failed(format!("{} does not exist any more", display(object))));
    };
    if object.uid.as_deref().is_some_and(|uid| live["metadata"]["uid"] != uid) {
        return Err(EffectError::failed(format!("{} was replaced by another of that name", display(object))));
    }
    Ok(live)
}

/// Waits until the Deployment is healthy with that many replicas (or as many as it asks for).
async fn available(
    cluster: &Cluster,
    deployment: &ObjectRef,
    replicas: Option<u32>,
    wait: &mut Wait<'_>,
) -> Result<(), EffectError> {
    let name = display(deployment);
    loop {
        let live = same_object(cluster, deployment).await?;
        let asked = live["spec"]["replicas"].as_u64().unwrap_or(1);
        if let Some(replicas) = replicas
            && asked != u64::from(replicas)
        {
            return Err(EffectError::failed(format!("{name} was scaled to {asked} by others, not {replicas}")));
        }
        match health(&live) {
            Health::Healthy => return Ok(()),
            Health::Failed(why) => return Err(EffectError::failed(format!("{name}: {why}"))),
            Health::Progressing(why) => wait.pause(&format!("{name}: {why}")).await?,
        }
    }
}

/// A Deployment of that name which somebody else made is neither overwritten nor removed.
fn check_canary(live: &Value, canary: &ObjectRef) -> Result<(), EffectError> {
    if live["spec"]["template"]["metadata"]["labels"][TRACK_LABEL] == TRACK {
        return Ok(());
    }
    Err(EffectError::failed(format!("{} is not a canary of ours; it is left alone", display(canary))))
}

async fn remove(cluster: &Cluster, canary: &ObjectRef, cause: &str, ctx: &Ctx) -> Result<(), EffectError> {
    let Some(live) = cluster.get(canary).await? else { return Ok(()) };
    check_canary(&live, canary)?;
    let uid = live["metadata"]["uid"].as_str().map(str::to_owned);
    let effect = Delete { object: ObjectRef { uid, ..canary.clone() }, cause: cause.to_owned() };
    object::delete(cluster, &effect, ctx).await
}
