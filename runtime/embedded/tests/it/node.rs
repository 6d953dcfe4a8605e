//! Pods on the node: order, exit codes, logs, last words, what a container sees. Also the bench that the other tests
//! of the node stand on.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use waybill_embedded::node::{self, Node};

pub const RUNNER: &str = env!("CARGO_BIN_EXE_waybill-node-runner");
pub const UID: &str = "6d8c2a7e-0000-4000-8000-000000000001";

/// Longest that anything here may take; far beyond what it does take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A node in a directory of its own.
pub struct Bench {
    pub home: TempDir,
    pub node: Node,
    pub objects: Vec<Value>,
}

/// A Pod on its way.
pub struct Running {
    pub statuses: mpsc::UnboundedReceiver<Value>,
    pub stop: watch::Sender<bool>,
    pub task: JoinHandle<()>,
}

impl Bench {
    pub fn new() -> Bench {
        Bench::with(Vec::new())
    }

    /// With ConfigMaps and Secrets in the namespace `ci`.
    pub fn with(objects: Vec<Value>) -> Bench {
        let home = TempDir::new().unwrap();
        let node = Node::new(home.path(), Path::new(RUNNER));
        Bench { home, node, objects }
    }

    pub fn start(&self, pod: Value) -> Running {
        let (sender, statuses) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let objects = self.objects.clone();
        let lookup: node::Lookup = Arc::new(move |kind, namespace, name| {
            let found = objects
                .iter()
                .find(|object| object["kind"] == kind && namespace == "ci" && object["metadata"]["name"] == name);
            found.cloned()
        });
        let node = self.node.clone();
        let task = tokio::spawn(async move { node.run_pod(pod, lookup, sender, stopped).await });
        Running { statuses, stop, task }
    }

    /// Runs a Pod to its end; all its statuses.
    pub async fn run(&self, pod: Value) -> Vec<Value> {
        let mut running = self.start(pod);
        let mut all = Vec::new();
        let _stop = &running.stop;
        while let Some(status) = timeout(PATIENCE, running.statuses.recv()).await.unwrap() {
            all.push(status);
        }
        running.task.await.unwrap();
        all
    }

    /// Runs a Pod with one container `main` that runs a shell script; its last status and its log.
    pub async fn script(&self, script: &str) -> (Value, String) {
        let status = self.last(pod(json!([shell("main", script)]))).await;
        (status, self.log("main"))
    }

    /// Runs a Pod to its end; its last status.
    pub async fn last(&self, pod: Value) -> Value {
        self.run(pod).await.pop().unwrap()
    }

    pub fn log(&self, container: &str) -> String {
        let bytes = std::fs::read(self.node.log_path(UID, container)).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn volume(&self, name: &str) -> PathBuf {
        self.home.path().join("pods").join(UID).join("volumes").join(name)
    }
}

impl Running {
    /// Waits for a status; fails when the Pod ends without it.
    pub async fn until(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let status = timeout(PATIENCE, self.statuses.recv()).await.unwrap();
            let status = status.expect("the status that is waited for never came");
            if wanted(&status) {
                return status;
            }
        }
    }

    pub async fn end(mut self) -> Value {
        let mut last = Value::Null;
        while let Some(status) = timeout(PATIENCE, self.statuses.recv()).await.unwrap() {
            last = status;
        }
        self.task.await.unwrap();
        last
    }
}

pub fn shell(name: &str, script: &str) -> Value {
    json!({"name": name, "image": "busybox:1.36", "command": ["sh", "-c", script]})
}

pub fn pod(containers: Value) -> Value {
    pod_with(json!({ "containers": containers }))
}

pub fn pod_with(mut spec: Value) -> Value {
    if spec.get("restartPolicy").is_none() {
        spec["restartPolicy"] = json!("Never");
    }
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "build", "namespace": "ci", "uid": UID, "labels": {"app": "x"}},
        "spec": spec,
    })
}

pub fn ended<'a>(status: &'a Value, name: &str) -> &'a Value {
    let all = ["initContainerStatuses", "containerStatuses"];
    all.iter()
        .filter_map(|list| status[list].as_array())
        .flatten()
        .find(|container| container["name"] == name)
        .map(|container| &container["state"]["terminated"])
        .unwrap()
}

pub fn is_running(status: &Value, name: &str) -> bool {
    let all = ["initContainerStatuses", "containerStatuses"];
    all.iter()
        .filter_map(|list| status[list].as_array())
        .flatten()
        .any(|one| one["name"] == name && one["state"].get("running").is_some())
}

#[test]
fn this_machine_allows_namespaces() {
    // The tests of this file need them: where they are forbidden, this says which setting to change.
    assert_eq!(Bench::new().node.namespaces(), Ok(()));
    assert_eq!(node::namespaces(), Ok(()));
}

#[tokio::test]
async fn init_containers_run_in_order_then_the_main_ones_and_share_volumes() {
    let bench = Bench::new();
    let mount = json!([{"name": "work", "mountPath": "/workspace/source"}]);
    let step = |name: &str, script: &str| {
        let mut step = shell(name, script);
        step["volumeMounts"] = mount.clone();
        step
    };
    let statuses = bench
        .run(pod_with(json!({
            "volumes": [{"name": "work", "emptyDir": {}}],
            "initContainers": [
                step("first", "echo first > /workspace/source/order; echo out; echo err >&2; echo out again"),
                step("second", "echo second >> /workspace/source/order"),
            ],
            "containers": [
                step("left", "cat /workspace/source/order; until test -e /workspace/source/right; do sleep 0.01; done"),
                step("right", "touch /workspace/source/right"),
            ],
        })))
        .await;
    assert_eq!(bench.log("left"), "first\nsecond\n");
    assert_eq!(bench.log("first"), "out\nerr\nout again\n");
    let phases: Vec<_> = statuses.iter().map(|status| &status["phase"]).collect();
    assert_eq!(phases.first(), Some(&&json!("Pending")));
    assert_eq!(phases.last(), Some(&&json!("Succeeded")));
    let first_running = statuses.iter().find(|status| is_running(status, "first")).unwrap();
    assert_eq!(first_running["phase"], "Pending");
    let waiting = &first_running["containerStatuses"][0]["state"]["waiting"]["reason"];
    assert_eq!(waiting, "PodInitializing");
    assert!(statuses.iter().any(|status| status["phase"] == "Running"));
    // No status is sent twice, and each is a PodStatus.
    assert!(statuses.windows(2).all(|pair| pair[0] != pair[1]));
    for status in &statuses {
        serde_json::from_value::<k8s_openapi::api::core::v1::PodStatus>(status.clone()).unwrap();
    }
    let last = statuses.last().unwrap();
    assert_eq!(ended(last, "second")["reason"], "Completed");
    let condition = |kind: &str| {
        let all = last["conditions"].as_array().unwrap();
        all.iter().find(|one| one["type"] == kind).unwrap()["status"].clone()
    };
    assert_eq!(condition("Initialized"), "True");
    assert_eq!(condition("Ready"), "False");
}

#[tokio::test]
async fn a_failing_init_container_stops_the_pod() {
    let bench = Bench::new();
    let status = bench
        .last(pod_with(json!({
            "initContainers": [shell("bad", "exit 7"), shell("never", "echo no")],
            "containers": [shell("main", "echo no")],
        })))
        .await;
    assert_eq!(status["phase"], "Failed");
    assert_eq!(ended(&status, "bad")["exitCode"], 7);
    assert_eq!(ended(&status, "bad")["reason"], "Error");
    let main = &status["containerStatuses"][0]["state"]["waiting"]["reason"];
    assert_eq!(main, "PodInitializing");
    assert!(!bench.node.log_path(UID, "never").exists());
    assert!(!bench.node.log_path(UID, "main").exists());
}

#[tokio::test]
async fn exit_codes_and_signals_are_those_of_a_container() {
    let bench = Bench::new();
    // `$$` is `$` in a command of Kubernetes.
    let mut codes = Vec::new();
    for script in ["exit 0", "exit 42", "kill -9 $$$$", "kill -15 $$$$"] {
        let (status, _) = bench.script(script).await;
        codes.push(ended(&status, "main")["exitCode"].as_i64().unwrap());
    }
    assert_eq!(codes, [0, 42, 137, 143]);
}

#[tokio::test]
async fn what_a_command_leaves_running_ends_with_it() {
    let bench = Bench::new();
    // The orphan leaves the session and the process group, and holds the log open.
    let (status, log) = bench
        .script("setsid sh -c 'echo up > /tmp/pid; exec sleep 1000' & until test -s /tmp/pid; do sleep 0.01; done; echo end")
        .await;
    assert_eq!(status["phase"], "Succeeded");
    assert_eq!(log, "end\n");
}

#[tokio::test]
async fn last_words_come_from_the_file_or_from_the_log_on_an_error() {
    let bench = Bench::new();
    let (status, _) = bench.script("printf 'all is well' > /dev/termination-log").await;
    assert_eq!(ended(&status, "main")["message"], "all is well");

    let (status, _) = bench.script("echo lost; exit 1").await;
    assert_eq!(ended(&status, "main").get("message"), None);

    let mut container = shell("main", "seq 1 200; exit 1");
    container["terminationMessagePolicy"] = json!("FallbackToLogsOnError");
    let status = bench.last(pod(json!([container]))).await;
    let message = ended(&status, "main")["message"].as_str().unwrap();
    assert!(message.starts_with("121\n122\n") && message.ends_with("\n200\n"), "{message}");

    let mut container =
        shell("main", "head -c 5000 /dev/zero | tr '\\0' x > /results/words; printf end >> /results/words");
    container["terminationMessagePath"] = json!("/results/words");
    let status = bench.last(pod(json!([container]))).await;
    let message = ended(&status, "main")["message"].as_str().unwrap();
    assert_eq!(message.len(), 4096);
    assert!(message.ends_with("xend"));
}

#[tokio::test]
async fn output_that_is_no_text_is_kept_byte_by_byte() {
    let bench = Bench::new();
    let (status, _) = bench.script("printf '\\377\\376\\000a\\n'; printf '\\303(' > /dev/termination-log").await;
    let log = std::fs::read(bench.node.log_path(UID, "main")).unwrap();
    assert_eq!(log, b"\xff\xfe\0a\n");
    assert_eq!(ended(&status, "main")["message"], "\u{fffd}(");
}

#[tokio::test]
async fn a_container_has_a_root_of_its_own_on_the_hosts_tools() {
    let bench = Bench::new();
    let secret = bench.home.path().join("host-secret");
    std::fs::write(&secret, "host").unwrap();
    let (status, log) = bench
        .script(&format!(
            "test ! -e {} || echo sees the host; \
             touch /tmp/a /root/b /var/tmp/c /d && echo own; \
             touch /usr/waybill-test /etc/waybill-test 2>/dev/null || echo protected; \
             mount -o remount,rw,bind /usr 2>/dev/null && echo escaped; \
             test $(ls -d /proc/[0-9]* | wc -l) -lt 8 && echo alone; \
             echo ok > /dev/null; echo out > /dev/stdout; echo $(ls /proc/self/fd); head -c 4 /dev/urandom | wc -c; \
             hostname; id -u; pwd; test -x /waybill/bin/waybill && echo runner",
            secret.display()
        ))
        .await;
    assert_eq!(status["phase"], "Succeeded", "{log}");
    assert_eq!(log, "own\nprotected\nalone\nout\n0 1 2 3\n4\nbuild\n0\n/\nrunner\n");
    assert!(!Path::new("/usr/waybill-test").exists());
}

#[tokio::test]
async fn the_runner_can_be_called_inside_and_working_directories_are_made() {
    let bench = Bench::new();
    let mut container = json!({"name": "main", "image": "x", "command": ["/waybill/bin/waybill"]});
    container["workingDir"] = json!("/a/b c");
    let status = bench.last(pod(json!([container]))).await;
    // Without arguments the runner says how it is used and exits 64: it was really run.
    assert_eq!(ended(&status, "main")["exitCode"], 64);
    assert!(bench.log("main").contains("use: waybill-node-runner"));

    let mut container = shell("main", "pwd");
    container["workingDir"] = json!("/workspace/source");
    bench.last(pod(json!([container]))).await;
    assert_eq!(bench.log("main"), "/workspace/source\n");
}

#[tokio::test]
async fn host_paths_of_the_annotation_are_seen_read_only() {
    let bench = Bench::new();
    let repository = TempDir::new().unwrap();
    std::fs::write(repository.path().join("file"), "from the host\n").unwrap();
    let path = repository.path().display().to_string();
    let mut pod =
        pod(json!([shell("main", &format!("cat {path}/file; touch {path}/new 2>/dev/null || echo read-only"))]));
    pod["metadata"]["annotations"] = json!({ (node::HOST_PATHS): path });
    bench.last(pod).await;
    assert_eq!(bench.log("main"), "from the host\nread-only\n");
}

#[tokio::test]
async fn a_user_and_a_read_only_root_are_honoured() {
    let bench = Bench::new();
    let mut container = shell(
        "main",
        "id -u; id -g; grep CapEff /proc/self/status; touch /x 2>/dev/null || echo read-only; touch /work/y && echo writable",
    );
    container["securityContext"] = json!({"runAsUser": 1234, "runAsGroup": 99, "readOnlyRootFilesystem": true});
    container["volumeMounts"] = json!([{"name": "work", "mountPath": "/work"}]);
    let status = bench
        .last(pod_with(json!({
            "volumes": [{"name": "work", "emptyDir": {}}],
            "containers": [container],
        })))
        .await;
    assert_eq!(status["phase"], "Succeeded", "{status}");
    assert_eq!(bench.log("main"), "1234\n99\nCapEff:\t0000000000000000\nread-only\nwritable\n");
}

#[tokio::test]
async fn capabilities_are_few_or_none() {
    let bench = Bench::new();
    let script = "grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status";
    bench.script(script).await;
    let usual = bench.log("main");
    assert_eq!(usual, "CapEff:\t00000000a80405fb\nCapBnd:\t00000000a80405fb\nNoNewPrivs:\t1\n");
    let mut container = shell("main", script);
    container["securityContext"] = json!({"capabilities": {"drop": ["ALL"]}});
    bench.last(pod(json!([container]))).await;
    assert_eq!(bench.log("main"), usual.replace("a80405fb", "00000000"));
}

#[tokio::test]
async fn a_pod_leaves_nothing_behind_when_it_is_removed() {
    let bench = Bench::new();
    let mut container = shell("main", "mkdir -p /w/a/b && touch /w/a/b/c && chmod 0 /w/a/b /w/a");
    container["volumeMounts"] = json!([{"name": "w", "mountPath": "/w"}]);
    let spec = json!({"volumes": [{"name": "w", "emptyDir": {}}], "containers": [container]});
    bench.last(pod_with(spec)).await;
    let dir = bench.home.path().join("pods").join(UID);
    assert!(dir.exists());
    bench.node.remove_pod(UID);
    assert!(!dir.exists());
    // A uid that climbs removes nothing.
    bench.node.remove_pod("../..");
    assert!(bench.home.path().exists());
}
