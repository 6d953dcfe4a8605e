//! What outlives an apply: one record per finished segment, one per pipeline run that succeeded, one per held version.
//!
//! **Invariant:** records are ConfigMaps in `waybill-system` of the segment's cluster, named by what they are about, so
//! that writing one again changes nothing. Plans, `status` and `history` read these alone.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use waybill_compiler::plan::digest::sha256;
use waybill_compiler::plan::observed::{Hold, Record, RunRecord};

use super::{SYSTEM_NAMESPACE, store};
use crate::effects::kube::{Cluster, KubeError, core, namespace};
use crate::effects::pod::dns_label;

/// Records of a segment that are kept; the oldest go first.
const KEPT: usize = 50;
/// Above this a record is packed: a ConfigMap holds 1 MiB.
const PLAIN_LIMIT: usize = 500_000;
const UNPACKED_LIMIT: u64 = 64 * 1024 * 1024;

const PROJECT: &str = "waybill.dev/project";
const RECORD: &str = "waybill.dev/record";

/// Everything that past applies left of a project in one cluster.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// The newest of each segment: by environment name for environments, by segment name for the others.
    pub newest: BTreeMap<String, Record>,
    /// All that are kept, oldest first.
    pub history: Vec<Record>,
    /// Succeeded pipeline runs by key.
    pub runs: BTreeMap<String, RunRecord>,
    pub holds: Vec<Hold>,
    /// The oldest plan whose apply has begun and not ended.
    pub unfinished: Option<String>,
}

/// Reads all records of the project. A cluster without the namespace has none.
pub async fn read_all(cluster: &Cluster, project: &str) -> Result<Records, String> {
    if cluster.get(&namespace(SYSTEM_NAMESPACE)).await.map_err(|error| error.to_string())?.is_none() {
        return Ok(Records::default());
    }
    let selector = format!("{PROJECT}={},{RECORD}", dns_label(project, 63));
    let like = core("ConfigMap", SYSTEM_NAMESPACE, "");
    let found = cluster.list(&like, &selector).await.map_err(|error| error.to_string())?;
    let mut records = Records::default();
    for map in &found {
        match map["metadata"]["labels"][RECORD].as_str().unwrap_or_default() {
            "segment" => records.history.push(decode(map)?),
            "run" => {
                let run: RunRecord = decode(map)?;
                records.runs.insert(run.key.clone(), run);
            }
            "hold" => records.holds.push(decode(map)?),
            other => return Err(format!("{} is a record of an unknown kind `{other}`", name_of(map))),
        }
    }
    records.holds.sort();
    records.history.sort_by(|one, two| (one.finished, &one.plan).cmp(&(two.finished, &two.plan)));
    for record in &records.history {
        let key = record.segment.strip_prefix("environment.").unwrap_or(&record.segment);
        records.newest.insert(key.to_owned(), record.clone());
    }
    let plans = store::list(cluster, project).await.map_err(|error| error.to_string())?;
    records.unfinished = plans.into_iter().find(|plan| plan.is_unfinished()).map(|plan| plan.plan);
    Ok(records)
}

/// Writes the record of a segment and drops those that are too old.
pub async fn write_segment(cluster: &Cluster, project: &str, record: &Record) -> Result<(), KubeError> {
    let name = format!("waybill-record-{}-{}-{}", dns_label(project, 63), dns_label(&record.segment, 63), record.plan);
    write(cluster, project, "segment", &name, record).await?;
    drop_oldest(cluster, project, &record.segment).await
}

pub async fn write_run(cluster: &Cluster, project: &str, run: &RunRecord) -> Result<(), KubeError> {
    let known_by = sha256(format!("{}\n{}", run.pipeline, run.key).as_bytes());
    let name = format!("waybill-run-{}-{}", dns_label(project, 63), &known_by[..20]);
    write(cluster, project, "run", &name, run).await
}

pub async fn write_hold(cluster: &Cluster, project: &str, hold: &Hold) -> Result<(), KubeError> {
    write(cluster, project, "hold", &hold_name(project, hold), hold).await
}

/// Takes a hold away: its version may be delivered again.
pub async fn release_hold(cluster: &Cluster, project: &str, hold: &Hold) -> Result<(), KubeError> {
    cluster.delete(&core("ConfigMap", SYSTEM_NAMESPACE, &hold_name(project, hold)), None).await
}

fn hold_name(project: &str, hold: &Hold) -> String {
    let what = sha256(format!("{}\n{}\n{}\n{}", hold.environment, hold.image, hold.tag, hold.digest).as_bytes());
    format!("waybill-hold-{}-{}", dns_label(project, 63), &what[..20])
}

async fn write(
    cluster: &Cluster,
    project: &str,
    kind: &str,
    name: &str,
    record: &impl Serialize,
) -> Result<(), KubeError> {
    crate::effects::kube::object::ensure_namespace(cluster, SYSTEM_NAMESPACE).await?;
    let text = serde_json::to_string(record).expect("BUG: a record is always JSON");
    let mut map = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": SYSTEM_NAMESPACE,
            "labels": {
                "app.kubernetes.io/managed-by": "waybill",
                PROJECT: dns_label(project, 63),
                RECORD: kind,
            },
        },
    });
    if text.len() <= PLAIN_LIMIT {
        map["data"] = json!({"record": text});
    } else {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        let packed = packer.write_all(text.as_bytes()).and_then(|()| packer.finish());
        let packed = packed.map_err(|error| KubeError::Unreachable(error.to_string()))?;
        map["binaryData"] = json!({"record": STANDARD.encode(packed)});
    }
    cluster.apply(&core("ConfigMap", SYSTEM_NAMESPACE, name), &map, true, false).await.map(|_| ())
}

fn decode<T: DeserializeOwned>(map: &Value) -> Result<T, String> {
    let damaged = |what: String| format!("the record {} is damaged: {what}", name_of(map));
    let text = match (map["data"]["record"].as_str(), map["binaryData"]["record"].as_str()) {
        (Some(text), _) => text.to_owned(),
        (None, Some(packed)) => {
            let packed = STANDARD.decode(packed).map_err(|error| damaged(error.to_string()))?;
            let mut text = String::new();
            let mut unpacker = flate2::read::GzDecoder::new(packed.as_slice()).take(UNPACKED_LIMIT);
            unpacker.read_to_string(&mut text).map_err(|error| damaged(error.to_string()))?;
            text
        }
        (None, None) => return Err(damaged("it is empty".into())),
    };
    serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))
}

fn name_of(map: &Value) -> &str {
    map["metadata"]["name"].as_str().unwrap_or_default()
}

async fn drop_oldest(cluster: &Cluster, project: &str, segment: &str) -> Result<(), KubeError> {
    let selector = format!("{PROJECT}={},{RECORD}=segment", dns_label(project, 63));
    let found = cluster.list(&core("ConfigMap", SYSTEM_NAMESPACE, ""), &selector).await?;
    let mut dated: Vec<(i64, String)> = found
        .iter()
        .filter_map(|map| Some((decode::<Record>(map).ok()?, name_of(map).to_owned())))
        .filter(|(record, _)| record.segment == segment)
        .map(|(record, name)| (record.finished, name))
        .collect();
    dated.sort();
    let old = dated.len().saturating_sub(KEPT);
    for (_, name) in &dated[..old] {
        cluster.delete(&core("ConfigMap", SYSTEM_NAMESPACE, name), None).await?;
    }
    Ok(())
}
