//! Pipelines as groups of tasks: jobs that share a workspace, or that come after one another, run in one Pod.
//!
//! Sharing a Pod costs one start and needs no volume; jobs that neither share nor follow run beside each other.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::json;

use super::{Options, pod};
use crate::diag::{Diagnostic, Diags, codes};
use crate::model::{self, Atom, Given, Job, JobId, Model, Pipeline, PipelineId, ValueType, Work, shape};
use crate::plan::digest::sha256;
use crate::plan::effect::{Env, Group, Part, Program, Step, Task, TaskResult, Workspace};
use crate::plan::observed::Observed;
use crate::plan::{Unknown, unknown};

/// One run of a pipeline.
#[derive(Clone, Debug)]
pub struct Run {
    /// What the run is known by.
    pub key: String,
    pub revision: String,
    pub groups: Vec<Group>,
    pub finally: Vec<Group>,
    /// By job: reference and tag of what it builds.
    pub images: BTreeMap<JobId, (String, String)>,
    /// Everything that the run gives: expressions by name.
    pub outputs: Vec<Unknown>,
    /// Whether it has to be run, or has succeeded before.
    pub needed: bool,
    /// What it gave, where it has succeeded before.
    pub values: BTreeMap<String, String>,
}

/// The values of a pipeline's parameters.
struct Context<'a> {
    model: &'a Model,
    pipeline: &'a Pipeline,
    params: Vec<String>,
    remote: &'a str,
    /// Of expressions that have no value.
    problems: RefCell<Diags>,
}

/// The run that a pipeline should have had; `None` where findings keep it from being known.
pub fn wanted(
    model: &Model,
    id: PipelineId,
    observed: &Observed,
    options: &Options,
    problems: &mut Diags,
) -> Option<Run> {
    let pipeline = model.pipeline(id);
    let name = pipeline.name.value.as_str();
    let Some(git) = &observed.git else {
        let finding = Diagnostic::new(
            &codes::NO_REPOSITORY,
            pipeline.name.span,
            format!("pipeline `{name}` needs a git repository"),
        );
        problems.push(finding.help("a run is known by a commit: make the project's folder a repository with a commit"));
        return None;
    };
    let facts = git.pipelines.get(name).cloned().unwrap_or_default();
    let revision = if facts.revision.is_empty() { git.revision.clone() } else { facts.revision.clone() };
    let params = params(pipeline, &revision, options, problems)?;
    let context = Context { model, pipeline, params, remote: &git.remote, problems: RefCell::default() };
    context.values_fit(problems);
    let mut run = context.run(&revision, problems)?;
    problems.extend(context.problems.into_inner());
    run.key = key(model, pipeline, &facts.inputs, options, problems)?;
    let cluster = observed.clusters.get(&model.cluster(pipeline.cluster).name);
    let known = match cluster {
        Some(crate::plan::observed::Cluster::Facts(facts)) => facts.runs.get(&run.key),
        Some(crate::plan::observed::Cluster::Failure(_)) | None => None,
    };
    if let Some(record) = known.filter(|_| !options.rerun) {
        run.needed = false;
        run.values = record.values.clone();
        run.revision = record.revision.clone();
    }
    Some(run)
}

/// Definition, parameters other than the revision, and inputs.
fn key(model: &Model, pipeline: &Pipeline, inputs: &str, options: &Options, problems: &mut Diags) -> Option<String> {
    let zero = "0".repeat(40);
    let params = params(pipeline, &zero, options, problems)?;
    let definition =
        Context { model, pipeline, params, remote: "", problems: RefCell::default() }.run(&zero, problems)?;
    let text = json!([pipeline.name.value, definition.groups, definition.finally, inputs]);
    Some(sha256(text.to_string().as_bytes()))
}

/// The value of each parameter: given, default, or the revision for a commit.
fn params(pipeline: &Pipeline, revision: &str, options: &Options, problems: &mut Diags) -> Option<Vec<String>> {
    let name = pipeline.name.value.as_str();
    let mut values = Vec::new();
    let mut complete = true;
    for param in &pipeline.params {
        let fits = |given: &&super::Param| {
            given.name == param.name.value && given.pipeline.as_deref().is_none_or(|only| only == name)
        };
        let given = options.params.iter().rev().find(fits).map(|given| given.value.clone());
        let default = param.default.as_ref().map(|default| default.value.clone());
        let implied = (param.ty == model::ValueType::Commit).then(|| revision.to_owned());
        match given.or(default).or(implied) {
            Some(value) => {
                if let Some(misfit) = param.shape.misfit(&value) {
                    let what = format!("the value of parameter `{}`", param.name.value);
                    let mut finding = model::param::judged(what, misfit, param.name.span, &param.shape, &value);
                    finding.fixes.clear();
                    problems.push(finding);
                    complete = false;
                }
                values.push(value);
            }
            None => {
                let message = format!("parameter `{}` of pipeline `{name}` has no value", param.name.value);
                let finding = Diagnostic::new(&codes::PARAM_UNSET, param.name.span, message).here("no default");
                problems.push(finding.help(format!("give it with `--param {name}.{}=VALUE`", param.name.value)));
                complete = false;
            }
        }
    }
    complete.then_some(values)
}

impl Context<'_> {
    fn run(&self, revision: &str, problems: &mut Diags) -> Option<Run> {
        let mut images = BTreeMap::new();
        for (at, job) in self.pipeline.jobs.iter().enumerate() {
            if let Work::Image(image) = &job.work {
                images.insert(JobId(at), (image.reference.clone(), self.tag(image, problems)?));
            }
        }
        let groups = components(self.pipeline).into_iter().map(|jobs| self.group(&jobs, false, &images)).collect();
        let finally = self.pipeline.finally.iter().map(|job| self.finally(job, &images)).collect();
        let outputs = self.outputs();
        let revision = revision.to_owned();
        Some(Run {
            key: String::new(),
            revision,
            groups,
            finally,
            images,
            outputs,
            needed: true,
            values: BTreeMap::new(),
        })
    }

    /// Holds what tasks get against their parameters' types, where the run's parameters make it known.
    fn values_fit(&self, problems: &mut Diags) {
        for job in self.pipeline.jobs.iter().chain(&self.pipeline.finally) {
            let Work::Task(work) = &job.work else { continue };
            for (param, given) in self.model.task(work.task).params.iter().zip(&work.params) {
                let Some(Given::One(value)) = given else { continue };
                let parts = self.parts(&value.atoms, true);
                let [Part::Text(text)] = parts.as_slice() else { continue };
                let Some(misfit) = param.shape.misfit(text) else { continue };
                let what = format!("the value of `{}` for task `{}`", param.name.value, job.name.value);
                let mut finding = model::param::judged(what, misfit, value.span, &param.shape, text);
                finding.fixes.clear();
                problems.push(finding.label(param.name.span, "declared here"));
            }
        }
    }

    fn outputs(&self) -> Vec<Unknown> {
        let name = self.pipeline.name.value.as_str();
        let of = |job: &Job| match &job.work {
            Work::Approval(_) => Vec::new(),
            Work::Image(_) => vec![unknown::digest(name, &job.name.value)],
            Work::Task(work) => {
                let results = &self.model.task(work.task).results;
                results
                    .iter()
                    .map(|result| unknown::result(name, &job.name.value, &result.name.value, &result.shape.show()))
                    .collect()
            }
        };
        self.pipeline.jobs.iter().flat_map(of).collect()
    }

    fn tag(&self, image: &model::ImageWork, problems: &mut Diags) -> Option<String> {
        let parts = self.parts(&image.tag.atoms, true);
        let [Part::Text(tag)] = parts.as_slice() else {
            let finding =
                Diagnostic::new(&codes::BAD_IMAGE_TAG, image.tag.span, "an image tag must be known before the run");
            problems.push(finding.help("a result cannot be part of a tag in this version; use the commit"));
            return None;
        };
        if let Some(why) = crate::spec::value::bad_tag(tag) {
            let finding =
                Diagnostic::new(&codes::BAD_IMAGE_TAG, image.tag.span, format!("`{tag}` cannot be an image tag"));
            problems.push(finding.here(why));
            return None;
        }
        Some(tag.clone())
    }

    fn group(&self, jobs: &[JobId], finally: bool, images: &BTreeMap<JobId, (String, String)>) -> Group {
        let jobs: Vec<&Job> = jobs.iter().map(|id| self.pipeline.job(*id)).collect();
        let first = jobs.first().copied();
        let mut used: Vec<usize> = jobs.iter().flat_map(|job| workspaces(job)).collect();
        used.sort_unstable();
        used.dedup();
        let checkouts = self.pipeline.checkouts.iter().filter(|checkout| used.contains(&checkout.workspace));
        let mut tasks: Vec<Task> = checkouts.map(|checkout| self.checkout(checkout)).collect();
        tasks.extend(jobs.iter().map(|job| self.job(job, images, finally)));
        Group {
            pipeline: self.pipeline.name.value.clone(),
            namespace: self.pipeline.namespace.value.clone(),
            service_account: pod::account(self.pipeline, first),
            fields: pod::of_job(self.pipeline, first),
            deadline_seconds: self.deadline(finally),
            workspaces: used.iter().map(|at| self.workspace(*at)).collect(),
            tasks,
            finally,
            runner_image: self.model.project.runner_image.as_ref().map(|image| image.value.clone()),
        }
    }

    /// A task that runs whatever became of the others, in a Pod of its own.
    fn finally(&self, job: &Job, images: &BTreeMap<JobId, (String, String)>) -> Group {
        let mut group = self.group(&[], true, images);
        let used = workspaces(job);
        let checkouts = self.pipeline.checkouts.iter().filter(|checkout| used.contains(&checkout.workspace));
        group.tasks = checkouts.map(|checkout| self.checkout(checkout)).collect();
        group.tasks.push(self.job(job, images, true));
        group.service_account = pod::account(self.pipeline, Some(job));
        group.fields = pod::of_job(self.pipeline, Some(job));
        group.workspaces = used.iter().map(|at| self.workspace(*at)).collect();
        group
    }

    /// Seconds that a group may take: all groups start together, and those of `finally` too.
    fn deadline(&self, finally: bool) -> Option<u64> {
        let limits = &self.pipeline.timeouts;
        let seconds = |limit: &Option<crate::source::Spanned<u64>>| limit.as_ref().map(|limit| limit.value);
        let (own, other) = if finally { (&limits.finally, &limits.tasks) } else { (&limits.tasks, &limits.finally) };
        let rest = seconds(&limits.all).map(|all| all.saturating_sub(seconds(other).unwrap_or(0)));
        seconds(own).or(rest)
    }

    fn workspace(&self, at: usize) -> Workspace {
        let workspace = &self.pipeline.workspaces[at];
        Workspace { name: workspace.name.value.clone(), size: workspace.size.clone() }
    }

    fn checkout(&self, checkout: &model::Checkout) -> Task {
        let workspace = self.pipeline.workspaces[checkout.workspace].name.value.clone();
        let revision = text(&self.parts(&checkout.revision.atoms, true));
        let program = Program::Checkout { remote: self.remote.to_owned(), revision, workspace: workspace.clone() };
        let step = bare_step("checkout", program);
        Task {
            name: format!("checkout-{}", workspace.to_lowercase()),
            steps: vec![step],
            results: Vec::new(),
            timeout_seconds: None,
        }
    }

    fn job(&self, job: &Job, images: &BTreeMap<JobId, (String, String)>, finally: bool) -> Task {
        match &job.work {
            // A plan with one is refused (`check::unsupported`).
            Work::Approval(_) => {
                Task { name: job.name.value.clone(), steps: Vec::new(), results: Vec::new(), timeout_seconds: None }
            }
            Work::Task(work) => self.task(job, work, finally),
            Work::Image(work) => {
                let at = self.pipeline.jobs.iter().position(|known| known.name.value == job.name.value).unwrap_or(0);
                let reference = images.get(&JobId(at)).map(|(name, tag)| format!("{name}:{tag}")).unwrap_or_default();
                let workspace = &self.pipeline.workspaces[work.workspace].name.value;
                let context =
                    if work.folder.is_empty() { workspace.clone() } else { format!("{workspace}/{}", work.folder) };
                let program = Program::Image { context, dockerfile: work.dockerfile.value.clone(), reference };
                let results = vec![TaskResult { name: "digest".into(), r#type: "digest".into() }];
                Task {
                    name: job.name.value.clone(),
                    steps: vec![bare_step("image", program)],
                    results,
                    timeout_seconds: None,
                }
            }
        }
    }

    fn task(&self, job: &Job, work: &model::TaskWork, finally: bool) -> Task {
        let task = self.model.task(work.task);
        let values: Vec<Vec<Part>> = task
            .params
            .iter()
            .zip(&work.params)
            .map(|(param, given)| match given {
                Some(given) => self.given(given, !finally),
                None => vec![Part::Text(param.default.as_ref().map(|text| text.value.clone()).unwrap_or_default())],
            })
            .collect();
        let inner = Inner { context: self, job, work, task, values };
        Task {
            name: job.name.value.clone(),
            steps: task.steps.iter().map(|step| inner.step(step)).collect(),
            results: task
                .results
                .iter()
                .map(|result| TaskResult { name: result.name.value.clone(), r#type: result.shape.show() })
                .collect(),
            timeout_seconds: work.timeout_seconds.or(task.timeout_seconds).or(self
                .pipeline
                .timeouts
                .task
                .as_ref()
                .map(|limit| limit.value)),
        }
    }

    /// A given value as parts; a list or mapping as JSON.
    fn given(&self, given: &Given, same_pod: bool) -> Vec<Part> {
        let item = |value: &model::Value, ty: ValueType| json_of(self.parts(&value.atoms, same_pod), ty);
        match given {
            Given::One(value) => self.parts(&value.atoms, same_pod),
            Given::List(items, of) => in_brackets("[", items.iter().map(|value| item(value, *of)).collect(), "]"),
            Given::Map(entries) => {
                let entry = |(key, value, ty): &(String, model::Value, ValueType)| {
                    [vec![Part::Text(format!("{}:", json!(key)))], item(value, *ty)].concat()
                };
                in_brackets("{", entries.iter().map(entry).collect(), "}")
            }
        }
    }

    /// Atoms of the pipeline's scope as parts. In one Pod results are read from files; elsewhere they are unknowns.
    fn parts(&self, atoms: &[Atom], same_pod: bool) -> Vec<Part> {
        let name = self.pipeline.name.value.as_str();
        let placeholder = |job: &JobId, result: &str| {
            Part::Text(unknown::result(name, &self.pipeline.job(*job).name.value, result, "string").placeholder)
        };
        let result = |job: &JobId, result: &str| {
            if !same_pod {
                return placeholder(job, result);
            }
            Part::Result { task: self.pipeline.job(*job).name.value.clone(), name: result.to_owned() }
        };
        let part = |atom: &Atom| match atom {
            Atom::Text(text) => vec![Part::Text(text.clone())],
            Atom::Param(at) => vec![Part::Text(self.params[*at].clone())],
            Atom::ParamField(at, name) => vec![Part::Text(field(&self.params[*at], name))],
            Atom::ParamShort(at) => vec![Part::Text(short(&self.params[*at]))],
            Atom::Computed(computed) => {
                let read = |atom: &Atom| text(&self.parts(std::slice::from_ref(atom), true));
                vec![Part::Text(self.computed(computed, &read))]
            }
            Atom::Workspace(at) => {
                vec![Part::Text(format!("/workspace/{}", self.pipeline.workspaces[*at].name.value))]
            }
            Atom::ResultPath(_) | Atom::Matrix(_) | Atom::JobStatus(_) => vec![Part::Text(String::new())],
            Atom::JobResults(jobs, name, of) => {
                let items = jobs.iter().map(|job| json_of(vec![result(job, name)], *of)).collect();
                in_brackets("[", items, "]")
            }
            Atom::JobResult(job, name) => vec![result(job, name)],
            Atom::ImageDigest(job) if same_pod => vec![result(job, "digest")],
            Atom::ImageDigest(job) => {
                vec![Part::Text(unknown::digest(name, &self.pipeline.job(*job).name.value).placeholder)]
            }
        };
        join(atoms.iter().flat_map(part).collect())
    }
}

impl Context<'_> {
    /// The text that an expression gives; empty where it gives none, which is a problem of the plan.
    fn computed(&self, computed: &model::Computed, read: &dyn Fn(&Atom) -> String) -> String {
        model::computed::text(computed, read).unwrap_or_else(|problem| {
            self.problems.borrow_mut().push(*problem);
            String::new()
        })
    }
}

/// The scope of one task.
struct Inner<'a> {
    context: &'a Context<'a>,
    job: &'a Job,
    work: &'a model::TaskWork,
    task: &'a model::Task,
    values: Vec<Vec<Part>>,
}

impl Inner<'_> {
    fn step(&self, step: &model::Step) -> Step {
        let variable = |(name, value): &(crate::source::Spanned<String>, model::Value)| Env {
            name: name.value.clone(),
            parts: self.parts(value),
        };
        Step {
            name: step.name.value.clone(),
            workdir: step.workdir.as_ref().map(|workdir| text(&self.parts(workdir))),
            env: step.env.iter().map(variable).collect(),
            cpu: pod::both(&step.container, "cpu"),
            memory: pod::both(&step.container, "memory"),
            continue_on_error: step.container.continue_on_error,
            fields: pod::of_container(&step.container),
            timeout_seconds: step.timeout_seconds,
            program: Program::Shell { image: step.image.value.clone(), text: step.script.value.clone() },
        }
    }

    fn parts(&self, value: &model::Value) -> Vec<Part> {
        let part = |atom: &Atom| match atom {
            Atom::Text(text) => vec![Part::Text(text.clone())],
            Atom::Param(at) => self.values[*at].clone(),
            Atom::ParamField(at, name) => vec![Part::Text(field(&text(&self.values[*at]), name))],
            Atom::ParamShort(at) => vec![Part::Text(short(&text(&self.values[*at])))],
            Atom::Workspace(at) => {
                let bound = self.work.workspaces[*at];
                vec![Part::Text(format!("/workspace/{}", self.context.pipeline.workspaces[bound].name.value))]
            }
            Atom::ResultPath(at) => {
                vec![Part::Text(format!(
                    "/waybill/results/{}/{}",
                    self.job.name.value, self.task.results[*at].name.value
                ))]
            }
            Atom::Computed(computed) => {
                let read =
                    |atom: &Atom| text(&self.parts(&model::Value { atoms: vec![atom.clone()], span: value.span }));
                vec![Part::Text(self.context.computed(computed, &read))]
            }
            Atom::JobResult(..) | Atom::JobResults(..) | Atom::ImageDigest(_) => Vec::new(),
            Atom::JobStatus(_) | Atom::Matrix(_) => Vec::new(),
        };
        join(value.atoms.iter().flat_map(part).collect())
    }
}

fn bare_step(name: &str, program: Program) -> Step {
    Step {
        name: name.into(),
        workdir: None,
        env: Vec::new(),
        cpu: None,
        memory: None,
        timeout_seconds: None,
        continue_on_error: false,
        fields: serde_json::Value::Null,
        program,
    }
}

/// Items with commas between them.
fn in_brackets(open: &str, items: Vec<Vec<Part>>, close: &str) -> Vec<Part> {
    let text = |text: &str| Part::Text(text.to_owned());
    let mut all = vec![text(open)];
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            all.push(text(","));
        }
        all.extend(item);
    }
    all.push(text(close));
    join(all)
}

/// Parts as one JSON value. What only a run gives is of a type whose texts need no escapes (`check::unsupported`).
fn json_of(parts: Vec<Part>, ty: ValueType) -> Vec<Part> {
    if let [Part::Text(text)] = parts.as_slice() {
        return vec![Part::Text(shape::item(text, ty).to_string())];
    }
    if !shape::is_quoted(ty) {
        return parts;
    }
    let quote = || vec![Part::Text("\"".into())];
    [quote(), parts, quote()].concat()
}

/// A field of an object that is known, as text; empty where it is absent.
fn field(json: &str, name: &str) -> String {
    let object: serde_json::Value = serde_json::from_str(json).unwrap_or_default();
    match &object[name] {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn short(sha: &str) -> String {
    sha.chars().take(7).collect()
}

/// The text of parts, results left out.
fn text(parts: &[Part]) -> String {
    let text = |part: &Part| match part {
        Part::Text(text) => text.clone(),
        Part::Result { .. } => String::new(),
    };
    parts.iter().map(text).collect()
}

/// Neighbouring texts become one; there is always at least one part.
fn join(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::new();
    for part in parts {
        match (joined.last_mut(), part) {
            (Some(Part::Text(before)), Part::Text(text)) => before.push_str(&text),
            (_, part) => joined.push(part),
        }
    }
    if joined.is_empty() {
        joined.push(Part::Text(String::new()));
    }
    joined
}

fn workspaces(job: &Job) -> Vec<usize> {
    match &job.work {
        Work::Task(work) => work.workspaces.clone(),
        Work::Image(work) => vec![work.workspace],
        Work::Approval(_) => Vec::new(),
    }
}

/// Jobs that share a workspace or come after one another, as groups in order.
pub fn components(pipeline: &Pipeline) -> Vec<Vec<JobId>> {
    let mut root: Vec<usize> = (0..pipeline.jobs.len()).collect();
    fn find(root: &mut [usize], at: usize) -> usize {
        let mut at = at;
        while root[at] != at {
            root[at] = root[root[at]];
            at = root[at];
        }
        at
    }
    let mut first_user: BTreeMap<usize, usize> = BTreeMap::new();
    for (at, job) in pipeline.jobs.iter().enumerate() {
        let shared = workspaces(job).into_iter().map(|workspace| *first_user.entry(workspace).or_insert(at));
        let before = job.after.iter().map(|id| id.0);
        for other in shared.chain(before).collect::<Vec<_>>() {
            let (a, b) = (find(&mut root, at), find(&mut root, other));
            root[a.max(b)] = a.min(b);
        }
    }
    let mut groups: BTreeMap<usize, Vec<JobId>> = BTreeMap::new();
    for at in 0..pipeline.jobs.len() {
        groups.entry(find(&mut root, at)).or_default().push(JobId(at));
    }
    groups.into_values().collect()
}
