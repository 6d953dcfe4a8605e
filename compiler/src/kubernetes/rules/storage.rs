//! Claims, volumes of a cluster, and their classes.

use super::at::At;
use super::labels::check_selector;
use super::values::{amount, not_empty, one_of, required, word};
use super::{finding, scheduling};
use crate::diag::Diags;

const MODES: &[&str] = &["ReadWriteOnce", "ReadOnlyMany", "ReadWriteMany", "ReadWriteOncePod"];
const SOURCES: &[&str] = &[
    "hostPath",
    "csi",
    "nfs",
    "local",
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "iscsi",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
];

/// As in `pkg/apis/core/validation`: `ValidatePersistentVolumeClaimSpec`.
pub(super) fn check_claim(spec: At<'_>, diags: &mut Diags) {
    check_modes(spec, "the claim", diags);
    if let Some(selector) = spec.get("selector") {
        check_selector(selector, diags);
    }
    match spec.get("resources.requests").and_then(|requests| requests.get("storage")) {
        None => {
            let owner = spec.get("resources.requests").or_else(|| spec.get("resources")).unwrap_or(spec);
            diags.push(
                finding::missing(owner, "storage", "the claim").help("add `resources: {requests: {storage: 1Gi}}`"),
            );
        }
        Some(storage) => check_positive(storage, "storage", diags),
    }
    word(spec, "volumeMode", &["Filesystem", "Block"], diags);
    for source in ["dataSource", "dataSourceRef"] {
        if let Some(source) = spec.get(source) {
            not_empty(source, "kind", "the data source", diags);
            not_empty(source, "name", "the data source", diags);
        }
    }
}

fn check_modes(spec: At<'_>, whose: &str, diags: &mut Diags) {
    required(spec, "accessModes", whose, diags);
    let modes = spec.items("accessModes");
    for mode in &modes {
        if mode.node.as_str().is_some_and(|text| !MODES.contains(&text)) {
            diags.push(finding::unsupported(*mode, "accessModes", MODES));
        }
    }
    let alone = modes.iter().find(|mode| mode.node.as_str() == Some("ReadWriteOncePod"));
    if let (Some(alone), true) = (alone, modes.len() > 1) {
        diags.push(finding::invalid(
            alone.span(),
            "`ReadWriteOncePod` stands with other access modes",
            "let it stand alone",
        ));
    }
}

fn check_positive(quantity: At<'_>, name: &str, diags: &mut Diags) {
    if let Some((_, text)) = amount(quantity.node).filter(|(number, _)| *number <= 0.0) {
        diags.push(finding::invalid(quantity.span(), format!("`{name}` is {text}"), "write more than 0"));
    }
}

/// As in `pkg/apis/core/validation`: `ValidatePersistentVolumeSpec`.
pub(super) fn check_volume(spec: At<'_>, diags: &mut Diags) {
    check_modes(spec, "the volume", diags);
    match spec.get("capacity.storage") {
        None => {
            let owner = spec.get("capacity").unwrap_or(spec);
            diags.push(finding::missing(owner, "storage", "the volume").help("add `capacity: {storage: 1Gi}`"));
        }
        Some(storage) => check_positive(storage, "storage", diags),
    }
    one_of(spec, "the volume", SOURCES, true, diags);
    word(spec, "persistentVolumeReclaimPolicy", &["Retain", "Recycle", "Delete"], diags);
    word(spec, "volumeMode", &["Filesystem", "Block"], diags);
    if let Some(selector) = spec.get("nodeAffinity.required") {
        scheduling::check_node_selector(selector, diags);
    } else if let Some(local) = spec.get("local") {
        diags.push(finding::missing(At { node: spec.node, key: local.key }, "nodeAffinity", "a local volume"));
    }
    if let Some(csi) = spec.get("csi") {
        not_empty(csi, "driver", "the volume", diags);
        not_empty(csi, "volumeHandle", "the volume", diags);
    }
}

/// As in `pkg/apis/storage/validation`: `ValidateStorageClass`.
pub(super) fn check_class(object: At<'_>, diags: &mut Diags) {
    not_empty(object, "provisioner", "the StorageClass", diags);
    word(object, "reclaimPolicy", &["Delete", "Retain"], diags);
    word(object, "volumeBindingMode", &["Immediate", "WaitForFirstConsumer"], diags);
    for (key, _) in object.entries("parameters").iter().filter(|(key, _)| key.value.is_empty()) {
        diags.push(finding::invalid(key.span, "a parameter has no name", "name it or remove it"));
    }
}

/// As in `pkg/apis/storage/validation`: `ValidateCSIDriver`.
pub(super) fn check_driver(spec: At<'_>, diags: &mut Diags) {
    word(spec, "fsGroupPolicy", &["ReadWriteOnceWithFSType", "File", "None"], diags);
    for mode in spec.items("volumeLifecycleModes") {
        if mode.node.as_str().is_some_and(|text| !["Persistent", "Ephemeral"].contains(&text)) {
            diags.push(finding::unsupported(mode, "volumeLifecycleModes", &["Persistent", "Ephemeral"]));
        }
    }
}
