//! `rollout`: the stages in which a workload takes a new version, or the switch between two of it.

use super::analysis::{self, USE, Use};
use super::table::{Arg, BLOCK, Block, Type, arg, default, many, optional, prop, required};
use super::view::View;
use crate::source::{Span, Spanned};

pub static ROLLOUT: Block = Block {
    name: "rollout",
    plural: "rollouts",
    doc: "How a Deployment takes a new version.",
    args: &[arg("workload", Type::Text, "name of the Deployment in the manifests")],
    props: &[
        default(
            "strategy",
            Type::Enum(&["canary", "blue-green"]),
            "canary",
            "`canary`: a second Deployment grows stage by stage; `blue-green`: a whole second one, then a switch",
        ),
        default("timeout", Type::Duration, "10m", "how long a stage may take to become available"),
        prop("anti-affinity", Type::Enum(&["preferred", "required"]), "keeps Pods of both versions on different nodes"),
    ],
    children: &[many(&STAGE), optional(&TRAFFIC), optional(&SWITCH), many(&USE), optional(&ON_FAILURE)],
    ..BLOCK
};

pub static STAGE: Block = Block {
    name: "stage",
    plural: "stages",
    doc: "A share of the replicas that runs the new version.",
    props: &[
        required("weight", Type::Percent, "percent of the replicas; the last stage has 100"),
        prop("hold", Type::Duration, "how long the stage lasts after it is available"),
        default("manual", Type::Bool, "#false", "whether somebody must say that it goes on"),
        prop("timeout", Type::Duration, "how long a manual stage waits before it counts as failed"),
    ],
    children: &[many(&USE), many(&HEADER), optional(&MIRROR)],
    ..BLOCK
};

pub static HEADER: Block = Block {
    name: "header",
    plural: "headers",
    doc: "Requests with this header go to the new version.",
    args: &[arg("name", Type::Text, "name of the header")],
    props: &[
        prop("exact", Type::Text, "its value"),
        prop("prefix", Type::Text, "how its value begins"),
        prop("regex", Type::Text, "a pattern for its value"),
    ],
    ..BLOCK
};

pub static MIRROR: Block = Block {
    name: "mirror",
    plural: "mirrors",
    doc: "Requests go to the new version too, and its answers are thrown away.",
    props: &[required("percent", Type::Percent, "percent of the requests")],
    ..BLOCK
};

pub static TRAFFIC: Block = Block {
    name: "traffic",
    plural: "traffic",
    doc: "The route whose weights follow the stages.",
    args: &[arg("route", Type::Text, "name of the route in the manifests")],
    props: &[
        default("kind", Type::Enum(&["HTTPRoute", "Ingress"]), "HTTPRoute", "kind of the route"),
        required("stable", Type::Text, "Service of the old version"),
        required("canary", Type::Text, "Service of the new version"),
    ],
    ..BLOCK
};

pub static SWITCH: Block = Block {
    name: "switch",
    plural: "switches",
    doc: "The Services of a blue-green rollout, and when they are switched.",
    props: &[
        required("active", Type::Text, "Service that users reach"),
        prop("preview", Type::Text, "Service of the new version before the switch"),
        default("auto", Type::Bool, "#true", "whether it switches by itself"),
        prop("after", Type::Duration, "how long the new version stands before the switch"),
        prop("timeout", Type::Duration, "how long a switch by hand is waited for"),
        default("scale-down-delay", Type::Duration, "30s", "how long the old version stays after it"),
        prop("preview-replicas", Type::Int, "replicas of the new version before the switch"),
    ],
    ..BLOCK
};

pub static ON_FAILURE: Block = Block {
    name: "on-failure",
    plural: "on-failure",
    doc: "What happens when a stage fails.",
    args: &[Arg {
        name: "action",
        ty: Type::Enum(&["rollback", "stop"]),
        doc: "`rollback`: the old version comes back and the new one is held; `stop`: all stays as it is",
        required: true,
        many: false,
    }],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Rollout {
    pub workload: Spanned<String>,
    pub blue_green: Option<Span>,
    pub stages: Vec<Stage>,
    pub timeout_seconds: Option<u64>,
    pub anti_affinity: Option<Spanned<String>>,
    pub traffic: Option<Traffic>,
    pub switch: Option<Switch>,
    pub analyses: Vec<Use>,
    /// Where `on-failure "stop"` is asked for.
    pub stop: Option<Span>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Stage {
    /// `None` where it is missing or no percentage, which has been said.
    pub weight: Option<Spanned<u32>>,
    pub hold: Option<Spanned<u64>>,
    /// The place of `manual=#true`.
    pub manual: Option<Span>,
    pub timeout: Option<Spanned<u64>>,
    pub analyses: Vec<Use>,
    pub headers: Vec<Header>,
    pub mirror: Option<Mirror>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Header {
    pub name: Spanned<String>,
    /// What its value must be; exactly one in a right spec.
    pub matches: Vec<(&'static str, Spanned<String>)>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Mirror {
    pub percent: Option<Spanned<u32>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Traffic {
    pub route: Spanned<String>,
    pub ingress: bool,
    pub stable: Spanned<String>,
    pub canary: Spanned<String>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Switch {
    pub active: Spanned<String>,
    pub preview: Option<Spanned<String>>,
    /// The place of `auto=#false`.
    pub by_hand: Option<Span>,
    pub after: Option<Spanned<u64>>,
    pub timeout: Option<Spanned<u64>>,
    pub scale_down_delay: Option<Spanned<u64>>,
    pub preview_replicas: Option<Spanned<i64>>,
    pub span: Span,
}

/// A rollout, if it names its workload.
pub fn lower(view: &View) -> Option<Rollout> {
    let strategy = view.name("strategy").filter(|strategy| strategy.value == "blue-green");
    let stop = view.child("on-failure").and_then(|action| action.name("action"));
    Some(Rollout {
        workload: view.name("workload")?,
        blue_green: strategy.map(|strategy| strategy.span),
        stages: view.children("stage").iter().map(stage).collect(),
        timeout_seconds: view.seconds("timeout").map(|seconds| seconds.value),
        anti_affinity: view.name("anti-affinity"),
        traffic: view.child("traffic").map(|view| traffic(&view)),
        switch: view.child("switch").map(|view| switch(&view)),
        analyses: view.children("analysis").iter().map(analysis::lower_use).collect(),
        stop: stop.filter(|action| action.value == "stop").map(|action| action.span),
        span: view.head(),
    })
}

fn stage(view: &View) -> Stage {
    let mirror = |view: View| Mirror { percent: view.percent("percent"), span: view.head() };
    Stage {
        weight: view.percent("weight"),
        hold: view.seconds("hold"),
        manual: view.value("manual").filter(|_| view.bool("manual")).map(|value| value.span),
        timeout: view.seconds("timeout"),
        analyses: view.children("analysis").iter().map(analysis::lower_use).collect(),
        headers: view.children("header").iter().filter_map(header).collect(),
        mirror: view.child("mirror").map(mirror),
        span: view.head(),
    }
}

fn header(view: &View) -> Option<Header> {
    let matches = ["exact", "prefix", "regex"].into_iter().filter_map(|kind| Some((kind, view.name(kind)?)));
    Some(Header { name: view.name("name")?, matches: matches.collect(), span: view.head() })
}

fn traffic(view: &View) -> Traffic {
    Traffic {
        route: view.reference("route"),
        ingress: view.text("kind").is_some_and(|kind| kind.value == "Ingress"),
        stable: view.reference("stable"),
        canary: view.reference("canary"),
        span: view.head(),
    }
}

fn switch(view: &View) -> Switch {
    let by_hand = view.value("auto").filter(|_| !view.bool("auto"));
    Switch {
        active: view.reference("active"),
        preview: view.name("preview"),
        by_hand: by_hand.map(|value| value.span),
        after: view.seconds("after"),
        timeout: view.seconds("timeout"),
        scale_down_delay: view.seconds("scale-down-delay"),
        preview_replicas: view.int("preview-replicas"),
        span: view.head(),
    }
}
