//! `server`: where `waybill serve` is reached and where it runs. Apply makes nothing of it; it is what joins the webhooks of
//! triggers to the Secrets that sign them and to the Ingress that lets them in.

use super::secret::{self, SECRET, Secret};
use super::table::{BLOCK, Block, Type, arg, default, many, required};
use super::view::View;
use crate::source::{Span, Spanned};

pub static SERVER: Block = Block {
    name: "server",
    plural: "servers",
    doc: "Where `waybill serve` runs and what forges reach it by. Its Secrets are those that sign webhooks and that bumps are pushed with.",
    args: &[arg("url", Type::Url, "URL that forges send webhooks to")],
    props: &[
        default("cluster", Type::Name, "default", "name of a `cluster`"),
        required("namespace", Type::Name, "namespace that it runs in"),
    ],
    children: &[many(&SECRET)],
    ..BLOCK
};

#[derive(Clone, Debug)]
pub struct Server {
    pub url: Spanned<String>,
    pub cluster: Option<Spanned<String>>,
    pub namespace: Spanned<String>,
    pub secrets: Vec<Secret>,
    pub span: Span,
}

pub fn lower(view: &View) -> Server {
    Server {
        url: view.definition("url"),
        cluster: view.value("cluster").map(|_| view.reference("cluster")),
        namespace: view.reference("namespace"),
        secrets: view.children("secret").iter().filter_map(secret::lower).collect(),
        span: view.head(),
    }
}
