//! `project`: what the spec is about, its repository and its registry.

use super::access::{self, CONFINE, Confine};
use super::table::{Arg, BLOCK, Block, Type, arg, default, many, optional, prop, required};
use super::view::View;
use crate::source::{Span, Spanned};

pub static PROJECT: Block = Block {
    name: "project",
    plural: "projects",
    doc: "The project: its name is part of the names of locks, journals and records.",
    args: &[arg("name", Type::Name, "the project's name")],
    props: &[prop(
        "runner-image",
        Type::Image,
        "image that holds the `waybill` program, for `checkout` and `image` on a cluster",
    )],
    children: &[optional(&REPO), many(&REGISTRY), optional(&CONFINE)],
    ..BLOCK
};

pub static REPO: Block = Block {
    name: "repo",
    plural: "repos",
    doc: "The repository that delivery commits go to.",
    args: &[Arg {
        name: "url",
        ty: Type::Url,
        doc: "URL; without it the remote `origin`",
        required: false,
        many: false,
    }],
    props: &[default("branch", Type::Text, "main", "the branch that is delivered and written to")],
    children: &[optional(&BUMP), optional(&CREDENTIALS)],
    ..BLOCK
};

pub static BUMP: Block = Block {
    name: "bump",
    plural: "bumps",
    doc: "How tag bumps reach the branch.",
    props: &[default(
        "via",
        Type::Enum(&["push", "pull-request"]),
        "push",
        "`push`: a commit on the branch itself; `pull-request`: a pull request, for branches that take no pushes",
    )],
    ..BLOCK
};

pub static CREDENTIALS: Block = Block {
    name: "credentials",
    plural: "credentials",
    doc: "Who Waybill is to the repository.",
    props: &[required("secret", Type::Text, "Secret with the credentials")],
    ..BLOCK
};

pub static REGISTRY: Block = Block {
    name: "registry",
    plural: "registries",
    doc: "A registry of images.",
    args: &[arg("prefix", Type::Image, "what the names of its images begin with")],
    children: &[optional(&PULL), optional(&PUSH)],
    ..BLOCK
};

pub static PULL: Block = Block {
    name: "pull",
    plural: "pulls",
    doc: "Secret with which Pods pull.",
    props: &[required("secret", Type::Text, "name of the Secret")],
    ..BLOCK
};

pub static PUSH: Block = Block {
    name: "push",
    plural: "pushes",
    doc: "Secret with which builds push.",
    props: &[required("secret", Type::Text, "name of the Secret")],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Project {
    pub name: Spanned<String>,
    pub runner_image: Option<Spanned<String>>,
    pub repo: Option<Repo>,
    pub registries: Vec<Registry>,
    pub confine: Option<Confine>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Repo {
    pub url: Option<Spanned<String>>,
    pub branch: Option<Spanned<String>>,
    pub credentials: Option<Spanned<String>>,
    /// Where bumps are said to go through pull requests.
    pub pull_request: Option<Span>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Registry {
    pub prefix: Spanned<String>,
    pub pull: Option<Spanned<String>>,
    pub push: Option<Spanned<String>>,
}

/// A project; its name is empty where it is missing.
pub fn lower(view: &View) -> Project {
    let registry = |view: View| {
        Some(Registry {
            prefix: view.name("prefix")?,
            pull: view.child("pull").and_then(|pull| pull.name("secret")),
            push: view.child("push").and_then(|push| push.name("secret")),
        })
    };
    let repo = |view: View| Repo {
        url: view.name("url"),
        branch: view.name("branch"),
        credentials: view.child("credentials").and_then(|credentials| credentials.name("secret")),
        pull_request: view
            .child("bump")
            .and_then(|bump| bump.fitting("via"))
            .filter(|via| via.value == "pull-request")
            .map(|via| via.span),
        span: view.head(),
    };
    Project {
        name: view.definition("name"),
        runner_image: view.name("runner-image"),
        repo: view.child("repo").map(repo),
        registries: view.children("registry").into_iter().filter_map(registry).collect(),
        confine: view.child("confine").map(|confine| access::lower_confine(&confine)),
        span: view.head(),
    }
}
