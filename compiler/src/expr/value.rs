//! Values of expressions: equality, order, and conversion from JSON and to text.
//!
//! Source of the rules: the CEL language definition; numbers of different types compare by magnitude.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

/// A value. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(Arc<str>),
    Bytes(Arc<[u8]>),
    Duration(SignedDuration),
    Timestamp(Timestamp),
    /// A type, by name.
    Type(&'static str),
    List(Arc<Vec<Value>>),
    Map(Arc<BTreeMap<Key, Value>>),
    Opaque(Arc<Opaque>),
    /// Known only later; reading it is an error of its own kind, which `false && …` and `true || …` absorb.
    Unknown(Arc<str>),
}

/// A key of a map. An int and a uint of one magnitude are one key.
#[derive(Clone, Debug)]
pub enum Key {
    Bool(bool),
    Int(i64),
    Uint(u64),
    String(Arc<str>),
}

/// What only functions of Kubernetes' library look into.
#[derive(Clone, Debug, PartialEq)]
pub enum Opaque {
    /// The number in units of 10^-9, and the text.
    Quantity(i128),
    Url(Url),
    Ip(std::net::IpAddr),
    Cidr(std::net::IpAddr, u8),
}

#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Url {
    pub scheme: String,
    pub host: String,
    pub hostname: String,
    pub port: String,
    pub path: String,
    pub query: String,
}

impl Value {
    pub fn string(text: impl Into<Arc<str>>) -> Value {
        Value::String(text.into())
    }

    pub fn list(items: Vec<Value>) -> Value {
        Value::List(Arc::new(items))
    }

    /// A map with strings as keys.
    pub fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
        let entries = entries.into_iter().map(|(key, value)| (Key::String(key.into()), value));
        Value::Map(Arc::new(entries.collect()))
    }

    /// JSON as it is: whole numbers are ints, others doubles.
    pub fn from_json(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(truth) => Value::Bool(*truth),
            serde_json::Value::Number(number) => match (number.as_i64(), number.as_u64()) {
                (Some(number), _) => Value::Int(number),
                (None, Some(number)) => Value::Uint(number),
                (None, None) => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Value::string(text.as_str()),
            serde_json::Value::Array(items) => Value::list(items.iter().map(Value::from_json).collect()),
            serde_json::Value::Object(fields) => {
                Value::map(fields.iter().map(|(key, value)| (key.as_str(), Value::from_json(value))))
            }
        }
    }

    /// As `type(…)` names it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Null => "null_type",
            Value::Bool(_) => "bool",
            Value::Int(_) => "int",
            Value::Uint(_) => "uint",
            Value::Double(_) => "double",
            Value::String(_) => "string",
            Value::Bytes(_) => "bytes",
            Value::Duration(_) => "google.protobuf.Duration",
            Value::Timestamp(_) => "google.protobuf.Timestamp",
            Value::Type(_) => "type",
            Value::List(_) => "list",
            Value::Map(_) => "map",
            Value::Opaque(opaque) => match **opaque {
                Opaque::Quantity(_) => "kubernetes.Quantity",
                Opaque::Url(_) => "kubernetes.URL",
                Opaque::Ip(_) => "net.IP",
                Opaque::Cidr(..) => "net.CIDR",
            },
            Value::Unknown(_) => "unknown",
        }
    }

    /// The value as text, as `string(…)` gives it; `None` for what has no text.
    pub fn text(&self) -> Option<String> {
        Some(match self {
            Value::Bool(truth) => truth.to_string(),
            Value::Int(number) => number.to_string(),
            Value::Uint(number) => number.to_string(),
            Value::Double(number) => double_text(*number),
            Value::String(text) => text.to_string(),
            Value::Bytes(bytes) => String::from_utf8(bytes.to_vec()).ok()?,
            Value::Duration(duration) => duration_text(*duration),
            Value::Timestamp(time) => time.to_string(),
            Value::Opaque(opaque) => match &**opaque {
                Opaque::Ip(ip) => ip.to_string(),
                Opaque::Cidr(ip, length) => format!("{ip}/{length}"),
                Opaque::Quantity(_) | Opaque::Url(_) => return None,
            },
            Value::Null | Value::Type(_) | Value::List(_) | Value::Map(_) | Value::Unknown(_) => return None,
        })
    }

    /// How much of it there is: bytes, elements, entries.
    pub fn size(&self) -> usize {
        match self {
            Value::String(text) => text.len(),
            Value::Bytes(bytes) => bytes.len(),
            Value::List(items) => items.len(),
            Value::Map(entries) => entries.len(),
            Value::Null | Value::Bool(_) | Value::Int(_) | Value::Uint(_) | Value::Double(_) => 1,
            Value::Duration(_) | Value::Timestamp(_) | Value::Type(_) | Value::Opaque(_) | Value::Unknown(_) => 1,
        }
    }

    pub(super) fn key(&self) -> Option<Key> {
        match self {
            Value::Bool(truth) => Some(Key::Bool(*truth)),
            Value::Int(number) => Some(Key::Int(*number)),
            Value::Uint(number) => Some(Key::Uint(*number)),
            Value::String(text) => Some(Key::String(text.clone())),
            _ => None,
        }
    }

    /// The order of two values, where they have one.
    pub(super) fn order(&self, other: &Value) -> Option<Ordering> {
        match (self, other) {
            (Value::Bool(one), Value::Bool(other)) => Some(one.cmp(other)),
            (Value::String(one), Value::String(other)) => Some(one.cmp(other)),
            (Value::Bytes(one), Value::Bytes(other)) => Some(one.cmp(other)),
            (Value::Duration(one), Value::Duration(other)) => Some(one.cmp(other)),
            (Value::Timestamp(one), Value::Timestamp(other)) => Some(one.cmp(other)),
            (one, other) => numbers(one, other),
        }
    }
}

impl PartialEq for Value {
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            (Value::Type(one), Value::Type(other)) => one == other,
            (Value::List(one), Value::List(other)) => one == other,
            (Value::Map(one), Value::Map(other)) => one == other,
            (Value::Opaque(one), Value::Opaque(other)) => one == other,
            (one, other) => one.order(other) == Some(Ordering::Equal),
        }
    }
}

/// Numbers by magnitude; `None` for what is no number, or not one at all.
fn numbers(one: &Value, other: &Value) -> Option<Ordering> {
    match (one, other) {
        (Value::Int(one), Value::Int(other)) => Some(one.cmp(other)),
        (Value::Uint(one), Value::Uint(other)) => Some(one.cmp(other)),
        (Value::Double(one), Value::Double(other)) => one.partial_cmp(other),
        (Value::Int(one), Value::Uint(other)) => Some(i128::from(*one).cmp(&i128::from(*other))),
        (Value::Uint(one), Value::Int(other)) => Some(i128::from(*one).cmp(&i128::from(*other))),
        (Value::Double(one), Value::Int(other)) => with_whole(*one, i128::from(*other)),
        (Value::Double(one), Value::Uint(other)) => with_whole(*one, i128::from(*other)),
        (Value::Int(one), Value::Double(other)) => with_whole(*other, i128::from(*one)).map(Ordering::reverse),
        (Value::Uint(one), Value::Double(other)) => with_whole(*other, i128::from(*one)).map(Ordering::reverse),
        _ => None,
    }
}

/// Compares without rounding the whole number.
fn with_whole(double: f64, whole: i128) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    let floor = double.floor();
    // The cast saturates, and every int and uint lies far inside an i128.
    let order = (floor as i128).cmp(&whole);
    Some(if order == Ordering::Equal && double > floor { Ordering::Greater } else { order })
}

impl Key {
    pub fn value(&self) -> Value {
        match self {
            Key::Bool(truth) => Value::Bool(*truth),
            Key::Int(number) => Value::Int(*number),
            Key::Uint(number) => Value::Uint(*number),
            Key::String(text) => Value::String(text.clone()),
        }
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Key) -> Ordering {
        let number = |key: &Key| match key {
            Key::Int(number) => Some(i128::from(*number)),
            Key::Uint(number) => Some(i128::from(*number)),
            Key::Bool(_) | Key::String(_) => None,
        };
        match (self, other) {
            (Key::Bool(one), Key::Bool(other)) => one.cmp(other),
            (Key::String(one), Key::String(other)) => one.cmp(other),
            (Key::Bool(_), _) | (Key::Int(_) | Key::Uint(_), Key::String(_)) => Ordering::Less,
            (_, Key::Bool(_)) | (Key::String(_), _) => Ordering::Greater,
            (one, other) => number(one).cmp(&number(other)),
        }
    }
}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Key) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Key) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Key {}

fn double_text(number: f64) -> String {
    if number.is_nan() {
        return "NaN".into();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf".into() } else { "-Inf".into() };
    }
    let magnitude = number.abs();
    if magnitude != 0.0 && !(1e-4..1e21).contains(&magnitude) {
        // Rust writes `1e-7`, the definition `1e-07`.
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(("+", exponent), |rest| ("-", rest));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    format!("{number}")
}

/// Seconds with a fraction where there is one.
fn duration_text(duration: SignedDuration) -> String {
    let sign = if duration.is_negative() { "-" } else { "" };
    let (seconds, nanos) = (duration.as_secs().unsigned_abs(), duration.subsec_nanos().unsigned_abs());
    if nanos == 0 {
        return format!("{sign}{seconds}s");
    }
    let fraction = format!("{nanos:09}");
    format!("{sign}{seconds}.{}s", fraction.trim_end_matches('0'))
}
