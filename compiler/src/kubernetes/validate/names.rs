//! The syntax of names, labels and keys (`k8s.io/apimachinery/pkg/util/validation`).
//!
//! **Invariant:** `None` means that the API server takes it.

/// What a name must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// RFC 1123 subdomain, at most 253 characters.
    Subdomain,
    /// RFC 1123 label, at most 63.
    Label,
    /// RFC 1035 label, at most 63.
    Label1035,
    /// What may be a part of a path.
    PathSegment,
    Any,
}

/// What names of a built-in kind must be. Services take RFC 1123 labels from 1.36 on.
pub(super) fn form(release: &str, group: &str, kind: &str) -> Form {
    match (group, kind) {
        ("", "Service") if matches!(release, "1.34" | "1.35") => Form::Label1035,
        ("", "Namespace" | "Service") => Form::Label,
        ("rbac.authorization.k8s.io", _) => Form::PathSegment,
        ("certificates.k8s.io", "CertificateSigningRequest") | ("networking.k8s.io", "IPAddress") => Form::Any,
        ("authentication.k8s.io" | "authorization.k8s.io", _) => Form::Any,
        (_, _) => Form::Subdomain,
    }
}

/// Why a name is not of a form.
pub(super) fn wrong(form: Form, name: &str) -> Option<String> {
    match form {
        Form::Any => None,
        Form::PathSegment => {
            let bad = matches!(name, "." | "..") || name.contains(['/', '%']);
            bad.then(|| "may not be `.` or `..` nor hold `/` or `%`".to_owned())
        }
        Form::Label => label(name),
        Form::Label1035 => {
            let digit = name.starts_with(|c: char| c.is_ascii_digit());
            label(name).or_else(|| digit.then(|| "must begin with a letter".to_owned()))
        }
        Form::Subdomain => subdomain(name),
    }
}

fn is_part(part: &str) -> bool {
    !part.is_empty()
        && part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        && !part.starts_with('-')
        && !part.ends_with('-')
}

/// Why a text is no RFC 1123 label.
pub(super) fn label(text: &str) -> Option<String> {
    if text.len() > 63 {
        return Some(format!("has {} characters, more than the 63 of a label", text.len()));
    }
    let why = "must be lower-case letters, digits and `-`, with a letter or digit at both ends";
    (!is_part(text)).then(|| why.to_owned())
}

/// Why a text is no RFC 1123 subdomain.
pub(super) fn subdomain(text: &str) -> Option<String> {
    if text.len() > 253 {
        return Some(format!("has {} characters, more than the 253 of a name", text.len()));
    }
    let why = "must be lower-case letters, digits, `-` and `.`, with a letter or digit at both ends of every part";
    (!text.split('.').all(is_part)).then(|| why.to_owned())
}

/// Why a text is no key of labels or annotations: `PREFIX/NAME` or `NAME`.
pub(super) fn qualified(text: &str) -> Option<String> {
    let (prefix, name) = match text.split_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if name.contains('/') {
        return Some("has more than one `/`".to_owned());
    }
    if let Some(why) = prefix.and_then(subdomain) {
        return Some(format!("has a prefix that {why}"));
    }
    if name.is_empty() { Some("has an empty name".to_owned()) } else { word(name) }
}

/// Why a text is no value of a label.
pub(super) fn label_value(text: &str) -> Option<String> {
    if text.is_empty() { None } else { word(text) }
}

fn word(text: &str) -> Option<String> {
    if text.len() > 63 {
        return Some(format!("has {} characters, more than 63", text.len()));
    }
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let fits = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
        && ends(text.chars().next())
        && ends(text.chars().last());
    let why = "must be letters, digits, `-`, `_` and `.`, with a letter or digit at both ends";
    (!fits).then(|| why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_api_server() {
        assert!(subdomain("a.b-c.1").is_none() && subdomain("a..b").is_some() && subdomain("A").is_some());
        assert!(label("1a").is_none() && label("a.b").is_some() && label("").is_some());
        assert!(wrong(Form::Label1035, "1a").is_some() && wrong(Form::PathSegment, "system:node").is_none());
        assert!(qualified("app.kubernetes.io/name").is_none() && qualified("a/b/c").is_some());
        assert!(qualified("/x").is_some() && qualified("x/").is_some());
        assert!(label_value("").is_none() && label_value("a b").is_some() && label_value("a_b.C-d").is_none());
    }
}
