//! The home of a cluster: what lasts, and who may hold it.

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
