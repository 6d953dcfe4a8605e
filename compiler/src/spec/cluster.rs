//! `cluster`: where things run. `secret-store`: where secret values come from.

use super::table::{BLOCK, Block, Type, arg, default, prop};
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

pub static SECRET_STORE: Block = Block {
    name: "secret-store",
    plural: "secret-stores",
    doc: "A store of External Secrets that `secret` blocks name.",
    args: &[arg("name", Type::Text, "name of the store in the cluster")],
    props: &[default("kind", Type::Enum(&["SecretStore", "ClusterSecretStore"]), "SecretStore", "kind of the store")],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Cluster {
    pub name: Spanned<String>,
    pub context: Option<Spanned<String>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct SecretStore {
    pub name: Spanned<String>,
    pub kind: Option<Spanned<String>>,
}

pub fn lower(view: &View, _diags: &mut Diags) -> Option<Cluster> {
    Some(Cluster { name: view.name("name")?, context: view.name("context"), span: view.head() })
}

pub fn lower_store(view: &View) -> Option<SecretStore> {
    Some(SecretStore { name: view.name("name")?, kind: view.name("kind") })
}
