//! `cluster`: where things run.

use super::table::{BLOCK, Block, Open, Type, arg, merged, optional, prop};
use super::view::{View, as_text};
use crate::diag::Diags;
use crate::source::{Span, Spanned};
use crate::syntax::{Text, Value};

pub static CLUSTER: Block = Block {
    name: "cluster",
    plural: "clusters",
    doc: "A Kubernetes cluster. Without a context it is the embedded one.",
    args: &[arg("name", Type::Name, "the name by which environments and pipelines call it")],
    props: &[prop("context", Type::Text, "context of the kubeconfig file")],
    children: &[merged(&LABELS), optional(&super::environment::MANIFESTS)],
    ..BLOCK
};

pub static LABELS: Block = Block {
    name: "labels",
    plural: "labels",
    doc: "Words by which `for-each` chooses clusters.",
    open: Some(Open { key: "label", ty: Type::Text }),
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Cluster {
    pub name: Spanned<String>,
    pub context: Option<Spanned<String>>,
    pub labels: Vec<(String, Spanned<String>)>,
    /// Cluster-scoped objects, and those of namespaces that no environment has.
    pub manifests: Option<Spanned<String>>,
    pub span: Span,
}

pub fn lower(view: &View, _diags: &mut Diags) -> Option<Cluster> {
    let labels = view.children("labels").iter().flat_map(View::open).collect::<Vec<_>>();
    let label = |(key, value): (Text, Value)| {
        let text = as_text(&value)?;
        Some((key.value, Spanned::new(text.value, text.span)))
    };
    Some(Cluster {
        name: view.name("name")?,
        context: view.name("context"),
        labels: labels.into_iter().filter_map(label).collect(),
        manifests: view.child("manifests").map(|manifests| manifests.reference("path")),
        span: view.head(),
    })
}
