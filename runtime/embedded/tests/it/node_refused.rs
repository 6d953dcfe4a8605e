//! Pods that the node refuses, commands that cannot be run, machines without namespaces.

use crate::node::{Bench, RUNNER, UID, ended, pod, pod_with, shell};
use serde_json::{Value, json};
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};

#[tokio::test]
async fn a_command_that_cannot_be_run_says_whose_tools_are_used() {
    let bench = Bench::new();
    let mut first = shell("first", "printf '#!/no/interpreter\\n' > /w/script; chmod +x /w/script; echo > /w/plain");
    first["volumeMounts"] = json!([{"name": "w", "mountPath": "/w"}]);
    for (command, code, part) in [
        ("no-such-tool", 127, "not found in PATH"),
        ("/no/such/tool", 127, "no such file"),
        ("/w/script", 127, "interpreter"),
        ("/w/plain", 126, "ermission denied"),
        ("/w", 126, "ermission denied"),
    ] {
        let main = json!({"name": "main", "image": "golang:1.21", "command": [command],
            "volumeMounts": [{"name": "w", "mountPath": "/w"}]});
        let status = bench
            .last(pod_with(json!({
                "volumes": [{"name": "w", "emptyDir": {}}],
                "initContainers": [first],
                "containers": [main],
            })))
            .await;
        assert_eq!(status["phase"], "Failed");
        let main = ended(&status, "main");
        assert_eq!(main["exitCode"], code, "{command}: {main}");
        assert_eq!(main["reason"], "StartError");
        let message = main["message"].as_str().unwrap();
        assert!(message.contains(part), "{message}");
        assert!(message.contains("the host's tools are used"), "{message}");
    }
}

/// The reason and message of a Pod of which nothing ran.
async fn refused(pod: Value) -> (String, String) {
    let bench = Bench::new();
    let status = bench.last(pod).await;
    assert_eq!(status["phase"], "Failed", "{status}");
    assert!(!bench.node.log_path(UID, "main").exists());
    let text = |field: &str| status[field].as_str().unwrap().to_owned();
    (text("reason"), text("message"))
}

async fn expect_refusals(all: Vec<(Value, &str, &str)>) {
    for (pod, reason, part) in all {
        let (found, message) = refused(pod).await;
        assert_eq!(found, reason, "{message}");
        assert!(message.contains(part), "{message}");
    }
}

#[tokio::test]
async fn volumes_that_cannot_be_provided_are_refused() {
    let volume = |volume: Value| pod_with(json!({"volumes": [volume], "containers": [shell("main", "true")]}));
    let claim = json!({"name": "v", "persistentVolumeClaim": {"claimName": "../../x"}});
    let mut annotated = pod(json!([shell("main", "true")]));
    annotated["metadata"]["annotations"] = json!({"waybill.dev/host-paths": "/no/such/dir"});
    expect_refusals(vec![
        (volume(json!({"name": "v", "hostPath": {"path": "/"}})), "NotSupportedByEmbeddedNode", "hostPath"),
        (volume(json!({"name": "v", "nfs": {}})), "NotSupportedByEmbeddedNode", "`nfs`"),
        (volume(json!({"name": "v", "configMap": {"name": "no"}})), "FailedMount", "configmap \"no\" not found"),
        (volume(json!({"name": "../v", "emptyDir": {}})), "FailedMount", "`../v`"),
        (volume(claim), "FailedMount", "`../../x`"),
        (annotated, "FailedMount", "/no/such/dir"),
    ])
    .await;
}

#[tokio::test]
async fn mounts_that_cannot_be_made_are_refused() {
    let mount = |mount: Value| {
        let mut main = shell("main", "true");
        main["volumeMounts"] = json!([mount]);
        pod_with(json!({"volumes": [{"name": "v", "emptyDir": {}}], "containers": [main]}))
    };
    let mut all = Vec::new();
    for (made, part) in [
        (json!({"name": "w", "mountPath": "/w"}), "no volume `w`"),
        (json!({"name": "v", "mountPath": "w"}), "`w`"),
        (json!({"name": "v", "mountPath": "/a/../b"}), "`/a/../b`"),
        (json!({"name": "v", "mountPath": "/waybill/bin/waybill"}), "two mounts"),
        (json!({"name": "v", "mountPath": "/w", "subPath": "../x"}), "`../x`"),
        (json!({"name": "v", "mountPath": "/w", "subPathExpr": "$(NO)"}), "`$(NO)`"),
        (json!({"name": "v", "mountPath": "/w", "mountPropagation": "Bidirectional"}), "mountPropagation"),
    ] {
        all.push((mount(made), "FailedMount", part));
    }
    expect_refusals(all).await;
}

#[tokio::test]
async fn containers_that_cannot_be_made_are_refused() {
    let env = |source: Value| {
        let mut main = shell("main", "true");
        main["env"] = json!([{"name": "A", "valueFrom": source}]);
        pod(json!([main]))
    };
    expect_refusals(vec![
        (pod(json!([{"name": "main", "image": "nginx:1"}])), "CreateContainerError", "does not pull images"),
        (
            env(json!({"secretKeyRef": {"name": "no", "key": "k"}})),
            "CreateContainerConfigError",
            "secret \"no\" not found",
        ),
        (env(json!({"resourceFieldRef": {"resource": "limits.cpu"}})), "CreateContainerConfigError", "supports"),
        (json!({"metadata": {"name": 1}}), "InvalidPod", "cannot be read"),
        (json!(null), "InvalidPod", "cannot be read"),
    ])
    .await;
}

#[tokio::test]
async fn a_refused_container_carries_the_reason_too() {
    let bench = Bench::new();
    let containers = json!([shell("main", "true"), {"name": "other", "image": "nginx:1"}]);
    let status = bench.last(pod(containers)).await;
    assert_eq!(ended(&status, "other")["reason"], "CreateContainerError");
    let message = status["message"].as_str().unwrap();
    assert!(message.starts_with("container `other`: no command"), "{message}");
    serde_json::from_value::<k8s_openapi::api::core::v1::PodStatus>(status).unwrap();
}

/// Starts a Pod where the kernel allows no more user namespaces.
pub fn start_without_namespaces(home: &Path, pod: &Value) -> Child {
    let script = "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$1\"";
    let mut node = Command::new("unshare")
        .args(["--user", "--map-root-user", "sh", "-c", script, RUNNER])
        .arg(home)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs `unshare` of util-linux");
    let mut stdin = node.stdin.take().unwrap();
    stdin.write_all(pod.to_string().as_bytes()).unwrap();
    node
}

/// Its last status.
fn without_namespaces(home: &Path, pod: &Value) -> Value {
    let node = start_without_namespaces(home, pod);
    let output = node.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(text.lines().last().expect("a status")).unwrap()
}

#[test]
fn without_namespaces_a_pod_that_needs_none_runs_and_another_is_refused_by_the_setting() {
    let home = tempfile::TempDir::new().unwrap();
    let log = home.path().join(format!("pods/{UID}/logs/main.log"));
    let plain = pod(json!([shell("main", "echo $HOSTNAME; setsid sleep 0.01; touch here; exit 3")]));
    let status = without_namespaces(home.path(), &plain);
    assert_eq!(ended(&status, "main")["exitCode"], 3, "{status}");
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "build\n");

    let mut main = shell("main", "true");
    main["volumeMounts"] = json!([{"name": "w", "mountPath": "/workspace"}]);
    let spec = json!({"volumes": [{"name": "w", "emptyDir": {}}], "containers": [main]});
    let status = without_namespaces(home.path(), &pod_with(spec));
    assert_eq!(status["phase"], "Failed");
    let message = status["message"].as_str().unwrap();
    assert!(message.contains("a volume at /workspace needs namespaces"), "{message}");
    assert!(message.contains("user.max_user_namespaces"), "{message}");
}
