//! The rules that an API server adds in code to the structure of built-in kinds.
//!
//! **Invariant:** every error is a refusal of a real API server of the newest pinned version, told at the field that is
//! wrong; a field of a wrong type, an unknown one or one that the schema requires is silent here.
//! Not here: structure, names and labels (`schema`), and what one object says of another (`check`).

mod admission;
mod at;
mod autoscaling;
mod batch;
mod configuration;
mod containers;
mod crd;
mod environment;
mod finding;
mod labels;
mod metadata;
mod networking;
mod pod;
mod policy;
mod probes;
mod rbac;
mod resources;
mod schedule;
mod scheduling;
mod services;
mod storage;
mod values;
mod volumes;
mod workloads;

use std::collections::BTreeSet;

use super::Object;
use crate::diag::{Diags, Severity};
use crate::source::Span;
use at::At;

pub use probes::allowance;

/// What a quantity is worth, text or number; `None` for what is none.
pub fn quantity(value: &serde_json::Value) -> Option<f64> {
    value.as_f64().or_else(|| values::quantity(value.as_str()?))
}

/// Judges one object; kinds that are not built in are passed over.
pub fn check(object: &Object<'_>, diags: &mut Diags) {
    let mut found = Diags::default();
    judge(object, &mut found);
    // Where the structure is wrong already, that was said.
    let said: BTreeSet<Span> =
        diags.iter().filter(|before| before.severity == Severity::Error).map(|before| before.span).collect();
    diags.extend(found.into_iter().filter(|finding| !said.contains(&finding.span)));
}

fn judge(object: &Object<'_>, diags: &mut Diags) {
    let (group, kind) = (object.group, object.kind);
    let object = At::root(object.node);
    metadata::check(object, group, kind, diags);
    match group {
        "" => core(object, kind, diags),
        "apps" if matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") => {
            workloads::check(object, kind, diags);
        }
        "batch" if kind == "CronJob" => batch::check_cron_job(object, diags),
        "batch" if kind == "Job" => with_spec(object, batch::check_job, diags),
        "networking.k8s.io" => match kind {
            "Ingress" => networking::check_ingress(object, diags),
            "IngressClass" => networking::check_class(object, diags),
            "NetworkPolicy" => with_spec(object, networking::check_policy, diags),
            _ => {}
        },
        "rbac.authorization.k8s.io" => match kind {
            "Role" | "ClusterRole" => rbac::check_role(object, kind == "Role", diags),
            "RoleBinding" | "ClusterRoleBinding" => rbac::check_binding(object, kind == "RoleBinding", diags),
            _ => {}
        },
        "autoscaling" if kind == "HorizontalPodAutoscaler" => with_spec(object, autoscaling::check, diags),
        "policy" if kind == "PodDisruptionBudget" => with_spec(object, policy::check_budget, diags),
        _ => cluster(object, group, kind, diags),
    }
}

fn core(object: At<'_>, kind: &str, diags: &mut Diags) {
    match kind {
        "Pod" => with_spec(object, pod::check, diags),
        "PodTemplate" => pod::check_template(object, "template", pod::Maker::Itself, diags),
        "ReplicationController" => workloads::check_replication(object, diags),
        "Service" => services::check(object, diags),
        "ConfigMap" => configuration::check_config_map(object, diags),
        "Secret" => configuration::check_secret(object, diags),
        "PersistentVolumeClaim" => with_spec(object, storage::check_claim, diags),
        "PersistentVolume" => with_spec(object, storage::check_volume, diags),
        "LimitRange" => with_spec(object, policy::check_limits, diags),
        "ResourceQuota" => with_spec(object, policy::check_quota, diags),
        _ => {}
    }
}

/// Kinds that belong to a cluster, and those of smaller groups.
fn cluster(object: At<'_>, group: &str, kind: &str, diags: &mut Diags) {
    match (group, kind) {
        ("storage.k8s.io", "StorageClass") => storage::check_class(object, diags),
        ("storage.k8s.io", "CSIDriver") => with_spec(object, storage::check_driver, diags),
        ("scheduling.k8s.io", "PriorityClass") => policy::check_priority(object, diags),
        ("node.k8s.io", "RuntimeClass") => policy::check_runtime(object, diags),
        ("coordination.k8s.io", "Lease") => with_spec(object, policy::check_lease, diags),
        ("discovery.k8s.io", "EndpointSlice") => services::check_slice(object, diags),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => crd::check(object, diags),
        ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration") => {
            admission::check_webhooks(object, diags);
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy" | "MutatingAdmissionPolicy") => {
            admission::check_policy(object, diags);
        }
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding") => {
            admission::check_policy_binding(object, diags);
        }
        _ => {}
    }
}

fn with_spec(object: At<'_>, judge: impl Fn(At<'_>, &mut Diags), diags: &mut Diags) {
    if let Some(spec) = object.get("spec") {
        judge(spec, diags);
    }
}
