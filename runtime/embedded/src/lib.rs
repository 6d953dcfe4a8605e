//! Embedded cluster: an in-process Kubernetes API with a durable store, the controllers that plans need, and a node.
//!
//! The line: `service` (HTTP) → `api` (verbs) → `store` (one writer, durable) → watches → `controllers` and node.
//! Beside it lie the pure parts: `schema`, `decode`, `defaults`, `validate`, `typed`, `managed`, `strategy`.
//!
//! **Invariant:** this crate knows nothing of specs or plans; it speaks Kubernetes.
//! **Invariant:** an acknowledged write is on disk, and SIGKILL at any moment loses nothing that was acknowledged.
//! **Not here:** sockets. The API is a tower service in this process.

mod api;
mod clock;
mod controllers;
mod custom;
mod decode;
mod defaults;
mod discovery;
mod fields;
mod home;
mod kinds;
mod logs;
mod managed;
pub mod node;
mod quantity;
mod random;
mod request;
mod schema;
mod selector;
mod service;
mod status;
mod store;
mod strategy;
mod typed;
mod validate;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

pub use home::OpenError;
pub use kinds::has_controller;
pub use service::{Api, Body};

use store::{Key, Store, Txn};

/// How a cluster is run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Run the controllers and the node. Without them objects are stored and served, and nothing else happens.
    pub node: bool,
    /// The executable that the node runs again to set up the namespaces of a container; its `main` calls
    /// [`node::enter`] first.
    pub runner: PathBuf,
}

/// An open embedded cluster. It holds its home until it is shut down or dropped.
pub struct Cluster {
    api: Api,
    store: Store,
    controllers: Option<controllers::Running>,
    _lock: home::Lock,
}

impl Cluster {
    /// Opens the cluster that lives in `home/cluster`, making it if it is not there. Where another process holds it,
    /// waits ten seconds and then says who.
    pub async fn open(home: &Path, options: Options) -> Result<Cluster, OpenError> {
        let lock = home::lock(home).await?;
        let path = home.join("cluster").join("store.redb");
        let file = path.clone();
        let opened = tokio::task::spawn_blocking(move || Store::open(&file)).await;
        let store = match opened {
            Ok(Ok(store)) => store,
            Ok(Err(error)) => {
                let error = Box::new(error);
                return Err(OpenError::Store { path, error });
            }
            Err(error) => {
                let error = std::io::Error::other(error);
                return Err(OpenError::Io { path, error });
            }
        };
        store.write(found).await.map_err(|failure| OpenError::Setup(Box::new(failure)))?;
        let node = node::Node::new(home, &options.runner);
        let logs = node.clone();
        let api = Api::new(store.clone(), Arc::new(move |uid: &str, container: &str| logs.log_path(uid, container)));
        let controllers = match options.node {
            true => {
                let started = controllers::start(store.clone(), node, &home.join("pods")).await;
                Some(started.map_err(|failure| OpenError::Setup(Box::new(failure)))?)
            }
            false => None,
        };
        Ok(Cluster { api, store, controllers, _lock: lock })
    }

    /// A client whose default namespace is `default`.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(self.api.clone(), "default")
    }

    /// The API itself.
    pub fn service(&self) -> Api {
        self.api.clone()
    }

    /// Stops controllers and node, then closes the store. What Pods of processes still run end with them; the next
    /// `open` reports them as lost.
    pub async fn shutdown(self) {
        if let Some(controllers) = self.controllers {
            controllers.stop().await;
        }
        self.store.close().await;
    }
}

/// The namespaces that every cluster has, each with its `default` ServiceAccount.
fn found(txn: &mut Txn) -> Result<(), status::Failure> {
    for name in ["default", "kube-system", "kube-public", "kube-node-lease"] {
        let key = Key::new("namespaces", "", name);
        if txn.get(&key).is_some() {
            continue;
        }
        let kind = txn.catalogue().resource("", "v1", "namespaces").cloned();
        let Some(kind) = kind else { continue };
        let namespace: Value = json!({"metadata": {"name": name}});
        let target = api::Target { kind: &kind, namespace: "", name };
        let options =
            api::WriteOptions { field_manager: Some("kube-apiserver".to_owned()), ..api::WriteOptions::default() };
        api::create(txn, target, &namespace, &options)?;
    }
    Ok(())
}
