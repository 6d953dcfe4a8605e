//! Who may do what: every group that an approval or a rule names is one that an identity source defines.

use crate::diag::{Diagnostic, Diags, Severity, codes, suggest};
use crate::source::{Span, Spanned};
use crate::spec::Spec;

/// Reports groups that nobody defines, and names of nothing in access rules.
pub fn check(spec: &Spec, diags: &mut Diags) {
    for promote in spec.environments.iter().filter_map(|environment| environment.promote.as_ref()) {
        for by in promote.approval.iter().chain(&promote.hotfix) {
            principal(spec, by, diags);
        }
    }
    for allow in spec.accesses.iter().flat_map(|access| &access.allows) {
        principal(spec, &allow.to, diags);
        let environments: Vec<&str> = spec.environments.iter().map(|one| one.name.as_str()).collect();
        let pipelines: Vec<&str> = spec.pipelines.iter().map(|one| one.name.as_str()).collect();
        for (name, what, known) in
            [(&allow.environment, "environment", environments), (&allow.pipeline, "pipeline", pipelines)]
        {
            if let Some(name) = name {
                crate::model::resolve::find(name, what, &known, diags);
            }
        }
    }
}

/// `group:NAME` of a group that is defined, or `user:NAME`.
fn principal(spec: &Spec, by: &Spanned<String>, diags: &mut Diags) {
    let (kind, name) = by.value.split_once(':').unwrap_or((by.value.as_str(), ""));
    if by.value.is_empty() || (kind == "user" && !name.is_empty()) {
        return;
    }
    if kind != "group" || name.is_empty() {
        let finding = Diagnostic::new(&codes::PRINCIPAL, by.span, format!("`{}` names nobody", by.value));
        let help = match by.value.contains(':') {
            false => format!("write `group:{0}` or `user:{0}`", by.value),
            true => "write `group:NAME` or `user:NAME`".to_owned(),
        };
        diags.push(finding.here("neither a group nor a user").help(help));
        return;
    }
    let groups: Vec<&str> =
        spec.identities.iter().flat_map(|identity| &identity.groups).map(|group| group.name.as_str()).collect();
    if !groups.contains(&name) {
        diags.push(undefined(spec, name, by.span, &groups));
    }
}

/// Without any identity source nobody says who is in a group: a warning, since the spec may be older than such sources.
fn undefined(spec: &Spec, name: &str, span: Span, groups: &[&str]) -> Diagnostic {
    let mut finding =
        Diagnostic::new(&codes::UNKNOWN_GROUP, span, format!("no identity source defines group `{name}`"))
            .here("nobody says who is in it");
    let Some(identity) = spec.identities.first() else {
        finding.severity = Severity::Warning;
        return finding.help(format!("add an identity source: `identity \"NAME\" {{ group \"{name}\"; }}`"));
    };
    finding = finding.label(identity.name.span, "an identity source");
    match suggest::closest(name, groups.iter().copied()) {
        Some(real) => finding.help(format!("there is a group with a similar name: `{real}`")),
        None => finding.help(format!("add `group \"{name}\"` to an identity source")),
    }
}
