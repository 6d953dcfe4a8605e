//! What steps and Pods ask for as fields of Kubernetes.
//!
//! Source of the names: Pod, SecurityContext and PodSecurityContext of Kubernetes `core/v1`.

use serde_json::{Map, Value, json};

use crate::model::flow::Container;
use crate::model::{Job, Pipeline};
use crate::source::Spanned;
use crate::spec::pod::{Bounds, Pod, Resources, Security, Toleration};
use crate::syntax::Text;

/// The quantity of a resource that is request and limit at once.
pub fn both(container: &Container, resource: &str) -> Option<String> {
    let bounds = container.resources.as_ref()?.bounds.iter().find(|bounds| bounds.resource == resource)?;
    equal(bounds).filter(|_| resource != "ephemeral-storage")
}

fn equal(bounds: &Bounds) -> Option<String> {
    let (request, limit) = (bounds.request.as_ref()?, bounds.limit.as_ref()?);
    (request.value == limit.value).then(|| request.value.clone())
}

/// Fields of a container besides those that the plan has names for; null where there are none.
pub fn of_container(container: &Container) -> Value {
    let mut fields = Map::new();
    if let Some(resources) = container.resources.as_ref().and_then(resources) {
        fields.insert("resources".into(), resources);
    }
    if let Some(security) = &container.security {
        fields.insert("securityContext".into(), security_of(security));
    }
    if fields.is_empty() { Value::Null } else { Value::Object(fields) }
}

/// All resources, if one of them has no name in the plan.
fn resources(resources: &Resources) -> Option<Value> {
    let plain = |bounds: &Bounds| equal(bounds).is_some() && bounds.resource != "ephemeral-storage";
    if resources.bounds.iter().all(plain) {
        return None;
    }
    let mut value = json!({});
    for bounds in &resources.bounds {
        for (list, quantity) in [("requests", &bounds.request), ("limits", &bounds.limit)] {
            if let Some(quantity) = quantity {
                value[list][bounds.resource] = json!(quantity.value);
            }
        }
    }
    Some(value)
}

fn security_of(security: &Security) -> Value {
    let mut value = Map::new();
    let mut set = |key: &str, field: Option<Value>| value.extend(field.map(|field| (key.to_owned(), field)));
    let int = |field: &Option<Spanned<i64>>| field.as_ref().map(|field| json!(field.value));
    let truth = |field: &Option<Spanned<bool>>| field.as_ref().map(|field| json!(field.value));
    set("runAsUser", int(&security.run_as_user));
    set("runAsGroup", int(&security.run_as_group));
    set("fsGroup", int(&security.fs_group));
    set("runAsNonRoot", truth(&security.run_as_non_root));
    set("readOnlyRootFilesystem", truth(&security.read_only_root));
    set("privileged", truth(&security.privileged));
    set("allowPrivilegeEscalation", truth(&security.allow_escalation));
    set("seccompProfile", security.seccomp.as_ref().map(|kind| json!({"type": seccomp(&kind.value)})));
    let names = |names: &[Spanned<String>]| names.iter().map(|name| name.value.clone()).collect::<Vec<_>>();
    let mut capabilities = Map::new();
    for (key, list) in [("drop", &security.drop), ("add", &security.add)] {
        if !list.is_empty() {
            capabilities.insert(key.into(), json!(names(list)));
        }
    }
    set("capabilities", (!capabilities.is_empty()).then_some(Value::Object(capabilities)));
    Value::Object(value)
}

fn seccomp(kind: &str) -> &'static str {
    if kind == "unconfined" { "Unconfined" } else { "RuntimeDefault" }
}

/// Fields of the Pod of a job: its own `pod`, else the pipeline's; null where there are none. `labels` and `annotations`
/// are those of its metadata.
pub fn of_job(pipeline: &Pipeline, job: Option<&Job>) -> Value {
    let pod = job.and_then(|job| job.flow.pod.as_ref()).or(pipeline.pod.as_ref());
    pod.map_or(Value::Null, of_pod)
}

/// The service account of a job: its own, else the pipeline's.
pub fn account(pipeline: &Pipeline, job: Option<&Job>) -> Option<String> {
    let own = job.and_then(|job| job.flow.service_account.as_ref());
    own.or(pipeline.service_account.as_ref()).map(|account| account.value.clone())
}

fn of_pod(pod: &Pod) -> Value {
    let mut value = Map::new();
    let mut set = |key: &str, field: Option<Value>| value.extend(field.map(|field| (key.to_owned(), field)));
    let text = |field: &Option<Spanned<String>>| field.as_ref().map(|field| json!(field.value));
    let map = |entries: &[(Spanned<String>, Text)]| {
        let entry = |(key, text): &(Spanned<String>, Text)| (key.value.clone(), json!(text.value));
        (!entries.is_empty()).then(|| Value::Object(entries.iter().map(entry).collect()))
    };
    set("priorityClassName", text(&pod.priority_class));
    set("runtimeClassName", text(&pod.runtime_class));
    set("schedulerName", text(&pod.scheduler));
    set("hostNetwork", pod.host_network.as_ref().map(|field| json!(field.value)));
    set("nodeSelector", map(&pod.node_selector));
    let tolerations: Vec<Value> = pod.tolerations.iter().map(toleration).collect();
    set("tolerations", (!tolerations.is_empty()).then(|| json!(tolerations)));
    let secrets: Vec<Value> = pod.pull_secrets.iter().map(|name| json!({"name": name.value})).collect();
    set("imagePullSecrets", (!secrets.is_empty()).then(|| json!(secrets)));
    set("securityContext", pod.security.as_ref().map(security_of));
    set("labels", map(&pod.labels));
    set("annotations", map(&pod.annotations));
    if value.is_empty() { Value::Null } else { Value::Object(value) }
}

fn toleration(toleration: &Toleration) -> Value {
    let mut value = json!({"operator": if toleration.value.is_some() { "Equal" } else { "Exists" }});
    let texts = [("key", &toleration.key), ("value", &toleration.value), ("effect", &toleration.effect)];
    for (key, text) in texts {
        if let Some(text) = text {
            value[key] = json!(text.value);
        }
    }
    if let Some(seconds) = &toleration.seconds {
        value["tolerationSeconds"] = json!(seconds.value);
    }
    value
}
