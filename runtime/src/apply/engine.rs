//! Decides what apply does next: a step through the plan's graph.
//!
//! **Invariant:** pure; the plan's actions and edges are fixed, and `next` depends on nothing but its arguments. An action
//! never runs before all that it waits for is done; a plan whose running actions end comes to its end.
//!
//! Failure: what depends on a failed action is not run; what undoes the started actions of the same rollout or bump runs,
//! latest first; the `finally` Pods of a pipeline run whatever became of its other Pods; the rest goes on.

mod graph;
mod status;

pub use graph::Graph;
pub use status::{Summary, undo_interrupts, undoes};

use waybill_compiler::plan::effect::Gate;
use waybill_compiler::plan::{Action, Effect};

use crate::journal::fold::{Phase, State};
use status::{Status, View};

/// How much may go on at once, and whether anything may begin.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Pods, commits, stages and health gates at a time. Object writes are handed out at once; whoever runs them bounds them.
    pub parallelism: usize,
    /// Nothing new begins; rollouts that are under way are taken back.
    pub stopping: bool,
}

#[derive(Debug)]
pub enum Step<'p> {
    /// Begin these, all of them.
    Run(Vec<&'p Action>),
    /// Nothing can begin now.
    WaitUntil(Wait<'p>),
    Finished(Summary),
}

/// What the plan waits for.
#[derive(Debug, Default)]
pub struct Wait<'p> {
    /// Actions that run.
    pub running: usize,
    /// Gates that are not open.
    pub gates: Vec<Waiting<'p>>,
}

/// A gate that is not open.
#[derive(Clone, Debug)]
pub struct Waiting<'p> {
    pub action: &'p Action,
    /// When it opens, in milliseconds since 1970; a person's word has no time.
    pub not_before_millis: Option<i64>,
    /// Whether apply stays until it opens: a hold between stages of a rollout.
    pub stay: bool,
    /// What is waited for.
    pub what: String,
}

impl Wait<'_> {
    /// The next time at which something changes by itself.
    pub fn until_millis(&self) -> Option<i64> {
        self.gates.iter().filter_map(|gate| gate.not_before_millis).min()
    }

    /// Whether apply must stay for one of the gates.
    pub fn must_stay(&self) -> bool {
        self.gates.iter().any(|gate| gate.stay)
    }
}

/// Whether an action takes effect by the engine's decision alone, without touching anything.
pub fn is_clockwork(action: &Action) -> bool {
    match &action.effect {
        Effect::Gate(Gate::Hold { .. } | Gate::Soak { .. } | Gate::Approval { .. }) => true,
        Effect::Gate(Gate::Health { .. })
        | Effect::Apply(_)
        | Effect::Delete(_)
        | Effect::Pod(_)
        | Effect::Commit(_)
        | Effect::Traffic(_)
        | Effect::UndoRollout(_)
        | Effect::UndoCommit(_) => false,
    }
}

/// What to do now. `now_millis` is in milliseconds since 1970.
pub fn next<'p>(graph: &Graph<'p>, state: &State, pace: Pace, now_millis: i64) -> Step<'p> {
    let view = View::new(graph, state);
    let mut run: Vec<&'p Action> = view.undo_to_run(pace.stopping);
    let mut wait = Wait { running: view.running(), gates: Vec::new() };
    let mut slots = pace.parallelism.max(1).saturating_sub(view.running_heavy() + run.len());
    if !pace.stopping {
        for (at, action) in graph.plan.actions.iter().enumerate() {
            if !view.may_start(at) {
                continue;
            }
            match gate_opens(&view, at, now_millis) {
                Opens::Now if is_light(action) => run.push(action),
                Opens::Now if slots > 0 => {
                    slots -= 1;
                    run.push(action);
                }
                Opens::Now => {}
                Opens::Later(waiting) => wait.gates.push(waiting),
            }
        }
    }
    if !run.is_empty() {
        Step::Run(run)
    } else if wait.running > 0 || !wait.gates.is_empty() {
        Step::WaitUntil(wait)
    } else {
        Step::Finished(view.summary())
    }
}

/// Segments whose every action has come to its end, one way or the other.
pub fn settled_segments<'p>(graph: &Graph<'p>, state: &State) -> Vec<&'p str> {
    let view = View::new(graph, state);
    graph.segments().into_iter().filter(|segment| view.settled(segment)).collect()
}

/// What became of each action so far, for the record and the end.
pub fn summary(graph: &Graph<'_>, state: &State) -> Summary {
    View::new(graph, state).summary()
}

/// Actions that take no slot: object writes, which are batched, and what the engine decides alone.
fn is_light(action: &Action) -> bool {
    is_clockwork(action) || matches!(action.effect, Effect::Apply(_) | Effect::Delete(_))
}

enum Opens<'p> {
    Now,
    Later(Waiting<'p>),
}

/// When an action whose predecessors are done may begin.
fn gate_opens<'p>(view: &View<'p, '_>, at: usize, now_millis: i64) -> Opens<'p> {
    let action: &'p Action = &view.graph.plan.actions[at];
    let later = |not_before_millis: Option<i64>, stay: bool, what: String| {
        if not_before_millis.is_some_and(|time| now_millis >= time) {
            Opens::Now
        } else {
            Opens::Later(Waiting { action, not_before_millis, stay, what })
        }
    };
    let after = |from: i64, seconds: u64| from.saturating_add_unsigned(seconds.saturating_mul(1000));
    match &action.effect {
        Effect::Gate(Gate::Hold { seconds }) => {
            later(Some(after(view.predecessors_ended(at), *seconds)), true, format!("holds for {seconds} s"))
        }
        Effect::Gate(Gate::Soak { seconds, environment, since }) => {
            let from = since.map_or_else(|| view.predecessors_ended(at), |since| since.saturating_mul(1000));
            later(Some(after(from, *seconds)), false, format!("soaks for {seconds} s in {environment}"))
        }
        Effect::Gate(Gate::Approval { by }) => {
            if view.state.approved(&action.address) {
                return Opens::Now;
            }
            later(None, false, format!("needs the approval of {}", by.join(" or ")))
        }
        Effect::Gate(Gate::Health { .. })
        | Effect::Apply(_)
        | Effect::Delete(_)
        | Effect::Pod(_)
        | Effect::Commit(_)
        | Effect::Traffic(_)
        | Effect::UndoRollout(_)
        | Effect::UndoCommit(_) => Opens::Now,
    }
}

impl Status {
    fn of(state: &State, address: &str) -> Status {
        use crate::journal::record::ActionResult;
        let Some(progress) = state.actions.get(address) else { return Status::Pending };
        match &progress.phase {
            Phase::Intended => Status::Intended,
            Phase::Running => Status::Running,
            Phase::Ended(ActionResult::Done { .. }) => Status::Done,
            Phase::Ended(ActionResult::Failed { .. }) => Status::Failed,
            Phase::Ended(ActionResult::Skipped { .. }) => Status::Skipped,
            Phase::Ended(ActionResult::Superseded { .. }) => Status::Superseded,
        }
    }
}
