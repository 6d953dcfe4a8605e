//! What apply tells whoever watches it: data, no text for people beyond reasons.

use crate::effects::pod::outcome::TaskState;

/// Takes events as they happen. Called from several threads; must not block for long.
pub trait Sink: Send + Sync {
    fn event(&self, event: Event);
}

/// Swallows all events.
pub struct Silent;

impl Sink for Silent {
    fn event(&self, _event: Event) {}
}

/// Something that happened. Addresses are those of the plan's actions.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Apply begins, or goes on with a plan that was begun before.
    Began {
        plan: String,
        resumed: bool,
        actions: usize,
    },
    /// An unfinished older plan of the same environments is refused from now on.
    Supersedes {
        plan: String,
    },
    SegmentBegan {
        segment: String,
    },
    /// The segment does nothing (more): its facts moved, or its lock is held.
    SegmentStopped {
        segment: String,
        reason: String,
    },
    /// `result` is `succeeded` or `failed`.
    SegmentEnded {
        segment: String,
        result: String,
    },
    /// Another holds the lock of the segment.
    LockHeld {
        segment: String,
        holder: String,
    },
    Started {
        address: String,
    },
    /// What a running action waits for; sent when that changes.
    Waiting {
        address: String,
        what: String,
    },
    /// Every ten seconds for each running action.
    StillRunning {
        address: String,
        seconds: u64,
        what: String,
    },
    /// A line that a step wrote.
    Log {
        address: String,
        task: String,
        step: String,
        line: String,
    },
    /// How the tasks of a Pod ended.
    Tasks {
        address: String,
        tasks: Vec<(String, TaskState)>,
    },
    /// A value became known.
    Filled {
        expression: String,
        value: String,
    },
    Done {
        address: String,
        millis: u64,
        detail: String,
    },
    Failed {
        address: String,
        millis: u64,
        reason: String,
        log_tail: Vec<String>,
    },
    Superseded {
        address: String,
        by: String,
    },
    Skipped {
        address: String,
        reason: String,
    },
    /// The node was lost: the action is tried once more under a new name, on fresh workspaces.
    Retried {
        address: String,
        reason: String,
    },
    /// A rollout was taken back because apply was told to stop; a resume begins it again.
    Reset {
        address: String,
    },
    /// A gate is not open.
    AtGate {
        address: String,
        what: String,
        not_before_millis: Option<i64>,
    },
    /// An approval that somebody gave while apply waited.
    Approved {
        address: String,
        by: String,
    },
    /// A record is about to be appended to the journal.
    Appending {
        record: String,
    },
    /// It is there.
    Appended {
        seq: u32,
        record: String,
    },
    /// Something to know that changes nothing, such as a Pod that could not be cleaned up.
    Note {
        text: String,
    },
}
