//! `trigger`: what starts runs by itself. One block for each kind of source, because their events differ.

use super::table::{BLOCK, Block, Prop, Type, arg, default, many, optional, required};
use super::view::View;
use crate::expr::Template;
use crate::source::{Span, Spanned};
use crate::syntax::Text;

pub static TRIGGER: Block = Block {
    name: "trigger",
    plural: "triggers",
    doc: "Starts pipelines when something happens. It needs the server; `waybill apply` starts none.",
    args: &[arg("name", Type::Name, "the trigger's name")],
    children: &[
        optional(&GITHUB),
        optional(&GITLAB),
        optional(&BITBUCKET),
        optional(&BITBUCKET_SERVER),
        optional(&GITEA),
        optional(&SCHEDULE),
        optional(&REGISTRY),
        many(&WHEN),
        many(&RUN),
    ],
    ..BLOCK
};

const SECRET: Prop = required("secret", Type::Text, "Secret with the key that signs the webhook's deliveries");
const KEY: Prop = default("key", Type::Text, "secret", "key of that Secret");

/// Events that can start a run, as `X-GitHub-Event` names them.
pub const GITHUB_EVENTS: &[&str] = &[
    "check_run",
    "check_suite",
    "create",
    "delete",
    "deployment",
    "issue_comment",
    "merge_group",
    "pull_request",
    "pull_request_review",
    "push",
    "release",
    "repository_dispatch",
    "status",
    "workflow_run",
];

/// Events by the `object_kind` of their payload.
pub const GITLAB_EVENTS: &[&str] = &["push", "tag_push", "merge_request", "note", "pipeline", "release"];

/// Events as `X-Event-Key` names them.
pub const BITBUCKET_EVENTS: &[&str] = &[
    "repo:push",
    "pullrequest:created",
    "pullrequest:updated",
    "pullrequest:approved",
    "pullrequest:fulfilled",
    "pullrequest:rejected",
    "pullrequest:comment_created",
];

/// Events of Bitbucket Data Center, as `X-Event-Key` names them.
pub const BITBUCKET_SERVER_EVENTS: &[&str] = &[
    "repo:refs_changed",
    "pr:opened",
    "pr:from_ref_updated",
    "pr:modified",
    "pr:merged",
    "pr:declined",
    "pr:comment:added",
];

/// Events as `X-Gitea-Event` names them.
pub const GITEA_EVENTS: &[&str] = &["create", "delete", "issue_comment", "pull_request", "push", "release"];

pub static GITHUB: Block = Block {
    name: "github",
    plural: "githubs",
    doc: "A webhook of GitHub.",
    props: &[required("event", Type::Enum(GITHUB_EVENTS), "the event"), SECRET, KEY],
    ..BLOCK
};

pub static GITLAB: Block = Block {
    name: "gitlab",
    plural: "gitlabs",
    doc: "A webhook of GitLab.",
    props: &[required("event", Type::Enum(GITLAB_EVENTS), "the event"), SECRET, KEY],
    ..BLOCK
};

pub static BITBUCKET: Block = Block {
    name: "bitbucket",
    plural: "bitbuckets",
    doc: "A webhook of Bitbucket Cloud.",
    props: &[required("event", Type::Enum(BITBUCKET_EVENTS), "the event"), SECRET, KEY],
    ..BLOCK
};

pub static BITBUCKET_SERVER: Block = Block {
    name: "bitbucket-server",
    plural: "bitbucket-servers",
    doc: "A webhook of Bitbucket Data Center.",
    props: &[required("event", Type::Enum(BITBUCKET_SERVER_EVENTS), "the event"), SECRET, KEY],
    ..BLOCK
};

pub static GITEA: Block = Block {
    name: "gitea",
    plural: "giteas",
    doc: "A webhook of Gitea or Forgejo.",
    props: &[required("event", Type::Enum(GITEA_EVENTS), "the event"), SECRET, KEY],
    ..BLOCK
};

pub static SCHEDULE: Block = Block {
    name: "schedule",
    plural: "schedules",
    doc: "Times of day.",
    args: &[arg("cron", Type::Text, "minute, hour, day of month, month, day of week")],
    props: &[default("time-zone", Type::Text, "UTC", "name of the time zone, as `Europe/Berlin`")],
    ..BLOCK
};

pub static REGISTRY: Block = Block {
    name: "registry",
    plural: "registries",
    doc: "An image was pushed to a registry.",
    args: &[arg("image", Type::Image, "name of the image, without tag")],
    props: &[default("tag", Type::Text, "*", "tags that count; `*` stands for any text"), SECRET, KEY],
    ..BLOCK
};

pub static WHEN: Block = Block {
    name: "when",
    plural: "whens",
    doc: "Only events for which this is true; several must all be true.",
    args: &[arg(
        "expression",
        Type::Text,
        "CEL over `body`, the payload, and `event`, with `event.source` and `event.name`",
    )],
    ..BLOCK
};

pub static RUN: Block = Block {
    name: "run",
    plural: "runs",
    doc: "The pipeline that is started.",
    args: &[arg("pipeline", Type::Name, "name of a `pipeline`")],
    children: &[super::table::merged(&RUN_PARAM)],
    ..BLOCK
};

pub static RUN_PARAM: Block = Block {
    name: "param",
    plural: "params",
    doc: "Values of the pipeline's parameters.",
    open: Some(super::table::Open { key: "a parameter of the pipeline", ty: Type::Template }),
    ..BLOCK
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forge {
    GitHub,
    GitLab,
    Bitbucket,
    BitbucketServer,
    Gitea,
}

impl Forge {
    pub const ALL: &[Forge] = &[Forge::GitHub, Forge::GitLab, Forge::Bitbucket, Forge::BitbucketServer, Forge::Gitea];

    /// The name of its block.
    pub fn as_str(self) -> &'static str {
        match self {
            Forge::GitHub => "github",
            Forge::GitLab => "gitlab",
            Forge::Bitbucket => "bitbucket",
            Forge::BitbucketServer => "bitbucket-server",
            Forge::Gitea => "gitea",
        }
    }
}

#[derive(Clone, Debug)]
pub struct Trigger {
    pub name: Spanned<String>,
    pub sources: Vec<Source>,
    pub when: Vec<Text>,
    pub runs: Vec<Run>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Source {
    pub event: Event,
    /// The Secret that signs deliveries.
    pub secret: Option<Spanned<String>>,
    /// Its key.
    pub key: String,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Event {
    Webhook { forge: Forge, event: Option<Spanned<String>> },
    Schedule { cron: Option<Spanned<String>>, zone: Option<Spanned<String>> },
    Registry { image: Option<Spanned<String>> },
}

#[derive(Clone, Debug)]
pub struct Run {
    pub pipeline: Spanned<String>,
    pub params: Vec<(Spanned<String>, Template)>,
    pub span: Span,
}

pub fn lower(view: &View, diags: &mut crate::diag::Diags) -> Option<Trigger> {
    let webhook = |forge: &Forge| {
        let view = view.child(forge.as_str())?;
        let event = view.fitting("event").map(|event| Spanned::new(event.value, event.span));
        Some(source(&view, Event::Webhook { forge: *forge, event }))
    };
    let mut sources: Vec<Source> = Forge::ALL.iter().filter_map(webhook).collect();
    let schedule = view.child("schedule");
    sources.extend(schedule.map(|view| Source {
        event: Event::Schedule { cron: view.name("cron"), zone: view.name("time-zone") },
        secret: None,
        key: String::new(),
        span: view.head(),
    }));
    let registry = view.child("registry");
    sources.extend(registry.map(|view| source(&view, Event::Registry { image: view.name("image") })));
    Some(Trigger {
        name: view.name("name")?,
        sources,
        when: view.children("when").iter().filter_map(|when| when.text("expression")).collect(),
        runs: view.children("run").iter().map(|view| run(view, diags)).collect(),
        span: view.head(),
    })
}

/// A source whose deliveries are signed.
fn source(view: &View, event: Event) -> Source {
    let key = view.name("key").map_or("secret".to_owned(), |key| key.value);
    Source { event, secret: view.name("secret"), key, span: view.head() }
}

fn run(view: &View, diags: &mut crate::diag::Diags) -> Run {
    let mut params = Vec::new();
    for (key, value) in view.children("param").iter().flat_map(View::open) {
        if let Some(text) = super::view::as_text(&value) {
            params.push((Spanned::new(key.value, key.span), crate::expr::parse(&text, diags)));
        }
    }
    Run { pipeline: view.reference("pipeline"), params, span: view.head() }
}
