//! Merging, comparing and walking objects by the shape of their kind.
//!
//! **Invariant:** follows structured-merge-diff's `typed` package rule by rule; all functions are pure and total on
//! objects that `check` accepts. Not here: ownership (`managed`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::fields::{Set, Step, canonical, field_type};
use crate::schema::{Relation, Scalar, Type};

/// What changed between two objects. No path is in more than one of the sets.
#[derive(Clone, Debug, Default)]
pub struct Comparison {
    pub added: Set,
    pub modified: Set,
    pub removed: Set,
}

impl Comparison {
    pub fn without(self, ignored: &Set) -> Comparison {
        if ignored.is_empty() {
            return self;
        }
        Comparison {
            added: self.added.recursive_difference(ignored),
            modified: self.modified.recursive_difference(ignored),
            removed: self.removed.recursive_difference(ignored),
        }
    }
}

/// What kind of node a value is, seen through its type.
enum Node<'a> {
    Map { atomic: bool },
    List { relation: &'a Relation, element: &'a Type },
    Leaf,
}

fn node<'a>(ty: &'a Type, value: Option<&Value>) -> Node<'a> {
    match ty {
        Type::Scalar(_) => Node::Leaf,
        Type::Struct { atomic, .. } | Type::Map { atomic, .. } => Node::Map { atomic: *atomic },
        Type::List { element, relation } => Node::List { relation, element },
        Type::Any => match value {
            Some(Value::Object(_) | Value::Null) | None => Node::Map { atomic: false },
            Some(Value::Array(_)) => Node::List { relation: &Relation::Atomic, element: &Type::Any },
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) => Node::Leaf,
        },
    }
}

/// The step that identifies a list item, or why there is none.
pub fn item_step(relation: &Relation, element: &Type, item: &Value) -> Result<Step, String> {
    match relation {
        Relation::Keys(keys) => {
            let object = match item {
                Value::Object(object) => object,
                Value::Null => {
                    return Err("associative list with keys may not have a null element".to_owned());
                }
                _ => {
                    return Err("associative list with keys may not have non-map elements".to_owned());
                }
            };
            let mut found = Map::new();
            for key in keys {
                let default = || element.field(key).and_then(|field| field.key_default());
                if let Some(value) = object.get(key).cloned().or_else(default) {
                    found.insert(key.clone(), value);
                }
            }
            if found.is_empty() {
                let quoted: Vec<String> = keys.iter().map(|key| format!("{key:?}")).collect();
                return Err(format!(
                    "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
                    quoted.join(" ")
                ));
            }
            Ok(Step::Key(canonical(&Value::Object(found))))
        }
        Relation::Set => match item {
            Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
            Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
            Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
            Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(Step::Value(canonical(item))),
        },
        Relation::Atomic => Err("invalid indexing of non-associative list".to_owned()),
    }
}

fn map_of(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

fn list_of(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn empty_map(map: Option<&Map<String, Value>>) -> bool {
    map.is_none_or(Map::is_empty)
}

fn keys_of<'a>(left: Option<&'a Map<String, Value>>, right: Option<&'a Map<String, Value>>) -> BTreeSet<&'a String> {
    let left = left.into_iter().flat_map(Map::keys);
    let right = right.into_iter().flat_map(Map::keys);
    left.chain(right).collect()
}

/// The paths at which `right` differs from `left`.
pub fn compare(ty: &Type, left: &Value, right: &Value) -> Comparison {
    let mut out = Comparison::default();
    compare_at(ty, Some(left), Some(right), &mut Vec::new(), &mut out);
    out
}

fn compare_at(ty: &Type, left: Option<&Value>, right: Option<&Value>, path: &mut Vec<Step>, out: &mut Comparison) {
    let shape = node(ty, right.or(left));
    let leaf = match shape {
        Node::Leaf => true,
        Node::Map { atomic } => atomic || (empty_map(map_of(left)) && empty_map(map_of(right))),
        Node::List { relation, .. } => {
            *relation == Relation::Atomic || (list_of(left).is_empty() && list_of(right).is_empty())
        }
    };
    if leaf {
        match (left, right) {
            (None, _) => out.added.insert(path),
            (_, None) => out.removed.insert(path),
            (Some(left), Some(right)) if !same(left, right) => out.modified.insert(path),
            (Some(_), Some(_)) => {}
        }
        return;
    }
    match shape {
        Node::Map { .. } => {
            let (left, right) = (map_of(left), map_of(right));
            for key in keys_of(left, right) {
                path.push(Step::field(key));
                let (before, after) = (left.and_then(|map| map.get(key)), right.and_then(|map| map.get(key)));
                compare_at(&field_type(ty, key), before, after, path, out);
                path.pop();
            }
        }
        Node::List { relation, element } => compare_items(relation, element, (left, right), path, out),
        Node::Leaf => {}
    }
    match (left, right) {
        (None, _) => out.added.insert(path),
        (_, None) => out.removed.insert(path),
        (Some(_), Some(_)) => {}
    }
}

fn compare_items(
    relation: &Relation,
    element: &Type,
    (left, right): (Option<&Value>, Option<&Value>),
    path: &mut Vec<Step>,
    out: &mut Comparison,
) {
    let before = grouped(relation, element, list_of(left));
    let after = grouped(relation, element, list_of(right));
    let steps: BTreeSet<&Step> = before.keys().chain(after.keys()).collect();
    for step in steps {
        let old = before.get(step).map_or(&[][..], Vec::as_slice);
        let new = after.get(step).map_or(&[][..], Vec::as_slice);
        path.push(step.clone());
        match (old, new) {
            ([] | [_], [] | [_]) => compare_at(element, old.first().copied(), new.first().copied(), path, out),
            ([_, _, ..], [_, _, ..]) => {
                if old != new {
                    out.modified.insert(path);
                }
            }
            // Duplicates are owned as a whole: the marker goes, single items come, and the other way round.
            ([_, _, ..], _) => {
                if let [one] = new {
                    compare_at(element, None, Some(one), path, out);
                }
                out.removed.insert(path);
            }
            (_, [_, _, ..]) => {
                if let [one] = old {
                    compare_at(element, Some(one), None, path, out);
                }
                out.added.insert(path);
            }
        }
        path.pop();
    }
}

fn grouped<'a>(relation: &Relation, element: &Type, items: &'a [Value]) -> BTreeMap<Step, Vec<&'a Value>> {
    let mut out: BTreeMap<Step, Vec<&Value>> = BTreeMap::new();
    for item in items {
        if let Ok(step) = item_step(relation, element, item) {
            out.entry(step).or_default().push(item);
        }
    }
    out
}

/// Equality that does not tell `1` from `1.0`.
pub fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

/// Lays `right` over `left`.
pub fn merge(ty: &Type, left: &Value, right: &Value) -> Value {
    merge_at(ty, Some(left), Some(right)).unwrap_or(Value::Null)
}

fn merge_at(ty: &Type, left: Option<&Value>, right: Option<&Value>) -> Option<Value> {
    match node(ty, right.or(left)) {
        Node::Leaf | Node::Map { atomic: true } => right.or(left).cloned(),
        Node::Map { atomic: false } => {
            let (before, after) = (map_of(left), map_of(right));
            if empty_map(before) && empty_map(after) {
                return right.or(left).cloned();
            }
            let mut out = Map::new();
            for key in keys_of(before, after) {
                let (old, new) = (before.and_then(|map| map.get(key)), after.and_then(|map| map.get(key)));
                if let Some(value) = merge_at(&field_type(ty, key), old, new) {
                    out.insert(key.clone(), value);
                }
            }
            (!out.is_empty()).then_some(Value::Object(out))
        }
        Node::List { relation, element } => {
            let (before, after) = (list_of(left), list_of(right));
            if *relation == Relation::Atomic || (before.is_empty() && after.is_empty()) {
                return right.or(left).cloned();
            }
            let out = merge_items(relation, element, before, after);
            (!out.is_empty()).then_some(Value::Array(out))
        }
    }
}

/// Items of the left keep their place; items that both have follow the order of the right.
fn merge_items(relation: &Relation, element: &Type, left: &[Value], right: &[Value]) -> Vec<Value> {
    let left_steps = steps(relation, element, left);
    let right_steps = steps(relation, element, right);
    let left_index = first_of(&left_steps, left);
    let right_index = first_of(&right_steps, right);
    let mut shared = right_steps.iter().filter(|step| left_index.contains_key(step));
    let mut next_shared = shared.next();
    let mut merged: BTreeSet<&Step> = BTreeSet::new();
    let mut out = Vec::new();
    let take = |step: &Step, old: Option<&Value>, out: &mut Vec<Value>| {
        let new = right_index.get(step).copied().flatten();
        out.extend(merge_at(element, old, new));
    };
    let (mut l, mut r) = (0, 0);
    while l < left_steps.len() || r < right_steps.len() {
        if let (Some(step), Some(other)) = (left_steps.get(l), right_steps.get(r)) {
            if step == other {
                merged.insert(step);
                take(step, left_index.get(step).copied().flatten(), &mut out);
                (l, r) = (l + 1, r + 1);
                next_shared = shared.next();
                continue;
            }
            if right_index.contains_key(step) && next_shared.is_some_and(|shared| shared != step) {
                l += 1;
                continue;
            }
        }
        if let Some(step) = left_steps.get(l) {
            if !right_index.contains_key(step) {
                out.extend(merge_at(element, left.get(l), None));
                l += 1;
                continue;
            }
            if merged.contains(step) {
                l += 1;
            }
        }
        if let Some(step) = right_steps.get(r) {
            merged.insert(step);
            take(step, left_index.get(step).copied().flatten(), &mut out);
            r += 1;
            if next_shared == Some(step) {
                next_shared = shared.next();
            }
        }
    }
    out
}

fn steps(relation: &Relation, element: &Type, items: &[Value]) -> Vec<Step> {
    items.iter().filter_map(|item| item_step(relation, element, item).ok()).collect()
}

/// The item of each step; `None` where the step occurs more than once, since duplicates are not merged.
fn first_of<'a>(steps: &[Step], items: &'a [Value]) -> BTreeMap<Step, Option<&'a Value>> {
    let mut out: BTreeMap<Step, Option<&Value>> = BTreeMap::new();
    for (step, item) in steps.iter().zip(items) {
        out.entry(step.clone()).and_modify(|known| *known = None).or_insert(Some(item));
    }
    out
}

/// All paths that an object has, as an applier of it would own them.
pub fn to_set(ty: &Type, value: &Value) -> Set {
    let mut out = Set::default();
    collect(ty, value, &mut Vec::new(), &mut out);
    out
}

fn collect(ty: &Type, value: &Value, path: &mut Vec<Step>, out: &mut Set) {
    match node(ty, Some(value)) {
        Node::Leaf | Node::Map { atomic: true } => out.insert(path),
        Node::Map { atomic: false } => {
            for (key, inner) in value.as_object().into_iter().flatten() {
                path.push(Step::field(key));
                collect(&field_type(ty, key), inner, path, out);
                let blank = inner.is_null() || inner.as_object().is_some_and(Map::is_empty);
                if blank || ty.field(key).is_none() {
                    out.insert(path);
                }
                path.pop();
            }
        }
        Node::List { relation: Relation::Atomic, .. } => out.insert(path),
        Node::List { relation, element } => {
            for (step, items) in grouped(relation, element, list_of(Some(value))) {
                path.push(step);
                if let [item] = items.as_slice() {
                    collect(element, item, path, out);
                }
                out.insert(path);
                path.pop();
            }
        }
    }
}

/// The object without the fields and items of the set.
pub fn remove(ty: &Type, value: &Value, set: &Set) -> Value {
    match node(ty, Some(value)) {
        Node::Leaf => value.clone(),
        Node::Map { atomic } => {
            let Some(map) = value.as_object().filter(|map| !atomic && !map.is_empty()) else {
                return Value::Null;
            };
            let mut out = Map::new();
            for (key, inner) in map {
                let step = Step::field(key);
                if set.members.contains(&step) {
                    continue;
                }
                let kept = match set.children.get(&step) {
                    Some(below) => remove(&field_type(ty, key), inner, below),
                    None => inner.clone(),
                };
                out.insert(key.clone(), kept);
            }
            if out.is_empty() { Value::Null } else { Value::Object(out) }
        }
        Node::List { relation, element } => {
            let items = list_of(Some(value));
            if *relation == Relation::Atomic {
                return Value::Null;
            }
            let mut out = Vec::new();
            for item in items {
                let Ok(step) = item_step(relation, element, item) else {
                    continue;
                };
                if set.members.contains(&step) {
                    continue;
                }
                out.push(match set.children.get(&step) {
                    Some(below) => remove(element, item, below),
                    None => item.clone(),
                });
            }
            if out.is_empty() { Value::Null } else { Value::Array(out) }
        }
    }
}

/// What is wrong with an applied object: unknown fields, wrong types, duplicate list items.
pub fn check(ty: &Type, value: &Value) -> Vec<String> {
    let mut out = Vec::new();
    check_at(ty, value, String::new(), &mut out);
    out
}

fn check_at(ty: &Type, value: &Value, path: String, out: &mut Vec<String>) {
    let mut say = |text: String| out.push(format!("{path}: {text}"));
    match (ty, value) {
        (Type::Any, _) | (_, Value::Null) => {}
        (Type::Scalar(scalar), _) => {
            if let Some(expected) = mismatch(*scalar, value) {
                say(format!("expected {expected}, got {}", found(*scalar, value)));
            }
        }
        (Type::Struct { shape, .. }, Value::Object(map)) => {
            let unknown = map.keys().find(|key| !shape.open && !shape.fields.contains_key(*key));
            if let Some(key) = unknown {
                out.push(format!("{path}.{key}: field not declared in schema"));
                return;
            }
            for (key, inner) in map {
                if let Some(field) = shape.fields.get(key) {
                    check_at(&field.ty, inner, format!("{path}.{key}"), out);
                }
            }
        }
        (Type::Map { element, .. }, Value::Object(map)) => {
            for (key, inner) in map {
                check_at(element, inner, format!("{path}.{key}"), out);
            }
        }
        (Type::Struct { .. } | Type::Map { .. }, _) => say(format!("expected map, got &{{{}}}", plain(value))),
        (Type::List { element, relation }, Value::Array(items)) => {
            let mut seen = BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                if *relation == Relation::Atomic {
                    check_at(element, item, format!("{path}[{index}]"), out);
                    continue;
                }
                match item_step(relation, element, item) {
                    Ok(step) => {
                        let below = format!("{path}{}", step.display());
                        if !seen.insert(step.clone()) {
                            out.push(format!("{path}: duplicate entries for key {}", step.display()));
                        }
                        check_at(element, item, below, out);
                    }
                    Err(error) => out.push(format!("{path}: element {index}: {error}")),
                }
            }
        }
        (Type::List { .. }, _) => say(format!("expected list, got &{{{}}}", plain(value))),
    }
}

fn mismatch(scalar: Scalar, value: &Value) -> Option<&'static str> {
    match (scalar, value) {
        (Scalar::String | Scalar::Bytes | Scalar::Time | Scalar::MicroTime, Value::String(_))
        | (Scalar::Int32 | Scalar::Int64 | Scalar::Float, Value::Number(_))
        | (Scalar::Bool, Value::Bool(_))
        | (Scalar::Quantity | Scalar::IntOrString, Value::String(_) | Value::Number(_)) => None,
        (Scalar::Quantity | Scalar::IntOrString, _) => Some("string or number"),
        (Scalar::String | Scalar::Bytes | Scalar::Time | Scalar::MicroTime, _) => Some("string"),
        (Scalar::Int32 | Scalar::Int64 | Scalar::Float, _) => Some("numeric (int or float)"),
        (Scalar::Bool, _) => Some("boolean"),
    }
}

/// What was found instead of a scalar, in the form that structured-merge-diff has for each.
fn found(expected: Scalar, value: &Value) -> String {
    match expected {
        Scalar::Int32 | Scalar::Int64 | Scalar::Float => match value {
            Value::String(_) => "string".to_owned(),
            Value::Bool(_) => "bool".to_owned(),
            Value::Array(_) => "[]interface {}".to_owned(),
            Value::Object(_) => "map[string]interface {}".to_owned(),
            Value::Null | Value::Number(_) => "nil".to_owned(),
        },
        Scalar::Bool => format!("&{{{}}}", plain(value)),
        Scalar::String | Scalar::Bytes | Scalar::Time | Scalar::MicroTime | Scalar::Quantity | Scalar::IntOrString => {
            match value {
                Value::String(text) => format!("&value.valueUnstructured{{Value:{text:?}}}"),
                other => format!("&value.valueUnstructured{{Value:{other}}}"),
            }
        }
    }
}

/// A value as Go prints it with `%v`.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().map(plain).collect();
            format!("[{}]", parts.join(" "))
        }
        Value::Object(map) => {
            let parts: BTreeMap<&String, String> = map.iter().map(|(key, value)| (key, plain(value))).collect();
            let parts: Vec<String> = parts.into_iter().map(|(key, value)| format!("{key}:{value}")).collect();
            format!("map[{}]", parts.join(" "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use serde_json::json;

    fn deployment() -> Type {
        schema::named("apps.v1.Deployment").unwrap()
    }

    fn containers(items: Value) -> Value {
        json!({"spec": {"template": {"spec": {"containers": items}}}})
    }

    #[test]
    fn list_maps_merge_by_key_and_keep_the_order_of_the_right() {
        let left = containers(json!([{"name": "a", "image": "x"}, {"name": "b"}, {"name": "c"}]));
        let right = containers(json!([{"name": "c"}, {"name": "d"}, {"name": "a", "image": "y"}]));
        let merged = merge(&deployment(), &left, &right);
        assert_eq!(
            merged,
            containers(json!([{"name": "b"}, {"name": "c"}, {"name": "d"}, {"name": "a", "image": "y"}]))
        );
    }

    #[test]
    fn compare_marks_parents_that_appear() {
        let change = compare(&deployment(), &json!({"metadata": {}}), &json!({"metadata": {"labels": {"a": "b"}}}));
        assert_eq!(change.added, Set::of(&["metadata.labels", "metadata.labels.a"]));
        assert!(change.removed.is_empty() && change.modified.is_empty());
    }

    #[test]
    fn applied_fields_name_items_but_not_maps() {
        let set = to_set(
            &deployment(),
            &json!({"metadata": {"labels": {"a": "b"}}, "spec": {"selector": {"matchLabels": {"a": "b"}}}}),
        );
        assert_eq!(set, Set::of(&["metadata.labels.a", "spec.selector"]));
    }

    #[test]
    fn port_keys_have_the_default_protocol() {
        let ports = json!([{"name": "a", "ports": [{"containerPort": 80}]}]);
        let set = to_set(&deployment(), &containers(ports));
        let shown: Vec<String> = set.paths().iter().map(|path| crate::fields::display(path)).collect();
        assert!(
            shown.iter().any(|path| path.ends_with("ports[containerPort=80,protocol=\"TCP\"].containerPort")),
            "{shown:?}"
        );
    }

    #[test]
    fn unknown_fields_and_duplicates_are_named() {
        let unknown = json!({"spec": {"foo": 1}});
        assert_eq!(check(&deployment(), &unknown), [".spec.foo: field not declared in schema"]);
        let twice = containers(json!([{"name": "a"}, {"name": "a"}]));
        let expected = ".spec.template.spec.containers: duplicate entries for key [name=\"a\"]";
        assert_eq!(check(&deployment(), &twice), [expected]);
        let text = json!({"spec": {"replicas": "two"}});
        assert_eq!(check(&deployment(), &text), [".spec.replicas: expected numeric (int or float), got string"]);
    }
}
