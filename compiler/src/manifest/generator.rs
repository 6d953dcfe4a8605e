//! ConfigMaps and Secrets made by generators, and the hash that their names end in.
//!
//! **Invariant:** data and hash are Kustomize's, byte for byte: a changed value changes the name, nothing else does.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::kustomization::{Behavior, Generator, Makes, Options};
use super::load::Files;
use super::provenance::Step;
use super::resource::{Resource, id_of};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::Text;

/// The object of an entry; what is wrong with it is a finding. `None` while files are missing.
pub(super) fn make(files: &mut Files<'_>, folder: &str, entry: &Generator, global: &Options) -> Option<Resource> {
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
    let (mut map, mut places) = (Map::new(), Vec::new());
    for (key, value, span) in data {
        if !key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) || key.len() > 253 {
            files.diags.push(wrong(span, format!("`{key}` cannot be a key of a {}", kind(entry))));
        } else if map.insert(key.clone(), encoded(entry, value)).is_some() {
            files.diags.push(wrong(span, format!("key `{key}` is given twice")));
        }
        places.push((["data".to_owned(), key].map(Step::Field).to_vec(), span));
    }
    let mut resource = resource(entry, global, map);
    places.into_iter().for_each(|(path, span)| resource.wrote([path], span));
    Some(resource)
}

fn kind(entry: &Generator) -> &'static str {
    match entry.makes {
        Makes::ConfigMap => "ConfigMap",
        Makes::Secret(_) => "Secret",
    }
}

fn encoded(entry: &Generator, value: String) -> Value {
    match entry.makes {
        Makes::ConfigMap => Value::from(value),
        Makes::Secret(_) => Value::from(base64(value.as_bytes())),
    }
}

/// Base64 with padding, in one line.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at) & 63) as usize];
            text.push(if at <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

fn resource(entry: &Generator, global: &Options, data: Map<String, Value>) -> Resource {
    let mut value = json!({"apiVersion": "v1", "kind": kind(entry), "metadata": {"name": entry.name.value}});
    if let Makes::Secret(kind) = &entry.makes {
        value["type"] = Value::from(kind.as_str());
    }
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
            let message = format!("{} `{}` exists already", id.kind, id.name);
            let finding = wrong(new.origin, message)
                .label(resources[*first].origin, "here")
                .help("say `behavior: merge` or `behavior: replace` to change it");
            return Err(Box::new(finding));
        }
        (None, Behavior::Merge | Behavior::Replace) => {
            return Err(Box::new(wrong(new.origin, format!("there is no {} `{}` to change", id.kind, id.name))));
        }
        (Some(_), Behavior::Merge | Behavior::Replace) if at.len() > 1 => {
            return Err(Box::new(wrong(new.origin, format!("`{}` could change more than one {}", id.name, id.kind))));
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
    let own = std::mem::replace(&mut new.written, old.written.clone());
    new.written.extend(own);
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

/// Ten characters of the hash of an object, in an alphabet that makes no words. It covers the data of ConfigMaps and
/// Secrets, for which the name that Kustomize puts in is always empty.
pub(super) fn hash(object: &Value) -> String {
    let field = |name: &str| object.get(name).cloned();
    let kind = id_of(object).kind;
    let data = field("data").unwrap_or(json!(""));
    let hashed = match kind.as_str() {
        "Secret" => {
            let mut hashed =
                json!({"kind": kind, "name": "", "data": data, "type": field("type").unwrap_or(json!(""))});
            if let Some(texts @ Value::Object(_)) = field("stringData") {
                hashed["stringData"] = texts;
            }
            hashed
        }
        _ => {
            let mut hashed = json!({"kind": kind, "name": "", "data": data});
            if let Some(binary @ Value::Object(_)) = field("binaryData") {
                hashed["binaryData"] = binary;
            }
            hashed
        }
    };
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
    escaped(&value.to_string())
}

/// JSON with the characters escaped that Go escapes.
pub(super) fn escaped(json: &str) -> String {
    let mut result = String::new();
    for character in json.chars() {
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
    fn base64_has_padding() {
        for (text, expected) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("abcd", "YWJjZA==")] {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }

    #[test]
    fn quotes_around_a_literal_are_dropped() {
        for (value, expected) in [("\"a b\"", "a b"), ("'a'", "a"), ("'a", "'a"), ("\"", "\""), ("a", "a"), ("", "")] {
            assert_eq!(unquoted(value), expected);
        }
    }
}
