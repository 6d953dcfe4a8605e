//! Which kinds there are, what their resource is called, and whether they live in a namespace.
//!
//! **Invariant:** the built-in table is that of one pinned Kubernetes version (`scope.txt`); custom kinds come only from
//! the CustomResourceDefinitions that are given.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::Value;

const TABLE: &str = include_str!("scope.txt");

/// A kind that an API server serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// `""` for the core group.
    pub group: String,
    pub kind: String,
    /// The plural by which requests and RBAC rules name it.
    pub resource: String,
    pub namespaced: bool,
    pub versions: Vec<String>,
}

/// Kinds by group and kind.
#[derive(Clone, Debug, Default)]
pub struct Kinds {
    by_name: BTreeMap<(String, String), Resource>,
}

static BUILT_IN: LazyLock<Kinds> = LazyLock::new(|| {
    let mut kinds = Kinds::default();
    for line in TABLE.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split(' ').collect();
        let [group, kind, resource, scope, versions] = words[..] else { panic!("BUG: scope.txt has a line {line}") };
        kinds.insert(Resource {
            group: if group == "-" { String::new() } else { group.to_owned() },
            kind: kind.to_owned(),
            resource: resource.to_owned(),
            namespaced: scope == "namespaced",
            versions: versions.split(',').map(str::to_owned).collect(),
        });
    }
    kinds
});

/// A built-in kind.
pub fn built_in(group: &str, kind: &str) -> Option<&'static Resource> {
    BUILT_IN.get(group, kind)
}

/// Whether objects of a built-in kind live in a namespace; `None` for kinds that are not built in.
pub fn is_namespaced(group: &str, kind: &str) -> Option<bool> {
    built_in(group, kind).map(|resource| resource.namespaced)
}

/// The plural of a kind: that of a built-in kind, and a guess by the usual rules of English for others.
pub fn resource(group: &str, kind: &str) -> String {
    if let Some(known) = built_in(group, kind) {
        return known.resource.clone();
    }
    let lower = kind.to_lowercase();
    if ["s", "x", "ch", "sh"].iter().any(|end| lower.ends_with(end)) {
        return format!("{lower}es");
    }
    match lower.strip_suffix('y').filter(|stem| !stem.ends_with(['a', 'e', 'i', 'o', 'u'])) {
        Some(stem) => format!("{stem}ies"),
        None => format!("{lower}s"),
    }
}

impl Kinds {
    /// The built-in kinds and those that the CustomResourceDefinitions among `objects` define.
    pub fn with_definitions<'a>(objects: impl IntoIterator<Item = &'a Value>) -> Kinds {
        let mut kinds = BUILT_IN.clone();
        objects.into_iter().filter_map(definition).for_each(|resource| kinds.insert(resource));
        kinds
    }

    pub fn get(&self, group: &str, kind: &str) -> Option<&Resource> {
        self.by_name.get(&(group.to_owned(), kind.to_owned()))
    }

    pub fn insert(&mut self, resource: Resource) {
        self.by_name.insert((resource.group.clone(), resource.kind.clone()), resource);
    }

    /// All kinds, by group and kind.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.by_name.values()
    }
}

/// The kind that a CustomResourceDefinition defines; `None` for anything else, or an incomplete one.
pub fn definition(object: &Value) -> Option<Resource> {
    if object.get("kind")? != "CustomResourceDefinition" {
        return None;
    }
    let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
    let listed = object.pointer("/spec/versions").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let served = listed.iter().filter(|version| version.get("served") != Some(&Value::Bool(false)));
    let names = served.filter_map(|version| version.get("name").and_then(Value::as_str));
    Some(Resource {
        group: text("/spec/group")?.to_owned(),
        kind: text("/spec/names/kind")?.to_owned(),
        resource: text("/spec/names/plural")?.to_owned(),
        namespaced: text("/spec/scope")? == "Namespaced",
        versions: names.map(str::to_owned).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn kinds_are_known_by_group() {
        assert_eq!(built_in("apps", "Deployment").map(|kind| kind.resource.as_str()), Some("deployments"));
        assert!(built_in("", "Namespace").is_some_and(|kind| !kind.namespaced));
        assert!(built_in("", "Deployment").is_none());
        assert_eq!(resource("x.io", "Policy"), "policies");
        assert_eq!(resource("x.io", "Gateway"), "gateways");
        let definition = json!({"kind": "CustomResourceDefinition", "spec": {"group": "x.io", "scope": "Cluster",
            "names": {"kind": "Thing", "plural": "things"}, "versions": [{"name": "v1", "served": true}]}});
        let kinds = Kinds::with_definitions([&definition]);
        assert!(kinds.get("x.io", "Thing").is_some_and(|kind| !kind.namespaced && kind.versions == ["v1"]));
        assert!(kinds.get("batch", "Job").is_some());
    }
}
