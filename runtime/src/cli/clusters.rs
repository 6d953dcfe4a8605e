//! Connects the clusters that a command talks to.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use waybill_embedded::{Cluster as Embedded, Options};

use crate::effects::kube::Cluster;
use crate::observe::Connected;

/// Connected clusters; the embedded one stays open as long as this lives.
pub struct Clusters {
    pub connected: Connected,
    embedded: Option<Embedded>,
    /// Why the embedded cluster could not be opened, if another process has it.
    pub held: Option<String>,
}

/// Connects by name: `None` for the context is the embedded cluster. `node` starts its controllers and its node.
pub async fn connect(wanted: &BTreeMap<String, Option<String>>, home: &Path, node: bool) -> Clusters {
    let mut clusters = Clusters { connected: Connected::new(), embedded: None, held: None };
    for (name, context) in wanted {
        let cluster = match context {
            Some(context) => remote(context).await,
            None => clusters.embedded(home, node).await,
        };
        clusters.connected.insert(name.clone(), cluster);
    }
    clusters
}

impl Clusters {
    async fn embedded(&mut self, home: &Path, node: bool) -> Result<Cluster, String> {
        if self.embedded.is_none() {
            let runner = std::env::current_exe().map_err(|error| format!("this program's own file: {error}"))?;
            std::fs::create_dir_all(home)
                .map_err(|error| format!("making {}: {}", home.display(), crate::load::plain(&error)))?;
            match Embedded::open(home, Options { node, runner }).await {
                Ok(opened) => self.embedded = Some(opened),
                Err(error) => {
                    if matches!(error, waybill_embedded::OpenError::Held { .. }) {
                        self.held = Some(error.to_string());
                    }
                    return Err(error.to_string());
                }
            }
        }
        let opened = self.embedded.as_ref().ok_or("the embedded cluster is not open")?;
        Ok(Cluster::new(opened.client(), true))
    }

    /// Every cluster, or the first reason why one is not there.
    pub fn all(&self) -> Result<BTreeMap<String, Cluster>, String> {
        let all = self.connected.iter().map(|(name, cluster)| match cluster {
            Ok(cluster) => Ok((name.clone(), cluster.clone())),
            Err(reason) => Err(format!("cluster `{name}`: {reason}")),
        });
        all.collect()
    }

    pub async fn close(self) {
        if let Some(embedded) = self.embedded {
            embedded.shutdown().await;
        }
    }
}

async fn remote(context: &str) -> Result<Cluster, String> {
    let file = Kubeconfig::read().map_err(|error| format!("kubeconfig: {error}"))?;
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let mut config = kube::Config::from_custom_kubeconfig(file, &options)
        .await
        .map_err(|error| format!("context {context}: {error}"))?;
    config.connect_timeout = Some(Duration::from_secs(10));
    let client = kube::Client::try_from(config).map_err(|error| format!("context {context}: {error}"))?;
    Ok(Cluster::new(client, false))
}
