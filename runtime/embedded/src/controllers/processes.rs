//! Pods that run as processes on this machine: started once, stopped when deleted, killed when they vanish.
//!
//! **Invariant:** each uid is started at most once in the life of this process, and no process outlives it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::act::{self, KUBELET, is_deleted, text};
use super::kubelet;
use crate::api;
use crate::node::{Lookup, Node};
use crate::store::{Change, Key, Store, Txn};

pub struct Processes {
    store: Store,
    node: Node,
    running: BTreeMap<String, Running>,
    /// Every uid that was ever started here.
    started: BTreeSet<String>,
}

struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Processes {
    pub fn new(store: Store, node: Node) -> Processes {
        Processes { store, node, running: BTreeMap::new(), started: BTreeSet::new() }
    }

    /// Acts on a Pod as it is now.
    pub fn see(&mut self, key: &Key, pod: &Value) {
        if kubelet::is_simulated(pod) || text(pod, "/spec/nodeName") != kubelet::NODE {
            return;
        }
        let uid = text(pod, "/metadata/uid").to_owned();
        let ended = matches!(text(pod, "/status/phase"), "Succeeded" | "Failed");
        self.running.retain(|_, running| !running.task.is_finished());
        match (is_deleted(pod), self.running.get(&uid)) {
            (true, Some(running)) => drop(running.stop.send_replace(true)),
            (true, None) => self.release(key, &uid),
            (false, None) if !ended && !self.started.contains(&uid) => self.start(key, pod, uid),
            (false, _) => {}
        }
    }

    /// A Pod is gone from the store.
    pub fn forget(&mut self, change: &Change) {
        let Some(pod) = change.before.as_ref().filter(|_| change.after.is_none()) else {
            return;
        };
        let uid = text(pod, "/metadata/uid");
        match self.running.remove(uid) {
            // Without a grace period: the processes end with the task, and then their folder goes.
            Some(running) if !running.task.is_finished() => {
                running.task.abort();
                let (node, uid) = (self.node.clone(), uid.to_owned());
                tokio::spawn(async move {
                    // An aborted task ends with an error, as it should.
                    let _ = running.task.await;
                    node.remove_pod(&uid);
                });
            }
            _ => self.node.remove_pod(uid),
        }
    }

    fn release(&self, key: &Key, uid: &str) {
        let (store, key, uid) = (self.store.clone(), key.clone(), uid.to_owned());
        tokio::spawn(async move { end(&store, &key, &uid).await });
    }

    fn start(&mut self, key: &Key, pod: &Value, uid: String) {
        self.started.insert(uid.clone());
        let (stop, stopped) = watch::channel(false);
        let (store, node, key, pod) = (self.store.clone(), self.node.clone(), key.clone(), pod.clone());
        let task = tokio::spawn(async move { attend(&store, &node, &key, pod, stopped).await });
        self.running.insert(uid, Running { stop, task });
    }

    /// Kills everything that runs.
    pub async fn stop(self) {
        for running in self.running.into_values() {
            running.task.abort();
            // An aborted task ends with an error, as it should.
            let _ = running.task.await;
        }
    }
}

/// Runs a Pod to its end and writes down what it reports.
async fn attend(store: &Store, node: &Node, key: &Key, pod: Value, stopped: watch::Receiver<bool>) {
    let uid = text(&pod, "/metadata/uid").to_owned();
    let (sender, mut statuses) = mpsc::unbounded_channel();
    let objects = store.clone();
    let lookup: Lookup = Arc::new(move |kind: &str, namespace: &str, name: &str| {
        let table = match kind {
            "ConfigMap" => "configmaps",
            "Secret" => "secrets",
            _ => return None,
        };
        objects.get(&Key::new(table, namespace, name)).map(|object| (*object).clone())
    });
    let run = node.run_pod(pod, lookup, sender, stopped);
    let record = async {
        while let Some(mut status) = statuses.recv().await {
            // Only the latest matters when several came at once.
            while let Ok(next) = statuses.try_recv() {
                status = next;
            }
            report(store, key, &uid, status).await;
        }
    };
    futures::join!(run, record);
    end(store, key, &uid).await;
}

async fn report(store: &Store, key: &Key, uid: &str, status: Value) {
    let (key, uid) = (key.clone(), uid.to_owned());
    let work = move |txn: &mut Txn| {
        let same = txn.get(&key).is_some_and(|pod| text(&pod, "/metadata/uid") == uid);
        if !same {
            return Ok(());
        }
        let kind = act::kind(txn, "", "pods")?;
        act::change(txn, &kind, &key, (KUBELET, "status"), |pod| {
            let class = pod["status"]["qosClass"].clone();
            let scheduled = act::condition(pod, "PodScheduled").cloned();
            pod["status"] = status;
            pod["status"]["qosClass"] = class;
            // The scheduler said when; the node only repeats that it was.
            let list = pod["status"]["conditions"].as_array_mut();
            if let (Some(scheduled), Some(known)) =
                (scheduled, list.and_then(|list| list.iter_mut().find(|one| one["type"] == "PodScheduled")))
            {
                *known = scheduled;
            }
        })
    };
    // The store closes before the last reports when the cluster shuts down; the next start finds the Pod lost.
    let _ = store.write(work).await;
}

/// A Pod whose processes have ended goes, if it was to go.
async fn end(store: &Store, key: &Key, uid: &str) {
    let (key, uid) = (key.clone(), uid.to_owned());
    let work = move |txn: &mut Txn| {
        if let Some(pod) = txn.get(&key)
            && text(&pod, "/metadata/uid") == uid
            && is_deleted(&pod)
        {
            api::release(txn, &key);
        }
        Ok(())
    };
    let _ = store.write(work).await;
}
