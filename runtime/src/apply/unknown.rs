//! Values that only the run gives: looked up, checked, put in place of their placeholders.
//!
//! **Invariant:** pure. A value is used only after its type was checked; it goes into strings only.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use waybill_compiler::model::shape::Shape;
use waybill_compiler::plan::{Effect, Plan, Unknown};

use crate::journal::fold::{Phase, State};
use crate::journal::record::ActionResult;

/// Whether `value` is one of `kind`. Unknown kinds are strings: the plan's own checks are stricter than these.
pub fn has_type(kind: &str, value: &str) -> bool {
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    match kind {
        "digest" => value.strip_prefix("sha256:").is_some_and(|rest| hex(rest, 64)),
        "commit" => hex(value, 40),
        "int" => value.parse::<i64>().is_ok(),
        "bool" => matches!(value, "true" | "false"),
        // Lists, maps, objects and enums have their own form.
        other if other.contains('<') => Shape::parse(other).is_some_and(|shape| shape.misfit(value).is_none()),
        _ => !value.contains('\0'),
    }
}

/// The value of an unknown, from the journalled outcome of what gives it.
pub fn value(plan: &Plan, state: &State, unknown: &Unknown) -> Result<String, String> {
    if let Some(value) = state.values.get(&unknown.placeholder) {
        return Ok(value.clone());
    }
    let found = sources(plan, unknown).find_map(|address| given(state, address, &unknown.expression));
    let found = found.ok_or_else(|| format!("{} gave no `{}`", unknown.from, unknown.expression))?;
    if has_type(&unknown.r#type, &found) {
        Ok(found)
    } else {
        Err(format!("`{}` of {} is not a {}: `{found}`", unknown.expression, unknown.from, unknown.r#type))
    }
}

/// Actions that can give the value: `from` itself, or the Pods of the pipeline that it names a part of.
fn sources<'a>(plan: &'a Plan, unknown: &'a Unknown) -> impl Iterator<Item = &'a str> {
    let pipeline = unknown.from.strip_prefix("pipeline.").map(|rest| rest.split('.').next().unwrap_or(rest));
    plan.actions.iter().filter_map(move |action| {
        let of_pipeline = match &action.effect {
            Effect::Pod(group) => pipeline == Some(group.pipeline.as_str()),
            Effect::Apply(_)
            | Effect::Delete(_)
            | Effect::Commit(_)
            | Effect::Traffic(_)
            | Effect::Gate(_)
            | Effect::UndoRollout(_)
            | Effect::UndoCommit(_) => false,
        };
        (of_pipeline || action.address == unknown.from).then_some(action.address.as_str())
    })
}

fn given(state: &State, address: &str, expression: &str) -> Option<String> {
    let progress = state.actions.get(address)?;
    let Phase::Ended(ActionResult::Done { values, .. }) = &progress.phase else { return None };
    values.get(expression).cloned()
}

/// `thing` with every placeholder replaced wherever it occurs in a string.
pub fn fill<T: Serialize + DeserializeOwned>(thing: &T, values: &BTreeMap<String, String>) -> Result<T, String> {
    let mut json = serde_json::to_value(thing).map_err(|error| error.to_string())?;
    replace(&mut json, values);
    serde_json::from_value(json).map_err(|error| error.to_string())
}

fn replace(json: &mut Value, values: &BTreeMap<String, String>) {
    match json {
        Value::String(text) => {
            for (placeholder, value) in values {
                if !placeholder.is_empty() && text.contains(placeholder.as_str()) {
                    *text = text.replace(placeholder.as_str(), value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, values)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, values)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn types_are_checked() {
        for (kind, good, bad) in [
            ("digest", format!("sha256:{}", "0a".repeat(32)), format!("sha256:{}", "0A".repeat(32))),
            ("commit", "0a".repeat(20), "0a".repeat(19)),
            ("int", "-5".into(), "5\n".into()),
            ("bool", "true".into(), "yes".into()),
            ("string", "any\nthing".into(), "nul\0".into()),
            ("enum<low|high>", "low".into(), "lower".into()),
            ("list<int>", "[1,2]".into(), "[1,\"2\"]".into()),
            ("object<os:string>", "{\"os\":\"linux\"}".into(), "{}".into()),
        ] {
            assert!(has_type(kind, &good), "{kind} {good}");
            assert!(!has_type(kind, &bad), "{kind} {bad}");
        }
    }

    #[test]
    fn placeholders_are_replaced_inside_strings_at_any_depth() {
        let values = BTreeMap::from([("<<d>>".to_owned(), "sha256:1".to_owned())]);
        let filled: Value = fill(&json!({"a": ["x@<<d>>", 5, null], "b": {"c": "<<d>>"}}), &values).unwrap();
        assert_eq!(filled, json!({"a": ["x@sha256:1", 5, null], "b": {"c": "sha256:1"}}));
    }
}
