//! The plan's edges by index, computed once per apply.
//!
//! **Invariant:** nothing here depends on what has happened; an edge to an address that the plan does not have keeps its
//! action from ever running.

use std::collections::BTreeMap;

use waybill_compiler::plan::effect::Group;
use waybill_compiler::plan::{Action, Effect, Plan};

pub struct Graph<'p> {
    pub plan: &'p Plan,
    /// Per action.
    pub(super) edges: Vec<Edges>,
    /// Per entry of `plan.undo`.
    pub(super) undo: Vec<Undo>,
}

pub(super) struct Edges {
    /// Must be done.
    pub hard: Vec<usize>,
    /// Must have come to an end, whichever: the other Pods of a `finally` Pod's pipeline.
    pub soft: Vec<usize>,
    /// Waits for something that is not in the plan.
    pub dangling: bool,
}

/// What one undo action is about.
pub(super) struct Undo {
    /// Actions that name it in `undone_by`, ascending.
    pub covered: Vec<usize>,
    /// Of the same segment, covered or after something covered: a failure there sets the undo off. Ascending.
    pub downstream: Vec<usize>,
    pub rollout: bool,
}

impl<'p> Graph<'p> {
    pub fn new(plan: &'p Plan) -> Self {
        let index: BTreeMap<&str, usize> =
            plan.actions.iter().enumerate().map(|(at, action)| (action.address.as_str(), at)).collect();
        let edges: Vec<Edges> = (0..plan.actions.len()).map(|at| edges(plan, &index, at)).collect();
        let undo = plan.undo.iter().map(|undo| undo_scope(plan, &edges, undo)).collect();
        Graph { plan, edges, undo }
    }

    /// All segments that have actions, in the plan's order.
    pub fn segments(&self) -> Vec<&'p str> {
        let mut segments: Vec<&'p str> = Vec::new();
        for action in &self.plan.actions {
            if !segments.contains(&action.segment.as_str()) {
                segments.push(&action.segment);
            }
        }
        segments
    }

    /// The action or undo action of that address.
    pub fn find(&self, address: &str) -> Option<&'p Action> {
        self.plan.actions.iter().chain(&self.plan.undo).find(|action| action.address == address)
    }
}

fn edges(plan: &Plan, index: &BTreeMap<&str, usize>, at: usize) -> Edges {
    let action = &plan.actions[at];
    let own = group(action).filter(|group| group.finally);
    let is_sibling = |other: usize| {
        let other = group(&plan.actions[other]);
        matches!((own, other), (Some(own), Some(other)) if !other.finally && other.pipeline == own.pipeline)
    };
    let mut edges = Edges { hard: Vec::new(), soft: Vec::new(), dangling: false };
    for address in &action.waits_for {
        match index.get(address.as_str()) {
            Some(&other) if !is_sibling(other) => edges.hard.push(other),
            Some(_) => {}
            None => edges.dangling = true,
        }
    }
    if own.is_some() {
        edges.soft = (0..plan.actions.len()).filter(|&other| is_sibling(other)).collect();
    }
    edges
}

fn undo_scope(plan: &Plan, edges: &[Edges], undo: &Action) -> Undo {
    let mut covered = Vec::new();
    let mut downstream: Vec<usize> = Vec::new();
    let mut reached = vec![false; plan.actions.len()];
    for (at, action) in plan.actions.iter().enumerate() {
        let is_covered = action.undone_by.as_deref() == Some(undo.address.as_str());
        if is_covered {
            covered.push(at);
        }
        reached[at] = is_covered || edges[at].hard.iter().any(|&before| reached[before]);
        if reached[at] && action.segment == undo.segment {
            downstream.push(at);
        }
    }
    Undo { covered, downstream, rollout: matches!(undo.effect, Effect::UndoRollout(_)) }
}

fn group(action: &Action) -> Option<&Group> {
    match &action.effect {
        Effect::Pod(group) => Some(group),
        Effect::Apply(_)
        | Effect::Delete(_)
        | Effect::Commit(_)
        | Effect::Traffic(_)
        | Effect::Gate(_)
        | Effect::UndoRollout(_)
        | Effect::UndoCommit(_) => None,
    }
}
