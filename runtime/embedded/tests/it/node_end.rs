//! How Pods on the node end: deadlines, deletion, restarts, sidecars, full logs, the death of the node.

use crate::node::{Bench, PATIENCE, RUNNER, UID, ended, is_running, pod, pod_with, shell};
use crate::node_refused::start_without_namespaces;
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Processes of this machine with `marker` among their arguments.
fn processes(marker: &str) -> usize {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok())
        .filter(|arguments| String::from_utf8_lossy(arguments).split('\0').any(|one| one == marker))
        .count()
}

async fn wait_for(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A script with three processes that carry `marker`: a child, one in a session of its own, and the command itself.
fn family(marker: &str) -> String {
    format!("sleep {marker} & setsid sleep {marker} & touch /w/up; exec sleep {marker}")
}

fn family_pod(marker: &str) -> Value {
    let mut main = shell("main", &family(marker));
    main["volumeMounts"] = json!([{"name": "w", "mountPath": "/w"}]);
    pod_with(json!({"volumes": [{"name": "w", "emptyDir": {}}], "containers": [main]}))
}

#[tokio::test]
async fn the_deadline_ends_a_pod() {
    let bench = Bench::new();
    let status = bench
        .last(pod_with(json!({
            "activeDeadlineSeconds": 1,
            "initContainers": [shell("slow", "sleep 1000")],
            "containers": [shell("main", "echo never")],
        })))
        .await;
    assert_eq!(status["phase"], "Failed");
    assert_eq!(status["reason"], "DeadlineExceeded");
    assert_eq!(ended(&status, "slow")["exitCode"], 143);
    assert!(!bench.node.log_path(UID, "main").exists());
}

#[tokio::test]
async fn deletion_asks_first() {
    let bench = Bench::new();
    let mut running = bench.start(pod(json!([
        shell("plain", "sleep 1000"),
        shell("polite", "trap 'echo bye; exit 5' TERM; touch /tmp/ready; while :; do sleep 0.05; done"),
    ])));
    running.until(|status| is_running(status, "plain") && is_running(status, "polite")).await;
    let root = bench.home.path().join(format!("pods/{UID}/containers/polite/0/root/tmp/ready"));
    wait_for("the trap is set", || root.exists()).await;
    running.stop.send(true).unwrap();
    let status = running.end().await;
    assert_eq!(status["phase"], "Failed");
    assert_eq!(ended(&status, "plain")["exitCode"], 143);
    assert_eq!(ended(&status, "polite")["exitCode"], 5);
    // The shell may say so when the signal meets its child too.
    assert!(bench.log("polite").ends_with("bye\n"));
}

#[tokio::test]
async fn deletion_does_not_wait_for_ever() {
    for grace in [0, 1] {
        let bench = Bench::new();
        let marker = format!("1000.{}{grace}1", std::process::id());
        let mut pod = family_pod(&marker);
        pod["spec"]["terminationGracePeriodSeconds"] = json!(grace);
        let script = format!("trap '' TERM; {}", family(&marker));
        pod["spec"]["containers"][0]["command"] = json!(["sh", "-c", script]);
        let running = bench.start(pod);
        wait_for("the processes run", || processes(&marker) >= 3).await;
        running.stop.send(true).unwrap();
        let status = running.end().await;
        assert_eq!(ended(&status, "main")["exitCode"], 137);
        assert_eq!(processes(&marker), 0);
    }
}

#[tokio::test]
async fn dropping_the_pod_kills_it() {
    let bench = Bench::new();
    let marker = format!("1000.{}2", std::process::id());
    let running = bench.start(family_pod(&marker));
    wait_for("the processes run", || processes(&marker) >= 3).await;
    running.task.abort();
    wait_for("the processes are gone", || processes(&marker) == 0).await;
}

#[tokio::test]
async fn the_steps_die_with_a_killed_node() {
    let home = tempfile::TempDir::new().unwrap();
    let marker = format!("1000.{}3", std::process::id());
    let mut node = Command::new(RUNNER).arg(home.path()).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let pod = family_pod(&marker).to_string();
    node.stdin.take().unwrap().write_all(pod.as_bytes()).unwrap();
    wait_for("the processes run", || processes(&marker) >= 3).await;
    // SIGKILL: the node has no say in what follows.
    node.kill().unwrap();
    node.wait().unwrap();
    wait_for("the processes are gone", || processes(&marker) == 0).await;
}

#[tokio::test]
async fn without_namespaces_the_process_group_dies_with_a_killed_node() {
    let home = tempfile::TempDir::new().unwrap();
    let marker = format!("1000.{}4", std::process::id());
    let script = format!("sleep {marker} & sleep {marker}");
    let pod = pod(json!([shell("main", &script)]));
    let mut node = start_without_namespaces(home.path(), &pod);
    wait_for("the processes run", || processes(&marker) == 2).await;
    node.kill().unwrap();
    node.wait().unwrap();
    wait_for("the processes are gone", || processes(&marker) == 0).await;
}

#[tokio::test]
async fn failures_are_repeated_where_the_pod_says_so() {
    let bench = Bench::new();
    let mut main = shell("main", "echo x >> /w/f; test $(wc -l < /w/f) -ge 2");
    main["volumeMounts"] = json!([{"name": "w", "mountPath": "/w"}]);
    let statuses = bench
        .run(pod_with(json!({
            "restartPolicy": "OnFailure",
            "volumes": [{"name": "w", "emptyDir": {}}],
            "containers": [main, shell("good", "true")],
        })))
        .await;
    let last = statuses.last().unwrap();
    assert_eq!(last["phase"], "Succeeded");
    assert_eq!(last["containerStatuses"][0]["restartCount"], 1);
    assert_eq!(last["containerStatuses"][0]["lastState"]["terminated"]["exitCode"], 1);
    assert_eq!(last["containerStatuses"][1]["restartCount"], 0);
    let paused = statuses.iter().any(|status| {
        status["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
            && status["phase"] == "Running"
    });
    assert!(paused);
}

#[tokio::test]
async fn deletion_ends_a_pause_between_restarts() {
    let bench = Bench::new();
    let mut running = bench.start(pod_with(json!({
        "restartPolicy": "OnFailure",
        "containers": [shell("main", "exit 3")],
    })));
    running
        .until(|status| {
            status["containerStatuses"][0]["state"].get("waiting").is_some()
                && status["containerStatuses"][0]["restartCount"] == 1
        })
        .await;
    running.stop.send(true).unwrap();
    let status = running.end().await;
    assert_eq!(status["phase"], "Failed");
    assert_eq!(ended(&status, "main")["exitCode"], 3);
}

#[tokio::test]
async fn a_sidecar_runs_beside_the_main_containers_and_ends_after_them() {
    let bench = Bench::new();
    let mount = json!([{"name": "w", "mountPath": "/w"}]);
    let mut sidecar = shell("side", "trap 'cat /w/main; exit 0' TERM; touch /w/side; while :; do sleep 0.02; done");
    sidecar["restartPolicy"] = json!("Always");
    sidecar["volumeMounts"] = mount.clone();
    let mut main = shell("main", "until test -e /w/side; do sleep 0.01; done; echo done > /w/main");
    main["volumeMounts"] = mount;
    let status = bench
        .last(pod_with(json!({
            "volumes": [{"name": "w", "emptyDir": {}}],
            "initContainers": [sidecar, shell("then", "echo after the start of the sidecar")],
            "containers": [main],
        })))
        .await;
    assert_eq!(status["phase"], "Succeeded", "{status}");
    assert!(bench.log("side").ends_with("done\n"));
    assert_eq!(ended(&status, "side")["exitCode"], 0);

    let bad = json!({"name": "side", "image": "x", "command": ["/no/such"], "restartPolicy": "Always"});
    let spec = json!({"initContainers": [bad], "containers": [shell("main", "echo never")]});
    let status = bench.last(pod_with(spec)).await;
    assert_eq!(status["phase"], "Failed");
    assert_eq!(status["reason"], "StartError");
    assert_eq!(ended(&status, "side")["exitCode"], 127);
}

#[tokio::test]
async fn a_log_is_cut_at_its_limit_and_the_container_goes_on() {
    let bench = Bench::new();
    let (status, _) = bench.script("head -c 70000000 /dev/zero; echo end; echo reached > /dev/termination-log").await;
    assert_eq!(status["phase"], "Succeeded");
    assert_eq!(ended(&status, "main")["message"], "reached\n");
    let log = std::fs::read(bench.node.log_path(UID, "main")).unwrap();
    let end = b"\n[waybill: this log is longer than 64 MiB; the rest was dropped]\n";
    assert_eq!(log.len(), (64 << 20) + end.len());
    assert!(log.ends_with(end));
}

#[tokio::test]
async fn a_log_that_cannot_be_written_does_not_stop_the_container() {
    let bench = Bench::new();
    let path = bench.node.log_path(UID, "main");
    let mut first = shell("first", "until test -e /w/go; do sleep 0.01; done");
    first["volumeMounts"] = json!([{"name": "w", "mountPath": "/w"}]);
    let mut running = bench.start(pod_with(json!({
        "volumes": [{"name": "w", "emptyDir": {}}],
        "initContainers": [first],
        "containers": [shell("main", "head -c 1000000 /dev/zero; exit 4")],
    })));
    running.until(|status| is_running(status, "first")).await;
    std::fs::create_dir(&path).unwrap();
    std::fs::write(bench.volume("w").join("go"), "").unwrap();
    let status = running.end().await;
    assert_eq!(ended(&status, "main")["exitCode"], 4);
    let message = ended(&status, "main")["message"].as_str().unwrap();
    assert!(message.contains("the log could not be written"), "{message}");
}
