//! The generated documents under `schemas/` are those that the compiler writes now. `WAYBILL_UPDATE=1` writes them anew.

use std::path::Path;

use regex::Regex;
use serde_json::Value;
use waybill_compiler::diag::Diags;
use waybill_compiler::source::FileId;
use waybill_compiler::spec::reference;
use waybill_compiler::syntax::yaml::{self, Schema};

use crate::reference as examples;

fn assert_fresh(name: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schemas").join(name);
    if std::env::var_os("WAYBILL_UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, now).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == now, "schemas/{name} is stale: run the tests with WAYBILL_UPDATE=1");
}

#[test]
fn the_schema_of_specs_is_fresh() {
    let schema = serde_json::to_string_pretty(&reference::json_schema()).unwrap();
    assert_fresh("spec.schema.json", &format!("{schema}\n"));
}

/// Doc comments of the types are the descriptions.
fn assert_schema_is_fresh<T: schemars::JsonSchema>(name: &str, title: &str) {
    let mut schema = schemars::schema_for!(T);
    schema.insert("title".to_owned(), title.into());
    assert_fresh(name, &format!("{}\n", serde_json::to_string_pretty(&schema).unwrap()));
}

#[test]
fn the_schema_of_plans_is_fresh() {
    assert_schema_is_fresh::<waybill_compiler::plan::Plan>("plan.schema.json", "Waybill plan");
}

#[test]
fn the_schema_of_findings_is_fresh() {
    let title = "Waybill findings: `--format json`";
    assert_schema_is_fresh::<waybill_compiler::diag::render::json::Report>("diagnostics.schema.json", title);
}

#[test]
fn the_language_reference_is_fresh() {
    assert_fresh("reference.md", &reference::reference_markdown(&examples::examples(), &examples::unsupported()));
}

#[test]
fn the_page_of_codes_is_fresh() {
    assert_fresh("diagnostics.md", &waybill_compiler::diag::reference::markdown());
}

/// What of a value does not fit a schema, in the keywords that ours uses.
fn misfits(schema: &Value, value: &Value, place: &str) -> Vec<String> {
    let wrong = |what: &str| vec![format!("{place}: {what}")];
    if let Some(forms) = schema.get("anyOf").and_then(Value::as_array) {
        let all: Vec<Vec<String>> = forms.iter().map(|form| misfits(form, value, place)).collect();
        return if all.iter().any(Vec::is_empty) { Vec::new() } else { all.concat() };
    }
    if let Some(names) = schema.get("enum").and_then(Value::as_array) {
        return if names.contains(value) { Vec::new() } else { wrong("none of the names") };
    }
    let is = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        other => panic!("the schema has the type {other}"),
    };
    let fits = match &schema["type"] {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().any(|name| is(name.as_str().unwrap())),
        other => panic!("the schema has the type {other}"),
    };
    if !fits {
        return wrong(&format!("not of type {}", schema["type"]));
    }
    let mut found = Vec::new();
    if let (Some(pattern), Some(text)) = (schema.get("pattern").and_then(Value::as_str), value.as_str()) {
        // The `regex` crate looks at nothing ahead; an empty text is refused here instead.
        let plain = Regex::new(&pattern.replace("(?=.)", "")).unwrap();
        if !plain.is_match(text) || text.is_empty() {
            found.push(format!("{place}: `{text}` is not {pattern}"));
        }
    }
    let number = value.as_i64();
    if schema.get("minimum").and_then(Value::as_i64).is_some_and(|least| number.is_some_and(|number| number < least)) {
        found.push(format!("{place}: too small"));
    }
    for item in value.as_array().into_iter().flatten() {
        found.extend(misfits(&schema["items"], item, &format!("{place}[]")));
    }
    for (key, inner) in value.as_object().into_iter().flatten() {
        let place = format!("{place}.{key}");
        match (schema["properties"].get(key), &schema["additionalProperties"]) {
            (Some(known), _) => found.extend(misfits(known, inner, &place)),
            (None, Value::Bool(false)) => found.push(format!("{place}: unknown")),
            (None, others) => found.extend(misfits(others, inner, &place)),
        }
    }
    let required = schema.get("required").and_then(Value::as_array);
    let missing = required.into_iter().flatten().filter(|key| value.get(key.as_str().unwrap()).is_none());
    found.extend(missing.map(|key| format!("{place}: {key} is missing")));
    found
}

fn judged(text: &str) -> Vec<String> {
    let spec = text.split("\n--- ").next().unwrap();
    let mut diags = Diags::default();
    let documents = yaml::parse(FileId(0), spec, Schema::Core, &mut diags);
    assert!(diags.is_empty(), "{diags:?}");
    documents.iter().flat_map(|document| misfits(&reference::json_schema(), &document.to_json(), "")).collect()
}

#[test]
fn the_schema_takes_what_the_compiler_takes_and_refuses_what_it_refuses() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut right = vec![
        include_str!("../suite/ok/whole.yaml").to_owned(),
        include_str!("../suite/ok/small.yaml").to_owned(),
        include_str!("../suite/ok/odd_writing.yaml").to_owned(),
    ];
    for example in std::fs::read_dir(root.join("../examples")).unwrap() {
        right.extend(std::fs::read_to_string(example.unwrap().path().join("waybill.yaml")));
    }
    for text in &right {
        assert_eq!(judged(text), Vec::<String>::new(), "{text}");
    }
    for text in [
        include_str!("../suite/spec/unknown_names.yaml"),
        include_str!("../suite/spec/types.yaml"),
        include_str!("../suite/spec/missing.yaml"),
        include_str!("../suite/spec/shape.yaml"),
    ] {
        assert!(!judged(text).is_empty(), "{text}");
    }
}
