//! Integration tests of this crate, one binary: a real `kube::Client` against the API in this process, and Pods on the
//! node.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apply;
mod controllers;
mod crud;
mod home;
mod node;
mod node_end;
mod node_refused;
mod node_volumes;
mod pods;
mod watch;

use std::path::PathBuf;

use serde_json::{Value, json};
use waybill_embedded::{Cluster, Options};

/// A cluster without controllers in a folder of its own.
pub struct Fixture {
    pub cluster: Cluster,
    pub folder: tempfile::TempDir,
}

pub fn options(node: bool) -> Options {
    Options { node, runner: PathBuf::from(node::RUNNER) }
}

pub async fn cluster() -> Fixture {
    opened(false).await
}

/// A cluster with controllers and a node.
pub async fn live_cluster() -> Fixture {
    opened(true).await
}

async fn opened(node: bool) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), options(node)).await.unwrap();
    Fixture { cluster, folder }
}

/// Everything that the client lists.
pub async fn all<K>(api: &kube::Api<K>) -> Vec<K>
where
    K: Clone + serde::de::DeserializeOwned + std::fmt::Debug,
{
    let list = api.list(&kube::api::ListParams::default()).await.unwrap();
    list.items
}

/// Waits until what `look` sees is as wanted; gives the last thing that it saw.
pub async fn wait_for<T, F>(what: &str, mut look: impl FnMut() -> F, wanted: impl Fn(&T) -> bool) -> T
where
    T: std::fmt::Debug,
    F: Future<Output = T>,
{
    let deadline = tokio::time::Instant::now() + node::PATIENCE;
    loop {
        let seen = look().await;
        if wanted(&seen) {
            return seen;
        }
        assert!(tokio::time::Instant::now() < deadline, "{what}: {seen:?}");
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
}

/// Sends a raw request: what the typed client would hide.
pub async fn send(client: &kube::Client, method: &str, path: &str, body: Value) -> (u16, Value) {
    let content = match (method, path.contains("fieldManager")) {
        ("PATCH", true) if !path.contains("merge") => "application/apply-patch+yaml",
        ("PATCH", _) => "application/merge-patch+json",
        (_, _) => "application/json",
    };
    let bytes = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
    let request = http::Request::builder().method(method).uri(path).header("content-type", content);
    let request = request.body(kube::client::Body::from(bytes)).unwrap();
    let response = client.send(request).await.unwrap();
    let code = response.status().as_u16();
    let bytes = http_body_util::BodyExt::collect(response.into_body()).await.unwrap().to_bytes();
    (code, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

pub fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "replicas": 2, "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": [
                {"name": "main", "image": "registry.example.com/app:1", "ports": [{"containerPort": 8080}],
                 "env": [{"name": "A", "value": "1"}], "resources": {"limits": {"cpu": "1000m", "memory": "128Mi"}}},
            ]}},
        },
    })
}
