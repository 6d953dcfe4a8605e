//! The records of a journal: what is written before and after everything that apply does.
//!
//! **Invariant:** records are facts and are never changed; a journal is read by folding them in order. Stable form: a
//! newer program reads what an older one wrote, or refuses it by `tool`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One record with its place in the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// From 0, without gaps.
    pub seq: u32,
    /// Milliseconds since 1970.
    pub at_millis: i64,
    /// Who wrote it, as a lock names its holder.
    pub by: String,
    pub record: Record,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "kebab-case")]
pub enum Record {
    /// A piece of the plan's file (gzip), which lies beside the record as bytes. A journal begins with all pieces.
    Plan {
        digest: String,
        tool: String,
        piece: u32,
        pieces: u32,
    },
    /// The segment's facts were checked and it acts.
    Begun {
        segment: String,
    },
    /// The segment will not act, or no more; it needs a new plan.
    Stopped {
        segment: String,
        reason: String,
    },
    /// These actions are about to be tried.
    Intent {
        actions: Vec<String>,
    },
    Outcome {
        outcomes: Vec<ActionOutcome>,
    },
    /// The bytes of an unknown, before their first use.
    Filled {
        placeholder: String,
        value: String,
    },
    /// `at` in seconds since 1970.
    Approved {
        address: String,
        by: String,
        at: i64,
    },
    /// The node was lost under the action; its next try has this number.
    Retried {
        action: String,
        attempt: u32,
        reason: String,
    },
    /// A rollout was taken back when apply was told to stop: these actions have not been done.
    Reset {
        actions: Vec<String>,
    },
    SegmentEnded {
        segment: String,
        result: String,
    },
    /// The last record: `succeeded`, `failed`, `stale`.
    Ended {
        result: String,
    },
    /// The last record of a plan that a newer one replaced.
    SupersededBy {
        plan: String,
    },
}

impl Record {
    /// The record's own word, as its JSON has it.
    pub fn word(&self) -> &'static str {
        match self {
            Record::Plan { .. } => "plan",
            Record::Begun { .. } => "begun",
            Record::Stopped { .. } => "stopped",
            Record::Intent { .. } => "intent",
            Record::Outcome { .. } => "outcome",
            Record::Filled { .. } => "filled",
            Record::Approved { .. } => "approved",
            Record::Retried { .. } => "retried",
            Record::Reset { .. } => "reset",
            Record::SegmentEnded { .. } => "segment-ended",
            Record::Ended { .. } => "ended",
            Record::SupersededBy { .. } => "superseded-by",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActionOutcome {
    pub action: String,
    pub result: ActionResult,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum ActionResult {
    Done {
        /// By expression, for unknowns.
        values: BTreeMap<String, String>,
        /// What the effect made: `uid` of an object, `sha` of a commit, `pod`.
        facts: BTreeMap<String, String>,
    },
    Failed {
        reason: String,
        log_tail: Vec<String>,
        /// Nothing was written: what the action rests on had moved.
        moved: bool,
    },
    Skipped {
        reason: String,
    },
    /// A commit that a newer version made needless.
    Superseded {
        by: String,
    },
}

impl ActionResult {
    pub fn done() -> Self {
        ActionResult::Done { values: BTreeMap::new(), facts: BTreeMap::new() }
    }

    pub fn failed(reason: impl Into<String>) -> Self {
        ActionResult::Failed { reason: reason.into(), log_tail: Vec::new(), moved: false }
    }
}
