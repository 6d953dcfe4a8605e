//! Where transformers write in objects: field specs and the walk along them.
//!
//! **Invariant:** the table is Kustomize's own, pinned (`fields.txt`); a path through a list means each element.

use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::resource::Gvk;

const TABLE: &str = include_str!("fields.txt");

/// A field of objects of some kinds; `create` makes what is missing on the way.
#[derive(Debug)]
pub(super) struct FieldSpec {
    kind: Option<&'static str>,
    group: Option<&'static str>,
    version: Option<&'static str>,
    pub(super) path: Vec<String>,
    pub(super) create: bool,
}

impl FieldSpec {
    /// Selects kinds only; `-` is any.
    pub(super) fn of_kind(kind: &'static str, group: &'static str, version: &'static str) -> FieldSpec {
        FieldSpec { kind: any(kind), group: any(group), version: any(version), path: Vec::new(), create: false }
    }

    pub(super) fn selects(&self, gvk: Gvk<'_>) -> bool {
        self.kind.is_none_or(|kind| kind == gvk.kind)
            && self.group.is_none_or(|group| group == gvk.group)
            && self.version.is_none_or(|version| version == gvk.version)
    }
}

/// The default field specs of Kustomize's transformers.
#[derive(Debug, Default)]
pub(super) struct Specs {
    pub(super) labels_with_selectors: Vec<FieldSpec>,
    pub(super) labels_with_templates: Vec<FieldSpec>,
    pub(super) annotations: Vec<FieldSpec>,
    pub(super) replicas: Vec<FieldSpec>,
    pub(super) namespace: Vec<FieldSpec>,
}

pub(super) static SPECS: LazyLock<Specs> = LazyLock::new(|| {
    let mut specs = Specs::default();
    let mut section = "";
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let Some(row) = line.strip_prefix("  ") else {
            section = line;
            continue;
        };
        let list = match section {
            "labels-with-selectors" => &mut specs.labels_with_selectors,
            "labels-with-templates" => &mut specs.labels_with_templates,
            "annotations" => &mut specs.annotations,
            "replicas" => &mut specs.replicas,
            "namespace" => &mut specs.namespace,
            other => panic!("BUG: fields.txt has a section {other}"),
        };
        list.push(parse(row));
    }
    specs
});

/// `KIND GROUP VERSION PATH [create]`, `-` for any.
pub(super) fn parse(row: &'static str) -> FieldSpec {
    let mut words = row.split_whitespace();
    let mut word = || words.next().expect("BUG: a row of a field table is too short");
    let (kind, group, version) = (any(word()), any(word()), any(word()));
    let path = split(word());
    FieldSpec { kind, group, version, path, create: words.next() == Some("create") }
}

fn any(word: &'static str) -> Option<&'static str> {
    (word != "-").then_some(word)
}

/// The parts of a path; `\/` stands for a slash within a part.
fn split(path: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for character in path.chars() {
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

/// Calls `set` with every value at the path, making it where `make` and the spec say so.
pub(super) fn visit(object: &mut Value, spec: &FieldSpec, make: Make, set: &mut Set<'_>) -> Result<(), String> {
    walk(object, &spec.path, if spec.create { make } else { Make::Nothing }, set)
        .map_err(|reason| format!("{reason} (on the way to `{}`)", spec.path.join(".")))
}

fn walk(value: &mut Value, path: &[String], make: Make, set: &mut Set<'_>) -> Result<(), String> {
    let Some((name, rest)) = path.split_first() else { return set(value) };
    match value {
        Value::Null => Ok(()),
        Value::Array(list) => list.iter_mut().try_for_each(|element| walk(element, path, make, set)),
        Value::Object(map) => {
            let of_list = name.strip_suffix("[]");
            let name = of_list.unwrap_or(name);
            let creates = make != Make::Nothing && of_list.is_none();
            let Some(field) = field(map, name, creates) else { return Ok(()) };
            if field.is_null() && creates && !(rest.is_empty() && make == Make::Scalar) {
                *field = Value::Object(Map::new());
            }
            walk(field, rest, make, set)
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            Err(format!("`{name}` is asked of a plain value, where a mapping or a list is expected"))
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
        visit(&mut object, &spec, Make::Scalar, &mut |value| {
            *value = json!("b");
            Ok(())
        })
        .unwrap();
        assert_eq!(object, json!({"spec": {"items": [{"name": "b"}, {"name": "b"}]}}));
        let escaped = parse("Ingress - - metadata/annotations/a.io\\/b");
        assert_eq!(escaped.path, ["metadata", "annotations", "a.io/b"]);
        assert!(visit(&mut json!({"spec": 1}), &spec, Make::Map, &mut |_| Ok(())).is_err());
        assert_eq!(SPECS.replicas.len(), 4);
    }
}
