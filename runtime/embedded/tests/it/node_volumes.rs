//! Volumes and environment of Pods on the node.

use crate::node::{Bench, ended, pod, pod_with, shell};
use serde_json::{Value, json};
use std::os::unix::fs::symlink;

fn objects() -> Vec<Value> {
    vec![
        json!({"kind": "ConfigMap", "metadata": {"name": "settings"},
            "data": {"mode": "fast", "a.conf": "x=1\n"}, "binaryData": {"raw": "/w=="}}),
        json!({"kind": "Secret", "metadata": {"name": "token"},
            "data": {"password": "aHVudGVyMg==", "user": "YWRh"}}),
    ]
}

async fn run(volumes: Value, mounts: Value, script: &str) -> String {
    let bench = Bench::with(objects());
    let mut container = shell("main", script);
    container["volumeMounts"] = mounts;
    container["env"] = json!([{"name": "NAME", "value": "me"}]);
    let spec = json!({"volumes": volumes, "containers": [container]});
    let status = bench.last(pod_with(spec)).await;
    assert_eq!(status["phase"], "Succeeded", "{status} {}", bench.log("main"));
    bench.log("main")
}

#[tokio::test]
async fn config_maps_and_secrets_are_files_that_cannot_be_written() {
    let log = run(
        json!([
            {"name": "settings", "configMap": {"name": "settings"}},
            {"name": "token", "secret": {"secretName": "token", "defaultMode": 256,
                "items": [{"key": "password", "path": "deep/pass", "mode": 384}, {"key": "user", "path": "user"}]}},
            {"name": "gone", "configMap": {"name": "missing", "optional": true}},
        ]),
        json!([
            {"name": "settings", "mountPath": "/etc/settings"},
            {"name": "token", "mountPath": "/run/secrets/token"},
            {"name": "gone", "mountPath": "/gone"},
        ]),
        "cat /etc/settings/mode /etc/settings/a.conf; od -An -tx1 /etc/settings/raw; ls /etc/settings; \
         cat /run/secrets/token/deep/pass; echo; stat -c '%a %n' /run/secrets/token/deep/pass /run/secrets/token/user; \
         touch /etc/settings/new 2>/dev/null || echo read-only; ls /gone | wc -l; test -s /etc/passwd && echo etc",
    )
    .await;
    assert_eq!(
        log,
        "fastx=1\n ff\na.conf\nmode\nraw\nhunter2\n600 /run/secrets/token/deep/pass\n\
         400 /run/secrets/token/user\nread-only\n0\netc\n"
    );
}

#[tokio::test]
async fn projected_volumes_and_fields_of_the_pod_are_files() {
    let log = run(
        json!([
            {"name": "all", "projected": {"sources": [
                {"configMap": {"name": "settings", "items": [{"key": "mode", "path": "config/mode"}]}},
                {"secret": {"name": "token"}},
                {"downwardAPI": {"items": [{"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}}]}},
            ]}},
            {"name": "info", "downwardAPI": {"items": [
                {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
            ]}},
        ]),
        json!([{"name": "all", "mountPath": "/all"}, {"name": "info", "mountPath": "/info"}]),
        "cd /all; for f in config/mode user password labels; do cat $f; echo; done; cat /info/name",
    )
    .await;
    assert_eq!(log, "fast\nada\nhunter2\napp=\"x\"\nbuild");
}

#[tokio::test]
async fn sub_paths_and_read_only_mounts_are_honoured() {
    let log = run(
        json!([{"name": "data", "emptyDir": {}}, {"name": "settings", "configMap": {"name": "settings"}}]),
        json!([
            {"name": "data", "mountPath": "/all"},
            {"name": "data", "mountPath": "/part", "subPath": "x/y"},
            {"name": "data", "mountPath": "/see", "readOnly": true},
            {"name": "data", "mountPath": "/named", "subPathExpr": "of-$(NAME)"},
            {"name": "settings", "mountPath": "/usr/share/mode", "subPath": "mode"},
            {"name": "data", "mountPath": "/all/inner/mount", "subPath": "z"},
        ]),
        "echo 1 > /part/file; cat /all/x/y/file; touch /see/new 2>/dev/null || echo read-only; cat /see/x/y/file; \
         touch /named/f; ls -d /all/of-*; cat /usr/share/mode; echo; touch /all/inner/mount/in-z; ls /all/z; \
         test -d /usr/bin && test -e /usr/bin/env && echo usr",
    )
    .await;
    assert_eq!(log, "1\nread-only\n1\n/all/of-me\nfast\nin-z\nusr\n");
}

#[tokio::test]
async fn a_link_in_a_volume_leads_no_mount_out_of_it() {
    let bench = Bench::new();
    let mut first = shell("first", "ln -s / /v/root; ln -s ../../.. /v/up; ln -s /etc /v/etc");
    first["volumeMounts"] = json!([{"name": "v", "mountPath": "/v"}]);
    for sub_path in ["root", "up", "etc", "root/etc"] {
        let mut main = shell("main", "ls /m");
        main["volumeMounts"] = json!([{"name": "v", "mountPath": "/m", "subPath": sub_path}]);
        let spec = json!({"volumes": [{"name": "v", "emptyDir": {}}],
            "initContainers": [first], "containers": [main]});
        let status = bench.last(pod_with(spec)).await;
        let main = ended(&status, "main");
        assert_eq!(main["reason"], "StartError", "{sub_path}");
        let message = main["message"].as_str().unwrap();
        assert!(message.contains("leads out of its volume"), "{message}");
    }
    // A mount point behind a link is found inside of the container's own root.
    let mut main = shell("main", "ls /etc/within; ls /v/etc/within");
    main["volumeMounts"] = json!([
        {"name": "v", "mountPath": "/v"},
        {"name": "w", "mountPath": "/v/etc/within"},
    ]);
    let spec = json!({"volumes": [{"name": "v", "emptyDir": {}}, {"name": "w", "emptyDir": {}}],
        "initContainers": [first], "containers": [main]});
    let status = bench.last(pod_with(spec)).await;
    assert_eq!(status["phase"], "Succeeded", "{status}");
    assert!(!std::path::Path::new("/etc/within").exists());
}

#[tokio::test]
async fn a_claim_outlives_its_pods_and_a_volume_does_not() {
    let bench = Bench::new();
    for expected in ["1 1\n", "2 1\n"] {
        let mut main =
            shell("main", "echo x >> /claim/f; echo x >> /empty/f; echo $(wc -l < /claim/f) $(wc -l < /empty/f)");
        main["volumeMounts"] = json!([
            {"name": "claim", "mountPath": "/claim"},
            {"name": "empty", "mountPath": "/empty"},
        ]);
        let spec = json!({"containers": [main], "volumes": [
            {"name": "claim", "persistentVolumeClaim": {"claimName": "cache"}},
            {"name": "empty", "emptyDir": {"sizeLimit": "1Gi"}},
        ]});
        bench.last(pod_with(spec)).await;
        assert_eq!(bench.log("main"), expected);
    }
    assert!(bench.home.path().join("claims/ci/cache/f").exists());
}

#[tokio::test]
async fn the_environment_is_the_pods_alone() {
    let bench = Bench::with(objects());
    let mut main = json!({"name": "main", "image": "x"});
    main["command"] = json!(["env", "LAST=$(MODE)"]);
    main["args"] = json!(["ARG=$(A)$(B)$$(A)$(NOT_THERE)"]);
    main["envFrom"] = json!([
        {"configMapRef": {"name": "settings"}, "prefix": "S_"},
        {"secretRef": {"name": "missing", "optional": true}},
    ]);
    main["env"] = json!([
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)2$(LATER)"},
        {"name": "LATER", "value": "x"},
        {"name": "MODE", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
        {"name": "PASS", "valueFrom": {"secretKeyRef": {"name": "token", "key": "password"}}},
        {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "token", "key": "no", "optional": true}}},
        {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "APP", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
        {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {"name": "HOME", "value": "/elsewhere"},
        {"name": "EMPTY"},
    ]);
    bench.last(pod(json!([main]))).await;
    let log = bench.log("main");
    let mut lines: Vec<&str> = log.lines().filter(|line| !line.is_empty() && !line.starts_with("PATH=")).collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "A=1",
            "APP=x",
            "ARG=112$(LATER)$(A)$(NOT_THERE)",
            "B=12$(LATER)",
            "EMPTY=",
            "HOME=/elsewhere",
            "HOSTNAME=build",
            "IP=127.0.0.1",
            "LAST=fast",
            "LATER=x",
            "MODE=fast",
            "PASS=hunter2",
            "POD=build",
            "S_a.conf=x=1",
            "S_mode=fast",
        ]
    );
}

#[tokio::test]
async fn a_linked_home_serves_as_well() {
    let bench = Bench::new();
    let link = bench.home.path().join("link");
    let real = bench.home.path().join("real home");
    std::fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    let node = waybill_embedded::node::Node::new(&link, std::path::Path::new(crate::node::RUNNER));
    let linked = Bench { node, ..Bench::with(objects()) };
    let mut main = shell("main", "cat /s/mode; touch /s/x 2>/dev/null || echo ' read-only'");
    main["volumeMounts"] = json!([{"name": "s", "mountPath": "/s"}]);
    let spec = json!({"volumes": [{"name": "s", "configMap": {"name": "settings"}}], "containers": [main]});
    let status = linked.last(pod_with(spec)).await;
    assert_eq!(status["phase"], "Succeeded", "{status}");
    assert_eq!(linked.log("main"), "fast read-only\n");
}
