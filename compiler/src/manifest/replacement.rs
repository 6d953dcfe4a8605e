//! `replacements`: a value of one object, or a given one, written into fields of others.
//!
//! **Invariant:** what is selected, cut, joined and made is Kustomize's (`filters/replacement`); every field that is
//! written leads to the place that the value came from.
//! Not here: field paths (`field_path`).

use serde_json::Value;

use super::field_path::{Leaf, lookup, matching, plain, split};
use super::kustomization::{Part, Place, Reader, Replacement, ReplacementField, Source, SourceField, Target};
use super::load::{Files, Reading, title};
use super::patch::Aim;
use super::provenance::path_of;
use super::resource::{Gvk, Resource, group_version};
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::{FileId, Span};
use crate::syntax::Text;
use crate::syntax::yaml::{self, Schema};

/// The field that is meant where none is named.
const NAME: &str = "metadata.name";

/// Reads the replacements that are in files.
pub(super) fn load(files: &mut Files<'_>, folder: &str, fields: &[ReplacementField]) -> Vec<Replacement> {
    let mut replacements = Vec::new();
    for field in fields {
        match field {
            ReplacementField::Here(replacement) => replacements.push(replacement.clone()),
            ReplacementField::File(asked) => {
                let Some((path, id)) = files.file(folder, asked) else { continue };
                for document in files.documents(&path, id, Reading::Kubectl).iter() {
                    replacements.extend(Reader { diags: &mut files.diags }.replacement_file(document));
                }
            }
        }
    }
    replacements
}

/// Carries replacements out, in order; each sees what those before it wrote.
pub(super) fn apply(files: &mut Files<'_>, resources: &mut [Resource], replacements: &[Replacement]) {
    for replacement in replacements {
        let written = value_of(resources, replacement).and_then(|(value, place)| {
            replacement.targets.iter().try_for_each(|target| write(resources, target, &value, place))
        });
        if let Err(finding) = written {
            files.diags.push(*finding);
        }
    }
}

type Fallible<T> = Result<T, Box<Diagnostic>>;

fn wrong(span: Span, message: String) -> Box<Diagnostic> {
    Box::new(Diagnostic::new(&codes::REPLACEMENT, span, message))
}

fn value_of(resources: &[Resource], replacement: &Replacement) -> Fallible<(Value, Span)> {
    match &replacement.source {
        Source::Value(text) => Ok((Value::from(text.value.as_str()), text.span)),
        Source::Field(field) => source(resources, field),
    }
}

fn source(resources: &[Resource], field: &SourceField) -> Fallible<(Value, Span)> {
    let found: Vec<&Resource> = resources.iter().filter(|resource| is_selected(resource, &field.object)).collect();
    let resource = match found[..] {
        [resource] => resource,
        [] => {
            let message = "the source of this replacement selects no object".to_owned();
            return Err(wrong(field.span, message));
        }
        [first, second, ..] => {
            let finding = wrong(field.span, "the source of this replacement selects more than one object".to_owned());
            return Err(Box::new(finding.label(first.origin, "this one").label(second.origin, "and this one")));
        }
    };
    let (path, span) = field.path.as_ref().map_or((NAME, field.span), |path| (&path.value, path.span));
    let missing =
        |reason: String| Box::new(wrong(span, reason).label(resource.origin, "the object that is the source"));
    let pointer = lookup(&resource.value, &split(path)).map_err(&missing)?;
    let value = pointer.as_ref().and_then(|pointer| resource.value.pointer(pointer)).filter(|value| !is_empty(value));
    let (Some(pointer), Some(value)) = (&pointer, value) else {
        return Err(missing(format!("{} has no value at `{path}`", title(&resource.value))));
    };
    let place = resource.place(pointer);
    Ok((refined(value, &field.options).map_err(missing)?, place))
}

fn is_empty(value: &Value) -> bool {
    value.is_null()
        || value.as_object().is_some_and(|map| map.is_empty())
        || value.as_array().is_some_and(Vec::is_empty)
}

/// Whether one of the identities of an object is that of a source; an empty part fits all.
fn is_selected(resource: &Resource, wanted: &Target) -> bool {
    let fits = |wanted: &Option<Text>, text: &str| wanted.as_ref().is_none_or(|wanted| wanted.value == text);
    let namespace = |text: &str| if text.is_empty() { "default".to_owned() } else { text.to_owned() };
    identities(resource).any(|id| {
        let (group, version) = group_version(&id.api_version);
        fits(&wanted.group, group)
            && fits(&wanted.version, version)
            && fits(&wanted.kind, &id.kind)
            && fits(&wanted.name, &id.name)
            && wanted.namespace.as_ref().is_none_or(|wanted| wanted.value == namespace(&id.namespace))
    })
}

/// An identity as replacements see it: the current namespace is as written, earlier ones are effective.
struct Identity {
    api_version: String,
    kind: String,
    namespace: String,
    name: String,
}

fn identities(resource: &Resource) -> impl Iterator<Item = Identity> {
    let identity = |kind: &str, namespace: &str, name: &str| Identity {
        api_version: resource.api_version().to_owned(),
        kind: kind.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    let now = identity(resource.kind(), resource.namespace(), resource.name());
    let earlier = resource.previous.iter().map(move |old| identity(&old.kind, &old.namespace, &old.name));
    std::iter::once(now).chain(earlier)
}

/// The part of a value that the options name.
fn refined(value: &Value, options: &Part) -> Result<Value, String> {
    let Some(delimiter) = &options.delimiter else { return Ok(value.clone()) };
    let text = plain(value).ok_or("`delimiter` needs a plain value, and the source is none")?;
    let parts: Vec<&str> = text.split(delimiter.as_str()).collect();
    let part = usize::try_from(options.index).ok().and_then(|index| parts.get(index));
    let part = part.ok_or_else(|| format!("`{text}` has no part {} between `{delimiter}`", options.index))?;
    if value.is_string() { Ok(Value::from(*part)) } else { Ok(resolved(part)) }
}

fn write(resources: &mut [Resource], target: &Place, value: &Value, place: Span) -> Fallible<()> {
    let aim = |target: &Target| Aim::new(target).map_err(|(span, reason)| wrong(span, reason));
    let select = aim(&target.select)?;
    let reject = target.reject.iter().map(aim).collect::<Fallible<Vec<Aim>>>()?;
    for resource in resources.iter_mut().filter(|resource| is_target(resource, target, (&select, &reject))) {
        let (name, of) = (Text::plain(NAME, target.span), &target.paths);
        for path in if of.is_empty() { std::slice::from_ref(&name) } else { of.as_slice() } {
            let pointers = set(&mut resource.value, path, value, &target.options).map_err(|reason| {
                let message = format!("this does not fit {}: {reason}", title(&resource.value));
                Box::new(wrong(path.span, message).label(resource.origin, "the object"))
            })?;
            for pointer in pointers {
                let path = path_of(&resource.value, &pointer);
                resource.wrote([path], place);
            }
        }
    }
    Ok(())
}

fn is_target(resource: &Resource, target: &Place, (select, reject): (&Aim, &[Aim])) -> bool {
    let names = |aim: &Aim| {
        identities(resource).any(|id| {
            let (group, version) = group_version(&id.api_version);
            aim.names(Gvk { group, version, kind: &id.kind }, &id.namespace, &id.name)
        })
    };
    let says_labels = |target: &Target| target.labels.is_some() || target.annotations.is_some();
    let says_names = |target: &Target| {
        [&target.group, &target.version, &target.kind, &target.name, &target.namespace]
            .iter()
            .any(|part| part.is_some())
    };
    let mut rejects = target.reject.iter().zip(reject);
    let rejected = rejects.any(|(target, aim)| {
        (says_labels(target) && aim.labels_fit(&resource.value)) || (says_names(target) && names(aim))
    });
    !rejected && select.labels_fit(&resource.value) && names(select)
}

/// Writes a value to all fields of a path, and gives them as pointers.
fn set(object: &mut Value, path: &Text, value: &Value, options: &Part) -> Result<Vec<String>, String> {
    let parts = split(&path.value);
    if let Some(pointer) = within_text(object, &parts, value, options.create)? {
        return Ok(vec![pointer]);
    }
    let create = options.create.then(|| Leaf::of(value));
    let found = matching(object, &parts, create)?;
    if found.is_empty() {
        let made = if options.create { " and none can be made" } else { "; `options: {create: true}` makes it" };
        return Err(format!("it has no field `{}`{made}", path.value));
    }
    for matched in &found {
        let Some(field) = object.pointer_mut(&matched.pointer) else { continue };
        *field = written(field, value, options, matched.made)?;
    }
    Ok(found.into_iter().map(|matched| matched.pointer).collect())
}

/// What a field becomes. A plain field keeps its type: a number written into a text is a text.
fn written(field: &Value, value: &Value, options: &Part, made: bool) -> Result<Value, String> {
    let new = match &options.delimiter {
        None => None,
        Some(delimiter) => {
            let old = if made { Some(String::new()) } else { plain(field) };
            let old = old.ok_or("`delimiter` needs a plain value, and the field is none")?;
            let text = plain(value).ok_or("`delimiter` needs a plain value, and the source is none")?;
            Some(joined(&old, &text, delimiter, options.index))
        }
    };
    if plain(field).is_none() {
        return Ok(new.map_or_else(|| value.clone(), Value::from));
    }
    let Some(text) = new.or_else(|| plain(value)) else {
        return Err("a list or a mapping cannot be written into a plain field".to_owned());
    };
    if made || field.is_null() {
        return Ok(resolved(&text));
    }
    if field.is_string() {
        return Ok(Value::from(text));
    }
    let new = resolved(&text);
    let alike = (field.is_number() && new.is_number()) || (field.is_boolean() && new.is_boolean());
    if alike { Ok(new) } else { Err(format!("`{text}` cannot take the place of `{field}`, which is no text")) }
}

fn joined(old: &str, new: &str, delimiter: &str, index: i64) -> String {
    let mut parts: Vec<&str> = old.split(delimiter).collect();
    match usize::try_from(index) {
        Err(_) => parts.insert(0, new),
        Ok(index) if index >= parts.len() => parts.push(new),
        Ok(index) => parts[index] = new,
    }
    parts.join(delimiter)
}

/// What YAML makes of a plain text.
pub(super) fn resolved(text: &str) -> Value {
    let mut diags = Diags::default();
    let nodes = yaml::parse(FileId(0), text, Schema::Kustomize, &mut diags);
    let value = nodes.first().map(yaml::Node::to_json).filter(|_| nodes.len() == 1 && !diags.has_errors());
    value.filter(|value| value.is_number() || value.is_boolean()).unwrap_or_else(|| Value::from(text))
}

/// A path may lead into a text that is JSON: the value is written there, and the text is made again.
fn within_text(object: &mut Value, path: &[String], value: &Value, create: bool) -> Result<Option<String>, String> {
    for length in 1..path.len() {
        let Ok(Some(pointer)) = lookup(object, &path[..length]) else { continue };
        let Some(Value::String(text)) = object.pointer(&pointer) else { continue };
        let text = text.clone();
        let Ok(mut inner) = serde_json::from_str::<Value>(&text) else {
            if text.contains(':') && text.contains('\n') {
                return Err(format!("`{}` is YAML in a text, and only JSON is edited there", path[..length].join(".")));
            }
            return Ok(None);
        };
        let create = create.then(|| Leaf::of(value));
        let Ok(found) = matching(&mut inner, &path[length..], create) else { return Ok(None) };
        if found.is_empty() {
            return Ok(None);
        }
        for matched in found {
            let Some(field) = inner.pointer_mut(&matched.pointer) else { continue };
            *field = written(field, value, &Part::default(), matched.made)?;
        }
        let pretty = text.contains('\n') && text.contains("  ");
        let json = if pretty { serde_json::to_string_pretty(&inner) } else { serde_json::to_string(&inner) };
        let json = json.map_err(|error| error.to_string())?;
        if let Some(field) = object.pointer_mut(&pointer) {
            *field = Value::from(super::generator::escaped(&json));
        }
        return Ok(Some(pointer));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn plain_fields_keep_their_type() {
        let part = Part::default();
        assert_eq!(written(&json!("a"), &json!(80), &part, false), Ok(json!("80")));
        assert_eq!(written(&json!(1), &json!("80"), &part, false), Ok(json!(80)));
        assert_eq!(written(&Value::Null, &json!("80"), &part, true), Ok(json!(80)));
        assert!(written(&json!(1), &json!("a"), &part, false).is_err());
        assert_eq!(written(&json!({}), &json!([1]), &part, false), Ok(json!([1])));
    }

    #[test]
    fn parts_are_joined_by_position() {
        for (index, expected) in [(-1, "x:a:b"), (0, "x:b"), (1, "a:x"), (9, "a:b:x")] {
            assert_eq!(joined("a:b", "x", ":", index), expected);
        }
    }
}
