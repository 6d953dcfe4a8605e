//! Pipelines: jobs, what they get, and the order that names and `after` imply.

use std::collections::{BTreeMap, BTreeSet};

use super::flow::{ApprovalWork, Concurrency, Flow, needed};
use super::matrix::{self, Known};
use super::resolve::{cluster, find, find_in, unique};
use super::scope::{self, Scope, ScopedJob, Typed};
use super::{
    Atom, Checkout, Cluster, Given, ImageWork, Job, JobId, Param, Pipeline, Registry, Store, Task, TaskId, TaskWork,
    ValueType, Work, Workspace, given, module, order, param, secret,
};
use crate::diag::{Applicability, Diagnostic, Diags, codes};
use crate::source::Spanned;
use crate::spec::{flow, pipeline as written, value};

/// What a pipeline can name outside itself.
pub struct Outer<'a> {
    pub clusters: &'a [Cluster],
    pub tasks: &'a [Task],
    /// Where each task stands by its name, the first of several.
    pub names: &'a BTreeMap<&'a str, usize>,
    pub registries: &'a [Registry],
    pub stores: &'a [Store],
    /// What the modules are called that are used.
    pub modules: &'a [String],
}

/// A pipeline, if every name in it that a job rests on is known.
pub fn resolve(spec: &written::Pipeline, outer: &Outer, diags: &mut Diags) -> Option<Pipeline> {
    let jobs = spec.tasks.iter().map(|task| &task.name).chain(spec.images.iter().map(|image| &image.name));
    let approvals = spec.approvals.iter().map(|approval| &approval.name);
    unique(jobs.chain(approvals).chain(spec.finally.iter().map(|task| &task.name)), "task or image", diags);
    unique(spec.params.iter().map(|param| &param.name), "parameter", diags);
    unique(spec.workspaces.iter().map(|workspace| &workspace.name), "workspace", diags);
    unique(spec.secrets.iter().map(|secret| &secret.name), "secret", diags);
    let secrets = secret::secrets(&spec.secrets, outer.stores, diags);
    let params = param::params(&spec.params, diags);
    let scope = scope(spec, outer, &params);
    let workspaces: Vec<&str> = spec.workspaces.iter().map(|workspace| workspace.name.as_str()).collect();
    let names = scope.jobs.iter().enumerate().rev().map(|(at, job)| (job.name, at)).collect();
    let inner = Inner { outer, scope: &scope, workspaces: &workspaces, names: &names };
    let checkouts = spec.checkouts.iter().filter_map(|checkout| inner.checkout(checkout, diags)).collect();
    let tasks = spec.tasks.iter().map(|task| inner.task_job(task, false, diags));
    let mut jobs: Vec<Option<Job>> = tasks.collect();
    jobs.extend(spec.images.iter().map(|image| inner.image_job(image, diags)));
    jobs.extend(spec.approvals.iter().map(|approval| Some(inner.approval_job(approval, diags))));
    let finally: Vec<Option<Job>> = spec.finally.iter().map(|task| inner.task_job(task, true, diags)).collect();
    let concurrency = spec.concurrency.as_ref().map(|concurrency| inner.concurrency(concurrency, diags));
    let Some(runs_on) = &spec.runs_on else {
        let finding = Diagnostic::new(
            &codes::MISSING_VALUE,
            spec.name.span,
            format!("pipeline `{}` does not say where it runs", spec.name.value),
        );
        diags.push(finding.here("`runs-on` is missing").help("add `runs-on namespace=\"NAME\"`"));
        return None;
    };
    let default = Spanned::new("default".to_owned(), spec.span);
    let cluster = cluster(runs_on.cluster.as_ref().unwrap_or(&default), outer.clusters, diags)?;
    let (jobs, finally) = ordered(jobs, finally.into_iter().flatten().collect(), diags)?;
    let (jobs, finally) = matrix::expand(jobs, finally);
    Some(Pipeline {
        name: spec.name.clone(),
        cluster,
        namespace: runs_on.namespace.clone(),
        create: runs_on.create,
        service_account: runs_on.service_account.clone(),
        inputs: spec.inputs.iter().map(|glob| value::clean_path(&glob.value)).collect(),
        params,
        workspaces: spec
            .workspaces
            .iter()
            .map(|workspace| Workspace { name: workspace.name.clone(), size: workspace.size.clone() })
            .collect(),
        checkouts,
        jobs,
        finally,
        timeouts: spec.timeouts.clone(),
        concurrency,
        pod: spec.pod.clone(),
        secrets,
    })
}

/// What expressions of the pipeline can name. Jobs have the numbers of their order in the spec: tasks, then images.
fn scope<'a>(spec: &'a written::Pipeline, outer: &'a Outer, params: &'a [Param]) -> Scope<'a> {
    let results =
        |task: &written::TaskUse| outer.names.get(task.task.as_str()).map(|at| outer.tasks[*at].results.as_slice());
    let tasks = spec.tasks.iter().enumerate().map(|(at, task)| ScopedJob {
        name: task.name.as_str(),
        id: JobId(at),
        image: false,
        matrix: task.matrix.is_some(),
        results: results(task).unwrap_or_default(),
    });
    let images = spec.images.iter().enumerate().map(|(at, image)| ScopedJob {
        name: image.name.as_str(),
        id: JobId(spec.tasks.len() + at),
        image: true,
        matrix: false,
        results: &[],
    });
    let before = spec.tasks.len() + spec.images.len();
    let approvals = spec.approvals.iter().enumerate().map(|(at, approval)| ScopedJob {
        name: approval.name.as_str(),
        id: JobId(before + at),
        image: false,
        matrix: false,
        results: &[],
    });
    Scope { params, jobs: tasks.chain(images).chain(approvals).collect(), ..Scope::default() }
}

/// Reports given names that the task does not have. What is given already is not proposed once more.
fn known_only<'a>(
    given: impl Iterator<Item = &'a Spanned<String>> + Clone,
    what: &str,
    task: &Task,
    known: &[&str],
    diags: &mut Diags,
) {
    let has = |name: &&str| given.clone().any(|given| given.value == **name);
    let free: Vec<&str> = known.iter().copied().filter(|name| !has(name)).collect();
    for name in given.clone().filter(|name| !known.contains(&name.as_str())) {
        find_in(name, what, &format!(" of task `{}`", task.name.value), &free, diags);
    }
}

#[derive(Clone, Copy)]
struct Inner<'a> {
    outer: &'a Outer<'a>,
    scope: &'a Scope<'a>,
    workspaces: &'a [&'a str],
    /// Where each job stands by its name, the first of several.
    names: &'a BTreeMap<&'a str, usize>,
}

impl Inner<'_> {
    fn workspace(&self, name: &Spanned<String>, diags: &mut Diags) -> Option<usize> {
        find(name, "workspace", self.workspaces, diags)
    }

    fn checkout(&self, spec: &written::Checkout, diags: &mut Diags) -> Option<Checkout> {
        let revision = scope::resolve(&spec.revision, self.scope, diags);
        self.expect(&revision, ValueType::Commit, diags);
        Some(Checkout { workspace: self.workspace(&spec.workspace, diags)?, revision: revision.value, span: spec.span })
    }

    /// Reports a value that does not fit.
    fn expect(&self, typed: &Typed, wanted: ValueType, diags: &mut Diags) {
        let literal = match typed.value.atoms.as_slice() {
            [Atom::Text(text)] => scope::bad_literal(text, wanted),
            _ => None,
        };
        let Some(why) = literal.or_else(|| typed.ty.and_then(|ty| scope::mismatch(ty, wanted))) else { return };
        diags.push(
            Diagnostic::new(
                &codes::TYPE_MISMATCH,
                typed.value.span,
                format!("a value of type {} is wanted here", wanted.as_str()),
            )
            .here(why),
        );
    }

    fn after(&self, names: &[Spanned<String>], diags: &mut Diags) -> BTreeSet<JobId> {
        let mut after = BTreeSet::new();
        for name in names {
            let found = self.names.get(name.as_str()).copied().filter(|_| !name.value.is_empty());
            let found = found.or_else(|| {
                let known: Vec<&str> = self.scope.jobs.iter().map(|job| job.name).collect();
                find(name, "task or image", &known, diags)
            });
            after.extend(found.map(|at| self.scope.jobs[at].id));
        }
        after
    }

    fn approval_job(&self, spec: &flow::Approval, diags: &mut Diags) -> Job {
        let work = ApprovalWork { by: spec.by.clone(), timeout_seconds: spec.timeout.as_ref().map(|time| time.value) };
        Job {
            name: spec.name.clone(),
            after: self.after(&spec.after, diags).into_iter().collect(),
            work: Work::Approval(work),
            flow: Flow::default(),
            span: spec.span,
        }
    }

    fn concurrency(&self, spec: &flow::Concurrency, diags: &mut Diags) -> Concurrency {
        let known = Scope { params: self.scope.params, ..Scope::default() };
        Concurrency {
            group: scope::resolve(&spec.group, &known, diags).value,
            on_conflict: spec.on_conflict.clone(),
            max: spec.max.as_ref().map_or(1, |max| max.value),
            span: spec.span,
        }
    }

    /// The flow of a use of a task, and the axes of its matrix.
    fn flow(&self, spec: &written::TaskUse, diags: &mut Diags) -> (Flow, Vec<(String, Option<ValueType>)>) {
        let mut flow = Flow {
            when: spec.when.as_ref().map(|text| Spanned::new(text.value.clone(), text.span)),
            max_parallel: spec.matrix.as_ref().and_then(|matrix| matrix.max_parallel.as_ref()).map(|max| max.span),
            retries: spec.retries.clone(),
            on_error: spec.on_error.as_ref().map(|on_error| on_error.span),
            service_account: spec.service_account.clone(),
            pod: spec.pod.clone(),
            resources: spec.resources.as_ref().map(|resources| resources.span),
            ..Flow::default()
        };
        let Some(written) = &spec.matrix else { return (flow, Vec::new()) };
        let axes = matrix::axes(written, self.scope, diags);
        match matrix::combinations(written, &axes, diags) {
            Known::Combinations(all) => {
                flow.expansion = Some((axes.iter().map(|(name, _)| name.clone()).collect(), all));
            }
            Known::Later => flow.matrix = Some(written.span),
        }
        (flow, axes)
    }

    fn task_job(&self, spec: &written::TaskUse, finally: bool, diags: &mut Diags) -> Option<Job> {
        let (flow, axes) = self.flow(spec, diags);
        let scope = Scope { axes, finally, ..self.scope.clone() };
        Inner { scope: &scope, ..*self }.task_use(spec, flow, diags)
    }

    fn task(&self, name: &Spanned<String>, diags: &mut Diags) -> Option<usize> {
        let found = self.outer.names.get(name.as_str()).copied().filter(|_| !name.value.is_empty());
        if found.is_none() && !name.value.is_empty() {
            let known: Vec<&str> = self.outer.tasks.iter().map(|task| task.name.as_str()).collect();
            diags.push(module::unknown(name, &known, self.outer.modules));
        }
        found
    }

    fn task_use(&self, spec: &written::TaskUse, flow: Flow, diags: &mut Diags) -> Option<Job> {
        let mut after = self.after(&spec.after, diags);
        let found = self.task(&spec.task, diags);
        let Some(found) = found else {
            // The values are read all the same: what is wrong in them is another mistake.
            for template in spec.params.iter().flat_map(|(_, given)| given.templates()) {
                scope::resolve(template, self.scope, diags);
            }
            for (_, name) in &spec.workspaces {
                self.workspace(name, diags);
            }
            return None;
        };
        let task = &self.outer.tasks[found];
        let params = self.params(spec, task, diags);
        after.extend(
            params.iter().flatten().flat_map(Given::values).flat_map(|value| value.atoms.iter().flat_map(needed)),
        );
        let workspaces = self.bindings(spec, task, diags)?;
        let work = TaskWork {
            task: TaskId(found),
            params,
            workspaces,
            timeout_seconds: spec.timeout.as_ref().map(|time| time.value),
        };
        let job = Job {
            name: spec.name.clone(),
            after: after.into_iter().collect(),
            work: Work::Task(work),
            flow,
            span: spec.span,
        };
        if let Some((axes, combinations)) = &job.flow.expansion {
            matrix::fits(&job, combinations, task, axes, diags);
        }
        Some(job)
    }

    fn params(&self, spec: &written::TaskUse, task: &Task, diags: &mut Diags) -> Vec<Option<Given>> {
        let known: Vec<&str> = task.params.iter().map(|param| param.name.as_str()).collect();
        known_only(spec.params.iter().map(|(name, _)| name), "parameter", task, &known, diags);
        let mut values = Vec::new();
        for param in &task.params {
            let given = spec.params.iter().find(|(name, _)| name.value == param.name.value);
            let value = match given {
                Some((_, given)) => Some(given::resolve(given, param, self.scope, diags)),
                None => self.propagated(spec, param, diags),
            };
            if value.is_none() && param.default.is_none() {
                diags.push(self.missing(spec, param));
            }
            values.push(value);
        }
        values
    }

    /// The parameter of the pipeline that goes by itself to each task that has one of its name.
    fn propagated(&self, spec: &written::TaskUse, param: &Param, diags: &mut Diags) -> Option<Given> {
        let at = self.scope.params.iter().position(|own| own.propagate && own.name.value == param.name.value)?;
        let own = &self.scope.params[at];
        if let Some(why) = param.shape.refuses(&own.shape) {
            let message =
                format!("parameter `{}` of the pipeline does not fit task `{}`", own.name.value, spec.name.value);
            let finding = Diagnostic::new(&codes::TYPE_MISMATCH, spec.name.span, message).here(why);
            let finding = finding.label(own.name.span, "propagated from here").label(param.name.span, "to this one");
            diags.push(finding.help(format!("give the task its own: `param {}=\"…\"`", param.name.value)));
        }
        Some(Given::One(super::Value { atoms: vec![Atom::Param(at)], span: spec.name.span }))
    }

    fn missing(&self, spec: &written::TaskUse, param: &Param) -> Diagnostic {
        let name = &param.name.value;
        let message = format!("task `{}` needs its parameter `{name}`", spec.name.value);
        let finding = Diagnostic::new(&codes::PARAM_MISSING, spec.name.span, message).here("no value is given");
        let finding = finding.label(param.name.span, "declared here, without a default");
        match self.scope.params.iter().find(|own| own.name.value == *name) {
            Some(_) => finding.help(format!(
                "add `param {name}=\"${{param.{name}}}\"`, or `propagate=#true` to the pipeline's parameter"
            )),
            None => finding.help(format!("add `param {name}=\"…\"`")),
        }
    }

    fn bindings(&self, spec: &written::TaskUse, task: &Task, diags: &mut Diags) -> Option<Vec<usize>> {
        let known: Vec<&str> = task.workspaces.iter().map(Spanned::as_str).collect();
        known_only(spec.workspaces.iter().map(|(name, _)| name), "workspace", task, &known, diags);
        let mut bound = Vec::new();
        for wanted in &task.workspaces {
            match spec.workspaces.iter().find(|(name, _)| name.value == wanted.value) {
                Some((_, name)) => bound.push(self.workspace(name, diags)),
                None => {
                    diags.push(self.unbound(spec, wanted));
                    bound.push(None);
                }
            }
        }
        bound.into_iter().collect()
    }

    fn unbound(&self, spec: &written::TaskUse, wanted: &Spanned<String>) -> Diagnostic {
        let message = format!("workspace `{}` of task `{}` is not bound", wanted.value, spec.name.value);
        let finding = Diagnostic::new(&codes::WORKSPACE_UNBOUND, spec.name.span, message).here("no workspace is given");
        let finding = finding.label(wanted.span, "the task works in it");
        match self.workspaces.first() {
            Some(first) => finding.help(format!("add `workspace {}=\"{first}\"`", wanted.value)),
            None => finding.help("the pipeline has no workspace: add `workspace \"source\"`"),
        }
    }

    fn image_job(&self, spec: &written::Image, diags: &mut Diags) -> Option<Job> {
        let mut after = self.after(&spec.after, diags);
        let tag = scope::resolve(&spec.tag, self.scope, diags);
        self.check_tag(&tag, diags);
        after.extend(tag.value.atoms.iter().flat_map(needed));
        let (workspace, folder) = spec.context.value.split_once('/').unwrap_or((spec.context.value.as_str(), ""));
        if spec.context.value.is_empty() {
            return None;
        }
        if !value::is_path(&spec.context.value) {
            let message = format!("`{}` is not a folder in a workspace", spec.context.value);
            diags.push(
                Diagnostic::new(&codes::WRONG_TYPE, spec.context.span, message).here("begins with a workspace's name"),
            );
            return None;
        }
        let workspace = self.workspace(&Spanned::new(workspace.to_owned(), spec.context.span), diags)?;
        let dockerfile = spec.dockerfile.clone().unwrap_or(Spanned::new("Dockerfile".into(), spec.span));
        let work = ImageWork {
            workspace,
            folder: value::clean_path(folder),
            context: spec.context.clone(),
            dockerfile,
            tag: tag.value,
            reference: self.reference(spec),
        };
        Some(Job {
            name: spec.name.clone(),
            after: after.into_iter().collect(),
            work: Work::Image(work),
            flow: Flow::default(),
            span: spec.span,
        })
    }

    /// The image's name in the registry.
    fn reference(&self, spec: &written::Image) -> String {
        match (&spec.reference, self.outer.registries.first()) {
            (Some(reference), _) => reference.value.clone(),
            (None, Some(registry)) => format!("{}/{}", registry.prefix.value, spec.name.value),
            (None, None) => spec.name.value.clone(),
        }
    }

    fn check_tag(&self, tag: &Typed, diags: &mut Diags) {
        if tag.ty.is_none() {
            return;
        }
        let finding = |message: String| Diagnostic::new(&codes::BAD_IMAGE_TAG, tag.value.span, message);
        let git_ref = tag.value.atoms.iter().find_map(|atom| match atom {
            Atom::Param(at) if self.scope.params[*at].ty == ValueType::GitRef => Some(&self.scope.params[*at]),
            _ => None,
        });
        if let Some(param) = git_ref {
            let found =
                finding("a git ref cannot be an image tag".into()).here("a ref such as `refs/heads/main` has slashes");
            let found = found.label(param.name.span, format!("`{}` is a git-ref", param.name.value));
            let commit = self.scope.params.iter().find(|param| param.ty == ValueType::Commit);
            let name = commit.map_or("revision", |param| param.name.as_str());
            let text = format!("\"${{param.{name}.short}}\"");
            diags.push(found.help("use the commit, which is the same wherever it is built").fix(
                "use the commit",
                Applicability::Maybe,
                tag.value.span,
                text,
            ));
            return;
        }
        let literal: String =
            tag.value.atoms.iter().map(|atom| if let Atom::Text(text) = atom { text.as_str() } else { "x" }).collect();
        if let Some(why) = value::bad_tag(&literal) {
            let found = finding(format!("`{}` cannot be an image tag", show(tag))).here(why);
            diags.push(found.help("a tag has letters, digits, `_`, `.` and `-`, at most 128 of them"));
        }
    }
}

fn show(tag: &Typed) -> String {
    tag.value.atoms.iter().map(|atom| if let Atom::Text(text) = atom { text.as_str() } else { "${…}" }).collect()
}

/// Puts jobs into an order in which they can run and renumbers what they refer to. Jobs that did not resolve are left
/// out, and so is what refers to them.
fn ordered(jobs: Vec<Option<Job>>, finally: Vec<Job>, diags: &mut Diags) -> Option<(Vec<Job>, Vec<Job>)> {
    let after = |job: &Option<Job>| job.as_ref().map_or(Vec::new(), |job| job.after.iter().map(|id| id.0).collect());
    let order = match order::topological(&jobs.iter().map(after).collect::<Vec<_>>()) {
        Ok(order) => order,
        Err(cycle) => {
            diags.push(task_cycle(&jobs, &cycle));
            return None;
        }
    };
    let mut new = vec![None; jobs.len()];
    for (at, old) in order.iter().filter(|old| jobs[**old].is_some()).enumerate() {
        new[*old] = Some(JobId(at));
    }
    let mut jobs = jobs;
    let renumber = |mut job: Job| {
        let mut after: Vec<JobId> = job.after.iter().filter_map(|id| new[id.0]).collect();
        after.sort();
        job.after = after;
        match &mut job.work {
            Work::Task(work) => {
                work.params
                    .iter_mut()
                    .flatten()
                    .flat_map(Given::values_mut)
                    .for_each(|value| renumber_value(value, &new));
            }
            Work::Image(work) => renumber_value(&mut work.tag, &new),
            Work::Approval(_) => {}
        }
        job
    };
    let ordered = order.into_iter().filter_map(|old| jobs[old].take().map(renumber)).collect();
    Some((ordered, finally.into_iter().map(renumber).collect()))
}

fn renumber_value(value: &mut super::Value, new: &[Option<JobId>]) {
    value.atoms.retain_mut(|atom| renumber_atom(atom, new));
}

/// Whether what the atom stands for is still there.
fn renumber_atom(atom: &mut Atom, new: &[Option<JobId>]) -> bool {
    match atom {
        Atom::Computed(computed) => computed.inputs.iter_mut().all(|input| renumber_atom(&mut input.atom, new)),
        Atom::JobResult(job, _) | Atom::ImageDigest(job) | Atom::JobStatus(job) => match new[job.0] {
            Some(id) => {
                *job = id;
                true
            }
            None => false,
        },
        Atom::JobResults(jobs, ..) => {
            *jobs = jobs.iter().filter_map(|job| new[job.0]).collect();
            !jobs.is_empty()
        }
        Atom::Text(_) | Atom::Param(_) | Atom::ParamField(..) | Atom::ParamShort(_) => true,
        Atom::Workspace(_) | Atom::ResultPath(_) | Atom::Matrix(_) => true,
    }
}

fn task_cycle(jobs: &[Option<Job>], cycle: &[usize]) -> Diagnostic {
    let job = |at: usize| jobs[at].as_ref().expect("BUG: a job in a cycle was left out");
    let name = |at: usize| job(at).name.value.as_str();
    let path: Vec<&str> = cycle.iter().chain([&cycle[0]]).map(|at| name(*at)).collect();
    let message = format!("tasks wait for each other in a circle: {}", path.join(" after "));
    let label = |at: usize, next: usize| format!("`{}` waits for `{}`", name(at), name(next));
    let finding = Diagnostic::new(&codes::TASK_CYCLE, job(cycle[0]).name.span, message);
    let next = |index: usize| cycle[(index + 1) % cycle.len()];
    let finding = finding.here(label(cycle[0], next(0)));
    (1..cycle.len())
        .fold(finding, |finding, index| finding.label(job(cycle[index]).name.span, label(cycle[index], next(index))))
}
