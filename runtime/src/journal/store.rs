//! Journals as ConfigMaps: one per record, named by project, plan and number.
//!
//! **Invariant:** an append is the creation of an object whose name is the next number; of two writers one loses, and is
//! told so (`JournalError::Fenced`). An approval, which comes from elsewhere, is taken in and does not fence.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use waybill_compiler::plan::Plan;
use waybill_compiler::plan::digest::{self, Damage};
use waybill_compiler::plan::effect::ObjectRef;

use super::SYSTEM_NAMESPACE;
use super::fold::{Corrupt, State, fold};
use super::record::{Entry, Record};
use crate::effects::kube::{Cluster, KubeError, core};
use crate::effects::pod::dns_label;

/// Bytes of the packed plan in one record: a ConfigMap holds 1 MiB.
const PIECE: usize = 900_000;
/// A plan unpacks to no more; what does is not one of ours.
const PLAN_LIMIT: u64 = 256 * 1024 * 1024;

const PROJECT: &str = "waybill.dev/project";
const PLAN: &str = "waybill.dev/plan";
const JOURNAL: &str = "waybill.dev/journal";

/// A journal of which this process knows the head.
pub struct Journal {
    cluster: Cluster,
    project: String,
    plan: String,
    /// Who appends, as in `Entry::by`.
    by: String,
    head: u32,
}

/// What is known of a plan that was begun at some time.
#[derive(Clone, Debug)]
pub struct Begun {
    pub plan: String,
    pub state: State,
    entries: Vec<Entry>,
    packed: Vec<Vec<u8>>,
    /// Only the summary is left.
    pub compacted: bool,
}

#[derive(Clone, Debug)]
pub enum JournalError {
    /// Another writer appended first.
    Fenced {
        by: String,
        what: String,
    },
    Corrupt(String),
    /// The namespace of journals does not exist.
    NoNamespace,
    Api(String),
}

impl fmt::Display for JournalError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            JournalError::Fenced { by, what } => write!(out, "another apply goes on with this plan ({by}: {what})"),
            JournalError::Corrupt(what) => out.write_str(what),
            JournalError::NoNamespace => write!(out, "the namespace {SYSTEM_NAMESPACE} does not exist"),
            JournalError::Api(what) => write!(out, "the journal cannot be written: {what}"),
        }
    }
}

impl From<KubeError> for JournalError {
    fn from(error: KubeError) -> Self {
        if error.is_not_found() { JournalError::NoNamespace } else { JournalError::Api(error.to_string()) }
    }
}

impl From<Corrupt> for JournalError {
    fn from(corrupt: Corrupt) -> Self {
        JournalError::Corrupt(corrupt.to_string())
    }
}

/// All plans of the project that were ever begun, in the order of their first records, the ended ones reduced.
pub async fn list(cluster: &Cluster, project: &str) -> Result<Vec<Begun>, JournalError> {
    let selector = format!("{PROJECT}={},{JOURNAL}", dns_label(project, 63));
    let found = cluster.list(&core("ConfigMap", SYSTEM_NAMESPACE, ""), &selector).await?;
    let mut by_plan: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for map in &found {
        let plan = map["metadata"]["labels"][PLAN].as_str().unwrap_or_default();
        by_plan.entry(plan.to_owned()).or_default().push(map);
    }
    let mut all = by_plan.into_iter().map(|(plan, maps)| begun(plan, &maps)).collect::<Result<Vec<_>, _>>()?;
    all.sort_by_key(|begun| (begun.entries.first().map(|entry| entry.at_millis), begun.plan.clone()));
    Ok(all)
}

fn begun(plan: String, maps: &[&Value]) -> Result<Begun, JournalError> {
    let mut records = Vec::new();
    let mut summary = None;
    for map in maps {
        let (entry, packed) = read(map)?;
        if map["metadata"]["labels"][JOURNAL] == "summary" {
            summary = Some(entry);
        } else {
            records.push((entry, packed));
        }
    }
    if let Some(summary) = summary {
        let mut state = State { next_seq: summary.seq + 1, ..State::default() };
        match &summary.record {
            Record::SupersededBy { plan } => state.superseded_by = Some(plan.clone()),
            Record::Ended { result } => state.ended = Some(result.clone()),
            other => {
                return Err(JournalError::Corrupt(format!("the journal of {plan} is summed up as {}", other.word())));
            }
        }
        return Ok(Begun { plan, state, entries: vec![summary], packed: Vec::new(), compacted: true });
    }
    records.sort_by_key(|(entry, _)| entry.seq);
    let (entries, packed): (Vec<Entry>, Vec<Option<Vec<u8>>>) = records.into_iter().unzip();
    let state = fold(&entries).map_err(|corrupt| JournalError::Corrupt(format!("plan {plan}: {corrupt}")))?;
    Ok(Begun { plan, state, entries, packed: packed.into_iter().flatten().collect(), compacted: false })
}

/// The record of a ConfigMap, with the piece of the plan beside it.
fn read(map: &Value) -> Result<(Entry, Option<Vec<u8>>), JournalError> {
    let name = map["metadata"]["name"].as_str().unwrap_or_default();
    let corrupt = |what: String| JournalError::Corrupt(format!("the journal is damaged: {name}: {what}"));
    let text = map["data"]["entry"].as_str().ok_or_else(|| corrupt("it has no `entry`".into()))?;
    let entry: Entry = serde_json::from_str(text).map_err(|error| corrupt(error.to_string()))?;
    let packed = match map["binaryData"]["plan"].as_str() {
        Some(text) => Some(STANDARD.decode(text).map_err(|error| corrupt(error.to_string()))?),
        None => None,
    };
    Ok((entry, packed))
}

impl Begun {
    /// Whether there is something left to do.
    pub fn is_unfinished(&self) -> bool {
        !self.state.is_over() && self.state.has_plan()
    }

    /// The plan itself, as the first records hold it.
    pub fn read_plan(&self) -> Result<Plan, JournalError> {
        let corrupt =
            |what: &str| JournalError::Corrupt(format!("the plan in the journal of {} is damaged: {what}", self.plan));
        let mut bytes = Vec::new();
        let packed = self.packed.concat();
        GzDecoder::new(packed.as_slice())
            .take(PLAN_LIMIT)
            .read_to_end(&mut bytes)
            .map_err(|error| corrupt(&error.to_string()))?;
        digest::read(&bytes).map_err(|damage| match damage {
            Damage::NotAPlan(what) => corrupt(&what),
            Damage::Format(format) => corrupt(&format!("format {format}")),
            Damage::Changed => corrupt("its digest does not match"),
        })
    }

    /// The journal with its head where this listing saw it.
    pub fn open(&self, cluster: &Cluster, project: &str, by: &str) -> Journal {
        Journal {
            cluster: cluster.clone(),
            project: project.to_owned(),
            plan: self.plan.clone(),
            by: by.to_owned(),
            head: self.state.next_seq,
        }
    }
}

impl Journal {
    /// Begins a journal with the plan, and folds it.
    pub async fn begin(
        cluster: &Cluster,
        plan: &Plan,
        by: &str,
        at_millis: i64,
    ) -> Result<(Journal, State), JournalError> {
        let mut journal = Journal {
            cluster: cluster.clone(),
            project: plan.project.clone(),
            plan: plan.id.clone(),
            by: by.to_owned(),
            head: 0,
        };
        let mut state = State::default();
        let packed = pack(&digest::write(plan)).map_err(|error| JournalError::Api(error.to_string()))?;
        let pieces: Vec<&[u8]> = packed.chunks(PIECE).collect();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        for (at, piece) in pieces.iter().enumerate() {
            let record = Record::Plan {
                digest: plan.digest.clone(),
                tool: plan.tool.clone(),
                piece: count(at),
                pieces: count(pieces.len()),
            };
            for entry in journal.append_with(record, Some(piece), at_millis).await? {
                state.add(&entry)?;
            }
        }
        Ok((journal, state))
    }

    /// The number that the next record gets.
    pub fn head(&self) -> u32 {
        self.head
    }

    /// Appends a record. Gives all that is new: approvals that came in between, then the record.
    pub async fn append(&mut self, record: Record, at_millis: i64) -> Result<Vec<Entry>, JournalError> {
        self.append_with(record, None, at_millis).await
    }

    async fn append_with(
        &mut self,
        record: Record,
        piece: Option<&[u8]>,
        at_millis: i64,
    ) -> Result<Vec<Entry>, JournalError> {
        let mut new = Vec::new();
        loop {
            let entry = Entry { seq: self.head, at_millis, by: self.by.clone(), record: record.clone() };
            let map = self.config_map(&entry, piece);
            let taken = match self.cluster.create(&self.name(entry.seq), &map).await {
                Ok(_) => None,
                Err(error) if error.already_exists() => self.at(entry.seq).await?,
                Err(error) => return Err(error.into()),
            };
            match taken {
                // Ours as well where the answer to an earlier try was lost.
                None => {}
                Some(other) if other == entry => {}
                Some(other) if matches!(other.record, Record::Approved { .. }) => {
                    self.head += 1;
                    new.push(other);
                    continue;
                }
                Some(other) => {
                    return Err(JournalError::Fenced { by: other.by, what: other.record.word().to_owned() });
                }
            }
            self.head += 1;
            new.push(entry);
            return Ok(new);
        }
    }

    /// Goes behind a record of another writer, for records that need no claim on the head.
    pub fn pass_over(&mut self) {
        self.head += 1;
    }

    /// What others appended since: approvals; anything else fences us off.
    pub async fn poll(&mut self) -> Result<Vec<Entry>, JournalError> {
        let mut new = Vec::new();
        while let Some(entry) = self.at(self.head).await? {
            if !matches!(entry.record, Record::Approved { .. }) {
                return Err(JournalError::Fenced { by: entry.by, what: entry.record.word().to_owned() });
            }
            self.head += 1;
            new.push(entry);
        }
        Ok(new)
    }

    /// Reduces the journal of a plan that is over to one record, so that the plan is known as used for ever.
    pub async fn compact(&self, last: &Entry) -> Result<(), JournalError> {
        let mut summary = self.config_map(last, None);
        let name = core("ConfigMap", SYSTEM_NAMESPACE, &self.object_name("summary"));
        summary["metadata"]["name"] = json!(name.name);
        summary["metadata"]["labels"][JOURNAL] = json!("summary");
        match self.cluster.create(&name, &summary).await {
            Ok(_) => {}
            Err(error) if error.already_exists() => {}
            Err(error) => return Err(error.into()),
        }
        for seq in 0..self.head {
            self.cluster.delete(&self.name(seq), None).await?;
        }
        Ok(())
    }

    /// Removes a journal that holds less than its plan: nothing was done under it.
    pub async fn discard(&self) -> Result<(), JournalError> {
        for seq in (0..self.head).rev() {
            self.cluster.delete(&self.name(seq), None).await?;
        }
        Ok(())
    }

    async fn at(&self, seq: u32) -> Result<Option<Entry>, JournalError> {
        match self.cluster.get(&self.name(seq)).await? {
            Some(map) => Ok(Some(read(&map)?.0)),
            None => Ok(None),
        }
    }

    fn name(&self, seq: u32) -> ObjectRef {
        core("ConfigMap", SYSTEM_NAMESPACE, &self.object_name(&format!("{seq:06}")))
    }

    fn object_name(&self, end: &str) -> String {
        format!("waybill-journal-{}-{}-{end}", dns_label(&self.project, 63), dns_label(&self.plan, 63))
    }

    fn config_map(&self, entry: &Entry, piece: Option<&[u8]>) -> Value {
        let text = serde_json::to_string(entry).expect("BUG: a record is always JSON");
        let mut map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": self.name(entry.seq).name,
                "namespace": SYSTEM_NAMESPACE,
                "labels": {
                    "app.kubernetes.io/managed-by": "waybill",
                    PROJECT: dns_label(&self.project, 63),
                    PLAN: dns_label(&self.plan, 63),
                    JOURNAL: "record",
                },
            },
            "data": {"entry": text},
        });
        if let Some(piece) = piece {
            map["binaryData"] = json!({"plan": STANDARD.encode(piece)});
        }
        map
    }
}

fn pack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::default());
    packer.write_all(bytes)?;
    packer.finish()
}
