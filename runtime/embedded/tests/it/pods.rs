//! Pods and Jobs that really run, seen through the API: status, logs, deletion, and the end of the process that ran
//! them.

use futures::{AsyncBufReadExt, TryStreamExt};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim, Pod, PodStatus};
use kube::api::{Api, DeleteParams, LogParams, PostParams};
use serde_json::{Value, json};
use waybill_embedded::Cluster;

use crate::{Fixture, live_cluster, options, wait_for};

fn pod(name: &str, script: &str) -> Pod {
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": {"restartPolicy": "Never", "terminationGracePeriodSeconds": 1, "containers": [
        {"name": "main", "image": "busybox", "command": ["sh", "-c", script]}]}}))
    .unwrap()
}

async fn status(pods: &Api<Pod>, name: &str) -> PodStatus {
    pods.get_opt(name).await.unwrap().and_then(|pod| pod.status).unwrap_or_default()
}

fn is_phase(phase: &'static str) -> impl Fn(&PodStatus) -> bool {
    move |status| status.phase.as_deref() == Some(phase)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_runs_and_its_log_is_served() {
    let fixture = live_cluster().await;
    let client = fixture.cluster.client();
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    let map = json!({"metadata": {"name": "settings"}, "data": {"greeting": "hello"}});
    maps.create(&PostParams::default(), &serde_json::from_value(map).unwrap()).await.unwrap();
    let pods: Api<Pod> = Api::default_namespaced(client);
    let mut made = pod("p", "echo $GREETING; echo two; echo three");
    let source = json!({"configMapKeyRef": {"name": "settings", "key": "greeting"}});
    let env = json!([{"name": "GREETING", "valueFrom": source}]);
    made.spec.as_mut().unwrap().containers[0].env = serde_json::from_value(env).unwrap();
    pods.create(&PostParams::default(), &made).await.unwrap();
    let ended = wait_for("end", || status(&pods, "p"), is_phase("Succeeded")).await;
    assert_eq!(ended.qos_class.as_deref(), Some("BestEffort"));
    assert_eq!(exit_code(&ended), Some(0));
    let log = |params: LogParams| {
        let pods = pods.clone();
        async move { pods.logs("p", &params).await }
    };
    assert_eq!(log(LogParams::default()).await.unwrap(), "hello\ntwo\nthree\n");
    let tail = LogParams { tail_lines: Some(1), ..LogParams::default() };
    assert_eq!(log(tail).await.unwrap(), "three\n");
    assert_eq!(follow(&pods, "p").await, ["hello", "two", "three"]);
    let wrong = LogParams { container: Some("x".to_owned()), ..LogParams::default() };
    let error = log(wrong).await.unwrap_err();
    assert!(error.to_string().contains("container x is not valid for pod p"), "{error}");
    pods.delete("p", &DeleteParams::default()).await.unwrap();
    assert!(pods.get_opt("p").await.unwrap().is_none());
    let left = fixture.folder.path().join("pods");
    wait_for("folders", || async { std::fs::read_dir(&left).unwrap().count() }, |count| *count == 0).await;
}

fn exit_code(status: &PodStatus) -> Option<i32> {
    let state = status.container_statuses.as_ref()?[0].state.as_ref()?;
    Some(state.terminated.as_ref()?.exit_code)
}

async fn follow(pods: &Api<Pod>, name: &str) -> Vec<String> {
    let params = LogParams { follow: true, ..LogParams::default() };
    let stream = pods.log_stream(name, &params).await.unwrap();
    stream.lines().try_collect().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_is_followed_while_it_grows() {
    let fixture = live_cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(fixture.cluster.client());
    pods.create(&PostParams::default(), &pod("p", "echo one; sleep 1; echo two")).await.unwrap();
    wait_for("start", || status(&pods, "p"), is_phase("Running")).await;
    let lines: Vec<String> = pods
        .log_stream("p", &LogParams { follow: true, ..LogParams::default() })
        .await
        .unwrap()
        .lines()
        .try_collect()
        .await
        .unwrap();
    assert_eq!(lines, ["one", "two"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_pod_is_ended() {
    let fixture = live_cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(fixture.cluster.client());
    pods.create(&PostParams::default(), &pod("p", "trap 'exit 3' TERM; while :; do sleep 0.1; done")).await.unwrap();
    wait_for("start", || status(&pods, "p"), is_phase("Running")).await;
    let going = pods.delete("p", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert_eq!(going.metadata.deletion_grace_period_seconds, Some(1));
    wait_for("end", || async { pods.get_opt("p").await.unwrap().is_none() }, |gone| *gone).await;
    // The name is free again, and the new Pod is another one.
    pods.create(&PostParams::default(), &pod("p", "true")).await.unwrap();
    wait_for("second", || status(&pods, "p"), is_phase("Succeeded")).await;
    pods.create(&PostParams::default(), &pod("q", "sleep 600")).await.unwrap();
    wait_for("start", || status(&pods, "q"), is_phase("Running")).await;
    let now = DeleteParams { grace_period_seconds: Some(0), ..DeleteParams::default() };
    pods.delete("q", &now).await.unwrap();
    assert!(pods.get_opt("q").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_of_an_earlier_process_are_lost() {
    let Fixture { cluster, folder } = live_cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    pods.create(&PostParams::default(), &pod("p", "echo begun; sleep 600")).await.unwrap();
    wait_for("start", || status(&pods, "p"), is_phase("Running")).await;
    let ended = pod("q", "exit 4");
    pods.create(&PostParams::default(), &ended).await.unwrap();
    wait_for("end", || status(&pods, "q"), is_phase("Failed")).await;
    cluster.shutdown().await;
    let cluster = Cluster::open(folder.path(), options(true)).await.unwrap();
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    let lost = status(&pods, "p").await;
    assert_eq!((lost.phase.as_deref(), lost.reason.as_deref()), (Some("Failed"), Some("NodeLost")));
    assert!(lost.message.unwrap().contains("ended before the Pod did"));
    assert_eq!(lost.container_statuses.unwrap()[0].state.clone().unwrap().terminated.unwrap().exit_code, 137);
    assert_eq!(pods.logs("p", &LogParams::default()).await.unwrap(), "begun\n");
    let other = status(&pods, "q").await;
    assert_eq!(other.container_statuses.unwrap()[0].state.clone().unwrap().terminated.unwrap().exit_code, 4);
    pods.delete("p", &DeleteParams::default()).await.unwrap();
    assert!(pods.get_opt("p").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pod_that_was_not_started_yet_is_started_later() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), options(false)).await.unwrap();
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    pods.create(&PostParams::default(), &pod("p", "true")).await.unwrap();
    cluster.shutdown().await;
    let cluster = Cluster::open(folder.path(), options(true)).await.unwrap();
    let pods: Api<Pod> = Api::default_namespaced(cluster.client());
    wait_for("end", || status(&pods, "p"), is_phase("Succeeded")).await;
}

fn job(name: &str, spec: Value, script: &str) -> Job {
    let mut spec = spec;
    spec["template"] = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "main", "image": "busybox", "command": ["sh", "-c", script]}]}});
    serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_complete_or_fail() {
    let fixture = live_cluster().await;
    let client = fixture.cluster.client();
    let jobs: Api<Job> = Api::default_namespaced(client.clone());
    jobs.create(&PostParams::default(), &job("good", json!({"completions": 3, "parallelism": 2}), "true"))
        .await
        .unwrap();
    jobs.create(&PostParams::default(), &job("bad", json!({"backoffLimit": 1}), "exit 1")).await.unwrap();
    jobs.create(
        &PostParams::default(),
        &job(
            "numbered",
            json!({"completions": 2, "parallelism": 2, "completionMode": "Indexed"}),
            "test -n \"$JOB_COMPLETION_INDEX\"",
        ),
    )
    .await
    .unwrap();
    let look = |name: &'static str| {
        let jobs = jobs.clone();
        move || {
            let jobs = jobs.clone();
            async move { serde_json::to_value(jobs.get(name).await.unwrap().status).unwrap() }
        }
    };
    let has = |kind: &'static str| {
        move |status: &Value| {
            status["conditions"]
                .as_array()
                .is_some_and(|list| list.iter().any(|one| one["type"] == kind && one["status"] == "True"))
        }
    };
    let good = wait_for("good", look("good"), has("Complete")).await;
    assert_eq!((&good["succeeded"], &good["active"]), (&json!(3), &Value::Null));
    assert!(good["completionTime"].is_string());
    let bad = wait_for("bad", look("bad"), has("Failed")).await;
    assert_eq!(bad["failed"], 2);
    assert!(bad["conditions"].as_array().unwrap().iter().any(|one| one["reason"] == "BackoffLimitExceeded"));
    let numbered = wait_for("numbered", look("numbered"), has("Complete")).await;
    assert_eq!(numbered["succeeded"], 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_claim_goes_after_its_last_user() {
    let fixture = live_cluster().await;
    let client = fixture.cluster.client();
    let claims: Api<PersistentVolumeClaim> = Api::default_namespaced(client.clone());
    let claim = json!({"metadata": {"name": "c"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}});
    let claim = serde_json::from_value(claim).unwrap();
    claims.create(&PostParams::default(), &claim).await.unwrap();
    let pods: Api<Pod> = Api::default_namespaced(client);
    let mut user = pod("p", "trap 'exit 0' TERM; while :; do sleep 0.1; done");
    let volume = json!([{"name": "v", "persistentVolumeClaim": {"claimName": "c"}}]);
    user.spec.as_mut().unwrap().volumes = serde_json::from_value(volume).unwrap();
    pods.create(&PostParams::default(), &user).await.unwrap();
    wait_for("start", || status(&pods, "p"), is_phase("Running")).await;
    let going = claims.delete("c", &DeleteParams::default()).await.unwrap();
    assert!(going.left().unwrap().metadata.deletion_timestamp.is_some());
    assert!(claims.get_opt("c").await.unwrap().is_some());
    pods.delete("p", &DeleteParams::default()).await.unwrap();
    wait_for("claim", || async { claims.get_opt("c").await.unwrap().is_none() }, |gone| *gone).await;
}
