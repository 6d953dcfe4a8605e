//! Makes the volumes of a Pod on the host's disk.
//!
//! `emptyDir` is a directory of the Pod (its `sizeLimit` and medium are not enforced), a claim is a directory that
//! outlives Pods, and `configMap`, `secret`, `downwardAPI` and `projected` are files written once, at the start.
//!
//! **Invariant:** nothing is written outside of the directory given for a volume, whatever the keys and paths say.
//! Not here: where a container sees them (`mounts`).

use super::env;
use super::objects::{self, Objects};
use super::pod::{MOUNT_ERROR, Pod, Refusal, UNSUPPORTED, is_name};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A volume that is ready to be mounted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Volume {
    pub path: PathBuf,
    /// Files written from objects are read-only whatever the mount says.
    pub read_only: bool,
}

/// Where the volumes of a Pod go.
pub(super) struct Place<'a> {
    /// For volumes that end with the Pod.
    pub volumes: &'a Path,
    /// For the claims of the Pod's namespace.
    pub claims: &'a Path,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Files {
    /// ConfigMap, or projected.
    name: Option<String>,
    secret_name: Option<String>,
    #[serde(default)]
    items: Vec<Item>,
    default_mode: Option<u32>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    sources: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    key: Option<String>,
    path: String,
    mode: Option<u32>,
    field_ref: Option<env::FieldRef>,
}

/// A file of a volume by its path: bytes and mode.
type Contents = BTreeMap<String, (Vec<u8>, u32)>;

/// Makes every volume; the answer is by volume name.
pub(super) fn make(pod: &Pod, place: &Place<'_>, objects: &Objects) -> Result<BTreeMap<String, Volume>, Refusal> {
    let mut made = BTreeMap::new();
    for volume in &pod.spec.volumes {
        let name = volume.get("name").and_then(Value::as_str).unwrap_or("");
        if !is_name(name) || made.contains_key(name) {
            return Err(Refusal::pod(MOUNT_ERROR, format!("`{name}` is not a name of one volume")));
        }
        let one = make_one(pod, name, volume, place, objects)?;
        made.insert(name.to_owned(), one);
    }
    Ok(made)
}

fn make_one(pod: &Pod, name: &str, volume: &Value, place: &Place<'_>, objects: &Objects) -> Result<Volume, Refusal> {
    let refused = |reason, message: String| Refusal::pod(reason, format!("volume `{name}`: {message}"));
    let source =
        volume.as_object().into_iter().flat_map(Map::iter).find(|(key, value)| *key != "name" && !value.is_null());
    let path = place.volumes.join(name);
    let (kind, source) = source.map_or(("emptyDir", &Value::Null), |(key, value)| (key, value));
    match kind {
        "emptyDir" => {
            // Any user of the container may write here, as in Kubernetes.
            directory(&path, 0o777).map_err(|error| refused(MOUNT_ERROR, error))?;
            Ok(Volume { path, read_only: false })
        }
        "persistentVolumeClaim" => {
            let claim = source.get("claimName").and_then(Value::as_str).unwrap_or("");
            if !is_name(claim) {
                return Err(refused(MOUNT_ERROR, format!("`{claim}` is not a claim's name")));
            }
            super::private_dir(place.claims).map_err(|error| {
                let message = format!("cannot make {}: {error}", place.claims.display());
                refused(MOUNT_ERROR, message)
            })?;
            let path = place.claims.join(claim);
            directory(&path, 0o777).map_err(|error| refused(MOUNT_ERROR, error))?;
            Ok(Volume { path, read_only: source.get("readOnly") == Some(&Value::Bool(true)) })
        }
        "configMap" | "secret" | "downwardAPI" | "projected" => {
            contents(pod, kind, source, objects)
                .and_then(|contents| write(&path, &contents))
                .map_err(|message| refused(MOUNT_ERROR, message))?;
            Ok(Volume { path, read_only: true })
        }
        "hostPath" => Err(refused(
            UNSUPPORTED,
            format!(
                "hostPath would give a container a directory of this machine; use an emptyDir, a claim, or the \
                 annotation `{}` for reading",
                super::pod::HOST_PATHS
            ),
        )),
        other => Err(refused(UNSUPPORTED, format!("the embedded node does not support `{other}`"))),
    }
}

fn directory(path: &Path, mode: u32) -> Result<(), String> {
    fs::create_dir_all(path)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .map_err(|error| format!("cannot make {}: {error}", path.display()))
}

fn contents(pod: &Pod, kind: &str, source: &Value, objects: &Objects) -> Result<Contents, String> {
    let files = Files::deserialize(source).map_err(|error| error.to_string())?;
    let mode = files.default_mode.unwrap_or(0o644);
    match kind {
        "configMap" => from_object(objects::CONFIG_MAP, files.name.as_deref(), &files, mode, objects),
        "secret" => {
            let name = files.secret_name.as_deref().or(files.name.as_deref());
            from_object(objects::SECRET, name, &files, mode, objects)
        }
        "downwardAPI" => from_fields(pod, &files, mode),
        _ => {
            let mut all = Contents::new();
            for source in &files.sources {
                all.extend(projected(pod, source, mode, objects)?);
            }
            Ok(all)
        }
    }
}

fn projected(pod: &Pod, source: &Map<String, Value>, mode: u32, objects: &Objects) -> Result<Contents, String> {
    let Some((kind, source)) = source.iter().find(|(_, value)| !value.is_null()) else {
        return Ok(Contents::new());
    };
    if !matches!(kind.as_str(), "configMap" | "secret" | "downwardAPI") {
        return Err(format!("the embedded node does not support the source `{kind}` of a projected volume"));
    }
    let mut source = source.clone();
    if let Some(fields) = source.as_object_mut() {
        fields.insert("defaultMode".to_owned(), mode.into());
    }
    contents(pod, kind, &source, objects)
}

fn from_object(
    kind: &str,
    name: Option<&str>,
    files: &Files,
    mode: u32,
    objects: &Objects,
) -> Result<Contents, String> {
    let name = name.unwrap_or_default();
    let mut data = objects.data(kind, name, files.optional)?.unwrap_or_default();
    if files.items.is_empty() {
        return Ok(data.into_iter().map(|(key, value)| (key, (value, mode))).collect());
    }
    let mut chosen = Contents::new();
    for item in &files.items {
        let key = item.key.as_deref().unwrap_or_default();
        match data.remove(key) {
            Some(value) => {
                chosen.insert(item.path.clone(), (value, item.mode.unwrap_or(mode)));
            }
            None if files.optional => {}
            None => {
                return Err(format!("couldn't find key {key} in {kind} {name}"));
            }
        }
    }
    Ok(chosen)
}

fn from_fields(pod: &Pod, files: &Files, mode: u32) -> Result<Contents, String> {
    let mut contents = Contents::new();
    for item in &files.items {
        let Some(reference) = &item.field_ref else {
            return Err(format!("`{}`: the embedded node supports fieldRef only", item.path));
        };
        let value = env::field(pod, &reference.field_path)?;
        contents.insert(item.path.clone(), (value.into_bytes(), item.mode.unwrap_or(mode)));
    }
    Ok(contents)
}

fn write(dir: &Path, contents: &Contents) -> Result<(), String> {
    directory(dir, 0o755)?;
    for (path, (bytes, mode)) in contents {
        let climbs =
            path.is_empty() || path.split('/').any(|part| matches!(part, "" | "." | "..") || part.contains('\0'));
        if climbs {
            return Err(format!("`{path}` is not a path inside of the volume"));
        }
        write_file(&dir.join(path), bytes, *mode).map_err(|error| format!("cannot write {path}: {error}"))?;
    }
    Ok(())
}

fn write_file(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o777))
}
