//! What apply does to the world, one file per kind of effect, and what every effect gets to do it with.
//!
//! **Invariant:** effects are idempotent: run again after a crash they end in the same state. They decide nothing about
//! order; they write only while the fence of their segment's lock holds.

pub mod commit;
pub mod gate;
pub mod git;
pub mod kube;
pub mod pod;
pub mod traffic;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use waybill_compiler::plan::effect::Commit;

use self::kube::{Cluster, KubeError};
use crate::apply::event::{Event, Sink};
use crate::journal::lock::Fence;

/// Everything outside that apply may touch.
pub struct World {
    /// The cluster that keeps the journal.
    pub home: String,
    pub clusters: BTreeMap<String, Cluster>,
    pub git: Arc<dyn GitEffects>,
}

impl World {
    /// The cluster that keeps the journal.
    pub fn home(&self) -> Result<&Cluster, String> {
        self.cluster(&self.home)
    }

    pub fn cluster(&self, name: &str) -> Result<&Cluster, String> {
        self.clusters.get(name).ok_or_else(|| format!("cluster `{name}` is not connected"))
    }
}

/// Pushes of commits. Blocking; called off the async threads.
pub trait GitEffects: Send + Sync {
    /// Makes the edits of `commit` at the tip of its branch, with the trailers `Waybill-Plan: plan_id` and
    /// `Waybill-Action: address`; a commit with these trailers that is there already is found again.
    fn push(&self, commit: &Commit, plan_id: &str, address: &str) -> Result<CommitOutcome, GitError>;

    /// The same for a commit that takes values back: it is not held to go forward only, and leaves alone what is not the
    /// undone commit's any more.
    fn revert(&self, commit: &Commit, plan_id: &str, address: &str) -> Result<CommitOutcome, GitError>;
}

/// How a push ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    Pushed {
        sha: String,
    },
    /// A commit of this plan and action, or one with the same effect, is there already.
    Already {
        sha: String,
    },
    /// The branch holds a newer version, built from this commit.
    Superseded {
        by: String,
    },
    /// A scalar to be replaced has another value than in the plan.
    Moved {
        what: String,
    },
}

/// Why a push could not be tried to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitError(pub String);

/// Why an effect did not end well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EffectError {
    Failed {
        reason: String,
        log_tail: Vec<String>,
    },
    /// What the plan rests on has moved: nothing was written.
    Moved(String),
    /// A Pod whose node went away with it.
    NodeLost(String),
    /// Apply was told to stop; the effect can be taken up again.
    Interrupted,
    /// The lock may belong to another by now: nothing more may be written.
    LockLost,
}

impl EffectError {
    pub fn failed(reason: impl Into<String>) -> Self {
        EffectError::Failed { reason: reason.into(), log_tail: Vec::new() }
    }
}

impl From<KubeError> for EffectError {
    fn from(error: KubeError) -> Self {
        EffectError::failed(error.to_string())
    }
}

impl fmt::Display for EffectError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EffectError::Failed { reason, .. } => out.write_str(reason),
            EffectError::Moved(what) => write!(out, "moved since the plan was made: {what}"),
            EffectError::NodeLost(why) => write!(out, "the node was lost: {why}"),
            EffectError::Interrupted => out.write_str("interrupted"),
            EffectError::LockLost => out.write_str("the lock was lost"),
        }
    }
}

/// What one running action may use.
#[derive(Clone)]
pub struct Ctx {
    pub address: String,
    pub plan_id: String,
    pub project: String,
    pub events: Arc<dyn Sink>,
    /// Becomes true when apply is told to stop.
    pub stop: watch::Receiver<bool>,
    pub fence: Fence,
    /// What the action waits for just now, for whoever shows progress.
    pub waiting: Arc<Mutex<String>>,
}

impl Ctx {
    /// Must hold right before every write.
    pub fn may_write(&self) -> Result<(), EffectError> {
        if self.fence.holds() { Ok(()) } else { Err(EffectError::LockLost) }
    }

    pub fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Says what the action waits for, once per change.
    pub fn waits_for(&self, what: &str) {
        let mut last = self.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if last.as_str() != what {
            what.clone_into(&mut last);
            self.events.event(Event::Waiting { address: self.address.clone(), what: what.to_owned() });
        }
    }
}

/// A wait with a deadline: call `pause` between two looks at the world.
pub struct Wait<'a> {
    ctx: &'a Ctx,
    until: Instant,
    timeout: Duration,
    pause: Duration,
    longest: Duration,
}

impl<'a> Wait<'a> {
    pub fn new(ctx: &'a Ctx, timeout: Duration) -> Self {
        let (pause, longest) = (Duration::from_millis(20), Duration::from_secs(1));
        Wait { ctx, until: Instant::now() + timeout, timeout, pause, longest }
    }

    /// Looks at least so often, where a second would be felt.
    pub fn look_every(&mut self, longest: Duration) {
        self.longest = longest;
    }

    /// Says what is waited for and sleeps a little: 20 ms at first, then longer, up to a second or what
    /// `look_every` says.
    pub async fn pause(&mut self, what: &str) -> Result<(), EffectError> {
        self.ctx.waits_for(what);
        if Instant::now() >= self.until {
            let seconds = self.timeout.as_secs();
            return Err(EffectError::failed(format!("not done within {seconds} s: {what}")));
        }
        let mut stop = self.ctx.stop.clone();
        let stopped = async {
            if stop.wait_for(|stop| *stop).await.is_err() {
                // The sender is gone: nobody can stop us any more.
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = stopped => return Err(EffectError::Interrupted),
            () = tokio::time::sleep(self.pause) => {}
        }
        self.pause = (self.pause * 2).min(self.longest);
        Ok(())
    }
}
