//! The condition `Progressing` of a Deployment: moved on, done, paused or out of time.
//!
//! **Invariant:** follows Kubernetes' deployment controller: the deadline counts from the last progress, and a
//! Deployment that is done does not progress again until its template changes.

use serde_json::{Value, json};

use super::act::{condition, number, set_condition, text};
use crate::clock;

const PROGRESSING: &str = "Progressing";
const DONE: &str = "NewReplicaSetAvailable";

/// Sets the condition in the new status. Gives the seconds after which the deadline may have passed.
pub fn judge(deployment: &Value, status: &mut Value, set: &str, created: bool) -> Option<i64> {
    let forever = i64::from(i32::MAX);
    let deadline = deployment["spec"]["progressDeadlineSeconds"].as_i64().filter(|seconds| *seconds != forever)?;
    let known = condition(deployment, PROGRESSING);
    let reason = known.map_or("", |known| text(known, "/reason"));
    if deployment["spec"]["paused"] == true {
        set_condition(status, PROGRESSING, "Unknown", ("DeploymentPaused", "Deployment is paused"));
        return None;
    }
    if created {
        let message = format!("Created new replica set {set:?}");
        set_condition(status, PROGRESSING, "True", ("NewReplicaSetCreated", &message));
        return Some(deadline + 1);
    }
    let now = Numbers::of(status);
    if now.replicas == now.updated && reason == DONE {
        return None;
    }
    let desired = number(deployment, "/spec/replicas");
    if now.updated == desired && now.replicas == desired && now.available == desired {
        let message = format!("ReplicaSet {set:?} has successfully progressed.");
        set_condition(status, PROGRESSING, "True", (DONE, &message));
        return None;
    }
    if now.is_ahead_of(&Numbers::of(&deployment["status"])) || known.is_none() || reason == "DeploymentPaused" {
        let message = format!("ReplicaSet {set:?} is progressing.");
        set_condition(status, PROGRESSING, "True", ("ReplicaSetUpdated", &message));
        touch(status);
        return Some(deadline + 1);
    }
    let since = known.map_or(0, |known| clock::age(text(known, "/lastUpdateTime")));
    if reason != DONE && since > deadline {
        let message = format!("ReplicaSet {set:?} has timed out progressing.");
        set_condition(status, PROGRESSING, "False", ("ProgressDeadlineExceeded", &message));
        return None;
    }
    Some((deadline - since).max(0) + 1)
}

/// Progress was made: the deadline counts from now.
fn touch(status: &mut Value) {
    let list = status["conditions"].as_array_mut();
    let found = list.and_then(|list| list.iter_mut().find(|one| one["type"] == PROGRESSING));
    if let Some(condition) = found {
        condition["lastUpdateTime"] = json!(clock::now());
    }
}

struct Numbers {
    replicas: i64,
    updated: i64,
    ready: i64,
    available: i64,
}

impl Numbers {
    fn of(status: &Value) -> Numbers {
        Numbers {
            replicas: number(status, "/replicas"),
            updated: number(status, "/updatedReplicas"),
            ready: number(status, "/readyReplicas"),
            available: number(status, "/availableReplicas"),
        }
    }

    fn is_ahead_of(&self, before: &Numbers) -> bool {
        self.updated > before.updated
            || self.replicas - self.updated < before.replicas - before.updated
            || self.ready > before.ready
            || self.available > before.available
    }
}
