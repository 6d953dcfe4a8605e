//! `task`: steps that run one after the other, with parameters, workspaces and results.

use super::param::{self, PARAM, Param, RESULT, ResultDecl};
use super::table::{BLOCK, Block, Open, Type, arg, many, merged, optional, prop, required};
use super::view::View;
use crate::diag::Diags;
use crate::expr::{self, Template};
use crate::source::{Span, Spanned};
use crate::syntax::Text;

pub static TASK: Block = Block {
    name: "task",
    plural: "tasks",
    doc: "Steps that run one after the other; pipelines use it by name.",
    args: &[arg("name", Type::Name, "the task's name")],
    props: &[prop("timeout", Type::Duration, "how long all steps may take together")],
    children: &[many(&WORKSPACE), many(&PARAM), many(&STEP), many(&RESULT)],
    ..BLOCK
};

pub static WORKSPACE: Block = Block {
    name: "workspace",
    plural: "workspaces",
    doc: "A folder that the task works in; its path is `${workspace.NAME}`.",
    args: &[arg("name", Type::Word, "the workspace's name")],
    ..BLOCK
};

pub static STEP: Block = Block {
    name: "step",
    plural: "steps",
    doc: "One container: an image and a shell text.",
    args: &[arg("name", Type::Name, "the step's name")],
    props: &[
        required("image", Type::Image, "image with the tools"),
        prop("workdir", Type::Template, "folder in which it starts"),
        prop("timeout", Type::Duration, "how long the step may take"),
    ],
    children: &[optional(&RUN), optional(&SCRIPT), merged(&ENV), optional(&RESOURCES)],
    ..BLOCK
};

pub static RUN: Block = Block {
    name: "run",
    plural: "runs",
    doc: "A shell text, run by `/bin/sh -e`. Values reach it as environment variables.",
    args: &[arg("text", Type::Script, "the shell text")],
    ..BLOCK
};

pub static SCRIPT: Block = Block {
    name: "script",
    plural: "scripts",
    doc: "A whole script; its `#!` line names the interpreter.",
    args: &[arg("text", Type::Script, "the script")],
    ..BLOCK
};

pub static ENV: Block = Block {
    name: "env",
    plural: "env",
    doc: "Environment variables.",
    open: Some(Open { key: "the variable's name", ty: Type::Any }),
    ..BLOCK
};

pub static RESOURCES: Block = Block {
    name: "resources",
    plural: "resources",
    doc: "What the step asks of the node.",
    props: &[prop("cpu", Type::Quantity, "processor time: `500m`"), prop("memory", Type::Quantity, "memory: `256Mi`")],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Task {
    pub name: Spanned<String>,
    pub workspaces: Vec<Spanned<String>>,
    pub params: Vec<Param>,
    pub steps: Vec<Step>,
    pub results: Vec<ResultDecl>,
    pub timeout_seconds: Option<u64>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub name: Spanned<String>,
    pub image: Text,
    pub workdir: Option<Template>,
    pub timeout_seconds: Option<u64>,
    pub script: Option<Script>,
    pub env: Vec<(Spanned<String>, Template)>,
    pub cpu: Option<String>,
    pub memory: Option<String>,
    /// The whole step.
    pub span: Span,
}

/// A shell text, and where a sibling of it could be inserted.
#[derive(Clone, Debug)]
pub struct Script {
    pub text: Text,
    /// The name of the node or key (`run`).
    pub head: Span,
    /// The whole node.
    pub span: Span,
}

/// A task, if it has a name.
pub fn lower(view: &View, diags: &mut Diags) -> Option<Task> {
    Some(Task {
        name: view.name("name")?,
        workspaces: view.children("workspace").iter().filter_map(|workspace| workspace.name("name")).collect(),
        params: param::params(view),
        steps: view.children("step").iter().map(|step| lower_step(step, diags)).collect(),
        results: param::results(view),
        timeout_seconds: view.seconds("timeout").map(|seconds| seconds.value),
        span: view.head(),
    })
}

fn lower_step(view: &View, diags: &mut Diags) -> Step {
    let script = view.child("run").or(view.child("script"));
    let resources = view.child("resources");
    let resource = |name: &str| resources.and_then(|resources| resources.text(name)).map(|text| text.value);
    Step {
        name: view.definition("name"),
        image: view.fitting("image").unwrap_or(Text::plain("", view.head())),
        workdir: view.text("workdir").map(|text| expr::parse(&text, diags)),
        timeout_seconds: view.seconds("timeout").map(|seconds| seconds.value),
        script: script.map(|script| Script {
            text: script.text("text").unwrap_or(Text::plain("", script.head())),
            head: script.head(),
            span: script.node.span,
        }),
        env: env(view, diags),
        cpu: resource("cpu"),
        memory: resource("memory"),
        span: view.node.span,
    }
}

fn env(view: &View, diags: &mut Diags) -> Vec<(Spanned<String>, Template)> {
    let mut all = Vec::new();
    for (key, value) in view.children("env").iter().flat_map(View::open) {
        if let Some(text) = super::view::as_text(&value) {
            all.push((Spanned::new(key.value.clone(), key.span), expr::parse(&text, diags)));
        }
    }
    all
}
