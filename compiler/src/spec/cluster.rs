//! `cluster`: where things run.

use super::table::{BLOCK, Block, Type, arg, prop};
use super::view::View;
use crate::diag::Diags;
use crate::source::{Span, Spanned};

pub static CLUSTER: Block = Block {
    name: "cluster",
    plural: "clusters",
    doc: "A Kubernetes cluster. Without a context it is the embedded one.",
    args: &[arg("name", Type::Name, "the name by which environments and pipelines call it")],
    props: &[prop("context", Type::Text, "context of the kubeconfig file")],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Cluster {
    pub name: Spanned<String>,
    pub context: Option<Spanned<String>>,
    pub span: Span,
}

pub fn lower(view: &View, _diags: &mut Diags) -> Option<Cluster> {
    Some(Cluster { name: view.name("name")?, context: view.name("context"), span: view.head() })
}
