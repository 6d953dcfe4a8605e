//! What a step or Pod asks of its node and its kernel: resources, security, placement. And what stands beside steps:
//! sidecars, caches, artefacts.

use super::table::{Arg, BLOCK, Block, Open, Prop, Type, arg, default, many, merged, optional, prop, required};
use super::task::{self, ENV, RUN, SCRIPT, Script};
use super::view::{View, as_text};
use crate::diag::Diags;
use crate::expr::{self, Template};
use crate::source::{Span, Spanned};
use crate::syntax::Text;

pub static RESOURCES: Block = Block {
    name: "resources",
    plural: "resources",
    doc: "What is asked of the node. As a property a quantity is request and limit at once.",
    props: &[prop("cpu", Type::Quantity, "processor time: `500m`"), prop("memory", Type::Quantity, "memory: `256Mi`")],
    children: &[optional(&CPU), optional(&MEMORY), optional(&STORAGE)],
    ..BLOCK
};

const BOUNDS: &[Prop] = &[
    prop("request", Type::Quantity, "what must be free on the node"),
    prop("limit", Type::Quantity, "what may be used at most"),
];
const BOTH: &[Arg] =
    &[Arg { name: "both", ty: Type::Quantity, doc: "request and limit at once", required: false, many: false }];

pub static CPU: Block =
    Block { name: "cpu", plural: "cpu", doc: "Processor time.", args: BOTH, props: BOUNDS, ..BLOCK };
pub static MEMORY: Block =
    Block { name: "memory", plural: "memory", doc: "Memory.", args: BOTH, props: BOUNDS, ..BLOCK };
pub static STORAGE: Block = Block {
    name: "storage",
    plural: "storage",
    doc: "Disk of the node (`ephemeral-storage`).",
    args: BOTH,
    props: BOUNDS,
    ..BLOCK
};

const USER: Prop = prop("run-as-user", Type::Int, "user id of the processes");
const GROUP: Prop = prop("run-as-group", Type::Int, "group id of the processes");
const NON_ROOT: Prop = prop("run-as-non-root", Type::Bool, "refuse to start as user 0");
const SECCOMP: Prop =
    prop("seccomp", Type::Enum(&["runtime-default", "unconfined"]), "which system calls are filtered");

pub static SECURITY: Block = Block {
    name: "security",
    plural: "security",
    doc: "What the processes of a container may do (`securityContext`).",
    props: &[
        USER,
        GROUP,
        NON_ROOT,
        SECCOMP,
        prop("read-only-root", Type::Bool, "whether the container's own files cannot be changed"),
        prop("privileged", Type::Bool, "whether it may do what the node may"),
        prop("allow-escalation", Type::Bool, "whether a process may gain rights that its parent lacks"),
    ],
    children: &[optional(&DROP), optional(&ADD)],
    ..BLOCK
};

pub static DROP: Block = Block {
    name: "drop",
    plural: "drop",
    doc: "Capabilities that are given up: `ALL`.",
    args: &[Arg { name: "capabilities", ty: Type::Text, doc: "a capability", required: true, many: true }],
    ..BLOCK
};

pub static ADD: Block = Block {
    name: "add",
    plural: "add",
    doc: "Capabilities that are given: `NET_BIND_SERVICE`.",
    args: &[Arg { name: "capabilities", ty: Type::Text, doc: "a capability", required: true, many: true }],
    ..BLOCK
};

pub static POD: Block = Block {
    name: "pod",
    plural: "pods",
    doc: "Fields of the Pods: where they run and under which rules.",
    props: &[
        prop("priority-class", Type::Name, "name of a PriorityClass"),
        prop("runtime-class", Type::Name, "name of a RuntimeClass"),
        prop("scheduler", Type::Name, "name of a scheduler"),
        prop("host-network", Type::Bool, "whether it shares the node's network"),
    ],
    children: &[
        merged(&NODE_SELECTOR),
        many(&TOLERATION),
        optional(&PULL_SECRETS),
        optional(&POD_SECURITY),
        merged(&LABEL),
        merged(&ANNOTATION),
    ],
    ..BLOCK
};

pub static NODE_SELECTOR: Block = Block {
    name: "node-selector",
    plural: "node-selector",
    doc: "Labels that the node must have.",
    open: Some(Open { key: "a label of nodes", ty: Type::Any }),
    ..BLOCK
};

pub static TOLERATION: Block = Block {
    name: "toleration",
    plural: "tolerations",
    doc: "A taint of nodes that does not keep the Pod away.",
    args: &[Arg {
        name: "key",
        ty: Type::Text,
        doc: "the taint's key; every taint without one",
        required: false,
        many: false,
    }],
    props: &[
        prop("value", Type::Text, "the taint's value; any without it"),
        prop(
            "effect",
            Type::Enum(&["NoSchedule", "PreferNoSchedule", "NoExecute"]),
            "the taint's effect; any without it",
        ),
        prop("for", Type::Duration, "how long a `NoExecute` taint is borne"),
    ],
    ..BLOCK
};

pub static PULL_SECRETS: Block = Block {
    name: "pull-secrets",
    plural: "pull-secrets",
    doc: "Secrets of the namespace with credentials for registries.",
    args: &[Arg { name: "names", ty: Type::Name, doc: "name of a Secret", required: true, many: true }],
    ..BLOCK
};

pub static POD_SECURITY: Block = Block {
    name: "security",
    plural: "security",
    doc: "What all processes of the Pod may do, where a container does not say otherwise.",
    props: &[USER, GROUP, NON_ROOT, SECCOMP, prop("fs-group", Type::Int, "group id of the files of volumes")],
    ..BLOCK
};

pub static LABEL: Block = Block {
    name: "label",
    plural: "label",
    doc: "Labels of the Pods.",
    open: Some(Open { key: "a label", ty: Type::Any }),
    ..BLOCK
};

pub static ANNOTATION: Block = Block {
    name: "annotation",
    plural: "annotation",
    doc: "Annotations of the Pods.",
    open: Some(Open { key: "an annotation", ty: Type::Any }),
    ..BLOCK
};

pub static SIDECAR: Block = Block {
    name: "sidecar",
    plural: "sidecars",
    doc: "A container that runs beside the steps from before the first to after the last, such as a database.",
    args: &[arg("name", Type::Name, "the sidecar's name")],
    props: &[required("image", Type::Image, "its image")],
    children: &[
        optional(&RUN),
        optional(&SCRIPT),
        merged(&ENV),
        optional(&PORTS),
        optional(&READY),
        optional(&RESOURCES),
        optional(&SECURITY),
    ],
    ..BLOCK
};

pub static PORTS: Block = Block {
    name: "port",
    plural: "port",
    doc: "Ports that it listens on; the steps reach them at `localhost`.",
    args: &[Arg { name: "ports", ty: Type::Int, doc: "a port", required: true, many: true }],
    ..BLOCK
};

pub static READY: Block = Block {
    name: "ready",
    plural: "ready",
    doc: "When it is ready: the first step waits for it. One of `tcp`, `http` and `run`.",
    props: &[
        prop("tcp", Type::Int, "a port that takes connections"),
        prop("http", Type::Text, "a path that answers with 200 to 399, at its first port or at `port`"),
        prop("port", Type::Int, "port of `http`"),
        prop("run", Type::Script, "a shell text that ends with 0"),
        default("every", Type::Duration, "1s", "how often it is asked"),
        default("timeout", Type::Duration, "1m", "how long the steps wait for it before the task fails"),
    ],
    ..BLOCK
};

pub static CACHE: Block = Block {
    name: "cache",
    plural: "caches",
    doc: "A folder that is kept from run to run under a key: dependencies, not results.",
    args: &[arg("name", Type::Name, "the cache's name")],
    props: &[
        required("path", Type::Template, "the folder, in a workspace or in the steps' containers"),
        prop("key", Type::Template, "what tells one content from another"),
    ],
    children: &[optional(&CACHE_FILES)],
    ..BLOCK
};

pub static CACHE_FILES: Block = Block {
    name: "files",
    plural: "files",
    doc: "Globs of files of the checkout whose content is part of the key: `go.sum`.",
    args: &[Arg {
        name: "globs",
        ty: Type::Path,
        doc: "a path; `*` within a part, `**` over parts",
        required: true,
        many: true,
    }],
    ..BLOCK
};

pub static ARTEFACT: Block = Block {
    name: "artefact",
    plural: "artefacts",
    doc: "Files that are kept after the run: reports, logs.",
    args: &[arg("name", Type::Name, "the artefact's name")],
    props: &[
        required("path", Type::Template, "a file or folder in a workspace"),
        prop("keep", Type::Duration, "how long it is kept: `30d`"),
        default("on", Type::Enum(&["success", "failure", "always"]), "always", "after which end of the task"),
    ],
    ..BLOCK
};

/// Quantities by resource (`cpu`, `memory`, `ephemeral-storage`), in this order.
#[derive(Clone, Debug)]
pub struct Resources {
    pub bounds: Vec<Bounds>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Bounds {
    pub resource: &'static str,
    pub request: Option<Spanned<String>>,
    pub limit: Option<Spanned<String>>,
}

#[derive(Clone, Debug)]
pub struct Security {
    pub run_as_user: Option<Spanned<i64>>,
    pub run_as_group: Option<Spanned<i64>>,
    pub fs_group: Option<Spanned<i64>>,
    pub run_as_non_root: Option<Spanned<bool>>,
    pub seccomp: Option<Spanned<String>>,
    pub read_only_root: Option<Spanned<bool>>,
    pub privileged: Option<Spanned<bool>>,
    pub allow_escalation: Option<Spanned<bool>>,
    pub drop: Vec<Spanned<String>>,
    pub add: Vec<Spanned<String>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Pod {
    pub priority_class: Option<Spanned<String>>,
    pub runtime_class: Option<Spanned<String>>,
    pub scheduler: Option<Spanned<String>>,
    pub host_network: Option<Spanned<bool>>,
    pub node_selector: Vec<(Spanned<String>, Text)>,
    pub tolerations: Vec<Toleration>,
    pub pull_secrets: Vec<Spanned<String>>,
    pub security: Option<Security>,
    pub labels: Vec<(Spanned<String>, Text)>,
    pub annotations: Vec<(Spanned<String>, Text)>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Toleration {
    pub key: Option<Spanned<String>>,
    pub value: Option<Spanned<String>>,
    pub effect: Option<Spanned<String>>,
    pub seconds: Option<Spanned<u64>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Sidecar {
    pub name: Spanned<String>,
    pub image: Text,
    pub script: Option<Script>,
    pub env: Vec<(Spanned<String>, Template)>,
    pub ports: Vec<Spanned<i64>>,
    pub ready: Option<Ready>,
    pub resources: Option<Resources>,
    pub security: Option<Security>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Ready {
    pub tcp: Option<Spanned<i64>>,
    pub http: Option<Spanned<String>>,
    pub port: Option<Spanned<i64>>,
    pub run: Option<Text>,
    pub every: Option<Spanned<u64>>,
    pub timeout: Option<Spanned<u64>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Cache {
    pub name: Spanned<String>,
    pub path: Template,
    pub key: Option<Template>,
    pub files: Vec<Spanned<String>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Artefact {
    pub name: Spanned<String>,
    pub path: Template,
    pub span: Span,
}

/// The `resources` of a block.
pub fn resources(view: &View) -> Option<Resources> {
    let block = view.child("resources")?;
    let bounds = |name: &'static str, resource: &'static str| {
        let whole = block.name(name).filter(|_| block.fitting(name).is_some());
        let inner = block.child(name);
        let of_inner = |key: &str| inner.and_then(|inner| inner.name(key));
        let both = whole.or(of_inner("both"));
        Bounds { resource, request: of_inner("request").or(both.clone()), limit: of_inner("limit").or(both) }
    };
    let bounds = [bounds("cpu", "cpu"), bounds("memory", "memory"), bounds("storage", "ephemeral-storage")];
    let bounds = bounds.into_iter().filter(|bounds| bounds.request.is_some() || bounds.limit.is_some()).collect();
    Some(Resources { bounds, span: block.head() })
}

/// The `security` of a block.
pub fn security(view: &View) -> Option<Security> {
    let block = view.child("security")?;
    let names = |name: &str| {
        let listed = block.child(name).map(|child| child.texts()).unwrap_or_default();
        listed.into_iter().map(|text| Spanned::new(text.value, text.span)).collect()
    };
    Some(Security {
        run_as_user: block.int("run-as-user"),
        run_as_group: block.int("run-as-group"),
        fs_group: block.int("fs-group"),
        run_as_non_root: truth(&block, "run-as-non-root"),
        seccomp: block.name("seccomp"),
        read_only_root: truth(&block, "read-only-root"),
        privileged: truth(&block, "privileged"),
        allow_escalation: truth(&block, "allow-escalation"),
        drop: names("drop"),
        add: names("add"),
        span: block.head(),
    })
}

fn truth(view: &View, name: &str) -> Option<Spanned<bool>> {
    view.value(name).map(|value| Spanned::new(view.bool(name), value.span))
}

/// The `pod` of a block.
pub fn pod(view: &View) -> Option<Pod> {
    let block = view.child("pod")?;
    let toleration = |view: &View| Toleration {
        key: view.name("key"),
        value: view.name("value"),
        effect: view.name("effect"),
        seconds: view.seconds("for"),
        span: view.head(),
    };
    let secrets = block.child("pull-secrets").map(|secrets| secrets.texts()).unwrap_or_default();
    Some(Pod {
        priority_class: block.name("priority-class"),
        runtime_class: block.name("runtime-class"),
        scheduler: block.name("scheduler"),
        host_network: truth(&block, "host-network"),
        node_selector: entries(&block, "node-selector"),
        tolerations: block.children("toleration").iter().map(toleration).collect(),
        pull_secrets: secrets.into_iter().map(|text| Spanned::new(text.value, text.span)).collect(),
        security: security(&block),
        labels: entries(&block, "label"),
        annotations: entries(&block, "annotation"),
        span: block.head(),
    })
}

fn entries(view: &View, name: &str) -> Vec<(Spanned<String>, Text)> {
    let all = view.children(name);
    let open = all.iter().flat_map(View::open);
    open.filter_map(|(key, value)| Some((Spanned::new(key.value, key.span), as_text(&value)?))).collect()
}

/// The sidecars of a task.
pub fn sidecars(view: &View, diags: &mut Diags) -> Vec<Sidecar> {
    let mut sidecar = |view: &View| Sidecar {
        name: view.definition("name"),
        image: view.fitting("image").unwrap_or(Text::plain("", view.head())),
        script: task::script(view),
        env: task::env(view, diags),
        ports: view.child("port").map(|ports| ports.ints()).unwrap_or_default(),
        ready: view.child("ready").map(|ready| lower_ready(&ready)),
        resources: resources(view),
        security: security(view),
        span: view.head(),
    };
    view.children("sidecar").iter().map(&mut sidecar).collect()
}

fn lower_ready(view: &View) -> Ready {
    Ready {
        tcp: view.int("tcp"),
        http: view.name("http"),
        port: view.int("port"),
        run: view.text("run"),
        every: view.seconds("every"),
        timeout: view.seconds("timeout"),
        span: view.head(),
    }
}

/// The caches of a task.
pub fn caches(view: &View, diags: &mut Diags) -> Vec<Cache> {
    let mut cache = |view: &View| {
        let files = view.child("files").map(|files| files.texts()).unwrap_or_default();
        Cache {
            name: view.definition("name"),
            path: view.template("path", diags),
            key: view.text("key").map(|text| expr::parse(&text, diags)),
            files: files.into_iter().map(|text| Spanned::new(text.value, text.span)).collect(),
            span: view.head(),
        }
    };
    view.children("cache").iter().map(&mut cache).collect()
}

/// The artefacts of a task.
pub fn artefacts(view: &View, diags: &mut Diags) -> Vec<Artefact> {
    let mut artefact =
        |view: &View| Artefact { name: view.definition("name"), path: view.template("path", diags), span: view.head() };
    view.children("artefact").iter().map(&mut artefact).collect()
}
