//! Replays requests against a real Kubernetes API server and against the embedded one, and prints where the answers
//! differ.
//!
//! Usage: `replay KUBECONFIG REQUESTS.json`. REQUESTS is a list of `[method, path, content type, body]`; the requests of
//! one file depend on each other and are sent in order; `["WAIT", "3", "", null]` waits three seconds. What must differ (uids, times, revisions, addresses) is masked.
//! Exit code 1 if anything else differs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use http_body_util::BodyExt;
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::Value;
use waybill_embedded::{Cluster, Options};

type Request = (String, String, String, Value);
type Problem = Box<dyn std::error::Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [kubeconfig, requests] = arguments.as_slice() else {
        eprintln!("usage: replay KUBECONFIG REQUESTS.json");
        return ExitCode::from(64);
    };
    match run(kubeconfig, requests).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

async fn run(kubeconfig: &str, requests: &str) -> Result<usize, Problem> {
    let requests: Vec<Request> = serde_json::from_slice(&std::fs::read(requests)?)?;
    let config = Kubeconfig::read_from(kubeconfig)?;
    let config = kube::Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await?;
    let real = kube::Client::try_from(config)?;
    let home = std::env::temp_dir().join(format!("waybill-replay-{}", std::process::id()));
    let options = Options { node: false, runner: PathBuf::from("/proc/self/exe") };
    let cluster = Cluster::open(&home, options).await?;
    let embedded = cluster.client();
    let (mut same, mut different) = (0, 0);
    let mut seen = Masks::default();
    for request in &requests {
        if request.0 == "WAIT" {
            // For what the real cluster does in its own time, such as serving a new kind.
            tokio::time::sleep(std::time::Duration::from_secs(request.1.parse()?)).await;
            continue;
        }
        let expected = send(&real, request, &mut seen.real).await?;
        let actual = send(&embedded, request, &mut seen.embedded).await?;
        let mut lines = Vec::new();
        compare("", &expected, &actual, &mut lines);
        if lines.is_empty() {
            same += 1;
            continue;
        }
        different += 1;
        println!("{} {}", request.0, request.1);
        for line in lines {
            println!("    {line}");
        }
    }
    cluster.shutdown().await;
    std::fs::remove_dir_all(&home)?;
    println!("{same} same, {different} different");
    Ok(different)
}

/// Values that each side made up, by what they stand for.
#[derive(Default)]
struct Masks {
    real: BTreeMap<String, String>,
    embedded: BTreeMap<String, String>,
}

/// Sends one request; gives code and body. A string `$RV` or `$UID` in the body stands for that of the last answer.
async fn send(client: &kube::Client, request: &Request, last: &mut BTreeMap<String, String>) -> Result<Value, Problem> {
    let (method, path, content_type, body) = request;
    let mut text = if body.is_null() { String::new() } else { body.to_string() };
    for (name, value) in last.iter() {
        text = text.replace(name.as_str(), value);
    }
    let mut builder =
        http::Request::builder().method(method.as_str()).uri(path.as_str()).header("user-agent", "replay/1");
    if !content_type.is_empty() {
        builder = builder.header("content-type", content_type.as_str());
    }
    let response = client.send(builder.body(kube::client::Body::from(text.into_bytes()))?).await?;
    let code = response.status().as_u16();
    let bytes = response.into_body().collect().await?.to_bytes();
    let mut body: Value =
        serde_json::from_slice(&bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
    for (name, pointer) in [("$RV", "/metadata/resourceVersion"), ("$UID", "/metadata/uid")] {
        if let Some(value) = body.pointer(pointer).and_then(Value::as_str) {
            last.insert(name.to_owned(), value.to_owned());
        }
    }
    mask(&mut body);
    Ok(serde_json::json!({"code": code, "body": body}))
}

/// Hides what each server makes up for itself.
fn mask(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                let made_up = matches!(
                    key.as_str(),
                    "uid"
                        | "resourceVersion"
                        | "creationTimestamp"
                        | "time"
                        | "clusterIP"
                        | "nodePort"
                        | "lastTransitionTime"
                        | "deletionTimestamp"
                        | "lastPhaseTransitionTime"
                        | "healthCheckNodePort"
                );
                if made_up && !inner.is_null() && *inner != "None" {
                    *inner = Value::String(format!("<{key}>"));
                } else if key == "clusterIPs" && inner[0] != "None" {
                    *inner = Value::String("<clusterIPs>".to_owned());
                } else {
                    mask(inner);
                }
                // Conflicts come in no order.
                if let ("causes", Value::Array(causes)) = (key.as_str(), inner) {
                    causes.sort_by_key(ToString::to_string);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::String(text) if is_uid(text) => *text = "<uid>".to_owned(),
        Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_uid(text: &str) -> bool {
    let dashes: Vec<usize> = text.match_indices('-').map(|(index, _)| index).collect();
    text.len() == 36 && dashes == [8, 13, 18, 23]
}

fn compare(path: &str, expected: &Value, actual: &Value, out: &mut Vec<String>) {
    match (expected, actual) {
        (Value::Object(left), Value::Object(right)) => {
            for key in left.keys().chain(right.keys().filter(|key| !left.contains_key(*key))) {
                let below = format!("{path}.{key}");
                match (left.get(key), right.get(key)) {
                    (Some(left), Some(right)) => compare(&below, left, right, out),
                    (Some(left), None) => out.push(format!("{below}: missing {left}")),
                    (None, Some(right)) => out.push(format!("{below}: unexpected {right}")),
                    (None, None) => {}
                }
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                compare(&format!("{path}[{index}]"), left, right, out);
            }
        }
        (left, right) if left == right => {}
        (left, right) => out.push(format!("{path}:\n        real     {left}\n        embedded {right}")),
    }
}
