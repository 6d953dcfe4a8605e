//! A secret is a reference: it has one source, of the kind that its store is, and gives the keys that its type asks for.

use crate::diag::{Applicability, Diagnostic, Diags, codes, suggest};
use crate::model::secret::{self, TYPES};
use crate::source::Span;
use crate::spec::Spec;
use crate::spec::secret::{Provider, Reference, Secret, SecretStore, StoreProvider};

/// Reports what is wrong with the `secret` and `secret-store` blocks of a spec.
pub fn check(spec: &Spec, diags: &mut Diags) {
    for store in &spec.stores {
        store_providers(store, diags);
        store.providers.iter().for_each(|provider| identity(store, provider, diags));
    }
    for secret in spec.secrets() {
        sources(secret, diags);
        for reference in &secret.references {
            provider(spec, reference, diags);
        }
        if kind(secret, diags) {
            keys(secret, diags);
        }
    }
}

fn sources(secret: &Secret, diags: &mut Diags) {
    let name = &secret.name.value;
    let finding = |message: String| Diagnostic::new(&codes::SECRET_SOURCE, secret.name.span, message);
    let mut all: Vec<(&str, Span)> = secret.references.iter().map(|one| (one.provider.as_str(), one.span)).collect();
    let others = [("sops", &secret.sops), ("csi", &secret.csi), ("existing", &secret.existing)];
    all.extend(others.into_iter().filter_map(|(name, span)| Some((name, span.as_ref()?.span))));
    match all.as_slice() {
        [] => diags.push(
            finding(format!("secret `{name}` has no source"))
                .here("neither a store, such as `vault`, nor `existing`")
                .help("write `vault \"PATH\" store=\"STORE\"`, or `existing` if somebody else sees to it"),
        ),
        [_] => {}
        [first, second, ..] => diags.push(
            finding(format!(
                "secret `{name}` has {} sources",
                if all.len() == 2 { "two".into() } else { all.len().to_string() }
            ))
            .here(format!("both `{}` and `{}`", first.0, second.0))
            .label(first.1, "one source")
            .label(second.1, "another")
            .help("keep one of them"),
        ),
    }
}

fn store_providers(store: &SecretStore, diags: &mut Diags) {
    let [first, second, ..] = store.providers.as_slice() else { return };
    let message = format!("secret-store `{}` has two providers", store.name.value);
    let finding = Diagnostic::new(&codes::STORE_PROVIDERS, second.span, message);
    diags.push(
        finding
            .here(format!("`{}` too", second.provider.as_str()))
            .label(first.span, format!("it is `{}` by this", first.provider.as_str()))
            .help("a store is one place: write two `secret-store` blocks"),
    );
}

/// Who the store's operator is to the provider: one answer, and a whole one.
fn identity(store: &SecretStore, provider: &StoreProvider, diags: &mut Diags) {
    let name = &store.name.value;
    let field = |name: &str| provider.fields.get(name);
    let finding = |span: Span, message: String| Diagnostic::new(&codes::STORE_IDENTITY, span, message);
    let (one, other) = match provider.provider {
        Provider::Vault => ("role", "token"),
        Provider::Aws | Provider::Gcp | Provider::Azure => ("service-account", "credentials"),
        Provider::Kubernetes => return,
    };
    match (field(one), field(other)) {
        (Some(first), Some(second)) => diags.push(
            finding(second.span, format!("secret-store `{name}` has both `{one}` and `{other}`"))
                .here("a second identity")
                .label(first.span, "the first")
                .help("keep one of them"),
        ),
        (None, None) if provider.provider == Provider::Vault => diags.push(
            finding(provider.span, format!("secret-store `{name}` says neither `role` nor `token`"))
                .here("Vault lets nobody in without an identity")
                .help("write role=\"ROLE\" for Vault's Kubernetes auth method, or token=\"SECRET\""),
        ),
        (None, Some(credentials)) if provider.provider == Provider::Azure && field("tenant").is_none() => diags.push(
            finding(credentials.span, format!("secret-store `{name}` has credentials and no `tenant`"))
                .here("a service principal belongs to a tenant")
                .help("add tenant=\"ID\""),
        ),
        (_, _) => {}
    }
}

/// A reference of one kind to a store of another.
fn provider(spec: &Spec, reference: &Reference, diags: &mut Diags) {
    let store = spec.stores.iter().find(|store| store.name.value == reference.store.value);
    let Some(found) = store.and_then(|store| store.providers.first()) else { return };
    let (written, real) = (reference.provider.as_str(), found.provider.as_str());
    if written != real {
        let message = format!("secret-store `{}` is `{real}`, not `{written}`", reference.store.value);
        let finding = Diagnostic::new(&codes::SECRET_PROVIDER, reference.span, message)
            .here(format!("asks for a store of kind `{written}`"))
            .label(found.span, format!("`{real}` by this"));
        diags.push(finding.help(format!("write `{real}`, or name another store")));
    }
}

/// Whether the type of the Secret is one.
fn kind(secret: &Secret, diags: &mut Diags) -> bool {
    let Some(ty) = secret.ty.as_ref().filter(|ty| secret::full_type(&ty.value).is_none()) else { return true };
    let names: Vec<&str> = TYPES.iter().map(|(short, _, _)| *short).collect();
    let finding = Diagnostic::new(&codes::SECRET_TYPE, ty.span, format!("`{}` is no type of a Secret", ty.value))
        .here("neither a known type nor one with a `/`");
    diags.push(match suggest::closest(&ty.value, names.iter().copied()) {
        Some(real) => finding.help(format!("there is a type with a similar name: `{real}`")).fix(
            format!("replace by `{real}`"),
            Applicability::Maybe,
            ty.span,
            format!("{real:?}"),
        ),
        None => finding
            .help(format!("known: `{}`, and types of your own such as `example.com/api-key`", names.join("`, `"))),
    });
    false
}

/// Whether the keys that the type asks for are given.
fn keys(secret: &Secret, diags: &mut Diags) {
    let ty = secret.ty.as_ref().and_then(|ty| secret::full_type(&ty.value));
    let [reference] = secret.references.as_slice() else { return };
    if let (Some(property), Some(key)) = (&reference.property, reference.keys.first()) {
        let message = format!("secret `{}` has both `property` and `key`", secret.name.value);
        let finding = Diagnostic::new(&codes::SECRET_KEYS, property.span, message).here("which key would it be?");
        diags.push(finding.label(key.name.span, "the keys are listed here").help("give each `key` its `property`"));
        return;
    }
    let given: Vec<String> = secret::data(reference, ty).into_iter().map(|datum| datum.key).collect();
    let missing =
        secret::required_keys(ty.unwrap_or_default()).iter().find(|key| !given.iter().any(|known| known == *key));
    if let (Some(key), Some(ty), false) = (missing, &secret.ty, given.is_empty()) {
        let message = format!("secret `{}` of type `{}` has no key `{key}`", secret.name.value, ty.value);
        let finding = Diagnostic::new(&codes::SECRET_KEYS, ty.span, message)
            .here(format!("Kubernetes asks for the key `{key}`"))
            .label(
                reference.span,
                format!("gives {}", given.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")),
            );
        diags.push(finding.help(format!("add `key \"{key}\" property=\"FIELD\"`")));
    }
}
