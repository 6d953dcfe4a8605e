//! What an action does to the world, complete: apply looks at nothing else.
//!
//! **Invariant:** no effect names the spec; placeholders of unknown values are the only holes.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// An object by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// Empty for the core group.
    pub group: String,
    pub version: String,
    pub kind: String,
    /// Empty for cluster-scoped objects.
    pub namespace: String,
    pub name: String,
    /// The uid at plan time, if the object existed.
    pub uid: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(tag = "do", rename_all = "kebab-case")]
pub enum Effect {
    /// Server-side apply.
    Apply(Apply),
    Delete(Delete),
    Pod(Group),
    Commit(Commit),
    Traffic(Traffic),
    Gate(Gate),
    /// Gives a Deployment its template and replicas back and removes the canary.
    UndoRollout(UndoRollout),
    /// Commits old values back where they still are what the undone commit wrote.
    UndoCommit(Commit),
}

/// Server-side apply of `object` with the field manager `waybill`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Apply {
    pub object: Value,
    /// What was there when the plan was made.
    pub found: Option<Found>,
    /// Whether fields of other managers are taken over; they are shown as such.
    pub force: bool,
}

/// The facts about a live object that an update or delete rests on.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Found {
    pub uid: String,
    pub resource_version: String,
    /// JSON pointer, value (`null` if absent) of each field that will be written, as seen at plan time.
    pub fields: Vec<FoundField>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FoundField {
    pub path: String,
    pub value: Value,
    /// Managers that own it, sorted.
    pub owners: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Delete {
    pub object: ObjectRef,
    /// `removed`, `superseded`, `replaced`, `stage-end`, `hook-cleanup`, `undo`.
    pub cause: String,
}

/// Tasks that run one after the other in one Pod on shared workspaces.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Group {
    pub pipeline: String,
    pub namespace: String,
    pub service_account: Option<String>,
    pub workspaces: Vec<Workspace>,
    pub tasks: Vec<Task>,
    /// A `finally` group runs whatever became of the others.
    pub finally: bool,
    /// For steps of Waybill's own on a cluster; the embedded node uses the running program.
    pub runner_image: Option<String>,
    /// Seconds that the Pod may take whatever its tasks' limits are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline_seconds: Option<u64>,
    /// Further fields of the Pod's `spec`, and `labels` and `annotations` of its metadata; null for none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub fields: Value,
}

/// A folder that the steps of a Pod share, at `/workspace/NAME`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Workspace {
    pub name: String,
    /// Kubernetes quantity.
    pub size: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Task {
    pub name: String,
    pub steps: Vec<Step>,
    /// Results that the steps write to `/waybill/results/TASK/NAME`.
    pub results: Vec<TaskResult>,
    pub timeout_seconds: Option<u64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct TaskResult {
    pub name: String,
    pub r#type: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Step {
    pub name: String,
    pub workdir: Option<String>,
    pub env: Vec<Env>,
    pub cpu: Option<String>,
    pub memory: Option<String>,
    pub timeout_seconds: Option<u64>,
    /// Whether the task goes on after another exit code than 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continue_on_error: bool,
    /// Further fields of the container; null for none.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub fields: Value,
    pub program: Program,
}

/// An environment variable, the concatenation of its parts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Env {
    pub name: String,
    pub parts: Vec<Part>,
}

/// `text`, or the content of a result's file that an earlier step of the same Pod wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    Text(String),
    Result { task: String, name: String },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(tag = "program", rename_all = "kebab-case")]
pub enum Program {
    /// A shell text, run by `/bin/sh -e`, or by its own `#!` line.
    Shell { image: String, text: String },
    /// Puts the tree of `revision` into `/workspace/WORKSPACE`.
    Checkout { remote: String, revision: String, workspace: String },
    /// Builds an image from `/workspace/CONTEXT` into an OCI layout; its digest is the task's result `digest`.
    Image { context: String, dockerfile: String, reference: String },
}

/// Byte-exact edits of files in a repository, pushed compare-and-swap.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Commit {
    pub remote: String,
    pub branch: String,
    pub edits: Vec<FileEdit>,
    pub message: String,
    /// The commit that the new values were built from: never overwritten by one of its ancestors.
    pub source: String,
}

/// New values of one entry of `images` in a kustomization.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FileEdit {
    pub path: String,
    /// The entry's `name`.
    pub image: String,
    pub tag: Scalar,
    pub digest: Scalar,
}

/// A scalar of a file; `None` is its absence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Scalar {
    pub before: Option<String>,
    pub after: Option<String>,
}

/// One stage of a canary: `stable` and `canary` Deployments get these replicas and become available.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Traffic {
    pub rollout: String,
    /// From 0.
    pub stage: u32,
    /// Asked for, in percent.
    pub weight: u32,
    pub stable: ObjectRef,
    /// Replicas of the stable Deployment from this stage on; `None` leaves them.
    pub stable_replicas: Option<u32>,
    /// The canary Deployment to apply, with its replicas; `None` removes the canary.
    pub canary: Option<Value>,
    pub canary_ref: ObjectRef,
    pub canary_replicas: u32,
    pub timeout_seconds: u64,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(tag = "gate", rename_all = "kebab-case")]
pub enum Gate {
    /// Every object is healthy.
    Health { objects: Vec<ObjectRef>, timeout_seconds: u64 },
    /// So many seconds have passed since the actions in front of it ended.
    Hold { seconds: u64 },
    /// The version has been healthy in `environment` for so many seconds; `since` is known (seconds since 1970) if it was
    /// there before this plan, else it is the end of the actions in front of the gate.
    Soak { seconds: u64, environment: String, since: Option<i64> },
    /// One of these said yes: `group:NAME` or `user:NAME`.
    Approval { by: Vec<String> },
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct UndoRollout {
    pub rollout: String,
    pub stable: ObjectRef,
    /// As they were when the plan was made.
    pub replicas: u32,
    pub template: Value,
    pub canary: ObjectRef,
    pub timeout_seconds: u64,
    /// The versions that a failure of this rollout holds.
    pub hold: Vec<super::observed::ImageState>,
}
