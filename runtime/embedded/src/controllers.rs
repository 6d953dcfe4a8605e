//! The controllers: one loop that watches the store and brings objects to where their specs want them.
//!
//! Changes and timers make items; an item is looked at in a write transaction of its own, and all that are due go into
//! the store together.
//!
//! **Invariant:** each look is a function of what is stored and the time; an item that is looked at twice changes
//! nothing the second time.

mod act;
mod deployment;
mod garbage;
mod job;
mod kubelet;
mod namespace;
mod ordered;
mod processes;
mod progress;
mod replicaset;
mod rollout;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::node::Node;
use crate::status::Failure;
use crate::store::{Change, Key, Object, Store, Txn};
use processes::Processes;

/// The loop while it runs.
pub struct Running {
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Running {
    /// Ends the loop and every process that runs for a Pod.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // A loop that panicked has ended too.
        let _ = self.task.await;
    }
}

/// What has to be looked at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Item {
    Namespace(Key),
    Garbage(Key),
    Deployment(Key),
    ReplicaSet(Key),
    StatefulSet(Key),
    DaemonSet(Key),
    Job(Key),
    Claim(Key),
    Definition(Key),
    Volume(Key),
    Pod(Key),
}

/// A definition is named after the table of its resources.
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// After a failed look.
const RETRY: Duration = Duration::from_secs(1);

/// Takes over what an earlier process left and starts the loop.
pub async fn start(store: Store, node: Node, pods_folder: &std::path::Path) -> Result<Running, Failure> {
    let uids = store.write(kubelet::take_over).await?;
    for entry in std::fs::read_dir(pods_folder).into_iter().flatten().flatten() {
        if let Some(name) = entry.file_name().to_str().filter(|name| !uids.iter().any(|uid| uid == name)) {
            node.remove_pod(name);
        }
    }
    let (stop, stopped) = watch::channel(false);
    let control = Loop::new(store, node);
    let task = tokio::spawn(control.run(stopped));
    Ok(Running { stop, task })
}

struct Loop {
    store: Store,
    processes: Processes,
    revision: u64,
    queue: BTreeSet<Item>,
    timers: BTreeMap<Item, Instant>,
    /// Objects that name a uid as their owner.
    dependents: BTreeMap<String, BTreeSet<Key>>,
}

impl Loop {
    fn new(store: Store, node: Node) -> Loop {
        Loop {
            processes: Processes::new(store.clone(), node),
            store,
            revision: 0,
            queue: BTreeSet::new(),
            timers: BTreeMap::new(),
            dependents: BTreeMap::new(),
        }
    }

    async fn run(mut self, mut stopped: watch::Receiver<bool>) {
        let mut follow = self.store.follow();
        self.survey();
        while !*stopped.borrow() {
            follow.borrow_and_update();
            self.take_changes();
            self.take_timers();
            if !self.queue.is_empty() {
                self.look().await;
                continue;
            }
            let next = self.timers.values().min().copied();
            let wake = next.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                changed = follow.changed() => if changed.is_err() { break },
                _ = stopped.changed() => break,
                () = tokio::time::sleep_until(wake) => {}
            }
        }
        self.processes.stop().await;
    }

    /// Queues everything that there is.
    fn survey(&mut self) {
        let tables: Vec<String> = self.store.catalogue().tables().into_keys().collect();
        let (revision, objects) = self.store.read(|state| {
            let objects: Vec<(Key, Object)> = tables.iter().flat_map(|table| state.list(table, None)).collect();
            (state.revision, objects)
        });
        self.revision = revision;
        self.dependents.clear();
        for (key, object) in objects {
            self.index(&key, None, Some(&object));
            self.enqueue(&key, &object);
            if key.table == "pods" {
                self.processes.see(&key, &object);
            }
        }
    }

    fn take_changes(&mut self) {
        let Some(changes) = self.store.read(|state| state.since(self.revision)) else {
            return self.survey();
        };
        for change in changes {
            self.revision = change.revision;
            self.index(&change.key, change.before.as_deref(), change.after.as_deref());
            if let Some(object) = change.after.as_ref().or(change.before.as_ref()) {
                self.enqueue(&change.key, object);
            }
            if change.after.is_none() {
                self.lost(&change);
            }
            if change.key.table == "pods" {
                let pod = change.after.as_ref().or(change.before.as_ref());
                if let Some(pod) = pod.filter(|pod| change.after.is_none() || !act::is_running(pod)) {
                    self.enqueue_claims(&change.key, pod);
                }
                match &change.after {
                    Some(pod) => self.processes.see(&change.key, pod),
                    None => self.processes.forget(&change),
                }
            }
        }
    }

    fn index(&mut self, key: &Key, before: Option<&Value>, after: Option<&Value>) {
        for uid in owner_uids(before) {
            if let Some(known) = self.dependents.get_mut(&uid) {
                known.remove(key);
                if known.is_empty() {
                    self.dependents.remove(&uid);
                }
            }
        }
        for uid in owner_uids(after) {
            self.dependents.entry(uid).or_default().insert(key.clone());
        }
    }

    /// What a change of this object concerns: itself, its controller, whoever might adopt it.
    fn enqueue(&mut self, key: &Key, object: &Value) {
        let meta = &object["metadata"];
        if !meta["ownerReferences"].is_null() || !meta["finalizers"].is_null() {
            self.queue.insert(Item::Garbage(key.clone()));
        }
        self.queue.extend(item_of(key));
        if let Some(owner) = act::controller(object) {
            self.queue.extend(owner_item(key, owner));
        } else if matches!(key.table.as_str(), "pods" | "replicasets.apps") {
            self.queue.extend(self.adopters(key));
        }
        if act::is_deleted(object) {
            self.enqueue_dependents(act::text(object, "/metadata/uid").to_owned());
        }
    }

    fn enqueue_dependents(&mut self, uid: String) {
        let known = self.dependents.get(&uid).into_iter().flatten().cloned();
        self.queue.extend(known.map(Item::Garbage));
    }

    /// A Pod that has ended may have been the last user of its claims.
    fn enqueue_claims(&mut self, key: &Key, pod: &Value) {
        for volume in pod["spec"]["volumes"].as_array().into_iter().flatten() {
            if let Some(name) = volume["persistentVolumeClaim"]["claimName"].as_str() {
                let claim = Key::new("persistentvolumeclaims", &key.namespace, name);
                self.queue.insert(Item::Claim(claim));
            }
        }
    }

    /// An object without a controller concerns every workload of its namespace.
    fn adopters(&self, key: &Key) -> Vec<Item> {
        let tables: &[&str] = match key.table.as_str() {
            "pods" => &["replicasets.apps", "statefulsets.apps", "daemonsets.apps", "jobs.batch"],
            _ => &["deployments.apps"],
        };
        let found = |table: &&str| self.store.read(|state| state.list(table, Some(&key.namespace)));
        tables.iter().flat_map(found).filter_map(|(key, _)| item_of(&key)).collect()
    }

    /// An object is gone: its dependents may have to go, its owners may wait for that, its namespace too.
    fn lost(&mut self, change: &Change) {
        let Some(before) = &change.before else { return };
        self.enqueue_dependents(act::text(before, "/metadata/uid").to_owned());
        let catalogue = self.store.catalogue();
        for owner in before["metadata"]["ownerReferences"].as_array().into_iter().flatten() {
            let (group, _) = act::text(owner, "/apiVersion").split_once('/').unwrap_or(("", ""));
            if let Some(kind) = catalogue.by_group_kind(group, act::text(owner, "/kind")) {
                let namespace = if kind.namespaced { change.key.namespace.as_str() } else { "" };
                self.queue.insert(Item::Garbage(Key::new(&kind.table(), namespace, act::text(owner, "/name"))));
            }
        }
        let custom = catalogue.tables().get(&change.key.table).is_some_and(|kind| kind.custom);
        if custom {
            self.queue.insert(Item::Definition(Key::new(DEFINITIONS, "", &change.key.table)));
        }
        if !change.key.namespace.is_empty() {
            self.queue.insert(Item::Namespace(Key::new("namespaces", "", &change.key.namespace)));
        }
    }

    fn take_timers(&mut self) {
        let now = Instant::now();
        let due: Vec<Item> = self.timers.iter().filter(|(_, at)| **at <= now).map(|(item, _)| item.clone()).collect();
        for item in due {
            self.timers.remove(&item);
            self.queue.insert(item);
        }
    }

    /// Looks at everything that is queued.
    async fn look(&mut self) {
        let items: Vec<Item> = std::mem::take(&mut self.queue).into_iter().collect();
        let looks = items.into_iter().map(|item| {
            let dependents = self.dependents_of(&item);
            let (store, looked) = (self.store.clone(), item.clone());
            async move { (item, store.write(move |txn| look(txn, &looked, &dependents)).await) }
        });
        for (item, result) in futures::future::join_all(looks).await {
            let delay = match result {
                Ok(Some(seconds)) => Duration::from_secs(u64::try_from(seconds).unwrap_or(1).max(1)),
                Ok(None) => {
                    self.timers.remove(&item);
                    continue;
                }
                Err(_) => RETRY,
            };
            self.timers.insert(item, Instant::now() + delay);
        }
    }

    fn dependents_of(&self, item: &Item) -> Vec<Key> {
        let Item::Garbage(key) = item else {
            return Vec::new();
        };
        let uid = self.store.get(key).map(|object| act::text(&object, "/metadata/uid").to_owned());
        uid.and_then(|uid| self.dependents.get(&uid)).into_iter().flatten().cloned().collect()
    }
}

fn owner_uids(object: Option<&Value>) -> Vec<String> {
    let owners = object.and_then(|object| object["metadata"]["ownerReferences"].as_array());
    owners.into_iter().flatten().filter_map(|owner| owner["uid"].as_str()).map(str::to_owned).collect()
}

fn item_of(key: &Key) -> Option<Item> {
    let key = key.clone();
    Some(match key.table.as_str() {
        "namespaces" => Item::Namespace(key),
        "deployments.apps" => Item::Deployment(key),
        "replicasets.apps" => Item::ReplicaSet(key),
        "statefulsets.apps" => Item::StatefulSet(key),
        "daemonsets.apps" => Item::DaemonSet(key),
        "jobs.batch" => Item::Job(key),
        "persistentvolumeclaims" => Item::Claim(key),
        DEFINITIONS => Item::Definition(key),
        "persistentvolumes" => Item::Volume(key),
        "pods" => Item::Pod(key),
        _ => return None,
    })
}

fn owner_item(key: &Key, owner: &Value) -> Option<Item> {
    let table = match act::text(owner, "/kind") {
        "Deployment" => "deployments.apps",
        "ReplicaSet" => "replicasets.apps",
        "StatefulSet" => "statefulsets.apps",
        "DaemonSet" => "daemonsets.apps",
        "Job" => "jobs.batch",
        _ => return None,
    };
    item_of(&Key::new(table, &key.namespace, act::text(owner, "/name")))
}

/// Looks at one item. Gives the seconds after which to look again.
fn look(txn: &mut Txn, item: &Item, dependents: &[Key]) -> Result<Option<i64>, Failure> {
    match item {
        Item::Namespace(key) => namespace::sync(txn, key).map(|()| None),
        Item::Garbage(key) => garbage::collect(txn, key, dependents).map(|()| None),
        Item::Deployment(key) => deployment::sync(txn, key),
        Item::ReplicaSet(key) => replicaset::sync(txn, key),
        Item::StatefulSet(key) => ordered::stateful_set(txn, key),
        Item::DaemonSet(key) => ordered::daemon_set(txn, key),
        Item::Job(key) => job::sync(txn, key),
        Item::Claim(key) => kubelet::bind_claim(txn, key).map(|()| None),
        Item::Definition(key) => crate::api::sweep_definition(txn, key).map(|()| None),
        Item::Volume(key) => kubelet::free_volume(txn, key).map(|()| None),
        Item::Pod(key) => kubelet::sync(txn, key),
    }
}

/// A count or a percentage of `total`, rounded up or down.
pub fn share(value: &Value, total: i64, round_up: bool) -> i64 {
    match value {
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            let product = percent * total;
            product / 100 + i64::from(round_up && product % 100 != 0)
        }
        other => other.as_i64().unwrap_or(0),
    }
}
