//! `rollout`: the stages in which a workload takes a new version.

use super::table::{BLOCK, Block, Type, arg, default, many, optional, prop, required};
use super::view::View;
use crate::source::{Span, Spanned};

pub static ROLLOUT: Block = Block {
    name: "rollout",
    plural: "rollouts",
    doc: "How a Deployment takes a new version.",
    args: &[arg("workload", Type::Text, "name of the Deployment in the manifests")],
    props: &[
        default("strategy", Type::Enum(&["canary"]), "canary", "`canary`: a second Deployment grows stage by stage"),
        default("timeout", Type::Duration, "10m", "how long a stage may take to become available"),
    ],
    children: &[many(&STAGE), optional(&ON_FAILURE)],
    ..BLOCK
};

pub static STAGE: Block = Block {
    name: "stage",
    plural: "stages",
    doc: "A share of the replicas that runs the new version.",
    props: &[
        required("weight", Type::Percent, "percent of the replicas; the last stage has 100"),
        prop("hold", Type::Duration, "how long the stage lasts after it is available"),
    ],
    ..BLOCK
};

pub static ON_FAILURE: Block = Block {
    name: "on-failure",
    plural: "on-failure",
    doc: "What happens when a stage fails.",
    args: &[arg("action", Type::Enum(&["rollback"]), "`rollback`: the old version comes back and the new one is held")],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Rollout {
    pub workload: Spanned<String>,
    pub stages: Vec<Stage>,
    pub timeout_seconds: Option<u64>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Stage {
    /// `None` where it is missing or no percentage, which has been said.
    pub weight: Option<Spanned<u32>>,
    pub hold: Option<Spanned<u64>>,
    pub span: Span,
}

/// A rollout, if it names its workload.
pub fn lower(view: &View) -> Option<Rollout> {
    let stage = |view: &View| Stage { weight: view.percent("weight"), hold: view.seconds("hold"), span: view.head() };
    Some(Rollout {
        workload: view.name("workload")?,
        stages: view.children("stage").iter().map(stage).collect(),
        timeout_seconds: view.seconds("timeout").map(|seconds| seconds.value),
        span: view.head(),
    })
}
