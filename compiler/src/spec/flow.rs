//! When and how often the tasks of a pipeline run: conditions, matrices, retries, time limits, approvals, concurrency.

use super::param::Given;
use super::pipeline::AFTER;
use super::table::{BLOCK, Block, Open, Type, arg, default, many, optional, prop, required};
use super::view::{View, as_text};
use crate::diag::Diags;
use crate::expr::Template;
use crate::source::{Span, Spanned};
use crate::syntax::Text;

pub static WHEN: Block = Block {
    name: "when",
    plural: "when",
    doc: "The task runs where this expression is true; else it is left out, with what reads its results.",
    args: &[arg("condition", Type::Text, "an expression: `param.deploy == 'yes'`")],
    ..BLOCK
};

pub static MATRIX: Block = Block {
    name: "matrix",
    plural: "matrices",
    doc: "Runs the task once for each combination of the axes' values; its results are lists then. `${matrix.AXIS}` in the values of its parameters is the value at hand.",
    props: &[prop("max-parallel", Type::Int, "how many run at a time at most")],
    children: &[optional(&AXES), many(&INCLUDE), many(&EXCLUDE)],
    ..BLOCK
};

pub static AXES: Block = Block {
    name: "axes",
    plural: "axes",
    doc: "The axes with their values: `os \"linux\" \"mac\"`. One value `${…}` of a list stands for its items.",
    nested: Some(Open { key: "the axis' name", ty: Type::Any }),
    ..BLOCK
};

pub static INCLUDE: Block = Block {
    name: "include",
    plural: "include",
    doc: "One combination more, with a value for every axis.",
    open: Some(Open { key: "an axis", ty: Type::Any }),
    ..BLOCK
};

pub static EXCLUDE: Block = Block {
    name: "exclude",
    plural: "exclude",
    doc: "Leaves out the combinations that have all of these values.",
    open: Some(Open { key: "an axis", ty: Type::Any }),
    ..BLOCK
};

pub static RETRIES: Block = Block {
    name: "retries",
    plural: "retries",
    doc: "How often the task is run again after it failed.",
    args: &[arg("count", Type::Int, "1 to 10")],
    props: &[
        default(
            "on",
            Type::Enum(&["infrastructure", "any"]),
            "infrastructure",
            "after which failures: a lost node, an eviction or an image that could not be pulled, or any",
        ),
        prop("wait", Type::Duration, "pause before each"),
    ],
    ..BLOCK
};

pub static TIMEOUTS: Block = Block {
    name: "timeouts",
    plural: "timeouts",
    doc: "Time limits of the pipeline.",
    props: &[
        prop("all", Type::Duration, "for everything"),
        prop("tasks", Type::Duration, "for all tasks and images"),
        prop("finally", Type::Duration, "for the tasks of `finally`"),
        prop("task", Type::Duration, "for each task that has no limit of its own"),
    ],
    ..BLOCK
};

pub static APPROVAL: Block = Block {
    name: "approval",
    plural: "approvals",
    doc: "Waits until somebody says yes; what comes after it is a task or image that names it in `after`.",
    args: &[arg("name", Type::Name, "the approval's name")],
    props: &[
        required("by", Type::Text, "who may: `group:NAME` or `user:NAME`"),
        prop("after", Type::Text, "name of a task or image that must have ended well before"),
        prop("timeout", Type::Duration, "how long it waits before it fails"),
        prop("message", Type::Text, "what is asked"),
    ],
    children: &[optional(&AFTER)],
    ..BLOCK
};

pub static CONCURRENCY: Block = Block {
    name: "concurrency",
    plural: "concurrency",
    doc: "Runs that must not be under way together.",
    props: &[
        required("group", Type::Template, "runs of the same group exclude each other: `deploy-${param.env}`"),
        default(
            "on-conflict",
            Type::Enum(&["queue", "cancel-older", "reject"]),
            "queue",
            "what becomes of a run that comes while others are under way",
        ),
        default("max", Type::Int, "1", "how many of a group may be under way"),
    ],
    ..BLOCK
};

/// A matrix as written.
#[derive(Clone, Debug)]
pub struct Matrix {
    pub max_parallel: Option<Spanned<i64>>,
    pub axes: Vec<(Spanned<String>, Given)>,
    pub include: Vec<Combination>,
    pub exclude: Vec<Combination>,
    pub span: Span,
}

/// Values by axis.
#[derive(Clone, Debug)]
pub struct Combination {
    pub values: Vec<(Spanned<String>, Text)>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Retries {
    pub count: Spanned<i64>,
    /// Only after failures of the infrastructure.
    pub infrastructure: bool,
    pub span: Span,
}

#[derive(Clone, Debug, Default)]
pub struct Timeouts {
    pub all: Option<Spanned<u64>>,
    pub tasks: Option<Spanned<u64>>,
    pub finally: Option<Spanned<u64>>,
    pub task: Option<Spanned<u64>>,
}

#[derive(Clone, Debug)]
pub struct Approval {
    pub name: Spanned<String>,
    pub by: Spanned<String>,
    pub after: Vec<Spanned<String>>,
    pub timeout: Option<Spanned<u64>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Concurrency {
    pub group: Template,
    pub on_conflict: String,
    pub max: Option<Spanned<i64>>,
    pub span: Span,
}

pub fn when(view: &View) -> Option<Text> {
    view.child("when").and_then(|when| when.text("condition"))
}

pub fn matrix(view: &View, diags: &mut Diags) -> Option<Matrix> {
    let block = view.child("matrix")?;
    let entry =
        |(key, value): (Text, crate::syntax::Value)| Some((Spanned::new(key.value, key.span), as_text(&value)?));
    let combination =
        |view: &View| Combination { values: view.open().into_iter().filter_map(entry).collect(), span: view.head() };
    let axes = block.child("axes").map(|axes| super::param::nested_values(&axes, diags)).unwrap_or_default();
    Some(Matrix {
        max_parallel: block.int("max-parallel"),
        axes,
        include: block.children("include").iter().map(combination).collect(),
        exclude: block.children("exclude").iter().map(combination).collect(),
        span: block.head(),
    })
}

pub fn retries(view: &View) -> Option<Retries> {
    let block = view.child("retries")?;
    let infrastructure = block.text("on").is_none_or(|on| on.value != "any");
    Some(Retries { count: block.int("count")?, infrastructure, span: block.head() })
}

pub fn timeouts(view: &View) -> Timeouts {
    let Some(block) = view.child("timeouts") else { return Timeouts::default() };
    Timeouts {
        all: block.seconds("all"),
        tasks: block.seconds("tasks"),
        finally: block.seconds("finally"),
        task: block.seconds("task"),
    }
}

pub fn approvals(view: &View) -> Vec<Approval> {
    let approval = |view: &View| {
        Some(Approval {
            name: view.name("name")?,
            by: view.definition("by"),
            after: super::pipeline::after(view),
            timeout: view.seconds("timeout"),
            span: view.head(),
        })
    };
    view.children("approval").iter().filter_map(approval).collect()
}

pub fn concurrency(view: &View, diags: &mut Diags) -> Option<Concurrency> {
    let block = view.child("concurrency")?;
    Some(Concurrency {
        group: block.template("group", diags),
        on_conflict: block.text("on-conflict").map_or("queue".to_owned(), |text| text.value),
        max: block.int("max"),
        span: block.head(),
    })
}
