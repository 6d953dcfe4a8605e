//! Of tasks and pipelines.

use crate::diag::{Diagnostic, codes};
use crate::model::shape::is_plain_in_json;
use crate::model::{Atom, Given, Model, Pipeline, Value, ValueType, Work};
use crate::source::Span;

pub fn refused(model: &Model) -> Vec<Diagnostic> {
    model.pipelines.iter().flat_map(|pipeline| of_pipeline(model, pipeline)).collect()
}

fn unsupported(what: &str, span: Span) -> Diagnostic {
    let message = format!("{what} is not supported yet by apply");
    Diagnostic::new(&codes::NOT_SUPPORTED_BY_APPLY, span, message).here("apply would not do this")
}

fn of_pipeline(model: &Model, pipeline: &Pipeline) -> Vec<Diagnostic> {
    let mut all = computed(model, pipeline);
    for job in pipeline.jobs.iter().chain(&pipeline.finally) {
        let Work::Task(work) = &job.work else { continue };
        for given in work.params.iter().flatten() {
            all.extend(inside_json(model, pipeline, given));
        }
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
        };
        all.extend(values.into_iter().flat_map(|value| reading(value, &|atom| of_run(atom))));
        if let Work::Task(work) = &job.work {
            let late = |atom: &Atom| match atom {
                Atom::Param(at) | Atom::ParamField(at, _) | Atom::ParamShort(at) => {
                    let given = work.params.get(*at).and_then(Option::as_ref).map(Given::values).unwrap_or_default();
                    given.iter().any(|value| value.atoms.iter().any(of_run))
                }
                Atom::Text(_) | Atom::Workspace(_) | Atom::ResultPath(_) => false,
                Atom::JobResult(..) | Atom::ImageDigest(_) | Atom::Computed(_) => false,
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
    matches!(atom, Atom::JobResult(..) | Atom::ImageDigest(_))
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
    let pairs: Vec<&Value> = match given {
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
            Work::Image(_) => true,
        },
        Atom::Text(_) | Atom::Param(_) | Atom::ParamField(..) | Atom::ParamShort(_) => false,
        Atom::Workspace(_) | Atom::ResultPath(_) | Atom::ImageDigest(_) | Atom::Computed(_) => false,
    };
    let wrong = pairs.into_iter().filter(|value| value.atoms.iter().any(unsafe_in_json));
    wrong.map(|value| unsupported("a result of any text inside a list or mapping", value.span)).collect()
}
