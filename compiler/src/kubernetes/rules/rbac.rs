//! Roles and their bindings.

use super::at::At;
use super::finding;
use super::labels::whose;
use super::values::{not_empty, required, word};
use crate::diag::{Diagnostic, Diags, codes};

const GROUP: &str = "rbac.authorization.k8s.io";

/// As in `pkg/apis/rbac/validation`: `ValidatePolicyRule`.
pub(super) fn check_role(object: At<'_>, namespaced: bool, diags: &mut Diags) {
    for rule in object.items("rules") {
        if rule.node.as_map().is_none() {
            continue;
        }
        not_empty(rule, "verbs", "a rule", diags);
        let urls = rule.get("nonResourceURLs").filter(|_| rule.filled("nonResourceURLs"));
        let resources = ["apiGroups", "resources", "resourceNames"]
            .iter()
            .find_map(|field| rule.get(field).filter(|_| rule.filled(field)));
        match (urls, resources) {
            (Some(urls), _) if namespaced => {
                let finding = Diagnostic::new(
                    &codes::RBAC_RULE,
                    urls.key,
                    format!("{} is of a namespace and cannot have `nonResourceURLs`", whose(object)),
                );
                diags.push(finding.here("not in a namespace").help("put the rule into a ClusterRole"));
            }
            (Some(urls), Some(resources)) => {
                diags.push(finding::exclusive(urls, resources, "a rule has both resources and `nonResourceURLs`"));
            }
            (Some(_), None) => {}
            (None, _) => {
                let missing = ["apiGroups", "resources"].into_iter().find(|field| !rule.filled(field));
                if let Some(field) = missing {
                    let finding = Diagnostic::new(
                        &codes::RBAC_RULE,
                        rule.get(field).unwrap_or(rule).key,
                        format!("a rule of {} has no `{field}`", whose(object)),
                    );
                    let help = if field == "apiGroups" {
                        "write `apiGroups: [\"\"]` for the core group"
                    } else {
                        "name the resources"
                    };
                    diags.push(finding.here("the API server refuses it without").help(help));
                }
            }
        }
    }
    for selector in object.items("aggregationRule.clusterRoleSelectors") {
        super::labels::check_selector(selector, diags);
    }
}

/// As in `pkg/apis/rbac/validation`: `ValidateRoleBinding`, `ValidateClusterRoleBinding`.
pub(super) fn check_binding(object: At<'_>, namespaced: bool, diags: &mut Diags) {
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if let Some(role) = object.get("roleRef") {
        word(role, "apiGroup", &[GROUP], diags);
        word(role, "kind", kinds, diags);
        not_empty(role, "kind", "`roleRef`", diags);
        not_empty(role, "name", "`roleRef`", diags);
    }
    for subject in object.items("subjects") {
        check_subject(subject, namespaced, diags);
    }
}

fn check_subject(subject: At<'_>, namespaced: bool, diags: &mut Diags) {
    word(subject, "kind", &["ServiceAccount", "User", "Group"], diags);
    not_empty(subject, "name", "a subject", diags);
    let name = subject.word("name");
    match subject.word("kind") {
        "ServiceAccount" => {
            if let Some(group) = subject.get("apiGroup").filter(|_| subject.filled("apiGroup")) {
                diags.push(finding::forbidden(group, format!("ServiceAccount `{name}` is of the core group")));
            }
            if !namespaced {
                required(subject, "namespace", &format!("ServiceAccount `{name}` of a ClusterRoleBinding"), diags);
            }
        }
        "User" | "Group" => word(subject, "apiGroup", &[GROUP], diags),
        _ => {}
    }
}
