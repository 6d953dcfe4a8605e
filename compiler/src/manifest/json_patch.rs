//! JSON patches (RFC 6902), as Kustomize's library applies them.
//!
//! **Invariant:** a pure function; an operation that does not fit is an error that names it, and nothing is applied.
//! Negative indices count from the end, as in that library (evanphx/json-patch 4).

use serde_json::Value;

/// One operation.
#[derive(Clone, Debug)]
pub(super) enum Operation {
    Add { path: String, value: Value },
    Remove { path: String },
    Replace { path: String, value: Value },
    Test { path: String, value: Value },
    Move { path: String, from: String },
    Copy { path: String, from: String },
}

impl Operation {
    /// Reads one element of a patch.
    pub(super) fn read(value: &Value) -> Result<Operation, String> {
        let member = |name: &str| {
            value.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(|| format!("`{name}` is missing"))
        };
        let new = || value.get("value").cloned().ok_or_else(|| "`value` is missing".to_owned());
        let path = member("path")?;
        match member("op")?.as_str() {
            "add" => Ok(Operation::Add { path, value: new()? }),
            "remove" => Ok(Operation::Remove { path }),
            "replace" => Ok(Operation::Replace { path, value: new()? }),
            "test" => Ok(Operation::Test { path, value: new()? }),
            "move" => Ok(Operation::Move { path, from: member("from")? }),
            "copy" => Ok(Operation::Copy { path, from: member("from")? }),
            other => Err(format!("`op` is `add`, `remove`, `replace`, `move`, `copy` or `test`, not `{other}`")),
        }
    }

    pub(super) fn apply(&self, object: &mut Value) -> Result<(), String> {
        match self {
            Operation::Add { path, value } => add(object, path, value.clone()),
            Operation::Remove { path } => remove(object, path).map(drop),
            // That library makes a field that is missing, and knows no element of a list that is.
            Operation::Replace { path, value } => match parent(object, path) {
                Ok((Value::Object(map), last)) => {
                    map.insert(last, value.clone());
                    Ok(())
                }
                Ok(_) | Err(_) => {
                    *find(object, path)? = value.clone();
                    Ok(())
                }
            },
            Operation::Test { path, value } => match find(object, path) {
                Ok(found) if found == value => Ok(()),
                Err(_) if value.is_null() => Ok(()),
                Ok(_) | Err(_) => Err(format!("the test of `{path}` fails")),
            },
            Operation::Move { path, from } => {
                let value = remove(object, from)?;
                add(object, path, value)
            }
            Operation::Copy { path, from } => {
                let value = find(object, from)?.clone();
                add(object, path, value)
            }
        }
    }

    /// Pointer of what was written, in the object as it is now.
    pub(super) fn written(&self, object: &Value) -> Option<String> {
        let (Operation::Add { path, .. }
        | Operation::Replace { path, .. }
        | Operation::Move { path, .. }
        | Operation::Copy { path, .. }) = self
        else {
            return None;
        };
        let Some((parent, last)) = path.rsplit_once('/') else { return Some(String::new()) };
        let list = object.pointer(parent).and_then(Value::as_array);
        let from_end = last.parse::<i64>().ok().filter(|index| *index < 0);
        match (list, from_end) {
            (Some(list), _) if last == "-" => Some(format!("{parent}/{}", list.len() - 1)),
            (Some(list), Some(index)) => Some(format!("{parent}/{}", list.len() as i64 + index)),
            (_, _) => Some(path.clone()),
        }
    }
}

fn steps(path: &str) -> Result<Vec<String>, String> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let rest = path.strip_prefix('/').ok_or_else(|| format!("the path `{path}` does not begin with `/`"))?;
    Ok(rest.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
}

/// The index that a step names in a list of this length.
fn index(step: &str, length: usize, path: &str) -> Result<usize, String> {
    let number: i64 = step.parse().map_err(|_| format!("`{step}` of `{path}` is no index of a list"))?;
    let from_end = if number < 0 { length as i64 + number } else { number };
    usize::try_from(from_end)
        .ok()
        .filter(|at| *at < length)
        .ok_or_else(|| format!("`{path}`: the list has no element {number}"))
}

fn walk<'a>(object: &'a mut Value, steps: &[String], path: &str) -> Result<&'a mut Value, String> {
    steps.iter().try_fold(object, |value, step| match value {
        Value::Object(map) => map.get_mut(step).ok_or_else(|| format!("`{path}`: there is no `{step}`")),
        Value::Array(list) => {
            let at = index(step, list.len(), path)?;
            Ok(&mut list[at])
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(format!("`{path}`: `{step}` is asked of a plain value"))
        }
    })
}

fn find<'a>(object: &'a mut Value, path: &str) -> Result<&'a mut Value, String> {
    walk(object, &steps(path)?, path)
}

/// The collection that holds a path, and the last step.
fn parent<'a>(object: &'a mut Value, path: &str) -> Result<(&'a mut Value, String), String> {
    let mut steps = steps(path)?;
    let last = steps.pop().ok_or_else(|| "the whole object cannot be added or removed".to_owned())?;
    Ok((walk(object, &steps, path)?, last))
}

fn add(object: &mut Value, path: &str, value: Value) -> Result<(), String> {
    let (parent, last) = parent(object, path)?;
    match parent {
        Value::Object(map) => {
            map.insert(last, value);
        }
        Value::Array(list) if last == "-" => list.push(value),
        Value::Array(list) => {
            let at = index(&last, list.len() + 1, path)?;
            list.insert(at, value);
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(format!("`{path}`: what it is added to is no mapping and no list"));
        }
    }
    Ok(())
}

fn remove(object: &mut Value, path: &str) -> Result<Value, String> {
    let (parent, last) = parent(object, path)?;
    match parent {
        Value::Object(map) => map.remove(&last).ok_or_else(|| format!("`{path}`: there is no `{last}` to remove")),
        Value::Array(list) => {
            let at = index(&last, list.len(), path)?;
            Ok(list.remove(at))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(format!("`{path}`: what it is removed from is no mapping and no list"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn apply(object: Value, operation: Value) -> Result<Value, String> {
        let mut object = object;
        Operation::read(&operation)?.apply(&mut object).map(|()| object)
    }

    #[test]
    fn operations_change_what_they_name() {
        let object = || json!({"a": {"b/c": 1}, "l": [1, 2]});
        let ok = |operation: Value, expected: Value| assert_eq!(apply(object(), operation), Ok(expected));
        ok(json!({"op": "add", "path": "/a/d", "value": 2}), json!({"a": {"b/c": 1, "d": 2}, "l": [1, 2]}));
        ok(json!({"op": "add", "path": "/l/-", "value": 3}), json!({"a": {"b/c": 1}, "l": [1, 2, 3]}));
        ok(json!({"op": "add", "path": "/l/0", "value": 0}), json!({"a": {"b/c": 1}, "l": [0, 1, 2]}));
        ok(json!({"op": "remove", "path": "/a/b~1c"}), json!({"a": {}, "l": [1, 2]}));
        ok(json!({"op": "replace", "path": "/l/-1", "value": 9}), json!({"a": {"b/c": 1}, "l": [1, 9]}));
        ok(json!({"op": "move", "path": "/m", "from": "/a/b~1c"}), json!({"a": {}, "l": [1, 2], "m": 1}));
        ok(json!({"op": "copy", "path": "/m", "from": "/l"}), json!({"a": {"b/c": 1}, "l": [1, 2], "m": [1, 2]}));
        ok(json!({"op": "test", "path": "/l/0", "value": 1}), object());
    }

    #[test]
    fn what_does_not_fit_is_an_error() {
        for operation in [
            json!({"op": "remove", "path": "/x"}),
            json!({"op": "replace", "path": "/l/7", "value": 1}),
            json!({"op": "replace", "path": "/x/y", "value": 1}),
            json!({"op": "add", "path": "/x/y", "value": 1}),
            json!({"op": "add", "path": "/l/4", "value": 1}),
            json!({"op": "add", "path": "l", "value": 1}),
            json!({"op": "test", "path": "/l/0", "value": 2}),
            json!({"op": "add", "path": "/x"}),
            json!({"op": "merge", "path": "/x"}),
        ] {
            assert!(apply(json!({"l": [1]}), operation.clone()).is_err(), "{operation}");
        }
    }
}
