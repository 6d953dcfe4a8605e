//! Strategic merge patch: lists merge by the key that the schema names, with `$patch`, `$deleteFromPrimitiveList`,
//! `$setElementOrder` and `$retainKeys` directives.
//!
//! **Invariant:** pure; follows apimachinery's `strategicpatch`.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::fields::field_type;
use crate::schema::Type;

/// The object with the patch applied; the error is the text of a bad request.
pub fn merge(ty: &Type, object: &Value, patch: &Value) -> Result<Value, String> {
    match patch {
        Value::Object(patch) => {
            let empty = Map::new();
            let original = object.as_object().unwrap_or(&empty);
            Ok(Value::Object(merge_map(ty, original, patch)?))
        }
        _ => Err("invalid patch: expected an object".to_owned()),
    }
}

const DIRECTIVE: &str = "$patch";
const RETAIN: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const ORDER: &str = "$setElementOrder/";

fn merge_map(
    ty: &Type,
    original: &Map<String, Value>,
    patch: &Map<String, Value>,
) -> Result<Map<String, Value>, String> {
    match patch.get(DIRECTIVE).and_then(Value::as_str) {
        Some("replace") => {
            let mut out = patch.clone();
            out.remove(DIRECTIVE);
            return Ok(out);
        }
        Some("delete") => return Ok(Map::new()),
        Some("merge") | None => {}
        Some(other) => return Err(format!("unknown patch type: {other}")),
    }
    let mut out = original.clone();
    if let Some(keys) = patch.get(RETAIN).and_then(Value::as_array) {
        let kept: BTreeSet<&str> = keys.iter().filter_map(Value::as_str).collect();
        out.retain(|key, _| kept.contains(key.as_str()));
    }
    for (key, value) in patch {
        if key == DIRECTIVE || key == RETAIN || key.starts_with(ORDER) {
            continue;
        }
        if let Some(name) = key.strip_prefix(DELETE_FROM) {
            if let (Some(list), Some(gone)) = (out.get_mut(name).and_then(Value::as_array_mut), value.as_array()) {
                list.retain(|item| !gone.contains(item));
            }
            continue;
        }
        if value.is_null() {
            out.remove(key);
            continue;
        }
        let merged = merge_field(ty, key, out.get(key), value)?;
        out.insert(key.clone(), merged);
    }
    for (key, order) in patch {
        if let (Some(name), Some(order)) = (key.strip_prefix(ORDER), order.as_array()) {
            let merge_key = ty.field(name).and_then(|field| field.merge_key.clone());
            if let Some(list) = out.get_mut(name).and_then(Value::as_array_mut) {
                reorder(list, order, merge_key.as_deref());
            }
        }
    }
    Ok(out)
}

fn merge_field(ty: &Type, key: &str, original: Option<&Value>, patch: &Value) -> Result<Value, String> {
    let field = ty.field(key);
    let strategy = field.map_or("", |field| field.strategy.as_str());
    let below = field_type(ty, key);
    match (original, patch) {
        (_, Value::Object(patch)) => {
            let empty = Map::new();
            let replace = strategy.split(',').any(|part| part == "replace");
            let original = original.and_then(Value::as_object).filter(|_| !replace).unwrap_or(&empty);
            Ok(Value::Object(merge_map(&below, original, patch)?))
        }
        (original, Value::Array(patch)) if strategy.split(',').any(|part| part == "merge") => {
            let items = original.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
            let merge_key = field.and_then(|field| field.merge_key.as_deref());
            let element = match &below {
                Type::List { element, .. } => (**element).clone(),
                other => other.clone(),
            };
            merge_list(&element, items, patch, merge_key).map(Value::Array)
        }
        (_, Value::Array(patch)) => {
            Ok(Value::Array(patch.iter().filter(|item| item.get(DIRECTIVE).is_none()).cloned().collect()))
        }
        (_, other) => Ok(other.clone()),
    }
}

fn merge_list(
    element: &Type,
    original: &[Value],
    patch: &[Value],
    merge_key: Option<&str>,
) -> Result<Vec<Value>, String> {
    let Some(merge_key) = merge_key else {
        let mut out = original.to_vec();
        for item in patch {
            if !out.contains(item) {
                out.push(item.clone());
            }
        }
        return Ok(out);
    };
    if patch.iter().any(|item| item[DIRECTIVE] == "replace") {
        return Ok(patch.iter().filter(|item| item.get(DIRECTIVE).is_none()).cloned().collect());
    }
    let mut out = original.to_vec();
    for item in patch {
        let Some(map) = item.as_object() else {
            return Err("invalid patch: a list of objects has an item that is none".to_owned());
        };
        let Some(key) = map.get(merge_key) else {
            return Err(format!("map: {item} does not contain declared merge key: {merge_key}"));
        };
        let found = out.iter().position(|known| known.get(merge_key) == Some(key));
        match (map.get(DIRECTIVE).and_then(Value::as_str), found) {
            (Some("delete"), _) => out.retain(|known| known.get(merge_key) != Some(key)),
            (_, Some(index)) => {
                let empty = Map::new();
                let known = out[index].as_object().unwrap_or(&empty);
                out[index] = Value::Object(merge_map(element, known, map)?);
            }
            (_, None) => out.push(Value::Object(merge_map(element, &Map::new(), map)?)),
        }
    }
    Ok(out)
}

/// Puts the items that `order` names into that order; the others keep their place behind what they followed.
fn reorder(list: &mut [Value], order: &[Value], merge_key: Option<&str>) {
    let identity = |item: &Value| match merge_key {
        Some(key) => item.get(key).cloned().unwrap_or(Value::Null),
        None => item.clone(),
    };
    let wanted: Vec<Value> = order.iter().map(identity).collect();
    let rank = |item: &Value| wanted.iter().position(|one| *one == identity(item));
    let mut sorted: Vec<Value> = list.iter().filter(|item| rank(item).is_some()).cloned().collect();
    sorted.sort_by_key(|item| rank(item));
    let mut next = sorted.into_iter();
    for slot in list.iter_mut() {
        if rank(slot).is_some()
            && let Some(item) = next.next()
        {
            *slot = item;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use serde_json::json;

    #[test]
    fn containers_merge_by_name() {
        let ty = schema::named("apps.v1.Deployment").unwrap();
        let wrap = |containers: Value| json!({"spec": {"template": {"spec": {"containers": containers}}}});
        let object = wrap(json!([{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]));
        let patch =
            wrap(json!([{"name": "b", "image": "3"}, {"name": "a", "$patch": "delete"}, {"name": "c", "image": "4"}]));
        let expected = wrap(json!([{"name": "b", "image": "3"}, {"name": "c", "image": "4"}]));
        assert_eq!(merge(&ty, &object, &patch).unwrap(), expected);
    }

    #[test]
    fn nulls_remove_and_atomic_lists_replace() {
        let ty = schema::named("core.v1.Pod").unwrap();
        let object = json!({"metadata": {"labels": {"a": "b", "c": "d"}}, "spec": {"containers": [{"name": "a", "args": ["1"]}]}});
        let patch =
            json!({"metadata": {"labels": {"a": null}}, "spec": {"containers": [{"name": "a", "args": ["2"]}]}});
        let expected =
            json!({"metadata": {"labels": {"c": "d"}}, "spec": {"containers": [{"name": "a", "args": ["2"]}]}});
        assert_eq!(merge(&ty, &object, &patch).unwrap(), expected);
    }
}
