//! Deployments: a ReplicaSet for each template, scaled against each other.
//!
//! **Invariant:** follows Kubernetes' deployment controller: never more Pods than surge allows, never fewer available
//! than `maxUnavailable` allows. The arithmetic is in `rollout`.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::act::{self, CONTROLLERS, is_deleted, number, set_condition, text};
use super::progress;
use super::rollout::{self, Set};
use crate::fields;
use crate::kinds::Kind;
use crate::selector::Selector;
use crate::status::Failure;
use crate::store::{Key, Object, Txn};

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";
const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";

/// What one look at a Deployment sees.
struct View<'a> {
    deployment: &'a Value,
    sets_kind: &'a Kind,
    /// Oldest first.
    sets: Vec<(Key, Object)>,
    /// Index in `sets` of the one with the current template.
    current: Option<usize>,
}

/// Gives the seconds after which to look again.
pub fn sync(txn: &mut Txn, key: &Key) -> Result<Option<i64>, Failure> {
    let Some(deployment) = txn.get(key) else {
        return Ok(None);
    };
    let kind = act::kind(txn, "apps", "deployments")?;
    let sets_kind = act::kind(txn, "apps", "replicasets")?;
    let selector = Selector::from_label_selector(&deployment["spec"]["selector"]).unwrap_or_default();
    let look = |txn: &mut Txn| view(txn, &kind, (&deployment, &sets_kind), &selector);
    let mut created = false;
    if !is_deleted(&deployment) {
        let before = look(txn)?;
        if before.current.is_none() && deployment["spec"]["paused"] != true && may_start(txn, &before) {
            start(txn, &kind, &before)?;
            created = true;
        }
        let now = look(txn)?;
        mark_current(txn, &now)?;
        for (index, replicas) in scaling(txn, &now) {
            scale(txn, &now, index, replicas)?;
        }
        let then = look(txn)?;
        forget_old(txn, &then)?;
    }
    let now = look(txn)?;
    report(txn, &kind, key, &now, created)
}

fn view<'a>(
    txn: &mut Txn,
    kind: &Kind,
    (deployment, sets_kind): (&'a Value, &'a Kind),
    selector: &Selector,
) -> Result<View<'a>, Failure> {
    let mut sets = act::owned(txn, ("apps", "replicasets"), (kind, deployment), |labels| selector.matches(labels))?;
    let age = |set: &Value| {
        (text(set, "/metadata/creationTimestamp").to_owned(), revision(set), text(set, "/metadata/name").to_owned())
    };
    sets.sort_by_key(|(_, set)| age(set));
    let template = plain(&deployment["spec"]["template"]);
    let current = sets.iter().position(|(_, set)| plain(&set["spec"]["template"]) == template);
    Ok(View { deployment, sets_kind, sets, current })
}

/// The template without the label that tells ReplicaSets apart.
fn plain(template: &Value) -> Value {
    let mut out = template.clone();
    if let Some(labels) = out.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.remove(HASH);
    }
    out
}

fn revision(set: &Value) -> i64 {
    set["metadata"]["annotations"][REVISION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0)
}

fn recreates(deployment: &Value) -> bool {
    deployment["spec"]["strategy"]["type"] == "Recreate"
}

/// With `Recreate`, the new ReplicaSet waits until the old Pods are gone.
fn may_start(txn: &mut Txn, view: &View) -> bool {
    !recreates(view.deployment) || !old_pods_left(txn, view)
}

fn old_pods_left(txn: &Txn, view: &View) -> bool {
    let namespace = text(view.deployment, "/metadata/namespace");
    let old: Vec<&Value> = view
        .sets
        .iter()
        .enumerate()
        .filter(|(index, _)| Some(*index) != view.current)
        .map(|(_, (_, set))| &set["metadata"]["uid"])
        .collect();
    txn.list("pods", Some(namespace)).iter().any(|(_, pod)| {
        let ended = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
        !ended && act::controller(pod).is_some_and(|owner| old.contains(&&owner["uid"]))
    })
}

fn hash(template: &Value, collisions: i64) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut digest = Sha256::new();
    digest.update(fields::canonical(template));
    digest.update(collisions.to_le_bytes());
    let bytes = digest.finalize();
    bytes.iter().take(10).map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect()
}

/// Makes the ReplicaSet of the current template, with as many Pods as may be added now.
fn start(txn: &mut Txn, kind: &Kind, view: &View) -> Result<(), Failure> {
    let deployment = view.deployment;
    let (name, namespace) = (text(deployment, "/metadata/name"), text(deployment, "/metadata/namespace"));
    let mut collisions = number(deployment, "/status/collisionCount");
    let hash = loop {
        let hash = hash(&deployment["spec"]["template"], collisions);
        if txn.get(&Key::new("replicasets.apps", namespace, &format!("{name}-{hash}"))).is_none() {
            break hash;
        }
        collisions += 1;
    };
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"][HASH] = json!(hash);
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][HASH] = json!(hash);
    let total: i64 = view.sets.iter().map(|(_, set)| number(set, "/spec/replicas")).sum();
    let replicas = rollout::new_size(&limits(deployment), total, 0);
    let newest = view.sets.iter().map(|(_, set)| revision(set)).max().unwrap_or(0);
    let mut annotations = copied(deployment);
    annotations.insert(REVISION.to_owned(), json!((newest + 1).to_string()));
    annotations.extend(sizes(deployment));
    let mut spec = json!({"replicas": replicas, "selector": selector, "template": template});
    if number(deployment, "/spec/minReadySeconds") > 0 {
        spec["minReadySeconds"] = deployment["spec"]["minReadySeconds"].clone();
    }
    let body = json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {
        "name": format!("{name}-{hash}"), "namespace": namespace, "labels": template["metadata"]["labels"],
        "annotations": annotations, "ownerReferences": [act::owner_reference(kind, deployment)]}, "spec": spec});
    act::create(txn, view.sets_kind, namespace, &body).map(drop)
}

/// Annotations of the Deployment that its ReplicaSets repeat.
fn copied(deployment: &Value) -> Map<String, Value> {
    let mut out = deployment["metadata"]["annotations"].as_object().cloned().unwrap_or_default();
    for key in [
        "kubectl.kubernetes.io/last-applied-configuration",
        REVISION,
        "deployment.kubernetes.io/revision-history",
        DESIRED,
        MAXIMUM,
        "deprecated.deployment.rollback.to",
    ] {
        out.remove(key);
    }
    out
}

fn sizes(deployment: &Value) -> Vec<(String, Value)> {
    let limits = limits(deployment);
    let text = |number: i64| json!(number.to_string());
    vec![(DESIRED.to_owned(), text(limits.desired)), (MAXIMUM.to_owned(), text(limits.desired + limits.surge))]
}

fn limits(deployment: &Value) -> rollout::Limits {
    rollout::limits(&deployment["spec"])
}

/// The current ReplicaSet carries the highest revision, also one that a rollback brought back.
fn mark_current(txn: &mut Txn, view: &View) -> Result<(), Failure> {
    let Some((key, set)) = view.current.and_then(|index| view.sets.get(index)) else {
        return Ok(());
    };
    let others = view.sets.iter().filter(|(other, _)| other != key).map(|(_, set)| revision(set)).max().unwrap_or(0);
    let wanted = revision(set).max(others + 1);
    let mut annotations = copied(view.deployment);
    annotations.insert(REVISION.to_owned(), json!(wanted.to_string()));
    act::change(txn, view.sets_kind, key, (CONTROLLERS, ""), |object| {
        if let Some(meta) = object["metadata"].as_object_mut()
            && let Some(map) = meta.entry("annotations").or_insert_with(|| json!({})).as_object_mut()
        {
            map.extend(annotations);
        }
        if view.deployment["spec"].get("minReadySeconds") != object["spec"].get("minReadySeconds") {
            object["spec"]["minReadySeconds"] = json!(number(view.deployment, "/spec/minReadySeconds"));
        }
    })
}

fn set_of(set: &Value) -> Set {
    Set {
        replicas: number(set, "/spec/replicas"),
        actual: number(set, "/status/replicas"),
        available: number(set, "/status/availableReplicas"),
        sized_for: set["metadata"]["annotations"][DESIRED].as_str().and_then(|text| text.parse().ok()),
    }
}

/// New sizes of ReplicaSets, by index.
fn scaling(txn: &Txn, view: &View) -> Vec<(usize, i64)> {
    let sets: Vec<Set> = view.sets.iter().map(|(_, set)| set_of(set)).collect();
    let limits = limits(view.deployment);
    if view.deployment["spec"]["paused"] == true || rollout::is_resized(&limits, &sets) {
        return rollout::resize(&limits, &sets, view.current);
    }
    match recreates(view.deployment) {
        true => rollout::recreate(&limits, &sets, view.current, old_pods_left(txn, view)),
        false => rollout::roll(&limits, &sets, view.current),
    }
}

fn scale(txn: &mut Txn, view: &View, index: usize, replicas: i64) -> Result<(), Failure> {
    let Some((key, _)) = view.sets.get(index) else {
        return Ok(());
    };
    let sizes = sizes(view.deployment);
    act::change(txn, view.sets_kind, key, (CONTROLLERS, ""), |object| {
        object["spec"]["replicas"] = json!(replicas);
        if let Some(annotations) = object["metadata"]["annotations"].as_object_mut() {
            annotations.extend(sizes);
        }
    })
}

/// Old ReplicaSets beyond the history limit go, once the rollout is done.
fn forget_old(txn: &mut Txn, view: &View) -> Result<(), Failure> {
    let Some(limit) = view.deployment["spec"]["revisionHistoryLimit"].as_u64() else {
        return Ok(());
    };
    let Some(current) = view.current.and_then(|index| view.sets.get(index)) else {
        return Ok(());
    };
    let desired = number(view.deployment, "/spec/replicas");
    if number(&current.1, "/status/availableReplicas") < desired {
        return Ok(());
    }
    let mut idle: Vec<&(Key, Object)> = view
        .sets
        .iter()
        .filter(|(key, set)| {
            *key != current.0
                && number(set, "/spec/replicas") == 0
                && number(set, "/status/replicas") == 0
                && set["status"]["observedGeneration"] == set["metadata"]["generation"]
                && !is_deleted(set)
        })
        .collect();
    idle.sort_by_key(|(_, set)| revision(set));
    let old = view.sets.len() - 1;
    let surplus = old.saturating_sub(usize::try_from(limit).unwrap_or(usize::MAX));
    for (key, _) in idle.into_iter().take(surplus) {
        act::delete(txn, view.sets_kind, key, None)?;
    }
    Ok(())
}

/// Writes the status, and gives the seconds until the progress deadline.
fn report(txn: &mut Txn, kind: &Kind, key: &Key, view: &View, created: bool) -> Result<Option<i64>, Failure> {
    let deployment = view.deployment;
    let sum = |pointer: &str| -> i64 { view.sets.iter().map(|(_, set)| number(set, pointer)).sum() };
    let current = view.current.and_then(|index| view.sets.get(index));
    let available = sum("/status/availableReplicas");
    let before = &deployment["status"];
    let mut status = before.clone();
    for (name, count) in [
        ("replicas", sum("/status/replicas")),
        ("updatedReplicas", current.map_or(0, |(_, set)| number(set, "/status/replicas"))),
        ("readyReplicas", sum("/status/readyReplicas")),
        ("availableReplicas", available),
        ("unavailableReplicas", (sum("/spec/replicas") - available).max(0)),
    ] {
        status[name] = json!(count);
    }
    status["observedGeneration"] = deployment["metadata"]["generation"].clone();
    let limits = limits(deployment);
    let (word, reason, message) = match available >= limits.desired - limits.unavailable {
        true => ("True", "MinimumReplicasAvailable", "Deployment has minimum availability."),
        false => ("False", "MinimumReplicasUnavailable", "Deployment does not have minimum availability."),
    };
    set_condition(&mut status, "Available", word, (reason, message));
    let name = current.map_or_else(|| text(deployment, "/metadata/name").to_owned(), |(key, _)| key.name.clone());
    let again = progress::judge(deployment, &mut status, &name, created);
    let revision = current.map(|(_, set)| revision(set).to_string());
    act::change(txn, kind, key, (CONTROLLERS, "status"), |object| {
        object["status"] = status;
        if let (Some(revision), Some(meta)) = (revision, object["metadata"].as_object_mut())
            && let Some(annotations) = meta.entry("annotations").or_insert_with(|| json!({})).as_object_mut()
        {
            annotations.insert(REVISION.to_owned(), json!(revision));
        }
    })?;
    Ok(again)
}
