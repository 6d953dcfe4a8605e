//! The order `legacy` of `sortOptions`.
//!
//! **Invariant:** as in Kustomize's SortOrderTransformer: by the rank of the kind, then by texts.

use super::kustomization::Sort;
use super::resource::{Gvk, Resource};

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

impl Default for Sort {
    fn default() -> Sort {
        Sort { first: FIRST.map(str::to_owned).to_vec(), last: LAST.map(str::to_owned).to_vec() }
    }
}

pub(super) fn sort(resources: &mut [Resource], order: &Sort) {
    resources.sort_by_cached_key(|resource| key(resource, order));
}

type Key = (i64, String, String);

fn key(resource: &Resource, order: &Sort) -> Key {
    let Gvk { group, version, kind } = resource.gvk();
    let of = |list: &[String]| list.iter().rposition(|other| other == kind);
    let rank = match (of(&order.last), of(&order.first)) {
        (Some(at), _) => 1 + at as i64,
        (None, Some(at)) => at as i64 - order.first.len() as i64,
        (None, None) => 0,
    };
    let or = |text: &str, empty: &str| if text.is_empty() { empty.to_owned() } else { text.to_owned() };
    // A Namespace of the core group comes before others of the name.
    let none = if kind == "Namespace" { "" } else { "~G" };
    let gvk = format!("{}_{}_{}", or(group, none), or(version, "~V"), or(kind, "~K"));
    (rank, gvk, format!("{}|{}", or(resource.namespace(), "~X"), or(resource.name(), "~N")))
}
