//! Results that may not be there: of a task that `when` leaves out, or that failed before `finally`.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Diags, codes};
use crate::expr::Chain;
use crate::spec::Spec;
use crate::spec::param::{Given, ResultDecl};
use crate::spec::pipeline::{Pipeline, TaskUse};
use crate::spec::task::Task;

/// The tasks of a spec by name.
type Tasks<'a> = BTreeMap<&'a str, &'a Task>;

pub fn check(spec: &Spec, diags: &mut Diags) {
    let known = spec.tasks_by_name();
    for pipeline in &spec.pipelines {
        for reader in &pipeline.tasks {
            for chain in chains(reader) {
                skippable(&known, pipeline, Some(reader), chain, diags);
            }
        }
        for image in &pipeline.images {
            for chain in image.tag.chains() {
                skippable(&known, pipeline, None, chain, diags);
            }
        }
        for reader in &pipeline.finally {
            check_finally(&known, pipeline, reader, diags);
        }
    }
}

fn chains(task: &TaskUse) -> Vec<&Chain> {
    let templates = task.params.iter().flat_map(|(_, given)| given.templates());
    templates.flat_map(|template| template.chains()).collect()
}

/// The task and result that a chain names.
fn read<'a>(known: &Tasks<'a>, pipeline: &'a Pipeline, chain: &Chain) -> Option<(&'a TaskUse, &'a ResultDecl)> {
    let parts = chain.parts();
    let ["task", name, "result", result, ..] = parts.as_slice() else { return None };
    let source = pipeline.tasks.iter().find(|task| task.name.value == *name)?;
    let task = known.get(source.task.as_str())?;
    Some((source, task.results.iter().find(|known| known.name.value == *result)?))
}

fn skippable(known: &Tasks<'_>, pipeline: &Pipeline, reader: Option<&TaskUse>, chain: &Chain, diags: &mut Diags) {
    let Some((source, result)) = read(known, pipeline, chain) else { return };
    let Some(when) = &source.when else { return };
    let same = reader.and_then(|reader| reader.when.as_ref()).is_some_and(|own| own.value.trim() == when.value.trim());
    if same || result.default.is_some() {
        return;
    }
    let message =
        format!("task `{}` may be left out, and its result `{}` has no default", source.name.value, result.name.value);
    let finding = Diagnostic::new(&codes::RESULT_MAYBE_MISSING, chain.span, message).here("not always there");
    let finding = finding.label(when.span, "where this is false").label(result.name.span, "declared here");
    diags.push(finding.help("give the result a `default`, or this task the same `when`"));
}

fn check_finally(known: &Tasks<'_>, pipeline: &Pipeline, reader: &TaskUse, diags: &mut Diags) {
    let Some(task) = known.get(reader.task.as_str()) else { return };
    for (name, given) in &reader.params {
        let Some(param) = task.params.iter().find(|param| param.name.value == name.value) else { continue };
        let Given::One(template) = given else { continue };
        if param.typing.ty.value == "string" && param.typing.pattern.is_none() {
            continue;
        }
        for chain in template.chains() {
            let Some((source, result)) = read(known, pipeline, chain).filter(|(_, result)| result.default.is_none())
            else {
                continue;
            };
            let message = format!("`finally` reads a result of task `{}`, which may have failed", source.name.value);
            let finding = Diagnostic::new(&codes::FINALLY_RESULT_MISSING, chain.span, message);
            let finding = finding.here(format!("empty then, which is no {}", param.typing.ty.value));
            let finding = finding.label(param.name.span, "the parameter is declared here");
            diags.push(finding.label(result.name.span, "the result has no default"));
        }
    }
}
