//! KDL version 2: a lossless tree of any text, what is wrong with it, and the nodes that can be read.
//!
//! **Invariant:** parsing never fails and never recurses; `lower` does, not deeper than `DEPTH`.
//! Text → tokens (`lex`, `quotes`) → tree (`braces`, `build`, `values`) → nodes (`lower`, `text`, `number`).

mod braces;
mod build;
pub mod chars;
mod findings;
pub mod format;
mod lex;
mod lower;
mod number;
mod quotes;
mod text;
pub mod tree;
mod values;

pub use tree::Tree;

use super::Node;
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::{FileId, Span};
use findings::Findings;
use tree::Kind;

/// Deepest nesting of braces.
pub const DEPTH: usize = 256;

/// The nodes of a text that can be read, with a finding for each mistake.
pub fn parse(file: FileId, text: &str, diags: &mut Diags) -> Vec<Node> {
    let (tree, found) = tree(file, text);
    if let Some(finding) = too_deep(&tree, file) {
        diags.push(finding);
        return Vec::new();
    }
    diags.extend(found);
    lower::nodes(&tree, file)
}

/// The lossless tree of a text, and what is wrong with the text.
pub fn tree(file: FileId, text: &str) -> (Tree<'_>, Vec<Diagnostic>) {
    let mut found = Findings::new(file);
    let tree = build::tree(text, &mut found);
    (tree, found.finish())
}

/// Bytes of a text that were looked at ahead of what was being read, for the test that this grows as the text does.
pub fn looked_ahead(text: &str) -> usize {
    let mut found = Findings::new(FileId(0));
    build::tree(text, &mut found);
    found.looked
}

/// A finding for the brace that opens one level too many.
fn too_deep(tree: &Tree<'_>, file: FileId) -> Option<Diagnostic> {
    let mut depth = 0usize;
    for token in &tree.tokens {
        match token.kind {
            Kind::OpenBrace => depth += 1,
            Kind::CloseBrace => depth = depth.saturating_sub(1),
            _other => {}
        }
        if depth > DEPTH {
            let (message, at) = (format!("blocks are nested more than {DEPTH} deep"), token.start as usize);
            let finding = Diagnostic::new(&codes::NESTING, Span::new(file, at, at + 1), message);
            return Some(finding.here("one level too many"));
        }
    }
    None
}
