//! Who wrote which part of an object after its document: patches, transformers, replacements, variables.
//!
//! **Invariant:** elements of lists are known by what names them (`name`, `mountPath`, a port …), not by their index, so
//! that a list that was merged or reordered still leads to the right place.

use std::sync::Arc;

use serde_json::Value;

use crate::kubernetes::graft::graft;
use crate::source::Span;
use crate::syntax::Text;
use crate::syntax::yaml::{Kind, Node};

/// Fields that tell the elements of a list apart, in the order in which they are tried.
const NAMES: [&str; 10] =
    ["name", "mountPath", "devicePath", "containerPort", "port", "ip", "uid", "topologyKey", "key", "type"];

/// One step from a value to a part of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    /// The element of a list with this value of this field.
    Named(&'static str, Value),
    Index(usize),
}

pub(super) type Path = Vec<Step>;

/// What a part of an object was taken from.
#[derive(Clone, Debug)]
pub(super) enum By {
    Place(Span),
    Node(Arc<Node>),
}

/// A part of an object that was written later than its document.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) path: Path,
    pub(super) by: By,
    /// The key of a field, or what stands for it.
    pub(super) key: Option<Span>,
}

/// How an element of a list is known.
pub(super) fn step_of(index: usize, element: &Value) -> Step {
    let name = NAMES.iter().find_map(|name| Some((*name, element.get(*name).filter(|value| is_plain(value))?)));
    name.map_or(Step::Index(index), |(name, value)| Step::Named(name, value.clone()))
}

fn is_plain(value: &Value) -> bool {
    value.is_string() || value.is_number()
}

/// As `step_of`, by its index where another element has the same name.
fn step_among(list: &[Value], index: usize, element: &Value) -> Step {
    let step = step_of(index, element);
    let same = |(other, element): (usize, &Value)| other != index && step_of(other, element) == step;
    if list.iter().enumerate().any(same) { Step::Index(index) } else { step }
}

/// The steps of a JSON pointer into a value; a part that is not there ends them.
pub(super) fn path_of(value: &Value, pointer: &str) -> Path {
    let (mut path, mut value) = (Path::new(), Some(value));
    for part in pointer.split('/').skip(1) {
        let part = part.replace("~1", "/").replace("~0", "~");
        let (step, next) = match value {
            Some(Value::Array(list)) => {
                let index = part.parse::<usize>().ok();
                let element = index.and_then(|index| list.get(index));
                (
                    index.map(|index| element.map_or(Step::Index(index), |element| step_among(list, index, element))),
                    element,
                )
            }
            Some(value) => (Some(Step::Field(part.clone())), value.get(&part)),
            None => (Some(Step::Field(part)), None),
        };
        let Some(step) = step else { break };
        path.push(step);
        value = next;
    }
    path
}

/// Adds the topmost parts of `new` that `old` does not have alike; `at` is where both stand.
pub(super) fn changes(old: Option<&Value>, new: &Value, at: &mut Path, found: &mut Vec<Path>) {
    match (old, new) {
        (Some(old), new) if old == new => {}
        (Some(Value::Object(old)), Value::Object(new)) => {
            for (name, new) in new {
                at.push(Step::Field(name.clone()));
                changes(old.get(name), new, at, found);
                at.pop();
            }
        }
        (Some(Value::Array(old)), Value::Array(new)) => {
            for (index, new) in new.iter().enumerate() {
                let step = step_of(index, new);
                let before = old.iter().enumerate().find(|(at, element)| step_of(*at, element) == step);
                at.push(step);
                changes(before.map(|(_, element)| element), new, at, found);
                at.pop();
            }
        }
        (_, _) => found.push(at.clone()),
    }
}

/// The deepest node along a path, and whether it is the path's end.
pub(super) fn walk<'n>(node: &'n Node, path: &[Step]) -> (&'n Node, bool) {
    let Some((step, rest)) = path.split_first() else { return (node, true) };
    let next = match (step, &node.kind) {
        (Step::Field(name), Kind::Map(_)) => node.get(name),
        (Step::Named(name, value), Kind::Seq(items)) => {
            items.iter().find(|item| item.get(name).is_some_and(|found| found.to_json() == *value))
        }
        (Step::Index(index), Kind::Seq(items)) => items.get(*index),
        (_, _) => None,
    };
    next.map_or((node, false), |next| walk(next, rest))
}

/// Gives what was written later its place, in an object with the places of its document.
pub(super) fn overlay(object: &mut Node, written: &[Written]) {
    for written in written {
        let Some((key, part)) = entry_mut(object, &written.path) else { continue };
        let value = part.to_json();
        *part = match &written.by {
            By::Place(span) => graft(&value, None, *span),
            By::Node(node) => graft(&value, Some(node), node.span),
        };
        // A key that the document has not stands where its mapping does so far.
        if let Some(key) = key.filter(|key| key.map.is_empty()) {
            key.span = written.key.unwrap_or(part.span);
        }
    }
}

fn entry_mut<'n>(node: &'n mut Node, path: &[Step]) -> Option<(Option<&'n mut Text>, &'n mut Node)> {
    let Some((step, rest)) = path.split_first() else { return Some((None, node)) };
    let (key, next) = match (step, &mut node.kind) {
        (Step::Field(name), Kind::Map(entries)) => {
            let (key, next) = entries.iter_mut().find(|(key, _)| key.value == *name)?;
            (Some(key), next)
        }
        (Step::Named(name, value), Kind::Seq(items)) => {
            (None, items.iter_mut().find(|item| item.get(name).is_some_and(|found| found.to_json() == *value))?)
        }
        (Step::Index(index), Kind::Seq(items)) => (None, items.get_mut(*index)?),
        (_, _) => return None,
    };
    if rest.is_empty() { Some((key, next)) } else { entry_mut(next, rest) }
}

/// Where the part at a JSON pointer was written: by the last one who did, else in the document.
pub(super) fn place(value: &Value, document: (Span, Option<&Node>), written: &[Written], pointer: &str) -> Span {
    let path = path_of(value, pointer);
    for written in written.iter().rev() {
        if let Some(rest) = path.strip_prefix(written.path.as_slice()) {
            match &written.by {
                By::Place(span) => return *span,
                By::Node(node) => return walk(node, rest).0.span,
            }
        }
    }
    let (origin, node) = document;
    match node {
        Some(node) if !path.is_empty() => {
            let found = walk(node, &path).0;
            if std::ptr::eq(found, node) { origin } else { found.span }
        }
        Some(_) | None => origin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn elements_are_known_by_name() {
        let old = json!({"c": [{"name": "a", "image": "x"}, {"name": "b"}], "l": [1, 2]});
        let new = json!({"c": [{"name": "b"}, {"name": "a", "image": "y"}], "l": [1, 3], "m": {}});
        let mut found = Vec::new();
        changes(Some(&old), &new, &mut Vec::new(), &mut found);
        let expected = ["/c/1/image", "/l/1", "/m"].map(|pointer| path_of(&new, pointer));
        assert_eq!(found, expected);
        assert_eq!(path_of(&new, "/c/1/image"), path_of(&old, "/c/0/image"));
    }
}
