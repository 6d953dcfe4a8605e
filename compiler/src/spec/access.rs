//! `identity`: who belongs to which group. `access`: what groups may do. `confine`: what a project may touch.

use super::table::{Arg, BLOCK, Block, Type, arg, many, optional, prop, required};
use super::view::View;
use crate::source::{Span, Spanned};

pub static IDENTITY: Block = Block {
    name: "identity",
    plural: "identities",
    doc: "A source of groups: a forge, a token issuer, the cluster, or a list of members.",
    args: &[arg("name", Type::Name, "the source's name")],
    props: &[
        prop("kind", Type::Enum(&["github", "gitlab", "oidc", "kubernetes", "static"]), "who says who is in a group"),
        prop("at", Type::Text, "organisation, group or issuer URL there"),
    ],
    children: &[many(&GROUP)],
    ..BLOCK
};

pub static GROUP: Block = Block {
    name: "group",
    plural: "groups",
    doc: "A group that approvals and access rules name as `group:NAME`.",
    args: &[arg("name", Type::Name, "the group's name")],
    props: &[prop("from", Type::Text, "the team or claim value there; without it the group's name")],
    children: &[optional(&MEMBERS)],
    ..BLOCK
};

pub static MEMBERS: Block = Block {
    name: "members",
    plural: "members",
    doc: "The members of a group of a `static` source.",
    args: &[Arg { name: "users", ty: Type::Text, doc: "names of users", required: true, many: true }],
    ..BLOCK
};

pub static ACCESS: Block = Block {
    name: "access",
    plural: "access",
    doc: "Who may do what; what no rule allows is not allowed.",
    children: &[many(&ALLOW)],
    ..BLOCK
};

pub static ALLOW: Block = Block {
    name: "allow",
    plural: "allows",
    doc: "Lets a group or user do something.",
    args: &[Arg {
        name: "verbs",
        ty: Type::Enum(&["view", "plan", "run", "apply", "approve", "promote", "hotfix", "rollback"]),
        doc: "what may be done",
        required: true,
        many: true,
    }],
    props: &[
        required("to", Type::Text, "`group:NAME` or `user:NAME`"),
        prop("environment", Type::Name, "only in this environment"),
        prop("pipeline", Type::Name, "only with this pipeline"),
    ],
    ..BLOCK
};

const PATTERN: &str = "allowed; `*` stands for any text";

pub static CONFINE: Block = Block {
    name: "confine",
    plural: "confines",
    doc: "What the project may touch. Each list that is there is complete.",
    children: &[
        optional(&REPOSITORIES),
        optional(&CLUSTERS),
        optional(&NAMESPACES),
        optional(&KINDS),
        optional(&DENIED_KINDS),
    ],
    ..BLOCK
};

const fn patterns(doc: &'static str) -> Arg {
    Arg { name: "patterns", ty: Type::Text, doc, required: true, many: true }
}

pub static REPOSITORIES: Block = Block {
    name: "repositories",
    plural: "repositories",
    doc: "Repositories that deliveries may be committed to.",
    args: &[patterns(PATTERN)],
    ..BLOCK
};

pub static CLUSTERS: Block = Block {
    name: "clusters",
    plural: "clusters",
    doc: "Clusters, by the names of their blocks.",
    args: &[patterns(PATTERN)],
    ..BLOCK
};

pub static NAMESPACES: Block = Block {
    name: "namespaces",
    plural: "namespaces",
    doc: "Namespaces of environments, pipelines and their objects.",
    args: &[patterns(PATTERN)],
    ..BLOCK
};

pub static KINDS: Block = Block {
    name: "kinds",
    plural: "kinds",
    doc: "Kinds of objects, as `apps/Deployment`; the core group is called `core`.",
    args: &[patterns(PATTERN)],
    ..BLOCK
};

pub static DENIED_KINDS: Block = Block {
    name: "denied-kinds",
    plural: "denied-kinds",
    doc: "Kinds of objects that are not allowed, whatever `kinds` says.",
    args: &[patterns("not allowed; `*` stands for any text")],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Identity {
    pub name: Spanned<String>,
    pub groups: Vec<Group>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Group {
    pub name: Spanned<String>,
    pub members: Vec<Spanned<String>>,
}

#[derive(Clone, Debug)]
pub struct Access {
    pub allows: Vec<Allow>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Allow {
    pub verbs: Vec<Spanned<String>>,
    pub to: Spanned<String>,
    pub environment: Option<Spanned<String>>,
    pub pipeline: Option<Spanned<String>>,
    pub span: Span,
}

/// Lists of patterns; one that is not written allows everything.
#[derive(Clone, Debug)]
pub struct Confine {
    pub repositories: Option<Patterns>,
    pub clusters: Option<Patterns>,
    pub namespaces: Option<Patterns>,
    pub kinds: Option<Patterns>,
    pub denied_kinds: Option<Patterns>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Patterns {
    pub list: Vec<Spanned<String>>,
    pub span: Span,
}

fn spanned(texts: Vec<crate::syntax::Text>) -> Vec<Spanned<String>> {
    texts.into_iter().map(|text| Spanned::new(text.value, text.span)).collect()
}

pub fn lower_identity(view: &View) -> Option<Identity> {
    let group = |view: View| {
        let members = view.child("members").map(|members| spanned(members.texts())).unwrap_or_default();
        Some(Group { name: view.name("name")?, members })
    };
    Some(Identity {
        name: view.name("name")?,
        groups: view.children("group").into_iter().filter_map(group).collect(),
        span: view.head(),
    })
}

pub fn lower_access(view: &View) -> Access {
    let allow = |view: View| Allow {
        verbs: spanned(view.texts()),
        to: view.reference("to"),
        environment: view.name("environment"),
        pipeline: view.name("pipeline"),
        span: view.head(),
    };
    Access { allows: view.children("allow").into_iter().map(allow).collect(), span: view.head() }
}

pub fn lower_confine(view: &View) -> Confine {
    let list = |name: &str| view.child(name).map(|child| Patterns { list: spanned(child.texts()), span: child.head() });
    Confine {
        repositories: list("repositories"),
        clusters: list("clusters"),
        namespaces: list("namespaces"),
        kinds: list("kinds"),
        denied_kinds: list("denied-kinds"),
        span: view.head(),
    }
}
