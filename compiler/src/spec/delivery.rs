//! How an environment takes its objects: order over clusters, waves, hooks, what is ignored, windows and freezes,
//! how much is remembered, and who is told.

use super::table::{Arg, BLOCK, Block, Type, arg, default, many, one, prop, required};
use super::view::View;
use crate::source::{Span, Spanned};
use crate::syntax::Text;

pub static FAN_OUT: Block = Block {
    name: "fan-out",
    plural: "fan-outs",
    doc: "How an environment with several clusters goes from one to the next, in the order written.",
    props: &[
        default("max", Type::Int, "1", "how many clusters at a time"),
        default("soak", Type::Duration, "0s", "how long a cluster must be healthy before the next one begins"),
        default("on-failure", Type::Enum(&["stop", "continue"]), "stop", "`stop`: the clusters after it keep theirs"),
    ],
    ..BLOCK
};

pub static WAVE: Block = Block {
    name: "wave",
    plural: "waves",
    doc: "Objects that are applied and healthy before those of the next wave; what no wave names comes last.",
    args: &[arg("name", Type::Name, "the wave's name")],
    children: &[many(&SELECT)],
    ..BLOCK
};

pub static SELECT: Block = Block {
    name: "object",
    plural: "objects",
    doc: "Objects of the manifests, by kind and name.",
    props: &[
        required("kind", Type::Text, "`KIND` or `GROUP/KIND`: `apps/Deployment`"),
        prop("name", Type::Text, "name of the object, `*` for any characters; without it all of the kind"),
    ],
    ..BLOCK
};

pub static HOOK: Block = Block {
    name: "hook",
    plural: "hooks",
    doc: "A Job or Pod of the manifests that runs at a moment of each apply instead of being kept.",
    args: &[arg("object", Type::Text, "name of the Job or Pod in the manifests")],
    props: &[
        required("at", Type::Enum(&["before-sync", "after-sync", "on-failure"]), "when it runs"),
        default("timeout", Type::Duration, "10m", "how long it may take"),
        default(
            "delete",
            Type::Enum(&["before-next", "succeeded", "always"]),
            "before-next",
            "when its object is deleted",
        ),
    ],
    ..BLOCK
};

pub static IGNORE: Block = Block {
    name: "ignore",
    plural: "ignores",
    doc: "Fields that others decide: they are neither compared nor written.",
    props: &[
        required("kind", Type::Text, "`KIND` or `GROUP/KIND`: `apps/Deployment`"),
        prop("name", Type::Text, "name of the object, `*` for any characters; without it all of the kind"),
        prop("field", Type::Text, "path of the field: `spec.replicas`"),
        prop("manager", Type::Text, "all fields of this field manager"),
        prop("reason", Type::Text, "why"),
    ],
    ..BLOCK
};

pub static WINDOW: Block = Block {
    name: "window",
    plural: "windows",
    doc: "When applies may begin. With an `allow` window they may begin only in one; a `deny` window wins.",
    args: &[arg("name", Type::Name, "the window's name")],
    props: &[
        default("mode", Type::Enum(&["allow", "deny"]), "allow", "whether applies may begin in it"),
        required("schedule", Type::Text, "when it opens: five fields of cron"),
        required("duration", Type::Duration, "how long it is open"),
        default("timezone", Type::Text, "UTC", "time zone of the schedule: `Europe/Berlin`"),
        default("manual", Type::Bool, "#false", "whether a person may apply outside of it"),
    ],
    ..BLOCK
};

pub static FREEZE: Block = Block {
    name: "freeze",
    plural: "freezes",
    doc: "A time in which nothing is applied.",
    args: &[arg("name", Type::Name, "the freeze's name")],
    props: &[
        required("from", Type::Text, "first moment: `2026-12-20` or `2026-12-20T18:00`"),
        required("until", Type::Text, "first moment after it"),
        default("timezone", Type::Text, "UTC", "time zone of both: `Europe/Berlin`"),
        required("reason", Type::Text, "why; whoever is stopped reads it"),
    ],
    ..BLOCK
};

pub static RETENTION: Block = Block {
    name: "retention",
    plural: "retentions",
    doc: "How many records of applies are kept.",
    props: &[
        prop("records", Type::Int, "at least this many"),
        prop("older-than", Type::Duration, "what is younger is kept too"),
    ],
    ..BLOCK
};

/// What channels can be told of.
const EVENTS: &[&str] = &["started", "succeeded", "failed", "rolled-back", "held", "waiting", "promoted", "drifted"];

pub static NOTIFY: Block = Block {
    name: "notify",
    plural: "notifies",
    doc: "Whom to tell.",
    args: &[arg("channel", Type::Name, "name of a `channel`")],
    children: &[one(&EVENTS_OF)],
    ..BLOCK
};

pub static EVENTS_OF: Block = Block {
    name: "events",
    plural: "events",
    doc: "What to tell them.",
    args: &[Arg { name: "event", ty: Type::Enum(EVENTS), doc: "what happened", required: true, many: true }],
    ..BLOCK
};

/// How an environment takes its objects, as written.
#[derive(Clone, Debug, Default)]
pub struct Delivery {
    pub fan_out: Option<FanOut>,
    pub waves: Vec<Wave>,
    pub hooks: Vec<Hook>,
    pub ignores: Vec<Ignore>,
    pub windows: Vec<Window>,
    pub freezes: Vec<Freeze>,
    pub retention: Option<Retention>,
    pub notifies: Vec<Notify>,
}

#[derive(Clone, Debug)]
pub struct FanOut {
    pub max: Option<Spanned<i64>>,
    pub soak: Option<Spanned<u64>>,
    pub goes_on: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Wave {
    pub name: Spanned<String>,
    pub objects: Vec<Select>,
    pub span: Span,
}

/// Objects by kind and name.
#[derive(Clone, Debug)]
pub struct Select {
    pub kind: Spanned<String>,
    pub name: Option<Spanned<String>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    BeforeSync,
    AfterSync,
    OnFailure,
}

#[derive(Clone, Debug)]
pub struct Hook {
    pub object: Spanned<String>,
    pub at: Option<Moment>,
    pub timeout: Option<Spanned<u64>>,
    pub delete: Option<Spanned<String>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Ignore {
    pub select: Select,
    pub field: Option<Spanned<String>>,
    pub manager: Option<Spanned<String>>,
    pub reason: Option<Spanned<String>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Window {
    pub name: Spanned<String>,
    pub deny: bool,
    pub schedule: Option<Text>,
    pub duration: Option<Spanned<u64>>,
    pub timezone: Option<Spanned<String>>,
    pub manual: bool,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Freeze {
    pub name: Spanned<String>,
    pub from: Option<Spanned<String>>,
    pub until: Option<Spanned<String>>,
    pub timezone: Option<Spanned<String>>,
    pub reason: Option<Spanned<String>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Retention {
    pub records: Option<Spanned<i64>>,
    pub older_than: Option<Spanned<u64>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Notify {
    pub channel: Spanned<String>,
    pub events: Vec<Spanned<String>>,
    pub span: Span,
}

/// Everything of an environment that this file describes.
pub fn lower(view: &View) -> Delivery {
    Delivery {
        fan_out: view.child("fan-out").map(|view| fan_out(&view)),
        waves: view.children("wave").iter().filter_map(wave).collect(),
        hooks: view.children("hook").iter().filter_map(hook).collect(),
        ignores: view.children("ignore").iter().filter_map(ignore).collect(),
        windows: view.children("window").iter().filter_map(window).collect(),
        freezes: view.children("freeze").iter().filter_map(freeze).collect(),
        retention: view.child("retention").map(|view| retention(&view)),
        notifies: view.children("notify").iter().map(notify).collect(),
    }
}

/// Objects by kind and name, if the kind is given.
pub fn select(view: &View) -> Option<Select> {
    Some(Select { kind: view.name("kind")?, name: view.name("name") })
}

fn fan_out(view: &View) -> FanOut {
    FanOut {
        max: view.int("max"),
        soak: view.seconds("soak"),
        goes_on: view.text("on-failure").is_some_and(|text| text.value == "continue"),
        span: view.head(),
    }
}

fn wave(view: &View) -> Option<Wave> {
    let objects = view.children("object").iter().filter_map(select).collect();
    Some(Wave { name: view.name("name")?, objects, span: view.head() })
}

fn hook(view: &View) -> Option<Hook> {
    let at = view.text("at").and_then(|text| match text.value.as_str() {
        "before-sync" => Some(Moment::BeforeSync),
        "after-sync" => Some(Moment::AfterSync),
        "on-failure" => Some(Moment::OnFailure),
        _ => None,
    });
    Some(Hook {
        object: view.name("object")?,
        at,
        timeout: view.seconds("timeout"),
        delete: view.name("delete"),
        span: view.head(),
    })
}

fn ignore(view: &View) -> Option<Ignore> {
    Some(Ignore {
        select: select(view)?,
        field: view.name("field"),
        manager: view.name("manager"),
        reason: view.name("reason"),
        span: view.head(),
    })
}

fn window(view: &View) -> Option<Window> {
    Some(Window {
        name: view.name("name")?,
        deny: view.text("mode").is_some_and(|mode| mode.value == "deny"),
        schedule: view.fitting("schedule"),
        duration: view.seconds("duration"),
        timezone: view.name("timezone"),
        manual: view.bool("manual"),
        span: view.head(),
    })
}

fn freeze(view: &View) -> Option<Freeze> {
    Some(Freeze {
        name: view.name("name")?,
        from: view.name("from"),
        until: view.name("until"),
        timezone: view.name("timezone"),
        reason: view.name("reason"),
        span: view.head(),
    })
}

fn retention(view: &View) -> Retention {
    Retention { records: view.int("records"), older_than: view.seconds("older-than"), span: view.head() }
}

fn notify(view: &View) -> Notify {
    let events = view.child("events").map(|events| events.texts()).unwrap_or_default();
    Notify {
        channel: view.reference("channel"),
        events: events.into_iter().map(|text| Spanned::new(text.value, text.span)).collect(),
        span: view.head(),
    }
}
