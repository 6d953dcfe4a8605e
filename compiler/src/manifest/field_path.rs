//! Field paths of `replacements` and `vars`: `spec.containers.[name=web].image`, `metadata.annotations.[a.io/b]`.
//!
//! **Invariant:** split, looked up, matched and made as in kyaml (`SmarterPathSplitter`, `PathGetter`, `PathMatcher`);
//! what is found is given as JSON pointers.

use regex::Regex;
use serde_json::{Map, Value, json};

/// The parts of a path. `\.` is a dot within a part, and so is every dot between brackets.
pub(super) fn split(path: &str) -> Vec<String> {
    let mut escaped: Vec<String> = Vec::new();
    for piece in path.strip_prefix('.').unwrap_or(path).split('.') {
        match escaped.last_mut().filter(|last| last.ends_with('\\')) {
            Some(last) => {
                last.pop();
                last.push('.');
                last.push_str(piece);
            }
            None => escaped.push(piece.to_owned()),
        }
    }
    let mut parts = Vec::new();
    let mut pieces = escaped.into_iter();
    while let Some(mut part) = pieces.next() {
        if part.starts_with('[') && !part.ends_with(']') {
            for piece in pieces.by_ref() {
                part.push('.');
                part.push_str(&piece);
                if part.ends_with(']') {
                    break;
                }
            }
            if !part.contains('=') {
                part = part.trim_matches(['[', ']']).to_owned();
            }
        }
        parts.push(part);
    }
    parts
}

/// As `split`, where `ports[0]` also means the first element of `ports`.
pub(super) fn split_with_index(path: &str) -> Vec<String> {
    let mut parts = Vec::new();
    for part in split(path) {
        let indexed = part.strip_suffix(']').and_then(|part| part.rsplit_once('['));
        match indexed.filter(|(_, index)| !index.is_empty() && index.chars().all(|c| c.is_ascii_digit())) {
            Some((name, index)) => parts.extend([name, index].map(str::to_owned).into_iter().filter(|p| !p.is_empty())),
            None => parts.push(part),
        }
    }
    parts
}

fn pointer(at: &str, step: &str) -> String {
    format!("{at}/{}", step.replace('~', "~0").replace('/', "~1"))
}

fn is_element(part: &str) -> bool {
    part.starts_with('[') && part.ends_with(']')
}

/// Field and value of `[FIELD=VALUE]`; an empty field stands for the elements themselves.
fn element(part: &str) -> Result<(&str, &str), String> {
    let inner = part.strip_prefix('[').and_then(|part| part.strip_suffix(']')).unwrap_or(part);
    inner.split_once('=').ok_or_else(|| format!("`{part}` is not `[FIELD=VALUE]`"))
}

/// The text of a plain value; `None` for lists and mappings.
pub(super) fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some("null".to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => Some(text.clone()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

fn list<'v>(value: &'v Value, part: &str) -> Result<&'v Vec<Value>, String> {
    value.as_array().ok_or_else(|| format!("`{part}` is asked of something that is no list"))
}

/// The one value at a path, as a pointer; `None` where it is missing or null.
pub(super) fn lookup(value: &Value, path: &[String]) -> Result<Option<String>, String> {
    let (mut at, mut value) = (String::new(), value);
    for part in path.iter().map(|part| part.trim()).filter(|part| !part.is_empty()) {
        let (step, next) = match part.parse::<usize>() {
            Ok(index) => (part.to_owned(), list(value, part)?.get(index)),
            Err(_) if part == "-" => {
                let last = list(value, part)?.len().saturating_sub(1);
                (last.to_string(), list(value, part)?.get(last))
            }
            Err(_) if part == "*" => return Err("`*` cannot stand in the path of a source".to_owned()),
            Err(_) if is_element(part) => {
                let (field, wanted) = element(part)?;
                let text = |item: &Value| if field.is_empty() { plain(item) } else { plain(item.get(field)?) };
                let index = list(value, part)?.iter().position(|item| text(item).is_some_and(|text| text == wanted));
                (index.unwrap_or_default().to_string(), index.and_then(|index| list(value, part).ok()?.get(index)))
            }
            Err(_) => match value {
                Value::Object(map) => (part.to_owned(), map.get(part)),
                _ => return Err(format!("`{part}` is asked of something that is no mapping")),
            },
        };
        let Some(next) = next.filter(|next| !next.is_null()) else { return Ok(None) };
        at = pointer(&at, &step);
        value = next;
    }
    Ok(Some(at))
}

/// What is made at the end of a path that does not exist.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    Scalar,
    List,
    Map,
}

impl Leaf {
    pub(super) fn of(value: &Value) -> Leaf {
        match value {
            Value::Array(_) => Leaf::List,
            Value::Object(_) => Leaf::Map,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Leaf::Scalar,
        }
    }
}

/// A value that a path matches.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Matched {
    pub(super) pointer: String,
    /// It was not there before.
    pub(super) made: bool,
}

/// All values that a path matches; what is missing is made where `create` says of what kind.
pub(super) fn matching(value: &mut Value, path: &[String], create: Option<Leaf>) -> Result<Vec<Matched>, String> {
    let mut search = Search { create, found: Vec::new() };
    search.go(value, path, String::new(), false)?;
    Ok(search.found)
}

struct Search {
    create: Option<Leaf>,
    found: Vec<Matched>,
}

impl Search {
    fn go(&mut self, value: &mut Value, path: &[String], at: String, made: bool) -> Result<(), String> {
        let Some((part, rest)) = path.split_first() else {
            self.found.push(Matched { pointer: at, made });
            return Ok(());
        };
        if let Ok(index) = part.parse::<usize>() {
            return self.index(value, (index, part), rest, &at);
        }
        if is_element(part) {
            return self.elements(value, part, rest, &at);
        }
        if part == "*" {
            list(value, part)?;
            for (index, item) in value.as_array_mut().into_iter().flatten().enumerate() {
                self.go(item, rest, pointer(&at, &index.to_string()), false)?;
            }
            return Ok(());
        }
        let Value::Object(map) = value else {
            return Err(format!("`{part}` is asked of something that is no mapping"));
        };
        let made = !map.contains_key(part);
        if made && self.create.is_none() {
            return Ok(());
        }
        let next = map.entry(part.as_str()).or_insert_with(|| self.empty(rest));
        self.go(next, rest, pointer(&at, part), made)
    }

    /// What a missing field is made of, by what follows.
    fn empty(&self, rest: &[String]) -> Value {
        match (rest.first(), self.create) {
            (Some(next), _) if is_element(next) || next.parse::<usize>().is_ok() => json!([]),
            (Some(_), _) | (None, Some(Leaf::Map)) => Value::Object(Map::new()),
            (None, Some(Leaf::List)) => json!([]),
            (None, Some(Leaf::Scalar) | None) => Value::Null,
        }
    }

    fn index(
        &mut self,
        value: &mut Value,
        (index, part): (usize, &str),
        rest: &[String],
        at: &str,
    ) -> Result<(), String> {
        let length = list(value, part)?.len();
        let made = length == index && self.create.is_some();
        let empty = self.empty(rest);
        let Some(items) = value.as_array_mut() else { return Ok(()) };
        if made {
            items.push(empty);
        }
        match items.get_mut(index) {
            Some(item) => self.go(item, rest, pointer(at, part), made),
            None => Err(format!("the list has {length} elements, so that there is no element {index}")),
        }
    }

    fn elements(&mut self, value: &mut Value, part: &str, rest: &[String], at: &str) -> Result<(), String> {
        let (field, wanted) = element(part)?;
        let pattern = Regex::new(wanted).map_err(|error| format!("`{wanted}` is no regular expression: {error}"))?;
        let fits = |item: &Value| {
            let text = if field.is_empty() { plain(item) } else { item.get(field).and_then(plain) };
            text.is_some_and(|text| pattern.is_match(&text))
        };
        list(value, part)?;
        let Some(items) = value.as_array_mut() else { return Ok(()) };
        let mut any = false;
        for (index, item) in items.iter_mut().enumerate().filter(|(_, item)| fits(item)) {
            let before = self.found.len();
            // The elements of a list of plain values have no parts.
            let rest = if field.is_empty() { &[] } else { rest };
            self.go(item, rest, pointer(at, &index.to_string()), false)?;
            any |= self.found.len() > before;
        }
        if any || self.create.is_none() {
            return Ok(());
        }
        let new = super::replacement::resolved(wanted);
        items.push(if field.is_empty() { new } else { json!({field: new}) });
        let last = items.len() - 1;
        let rest = if field.is_empty() { &[] } else { rest };
        self.go(&mut items[last], rest, pointer(at, &last.to_string()), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(path: &str) -> Vec<String> {
        split(path)
    }

    #[test]
    fn paths_are_split_as_by_kyaml() {
        assert_eq!(paths("a.b\\.c.d"), ["a", "b.c", "d"]);
        assert_eq!(paths("metadata.annotations.[a.io/b]"), ["metadata", "annotations", "a.io/b"]);
        assert_eq!(paths("spec.[name=a.b].image"), ["spec", "[name=a.b]", "image"]);
        assert_eq!(split_with_index("spec.ports[0].port"), ["spec", "ports", "0", "port"]);
    }

    #[test]
    fn values_are_found_and_made() {
        let mut object = json!({"c": [{"name": "a", "v": 1}, {"name": "b"}], "m": {}});
        let pointers = |object: &mut Value, path: &str, create| -> Vec<String> {
            let found = matching(object, &split(path), create).unwrap();
            found.into_iter().map(|found| found.pointer).collect()
        };
        assert_eq!(lookup(&object, &split("c.[name=a].v")), Ok(Some("/c/0/v".to_owned())));
        assert_eq!(lookup(&object, &split("c.[name=b].v")), Ok(None));
        assert_eq!(pointers(&mut object, "c.*.name", None), ["/c/0/name", "/c/1/name"]);
        assert_eq!(pointers(&mut object, "m.x.y", None), Vec::<String>::new());
        assert_eq!(pointers(&mut object, "m.[a.b].y", Some(Leaf::Scalar)), ["/m/a.b/y"]);
        assert_eq!(pointers(&mut object, "c.[name=d].v", Some(Leaf::Scalar)), ["/c/2/v"]);
        assert_eq!(object["c"][2], json!({"name": "d", "v": null}));
    }
}
