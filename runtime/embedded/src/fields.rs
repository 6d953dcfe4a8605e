//! Sets of field paths in the `FieldsV1` form that `metadata.managedFields` uses.
//!
//! **Invariant:** a set never holds an empty child set. Follows structured-merge-diff's `fieldpath` package.
//! Not here: which fields an object has (`typed`), who owns them (`managed`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::schema::{Relation, Type};

/// One step of a path. Keys and values are kept as canonical JSON text, so that equal ones compare equal.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Field(String),
    /// `{"containerPort":80,"protocol":"TCP"}`
    Key(String),
    /// An item of a set.
    Value(String),
    Index(i64),
}

/// A set of paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Set {
    pub members: BTreeSet<Step>,
    pub children: BTreeMap<Step, Set>,
}

impl Step {
    pub fn field(name: &str) -> Step {
        Step::Field(name.to_owned())
    }

    fn encode(&self) -> String {
        match self {
            Step::Field(name) => format!("f:{name}"),
            Step::Key(text) => format!("k:{text}"),
            Step::Value(text) => format!("v:{text}"),
            Step::Index(index) => format!("i:{index}"),
        }
    }

    fn decode(text: &str) -> Option<Step> {
        let (kind, rest) = text.split_once(':')?;
        match kind {
            "f" => Some(Step::Field(rest.to_owned())),
            "k" => Some(Step::Key(canonical(&serde_json::from_str(rest).ok()?))),
            "v" => Some(Step::Value(canonical(&serde_json::from_str(rest).ok()?))),
            "i" => rest.parse().ok().map(Step::Index),
            _ => None,
        }
    }

    /// As conflict messages print it: `.spec`, `[name="app"]`.
    pub fn display(&self) -> String {
        match self {
            Step::Field(name) => format!(".{name}"),
            Step::Key(text) => match serde_json::from_str::<BTreeMap<String, Value>>(text) {
                Ok(keys) => {
                    let parts: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
                    format!("[{}]", parts.join(","))
                }
                Err(_) => format!("[{text}]"),
            },
            Step::Value(text) => format!("[={text}]"),
            Step::Index(index) => format!("[{index}]"),
        }
    }
}

/// JSON text with sorted keys.
pub fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let sorted: BTreeMap<&String, &Value> = map.iter().collect();
            let parts: Vec<String> = sorted
                .into_iter()
                .map(|(key, value)| format!("{}:{}", Value::String(key.clone()), canonical(value)))
                .collect();
            format!("{{{}}}", parts.join(","))
        }
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", parts.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}

/// A path as conflict messages and causes print it.
pub fn display(path: &[Step]) -> String {
    path.iter().map(Step::display).collect()
}

impl Set {
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.children.is_empty()
    }

    /// Adds the path itself, not its parents.
    pub fn insert(&mut self, path: &[Step]) {
        match path {
            [] => {}
            [last] => {
                self.members.insert(last.clone());
            }
            [first, rest @ ..] => self.children.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// A set from dotted field names, such as `metadata.name`.
    pub fn of(paths: &[&str]) -> Set {
        let mut set = Set::default();
        for path in paths {
            let steps: Vec<Step> = path.split('.').map(Step::field).collect();
            set.insert(&steps);
        }
        set
    }

    pub fn union(&self, other: &Set) -> Set {
        let mut out = self.clone();
        out.extend(other);
        out
    }

    fn extend(&mut self, other: &Set) {
        self.members.extend(other.members.iter().cloned());
        for (step, child) in &other.children {
            self.children.entry(step.clone()).or_default().extend(child);
        }
    }

    pub fn intersection(&self, other: &Set) -> Set {
        let members = self.members.intersection(&other.members).cloned().collect();
        let children = self
            .children
            .iter()
            .filter_map(|(step, child)| Some((step.clone(), child.intersection(other.children.get(step)?))))
            .filter(|(_, child)| !child.is_empty())
            .collect();
        Set { members, children }
    }

    /// What is in `self` and not in `other`; a parent in `other` takes no children away.
    pub fn difference(&self, other: &Set) -> Set {
        self.subtract(other, false)
    }

    /// Like `difference`, but a path in `other` takes everything below it away too.
    pub fn recursive_difference(&self, other: &Set) -> Set {
        self.subtract(other, true)
    }

    fn subtract(&self, other: &Set, recursive: bool) -> Set {
        let members = self.members.difference(&other.members).cloned().collect();
        let children = self
            .children
            .iter()
            .filter(|(step, _)| !(recursive && other.members.contains(step)))
            .map(|(step, child)| match other.children.get(step) {
                Some(taken) => (step.clone(), child.subtract(taken, recursive)),
                None => (step.clone(), child.clone()),
            })
            .filter(|(_, child)| !child.is_empty())
            .collect();
        Set { members, children }
    }

    /// Adds the declared struct fields on the way to every path, but not maps' keys or list items.
    pub fn with_named_fields(&self, ty: &Type) -> Set {
        let mut members = self.members.clone();
        let mut children = BTreeMap::new();
        for (step, child) in &self.children {
            let below = match step {
                Step::Field(name) => {
                    if ty.field(name).is_some() {
                        members.insert(step.clone());
                    }
                    field_type(ty, name)
                }
                Step::Key(_) => match ty {
                    Type::List { element, relation } if *relation != Relation::Atomic => (**element).clone(),
                    _ => Type::Any,
                },
                Step::Value(_) | Step::Index(_) => Type::Any,
            };
            children.insert(step.clone(), child.with_named_fields(&below));
        }
        Set { members, children }
    }

    /// Every path, in order: members before what lies below.
    pub fn paths(&self) -> Vec<Vec<Step>> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, prefix: &mut Vec<Step>, out: &mut Vec<Vec<Step>>) {
        for step in &self.members {
            let mut path = prefix.clone();
            path.push(step.clone());
            out.push(path);
        }
        for (step, child) in &self.children {
            prefix.push(step.clone());
            child.collect(prefix, out);
            prefix.pop();
        }
    }

    /// The `fieldsV1` object.
    pub fn encode(&self) -> Value {
        let mut keys: BTreeSet<&Step> = self.members.iter().collect();
        keys.extend(self.children.keys());
        let mut map = Map::new();
        for step in keys {
            let mut inner = match self.children.get(step) {
                Some(child) => child.encode(),
                None => Value::Object(Map::new()),
            };
            if let (Value::Object(object), true) = (&mut inner, self.children.contains_key(step))
                && self.members.contains(step)
            {
                object.insert(".".to_owned(), Value::Object(Map::new()));
            }
            map.insert(step.encode(), inner);
        }
        Value::Object(map)
    }

    /// Reads a `fieldsV1` object; `None` where it is not one.
    pub fn decode(value: &Value) -> Option<Set> {
        let mut set = Set::default();
        for (key, inner) in value.as_object()? {
            if key == "." {
                continue;
            }
            let step = Step::decode(key)?;
            let object = inner.as_object()?;
            if object.is_empty() || object.contains_key(".") {
                set.members.insert(step.clone());
            }
            let child = Set::decode(inner)?;
            if !child.is_empty() {
                set.children.insert(step, child);
            }
        }
        Some(set)
    }
}

/// The type below a map key or struct field.
pub fn field_type(ty: &Type, name: &str) -> Type {
    match ty {
        Type::Struct { shape, .. } => shape.fields.get(name).map_or(Type::Any, |field| field.ty.clone()),
        Type::Map { element, .. } => (**element).clone(),
        Type::Scalar(_) | Type::List { .. } | Type::Any => Type::Any,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn fields_v1_round_trip() {
        let value = json!({"f:spec": {".": {}, "f:replicas": {}, "f:ports": {"k:{\"port\":80,\"protocol\":\"TCP\"}": {".": {}, "f:port": {}}}},
            "f:metadata": {"f:finalizers": {"v:\"a\"": {}}}});
        let set = Set::decode(&value).unwrap();
        assert_eq!(set.encode(), value);
        let shown: Vec<String> = set.paths().iter().map(|path| display(path)).collect();
        assert_eq!(
            shown,
            [
                ".spec",
                ".metadata.finalizers[=\"a\"]",
                ".spec.replicas",
                ".spec.ports[port=80,protocol=\"TCP\"]",
                ".spec.ports[port=80,protocol=\"TCP\"].port"
            ]
        );
    }

    #[test]
    fn recursive_difference_takes_children() {
        let set = Set::of(&["a.b.c", "a.d"]);
        assert_eq!(set.difference(&Set::of(&["a.b"])), set);
        assert_eq!(set.recursive_difference(&Set::of(&["a.b"])), Set::of(&["a.d"]));
    }
}
