//! `waybill.lock`: which commit each git module is at, and what its files hold. Written by `waybill vendor` as KDL.
//!
//! **Invariant:** the same modules give the same text, byte by byte.

use std::collections::BTreeMap;

use sha2::{Digest, Sha256};

use super::address::{Pin, is_commit};
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::{FileId, Sources, Span};
use crate::syntax::{self, Node, Tree};

/// Where the lock file is.
pub const PATH: &str = "waybill.lock";
/// Where the copies of git modules are, a folder for each commit.
pub const FOLDER: &str = "vendor/waybill";

const HEAD: &str = "\
// Written by `waybill vendor`, for the `use` blocks of this project and of the modules that it uses. Do not edit; commit
// it together with vendor/waybill.
version 1
";

/// What is locked, by repository and revision.
#[derive(Clone, Debug, Default)]
pub struct Lock {
    pub entries: BTreeMap<Pin, Entry>,
    /// Whether a part of it could not be read, which has been said.
    pub torn: bool,
}

#[derive(Clone, Debug)]
pub struct Entry {
    pub commit: String,
    pub content: String,
    /// The first value of its block.
    pub span: Span,
    pub content_span: Span,
}

/// The folder that the copy of a repository at a commit is in.
pub fn folder(pin: &Pin, commit: &str) -> String {
    let url = pin.url.trim_end_matches('/');
    let last = url.rsplit(['/', ':']).next().unwrap_or_default();
    let last = last.strip_suffix(".git").unwrap_or(last);
    let name: String = last.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_')).collect();
    let name = if name.is_empty() { "module" } else { &name };
    format!("{FOLDER}/{name}-{}", commit.get(..12).unwrap_or(commit))
}

/// The digest of files by their path in the copy.
pub fn content(files: &BTreeMap<String, &str>) -> String {
    let mut digest = Sha256::new();
    for (path, text) in files {
        digest.update(format!("{path}\n{}\n", text.len()));
        digest.update(text);
    }
    format!("sha256:{}", hex::encode(digest.finalize()))
}

/// The text of a lock file: each pin with its commit and the digest of its content.
pub fn write(entries: &BTreeMap<Pin, (String, String)>) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut text = HEAD.to_owned();
    for (pin, (commit, content)) in entries {
        let (source, reference) = (quoted(&format!("git+{}", pin.url)), quoted(&pin.reference));
        text.push_str(&format!("\nmodule {source} ref={reference} {{\n"));
        text.push_str(&format!("    commit {}\n    content {}\n}}\n", quoted(commit), quoted(content)));
    }
    text
}

/// Reads a lock file; what nobody but a person can have written is a finding.
pub fn read(sources: &Sources, file: FileId, diags: &mut Diags) -> Lock {
    let before = diags.errors();
    let nodes = match syntax::parse(sources, file, diags) {
        Tree::Kdl(nodes) => nodes,
        Tree::Yaml(_) => Vec::new(),
    };
    let mut lock = Lock::default();
    if diags.errors() == before
        && let Err((span, what)) = fill(&mut lock, &nodes, Span::start_of(file))
    {
        let finding = Diagnostic::new(&codes::LOCK_UNREADABLE, span, format!("`{PATH}` cannot be read: {what}"));
        diags.push(finding.here("not as `waybill vendor` writes it").help("run `waybill vendor`"));
    }
    lock.torn = diags.errors() > before;
    lock
}

type Wrong = (Span, String);

fn fill(lock: &mut Lock, nodes: &[Node], start: Span) -> Result<(), Wrong> {
    let version = nodes.first().filter(|node| node.name.value == "version");
    let version = version.ok_or((start, "its version is missing".to_owned()))?;
    match version.args.as_slice() {
        [value] if matches!(value.scalar, syntax::Scalar::Int(1)) => {}
        _ => return Err((version.span, "its version is not known here".into())),
    }
    for node in &nodes[1..] {
        let (pin, entry) = entry(node)?;
        let shown = pin.shown();
        let span = entry.span;
        if lock.entries.insert(pin, entry).is_some() {
            return Err((span, format!("`{shown}` stands there twice")));
        }
    }
    Ok(())
}

fn entry(node: &Node) -> Result<(Pin, Entry), Wrong> {
    let lacks = |what: &str| (node.name.span, format!("`{}` has no {what}", node.name.value));
    if node.name.value != "module" {
        return Err((node.name.span, format!("`{}` does not belong there", node.name.value)));
    }
    let source = node.args.first().and_then(|value| value.text()).ok_or(lacks("address"))?;
    let url = source.value.strip_prefix("git+").ok_or((source.span, "this is no git repository".to_owned()))?;
    let reference = node.props.iter().find(|(key, _)| key.value == "ref").and_then(|(_, value)| value.text());
    let pin = Pin { url: url.to_owned(), reference: reference.ok_or(lacks("`ref`"))?.value.clone() };
    let child = |name: &str| {
        let found = node.children.iter().find(|child| child.name.value == name);
        found.and_then(|child| child.args.first()).and_then(|value| value.text()).ok_or(lacks(&format!("`{name}`")))
    };
    let (commit, content) = (child("commit")?, child("content")?);
    if !is_commit(&commit.value) || (is_commit(&pin.reference) && pin.reference != commit.value) {
        return Err((commit.span, format!("`{}` is not the commit of `{}`", commit.value, pin.shown())));
    }
    let entry = Entry {
        commit: commit.value.clone(),
        content: content.value.clone(),
        span: source.span,
        content_span: content.span,
    };
    Ok((pin, entry))
}
