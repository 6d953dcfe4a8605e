//! Integration tests of this crate, one binary: a real `kube::Client` against the API in this process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apply;
mod crud;
mod home;
mod node;
mod node_end;
mod node_refused;
mod node_volumes;
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
    Options {
        node,
        runner: PathBuf::from("/bin/false"),
    }
}

pub async fn cluster() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::open(folder.path(), options(false)).await.unwrap();
    Fixture { cluster, folder }
}

/// Sends a raw request: what the typed client would hide.
pub async fn send(client: &kube::Client, method: &str, path: &str, body: Value) -> (u16, Value) {
    let content = match (method, path.contains("fieldManager")) {
        ("PATCH", true) if !path.contains("merge") => "application/apply-patch+yaml",
        ("PATCH", _) => "application/merge-patch+json",
        (_, _) => "application/json",
    };
    let bytes = if body.is_null() {
        Vec::new()
    } else {
        body.to_string().into_bytes()
    };
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", content);
    let request = request.body(kube::client::Body::from(bytes)).unwrap();
    let response = client.send(request).await.unwrap();
    let code = response.status().as_u16();
    let bytes = http_body_util::BodyExt::collect(response.into_body())
        .await
        .unwrap()
        .to_bytes();
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
