//! The volumes of a Pod.

use std::collections::BTreeMap;

use super::at::At;
use super::finding;
use super::values::{Unique, label_name, not_empty, one_of, required, within, word};
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::Span;

/// Every source that a volume may have.
const SOURCES: &[&str] = &[
    "configMap",
    "secret",
    "emptyDir",
    "persistentVolumeClaim",
    "projected",
    "hostPath",
    "ephemeral",
    "csi",
    "downwardAPI",
    "image",
    "nfs",
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "gitRepo",
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

/// A volume, and whether it can be mounted as a block device.
pub(super) struct Volume {
    pub(super) place: Span,
    pub(super) block: bool,
}

/// Judges the volumes of a Pod's spec and gives them by name. As in `pkg/apis/core/validation`: `ValidateVolumes`.
pub(super) fn check<'a>(spec: At<'a>, claims: &[At<'a>], diags: &mut Diags) -> BTreeMap<&'a str, Volume> {
    let (mut names, mut volumes) = (Unique::default(), BTreeMap::new());
    for volume in spec.items("volumes") {
        let Some(name) = volume.text("name") else { continue };
        label_name(volume, "name", "volume", diags);
        diags.extend(names.add(name, volume.place("name"), || format!("the Pod has two volumes `{name}`")));
        check_source(volume, name, diags);
        let block = volume.has("persistentVolumeClaim") || volume.has("ephemeral");
        volumes.entry(name).or_insert(Volume { place: volume.place("name"), block });
    }
    // Those of a StatefulSet's claim templates are added to each Pod.
    for claim in claims {
        if let Some(name) = claim.text("metadata.name") {
            volumes.entry(name).or_insert(Volume { place: claim.place("metadata.name"), block: true });
        }
    }
    volumes
}

fn check_source(volume: At<'_>, name: &str, diags: &mut Diags) {
    let whose = format!("volume `{name}`");
    // A source that nobody knows is told by the structure, and counts as one.
    let known = |key: &str| SOURCES.contains(&key);
    let written = volume.node.as_map().unwrap_or_default();
    let sources: Vec<&str> = written.iter().map(|(key, _)| key.value.as_str()).filter(|key| *key != "name").collect();
    // Without any it is an `emptyDir`.
    if sources.iter().all(|source| known(source)) {
        one_of(volume, &whose, SOURCES, false, diags);
    }
    let one = |path: &str, field: &str, diags: &mut Diags| {
        if let Some(source) = volume.get(path) {
            required(source, field, &whose, diags);
        }
    };
    one("secret", "secretName", diags);
    one("configMap", "name", diags);
    one("persistentVolumeClaim", "claimName", diags);
    one("csi", "driver", diags);
    for (path, fields) in [("nfs", ["server", "path"]), ("flexVolume", ["driver", "driver"])] {
        if let Some(source) = volume.get(path) {
            fields.iter().for_each(|field| not_empty(source, field, &whose, diags));
        }
    }
    for path in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(source) = volume.get(path) {
            within(source, "defaultMode", (0, 0o777), diags);
            check_items(source, diags);
        }
    }
    check_host_path(volume, diags);
    check_empty_dir(volume, &whose, diags);
    check_projected(volume, &whose, diags);
    if let Some(template) = volume.get("ephemeral.volumeClaimTemplate.spec") {
        super::storage::check_claim(template, diags);
    } else if let Some(ephemeral) = volume.get("ephemeral") {
        required(ephemeral, "volumeClaimTemplate", &whose, diags);
    }
}

/// As in `pkg/apis/core/validation`: `validateKeyToPath`, `validateDownwardAPIVolumeFile`.
fn check_items(source: At<'_>, diags: &mut Diags) {
    let mut paths = Unique::default();
    for item in source.items("items") {
        not_empty(item, "key", "an item of the volume", diags);
        within(item, "mode", (0, 0o777), diags);
        let Some(path) = item.text("path") else {
            not_empty(item, "path", "an item of the volume", diags);
            continue;
        };
        check_relative(item, "path", diags);
        diags.extend(paths.add(path, item.place("path"), || format!("two items are written to `{path}`")));
        if item.has("fieldRef") || item.has("resourceFieldRef") {
            one_of(item, "an item of the volume", &["fieldRef", "resourceFieldRef"], true, diags);
        }
    }
}

/// A path within the volume. As in `pkg/apis/core/validation`: `validateLocalNonReservedPath`, `validateLocalDescendingPath`.
pub(super) fn check_relative(owner: At<'_>, field: &str, diags: &mut Diags) {
    let Some(path) = owner.text(field) else { return };
    let wrong = if path.starts_with('/') {
        "is absolute"
    } else if path.split('/').any(|part| part == "..") {
        "leads out by `..`"
    } else {
        return;
    };
    let finding = Diagnostic::new(&codes::INVALID_PATH, owner.place(field), format!("`{field}` `{path}` {wrong}"));
    diags.push(finding.here("must stay within the volume").help("write a path relative to the volume, without `..`"));
}

fn check_host_path(volume: At<'_>, diags: &mut Diags) {
    let Some(source) = volume.get("hostPath") else { return };
    let kinds = ["DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"];
    word(source, "type", &kinds, diags);
    if source.word("path").split('/').any(|part| part == "..") {
        let message = format!("`path` `{}` has `..`", source.word("path"));
        let finding = Diagnostic::new(&codes::INVALID_PATH, source.place("path"), message);
        diags.push(finding.here("not on a host").help("write the path itself"));
    }
}

fn check_empty_dir(volume: At<'_>, whose: &str, diags: &mut Diags) {
    let Some(source) = volume.get("emptyDir") else { return };
    if let Some(limit) = source.get("sizeLimit")
        && super::values::amount(limit.node).is_some_and(|(amount, _)| amount < 0.0)
    {
        diags.push(finding::invalid(limit.span(), format!("the size limit of {whose} is negative"), "write a size"));
    }
}

/// As in `pkg/apis/core/validation`: `validateProjectedVolumeSource`.
fn check_projected(volume: At<'_>, whose: &str, diags: &mut Diags) {
    const PARTS: &[&str] =
        &["secret", "configMap", "downwardAPI", "serviceAccountToken", "clusterTrustBundle", "podCertificate"];
    for source in volume.items("projected.sources") {
        one_of(source, &format!("a source of {whose}"), PARTS, true, diags);
        for path in ["secret", "configMap"] {
            if let Some(source) = source.get(path) {
                required(source, "name", &format!("a source of {whose}"), diags);
            }
        }
        for path in ["secret", "configMap", "downwardAPI"] {
            if let Some(source) = source.get(path) {
                check_items(source, diags);
            }
        }
        if let Some(token) = source.get("serviceAccountToken") {
            within(token, "expirationSeconds", (600, 1 << 32), diags);
            not_empty(token, "path", &format!("a token of {whose}"), diags);
            check_relative(token, "path", diags);
        }
    }
}
