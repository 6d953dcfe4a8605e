//! What the journal's state means for each action of the plan.
//!
//! **Invariant:** pure. Every action has exactly one status; `Blocked` is derived, never journalled.

use std::collections::BTreeMap;

use waybill_compiler::plan::{Action, Effect};

use super::graph::Graph;
use crate::journal::fold::{Phase, State};
use crate::journal::record::ActionResult;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Pending,
    Intended,
    Running,
    Done,
    Failed,
    Skipped,
    Superseded,
    /// Will not run, and why.
    Blocked(String),
}

impl Status {
    /// Nothing more becomes of it.
    fn is_settled(&self) -> bool {
        match self {
            Status::Done | Status::Failed | Status::Skipped | Status::Superseded | Status::Blocked(_) => true,
            Status::Pending | Status::Intended | Status::Running => false,
        }
    }

    fn has_begun(&self) -> bool {
        match self {
            Status::Intended | Status::Running | Status::Done | Status::Failed => true,
            Status::Pending | Status::Skipped | Status::Superseded | Status::Blocked(_) => false,
        }
    }
}

/// How a plan has ended, by address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub done: Vec<String>,
    /// With the reason and whether nothing was written because facts had moved.
    pub failed: Vec<(String, String, bool)>,
    /// Not run, with the reason.
    pub not_run: Vec<(String, String)>,
    /// Commits that a newer version made needless, with that commit.
    pub superseded: Vec<(String, String)>,
    /// Actions begun and not ended.
    pub unfinished: Vec<String>,
    /// Undo actions that were done.
    pub undone: Vec<String>,
}

pub(super) struct View<'p, 's> {
    pub graph: &'s Graph<'p>,
    pub state: &'s State,
    status: Vec<Status>,
    undo: Vec<UndoView>,
}

struct UndoView {
    status: Status,
    /// Positions of covered actions that have something to take back.
    begun: Vec<usize>,
    /// Something that it covers, or that comes after that, has failed.
    failed: bool,
    /// Something that it covers may yet turn out to have been done.
    unresolved: bool,
}

impl UndoView {
    /// Whether what it covers must not go on.
    fn is_on(&self) -> bool {
        self.failed || matches!(self.status, Status::Intended | Status::Running)
    }

    /// A failure asks for it.
    fn is_triggered(&self) -> bool {
        self.failed && !self.begun.is_empty()
    }

    fn is_open(&self) -> bool {
        !self.status.is_settled() && (self.is_triggered() || matches!(self.status, Status::Intended | Status::Running))
    }
}

impl<'p, 's> View<'p, 's> {
    pub fn new(graph: &'s Graph<'p>, state: &'s State) -> Self {
        let status = graph.plan.actions.iter().map(|action| Status::of(state, &action.address)).collect();
        let mut view = View { graph, state, status, undo: Vec::new() };
        view.undo = (0..graph.undo.len()).map(|at| view.undo_view(at)).collect();
        view.derive_blocked();
        view
    }

    fn undo_view(&self, at: usize) -> UndoView {
        let scope = &self.graph.undo[at];
        let begun: Vec<usize> = scope.covered.iter().copied().filter(|&covered| self.to_take_back(covered)).collect();
        let failed = scope.downstream.iter().any(|&after| self.status[after] == Status::Failed);
        let status = Status::of(self.state, &self.graph.plan.undo[at].address);
        let unresolved = failed && scope.covered.iter().any(|&covered| self.may_turn_out_done(covered));
        UndoView { status, begun, failed, unresolved }
    }

    /// A commit that failed is not there; anything else that has begun may have left something.
    fn to_take_back(&self, at: usize) -> bool {
        match &self.graph.plan.actions[at].effect {
            Effect::Commit(_) => self.status[at] == Status::Done,
            Effect::Apply(_)
            | Effect::Delete(_)
            | Effect::Pod(_)
            | Effect::Traffic(_)
            | Effect::Gate(_)
            | Effect::UndoRollout(_)
            | Effect::UndoCommit(_) => self.status[at].has_begun(),
        }
    }

    /// Runs, or is a commit that was cut off: pushing it again finds out whether it is there.
    fn may_turn_out_done(&self, at: usize) -> bool {
        let cut_off = self.status[at] == Status::Intended;
        self.status[at] == Status::Running || cut_off && matches!(self.graph.plan.actions[at].effect, Effect::Commit(_))
    }

    /// In plan order, so that what blocks an action has its status before.
    fn derive_blocked(&mut self) {
        let mut newer: BTreeMap<&str, &str> = BTreeMap::new();
        for (at, action) in self.graph.plan.actions.iter().enumerate() {
            if self.status[at] == Status::Superseded && action.environment.is_some() {
                newer.insert(&action.segment, &action.address);
            }
            if matches!(self.status[at], Status::Pending | Status::Intended)
                && let Some(why) = self.blocked(at, action, newer.get(action.segment.as_str()).copied())
            {
                // What has begun and may be done is not called blocked unless it is being taken back.
                self.status[at] = Status::Blocked(why);
            }
        }
    }

    fn blocked(&self, at: usize, action: &Action, newer: Option<&str>) -> Option<String> {
        let undo = self
            .graph
            .undo
            .iter()
            .zip(&self.undo)
            .find(|(scope, undo)| undo.is_on() && (scope.covered.contains(&at) || scope.downstream.contains(&at)));
        if undo.is_some() && !self.may_turn_out_done(at) {
            return Some("the rollout or bump that it is part of is taken back".into());
        }
        if self.status[at] == Status::Intended {
            return None;
        }
        if let Some(reason) = self.state.stopped.get(&action.segment) {
            return Some(reason.clone());
        }
        if let Some(newer) = newer {
            return Some(format!("{newer} is superseded by a newer version"));
        }
        let edges = &self.graph.edges[at];
        if edges.dangling {
            return Some("it waits for something that is not in the plan".into());
        }
        let hard = edges.hard.iter().find(|&&before| self.status[before].is_settled() && !self.is_done(before));
        if let Some(&before) = hard {
            return Some(format!("{} {}", self.graph.plan.actions[before].address, self.end_of(before)));
        }
        let none_ran = !edges.soft.is_empty()
            && edges.soft.iter().all(|&other| self.status[other].is_settled() && !self.status[other].has_begun());
        none_ran.then(|| "no other Pod of its pipeline has run".into())
    }

    fn end_of(&self, at: usize) -> &'static str {
        match self.status[at] {
            Status::Failed => "failed",
            Status::Superseded => "is superseded by a newer version",
            Status::Skipped | Status::Blocked(_) => "was not run",
            Status::Pending | Status::Intended | Status::Running | Status::Done => "has not ended",
        }
    }

    fn is_done(&self, at: usize) -> bool {
        self.status[at] == Status::Done
    }

    pub fn running(&self) -> usize {
        self.status
            .iter()
            .chain(self.undo.iter().map(|undo| &undo.status))
            .filter(|one| **one == Status::Running)
            .count()
    }

    /// Running actions that take a slot.
    pub fn running_heavy(&self) -> usize {
        let actions = self.graph.plan.actions.iter().zip(&self.status);
        let heavy = actions.filter(|(action, status)| **status == Status::Running && !super::is_light(action)).count();
        heavy + self.undo.iter().filter(|undo| undo.status == Status::Running).count()
    }

    /// Whether all that the action waits for allows it; gates are asked apart.
    pub fn may_start(&self, at: usize) -> bool {
        let edges = &self.graph.edges[at];
        matches!(self.status[at], Status::Pending | Status::Intended)
            && edges.hard.iter().all(|&before| self.is_done(before))
            && edges.soft.iter().all(|&other| self.status[other].is_settled())
    }

    /// When the last of the action's predecessors ended, in milliseconds since 1970.
    pub fn predecessors_ended(&self, at: usize) -> i64 {
        let edges = &self.graph.edges[at];
        let ended = edges.hard.iter().filter_map(|&before| {
            self.state.actions.get(&self.graph.plan.actions[before].address).and_then(|progress| progress.ended_millis)
        });
        ended.max().unwrap_or(0)
    }

    /// The undo action of each segment that is next: latest first, one at a time, once nothing that it covers runs.
    pub fn undo_to_run(&self, stopping: bool) -> Vec<&'p Action> {
        let mut open: Vec<usize> = (0..self.undo.len()).filter(|&at| self.wants(at, stopping)).collect();
        open.sort_by_key(|&at| std::cmp::Reverse(self.undo[at].begun.last().copied()));
        let undo = self.graph.plan.undo.iter().zip(&self.undo);
        let mut segments: Vec<&str> =
            undo.filter(|(_, view)| view.unresolved).map(|(action, _)| action.segment.as_str()).collect();
        let mut run = Vec::new();
        for at in open {
            let action: &'p Action = &self.graph.plan.undo[at];
            if segments.contains(&action.segment.as_str()) {
                continue;
            }
            segments.push(&action.segment);
            let busy = self.graph.undo[at].downstream.iter().any(|&after| self.status[after] == Status::Running);
            if !busy && self.undo[at].status != Status::Running {
                run.push(action);
            }
        }
        run
    }

    /// Whether an undo is asked for: by a failure, by an interruption that had begun it, or because apply must stop in
    /// the middle of a rollout.
    fn wants(&self, at: usize, stopping: bool) -> bool {
        let undo = &self.undo[at];
        undo.is_open() || stopping && self.graph.undo[at].rollout && !undo.status.is_settled() && self.mid_rollout(at)
    }

    /// Begun, not ended, and not at a gate where apply may leave.
    fn mid_rollout(&self, at: usize) -> bool {
        let covered = &self.graph.undo[at].covered;
        let begun = covered.iter().any(|&one| self.status[one].has_begun());
        let ended = covered.iter().all(|&one| self.status[one].is_settled());
        begun && !ended && !self.at_manual_gate(at)
    }

    /// The next thing of the rollout is a person's word, and nothing of it is under way.
    fn at_manual_gate(&self, at: usize) -> bool {
        use waybill_compiler::plan::effect::Gate;
        let open = self.graph.undo[at].downstream.iter().copied().filter(|&one| !self.status[one].is_settled());
        let mut open = open.peekable();
        let busy = |one: usize| matches!(self.status[one], Status::Running | Status::Intended);
        let first = open.peek().copied();
        let manual = |one: usize| matches!(self.graph.plan.actions[one].effect, Effect::Gate(Gate::Approval { .. }));
        first.is_some_and(|first| manual(first) && self.may_start(first)) && !open.any(busy)
    }

    /// Whether every action of the segment, and every undo that is asked for, has come to its end.
    pub fn settled(&self, segment: &str) -> bool {
        let actions = self.graph.plan.actions.iter().zip(&self.status);
        let undo = self.graph.plan.undo.iter().zip(&self.undo);
        actions.filter(|(action, _)| action.segment == segment).all(|(_, status)| status.is_settled())
            && undo.filter(|(action, _)| action.segment == segment).all(|(_, undo)| !undo.is_open())
    }

    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for (action, status) in self.graph.plan.actions.iter().zip(&self.status) {
            let address = action.address.clone();
            match status {
                Status::Done => summary.done.push(address),
                Status::Failed => summary.failed.push(self.failure(address)),
                Status::Superseded => summary.superseded.push(self.newer(address)),
                Status::Skipped => summary.not_run.push(self.skipped(address)),
                Status::Blocked(why) => summary.not_run.push((address, why.clone())),
                Status::Pending => summary.not_run.push((address, "it was not its turn yet".into())),
                Status::Intended | Status::Running => summary.unfinished.push(address),
            }
        }
        for (action, undo) in self.graph.plan.undo.iter().zip(&self.undo) {
            match undo.status {
                Status::Done => summary.undone.push(action.address.clone()),
                Status::Failed => summary.failed.push(self.failure(action.address.clone())),
                Status::Intended | Status::Running => summary.unfinished.push(action.address.clone()),
                Status::Pending | Status::Skipped | Status::Superseded | Status::Blocked(_) => {}
            }
        }
        summary
    }

    fn result(&self, address: &str) -> Option<&ActionResult> {
        match &self.state.actions.get(address)?.phase {
            Phase::Ended(result) => Some(result),
            Phase::Intended | Phase::Running => None,
        }
    }

    fn failure(&self, address: String) -> (String, String, bool) {
        match self.result(&address) {
            Some(ActionResult::Failed { reason, moved, .. }) => (address, reason.clone(), *moved),
            _ => (address, String::new(), false),
        }
    }

    fn newer(&self, address: String) -> (String, String) {
        match self.result(&address) {
            Some(ActionResult::Superseded { by }) => (address, by.clone()),
            _ => (address, String::new()),
        }
    }

    fn skipped(&self, address: String) -> (String, String) {
        match self.result(&address) {
            Some(ActionResult::Skipped { reason }) => (address, reason.clone()),
            _ => (address, String::new()),
        }
    }
}

/// Whether running this undo action is an interruption, not the answer to a failure: afterwards what it covers has not
/// been done.
pub fn undo_interrupts(graph: &Graph<'_>, state: &State, address: &str) -> bool {
    let view = View::new(graph, state);
    let at = graph.plan.undo.iter().position(|undo| undo.address == address);
    at.is_some_and(|at| !view.undo[at].is_triggered())
}

/// What has to be done again after an undo action answered an interruption: all that it covers, and the gates after that.
pub fn undoes(graph: &Graph<'_>, state: &State, address: &str) -> Vec<String> {
    let Some(at) = graph.plan.undo.iter().position(|undo| undo.address == address) else { return Vec::new() };
    let scope = &graph.undo[at];
    let again = scope
        .downstream
        .iter()
        .filter(|one| scope.covered.contains(one) || matches!(graph.plan.actions[**one].effect, Effect::Gate(_)));
    let again = again.map(|&one| graph.plan.actions[one].address.clone());
    again.filter(|address| state.actions.contains_key(address)).collect()
}
