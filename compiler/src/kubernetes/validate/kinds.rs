//! Whether an API server has a kind at all, and in this version.

use super::findings::document;
use crate::diag::{Applicability, Diagnostic, Diags, codes, suggest};
use crate::kubernetes::Object;
use crate::kubernetes::schema::Schemas;

/// Kinds that were served under another group: (group, kind, group now).
const MOVED: &[(&str, &str, &str)] = &[
    ("extensions", "Deployment", "apps"),
    ("extensions", "DaemonSet", "apps"),
    ("extensions", "ReplicaSet", "apps"),
    ("extensions", "Ingress", "networking.k8s.io"),
    ("extensions", "NetworkPolicy", "networking.k8s.io"),
];

/// Built-in groups that no release here serves any more.
const GONE: &[&str] = &["extensions", "settings.k8s.io", "auditregistration.k8s.io"];

/// Reports a kind that the server does not serve, or not in this version.
pub fn check_kind(object: &Object<'_>, schemas: &Schemas, diags: &mut Diags) {
    let (group, version, kind) = (object.group, object.version, object.kind);
    let release = schemas.release;
    if let Some(definition) = schemas.definition(group, kind) {
        let served = definition.versions.iter().filter(|known| known.served);
        let served: Vec<&str> = served.map(|known| known.name.as_str()).collect();
        if !served.contains(&version) {
            let message = format!("`{kind}` is not served as `{}`", object.api_version());
            let finding = Diagnostic::new(&codes::API_VERSION_REMOVED, document(object, "apiVersion"), message);
            diags.push(finding.help(format!("its CustomResourceDefinition serves: {}", served.join(", "))));
        }
        return;
    }
    let built_in = release.has_group(group) || GONE.contains(&group);
    if !built_in || release.kind(group, version, kind).is_some() {
        return;
    }
    let moved = MOVED.iter().find(|(from, known, _)| *from == group && *known == kind).map_or(group, |(.., to)| *to);
    let mut versions: Vec<&str> =
        release.versions(kind).filter(|(known, _)| *known == moved).map(|(_, version)| version).collect();
    versions.sort_by_key(|version| (version.len(), std::cmp::Reverse(*version)));
    diags.push(match versions.first() {
        Some(best) => removed(object, release.version, moved, best),
        None => unknown(object, schemas),
    });
}

fn joined(group: &str, version: &str) -> String {
    if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") }
}

fn removed(object: &Object<'_>, release: &str, group: &str, best: &str) -> Diagnostic {
    let now = joined(group, best);
    let span = document(object, "apiVersion");
    let message = format!("Kubernetes {release} does not serve `{}` as `{}`", object.kind, object.api_version());
    Diagnostic::new(&codes::API_VERSION_REMOVED, span, message)
        .here("no version of this name is served")
        .help(format!("use `apiVersion: {now}`, and look at what changed in its fields"))
        .fix(format!("use `{now}`"), Applicability::Maybe, span, now)
}

fn unknown(object: &Object<'_>, schemas: &Schemas) -> Diagnostic {
    let span = document(object, "kind");
    let message = format!("`{}` has no kind `{}`", object.api_version(), object.kind);
    let finding = Diagnostic::new(&codes::KIND_UNKNOWN, span, message);
    let elsewhere = schemas.release.versions(object.kind).find(|(_, version)| !version.contains("alpha"));
    if let Some((group, version)) = elsewhere {
        let now = joined(group, version);
        let place = document(object, "apiVersion");
        let finding = finding.help(format!("`{}` belongs to `{now}`", object.kind));
        return finding.fix(format!("use `apiVersion: {now}`"), Applicability::Maybe, place, now);
    }
    let known: Vec<&str> = schemas.release.kinds_of(object.group, object.version).collect();
    match suggest::closest(object.kind, known) {
        Some(real) => finding.help(format!("there is a kind with a similar name: `{real}`")).fix(
            format!("use `{real}`"),
            Applicability::Maybe,
            span,
            real,
        ),
        None => finding.help(format!("Kubernetes {} serves no such kind", schemas.release.version)),
    }
}
