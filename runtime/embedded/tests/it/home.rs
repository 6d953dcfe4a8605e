//! The home of a cluster: what lasts, and who may hold it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, PostParams};
use serde_json::json;
use waybill_embedded::{Cluster, OpenError};

use crate::{Fixture, cluster, options};

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_is_there_after_reopening() {
    let Fixture { cluster, folder } = cluster().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    let map: ConfigMap = serde_json::from_value(json!({"metadata": {"name": "a"}, "data": {"x": "y"}})).unwrap();
    let made = maps.create(&PostParams::default(), &map).await.unwrap();
    let system = Api::<Namespace>::all(cluster.client()).get("kube-system").await.unwrap();
    cluster.shutdown().await;
    let cluster = Cluster::open(folder.path(), options(false)).await.unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    assert_eq!(maps.get("a").await.unwrap(), made);
    let again = Api::<Namespace>::all(cluster.client()).get("kube-system").await.unwrap();
    assert_eq!(again.metadata.uid, system.metadata.uid);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_holder_learns_who_the_first_is() {
    let fixture = cluster().await;
    let error = match Cluster::open(fixture.folder.path(), options(false)).await {
        Ok(_) => panic!("two holders"),
        Err(error) => error,
    };
    assert!(matches!(&error, OpenError::Held { pid: Some(pid), .. } if *pid == std::process::id()), "{error}");
}

const WRITER: &str = "WAYBILL_TEST_WRITER";

/// Writes objects one after the other, and says the name of each once it was acknowledged.
async fn write_for_ever(home: &Path) {
    let cluster = Cluster::open(home, options(false)).await.unwrap();
    let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
    for index in 0.. {
        let name = format!("m{index:06}");
        let map = serde_json::from_value(json!({"metadata": {"name": name}, "data": {"x": "y"}})).unwrap();
        maps.create(&PostParams::default(), &map).await.unwrap();
        println!("\nwrote {name}");
    }
}

/// This test again, in a process of its own.
fn start_writer(home: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "home::what_was_acknowledged_survives_a_kill", "--nocapture"])
        .env(WRITER, home)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_survives_a_kill() {
    if let Some(home) = std::env::var_os(WRITER) {
        return write_for_ever(Path::new(&home)).await;
    }
    for enough in [1, 40, 150] {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = start_writer(folder.path());
        let lines = BufReader::new(writer.stdout.take().unwrap()).lines();
        let names = lines.map(Result::unwrap).filter_map(|line| line.strip_prefix("wrote ").map(str::to_owned));
        let mut names = names.peekable();
        let mut acknowledged: Vec<String> = names.by_ref().take(enough).collect();
        writer.kill().unwrap();
        writer.wait().unwrap();
        // What it could still say before it died was acknowledged too.
        acknowledged.extend(names);
        let cluster = Cluster::open(folder.path(), options(false)).await.unwrap();
        let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
        assert!(acknowledged.len() >= enough);
        for name in acknowledged {
            assert_eq!(maps.get(&name).await.unwrap().data.unwrap()["x"], "y", "{name}");
        }
    }
}
