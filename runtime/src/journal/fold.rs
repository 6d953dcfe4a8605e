//! The state of an apply: the fold of its journal.
//!
//! **Invariant:** pure; the same records give the same state, whoever reads them. What is only true of this process
//! (`Phase::Running`) never comes out of a fold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use waybill_compiler::plan::observed::Approval;

use super::record::{ActionResult, Entry, Record};

#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// The number that the next record gets.
    pub next_seq: u32,
    pub plan: Option<PlanHead>,
    pub actions: BTreeMap<String, Progress>,
    /// By placeholder.
    pub values: BTreeMap<String, String>,
    pub approvals: Vec<Approval>,
    pub begun: BTreeSet<String>,
    /// Segments that do not act, with the reason.
    pub stopped: BTreeMap<String, String>,
    /// Segments that have ended, with the result.
    pub ended_segments: BTreeMap<String, String>,
    /// By action, where the node was lost: the number of the current try.
    pub attempts: BTreeMap<String, u32>,
    /// Result of the whole plan.
    pub ended: Option<String>,
    pub superseded_by: Option<String>,
}

/// What the first records say of the plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanHead {
    pub digest: String,
    pub tool: String,
    pub pieces: u32,
    pub seen: u32,
}

/// How far an action is.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub started_millis: i64,
    pub ended_millis: Option<i64>,
    pub phase: Phase,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// There is an intent and no outcome: it may be done, half done or not begun.
    Intended,
    /// This process is at it.
    Running,
    Ended(ActionResult),
}

/// Why records are not a journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Corrupt(pub String);

impl fmt::Display for Corrupt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "the journal is damaged: {}", self.0)
    }
}

/// Folds a whole journal, whose entries are in order.
pub fn fold(entries: &[Entry]) -> Result<State, Corrupt> {
    let mut state = State::default();
    for entry in entries {
        state.add(entry)?;
    }
    Ok(state)
}

impl State {
    /// Whether all pieces of the plan are there; until then nothing else was done.
    pub fn has_plan(&self) -> bool {
        self.plan.as_ref().is_some_and(|head| head.seen == head.pieces)
    }

    /// Whether nothing more may be appended.
    pub fn is_over(&self) -> bool {
        self.ended.is_some() || self.superseded_by.is_some()
    }

    /// Whether somebody said yes to the gate.
    pub fn approved(&self, address: &str) -> bool {
        self.approvals.iter().any(|approval| approval.address == address)
    }

    /// Adds the next record.
    pub fn add(&mut self, entry: &Entry) -> Result<(), Corrupt> {
        let corrupt = |what: &str| Err(Corrupt(format!("record {} {what}", entry.seq)));
        if entry.seq != self.next_seq {
            return Err(Corrupt(format!("record {} is missing", self.next_seq)));
        }
        if self.is_over() {
            return corrupt("comes after the end");
        }
        let is_plan = matches!(entry.record, Record::Plan { .. });
        if is_plan == self.has_plan() {
            return corrupt(if is_plan { "is a piece too many of the plan" } else { "comes before the whole plan" });
        }
        self.next_seq += 1;
        self.take(&entry.record, entry.at_millis).map_err(|what| Corrupt(format!("record {} {what}", entry.seq)))
    }

    fn take(&mut self, record: &Record, at_millis: i64) -> Result<(), String> {
        match record {
            Record::Plan { digest, tool, piece, pieces } => self.plan_piece(digest, tool, *piece, *pieces)?,
            Record::Begun { segment } => {
                self.begun.insert(segment.clone());
            }
            Record::Stopped { segment, reason } => {
                self.stopped.insert(segment.clone(), reason.clone());
            }
            Record::Intent { actions } => {
                for action in actions {
                    self.intend(action, at_millis)?;
                }
            }
            Record::Outcome { outcomes } => {
                for outcome in outcomes {
                    self.end(&outcome.action, &outcome.result, at_millis)?;
                }
            }
            Record::Filled { placeholder, value } => {
                if self.values.insert(placeholder.clone(), value.clone()).is_some_and(|before| before != *value) {
                    return Err(format!("gives `{placeholder}` a second value"));
                }
            }
            Record::Approved { address, by, at } => {
                self.approvals.push(Approval { address: address.clone(), by: by.clone(), at: *at });
            }
            Record::Retried { action, attempt, .. } => {
                self.attempts.insert(action.clone(), *attempt);
                self.intend(action, at_millis)?;
            }
            Record::Reset { actions } => {
                for action in actions {
                    self.actions.remove(action);
                }
            }
            Record::SegmentEnded { segment, result } => {
                self.ended_segments.insert(segment.clone(), result.clone());
            }
            Record::Ended { result } => self.ended = Some(result.clone()),
            Record::SupersededBy { plan } => self.superseded_by = Some(plan.clone()),
        }
        Ok(())
    }

    fn plan_piece(&mut self, digest: &str, tool: &str, piece: u32, pieces: u32) -> Result<(), String> {
        let new = || PlanHead { digest: digest.to_owned(), tool: tool.to_owned(), pieces, seen: 0 };
        let head = self.plan.get_or_insert_with(new);
        if head.digest != digest || head.pieces != pieces || head.seen != piece {
            return Err("is not the next piece of the plan".into());
        }
        head.seen += 1;
        Ok(())
    }

    fn intend(&mut self, action: &str, at_millis: i64) -> Result<(), String> {
        let started = self.actions.get(action);
        if started.is_some_and(|progress| matches!(progress.phase, Phase::Ended(_))) {
            return Err(format!("intends `{action}`, which has ended"));
        }
        let started_millis = started.map_or(at_millis, |progress| progress.started_millis);
        let progress = Progress { started_millis, ended_millis: None, phase: Phase::Intended };
        self.actions.insert(action.to_owned(), progress);
        Ok(())
    }

    fn end(&mut self, action: &str, result: &ActionResult, at_millis: i64) -> Result<(), String> {
        let started = self.actions.get(action);
        if started.is_some_and(|progress| matches!(progress.phase, Phase::Ended(_))) {
            return Err(format!("ends `{action}` a second time"));
        }
        let started_millis = started.map_or(at_millis, |progress| progress.started_millis);
        let phase = Phase::Ended(result.clone());
        self.actions.insert(action.to_owned(), Progress { started_millis, ended_millis: Some(at_millis), phase });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::record::ActionOutcome;
    use super::*;

    fn entries(records: Vec<Record>) -> Vec<Entry> {
        let plan = Record::Plan { digest: "d".into(), tool: "1".into(), piece: 0, pieces: 1 };
        let all = std::iter::once(plan).chain(records);
        all.enumerate()
            .map(|(seq, record)| Entry {
                seq: u32::try_from(seq).unwrap(),
                at_millis: 1000 * i64::try_from(seq).unwrap(),
                by: "me".into(),
                record,
            })
            .collect()
    }

    fn outcome(action: &str) -> Record {
        Record::Outcome { outcomes: vec![ActionOutcome { action: action.into(), result: ActionResult::done() }] }
    }

    #[test]
    fn intents_and_outcomes_fold_to_progress() {
        let intent = Record::Intent { actions: vec!["a".into(), "b".into()] };
        let retried = Record::Retried { action: "b".into(), attempt: 1, reason: "lost".into() };
        let state = fold(&entries(vec![intent, outcome("a"), retried])).unwrap();
        assert_eq!(state.actions["a"].ended_millis, Some(2000));
        assert_eq!(state.actions["a"].started_millis, 1000);
        assert_eq!(state.actions["b"].phase, Phase::Intended);
        assert_eq!(state.attempts["b"], 1);
        assert_eq!(state.next_seq, 4);
    }

    #[test]
    fn what_is_not_a_journal_is_refused() {
        let refused = |entries: &[Entry]| fold(entries).unwrap_err().0;
        let mut gap = entries(vec![outcome("a"), outcome("b")]);
        gap.remove(1);
        assert_eq!(refused(&gap), "record 1 is missing");
        assert_eq!(refused(&entries(vec![outcome("a"), outcome("a")])), "record 2 ends `a` a second time");
        let ended = Record::Ended { result: "succeeded".into() };
        assert_eq!(refused(&entries(vec![ended, outcome("a")])), "record 2 comes after the end");
        let begins = Entry { seq: 0, at_millis: 0, by: String::new(), record: outcome("a") };
        assert_eq!(refused(&[begins]), "record 0 comes before the whole plan");
        let again = Record::Plan { digest: "d".into(), tool: "1".into(), piece: 1, pieces: 1 };
        assert_eq!(refused(&entries(vec![again])), "record 1 is a piece too many of the plan");
    }

    #[test]
    fn a_reset_takes_progress_back() {
        let state = fold(&entries(vec![outcome("a"), Record::Reset { actions: vec!["a".into()] }])).unwrap();
        assert!(state.actions.is_empty());
    }
}
