//! Secrets and their stores, resolved: types in full, and which key gets what.

use super::resolve::find;
use crate::diag::Diags;
use crate::source::{Span, Spanned};
use crate::spec::secret::{self as written, Provider, Reference, StoreProvider};

#[derive(Clone, Debug)]
pub struct Store {
    pub name: Spanned<String>,
    /// `SecretStore` or `ClusterSecretStore`.
    pub kind: String,
    /// How it is reached, where the plan makes the store.
    pub provider: Option<StoreProvider>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Secret {
    pub name: Spanned<String>,
    /// In full: `kubernetes.io/tls`.
    pub ty: Option<String>,
    pub source: Source,
    pub span: Span,
}

/// Who makes a Secret.
#[derive(Clone, Debug)]
pub enum Source {
    /// External Secrets, from the store with that index.
    Store(usize, Box<Reference>),
    /// Somebody else.
    Existing,
    Sops(Span),
    Csi(Span),
}

/// One key of a Secret and the place of its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datum {
    pub key: String,
    pub path: String,
    pub property: Option<String>,
    pub version: Option<String>,
}

/// Short names of Secret types, what they stand for, and the keys that Kubernetes asks for (`pkg/apis/core/validation`).
pub const TYPES: &[(&str, &str, &[&str])] = &[
    ("Opaque", "Opaque", &[]),
    ("dockerconfigjson", "kubernetes.io/dockerconfigjson", &[".dockerconfigjson"]),
    ("dockercfg", "kubernetes.io/dockercfg", &[".dockercfg"]),
    ("tls", "kubernetes.io/tls", &["tls.crt", "tls.key"]),
    ("basic-auth", "kubernetes.io/basic-auth", &[]),
    ("ssh-auth", "kubernetes.io/ssh-auth", &["ssh-privatekey"]),
];

/// A type in full; `None` if it is none.
pub fn full_type(text: &str) -> Option<&str> {
    match TYPES.iter().find(|(short, full, _)| text == *short || text == *full) {
        Some((_, full, _)) => Some(full),
        None => Some(text).filter(|text| text.contains('/')),
    }
}

/// Keys that a Secret of a type must have.
pub fn required_keys(full: &str) -> &'static [&'static str] {
    TYPES.iter().find(|(_, known, _)| *known == full).map_or(&[], |(_, _, keys)| keys)
}

/// The keys that a reference gives; none means all fields of what lies at its path.
pub fn data(reference: &Reference, ty: Option<&str>) -> Vec<Datum> {
    let path = |path: &str| match (reference.provider, &reference.object) {
        (Provider::Azure, Some(object)) if object.value != "secret" => format!("{}/{path}", object.value),
        _ => path.to_owned(),
    };
    let text = |text: &Option<Spanned<String>>| text.as_ref().map(|text| text.value.clone());
    let key = |key: &written::Key| Datum {
        key: key.name.value.clone(),
        path: path(key.path.as_ref().map_or(&reference.path.value, |path| &path.value)),
        property: text(&key.property),
        version: text(&key.version).or_else(|| text(&reference.version)),
    };
    if !reference.keys.is_empty() {
        return reference.keys.iter().map(key).collect();
    }
    let only = match required_keys(ty.unwrap_or_default()) {
        [only] => Some((*only).to_owned()),
        _ => None,
    };
    let Some(key) = only.or_else(|| text(&reference.property)) else { return Vec::new() };
    let (property, version) = (text(&reference.property), text(&reference.version));
    vec![Datum { key, path: path(&reference.path.value), property, version }]
}

/// All of what lies at a reference's path.
pub fn whole(reference: &Reference) -> Datum {
    let all = Reference {
        keys: vec![written::Key {
            name: reference.path.clone(),
            property: reference.property.clone(),
            path: None,
            version: None,
        }],
        ..reference.clone()
    };
    data(&all, None).remove(0)
}

pub(super) fn store(store: &written::SecretStore) -> Store {
    Store {
        name: store.name.clone(),
        kind: store.kind.as_ref().map_or("SecretStore".into(), |kind| kind.value.clone()),
        provider: store.providers.first().cloned(),
        span: store.span,
    }
}

/// Secrets whose source is known; what has none, or names no store, has been reported.
pub(super) fn secrets(secrets: &[written::Secret], stores: &[Store], diags: &mut Diags) -> Vec<Secret> {
    let names: Vec<&str> = stores.iter().map(|store| store.name.as_str()).collect();
    let mut resolved = Vec::new();
    for secret in secrets {
        let mut found = None;
        for reference in &secret.references {
            let store = find(&reference.store, "secret-store", &names, diags);
            found = found.or(store.map(|store| Source::Store(store, Box::new(reference.clone()))));
        }
        let others = [
            secret.existing.as_ref().map(|_| Source::Existing),
            secret.sops.as_ref().map(|sops| Source::Sops(sops.span)),
            secret.csi.as_ref().map(|csi| Source::Csi(csi.span)),
        ];
        let Some(source) = found.or_else(|| others.into_iter().flatten().next()) else { continue };
        resolved.push(Secret {
            name: secret.name.clone(),
            ty: secret.ty.as_ref().and_then(|ty| full_type(&ty.value)).map(str::to_owned),
            source,
            span: secret.span,
        });
    }
    resolved
}
