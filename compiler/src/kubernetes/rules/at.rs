//! A field of an object and where it is named.
//!
//! **Invariant:** what is absent, null or of another type than asked for is `None` or empty: the structure of an object
//! is judged elsewhere, and rules are silent about what it lacks.

use crate::source::Span;
use crate::syntax::Text;
use crate::syntax::yaml::{Kind, Node};

/// A value with the place that stands for it where something in it is missing: its key, or the name of a list item.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) node: &'a Node,
    pub(super) key: Span,
}

impl<'a> At<'a> {
    /// A whole object; its kind stands for it.
    pub(super) fn root(node: &'a Node) -> At<'a> {
        At { node, key: node.get("kind").map_or(node.span, |kind| kind.span) }
    }

    /// The value at a dotted path.
    pub(super) fn get(self, path: &str) -> Option<At<'a>> {
        path.split('.').try_fold(self, |at, name| {
            let (key, node) = at.node.entry(name)?;
            (!node.is_null()).then_some(At { node, key: key.span })
        })
    }

    pub(super) fn has(self, path: &str) -> bool {
        self.get(path).is_some()
    }

    /// Whether a list or mapping is there with something in it.
    pub(super) fn filled(self, path: &str) -> bool {
        self.get(path).is_some_and(|at| match &at.node.kind {
            Kind::Seq(items) => !items.is_empty(),
            Kind::Map(entries) => !entries.is_empty(),
            Kind::Str(text) => !text.value.is_empty(),
            Kind::Null => false,
            Kind::Bool(_) | Kind::Number(_) => true,
        })
    }

    /// The items of a list.
    pub(super) fn items(self, path: &str) -> Vec<At<'a>> {
        let items = self.get(path).and_then(|at| at.node.as_seq()).unwrap_or_default();
        items.iter().map(|node| At { node, key: item_key(node) }).collect()
    }

    /// The entries of a mapping.
    pub(super) fn entries(self, path: &str) -> &'a [(Text, Node)] {
        self.get(path).and_then(|at| at.node.as_map()).unwrap_or_default()
    }

    /// A text that is not empty.
    pub(super) fn text(self, path: &str) -> Option<&'a str> {
        self.get(path)?.node.as_str().filter(|text| !text.is_empty())
    }

    /// A text, `""` where there is none.
    pub(super) fn word(self, path: &str) -> &'a str {
        self.text(path).unwrap_or("")
    }

    pub(super) fn int(self, path: &str) -> Option<i64> {
        self.get(path)?.node.as_number()?.as_i64()
    }

    pub(super) fn bool(self, path: &str) -> bool {
        self.get(path).and_then(|at| at.node.as_bool()).unwrap_or(false)
    }

    pub(super) fn span(self) -> Span {
        self.node.span
    }

    /// The place of a field, or of what should have it.
    pub(super) fn place(self, path: &str) -> Span {
        self.get(path).map_or(self.key, At::span)
    }
}

fn item_key(node: &Node) -> Span {
    let named = node.get("name").filter(|name| name.as_str().is_some());
    let first = || node.as_map().and_then(|entries| entries.first()).map(|(key, _)| key.span);
    named.map(|name| name.span).or_else(first).unwrap_or(node.span)
}
