//! The tree to the nodes that both syntaxes share.
//!
//! **Invariant:** recursion is as deep as the blocks, which `kdl` limits before.

use super::number::{self, Bare};
use super::text;
use super::tree::{Item, ItemKind, Kind, NONE, Tree};
use crate::source::{FileId, Span};
use crate::syntax::{Node, Scalar, Text, Value};

/// The nodes of the tree that are not commented out and have a name.
pub fn nodes(tree: &Tree<'_>, file: FileId) -> Vec<Node> {
    Lower { tree, file }.nodes(0, tree.items.len())
}

struct Lower<'a, 't> {
    tree: &'a Tree<'t>,
    file: FileId,
}

impl Lower<'_, '_> {
    fn nodes(&self, from: usize, to: usize) -> Vec<Node> {
        self.tree.side_by_side(from, to).filter_map(|at| self.node(at)).collect()
    }

    fn node(&self, at: usize) -> Option<Node> {
        let item = self.tree.items[at];
        if item.commented || item.name == NONE {
            return None;
        }
        let name = self.text(item.name as usize);
        let end = self.tree.start(item.last as usize);
        let span = Span::new(self.file, self.tree.start(item.first as usize), end);
        let (args, props, children) = (Vec::new(), Vec::new(), Vec::new());
        let mut node = Node { name, args, props, children, span, torn: item.broken };
        for at in self.tree.side_by_side(at + 1, item.next as usize) {
            let part = self.tree.items[at];
            match part.kind {
                _ if part.commented => {}
                ItemKind::Value => node.args.push(self.value(&part)),
                ItemKind::Property => node.props.push((self.text(part.name as usize), self.value(&part))),
                ItemKind::Block => node.children.extend(self.nodes(at + 1, part.next as usize)),
                ItemKind::Node => {}
            }
        }
        Some(node)
    }

    fn value(&self, item: &Item) -> Value {
        let (first, last) = (self.tree.start(item.first as usize), self.tree.start(item.last as usize));
        if item.broken || item.value == NONE {
            return Value { scalar: Scalar::Unread, span: Span::new(self.file, first, last) };
        }
        let at = item.value as usize;
        let span = Span::new(self.file, self.tree.start(at), self.tree.end(at));
        let scalar = match self.tree.kind(at) {
            Kind::Keyword => keyword(self.tree.token(at)),
            Kind::Word => match number::read(self.tree.token(at)) {
                Bare::Number(number) => number,
                Bare::Reserved => keyword(&format!("#{}", self.tree.token(at))),
                Bare::Name | Bare::NoNumber | Bare::TooLarge => Scalar::Text(self.text(at)),
            },
            _string => Scalar::Text(self.text(at)),
        };
        Value { scalar, span }
    }

    fn text(&self, at: usize) -> Text {
        let (token, kind, start) = (self.tree.token(at), self.tree.kind(at), self.tree.start(at));
        text::decode(self.file, token, kind, start, &mut |_, _, _| {})
    }
}

fn keyword(token: &str) -> Scalar {
    match token {
        "#true" => Scalar::Bool(true),
        "#false" => Scalar::Bool(false),
        "#null" => Scalar::Null,
        "#inf" => Scalar::Float(f64::INFINITY),
        "#-inf" => Scalar::Float(f64::NEG_INFINITY),
        "#nan" => Scalar::Float(f64::NAN),
        _unknown => Scalar::Unread,
    }
}
