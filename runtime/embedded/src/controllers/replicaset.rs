//! ReplicaSets: as many Pods as asked for.
//!
//! **Invariant:** level-triggered; what is done follows from the Pods that there are.

use serde_json::{Value, json};

use super::act::{self, CONTROLLERS, available_in, is_active, is_deleted, is_ready, number, text};
use crate::selector::Selector;
use crate::status::Failure;
use crate::store::{Key, Object, Txn};

/// Makes or deletes Pods, and counts them. Gives the seconds after which to look again.
pub fn sync(txn: &mut Txn, key: &Key) -> Result<Option<i64>, Failure> {
    let Some(set) = txn.get(key) else {
        return Ok(None);
    };
    let kind = act::kind(txn, "apps", "replicasets")?;
    let pods_kind = act::kind(txn, "", "pods")?;
    let selector = Selector::from_label_selector(&set["spec"]["selector"]).unwrap_or_default();
    let members = act::owned(txn, ("", "pods"), (&kind, &set), |labels| selector.matches(labels))?;
    let mut active: Vec<(Key, Object)> = members.into_iter().filter(|(_, pod)| is_active(pod)).collect();
    let wanted = usize::try_from(number(&set, "/spec/replicas")).unwrap_or(0);
    if !is_deleted(&set) {
        for _ in active.len()..wanted {
            let pod = act::pod_from(&set["spec"]["template"], &kind, &set);
            let made = act::create(txn, &pods_kind, &key.namespace, &pod)?;
            let made_key = Key::new("pods", &key.namespace, text(&made, "/metadata/name"));
            active.extend(txn.get(&made_key).map(|object| (made_key, object)));
        }
        if active.len() > wanted {
            active.sort_by_key(|(key, pod)| (rank(pod), key.clone()));
            for (pod, _) in active.drain(..active.len() - wanted) {
                act::delete(txn, &pods_kind, &pod, None)?;
            }
        }
    }
    let (status, again) = counted(&set, &active);
    act::change(txn, &kind, key, (CONTROLLERS, "status"), |object| object["status"] = status)?;
    Ok(again)
}

/// Which Pods go first: unbound, pending, not ready, then the younger.
fn rank(pod: &Value) -> (bool, u8, bool, std::cmp::Reverse<String>) {
    let phase = match text(pod, "/status/phase") {
        "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    let bound = !text(pod, "/spec/nodeName").is_empty();
    (bound, phase, is_ready(pod), std::cmp::Reverse(text(pod, "/metadata/creationTimestamp").to_owned()))
}

fn counted(set: &Value, active: &[(Key, Object)]) -> (Value, Option<i64>) {
    let min_ready = number(set, "/spec/minReadySeconds");
    let template = set["spec"]["template"]["metadata"]["labels"].as_object();
    let labelled = active.iter().filter(|(_, pod)| {
        template.into_iter().flatten().all(|(key, value)| pod["metadata"]["labels"].get(key) == Some(value))
    });
    let ready = active.iter().filter(|(_, pod)| is_ready(pod)).count();
    let waits: Vec<i64> = active.iter().filter_map(|(_, pod)| available_in(pod, min_ready)).collect();
    let available = waits.iter().filter(|wait| **wait == 0).count();
    let mut status = set["status"].clone();
    for (name, count) in [
        ("replicas", active.len()),
        ("fullyLabeledReplicas", labelled.count()),
        ("readyReplicas", ready),
        ("availableReplicas", available),
    ] {
        status[name] = json!(count);
    }
    status["observedGeneration"] = set["metadata"]["generation"].clone();
    (status, waits.into_iter().filter(|wait| *wait > 0).min())
}
