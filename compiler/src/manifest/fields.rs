//! Where transformers write in objects: field specs and the walk along them.
//!
//! **Invariant:** a path through a list means each element; the walk tells which values it changed.
//! Not here: the tables of such fields (`config`).

use serde_json::{Map, Value};

use super::provenance::{Path, changes, step_of};
use super::resource::Gvk;

/// A field of objects of some kinds; `create` makes what is missing on the way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct FieldSpec {
    pub(super) kind: Option<String>,
    pub(super) group: Option<String>,
    pub(super) version: Option<String>,
    pub(super) path: Vec<String>,
    pub(super) create: bool,
}

impl FieldSpec {
    pub(super) fn selects(&self, gvk: Gvk<'_>) -> bool {
        let fits = |wanted: &Option<String>, text: &str| wanted.as_ref().is_none_or(|wanted| wanted == text);
        fits(&self.kind, gvk.kind) && fits(&self.group, gvk.group) && fits(&self.version, gvk.version)
    }

    /// Whether this is the field that `other` names, as Kustomize compares: an absent part of `other` fits all.
    pub(super) fn is_same_field(&self, other: &FieldSpec) -> bool {
        let text = |part: &Option<String>| part.clone().unwrap_or_default();
        let (group, version, kind) = (text(&self.group), text(&self.version), text(&self.kind));
        other.selects(Gvk { group: &group, version: &version, kind: &kind }) && self.path == other.path
    }

    pub(super) fn is_path(&self, path: &[&str]) -> bool {
        self.path.iter().map(String::as_str).eq(path.iter().copied())
    }
}

/// `KIND GROUP VERSION PATH [create]`, `-` for any; without a path, a kind alone.
pub(super) fn parse(row: &str) -> FieldSpec {
    let mut words = row.split_whitespace();
    let mut any = || words.next().filter(|word| *word != "-").map(str::to_owned);
    let (kind, group, version) = (any(), any(), any());
    let path = words.next().map(split).unwrap_or_default();
    FieldSpec { kind, group, version, path, create: words.next() == Some("create") }
}

/// The parts of a path; `\/` stands for a slash within a part.
pub(super) fn split(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for character in path.strip_prefix('/').unwrap_or(path).chars() {
        match character {
            '\\' if !escaped => escaped = true,
            '/' if !escaped => parts.push(String::new()),
            _ => {
                escaped = false;
                if let Some(part) = parts.last_mut() {
                    part.push(character);
                }
            }
        }
    }
    parts
}

/// What is made of a field that is missing or null, where the spec says so.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    Nothing,
    Map,
    Scalar,
}

type Set<'a> = dyn FnMut(&mut Value) -> Result<(), String> + 'a;

/// Calls `set` with every value at the path, making it where `make` and the spec say so. Gives what was changed.
pub(super) fn visit(object: &mut Value, spec: &FieldSpec, make: Make, set: &mut Set<'_>) -> Result<Vec<Path>, String> {
    let make = if spec.create { make } else { Make::Nothing };
    let mut walk = Walk { make, set, at: Path::new(), changed: Vec::new() };
    match walk.walk(object, &spec.path) {
        Ok(()) => Ok(walk.changed),
        Err(reason) => Err(format!("{reason} (on the way to `{}`)", spec.path.join("."))),
    }
}

struct Walk<'s, 'a> {
    make: Make,
    set: &'s mut Set<'a>,
    at: Path,
    changed: Vec<Path>,
}

impl Walk<'_, '_> {
    fn walk(&mut self, value: &mut Value, path: &[String]) -> Result<(), String> {
        let Some((name, rest)) = path.split_first() else {
            let before = value.clone();
            (self.set)(value)?;
            changes(Some(&before), value, &mut self.at, &mut self.changed);
            return Ok(());
        };
        match value {
            Value::Null => Ok(()),
            Value::Array(list) => list.iter_mut().enumerate().try_for_each(|(index, element)| {
                self.at.push(step_of(index, element));
                let result = self.walk(element, path);
                self.at.pop();
                result
            }),
            Value::Object(map) => {
                let of_list = name.strip_suffix("[]");
                let name = of_list.unwrap_or(name);
                let creates = self.make != Make::Nothing && of_list.is_none();
                let Some(field) = field(map, name, creates) else { return Ok(()) };
                if field.is_null() && creates && !(rest.is_empty() && self.make == Make::Scalar) {
                    *field = Value::Object(Map::new());
                }
                self.at.push(super::provenance::Step::Field(name.to_owned()));
                let result = self.walk(field, rest);
                self.at.pop();
                result
            }
            Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                Err(format!("`{name}` is asked of a plain value, where a mapping or a list is expected"))
            }
        }
    }
}

fn field<'a>(map: &'a mut Map<String, Value>, name: &str, creates: bool) -> Option<&'a mut Value> {
    if creates { Some(map.entry(name).or_insert(Value::Null)) } else { map.get_mut(name) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn paths_go_through_lists_and_make_what_is_missing() {
        let spec = parse("- - - spec/items/name create");
        let mut object = json!({"spec": {"items": [{"name": "a"}, {}]}});
        let changed = visit(&mut object, &spec, Make::Scalar, &mut |value| {
            *value = json!("b");
            Ok(())
        });
        assert_eq!(object, json!({"spec": {"items": [{"name": "b"}, {"name": "b"}]}}));
        assert_eq!(changed.map(|changed| changed.len()), Ok(2));
        let escaped = parse("Ingress - - metadata/annotations/a.io\\/b");
        assert_eq!(escaped.path, ["metadata", "annotations", "a.io/b"]);
        assert!(visit(&mut json!({"spec": 1}), &spec, Make::Map, &mut |_| Ok(())).is_err());
    }
}
