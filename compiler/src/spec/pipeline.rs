//! `pipeline`: tasks in an order, with the checkout before and the images after them.

use super::flow::{
    self, APPROVAL, Approval, CONCURRENCY, Concurrency, MATRIX, Matrix, RETRIES, Retries, TIMEOUTS, Timeouts, WHEN,
};
use super::param::{self, Given, PARAM_VALUE, PIPELINE_PARAM, Param};
use super::pod::{self, POD, Pod, RESOURCES, Resources};
use super::table::{Arg, BLOCK, Block, Open, Type, arg, default, many, merged, optional, prop, required};
use super::view::View;
use crate::diag::Diags;
use crate::expr::Template;
use crate::source::{Span, Spanned};
use crate::syntax::Text;

pub static PIPELINE: Block = Block {
    name: "pipeline",
    plural: "pipelines",
    doc: "Tasks in an order. A run is known by its definition, its parameters and its inputs, and is not repeated.",
    args: &[arg("name", Type::Name, "the pipeline's name")],
    children: &[
        optional(&RUNS_ON),
        optional(&TIMEOUTS),
        optional(&CONCURRENCY),
        optional(&POD),
        many(&super::secret::SECRET),
        optional(&INPUTS),
        many(&PIPELINE_PARAM),
        many(&WORKSPACE),
        many(&CHECKOUT),
        many(&TASK_USE),
        many(&IMAGE),
        many(&APPROVAL),
        optional(&FINALLY),
    ],
    ..BLOCK
};

pub static RUNS_ON: Block = Block {
    name: "runs-on",
    plural: "runs-on",
    doc: "Where its Pods run: never in the namespace of an environment.",
    props: &[
        default("cluster", Type::Name, "default", "name of a `cluster`"),
        required("namespace", Type::Name, "namespace of the Pods"),
        prop("service-account", Type::Text, "service account of the Pods"),
        default("create", Type::Bool, "#false", "whether to make the namespace; it is never deleted"),
    ],
    ..BLOCK
};

pub static INPUTS: Block = Block {
    name: "inputs",
    plural: "inputs",
    doc: "Globs of the files that a run depends on; without them the whole checkout.",
    args: &[Arg {
        name: "globs",
        ty: Type::Path,
        doc: "a path; `*` within a part, `**` over parts",
        required: true,
        many: true,
    }],
    ..BLOCK
};

pub static WORKSPACE: Block = Block {
    name: "workspace",
    plural: "workspaces",
    doc: "A folder that tasks share; tasks that share one run in one Pod.",
    args: &[arg("name", Type::Name, "the workspace's name")],
    props: &[prop("size", Type::Quantity, "largest size: `2Gi`")],
    ..BLOCK
};

pub static CHECKOUT: Block = Block {
    name: "checkout",
    plural: "checkouts",
    doc: "Puts the files of a revision into a workspace before anything else runs on it.",
    args: &[arg("workspace", Type::Word, "a workspace of the pipeline")],
    props: &[required("revision", Type::Template, "the commit, as a rule `${param.revision}`")],
    ..BLOCK
};

pub static TASK_USE: Block = Block {
    name: "task",
    plural: "tasks",
    doc: "One task of the pipeline.",
    args: &[arg("name", Type::Name, "the name of this use")],
    props: &[
        required("use", Type::Reference, "the `task` that it runs; `MODULE.NAME` for one of a module"),
        prop("after", Type::Text, "name of a task or image that must have ended well before"),
        prop("timeout", Type::Duration, "how long it may take"),
        prop("service-account", Type::Name, "service account of its Pod; without it the pipeline's"),
        default(
            "on-error",
            Type::Enum(&["stop", "continue"]),
            "stop",
            "what its failure does to the pipeline: with `continue` what comes after it runs all the same",
        ),
    ],
    children: &[
        optional(&AFTER),
        optional(&WHEN),
        optional(&MATRIX),
        optional(&RETRIES),
        merged(&PARAM_VALUE),
        merged(&WORKSPACE_BINDING),
        optional(&RESOURCES),
        optional(&POD),
    ],
    ..BLOCK
};

pub static AFTER: Block = Block {
    name: "after",
    plural: "after",
    doc: "Names of several tasks or images that must have ended well before.",
    args: &[Arg { name: "names", ty: Type::Name, doc: "name of a task or image", required: true, many: true }],
    ..BLOCK
};

pub static WORKSPACE_BINDING: Block = Block {
    name: "workspace",
    plural: "workspace",
    doc: "Which workspace of the pipeline each workspace of the task is.",
    open: Some(Open { key: "a workspace of the task", ty: Type::Word }),
    ..BLOCK
};

pub static IMAGE: Block = Block {
    name: "image",
    plural: "images",
    doc: "Builds an image from a Dockerfile; its digest is `${image.NAME.digest}`.",
    args: &[arg("image", Type::Name, "the image's name in the spec; in YAML the key `image`")],
    props: &[
        prop("after", Type::Text, "name of a task or image that must have ended well before"),
        required("context", Type::Text, "workspace, or a folder in it: `source/services/api`"),
        default("dockerfile", Type::Text, "Dockerfile", "the Dockerfile, below the context"),
        required("tag", Type::Template, "the image's tag"),
        prop("name", Type::Image, "the image's name in the registry; without it the registry's prefix and the name"),
    ],
    children: &[optional(&AFTER)],
    ..BLOCK
};

pub static FINALLY: Block = Block {
    name: "finally",
    plural: "finally",
    doc: "Tasks that run whatever became of the others.",
    children: &[many(&TASK_USE)],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Pipeline {
    pub name: Spanned<String>,
    pub runs_on: Option<RunsOn>,
    pub inputs: Vec<Spanned<String>>,
    pub params: Vec<Param>,
    pub workspaces: Vec<Workspace>,
    pub checkouts: Vec<Checkout>,
    pub tasks: Vec<TaskUse>,
    pub images: Vec<Image>,
    pub finally: Vec<TaskUse>,
    pub approvals: Vec<Approval>,
    pub timeouts: Timeouts,
    pub concurrency: Option<Concurrency>,
    pub pod: Option<Pod>,
    /// Secrets of its namespace that its Pods and builds use.
    pub secrets: Vec<super::secret::Secret>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct RunsOn {
    pub cluster: Option<Spanned<String>>,
    pub namespace: Spanned<String>,
    pub create: bool,
    pub service_account: Option<Spanned<String>>,
}

#[derive(Clone, Debug)]
pub struct Workspace {
    pub name: Spanned<String>,
    pub size: Option<String>,
}

#[derive(Clone, Debug)]
pub struct Checkout {
    pub workspace: Spanned<String>,
    pub revision: Template,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct TaskUse {
    pub name: Spanned<String>,
    pub task: Spanned<String>,
    pub after: Vec<Spanned<String>>,
    pub params: Vec<(Spanned<String>, Given)>,
    pub workspaces: Vec<(Spanned<String>, Spanned<String>)>,
    pub timeout: Option<Spanned<u64>>,
    pub when: Option<Text>,
    pub matrix: Option<Matrix>,
    pub retries: Option<Retries>,
    /// `continue`, where it is written.
    pub on_error: Option<Spanned<String>>,
    pub service_account: Option<Spanned<String>>,
    pub resources: Option<Resources>,
    pub pod: Option<Pod>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Image {
    pub name: Spanned<String>,
    pub after: Vec<Spanned<String>>,
    pub context: Spanned<String>,
    pub dockerfile: Option<Spanned<String>>,
    pub tag: Template,
    pub reference: Option<Spanned<String>>,
    pub span: Span,
}

/// A pipeline, if it has a name.
pub fn lower(view: &View, diags: &mut Diags) -> Option<Pipeline> {
    let runs_on = |view: View| {
        let service_account = view.name("service-account");
        let cluster = view.value("cluster").map(|_| view.reference("cluster"));
        RunsOn { cluster, namespace: view.reference("namespace"), create: view.bool("create"), service_account }
    };
    let workspace =
        |view: &View| Some(Workspace { name: view.name("name")?, size: view.text("size").map(|text| text.value) });
    let inputs = view.child("inputs").map(|inputs| inputs.texts()).unwrap_or_default();
    let finally = view.child("finally");
    Some(Pipeline {
        name: view.name("name")?,
        runs_on: view.child("runs-on").map(runs_on),
        inputs: inputs.into_iter().map(|text| Spanned::new(text.value, text.span)).collect(),
        params: param::params(view),
        workspaces: view.children("workspace").iter().filter_map(workspace).collect(),
        checkouts: view.children("checkout").iter().map(|checkout| lower_checkout(checkout, diags)).collect(),
        tasks: view.children("task").iter().filter_map(|task| lower_use(task, diags)).collect(),
        images: view.children("image").iter().filter_map(|image| lower_image(image, diags)).collect(),
        finally: finally
            .iter()
            .flat_map(|finally| finally.children("task"))
            .filter_map(|task| lower_use(&task, diags))
            .collect(),
        approvals: flow::approvals(view),
        timeouts: flow::timeouts(view),
        concurrency: flow::concurrency(view, diags),
        pod: pod::pod(view),
        secrets: view.children("secret").iter().filter_map(super::secret::lower).collect(),
        span: view.head(),
    })
}

fn lower_checkout(view: &View, diags: &mut Diags) -> Checkout {
    let revision = view.template("revision", diags);
    Checkout { workspace: view.reference("workspace"), revision, span: view.head() }
}

/// What a block comes after: its property and its inner block.
pub fn after(view: &View) -> Vec<Spanned<String>> {
    let listed = view.child("after").map(|after| after.texts()).unwrap_or_default();
    view.text("after").into_iter().chain(listed).map(|text| Spanned::new(text.value, text.span)).collect()
}

fn lower_use(view: &View, diags: &mut Diags) -> Option<TaskUse> {
    let binding = |(key, value): (crate::syntax::Text, crate::syntax::Value)| {
        let text = value.text().map_or(String::new(), |text| text.value.clone());
        (Spanned::new(key.value, key.span), Spanned::new(text, value.span))
    };
    Some(TaskUse {
        name: view.name("name")?,
        task: view.reference("use"),
        after: after(view),
        params: param::given(view, diags),
        workspaces: view.children("workspace").iter().flat_map(View::open).map(binding).collect(),
        timeout: view.seconds("timeout"),
        when: flow::when(view),
        matrix: flow::matrix(view, diags),
        retries: flow::retries(view),
        on_error: view.name("on-error").filter(|text| text.value == "continue"),
        service_account: view.name("service-account"),
        resources: pod::resources(view),
        pod: pod::pod(view),
        span: view.head(),
    })
}

fn lower_image(view: &View, diags: &mut Diags) -> Option<Image> {
    Some(Image {
        name: view.name("image")?,
        after: after(view),
        context: view.definition("context"),
        dockerfile: view.name("dockerfile"),
        tag: view.template("tag", diags),
        reference: view.name("name"),
        span: view.head(),
    })
}
