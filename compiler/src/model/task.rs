//! Tasks: their steps with names resolved in the scope of the task alone.

use super::scope::{self, Scope};
use super::{Step, Task, param};
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::Spanned;
use crate::spec;

/// A resolved task; findings do not keep it from being used, so that what refers to it still resolves.
pub fn resolve(task: &spec::task::Task, diags: &mut Diags) -> Task {
    super::resolve::unique(task.params.iter().map(|param| &param.name), "parameter", diags);
    super::resolve::unique(task.workspaces.iter(), "workspace", diags);
    super::resolve::unique(task.results.iter().map(|result| &result.name), "result", diags);
    super::resolve::unique(task.steps.iter().map(|step| &step.name), "step", diags);
    let params = param::params(&task.params, diags);
    let results = param::results(&task.results, diags);
    let scope = Scope {
        params: &params,
        workspaces: task.workspaces.iter().map(Spanned::as_str).collect(),
        results: &results,
        jobs: Vec::new(),
    };
    let steps = task.steps.iter().filter_map(|step| resolve_step(step, &scope, diags)).collect();
    if task.steps.is_empty() {
        let finding =
            Diagnostic::new(&codes::MISSING_VALUE, task.span, format!("task `{}` has no step", task.name.value));
        diags.push(finding.here("nothing to run"));
    }
    Task {
        name: task.name.clone(),
        workspaces: task.workspaces.clone(),
        params,
        steps,
        results,
        timeout_seconds: task.timeout_seconds,
    }
}

fn resolve_step(step: &spec::task::Step, scope: &Scope, diags: &mut Diags) -> Option<Step> {
    let workdir = step.workdir.as_ref().map(|workdir| scope::resolve(workdir, scope, diags).value);
    let mut env = Vec::new();
    for (name, template) in &step.env {
        if !valid_variable(&name.value) {
            let message = format!("`{}` cannot be the name of an environment variable", name.value);
            diags.push(
                Diagnostic::new(&codes::WRONG_TYPE, name.span, message)
                    .help("letters, digits and `_`, not a digit first"),
            );
        }
        env.push((name.clone(), scope::resolve(template, scope, diags).value));
    }
    let Some(script) = &step.script else {
        let finding =
            Diagnostic::new(&codes::MISSING_VALUE, step.name.span, format!("step `{}` runs nothing", step.name.value));
        diags.push(finding.here("neither `run` nor `script`").help("add `run \"…\"` with the shell text"));
        return None;
    };
    Some(Step {
        name: step.name.clone(),
        image: Spanned::new(step.image.value.clone(), step.image.span),
        workdir,
        env,
        script: Spanned::new(script.text.value.clone(), script.text.span),
        timeout_seconds: step.timeout_seconds,
        cpu: step.cpu.clone(),
        memory: step.memory.clone(),
    })
}

fn valid_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
