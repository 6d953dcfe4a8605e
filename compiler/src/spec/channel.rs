//! `channel`: where notifications go. What it takes to send one is a reference to a Secret, never its value.

use super::table::{BLOCK, Block, Type, arg, default, optional, prop, required};
use super::view::View;
use crate::source::{Span, Spanned};

pub static CHANNEL: Block = Block {
    name: "channel",
    plural: "channels",
    doc: "Where notifications go: one of `slack`, `teams`, `webhook`, `email`.",
    args: &[arg("name", Type::Name, "the name by which `notify` calls it")],
    children: &[optional(&SLACK), optional(&TEAMS), optional(&WEBHOOK), optional(&EMAIL)],
    ..BLOCK
};

pub static SLACK: Block = Block {
    name: "slack",
    plural: "slack",
    doc: "A channel of Slack.",
    props: &[
        required("channel", Type::Text, "name of the channel: `#deploys`"),
        required("secret", Type::Name, "Secret with the token"),
        default("key", Type::Text, "token", "key in the Secret"),
    ],
    ..BLOCK
};

pub static TEAMS: Block = Block {
    name: "teams",
    plural: "teams",
    doc: "A workflow of Microsoft Teams.",
    props: &[
        required("secret", Type::Name, "Secret with the address, which is a credential"),
        default("key", Type::Text, "url", "key in the Secret"),
    ],
    ..BLOCK
};

pub static WEBHOOK: Block = Block {
    name: "webhook",
    plural: "webhooks",
    doc: "An address that gets each notification as JSON.",
    props: &[
        required("url", Type::Url, "the address, without credentials"),
        prop("secret", Type::Name, "Secret with the key that signs the body"),
        default("key", Type::Text, "token", "key in the Secret"),
    ],
    ..BLOCK
};

pub static EMAIL: Block = Block {
    name: "email",
    plural: "emails",
    doc: "Letters.",
    props: &[
        required("to", Type::Text, "who gets them"),
        required("from", Type::Text, "who sends them"),
        required("server", Type::Text, "`HOST:PORT` of the mail server"),
        prop("secret", Type::Name, "Secret with `username` and `password`"),
    ],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Channel {
    pub name: Spanned<String>,
    /// The ways that are written, each with its place: exactly one in a right spec.
    pub ways: Vec<Way>,
    pub span: Span,
}

/// How a notification is sent.
#[derive(Clone, Debug)]
pub struct Way {
    pub kind: &'static str,
    /// Where to: channel, address or recipient.
    pub to: Option<Spanned<String>>,
    pub secret: Option<Spanned<String>>,
    pub span: Span,
}

/// A channel, if it has a name.
pub fn lower(view: &View) -> Option<Channel> {
    let way = |kind: &'static str, to: &str| {
        let inner = view.child(kind)?;
        Some(Way { kind, to: inner.name(to), secret: inner.name("secret"), span: inner.head() })
    };
    let slack = view.child("slack").map(|inner| Way {
        kind: "slack",
        to: inner.name("channel"),
        secret: inner.name("secret"),
        span: inner.head(),
    });
    let teams = view.child("teams").map(|inner| Way {
        kind: "teams",
        to: None,
        secret: inner.name("secret"),
        span: inner.head(),
    });
    let ways = [slack, teams, way("webhook", "url"), way("email", "to")];
    let mut ways: Vec<Way> = ways.into_iter().flatten().collect();
    ways.sort_by_key(|way| way.span);
    Some(Channel { name: view.name("name")?, ways, span: view.head() })
}
