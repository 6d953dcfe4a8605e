//! ConfigMaps made by `configMapGenerator`, and the hash that their names end in.
//!
//! **Invariant:** data and hash are Kustomize's, byte for byte: a changed value changes the name, nothing else does.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::kustomization::{Behavior, ConfigMap, Options};
use super::load::Files;
use super::resource::{Resource, id_of};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::Text;

/// The ConfigMap of an entry; what is wrong with it is a finding. `None` while files are missing.
pub(super) fn make(files: &mut Files<'_>, folder: &str, entry: &ConfigMap, global: &Options) -> Option<Resource> {
    let mut data: Vec<(String, String, Span)> = Vec::new();
    let mut complete = true;
    for asked in &entry.envs {
        match files.file(folder, asked) {
            Some((path, id)) => env_file(files, &path, &files.text(&path, id), asked.span, &mut data),
            None => complete = false,
        }
    }
    for literal in &entry.literals {
        match literal.value.split_once('=').filter(|(key, _)| !key.is_empty()) {
            Some((key, value)) => data.push((key.to_owned(), unquoted(value).to_owned(), literal.span)),
            None => files.diags.push(wrong(literal.span, format!("`{}` is not `KEY=VALUE`", literal.value))),
        }
    }
    for source in &entry.files {
        let Some((key, path)) = file_source(files, source) else { continue };
        match files.file(folder, &path) {
            Some((path, id)) => data.push((key, files.text(&path, id), source.span)),
            None => complete = false,
        }
    }
    if !complete {
        return None;
    }
    let mut map = Map::new();
    for (key, value, span) in data {
        if !key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) || key.len() > 253 {
            files.diags.push(wrong(span, format!("`{key}` cannot be a key of a ConfigMap")));
        } else if map.insert(key.clone(), Value::from(value)).is_some() {
            files.diags.push(wrong(span, format!("key `{key}` is given twice")));
        }
    }
    Some(resource(entry, global, map))
}

fn resource(entry: &ConfigMap, global: &Options, data: Map<String, Value>) -> Resource {
    let mut value = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": entry.name.value}});
    if let Some(namespace) = &entry.namespace {
        value["metadata"]["namespace"] = Value::from(namespace.value.as_str());
    }
    for (field, own, shared) in [
        ("labels", &entry.options.labels, &global.labels),
        ("annotations", &entry.options.annotations, &global.annotations),
    ] {
        // Later pairs win: those of the entry.
        let pairs: Map<String, Value> = shared
            .iter()
            .chain(own)
            .map(|(key, value)| (key.value.clone(), Value::from(value.value.as_str())))
            .collect();
        if !pairs.is_empty() {
            value["metadata"][field] = Value::Object(pairs);
        }
    }
    if !data.is_empty() {
        value["data"] = Value::Object(data);
    }
    if entry.options.immutable || global.immutable {
        value["immutable"] = Value::Bool(true);
    }
    let mut resource = Resource::new(value, entry.span, None);
    resource.needs_hash = !(entry.options.disable_hash || global.disable_hash);
    resource
}

/// Puts a generated object among the others, as its behavior says.
pub(super) fn absorb(
    resources: &mut Vec<Resource>,
    mut new: Resource,
    behavior: Behavior,
) -> Result<(), Box<Diagnostic>> {
    let id = new.id();
    let at: Vec<usize> = (0..resources.len()).filter(|at| resources[*at].ids().any(|other| other == id)).collect();
    match (at[..].first(), behavior) {
        (None, Behavior::Create) => resources.push(new),
        (Some(first), Behavior::Create) => {
            let message = format!("ConfigMap `{}` exists already", id.name);
            let finding = wrong(new.origin, message)
                .label(resources[*first].origin, "here")
                .help("say `behavior: merge` or `behavior: replace` to change it");
            return Err(Box::new(finding));
        }
        (None, Behavior::Merge | Behavior::Replace) => {
            return Err(Box::new(wrong(new.origin, format!("there is no ConfigMap `{}` to change", id.name))));
        }
        (Some(_), Behavior::Merge | Behavior::Replace) if at.len() > 1 => {
            return Err(Box::new(wrong(new.origin, format!("`{}` could change more than one ConfigMap", id.name))));
        }
        (Some(first), Behavior::Merge | Behavior::Replace) => {
            inherit(&mut new, &resources[*first], behavior);
            resources[*first] = new;
        }
    }
    Ok(())
}

/// Name, namespace, history, labels and annotations come from the old object, and for `merge` its data too.
fn inherit(new: &mut Resource, old: &Resource, behavior: Behavior) {
    let mut fields = vec!["/metadata/labels", "/metadata/annotations"];
    if behavior == Behavior::Merge {
        fields.extend(["/data", "/binaryData"]);
    }
    for pointer in fields {
        let Some(Value::Object(inherited)) = old.value.pointer(pointer) else { continue };
        let mut merged = inherited.clone();
        if let Some(Value::Object(own)) = new.value.pointer(pointer) {
            merged.extend(own.clone());
        }
        let (parent, field) = pointer.rsplit_once('/').unwrap_or(("", pointer));
        if let Some(parent) = new.value.pointer_mut(parent).and_then(Value::as_object_mut) {
            parent.insert(field.to_owned(), Value::Object(merged));
        }
    }
    new.set_metadata("name", old.name());
    match old.namespace() {
        "" => {
            if let Some(metadata) = new.value.pointer_mut("/metadata").and_then(Value::as_object_mut) {
                metadata.remove("namespace");
            }
        }
        namespace => new.set_metadata("namespace", namespace),
    }
    new.previous.clone_from(&old.previous);
    new.prefixes.clone_from(&old.prefixes);
    new.suffixes.clone_from(&old.suffixes);
    new.needs_hash &= old.needs_hash;
}

/// `PATH`, or `KEY=PATH`.
fn file_source(files: &mut Files<'_>, source: &Text) -> Option<(String, Text)> {
    let text = &source.value;
    let parts: Vec<&str> = text.split('=').collect();
    let (key, path, from) = match parts[..] {
        [path] => (path.rsplit('/').next().unwrap_or(path), path, 0),
        [key, path] if !key.is_empty() && !path.is_empty() => (key, path, key.len() + 1),
        _ => {
            files.diags.push(wrong(source.span, format!("`{text}` is neither `PATH` nor `KEY=PATH`")));
            return None;
        }
    };
    let span = source.place(from, text.len());
    Some((key.to_owned(), Text { value: path.to_owned(), span, map: Vec::new() }))
}

/// Lines `KEY=VALUE`; a line without `=` gives an empty value, `#` begins a comment.
fn env_file(files: &mut Files<'_>, path: &str, text: &str, asked: Span, data: &mut Vec<(String, String, Span)>) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if key.is_empty() || !key.chars().all(fits) || key.starts_with(|c: char| c.is_ascii_digit()) {
            let message = format!("`{key}` in line {} of `{path}` is no name of a variable", number + 1);
            files.diags.push(wrong(asked, message));
        } else {
            data.push((key.to_owned(), value.to_owned(), asked));
        }
    }
}

fn unquoted(value: &str) -> &str {
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    quote.and_then(|quote| value.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(value)
}

fn wrong(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(&codes::GENERATOR, span, message)
}

/// Ten characters of the hash of an object, in an alphabet that makes no words. For ConfigMaps it covers the data; the
/// name that Kustomize puts in is always empty.
pub(super) fn hash(object: &Value) -> String {
    let field = |name: &str| object.get(name).cloned();
    let mut hashed = json!({"kind": id_of(object).kind, "name": "", "data": field("data").unwrap_or(json!(""))});
    if let Some(binary @ Value::Object(_)) = field("binaryData") {
        hashed["binaryData"] = binary;
    }
    let digest = hex::encode(Sha256::digest(go_json(&hashed)));
    let letter = |c: char| match c {
        '0' => 'g',
        '1' => 'h',
        '3' => 'k',
        'a' => 'm',
        'e' => 't',
        other => other,
    };
    digest.chars().take(10).map(letter).collect()
}

/// JSON as Go writes it: what could end a script or a line of JavaScript is escaped.
fn go_json(value: &Value) -> String {
    let mut result = String::new();
    for character in value.to_string().chars() {
        match character {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                result.push_str(&format!("\\u{:04x}", character as u32));
            }
            other => result.push(other),
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_those_of_kustomize() {
        let map =
            |data: Value| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "cm"}, "data": data});
        assert_eq!(hash(&map(json!({"a": "b&c<d"}))), "hckc2mh5kt");
        assert_eq!(hash(&json!({"kind": "ConfigMap"})), "6ct58987ht");
    }

    #[test]
    fn quotes_around_a_literal_are_dropped() {
        for (value, expected) in [("\"a b\"", "a b"), ("'a'", "a"), ("'a", "'a"), ("\"", "\""), ("a", "a"), ("", "")] {
            assert_eq!(unquoted(value), expected);
        }
    }
}
