//! When and how often jobs run, as resolved: conditions, matrices, retries, limits; and what their Pods ask for.

use super::{Atom, JobId, Value};
use crate::source::{Span, Spanned};
use crate::spec::{flow, pod};

/// What a use of a task asks for besides its work.
#[derive(Clone, Debug, Default)]
pub struct Flow {
    pub when: Option<Spanned<String>>,
    /// Place of a matrix whose axes only a run knows; a known one is expanded into jobs.
    pub matrix: Option<Span>,
    /// A matrix that is known: its axes, and their values for each combination.
    pub expansion: Option<(Vec<String>, Vec<Vec<String>>)>,
    pub max_parallel: Option<Span>,
    pub retries: Option<flow::Retries>,
    /// Place of `on-error="continue"`.
    pub on_error: Option<Span>,
    pub service_account: Option<Spanned<String>>,
    pub pod: Option<pod::Pod>,
    /// Place of `resources` of the whole task.
    pub resources: Option<Span>,
}

/// Somebody must say yes.
#[derive(Clone, Debug)]
pub struct ApprovalWork {
    pub by: Spanned<String>,
    pub timeout_seconds: Option<u64>,
}

/// What a step's container asks for.
#[derive(Clone, Debug, Default)]
pub struct Container {
    pub resources: Option<pod::Resources>,
    pub security: Option<pod::Security>,
    pub continue_on_error: bool,
}

/// A container beside the steps.
#[derive(Clone, Debug)]
pub struct Sidecar {
    pub name: Spanned<String>,
    pub image: Spanned<String>,
    pub env: Vec<(Spanned<String>, Value)>,
    pub span: Span,
}

/// Runs that must not be under way together.
#[derive(Clone, Debug)]
pub struct Concurrency {
    pub group: Value,
    pub on_conflict: String,
    pub max: i64,
    pub span: Span,
}

/// The job that must have ended before an atom is known.
pub fn needed(atom: &Atom) -> Vec<JobId> {
    match atom {
        Atom::JobResult(job, _) | Atom::ImageDigest(job) => vec![*job],
        Atom::JobResults(jobs, ..) => jobs.clone(),
        Atom::JobStatus(_) => Vec::new(),
        Atom::Computed(computed) => computed.inputs.iter().flat_map(|input| needed(&input.atom)).collect(),
        Atom::Text(_) | Atom::Param(_) | Atom::ParamField(..) | Atom::ParamShort(_) => Vec::new(),
        Atom::Workspace(_) | Atom::ResultPath(_) | Atom::Matrix(_) => Vec::new(),
    }
}
