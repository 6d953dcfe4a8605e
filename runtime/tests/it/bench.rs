//! An embedded cluster in a folder of its own, a git that only counts, and a sink that listens: the world of the tests of
//! apply.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;
use waybill_compiler::plan::Plan;
use waybill_compiler::plan::effect::{Commit, ObjectRef};
use waybill_embedded::Cluster as Embedded;
use waybill_runtime::apply::event::{Event, Sink};
use waybill_runtime::apply::{self, Options, Outcome, Refusal};
use waybill_runtime::effects::kube::{Cluster, core};
use waybill_runtime::effects::{CommitOutcome, GitEffects, GitError, World};
use waybill_runtime::journal::lock::{Holder, Timing};

use crate::plans;

pub struct Bench {
    pub embedded: Embedded,
    pub cluster: Cluster,
    pub world: Arc<World>,
    pub git: Arc<Branch>,
    pub uid: String,
    pub folder: tempfile::TempDir,
}

impl Bench {
    /// With controllers and node.
    pub async fn new() -> Bench {
        Bench::open(tempfile::tempdir().unwrap(), Arc::new(Branch::default())).await
    }

    pub async fn open(folder: tempfile::TempDir, git: Arc<Branch>) -> Bench {
        let options = waybill_embedded::Options { node: true, runner: PathBuf::from(env!("CARGO_BIN_EXE_waybill")) };
        let embedded = Embedded::open(folder.path(), options).await.unwrap();
        let cluster = Cluster::new(embedded.client(), true);
        let uid = cluster.uid().await.unwrap();
        let clusters = BTreeMap::from([("default".to_owned(), cluster.clone())]);
        let pushes: Arc<dyn GitEffects> = git.clone();
        let world = Arc::new(World { home: "default".into(), clusters, git: pushes });
        Bench { embedded, cluster, world, git, uid, folder }
    }

    /// As when the process ends and another opens the same home.
    pub async fn reopen(self) -> Bench {
        let Bench { embedded, world, cluster, git, folder, .. } = self;
        drop((world, cluster));
        embedded.shutdown().await;
        Bench::open(folder, git).await
    }

    pub async fn apply(&self, plan: &Plan) -> Result<Outcome, Refusal> {
        self.apply_with(plan, &options(), Arc::new(Ears::default())).await
    }

    pub async fn apply_with(&self, plan: &Plan, options: &Options, ears: Arc<Ears>) -> Result<Outcome, Refusal> {
        apply::run(plan, Arc::clone(&self.world), options, ears, never_stop()).await
    }

    /// Applies until the nth event of the journal, then drops the apply, as a kill does. Gives how it ended if it did.
    pub async fn apply_killed_at(&self, plan: &Plan, nth: usize) -> Option<Result<Outcome, Refusal>> {
        let (ears, mut halt) = Ears::halting_at(nth);
        let options = options();
        tokio::select! {
            biased;
            _ = halt.wait_for(|halt| *halt) => None,
            outcome = self.apply_with(plan, &options, ears) => Some(outcome),
        }
    }

    /// The same for a resume.
    pub async fn resume_killed_at(&self, nth: usize) -> Option<Result<Option<Outcome>, Refusal>> {
        let (ears, mut halt) = Ears::halting_at(nth);
        let options = options();
        tokio::select! {
            biased;
            _ = halt.wait_for(|halt| *halt) => None,
            outcome = self.resume_with(&options, ears) => Some(outcome),
        }
    }

    pub async fn resume(&self) -> Result<Option<Outcome>, Refusal> {
        self.resume_with(&options(), Arc::new(Ears::default())).await
    }

    pub async fn resume_with(&self, options: &Options, ears: Arc<Ears>) -> Result<Option<Outcome>, Refusal> {
        apply::resume(plans::PROJECT, None, Arc::clone(&self.world), options, ears, never_stop()).await
    }

    pub async fn get(&self, object: &ObjectRef) -> Option<Value> {
        self.cluster.get(object).await.unwrap()
    }

    pub async fn config_map(&self, namespace: &str, name: &str) -> Option<Value> {
        self.get(&core("ConfigMap", namespace, name)).await
    }

    /// Server-side apply as somebody else or as an earlier plan did it.
    pub async fn put(&self, object: &Value) -> Value {
        let name = waybill_runtime::effects::kube::object_ref(object);
        self.cluster.apply(&name, object, true, false).await.unwrap()
    }

    /// A write by another manager.
    pub async fn meddle(&self, object: &Value) {
        let name = waybill_runtime::effects::kube::object_ref(object);
        let path = match name.kind.as_str() {
            "ConfigMap" => format!("/api/v1/namespaces/{}/configmaps/{}", name.namespace, name.name),
            "Deployment" => format!("/apis/apps/v1/namespaces/{}/deployments/{}", name.namespace, name.name),
            other => panic!("no path for {other}"),
        };
        let request = http::Request::patch(format!("{path}?fieldManager=somebody&force=true"))
            .header("content-type", "application/apply-patch+yaml")
            .body(object.to_string().into_bytes())
            .unwrap();
        self.cluster.client.request::<Value>(request).await.unwrap();
    }

    /// Everything that a plan may have made, without what differs from run to run: the end state.
    pub async fn end_state(&self, namespaces: &[&str]) -> Value {
        let mut all = BTreeMap::new();
        for namespace in namespaces {
            for (group, version, kind) in [("", "v1", "ConfigMap"), ("apps", "v1", "Deployment"), ("", "v1", "Pod")] {
                let like = ObjectRef {
                    group: group.into(),
                    version: version.into(),
                    kind: kind.into(),
                    namespace: (*namespace).into(),
                    name: String::new(),
                    uid: None,
                };
                for object in self.cluster.list(&like, "waybill.dev/simulated!=true").await.unwrap() {
                    let owned = object["metadata"]["ownerReferences"].is_array();
                    if !owned {
                        let name = format!("{kind}/{namespace}/{}", object["metadata"]["name"].as_str().unwrap());
                        all.insert(name, json!([object["data"], object["spec"]]));
                    }
                }
            }
        }
        json!({"objects": all, "commits": self.git.commits()})
    }
}

pub fn never_stop() -> watch::Receiver<bool> {
    // The sender may go: then nobody can stop the apply.
    watch::channel(false).1
}

pub fn options() -> Options {
    Options {
        tool: plans::TOOL.into(),
        parallelism: 4,
        wait_seconds: 0,
        applied_by: "tester".into(),
        holder: Holder::this_process(""),
        timing: Timing { lease: Duration::from_secs(3), renewal: Duration::from_millis(500) },
    }
}

/// Remembers events, and can call a halt at the nth journal event.
#[derive(Default)]
pub struct Ears {
    heard: Mutex<Vec<Event>>,
    /// After so many events of the journal (appending, appended) `halt` becomes true.
    pub halt_at: Option<usize>,
    halt: Option<watch::Sender<bool>>,
}

impl Ears {
    pub fn halting_at(nth: usize) -> (Arc<Ears>, watch::Receiver<bool>) {
        let (sender, receiver) = watch::channel(false);
        (Arc::new(Ears { heard: Mutex::default(), halt_at: Some(nth), halt: Some(sender) }), receiver)
    }

    pub fn heard(&self) -> Vec<Event> {
        self.heard.lock().unwrap().clone()
    }

    pub fn journal_events(&self) -> usize {
        self.heard().iter().filter(|event| is_journal(event)).count()
    }
}

fn is_journal(event: &Event) -> bool {
    matches!(event, Event::Appending { .. } | Event::Appended { .. })
}

impl Sink for Ears {
    fn event(&self, event: Event) {
        if std::env::var_os("WAYBILL_TEST_EVENTS").is_some() {
            eprintln!("{event:?}");
        }
        self.heard.lock().unwrap().push(event);
        if let (Some(nth), Some(halt)) = (self.halt_at, &self.halt)
            && self.journal_events() >= nth
        {
            halt.send_replace(true);
        }
    }
}

/// A branch that holds one tag, and the commits that were made on it.
#[derive(Default)]
pub struct Branch {
    log: Mutex<Vec<Made>>,
}

#[derive(Clone)]
struct Made {
    plan: String,
    address: String,
    tag: String,
    source: String,
}

impl Branch {
    /// The tags that the branch has had, oldest first.
    pub fn commits(&self) -> Vec<String> {
        self.log.lock().unwrap().iter().map(|made| made.tag.clone()).collect()
    }

    fn write(&self, commit: &Commit, plan: &str, address: &str, forward: bool) -> CommitOutcome {
        let mut log = self.log.lock().unwrap();
        let sha = |at: usize| format!("{at:040x}");
        if let Some(at) = log.iter().position(|made| made.plan == plan && made.address == address) {
            return CommitOutcome::Already { sha: sha(at) };
        }
        // Sources are numbers here: a larger one descends from a smaller one.
        if let Some(newer) = log.iter().rev().find(|made| forward && made.source > commit.source) {
            return CommitOutcome::Superseded { by: newer.source.clone() };
        }
        let scalar = &commit.edits[0].tag;
        let now = log.last().map(|made| made.tag.clone());
        if let Some(now) = now.filter(|now| Some(now) != scalar.before.as_ref()) {
            return CommitOutcome::Moved { what: format!("newTag is {now}") };
        }
        let tag = scalar.after.clone().unwrap();
        log.push(Made { plan: plan.into(), address: address.into(), tag, source: commit.source.clone() });
        CommitOutcome::Pushed { sha: sha(log.len() - 1) }
    }
}

impl GitEffects for Branch {
    fn push(&self, commit: &Commit, plan_id: &str, address: &str) -> Result<CommitOutcome, GitError> {
        Ok(self.write(commit, plan_id, address, true))
    }

    fn revert(&self, commit: &Commit, plan_id: &str, address: &str) -> Result<CommitOutcome, GitError> {
        Ok(self.write(commit, plan_id, address, false))
    }
}
