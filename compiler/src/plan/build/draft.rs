//! A plan while it is built.

use std::collections::BTreeMap;

use super::Facts;
use crate::diag::Diags;
use crate::plan::observed::Hold;
use crate::plan::{Action, Effect, Foreign, Kind, Op, Reason, Rule, Segment, Summary, Unknown};
use crate::source::Span;

/// What has been decided so far.
pub struct Draft<'a> {
    pub facts: Facts<'a>,
    pub actions: Vec<Action>,
    pub undo: Vec<Action>,
    pub segments: Vec<Segment>,
    pub foreign: Vec<Foreign>,
    pub notes: Vec<String>,
    pub held: Vec<Hold>,
    pub problems: Diags,
}

impl<'a> Draft<'a> {
    pub fn new(facts: Facts<'a>) -> Draft<'a> {
        Draft {
            facts,
            actions: Vec::new(),
            undo: Vec::new(),
            segments: Vec::new(),
            foreign: Vec::new(),
            notes: Vec::new(),
            held: facts.desired.held.clone(),
            problems: Diags::default(),
        }
    }

    /// The reason for an action that a place in a file asks for.
    pub fn because(&self, text: impl Into<String>, span: Span) -> Reason {
        let sources = self.facts.sources;
        let line = u32::try_from(sources.line(span)).unwrap_or(u32::MAX);
        Reason { text: text.into(), file: sources.path(span.file).to_owned(), line }
    }

    pub fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }
}

/// Where an action belongs.
#[derive(Clone)]
pub struct Place {
    pub segment: String,
    pub environment: Option<String>,
    pub cluster: String,
}

impl Place {
    /// An action with nothing but its name, kind, reason and effect.
    pub fn action(&self, address: String, kind: Kind, op: Op, reason: Reason, effect: Effect) -> Action {
        Action {
            address,
            kind,
            op,
            environment: self.environment.clone(),
            cluster: self.cluster.clone(),
            segment: self.segment.clone(),
            intent: String::new(),
            reason,
            changes: Vec::new(),
            waits_for: Vec::new(),
            undone_by: None,
            rbac: Vec::new(),
            unknowns: Vec::new(),
            effect,
        }
    }
}

/// A permission.
pub fn rule(group: &str, resource: &str, namespace: &str, verbs: &[&str]) -> Rule {
    Rule {
        group: group.into(),
        resource: resource.into(),
        namespace: namespace.into(),
        verbs: verbs.iter().map(|verb| (*verb).to_owned()).collect(),
    }
}

/// The unknowns that stand in an action's effect.
pub fn unknowns_in(effect: &Effect, unknowns: &[Unknown]) -> Vec<Unknown> {
    let value = serde_json::to_value(effect).expect("BUG: an effect is always JSON");
    crate::plan::unknown::within(&value, unknowns)
}

/// Actions so that each comes after what it waits for, otherwise as they were drafted.
pub fn in_order(actions: Vec<Action>) -> Vec<Action> {
    let index: BTreeMap<String, usize> =
        actions.iter().enumerate().map(|(at, action)| (action.address.clone(), at)).collect();
    let mut done = vec![false; actions.len()];
    let mut order = Vec::with_capacity(actions.len());
    for at in 0..actions.len() {
        visit(at, &actions, &index, &mut done, &mut order);
    }
    let mut actions: Vec<Option<Action>> = actions.into_iter().map(Some).collect();
    order.into_iter().filter_map(|at| actions[at].take()).collect()
}

/// Depth first without recursion: what an action waits for goes before it.
fn visit(start: usize, actions: &[Action], index: &BTreeMap<String, usize>, done: &mut [bool], order: &mut Vec<usize>) {
    let mut stack = vec![(start, 0)];
    while let Some((at, next)) = stack.pop() {
        if done[at] {
            continue;
        }
        match actions[at].waits_for.get(next) {
            Some(address) => {
                stack.push((at, next + 1));
                stack.extend(index.get(address).filter(|before| !done[**before]).map(|before| (*before, 0)));
            }
            None => {
                done[at] = true;
                order.push(at);
            }
        }
    }
}

impl Summary {
    /// Counts actions; a replace counts once.
    pub fn of(actions: &[Action]) -> Summary {
        let mut summary = Summary::default();
        for action in actions {
            match (action.kind, action.op) {
                (Kind::Pod, _) => summary.pods += 1,
                (Kind::Commit, _) => summary.commits += 1,
                (Kind::Traffic, _) => summary.stages += 1,
                (Kind::Gate, _) => summary.gates += 1,
                (_, Op::Create) => summary.create += 1,
                (_, Op::Update | Op::Adopt) => summary.update += 1,
                (_, Op::Replace) => summary.replace += 1,
                (_, Op::Delete | Op::Forget) => summary.delete += 1,
                (Kind::Object | Kind::Hook, Op::Run | Op::Push | Op::Shift | Op::Wait | Op::Approve | Op::Undo) => {}
            }
            if let Effect::Pod(group) = &action.effect {
                summary.tasks += u32::try_from(group.tasks.len()).unwrap_or(u32::MAX);
            }
        }
        summary
    }
}
