//! What the API server itself writes into objects: status of new ones, generations, allocated addresses, and which
//! fields a write through this or that endpoint leaves alone.
//!
//! **Invariant:** works on objects in their storage version. Follows the `PrepareForCreate` and `PrepareForUpdate`
//! functions of Kubernetes' registries. Not here: validation, defaults that depend on the object alone.

mod services;

use serde_json::{Map, Value, json};

use crate::decode;
use crate::defaults::TEMPLATE_GENERATION;
use crate::fields::Set;
use crate::kinds::Kind;
use crate::store::Txn;
use crate::typed::same;

/// Fields that a write to the endpoint does not change and its writer does not come to own.
pub fn reset_fields(kind: &Kind, subresource: &str) -> Set {
    match (subresource, kind.custom) {
        ("", _) if kind.has_status => Set::of(&["status"]),
        ("", _) => Set::default(),
        ("status", true) => Set::of(&[
            "spec",
            "metadata.labels",
            "metadata.annotations",
            "metadata.finalizers",
            "metadata.ownerReferences",
        ]),
        ("status", false) => match kind.kind.as_str() {
            "Deployment" | "DaemonSet" => Set::of(&["spec", "metadata.labels"]),
            "Pod" => Set::of(&["spec", "metadata.deletionTimestamp", "metadata.ownerReferences"]),
            "CustomResourceDefinition" => Set::of(&["spec", "metadata"]),
            _ => Set::of(&["spec"]),
        },
        (_, _) => Set::default(),
    }
}

/// Kinds whose `metadata.generation` counts the changes of their spec.
fn has_generation(kind: &Kind) -> bool {
    kind.custom
        || matches!(
            kind.kind.as_str(),
            "Deployment"
                | "ReplicaSet"
                | "StatefulSet"
                | "DaemonSet"
                | "ReplicationController"
                | "Pod"
                | "PodTemplate"
                | "Job"
                | "CronJob"
                | "Ingress"
                | "IngressClass"
                | "NetworkPolicy"
                | "PodDisruptionBudget"
                | "EndpointSlice"
                | "PriorityClass"
                | "CustomResourceDefinition"
                | "ValidatingAdmissionPolicy"
                | "ValidatingAdmissionPolicyBinding"
                | "MutatingWebhookConfiguration"
                | "ValidatingWebhookConfiguration"
        )
}

fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// What admission adds to a new object. Nobody owns it.
pub fn admit_create(kind: &Kind, object: &mut Value) {
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => admit_pod(object),
        ("", "PersistentVolumeClaim" | "PersistentVolume") => protect(kind, object),
        (_, _) => {}
    }
}

fn admit_pod(object: &mut Value) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else {
        return;
    };
    if spec.get("serviceAccountName").is_none() {
        spec.insert("serviceAccountName".to_owned(), json!("default"));
        spec.insert("serviceAccount".to_owned(), json!("default"));
    }
    if spec.get("priorityClassName").is_none() {
        spec.entry("priority").or_insert(json!(0));
        spec.entry("preemptionPolicy").or_insert(json!("PreemptLowerPriority"));
    }
    let tolerations = spec.entry("tolerations").or_insert_with(|| json!([]));
    if let Some(tolerations) = tolerations.as_array_mut() {
        for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
            let covered = |toleration: &Value| {
                (toleration["key"] == key || toleration.get("key").is_none())
                    && (toleration["effect"] == "NoExecute" || toleration.get("effect").is_none())
            };
            if !tolerations.iter().any(covered) {
                tolerations
                    .push(json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}));
            }
        }
    }
}

/// Claims and volumes are not removed while something uses them.
fn protect(kind: &Kind, object: &mut Value) {
    let name = match kind.kind.as_str() {
        "PersistentVolumeClaim" => PROTECTED_CLAIM,
        "PersistentVolume" => "kubernetes.io/pv-protection",
        _ => return,
    };
    let Some(meta) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return;
    };
    if let Some(list) = meta.entry("finalizers").or_insert_with(|| json!([])).as_array_mut()
        && !list.iter().any(|one| one == name)
    {
        list.push(json!(name));
    }
}

/// The finalizer of a claim, removed once no Pod uses it.
pub const PROTECTED_CLAIM: &str = "kubernetes.io/pvc-protection";

/// Last changes before a new object is validated and stored.
pub fn prepare_create(txn: &Txn, kind: &Kind, object: &mut Value) {
    if kind.has_status {
        reset_status(kind, object);
    }
    if has_generation(kind)
        && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.insert("generation".to_owned(), json!(1));
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Pod") => object["status"] = json!({"phase": "Pending", "qosClass": qos_class(object)}),
        ("", "Namespace") => prepare_namespace(object),
        ("", "Service") => services::allocate(txn, object, None),
        ("", "PersistentVolumeClaim") => object["status"] = json!({"phase": "Pending"}),
        ("", "PersistentVolume") => {
            object["status"] = json!({"phase": "Pending", "lastPhaseTransitionTime": crate::clock::now()});
        }
        ("apps", "DaemonSet") => object["metadata"]["annotations"][TEMPLATE_GENERATION] = json!("1"),
        ("batch", "Job") => {
            let shared = object["metadata"]["labels"] == object["spec"]["template"]["metadata"]["labels"];
            job_selector(object);
            // The labels that the selector puts into the template are the Job's own where it had those of the template.
            if shared || object["metadata"]["labels"].is_null() {
                object["metadata"]["labels"] = object["spec"]["template"]["metadata"]["labels"].clone();
            }
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => establish(object),
        (_, _) => {}
    }
}

/// A new object has no status yet, whatever its writer says.
fn reset_status(kind: &Kind, object: &mut Value) {
    let Some(map) = object.as_object_mut() else {
        return;
    };
    let blank = match kind.custom {
        true => None,
        false => kind.ty.field("status").map(|field| decode::empty(&field.ty)),
    };
    match blank {
        Some(blank) => map.insert("status".to_owned(), blank),
        None => map.remove("status"),
    };
}

fn prepare_namespace(object: &mut Value) {
    object["status"] = json!({"phase": "Active"});
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        let finalizers = spec.entry("finalizers").or_insert_with(|| json!([]));
        if let Some(list) = finalizers.as_array_mut()
            && !list.iter().any(|item| item == "kubernetes")
        {
            list.push(json!("kubernetes"));
        }
    }
    name_label(object);
}

fn name_label(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
        && let Some(name) = metadata.get("name").cloned()
        && let Some(labels) = metadata.entry("labels").or_insert_with(|| json!({})).as_object_mut()
    {
        labels.insert("kubernetes.io/metadata.name".to_owned(), name);
    }
}

/// Guaranteed, Burstable or BestEffort, from the resources of the containers.
fn qos_class(pod: &Value) -> &'static str {
    let containers =
        ["containers", "initContainers"].iter().flat_map(|list| pod["spec"][list].as_array().into_iter().flatten());
    let (mut any, mut guaranteed) = (false, true);
    for container in containers {
        let (limits, requests) = (&container["resources"]["limits"], &container["resources"]["requests"]);
        for name in ["cpu", "memory"] {
            any |= limits[name].is_string() || requests[name].is_string();
            guaranteed &= limits[name].is_string() && (requests[name].is_null() || requests[name] == limits[name]);
        }
    }
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// The labels by which a Job finds its Pods.
fn job_selector(object: &mut Value) {
    if object["spec"]["manualSelector"] == true {
        return;
    }
    let (uid, name) = (text(object, "/metadata/uid").to_owned(), text(object, "/metadata/name").to_owned());
    if let Some(labels) = labels_of(&mut object["spec"]["template"]) {
        for (key, value) in [
            ("batch.kubernetes.io/controller-uid", &uid),
            ("controller-uid", &uid),
            ("batch.kubernetes.io/job-name", &name),
            ("job-name", &name),
        ] {
            labels.entry(key).or_insert_with(|| json!(value));
        }
    }
    if object["spec"]["selector"].is_null() {
        object["spec"]["selector"] = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid}});
    }
}

fn labels_of(template: &mut Value) -> Option<&mut Map<String, Value>> {
    let metadata = template.as_object_mut()?.entry("metadata").or_insert_with(|| json!({}));
    metadata.as_object_mut()?.entry("labels").or_insert_with(|| json!({})).as_object_mut()
}

/// Custom kinds are served at once: names are taken as given.
fn establish(object: &mut Value) {
    let spec = object["spec"].clone();
    let storage = spec["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|version| version["storage"] == true)
        .map_or(Value::Null, |version| version["name"].clone());
    let now = crate::clock::now();
    let condition = |kind: &str, reason: &str, message: &str| json!({"type": kind, "status": "True", "reason": reason, "message": message, "lastTransitionTime": now});
    object["status"] = json!({
        "acceptedNames": spec["names"],
        "conditions": [
            condition("NamesAccepted", "NoConflicts", "no conflicts found"),
            condition("Established", "InitialNamesAccepted", "the initial names have been accepted"),
        ],
        "storedVersions": [storage],
    });
}

/// Last changes before an updated object is validated and stored.
pub fn prepare_update(txn: &Txn, kind: &Kind, subresource: &str, object: &mut Value, old: &Value) {
    object["metadata"]["generation"] = old["metadata"]["generation"].clone();
    if object["metadata"]["generation"].is_null()
        && let Some(metadata) = object["metadata"].as_object_mut()
    {
        metadata.remove("generation");
    }
    match subresource {
        "" => prepare_main(txn, kind, object, old),
        "status" => prepare_status(kind, object, old),
        _ => {}
    }
}

fn keep(object: &mut Value, old: &Value, pointer: [&str; 2]) {
    let target = match pointer {
        ["", key] => object.as_object_mut().map(|map| (map, key, old.get(key))),
        [parent, key] => object
            .get_mut(parent)
            .and_then(Value::as_object_mut)
            .map(|map| (map, key, old.get(parent).and_then(|old| old.get(key)))),
    };
    if let Some((map, key, value)) = target {
        match value {
            Some(value) => map.insert(key.to_owned(), value.clone()),
            None => map.remove(key),
        };
    }
}

fn prepare_main(txn: &Txn, kind: &Kind, object: &mut Value, old: &Value) {
    if kind.has_status {
        keep(object, old, ["", "status"]);
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        ("", "Namespace") => {
            keep(object, old, ["spec", "finalizers"]);
            name_label(object);
        }
        ("", "Service") => {
            services::drop_unused(object, old);
            services::allocate(txn, object, Some(old));
        }
        ("apps", "DaemonSet") => count_template(object, old),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => accept_names(object),
        (_, _) => {}
    }
    if has_generation(kind) && changed(kind, object, old) {
        let generation = old["metadata"]["generation"].as_i64().unwrap_or(0);
        object["metadata"]["generation"] = json!(generation + 1);
    }
}

fn count_template(object: &mut Value, old: &Value) {
    let before: i64 =
        old["metadata"]["annotations"][TEMPLATE_GENERATION].as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
    let changed = object["spec"]["template"] != old["spec"]["template"];
    object["metadata"]["annotations"][TEMPLATE_GENERATION] = json!((before + i64::from(changed)).to_string());
}

fn accept_names(object: &mut Value) {
    if object["status"].is_object() {
        object["status"]["acceptedNames"] = object["spec"]["names"].clone();
    }
}

/// Whether the change counts as a new generation.
fn changed(kind: &Kind, object: &Value, old: &Value) -> bool {
    if kind.custom {
        let rest = |value: &Value| {
            let mut map = value.as_object().cloned().unwrap_or_default();
            map.remove("metadata");
            Value::Object(map)
        };
        return !same(&rest(object), &rest(old));
    }
    let differs = |pointer: &str| object.pointer(pointer) != old.pointer(pointer);
    match kind.kind.as_str() {
        "Deployment" => differs("/spec") || differs("/metadata/annotations"),
        "EndpointSlice" | "PodTemplate" | "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration" => {
            let rest = |value: &Value| {
                let mut map = value.as_object().cloned().unwrap_or_default();
                map.remove("metadata");
                map
            };
            rest(object) != rest(old) || (kind.kind == "EndpointSlice" && differs("/metadata/labels"))
        }
        _ => differs("/spec"),
    }
}

fn prepare_status(kind: &Kind, object: &mut Value, old: &Value) {
    if kind.custom {
        let status = object.get("status").cloned();
        let managed = object["metadata"]["managedFields"].clone();
        let version = object["metadata"]["resourceVersion"].clone();
        *object = old.clone();
        object["metadata"]["managedFields"] = managed;
        object["metadata"]["resourceVersion"] = version;
        if let Some(map) = object.as_object_mut() {
            match status {
                Some(status) => map.insert("status".to_owned(), status),
                None => map.remove("status"),
            };
        }
        return;
    }
    keep(object, old, ["", "spec"]);
    match kind.kind.as_str() {
        "Deployment" | "DaemonSet" => keep(object, old, ["metadata", "labels"]),
        "Pod" => {
            keep(object, old, ["metadata", "ownerReferences"]);
            if object["status"]["qosClass"].is_null() {
                keep(object, old, ["status", "qosClass"]);
            }
        }
        _ => {}
    }
}
