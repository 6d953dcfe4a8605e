//! Server-side apply: merging, ownership, conflicts, and that applying twice changes nothing.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use kube::api::{Api, DynamicObject, Patch, PatchParams, PostParams};
use serde_json::{Value, json};

use crate::{cluster, deployment, send};

fn manager(name: &str) -> PatchParams {
    PatchParams::apply(name)
}

fn entries(object: &Value) -> Vec<(String, String)> {
    let list = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    list.iter()
        .map(|entry| (entry["manager"].as_str().unwrap().to_owned(), entry["operation"].as_str().unwrap().to_owned()))
        .collect()
}

async fn apply(client: &kube::Client, path: &str, manager: &str, config: Value) -> (u16, Value) {
    send(client, "PATCH", &format!("{path}?fieldManager={manager}"), config).await
}

const WEB: &str = "/apis/apps/v1/namespaces/default/deployments/web";

#[tokio::test(flavor = "multi_thread")]
async fn applying_twice_changes_nothing() {
    let fixture = cluster().await;
    let deployments: Api<Deployment> = Api::default_namespaced(fixture.cluster.client());
    let first = deployments.patch("web", &manager("waybill"), &Patch::Apply(deployment("web"))).await.unwrap();
    assert_eq!(first.metadata.generation, Some(1));
    let second = deployments.patch("web", &manager("waybill"), &Patch::Apply(deployment("web"))).await.unwrap();
    assert_eq!(first, second);
    let dry = deployments
        .patch("web", &PatchParams { dry_run: true, ..manager("waybill") }, &Patch::Apply(deployment("web")))
        .await
        .unwrap();
    assert_eq!(first, dry);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_that_is_applied_twice_stays() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let objects: Vec<(String, Value)> = serde_json::from_str(include_str!("objects.json")).unwrap();
    for (path, mut config) in objects {
        let name = path.rsplit('/').next().unwrap();
        config["metadata"] = json!({"name": name, "labels": {}});
        let (code, first) = apply(&client, &path, "waybill", config.clone()).await;
        assert_eq!(code, 201, "{path}: {first}");
        let (code, second) = apply(&client, &path, "waybill", config.clone()).await;
        assert_eq!(code, 200, "{path}: {second}");
        assert_eq!(first, second, "{path}");
        // Reading it and writing it back is none either.
        let (code, third) = send(&client, "PUT", &path, second.clone()).await;
        assert_eq!(
            (code, &third["metadata"]["resourceVersion"]),
            (200, &second["metadata"]["resourceVersion"]),
            "{path}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn owners_conflict_and_force_wins() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let deployments: Api<Deployment> = Api::default_namespaced(client.clone());
    let params = PostParams { field_manager: Some("kubectl".to_owned()), ..PostParams::default() };
    deployments.create(&params, &serde_json::from_value(deployment("web")).unwrap()).await.unwrap();
    let config =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 5}});
    let (code, body) = apply(&client, WEB, "waybill", config.clone()).await;
    assert_eq!((code, body["reason"].as_str()), (409, Some("Conflict")));
    assert_eq!(
        body["message"],
        "Apply failed with 1 conflict: conflict with \"kubectl\" using apps/v1: .spec.replicas"
    );
    assert_eq!(
        body["details"]["causes"][0],
        json!({"reason": "FieldManagerConflict", "message": "conflict with \"kubectl\" using apps/v1", "field": ".spec.replicas"})
    );

    let (code, forced) = apply(&client, WEB, "waybill&force=true", config).await;
    assert_eq!((code, &forced["spec"]["replicas"]), (200, &json!(5)));
    assert_eq!(
        entries(&forced),
        [("waybill".to_owned(), "Apply".to_owned()), ("kubectl".to_owned(), "Update".to_owned())]
    );
    let fields = &forced["metadata"]["managedFields"];
    assert_eq!(fields[0]["fieldsV1"], json!({"f:spec": {"f:replicas": {}}}));
    assert!(fields[1]["fieldsV1"]["f:spec"].get("f:replicas").is_none());
    assert!(
        fields[1]["fieldsV1"]["f:spec"]["f:template"]["f:spec"]["f:containers"]["k:{\"name\":\"main\"}"]["f:image"]
            .is_object()
    );

    // Two managers can own the same value.
    let shared =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": 5}});
    let (code, _) = apply(&client, WEB, "other", shared).await;
    assert_eq!(code, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_applied_no_more_goes() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let mut config = deployment("web");
    config["metadata"]["annotations"] = json!({"a": "1", "b": "2"});
    config["spec"]["template"]["spec"]["containers"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "side", "image": "s:1"}));
    let (code, first) = apply(&client, WEB, "waybill", config.clone()).await;
    assert_eq!(code, 201, "{first}");
    // Somebody else adds to the container and to the annotations.
    let theirs = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "annotations": {"c": "3"}},
        "spec": {"template": {"spec": {"containers": [{"name": "main", "env": [{"name": "B", "value": "2"}]}]}}}});
    let (code, second) = apply(&client, WEB, "other", theirs).await;
    assert_eq!(code, 200, "{second}");
    let less = deployment("web");
    let mut less = less;
    less["metadata"]["annotations"] = json!({"a": "1"});
    less["spec"]["template"]["spec"]["containers"][0]["env"] = json!([]);
    let (code, third) = apply(&client, WEB, "waybill", less).await;
    assert_eq!(code, 200, "{third}");
    assert_eq!(third["metadata"]["annotations"], json!({"a": "1", "c": "3"}));
    let containers = third["spec"]["template"]["spec"]["containers"].as_array().unwrap();
    assert_eq!(containers.len(), 1);
    assert_eq!(containers[0]["env"], json!([{"name": "B", "value": "2"}]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_field_set_by_update_is_owned_and_kept() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let services: Api<Service> = Api::default_namespaced(client.clone());
    let config = json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}});
    services.patch("web", &manager("waybill"), &Patch::Apply(config.clone())).await.unwrap();
    let patch = json!({"metadata": {"labels": {"team": "a"}}});
    let params = PatchParams { field_manager: Some("kubectl-label".to_owned()), ..PatchParams::default() };
    services.patch("web", &params, &Patch::Merge(&patch)).await.unwrap();
    let after = services.patch("web", &manager("waybill"), &Patch::Apply(config)).await.unwrap();
    assert_eq!(after.metadata.labels, Some([("team".to_owned(), "a".to_owned())].into()));
    let managed = serde_json::to_value(&after.metadata.managed_fields).unwrap();
    assert_eq!(managed[1]["fieldsV1"], json!({"f:metadata": {"f:labels": {".": {}, "f:team": {}}}}));
    assert_eq!(
        managed[0]["fieldsV1"]["f:spec"]["f:ports"],
        json!({"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_configurations_are_refused() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let mut unknown = deployment("web");
    unknown["spec"]["foo"] = json!(1);
    let (code, body) = apply(&client, WEB, "waybill", unknown).await;
    assert_eq!(code, 500);
    assert_eq!(
        body["message"],
        "failed to create typed patch object (/web; apps/v1, Kind=Deployment): .spec.foo: field not declared in schema"
    );
    let (code, body) = send(&client, "PATCH", &format!("{WEB}?fieldManager="), deployment("web")).await;
    assert_eq!(code, 422);
    assert_eq!(
        body["message"],
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch"
    );
    let mut other = deployment("web");
    other["metadata"]["name"] = json!("other");
    let (code, body) = apply(&client, WEB, "waybill", other).await;
    assert_eq!(
        (code, body["message"].as_str()),
        (400, Some("the name of the object (other) does not match the name on the URL (web)"))
    );
    let mut managed = deployment("web");
    managed["metadata"]["managedFields"] = json!([]);
    let (code, body) = apply(&client, WEB, "waybill", managed).await;
    assert_eq!((code, body["message"].as_str()), (400, Some("metadata.managedFields must be nil")));
}

#[tokio::test(flavor = "multi_thread")]
async fn status_has_owners_of_its_own() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    apply(&client, WEB, "waybill", deployment("web")).await;
    let status = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "status": {"replicas": 2, "conditions": [{"type": "Available", "status": "True", "lastUpdateTime": null, "lastTransitionTime": null}]}});
    let (code, body) = send(&client, "PATCH", &format!("{WEB}/status?fieldManager=controller"), status).await;
    assert_eq!(code, 200, "{body}");
    let entry = body["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["manager"] == "controller")
        .unwrap();
    assert_eq!((&entry["subresource"], &entry["operation"]), (&json!("status"), &json!("Apply")));
    assert_eq!(body["status"]["replicas"], 2);
    let (code, again) = apply(&client, WEB, "waybill", deployment("web")).await;
    assert_eq!((code, &again["metadata"]["resourceVersion"]), (200, &body["metadata"]["resourceVersion"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_objects_are_applied_quickly_enough() {
    let fixture = cluster().await;
    let client = fixture.cluster.client();
    let resource = kube::core::ApiResource::erase::<k8s_openapi::api::core::v1::ConfigMap>(&());
    let maps: Api<DynamicObject> = Api::default_namespaced_with(client, &resource);
    let one = |index: usize| {
        let maps = maps.clone();
        async move {
            let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": format!("m{index}")}, "data": {"a": index.to_string()}});
            maps.patch(&format!("m{index}"), &manager("waybill"), &Patch::Apply(config)).await.map(|_| ())
        }
    };
    let results = futures::future::join_all((0..1000).map(one)).await;
    assert!(results.iter().all(Result::is_ok));
    assert_eq!(maps.list_metadata(&kube::api::ListParams::default()).await.unwrap().items.len(), 1000);
}
