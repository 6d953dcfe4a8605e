//! StatefulSets and DaemonSets, as far as one simulated node needs them.
//!
//! **Invariant:** a StatefulSet's Pods keep their names and claims; with `OrderedReady` they come and go one by one.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::act::{self, CONTROLLERS, available_in, is_active, is_deleted, is_ready, number, text};
use crate::fields;
use crate::kinds::Kind;
use crate::selector::Selector;
use crate::status::Failure;
use crate::store::{Key, Object, Txn};

const REVISION: &str = "controller-revision-hash";
const POD_NAME: &str = "statefulset.kubernetes.io/pod-name";
const POD_INDEX: &str = "apps.kubernetes.io/pod-index";

/// What names a template: part of a digest of it.
fn hash(template: &Value) -> String {
    let digest = Sha256::digest(fields::canonical(template));
    hex::encode(digest).chars().take(10).collect()
}

fn members(txn: &mut Txn, kind: &Kind, owner: &Value) -> Result<Vec<(Key, Object)>, Failure> {
    let selector = Selector::from_label_selector(&owner["spec"]["selector"]).unwrap_or_default();
    act::owned(txn, ("", "pods"), (kind, owner), |labels| selector.matches(labels))
}

/// Gives the seconds after which to look again.
pub fn stateful_set(txn: &mut Txn, key: &Key) -> Result<Option<i64>, Failure> {
    let Some(set) = txn.get(key) else {
        return Ok(None);
    };
    let kind = act::kind(txn, "apps", "statefulsets")?;
    let pods = members(txn, &kind, &set)?;
    let hash = hash(&set["spec"]["template"]);
    if !is_deleted(&set) {
        arrange(txn, &kind, &set, &pods, &hash)?;
    }
    let pods = members(txn, &kind, &set)?;
    let (status, again) = stateful_status(&set, &pods, &hash);
    act::change(txn, &kind, key, (CONTROLLERS, "status"), |object| object["status"] = status)?;
    Ok(again)
}

fn ordinal(name: &str) -> i64 {
    name.rsplit('-').next().and_then(|text| text.parse().ok()).unwrap_or(-1)
}

/// One step towards the wanted Pods: create the first that is missing, delete the last that is too many or outdated.
fn arrange(txn: &mut Txn, kind: &Kind, set: &Value, pods: &[(Key, Object)], hash: &str) -> Result<(), Failure> {
    let pods_kind = act::kind(txn, "", "pods")?;
    let parallel = set["spec"]["podManagementPolicy"] == "Parallel";
    let start = number(set, "/spec/ordinals/start");
    let end = start + number(set, "/spec/replicas");
    let find = |index: i64| pods.iter().find(|(key, _)| ordinal(&key.name) == index);
    let mut healthy = true;
    for index in start..end {
        match find(index) {
            None => {
                claims(txn, set, index)?;
                let pod = stateful_pod(kind, set, index, hash);
                act::create(txn, &pods_kind, text(set, "/metadata/namespace"), &pod)?;
                healthy = false;
            }
            Some((key, pod)) if matches!(text(pod, "/status/phase"), "Succeeded" | "Failed") && !is_deleted(pod) => {
                act::delete(txn, &pods_kind, key, None)?;
                healthy = false;
            }
            Some((_, pod)) => healthy &= is_ready(pod) && !is_deleted(pod),
        }
        if !healthy && !parallel {
            return Ok(());
        }
    }
    let mut surplus: Vec<&(Key, Object)> =
        pods.iter().filter(|(key, pod)| !(start..end).contains(&ordinal(&key.name)) && !is_deleted(pod)).collect();
    surplus.sort_by_key(|(key, _)| std::cmp::Reverse(ordinal(&key.name)));
    let going = pods.iter().any(|(_, pod)| is_deleted(pod));
    for (key, _) in surplus.iter().take(if parallel { usize::MAX } else { usize::from(!going) }) {
        act::delete(txn, &pods_kind, key, None)?;
    }
    if !surplus.is_empty() || !healthy || set["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return Ok(());
    }
    let partition = number(set, "/spec/updateStrategy/rollingUpdate/partition");
    let outdated = (start.max(partition)..end).rev().find_map(|index| {
        find(index).filter(|(_, pod)| pod["metadata"]["labels"][REVISION] != revision(set, hash) && !is_deleted(pod))
    });
    match outdated {
        Some((key, _)) => act::delete(txn, &pods_kind, key, None),
        None => Ok(()),
    }
}

fn revision(set: &Value, hash: &str) -> String {
    format!("{}-{hash}", text(set, "/metadata/name"))
}

fn stateful_pod(kind: &Kind, set: &Value, index: i64, hash: &str) -> Value {
    let mut pod = act::pod_from(&set["spec"]["template"], kind, set);
    let name = format!("{}-{index}", text(set, "/metadata/name"));
    if let Some(meta) = pod["metadata"].as_object_mut() {
        meta.remove("generateName");
        meta.insert("name".to_owned(), json!(name));
    }
    pod["metadata"]["labels"][POD_NAME] = json!(name);
    pod["metadata"]["labels"][POD_INDEX] = json!(index.to_string());
    pod["metadata"]["labels"][REVISION] = json!(revision(set, hash));
    pod["spec"]["hostname"] = json!(name);
    let subdomain = text(set, "/spec/serviceName");
    if !subdomain.is_empty() {
        pod["spec"]["subdomain"] = json!(subdomain);
    }
    let templates = set["spec"]["volumeClaimTemplates"].as_array().cloned().unwrap_or_default();
    for template in templates {
        let volume = template["metadata"]["name"].clone();
        let claim = claim_name(set, text(&template, "/metadata/name"), index);
        let made = json!({"name": volume, "persistentVolumeClaim": {"claimName": claim}});
        let volumes = pod["spec"].as_object_mut().map(|spec| spec.entry("volumes").or_insert_with(|| json!([])));
        if let Some(list) = volumes.and_then(Value::as_array_mut) {
            list.retain(|one| one["name"] != made["name"]);
            list.push(made);
        }
    }
    pod
}

fn claim_name(set: &Value, template: &str, index: i64) -> String {
    format!("{template}-{}-{index}", text(set, "/metadata/name"))
}

/// The claims of one Pod, which outlive it.
fn claims(txn: &mut Txn, set: &Value, index: i64) -> Result<(), Failure> {
    let kind = act::kind(txn, "", "persistentvolumeclaims")?;
    let namespace = text(set, "/metadata/namespace").to_owned();
    for template in set["spec"]["volumeClaimTemplates"].as_array().into_iter().flatten() {
        let name = claim_name(set, text(template, "/metadata/name"), index);
        if txn.get(&Key::new("persistentvolumeclaims", &namespace, &name)).is_some() {
            continue;
        }
        let labels = &set["spec"]["selector"]["matchLabels"];
        let body = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {
            "name": name, "labels": labels, "annotations": template["metadata"]["annotations"]}, "spec": template["spec"]});
        act::create(txn, &kind, &namespace, &body)?;
    }
    Ok(())
}

fn stateful_status(set: &Value, pods: &[(Key, Object)], hash: &str) -> (Value, Option<i64>) {
    let update = revision(set, hash);
    let count = |test: &dyn Fn(&Value) -> bool| pods.iter().filter(|(_, pod)| test(pod)).count();
    let min_ready = number(set, "/spec/minReadySeconds");
    let updated = count(&|pod| pod["metadata"]["labels"][REVISION] == update.as_str());
    let mut current = text(set, "/status/currentRevision").to_owned();
    if current.is_empty() || updated == pods.len() {
        current.clone_from(&update);
    }
    let waits: Vec<i64> = pods.iter().filter_map(|(_, pod)| available_in(pod, min_ready)).collect();
    let status = json!({
        "observedGeneration": set["metadata"]["generation"],
        "replicas": pods.len(),
        "readyReplicas": count(&|pod| is_ready(pod)),
        "availableReplicas": waits.iter().filter(|wait| **wait == 0).count(),
        "currentReplicas": count(&|pod| pod["metadata"]["labels"][REVISION] == current.as_str()),
        "updatedReplicas": updated,
        "currentRevision": current,
        "updateRevision": update,
        "collisionCount": 0,
    });
    (status, waits.into_iter().filter(|wait| *wait > 0).min())
}

/// One Pod, since there is one node. Gives the seconds after which to look again.
pub fn daemon_set(txn: &mut Txn, key: &Key) -> Result<Option<i64>, Failure> {
    let Some(set) = txn.get(key) else {
        return Ok(None);
    };
    let kind = act::kind(txn, "apps", "daemonsets")?;
    let pods_kind = act::kind(txn, "", "pods")?;
    let hash = hash(&set["spec"]["template"]);
    let is_current = |pod: &Value| pod["metadata"]["labels"][REVISION] == hash.as_str();
    if !is_deleted(&set) {
        let pods = members(txn, &kind, &set)?;
        let rolls = set["spec"]["updateStrategy"]["type"] == "RollingUpdate";
        for (key, pod) in &pods {
            let ended = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
            if (ended || (rolls && !is_current(pod))) && !is_deleted(pod) {
                act::delete(txn, &pods_kind, key, None)?;
            }
        }
        if !pods.iter().any(|(key, _)| txn.get(key).is_some()) {
            let mut pod = act::pod_from(&set["spec"]["template"], &kind, &set);
            pod["metadata"]["labels"][REVISION] = json!(hash);
            act::create(txn, &pods_kind, &key.namespace, &pod)?;
        }
    }
    let pods: Vec<(Key, Object)> = members(txn, &kind, &set)?.into_iter().filter(|(_, pod)| is_active(pod)).collect();
    let min_ready = number(&set, "/spec/minReadySeconds");
    let waits: Vec<i64> = pods.iter().filter_map(|(_, pod)| available_in(pod, min_ready)).collect();
    let ready = pods.iter().filter(|(_, pod)| is_ready(pod)).count();
    let available = waits.iter().filter(|wait| **wait == 0).count();
    let status = json!({
        "currentNumberScheduled": pods.len(),
        "desiredNumberScheduled": 1,
        "numberMisscheduled": 0,
        "numberReady": ready,
        "numberAvailable": available,
        "numberUnavailable": 1usize.saturating_sub(available),
        "updatedNumberScheduled": pods.iter().filter(|(_, pod)| is_current(pod)).count(),
        "observedGeneration": set["metadata"]["generation"],
    });
    act::change(txn, &kind, key, (CONTROLLERS, "status"), |object| object["status"] = status)?;
    Ok(waits.into_iter().filter(|wait| *wait > 0).min())
}
