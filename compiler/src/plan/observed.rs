//! Facts about the world, as plain data: what `waybill observe` writes and `plan --observed` reads, and the records that
//! apply leaves.
//!
//! **Invariant:** nothing here is a wish; each value was read from git or from a cluster. No secret value is in it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::effect::ObjectRef;

/// All facts that a plan rests on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Observed {
    pub format: u32,
    pub nonce: String,
    /// Seconds since 1970, of the observation.
    pub at: i64,
    pub git: Option<Git>,
    /// By cluster name: facts or a failure.
    pub clusters: BTreeMap<String, Cluster>,
}

/// What was read from the repository and its remote.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Git {
    pub remote: String,
    pub branch: String,
    /// The project's folder in the repository, empty or ending with `/`.
    pub folder: String,
    /// The revision that is delivered (`HEAD`'s nearest first-parent ancestor that is not Waybill's own commit).
    pub revision: String,
    pub uncommitted: Vec<String>,
    /// Tip of `branch` as fetched; `None` where the branch does not exist there yet.
    pub tip: Option<String>,
    /// Whether the remote's branch lacks the revision: a checkout of it finds nothing until it is pushed.
    #[serde(default)]
    pub unpushed: bool,
    /// Commits of others at the tip that HEAD lacks.
    pub behind: u32,
    /// By path: the text at the tip of every file that a bump or promotion writes.
    pub tip_files: BTreeMap<String, String>,
    /// By pipeline: what its run is known by.
    pub pipelines: BTreeMap<String, PipelineFacts>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct PipelineFacts {
    /// SHA-256 over the inputs, without the bytes that Waybill bumps.
    pub inputs: String,
    /// Newest first-parent commit that changed the inputs.
    pub revision: String,
}

/// One cluster: its facts, or why there are none.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Cluster {
    Facts(Box<ClusterFacts>),
    Failure(String),
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ClusterFacts {
    /// uid of the namespace `kube-system`.
    pub uid: String,
    pub version: String,
    pub embedded: bool,
    /// What was found for each desired object.
    pub objects: Vec<ObjectFacts>,
    /// By environment (or `cluster.NAME`): the newest record.
    pub records: BTreeMap<String, Record>,
    /// Succeeded pipeline runs by key.
    pub runs: BTreeMap<String, RunRecord>,
    pub holds: Vec<Hold>,
    /// Secrets that the spec names, `namespace/name`, and whether they exist.
    pub secrets: BTreeMap<String, bool>,
    /// Newest version of `external-secrets.io` that the cluster serves and this program writes, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_secrets: Option<String>,
    /// Kinds of desired objects that the embedded cluster stores and nothing there acts upon, sorted.
    #[serde(default)]
    pub stored_only: Vec<String>,
    /// The plan whose apply has begun and not ended, if any.
    pub unfinished: Option<String>,
}

/// A desired object and what the cluster says of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ObjectFacts {
    pub object: ObjectRef,
    /// The live object, managedFields included; `None` if it does not exist.
    pub live: Option<Value>,
    pub dry_run: DryRun,
}

/// The answer to a server-side apply with `dryRun=All`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum DryRun {
    Object(Value),
    /// It could not be asked yet: its namespace or its CRD is made by the same plan.
    Pending(String),
    /// Others own fields that we would change: path and manager.
    Conflict(Vec<(String, String)>, Value),
    Refused(String),
    /// The cluster serves no such kind.
    NotServed(String),
    /// Not asked: the object is only looked at.
    NotAsked,
}

/// What an environment runs of one image.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ImageState {
    pub name: String,
    pub tag: String,
    pub digest: String,
    /// The commit that it was built from.
    pub source: String,
}

/// What apply leaves when a segment has ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub segment: String,
    pub plan: String,
    pub revision: String,
    /// Seconds since 1970.
    pub finished: i64,
    /// `succeeded` or `failed`.
    pub result: String,
    pub images: Vec<ImageState>,
    /// What belongs to the segment; the uid is always known here.
    pub inventory: Vec<ObjectRef>,
    pub intents: Vec<String>,
    /// Address, who, when, of each approval.
    pub approvals: Vec<Approval>,
    pub applied_by: String,
    /// Policies and approvers that the applied spec had for the segment: the next plan must pass them too.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<super::judge::Policy>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals_by: Vec<String>,
    pub actions: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Approval {
    pub address: String,
    pub by: String,
    pub at: i64,
}

/// A pipeline run that succeeded. `key` is what it is known by.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RunRecord {
    pub pipeline: String,
    pub key: String,
    pub revision: String,
    pub plan: String,
    /// By expression (`task.test.result.coverage`, `image.api.digest`): the value.
    pub values: BTreeMap<String, String>,
}

/// A version that must not be deployed again until released.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Hold {
    pub environment: String,
    pub image: String,
    pub tag: String,
    pub digest: String,
    pub source: String,
    pub cause: String,
    /// Address that `--retry` takes.
    pub address: String,
}
