//! Waits: for an effect to end, for a time, for an approval, for the word to stop.

use std::time::Duration;

use tokio::time::Instant;

use super::super::engine::{Wait, Waiting};
use super::super::event::Event;
use super::super::{AtGate, Refusal, now_millis};
use super::{Drive, Ended, at_gate};

/// How often a running apply looks for approvals.
const LOOK_FOR_APPROVALS: Duration = Duration::from_secs(1);
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What to do after a wait.
pub(super) enum Next {
    Again,
    /// Nothing but gates is left, and they will not open in the time that we may wait.
    Leave(Vec<AtGate>),
}

enum Woken {
    Ended(Box<Ended>),
    Stop,
    Time,
    Look,
    Tell,
}

impl<'p> Drive<'p> {
    /// Waits until something changes; meanwhile tells what still runs, and gives back the locks of segments at a gate.
    pub(super) async fn wait(&mut self, wait: Wait<'p>) -> Result<Next, Refusal> {
        self.tell_gates(&wait.gates);
        self.release_at_gates(&wait).await;
        let idle = wait.running == 0 && !wait.must_stay();
        let leave_at = Instant::now() + Duration::from_secs(self.options.wait_seconds);
        let mut tell = tokio::time::interval_at(Instant::now() + TELL_EVERY, TELL_EVERY);
        let mut look = tokio::time::interval_at(Instant::now() + LOOK_FOR_APPROVALS, LOOK_FOR_APPROVALS);
        loop {
            if *self.stop.borrow() && wait.running == 0 {
                return Ok(Next::Again);
            }
            if idle && self.will_not_open(&wait, leave_at) {
                return Ok(Next::Leave(wait.gates.iter().map(at_gate).collect()));
            }
            let opens = wait.until_millis().map(|time| Instant::now() + until(time));
            let leaves = idle.then_some(leave_at);
            let time = [opens, leaves].into_iter().flatten().min();
            let approvals = wait.gates.iter().any(|gate| gate.not_before_millis.is_none());
            match self.wake(time, approvals, &mut tell, &mut look).await? {
                Woken::Ended(first) => {
                    self.collect(*first).await?;
                    return Ok(Next::Again);
                }
                Woken::Stop => return Ok(Next::Again),
                Woken::Time if wait.until_millis().is_some_and(|time| now_millis() >= time) => {
                    return Ok(Next::Again);
                }
                Woken::Time => {}
                Woken::Look => {
                    let entries = self.journal.poll().await?;
                    self.take_in(&entries)?;
                    if !entries.is_empty() {
                        return Ok(Next::Again);
                    }
                }
                Woken::Tell => self.tell_running(),
            }
        }
    }

    async fn wake(
        &mut self,
        time: Option<Instant>,
        approvals: bool,
        tell: &mut tokio::time::Interval,
        look: &mut tokio::time::Interval,
    ) -> Result<Woken, Refusal> {
        let stopping = *self.stop.borrow();
        let sleep = async {
            match time {
                Some(time) => tokio::time::sleep_until(time).await,
                None => std::future::pending().await,
            }
        };
        let stop = &mut self.stop;
        let stopped = async {
            if stopping || stop.wait_for(|stop| *stop).await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => match ended {
                Ok(ended) => Ok(Woken::Ended(Box::new(ended))),
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Err(Refusal::Unreachable("a task of apply was cancelled".into())),
                },
            },
            () = stopped => Ok(Woken::Stop),
            () = sleep => Ok(Woken::Time),
            _ = look.tick(), if approvals => Ok(Woken::Look),
            _ = tell.tick() => Ok(Woken::Tell),
        }
    }

    fn will_not_open(&self, wait: &Wait<'_>, leave_at: Instant) -> bool {
        let now = Instant::now();
        let in_time = |gate: &Waiting<'_>| match gate.not_before_millis {
            Some(time) => now + until(time) <= leave_at,
            None => now < leave_at,
        };
        !wait.gates.iter().any(in_time)
    }

    fn tell_gates(&mut self, gates: &[Waiting<'_>]) {
        for gate in gates {
            if self.told.insert(gate.action.address.clone()) {
                self.events.event(Event::AtGate {
                    address: gate.action.address.clone(),
                    what: gate.what.clone(),
                    not_before_millis: gate.not_before_millis,
                });
            }
        }
    }

    fn tell_running(&self) {
        for (address, running) in &self.running {
            let what = running.waiting.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
            let seconds = running.since.elapsed().as_secs();
            self.events.event(Event::StillRunning { address: address.clone(), seconds, what });
        }
    }

    /// A lock is held only while its segment acts: something of it runs, or it holds between two stages.
    async fn release_at_gates(&mut self, wait: &Wait<'_>) {
        let holds = |segment: &str| wait.gates.iter().any(|gate| gate.stay && gate.action.segment == segment);
        let runs = |segment: &str| {
            self.running.keys().filter_map(|address| self.graph.find(address)).any(|action| action.segment == segment)
        };
        let idle: Vec<String> =
            self.locks.keys().filter(|segment| !holds(segment) && !runs(segment)).cloned().collect();
        for segment in idle {
            self.release(&segment).await;
        }
    }
}

/// How long until that time, in milliseconds since 1970.
fn until(time_millis: i64) -> Duration {
    Duration::from_millis(u64::try_from(time_millis.saturating_sub(now_millis())).unwrap_or(0))
}
