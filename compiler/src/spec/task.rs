//! `task`: steps that run one after the other, with parameters, workspaces and results.

use super::param::{self, PARAM, Param, RESULT, ResultDecl};
use super::pod::{self, ARTEFACT, Artefact, CACHE, Cache, RESOURCES, Resources, SECURITY, SIDECAR, Security, Sidecar};
use super::table::{BLOCK, Block, Open, Type, arg, default, many, merged, optional, prop};
use super::view::View;
use crate::diag::{Diagnostic, Diags, codes};
use crate::expr::{self, Template};
use crate::source::{Span, Spanned};
use crate::syntax::Text;

pub static TASK: Block = Block {
    name: "task",
    plural: "tasks",
    doc: "Steps that run one after the other; pipelines use it by name.",
    args: &[arg("name", Type::Name, "the task's name")],
    props: &[
        prop("timeout", Type::Duration, "how long all steps may take together"),
        prop("description", Type::Text, "what it does"),
    ],
    children: &[
        many(&WORKSPACE),
        many(&PARAM),
        optional(&STEP_TEMPLATE),
        many(&STEP),
        many(&SIDECAR),
        many(&CACHE),
        many(&ARTEFACT),
        many(&RESULT),
    ],
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
        prop("image", Type::Image, "image with the tools; required where `step-template` has none"),
        prop("workdir", Type::Template, "folder in which it starts"),
        prop("timeout", Type::Duration, "how long the step may take"),
        default(
            "on-error",
            Type::Enum(&["stop", "continue"]),
            "stop",
            "what a step that ends with another code than 0 does to its task; a time limit always stops it",
        ),
    ],
    children: &[optional(&RUN), optional(&SCRIPT), merged(&ENV), optional(&RESOURCES), optional(&SECURITY)],
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

pub static STEP_TEMPLATE: Block = Block {
    name: "step-template",
    plural: "step-templates",
    doc: "What holds for every step that does not say otherwise. Variables are added; `resources` and `security` of a step replace these.",
    props: &[
        prop("image", Type::Image, "image with the tools"),
        prop("workdir", Type::Template, "folder in which they start"),
        prop("timeout", Type::Duration, "how long each may take"),
    ],
    children: &[merged(&ENV), optional(&RESOURCES), optional(&SECURITY)],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Task {
    pub name: Spanned<String>,
    pub workspaces: Vec<Spanned<String>>,
    pub params: Vec<Param>,
    pub template: Option<StepTemplate>,
    pub steps: Vec<Step>,
    pub sidecars: Vec<Sidecar>,
    pub caches: Vec<Cache>,
    pub artefacts: Vec<Artefact>,
    pub results: Vec<ResultDecl>,
    pub timeout: Option<Spanned<u64>>,
    pub span: Span,
}

/// What holds for every step that does not say otherwise.
#[derive(Clone, Debug)]
pub struct StepTemplate {
    pub image: Option<Text>,
    pub workdir: Option<Template>,
    pub timeout: Option<Spanned<u64>>,
    pub env: Vec<(Spanned<String>, Template)>,
    pub resources: Option<Resources>,
    pub security: Option<Security>,
}

#[derive(Clone, Debug)]
pub struct Step {
    pub name: Spanned<String>,
    pub image: Text,
    pub workdir: Option<Template>,
    pub timeout: Option<Spanned<u64>>,
    pub script: Option<Script>,
    pub env: Vec<(Spanned<String>, Template)>,
    pub resources: Option<Resources>,
    pub security: Option<Security>,
    pub continue_on_error: bool,
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

impl Task {
    /// Every string of it that may hold an expression.
    pub fn strings(&self) -> Vec<&Template> {
        let template = self.template.iter().flat_map(|template| template.workdir.iter().chain(values(&template.env)));
        let steps = self.steps.iter().flat_map(|step| step.workdir.iter().chain(values(&step.env)));
        let sidecars = self.sidecars.iter().flat_map(|sidecar| values(&sidecar.env));
        let caches = self.caches.iter().flat_map(|cache| cache.key.iter().chain([&cache.path]));
        let artefacts = self.artefacts.iter().map(|artefact| &artefact.path);
        template.chain(steps).chain(sidecars).chain(caches).chain(artefacts).collect()
    }
}

fn values(env: &[(Spanned<String>, Template)]) -> impl Iterator<Item = &Template> {
    env.iter().map(|(_, value)| value)
}

/// A task, if it has a name.
pub fn lower(view: &View, diags: &mut Diags) -> Option<Task> {
    let template = view.child("step-template").map(|template| StepTemplate {
        image: template.fitting("image"),
        workdir: template.text("workdir").map(|text| expr::parse(&text, diags)),
        timeout: template.seconds("timeout"),
        env: env(&template, diags),
        resources: pod::resources(&template),
        security: pod::security(&template),
    });
    let image = template.as_ref().and_then(|template| template.image.clone());
    Some(Task {
        name: view.name("name")?,
        workspaces: view.children("workspace").iter().filter_map(|workspace| workspace.name("name")).collect(),
        params: param::params(view),
        steps: view.children("step").iter().map(|step| lower_step(step, image.as_ref(), diags)).collect(),
        template,
        sidecars: pod::sidecars(view, diags),
        caches: pod::caches(view, diags),
        artefacts: pod::artefacts(view, diags),
        results: param::results(view),
        timeout: view.seconds("timeout"),
        span: view.head(),
    })
}

fn lower_step(view: &View, image: Option<&Text>, diags: &mut Diags) -> Step {
    let as_block = view.node.children.iter().any(|child| child.name.value == "image");
    if view.value("image").is_none() && image.is_none() && !view.node.torn && !as_block {
        let finding = Diagnostic::new(&codes::MISSING_VALUE, view.head(), "`step` needs `image`");
        diags.push(finding.here("`image` is missing").help("image with the tools"));
    }
    Step {
        name: view.definition("name"),
        image: view.fitting("image").or(image.cloned()).unwrap_or(Text::plain("", view.head())),
        workdir: view.text("workdir").map(|text| expr::parse(&text, diags)),
        timeout: view.seconds("timeout"),
        script: script(view),
        env: env(view, diags),
        resources: pod::resources(view),
        security: pod::security(view),
        continue_on_error: view.text("on-error").is_some_and(|text| text.value == "continue"),
        span: view.node.span,
    }
}

/// The `run` or `script` of a block.
pub fn script(view: &View) -> Option<Script> {
    let script = view.child("run").or(view.child("script"))?;
    Some(Script {
        text: script.text("text").unwrap_or(Text::plain("", script.head())),
        head: script.head(),
        span: script.node.span,
    })
}

/// The variables of a block.
pub fn env(view: &View, diags: &mut Diags) -> Vec<(Spanned<String>, Template)> {
    let mut all = Vec::new();
    for (key, value) in view.children("env").iter().flat_map(View::open) {
        if let Some(text) = super::view::as_text(&value) {
            all.push((Spanned::new(key.value.clone(), key.span), expr::parse(&text, diags)));
        }
    }
    all
}
