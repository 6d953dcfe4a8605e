//! Object actions: server-side apply and delete, with their preconditions and barriers.
//!
//! **Invariant:** a write carries the uid and resourceVersion that were compared with the plan's facts just before; where
//! that race is lost the facts are compared again, a bounded number of times.

use std::time::Duration;

use serde_json::{Value, json};
use waybill_compiler::plan::effect::{Apply, Delete, ObjectRef};

use super::health::{Health, health};
use super::{Cluster, KubeError, display, object_ref, stale};
use crate::effects::{Ctx, EffectError, Wait};

const TRIES: u32 = 6;
const BARRIER_TIMEOUT: Duration = Duration::from_secs(120);
const DELETE_TIMEOUT: Duration = Duration::from_secs(300);

/// Applies the object and gives it as it is afterwards. A namespace is awaited until it is active, a CRD until it is
/// established, so that waiting for this action is enough for what comes inside them.
pub async fn apply(cluster: &Cluster, effect: &Apply, ctx: &Ctx) -> Result<Value, EffectError> {
    let name = object_ref(&effect.object);
    let kind = wait_until_served(cluster, &name, ctx).await?;
    if !kind.namespaced && !name.namespace.is_empty() {
        return Err(EffectError::failed(format!("{} is not namespaced", name.kind)));
    }
    let written = write(cluster, effect, &name, ctx).await?;
    match name.kind.as_str() {
        "Namespace" | "CustomResourceDefinition" => healthy(cluster, &name, BARRIER_TIMEOUT, ctx).await,
        _ => Ok(written),
    }
}

async fn write(cluster: &Cluster, effect: &Apply, name: &ObjectRef, ctx: &Ctx) -> Result<Value, EffectError> {
    for _ in 0..TRIES {
        let live = cluster.get(name).await?;
        if let Some(what) = stale::apply(effect, live.as_ref()) {
            return match live {
                Some(live) if done_already(cluster, effect, name, &live).await => Ok(live),
                Some(_) | None => Err(EffectError::Moved(what)),
            };
        }
        let body = with_preconditions(&effect.object, live.as_ref());
        ctx.may_write()?;
        match cluster.apply(name, &body, effect.force, false).await {
            Ok(written) => return Ok(written),
            Err(error) if error.is_with_ourselves() => {
                ctx.may_write()?;
                match cluster.apply(name, &body, true, false).await {
                    Ok(written) => return Ok(written),
                    Err(error) if error.is_conflict() => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) if !error.field_conflicts().is_empty() => return Err(conflict(name, &error)),
            Err(error) if error.is_conflict() => {}
            Err(error) => return Err(error.into()),
        }
        ctx.waits_for(&format!("{} is being changed by others; looking at it again", display(name)));
    }
    Err(EffectError::failed(format!("{} was changed by others {TRIES} times during the write", display(name))))
}

/// A resumed apply meets its own writes: what a dry run would leave unchanged is written already.
async fn done_already(cluster: &Cluster, effect: &Apply, name: &ObjectRef, live: &Value) -> bool {
    match cluster.apply(name, &effect.object, effect.force, true).await {
        Ok(dry_run) => stale::same_but_for_bookkeeping(live, &dry_run),
        Err(_) => false,
    }
}

fn with_preconditions(object: &Value, live: Option<&Value>) -> Value {
    let mut body = object.clone();
    if let Some(live) = live {
        body["metadata"]["uid"] = live["metadata"]["uid"].clone();
        body["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
    }
    body
}

fn conflict(name: &ObjectRef, error: &KubeError) -> EffectError {
    let fields: Vec<String> =
        error.field_conflicts().into_iter().map(|(manager, field)| format!("{field} ({manager})")).collect();
    EffectError::failed(format!("others own fields of {} that the plan writes: {}", display(name), fields.join(", ")))
}

/// The kind may be made by this same plan: its CRD is established by then, but discovery can lag behind.
async fn wait_until_served(cluster: &Cluster, name: &ObjectRef, ctx: &Ctx) -> Result<super::Kind, EffectError> {
    let mut wait = Wait::new(ctx, Duration::from_secs(20));
    loop {
        match cluster.kind(name).await {
            Ok(kind) => return Ok(kind),
            Err(KubeError::NotServed(kind)) => wait.pause(&format!("{kind} is not served yet")).await?,
            Err(error) => return Err(error.into()),
        }
    }
}

/// Deletes exactly the planned object and waits until it is gone.
pub async fn delete(cluster: &Cluster, effect: &Delete, ctx: &Ctx) -> Result<(), EffectError> {
    let mut wait = Wait::new(ctx, DELETE_TIMEOUT);
    let mut asked = false;
    let mut uid = effect.object.uid.clone();
    loop {
        let live = match cluster.get(&effect.object).await {
            Err(KubeError::NotServed(_)) => return Ok(()),
            answer => answer?,
        };
        let Some(live) = live else { return Ok(()) };
        if uid.as_deref().is_some_and(|uid| live["metadata"]["uid"] != uid) {
            // After our own request another object of the name may stand there: the planned one is gone.
            return match stale::delete(effect, Some(&live)) {
                Some(what) if !asked => Err(EffectError::Moved(what)),
                Some(_) | None => Ok(()),
            };
        }
        if !asked && live["metadata"]["deletionTimestamp"].is_null() {
            uid = live["metadata"]["uid"].as_str().map(str::to_owned);
            ctx.may_write()?;
            match cluster.delete(&effect.object, uid.as_deref()).await {
                Ok(()) => asked = true,
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(error.into()),
            }
            continue;
        }
        wait.pause(&still_there(&effect.object, &live)).await?;
    }
}

fn still_there(object: &ObjectRef, live: &Value) -> String {
    let finalizers: Vec<&str> =
        live["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if finalizers.is_empty() {
        format!("{} is being deleted", display(object))
    } else {
        format!("{} is being deleted, held by {}", display(object), finalizers.join(", "))
    }
}

/// Waits until the object is healthy and gives it.
pub async fn healthy(
    cluster: &Cluster,
    object: &ObjectRef,
    timeout: Duration,
    ctx: &Ctx,
) -> Result<Value, EffectError> {
    let mut wait = Wait::new(ctx, timeout);
    loop {
        let what = match cluster.get(object).await? {
            None => format!("{} does not exist", display(object)),
            Some(live) => match health(&live) {
                Health::Healthy => return Ok(live),
                Health::Failed(why) => return Err(EffectError::failed(format!("{}: {why}", display(object)))),
                Health::Progressing(why) => format!("{}: {why}", display(object)),
            },
        };
        wait.pause(&what).await?;
    }
}

/// Waits until the ServiceAccount exists: `default` comes some seconds after its namespace, and Pods need it.
pub async fn service_account(
    cluster: &Cluster,
    namespace: &str,
    name: Option<&str>,
    ctx: &Ctx,
) -> Result<(), EffectError> {
    let account = super::core("ServiceAccount", namespace, name.unwrap_or("default"));
    let mut wait = Wait::new(ctx, Duration::from_secs(60));
    while cluster.get(&account).await?.is_none() {
        wait.pause(&format!("{} does not exist yet", display(&account))).await?;
    }
    Ok(())
}

/// Makes a namespace if it is not there; used for the namespace of records in clusters other than the home.
pub async fn ensure_namespace(cluster: &Cluster, name: &str) -> Result<(), KubeError> {
    let namespace = super::namespace(name);
    if cluster.get(&namespace).await?.is_some() {
        return Ok(());
    }
    let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
    cluster.apply(&namespace, &body, false, false).await.map(|_| ())
}
