//! Create, get, list, update, patch, delete, and how they fail.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Secret, Service};
use kube::api::{Api, DeleteParams, ListParams, ObjectMeta, Patch, PatchParams, PostParams};
use kube::discovery;
use serde_json::{Value, json};

use crate::{cluster, deployment, send};

fn status(error: kube::Error) -> kube::core::Status {
    match error {
        kube::Error::Api(status) => *status,
        other => panic!("no status: {other}"),
    }
}

fn config_map(name: &str) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        data: Some([("a".to_owned(), "1".to_owned())].into()),
        ..ConfigMap::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_namespaces_are_there() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let names: Vec<String> = Api::<Namespace>::all(client.clone())
        .list(&ListParams::default())
        .await
        .unwrap()
        .into_iter()
        .map(|ns| ns.metadata.name.unwrap())
        .collect();
    assert_eq!(names, ["default", "kube-node-lease", "kube-public", "kube-system"]);
    let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> = Api::all(client);
    assert_eq!(accounts.list(&ListParams::default()).await.unwrap().items.len(), 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_come_and_go() {
    let fixture = cluster().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(fixture.cluster.client());
    let made = maps.create(&PostParams::default(), &config_map("a")).await.unwrap();
    assert!(made.metadata.uid.is_some() && made.metadata.creation_timestamp.is_some());
    let error = status(maps.create(&PostParams::default(), &config_map("a")).await.unwrap_err());
    assert_eq!(
        (error.code, error.reason.as_str(), error.message.as_str()),
        (409, "AlreadyExists", "configmaps \"a\" already exists")
    );

    let mut stale = made.clone();
    stale.data = Some([("a".to_owned(), "2".to_owned())].into());
    let newer = maps.replace("a", &PostParams::default(), &stale).await.unwrap();
    assert_ne!(newer.metadata.resource_version, made.metadata.resource_version);
    stale.data = Some([("a".to_owned(), "3".to_owned())].into());
    let error = status(maps.replace("a", &PostParams::default(), &stale).await.unwrap_err());
    assert_eq!((error.code, error.reason.as_str()), (409, "Conflict"));
    assert_eq!(
        error.message,
        "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"
    );

    let wrong = DeleteParams {
        preconditions: Some(kube::api::Preconditions { uid: Some("x".to_owned()), ..Default::default() }),
        ..DeleteParams::default()
    };
    assert_eq!(status(maps.delete("a", &wrong).await.unwrap_err()).code, 409);
    let gone = maps.delete("a", &DeleteParams::default()).await.unwrap().right().unwrap();
    assert!(gone.is_success());
    let error = status(maps.get("a").await.unwrap_err());
    assert_eq!((error.code, error.message.as_str()), (404, "configmaps \"a\" not found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_changes_nothing_is_none() {
    let fixture = cluster().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(fixture.cluster.client());
    let made = maps.create(&PostParams::default(), &config_map("a")).await.unwrap();
    let same = maps.replace("a", &PostParams::default(), &made).await.unwrap();
    assert_eq!(same, made);
    let patch = json!({"data": {"a": "1"}});
    let same = maps.patch("a", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    assert_eq!(same.metadata.resource_version, made.metadata.resource_version);
}

#[tokio::test(flavor = "multi_thread")]
async fn dry_runs_leave_nothing() {
    let fixture = cluster().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(fixture.cluster.client());
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    let made = maps.create(&dry, &config_map("a")).await.unwrap();
    assert!(made.metadata.uid.is_some() && made.metadata.resource_version.is_none());
    assert!(maps.get_opt("a").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn names_are_generated() {
    let fixture = cluster().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(fixture.cluster.client());
    let mut map = config_map("x");
    map.metadata.name = None;
    map.metadata.generate_name = Some("a-".to_owned());
    let name = maps.create(&PostParams::default(), &map).await.unwrap().metadata.name.unwrap();
    assert!(name.starts_with("a-") && name.len() == 7, "{name}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_are_selected_and_paged() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let maps: Api<ConfigMap> = Api::default_namespaced(client.clone());
    for index in 0..7 {
        let mut map = config_map(&format!("m{index}"));
        map.metadata.labels = Some([("n".to_owned(), index.to_string())].into());
        maps.create(&PostParams::default(), &map).await.unwrap();
    }
    let some = maps.list(&ListParams::default().labels("n in (2,4)")).await.unwrap();
    assert_eq!(some.items.len(), 2);
    let one = maps.list(&ListParams::default().fields("metadata.name=m3")).await.unwrap();
    assert_eq!(one.items[0].metadata.name.as_deref(), Some("m3"));
    let mut params = ListParams::default().limit(3);
    let mut names = Vec::new();
    loop {
        let page = maps.list(&params).await.unwrap();
        names.extend(page.items.into_iter().map(|map| map.metadata.name.unwrap()));
        match page.metadata.continue_.filter(|token| !token.is_empty()) {
            Some(token) => params.continue_token = Some(token),
            None => break,
        }
    }
    assert_eq!(names, ["m0", "m1", "m2", "m3", "m4", "m5", "m6"]);
    let (code, body) = send(&client, "GET", "/api/v1/configmaps?labelSelector=a%20b", Value::Null).await;
    assert_eq!((code, body["reason"].as_str()), (400, Some("BadRequest")));
}

#[tokio::test(flavor = "multi_thread")]
async fn discovery_knows_every_kind() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let found = discovery::Discovery::new(client.clone()).run().await.unwrap();
    let gvk = kube::core::GroupVersionKind::gvk("apps", "v1", "Deployment");
    let (resource, capabilities) = found.resolve_gvk(&gvk).unwrap();
    assert_eq!(resource.plural, "deployments");
    assert!(capabilities.supports_operation("watch"));
    assert!(capabilities.subresources.iter().any(|(sub, _)| sub.plural.contains("scale")));
    let (pinned, _) =
        discovery::pinned_kind(&client, &kube::core::GroupVersionKind::gvk("", "v1", "Pod")).await.unwrap();
    assert_eq!(pinned.plural, "pods");
    assert_eq!(client.apiserver_version().await.unwrap().minor, "36");
    assert!(
        discovery::pinned_kind(&client, &kube::core::GroupVersionKind::gvk("example.com", "v1", "Nothing"))
            .await
            .is_err()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_says_no_as_it_should() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let deployments = "/apis/apps/v1/namespaces/default/deployments";
    let mut wrong = deployment("web");
    wrong["spec"]["selector"]["matchLabels"]["app"] = json!("other");
    let (code, body) = send(&client, "POST", deployments, wrong).await;
    assert_eq!(code, 422);
    assert_eq!(
        body["message"],
        "Deployment.apps \"web\" is invalid: spec.template.metadata.labels: Invalid value: {\"app\":\"web\"}: `selector` does not match template `labels`"
    );

    let mut unknown = deployment("web");
    unknown["spec"]["foo"] = json!(1);
    let (code, body) = send(&client, "POST", &format!("{deployments}?fieldValidation=Strict"), unknown).await;
    assert_eq!(code, 400);
    assert_eq!(
        body["message"],
        "Deployment in version \"v1\" cannot be handled as a Deployment: strict decoding error: unknown field \"spec.foo\""
    );

    let mut typed = deployment("web");
    typed["spec"]["replicas"] = json!("two");
    let (code, body) = send(&client, "POST", deployments, typed).await;
    assert_eq!(code, 400);
    assert_eq!(
        body["message"],
        "Deployment in version \"v1\" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_not_found() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let (code, body) =
        send(&client, "POST", "/api/v1/namespaces/missing/configmaps", json!({"metadata": {"name": "a"}})).await;
    assert_eq!((code, body["message"].as_str()), (404, Some("namespaces \"missing\" not found")));
    let (code, _) = send(&client, "GET", "/api/v1/namespaces/default/nothings", Value::Null).await;
    assert_eq!(code, 404);
    let (code, body) = send(&client, "POST", "/api/v1/namespaces/default/configmaps/a", json!({})).await;
    assert_eq!((code, body["reason"].as_str()), (405, Some("MethodNotAllowed")));
    let (code, _) =
        send(&client, "POST", "/api/v1/namespaces/default/configmaps", json!({"metadata": {"name": "A_b"}})).await;
    assert_eq!(code, 422);

    let request = http::Request::builder()
        .method("PATCH")
        .uri("/api/v1/namespaces/default/configmaps/a")
        .header("content-type", "text/plain");
    let response = client.send(request.body(kube::client::Body::from(b"{}".to_vec())).unwrap()).await.unwrap();
    assert_eq!(response.status(), 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_not_change_does_not() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    deployments.create(&PostParams::default(), &serde_json::from_value(deployment("web")).unwrap()).await.unwrap();
    let patch =
        json!({"spec": {"selector": {"matchLabels": {"x": "y"}}, "template": {"metadata": {"labels": {"x": "y"}}}}});
    let error = status(deployments.patch("web", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap_err());
    assert!(error.message.contains("field is immutable"), "{}", error.message);
}

#[tokio::test(flavor = "multi_thread")]
async fn addresses_and_sealed_data_do_not_change() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let services: Api<Service> = Api::default_namespaced(client.clone());
    let made: Service = serde_json::from_value(
        json!({"metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}}),
    )
    .unwrap();
    let made = services.create(&PostParams::default(), &made).await.unwrap();
    let spec = made.spec.clone().unwrap();
    assert!(spec.cluster_ip.as_deref().is_some_and(|ip| ip.starts_with("10.")));
    assert_eq!(spec.ip_families, Some(vec!["IPv4".to_owned()]));
    assert_eq!(
        spec.ports.unwrap()[0].target_port,
        Some(k8s_openapi::apimachinery::pkg::util::intstr::IntOrString::Int(80))
    );
    let patch = json!({"spec": {"clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]}});
    let error = status(services.patch("web", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap_err());
    assert!(error.message.contains("may not change once set"), "{}", error.message);

    let secrets: Api<Secret> = Api::default_namespaced(client);
    let secret = Secret {
        metadata: ObjectMeta { name: Some("s".to_owned()), ..ObjectMeta::default() },
        string_data: Some([("a".to_owned(), "b".to_owned())].into()),
        immutable: Some(true),
        ..Secret::default()
    };
    let made = secrets.create(&PostParams::default(), &secret).await.unwrap();
    assert_eq!(made.data.unwrap()["a"].0, b"b");
    let patch = json!({"data": {"a": "Yw=="}});
    let error = status(secrets.patch("s", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap_err());
    assert_eq!(error.message, "Secret \"s\" is invalid: data: Forbidden: field is immutable when `immutable` is set");
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_of_all_kinds() {
    let fixture = cluster().await;
    let deployments: Api<Deployment> = Api::default_namespaced(fixture.cluster.client());
    let made =
        deployments.create(&PostParams::default(), &serde_json::from_value(deployment("web")).unwrap()).await.unwrap();
    assert_eq!(made.metadata.generation, Some(1));
    let image = |deployment: &Deployment| {
        let spec = deployment.spec.template.spec.clone().unwrap();
        spec.containers[0].image.clone().unwrap()
    };
    let strategic = json!({"spec": {"template": {"spec": {"containers": [{"name": "main", "image": "registry.example.com/app:2"}]}}}});
    let changed = deployments.patch("web", &PatchParams::default(), &Patch::Strategic(&strategic)).await.unwrap();
    assert_eq!((image(&changed).as_str(), changed.metadata.generation), ("registry.example.com/app:2", Some(2)));
    let json: json_patch::Patch = serde_json::from_value(json!([{"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry.example.com/app:3"}])).unwrap();
    let changed = deployments.patch("web", &PatchParams::default(), &Patch::<()>::Json(json)).await.unwrap();
    assert_eq!(image(&changed), "registry.example.com/app:3");
    let scale = deployments.get_scale("web").await.unwrap();
    assert_eq!((scale.spec.unwrap().replicas, scale.status.unwrap().selector.as_deref()), (Some(2), Some("app=web")));
    let scaled = deployments
        .patch_scale("web", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": 5}})))
        .await
        .unwrap();
    assert_eq!(scaled.spec.unwrap().replicas, Some(5));
    let status = json!({"status": {"replicas": 4, "observedGeneration": 3}, "spec": {"replicas": 9}});
    let changed = deployments.patch_status("web", &PatchParams::default(), &Patch::Merge(&status)).await.unwrap();
    assert_eq!((changed.status.unwrap().replicas, changed.spec.replicas), (Some(4), Some(5)));
}

#[tokio::test(flavor = "multi_thread")]
async fn finalizers_hold_an_object() {
    let fixture = cluster().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(fixture.cluster.client());
    let mut map = config_map("a");
    map.metadata.finalizers = Some(vec!["example.com/hold".to_owned()]);
    maps.create(&PostParams::default(), &map).await.unwrap();
    let held = maps.delete("a", &DeleteParams::default()).await.unwrap().left().unwrap();
    assert!(held.metadata.deletion_timestamp.is_some());
    let more = json!({"metadata": {"finalizers": ["example.com/hold", "example.com/more"]}});
    assert_eq!(status(maps.patch("a", &PatchParams::default(), &Patch::Merge(&more)).await.unwrap_err()).code, 422);
    let none = json!({"metadata": {"finalizers": null}});
    maps.patch("a", &PatchParams::default(), &Patch::Merge(&none)).await.unwrap();
    assert!(maps.get_opt("a").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn collections_are_deleted() {
    let fixture = cluster().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(fixture.cluster.client());
    for name in ["a", "b"] {
        let mut map = config_map(name);
        map.metadata.labels = Some([("n".to_owned(), name.to_owned())].into());
        maps.create(&PostParams::default(), &map).await.unwrap();
    }
    maps.delete_collection(&DeleteParams::default(), &ListParams::default().labels("n=a")).await.unwrap();
    let left = maps.list(&ListParams::default()).await.unwrap();
    assert_eq!(left.items.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn pods_get_what_admission_gives_them() {
    let fixture = cluster().await;
    let pods: Api<Pod> = Api::default_namespaced(fixture.cluster.client());
    let pod: Pod = serde_json::from_value(
        json!({"metadata": {"name": "p"}, "spec": {"containers": [{"name": "a", "image": "x:1"}]}}),
    )
    .unwrap();
    let made = pods.create(&PostParams::default(), &pod).await.unwrap();
    let (spec, status) = (made.spec.unwrap(), made.status.unwrap());
    assert_eq!(spec.service_account_name.as_deref(), Some("default"));
    assert_eq!((status.phase.as_deref(), status.qos_class.as_deref()), (Some("Pending"), Some("BestEffort")));
    // Not on a node yet: nobody has to end it.
    pods.delete("p", &DeleteParams::default()).await.unwrap();
    assert!(pods.get_opt("p").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn custom_resources_follow_their_definition() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let definition = json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "boats.example.com"},
        "spec": {"group": "example.com", "scope": "Namespaced", "names": {"plural": "boats", "kind": "Boat"},
            "versions": [{"name": "v1", "served": true, "storage": true, "subresources": {"status": {}}, "schema": {"openAPIV3Schema": {"type": "object", "properties": {
                "spec": {"type": "object", "properties": {"length": {"type": "integer", "default": 7}, "crew": {"type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"], "items": {"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}}}},
                "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": true}}}}}]}});
    let (code, made) =
        send(&client, "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition).await;
    assert_eq!(code, 201, "{made}");
    assert_eq!(made["spec"]["names"]["listKind"], "BoatList");
    assert!(
        made["status"]["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .any(|one| one["type"] == "Established" && one["status"] == "True")
    );
    let (code, boat) = send(
        &client,
        "POST",
        "/apis/example.com/v1/namespaces/default/boats",
        json!({"metadata": {"name": "b"}, "spec": {"crew": [{"name": "x"}]}, "status": {"a": 1}}),
    )
    .await;
    assert_eq!(code, 201, "{boat}");
    assert_eq!(
        (&boat["spec"]["length"], &boat["status"], &boat["metadata"]["generation"]),
        (&json!(7), &Value::Null, &json!(1))
    );
    let config = json!({"apiVersion": "example.com/v1", "kind": "Boat", "metadata": {"name": "b"}, "spec": {"crew": [{"name": "y", "age": 3}]}});
    let (code, boat) =
        send(&client, "PATCH", "/apis/example.com/v1/namespaces/default/boats/b?fieldManager=t", config).await;
    assert_eq!((code, boat["spec"]["crew"].as_array().unwrap().len()), (200, 2), "{boat}");
    assert_eq!(boat["metadata"]["generation"], 2);
    definition_goes_with_its_resources(&client).await;
}

async fn definition_goes_with_its_resources(client: &kube::Client) {
    let definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/boats.example.com";
    let boats = "/apis/example.com/v1/namespaces/default/boats";
    let (_, made) = send(client, "GET", definition, Value::Null).await;
    let (code, _) = send(client, "DELETE", definition, Value::Null).await;
    assert_eq!(code, 200);
    let (code, _) = send(client, "GET", boats, Value::Null).await;
    assert_eq!(code, 404);
    // A new definition of the same name does not bring the old resources back.
    let again = json!({"metadata": {"name": "boats.example.com"}, "spec": made["spec"]});
    let all = definition.strip_suffix("/boats.example.com").unwrap();
    let (code, _) = send(client, "POST", all, again).await;
    assert_eq!(code, 201);
    let (_, list) = send(client, "GET", boats, Value::Null).await;
    assert_eq!(list["items"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn autoscalers_are_served_in_both_versions() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let old = json!({"metadata": {"name": "h"}, "spec": {"maxReplicas": 3, "targetCPUUtilizationPercentage": 50, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}}});
    let (code, made) =
        send(&client, "POST", "/apis/autoscaling/v1/namespaces/default/horizontalpodautoscalers", old).await;
    assert_eq!(code, 201, "{made}");
    assert_eq!(made["spec"]["targetCPUUtilizationPercentage"], 50);
    let (_, new) =
        send(&client, "GET", "/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers/h", Value::Null).await;
    assert_eq!(new["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"], 50);
}
