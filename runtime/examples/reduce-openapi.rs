//! Reduces the OpenAPI v3 documents of a running API server to what a check of manifests needs.
//!
//! `cargo run -p waybill-runtime --example reduce-openapi -- compiler/src/kubernetes/schema` reads the server of the
//! kubeconfig (`KUBECONFIG`) and writes `v1.MINOR.gz` there. Start the server with `--runtime-config=api/all=true`, so
//! that versions which are off by default are known too. The same server gives the same bytes.
//!
//! The text has one line per kind, `kind GROUP VERSION KIND RESOURCE SCOPE TYPE` (`-` for the core group), and one per
//! type, `type NAME JSON`. Sentences, defaults and what only patches need are left out.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Map, Value, json};

type Fallible<T> = Result<T, Box<dyn Error>>;

/// The keywords that are kept as they are.
const KEPT: &[&str] = &["type", "format", "required", "enum", "x-kubernetes-list-type", "x-kubernetes-list-map-keys"];

fn main() -> Fallible<()> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("usage: reduce-openapi FOLDER")?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let (minor, text) = runtime.block_on(reduced())?;
    let file = std::fs::File::create(folder.join(format!("v1.{minor}.gz")))?;
    let mut writer = flate2::GzBuilder::new().mtime(0).write(file, flate2::Compression::best());
    writer.write_all(text.as_bytes())?;
    writer.finish()?;
    println!("v1.{minor}: {} bytes of text", text.len());
    Ok(())
}

async fn get(client: &kube::Client, path: &str) -> Fallible<Value> {
    let text = client.request_text(http::Request::get(path).body(Vec::new())?).await?;
    Ok(serde_json::from_str(&text)?)
}

async fn reduced() -> Fallible<(String, String)> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = kube::Client::try_default().await?;
    let version = get(&client, "/version").await?;
    let index = get(&client, "/openapi/v3").await?;
    let (mut kinds, mut types) = (BTreeSet::new(), BTreeMap::new());
    for (path, entry) in index["paths"].as_object().ok_or("no paths")? {
        let parts: Vec<&str> = path.split('/').collect();
        let (group, version) = match parts[..] {
            ["api", version] => ("", version),
            ["apis", group, version] => (group, version),
            _ => continue,
        };
        let url = entry["serverRelativeURL"].as_str().ok_or("a path without an address")?;
        let document = get(&client, url).await?;
        let schemas = document["components"]["schemas"].as_object().cloned().unwrap_or_default();
        let list = get(&client, &format!("/{path}")).await?;
        kinds.extend(served(&list, group, version, &schemas));
        types.extend(schemas);
    }
    let number = version["gitVersion"].as_str().unwrap_or("");
    let minor = version["minor"].as_str().unwrap_or("").trim_end_matches('+').to_owned();
    Ok((minor, write(number, &kinds, &types)))
}

/// The lines of the kinds that a group version serves.
fn served(list: &Value, group: &str, version: &str, schemas: &Map<String, Value>) -> Vec<String> {
    let of_kind = |kind: &str| {
        schemas.iter().find(|(_, schema)| {
            let gvks = schema["x-kubernetes-group-version-kind"].as_array();
            gvks.is_some_and(|gvks| gvks.contains(&json!({"group": group, "kind": kind, "version": version})))
        })
    };
    let mut lines = Vec::new();
    for resource in list["resources"].as_array().into_iter().flatten() {
        let (name, kind) = (resource["name"].as_str().unwrap_or(""), resource["kind"].as_str().unwrap_or(""));
        let creates = resource["verbs"].as_array().is_some_and(|verbs| verbs.contains(&json!("create")));
        let Some((ty, _)) = of_kind(kind).filter(|_| !name.contains('/') && creates) else { continue };
        let scope = if resource["namespaced"] == true { "namespaced" } else { "cluster" };
        let group = if group.is_empty() { "-" } else { group };
        lines.push(format!("kind {group} {version} {kind} {name} {scope} {}", short(ty)));
    }
    lines
}

fn write(number: &str, kinds: &BTreeSet<String>, types: &BTreeMap<String, Value>) -> String {
    let by_short: BTreeMap<String, &Value> = types.iter().map(|(name, schema)| (short(name), schema)).collect();
    let mut waiting: Vec<String> = kinds.iter().filter_map(|line| line.rsplit(' ').next().map(str::to_owned)).collect();
    let mut found: BTreeMap<String, Value> = BTreeMap::new();
    while let Some(name) = waiting.pop() {
        if let (false, Some(schema)) = (found.contains_key(&name), by_short.get(&name)) {
            found.insert(name, reduce(schema, &mut waiting));
        }
    }
    let mut text = format!("# Kubernetes {number}, reduced by reduce-openapi\n");
    kinds.iter().for_each(|line| text.push_str(&format!("{line}\n")));
    found.iter().for_each(|(name, schema)| text.push_str(&format!("type {name} {schema}\n")));
    text
}

fn short(name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    name.strip_prefix("io.k8s.").unwrap_or(name).to_owned()
}

fn reduce(schema: &Value, refs: &mut Vec<String>) -> Value {
    let single = schema["allOf"].as_array().filter(|all| all.len() == 1).map(|all| &all[0]);
    if let Some(target) = single.unwrap_or(schema)["$ref"].as_str() {
        refs.push(short(target));
        return json!({"$ref": short(target)});
    }
    let mut out = Map::new();
    if schema["format"] == "int-or-string" {
        return json!({"x-kubernetes-int-or-string": true});
    }
    if schema["oneOf"] == json!([{"type": "string"}, {"type": "number"}]) {
        return json!({"format": "quantity"});
    }
    for key in KEPT {
        if let Some(value) = schema.get(key) {
            out.insert((*key).to_owned(), value.clone());
        }
    }
    if let Some(properties) = schema["properties"].as_object() {
        let reduced = properties.iter().map(|(name, schema)| (name.clone(), reduce(schema, refs)));
        out.insert("properties".into(), Value::Object(reduced.collect()));
    }
    for key in ["items", "additionalProperties"] {
        if let Some(inner) = schema.get(key) {
            let inner = if inner.is_object() { reduce(inner, refs) } else { inner.clone() };
            out.insert(key.into(), inner);
        }
    }
    Value::Object(out)
}
