//! Begins actions: the segment's lock and facts, the unknowns, the intent, then the effect.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::time::Instant;
use waybill_compiler::plan::{Action, Effect, judge};

use super::super::event::Event;
use super::super::perform::{self, Job};
use super::super::{Refusal, engine, facts, finish, now_millis, unknown};
use super::{Drive, Ended, Running};
use crate::effects::Ctx;
use crate::effects::kube::object::ensure_namespace;
use crate::journal::SYSTEM_NAMESPACE;
use crate::journal::fold::Phase;
use crate::journal::lock::{LockError, acquire};
use crate::journal::record::{ActionOutcome, ActionResult, Record};

impl<'p> Drive<'p> {
    /// Begins all of `actions` whose segment may act.
    pub(super) async fn begin(&mut self, actions: Vec<&'p Action>) -> Result<(), Refusal> {
        let (clockwork, acting): (Vec<_>, Vec<_>) =
            actions.into_iter().partition(|action| engine::is_clockwork(action));
        for gate in clockwork {
            self.events.event(Event::Started { address: gate.address.clone() });
            self.record_outcome(&gate.address, ActionResult::done()).await?;
            self.events.event(Event::Done { address: gate.address.clone(), millis: 0, detail: String::new() });
        }
        let segments: BTreeSet<&str> = acting.iter().map(|action| action.segment.as_str()).collect();
        for segment in segments {
            self.enter(segment).await?;
        }
        let may_act = |action: &&Action| !self.state.stopped.contains_key(&action.segment);
        let acting: Vec<&'p Action> = acting.into_iter().filter(may_act).collect();
        let mut jobs = Vec::new();
        for action in acting {
            if let Some(job) = self.job(action).await? {
                jobs.push((action, job));
            }
        }
        let in_batch = |effect: &Effect| matches!(effect, Effect::Apply(_) | Effect::Delete(_));
        let (batch, single): (Vec<_>, Vec<_>) = jobs.into_iter().partition(|(_, job)| in_batch(&job.effect));
        if !batch.is_empty() {
            self.intend(batch.iter().map(|(action, _)| *action)).await?;
            for (action, job) in batch {
                self.spawn(action, job, true)?;
            }
        }
        for (action, job) in single {
            self.intend(std::iter::once(action)).await?;
            self.spawn(action, job, false)?;
        }
        Ok(())
    }

    pub(super) async fn record_outcome(&mut self, address: &str, result: ActionResult) -> Result<(), Refusal> {
        let outcomes = vec![ActionOutcome { action: address.to_owned(), result }];
        self.append(Record::Outcome { outcomes }).await.map(|_| ())
    }

    /// One record for all; what has an intent already is begun again under that.
    async fn intend(&mut self, actions: impl Iterator<Item = &Action>) -> Result<(), Refusal> {
        let new = |action: &&Action| !self.state.actions.contains_key(&action.address);
        let actions: Vec<String> = actions.filter(new).map(|action| action.address.clone()).collect();
        if !actions.is_empty() {
            self.append(Record::Intent { actions }).await?;
        }
        Ok(())
    }

    /// Takes the segment's lock and, the first time, checks its facts. A segment that may not act is stopped.
    async fn enter(&mut self, segment: &str) -> Result<(), Refusal> {
        if self.locks.contains_key(segment) || self.state.stopped.contains_key(segment) {
            return Ok(());
        }
        let cluster = self.cluster_of(segment)?;
        ensure_namespace(&cluster, SYSTEM_NAMESPACE).await.map_err(|error| Refusal::Unreachable(error.to_string()))?;
        let events = Arc::clone(&self.events);
        let told = |holder: &str| {
            events.event(Event::LockHeld { segment: segment.to_owned(), holder: holder.to_owned() });
        };
        let options = self.options;
        let lock = acquire(&cluster, &self.plan.project, segment, &options.holder, options.timing, &told).await;
        let lock = match lock {
            Ok(lock) => lock,
            Err(LockError::Held { by }) => {
                let reason = format!("another apply is at work in {segment}: {by}");
                self.locked_out.insert(segment.to_owned());
                self.state.stopped.insert(segment.to_owned(), reason.clone());
                self.events.event(Event::SegmentStopped { segment: segment.to_owned(), reason });
                return Ok(());
            }
            Err(LockError::Api(why)) => return Err(Refusal::Unreachable(why)),
        };
        self.locks.insert(segment.to_owned(), lock);
        if self.state.begun.contains(segment) {
            return Ok(());
        }
        let moved = facts::moved(&cluster, &self.graph, &self.state, segment, options.parallelism).await;
        match moved.map_err(|error| Refusal::Unreachable(error.to_string()))? {
            None => {
                self.append(Record::Begun { segment: segment.to_owned() }).await?;
                self.events.event(Event::SegmentBegan { segment: segment.to_owned() });
            }
            Some(reason) => {
                self.append(Record::Stopped { segment: segment.to_owned(), reason: reason.clone() }).await?;
                self.events.event(Event::SegmentStopped { segment: segment.to_owned(), reason });
                self.release(segment).await;
            }
        }
        Ok(())
    }

    /// Why the policies of the plan do not let an action pass, now that its values are known. What takes something back
    /// always passes.
    fn refused(&self, action: &Action, effect: &Effect, values: &BTreeMap<String, String>) -> Option<String> {
        let undo = matches!(effect, Effect::UndoRollout(_) | Effect::UndoCommit(_));
        if undo || action.unknowns.is_empty() || self.plan.policies.is_empty() {
            return None;
        }
        let filled = Action { effect: effect.clone(), ..action.clone() };
        judge::again(self.plan, &filled, values, now_millis() / 1000)
    }

    /// The action with its unknowns filled in; `None` if it failed for want of one.
    async fn job(&mut self, action: &'p Action) -> Result<Option<Job>, Refusal> {
        let undo = matches!(action.effect, Effect::UndoRollout(_) | Effect::UndoCommit(_));
        let finally = matches!(&action.effect, Effect::Pod(group) if group.finally);
        for one in &action.unknowns {
            if self.state.values.contains_key(&one.placeholder) {
                continue;
            }
            match unknown::value(self.plan, &self.state, one) {
                Ok(value) => {
                    self.append(Record::Filled { placeholder: one.placeholder.clone(), value: value.clone() }).await?;
                    self.events.event(Event::Filled { expression: one.expression.clone(), value });
                }
                // What is taken back is taken back as far as it is known, and `finally` runs with what there is.
                Err(_) if undo || finally => {}
                Err(why) => return self.fail(action, why).await.map(|()| None),
            }
        }
        let mut values = finish::known_values(self.plan, &self.state, &action.unknowns);
        if finally {
            for one in &action.unknowns {
                values.entry(one.placeholder.clone()).or_default();
            }
        }
        let effect = match unknown::fill(&action.effect, &values) {
            Ok(effect) => effect,
            Err(why) => return self.fail(action, why).await.map(|()| None),
        };
        if let Some(why) = self.refused(action, &effect, &values) {
            return self.fail(action, why).await.map(|()| None);
        }
        let interrupts = undo && engine::undo_interrupts(&self.graph, &self.state, &action.address);
        let holds = if interrupts {
            Vec::new()
        } else {
            finish::holds(action, &effect, &engine::summary(&self.graph, &self.state))
        };
        let attempt = self.state.attempts.get(&action.address).copied().unwrap_or(0);
        Ok(Some(Job { effect, cluster: action.cluster.clone(), attempt, holds }))
    }

    async fn fail(&mut self, action: &Action, reason: String) -> Result<(), Refusal> {
        let address = action.address.clone();
        self.record_outcome(&address, ActionResult::failed(reason.clone())).await?;
        self.events.event(Event::Failed { address, millis: 0, reason, log_tail: Vec::new() });
        Ok(())
    }

    fn spawn(&mut self, action: &'p Action, job: Job, bounded: bool) -> Result<(), Refusal> {
        let lock = self.locks.get(&action.segment);
        let lock = lock.ok_or_else(|| Refusal::LockLost { segment: action.segment.clone() })?;
        let undo = matches!(action.effect, Effect::UndoRollout(_) | Effect::UndoCommit(_));
        let waiting = Arc::default();
        let ctx = Ctx {
            address: action.address.clone(),
            plan_id: self.plan.id.clone(),
            project: self.plan.project.clone(),
            events: Arc::clone(&self.events),
            // What takes something back is not stopped half way.
            stop: if undo { tokio::sync::watch::channel(false).1 } else { self.stop.clone() },
            fence: lock.fence.clone(),
            waiting: Arc::clone(&waiting),
        };
        self.events.event(Event::Started { address: action.address.clone() });
        self.set_phase(&action.address, Phase::Running);
        self.running.insert(action.address.clone(), Running { since: Instant::now(), waiting });
        let (world, writes) = (Arc::clone(&self.world), Arc::clone(&self.writes));
        self.tasks.spawn(async move {
            let permit = if bounded { writes.acquire_owned().await.ok() } else { None };
            let result = perform::perform(world, job, &ctx).await;
            drop(permit);
            Ended { address: ctx.address, result }
        });
        Ok(())
    }
}
