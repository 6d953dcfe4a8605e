//! The language: one table, one struct and one `lower` for each block, as written. Names are not resolved here.
//!
//! **Invariant:** lowering never fails and never stops: what is wrong becomes a finding and is left out.
//! Not here: defaults and references (`model`), joins (`check`).

pub mod access;
pub mod analysis;
pub mod channel;
pub mod cluster;
pub mod delivery;
pub mod environment;
pub mod flow;
pub mod generate;
pub mod param;
pub mod pipeline;
pub mod pod;
pub mod policy;
pub mod project;
pub mod reference;
pub mod reuse;
pub mod rollout;
pub mod secret;
pub mod server;
pub mod table;
pub mod task;
pub mod trigger;
pub mod value;
pub mod view;
pub mod yaml;

use crate::diag::cascade::Part;
use std::collections::BTreeMap;

use crate::diag::{Code, Diagnostic, Diags, Severity, codes};
use crate::source::{FileId, Sources, Span};
use crate::syntax::{self, Node, Text, Tree};
use table::{BLOCK, Block, many, optional};
use view::{Syntax, View};

/// A whole spec as written, files in order.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// What makes it a module.
    pub module: Option<reuse::ModuleHead>,
    pub uses: Vec<reuse::Use>,
    /// What the modules are called whose tasks are among the tasks; a module of a module has a dot in its name.
    pub modules: Vec<String>,
    pub projects: Vec<project::Project>,
    pub clusters: Vec<cluster::Cluster>,
    pub stores: Vec<secret::SecretStore>,
    pub tasks: Vec<task::Task>,
    pub pipelines: Vec<pipeline::Pipeline>,
    pub environments: Vec<environment::Environment>,
    pub servers: Vec<server::Server>,
    pub triggers: Vec<trigger::Trigger>,
    pub policies: Vec<policy::Policy>,
    pub identities: Vec<access::Identity>,
    pub accesses: Vec<access::Access>,
    pub analyses: Vec<analysis::Analysis>,
    pub channels: Vec<channel::Channel>,
    /// What generators of environments need, and which blocks have one.
    pub generated: generate::Generated,
    /// The files that it was read from.
    pub files: Vec<FileId>,
    /// Whether a part of a file could not be parsed, so that names may be missing.
    pub torn: bool,
}

impl Spec {
    /// The tasks by their names, the first of several: what looks each of many names up takes this once.
    pub fn tasks_by_name(&self) -> BTreeMap<&str, &task::Task> {
        self.tasks.iter().rev().map(|task| (task.name.as_str(), task)).collect()
    }

    /// All `secret` blocks: of environments, pipelines and the server.
    pub fn secrets(&self) -> impl Iterator<Item = &secret::Secret> {
        let environments = self.environments.iter().flat_map(|environment| &environment.secrets);
        let pipelines = self.pipelines.iter().flat_map(|pipeline| &pipeline.secrets);
        environments.chain(pipelines).chain(self.servers.iter().flat_map(|server| &server.secrets))
    }

    /// Whether nothing is defined at all.
    pub fn is_empty(&self) -> bool {
        let blocks = [self.projects.len(), self.clusters.len(), self.stores.len(), self.tasks.len()];
        let more = [self.analyses.len(), self.channels.len(), self.servers.len()];
        let rest = [self.triggers.len(), self.policies.len(), self.identities.len(), self.accesses.len()];
        blocks.iter().chain(&rest).chain(&more).sum::<usize>() + self.pipelines.len() + self.environments.len() == 0
    }
}

/// The top level of a spec file.
pub static ROOT: Block = Block {
    doc: "A delivery spec: what is built, where it runs, and how it gets there.",
    children: &[
        optional(&project::PROJECT),
        optional(&reuse::MODULE),
        many(&reuse::USE),
        many(&cluster::CLUSTER),
        many(&secret::SECRET_STORE),
        many(&task::TASK),
        many(&pipeline::PIPELINE),
        many(&environment::ENVIRONMENT),
        optional(&server::SERVER),
        many(&trigger::TRIGGER),
        many(&policy::POLICY),
        many(&access::IDENTITY),
        optional(&access::ACCESS),
        many(&analysis::ANALYSIS),
        many(&channel::CHANNEL),
    ],
    ..BLOCK
};

/// Errors of reading that leave nothing out: names that they hide are still defined.
const HARMLESS: &[&Code] = &[&codes::UNKNOWN_PROPERTY, &codes::DUPLICATE_KEY];

/// Reads files into one spec.
pub fn lower(sources: &Sources, files: &[FileId], diags: &mut Diags) -> Spec {
    let mut spec = Spec { files: files.to_vec(), ..Spec::default() };
    let mut roots: Vec<(Node, Syntax)> = Vec::new();
    for file in files {
        let before = diags.len();
        let found = read(sources, *file, diags);
        let read = diags.iter().skip(before);
        spec.torn |=
            read.filter(|finding| finding.severity == Severity::Error).any(|finding| !HARMLESS.contains(&finding.code));
        if found.is_empty() && diags.len() == before {
            let finding = Diagnostic::new(&codes::EMPTY_SPEC, Span::start_of(*file), "the spec defines nothing");
            diags.push(finding.help("begin with `project \"NAME\"`"));
        }
        roots.extend(found);
    }
    let clusters = roots.iter().flat_map(|(root, _)| generate::clusters(root)).collect();
    let outer = generate::Outer { sources, clusters };
    for (node, syntax) in &mut roots {
        generate::expand(node, *syntax, &outer, &mut spec.generated, diags);
        view::check(node, &ROOT, *syntax, diags);
        let view = View { block: &ROOT, node };
        let head = view.child("module").map(|view| reuse::lower_module(&view));
        spec.module = spec.module.take().or(head);
    }
    for (mut node, _) in roots {
        if let Some(module) = &spec.module {
            reuse::keep_tasks(&mut node, module.span, diags);
        }
        lower_root(&node, &mut spec, diags);
    }
    spec.torn |= spec.generated.failed;
    spec
}

/// The blocks of spec files, for telling what a mistake may have hidden.
pub fn outline(sources: &Sources, files: &[FileId]) -> Vec<Part> {
    let mut parts = Vec::new();
    for file in files {
        for (root, _) in read(sources, *file, &mut Diags::default()) {
            let mut open: Vec<(&Node, usize)> = root.children.iter().map(|child| (child, 0)).collect();
            while let Some((node, depth)) = open.pop() {
                let name = node.args.first().and_then(|value| value.text()).map(|text| text.value.clone());
                parts.push(Part { span: node.span, kind: node.name.value.clone(), name, depth });
                open.extend(node.children.iter().map(|child| (child, depth + 1)));
            }
        }
    }
    parts
}

/// The documents of a file as nodes of `ROOT`.
pub fn read(sources: &Sources, file: FileId, diags: &mut Diags) -> Vec<(Node, Syntax)> {
    match syntax::parse(sources, file, diags) {
        Tree::Kdl(children) if children.is_empty() => Vec::new(),
        Tree::Kdl(children) => {
            let start = Span::start_of(file);
            let node = Node {
                name: Text::plain("", start),
                args: Vec::new(),
                props: Vec::new(),
                children,
                span: start,
                torn: false,
            };
            vec![(node, Syntax::Kdl)]
        }
        Tree::Yaml(documents) => {
            let nodes = documents.iter().filter_map(|document| yaml::document(document, &ROOT, diags));
            nodes.map(|node| (node, Syntax::Yaml)).collect()
        }
    }
}

fn lower_root(node: &Node, spec: &mut Spec, diags: &mut Diags) {
    let root = View { block: &ROOT, node };
    spec.uses.extend(root.children("use").iter().filter_map(reuse::lower_use));
    spec.projects.extend(root.children("project").iter().map(project::lower));
    spec.clusters.extend(root.children("cluster").iter().filter_map(|view| cluster::lower(view, diags)));
    spec.stores.extend(root.children("secret-store").iter().filter_map(secret::lower_store));
    spec.tasks.extend(root.children("task").iter().filter_map(|view| task::lower(view, diags)));
    spec.pipelines.extend(root.children("pipeline").iter().filter_map(|view| pipeline::lower(view, diags)));
    spec.servers.extend(root.children("server").iter().map(server::lower));
    spec.triggers.extend(root.children("trigger").iter().filter_map(|view| trigger::lower(view, diags)));
    spec.policies.extend(root.children("policy").iter().filter_map(policy::lower));
    spec.identities.extend(root.children("identity").iter().filter_map(access::lower_identity));
    spec.accesses.extend(root.children("access").iter().map(access::lower_access));
    spec.environments.extend(root.children("environment").iter().filter_map(environment::lower));
    spec.analyses.extend(root.children("analysis").iter().filter_map(analysis::lower));
    spec.channels.extend(root.children("channel").iter().filter_map(channel::lower));
}
