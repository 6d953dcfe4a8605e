//! The YAML form of the language, by one rule over the tables: a block that may repeat is a list under its plural, its
//! first value is the key `name` (or what the table calls it), properties and single children are keys, a bare child is
//! `true`. Gives the same nodes as KDL.

use super::table::{Block, Count};
use super::view::{self, Syntax};
use crate::diag::{Diagnostic, Diags, codes, suggest};
use crate::source::Span;
use crate::syntax::yaml::{Kind, Node as Yaml};
use crate::syntax::{Node, Scalar, Text, Value};

/// A YAML document as a node of `block`.
pub fn document(yaml: &Yaml, block: &'static Block, diags: &mut Diags) -> Option<Node> {
    match &yaml.kind {
        Kind::Map(_) => Some(shape(yaml, Text::plain("", Span { end: yaml.span.start, ..yaml.span }), block, diags)),
        Kind::Null => None,
        Kind::Bool(_) | Kind::Number(_) | Kind::Str(_) | Kind::Seq(_) => {
            diags.push(wrong_shape(yaml, "a spec is a mapping of blocks"));
            None
        }
    }
}

fn wrong_shape(yaml: &Yaml, message: &str) -> Diagnostic {
    Diagnostic::new(&codes::WRONG_SHAPE, yaml.span, message).here(format!("this is {}", describe(yaml)))
}

fn describe(yaml: &Yaml) -> &'static str {
    match yaml.kind {
        Kind::Null => "empty",
        Kind::Bool(_) => "a truth value",
        Kind::Number(_) => "a number",
        Kind::Str(_) => "a string",
        Kind::Seq(_) => "a list",
        Kind::Map(_) => "a mapping",
    }
}

/// A mapping, scalar or nothing as a node called `name`.
fn shape(yaml: &Yaml, name: Text, block: &'static Block, diags: &mut Diags) -> Node {
    let mut node =
        Node { name, args: Vec::new(), props: Vec::new(), children: Vec::new(), span: yaml.span, torn: false };
    match &yaml.kind {
        Kind::Map(entries) => {
            for (key, value) in entries {
                entry(&mut node, key, value, block, diags);
            }
        }
        Kind::Seq(items) if block.args.last().is_some_and(|arg| arg.many) => {
            node.args = items.iter().map(|item| scalar(item, diags)).collect();
        }
        Kind::Seq(_) => diags.push(wrong_shape(yaml, &format!("`{}` is not a list", block.name))),
        Kind::Null | Kind::Bool(true) => {}
        Kind::Bool(false) | Kind::Number(_) | Kind::Str(_) => node.args.push(scalar(yaml, diags)),
    }
    node
}

fn entry(node: &mut Node, key: &Text, value: &Yaml, block: &'static Block, diags: &mut Diags) {
    let key = match known(key, block) {
        Some(_) => key.clone(),
        None => {
            diags.push(view::unknown_property(key, block, Syntax::Yaml));
            match suggest::closest(&key.value, keys(block)) {
                Some(real) if known(&Text::plain(real, key.span), block).is_some() => {
                    Text { value: real.to_owned(), ..key.clone() }
                }
                Some(_) | None => return,
            }
        }
    };
    let whole = matches!(value.kind, Kind::Seq(_) | Kind::Map(_));
    let what = if whole && block.nested.is_some() { nested_key(&key, block) } else { known(&key, block) };
    match what {
        Some(Key::First) => match &value.kind {
            Kind::Seq(items) if block.args.iter().any(|arg| arg.many) => {
                node.args.extend(items.iter().map(|item| scalar(item, diags)));
            }
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Str(_) | Kind::Seq(_) | Kind::Map(_) => {
                node.args.push(scalar(value, diags));
            }
        },
        Some(Key::List(inner)) => list(node, &key, value, inner, diags),
        Some(Key::Block(_)) if matches!(value.kind, Kind::Bool(false)) => {}
        Some(Key::Block(inner)) => node.children.push(shape(value, key, inner, diags)),
        Some(Key::Property) => node.props.push((key, scalar(value, diags))),
        Some(Key::Nested) => node.children.push(nested(value, key, diags)),
        None => {}
    }
}

/// What a key of a mapping stands for.
enum Key {
    /// The first value by position.
    First,
    List(&'static Block),
    Block(&'static Block),
    Property,
    /// A list or mapping under a name of the writer's own choice.
    Nested,
}

/// What a key with a list or mapping stands for where such may have any name.
fn nested_key(key: &Text, block: &'static Block) -> Option<Key> {
    match known(key, block) {
        Some(Key::Property) | None => Some(Key::Nested),
        other => other,
    }
}

fn known(key: &Text, block: &'static Block) -> Option<Key> {
    let name = key.value.as_str();
    let fits = |count: Count, many: bool| count == Count::Several || (count == Count::Many) == many;
    let child = |many: bool, matches: &dyn Fn(&Block) -> bool| {
        let mut found = block.children.iter().filter(|child| fits(child.count, many));
        found.find(|child| matches(child.block)).map(|child| child.block)
    };
    if block.args.first().is_some_and(|arg| arg.name == name) {
        return Some(Key::First);
    }
    if let Some(inner) = child(true, &|block| block.plural == name) {
        return Some(Key::List(inner));
    }
    if let Some(inner) = child(false, &|block| block.name == name) {
        return Some(Key::Block(inner));
    }
    if block.nested.is_some() && block.open.is_none() {
        return Some(Key::Nested);
    }
    let property = block.open.is_some() || block.props.iter().any(|prop| prop.name == name);
    property.then_some(Key::Property)
}

/// All keys that a mapping may have.
pub(super) fn keys(block: &'static Block) -> Vec<&'static str> {
    let children = block.children.iter().map(|child| match child.count {
        Count::Many => child.block.plural,
        Count::Required | Count::Optional | Count::Merged | Count::Several => child.block.name,
    });
    let first = block.args.iter().take(1).map(|arg| arg.name);
    block.props.iter().map(|prop| prop.name).chain(first).chain(children).collect()
}

/// A list or mapping of scalars as a node.
fn nested(yaml: &Yaml, name: Text, diags: &mut Diags) -> Node {
    let mut node =
        Node { name, args: Vec::new(), props: Vec::new(), children: Vec::new(), span: yaml.span, torn: false };
    match &yaml.kind {
        Kind::Seq(items) => node.args = items.iter().map(|item| scalar(item, diags)).collect(),
        Kind::Map(entries) => {
            node.props = entries.iter().map(|(key, value)| (key.clone(), scalar(value, diags))).collect();
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Str(_) => node.args.push(scalar(yaml, diags)),
    }
    node
}

fn list(node: &mut Node, key: &Text, value: &Yaml, block: &'static Block, diags: &mut Diags) {
    let Kind::Seq(items) = &value.kind else {
        if !matches!(value.kind, Kind::Null) {
            diags.push(wrong_shape(value, &format!("`{}` is a list of `{}`", key.value, block.name)));
        }
        return;
    };
    for item in items {
        let name = Text::plain(block.name, head(item, block).unwrap_or(Span { end: item.span.start, ..item.span }));
        node.children.push(shape(item, name, block, diags));
    }
}

/// Where an item of a list says what it is: its name, or its first key.
fn head(item: &Yaml, block: &'static Block) -> Option<Span> {
    match &item.kind {
        Kind::Map(entries) => {
            let named = entries.iter().find(|(key, _)| block.args.first().is_some_and(|arg| arg.name == key.value));
            named.or(entries.first()).map(|(key, _)| key.span)
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Str(_) | Kind::Seq(_) => Some(item.span),
    }
}

fn scalar(yaml: &Yaml, diags: &mut Diags) -> Value {
    let scalar = match &yaml.kind {
        Kind::Null => Scalar::Null,
        Kind::Bool(truth) => Scalar::Bool(*truth),
        Kind::Number(number) => match number.as_i64() {
            Some(number) => Scalar::Int(i128::from(number)),
            None => Scalar::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Kind::Str(text) => Scalar::Text(text.clone()),
        Kind::Seq(_) | Kind::Map(_) => {
            diags.push(wrong_shape(yaml, "one value is expected here"));
            Scalar::Unread
        }
    };
    Value { scalar, span: yaml.span }
}
