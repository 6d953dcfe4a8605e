//! The pinned releases of Kubernetes, embedded compressed.
//!
//! **Invariant:** the files are written by `runtime/examples/reduce-openapi.rs` and by nobody else; a release is inflated
//! when it is first asked for, and a type is parsed when it is first used.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::sync::{LazyLock, OnceLock};

use super::{Schema, parse};

/// The releases, the newest last.
pub const VERSIONS: &[&str] = &["1.34", "1.35", "1.36"];

static V1_34: LazyLock<Release> = LazyLock::new(|| read("1.34", include_bytes!("v1.34.gz")));
static V1_35: LazyLock<Release> = LazyLock::new(|| read("1.35", include_bytes!("v1.35.gz")));
static V1_36: LazyLock<Release> = LazyLock::new(|| read("1.36", include_bytes!("v1.36.gz")));

/// The kinds and types of a release.
#[derive(Debug)]
pub struct Release {
    /// Such as `1.36`.
    pub version: &'static str,
    kinds: BTreeMap<(&'static str, &'static str, &'static str), Kind>,
    types: BTreeMap<&'static str, (&'static str, OnceLock<Schema>)>,
    groups: BTreeSet<&'static str>,
}

/// A kind in one version.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    pub resource: &'static str,
    pub namespaced: bool,
    pub ty: &'static str,
}

/// The release called `1.36`, `v1.36` or `1.36.1`.
pub fn find(version: &str) -> Option<&'static Release> {
    let plain = version.strip_prefix('v').unwrap_or(version);
    let minor = plain.splitn(3, '.').take(2).collect::<Vec<_>>().join(".");
    match minor.as_str() {
        "1.34" => Some(&V1_34),
        "1.35" => Some(&V1_35),
        "1.36" => Some(&V1_36),
        _ => None,
    }
}

pub fn newest() -> &'static Release {
    &V1_36
}

fn read(version: &'static str, bytes: &[u8]) -> Release {
    let mut text = String::new();
    flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).expect("BUG: an embedded release is damaged");
    let text: &'static str = Box::leak(text.into_boxed_str());
    let mut release = Release { version, kinds: BTreeMap::new(), types: BTreeMap::new(), groups: BTreeSet::new() };
    for line in text.lines() {
        if let Some(ty) = line.strip_prefix("type ") {
            let (name, json) = ty.split_once(' ').expect("BUG: a type of a release has no schema");
            release.types.insert(name, (json, OnceLock::new()));
        } else if let Some(kind) = line.strip_prefix("kind ") {
            let words: Vec<&'static str> = kind.split(' ').collect();
            let [group, version, kind, resource, scope, ty] = words[..] else { panic!("BUG: a release has {line}") };
            let group = if group == "-" { "" } else { group };
            release.groups.insert(group);
            release.kinds.insert((group, version, kind), Kind { resource, namespaced: scope == "namespaced", ty });
        }
    }
    release
}

impl Release {
    pub fn kind(&self, group: &str, version: &str, kind: &str) -> Option<Kind> {
        self.kinds.get(&(group, version, kind)).copied()
    }

    /// The versions in which a kind is known, by its group.
    pub fn versions<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = (&'static str, &'static str)> + 'a {
        self.kinds.keys().filter(move |(_, _, known)| *known == kind).map(|(group, version, _)| (*group, *version))
    }

    /// The kinds of a group and version.
    pub fn kinds_of<'a>(&'a self, group: &'a str, version: &'a str) -> impl Iterator<Item = &'static str> + 'a {
        let of = move |(known, served, _): &&(&str, &str, &str)| *known == group && *served == version;
        self.kinds.keys().filter(of).map(|(_, _, kind)| *kind)
    }

    pub fn has_group(&self, group: &str) -> bool {
        self.groups.contains(group)
    }

    /// A type by its name.
    pub fn ty(&self, name: &str) -> Option<&Schema> {
        let (json, schema) = self.types.get(name)?;
        Some(schema.get_or_init(|| {
            let value = serde_json::from_str(json).expect("BUG: a type of a release is no JSON");
            parse::schema(&value)
        }))
    }

    /// The schema of `metadata`.
    pub fn object_meta(&self) -> Option<&Schema> {
        self.ty("apimachinery.pkg.apis.meta.v1.ObjectMeta")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_release_is_read_in_full() {
        for version in VERSIONS {
            let release = find(version).unwrap();
            assert!(release.kinds.len() > 70, "{version} has {} kinds", release.kinds.len());
            assert!(release.types.keys().all(|name| release.ty(name).is_some()));
            let deployment = release.kind("apps", "v1", "Deployment").unwrap();
            assert!(deployment.namespaced && release.ty(deployment.ty).unwrap().properties.contains_key("spec"));
            assert!(release.object_meta().is_some());
        }
        assert!(find("1.36.4").is_some() && find("v1.35").is_some() && find("1.20").is_none());
    }
}
