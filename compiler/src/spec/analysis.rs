//! `analysis`: what says whether a new version is well: measurements with conditions.

use super::delivery::{Select, select};
use super::table::{BLOCK, Block, Open, Type, arg, default, many, merged, optional, prop, required};
use super::view::{View, as_text};
use crate::source::{Span, Spanned};
use crate::syntax::Text;

pub static ANALYSIS: Block = Block {
    name: "analysis",
    plural: "analyses",
    doc: "Measurements that say whether a new version is well; rollouts name it.",
    args: &[arg("name", Type::Name, "the name by which rollouts call it")],
    children: &[many(&PARAM), many(&METRIC)],
    ..BLOCK
};

pub static PARAM: Block = Block {
    name: "param",
    plural: "params",
    doc: "A value that the rollout gives: `${param.NAME}`.",
    args: &[arg("name", Type::Word, "the parameter's name")],
    props: &[prop("default", Type::Text, "what holds where no value is given")],
    ..BLOCK
};

pub static METRIC: Block = Block {
    name: "metric",
    plural: "metrics",
    doc: "One measurement, taken again and again: one of `prometheus`, `web`, `job`, `kubernetes`.",
    args: &[arg("name", Type::Name, "the metric's name")],
    props: &[
        prop("success", Type::Text, "CEL over `result`: the measurement is good"),
        prop("failure", Type::Text, "CEL over `result`: the measurement is bad; neither is inconclusive"),
        prop("interval", Type::Duration, "time between two measurements"),
        prop("count", Type::Int, "how many measurements; without it one, or until the rollout ends in the background"),
        default("delay", Type::Duration, "0s", "time before the first one"),
        default("failure-limit", Type::Int, "0", "how many bad ones are borne"),
        default("inconclusive-limit", Type::Int, "0", "how many that are neither good nor bad are borne"),
        default("error-limit", Type::Int, "4", "how many failed attempts to measure in a row are borne"),
        default("dry-run", Type::Bool, "#false", "whether it is only shown"),
    ],
    children: &[optional(&PROMETHEUS), optional(&WEB), optional(&JOB), optional(&KUBERNETES)],
    ..BLOCK
};

pub static PROMETHEUS: Block = Block {
    name: "prometheus",
    plural: "prometheus",
    doc: "A query of Prometheus; `result` is its value, or the list of its values.",
    args: &[arg("address", Type::Template, "address of the server")],
    props: &[
        required("query", Type::Template, "the query, in PromQL"),
        prop("secret", Type::Name, "Secret with the header `Authorization`"),
    ],
    ..BLOCK
};

pub static WEB: Block = Block {
    name: "web",
    plural: "webs",
    doc: "A request; `result` is the JSON of the answer.",
    args: &[arg("url", Type::Template, "address")],
    props: &[
        default("method", Type::Enum(&["GET", "POST", "PUT"]), "GET", "method of the request"),
        prop("body", Type::Template, "body of the request"),
        prop("json-path", Type::Text, "part of the answer that is the result: `$.errors`"),
        prop("secret", Type::Name, "Secret with the header `Authorization`"),
        default("timeout", Type::Duration, "10s", "how long the answer may take"),
    ],
    ..BLOCK
};

pub static JOB: Block = Block {
    name: "job",
    plural: "jobs",
    doc: "A task; good if it succeeds.",
    args: &[arg("task", Type::Reference, "name of a `task`")],
    ..BLOCK
};

pub static KUBERNETES: Block = Block {
    name: "kubernetes",
    plural: "kubernetes",
    doc: "An object of the environment; `result` is the object.",
    props: &[
        required("kind", Type::Text, "`KIND` or `GROUP/KIND`: `apps/Deployment`"),
        required("name", Type::Template, "name of the object"),
        prop("condition", Type::Text, "a condition of its status that must be true: `Available`"),
    ],
    ..BLOCK
};

/// The use of an analysis in a rollout or a stage.
pub static USE: Block = Block {
    name: "analysis",
    plural: "analyses",
    doc: "An analysis that must come out well.",
    args: &[arg("name", Type::Name, "name of an `analysis`")],
    props: &[prop(
        "at",
        Type::Enum(&["background", "before-switch", "after-switch"]),
        "in a rollout: `background` while it goes on, or before or after a blue-green switch",
    )],
    children: &[merged(&GIVEN)],
    ..BLOCK
};

pub static GIVEN: Block = Block {
    name: "param",
    plural: "params",
    doc: "Values of the parameters.",
    open: Some(Open { key: "parameter", ty: Type::Any }),
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Analysis {
    pub name: Spanned<String>,
    pub params: Vec<Param>,
    pub metrics: Vec<Metric>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Param {
    pub name: Spanned<String>,
    pub default: Option<Spanned<String>>,
}

#[derive(Clone, Debug)]
pub struct Metric {
    pub name: Spanned<String>,
    pub success: Option<Text>,
    pub failure: Option<Text>,
    pub interval: Option<Spanned<u64>>,
    pub count: Option<Spanned<i64>>,
    pub delay: Option<Spanned<u64>>,
    pub failure_limit: Option<Spanned<i64>>,
    pub inconclusive_limit: Option<Spanned<i64>>,
    pub error_limit: Option<Spanned<i64>>,
    pub dry_run: bool,
    /// What is measured: exactly one in a right spec.
    pub sources: Vec<Source>,
    pub span: Span,
}

/// Where a measurement comes from.
#[derive(Clone, Debug)]
pub struct Source {
    pub kind: SourceKind,
    /// Texts that may hold `${param.…}`.
    pub texts: Vec<Text>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum SourceKind {
    Prometheus,
    Web,
    Job(Spanned<String>),
    Kubernetes { object: Option<Select>, condition: Option<Spanned<String>> },
}

/// An analysis named by a rollout.
#[derive(Clone, Debug)]
pub struct Use {
    pub name: Spanned<String>,
    pub at: Option<Spanned<String>>,
    pub params: Vec<(Spanned<String>, Text)>,
    pub span: Span,
}

/// An analysis, if it has a name.
pub fn lower(view: &View) -> Option<Analysis> {
    let param = |view: &View| Some(Param { name: view.name("name")?, default: view.name("default") });
    Some(Analysis {
        name: view.name("name")?,
        params: view.children("param").iter().filter_map(param).collect(),
        metrics: view.children("metric").iter().filter_map(metric).collect(),
        span: view.head(),
    })
}

/// The use of an analysis.
pub fn lower_use(view: &View) -> Use {
    let values = |given: &View| given.open();
    let given = view.children("param").iter().flat_map(values).collect::<Vec<_>>();
    let params =
        given.into_iter().filter_map(|(key, value)| Some((Spanned::new(key.value, key.span), as_text(&value)?)));
    Use { name: view.reference("name"), at: view.name("at"), params: params.collect(), span: view.head() }
}

fn metric(view: &View) -> Option<Metric> {
    Some(Metric {
        name: view.name("name")?,
        success: view.fitting("success"),
        failure: view.fitting("failure"),
        interval: view.seconds("interval"),
        count: view.int("count"),
        delay: view.seconds("delay"),
        failure_limit: view.int("failure-limit"),
        inconclusive_limit: view.int("inconclusive-limit"),
        error_limit: view.int("error-limit"),
        dry_run: view.bool("dry-run"),
        sources: sources(view),
        span: view.head(),
    })
}

fn sources(view: &View) -> Vec<Source> {
    let source = |view: View, kind: SourceKind, texts: &[&str]| Source {
        kind,
        texts: texts.iter().filter_map(|name| view.fitting(name)).collect(),
        span: view.head(),
    };
    let found = [
        view.child("prometheus").map(|view| source(view, SourceKind::Prometheus, &["address", "query"])),
        view.child("web").map(|view| source(view, SourceKind::Web, &["url", "body"])),
        view.child("job").map(|view| source(view, SourceKind::Job(view.reference("task")), &[])),
        view.child("kubernetes").map(|view| {
            let kind = SourceKind::Kubernetes { object: select(&view), condition: view.name("condition") };
            source(view, kind, &["name"])
        }),
    ];
    let mut found: Vec<Source> = found.into_iter().flatten().collect();
    found.sort_by_key(|source| source.span);
    found
}
