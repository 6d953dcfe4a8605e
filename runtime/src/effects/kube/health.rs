//! Whether an object does what it should, judged from the object alone.
//!
//! **Invariant:** pure. The rules are those of kstatus (sigs.k8s.io/cli-utils/pkg/kstatus): an object is healthy when its
//! controller has seen the newest generation and reports that it is done.

use serde_json::Value;

/// What an object's own fields say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Healthy,
    /// Not yet; what is missing.
    Progressing(String),
    /// It will not get there by waiting.
    Failed(String),
}

use Health::{Failed, Healthy, Progressing};

/// Judges a live object.
pub fn health(object: &Value) -> Health {
    if object["metadata"]["deletionTimestamp"].is_string() {
        return Progressing("is being deleted".into());
    }
    if let (Some(generation), Some(seen)) =
        (object["metadata"]["generation"].as_i64(), object["status"]["observedGeneration"].as_i64())
        && seen < generation
    {
        return Progressing("its controller has not seen the newest version yet".into());
    }
    match object["kind"].as_str().unwrap_or_default() {
        "Deployment" => deployment(object),
        "StatefulSet" => stateful_set(object),
        "DaemonSet" => daemon_set(object),
        "ReplicaSet" => replica_set(object),
        "Job" => job(object),
        "Pod" => pod(object),
        "PersistentVolumeClaim" => claim(object),
        "Service" => service(object),
        "Namespace" => namespace(object),
        "CustomResourceDefinition" => definition(object),
        "ExternalSecret" | "SecretStore" | "ClusterSecretStore" => external_secret(object),
        // Kinds without a rule of their own, as kstatus does it: their standard conditions decide.
        _ => generic(object),
    }
}

fn deployment(object: &Value) -> Health {
    if let Some(message) = condition(object, "Progressing", "False")
        && has_reason(object, "Progressing", "ProgressDeadlineExceeded")
    {
        return Failed(message);
    }
    if object["status"]["observedGeneration"].is_null() {
        return Progressing("its controller has not looked at it yet".into());
    }
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let count = |field: &str| object["status"][field].as_i64().unwrap_or(0);
    let (updated, available) = (count("updatedReplicas"), count("availableReplicas"));
    if updated < wanted {
        return Progressing(format!("{updated} of {wanted} replicas have the new version"));
    }
    if count("replicas") > updated {
        return Progressing(format!("{} old replicas have not ended yet", count("replicas") - updated));
    }
    if available < wanted {
        return Progressing(format!("{available} of {wanted} replicas are available"));
    }
    Healthy
}

fn stateful_set(object: &Value) -> Health {
    if object["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return Healthy;
    }
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let count = |field: &str| object["status"][field].as_i64().unwrap_or(0);
    if object["status"]["observedGeneration"].is_null() {
        return Progressing("its controller has not looked at it yet".into());
    }
    if count("readyReplicas") < wanted {
        return Progressing(format!("{} of {wanted} replicas are ready", count("readyReplicas")));
    }
    let partition = object["spec"]["updateStrategy"]["rollingUpdate"]["partition"].as_i64().unwrap_or(0);
    if count("updatedReplicas") < wanted - partition {
        return Progressing(format!("{} of {} replicas are updated", count("updatedReplicas"), wanted - partition));
    }
    if partition == 0 && object["status"]["currentRevision"] != object["status"]["updateRevision"] {
        return Progressing("its new revision is not the current one yet".into());
    }
    Healthy
}

fn daemon_set(object: &Value) -> Health {
    let count = |field: &str| object["status"][field].as_i64();
    let Some(wanted) = count("desiredNumberScheduled").filter(|_| count("observedGeneration").is_some()) else {
        return Progressing("its controller has not looked at it yet".into());
    };
    for (field, what) in [("updatedNumberScheduled", "updated"), ("numberAvailable", "available")] {
        let have = count(field).unwrap_or(0);
        if have < wanted {
            return Progressing(format!("{have} of {wanted} Pods are {what}"));
        }
    }
    Healthy
}

fn replica_set(object: &Value) -> Health {
    if let Some(message) = condition(object, "ReplicaFailure", "True") {
        return Progressing(message);
    }
    let wanted = object["spec"]["replicas"].as_i64().unwrap_or(1);
    let available = object["status"]["availableReplicas"].as_i64().unwrap_or(0);
    if available < wanted {
        return Progressing(format!("{available} of {wanted} replicas are available"));
    }
    Healthy
}

fn job(object: &Value) -> Health {
    if let Some(message) = condition(object, "Failed", "True") {
        return Failed(message);
    }
    if condition(object, "Complete", "True").is_some() {
        return Healthy;
    }
    // kstatus calls a started Job current; what waits for a Job in a plan wants its end.
    Progressing("has not completed yet".into())
}

fn pod(object: &Value) -> Health {
    let message = || object["status"]["message"].as_str().unwrap_or("its containers failed").to_owned();
    match object["status"]["phase"].as_str().unwrap_or("Pending") {
        "Succeeded" => Healthy,
        "Failed" => Failed(message()),
        "Running" if condition(object, "Ready", "True").is_some() => Healthy,
        "Running" => Progressing("is not ready yet".into()),
        phase => Progressing(format!("is {phase}")),
    }
}

fn claim(object: &Value) -> Health {
    match object["status"]["phase"].as_str().unwrap_or("Pending") {
        "Bound" => Healthy,
        "Lost" => Failed("its volume is lost".into()),
        phase => Progressing(format!("is {phase}")),
    }
}

fn service(object: &Value) -> Health {
    let balancer = object["spec"]["type"] == "LoadBalancer";
    let reached = object["status"]["loadBalancer"]["ingress"].as_array().is_some_and(|list| !list.is_empty());
    if balancer && !reached {
        return Progressing("has no load balancer address yet".into());
    }
    Healthy
}

fn namespace(object: &Value) -> Health {
    match object["status"]["phase"].as_str().unwrap_or("Active") {
        "Active" => Healthy,
        phase => Progressing(format!("is {phase}")),
    }
}

fn definition(object: &Value) -> Health {
    if let Some(message) = condition(object, "NamesAccepted", "False") {
        return Failed(message);
    }
    match condition(object, "Established", "True") {
        Some(_) => Healthy,
        None => Progressing("is not established yet".into()),
    }
}

/// Synced for this version of the object: without a condition its operator has not looked yet.
fn external_secret(object: &Value) -> Health {
    let seen = object["status"]["syncedResourceVersion"].as_str().and_then(|seen| seen.split_once('-'));
    let newest = object["metadata"]["generation"].as_i64().map(|generation| generation.to_string());
    if let (Some((seen, _)), Some(newest)) = (seen, newest)
        && seen != newest
    {
        return Progressing("its newest version has not been synced yet".into());
    }
    let waiting = condition(object, "Ready", "False").or_else(|| condition(object, "Ready", "Unknown"));
    match condition(object, "Ready", "True") {
        Some(_) => Healthy,
        None => Progressing(waiting.unwrap_or_else(|| "has not been synced yet".into())),
    }
}

fn generic(object: &Value) -> Health {
    if let Some(message) = condition(object, "Stalled", "True") {
        return Failed(message);
    }
    if let Some(message) = condition(object, "Reconciling", "True") {
        return Progressing(message);
    }
    match condition(object, "Ready", "False").or_else(|| condition(object, "Ready", "Unknown")) {
        Some(message) => Progressing(message),
        None => Healthy,
    }
}

/// The message of the condition if it has that status.
fn condition(object: &Value, kind: &str, status: &str) -> Option<String> {
    let found = conditions(object).find(|entry| entry["type"] == kind && entry["status"] == status)?;
    let message = found["message"].as_str().filter(|message| !message.is_empty());
    Some(message.or(found["reason"].as_str()).unwrap_or(kind).to_owned())
}

fn has_reason(object: &Value, kind: &str, reason: &str) -> bool {
    conditions(object).any(|entry| entry["type"] == kind && entry["reason"] == reason)
}

fn conditions(object: &Value) -> impl Iterator<Item = &Value> {
    object["status"]["conditions"].as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_deployment_is_healthy_only_with_all_new_replicas_and_no_old_one() {
        let with = |status: Value| json!({"kind": "Deployment", "metadata": {"generation": 2}, "spec": {"replicas": 3}, "status": status});
        let done = json!({"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3});
        assert_eq!(health(&with(done.clone())), Healthy);
        for (field, value) in
            [("observedGeneration", 1), ("replicas", 4), ("updatedReplicas", 2), ("availableReplicas", 2)]
        {
            let mut status = done.clone();
            status[field] = json!(value);
            assert!(matches!(health(&with(status)), Progressing(_)), "{field} = {value}");
        }
        let mut status = done;
        status["conditions"] = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
            "message": "too slow"}]);
        assert_eq!(health(&with(status)), Failed("too slow".into()));
        assert!(matches!(health(&with(json!({}))), Progressing(_)));
    }

    #[test]
    fn other_kinds_follow_their_own_rules() {
        let established = json!({"kind": "CustomResourceDefinition",
            "status": {"conditions": [{"type": "Established", "status": "True"}]}});
        assert_eq!(health(&established), Healthy);
        assert!(matches!(health(&json!({"kind": "CustomResourceDefinition"})), Progressing(_)));
        assert_eq!(health(&json!({"kind": "ConfigMap"})), Healthy);
        let going = json!({"kind": "ConfigMap", "metadata": {"deletionTimestamp": "2026-11-23T00:00:00Z"}});
        assert!(matches!(health(&going), Progressing(_)));
        let job = json!({"kind": "Job", "status": {"conditions": [{"type": "Failed", "status": "True",
            "reason": "BackoffLimitExceeded"}]}});
        assert_eq!(health(&job), Failed("BackoffLimitExceeded".into()));
        assert!(matches!(health(&json!({"kind": "PersistentVolumeClaim"})), Progressing(_)));
        let secret = |status: Value| json!({"kind": "ExternalSecret", "metadata": {"generation": 2}, "status": status});
        let ready = json!([{"type": "Ready", "status": "True", "reason": "SecretSynced"}]);
        let failed = json!([{"type": "Ready", "status": "False", "message": "could not get secret data"}]);
        assert_eq!(health(&secret(json!({"conditions": ready, "syncedResourceVersion": "2-abc"}))), Healthy);
        assert_eq!(health(&secret(json!({"conditions": failed}))), Progressing("could not get secret data".into()));
        for status in [json!({}), json!({"conditions": ready, "syncedResourceVersion": "1-abc"})] {
            assert!(matches!(health(&secret(status)), Progressing(_)));
        }
        assert_eq!(health(&json!({"kind": "Service", "spec": {"type": "ClusterIP"}})), Healthy);
    }
}
