//! The status of a Pod as its containers go through their states.
//!
//! The JSON is a `PodStatus` of core/v1 in the form in which a kubelet writes it. The phase follows the rules of the
//! kubelet: Pending until the init containers are done, Running until the last container ended, then Succeeded or
//! Failed.
//!
//! **Invariant:** each status sent differs from the one before it; after a terminal phase nothing is sent.
//! Not here: the clock, which is an input of every change.

use super::pod::{Container, Pod, Refusal};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use tokio::sync::mpsc::UnboundedSender;

/// Address of every Pod and of the node: the network is the host's.
pub(super) const ADDRESS: &str = "127.0.0.1";

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Terminated {
    pub exit_code: i32,
    pub reason: String,
    pub message: String,
    pub started_at: String,
    pub finished_at: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    Waiting { reason: String, message: String },
    Running { started_at: String },
    Terminated(Terminated),
}

struct Entry {
    name: String,
    image: String,
    sidecar: bool,
    state: State,
    last: Option<Terminated>,
    restarts: u32,
}

struct Inner {
    init: Vec<Entry>,
    main: Vec<Entry>,
    /// Reason and message of the whole Pod.
    verdict: Option<(String, String)>,
    /// Set when nothing will run any more.
    over: bool,
    /// Last status and time of change, by condition.
    conditions: BTreeMap<&'static str, (bool, String)>,
    sent: Option<Value>,
}

/// Where the containers of one Pod report what happened.
pub(super) struct Board {
    uid: String,
    start_time: String,
    inner: Mutex<Inner>,
    sender: UnboundedSender<Value>,
}

impl Board {
    /// A Pod of which nothing runs yet; sends that.
    pub(super) fn new(pod: &Pod, now: &str, sender: UnboundedSender<Value>) -> Board {
        let entries = |containers: &[Container]| {
            let waiting = if pod.spec.init_containers.is_empty() { "ContainerCreating" } else { "PodInitializing" };
            containers.iter().map(|container| Entry::new(container, waiting)).collect()
        };
        let board = Board {
            uid: pod.metadata.uid.clone(),
            start_time: now.to_owned(),
            inner: Mutex::new(Inner {
                init: entries(&pod.spec.init_containers),
                main: entries(&pod.spec.containers),
                verdict: None,
                over: false,
                conditions: BTreeMap::new(),
                sent: None,
            }),
            sender,
        };
        board.send(&mut board.lock(), now);
        board
    }

    /// A container has a new state.
    pub(super) fn set(&self, container: &str, state: State, now: &str) {
        let mut inner = self.lock();
        if let Some(entry) = inner.entry(container) {
            entry.state = state;
        }
        self.send(&mut inner, now);
    }

    /// A container ended and will run again after a pause.
    pub(super) fn restart(&self, container: &str, ended: Terminated, pause: &str, now: &str) {
        let mut inner = self.lock();
        if let Some(entry) = inner.entry(container) {
            entry.last = Some(ended);
            entry.restarts += 1;
            entry.state = State::Waiting {
                reason: "CrashLoopBackOff".to_owned(),
                message: format!("back-off {pause} restarting failed container"),
            };
        }
        self.send(&mut inner, now);
    }

    /// Says why the Pod as a whole failed; the first one stands.
    pub(super) fn judge(&self, reason: &str, message: &str) {
        let mut inner = self.lock();
        inner.verdict.get_or_insert_with(|| (reason.to_owned(), message.to_owned()));
    }

    /// Nothing is started.
    pub(super) fn refuse(&self, refusal: &Refusal, now: &str) {
        let mut inner = self.lock();
        if let Some(name) = &refusal.container
            && let Some(entry) = inner.entry(name)
        {
            entry.state = State::Terminated(Terminated {
                exit_code: 128,
                reason: refusal.reason.to_owned(),
                message: refusal.message.clone(),
                started_at: now.to_owned(),
                finished_at: now.to_owned(),
            });
        }
        let message = match &refusal.container {
            Some(name) => format!("container `{name}`: {}", refusal.message),
            None => refusal.message.clone(),
        };
        inner.verdict = Some((refusal.reason.to_owned(), message));
        inner.over = true;
        self.send(&mut inner, now);
    }

    /// Nothing runs any more: the last status.
    pub(super) fn finish(&self, now: &str) {
        let mut inner = self.lock();
        inner.over = true;
        self.send(&mut inner, now);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // A panic elsewhere leaves only plain data behind.
        self.inner.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn send(&self, inner: &mut Inner, now: &str) {
        let status = inner.status(&self.uid, &self.start_time, now);
        if inner.sent.as_ref() != Some(&status) {
            inner.sent = Some(status.clone());
            // Nobody listens any more when the cluster is shutting down.
            let _ = self.sender.send(status);
        }
    }
}

impl Entry {
    fn new(container: &Container, waiting: &str) -> Entry {
        Entry {
            name: container.name.clone(),
            image: container.image.clone(),
            sidecar: container.is_sidecar(),
            state: State::Waiting { reason: waiting.to_owned(), message: String::new() },
            last: None,
            restarts: 0,
        }
    }

    fn exit_code(&self) -> Option<i32> {
        match &self.state {
            State::Terminated(ended) => Some(ended.exit_code),
            State::Waiting { .. } | State::Running { .. } => None,
        }
    }

    /// Whether the containers after this init container may start.
    fn is_initialized(&self) -> bool {
        match &self.state {
            State::Waiting { .. } => false,
            State::Running { .. } => self.sidecar,
            State::Terminated(ended) => self.sidecar || ended.exit_code == 0,
        }
    }

    fn status(&self, uid: &str, init: bool) -> Value {
        let id = format!("waybill://{uid}/{}/{}", self.name, self.restarts);
        let running = matches!(self.state, State::Running { .. });
        let state = match &self.state {
            State::Waiting { reason, message } => {
                let mut waiting = Map::new();
                waiting.insert("reason".to_owned(), json!(reason));
                if !message.is_empty() {
                    waiting.insert("message".to_owned(), json!(message));
                }
                json!({ "waiting": waiting })
            }
            State::Running { started_at } => json!({"running": {"startedAt": started_at}}),
            State::Terminated(ended) => json!({"terminated": terminated(ended, &id)}),
        };
        let last = match &self.last {
            Some(ended) => {
                let before = self.restarts.saturating_sub(1);
                let id = format!("waybill://{uid}/{}/{before}", self.name);
                json!({"terminated": terminated(ended, &id)})
            }
            None => json!({}),
        };
        let done = self.exit_code() == Some(0);
        let mut status = json!({
            "name": self.name,
            "image": self.image,
            "imageID": "",
            "restartCount": self.restarts,
            "ready": if init && !self.sidecar { done } else { running },
            "started": running,
            "state": state,
            "lastState": last,
        });
        if !matches!(self.state, State::Waiting { .. }) {
            status["containerID"] = json!(id);
        }
        status
    }
}

fn terminated(ended: &Terminated, id: &str) -> Value {
    let mut value = json!({
        "exitCode": ended.exit_code,
        "reason": ended.reason,
        "startedAt": ended.started_at,
        "finishedAt": ended.finished_at,
        "containerID": id,
    });
    if !ended.message.is_empty() {
        value["message"] = json!(ended.message);
    }
    value
}

impl Inner {
    fn entry(&mut self, name: &str) -> Option<&mut Entry> {
        self.init.iter_mut().chain(&mut self.main).find(|entry| entry.name == name)
    }

    fn phase(&self) -> &'static str {
        if self.over {
            let all_done = self.main.iter().all(|entry| entry.exit_code() == Some(0));
            let good = all_done && self.verdict.is_none();
            return if good { "Succeeded" } else { "Failed" };
        }
        let started = self.main.iter().any(|entry| !matches!(entry.state, State::Waiting { .. }) || entry.restarts > 0);
        if started { "Running" } else { "Pending" }
    }

    fn status(&mut self, uid: &str, start_time: &str, now: &str) -> Value {
        let phase = self.phase();
        let list =
            |entries: &[Entry], init| -> Vec<Value> { entries.iter().map(|entry| entry.status(uid, init)).collect() };
        let mut status = json!({
            "phase": phase,
            "conditions": self.conditions(phase, now),
            "hostIP": ADDRESS,
            "hostIPs": [{"ip": ADDRESS}],
            "podIP": ADDRESS,
            "podIPs": [{"ip": ADDRESS}],
            "startTime": start_time,
            "qosClass": "BestEffort",
            "containerStatuses": list(&self.main, false),
        });
        if !self.init.is_empty() {
            status["initContainerStatuses"] = json!(list(&self.init, true));
        }
        if let Some((reason, message)) = &self.verdict {
            status["reason"] = json!(reason);
            status["message"] = json!(message);
        }
        status
    }

    fn conditions(&mut self, phase: &str, now: &str) -> Vec<Value> {
        let initialized = self.init.iter().all(Entry::is_initialized);
        let running = |entry: &Entry| matches!(entry.state, State::Running { .. });
        let ready = initialized && !self.over && self.main.iter().all(running);
        let unready = match phase {
            "Succeeded" => "PodCompleted",
            "Failed" => "PodFailed",
            _ => "ContainersNotReady",
        };
        let uninitialized = "ContainersNotInitialized";
        [
            ("PodScheduled", true, ""),
            ("Initialized", initialized, uninitialized),
            ("ContainersReady", ready, unready),
            ("Ready", ready, unready),
        ]
        .into_iter()
        .map(|(kind, status, reason)| {
            let since = self.conditions.entry(kind).or_insert_with(|| (status, now.to_owned()));
            if since.0 != status {
                *since = (status, now.to_owned());
            }
            let mut condition = json!({
                "type": kind,
                "status": if status { "True" } else { "False" },
                "lastProbeTime": null,
                "lastTransitionTime": since.1,
            });
            if !status {
                condition["reason"] = json!(reason);
            }
            condition
        })
        .collect()
    }
}
