//! `environment`: a place that runs a version, its manifests, and how versions get there.

use super::delivery::Delivery;
use super::rollout::{ROLLOUT, Rollout};
use super::secret::{self, SECRET, Secret};
use super::table::{BLOCK, Block, Type, arg, default, many, optional, prop, required, several};
use super::view::View;
use crate::source::{Span, Spanned};

pub static ENVIRONMENT: Block = Block {
    name: "environment",
    plural: "environments",
    doc: "A namespace of a cluster that runs a version of the manifests.",
    args: &[arg("name", Type::Name, "the environment's name")],
    children: &[
        several(&CLUSTER_USE),
        optional(&MANIFESTS),
        many(&IMAGE),
        optional(&PROMOTE),
        many(&ROLLOUT),
        optional(&SYNC),
        optional(&HEALTH),
        many(&SECRET),
        many(&super::generate::FOR_EACH),
        optional(&super::delivery::FAN_OUT),
        many(&super::delivery::WAVE),
        many(&super::delivery::HOOK),
        many(&super::delivery::IGNORE),
        many(&super::delivery::WINDOW),
        many(&super::delivery::FREEZE),
        optional(&super::delivery::RETENTION),
        many(&super::delivery::NOTIFY),
    ],
    ..BLOCK
};

pub static CLUSTER_USE: Block = Block {
    name: "cluster",
    plural: "clusters",
    doc: "Where the environment is; with several clusters, in this order.",
    args: &[arg("name", Type::Name, "name of a `cluster`")],
    props: &[
        required("namespace", Type::Name, "namespace of its objects"),
        default("create", Type::Bool, "#false", "whether to make the namespace; it is never deleted"),
    ],
    ..BLOCK
};

pub static MANIFESTS: Block = Block {
    name: "manifests",
    plural: "manifests",
    doc: "A file or folder of plain YAML, or a Kustomize overlay.",
    args: &[arg("path", Type::Path, "path below the project's folder")],
    ..BLOCK
};

pub static IMAGE: Block = Block {
    name: "image",
    plural: "images",
    doc: "An image whose tag and digest Waybill writes into the overlay.",
    args: &[arg("image", Type::Name, "the image's name in the spec; in YAML the key `image`")],
    props: &[
        prop("from", Type::Text, "what builds it: `pipeline.NAME.image.NAME`; absent where it is promoted"),
        prop("name", Type::Image, "name of the entry in the overlay's `images`; without it the built image's name"),
    ],
    ..BLOCK
};

pub static PROMOTE: Block = Block {
    name: "promote",
    plural: "promotes",
    doc: "Takes the digests of another environment, after its gates.",
    props: &[required("from", Type::Name, "the environment before this one")],
    children: &[many(&PROMOTED_IMAGE), optional(&SOAK), optional(&APPROVAL), optional(&HOTFIX)],
    ..BLOCK
};

pub static PROMOTED_IMAGE: Block = Block {
    name: "image",
    plural: "images",
    doc: "An image that is promoted; without one all of them are.",
    args: &[arg("image", Type::Name, "an image of the environment before")],
    ..BLOCK
};

pub static SOAK: Block = Block {
    name: "soak",
    plural: "soaks",
    doc: "How long a version must have been healthy in the environment before.",
    args: &[arg("duration", Type::Duration, "a duration")],
    props: &[default(
        "on-newer",
        Type::Enum(&["restart", "finish"]),
        "restart",
        "`restart`: the newest version wins; `finish`: the oldest that waits goes first",
    )],
    ..BLOCK
};

pub static APPROVAL: Block = Block {
    name: "approval",
    plural: "approvals",
    doc: "Somebody must say yes.",
    props: &[
        required("by", Type::Text, "`group:NAME` or `user:NAME`"),
        default("count", Type::Int, "1", "how many of them"),
    ],
    ..BLOCK
};

pub static HOTFIX: Block = Block {
    name: "hotfix",
    plural: "hotfixes",
    doc: "Who may skip the gates of a promotion; it is recorded.",
    props: &[
        required("by", Type::Text, "`group:NAME` or `user:NAME`"),
        default("reason-required", Type::Bool, "#true", "whether they must say why; a reason is always recorded"),
    ],
    ..BLOCK
};

pub static SYNC: Block = Block {
    name: "sync",
    plural: "syncs",
    doc: "Whether a server applies by itself.",
    args: &[arg("mode", Type::Enum(&["auto", "manual"]), "`manual`: only by `waybill apply`")],
    props: &[default("self-heal", Type::Bool, "#false", "whether changes by others are written back")],
    ..BLOCK
};

pub static HEALTH: Block = Block {
    name: "health",
    plural: "health",
    doc: "How long to wait until everything is healthy.",
    props: &[default("timeout", Type::Duration, "10m", "a duration")],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Environment {
    pub name: Spanned<String>,
    /// Where it is, in the order of the fan-out.
    pub clusters: Vec<ClusterUse>,
    pub manifests: Option<Spanned<String>>,
    pub images: Vec<Image>,
    pub promote: Option<Promote>,
    pub rollouts: Vec<Rollout>,
    pub sync: Option<Sync>,
    pub health_seconds: Option<u64>,
    pub secrets: Vec<Secret>,
    pub delivery: Delivery,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct ClusterUse {
    pub name: Spanned<String>,
    pub namespace: Spanned<String>,
    pub create: bool,
}

#[derive(Clone, Debug)]
pub struct Image {
    pub name: Spanned<String>,
    pub from: Option<Spanned<String>>,
    pub reference: Option<Spanned<String>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Promote {
    pub from: Spanned<String>,
    pub images: Vec<Spanned<String>>,
    pub soak: Option<Spanned<u64>>,
    /// The place of `on-newer="finish"`.
    pub finish: Option<Span>,
    pub approval: Option<Spanned<String>>,
    pub approvals: Option<Spanned<i64>>,
    pub hotfix: Option<Spanned<String>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Sync {
    pub auto: bool,
    pub self_heal: bool,
    pub span: Span,
}

/// An environment, if it has a name.
pub fn lower(view: &View) -> Option<Environment> {
    let cluster = |view: View| ClusterUse {
        name: view.reference("name"),
        namespace: view.reference("namespace"),
        create: view.bool("create"),
    };
    let image = |view: &View| {
        Some(Image {
            name: view.name("image")?,
            from: view.name("from"),
            reference: view.name("name"),
            span: view.head(),
        })
    };
    let sync = |view: View| Sync {
        auto: view.text("mode").is_some_and(|mode| mode.value == "auto"),
        self_heal: view.bool("self-heal"),
        span: view.head(),
    };
    Some(Environment {
        name: view.name("name")?,
        clusters: view.children("cluster").into_iter().map(cluster).collect(),
        manifests: view.child("manifests").map(|manifests| manifests.reference("path")),
        images: view.children("image").iter().filter_map(image).collect(),
        promote: view.child("promote").map(|promote| lower_promote(&promote)),
        rollouts: view.children("rollout").iter().filter_map(super::rollout::lower).collect(),
        sync: view.child("sync").map(sync),
        health_seconds: view.child("health").and_then(|health| health.seconds("timeout")).map(|seconds| seconds.value),
        secrets: view.children("secret").iter().filter_map(secret::lower).collect(),
        delivery: super::delivery::lower(view),
        span: view.head(),
    })
}

fn lower_promote(view: &View) -> Promote {
    let newer = view.child("soak").and_then(|soak| soak.name("on-newer"));
    let finish = newer.filter(|newer| newer.value == "finish");
    Promote {
        from: view.reference("from"),
        images: view.children("image").iter().filter_map(|image| image.name("image")).collect(),
        soak: view.child("soak").and_then(|soak| soak.seconds("duration")),
        finish: finish.map(|newer| newer.span),
        approval: view.child("approval").and_then(|approval| approval.name("by")),
        approvals: view.child("approval").and_then(|approval| approval.int("count")),
        hotfix: view.child("hotfix").and_then(|hotfix| hotfix.name("by")),
        span: view.head(),
    }
}
