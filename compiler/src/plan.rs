//! The plan: actions, their order, their reasons, and the facts they rest on. This is the document that people review
//! and that apply executes; it is serialised as it stands here.
//!
//! **Invariant:** a plan is data; nothing in it needs the spec to be understood. Values that only a run can give stand in
//! it as placeholders, each explained by an `Unknown`. It holds no secret value.

pub mod build;
pub mod canary;
pub mod diff;
pub mod digest;
pub mod effect;
pub mod judge;
pub mod managers;
pub mod observed;
pub mod owners;
pub mod render;
pub mod unknown;

use serde::{Deserialize, Serialize};

pub use effect::Effect;

/// Version of the plan document.
pub const FORMAT: u32 = 1;

/// A whole plan. Field order is of no account: the file is canonical JSON (RFC 8785).
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Plan {
    pub format: u32,
    /// First twelve hex digits of `digest`.
    pub id: String,
    /// Version of the program that made it; no other version applies it.
    pub tool: String,
    pub project: String,
    pub targets: Vec<Target>,
    /// The cluster that keeps the journal.
    pub home: String,
    pub revision: Option<Revision>,
    /// The commit that an offline plan compares with, or the tip of the branch.
    pub base: Option<String>,
    /// An offline plan is for reading: apply refuses it.
    pub offline: bool,
    pub summary: Summary,
    pub segments: Vec<Segment>,
    /// In an order in which they could run one by one.
    pub actions: Vec<Action>,
    /// What takes back the actions that name it in `undone_by`; runs only after a failure.
    pub undo: Vec<Action>,
    /// Fields that other managers own on objects of ours. They alone are no change.
    pub foreign: Vec<Foreign>,
    /// Versions that are kept back, with the cause.
    pub held: Vec<observed::Hold>,
    /// What a reader should know: simulated parts, uncommitted changes, skipped stages.
    pub notes: Vec<String>,
    /// Policies that judge again, before an action, what only the run gave.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<judge::Policy>,
    /// Makes one file unique: a file is applied at most once.
    pub nonce: String,
    /// SHA-256 of the canonical document without `id` and `digest`.
    pub digest: String,
}

/// A cluster that the plan touches, known by the uid of its `kube-system` namespace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Target {
    pub cluster: String,
    /// Kubeconfig context; absent for the embedded cluster.
    pub context: Option<String>,
    pub uid: String,
    pub version: String,
}

/// The commit that is delivered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Revision {
    pub sha: String,
    pub branch: Option<String>,
    /// Uncommitted paths of the working tree that the plan was made from.
    pub uncommitted: Vec<String>,
}

/// The countable line at the end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Summary {
    pub tasks: u32,
    pub pods: u32,
    pub commits: u32,
    pub create: u32,
    pub update: u32,
    pub replace: u32,
    pub delete: u32,
    pub stages: u32,
    pub gates: u32,
}

/// What an action is, from a closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Object,
    Pod,
    Commit,
    Traffic,
    Gate,
    Hook,
}

/// What an action does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Op {
    Create,
    Update,
    Replace,
    Delete,
    Adopt,
    Forget,
    /// Runs a Pod to its end.
    Run,
    /// Pushes a commit.
    Push,
    /// Moves replicas of a rollout.
    Shift,
    /// Waits for a fact or a time.
    Wait,
    /// Waits for a person.
    Approve,
    /// Takes back what was done.
    Undo,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Action {
    pub address: String,
    pub kind: Kind,
    pub op: Op,
    pub environment: Option<String>,
    pub cluster: String,
    /// Name of the segment that it is part of.
    pub segment: String,
    /// SHA-256 over address, operation, changes and the gates in front: what a review approves.
    pub intent: String,
    pub reason: Reason,
    pub changes: Vec<Change>,
    /// Addresses of actions that must have ended well before.
    pub waits_for: Vec<String>,
    /// Address, in `Plan::undo`, of what takes this action back.
    pub undone_by: Option<String>,
    pub rbac: Vec<Rule>,
    /// Values in `effect` that only a run can give.
    pub unknowns: Vec<Unknown>,
    pub effect: Effect,
}

/// Why an action is there: the place in the spec or manifest that asks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Reason {
    pub text: String,
    pub file: String,
    /// From 1; 0 where the reason has no line.
    pub line: u32,
}

/// One field with its old and new value. `unknown` says where a value that is not known yet comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub path: String,
    pub before: Option<serde_json::Value>,
    pub after: Option<serde_json::Value>,
    pub unknown: Option<String>,
}

/// A permission on the target that an action needs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Rule {
    pub group: String,
    /// Plural name, with the subresource after a slash: `pods/log`.
    pub resource: String,
    /// Empty for cluster-scoped objects.
    pub namespace: String,
    pub verbs: Vec<String>,
}

/// A value that only a run can give. `placeholder` stands for it wherever it occurs in an effect.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Unknown {
    pub placeholder: String,
    /// Address of what gives it: `pipeline.ci.image.api`.
    pub from: String,
    /// `digest`, `string`, `commit`.
    pub r#type: String,
    /// What to evaluate when it is known: `image.api.digest`, `task.test.result.coverage`.
    pub expression: String,
}

/// A field of one of our objects that another manager set.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Foreign {
    pub cluster: String,
    pub object: effect::ObjectRef,
    pub path: String,
    pub manager: String,
}

/// A part of the plan with a lock and a record of its own: the pipelines, then one per environment.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[cfg_attr(feature = "schemas", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// `pipelines`, `environment.staging` or `cluster.default`.
    pub name: String,
    pub cluster: String,
    pub environment: Option<String>,
    /// What the environment runs when the segment has ended well; digests may be placeholders.
    pub images: Vec<observed::ImageState>,
    /// Every object that belongs to the segment when it has ended well.
    pub inventory: Vec<effect::ObjectRef>,
    /// Pipeline runs that have succeeded when the segment has ended well.
    pub runs: Vec<observed::RunRecord>,
    /// Policies that judge what the segment does, for its record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<judge::Policy>,
    /// Who has to approve what the segment does, for its record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approvals_by: Vec<String>,
    /// Unknowns in `images` and `runs`.
    pub unknowns: Vec<Unknown>,
}
