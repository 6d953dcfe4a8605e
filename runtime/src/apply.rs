//! Applies plans: steps through the plan's graph, journals every step, and can be killed at any moment and resumed.
//!
//! `start` refuses or begins, `drive` loops over `engine::next` and the effects, `finish` leaves records.
//!
//! **Invariant:** apply is a function of plan, world, options and the events it sends: it neither prints, prompts nor
//! reads the environment, and it never plans. Approvals arrive as journal records.

mod drive;
pub mod engine;
pub mod event;
mod facts;
mod finish;
mod perform;
mod start;
pub mod unknown;

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use tokio::sync::watch;
use waybill_compiler::plan::Plan;

use crate::effects::World;
use crate::journal::lock::{Holder, Timing};
use crate::journal::store::JournalError;
use engine::Summary;
use event::Sink;

pub use start::{approve, resume};

/// How to apply.
#[derive(Clone, Debug)]
pub struct Options {
    /// Version of this program; plans of others are refused.
    pub tool: String,
    /// Effects at a time.
    pub parallelism: usize,
    /// How long to stay at gates that are not open.
    pub wait_seconds: u64,
    /// Who applies, for the record.
    pub applied_by: String,
    /// This process, for the lock; its `plan` is filled in.
    pub holder: Holder,
    pub timing: Timing,
}

/// How an apply ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub plan: String,
    pub end: End,
    pub summary: Summary,
    /// Gates that are not open.
    pub waiting: Vec<AtGate>,
    /// Segments that did not act, with the reason.
    pub stopped: Vec<(String, String)>,
    /// Whether `resume` can go on with it.
    pub resumable: bool,
}

/// From the most to the least urgent where several are true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Told to stop; can be resumed.
    Interrupted,
    Failed,
    /// Facts moved, or a lock is held: a segment did not act.
    Refused,
    /// A gate is not open.
    Waiting,
    Done,
}

/// A gate at which apply stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtGate {
    pub address: String,
    pub what: String,
    /// Whether `approve` opens it.
    pub approval: bool,
    /// Milliseconds since 1970.
    pub not_before_millis: Option<i64>,
}

/// Why nothing was applied, or no more.
#[derive(Debug)]
pub enum Refusal {
    /// An offline plan is for reading.
    Offline,
    Tool {
        plan: String,
        ours: String,
    },
    /// The cluster is not the one that the plan was made for.
    Target {
        cluster: String,
        why: String,
    },
    /// The plan has been applied before.
    Used {
        plan: String,
        result: String,
    },
    /// The plan was begun before: resume it.
    Unfinished {
        plan: String,
    },
    Superseded {
        plan: String,
        by: String,
    },
    LockHeld {
        segment: String,
        by: String,
    },
    Stale {
        why: String,
    },
    Journal(JournalError),
    /// No answer from a cluster.
    Unreachable(String),
    /// The lock of a segment may belong to another by now; the plan can be resumed.
    LockLost {
        segment: String,
    },
    /// `approve` found no such gate, or it needs no approval any more.
    NoGate {
        address: String,
        why: String,
    },
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Refusal::Offline => out.write_str("the plan was made offline and is for reading only"),
            Refusal::Tool { plan, ours } => write!(out, "the plan was made by version {plan}, this is {ours}"),
            Refusal::Target { cluster, why } => write!(out, "cluster `{cluster}` is not the plan's target: {why}"),
            Refusal::Used { plan, result } => write!(out, "plan {plan} was applied before ({result})"),
            Refusal::Unfinished { plan } => {
                write!(out, "plan {plan} was begun and is unfinished: run `waybill apply --resume`")
            }
            Refusal::Superseded { plan, by } => write!(out, "plan {plan} was superseded by plan {by}"),
            Refusal::LockHeld { segment, by } => write!(out, "another apply is at work in {segment}: {by}"),
            Refusal::Stale { why } => write!(out, "the plan is stale: {why}"),
            Refusal::Journal(error) => write!(out, "{error}"),
            Refusal::Unreachable(why) => out.write_str(why),
            Refusal::LockLost { segment } => {
                write!(out, "the lock of {segment} could not be renewed; run `waybill apply --resume`")
            }
            Refusal::NoGate { address, why } => write!(out, "`{address}` cannot be approved: {why}"),
        }
    }
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
        Refusal::Journal(error)
    }
}

/// Applies a plan that was not begun before.
pub async fn run(
    plan: &Plan,
    world: Arc<World>,
    options: &Options,
    events: Arc<dyn Sink>,
    stop: watch::Receiver<bool>,
) -> Result<Outcome, Refusal> {
    start::run(plan, world, options, events, stop).await
}

/// Milliseconds since 1970.
pub(crate) fn now_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
