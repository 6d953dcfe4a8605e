//! Builds a Dockerfile that needs no RUN into an OCI layout.
//!
//! **Invariant:** equal contexts and Dockerfiles give equal bytes, whatever the machine, the order of files, their
//! times, owners or the umask: see `layer` and `context`.
//! Not here: what a Dockerfile means (`compiler::dockerfile`), pushing to a registry.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use waybill_compiler::dockerfile::{self, BuildStep, ScratchBuild};

use super::context::{self, Context};
use super::layer::{self, Archive, Image};
use super::{StepError, layout};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// A Dockerfile is text of a person; anything longer is a mistake.
const MAX_DOCKERFILE_BYTES: u64 = 1 << 20;

/// An image in a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuiltImage {
    /// Of the manifest: `sha256:…`.
    pub digest: String,
    /// `NAME:TAG`, under which the layout's index has it.
    pub name: String,
    /// Of the layers, in order: `sha256:…`.
    pub layers: Vec<String>,
}

/// Builds `dockerfile` over `context` and adds the image to the layout `out_dir` under `name_tag`, where it replaces
/// an image of that name. The layout is made if it is not there.
pub fn build(context: &Path, dockerfile: &Path, out_dir: &Path, name_tag: &str) -> Result<BuiltImage, StepError> {
    if !is_name_and_tag(name_tag) {
        return Err(StepError::Name { name: name_tag.to_owned() });
    }
    let text = read_dockerfile(dockerfile)?;
    let build = dockerfile::buildable(&dockerfile::parse(&text)).map_err(|refusals| {
        let refusal = |one: &dockerfile::Refusal| (line_of(&text, one.span.start), one.to_string());
        StepError::Refused { dockerfile: dockerfile.to_owned(), refusals: refusals.iter().map(refusal).collect() }
    })?;
    let context = context::read(context, dockerfile, out_dir)?;
    let writer = layout::Writer::begin(out_dir)?;
    let layers = write_layers(&context, &build, &writer, &|step, message| StepError::Copy {
        dockerfile: dockerfile.to_owned(),
        line: line_of(&text, step),
        message,
    })?;
    let config = write_json(&writer, CONFIG, &config(&build, &layers))?;
    let descriptors: Vec<Value> =
        layers.iter().map(|layer| descriptor(LAYER, &format!("sha256:{}", layer.digest), layer.size)).collect();
    let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": descriptors });
    let mut manifest = write_json(&writer, MANIFEST, &manifest)?;
    let digest = manifest["digest"].as_str().unwrap_or_default().to_owned();
    manifest["platform"] = platform(&build);
    writer.finish(name_tag, manifest)?;
    let layers = layers.iter().map(|layer| format!("sha256:{}", layer.digest)).collect();
    Ok(BuiltImage { digest, name: name_tag.to_owned(), layers })
}

fn read_dockerfile(path: &Path) -> Result<String, StepError> {
    let reading = |error: std::io::Error| StepError::io(format!("reading {}", path.display()), &error);
    let meta = std::fs::metadata(path).map_err(reading)?;
    if !meta.is_file() || meta.len() > MAX_DOCKERFILE_BYTES {
        return Err(reading(std::io::Error::other("it is not a file of at most 1 MiB")));
    }
    std::fs::read_to_string(path).map_err(reading)
}

fn line_of(text: &str, offset: usize) -> usize {
    text[..offset.min(text.len())].matches('\n').count() + 1
}

fn write_layers(
    context: &Context,
    build: &ScratchBuild,
    writer: &layout::Writer,
    failed: &dyn Fn(usize, String) -> StepError,
) -> Result<Vec<Archive>, StepError> {
    let mut image = Image::default();
    let mut out = Vec::new();
    for step in &build.steps {
        let at = match step {
            BuildStep::Copy(copy) => copy.span.start,
            BuildStep::Workdir(_) => 0,
        };
        let layer = image.layer(context, step).map_err(|message| failed(at, message))?;
        if !layer.is_empty() {
            out.push(writer.blob(|out| layer::write(&layer, out).map(|archive| (archive.digest.clone(), archive)))?);
        }
    }
    Ok(out)
}

fn config(build: &ScratchBuild, layers: &[Archive]) -> Value {
    let mut config = BTreeMap::new();
    let mut set = |key: &'static str, value: Value| {
        let empty = value.is_null()
            || value.as_str() == Some("")
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(serde_json::Map::is_empty);
        if !empty {
            config.insert(key, value);
        }
    };
    let names = |names: &std::collections::BTreeSet<String>| {
        Value::Object(names.iter().map(|name| (name.clone(), json!({}))).collect())
    };
    let env: Vec<String> = build.env.iter().map(|(key, value)| format!("{key}={value}")).collect();
    set("Env", json!(env));
    set("WorkingDir", json!(build.workdir));
    set("User", json!(build.user));
    set("Labels", json!(build.labels));
    set("Entrypoint", json!(build.entrypoint));
    set("Cmd", json!(build.cmd));
    set("ExposedPorts", names(&build.exposed));
    set("Volumes", names(&build.volumes));
    set("StopSignal", json!(build.stop_signal));
    let diff_ids: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", layer.diff_id)).collect();
    let mut out = platform(build);
    out["created"] = json!("1970-01-01T00:00:00Z");
    out["config"] = json!(config);
    out["rootfs"] = json!({ "type": "layers", "diff_ids": diff_ids });
    if !build.author.is_empty() {
        out["author"] = json!(build.author);
    }
    out
}

fn platform(build: &ScratchBuild) -> Value {
    let mut out = json!({ "os": build.platform.os, "architecture": build.platform.architecture });
    if !build.platform.variant.is_empty() {
        out["variant"] = json!(build.platform.variant);
    }
    out
}

fn descriptor(media_type: &str, digest: &str, size: u64) -> Value {
    json!({ "mediaType": media_type, "digest": digest, "size": size })
}

/// Writes a document as a blob and gives its descriptor. Keys are sorted, so equal documents are equal bytes.
fn write_json(writer: &layout::Writer, media_type: &str, value: &Value) -> Result<Value, StepError> {
    let bytes = value.to_string().into_bytes();
    let digest = hex::encode(Sha256::digest(&bytes));
    writer.blob(|out| {
        out.write_all(&bytes)?;
        Ok((digest.clone(), ()))
    })?;
    Ok(descriptor(media_type, &format!("sha256:{digest}"), bytes.len() as u64))
}

/// `NAME:TAG` as registries take it: lower-case path segments, and a tag of at most 128 characters.
fn is_name_and_tag(name_tag: &str) -> bool {
    let Some((name, tag)) = name_tag.rsplit_once(':') else {
        return false;
    };
    let tag_ok = tag.len() <= 128
        && tag.starts_with(|ch: char| ch.is_ascii_alphanumeric() || ch == '_')
        && tag.chars().all(|ch| ch.is_ascii_alphanumeric() || "_.-".contains(ch));
    let segment = |(idx, part): (usize, &str)| {
        // The first segment may be a host with a port.
        let part = match (idx, part.split_once(':')) {
            (0, Some((host, port))) if !port.is_empty() && port.chars().all(|ch| ch.is_ascii_digit()) => host,
            (_, Some(_)) => return false,
            (_, None) => part,
        };
        let allowed = |ch: char| ch.is_ascii_lowercase() || ch.is_ascii_digit() || "._-".contains(ch);
        let edge = |ch: char| ch.is_ascii_lowercase() || ch.is_ascii_digit();
        part.starts_with(edge) && part.ends_with(edge) && part.chars().all(allowed)
    };
    tag_ok && name.split('/').enumerate().all(segment)
}
