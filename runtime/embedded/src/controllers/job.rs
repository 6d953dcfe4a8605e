//! Jobs: Pods until enough of them have succeeded, or too many failed.
//!
//! **Invariant:** a Pod that has ended is counted once, by its uid being still there; counts never go down.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::act::{self, CONTROLLERS, condition, is_active, is_deleted, is_ready, number, text};
use crate::api::Propagation;
use crate::clock;
use crate::kinds::Kind;
use crate::selector::Selector;
use crate::status::Failure;
use crate::store::{Key, Object, Txn};

const INDEX: &str = "batch.kubernetes.io/job-completion-index";

struct Tally {
    active: Vec<(Key, Object)>,
    succeeded: i64,
    failed: i64,
    /// Completion indexes that are done or being worked on.
    taken: BTreeSet<i64>,
}

/// Gives the seconds after which to look again.
pub fn sync(txn: &mut Txn, key: &Key) -> Result<Option<i64>, Failure> {
    let Some(job) = txn.get(key) else {
        return Ok(None);
    };
    let kind = act::kind(txn, "batch", "jobs")?;
    if let Some(end) = ended(&job) {
        return expire(txn, &kind, key, &job, &end);
    }
    let selector = Selector::from_label_selector(&job["spec"]["selector"]).unwrap_or_default();
    let pods = act::owned(txn, ("", "pods"), (&kind, &job), |labels| !selector.is_empty() && selector.matches(labels))?;
    let tally = count(&job, pods);
    let pods_kind = act::kind(txn, "", "pods")?;
    let mut status = json!({"startTime": job["status"]["startTime"]});
    if status["startTime"].is_null() && job["spec"]["suspend"] != true {
        status["startTime"] = json!(clock::now());
    }
    status["conditions"] = job["status"]["conditions"].clone();
    let verdict = judge(&job, &tally, text(&status, "/startTime"));
    let mut active = tally.active;
    match &verdict {
        Some(_) => {
            for (pod, _) in active.drain(..) {
                act::delete(txn, &pods_kind, &pod, None)?;
            }
        }
        None if !is_deleted(&job) => {
            let wanted = wanted(&job, tally.succeeded);
            fit(txn, (&kind, &pods_kind), &job, (&mut active, tally.taken, wanted))?;
        }
        None => {}
    }
    let ready = active.iter().filter(|(_, pod)| is_ready(pod)).count();
    for (name, number) in [("active", active.len()), ("ready", ready)] {
        status[name] = json!(number);
    }
    status["succeeded"] = json!(tally.succeeded.max(number(&job, "/status/succeeded")));
    status["failed"] = json!(tally.failed.max(number(&job, "/status/failed")));
    status["terminating"] = json!(0);
    status["uncountedTerminatedPods"] = json!({});
    conclude(&mut status, verdict);
    act::change(txn, &kind, key, (CONTROLLERS, "status"), |object| object["status"] = status)?;
    Ok(deadline(&job))
}

fn count(job: &Value, pods: Vec<(Key, Object)>) -> Tally {
    let mut tally = Tally { active: Vec::new(), succeeded: 0, failed: 0, taken: BTreeSet::new() };
    let indexed = job["spec"]["completionMode"] == "Indexed";
    for (key, pod) in pods {
        let index = pod["metadata"]["annotations"][INDEX].as_str().and_then(|text| text.parse().ok());
        match text(&pod, "/status/phase") {
            "Succeeded" => {
                let counts = !indexed || index.is_some_and(|index| tally.taken.insert(index));
                tally.succeeded += i64::from(counts);
            }
            "Failed" => tally.failed += 1,
            _ if is_active(&pod) => {
                tally.taken.extend(index);
                tally.active.push((key, pod));
            }
            _ => {}
        }
    }
    tally
}

/// When the Job ended, if it has.
fn ended(job: &Value) -> Option<String> {
    ["Complete", "Failed"].iter().find_map(|kind| {
        let found = condition(job, kind).filter(|condition| condition["status"] == "True")?;
        Some(text(found, "/lastTransitionTime").to_owned())
    })
}

fn expire(txn: &mut Txn, kind: &Kind, key: &Key, job: &Value, end: &str) -> Result<Option<i64>, Failure> {
    let Some(ttl) = job["spec"]["ttlSecondsAfterFinished"].as_i64() else {
        return Ok(None);
    };
    let left = ttl - clock::age(end);
    if left > 0 {
        return Ok(Some(left));
    }
    act::delete(txn, kind, key, Some(Propagation::Foreground))?;
    Ok(None)
}

enum Verdict {
    Complete,
    Failed(&'static str, &'static str),
}

fn judge(job: &Value, tally: &Tally, started: &str) -> Option<Verdict> {
    if tally.failed > job["spec"]["backoffLimit"].as_i64().unwrap_or(6) {
        return Some(Verdict::Failed("BackoffLimitExceeded", "Job has reached the specified backoff limit"));
    }
    let limit = job["spec"]["activeDeadlineSeconds"].as_i64();
    if limit.is_some_and(|limit| !started.is_empty() && clock::age(started) >= limit) {
        return Some(Verdict::Failed("DeadlineExceeded", "Job was active longer than specified deadline"));
    }
    let succeeded = tally.succeeded.max(number(job, "/status/succeeded"));
    let complete = match job["spec"]["completions"].as_i64() {
        Some(completions) => succeeded >= completions,
        // Without a number, the first success means that the work is done; the others may end.
        None => succeeded > 0 && tally.active.is_empty(),
    };
    complete.then_some(Verdict::Complete)
}

/// Pods that should be active.
fn wanted(job: &Value, succeeded: i64) -> i64 {
    if job["spec"]["suspend"] == true {
        return 0;
    }
    let parallelism = job["spec"]["parallelism"].as_i64().unwrap_or(1);
    match job["spec"]["completions"].as_i64() {
        Some(completions) => parallelism.min(completions - succeeded).max(0),
        None if succeeded > 0 => 0,
        None => parallelism,
    }
}

fn fit(
    txn: &mut Txn,
    (kind, pods_kind): (&Kind, &Kind),
    job: &Value,
    (active, mut taken, wanted): (&mut Vec<(Key, Object)>, BTreeSet<i64>, i64),
) -> Result<(), Failure> {
    let wanted = usize::try_from(wanted).unwrap_or(0);
    let open_ended = job["spec"]["completions"].is_null() && wanted == 0 && job["spec"]["suspend"] != true;
    while active.len() > wanted && !open_ended {
        if let Some((key, _)) = active.pop() {
            act::delete(txn, pods_kind, &key, None)?;
        }
    }
    let namespace = text(job, "/metadata/namespace").to_owned();
    while active.len() < wanted {
        let mut pod = act::pod_from(&job["spec"]["template"], kind, job);
        if job["spec"]["completionMode"] == "Indexed" {
            let Some(index) = (0..).find(|index| !taken.contains(index)) else {
                break;
            };
            taken.insert(index);
            number_pod(&mut pod, job, index);
        }
        let made = act::create(txn, pods_kind, &namespace, &pod)?;
        let key = Key::new("pods", &namespace, text(&made, "/metadata/name"));
        let Some(object) = txn.get(&key) else { break };
        active.push((key, object));
    }
    Ok(())
}

/// Tells an indexed Pod which one it is.
fn number_pod(pod: &mut Value, job: &Value, index: i64) {
    pod["metadata"]["annotations"][INDEX] = json!(index.to_string());
    pod["metadata"]["labels"][INDEX] = json!(index.to_string());
    pod["metadata"]["generateName"] = json!(format!("{}-{index}-", text(job, "/metadata/name")));
    let variable = json!({"name": "JOB_COMPLETION_INDEX", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": format!("metadata.labels['{INDEX}']")}}});
    for list in ["containers", "initContainers"] {
        for container in pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            if let Some(env) = container
                .as_object_mut()
                .map(|map| map.entry("env").or_insert_with(|| json!([])))
                .and_then(Value::as_array_mut)
            {
                env.push(variable.clone());
            }
        }
    }
}

fn conclude(status: &mut Value, verdict: Option<Verdict>) {
    let add = |status: &mut Value, kind: &str, reason: &str, message: &str| {
        let now = clock::now();
        let condition = json!({"type": kind, "status": "True", "lastProbeTime": now, "lastTransitionTime": now, "reason": reason, "message": message});
        match status["conditions"].as_array_mut() {
            Some(list) => list.push(condition),
            None => status["conditions"] = json!([condition]),
        }
    };
    match verdict {
        Some(Verdict::Complete) => {
            status["completionTime"] = json!(clock::now());
            let message = "Reached expected number of succeeded pods";
            add(status, "SuccessCriteriaMet", "CompletionsReached", message);
            add(status, "Complete", "CompletionsReached", message);
        }
        Some(Verdict::Failed(reason, message)) => {
            add(status, "FailureTarget", reason, message);
            add(status, "Failed", reason, message);
        }
        None => {}
    }
}

fn deadline(job: &Value) -> Option<i64> {
    let limit = job["spec"]["activeDeadlineSeconds"].as_i64()?;
    let started = text(job, "/status/startTime");
    match started.is_empty() {
        true => Some(limit),
        false => Some((limit - clock::age(started)).max(0) + 1),
    }
}
