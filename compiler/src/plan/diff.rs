//! The fields in which two objects differ, lists of objects matched by their keys.
//!
//! Source of the list keys: `x-kubernetes-list-map-keys` of the Kubernetes API; where the elements of a list have no such
//! key in common, they are matched by position.

use serde_json::Value;

/// One step of a field path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment {
    Key(String),
    /// An element of a list: its key fields with their values, and where it stands.
    Item(Vec<(String, Value)>, usize),
    Index(usize),
}

/// One leaf that differs; `None` is absence.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub path: Vec<Segment>,
    pub before: Option<Value>,
    pub after: Option<Value>,
}

/// Key fields of lists, tried in order: the first set that every element of both lists has, without repeats.
const KEYS: &[&[&str]] = &[
    &["name"],
    &["mountPath"],
    &["containerPort", "protocol"],
    &["port", "protocol"],
    &["port"],
    &["devicePath"],
    &["topologyKey", "whenUnsatisfiable"],
    &["ip"],
    &["uid"],
    &["type"],
    &["host"],
];

/// Metadata that the server sets; it is no change.
const SERVER_METADATA: &[&str] = &[
    "managedFields",
    "resourceVersion",
    "uid",
    "creationTimestamp",
    "generation",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// The differences of two objects, without status and what the server alone sets.
pub fn objects(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&without_server_fields(before), &without_server_fields(after), &mut Vec::new(), &mut found);
    found
}

/// Every leaf of an object that is created.
pub fn leaves(object: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    compare(&Value::Object(Default::default()), &without_server_fields(object), &mut Vec::new(), &mut found);
    found
}

/// An object without status and what the server alone sets.
pub fn without_server_fields(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| !SERVER_METADATA.contains(&key.as_str()));
    }
    object
}

/// `spec.template.spec.containers[api].image`.
pub fn show(path: &[Segment]) -> String {
    let mut text = String::new();
    for segment in path {
        match segment {
            Segment::Key(key) if key.contains(['.', '/', '[']) => text.push_str(&format!("[{key}]")),
            Segment::Key(key) if text.is_empty() => text.push_str(key),
            Segment::Key(key) => text.push_str(&format!(".{key}")),
            Segment::Item(keys, _) => {
                let keys: Vec<String> = keys.iter().map(|(_, value)| plain(value)).collect();
                text.push_str(&format!("[{}]", keys.join("/")));
            }
            Segment::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}

/// RFC 6901, positions as found.
pub fn pointer(path: &[Segment]) -> String {
    let step = |segment: &Segment| match segment {
        Segment::Key(key) => format!("/{}", key.replace('~', "~0").replace('/', "~1")),
        Segment::Item(_, index) | Segment::Index(index) => format!("/{index}"),
    };
    path.iter().map(step).collect()
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn compare(before: &Value, after: &Value, path: &mut Vec<Segment>, found: &mut Vec<Difference>) {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let mut keys: Vec<&String> = old.keys().chain(new.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                path.push(Segment::Key(key.clone()));
                pair(old.get(key), new.get(key), path, found);
                path.pop();
            }
        }
        (Value::Array(old), Value::Array(new)) => lists(old, new, path, found),
        _ if before == after => {}
        _ => found.push(Difference { path: path.clone(), before: Some(before.clone()), after: Some(after.clone()) }),
    }
}

fn pair(before: Option<&Value>, after: Option<&Value>, path: &mut Vec<Segment>, found: &mut Vec<Difference>) {
    match (before, after) {
        (Some(before), Some(after)) => compare(before, after, path, found),
        (None, Some(after)) => one_side(after, true, path, found),
        (Some(before), None) => one_side(before, false, path, found),
        (None, None) => {}
    }
}

/// The leaves of a value that only one side has. Empty maps and lists are leaves.
fn one_side(value: &Value, added: bool, path: &mut Vec<Segment>, found: &mut Vec<Difference>) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (key, value) in fields {
                path.push(Segment::Key(key.clone()));
                one_side(value, added, path, found);
                path.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => {
            let keys = list_keys(items, &[]);
            for (index, item) in items.iter().enumerate() {
                path.push(segment(item, index, keys));
                one_side(item, added, path, found);
                path.pop();
            }
        }
        _ => {
            let (before, after) = if added { (None, Some(value.clone())) } else { (Some(value.clone()), None) };
            found.push(Difference { path: path.clone(), before, after });
        }
    }
}

fn lists(old: &[Value], new: &[Value], path: &mut Vec<Segment>, found: &mut Vec<Difference>) {
    let Some(keys) = list_keys(old, new) else {
        for index in 0..old.len().max(new.len()) {
            path.push(Segment::Index(index));
            pair(old.get(index), new.get(index), path, found);
            path.pop();
        }
        return;
    };
    let mut added = 0;
    for item in new {
        let before = old.iter().position(|other| same_key(other, item, keys));
        // A new element stands behind the old ones: a position is one of the live object, where nothing is there yet.
        path.push(segment(item, before.unwrap_or(old.len() + added), Some(keys)));
        added += usize::from(before.is_none());
        pair(before.map(|at| &old[at]), Some(item), path, found);
        path.pop();
    }
    for (index, item) in old.iter().enumerate().filter(|(_, item)| !new.iter().any(|other| same_key(other, item, keys)))
    {
        path.push(segment(item, index, Some(keys)));
        pair(Some(item), None, path, found);
        path.pop();
    }
}

fn segment(item: &Value, index: usize, keys: Option<&[&str]>) -> Segment {
    match keys {
        Some(keys) => {
            let with_value = |key: &&str| item.get(*key).map(|value| ((*key).to_owned(), value.clone()));
            Segment::Item(keys.iter().filter_map(with_value).collect(), index)
        }
        None => Segment::Index(index),
    }
}

fn same_key(left: &Value, right: &Value, keys: &[&str]) -> bool {
    keys.iter().all(|key| left.get(*key) == right.get(*key))
}

/// The key fields that both lists have in common.
fn list_keys(old: &[Value], new: &[Value]) -> Option<&'static [&'static str]> {
    let usable = |items: &[Value], keys: &[&str]| {
        let mut seen: Vec<String> = Vec::new();
        items.iter().all(|item| {
            let values: Vec<&Value> = keys.iter().filter_map(|key| item.get(*key)).collect();
            let text = format!("{values:?}");
            let fresh = !seen.contains(&text);
            seen.push(text);
            values.len() == keys.len() && fresh
        })
    };
    if old.is_empty() && new.is_empty() {
        return None;
    }
    KEYS.iter().copied().find(|keys| usable(old, keys) && usable(new, keys))
}
