//! What a scalar means under a schema.
//!
//! **Invariant:** `Schema::Kubernetes` gives what `kubectl apply` sends for the same text (sigs.k8s.io/yaml over
//! go-yaml v2, then JSON); `Schema::Core` is the core schema of YAML 1.2.2, section 10.3.

use base64::Engine;
use granit_parser::{ScalarStyle, Tag};
use serde_json::Number;

/// How plain scalars get their types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// YAML 1.1 as Kubernetes reads it: `yes`, `no`, `on`, `off`, `y` and `n` are truth values, `0777` is octal,
    /// `1_000` is a number, and a float with an integral value is an integer.
    Kubernetes,
    /// As Kustomize reads manifests and strategic merge patches (go-yaml v3): as `Kubernetes`, but only `true` and
    /// `false` are truth values, and what Kustomize would fail on or rewrite (keys that are no texts, dates) is refused.
    Kustomize,
    /// YAML 1.2 core: only `true` and `false` are truth values.
    Core,
}

/// The value of a scalar.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    /// The text as the parser decoded it.
    Str,
    /// A text that a tag made out of another one.
    Decoded(String),
    Merge,
}

/// The meaning of a decoded scalar, or why it has none.
pub(super) fn resolve(schema: Schema, text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Result<Value, String> {
    let Some(tag) = tag else {
        return if style == ScalarStyle::Plain { plain(schema, text) } else { Ok(Value::Str) };
    };
    if tag.original() == "!" {
        return Ok(Value::Str);
    }
    let expected = match tag.core_suffix() {
        Some("str" | "timestamp") => return Ok(Value::Str),
        Some("binary") => return binary(text),
        Some(suffix @ ("null" | "bool" | "int" | "float" | "merge")) => suffix,
        Some(_) | None => return Err(format!("the tag `{}` means nothing here", tag.original())),
    };
    let value = plain(schema, text)?;
    let fits = match &value {
        Value::Null => expected == "null",
        Value::Bool(_) => expected == "bool",
        Value::Number(number) => expected == "float" || (expected == "int" && !number.is_f64()),
        Value::Merge => expected == "merge",
        Value::Str | Value::Decoded(_) => false,
    };
    if fits { Ok(value) } else { Err(format!("`{text}` cannot be read as `{}`", tag.original())) }
}

fn binary(text: &str) -> Result<Value, String> {
    let packed: String = text.split_whitespace().collect();
    let bytes = base64::engine::general_purpose::STANDARD.decode(packed);
    let bytes = bytes.map_err(|_| "`!!binary` holds invalid base64".to_owned())?;
    String::from_utf8(bytes).map(Value::Decoded).map_err(|_| "`!!binary` holds bytes that are not UTF-8".to_owned())
}

fn plain(schema: Schema, text: &str) -> Result<Value, String> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Ok(Value::Null),
        "true" | "True" | "TRUE" => return Ok(Value::Bool(true)),
        "false" | "False" | "FALSE" => return Ok(Value::Bool(false)),
        "<<" => return Ok(Value::Merge),
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf"
        | "-.INF" => return Err(format!("`{text}` is a number that JSON does not have")),
        _ => {}
    }
    if schema == Schema::Kubernetes {
        match text {
            "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return Ok(Value::Bool(true)),
            "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return Ok(Value::Bool(false)),
            _ => {}
        }
    }
    if !text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.')) {
        return Ok(Value::Str);
    }
    if schema == Schema::Kustomize && is_date(text) && !is_utc_time(text) {
        return Err(format!("Kustomize reads `{text}` as a date and writes it differently: put it in quotes"));
    }
    let number = match schema {
        Schema::Kubernetes | Schema::Kustomize => kubernetes_number(text),
        Schema::Core => core_number(text),
    };
    Ok(number.map_or(Value::Str, Value::Number))
}

/// `resolve` of go-yaml v2 for what starts with a digit, a sign or a point; dates stay texts.
fn kubernetes_number(text: &str) -> Option<Number> {
    if text.starts_with('.') {
        return float(text).map(integral);
    }
    let bytes = text.as_bytes();
    if bytes.len() > 4 && bytes[..4].iter().all(u8::is_ascii_digit) && bytes[4] == b'-' {
        return None;
    }
    let digits = text.replace('_', "");
    go_integer(&digits).or_else(|| float(&digits).map(integral))
}

/// What go-yaml takes for a time: `2006-1-2`, alone or followed by a time of day.
fn is_date(text: &str) -> bool {
    let end = text.find(['T', 't', ' ']).unwrap_or(text.len());
    let digits = |part: &str, longest: usize| {
        (1..=longest).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    match text[..end].split('-').collect::<Vec<_>>()[..] {
        [year, month, day] => year.len() == 4 && digits(year, 4) && digits(month, 2) && digits(day, 2),
        _ => false,
    }
}

/// `2006-01-02T15:04:05Z`, which is written as it is read.
fn is_utc_time(text: &str) -> bool {
    let like = |(have, want): (u8, u8)| if want == b'0' { have.is_ascii_digit() } else { have == want };
    text.len() == 20 && text.bytes().zip("0000-00-00T00:00:00Z".bytes()).all(like)
}

/// `strconv.ParseInt(text, 0, 64)`, then `ParseUint`: a leading `0x`, `0o`, `0b` or `0` chooses the base.
fn go_integer(text: &str) -> Option<Number> {
    let (negative, rest) = sign(text);
    let lower = rest.get(..2).map(str::to_ascii_lowercase);
    let (base, digits) = match lower.as_deref() {
        Some("0x") => (16, &rest[2..]),
        Some("0o") => (8, &rest[2..]),
        Some("0b") => (2, &rest[2..]),
        Some(_) if rest.starts_with('0') => (8, &rest[1..]),
        Some(_) | None => (10, rest),
    };
    integer(negative, digits, base).filter(|_| !(text.starts_with('+') && too_large_for_i64(digits, base)))
}

/// `ParseUint` takes no sign, so that a sign in front of more than 63 bits makes no integer.
fn too_large_for_i64(digits: &str, base: u32) -> bool {
    i64::from_str_radix(digits, base).is_err()
}

fn core_number(text: &str) -> Option<Number> {
    if let Some(digits) = text.strip_prefix("0x") {
        return integer(false, digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return integer(false, digits, 8);
    }
    let (negative, digits) = sign(text);
    integer(negative, digits, 10).or_else(|| float(text).and_then(Number::from_f64))
}

fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

fn integer(negative: bool, digits: &str, base: u32) -> Option<Number> {
    // `from_str_radix` takes a sign of its own; a second one is no number.
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(base)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, base).ok()?;
    if !negative {
        return Some(Number::from(magnitude));
    }
    if magnitude > 1 << 63 { None } else { Some(Number::from(0i64.wrapping_sub_unsigned(magnitude))) }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`, finite.
fn float(text: &str) -> Option<f64> {
    let (_, rest) = sign(text);
    let (mantissa, exponent) = match rest.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(sign(exponent).1)),
        None => (rest, None),
    };
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_fits = all_digits(whole) && all_digits(fraction) && !(whole.is_empty() && fraction.is_empty());
    if !mantissa_fits || exponent.is_some_and(|digits| digits.is_empty() || !all_digits(digits)) {
        return None;
    }
    text.parse::<f64>().ok().filter(|value| value.is_finite())
}

/// JSON has one kind of number: `1.0` is sent as `1`, and the API server reads that as an integer.
fn integral(value: f64) -> Number {
    // Both bounds are exact as floats, so that the cast never saturates.
    let whole = value.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    if whole { Number::from(value as i64) } else { Number::from_f64(value).unwrap_or_else(|| Number::from(0)) }
}

/// The key that a scalar gives in a JSON object, or why it gives none.
pub(super) fn key(schema: Schema, text: &str, value: &Value) -> Result<String, &'static str> {
    match (schema, value) {
        (_, Value::Null) => Err("a mapping key is empty"),
        (_, Value::Decoded(text)) => Ok(text.clone()),
        (Schema::Kubernetes, Value::Bool(value)) => Ok(value.to_string()),
        (Schema::Kubernetes, Value::Number(number)) => Ok(number.to_string()),
        (Schema::Kustomize, Value::Bool(_) | Value::Number(_)) => {
            Err("Kustomize needs a text as a mapping key: put it in quotes")
        }
        (Schema::Core, Value::Bool(_) | Value::Number(_)) | (_, Value::Str | Value::Merge) => Ok(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kubernetes(text: &str) -> Value {
        resolve(Schema::Kubernetes, text, ScalarStyle::Plain, None).unwrap()
    }

    fn core(text: &str) -> Value {
        resolve(Schema::Core, text, ScalarStyle::Plain, None).unwrap()
    }

    #[test]
    fn kubernetes_reads_yaml_1_1() {
        let int = |value: i64| Value::Number(Number::from(value));
        for (text, value) in [
            ("yes", Value::Bool(true)),
            ("Off", Value::Bool(false)),
            ("0777", int(511)),
            ("0o17", int(15)),
            ("08", int(8)),
            ("1_000", int(1000)),
            ("-0x10", int(-16)),
            ("0b11", int(3)),
            ("1.0", int(1)),
            ("1e3", int(1000)),
            ("1.5", Value::Number(Number::from_f64(1.5).unwrap())),
            ("-9223372036854775808", int(i64::MIN)),
            ("18446744073709551615", Value::Number(Number::from(u64::MAX))),
            ("2001-01-01", Value::Str),
            ("1:30", Value::Str),
            ("10Gi", Value::Str),
            ("1e", Value::Str),
            (".", Value::Str),
            ("-", Value::Str),
            ("+-1", Value::Str),
        ] {
            assert_eq!(kubernetes(text), value, "{text}");
        }
    }

    #[test]
    fn kustomize_reads_texts_where_kubectl_reads_truth() {
        let kustomize = |text: &str| resolve(Schema::Kustomize, text, ScalarStyle::Plain, None);
        assert_eq!(kustomize("yes"), Ok(Value::Str));
        assert_eq!(kustomize("0777"), Ok(Value::Number(Number::from(511))));
        assert_eq!(kustomize("2001-01-01T10:00:00Z"), Ok(Value::Str));
        assert!(kustomize("2001-1-1").is_err() && kustomize("2001-01-01 10:00:00").is_err());
        assert_eq!(kustomize("2001-01-01-rc1"), Ok(Value::Str));
        assert!(key(Schema::Kustomize, "5", &Value::Number(Number::from(5))).is_err());
    }

    #[test]
    fn core_reads_yaml_1_2() {
        let int = |value: i64| Value::Number(Number::from(value));
        for (text, value) in [
            ("yes", Value::Str),
            ("0777", int(777)),
            ("0o17", int(15)),
            ("1_000", Value::Str),
            ("1.0", Value::Number(Number::from_f64(1.0).unwrap())),
            ("True", Value::Bool(true)),
            ("~", Value::Null),
        ] {
            assert_eq!(core(text), value, "{text}");
        }
        assert!(resolve(Schema::Core, ".inf", ScalarStyle::Plain, None).is_err());
    }
}
