//! Takes in what effects gave, ends segments and the plan.

use std::sync::Arc;

use super::super::event::Event;
use super::super::{AtGate, End, Outcome, Refusal, engine, finish, perform};
use super::{Drive, Ended, end};
use crate::effects::{EffectError, pod};
use crate::journal::fold::Phase;
use crate::journal::record::{ActionOutcome, ActionResult, Entry, Record};

impl Drive<'_> {
    /// Journals the end of an effect, and of all others that have ended by now: object writes in one record.
    pub(super) async fn collect(&mut self, first: Ended) -> Result<(), Refusal> {
        let mut ended = vec![first];
        while let Some(Ok(more)) = self.tasks.try_join_next() {
            ended.push(more);
        }
        let mut batch: Vec<ActionOutcome> = Vec::new();
        let mut done = Vec::new();
        for Ended { address, result } in ended {
            let millis = self.stopped_running(&address);
            let Some(result) = self.judge(&address, result).await? else { continue };
            let action = self.action(&address)?;
            done.push((address.clone(), millis, result.clone()));
            let outcome = ActionOutcome { action: address, result };
            if matches!(action.kind, waybill_compiler::plan::Kind::Object) {
                batch.push(outcome);
            } else {
                self.append(Record::Outcome { outcomes: vec![outcome] }).await?;
            }
        }
        if !batch.is_empty() {
            self.append(Record::Outcome { outcomes: batch }).await?;
        }
        for (address, millis, result) in done {
            self.tell_end(&address, millis, &result);
            self.clean_pods(&address).await;
        }
        Ok(())
    }

    fn stopped_running(&mut self, address: &str) -> u64 {
        let since = self.running.remove(address).map(|running| running.since);
        since.map_or(0, |since| u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// What the journal will say; `None` if the action has not ended after all.
    async fn judge(
        &mut self,
        address: &str,
        result: Result<ActionResult, EffectError>,
    ) -> Result<Option<ActionResult>, Refusal> {
        self.set_phase(address, Phase::Intended);
        let interrupts = engine::undo_interrupts(&self.graph, &self.state, address);
        if interrupts {
            return self.judge_interruption(address, result).await.map(|()| None);
        }
        match result {
            Ok(result) => Ok(Some(result)),
            Err(EffectError::Failed { reason, log_tail }) => {
                Ok(Some(ActionResult::Failed { reason, log_tail, moved: false }))
            }
            Err(EffectError::Moved(reason)) => {
                Ok(Some(ActionResult::Failed { reason, log_tail: Vec::new(), moved: true }))
            }
            Err(EffectError::NodeLost(reason)) if self.retried.insert(address.to_owned()) => {
                let lost = self.state.attempts.get(address).copied().unwrap_or(0);
                let retried = Record::Retried { action: address.to_owned(), attempt: lost + 1, reason: reason.clone() };
                self.append(retried).await?;
                self.clean_pod(address, lost).await;
                self.events.event(Event::Retried { address: address.to_owned(), reason });
                Ok(None)
            }
            Err(EffectError::NodeLost(reason)) => {
                Ok(Some(ActionResult::failed(format!("the node was lost: {reason}"))))
            }
            Err(EffectError::Interrupted) => Ok(None),
            Err(EffectError::LockLost) => {
                let segment = self.action(address)?.segment.clone();
                Err(Refusal::LockLost { segment })
            }
        }
    }

    /// A rollout taken back because apply must stop: it has not been done, and a resume begins it again.
    async fn judge_interruption(
        &mut self,
        address: &str,
        result: Result<ActionResult, EffectError>,
    ) -> Result<(), Refusal> {
        match result {
            Ok(_) => {
                let mut actions = engine::undoes(&self.graph, &self.state, address);
                actions.push(address.to_owned());
                self.append(Record::Reset { actions }).await?;
                self.events.event(Event::Reset { address: address.to_owned() });
            }
            Err(error) => {
                self.give_up = true;
                let reason = error.to_string();
                let failed = Event::Failed { address: address.to_owned(), millis: 0, reason, log_tail: Vec::new() };
                self.events.event(failed);
            }
        }
        Ok(())
    }

    fn tell_end(&self, address: &str, millis: u64, result: &ActionResult) {
        let address = address.to_owned();
        self.events.event(match result.clone() {
            ActionResult::Done { facts, .. } => {
                let detail = facts.get("sha").or(facts.get("kept")).cloned().unwrap_or_default();
                Event::Done { address, millis, detail }
            }
            ActionResult::Failed { reason, log_tail, .. } => Event::Failed { address, millis, reason, log_tail },
            ActionResult::Skipped { reason } => Event::Skipped { address, reason },
            ActionResult::Superseded { by } => Event::Superseded { address, by },
        });
    }

    /// Deletes the Pods of all tries of an action whose outcome is in the journal.
    async fn clean_pods(&self, address: &str) {
        for attempt in 0..=self.state.attempts.get(address).copied().unwrap_or(0) {
            self.clean_pod(address, attempt).await;
        }
    }

    async fn clean_pod(&self, address: &str, attempt: u32) {
        let Some(action) = self.graph.find(address) else { return };
        let Ok(cluster) = self.world.cluster(&action.cluster) else { return };
        let (plan, project) = (self.plan.id.as_str(), self.plan.project.as_str());
        let name = perform::pod_of(&action.effect, plan, project, address, attempt, cluster.embedded);
        let Some(name) = name else { return };
        if let Err(error) = pod::run::clean(cluster, &name).await {
            let text = format!("the Pod {}/{} was not removed: {error}", name.namespace, name.name);
            self.events.event(Event::Note { text });
        }
    }

    /// Removes Pods that a killed apply left behind after their outcome was journalled.
    pub(super) async fn sweep(&mut self) {
        let ended = self.state.actions.iter().filter(|(_, progress)| matches!(progress.phase, Phase::Ended(_)));
        let ended: Vec<String> = ended.map(|(address, _)| address.clone()).collect();
        for address in ended {
            self.clean_pods(&address).await;
        }
    }

    /// Writes the records of segments that have nothing left to do, and gives their locks back.
    pub(super) async fn end_settled_segments(&mut self) -> Result<(), Refusal> {
        for segment in engine::settled_segments(&self.graph, &self.state) {
            if self.state.begun.contains(segment) && !self.state.ended_segments.contains_key(segment) {
                self.end_segment(segment).await?;
            }
        }
        Ok(())
    }

    async fn end_segment(&mut self, segment: &str) -> Result<(), Refusal> {
        let summary = engine::summary(&self.graph, &self.state);
        self.skip(&summary, |action| action.segment == segment).await?;
        let end = finish::segment_end(self.plan, segment, &summary);
        let cluster = self.cluster_of(segment)?;
        let written = finish::write(&cluster, self.plan, &self.state, segment, end, &self.options.applied_by).await;
        written.map_err(Refusal::Unreachable)?;
        let result = end.word().to_owned();
        self.append(Record::SegmentEnded { segment: segment.to_owned(), result: result.clone() }).await?;
        self.events.event(Event::SegmentEnded { segment: segment.to_owned(), result });
        self.release(segment).await;
        Ok(())
    }

    /// Journals what will not be run, so that the journal says so without the engine.
    async fn skip(
        &mut self,
        summary: &engine::Summary,
        which: impl Fn(&waybill_compiler::plan::Action) -> bool,
    ) -> Result<(), Refusal> {
        let mut outcomes = Vec::new();
        for (address, reason) in &summary.not_run {
            let ended = self.state.actions.get(address).is_some_and(|it| matches!(it.phase, Phase::Ended(_)));
            if !ended && which(self.action(address)?) {
                let result = ActionResult::Skipped { reason: reason.clone() };
                outcomes.push(ActionOutcome { action: address.clone(), result });
            }
        }
        if outcomes.is_empty() {
            return Ok(());
        }
        let told = outcomes.clone();
        self.append(Record::Outcome { outcomes }).await?;
        for outcome in told {
            self.tell_end(&outcome.action, 0, &outcome.result);
        }
        Ok(())
    }

    /// Ends the apply: for good, or as something that can be resumed.
    pub(super) async fn outcome(&mut self, waiting: Vec<AtGate>) -> Result<Outcome, Refusal> {
        let interrupted = *self.stop.borrow();
        let mut summary = engine::summary(&self.graph, &self.state);
        let all_settled = engine::settled_segments(&self.graph, &self.state).len() == self.graph.segments().len();
        let over = self.locked_out.is_empty() && waiting.is_empty() && (all_settled || !interrupted);
        let end = end(&summary, !self.state.stopped.is_empty(), !waiting.is_empty(), interrupted && !over);
        if over {
            self.skip(&summary, |_| true).await?;
            summary = engine::summary(&self.graph, &self.state);
            let result = match end {
                End::Done => "succeeded",
                End::Refused => "stale",
                End::Failed | End::Interrupted | End::Waiting => "failed",
            };
            let last = self.append(Record::Ended { result: result.to_owned() }).await?;
            self.compact(&last).await;
        }
        let stopped = self.state.stopped.iter().map(|(segment, why)| (segment.clone(), why.clone())).collect();
        Ok(Outcome { plan: self.plan.id.clone(), end, summary, waiting, stopped, resumable: !over })
    }

    /// Reduces the journal of a plan that is over; where that fails the whole journal says the same.
    pub async fn compact(&mut self, last: &Entry) {
        if let Err(error) = self.journal.compact(last).await {
            let text = format!("the journal of plan {} was not reduced: {error}", self.plan.id);
            Arc::clone(&self.events).event(Event::Note { text });
        }
    }
}
