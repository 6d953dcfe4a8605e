//! Deployments, StatefulSets, DaemonSets, Jobs of simulated Pods; garbage collection; namespaces.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Pod, ServiceAccount};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, PropagationPolicy};
use serde_json::{Value, json};

use crate::{Fixture, all, deployment, live_cluster, wait_for};

async fn status(deployments: &Api<Deployment>, name: &str) -> Value {
    let object = deployments.get(name).await.unwrap();
    json!({"generation": object.metadata.generation, "status": object.status, "annotations": object.metadata.annotations})
}

fn is_available(seen: &Value, replicas: i64) -> bool {
    let status = &seen["status"];
    status["observedGeneration"] == seen["generation"]
        && status["updatedReplicas"] == replicas
        && status["replicas"] == replicas
        && status["availableReplicas"] == replicas
}

fn condition<'a>(seen: &'a Value, kind: &str) -> &'a Value {
    let list = seen["status"]["conditions"].as_array().unwrap();
    list.iter().find(|one| one["type"] == kind).unwrap()
}

fn image(tag: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": format!("registry.example.com/app:{tag}")}]}}}})
}

/// The Deployment `web` with two available Pods.
async fn rolled_out(fixture: &Fixture) -> Api<Deployment> {
    let deployments: Api<Deployment> = Api::default_namespaced(fixture.cluster.client());
    apply(&deployments, deployment("web")).await;
    wait_for("first rollout", || status(&deployments, "web"), |seen| is_available(seen, 2)).await;
    deployments
}

async fn apply(deployments: &Api<Deployment>, config: Value) -> Deployment {
    let params = PatchParams::apply("waybill");
    deployments.patch("web", &params, &Patch::Apply(config)).await.unwrap()
}

async fn set_image(deployments: &Api<Deployment>, tag: &str) {
    let params = PatchParams::default();
    deployments.patch("web", &params, &Patch::Strategic(image(tag))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_becomes_available() {
    let fixture = live_cluster().await;
    let deployments = rolled_out(&fixture).await;
    let seen = status(&deployments, "web").await;
    assert_eq!(seen["generation"], 1);
    assert_eq!(seen["annotations"]["deployment.kubernetes.io/revision"], "1");
    assert_eq!(condition(&seen, "Available")["status"], "True");
    let is_done = |seen: &Value| condition(seen, "Progressing")["reason"] == "NewReplicaSetAvailable";
    let done = wait_for("progress", || status(&deployments, "web"), is_done).await;
    assert_eq!(condition(&done, "Progressing")["status"], "True");
    let pods: Api<Pod> = Api::default_namespaced(fixture.cluster.client());
    let list = pods.list(&ListParams::default().labels("app=web")).await.unwrap();
    assert_eq!(list.items.len(), 2);
    for pod in &list.items {
        let status = pod.status.as_ref().unwrap();
        assert!(status.message.as_deref().unwrap().starts_with("simulated:"), "{status:?}");
        let node = pod.spec.as_ref().unwrap().node_name.as_deref();
        assert_eq!(node, Some("waybill-local"));
    }
    // Applying the same again is still nothing, whatever the controllers wrote meanwhile.
    let before = deployments.get("web").await.unwrap();
    assert_eq!(before, apply(&deployments, deployment("web")).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_rolls_on_and_back() {
    let fixture = live_cluster().await;
    let deployments = rolled_out(&fixture).await;
    let sets: Api<ReplicaSet> = Api::default_namespaced(fixture.cluster.client());
    set_image(&deployments, "2").await;
    let second = |seen: &Value| is_available(seen, 2) && seen["generation"] == 2;
    wait_for("second rollout", || status(&deployments, "web"), second).await;
    let list = sets.list(&ListParams::default()).await.unwrap();
    let mut revisions: Vec<(String, i32)> = list.items.iter().map(size_of).collect();
    revisions.sort();
    assert_eq!(revisions, [("1".to_owned(), 0), ("2".to_owned(), 2)]);

    // Back to the first template: the old ReplicaSet serves again, as revision 3.
    set_image(&deployments, "1").await;
    let third = |seen: &Value| is_available(seen, 2) && seen["annotations"]["deployment.kubernetes.io/revision"] == "3";
    let seen = wait_for("rollback", || status(&deployments, "web"), third).await;
    assert_eq!(seen["generation"], 3);
    assert_eq!(sets.list(&ListParams::default()).await.unwrap().items.len(), 2);
}

fn size_of(set: &ReplicaSet) -> (String, i32) {
    let annotations = set.metadata.annotations.clone().unwrap();
    (annotations["deployment.kubernetes.io/revision"].clone(), set.spec.replicas.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_is_scaled() {
    let fixture = live_cluster().await;
    let deployments = rolled_out(&fixture).await;
    let pods: Api<Pod> = Api::default_namespaced(fixture.cluster.client());
    let params = PatchParams::default();
    let replicas = |count: i32| Patch::Merge(json!({"spec": {"replicas": count}}));
    deployments.patch_scale("web", &params, &replicas(5)).await.unwrap();
    wait_for("scale up", || status(&deployments, "web"), |seen| is_available(seen, 5)).await;
    deployments.patch_scale("web", &params, &replicas(0)).await.unwrap();
    let is_down = |seen: &Value| {
        seen["status"]["replicas"].is_null() && seen["status"]["observedGeneration"] == seen["generation"]
    };
    wait_for("scale down", || status(&deployments, "web"), is_down).await;
    let count = || async { pods.list(&ListParams::default()).await.unwrap().items.len() };
    wait_for("pods", count, |count| *count == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_deployment_waits() {
    let fixture = live_cluster().await;
    let deployments = rolled_out(&fixture).await;
    let params = PatchParams::default();
    let paused = |is: bool| Patch::Merge(json!({"spec": {"paused": is}}));
    deployments.patch("web", &params, &paused(true)).await.unwrap();
    let is_paused = |seen: &Value| condition(seen, "Progressing")["reason"] == "DeploymentPaused";
    wait_for("pause", || status(&deployments, "web"), is_paused).await;
    set_image(&deployments, "2").await;
    let has_seen = |seen: &Value| seen["status"]["observedGeneration"] == 3;
    let seen = wait_for("paused change", || status(&deployments, "web"), has_seen).await;
    assert!(seen["status"]["updatedReplicas"].is_null());
    deployments.patch("web", &params, &paused(false)).await.unwrap();
    wait_for("rollout", || status(&deployments, "web"), |seen| is_available(seen, 2)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn recreate_ends_the_old_before_the_new() {
    let fixture = live_cluster().await;
    let client = fixture.cluster.client();
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let sets: Api<ReplicaSet> = Api::default_namespaced(client);
    let mut config = deployment("web");
    config["spec"]["strategy"] = json!({"type": "Recreate"});
    deployments.patch("web", &PatchParams::apply("waybill"), &Patch::Apply(config)).await.unwrap();
    wait_for("first", || status(&deployments, "web"), |seen| is_available(seen, 2)).await;
    deployments.patch("web", &PatchParams::default(), &Patch::Strategic(image("2"))).await.unwrap();
    wait_for("second", || status(&deployments, "web"), |seen| is_available(seen, 2) && seen["generation"] == 2).await;
    let sizes: Vec<i32> =
        sets.list(&ListParams::default()).await.unwrap().items.iter().map(|set| set.spec.replicas.unwrap()).collect();
    assert_eq!(sizes.iter().sum::<i32>(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_that_never_get_ready_stop_a_rollout() {
    let fixture = live_cluster().await;
    let client = fixture.cluster.client();
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let pods: Api<Pod> = Api::default_namespaced(client);
    let mut config = deployment("web");
    config["spec"]["progressDeadlineSeconds"] = json!(1);
    config["spec"]["template"]["metadata"]["annotations"] = json!({"waybill.dev/simulate": "crash"});
    deployments.patch("web", &PatchParams::apply("waybill"), &Patch::Apply(config)).await.unwrap();
    let seen = wait_for(
        "deadline",
        || status(&deployments, "web"),
        |seen| {
            seen["status"]["conditions"]
                .as_array()
                .is_some_and(|list| list.iter().any(|one| one["reason"] == "ProgressDeadlineExceeded"))
        },
    )
    .await;
    assert_eq!(condition(&seen, "Progressing")["status"], "False");
    assert_eq!(condition(&seen, "Available")["status"], "False");
    let list = pods.list(&ListParams::default()).await.unwrap();
    let state = list.items[0].status.as_ref().unwrap().container_statuses.as_ref().unwrap()[0].clone();
    assert_eq!(state.state.unwrap().waiting.unwrap().reason.as_deref(), Some("CrashLoopBackOff"));
    assert!(state.restart_count > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn stateful_and_daemon_sets_get_their_pods() {
    let fixture = live_cluster().await;
    let client = fixture.cluster.client();
    let template = json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "x:1"}]}});
    let set: StatefulSet = serde_json::from_value(json!({"metadata": {"name": "db"}, "spec": {"replicas": 2, "serviceName": "db", "selector": {"matchLabels": {"a": "b"}}, "template": template,
        "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}]}})).unwrap();
    let sets: Api<StatefulSet> = Api::default_namespaced(client.clone());
    sets.create(&PostParams::default(), &set).await.unwrap();
    wait_for(
        "stateful set",
        || async { sets.get("db").await.unwrap().status.unwrap_or_default() },
        |status| status.ready_replicas == Some(2) && status.updated_replicas == Some(2),
    )
    .await;
    let pods: Api<Pod> = Api::default_namespaced(client.clone());
    let names: Vec<String> = pods
        .list(&ListParams::default())
        .await
        .unwrap()
        .items
        .into_iter()
        .map(|pod| pod.metadata.name.unwrap())
        .collect();
    assert_eq!(names, ["db-0", "db-1"]);
    let claims: Api<PersistentVolumeClaim> = Api::default_namespaced(client.clone());
    let claim = wait_for(
        "claim",
        || async { claims.get("data-db-1").await.unwrap() },
        |claim| claim.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Bound"),
    )
    .await;
    assert!(claim.spec.unwrap().volume_name.is_some());
    let newer = json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "x:2"}]}}}});
    sets.patch("db", &PatchParams::default(), &Patch::Strategic(newer)).await.unwrap();
    wait_for(
        "update",
        || async { pods.list(&ListParams::default()).await.unwrap().items },
        |pods| {
            pods.len() == 2
                && pods.iter().all(|pod| pod.spec.as_ref().unwrap().containers[0].image.as_deref() == Some("x:2"))
        },
    )
    .await;
    sets.delete("db", &DeleteParams::default()).await.unwrap();

    let set: DaemonSet = serde_json::from_value(json!({"metadata": {"name": "agent"}, "spec": {"selector": {"matchLabels": {"c": "d"}}, "template": {"metadata": {"labels": {"c": "d"}}, "spec": {"containers": [{"name": "a", "image": "x:1"}]}}}})).unwrap();
    let sets: Api<DaemonSet> = Api::default_namespaced(client);
    sets.create(&PostParams::default(), &set).await.unwrap();
    wait_for(
        "daemon set",
        || async { sets.get("agent").await.unwrap().status.unwrap_or_default() },
        |status| status.number_ready == 1,
    )
    .await;
}

fn propagate(policy: PropagationPolicy) -> DeleteParams {
    DeleteParams { propagation_policy: Some(policy), ..DeleteParams::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn dependents_go_with_their_owner() {
    let fixture = live_cluster().await;
    let client = fixture.cluster.client();
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let sets: Api<ReplicaSet> = Api::default_namespaced(client.clone());
    let pods: Api<Pod> = Api::default_namespaced(client);
    let count = || async { (all(&deployments).await.len(), all(&sets).await.len(), all(&pods).await.len()) };
    for policy in [PropagationPolicy::Background, PropagationPolicy::Foreground] {
        apply(&deployments, deployment("web")).await;
        wait_for("rollout", count, |seen| *seen == (1, 1, 2)).await;
        deployments.delete("web", &propagate(policy)).await.unwrap();
        wait_for("deletion", count, |seen| *seen == (0, 0, 0)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn orphans_stay_and_are_adopted() {
    let fixture = live_cluster().await;
    let deployments = rolled_out(&fixture).await;
    let sets: Api<ReplicaSet> = Api::default_namespaced(fixture.cluster.client());
    deployments.delete("web", &propagate(PropagationPolicy::Orphan)).await.unwrap();
    let owners = || async {
        let sets = all(&sets).await;
        let count = |set: &ReplicaSet| set.metadata.owner_references.as_ref().map_or(0, Vec::len);
        (all(&deployments).await.len(), sets.iter().map(count).collect::<Vec<usize>>())
    };
    wait_for("orphans", owners, |seen| *seen == (0, vec![0])).await;
    // A Deployment that selects it takes it back.
    apply(&deployments, deployment("web")).await;
    wait_for("adoption", owners, |seen| *seen == (1, vec![1])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_names_an_owner_that_never_was_goes() {
    let fixture = live_cluster().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(fixture.cluster.client());
    let map: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "a", "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "nobody", "uid": "00000000-0000-4000-8000-000000000000"}]}})).unwrap();
    maps.create(&PostParams::default(), &map).await.unwrap();
    wait_for("collection", || async { maps.get_opt("a").await.unwrap().is_none() }, |gone| *gone).await;
}

async fn shop(client: &kube::Client) -> Api<Namespace> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": "shop"}})).unwrap();
    let made = namespaces.create(&PostParams::default(), &namespace).await.unwrap();
    assert_eq!(made.spec.unwrap().finalizers, Some(vec!["kubernetes".to_owned()]));
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "shop");
    assert!(accounts.get_opt("default").await.unwrap().is_some());
    namespaces
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_goes_after_everything_in_it() {
    let fixture = live_cluster().await;
    let client = fixture.cluster.client();
    let namespaces = shop(&client).await;
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "shop");
    apply(&deployments, deployment("web")).await;
    wait_for("rollout", || status(&deployments, "web"), |seen| is_available(seen, 2)).await;
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), "shop");
    let held = json!({"metadata": {"name": "a", "finalizers": ["example.com/hold"]}});
    maps.create(&PostParams::default(), &serde_json::from_value(held).unwrap()).await.unwrap();
    let going = namespaces.delete("shop", &DeleteParams::default()).await.unwrap();
    assert_eq!(going.left().unwrap().status.unwrap().phase.as_deref(), Some("Terminating"));
    let pods: Api<Pod> = Api::namespaced(client, "shop");
    wait_for("pods", || async { all(&pods).await.len() }, |count| *count == 0).await;

    // One object is held by somebody: nothing new may come, and the namespace waits.
    let new: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "b"}})).unwrap();
    let error = maps.create(&PostParams::default(), &new).await.unwrap_err();
    let kube::Error::Api(status) = error else { panic!("no status") };
    assert_eq!((status.code, status.reason.as_str()), (403, "Forbidden"));
    assert!(status.message.contains("because it is being terminated"), "{}", status.message);
    let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    maps.patch("a", &PatchParams::default(), &free).await.unwrap();
    wait_for("namespace", || async { namespaces.get_opt("shop").await.unwrap().is_none() }, |gone| *gone).await;
}
