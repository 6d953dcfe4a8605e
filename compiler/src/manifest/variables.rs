//! `vars`: `$(NAME)` in the fields where Kustomize looks for it, replaced by a value of an object.
//!
//! **Invariant:** the syntax is that of Kustomize (`$$` is a dollar, an unknown name stays), and so is the type: a field
//! that is nothing but `$(NAME)` takes the value as it is.

use std::collections::BTreeMap;

use serde_json::Value;

use super::fields::{FieldSpec, Make, visit};
use super::kustomization::Variable;
use super::load::{Files, title};
use super::resource::{Resource, effective_namespace, group_version};
use crate::diag::{Diagnostic, codes};
use crate::source::Span;

const NAME: &str = "metadata.name";

/// Notes at the objects which variables take their value from them.
pub(super) fn note(files: &mut Files<'_>, resources: &mut [Resource], known: &mut Vec<Variable>, new: &[Variable]) {
    for variable in new {
        if let Some(first) = known.iter().find(|other| other.name.value == variable.name.value) {
            let message = format!("variable `{}` is defined twice", variable.name.value);
            files.diags.push(wrong(variable.name.span, message).label(first.name.span, "first defined here"));
            continue;
        }
        let found: Vec<usize> = (0..resources.len()).filter(|at| is_meant(&resources[*at], variable)).collect();
        match found[..] {
            [at] => resources[at].variables.push(variable.name.value.clone()),
            // It may be there in an overlay: who asks for the value says so.
            [] => {}
            [first, second, ..] => {
                let message = format!("variable `{}` could mean more than one object", variable.name.value);
                let finding = wrong(variable.name.span, message).label(resources[first].origin, "this one");
                files.diags.push(finding.label(resources[second].origin, "or this one"));
            }
        }
        known.push(variable.clone());
    }
}

fn wrong(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(&codes::VARIABLE, span, message)
}

fn is_meant(resource: &Resource, variable: &Variable) -> bool {
    let wanted = &variable.object;
    resource.ids().any(|id| {
        id.name == wanted.name
            && id.kind == wanted.kind
            && group_version(&id.api_version) == (wanted.group.as_str(), wanted.version.as_str())
            && (wanted.namespace.is_empty()
                || id.namespace == effective_namespace(&id.api_version, &id.kind, &wanted.namespace))
    })
}

/// A value, and where it was written.
type Values = BTreeMap<String, (Value, Span)>;

/// Replaces the variables in the fields that may have them.
pub(super) fn resolve(files: &mut Files<'_>, resources: &mut [Resource], known: &[Variable], fields: &[FieldSpec]) {
    let mut values = Values::new();
    for variable in known {
        match value(resources, variable) {
            Ok(found) => drop(values.insert(variable.name.value.clone(), found)),
            Err(finding) => files.diags.push(*finding),
        }
    }
    if values.is_empty() {
        return;
    }
    for resource in resources {
        let selected: Vec<&FieldSpec> = fields.iter().filter(|spec| spec.selects(resource.gvk())).collect();
        for spec in selected {
            let mut places = Vec::new();
            let set = &mut |value: &mut Value| replace(value, &values, &mut places);
            match visit(&mut resource.value, spec, Make::Nothing, set) {
                Ok(changed) => {
                    for (path, place) in changed.into_iter().zip(places.into_iter().cycle()) {
                        resource.wrote([path], place);
                    }
                }
                Err(reason) => {
                    let message = format!("a variable does not fit {}: {reason}", title(&resource.value));
                    files.diags.push(wrong(resource.origin, message));
                }
            }
        }
    }
}

fn value(resources: &[Resource], variable: &Variable) -> Result<(Value, Span), Box<Diagnostic>> {
    let name = &variable.name;
    let Some(resource) = resources.iter().find(|resource| resource.variables.contains(&name.value)) else {
        let message = format!("variable `{}` names an object that is not there", name.value);
        let wanted = &variable.object;
        let version = if wanted.group.is_empty() { String::new() } else { format!("{}/", wanted.group) };
        let finding = wrong(name.span, message)
            .here(format!("no {} `{}` of `{version}{}`", wanted.kind, wanted.name, wanted.version));
        return Err(Box::new(finding.help("`objref` has the `apiVersion`, `kind` and first `name` of an object")));
    };
    let (path, span) = variable.path.as_ref().map_or((NAME, name.span), |path| (&path.value, path.span));
    let parts = super::field_path::split_with_index(path);
    let pointer = super::field_path::lookup(&resource.value, &parts).ok().flatten();
    let found = pointer.as_ref().and_then(|pointer| Some((pointer, resource.value.pointer(pointer)?)));
    match found {
        Some((pointer, value)) if value.is_string() || value.is_number() || value.is_boolean() => {
            Ok((value.clone(), resource.place(pointer)))
        }
        Some(_) | None => {
            let message = format!("{} has no plain value at `{path}`", title(&resource.value));
            Err(Box::new(wrong(span, message).label(resource.origin, "the object of the variable")))
        }
    }
}

fn replace(value: &mut Value, values: &Values, places: &mut Vec<Span>) -> Result<(), String> {
    match value {
        Value::String(text) => {
            if let Some(new) = expanded(text, values, places) {
                *value = new;
            }
        }
        Value::Object(map) => {
            for item in map.values_mut().filter(|item| item.is_string()) {
                replace(item, values, places)?;
            }
        }
        Value::Array(items) => {
            for item in items {
                if !item.is_string() {
                    return Err("a list with variables may have texts only".to_owned());
                }
                replace(item, values, places)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// The text with its variables replaced; `None` if it stays as it is.
fn expanded(text: &str, values: &Values, places: &mut Vec<Span>) -> Option<Value> {
    let (mut result, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$').filter(|at| at + 1 < rest.len()) {
        result.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let name = after.strip_prefix('(').and_then(|inner| inner.split_once(')'));
        match name {
            Some((name, tail)) => {
                match values.get(name) {
                    Some((value, place)) => {
                        places.push(*place);
                        if text.len() == name.len() + 3 {
                            return Some(value.clone());
                        }
                        result.push_str(&super::field_path::plain(value).unwrap_or_default());
                    }
                    None => result.push_str(&rest[at..rest.len() - tail.len()]),
                }
                rest = tail;
            }
            // `$$` is a dollar that begins nothing; any other dollar stays.
            None => {
                let next = after.chars().next().unwrap_or_default();
                result.push('$');
                if next != '$' {
                    result.push(next);
                }
                rest = &after[next.len_utf8()..];
            }
        }
    }
    result.push_str(rest);
    (result != text).then(|| Value::from(result))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;
    use serde_json::json;

    #[test]
    fn variables_are_replaced_in_texts() {
        let place = Span::start_of(FileId(0));
        let values = Values::from([("A".to_owned(), (json!("x"), place)), ("N".to_owned(), (json!(8), place))]);
        for (text, expected) in [
            ("$(A)", Some(json!("x"))),
            ("$(N)", Some(json!(8))),
            ("a-$(A)-$(N)", Some(json!("a-x-8"))),
            ("$(B)", None),
            ("$$(A)", Some(json!("$(A)"))),
            ("$(A", None),
            ("5$", None),
        ] {
            assert_eq!(expanded(text, &values, &mut Vec::new()), expected, "{text}");
        }
    }
}
