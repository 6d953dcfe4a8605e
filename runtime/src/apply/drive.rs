//! The loop of an apply: asks the engine, journals, begins effects, takes in what they gave.
//!
//! **Invariant:** an intent is in the journal before its effect begins, an outcome before anything rests on it. Dropping
//! the loop at any point is what a kill is; `resume` goes on from the journal.

mod begin;
mod end;
mod wait;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use waybill_compiler::plan::{Action, Plan};

use super::engine::{self, Graph, Pace, Step, Waiting};
use super::event::{Event, Sink};
use super::{AtGate, End, Options, Outcome, Refusal, now_millis};
use crate::effects::kube::Cluster;
use crate::effects::{EffectError, World};
use crate::journal::fold::{Phase, State};
use crate::journal::lock::Lock;
use crate::journal::record::{ActionResult, Entry, Record};
use crate::journal::store::Journal;

/// What a drive starts with.
pub(super) struct Parts<'p> {
    pub plan: &'p Plan,
    pub world: Arc<World>,
    pub options: &'p Options,
    pub events: Arc<dyn Sink>,
    pub stop: watch::Receiver<bool>,
    pub journal: Journal,
    pub state: State,
}

pub(super) struct Drive<'p> {
    plan: &'p Plan,
    graph: Graph<'p>,
    world: Arc<World>,
    options: &'p Options,
    events: Arc<dyn Sink>,
    stop: watch::Receiver<bool>,
    journal: Journal,
    state: State,
    locks: BTreeMap<String, Lock>,
    /// Segments that another apply holds: stopped for this process, not in the journal.
    locked_out: BTreeSet<String>,
    tasks: JoinSet<Ended>,
    running: BTreeMap<String, Running>,
    /// Bounds the object writes, which the engine hands out at once.
    writes: Arc<Semaphore>,
    /// Actions that got a new try after a lost node in this process.
    retried: BTreeSet<String>,
    /// Gates that were told about.
    told: BTreeSet<String>,
    /// Undoing for an interruption failed: leave it to the resume.
    give_up: bool,
}

/// An effect that has come to its end.
struct Ended {
    address: String,
    result: Result<ActionResult, EffectError>,
}

struct Running {
    since: Instant,
    waiting: Arc<Mutex<String>>,
}

impl<'p> Drive<'p> {
    pub fn new(parts: Parts<'p>) -> Self {
        let Parts { plan, world, options, events, stop, journal, state } = parts;
        Drive {
            plan,
            graph: Graph::new(plan),
            world,
            options,
            events,
            stop,
            journal,
            state,
            locks: BTreeMap::new(),
            locked_out: BTreeSet::new(),
            tasks: JoinSet::new(),
            running: BTreeMap::new(),
            writes: Arc::new(Semaphore::new(options.parallelism.max(1))),
            retried: BTreeSet::new(),
            told: BTreeSet::new(),
            give_up: false,
        }
    }

    /// Runs the plan to its end, to a gate, or until told to stop.
    pub async fn run(mut self) -> Result<Outcome, Refusal> {
        let result = self.steps().await;
        // On a refusal too: what is ours to give back is given back.
        self.tasks.shutdown().await;
        self.release_all().await;
        result
    }

    async fn steps(&mut self) -> Result<Outcome, Refusal> {
        self.sweep().await;
        loop {
            self.end_settled_segments().await?;
            let pace = self.pace();
            match engine::next(&self.graph, &self.state, pace, now_millis()) {
                Step::Run(_) if self.give_up => return self.outcome(Vec::new()).await,
                Step::Run(actions) => self.begin(actions).await?,
                Step::WaitUntil(wait) => {
                    if let wait::Next::Leave(gates) = self.wait(wait).await? {
                        return self.outcome(gates).await;
                    }
                }
                Step::Finished(_) => return self.outcome(Vec::new()).await,
            }
        }
    }

    /// Takes back the rollouts that an older plan left in the middle, and nothing else. Gives whether that is done.
    pub async fn take_back_rollouts(&mut self) -> Result<bool, Refusal> {
        loop {
            let pace = Pace { parallelism: self.options.parallelism, stopping: true };
            match engine::next(&self.graph, &self.state, pace, now_millis()) {
                Step::Run(_) if self.give_up => break,
                Step::Run(actions) => self.begin(actions).await?,
                Step::WaitUntil(wait) if wait.running > 0 => {
                    self.wait(wait).await?;
                }
                Step::WaitUntil(_) | Step::Finished(_) => break,
            }
        }
        self.release_all().await;
        Ok(!self.give_up)
    }

    fn pace(&self) -> Pace {
        Pace { parallelism: self.options.parallelism, stopping: *self.stop.borrow() }
    }

    /// Appends a record and folds it and whatever came before it. Gives the record's entry.
    pub async fn append(&mut self, record: Record) -> Result<Entry, Refusal> {
        let word = record.word().to_owned();
        self.events.event(Event::Appending { record: word.clone() });
        tokio::task::yield_now().await;
        let entries = self.journal.append(record, now_millis()).await?;
        self.take_in(&entries)?;
        let last = entries.last().cloned().expect("BUG: an append gives at least its own entry");
        self.events.event(Event::Appended { seq: last.seq, record: word });
        tokio::task::yield_now().await;
        Ok(last)
    }

    fn take_in(&mut self, entries: &[Entry]) -> Result<(), Refusal> {
        for entry in entries {
            self.state.add(entry).map_err(|corrupt| Refusal::Journal(corrupt.into()))?;
            if let Record::Approved { address, by, .. } = &entry.record
                && entry.by != self.options.holder.to_string()
            {
                self.events.event(Event::Approved { address: address.clone(), by: by.clone() });
            }
        }
        Ok(())
    }

    fn set_phase(&mut self, address: &str, phase: Phase) {
        if let Some(progress) = self.state.actions.get_mut(address) {
            progress.phase = phase;
        }
    }

    fn action(&self, address: &str) -> Result<&'p Action, Refusal> {
        let missing = || Refusal::Unreachable(format!("BUG: `{address}` is no action of the plan"));
        self.graph.find(address).ok_or_else(missing)
    }

    fn cluster_of(&self, segment: &str) -> Result<Cluster, Refusal> {
        let planned = self.plan.segments.iter().find(|planned| planned.name == segment);
        let name = planned.map_or(self.world.home.as_str(), |planned| planned.cluster.as_str());
        self.world.cluster(name).cloned().map_err(Refusal::Unreachable)
    }

    async fn release(&mut self, segment: &str) {
        if let Some(lock) = self.locks.remove(segment) {
            lock.release().await;
        }
    }

    async fn release_all(&mut self) {
        for (_, lock) in std::mem::take(&mut self.locks) {
            lock.release().await;
        }
    }
}

fn at_gate(waiting: &Waiting<'_>) -> AtGate {
    AtGate {
        address: waiting.action.address.clone(),
        what: waiting.what.clone(),
        approval: waiting.not_before_millis.is_none(),
        not_before_millis: waiting.not_before_millis,
    }
}

/// What is true in the end, the most urgent first.
fn end(summary: &engine::Summary, stopped: bool, waiting: bool, interrupted: bool) -> End {
    let moved_only = summary.failed.iter().all(|(_, _, moved)| *moved);
    if interrupted {
        End::Interrupted
    } else if !summary.failed.is_empty() && !moved_only {
        End::Failed
    } else if stopped || !summary.failed.is_empty() {
        End::Refused
    } else if waiting {
        End::Waiting
    } else {
        End::Done
    }
}
