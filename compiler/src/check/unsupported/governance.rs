//! Of triggers, secrets, access and policies.

use crate::desired::secrets::made_here;
use crate::diag::{Diagnostic, codes};
use crate::model::Model;
use crate::model::secret::Source;
use crate::source::Span;

pub fn refused(model: &Model) -> Vec<Diagnostic> {
    let mut refused = secrets(model);
    refused.extend(model.governance.access.map(|access| {
        not_yet(
            access,
            "`access`",
            "nothing would keep anybody from anything",
            "leave it out; who may do what is for RBAC of the cluster until then",
        )
    }));
    refused
}

fn not_yet(span: Span, what: &str, why: &str, help: &str) -> Diagnostic {
    let message = format!("{what} is not supported yet by apply");
    Diagnostic::new(&codes::NOT_SUPPORTED_BY_APPLY, span, message).here(why.to_owned()).help(help.to_owned())
}

/// Secrets that nothing would make, and stores that a plan of environments cannot make.
fn secrets(model: &Model) -> Vec<Diagnostic> {
    let mut refused = Vec::new();
    let pipelines = model.pipelines.iter().flat_map(|pipeline| &pipeline.secrets);
    let server = model.server.iter().flat_map(|server| &server.secrets);
    for secret in pipelines.chain(server).filter(|secret| !matches!(secret.source, Source::Existing)) {
        refused.push(not_yet(
            secret.span,
            "a Secret of a pipeline or server that comes from a store",
            "nothing would make it",
            "write `existing` and see to it by hand, or make it with the manifests of the `cluster` block",
        ));
    }
    for secret in model.environments.iter().flat_map(|environment| &environment.secrets) {
        let help = "keep the value in a store, or write `existing` and see to it by hand";
        match &secret.source {
            Source::Sops(span) => refused.push(not_yet(*span, "`sops`", "nothing would decrypt it", help)),
            Source::Csi(span) => refused.push(not_yet(*span, "`csi`", "nothing would make its class", help)),
            Source::Store(..) | Source::Existing => {}
        }
    }
    for store in model.stores.iter().filter(|store| !made_here(store)) {
        let Some(provider) = &store.provider else { continue };
        refused.push(not_yet(
            provider.span,
            "a `ClusterSecretStore` with its provider",
            "the store is of the cluster, and no plan makes it",
            "write kind=\"SecretStore\" for a store in each namespace, or leave the provider out where somebody else makes it",
        ));
    }
    refused
}
