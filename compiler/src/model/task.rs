//! Tasks: their steps with names resolved in the scope of the task alone.

use super::flow::{Container, Sidecar};
use super::scope::{self, Scope};
use super::{Step, Task, Value, param};
use crate::diag::{Diagnostic, Diags, codes};
use crate::expr::Template;
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
        ..Scope::default()
    };
    let template = task.template.as_ref();
    let template_env = template.map(|template| variables(&template.env, &scope, diags)).unwrap_or_default();
    let base = Base { template, env: &template_env };
    let steps = task.steps.iter().filter_map(|step| resolve_step(step, &base, &scope, diags)).collect();
    let sidecars = task.sidecars.iter().map(|sidecar| Sidecar {
        name: sidecar.name.clone(),
        image: Spanned::new(sidecar.image.value.clone(), sidecar.image.span),
        env: variables(&sidecar.env, &scope, diags),
        span: sidecar.span,
    });
    let sidecars = sidecars.collect();
    for template in task.caches.iter().flat_map(|cache| cache.key.iter().chain([&cache.path])) {
        scope::resolve(template, &scope, diags);
    }
    for artefact in &task.artefacts {
        scope::resolve(&artefact.path, &scope, diags);
    }
    super::resolve::unique(task.caches.iter().map(|cache| &cache.name), "cache", diags);
    super::resolve::unique(task.artefacts.iter().map(|artefact| &artefact.name), "artefact", diags);
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
        sidecars,
        caches: task.caches.iter().map(|cache| cache.span).collect(),
        artefacts: task.artefacts.iter().map(|artefact| artefact.span).collect(),
        results,
        timeout_seconds: task.timeout.as_ref().map(|seconds| seconds.value),
    }
}

/// What steps have that do not say otherwise.
struct Base<'a> {
    template: Option<&'a spec::task::StepTemplate>,
    env: &'a [(Spanned<String>, Value)],
}

/// Variables with names resolved.
fn variables(env: &[(Spanned<String>, Template)], scope: &Scope, diags: &mut Diags) -> Vec<(Spanned<String>, Value)> {
    let mut all = Vec::new();
    for (name, template) in env {
        if !valid_variable(&name.value) {
            let message = format!("`{}` cannot be the name of an environment variable", name.value);
            diags.push(
                Diagnostic::new(&codes::WRONG_TYPE, name.span, message)
                    .help("letters, digits and `_`, not a digit first"),
            );
        }
        all.push((name.clone(), scope::resolve(template, scope, diags).value));
    }
    all
}

fn resolve_step(step: &spec::task::Step, base: &Base, scope: &Scope, diags: &mut Diags) -> Option<Step> {
    let workdir = step.workdir.as_ref().or(base.template.and_then(|template| template.workdir.as_ref()));
    let workdir = workdir.map(|workdir| scope::resolve(workdir, scope, diags).value);
    let own = variables(&step.env, scope, diags);
    let inherited = base.env.iter().filter(|(name, _)| !own.iter().any(|(known, _)| known.value == name.value));
    let env: Vec<(Spanned<String>, Value)> = inherited.cloned().chain(own.iter().cloned()).collect();
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
        timeout_seconds: step
            .timeout
            .as_ref()
            .or(base.template.and_then(|template| template.timeout.as_ref()))
            .map(|seconds| seconds.value),
        container: Container {
            resources: step.resources.clone().or(base.template.and_then(|template| template.resources.clone())),
            security: step.security.clone().or(base.template.and_then(|template| template.security.clone())),
            continue_on_error: step.continue_on_error,
        },
    })
}

fn valid_variable(name: &str) -> bool {
    !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.is_empty()
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
