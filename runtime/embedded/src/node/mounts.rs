//! Decides what a container sees and starts with: command, environment, mounts.
//!
//! **Invariant:** everything that can be refused is refused here, before the first container of the Pod starts.
//! Not here: the making of volumes (`volume`) and of mounts (`root`).

use super::env;
use super::objects::Objects;
use super::pod::{self, Container, MOUNT_ERROR, Pod, Refusal, TERMINATION_LOG, VolumeMount};
use super::volume::Volume;
use super::wire::Mount;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Where a container finds the program that serves as runner.
pub const RUNNER_PATH: &str = "/waybill/bin/waybill";

const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// On NixOS the directories above are empty.
const NIX_PATH: &str = "/run/current-system/sw/bin";

/// A container that is ready to be started, any number of times.
#[derive(Debug)]
pub(super) struct Prepared {
    pub name: String,
    pub sidecar: bool,
    pub command: Vec<String>,
    pub env: Vec<(String, String)>,
    /// `None` where the container does not say.
    pub workdir: Option<String>,
    pub mounts: Vec<Mount>,
    pub read_only: bool,
    pub capable: bool,
    pub user: u32,
    pub group: u32,
    pub termination_path: String,
    pub logs_on_error: bool,
}

/// Prepares one container of a checked Pod.
pub(super) fn prepare(
    pod: &Pod,
    container: &Container,
    volumes: &BTreeMap<String, Volume>,
    objects: &Objects,
    runner: &Path,
) -> Result<Prepared, Refusal> {
    let variables = env::of(pod, container, objects)?;
    let refused = |message| Refusal::container(&container.name, MOUNT_ERROR, message);
    let mut mounts = Vec::new();
    for mount in &container.volume_mounts {
        mounts.push(volume_mount(mount, volumes, &variables).map_err(refused)?);
    }
    for path in pod.host_paths()? {
        mounts.push(host_mount(path)?);
    }
    mounts.push(Mount { source: runner.to_owned(), sub_path: None, target: RUNNER_PATH.to_owned(), read_only: true });
    in_order(&mut mounts).map_err(refused)?;
    let user = pod::user(pod, container);
    let command = container.command.iter().chain(&container.args);
    let context = container.security_context.as_ref();
    let termination_path = container.termination_path().to_owned();
    if !pod::is_clean_absolute(&termination_path) {
        return Err(refused(format!("terminationMessagePath `{termination_path}` is not an absolute path")));
    }
    Ok(Prepared {
        name: container.name.clone(),
        sidecar: container.is_sidecar(),
        command: command.map(|part| env::expand(part, &variables)).collect(),
        env: environment(pod, user, variables),
        workdir: container.working_dir.clone().filter(|dir| !dir.is_empty()),
        mounts,
        read_only: context.and_then(|context| context.read_only_root_filesystem) == Some(true),
        capable: !pod::is_powerless(container),
        user,
        group: pod::group(pod, container),
        termination_path,
        logs_on_error: container.termination_message_policy.as_deref() == Some("FallbackToLogsOnError"),
    })
}

/// The name that the container's machine has.
pub(super) fn hostname(pod: &Pod) -> String {
    let name = pod.spec.hostname.as_ref().unwrap_or(&pod.metadata.name);
    name.chars().take(63).collect()
}

fn environment(pod: &Pod, user: u32, variables: BTreeMap<String, String>) -> Vec<(String, String)> {
    let path = if Path::new(NIX_PATH).exists() { format!("{PATH}:{NIX_PATH}") } else { PATH.to_owned() };
    let home = if user == 0 { "/root" } else { "/" };
    let mut all = BTreeMap::from([
        ("PATH".to_owned(), path),
        ("HOME".to_owned(), home.to_owned()),
        ("HOSTNAME".to_owned(), hostname(pod)),
    ]);
    all.extend(variables);
    all.into_iter().collect()
}

fn volume_mount(
    mount: &VolumeMount,
    volumes: &BTreeMap<String, Volume>,
    variables: &BTreeMap<String, String>,
) -> Result<Mount, String> {
    let VolumeMount { name, mount_path, .. } = mount;
    let Some(volume) = volumes.get(name) else {
        return Err(format!("the Pod has no volume `{name}`"));
    };
    if !pod::is_clean_absolute(mount_path) || mount_path == "/" {
        return Err(format!("mountPath `{mount_path}` is not an absolute path below `/`"));
    }
    if !matches!(mount.mount_propagation.as_deref(), None | Some("None")) {
        return Err(format!("mountPropagation of `{name}` is not supported by the embedded node"));
    }
    let sub_path = match &mount.sub_path_expr {
        Some(text) => {
            let path = env::expand(text, variables);
            if path.contains("$(") {
                return Err(format!("subPathExpr `{text}` names a variable that is not there"));
            }
            Some(path)
        }
        None => mount.sub_path.clone(),
    };
    let sub_path = sub_path.filter(|path| !path.is_empty());
    if let Some(path) = &sub_path
        && (path.starts_with('/') || path.split('/').any(|part| part == ".."))
    {
        return Err(format!("subPath `{path}` leads out of its volume"));
    }
    Ok(Mount {
        source: volume.path.clone(),
        sub_path,
        target: mount_path.trim_end_matches('/').to_owned(),
        read_only: mount.read_only || volume.read_only,
    })
}

fn host_mount(path: &str) -> Result<Mount, Refusal> {
    let refused = |message: String| Refusal::pod(MOUNT_ERROR, message);
    let path = path.trim_end_matches('/');
    let live = ["/proc", "/sys", "/dev"];
    if live.iter().any(|live| Path::new(path).starts_with(live)) {
        return Err(refused(format!("`{path}` in the annotation `{}` is not a directory of files", pod::HOST_PATHS)));
    }
    if let Err(error) = std::fs::metadata(path) {
        return Err(refused(format!("`{path}` in the annotation `{}`: {error}", pod::HOST_PATHS)));
    }
    Ok(Mount { source: PathBuf::from(path), sub_path: None, target: path.to_owned(), read_only: true })
}

/// Shallow targets first, so that a deeper one finds its place inside of them.
fn in_order(mounts: &mut [Mount]) -> Result<(), String> {
    let depth = |mount: &Mount| mount.target.matches('/').count();
    mounts.sort_by(|a, b| depth(a).cmp(&depth(b)).then(a.target.cmp(&b.target)));
    match mounts.windows(2).find(|pair| pair[0].target == pair[1].target) {
        Some(pair) => Err(format!("two mounts at `{}`", pair[0].target)),
        None => Ok(()),
    }
}

impl Prepared {
    /// Adds the file for the container's last words, at its place in the order.
    pub(super) fn mounts_with(&self, termination_log: &Path) -> Vec<Mount> {
        let mut mounts = self.mounts.clone();
        let own = Mount {
            source: termination_log.to_owned(),
            sub_path: None,
            target: self.termination_path.clone(),
            read_only: false,
        };
        // A Pod that mounts a volume at this very path has its reasons; the volume stays.
        if !mounts.iter().any(|mount| mount.target == own.target) {
            let depth = own.target.matches('/').count();
            let at = mounts.partition_point(|mount| mount.target.matches('/').count() <= depth);
            mounts.insert(at, own);
        }
        mounts
    }

    /// What of this container needs namespaces, in words.
    pub(super) fn needs_namespaces(&self, own_user: u32) -> Option<String> {
        let mounted =
            self.mounts.iter().find(|mount| mount.target != RUNNER_PATH && mount.source != Path::new(&mount.target));
        if let Some(mount) = mounted {
            return Some(format!("a volume at {}", mount.target));
        }
        if self.termination_path != TERMINATION_LOG {
            return Some(format!("terminationMessagePath {}", self.termination_path));
        }
        if self.read_only {
            return Some("readOnlyRootFilesystem".to_owned());
        }
        (self.user != 0 && self.user != own_user).then(|| format!("runAsUser {}", self.user))
    }
}
