//! Which lists of built-in kinds are merged by key, and which kinds are cluster-scoped, as Kustomize knows it.
//!
//! **Invariant:** the table is Kustomize's own, pinned: a kind it does not have merges no list and counts as namespaced.
//! Not here: what a real API server serves (`scope`).

use std::collections::BTreeMap;
use std::sync::LazyLock;

const TABLE: &str = include_str!("merge_keys.txt");

const POD: &str = "containers:name containers/env:name containers/ports:containerPort,protocol \
containers/volumeDevices:devicePath containers/volumeMounts:mountPath ephemeralContainers:name \
ephemeralContainers/env:name ephemeralContainers/volumeDevices:devicePath ephemeralContainers/volumeMounts:mountPath \
hostAliases:ip imagePullSecrets:name initContainers:name initContainers/env:name \
initContainers/ports:containerPort,protocol initContainers/volumeDevices:devicePath \
initContainers/volumeMounts:mountPath topologySpreadConstraints:topologyKey,whenUnsatisfiable volumes:name \
volumes/ephemeral/volumeClaimTemplate/metadata/finalizers:- \
volumes/ephemeral/volumeClaimTemplate/metadata/ownerReferences:uid";

const META: &str = "finalizers:- ownerReferences:uid";

/// The merged lists at and below a field; the elements of a list have the node of the list.
#[derive(Debug, Default)]
pub(super) struct Keys {
    fields: BTreeMap<&'static str, Keys>,
    /// The keys of a merged list; the one key `""` for a list of plain values.
    pub(super) list: Option<Vec<&'static str>>,
}

impl Keys {
    pub(super) fn field(&self, name: &str) -> Option<&Keys> {
        self.fields.get(name)
    }

    fn insert(&mut self, prefix: Option<&'static str>, lists: &'static str) {
        for list in lists.split_whitespace() {
            let (path, keys) = list.split_once(':').expect("BUG: a list of merge_keys.txt has no key");
            let steps = prefix.into_iter().flat_map(|prefix| prefix.split('/')).chain(path.split('/'));
            let node = steps.fold(&mut *self, |node, step| node.fields.entry(step).or_default());
            node.list = Some(if keys == "-" { vec![""] } else { keys.split(',').collect() });
        }
    }
}

struct Kind {
    cluster_scoped: bool,
    keys: Keys,
}

/// By kind, then by apiVersion.
type Kinds = BTreeMap<&'static str, BTreeMap<&'static str, Kind>>;

static KINDS: LazyLock<Kinds> = LazyLock::new(|| {
    let mut kinds = Kinds::new();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split(' ');
        let mut word = || words.next().expect("BUG: a line of merge_keys.txt is too short");
        let (api_version, name, scope) = (word(), word(), word());
        let mut keys = Keys::default();
        for list in words {
            match list.split_once('=') {
                Some(("pod", prefix)) => keys.insert(Some(prefix), POD),
                Some(("meta", prefix)) => keys.insert(Some(prefix), META),
                Some(_) | None => keys.insert(None, list),
            }
        }
        let kind = Kind { cluster_scoped: scope == "cluster", keys };
        kinds.entry(name).or_default().insert(api_version, kind);
    }
    kinds
});

/// The merged lists of a kind, if Kustomize knows it.
pub(super) fn of(api_version: &str, kind: &str) -> Option<&'static Keys> {
    find(api_version, kind).map(|kind| &kind.keys)
}

/// Whether Kustomize is certain that a kind is cluster-scoped.
pub(super) fn is_cluster_scoped(api_version: &str, kind: &str) -> bool {
    find(api_version, kind).is_some_and(|kind| kind.cluster_scoped)
}

fn find(api_version: &str, kind: &str) -> Option<&'static Kind> {
    KINDS.get(kind)?.get(api_version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_pods_are_found_below_their_prefix() {
        let keys = of("apps/v1", "Deployment").unwrap();
        let path = ["spec", "template", "spec", "containers", "ports"];
        let ports = path.iter().try_fold(keys, |keys, step| keys.field(step)).unwrap();
        assert_eq!(ports.list.as_deref(), Some(["containerPort", "protocol"].as_slice()));
        assert_eq!(keys.field("metadata").unwrap().field("finalizers").unwrap().list.as_deref(), Some([""].as_slice()));
        assert!(is_cluster_scoped("v1", "Namespace") && !is_cluster_scoped("v1", "Pod") && of("v2", "Pod").is_none());
    }
}
