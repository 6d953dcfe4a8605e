//! The node of the embedded cluster: runs Pods as local processes in namespaces of their own.
//!
//! Images are not pulled. A container sees the host's system directories read-only, a root, `/tmp`, `/dev` and `/proc`
//! of its own, and the Pod's volumes where it mounts them; the network is the host's. The namespaces are made by
//! re-executing a binary whose `main` calls [`enter`] first.
//!
//! **Invariant:** the processes of a Pod never outlive the process that holds the [`Node`], however that ends.
//! Not here: the API, which Pods run here and when, Pods of Deployments. Resource requests and limits and the sizes of
//! volumes are not enforced.

mod env;
mod inside;
mod launch;
mod log;
mod mounts;
mod namespace;
mod objects;
mod pod;
mod raw;
mod root;
mod run;
mod status;
mod volume;
mod wire;

pub use mounts::RUNNER_PATH;
pub use objects::Lookup;
pub use pod::HOST_PATHS;

use serde_json::Value;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::watch;

/// Runs Pods below a directory. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Node {
    home: Arc<PathBuf>,
    runner: Arc<PathBuf>,
    namespaces: Arc<OnceLock<Result<(), String>>>,
}

impl Node {
    /// A node that keeps the directories of Pods in `home/pods/UID` and claims in `home/claims/NAMESPACE/NAME`.
    /// `runner` is an executable whose `main` calls [`enter`] first.
    pub fn new(home: &Path, runner: &Path) -> Node {
        // Mount points are compared with the kernel's table, which knows no symbolic links.
        let _ = fs::create_dir_all(home);
        let real = |path: &Path| {
            fs::canonicalize(path).or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
        };
        Node { home: Arc::new(real(home)), runner: Arc::new(real(runner)), namespaces: Arc::default() }
    }

    /// Runs the Pod to its end. Sends every new status (a `PodStatus` of core/v1 as JSON); the last one has the phase
    /// Succeeded or Failed, and when a Pod is refused, `reason` and `message` say why. `lookup` gives the ConfigMaps
    /// and Secrets for volumes and environment, by kind, namespace and name. When `stop` becomes true the Pod is being
    /// deleted: SIGTERM to the process group of each command, after the grace period SIGKILL to everything.
    ///
    /// What is left of an earlier Pod of the same uid is removed first. Dropping the future kills the Pod.
    pub async fn run_pod(
        &self,
        pod: Value,
        lookup: Lookup,
        status: UnboundedSender<Value>,
        stop: watch::Receiver<bool>,
    ) {
        run::run(self, pod, lookup, status, stop).await;
    }

    /// The log of a container: standard output and error in order, as bytes, up to 64 MiB. The file is there once the
    /// container was started, and holds the latest of its attempts.
    pub fn log_path(&self, uid: &str, container: &str) -> PathBuf {
        let name = if pod::is_name(container) { container } else { "-" };
        self.pod_dir(uid).join("logs").join(format!("{name}.log"))
    }

    /// Removes the volumes and logs of a Pod that does not run any more. Claims stay.
    pub fn remove_pod(&self, uid: &str) {
        remove_tree(&self.pod_dir(uid));
    }

    /// Whether the runner can make namespaces on this machine, and otherwise the setting to change. Asked once.
    pub fn namespaces(&self) -> Result<(), String> {
        self.namespaces.get_or_init(|| namespace::probe(&self.runner)).clone()
    }

    fn runner(&self) -> &Path {
        &self.runner
    }

    fn pod_dir(&self, uid: &str) -> PathBuf {
        let name = if pod::is_name(uid) { uid } else { "-" };
        self.home.join("pods").join(name)
    }

    fn claims_dir(&self, namespace: &str) -> PathBuf {
        self.home.join("claims").join(namespace)
    }
}

/// Set by [`enter`]: this program can be re-executed.
static IS_RUNNER: AtomicBool = AtomicBool::new(false);

/// Must be the first thing that a binary which serves as runner calls in `main`, before any thread is started: where
/// this process was re-executed by a node, it becomes part of a container and never returns; otherwise it returns at
/// once.
pub fn enter() {
    inside::enter();
    IS_RUNNER.store(true, Ordering::Relaxed);
}

/// Whether this machine lets us make namespaces, and otherwise the setting to change. In a program that called
/// [`enter`] this is tried out; in another one only the settings are read.
pub fn namespaces() -> Result<(), String> {
    if !IS_RUNNER.load(Ordering::Relaxed) {
        return namespace::settings();
    }
    namespace::probe(Path::new("/proc/self/exe"))
}

/// A directory that other users of the machine cannot look into: Pods may hold secrets.
fn private_dir(path: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Removes a directory whatever the modes below it; what cannot be removed stays, and the next attempt meets it.
fn remove_tree(path: &Path) {
    if fs::remove_dir_all(path).is_err() {
        unlock(path);
        let _ = fs::remove_dir_all(path);
    }
}

/// Lets the owner into every directory below `path`.
fn unlock(path: &Path) {
    if !fs::symlink_metadata(path).is_ok_and(|found| found.is_dir()) {
        return;
    }
    let _ = fs::set_permissions(path, fs::Permissions::from_mode(0o700));
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        unlock(&entry.path());
    }
}
