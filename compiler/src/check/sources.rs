//! A secret is a reference: its value lies in a store, or the Secret exists.

use crate::diag::{Diagnostic, Diags, codes};
use crate::spec::Spec;

/// Reports `secret` blocks with no source or with two.
pub fn check(spec: &Spec, diags: &mut Diags) {
    for secret in spec.environments.iter().flat_map(|environment| &environment.secrets) {
        let name = &secret.name.value;
        let finding = |message: String| Diagnostic::new(&codes::SECRET_SOURCE, secret.name.span, message);
        match (&secret.vault, secret.existing) {
            (None, false) => diags.push(
                finding(format!("secret `{name}` has no source"))
                    .here("neither `vault` nor `existing`")
                    .help("write `vault \"PATH\" store=\"STORE\"`, or `existing` if somebody else sees to it"),
            ),
            (Some(vault), true) => diags.push(
                finding(format!("secret `{name}` has two sources"))
                    .here("both `vault` and `existing`")
                    .label(vault.path.span, "in a store, by this")
                    .help("keep one of them"),
            ),
            (Some(_), false) | (None, true) => {}
        }
    }
}
