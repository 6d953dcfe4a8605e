//! `use` and `module`: tasks that stand in another folder or repository, and what makes a folder such a module.
//!
//! Not here: which files a module has and where they come from (`modules`).

use super::table::{BLOCK, Block, Type, arg, prop, required};
use super::view::View;
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::{Span, Spanned};
use crate::syntax::{Node, Text};

pub static USE: Block = Block {
    name: "use",
    plural: "uses",
    doc: "Brings the tasks of a module: a task `go-test` of a module used as `catalog` is called `catalog.go-test`.",
    args: &[arg(
        "source",
        Type::Url,
        "a folder, as seen from this spec's own: `ci/catalog`; or a git repository at a revision: \
         `git+https://git.example.com/platform/catalog.git#COMMIT`, where a tag or branch is pinned by `waybill.lock`",
    )],
    props: &[
        required("as", Type::Name, "what it is called here"),
        prop("path", Type::Path, "folder of the module in its git repository; without it the repository's own"),
    ],
    ..BLOCK
};

pub static MODULE: Block = Block {
    name: "module",
    plural: "modules",
    doc: "Stands in place of `project`: what is here are tasks for the projects that `use` this folder, and nothing else.",
    args: &[arg("name", Type::Name, "the module's name")],
    props: &[prop("description", Type::Text, "what its tasks are for")],
    ..BLOCK
};

/// Blocks that a module may have.
const OF_MODULES: &[&str] = &["module", "use", "task"];

#[derive(Clone, Debug)]
pub struct Use {
    pub source: Text,
    pub alias: Spanned<String>,
    pub path: Option<Spanned<String>>,
}

#[derive(Clone, Debug)]
pub struct ModuleHead {
    pub name: Spanned<String>,
    pub span: Span,
}

/// A use, if what it names and what it is called are there.
pub fn lower_use(view: &View) -> Option<Use> {
    let path = view.value("path").map(|_| view.reference("path")).filter(|path| !path.value.is_empty());
    let alias = view.reference("as");
    if alias.value.is_empty() {
        return None;
    }
    Some(Use { source: view.fitting("source")?, alias, path })
}

pub fn lower_module(view: &View) -> ModuleHead {
    ModuleHead { name: view.definition("name"), span: view.head() }
}

/// Reports and removes what a module cannot have; `module` is its head.
pub fn keep_tasks(root: &mut Node, module: Span, diags: &mut Diags) {
    let foreign = |node: &Node| {
        let name = node.name.value.as_str();
        super::ROOT.children.iter().any(|child| child.block.name == name) && !OF_MODULES.contains(&name)
    };
    for node in root.children.iter().filter(|node| foreign(node)) {
        let finding =
            Diagnostic::new(&codes::MODULE_CONTENT, node.name.span, format!("a module has no `{}`", node.name.value));
        diags.push(
            finding
                .here("a module gives tasks only")
                .label(module, "this is a module")
                .help("write it in the project that uses the module"),
        );
    }
    root.children.retain(|node| !foreign(node));
}
