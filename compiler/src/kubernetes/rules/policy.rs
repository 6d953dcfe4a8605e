//! Disruption budgets, limits and quotas of namespaces, and classes of priority and runtime.

use super::at::At;
use super::labels::check_selector;
use super::resources::check_amount;
use super::values::{amount, is_qualified, within, word};
use super::workloads::check_share;
use super::{finding, scheduling};
use crate::diag::{Diagnostic, Diags, codes};

/// As in `pkg/apis/policy/validation`: `ValidatePodDisruptionBudgetSpec`.
pub(super) fn check_budget(spec: At<'_>, diags: &mut Diags) {
    if let (Some(first), Some(second)) = (spec.get("minAvailable"), spec.get("maxUnavailable")) {
        diags.push(finding::exclusive(second, first, "the budget has both `minAvailable` and `maxUnavailable`"));
    }
    check_share(spec, "minAvailable", true, diags);
    check_share(spec, "maxUnavailable", true, diags);
    if let Some(selector) = spec.get("selector") {
        check_selector(selector, diags);
    }
    word(spec, "unhealthyPodEvictionPolicy", &["IfHealthyBudget", "AlwaysAllow"], diags);
}

/// As in `pkg/apis/core/validation`: `ValidateLimitRange`.
pub(super) fn check_limits(spec: At<'_>, diags: &mut Diags) {
    for limit in spec.items("limits") {
        if limit.word("type") == "Pod" {
            for field in ["default", "defaultRequest"] {
                if let Some(at) = limit.get(field).filter(|_| limit.filled(field)) {
                    diags.push(finding::forbidden(at, format!("a limit of the type `Pod` cannot have `{field}`")));
                }
            }
        }
        // From the least to the most; each must not be more than the next one that is there.
        let order = ["min", "defaultRequest", "default", "max"];
        for (at, low) in order.iter().enumerate() {
            for (name, value) in limit.entries(low) {
                check_amount(name, value, "the limit", diags);
                for high in &order[at + 1..] {
                    let above = limit.entries(high).iter().find(|(other, _)| other.value == name.value);
                    let Some((_, above)) = above else { continue };
                    let (Some((less, less_text)), Some((more, more_text))) = (amount(value), amount(above)) else {
                        continue;
                    };
                    if less > more {
                        let message =
                            format!("`{low}` of `{}` is {less_text}, more than `{high}` {more_text}", name.value);
                        let finding = Diagnostic::new(&codes::RESOURCE_LIMITS, value.span, message);
                        diags.push(
                            finding.here("more").label(above.span, "than this").help("lower one or raise the other"),
                        );
                    }
                }
            }
        }
        if let Some(ratio) =
            limit.entries("maxLimitRequestRatio").iter().find(|(_, value)| amount(value).is_some_and(|(n, _)| n < 1.0))
        {
            diags.push(finding::invalid(
                ratio.1.span,
                "a ratio of limit and request is less than 1",
                "write at least 1",
            ));
        }
    }
}

/// As in `pkg/apis/core/validation`: `ValidateResourceQuotaSpec`.
pub(super) fn check_quota(spec: At<'_>, diags: &mut Diags) {
    for (name, value) in spec.entries("hard") {
        check_amount(name, value, "the quota", diags);
        let standard = [
            "cpu",
            "memory",
            "ephemeral-storage",
            "requests.cpu",
            "requests.memory",
            "requests.storage",
            "requests.ephemeral-storage",
            "limits.cpu",
            "limits.memory",
            "limits.ephemeral-storage",
            "pods",
            "services",
            "replicationcontrollers",
            "resourcequotas",
            "secrets",
            "configmaps",
            "persistentvolumeclaims",
            "services.nodeports",
            "services.loadbalancers",
        ];
        let plain = !name.value.contains('/') && !name.value.contains("hugepages-");
        if (plain && !standard.contains(&name.value.as_str())) || !is_qualified(&name.value) {
            let finding =
                Diagnostic::new(&codes::UNSUPPORTED_VALUE, name.span, format!("a quota cannot limit `{}`", name.value));
            let finding = finding.here("no such resource");
            diags.push(match crate::diag::suggest::closest(&name.value, standard) {
                Some(real) => finding.help(format!("there is `{real}`")),
                None => finding.help("other resources are counted as `count/RESOURCE.GROUP`"),
            });
        }
    }
    let scopes = [
        "Terminating",
        "NotTerminating",
        "BestEffort",
        "NotBestEffort",
        "PriorityClass",
        "CrossNamespacePodAffinity",
        "VolumeAttributesClass",
    ];
    for scope in spec.items("scopes") {
        if scope.node.as_str().is_some_and(|text| !scopes.contains(&text)) {
            diags.push(finding::unsupported(scope, "scopes", &scopes));
        }
    }
    for requirement in spec.items("scopeSelector.matchExpressions") {
        word(requirement, "scopeName", &scopes, diags);
        word(requirement, "operator", &["In", "NotIn", "Exists", "DoesNotExist"], diags);
    }
}

/// As in `pkg/apis/scheduling/validation`: `ValidatePriorityClass`. Values above one thousand million are the system's.
pub(super) fn check_priority(object: At<'_>, diags: &mut Diags) {
    let name = object.word("metadata.name");
    if name.starts_with("system-") && !matches!(name, "system-node-critical" | "system-cluster-critical") {
        let message = format!("`{name}` begins with `system-`, which is kept for the system");
        diags
            .push(finding::forbidden(object.get("metadata.name").unwrap_or(object), message).help("name it otherwise"));
    }
    if !name.starts_with("system-") {
        within(object, "value", (-2_147_483_648, 1_000_000_000), diags);
    }
    word(object, "preemptionPolicy", &["Never", "PreemptLowerPriority"], diags);
}

/// As in `pkg/apis/node/validation`: `ValidateRuntimeClass`.
pub(super) fn check_runtime(object: At<'_>, diags: &mut Diags) {
    super::values::label_name(object, "handler", "handler", diags);
    for (name, value) in object.entries("overhead.podFixed") {
        check_amount(name, value, "the overhead", diags);
    }
    if let Some(scheduling) = object.get("scheduling") {
        scheduling::check(scheduling, diags);
    }
}

/// As in `pkg/apis/coordination/validation`: `ValidateLeaseSpec`.
pub(super) fn check_lease(spec: At<'_>, diags: &mut Diags) {
    within(spec, "leaseDurationSeconds", (1, i64::from(i32::MAX)), diags);
    within(spec, "leaseTransitions", (0, i64::from(i32::MAX)), diags);
    if let Some(holder) = spec.get("holderIdentity").filter(|holder| holder.node.as_str() == Some("")) {
        diags.push(finding::invalid(holder.span(), "the holder of the lease is empty", "name it or leave it out"));
    }
}
