//! The spec with names resolved and defaults filled in: typed ids instead of names.
//!
//! **Invariant:** every id points at something; environments stand in the order of their promotion, jobs of a pipeline in
//! an order in which they can run. What does not resolve is left out and reported: a model is whole only without errors.

pub mod computed;
mod environment;
pub mod flow;
pub mod given;
pub mod governance;
pub mod matrix;
pub mod module;
mod order;
pub mod param;
mod pipeline;
pub(crate) mod resolve;
pub mod scope;
pub mod secret;
pub mod shape;
mod task;

use crate::source::{Span, Spanned};
pub use computed::Computed;
pub use resolve::resolve;
pub use scope::bad_literal;
pub use secret::{Secret, Store};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub usize);
    )*};
}

ids! {
    /// Index of a cluster in its model.
    ClusterId,
    /// Index of a task in its model.
    TaskId,
    /// Index of a pipeline in its model.
    PipelineId,
    /// Index of a job in its pipeline.
    JobId,
    /// Index of an environment in its model.
    EnvironmentId
}

/// A whole resolved spec.
#[derive(Clone, Debug)]
pub struct Model {
    pub project: Project,
    pub server: Option<Server>,
    pub clusters: Vec<Cluster>,
    pub stores: Vec<Store>,
    pub tasks: Vec<Task>,
    pub pipelines: Vec<Pipeline>,
    pub environments: Vec<Environment>,
    pub governance: governance::Governance,
}

#[derive(Clone, Debug)]
pub struct Project {
    pub name: String,
    pub runner_image: Option<Spanned<String>>,
    /// URL of the repository; `None` is the remote `origin` of the clone.
    pub remote: Option<Spanned<String>>,
    pub branch: String,
    pub registries: Vec<Registry>,
    pub credentials: Option<Spanned<String>>,
    /// Where bumps are said to go through pull requests.
    pub pull_request: Option<Span>,
    pub span: Span,
}

/// Where `waybill serve` runs.
#[derive(Clone, Debug)]
pub struct Server {
    pub url: Spanned<String>,
    pub cluster: ClusterId,
    pub namespace: Spanned<String>,
    /// Secrets of its namespace.
    pub secrets: Vec<Secret>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Registry {
    pub prefix: Spanned<String>,
    pub pull: Option<Spanned<String>>,
    pub push: Option<Spanned<String>>,
}

#[derive(Clone, Debug)]
pub struct Cluster {
    pub name: String,
    /// `None` is the embedded cluster.
    pub context: Option<String>,
    /// Where its own manifests are.
    pub manifests: Option<Spanned<String>>,
    /// `None` for `default`, which exists without being written.
    pub span: Option<Span>,
}

/// Types of values; a `commit` is a record that stands for its sha where a string is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValueType {
    String,
    Int,
    Bool,
    Commit,
    GitRef,
    ImageTag,
    Digest,
    Duration,
    Quantity,
    Url,
    Path,
    Number,
    Image,
    Enum,
    List,
    Map,
    Object,
}

impl ValueType {
    pub fn parse(text: &str) -> Option<ValueType> {
        ValueType::ALL.iter().copied().find(|ty| ty.as_str() == text)
    }

    pub const ALL: &[ValueType] = &[
        ValueType::String,
        ValueType::Int,
        ValueType::Bool,
        ValueType::Commit,
        ValueType::GitRef,
        ValueType::ImageTag,
        ValueType::Digest,
        ValueType::Duration,
        ValueType::Quantity,
        ValueType::Url,
        ValueType::Path,
        ValueType::Number,
        ValueType::Image,
        ValueType::Enum,
        ValueType::List,
        ValueType::Map,
        ValueType::Object,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            ValueType::String => "string",
            ValueType::Int => "int",
            ValueType::Bool => "bool",
            ValueType::Commit => "commit",
            ValueType::GitRef => "git-ref",
            ValueType::ImageTag => "image-tag",
            ValueType::Digest => "digest",
            ValueType::Duration => "duration",
            ValueType::Quantity => "quantity",
            ValueType::Url => "url",
            ValueType::Path => "path",
            ValueType::Number => "number",
            ValueType::Image => "image",
            ValueType::Enum => "enum",
            ValueType::List => "list",
            ValueType::Map => "map",
            ValueType::Object => "object",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Param {
    pub name: Spanned<String>,
    pub ty: ValueType,
    /// The whole type, with its rules.
    pub shape: shape::Shape,
    /// As text; that of a list, map or object is JSON.
    pub default: Option<Spanned<String>>,
    /// Whether tasks of the pipeline that have a parameter of this name get it.
    pub propagate: bool,
}

/// A part of a value: text, or what a name stands for. Indexes are those of the scope that it was resolved in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Atom {
    Text(String),
    /// A parameter, a commit as its sha.
    Param(usize),
    /// A field of an object.
    ParamField(usize, String),
    /// The value at hand of an axis of the job's matrix.
    Matrix(String),
    /// `succeeded`, `failed` or `skipped`: what became of a job.
    JobStatus(JobId),
    /// The results of the jobs that a matrix became, as a list of a type.
    JobResults(Vec<JobId>, String, ValueType),
    /// The first seven characters of a commit.
    ParamShort(usize),
    /// The path of a workspace.
    Workspace(usize),
    /// The path of a result's file.
    ResultPath(usize),
    /// A result of another job of the pipeline.
    JobResult(JobId, String),
    /// The digest of an image job.
    ImageDigest(JobId),
    /// What an expression gives.
    Computed(Box<Computed>),
}

/// A value made of parts, with the place where it stands.
#[derive(Clone, Debug)]
pub struct Value {
    pub atoms: Vec<Atom>,
    pub span: Span,
}

/// What a parameter of a task gets.
#[derive(Clone, Debug)]
pub enum Given {
    One(Value),
    /// Items of a type each.
    List(Vec<Value>, ValueType),
    /// Values of a type each, by key.
    Map(Vec<(String, Value, ValueType)>),
}

impl Given {
    pub fn values(&self) -> Vec<&Value> {
        match self {
            Given::One(value) => vec![value],
            Given::List(items, _) => items.iter().collect(),
            Given::Map(entries) => entries.iter().map(|(_, value, _)| value).collect(),
        }
    }

    pub fn values_mut(&mut self) -> Vec<&mut Value> {
        match self {
            Given::One(value) => vec![value],
            Given::List(items, _) => items.iter_mut().collect(),
            Given::Map(entries) => entries.iter_mut().map(|(_, value, _)| value).collect(),
        }
    }
}

#[derive(Clone, Debug)]
pub struct Task {
    pub name: Spanned<String>,
    pub workspaces: Vec<Spanned<String>>,
    pub params: Vec<Param>,
    pub steps: Vec<Step>,
    pub sidecars: Vec<flow::Sidecar>,
    /// Places of its caches.
    pub caches: Vec<Span>,
    /// Places of its artefacts.
    pub artefacts: Vec<Span>,
    pub results: Vec<ResultDecl>,
    pub timeout_seconds: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct ResultDecl {
    pub name: Spanned<String>,
    pub ty: ValueType,
    /// The whole type.
    pub shape: shape::Shape,
    /// The value where the task was left out.
    pub default: Option<Spanned<String>>,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub name: Spanned<String>,
    pub image: Spanned<String>,
    pub workdir: Option<Value>,
    pub env: Vec<(Spanned<String>, Value)>,
    pub script: Spanned<String>,
    pub timeout_seconds: Option<u64>,
    pub container: flow::Container,
}

#[derive(Clone, Debug)]
pub struct Pipeline {
    pub name: Spanned<String>,
    pub cluster: ClusterId,
    pub namespace: Spanned<String>,
    /// Whether the plan makes the namespace.
    pub create: bool,
    pub service_account: Option<Spanned<String>>,
    /// Globs; empty means everything.
    pub inputs: Vec<String>,
    pub params: Vec<Param>,
    pub workspaces: Vec<Workspace>,
    pub checkouts: Vec<Checkout>,
    /// Tasks and images in an order in which they can run.
    pub jobs: Vec<Job>,
    pub finally: Vec<Job>,
    pub timeouts: crate::spec::flow::Timeouts,
    pub concurrency: Option<flow::Concurrency>,
    pub pod: Option<crate::spec::pod::Pod>,
    /// Secrets of its namespace.
    pub secrets: Vec<Secret>,
}

#[derive(Clone, Debug)]
pub struct Workspace {
    pub name: Spanned<String>,
    pub size: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Checkout {
    pub workspace: usize,
    pub revision: Value,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Job {
    pub name: Spanned<String>,
    /// Jobs that must have ended well before; indexes into `jobs`, ascending.
    pub after: Vec<JobId>,
    pub work: Work,
    pub flow: flow::Flow,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Work {
    Task(TaskWork),
    Image(ImageWork),
    Approval(flow::ApprovalWork),
}

#[derive(Clone, Debug)]
pub struct TaskWork {
    pub task: TaskId,
    /// By parameter of the task: what it gets; `None` is its default.
    pub params: Vec<Option<Given>>,
    /// By workspace of the task: the workspace of the pipeline.
    pub workspaces: Vec<usize>,
    pub timeout_seconds: Option<u64>,
}

#[derive(Clone, Debug)]
pub struct ImageWork {
    pub workspace: usize,
    /// Folder below the workspace; empty for the workspace itself.
    pub folder: String,
    /// The context as written.
    pub context: Spanned<String>,
    pub dockerfile: Spanned<String>,
    pub tag: Value,
    /// Name in the registry, without tag.
    pub reference: String,
}

#[derive(Clone, Debug)]
pub struct Environment {
    pub name: Spanned<String>,
    pub cluster: ClusterId,
    pub namespace: Spanned<String>,
    /// Whether the plan makes the namespace.
    pub create: bool,
    pub manifests: Option<Spanned<String>>,
    pub images: Vec<EnvironmentImage>,
    pub promote: Option<Promote>,
    pub rollouts: Vec<Rollout>,
    pub health_seconds: u64,
    pub sync: Option<crate::spec::environment::Sync>,
    pub secrets: Vec<Secret>,
    /// Further clusters that it is in, with their namespaces.
    pub others: Vec<(ClusterId, Spanned<String>)>,
    /// Order, hooks, times and notifications, as written.
    pub delivery: crate::spec::delivery::Delivery,
}

#[derive(Clone, Debug)]
pub struct EnvironmentImage {
    pub name: String,
    pub from: ImageSource,
    /// Name of the entry in the overlay's `images`.
    pub reference: String,
    pub span: Span,
}

/// Where the version of an image comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageSource {
    Pipeline(PipelineId, JobId),
    /// The environment before, and the index of the image there.
    Promoted(EnvironmentId, usize),
}

#[derive(Clone, Debug)]
pub struct Promote {
    pub from: EnvironmentId,
    pub soak: Option<Spanned<u64>>,
    pub approval: Option<Spanned<String>>,
    /// What else is asked for, as written.
    pub written: crate::spec::environment::Promote,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Rollout {
    pub workload: Spanned<String>,
    pub stages: Vec<Stage>,
    pub timeout_seconds: u64,
    /// What else is asked for, as written.
    pub written: crate::spec::rollout::Rollout,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Stage {
    pub weight: Spanned<u32>,
    pub hold_seconds: u64,
    pub span: Span,
}

impl Model {
    pub fn cluster(&self, id: ClusterId) -> &Cluster {
        &self.clusters[id.0]
    }

    pub fn task(&self, id: TaskId) -> &Task {
        &self.tasks[id.0]
    }

    pub fn pipeline(&self, id: PipelineId) -> &Pipeline {
        &self.pipelines[id.0]
    }

    pub fn environment(&self, id: EnvironmentId) -> &Environment {
        &self.environments[id.0]
    }

    /// The cluster that keeps the project's journal: that of the first environment, else of the first pipeline.
    pub fn home(&self) -> ClusterId {
        let environment = self.environments.first().map(|environment| environment.cluster);
        let pipeline = self.pipelines.first().map(|pipeline| pipeline.cluster);
        environment.or(pipeline).unwrap_or(ClusterId(0))
    }

    /// Ids of all environments, in the order of promotion.
    pub fn environment_ids(&self) -> impl Iterator<Item = EnvironmentId> + use<> {
        (0..self.environments.len()).map(EnvironmentId)
    }

    /// The pipelines and jobs that an image of an environment comes from, through promotions.
    pub fn origin(&self, environment: EnvironmentId, image: usize) -> Option<(PipelineId, JobId)> {
        match self.environment(environment).images.get(image)?.from {
            ImageSource::Pipeline(pipeline, job) => Some((pipeline, job)),
            ImageSource::Promoted(from, image) => self.origin(from, image),
        }
    }
}

impl Pipeline {
    pub fn job(&self, id: JobId) -> &Job {
        &self.jobs[id.0]
    }
}
