//! The part of a Pod that the node reads, and which Pods it refuses.
//!
//! **Invariant:** a field that changes what runs is either honoured or refused with its name; it is never skipped in
//! silence. Skipped by design: `resources` and the size limits of volumes (nothing is enforced here), image pulls,
//! scheduling, DNS settings, supplementary groups, seccomp, AppArmor and SELinux profiles.
//! Not here: volumes and environment, which need other objects (`volume`, `env`).

use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// Why a Pod or one of its containers is not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The container that is to blame, or the whole Pod.
    pub container: Option<String>,
    /// A reason as the kubelet words it.
    pub reason: &'static str,
    pub message: String,
}

pub(super) const CREATE_ERROR: &str = "CreateContainerError";
pub(super) const CONFIG_ERROR: &str = "CreateContainerConfigError";
pub(super) const MOUNT_ERROR: &str = "FailedMount";
pub(super) const UNSUPPORTED: &str = "NotSupportedByEmbeddedNode";

impl Refusal {
    pub(super) fn pod(reason: &'static str, message: String) -> Refusal {
        Refusal { container: None, reason, message }
    }

    pub(super) fn container(name: &str, reason: &'static str, message: String) -> Refusal {
        Refusal { container: Some(name.to_owned()), reason, message }
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Pod {
    #[serde(default)]
    pub metadata: Metadata,
    #[serde(default)]
    pub spec: Spec,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Metadata {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub namespace: String,
    #[serde(default)]
    pub uid: String,
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Spec {
    #[serde(default)]
    pub init_containers: Vec<Container>,
    #[serde(default)]
    pub containers: Vec<Container>,
    #[serde(default)]
    pub volumes: Vec<Value>,
    pub restart_policy: Option<String>,
    pub active_deadline_seconds: Option<u64>,
    pub termination_grace_period_seconds: Option<u64>,
    pub hostname: Option<String>,
    pub node_name: Option<String>,
    pub service_account_name: Option<String>,
    pub security_context: Option<SecurityContext>,
    #[serde(rename = "hostPID", default)]
    pub host_pid: bool,
    #[serde(rename = "hostIPC", default)]
    pub host_ipc: bool,
    #[serde(default)]
    pub share_process_namespace: bool,
    #[serde(default)]
    pub host_aliases: Vec<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Container {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub image: String,
    #[serde(default)]
    pub command: Vec<String>,
    #[serde(default)]
    pub args: Vec<String>,
    pub working_dir: Option<String>,
    #[serde(default)]
    pub env: Vec<Value>,
    #[serde(default)]
    pub env_from: Vec<Value>,
    #[serde(default)]
    pub volume_mounts: Vec<VolumeMount>,
    #[serde(default)]
    pub volume_devices: Vec<Value>,
    pub termination_message_path: Option<String>,
    pub termination_message_policy: Option<String>,
    pub restart_policy: Option<String>,
    pub security_context: Option<SecurityContext>,
    pub lifecycle: Option<Value>,
    pub liveness_probe: Option<Value>,
    pub startup_probe: Option<Value>,
    pub readiness_probe: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VolumeMount {
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub mount_path: String,
    pub sub_path: Option<String>,
    pub sub_path_expr: Option<String>,
    #[serde(default)]
    pub read_only: bool,
    pub mount_propagation: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SecurityContext {
    pub run_as_user: Option<u32>,
    pub run_as_group: Option<u32>,
    pub run_as_non_root: Option<bool>,
    pub privileged: Option<bool>,
    pub read_only_root_filesystem: Option<bool>,
    pub capabilities: Option<Capabilities>,
    #[serde(default)]
    pub sysctls: Vec<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Capabilities {
    #[serde(default)]
    pub add: Vec<String>,
    #[serde(default)]
    pub drop: Vec<String>,
}

/// Where a container leaves its last words unless it says otherwise.
pub(super) const TERMINATION_LOG: &str = "/dev/termination-log";

/// Annotation on a Pod: host directories, `:` between them, that its containers see read-only at the same paths.
pub const HOST_PATHS: &str = "waybill.dev/host-paths";

impl Container {
    pub(super) fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }

    pub(super) fn termination_path(&self) -> &str {
        self.termination_message_path.as_deref().filter(|path| !path.is_empty()).unwrap_or(TERMINATION_LOG)
    }
}

impl Pod {
    pub(super) fn restarts_on_failure(&self) -> bool {
        self.spec.restart_policy.as_deref() == Some("OnFailure")
    }

    pub(super) fn grace_seconds(&self) -> u64 {
        self.spec.termination_grace_period_seconds.unwrap_or(30)
    }

    /// The host directories of the annotation, checked for shape only.
    pub(super) fn host_paths(&self) -> Result<Vec<&str>, Refusal> {
        let text = self.metadata.annotations.get(HOST_PATHS);
        let paths: Vec<&str> = text.iter().flat_map(|text| text.split(':')).filter(|path| !path.is_empty()).collect();
        for path in &paths {
            if !is_clean_absolute(path) || *path == "/" {
                return Err(Refusal::pod(
                    MOUNT_ERROR,
                    format!("`{path}` in the annotation `{HOST_PATHS}` is not an absolute path below `/`"),
                ));
            }
        }
        Ok(paths)
    }
}

/// `/a/b`, without `.`, `..` or an empty part.
pub(super) fn is_clean_absolute(path: &str) -> bool {
    path == "/"
        || path
            .strip_prefix('/')
            .is_some_and(|rest| rest.trim_end_matches('/').split('/').all(|part| !matches!(part, "" | "." | "..")))
}

/// Whether a name can be one part of a path: a DNS subdomain.
pub(super) fn is_name(text: &str) -> bool {
    let inner = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(byte);
    !text.is_empty() && text.len() <= 253 && text.as_bytes().iter().all(inner) && !text.starts_with(['.', '-'])
}

/// Reads a Pod; the error says which field has another shape than core/v1 gives it.
pub(super) fn read(object: &Value) -> Result<Pod, Refusal> {
    Pod::deserialize(object).map_err(|error| Refusal::pod("InvalidPod", format!("the Pod cannot be read: {error}")))
}

/// Refuses what this node cannot do.
pub(super) fn check(pod: &Pod) -> Result<(), Refusal> {
    whole(pod)?;
    let all = || pod.spec.init_containers.iter().chain(&pod.spec.containers);
    let mut names = std::collections::BTreeSet::new();
    for container in all() {
        if !is_name(&container.name) || !names.insert(&container.name) {
            return Err(Refusal::pod("InvalidPod", format!("`{}` is not a name of one container", container.name)));
        }
        one(pod, container).map_err(|(reason, message)| Refusal::container(&container.name, reason, message))?;
    }
    Ok(())
}

fn whole(pod: &Pod) -> Result<(), Refusal> {
    let spec = &pod.spec;
    let invalid = |message: String| Err(Refusal::pod("InvalidPod", message));
    if !is_name(&pod.metadata.uid) {
        return invalid(format!("`{}` is not a uid", pod.metadata.uid));
    }
    if !is_name(&pod.metadata.name) || !is_name(&pod.metadata.namespace) {
        return invalid("the Pod has no proper name and namespace".to_owned());
    }
    if spec.containers.is_empty() {
        return invalid("the Pod has no containers".to_owned());
    }
    let unsupported = |what: &str| Err(Refusal::pod(UNSUPPORTED, format!("the embedded node does not support {what}")));
    match spec.restart_policy.as_deref() {
        Some("Never" | "OnFailure") => {}
        _ => {
            return unsupported("restartPolicy Always: it runs Pods to their end; set Never or OnFailure");
        }
    }
    for (set, what) in [
        (spec.host_pid, "hostPID"),
        (spec.host_ipc, "hostIPC"),
        (spec.share_process_namespace, "shareProcessNamespace"),
        (!spec.host_aliases.is_empty(), "hostAliases"),
        (spec.security_context.as_ref().is_some_and(|context| !context.sysctls.is_empty()), "securityContext.sysctls"),
    ] {
        if set {
            return unsupported(what);
        }
    }
    Ok(())
}

fn one(pod: &Pod, container: &Container) -> Result<(), (&'static str, String)> {
    let unsupported = |what: &str| Err((UNSUPPORTED, format!("the embedded node does not support {what}")));
    for (set, what) in [
        (container.lifecycle.is_some(), "lifecycle"),
        (container.liveness_probe.is_some(), "livenessProbe"),
        (container.startup_probe.is_some(), "startupProbe"),
        (container.readiness_probe.is_some(), "readinessProbe"),
        (!container.volume_devices.is_empty(), "volumeDevices"),
    ] {
        if set {
            return unsupported(what);
        }
    }
    let context = |read: fn(&SecurityContext) -> Option<bool>| {
        [&container.security_context, &pod.spec.security_context].into_iter().flatten().find_map(read) == Some(true)
    };
    if context(|context| context.privileged) {
        return unsupported("securityContext.privileged");
    }
    if context(|context| context.run_as_non_root) && user(pod, container) == 0 {
        return Err((
            CONFIG_ERROR,
            "runAsNonRoot is set: images are not pulled, so runAsUser must say which user".to_owned(),
        ));
    }
    if let Some(capabilities) = capabilities(container)
        && (!capabilities.add.is_empty() || capabilities.drop.iter().any(|name| name != "ALL"))
    {
        return unsupported("securityContext.capabilities other than `drop: [ALL]`");
    }
    if let Some(policy) = container.restart_policy.as_deref()
        && policy != "Always"
    {
        return unsupported(&format!("restartPolicy {policy} of a container"));
    }
    if container.command.is_empty() {
        return Err((
            CREATE_ERROR,
            format!(
                "no command: the embedded node does not pull images, so the entrypoint of `{}` is not known; \
                 set `command`",
                container.image
            ),
        ));
    }
    Ok(())
}

fn capabilities(container: &Container) -> Option<&Capabilities> {
    container.security_context.as_ref()?.capabilities.as_ref()
}

/// Whether the container gives up every capability.
pub(super) fn is_powerless(container: &Container) -> bool {
    capabilities(container).is_some_and(|capabilities| !capabilities.drop.is_empty())
}

/// The user id that the container has inside.
pub(super) fn user(pod: &Pod, container: &Container) -> u32 {
    [&container.security_context, &pod.spec.security_context]
        .into_iter()
        .flatten()
        .find_map(|context| context.run_as_user)
        .unwrap_or(0)
}

/// The group id that the container has inside.
pub(super) fn group(pod: &Pod, container: &Container) -> u32 {
    [&container.security_context, &pod.spec.security_context]
        .into_iter()
        .flatten()
        .find_map(|context| context.run_as_group)
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(spec: Value) -> Result<Pod, Refusal> {
        let meta = json!({"name": "p", "namespace": "ns", "uid": "u-1"});
        let pod = read(&json!({"metadata": meta, "spec": spec}))?;
        check(&pod).map(|()| pod)
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_name() {
        let main = |extra: Value| {
            let mut container = json!({"name": "main", "image": "img:1", "command": ["true"]});
            container.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            json!({"restartPolicy": "Never", "containers": [container]})
        };
        assert!(pod(main(json!({}))).is_ok());
        for (extra, part) in [
            (json!({"command": []}), "does not pull images"),
            (json!({"lifecycle": {"preStop": {}}}), "lifecycle"),
            (json!({"startupProbe": {}}), "startupProbe"),
            (json!({"securityContext": {"privileged": true}}), "privileged"),
            (json!({"securityContext": {"runAsNonRoot": true}}), "runAsUser"),
            (json!({"volumeDevices": [{}]}), "volumeDevices"),
            (json!({"securityContext": {"capabilities": {"add": ["SYS_ADMIN"]}}}), "capabilities"),
        ] {
            let refusal = pod(main(extra)).unwrap_err();
            assert_eq!(refusal.container.as_deref(), Some("main"));
            assert!(refusal.message.contains(part), "{}", refusal.message);
        }
        let always = pod(json!({"containers": [{"name": "a", "command": ["true"]}]})).unwrap_err();
        assert!(always.message.contains("restartPolicy Always"));
        assert!(pod(json!({"restartPolicy": "Never", "containers": "x"})).is_err());
        assert!(pod(json!({"restartPolicy": "Never", "containers": []})).is_err());
        let twice = json!([{"name": "a", "command": ["true"]}, {"name": "a", "command": ["true"]}]);
        assert!(pod(json!({"restartPolicy": "Never", "containers": twice})).is_err());
    }

    #[test]
    fn paths_and_names_cannot_climb() {
        for good in ["/", "/a", "/a/b/"] {
            assert!(is_clean_absolute(good), "{good}");
        }
        for bad in ["", "a", "/a/../b", "/a//b", "/./a", "//"] {
            assert!(!is_clean_absolute(bad), "{bad}");
        }
        assert!(is_name("a-1.b") && !is_name("..") && !is_name("a/b") && !is_name(""));
    }
}
