//! Watches: what they deliver, from where, and how they end.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::runtime::watcher;
use serde_json::json;

use crate::cluster;

fn config_map(name: &str, label: &str) -> ConfigMap {
    serde_json::from_value(json!({"metadata": {"name": name, "labels": {"n": label}}})).unwrap()
}

fn shown(event: &WatchEvent<ConfigMap>) -> String {
    match event {
        WatchEvent::Added(map) => format!("+{}", map.metadata.name.as_deref().unwrap()),
        WatchEvent::Modified(map) => format!("~{}", map.metadata.name.as_deref().unwrap()),
        WatchEvent::Deleted(map) => format!("-{}", map.metadata.name.as_deref().unwrap()),
        WatchEvent::Bookmark(_) => "bookmark".to_owned(),
        WatchEvent::Error(status) => format!("error {}", status.code),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_arrive_in_order_seen_through_the_selector() {
    let fixture = cluster().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(fixture.cluster.client());
    let start = maps.list(&ListParams::default()).await.unwrap().metadata.resource_version.unwrap();
    maps.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    maps.create(&PostParams::default(), &config_map("b", "2")).await.unwrap();
    let label = |value: &str| json!({"metadata": {"labels": {"n": value}}});
    let params = PatchParams::default();
    maps.patch("a", &params, &Patch::Merge(json!({"data": {"x": "y"}}))).await.unwrap();
    maps.patch("a", &params, &Patch::Merge(label("2"))).await.unwrap();
    maps.patch("b", &params, &Patch::Merge(label("1"))).await.unwrap();
    maps.delete("b", &DeleteParams::default()).await.unwrap();
    let events = maps.watch(&WatchParams::default().labels("n=1").timeout(1), &start).await.unwrap();
    let seen: Vec<String> = events.map_ok(|event| shown(&event)).try_collect().await.unwrap();
    assert_eq!(seen, ["+a", "~a", "-a", "+b", "-b"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watcher_lists_and_follows() {
    let fixture = cluster().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(fixture.cluster.client());
    maps.create(&PostParams::default(), &config_map("a", "1")).await.unwrap();
    for config in [watcher::Config::default(), watcher::Config::default().streaming_lists()] {
        let mut events = Box::pin(watcher(maps.clone(), config));
        let wait = Duration::from_secs(10);
        let mut seen = Vec::new();
        loop {
            match tokio::time::timeout(wait, events.next()).await.unwrap().unwrap().unwrap() {
                watcher::Event::Init => seen.push("init".to_owned()),
                watcher::Event::InitApply(map) => seen.push(map.metadata.name.unwrap()),
                watcher::Event::InitDone => break,
                watcher::Event::Apply(_) | watcher::Event::Delete(_) => panic!("too early"),
            }
        }
        assert_eq!(seen, ["init", "a"]);
        maps.create(&PostParams::default(), &config_map("z", "1")).await.unwrap();
        let next = tokio::time::timeout(wait, events.next()).await.unwrap().unwrap().unwrap();
        assert!(matches!(next, watcher::Event::Apply(map) if map.metadata.name.as_deref() == Some("z")));
        maps.delete("z", &DeleteParams::default()).await.unwrap();
        let next = tokio::time::timeout(wait, events.next()).await.unwrap().unwrap().unwrap();
        assert!(matches!(next, watcher::Event::Delete(_)));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forgotten_past_is_gone() {
    let fixture = cluster().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(fixture.cluster.client());
    let events = maps.watch(&WatchParams::default().timeout(1), "1").await.unwrap();
    let seen: Vec<String> = events.map_ok(|event| shown(&event)).try_collect().await.unwrap();
    // Revision 1 is where a new store begins: nothing is forgotten yet.
    assert!(!seen.iter().any(|event| event.starts_with("error")), "{seen:?}");
    let crate::Fixture { cluster, folder } = fixture;
    cluster.shutdown().await;
    let cluster = waybill_embedded::Cluster::open(folder.path(), crate::options(false)).await.unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let events = maps.watch(&WatchParams::default().timeout(1), "1").await.unwrap();
    let seen: Vec<String> = events.map_ok(|event| shown(&event)).try_collect().await.unwrap();
    assert_eq!(seen, ["error 410"]);
}
