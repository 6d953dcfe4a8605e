//! How a string is written as a YAML scalar, and which plain scalars are no strings.
//!
//! **Invariant:** what `emit` writes is read back as this very string by YAML 1.1 and 1.2 parsers alike.
//! Not here: where it is written.

use granit_parser::ScalarStyle;

/// Writes `value` in the style of the scalar that it replaces; a plain one is quoted where it must be.
pub(super) fn emit(value: &str, style: ScalarStyle) -> String {
    match style {
        ScalarStyle::Plain if is_safe_plain(value) => value.to_owned(),
        ScalarStyle::SingleQuoted if !value.chars().any(char::is_control) => {
            format!("'{}'", value.replace('\'', "''"))
        }
        ScalarStyle::Plain
        | ScalarStyle::SingleQuoted
        | ScalarStyle::DoubleQuoted
        | ScalarStyle::Literal
        | ScalarStyle::Folded => double_quoted(value),
    }
}

fn double_quoted(value: &str) -> String {
    let mut out = String::with_capacity(value.len() + 2);
    out.push('"');
    for ch in value.chars() {
        match ch {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            ch if ch.is_control() => out.push_str(&format!("\\U{:08X}", u32::from(ch))),
            ch => out.push(ch),
        }
    }
    out.push('"');
    out
}

/// Conservative: image names, tags and digests pass, anything that could be punctuation anywhere does not.
fn is_safe_plain(value: &str) -> bool {
    let inner = |ch: char| ch.is_ascii_alphanumeric() || "_./@:+-".contains(ch);
    value.starts_with(|ch: char| ch.is_ascii_alphanumeric() || "_./".contains(ch))
        && value.chars().all(inner)
        && !value.ends_with(':')
        && !is_not_a_string(value)
}

/// Whether a plain scalar may be read as null, a boolean, a number, a time or a merge key by some YAML schema.
/// Kubernetes reads YAML 1.1, where `no`, `0755`, `1_000` and `12:30:45` are no strings.
pub(super) fn is_not_a_string(value: &str) -> bool {
    const WORDS: [&str; 15] =
        ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n", ".nan", ".inf", "<<", "="];
    let lower = value.to_ascii_lowercase();
    let unsigned = lower.strip_prefix(['+', '-']).unwrap_or(&lower);
    WORDS.contains(&lower.as_str())
        || unsigned == ".inf"
        || is_number(&unsigned.replace('_', ""))
        || is_sexagesimal(unsigned)
        || is_timestamp(&lower)
}

fn is_number(text: &str) -> bool {
    let radix = |prefix: &str, digits: fn(char) -> bool| {
        text.strip_prefix(prefix).is_some_and(|rest| !rest.is_empty() && rest.chars().all(digits))
    };
    if radix("0x", |c| c.is_ascii_hexdigit())
        || radix("0o", |c| c.is_ascii_digit())
        || radix("0b", |c| matches!(c, '0' | '1'))
    {
        return true;
    }
    let (mantissa, exponent) = match text.split_once('e') {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let digits = |part: &str| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mantissa_ok =
        (digits(whole) && (fraction.is_empty() || digits(fraction))) || (whole.is_empty() && digits(fraction));
    mantissa_ok && exponent.is_none_or(|part| digits(part.strip_prefix(['+', '-']).unwrap_or(part)))
}

fn is_sexagesimal(text: &str) -> bool {
    text.contains(':')
        && text.starts_with(|c: char| c.is_ascii_digit())
        && text.chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | '.' | '_'))
}

/// `2001-12-14`, alone or with a time behind it.
fn is_timestamp(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, max: usize| {
        part.is_some_and(|part| (1..=max).contains(&part.len()) && part.chars().all(|c| c.is_ascii_digit()))
    };
    let year = parts.next();
    year.is_some_and(|year| year.len() == 4)
        && digits(year, 4)
        && digits(parts.next(), 2)
        && parts.next().is_some_and(|day| day.starts_with(|c: char| c.is_ascii_digit()))
}
