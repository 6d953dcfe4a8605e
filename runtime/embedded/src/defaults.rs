//! Default values of the built-in kinds, set on every decoded object.
//!
//! **Invariant:** idempotent; a value that the writer gave is never changed. Follows the `SetDefaults_*` functions of
//! Kubernetes 1.36, one per struct, outer structs first. Not here: what depends on other objects (`strategy`).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::schema::{Empty, Struct, Type};

/// Fills the defaults of an object that `decode` gave.
pub fn fill(ty: &Type, value: &mut Value) {
    match (ty, value) {
        (Type::Struct { shape, .. }, Value::Object(map)) => {
            declared(shape, map);
            structure(&shape.name, map);
            for (name, field) in &shape.fields {
                if let Some(inner) = map.get_mut(name) {
                    fill(&field.ty, inner);
                }
            }
        }
        (Type::Map { element, .. }, Value::Object(map)) => map.values_mut().for_each(|inner| fill(element, inner)),
        (Type::List { element, .. }, Value::Array(items)) => items.iter_mut().for_each(|inner| fill(element, inner)),
        _ => {}
    }
}

/// Defaults that the schema itself declares.
fn declared(shape: &Struct, map: &mut Map<String, Value>) {
    for (name, field) in &shape.fields {
        if let (Some(default), false) = (&field.default, field.empty == Empty::Null) {
            map.entry(name.clone()).or_insert_with(|| default.clone());
        }
    }
}

type Fields = Map<String, Value>;

fn structure(name: &str, map: &mut Fields) {
    match name {
        "core.v1.Pod" => pod(map),
        "core.v1.PodSpec" => pod_spec(map),
        "core.v1.Container" | "core.v1.EphemeralContainer" => container(map),
        "core.v1.Volume" => volume(map),
        "core.v1.Probe" => {
            set(map, "timeoutSeconds", json!(1));
            set(map, "periodSeconds", json!(10));
            set(map, "successThreshold", json!(1));
            set(map, "failureThreshold", json!(3));
        }
        "core.v1.HTTPGetAction" => {
            set(map, "path", json!("/"));
            set(map, "scheme", json!("HTTP"));
        }
        "core.v1.SecretVolumeSource"
        | "core.v1.ConfigMapVolumeSource"
        | "core.v1.DownwardAPIVolumeSource"
        | "core.v1.ProjectedVolumeSource" => set(map, "defaultMode", json!(0o644)),
        "core.v1.ServiceAccountTokenProjection" => set(map, "expirationSeconds", json!(3600)),
        "core.v1.HostPathVolumeSource" => set(map, "type", json!("")),
        "core.v1.ObjectFieldSelector" => set(map, "apiVersion", json!("v1")),
        "core.v1.Service" => service(map),
        "core.v1.Secret" => secret(map),
        "core.v1.Namespace" => namespace(map),
        "core.v1.NamespaceStatus" => set(map, "phase", json!("Active")),
        "core.v1.PersistentVolumeClaimSpec" => set(map, "volumeMode", json!("Filesystem")),
        "core.v1.PersistentVolumeClaimStatus" | "core.v1.PersistentVolumeStatus" => set(map, "phase", json!("Pending")),
        "core.v1.PersistentVolumeSpec" => {
            set(map, "persistentVolumeReclaimPolicy", json!("Retain"));
            set(map, "volumeMode", json!("Filesystem"));
        }
        "core.v1.ReplicationController" => replication_controller(map),
        "core.v1.LimitRangeItem" => limit_range_item(map),
        "core.v1.EndpointPort" => set(map, "protocol", json!("TCP")),
        _ => other_groups(name, map),
    }
}

fn other_groups(name: &str, map: &mut Fields) {
    match name {
        "apps.v1.DeploymentSpec" => deployment(map),
        "apps.v1.ReplicaSetSpec" => set(map, "replicas", json!(1)),
        "apps.v1.DaemonSet" => template_generation(map),
        "apps.v1.DaemonSetSpec" => daemon_set(map),
        "apps.v1.StatefulSetSpec" => stateful_set(map),
        "batch.v1.Job" => job(map),
        "batch.v1.CronJobSpec" => {
            set(map, "concurrencyPolicy", json!("Allow"));
            set(map, "suspend", json!(false));
            set(map, "successfulJobsHistoryLimit", json!(3));
            set(map, "failedJobsHistoryLimit", json!(1));
        }
        "batch.v1.PodFailurePolicyOnPodConditionsPattern" => set(map, "status", json!("True")),
        "autoscaling.v2.HorizontalPodAutoscalerSpec" => autoscaler(map),
        "autoscaling.v1.HorizontalPodAutoscalerSpec" => set(map, "minReplicas", json!(1)),
        "networking.v1.NetworkPolicyPort" => set(map, "protocol", json!("TCP")),
        "networking.v1.NetworkPolicySpec" => {
            let types = match filled(map, "egress") {
                true => json!(["Ingress", "Egress"]),
                false => json!(["Ingress"]),
            };
            set(map, "policyTypes", types);
        }
        "networking.v1.IngressClassParametersReference" => set(map, "scope", json!("Cluster")),
        "rbac.v1.RoleRef" => {
            if text(map, "apiGroup").is_empty() {
                map.insert("apiGroup".to_owned(), json!("rbac.authorization.k8s.io"));
            }
        }
        "rbac.v1.Subject" => {
            if matches!(text(map, "kind"), "User" | "Group") {
                set(map, "apiGroup", json!("rbac.authorization.k8s.io"));
            }
        }
        "storage.v1.StorageClass" => {
            set(map, "reclaimPolicy", json!("Delete"));
            set(map, "volumeBindingMode", json!("Immediate"));
        }
        "storage.v1.CSIDriverSpec" => {
            set(map, "attachRequired", json!(true));
            set(map, "podInfoOnMount", json!(false));
            set(map, "storageCapacity", json!(false));
            set(map, "fsGroupPolicy", json!("ReadWriteOnceWithFSType"));
            set(map, "volumeLifecycleModes", json!(["Persistent"]));
            set(map, "requiresRepublish", json!(false));
            set(map, "seLinuxMount", json!(false));
        }
        "scheduling.v1.PriorityClass" => set(map, "preemptionPolicy", json!("PreemptLowerPriority")),
        "discovery.v1.EndpointPort" => {
            set(map, "name", json!(""));
            set(map, "protocol", json!("TCP"));
        }
        "apiextensions.v1.CustomResourceDefinition" => definition(map),
        _ => admission(name, map),
    }
}

fn admission(name: &str, map: &mut Fields) {
    match name {
        "admissionregistration.v1.ValidatingWebhook" | "admissionregistration.v1.MutatingWebhook" => {
            set(map, "failurePolicy", json!("Fail"));
            set(map, "timeoutSeconds", json!(10));
            match_resources(map);
            if name.ends_with("MutatingWebhook") {
                set(map, "reinvocationPolicy", json!("Never"));
            }
        }
        "admissionregistration.v1.MatchResources" => match_resources(map),
        "admissionregistration.v1.RuleWithOperations" | "admissionregistration.v1.NamedRuleWithOperations" => {
            set(map, "scope", json!("*"));
        }
        "admissionregistration.v1.ServiceReference" | "apiextensions.v1.ServiceReference" => {
            set(map, "port", json!(443))
        }
        "admissionregistration.v1.ValidatingAdmissionPolicySpec" => set(map, "failurePolicy", json!("Fail")),
        _ => {}
    }
}

fn match_resources(map: &mut Fields) {
    set(map, "matchPolicy", json!("Equivalent"));
    set(map, "namespaceSelector", json!({}));
    set(map, "objectSelector", json!({}));
}

/// Sets the field where it has no value yet.
fn set(map: &mut Fields, key: &str, value: Value) {
    let unset = map.get(key).is_none_or(Value::is_null);
    if unset {
        map.insert(key.to_owned(), value);
    }
}

fn text<'a>(map: &'a Fields, key: &str) -> &'a str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn filled(map: &Fields, key: &str) -> bool {
    map.get(key).and_then(Value::as_array).is_some_and(|items| !items.is_empty())
}

fn inner<'a>(map: &'a mut Fields, key: &str) -> Option<&'a mut Fields> {
    map.get_mut(key).and_then(Value::as_object_mut)
}

fn objects<'a>(map: &'a mut Fields, key: &str) -> impl Iterator<Item = &'a mut Fields> {
    map.get_mut(key).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut)
}

fn pod(map: &mut Fields) {
    let Some(spec) = inner(map, "spec") else {
        return;
    };
    let host_network = spec.get("hostNetwork") == Some(&json!(true));
    for list in ["containers", "initContainers"] {
        for container in objects(spec, list) {
            if let Some(resources) = inner(container, "resources")
                && let Some(limits) = resources.get("limits").and_then(Value::as_object).cloned()
            {
                let requests = resources.entry("requests").or_insert_with(|| json!({}));
                for (name, limit) in limits {
                    if let Some(requests) = requests.as_object_mut() {
                        requests.entry(name).or_insert(limit);
                    }
                }
            }
            if host_network {
                for port in objects(container, "ports") {
                    if let Some(number) = port.get("containerPort").cloned() {
                        set(port, "hostPort", number);
                    }
                }
            }
        }
    }
    set(spec, "enableServiceLinks", json!(true));
}

fn pod_spec(map: &mut Fields) {
    set(map, "dnsPolicy", json!("ClusterFirst"));
    set(map, "restartPolicy", json!("Always"));
    set(map, "securityContext", json!({}));
    set(map, "terminationGracePeriodSeconds", json!(30));
    set(map, "schedulerName", json!("default-scheduler"));
    // The old name of the field is written beside the new one.
    match (text(map, "serviceAccountName").to_owned(), text(map, "serviceAccount").to_owned()) {
        (name, _) if !name.is_empty() => drop(map.insert("serviceAccount".to_owned(), json!(name))),
        (_, old) if !old.is_empty() => drop(map.insert("serviceAccountName".to_owned(), json!(old))),
        (_, _) => {}
    }
}

fn container(map: &mut Fields) {
    let policy = pull_policy(text(map, "image"));
    set(map, "imagePullPolicy", json!(policy));
    set(map, "terminationMessagePath", json!("/dev/termination-log"));
    set(map, "terminationMessagePolicy", json!("File"));
}

/// Always for `latest` (also where the tag is left out), else IfNotPresent.
fn pull_policy(image: &str) -> &'static str {
    let (name, digest) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
    let last = name.rsplit('/').next().unwrap_or(name);
    let latest = match last.split_once(':') {
        Some((_, tag)) => tag == "latest",
        None => !digest && !image.is_empty(),
    };
    if latest { "Always" } else { "IfNotPresent" }
}

fn volume(map: &mut Fields) {
    if map.keys().all(|key| key == "name") {
        map.insert("emptyDir".to_owned(), json!({}));
    }
    if let Some(image) = inner(map, "image") {
        let policy = pull_policy(text(image, "reference"));
        set(image, "pullPolicy", json!(policy));
    }
}

fn service(map: &mut Fields) {
    let Some(spec) = inner(map, "spec") else {
        return;
    };
    set(spec, "sessionAffinity", json!("None"));
    match text(spec, "sessionAffinity") {
        "None" => drop(spec.remove("sessionAffinityConfig")),
        "ClientIP" => {
            let known = spec
                .get("sessionAffinityConfig")
                .is_some_and(|config| config["clientIP"]["timeoutSeconds"].is_number());
            if !known {
                spec.insert("sessionAffinityConfig".to_owned(), json!({"clientIP": {"timeoutSeconds": 10800}}));
            }
        }
        _ => {}
    }
    set(spec, "type", json!("ClusterIP"));
    for port in objects(spec, "ports") {
        set(port, "protocol", json!("TCP"));
        let unset = port.get("targetPort").is_none_or(|target| *target == json!(0) || *target == json!(""));
        if let (true, Some(number)) = (unset, port.get("port").cloned()) {
            port.insert("targetPort".to_owned(), number);
        }
    }
    let external = matches!(text(spec, "type"), "NodePort" | "LoadBalancer");
    if external || (filled(spec, "externalIPs") && text(spec, "type") == "ClusterIP") {
        set(spec, "externalTrafficPolicy", json!("Cluster"));
    }
    if matches!(text(spec, "type"), "NodePort" | "LoadBalancer" | "ClusterIP") {
        set(spec, "internalTrafficPolicy", json!("Cluster"));
    }
    if text(spec, "type") == "LoadBalancer" {
        set(spec, "allocateLoadBalancerNodePorts", json!(true));
    }
}

fn secret(map: &mut Fields) {
    set(map, "type", json!("Opaque"));
    if let Some(Value::Object(plain)) = map.remove("stringData") {
        let data = map.entry("data").or_insert_with(|| json!({}));
        if let Some(data) = data.as_object_mut() {
            for (key, value) in plain {
                let encoded = STANDARD.encode(value.as_str().unwrap_or_default());
                data.insert(key, json!(encoded));
            }
        }
    }
}

fn namespace(map: &mut Fields) {
    if let Some(metadata) = inner(map, "metadata")
        && let Some(name) = metadata.get("name").cloned()
    {
        let labels = metadata.entry("labels").or_insert_with(|| json!({}));
        if let Some(labels) = labels.as_object_mut() {
            labels.insert("kubernetes.io/metadata.name".to_owned(), name);
        }
    }
}

fn replication_controller(map: &mut Fields) {
    let labels = map.get("spec").map(|spec| spec["template"]["metadata"]["labels"].clone());
    let Some(labels) = labels.filter(|labels| labels.as_object().is_some_and(|labels| !labels.is_empty())) else {
        return;
    };
    if let Some(spec) = inner(map, "spec") {
        set(spec, "selector", labels.clone());
    }
    if let Some(metadata) = inner(map, "metadata") {
        set(metadata, "labels", labels);
    }
}

fn limit_range_item(map: &mut Fields) {
    if text(map, "type") != "Container" {
        return;
    }
    for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
        let Some(source) = map.get(from).and_then(Value::as_object).cloned() else {
            continue;
        };
        let target = map.entry(to).or_insert_with(|| json!({}));
        for (key, value) in source {
            if let Some(target) = target.as_object_mut() {
                target.entry(key).or_insert(value);
            }
        }
    }
}

fn deployment(map: &mut Fields) {
    set(map, "replicas", json!(1));
    if let Some(strategy) = inner(map, "strategy") {
        set(strategy, "type", json!("RollingUpdate"));
        if text(strategy, "type") == "RollingUpdate" {
            set(strategy, "rollingUpdate", json!({}));
            if let Some(rolling) = inner(strategy, "rollingUpdate") {
                set(rolling, "maxUnavailable", json!("25%"));
                set(rolling, "maxSurge", json!("25%"));
            }
        }
    }
    set(map, "revisionHistoryLimit", json!(10));
    set(map, "progressDeadlineSeconds", json!(600));
}

/// How often the template has changed; kept in an annotation since its field is gone.
fn template_generation(map: &mut Fields) {
    if let Some(metadata) = inner(map, "metadata")
        && let Some(annotations) = metadata.entry("annotations").or_insert_with(|| json!({})).as_object_mut()
    {
        annotations.entry(TEMPLATE_GENERATION).or_insert(json!("0"));
    }
}

pub const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

fn daemon_set(map: &mut Fields) {
    if let Some(strategy) = inner(map, "updateStrategy") {
        set(strategy, "type", json!("RollingUpdate"));
        if text(strategy, "type") == "RollingUpdate" {
            set(strategy, "rollingUpdate", json!({}));
            if let Some(rolling) = inner(strategy, "rollingUpdate") {
                set(rolling, "maxUnavailable", json!(1));
                set(rolling, "maxSurge", json!(0));
            }
        }
    }
    set(map, "revisionHistoryLimit", json!(10));
}

fn stateful_set(map: &mut Fields) {
    set(map, "podManagementPolicy", json!("OrderedReady"));
    if let Some(strategy) = inner(map, "updateStrategy") {
        if text(strategy, "type").is_empty() {
            set(strategy, "type", json!("RollingUpdate"));
            set(strategy, "rollingUpdate", json!({}));
        }
        if text(strategy, "type") == "RollingUpdate"
            && let Some(rolling) = inner(strategy, "rollingUpdate")
        {
            set(rolling, "partition", json!(0));
        }
    }
    set(map, "persistentVolumeClaimRetentionPolicy", json!({}));
    if let Some(retention) = inner(map, "persistentVolumeClaimRetentionPolicy") {
        set(retention, "whenDeleted", json!("Retain"));
        set(retention, "whenScaled", json!("Retain"));
    }
    set(map, "replicas", json!(1));
    set(map, "revisionHistoryLimit", json!(10));
    for claim in objects(map, "volumeClaimTemplates") {
        set(claim, "apiVersion", json!("v1"));
        set(claim, "kind", json!("PersistentVolumeClaim"));
    }
}

/// Not the template of a CronJob, which has the same `spec` but is filled only when a Job is made of it.
fn job(map: &mut Fields) {
    let labels = map.get("spec").map(|spec| spec["template"]["metadata"]["labels"].clone());
    if let Some(labels) = labels.filter(|labels| labels.as_object().is_some_and(|labels| !labels.is_empty()))
        && let Some(metadata) = inner(map, "metadata")
    {
        set(metadata, "labels", labels);
    }
    let Some(spec) = inner(map, "spec") else {
        return;
    };
    if spec.get("completions").is_none() && spec.get("parallelism").is_none() {
        set(spec, "completions", json!(1));
    }
    set(spec, "parallelism", json!(1));
    let limit = if spec.contains_key("backoffLimitPerIndex") { i32::MAX } else { 6 };
    set(spec, "backoffLimit", json!(limit));
    set(spec, "completionMode", json!("NonIndexed"));
    set(spec, "suspend", json!(false));
    let replacement = if spec.contains_key("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    set(spec, "podReplacementPolicy", json!(replacement));
    set(spec, "manualSelector", json!(false));
}

fn autoscaler(map: &mut Fields) {
    set(map, "minReplicas", json!(1));
    if !filled(map, "metrics") {
        let cpu = json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]);
        map.insert("metrics".to_owned(), cpu);
    }
    let Some(behavior) = inner(map, "behavior") else {
        return;
    };
    let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
    let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
    set(behavior, "scaleUp", json!({}));
    set(behavior, "scaleDown", json!({}));
    if let Some(up) = inner(behavior, "scaleUp") {
        set(up, "stabilizationWindowSeconds", json!(0));
        set(up, "selectPolicy", json!("Max"));
        set(up, "policies", json!([pods, percent]));
    }
    if let Some(down) = inner(behavior, "scaleDown") {
        set(down, "selectPolicy", json!("Max"));
        set(down, "policies", json!([percent]));
    }
}

fn definition(map: &mut Fields) {
    let storage = map.get("spec").and_then(|spec| {
        let versions = spec["versions"].as_array()?;
        versions.iter().find(|version| version["storage"] == true).map(|version| version["name"].clone())
    });
    if let Some(spec) = inner(map, "spec") {
        if let Some(names) = inner(spec, "names") {
            let kind = text(names, "kind").to_owned();
            set(names, "singular", json!(kind.to_lowercase()));
            set(names, "listKind", json!(format!("{kind}List")));
        }
        set(spec, "conversion", json!({"strategy": "None"}));
    }
    if let (Some(status), Some(storage)) = (inner(map, "status"), storage)
        && !filled(status, "storedVersions")
    {
        status.insert("storedVersions".to_owned(), json!([storage]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{decode, schema};

    fn filled_in(kind: &str, value: Value) -> Value {
        let ty = schema::named(kind).unwrap();
        let mut value = decode::decode(&ty, &value).unwrap().value;
        fill(&ty, &mut value);
        let again = {
            let mut again = decode::decode(&ty, &value).unwrap().value;
            fill(&ty, &mut again);
            again
        };
        assert_eq!(value, again, "defaults are idempotent");
        value
    }

    #[test]
    fn a_deployment_gets_what_the_api_gives_it() {
        let value = filled_in(
            "apps.v1.Deployment",
            json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "image": "x:1", "ports": [{"containerPort": 80}], "readinessProbe": {"httpGet": {"port": 80}}}]}}}}),
        );
        assert_eq!(
            value["spec"]["strategy"],
            json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}})
        );
        let container = &value["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["ports"], json!([{"containerPort": 80, "protocol": "TCP"}]));
        assert_eq!(container["readinessProbe"]["httpGet"], json!({"path": "/", "port": 80, "scheme": "HTTP"}));
        assert_eq!(container["imagePullPolicy"], "IfNotPresent");
    }

    #[test]
    fn pull_policy_follows_the_tag() {
        for (image, policy) in [
            ("a", "Always"),
            ("a:latest", "Always"),
            ("a:1", "IfNotPresent"),
            ("h:5000/a", "Always"),
            ("a@sha256:0", "IfNotPresent"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }

    #[test]
    fn secrets_fold_plain_text() {
        let value = filled_in("core.v1.Secret", json!({"stringData": {"a": "b"}}));
        assert_eq!(value["data"], json!({"a": "Yg=="}));
        assert_eq!(value["type"], "Opaque");
        assert!(value.get("stringData").is_none());
    }
}
