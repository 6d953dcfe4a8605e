//! Of tasks and pipelines.

use std::collections::BTreeSet;

use crate::desired::{pod, run};
use crate::diag::{Diagnostic, codes};
use crate::model::shape::is_plain_in_json;
use crate::model::{Atom, Given, Job, Model, Pipeline, Value, ValueType, Work};
use crate::source::Span;

pub fn refused(model: &Model) -> Vec<Diagnostic> {
    let mut all: Vec<Diagnostic> = model.pipelines.iter().flat_map(|pipeline| of_pipeline(model, pipeline)).collect();
    // The copies that a matrix makes say the same of the same place.
    let mut seen = BTreeSet::new();
    all.retain(|finding| seen.insert((finding.span, finding.message.clone())));
    all
}

fn unsupported(what: &str, span: Span) -> Diagnostic {
    let message = format!("{what} is not supported yet by apply");
    Diagnostic::new(&codes::NOT_SUPPORTED_BY_APPLY, span, message).here("apply would not do this")
}

fn of_pipeline(model: &Model, pipeline: &Pipeline) -> Vec<Diagnostic> {
    let mut all = computed(model, pipeline);
    if let Some(concurrency) = &pipeline.concurrency {
        all.push(unsupported("`concurrency`", concurrency.span));
    }
    let limits = &pipeline.timeouts;
    if let (Some(whole), None, None, false) = (&limits.all, &limits.tasks, &limits.finally, pipeline.finally.is_empty())
    {
        let finding = unsupported("one time limit for the tasks and `finally` together", whole.span);
        all.push(finding.help("write `tasks` and `finally`"));
    }
    for job in pipeline.jobs.iter().chain(&pipeline.finally) {
        of_job(model, pipeline, job, &mut all);
    }
    for group in run::components(pipeline) {
        let jobs: Vec<&Job> = group.iter().map(|id| pipeline.job(*id)).collect();
        all.extend(mixed(pipeline, &jobs));
    }
    all
}

fn of_job(model: &Model, pipeline: &Pipeline, job: &Job, all: &mut Vec<Diagnostic>) {
    let flow = &job.flow;
    let when = flow.when.as_ref().map(|when| ("`when`", when.span));
    let retries = flow.retries.as_ref().map(|retries| ("`retries`", retries.span));
    let written = [
        when,
        retries,
        flow.matrix.map(|span| ("a matrix with an axis that is an expression", span)),
        flow.max_parallel.map(|span| ("`max-parallel`", span)),
        flow.on_error.map(|span| ("`on-error` of a task", span)),
        flow.resources.map(|span| ("`resources` of a whole task", span)),
    ];
    all.extend(written.into_iter().flatten().map(|(what, span)| unsupported(what, span)));
    match &job.work {
        Work::Approval(_) => all.push(unsupported("an `approval` inside a run", job.span)),
        Work::Image(_) => {}
        Work::Task(work) => {
            let task = model.task(work.task);
            all.extend(task.sidecars.iter().map(|sidecar| unsupported("a `sidecar`", sidecar.span)));
            all.extend(task.caches.iter().map(|span| unsupported("a `cache`", *span)));
            all.extend(task.artefacts.iter().map(|span| unsupported("an `artefact`", *span)));
            for given in work.params.iter().flatten() {
                all.extend(given.values().into_iter().filter_map(of_value));
                all.extend(inside_json(model, pipeline, given));
            }
        }
    }
}

/// What became of a task, and lists of texts that only a run knows.
fn of_value(value: &Value) -> Option<Diagnostic> {
    value.atoms.iter().find_map(|atom| match atom {
        Atom::JobStatus(_) => Some(unsupported("the status of a task", value.span)),
        Atom::JobResults(_, _, of) if !is_plain_in_json(*of) => Some(
            unsupported("a list of results of any text", value.span).help("use results of type int, bool or commit"),
        ),
        Atom::JobResults(..) | Atom::JobResult(..) | Atom::ImageDigest(_) | Atom::Matrix(_) => None,
        Atom::Text(_) | Atom::Param(_) | Atom::ParamField(..) | Atom::ParamShort(_) => None,
        Atom::Workspace(_) | Atom::ResultPath(_) | Atom::Computed(_) => None,
    })
}

/// Jobs of one Pod have one service account and one placement.
fn mixed(pipeline: &Pipeline, jobs: &[&Job]) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    let Some(first) = jobs.first() else { return all };
    let account = pod::account(pipeline, Some(first));
    if let Some(other) = jobs.iter().find(|job| pod::account(pipeline, Some(job)) != account) {
        let name = other.flow.service_account.as_ref().or(first.flow.service_account.as_ref());
        let span = name.map_or(other.span, |name| name.span);
        let finding = unsupported("a service account of its own for a task that shares a Pod", span);
        all.push(finding.label(first.span, format!("`{}` is in the same Pod", first.name.value)));
    }
    let fields = pod::of_job(pipeline, Some(first));
    if let Some(other) = jobs.iter().find(|job| pod::of_job(pipeline, Some(job)) != fields) {
        let block = other.flow.pod.as_ref().or(first.flow.pod.as_ref());
        let finding =
            unsupported("a `pod` of its own for a task that shares a Pod", block.map_or(other.span, |pod| pod.span));
        all.push(finding.label(first.span, format!("`{}` is in the same Pod", first.name.value)));
    }
    all
}

/// Expressions over what only a run gives: apply puts results in as they are.
fn computed(model: &Model, pipeline: &Pipeline) -> Vec<Diagnostic> {
    let mut all = Vec::new();
    for job in pipeline.jobs.iter().chain(&pipeline.finally) {
        let values: Vec<&Value> = match &job.work {
            Work::Task(work) => work.params.iter().flatten().flat_map(Given::values).collect(),
            Work::Image(work) => vec![&work.tag],
            Work::Approval(_) => Vec::new(),
        };
        all.extend(values.into_iter().flat_map(|value| reading(value, &|atom| of_run(atom))));
        if let Work::Task(work) = &job.work {
            let late = |atom: &Atom| match atom {
                Atom::Param(at) | Atom::ParamField(at, _) | Atom::ParamShort(at) => {
                    let given = work.params.get(*at).and_then(Option::as_ref).map(Given::values).unwrap_or_default();
                    given.iter().any(|value| value.atoms.iter().any(of_run))
                }
                Atom::Text(_) | Atom::Workspace(_) | Atom::ResultPath(_) => false,
                Atom::JobResult(..) | Atom::JobResults(..) | Atom::ImageDigest(_) | Atom::Computed(_) => false,
                Atom::JobStatus(_) | Atom::Matrix(_) => false,
            };
            let steps = &model.task(work.task).steps;
            let written =
                steps.iter().flat_map(|step| step.workdir.iter().chain(step.env.iter().map(|(_, value)| value)));
            all.extend(written.flat_map(|value| reading(value, &late)));
        }
    }
    let checkouts = pipeline.checkouts.iter().flat_map(|checkout| reading(&checkout.revision, &|atom| of_run(atom)));
    all.extend(checkouts);
    all
}

fn of_run(atom: &Atom) -> bool {
    matches!(atom, Atom::JobResult(..) | Atom::JobResults(..) | Atom::JobStatus(_) | Atom::ImageDigest(_))
}

fn reading(value: &Value, late: &dyn Fn(&Atom) -> bool) -> Vec<Diagnostic> {
    let refused = |atom: &Atom| match atom {
        Atom::Computed(computed) if computed.inputs.iter().any(|input| late(&input.atom)) => {
            Some(unsupported("an expression over what only the run gives", computed.expression.span))
        }
        _ => None,
    };
    value.atoms.iter().filter_map(refused).collect()
}

/// A result inside a list or mapping would have to be escaped when it is known; only what needs no escapes goes.
fn inside_json(model: &Model, pipeline: &Pipeline, given: &Given) -> Vec<Diagnostic> {
    let values: Vec<&Value> = match given {
        Given::One(_) => return Vec::new(),
        Given::List(..) | Given::Map(_) => given.values(),
    };
    let unsafe_in_json = |atom: &Atom| match atom {
        Atom::JobResult(job, name) => match &pipeline.job(*job).work {
            Work::Task(work) => {
                let results = &model.task(work.task).results;
                let ty = results.iter().find(|result| result.name.value == *name).map(|result| result.ty);
                !is_plain_in_json(ty.unwrap_or(ValueType::String))
            }
            Work::Image(_) | Work::Approval(_) => true,
        },
        Atom::JobResults(..) => true,
        Atom::Text(_) | Atom::Param(_) | Atom::ParamField(..) | Atom::ParamShort(_) | Atom::Matrix(_) => false,
        Atom::Workspace(_) | Atom::ResultPath(_) | Atom::ImageDigest(_) | Atom::JobStatus(_) | Atom::Computed(_) => {
            false
        }
    };
    let wrong = values.into_iter().filter(|value| value.atoms.iter().any(unsafe_in_json));
    wrong.map(|value| unsupported("a result of any text inside a list or mapping", value.span)).collect()
}
