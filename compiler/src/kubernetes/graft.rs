//! The places of a rendered object: its final value, with the spans of the manifest that it came from.
//!
//! **Invariant:** the result holds exactly the value; what the manifest does not have gets the place of the nearest part
//! around it. Elements of lists are found by their name, so that patches which reorder a list do not mislead.

use serde_json::Value;

use crate::source::Span;
use crate::syntax::Text;
use crate::syntax::yaml::{Kind, Node};

/// The value as a node. Where `source` says the same, its places and texts are taken.
pub fn graft(value: &Value, source: Option<&Node>, around: Span) -> Node {
    if let Some(source) = source.filter(|source| same(value, source)) {
        return source.clone();
    }
    let span = source.map_or(around, |source| source.span);
    let kind = match value {
        Value::Null => Kind::Null,
        Value::Bool(value) => Kind::Bool(*value),
        Value::Number(number) => Kind::Number(number.clone()),
        Value::String(text) => Kind::Str(unmapped(text, span)),
        Value::Array(items) => {
            let sources = source.and_then(Node::as_seq).unwrap_or_default();
            let graft = |(at, item)| graft(item, counterpart(item, at, sources), span);
            Kind::Seq(items.iter().enumerate().map(graft).collect())
        }
        Value::Object(map) => {
            let graft = |(key, value): (&String, &Value)| {
                let entry = source.and_then(|source| source.entry(key));
                let key = entry.map_or_else(|| unmapped(key, span), |(key, _)| key.clone());
                (key, graft(value, entry.map(|(_, node)| node), span))
            };
            Kind::Map(map.iter().map(graft).collect())
        }
    };
    Node { span, kind }
}

fn unmapped(text: &str, span: Span) -> Text {
    Text { value: text.to_owned(), span, map: Vec::new() }
}

/// The element that an item came from: the one of its name, else the one at its place.
fn counterpart<'n>(item: &Value, at: usize, sources: &'n [Node]) -> Option<&'n Node> {
    match item.get("name").and_then(Value::as_str) {
        Some(name) => sources.iter().find(|node| node.get("name").and_then(Node::as_str) == Some(name)),
        None => sources.get(at),
    }
}

/// Whether a node says just this.
fn same(value: &Value, node: &Node) -> bool {
    match (value, &node.kind) {
        (Value::Null, Kind::Null) => true,
        (Value::Bool(left), Kind::Bool(right)) => left == right,
        (Value::Number(left), Kind::Number(right)) => left == right,
        (Value::String(left), Kind::Str(right)) => *left == right.value,
        (Value::Array(left), Kind::Seq(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(value, node)| same(value, node))
        }
        (Value::Object(left), Kind::Map(right)) => {
            let has = |(key, node): &(Text, Node)| left.get(&key.value).is_some_and(|value| same(value, node));
            left.len() == right.len() && right.iter().all(has)
        }
        (_, Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Str(_) | Kind::Seq(_) | Kind::Map(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Diags;
    use crate::source::FileId;
    use crate::syntax::yaml::{self, Schema};
    use serde_json::json;

    #[test]
    fn places_follow_names_and_new_fields_stand_where_their_parent_does() {
        let text = "spec:\n  containers:\n    - name: a\n      image: one\n    - name: b\n      image: two\n";
        let nodes = yaml::parse(FileId(0), text, Schema::Kubernetes, &mut Diags::default());
        let value =
            json!({"spec": {"containers": [{"name": "b", "image": "two"}, {"name": "a", "image": "new"}], "x": 1}});
        let node = graft(&value, Some(&nodes[0]), nodes[0].span);
        assert_eq!(node.to_json(), value);
        let written = |pointer: &str| {
            let span = node.at(pointer).unwrap().span;
            &text[span.start as usize..span.end as usize]
        };
        assert_eq!(written("/spec/containers/0/image"), "two");
        assert_eq!(written("/spec/containers/1/image"), "one");
        assert!(written("/spec/x").starts_with("containers:"));
    }
}
