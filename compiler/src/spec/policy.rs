//! `policy`: what no plan may do, as CEL over its actions.

use super::table::{Arg, BLOCK, Block, Type, arg, default, many, optional, required};
use super::view::View;
use crate::source::{Span, Spanned};
use crate::syntax::Text;

pub static POLICY: Block = Block {
    name: "policy",
    plural: "policies",
    doc: "Rules over the actions of a plan: a plan that breaks one is refused, or says so.",
    args: &[arg("name", Type::Name, "the policy's name")],
    props: &[default(
        "level",
        Type::Enum(&["warn", "deny", "forbid"]),
        "deny",
        "`warn`: a note in the plan; `deny`: the plan is refused; `forbid`: refused, and no exception lifts it",
    )],
    children: &[optional(&ENVIRONMENTS), many(&DENY), many(&REQUIRE), many(&EXCEPTION)],
    ..BLOCK
};

pub static ENVIRONMENTS: Block = Block {
    name: "environments",
    plural: "environments",
    doc: "The environments whose actions are judged; without it all actions are, those of pipelines too.",
    args: &[Arg { name: "names", ty: Type::Name, doc: "names of environments", required: true, many: true }],
    ..BLOCK
};

pub static DENY: Block = Block {
    name: "deny",
    plural: "denies",
    doc: "An action for which this is true breaks the policy.",
    args: &[arg("when", Type::Text, "CEL over `action` and `plan`")],
    props: &[required("message", Type::Text, "what to tell whoever planned it")],
    ..BLOCK
};

pub static REQUIRE: Block = Block {
    name: "require",
    plural: "requires",
    doc: "An action for which this is false breaks the policy.",
    args: &[arg("that", Type::Text, "CEL over `action` and `plan`")],
    props: &[required("message", Type::Text, "what to tell whoever planned it")],
    ..BLOCK
};

pub static EXCEPTION: Block = Block {
    name: "exception",
    plural: "exceptions",
    doc: "Lets some actions pass for a time.",
    props: &[
        required("for", Type::Text, "addresses of the actions; `*` stands for any text"),
        required("until", Type::Text, "the last day that it holds, as `2027-01-31` (UTC)"),
        required("reason", Type::Text, "why, for the plan and whoever comes later"),
    ],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Policy {
    pub name: Spanned<String>,
    pub level: Option<Spanned<String>>,
    pub environments: Vec<Spanned<String>>,
    pub rules: Vec<Rule>,
    pub exceptions: Vec<Exception>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Rule {
    /// Whether the expression says what is wrong; else it says what is right.
    pub denies: bool,
    pub expression: Text,
    pub message: String,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Exception {
    pub matching: Spanned<String>,
    pub until: Spanned<String>,
    pub reason: String,
    pub span: Span,
}

pub fn lower(view: &View) -> Option<Policy> {
    let names = view.child("environments").map(|child| child.texts()).unwrap_or_default();
    let rules = |name: &'static str, value: &'static str| {
        view.children(name).into_iter().filter_map(move |rule| {
            Some(Rule {
                denies: name == "deny",
                expression: rule.fitting(value)?,
                message: rule.text("message").map(|text| text.value).unwrap_or_default(),
                span: rule.head(),
            })
        })
    };
    let exception = |view: View| {
        Some(Exception {
            matching: view.name("for")?,
            until: view.name("until")?,
            reason: view.text("reason").map(|text| text.value).unwrap_or_default(),
            span: view.head(),
        })
    };
    Some(Policy {
        name: view.name("name")?,
        level: view.name("level"),
        environments: names.into_iter().map(|name| Spanned::new(name.value, name.span)).collect(),
        rules: rules("deny", "when").chain(rules("require", "that")).collect(),
        exceptions: view.children("exception").into_iter().filter_map(exception).collect(),
        span: view.head(),
    })
}
