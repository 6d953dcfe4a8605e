//! Strategic merge patches, as Kustomize applies them (kyaml `merge2` and `walk`).
//!
//! **Invariant:** a pure function of object, patch and the pinned table of merge keys; patch items come first.
//! Its odd corners (an element with `$patch: replace` that exists is left as it was; repeated keys collapse) are
//! Kustomize's own and kept, so that both render the same.

use serde_json::{Map, Value};

use super::merge_keys::{self, Keys};

const DIRECTIVE: &str = "$patch";

/// What an object becomes under a patch; `None` when the patch deletes it.
pub(super) fn merge_object(object: Value, patch: Value) -> Result<Option<Value>, String> {
    merge(Some(object), Some(patch), None)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Nothing,
    Scalar,
    List,
    Map,
}

fn shape(value: Option<&Value>) -> Shape {
    match value {
        None | Some(Value::Null) => Shape::Nothing,
        Some(Value::Array(_)) => Shape::List,
        Some(Value::Object(_)) => Shape::Map,
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) => Shape::Scalar,
    }
}

fn merge(object: Option<Value>, patch: Option<Value>, keys: Option<&Keys>) -> Result<Option<Value>, String> {
    let (left, right) = (shape(object.as_ref()), shape(patch.as_ref()));
    let either = if left == Shape::Nothing { right } else { left };
    if left != Shape::Nothing && right != Shape::Nothing && left != right {
        return Err(format!("the patch has {} where the object has {}", name_of(right), name_of(left)));
    }
    match either {
        // A null stays where the patch says nothing, and clears what it names.
        Shape::Nothing => Ok(if patch.is_none() { object } else { None }),
        Shape::Scalar => Ok(patch.or(object).filter(|value| !value.is_null())),
        Shape::Map => merge_maps(object, patch, keys),
        Shape::List => match keys.and_then(|keys| keys.list.as_ref().map(|list| (keys, list))) {
            Some((keys, list)) => merge_lists(object, patch, keys, list),
            None => Ok(patch.or(object).filter(|value| !value.is_null())),
        },
    }
}

fn name_of(shape: Shape) -> &'static str {
    match shape {
        Shape::Nothing => "nothing",
        Shape::Scalar => "a plain value",
        Shape::List => "a list",
        Shape::Map => "a mapping",
    }
}

/// The table of a nested object of its own kind, where the outer kind is not known.
fn known<'a>(keys: Option<&'a Keys>, values: [Option<&Value>; 2]) -> Option<&'a Keys> {
    keys.or_else(|| {
        values
            .into_iter()
            .flatten()
            .find_map(|value| merge_keys::of(value.get("apiVersion")?.as_str()?, value.get("kind")?.as_str()?))
    })
}

fn merge_maps(object: Option<Value>, patch: Option<Value>, keys: Option<&Keys>) -> Result<Option<Value>, String> {
    let keys = known(keys, [object.as_ref(), patch.as_ref()]);
    let mut patch = match patch {
        Some(Value::Object(patch)) => patch,
        Some(_) => return Ok(None),
        None => Map::new(),
    };
    let Some(Value::Object(mut object)) = object else { return adopt_map(patch, keys) };
    match take_directive(&mut patch)? {
        Directive::Delete => return Ok(None),
        Directive::Replace => return adopt_map(patch, keys),
        Directive::Merge => {}
    }
    let mut merged = Map::new();
    for (name, value) in std::mem::take(&mut object) {
        let field = keys.and_then(|keys| keys.field(&name));
        if let Some(value) = merge(Some(value), patch.remove(&name), field)? {
            merged.insert(name, value);
        }
    }
    for (name, value) in patch {
        let field = keys.and_then(|keys| keys.field(&name));
        if let Some(value) = adopt(value, field)? {
            merged.insert(name, value);
        }
    }
    Ok(Some(Value::Object(merged)))
}

/// What a part of the patch becomes where the object has nothing: directives are carried out, nulls are dropped.
fn adopt(value: Value, keys: Option<&Keys>) -> Result<Option<Value>, String> {
    match value {
        Value::Null => Ok(None),
        Value::Object(map) => {
            let value = Value::Object(map);
            let keys = known(keys, [Some(&value), None]);
            let Value::Object(map) = value else { return Ok(None) };
            adopt_map(map, keys)
        }
        Value::Array(items) => match keys.and_then(|keys| keys.list.as_ref().map(|list| (keys, list))) {
            Some((keys, list)) => merge_lists(None, Some(Value::Array(items)), keys, list),
            None => Ok(Some(Value::Array(items))),
        },
        Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(Some(value)),
    }
}

fn adopt_map(mut map: Map<String, Value>, keys: Option<&Keys>) -> Result<Option<Value>, String> {
    if take_directive(&mut map)? == Directive::Delete {
        return Ok(None);
    }
    let mut adopted = Map::new();
    for (name, value) in map {
        let field = keys.and_then(|keys| keys.field(&name));
        if let Some(value) = adopt(value, field)? {
            adopted.insert(name, value);
        }
    }
    Ok(Some(Value::Object(adopted)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

fn directive(value: &Value) -> Result<Directive, String> {
    match value.as_str() {
        Some("merge") => Ok(Directive::Merge),
        Some("replace") => Ok(Directive::Replace),
        Some("delete") => Ok(Directive::Delete),
        Some(_) | None => Err(format!("`$patch` is `merge`, `replace` or `delete`, not `{}`", text(value))),
    }
}

fn take_directive(patch: &mut Map<String, Value>) -> Result<Directive, String> {
    // What kubectl's patches have besides, Kustomize would write into the object as a field.
    let foreign = ["$retainKeys", "$setElementOrder/", "$deleteFromPrimitiveList/"];
    if let Some(name) = patch.keys().find(|name| foreign.iter().any(|prefix| name.starts_with(prefix))) {
        return Err(format!("the directive `{name}` is not supported"));
    }
    patch.remove(DIRECTIVE).map_or(Ok(Directive::Merge), |value| directive(&value))
}

/// The directive of a whole list stands in an element of its own.
fn take_list_directive(patch: &mut Vec<Value>) -> Result<Option<Directive>, String> {
    let Some(first) = patch.iter().find(|item| item.get(DIRECTIVE).is_some()) else { return Ok(None) };
    if first.as_object().is_some_and(|map| map.len() > 1) {
        return Ok(None);
    }
    let value = first[DIRECTIVE].clone();
    let found = directive(&value)?;
    patch.retain(|item| item.get(DIRECTIVE) != Some(&value) && !is_empty(item));
    Ok(Some(found))
}

/// Text of a plain value, by which keys are compared; `""` for anything else.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => String::new(),
    }
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty)
}

fn items(value: Option<Value>) -> Option<Vec<Value>> {
    match value {
        Some(Value::Array(items)) => Some(items),
        Some(_) | None => None,
    }
}

fn merge_lists(
    object: Option<Value>,
    patch: Option<Value>,
    keys: &Keys,
    names: &[&'static str],
) -> Result<Option<Value>, String> {
    if object.is_some() && patch.as_ref().is_some_and(Value::is_null) {
        return Ok(None);
    }
    let (mut object, mut patch) = (items(object), items(patch));
    if let Some(patch) = &mut patch {
        match take_list_directive(patch)? {
            None => {}
            // Kustomize would write the directive into the object.
            Some(_) if object.is_none() => {
                return Err("`$patch` stands in a list that the object does not have".to_owned());
            }
            Some(Directive::Delete) => return Ok(None),
            Some(Directive::Replace) => object = None,
            Some(Directive::Merge) => {}
        }
    }
    // Without a list in the object, the patch is merged with itself, which carries out its directives.
    let merging = match (object, patch) {
        (Some(object), patch) => Lists { object, patch: patch.unwrap_or_default(), alone: false },
        (None, patch) => Lists { object: patch.unwrap_or_default(), patch: Vec::new(), alone: true },
    };
    merging.merge(keys, names).map(|list| Some(Value::Array(list)))
}

struct Lists {
    object: Vec<Value>,
    patch: Vec<Value>,
    /// The list of the object is that of the patch.
    alone: bool,
}

impl Lists {
    fn merge(mut self, keys: &Keys, names: &[&'static str]) -> Result<Vec<Value>, String> {
        let mut found = self.values(names);
        if names.len() > 1 {
            complete(&mut found);
        }
        let (mut merged, mut last) = (Vec::new(), None);
        for values in &found {
            let (names, values) = used(&found, values, names);
            if let Some(element) = self.element(keys, &names, &values)? {
                merged = set(merged, Some(&element), &names, &values)?;
            } else {
                self.object = set(std::mem::take(&mut self.object), None, &names, &values)?;
            }
            last = Some(names);
        }
        match last {
            Some(names) => append(merged, self.object, &names),
            None => Ok(self.object),
        }
    }

    /// The values of the keys of all elements, those of the patch first.
    fn values(&self, names: &[&str]) -> Vec<Vec<String>> {
        let mut seen = std::collections::BTreeSet::new();
        let elements = self.patch.iter().chain(&self.object);
        let values = elements.map(|element| names.iter().map(|name| key_of(element, name)).collect::<Vec<String>>());
        values.filter(|values| seen.insert(values.clone())).collect()
    }

    /// The merged element of these values, `None` where nothing is left of it.
    fn element(&mut self, keys: &Keys, names: &[&str], values: &[String]) -> Result<Option<Value>, String> {
        let (exact, wanted) = used(&[values.to_vec()], values, names);
        let position = |list: &[Value]| list.iter().position(|element| fits(element, &exact, &wanted));
        let (in_object, in_patch) = (position(&self.object), position(&self.patch));
        let object = in_object.map(|at| self.object[at].clone());
        let patch = in_patch.map(|at| self.patch[at].clone());
        let replaces = patch.as_ref().is_some_and(|patch| patch.get(DIRECTIVE).is_some_and(|value| value == "replace"));
        let result = match (object, patch) {
            (Some(object), None) if self.alone => adopt(object, Some(keys))?,
            (Some(object), patch) => merge(Some(object), patch, Some(keys))?,
            (None, Some(patch)) => adopt(patch, Some(keys))?,
            (None, None) => None,
        };
        let Some(mut result) = result.filter(|value| !is_empty(value)) else { return Ok(None) };
        if let Some(map) = result.as_object_mut() {
            for (name, value) in names.iter().zip(values).filter(|(_, value)| !value.is_empty()) {
                map.entry(*name).or_insert_with(|| plain(value));
            }
        }
        if let Some(at) = in_object.filter(|_| !replaces) {
            self.object[at] = result.clone();
        }
        Ok(Some(result))
    }
}

/// A value read from a key's text.
fn plain(value: &str) -> Value {
    value.parse::<i64>().map_or_else(|_| Value::from(value), Value::from)
}

fn key_of(element: &Value, name: &str) -> String {
    if name.is_empty() { text(element) } else { element.get(name).map(text).unwrap_or_default() }
}

fn fits(element: &Value, names: &[&str], values: &[String]) -> bool {
    let same = |name: &str, value: &String| match name {
        "" => shape(Some(element)) == Shape::Scalar && text(element) == *value,
        name => element.get(name).is_some_and(|found| text(found) == *value),
    };
    names.iter().zip(values).all(|(name, value)| same(name, value))
}

/// Elements that say the same in one key and nothing else in the others are one.
fn complete(found: &mut [Vec<String>]) {
    for first in 0..found.len() {
        for second in 0..found.len() {
            if let Some(both) = unite(&found[first], &found[second]) {
                found[first].clone_from(&both);
                found[second] = both;
            }
        }
    }
}

fn unite(first: &[String], second: &[String]) -> Option<Vec<String>> {
    let pairs = || first.iter().zip(second);
    let conflict = pairs().any(|(a, b)| a != b && !a.is_empty() && !b.is_empty());
    let common = pairs().any(|(a, b)| a == b);
    let either = |(a, b): (&String, &String)| if a.is_empty() { b.clone() } else { a.clone() };
    (common && !conflict).then(|| pairs().map(either).collect())
}

/// The keys that any element has, with the values of one element.
fn used<'a>(found: &[Vec<String>], values: &[String], names: &[&'a str]) -> (Vec<&'a str>, Vec<String>) {
    let used = |at: usize| found.iter().any(|values| values.get(at).is_some_and(|value| !value.is_empty()));
    let kept: Vec<usize> = (0..names.len()).filter(|at| used(*at)).collect();
    if kept.is_empty() {
        return (names.to_vec(), values.to_vec());
    }
    (kept.iter().map(|at| names[*at]).collect(), kept.iter().filter_map(|at| values.get(*at).cloned()).collect())
}

/// Kyaml's `ElementSetter`: puts the element in the place of those that match, or at the end; without an element,
/// removes those that match.
fn set(list: Vec<Value>, element: Option<&Value>, names: &[&str], values: &[String]) -> Result<Vec<Value>, String> {
    let of_maps = names.first().is_some_and(|name| !name.is_empty()) && values.first().is_some_and(|v| !v.is_empty());
    let (mut result, mut matched) = (Vec::with_capacity(list.len() + 1), false);
    for item in list {
        if is_empty(&item) {
            continue;
        }
        if of_maps && !item.is_object() {
            result.push(item);
        } else if !matches(&item, names, values)? {
            if !values.is_empty() {
                result.push(item);
            }
        } else {
            matched = true;
            result.extend(element.cloned());
        }
    }
    if !matched {
        result.extend(element.cloned());
    }
    Ok(result)
}

/// Whether an element has these values; a value that is missing or empty fits every one of its key.
fn matches(item: &Value, names: &[&str], values: &[String]) -> Result<bool, String> {
    let mut last = false;
    for (at, name) in names.iter().enumerate() {
        if let Some(value) = values.get(at) {
            last = match (*name, item) {
                ("", Value::Object(_) | Value::Array(_)) => {
                    return Err("a list of plain values has a mapping or a list in it".to_owned());
                }
                ("", item) => text(item) == *value,
                (name, Value::Object(map)) => {
                    map.get(name).is_some_and(|found| value.is_empty() || text(found) == *value)
                }
                (_, _) => return Err("a list of mappings has a plain value in it".to_owned()),
            };
        }
        if !last {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Kyaml's `appendListNode`: the object's own elements after those that were merged.
fn append(mut merged: Vec<Value>, object: Vec<Value>, names: &[&str]) -> Result<Vec<Value>, String> {
    for element in object {
        if names.first() == Some(&"") {
            merged = set(merged, Some(&element), &[""], &[text(&element)])?;
            continue;
        }
        let mut values = Vec::new();
        for name in names {
            match element.get(*name) {
                Some(value) => values.push(text(value)),
                None => merged.push(element.clone()),
            }
        }
        if names.len() > 1 {
            merged = set(merged, None, names, &values)?;
        }
        merged = set(merged, Some(&element), names, &values)?;
    }
    Ok(merged)
}
