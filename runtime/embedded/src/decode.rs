//! Reading an object into its kind and writing it back: unknown fields fall away, empty ones are written as the API
//! writes them, quantities and times take their canonical form.
//!
//! **Invariant:** `decode` is idempotent. Not here: defaults and validation.

use serde_json::{Map, Value};

use crate::schema::{Empty, Scalar, Struct, Type};
use crate::{clock, quantity};

#[derive(Debug)]
pub struct Decoded {
    pub value: Value,
    /// What strict decoding objects to, such as `unknown field "spec.foo"`.
    pub strict: Vec<String>,
}

/// Why a value cannot be read.
#[derive(Debug)]
pub struct Problem {
    /// The text of the JSON decoder of the API, such as
    /// `json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32`.
    pub message: String,
    /// Where, such as `spec.crew[0].name`.
    pub field: String,
    /// The JSON types that were found and expected, as schemas name them.
    pub found: String,
    pub expected: &'static str,
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

/// Reads an object.
pub fn decode(ty: &Type, value: &Value) -> Result<Decoded, Problem> {
    let mut decoder =
        Decoder { strict: Vec::new(), path: Vec::new(), owner: String::new(), mismatch: (String::new(), "object") };
    match decoder.read(ty, value) {
        Ok(value) => Ok(Decoded { value, strict: decoder.strict }),
        // The path still leads to where reading stopped.
        Err(message) => Err(Problem {
            message,
            field: decoder.shown(true),
            found: decoder.mismatch.0,
            expected: decoder.mismatch.1,
        }),
    }
}

/// The object that has nothing but what is always written.
pub fn empty(ty: &Type) -> Value {
    decode(ty, &Value::Object(Map::new())).map_or(Value::Null, |decoded| decoded.value)
}

struct Decoder {
    strict: Vec<String>,
    /// Field names, with `[0]` steps for list items and the keys of maps.
    path: Vec<String>,
    /// The Go type of the struct that is being read.
    owner: String,
    mismatch: (String, &'static str),
}

impl Decoder {
    fn read(&mut self, ty: &Type, value: &Value) -> Result<Value, String> {
        match (ty, value) {
            (Type::Any, _) => Ok(value.clone()),
            (Type::Scalar(scalar), _) => self.scalar(*scalar, value),
            (Type::Struct { shape, .. }, Value::Object(map)) => self.structure(shape, map),
            (Type::Struct { shape, .. }, Value::Null) => self.structure(shape, &Map::new()),
            (Type::Struct { shape, .. }, _) => Err(self.wrong(value, &go_struct(shape))),
            (Type::Map { element, .. }, Value::Object(map)) => {
                let mut out = Map::new();
                for (key, inner) in map {
                    self.path.push(format!("[{key}]"));
                    out.insert(key.clone(), self.read(element, inner)?);
                    self.path.pop();
                }
                Ok(Value::Object(out))
            }
            (Type::Map { .. } | Type::List { .. }, Value::Null) => Ok(Value::Null),
            (Type::Map { element, .. }, _) => Err(self.wrong(value, &format!("map[string]{}", go_type(element)))),
            (Type::List { element, .. }, Value::Array(items)) => {
                let mut out = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    self.path.push(format!("[{index}]"));
                    out.push(self.read(element, item)?);
                    self.path.pop();
                }
                Ok(Value::Array(out))
            }
            (Type::List { element, .. }, _) => Err(self.wrong(value, &format!("[]{}", go_type(element)))),
        }
    }

    fn structure(&mut self, shape: &Struct, map: &Map<String, Value>) -> Result<Value, String> {
        let owner = std::mem::replace(&mut self.owner, shape.short_name().to_owned());
        let mut out = Map::new();
        for (name, field) in &shape.fields {
            self.path.push(name.clone());
            let read = match map.get(name) {
                None | Some(Value::Null) => None,
                Some(value) => Some(self.read(&field.ty, value)?),
            };
            let written = match field.empty {
                Empty::Pointer => read,
                Empty::Omitted => read.filter(|value| !is_empty(value)),
                Empty::Null => Some(read.unwrap_or(Value::Null)),
                Empty::Zero => Some(match read {
                    Some(value) => value,
                    None => self.zero(&field.ty)?,
                }),
            };
            out.extend(written.map(|value| (name.clone(), value)));
            self.path.pop();
        }
        for (name, value) in map {
            if shape.fields.contains_key(name) {
                continue;
            }
            if shape.open {
                out.insert(name.clone(), value.clone());
            } else {
                self.path.push(name.clone());
                self.strict.push(format!("unknown field {:?}", self.shown(true)));
                self.path.pop();
            }
        }
        self.owner = owner;
        Ok(Value::Object(out))
    }

    fn zero(&mut self, ty: &Type) -> Result<Value, String> {
        match ty {
            Type::Scalar(scalar) => Ok(scalar.zero()),
            Type::Struct { shape, .. } => self.structure(shape, &Map::new()),
            Type::Map { .. } | Type::List { .. } | Type::Any => Ok(Value::Null),
        }
    }

    fn scalar(&mut self, scalar: Scalar, value: &Value) -> Result<Value, String> {
        match (scalar, value) {
            (_, Value::Null) => Ok(scalar.zero()),
            (Scalar::String, Value::String(_)) | (Scalar::Bool, Value::Bool(_)) | (Scalar::Float, Value::Number(_)) => {
                Ok(value.clone())
            }
            (Scalar::Int32, Value::Number(number)) => match number.as_i64().and_then(|n| i32::try_from(n).ok()) {
                Some(_) => Ok(value.clone()),
                None => Err(self.wrong_number(value, "int32")),
            },
            (Scalar::Int64, Value::Number(number)) => match number.as_i64() {
                Some(_) => Ok(value.clone()),
                None => Err(self.wrong_number(value, "int64")),
            },
            (Scalar::Bytes, Value::String(text)) => base64(text).map(|()| value.clone()),
            (Scalar::Time, Value::String(text)) => match clock::parse(text) {
                Some(time) => Ok(Value::String(clock::seconds(time))),
                None => Err(format!(
                    "parsing time {text:?} as \"2006-01-02T15:04:05Z07:00\": cannot parse {text:?} as \"2006\""
                )),
            },
            (Scalar::MicroTime, Value::String(text)) => match clock::parse(text) {
                Some(time) => Ok(Value::String(clock::micros(time))),
                None => Err(format!(
                    "parsing time {text:?} as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse {text:?} as \"2006\""
                )),
            },
            (Scalar::Quantity, Value::String(_) | Value::Number(_)) => self.quantity(value),
            (Scalar::IntOrString, Value::String(_)) => Ok(value.clone()),
            (Scalar::IntOrString, Value::Number(number)) => match number.as_i64().and_then(|n| i32::try_from(n).ok()) {
                Some(_) => Ok(value.clone()),
                None => Err(format!("json: cannot unmarshal number {number} into Go value of type int32")),
            },
            (Scalar::IntOrString, _) => {
                Err(format!("json: cannot unmarshal {} into Go value of type int32", kind(value)))
            }
            (_, _) => Err(self.wrong(value, scalar.go_name())),
        }
    }

    fn quantity(&mut self, value: &Value) -> Result<Value, String> {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        quantity::canonical(&text).map(Value::String).ok_or_else(|| {
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'".to_owned()
        })
    }

    fn wrong(&mut self, value: &Value, expected: &str) -> String {
        self.located(kind(value), expected)
    }

    fn wrong_number(&mut self, value: &Value, expected: &str) -> String {
        self.located(&format!("number {value}"), expected)
    }

    fn located(&mut self, found: &str, expected: &str) -> String {
        self.mismatch = (json_type(found).to_owned(), json_type(expected));
        let place = match self.path.is_empty() {
            true => "Go value".to_owned(),
            false => format!("Go struct field {}.{}", self.owner, self.shown(false)),
        };
        format!("json: cannot unmarshal {found} into {place} of type {expected}")
    }

    /// `spec.containers[0].image`, or without the steps into lists and maps.
    fn shown(&self, items: bool) -> String {
        let mut out = String::new();
        for part in &self.path {
            if part.starts_with('[') {
                if items {
                    out.push_str(part);
                }
            } else {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(part);
            }
        }
        out
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The name that a schema has for a type of Go or of the decoder.
fn json_type(name: &str) -> &'static str {
    match name {
        "string" => "string",
        "int32" | "int64" => "integer",
        "float64" => "number",
        "bool" => "boolean",
        "array" => "array",
        _ if name.starts_with("number") => "number",
        _ if name.starts_with("[]") => "array",
        _ => "object",
    }
}

fn go_struct(shape: &Struct) -> String {
    let mut parts = shape.name.split('.');
    let version = parts.nth(1).unwrap_or("v1");
    format!("{version}.{}", shape.short_name())
}

fn go_type(ty: &Type) -> String {
    match ty {
        Type::Scalar(scalar) => scalar.go_name().to_owned(),
        Type::Struct { shape, .. } => go_struct(shape),
        Type::Map { element, .. } => format!("map[string]{}", go_type(element)),
        Type::List { element, .. } => format!("[]{}", go_type(element)),
        Type::Any => "interface {}".to_owned(),
    }
}

/// Checks standard base64 with padding; the text of the error is that of Go's decoder.
fn base64(text: &str) -> Result<(), String> {
    let mut count = 0usize;
    let mut padding = 0usize;
    for (offset, byte) in text.bytes().enumerate() {
        match byte {
            b'\r' | b'\n' => continue,
            b'=' => padding += 1,
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'+' | b'/' if padding == 0 => {}
            _ => return Err(format!("illegal base64 data at input byte {offset}")),
        }
        count += 1;
    }
    if !count.is_multiple_of(4) || padding > 2 {
        return Err(format!("illegal base64 data at input byte {}", text.len() - text.len() % 4));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema;
    use serde_json::json;

    fn read(kind: &str, value: Value) -> Value {
        decode(&schema::named(kind).unwrap(), &value).unwrap().value
    }

    #[test]
    fn empties_are_written_as_the_api_writes_them() {
        let value = read(
            "apps.v1.Deployment",
            json!({"metadata": {"labels": {}}, "spec": {"replicas": 0, "paused": false, "template": {"spec": {"containers": [{"name": "a", "env": [{"name": "E", "value": ""}], "resources": {"limits": {"cpu": "1000m"}}, "securityContext": {}}]}}}}),
        );
        assert_eq!(
            value,
            json!({"metadata": {}, "spec": {"replicas": 0, "selector": null, "strategy": {}, "template": {"metadata": {}, "spec": {"containers": [{"name": "a", "env": [{"name": "E"}], "resources": {"limits": {"cpu": "1"}}, "securityContext": {}}]}}}, "status": {}})
        );
        assert_eq!(read("apps.v1.Deployment", value.clone()), value);
    }

    #[test]
    fn errors_read_like_those_of_the_api() {
        let ty = schema::named("apps.v1.Deployment").unwrap();
        let error = decode(&ty, &json!({"spec": {"replicas": "3"}})).unwrap_err();
        assert_eq!(
            error.message,
            "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"
        );
        let strict = decode(&ty, &json!({"spec": {"template": {"spec": {"containers": [{"name": "a", "foo": 1}]}}}}))
            .unwrap()
            .strict;
        assert_eq!(strict, ["unknown field \"spec.template.spec.containers[0].foo\""]);
    }
}
