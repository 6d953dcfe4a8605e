//! The node as the API sees it: it takes every Pod, simulates those of workloads, and reports what was lost.
//!
//! A simulated Pod runs nothing. It says so in `status.message`, is ready after a second, and with the annotation
//! `waybill.dev/simulate: not-ready|crash` never.
//!
//! **Invariant:** a Pod that ran in an earlier process is never started again. Not here: processes (`processes`).

use serde_json::{Value, json};

use super::act::{self, KUBELET, is_deleted, text};
use crate::api;
use crate::clock;
use crate::kinds::Kind;
use crate::status::Failure;
use crate::store::{Key, Txn};
use crate::strategy::PROTECTED_CLAIM;

pub const NODE: &str = "waybill-local";
const SIMULATE: &str = "waybill.dev/simulate";
/// Longest pause between the restarts of a simulated crash.
const MAX_BACKOFF_SECONDS: i64 = 300;

/// Whether the Pod belongs to a workload whose Pods are not run here.
pub fn is_simulated(pod: &Value) -> bool {
    act::controller(pod).is_some_and(|owner| {
        owner["apiVersion"] == "apps/v1" && matches!(text(owner, "/kind"), "ReplicaSet" | "StatefulSet" | "DaemonSet")
    })
}

/// Makes the Node object and ends the Pods that an earlier process left running. Gives the uids of all Pods.
pub fn take_over(txn: &mut Txn) -> Result<Vec<String>, Failure> {
    let nodes = act::kind(txn, "", "nodes")?;
    let key = Key::new("nodes", "", NODE);
    if txn.get(&key).is_none() {
        let body = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE, "labels": {
            "kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux"}}});
        act::create(txn, &nodes, "", &body)?;
        let now = clock::now();
        act::change(txn, &nodes, &key, (KUBELET, "status"), |node| {
            node["status"]["conditions"] = json!([{"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "waybill runs Pods as local processes", "lastHeartbeatTime": now, "lastTransitionTime": now}]);
            node["status"]["addresses"] =
                json!([{"type": "InternalIP", "address": "127.0.0.1"}, {"type": "Hostname", "address": NODE}]);
        })?;
    }
    let pods = act::kind(txn, "", "pods")?;
    let mut uids = Vec::new();
    for (key, pod) in txn.list("pods", None) {
        let ended = matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed");
        let started = !pod["status"]["startTime"].is_null();
        if !ended && started && !is_simulated(&pod) {
            act::change(txn, &pods, &key, (KUBELET, "status"), lose)?;
            if is_deleted(&pod) {
                api::release(txn, &key);
                continue;
            }
        }
        uids.push(text(&pod, "/metadata/uid").to_owned());
    }
    Ok(uids)
}

/// The processes of the Pod died with the command that ran them.
fn lose(pod: &mut Value) {
    let now = clock::now();
    let message = "the command that ran this Pod ended before the Pod did; its processes ended with it";
    let status = &mut pod["status"];
    status["phase"] = json!("Failed");
    status["reason"] = json!("NodeLost");
    status["message"] = json!(message);
    for list in ["containerStatuses", "initContainerStatuses"] {
        for container in status.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let started = container["state"]["running"]["startedAt"].clone();
            if !started.is_null() {
                container["state"] = json!({"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown", "message": message, "startedAt": started, "finishedAt": now}});
            }
            container["ready"] = json!(false);
            container["started"] = json!(false);
        }
    }
    for condition in status.get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten() {
        if matches!(text(condition, "/type"), "Ready" | "ContainersReady") && condition["status"] != "False" {
            condition["status"] = json!("False");
            condition["reason"] = json!("PodFailed");
            condition["lastTransitionTime"] = json!(now);
        }
    }
}

/// Binds a Pod, or moves a simulated one on. Gives the seconds after which to look again.
pub fn sync(txn: &mut Txn, key: &Key) -> Result<Option<i64>, Failure> {
    let Some(pod) = txn.get(key) else {
        return Ok(None);
    };
    let kind = act::kind(txn, "", "pods")?;
    let node = text(&pod, "/spec/nodeName");
    if node.is_empty() && !is_deleted(&pod) {
        let gated = pod["spec"]["schedulingGates"].as_array().is_some_and(|gates| !gates.is_empty());
        return if gated { Ok(None) } else { bind(txn, &kind, key).map(|()| None) };
    }
    if !is_simulated(&pod) {
        return Ok(None);
    }
    if is_deleted(&pod) {
        api::release(txn, key);
        return Ok(None);
    }
    let mut again = None;
    act::change(txn, &kind, key, (KUBELET, "status"), |pod| again = simulate(pod))?;
    Ok(again)
}

fn bind(txn: &mut Txn, kind: &Kind, key: &Key) -> Result<(), Failure> {
    let target = api::Target { kind, namespace: &key.namespace, name: &key.name };
    api::bind(txn, target, &json!({"target": {"kind": "Node", "name": NODE}}))?;
    act::change(txn, kind, key, ("kube-scheduler", "status"), |pod| {
        let condition = json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": clock::now()});
        pod["status"]["conditions"] = json!([condition]);
    })
}

/// The next state of a simulated Pod.
fn simulate(pod: &mut Value) -> Option<i64> {
    let mode = text(pod, &format!("/metadata/annotations/{}", SIMULATE.replace('/', "~1"))).to_owned();
    let now = clock::now();
    if pod["status"]["startTime"].is_null() {
        let address = address(text(pod, "/metadata/uid"));
        let status = &mut pod["status"];
        status["startTime"] = json!(now);
        status["message"] = json!("simulated: nothing runs; ready after a second");
        status["hostIP"] = json!("127.0.0.1");
        status["hostIPs"] = json!([{"ip": "127.0.0.1"}]);
        status["podIP"] = json!(address);
        status["podIPs"] = json!([{"ip": address}]);
        show(pod, &State::Creating, &now);
        return Some(1);
    }
    let age = clock::age(text(pod, "/status/startTime"));
    if age < 1 {
        return Some(1);
    }
    match mode.as_str() {
        "not-ready" => {
            pod["status"]["message"] = json!("simulated: nothing runs; never ready, as annotated");
            show(pod, &State::Running { ready: false }, &now);
            None
        }
        "crash" => {
            pod["status"]["message"] = json!("simulated: nothing runs; crashes again and again, as annotated");
            let (restarts, next) = crashes(age);
            show(pod, &State::Crashing { restarts }, &now);
            Some(next)
        }
        _ => {
            show(pod, &State::Running { ready: true }, &now);
            None
        }
    }
}

enum State {
    Creating,
    Running { ready: bool },
    Crashing { restarts: i64 },
}

/// How often a container that ends at once was restarted by now, and the seconds until it is again.
fn crashes(age: i64) -> (i64, i64) {
    let (mut restarts, mut at, mut pause) = (0, 1, 10);
    while at + pause <= age {
        at += pause;
        restarts += 1;
        pause = (pause * 2).min(MAX_BACKOFF_SECONDS);
    }
    (restarts + 1, at + pause - age)
}

/// An address of the simulated network that no two living Pods are likely to share.
fn address(uid: &str) -> String {
    let byte = |from: usize| uid.get(from..from + 2).and_then(|hex| u8::from_str_radix(hex, 16).ok()).unwrap_or(1);
    format!("10.244.{}.{}", byte(0), byte(2).clamp(1, 254))
}

fn show(pod: &mut Value, state: &State, now: &str) {
    let ready = matches!(state, State::Running { ready: true });
    let started = !matches!(state, State::Creating);
    let phase = if started { "Running" } else { "Pending" };
    let names = |list: &str| -> Vec<(Value, Value)> {
        let containers = pod["spec"][list].as_array();
        containers.into_iter().flatten().map(|one| (one["name"].clone(), one["image"].clone())).collect()
    };
    let (init, main) = (names("initContainers"), names("containers"));
    let begun = pod["status"]["startTime"].clone();
    let done: Vec<Value> = init
        .into_iter()
        .map(|(name, image)| {
            let state = match started {
                true => json!({"terminated": {"exitCode": 0, "reason": "Completed", "startedAt": begun, "finishedAt": begun}}),
                false => json!({"waiting": {"reason": "PodInitializing"}}),
            };
            json!({"name": name, "image": image, "imageID": "", "ready": started, "restartCount": 0, "state": state, "lastState": {}, "started": false})
        })
        .collect();
    let running = main.into_iter().map(|(name, image)| container(&name, &image, state, &begun)).collect::<Vec<Value>>();
    let status = &mut pod["status"];
    status["phase"] = json!(phase);
    status["containerStatuses"] = json!(running);
    if !done.is_empty() {
        status["initContainerStatuses"] = json!(done);
    }
    for (kind, is) in
        [("PodReadyToStartContainers", started), ("Initialized", started), ("Ready", ready), ("ContainersReady", ready)]
    {
        condition(status, kind, is, now);
    }
}

fn container(name: &Value, image: &Value, state: &State, begun: &Value) -> Value {
    let (state, last, restarts, ready) = match state {
        State::Creating => (json!({"waiting": {"reason": "ContainerCreating"}}), json!({}), 0, false),
        State::Running { ready } => (json!({"running": {"startedAt": begun}}), json!({}), 0, *ready),
        State::Crashing { restarts } => {
            let message = "back-off restarting failed container";
            let waiting = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
            let ended =
                json!({"terminated": {"exitCode": 1, "reason": "Error", "startedAt": begun, "finishedAt": begun}});
            (waiting, ended, *restarts, false)
        }
    };
    json!({"name": name, "image": image, "imageID": "", "ready": ready, "started": ready, "restartCount": restarts, "state": state, "lastState": last})
}

fn condition(status: &mut Value, kind: &str, is: bool, now: &str) {
    let word = if is { "True" } else { "False" };
    let mut made = json!({"type": kind, "status": word, "lastProbeTime": null, "lastTransitionTime": now});
    if !is {
        made["reason"] = json!("ContainersNotReady");
    }
    let Some(map) = status.as_object_mut() else {
        return;
    };
    let Some(list) = map.entry("conditions").or_insert_with(|| json!([])).as_array_mut() else {
        return;
    };
    match list.iter_mut().find(|one| one["type"] == kind) {
        Some(known) if known["status"] == word => {}
        Some(known) => *known = made,
        None => list.push(made),
    }
}

/// Binds a claim to a volume that is a folder of the node, made when a Pod first mounts it.
pub fn bind_claim(txn: &mut Txn, key: &Key) -> Result<(), Failure> {
    let Some(claim) = txn.get(key) else {
        return Ok(());
    };
    if is_deleted(&claim) {
        return free_claim(txn, key);
    }
    if text(&claim, "/status/phase") != "Pending" {
        return Ok(());
    }
    let kind = act::kind(txn, "", "persistentvolumeclaims")?;
    let volume = format!("pvc-{}", text(&claim, "/metadata/uid"));
    if text(&claim, "/spec/volumeName").is_empty() {
        act::change(txn, &kind, key, (act::CONTROLLERS, ""), |claim| {
            claim["spec"]["volumeName"] = json!(volume);
            claim["metadata"]["annotations"]["pv.kubernetes.io/bind-completed"] = json!("yes");
            claim["metadata"]["annotations"]["pv.kubernetes.io/bound-by-controller"] = json!("yes");
        })?;
    }
    act::change(txn, &kind, key, (act::CONTROLLERS, "status"), |claim| {
        let modes = claim["spec"]["accessModes"].clone();
        let capacity = claim["spec"]["resources"]["requests"]["storage"].clone();
        claim["status"] = json!({"phase": "Bound", "accessModes": modes, "capacity": {"storage": capacity}});
    })
}

/// Lets a claim go that no Pod uses any more.
fn free_claim(txn: &mut Txn, key: &Key) -> Result<(), Failure> {
    let uses = |pod: &Value| {
        let volumes = pod["spec"]["volumes"].as_array();
        act::is_running(pod)
            && volumes
                .into_iter()
                .flatten()
                .any(|volume| volume["persistentVolumeClaim"]["claimName"] == key.name.as_str())
    };
    if txn.list("pods", Some(&key.namespace)).iter().any(|(_, pod)| uses(pod)) {
        return Ok(());
    }
    let kind = act::kind(txn, "", "persistentvolumeclaims")?;
    act::change(txn, &kind, key, (act::CONTROLLERS, ""), |claim| {
        if let Some(list) = claim["metadata"]["finalizers"].as_array_mut() {
            list.retain(|one| one != PROTECTED_CLAIM);
        }
    })
}

/// Lets a volume go that no claim is bound to.
pub fn free_volume(txn: &mut Txn, key: &Key) -> Result<(), Failure> {
    let Some(volume) = txn.get(key) else {
        return Ok(());
    };
    if !is_deleted(&volume) || text(&volume, "/status/phase") == "Bound" {
        return Ok(());
    }
    let kind = act::kind(txn, "", "persistentvolumes")?;
    act::change(txn, &kind, key, (act::CONTROLLERS, ""), |volume| {
        if let Some(list) = volume["metadata"]["finalizers"].as_array_mut() {
            list.retain(|one| one != "kubernetes.io/pv-protection");
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crashes_back_off() {
        assert_eq!(crashes(1), (1, 10));
        assert_eq!(crashes(11), (2, 20));
        assert_eq!(crashes(30), (2, 1));
        assert_eq!(crashes(31), (3, 40));
    }
}
