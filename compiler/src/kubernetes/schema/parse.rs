//! JSON of OpenAPI, built-in or of a definition, to a schema.
//!
//! **Invariant:** total: what is not understood asks for nothing.

use std::sync::OnceLock;

use serde_json::Value;

use super::{Limits, ListType, Pattern, Rule, Schema, Type};

/// The schema that a JSON value describes.
pub fn schema(value: &Value) -> Schema {
    let list = |key: &str| value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
    let schemas = |key: &str| list(key).iter().map(schema).collect::<Vec<_>>();
    let texts = |key: &str| list(key).iter().filter_map(Value::as_str).map(str::to_owned).collect::<Vec<_>>();
    let boxed = |key: &str| value.get(key).filter(|inner| inner.is_object()).map(|inner| Box::new(schema(inner)));
    let properties = value.get("properties").and_then(Value::as_object);
    let format = value.get("format").and_then(Value::as_str).unwrap_or("");
    let additional = match value.get("additionalProperties") {
        Some(Value::Bool(true)) => Some(Box::new(Schema { preserves: true, nullable: true, ..Schema::default() })),
        _ => boxed("additionalProperties"),
    };
    Schema {
        ty: ty(value, format),
        reference: value.get("$ref").and_then(Value::as_str).map(str::to_owned),
        properties: properties
            .map(|map| map.iter().map(|(name, inner)| (name.clone(), schema(inner))).collect())
            .unwrap_or_default(),
        additional,
        items: boxed("items"),
        required: texts("required"),
        nullable: flag("nullable"),
        preserves: flag("x-kubernetes-preserve-unknown-fields"),
        embedded: flag("x-kubernetes-embedded-resource"),
        default: value.get("default").cloned(),
        allowed: list("enum").to_vec(),
        format: format.to_owned(),
        limits: limits(value),
        list: match value.get("x-kubernetes-list-type").and_then(Value::as_str) {
            Some("set") => ListType::Set,
            Some("map") => ListType::Map(texts("x-kubernetes-list-map-keys")),
            Some(_) | None => ListType::Atomic,
        },
        all_of: schemas("allOf"),
        any_of: schemas("anyOf"),
        one_of: schemas("oneOf"),
        not: boxed("not"),
        rules: list("x-kubernetes-validations").iter().filter_map(rule).collect(),
    }
}

fn rule(value: &Value) -> Option<Rule> {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    Some(Rule {
        rule: text("rule")?,
        message: text("message").unwrap_or_default(),
        field_path: text("fieldPath").unwrap_or_default(),
        compiled: OnceLock::new(),
    })
}

fn ty(value: &Value, format: &str) -> Type {
    if value.get("x-kubernetes-int-or-string") == Some(&Value::Bool(true)) {
        return Type::IntOrText;
    }
    match value.get("type").and_then(Value::as_str) {
        Some("object") => Type::Object,
        Some("array") => Type::Array,
        Some("string") => Type::Text,
        Some("integer") => Type::Integer,
        Some("number") => Type::Number,
        Some("boolean") => Type::Boolean,
        Some(_) | None if format == "quantity" => Type::Quantity,
        Some(_) | None => Type::Any,
    }
}

fn limits(value: &Value) -> Limits {
    let number = |key: &str| value.get(key).and_then(Value::as_f64);
    let count = |key: &str| value.get(key).and_then(Value::as_u64);
    let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
    Limits {
        minimum: number("minimum"),
        maximum: number("maximum"),
        above: flag("exclusiveMinimum"),
        below: flag("exclusiveMaximum"),
        multiple_of: number("multipleOf").filter(|number| *number != 0.0),
        length: (count("minLength"), count("maxLength")),
        items: (count("minItems"), count("maxItems")),
        properties: (count("minProperties"), count("maxProperties")),
        unique: flag("uniqueItems"),
        pattern: value.get("pattern").and_then(Value::as_str).map(Pattern::new),
    }
}
