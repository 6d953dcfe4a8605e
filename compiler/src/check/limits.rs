//! Time limits that fit into each other, retries, and who approves.

use std::collections::BTreeMap;

use crate::diag::{Diagnostic, Diags, codes};
use crate::source::Spanned;
use crate::spec::Spec;
use crate::spec::pipeline::{Pipeline, TaskUse};
use crate::spec::task::Task;
use crate::spec::value::show_seconds;

/// Most retries of a task.
const RETRIES: i64 = 10;

pub fn check(spec: &Spec, diags: &mut Diags) {
    for task in &spec.tasks {
        let template = task.template.iter().filter_map(|template| template.timeout.as_ref());
        for inner in template.chain(task.steps.iter().filter_map(|step| step.timeout.as_ref())) {
            fits(inner, task.timeout.as_ref(), "step", "task", diags);
        }
    }
    let tasks = spec.tasks_by_name();
    for pipeline in &spec.pipelines {
        check_pipeline(&tasks, pipeline, diags);
    }
}

/// Reports a limit that is longer than the one around it.
fn fits(inner: &Spanned<u64>, outer: Option<&Spanned<u64>>, what: &str, around: &str, diags: &mut Diags) {
    let Some(outer) = outer.filter(|outer| inner.value > outer.value) else { return };
    let message = format!("the time limit of a {what} is longer than that of its {around}");
    let finding = Diagnostic::new(&codes::TIMEOUT_UNREACHABLE, inner.span, message);
    let finding = finding.here(format!("it ends after {} at the latest", show_seconds(outer.value)));
    diags.push(finding.label(outer.span, format!("the limit of the {around}")));
}

fn check_pipeline(known: &BTreeMap<&str, &Task>, pipeline: &Pipeline, diags: &mut Diags) {
    let limits = &pipeline.timeouts;
    if let (Some(all), Some(tasks), finally) = (&limits.all, &limits.tasks, &limits.finally) {
        let sum = tasks.value.saturating_add(finally.as_ref().map_or(0, |finally| finally.value));
        if sum > all.value {
            let message = "the time limits of a pipeline do not fit into the whole";
            let finding = Diagnostic::new(&codes::TIMEOUTS_TOO_LONG, all.span, message);
            let finding =
                finding.here(format!("the parts take {}", show_seconds(sum))).label(tasks.span, "for the tasks");
            diags.push(match finally {
                Some(finally) => finding.label(finally.span, "for `finally`"),
                None => finding,
            });
        }
    }
    let whole = limits.tasks.as_ref().or(limits.all.as_ref());
    limits.task.iter().for_each(|limit| fits(limit, whole, "task", "pipeline", diags));
    let finally = limits.finally.as_ref().or(limits.all.as_ref());
    for (uses, outer) in [(&pipeline.tasks, whole), (&pipeline.finally, finally)] {
        for task in uses {
            check_use(known, task, outer, diags);
        }
    }
    for approval in &pipeline.approvals {
        approval.timeout.iter().for_each(|limit| fits(limit, whole, "task", "pipeline", diags));
        let name = approval.by.value.strip_prefix("group:").or(approval.by.value.strip_prefix("user:"));
        if name.is_none_or(str::is_empty) && !approval.by.value.is_empty() {
            let message = format!("`{}` does not say who approves", approval.by.value);
            let finding = Diagnostic::new(&codes::APPROVAL_BY_NOBODY, approval.by.span, message);
            diags.push(finding.here("neither `group:NAME` nor `user:NAME`"));
        }
    }
}

fn check_use(known: &BTreeMap<&str, &Task>, task: &TaskUse, outer: Option<&Spanned<u64>>, diags: &mut Diags) {
    let used = known.get(task.task.as_str());
    let own = used.and_then(|used| used.timeout.as_ref());
    if let Some(limit) = &task.timeout {
        fits(limit, outer, "task", "pipeline", diags);
    }
    if let (Some(limit), None) = (own, &task.timeout) {
        fits(limit, outer, "task", "pipeline", diags);
    }
    // Without a limit of its own the task has that of its use.
    for step in used.iter().flat_map(|used| &used.steps).filter(|_| own.is_none()) {
        step.timeout.iter().for_each(|inner| fits(inner, task.timeout.as_ref().or(outer), "step", "task", diags));
    }
    if let Some(retries) = task.retries.as_ref().filter(|retries| !(1..=RETRIES).contains(&retries.count.value)) {
        let message = format!("a task cannot be run again {} times", retries.count.value);
        let finding = Diagnostic::new(&codes::RETRIES_OUT_OF_RANGE, retries.count.span, message);
        diags.push(finding.here(format!("1 to {RETRIES}")).help("leave `retries` out where it is to run once"));
    }
}
