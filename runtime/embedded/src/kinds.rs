//! The kinds that are served: the built-in table, and those that stored CustomResourceDefinitions add.
//!
//! **Invariant:** a catalogue is immutable; a change of a definition makes a new one. Not here: what requests do.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

use crate::custom;
use crate::schema::{self, Type};
use crate::status::GroupResource;

/// One resource in one version.
#[derive(Clone, Debug)]
pub struct Kind {
    pub group: String,
    pub version: String,
    pub kind: String,
    pub plural: String,
    pub singular: String,
    pub short_names: Vec<String>,
    pub categories: Vec<String>,
    pub namespaced: bool,
    pub has_status: bool,
    pub scale: Option<Scale>,
    pub ty: Type,
    /// Defined by a CustomResourceDefinition.
    pub custom: bool,
    /// The version that objects are stored in.
    pub storage_version: String,
}

/// Where the scale subresource finds its numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// JSON pointers.
    pub spec_replicas: String,
    pub status_replicas: String,
    pub selector: Option<String>,
}

impl Kind {
    pub fn api_version(&self) -> String {
        api_version(&self.group, &self.version)
    }

    pub fn group_resource(&self) -> GroupResource {
        GroupResource { group: self.group.clone(), resource: self.plural.clone() }
    }

    /// The key of the store: the plural name and the group.
    pub fn table(&self) -> String {
        table(&self.group, &self.plural)
    }

    pub fn list_kind(&self) -> String {
        format!("{}List", self.kind)
    }
}

pub fn api_version(group: &str, version: &str) -> String {
    match group.is_empty() {
        true => version.to_owned(),
        false => format!("{group}/{version}"),
    }
}

/// The store's name for a resource: `deployments.apps`, `pods`.
pub fn table(group: &str, plural: &str) -> String {
    match group.is_empty() {
        true => plural.to_owned(),
        false => format!("{plural}.{group}"),
    }
}

/// All served kinds.
#[derive(Clone, Debug)]
pub struct Catalogue {
    kinds: Vec<Arc<Kind>>,
}

impl Catalogue {
    /// The built-in kinds and those of the given CustomResourceDefinitions.
    pub fn new<'a>(definitions: impl Iterator<Item = &'a Value>) -> Catalogue {
        let mut kinds: Vec<Arc<Kind>> = BUILT_IN.clone();
        for definition in definitions {
            for kind in custom::kinds(definition) {
                let taken = kinds.iter().any(|known| {
                    known.group == kind.group && known.version == kind.version && known.plural == kind.plural
                });
                if !taken {
                    kinds.push(Arc::new(kind));
                }
            }
        }
        Catalogue { kinds }
    }

    pub fn all(&self) -> &[Arc<Kind>] {
        &self.kinds
    }

    pub fn resource(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.kinds.iter().find(|kind| kind.group == group && kind.version == version && kind.plural == plural)
    }

    pub fn kind(&self, group: &str, version: &str, name: &str) -> Option<&Arc<Kind>> {
        self.kinds.iter().find(|kind| kind.group == group && kind.version == version && kind.kind == name)
    }

    /// The kind in whatever version comes first, as owner references are resolved.
    pub fn by_group_kind(&self, group: &str, name: &str) -> Option<&Arc<Kind>> {
        self.kinds.iter().find(|kind| kind.group == group && kind.kind == name)
    }

    /// One kind for each table of the store.
    pub fn tables(&self) -> BTreeMap<String, Arc<Kind>> {
        let mut out: BTreeMap<String, Arc<Kind>> = BTreeMap::new();
        for kind in &self.kinds {
            out.entry(kind.table()).or_insert_with(|| Arc::clone(kind));
        }
        out
    }

    pub fn has_version(&self, group: &str, version: &str) -> bool {
        self.kinds.iter().any(|kind| kind.group == group && kind.version == version)
    }
}

/// Kinds whose objects something here acts upon, or that need nothing to act upon them. Everything else is stored and
/// served, and nothing more happens.
pub fn has_controller(group: &str, kind: &str) -> bool {
    match group {
        "" => !matches!(
            kind,
            "Service" | "ReplicationController" | "ResourceQuota" | "LimitRange" | "PersistentVolume" | "Endpoints"
        ),
        "apps" => matches!(kind, "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "ControllerRevision"),
        "batch" => matches!(kind, "Job"),
        "rbac.authorization.k8s.io" | "coordination.k8s.io" | "scheduling.k8s.io" => true,
        "storage.k8s.io" => matches!(kind, "StorageClass"),
        "apiextensions.k8s.io" => true,
        _ => false,
    }
}

/// group, version, plural, kind, short names, flags: n namespaced, s status, c scale, a category
/// `all`, x category `api-extensions`
type Row = (&'static str, &'static str, &'static str, &'static str, &'static str, &'static str);

const ROWS: &[Row] = &[
    ("", "v1", "configmaps", "ConfigMap", "cm", "n"),
    ("", "v1", "endpoints", "Endpoints", "ep", "n"),
    ("", "v1", "events", "Event", "ev", "n"),
    ("", "v1", "limitranges", "LimitRange", "limits", "n"),
    ("", "v1", "namespaces", "Namespace", "ns", "s"),
    ("", "v1", "nodes", "Node", "no", "s"),
    ("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim", "pvc", "ns"),
    ("", "v1", "persistentvolumes", "PersistentVolume", "pv", "s"),
    ("", "v1", "pods", "Pod", "po", "nsa"),
    ("", "v1", "podtemplates", "PodTemplate", "", "n"),
    ("", "v1", "replicationcontrollers", "ReplicationController", "rc", "nsca"),
    ("", "v1", "resourcequotas", "ResourceQuota", "quota", "ns"),
    ("", "v1", "secrets", "Secret", "", "n"),
    ("", "v1", "serviceaccounts", "ServiceAccount", "sa", "n"),
    ("", "v1", "services", "Service", "svc", "nsa"),
    ("admissionregistration.k8s.io", "v1", "mutatingwebhookconfigurations", "MutatingWebhookConfiguration", "", "x"),
    ("admissionregistration.k8s.io", "v1", "validatingadmissionpolicies", "ValidatingAdmissionPolicy", "", "sx"),
    (
        "admissionregistration.k8s.io",
        "v1",
        "validatingadmissionpolicybindings",
        "ValidatingAdmissionPolicyBinding",
        "",
        "x",
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "validatingwebhookconfigurations",
        "ValidatingWebhookConfiguration",
        "",
        "x",
    ),
    ("apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", "crd,crds", "sx"),
    ("apps", "v1", "controllerrevisions", "ControllerRevision", "", "n"),
    ("apps", "v1", "daemonsets", "DaemonSet", "ds", "nsa"),
    ("apps", "v1", "deployments", "Deployment", "deploy", "nsca"),
    ("apps", "v1", "replicasets", "ReplicaSet", "rs", "nsca"),
    ("apps", "v1", "statefulsets", "StatefulSet", "sts", "nsca"),
    ("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", "nsa"),
    ("autoscaling", "v1", "horizontalpodautoscalers", "HorizontalPodAutoscaler", "hpa", "nsa"),
    ("batch", "v1", "cronjobs", "CronJob", "cj", "nsa"),
    ("batch", "v1", "jobs", "Job", "", "nsa"),
    ("coordination.k8s.io", "v1", "leases", "Lease", "", "n"),
    ("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", "", "n"),
    ("networking.k8s.io", "v1", "ingressclasses", "IngressClass", "", ""),
    ("networking.k8s.io", "v1", "ingresses", "Ingress", "ing", "ns"),
    ("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy", "netpol", "n"),
    ("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget", "pdb", "ns"),
    ("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", "", ""),
    ("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", "", ""),
    ("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding", "", "n"),
    ("rbac.authorization.k8s.io", "v1", "roles", "Role", "", "n"),
    ("scheduling.k8s.io", "v1", "priorityclasses", "PriorityClass", "pc", ""),
    ("storage.k8s.io", "v1", "csidrivers", "CSIDriver", "", ""),
    ("storage.k8s.io", "v1", "csinodes", "CSINode", "", ""),
    ("storage.k8s.io", "v1", "csistoragecapacities", "CSIStorageCapacity", "", "n"),
    ("storage.k8s.io", "v1", "storageclasses", "StorageClass", "sc", ""),
    ("storage.k8s.io", "v1", "volumeattachments", "VolumeAttachment", "", "s"),
];

static BUILT_IN: LazyLock<Vec<Arc<Kind>>> = LazyLock::new(|| ROWS.iter().map(|row| Arc::new(built_in(row))).collect());

fn built_in(&(group, version, plural, kind, short_names, flags): &Row) -> Kind {
    let package = match group {
        "" => "core",
        other => other.split('.').next().unwrap_or(other),
    };
    let package = if group == "rbac.authorization.k8s.io" { "rbac" } else { package };
    let name = format!("{package}.{version}.{kind}");
    let scale = flags.contains('c').then(|| Scale {
        spec_replicas: "/spec/replicas".to_owned(),
        status_replicas: "/status/replicas".to_owned(),
        selector: None,
    });
    Kind {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: kind.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        short_names: short_names.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        categories: match (flags.contains('a'), flags.contains('x')) {
            (true, _) => vec!["all".to_owned()],
            (_, true) => vec!["api-extensions".to_owned()],
            (false, false) => Vec::new(),
        },
        namespaced: flags.contains('n'),
        has_status: flags.contains('s'),
        scale,
        ty: schema::named(&name).unwrap_or_else(|| panic!("BUG: the table lacks {name}")),
        custom: false,
        storage_version: if group == "autoscaling" { "v2" } else { version }.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_type() {
        assert_eq!(Catalogue::new(std::iter::empty()).all().len(), ROWS.len());
    }
}
