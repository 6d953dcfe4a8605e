//! Objects: which are created, changed, taken over or deleted, and what each waits for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::changes;
use super::draft::{Draft, Place, rule, unknowns_in};
use super::immutable;
use crate::diag::{Diagnostic, codes};
use crate::manifest::{Object, scope};
use crate::model::ClusterId;
use crate::plan::diff::{self, Difference};
use crate::plan::effect::{Apply, Delete, Effect, Found, FoundField, ObjectRef};
use crate::plan::observed::{ClusterFacts, DryRun, ObjectFacts};
use crate::plan::{Action, Foreign, Kind, Op, Unknown, managers, owners};
use crate::source::Spanned;

/// What is known of one desired object.
pub struct Compared<'a> {
    pub object: &'a Object,
    pub reference: ObjectRef,
    pub live: Option<&'a Value>,
    pub differences: Vec<Difference>,
    /// Whether the inventory of the environment has it.
    pub listed: bool,
    /// Fields that the apply takes from other managers: `FIELD from MANAGER`.
    pub taken: Vec<String>,
}

/// Group, version, kind, namespace and name of an object.
pub fn reference(value: &Value) -> ObjectRef {
    let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let api = text("/apiVersion");
    let (group, version) = api.split_once('/').unwrap_or(("", api.as_str()));
    ObjectRef {
        group: group.to_owned(),
        version: version.to_owned(),
        kind: text("/kind"),
        namespace: text("/metadata/namespace"),
        name: text("/metadata/name"),
        uid: None,
    }
}

/// `apps/Deployment/staging/api`; the core group is called `core`.
pub fn show(object: &ObjectRef) -> String {
    let group = if object.group.is_empty() { "core" } else { &object.group };
    format!("{group}/{}/{}/{}", object.kind, object.namespace, object.name)
}

pub fn same(left: &ObjectRef, right: &ObjectRef) -> bool {
    (&left.group, &left.kind, &left.namespace, &left.name) == (&right.group, &right.kind, &right.namespace, &right.name)
}

/// The plural that permissions name.
pub fn resource(object: &ObjectRef) -> String {
    scope::resource(&object.group, &object.kind)
}

/// Facts of a cluster by object, for quick look-up.
pub type ByName<'a> = BTreeMap<String, &'a ObjectFacts>;

pub fn by_name(facts: &ClusterFacts) -> ByName<'_> {
    facts.objects.iter().map(|facts| (show(&facts.object), facts)).collect()
}

/// Compares a desired object with what the cluster says. A refusal is reported and gives no difference.
pub fn compare<'a>(
    draft: &mut Draft,
    object: &'a Object,
    known: &ByName<'a>,
    inventory: &BTreeSet<String>,
    unknowns: &[Unknown],
) -> Option<Compared<'a>> {
    let mut reference = reference(&object.value);
    let name = show(&reference);
    let facts = known.get(&name).copied();
    let live = facts.and_then(|facts| facts.live.as_ref());
    reference.uid = live.and_then(|live| live.pointer("/metadata/uid")).and_then(Value::as_str).map(str::to_owned);
    let refused = |message: String| Diagnostic::new(&codes::OBJECT_REFUSED, object.origin, message);
    if let Some(DryRun::NotServed(why)) = facts.map(|facts| &facts.dry_run)
        && !defined_here(draft, &reference)
    {
        let finding = Diagnostic::new(&codes::KIND_NOT_SERVED, object.origin, format!("{name} cannot be there: {why}"));
        draft.problems.push(
            finding
                .here("the target does not serve this kind")
                .help("install what defines it, or add its CRD to the manifests"),
        );
        return None;
    }
    if let Some(finding) = live.and_then(|live| immutable::check(object, live, &name, unknowns)) {
        draft.problems.push(finding);
        return None;
    }
    let mut taken = Vec::new();
    let differences = match (live, facts.map(|facts| &facts.dry_run)) {
        (_, Some(DryRun::Refused(why))) => {
            draft.problems.push(refused(format!("the cluster refuses {name}")).here(why.clone()));
            return None;
        }
        (Some(live), Some(DryRun::Conflict(owners, forced))) => {
            taken = owners
                .iter()
                .map(|(path, manager)| format!("{} from {manager}", path.trim_start_matches('.')))
                .collect();
            diff::objects(live, forced)
        }
        (Some(live), Some(DryRun::Object(answer))) => diff::objects(live, answer),
        (Some(live), Some(DryRun::Pending(_) | DryRun::NotAsked | DryRun::NotServed(_)) | None) => {
            diff::objects(live, &object.value)
        }
        (None, _) => diff::leaves(&object.value),
    };
    Some(Compared { object, reference, live, differences, listed: inventory.contains(&name), taken })
}

/// Fields that the address says already.
const IDENTITY: &[&str] = &["apiVersion", "kind", "metadata.name", "metadata.namespace"];

/// Whether a CRD of the same plan defines the kind.
fn defined_here(draft: &Draft, object: &ObjectRef) -> bool {
    let all = draft.facts.desired.environments.values().flat_map(|environment| &environment.objects);
    let mut definitions =
        all.filter(|object| object.value["kind"] == "CustomResourceDefinition").map(|object| &object.value["spec"]);
    definitions.any(|spec| spec["group"] == object.group.as_str() && spec["names"]["kind"] == object.kind.as_str())
}

/// The action that a compared object needs, if any.
pub fn action(draft: &Draft, place: &Place, owner: &str, compared: &Compared, unknowns: &[Unknown]) -> Option<Action> {
    let adopted = compared.live.is_some() && !compared.listed && !draft.facts.options.offline;
    let op = match (compared.live, compared.differences.is_empty()) {
        (None, _) => Op::Create,
        (Some(_), _) if adopted => Op::Adopt,
        (Some(_), false) => Op::Update,
        (Some(_), true) => return None,
    };
    let address = format!("{owner}.object.{}", show(&compared.reference));
    let managers = compared.live.map(managers::managers).unwrap_or_default();
    let why = match op {
        Op::Adopt if managers.is_empty() => "it exists and is in no inventory".to_owned(),
        Op::Adopt => format!("it exists, set by {}", managers.join(", ")),
        _ if compared.taken.is_empty() => "manifest".to_owned(),
        _ => format!("takes {}", compared.taken.join(", ")),
    };
    let reason = draft.because(why, compared.object.origin);
    let found = compared.live.map(|live| found(live, &compared.differences));
    let effect =
        Effect::Apply(Apply { object: compared.object.value.clone(), found, force: !compared.taken.is_empty() });
    let mut action = place.action(address, Kind::Object, op, reason, effect);
    action.changes = changes::of_object(&compared.differences, unknowns);
    action.changes.retain(|change| !IDENTITY.contains(&change.path.as_str()));
    action.unknowns = unknowns_in(&action.effect, unknowns);
    let verbs: &[&str] = if op == Op::Create { &["create", "get", "patch"] } else { &["get", "patch"] };
    action.rbac =
        vec![rule(&compared.reference.group, &resource(&compared.reference), &compared.reference.namespace, verbs)];
    Some(action)
}

/// The facts that an update rests on: uid, and value and owners of each field that it writes.
pub fn found(live: &Value, differences: &[Difference]) -> Found {
    let text = |pointer: &str| live.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
    let field = |difference: &Difference| FoundField {
        path: diff::pointer(&difference.path),
        value: difference.before.clone().unwrap_or(Value::Null),
        owners: owners::owners(live, &diff::pointer(&difference.path)),
    };
    Found {
        uid: text("/metadata/uid"),
        resource_version: text("/metadata/resourceVersion"),
        fields: differences.iter().map(field).collect(),
    }
}

/// Kinds that no plan deletes: with them goes what cannot be made again.
const KEPT: &[&str] = &["Namespace", "CustomResourceDefinition", "PersistentVolumeClaim", "PersistentVolume"];

/// Objects of the inventory that are no longer wanted.
pub fn deletes(
    draft: &mut Draft,
    place: &Place,
    owner: &str,
    wanted: &[ObjectRef],
    inventory: &[ObjectRef],
    known: &ByName,
) -> Vec<Action> {
    let gone = inventory.iter().filter(|item| !wanted.iter().any(|wanted| same(wanted, item)));
    let mut actions = Vec::new();
    for item in gone {
        let name = show(item);
        let Some(live) = known.get(&name).and_then(|facts| facts.live.as_ref()) else { continue };
        let uid = live.pointer("/metadata/uid").and_then(Value::as_str);
        if uid != item.uid.as_deref() && item.uid.is_some() {
            continue;
        }
        if KEPT.contains(&item.kind.as_str()) {
            draft.note(format!(
                "kept: {name} is not in the manifests any more; what holds data is never deleted by a plan"
            ));
            continue;
        }
        let cause = if wanted.iter().any(|wanted| supersedes(wanted, item)) { "superseded" } else { "removed" };
        let reason = reason_of_delete(draft, place, cause);
        let object = ObjectRef { uid: uid.map(str::to_owned), ..item.clone() };
        let effect = Effect::Delete(Delete { object: object.clone(), cause: cause.into() });
        let mut action = place.action(format!("{owner}.object.{name}"), Kind::Object, Op::Delete, reason, effect);
        action.rbac = vec![rule(&item.group, &resource(item), &item.namespace, &["delete", "get"])];
        actions.push(action);
    }
    actions
}

fn reason_of_delete(draft: &Draft, place: &Place, cause: &str) -> crate::plan::Reason {
    let model = draft.facts.checked.model();
    let environment = model.environments.iter().find(|known| Some(&known.name.value) == place.environment.as_ref());
    let span =
        environment.and_then(|known| known.manifests.as_ref()).map_or(model.project.span, |manifests| manifests.span);
    let revision = draft.facts.observed.git.as_ref().map(|git| git.revision.chars().take(7).collect::<String>());
    let at = revision.map_or_else(String::new, |revision| format!(" in {revision}"));
    match cause {
        "superseded" => draft.because("superseded by a newer generated name", span),
        _ => draft.because(format!("removed from the manifests{at}"), span),
    }
}

/// A generated name with another hash: `config-5h2m8k7t9d` and `config-b7f2c9g4hk`.
fn supersedes(wanted: &ObjectRef, old: &ObjectRef) -> bool {
    let base = |name: &str| name.rsplit_once('-').filter(|(_, hash)| hash.len() == 10).map(|(base, _)| base.to_owned());
    wanted.kind == old.kind
        && wanted.namespace == old.namespace
        && base(&wanted.name).is_some()
        && base(&wanted.name) == base(&old.name)
}

/// The namespace that a block makes or needs. Gives the address of the action that makes it.
pub fn namespace(
    draft: &mut Draft,
    place: &Place,
    owner: &str,
    cluster: ClusterId,
    name: &Spanned<String>,
    create: bool,
) -> Option<String> {
    let facts = draft.facts.cluster(cluster)?;
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name.value}});
    let reference = reference(&object);
    let known = facts.objects.iter().find(|facts| same(&facts.object, &reference));
    if known.is_some_and(|facts| facts.live.is_some()) {
        return None;
    }
    if !create && !draft.facts.options.offline {
        let message = format!("namespace `{}` does not exist", name.value);
        let finding = Diagnostic::new(&codes::NAMESPACE_MISSING, name.span, message).here("named here");
        draft.problems.push(finding.help("make it, or write create=#true"));
        return None;
    }
    let address = format!("{owner}.object.{}", show(&reference));
    if draft.actions.iter().any(|action| action.address.ends_with(&format!(".object.{}", show(&reference)))) {
        let earlier =
            draft.actions.iter().find(|action| action.address.ends_with(&format!(".object.{}", show(&reference))));
        return earlier.map(|action| action.address.clone());
    }
    let reason = draft.because("create=#true; it is never deleted", name.span);
    let effect = Effect::Apply(Apply { object, found: None, force: false });
    let mut action = place.action(address.clone(), Kind::Object, Op::Create, reason, effect);
    action.changes = vec![crate::plan::Change {
        path: "metadata.name".into(),
        before: None,
        after: Some(json!(name.value)),
        unknown: None,
    }];
    action.rbac = vec![rule("", "namespaces", "", &["create", "get", "patch"])];
    draft.actions.push(action);
    Some(address)
}

/// Fields of an object of ours that others own.
pub fn foreign(cluster: &str, compared: &Compared) -> Vec<Foreign> {
    let Some(live) = compared.live.filter(|_| compared.listed) else { return Vec::new() };
    let with_object =
        |(path, manager)| Foreign { cluster: cluster.to_owned(), object: compared.reference.clone(), path, manager };
    managers::foreign(live).into_iter().map(with_object).collect()
}

/// The objects that an object names: ConfigMaps, Secrets, claims and service accounts of a Pod template, its CRD.
pub fn uses(object: &Value) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    let templates = ["/spec/template/spec", "/spec/jobTemplate/spec/template/spec", "/spec"];
    for spec in templates.iter().filter_map(|pointer| object.pointer(pointer)) {
        if let Some(name) = spec.get("serviceAccountName").and_then(Value::as_str) {
            found.push(("ServiceAccount", name.to_owned()));
        }
        walk(spec, &mut found);
    }
    found
}

fn walk(value: &Value, found: &mut Vec<(&'static str, String)>) {
    let name = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    match value {
        Value::Object(fields) => {
            for (key, below) in fields {
                let named = match key.as_str() {
                    "configMapRef" | "configMapKeyRef" | "configMap" => {
                        name(below, "name").map(|name| ("ConfigMap", name))
                    }
                    "secretRef" | "secretKeyRef" => name(below, "name").map(|name| ("Secret", name)),
                    "secret" => name(below, "secretName").map(|name| ("Secret", name)),
                    "persistentVolumeClaim" => name(below, "claimName").map(|name| ("PersistentVolumeClaim", name)),
                    _ => None,
                };
                found.extend(named);
                walk(below, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
