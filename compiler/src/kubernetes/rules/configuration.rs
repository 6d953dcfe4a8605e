//! ConfigMaps and Secrets: their keys and what a type of Secret needs.

use base64::Engine;

use super::at::At;
use super::finding;
use super::labels::whose;
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::Span;
use crate::syntax::yaml::Kind;

/// Whether a text can be a key of a ConfigMap or Secret. As in apimachinery: `IsConfigMapKey`.
pub(super) fn is_key(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 253
        && text != "."
        && text != ".."
        && !text.starts_with("..")
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
}

pub(super) fn bad_key(place: Span, key: &str) -> Diagnostic {
    Diagnostic::new(&codes::INVALID_KEY, place, format!("`{key}` cannot be a key of a ConfigMap or Secret"))
        .here("not a name of a file")
        .help("use letters, digits, `-`, `_` and `.`; the path of a file is set by `items` of the volume")
}

/// As in `pkg/apis/core/validation`: `ValidateConfigMap`.
pub(super) fn check_config_map(object: At<'_>, diags: &mut Diags) {
    check_keys(object, &["data", "binaryData"], diags);
    for (key, _) in object.entries("binaryData") {
        if let Some((first, _)) = object.entries("data").iter().find(|(other, _)| other.value == key.value) {
            let message = format!("{} has the key `{}` in `data` and `binaryData`", whose(object), key.value);
            diags.push(finding::duplicate(key.span, first.span, message));
        }
    }
    check_base64(object, "binaryData", diags);
    check_size(object, &["data", "binaryData"], diags);
}

fn check_keys(object: At<'_>, fields: &[&str], diags: &mut Diags) {
    for (key, _) in fields.iter().flat_map(|field| object.entries(field)) {
        if !is_key(&key.value) {
            diags.push(bad_key(key.span, &key.value));
        }
    }
}

/// What Go's base64 reads: line ends are passed over, padding is needed.
fn check_base64(object: At<'_>, field: &str, diags: &mut Diags) {
    for (key, value) in object.entries(field) {
        let Kind::Str(text) = &value.kind else { continue };
        let plain: String = text.value.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
        // Trailing bits are not judged there.
        let lenient = base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
        let engine = base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
        if engine.decode(plain.as_bytes()).is_err() {
            let message = format!("the value of `{}` in `{field}` is not base64", key.value);
            let finding = Diagnostic::new(&codes::FIELD_VALUE, value.span, message).here("cannot be decoded");
            let help =
                if field == "data" { "write the value itself under `stringData`, or encode it" } else { "encode it" };
            diags.push(finding.help(help));
        }
    }
}

/// As in `pkg/apis/core/validation`: `MaxSecretSize` and its like, one MiB.
fn check_size(object: At<'_>, fields: &[&str], diags: &mut Diags) {
    let values = fields.iter().flat_map(|field| object.entries(field));
    let size: usize = values.filter_map(|(_, value)| value.as_str().map(str::len)).sum();
    // Encoded bytes are a third more than what is counted.
    if size > (1 << 20) * 4 / 3 {
        let message = format!("the values of {} have {size} bytes", whose(object));
        diags.push(finding::invalid(object.key, message, "1 MiB is allowed: split it, or store it elsewhere"));
    }
}

/// As in `pkg/apis/core/validation`: `ValidateSecret`.
pub(super) fn check_secret(object: At<'_>, diags: &mut Diags) {
    check_keys(object, &["data", "stringData"], diags);
    check_base64(object, "data", diags);
    check_size(object, &["data", "stringData"], diags);
    let ty = object.word("type");
    let has = |key: &str| {
        ["data", "stringData"].iter().any(|field| object.entries(field).iter().any(|(name, _)| name.value == key))
    };
    let needed: &[&str] = match ty {
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/basic-auth" if !has("username") && !has("password") => &["username"],
        _ => &[],
    };
    if let Some(key) = needed.iter().find(|key| !has(key)) {
        let message = format!("{} is of the type `{ty}` and has no key `{key}`", whose(object));
        let finding = Diagnostic::new(&codes::SECRET_TYPE_KEYS, object.place("type"), message);
        diags
            .push(finding.here(format!("needs `{key}`")).help(format!("add `{key}` to its data, or leave `type` out")));
    }
    if ty == "kubernetes.io/service-account-token" {
        let account = object
            .entries("metadata.annotations")
            .iter()
            .find(|(key, _)| key.value == "kubernetes.io/service-account.name");
        if account.is_none_or(|(_, value)| value.as_str() == Some("")) {
            let message = format!("{} is a token and names no service account", whose(object));
            let finding = Diagnostic::new(&codes::SECRET_TYPE_KEYS, object.place("type"), message);
            let help = "add the annotation `kubernetes.io/service-account.name`";
            diags.push(finding.here("of which account?").help(help));
        }
    }
    check_json(object, ty, diags);
}

/// Credentials of registries are JSON.
fn check_json(object: At<'_>, ty: &str, diags: &mut Diags) {
    let key = match ty {
        "kubernetes.io/dockercfg" => ".dockercfg",
        "kubernetes.io/dockerconfigjson" => ".dockerconfigjson",
        _ => return,
    };
    for field in ["data", "stringData"] {
        let Some((_, value)) = object.entries(field).iter().find(|(name, _)| name.value == key) else { continue };
        let Some(text) = value.as_str() else { continue };
        let plain = if field == "stringData" {
            text.as_bytes().to_vec()
        } else {
            let joined: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
            match base64::engine::general_purpose::STANDARD.decode(joined.as_bytes()) {
                Ok(bytes) => bytes,
                Err(_) => continue,
            }
        };
        if serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&plain).is_err() {
            let message = format!("`{key}` of {} is no JSON object", whose(object));
            let finding = Diagnostic::new(&codes::SECRET_TYPE_KEYS, value.span, message);
            diags.push(finding.here("the credentials of registries are JSON").help("write `{\"auths\": {…}}`"));
        }
    }
}
