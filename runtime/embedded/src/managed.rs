//! Field ownership: `metadata.managedFields`, server-side apply and what every other write does to it.
//!
//! **Invariant:** pure; follows structured-merge-diff's `merge.Updater` and apimachinery's field manager.
//! Not here: storing, defaulting, validating.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fields::{Set, display};
use crate::schema::Type;
use crate::status::Failure;
use crate::typed::{self, Comparison};

/// Who writes: the names that make up one entry of `managedFields`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Manager {
    pub name: String,
    pub operation: Operation,
    /// Empty for appliers, whose entry is the same in every version.
    pub version: String,
    pub subresource: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    Apply,
    Update,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    set: Set,
    version: String,
    time: Option<String>,
}

type Managers = BTreeMap<Manager, Entry>;

/// The kind of the object and what of it is never owned.
pub struct Scope<'a> {
    pub ty: &'a Type,
    /// As in `apiVersion`.
    pub version: &'a str,
    /// Fields that writes through this endpoint do not change (`status` for the main one).
    pub reset: &'a Set,
    /// The object in another version of its kind, with the type there; `None` where there is none.
    pub convert: &'a Convert<'a>,
}

/// Gives an object in another version of its kind, with its type there.
pub type Convert<'a> = dyn Fn(&Value, &str) -> Option<(Value, Type)> + 'a;

/// Updates by others than appliers keep at most this many entries.
const MAX_UPDATERS: usize = 10;

/// A write that is not an apply. `live` is the stored object (or the empty one of the kind), `new` what will be stored.
/// Gives the list for `metadata.managedFields`, or `None` where nothing is tracked.
pub fn update(scope: &Scope, live: &Value, new: &Value, manager: &Manager, now: &str) -> Option<Value> {
    let managers = match requested(new, &manager.subresource) {
        Requested::Reset => Managers::new(),
        Requested::Given(managers) if !managers.is_empty() => managers,
        Requested::Given(_) => decode(live).unwrap_or_default(),
    };
    let is_create = live.pointer("/metadata/uid").is_none();
    if managers.is_empty() && !is_create {
        return None;
    }
    let (live, new) = (without_managed(live), without_managed(new));
    Some(encode(&tracked(scope, &live, &new, managers, manager, now)))
}

enum Requested {
    /// The writer asks to forget all owners: an empty list, or a list with one empty entry.
    Reset,
    Given(Managers),
}

fn requested(new: &Value, subresource: &str) -> Requested {
    if !subresource.is_empty() {
        return Requested::Given(Managers::new());
    }
    match new.pointer("/metadata/managedFields").and_then(Value::as_array).map(Vec::as_slice) {
        Some([]) => Requested::Reset,
        Some([only]) if only.as_object().is_none_or(serde_json::Map::is_empty) => Requested::Reset,
        Some(_) => Requested::Given(decode(new).unwrap_or_default()),
        None => Requested::Given(Managers::new()),
    }
}

fn tracked(scope: &Scope, live: &Value, new: &Value, mut managers: Managers, manager: &Manager, now: &str) -> Managers {
    let compare = typed::compare(scope.ty, live, new).without(scope.reset);
    // The writer's own earlier fields are judged like everybody's: what it changes now comes back as its own.
    take_over(scope, live, new, &mut managers, &compare, None);
    let set = compare.modified.union(&compare.added).recursive_difference(scope.reset);
    let set = strip(&set);
    if !set.is_empty() {
        let entry = managers.entry(manager.clone()).or_insert_with(|| Entry {
            set: Set::default(),
            version: scope.version.to_owned(),
            time: None,
        });
        entry.set = entry.set.union(&set);
        entry.version = scope.version.to_owned();
        // The scale endpoint keeps its own books, which have no times.
        entry.time = (manager.subresource != "scale").then(|| now.to_owned());
    }
    managers.retain(|_, entry| {
        entry.set = strip(&entry.set);
        !entry.set.is_empty()
    });
    cap(managers)
}

/// Takes changed and removed fields away from everyone but `except`; gives what was in conflict.
fn take_over(
    scope: &Scope,
    live: &Value,
    new: &Value,
    managers: &mut Managers,
    compare: &Comparison,
    except: Option<&Manager>,
) -> Vec<(Manager, Set)> {
    let mut conflicts = Vec::new();
    let mut lost = Vec::new();
    for (manager, entry) in managers.iter_mut() {
        if Some(manager) == except {
            continue;
        }
        let other;
        let compare = if entry.version == scope.version {
            compare
        } else {
            let (Some((live, ty)), Some((new, _))) =
                ((scope.convert)(live, &entry.version), (scope.convert)(new, &entry.version))
            else {
                lost.push(manager.clone());
                continue;
            };
            other = typed::compare(&ty, &live, &new).without(scope.reset);
            &other
        };
        let conflict = entry.set.intersection(&compare.modified.union(&compare.added));
        if !conflict.is_empty() {
            entry.set = entry.set.difference(&conflict);
            conflicts.push((manager.clone(), conflict));
        }
        entry.set = entry.set.difference(&compare.removed);
    }
    managers.retain(|manager, entry| !lost.contains(manager) && (Some(manager) == except || !entry.set.is_empty()));
    conflicts
}

/// An apply that succeeded.
pub struct Applied {
    /// The merged object, not yet decoded or defaulted; `None` where the configuration changes nothing.
    pub object: Option<Value>,
    pub managed: Value,
}

/// Server-side apply of `config` to `live` (the empty object of the kind if there is none).
pub fn apply(
    scope: &Scope,
    live: &Value,
    config: &Value,
    manager: &Manager,
    force: bool,
    now: &str,
) -> Result<Applied, Failure> {
    let mut managers = decode(live).unwrap_or_default();
    let live = without_managed(live);
    if managers.is_empty() {
        let before = Manager {
            name: "before-first-apply".to_owned(),
            operation: Operation::Update,
            version: scope.version.to_owned(),
            subresource: manager.subresource.clone(),
        };
        let blank = crate::decode::empty(scope.ty);
        managers = tracked(scope, &blank, &live, managers, &before, now);
    }
    let merged = typed::merge(scope.ty, &live, config);
    let last = managers.get(manager).cloned();
    let set = strip(&typed::to_set(scope.ty, config).recursive_difference(scope.reset));
    let time = last.as_ref().and_then(|entry| entry.time.clone());
    let entry = Entry { set, version: scope.version.to_owned(), time };
    managers.insert(manager.clone(), entry);
    let merged = match last.filter(|entry| !entry.set.is_empty()) {
        Some(last) => prune(scope, &merged, &managers, &last),
        None => merged,
    };
    let compare = typed::compare(scope.ty, &live, &merged).without(scope.reset);
    let conflicts = take_over(scope, &live, &merged, &mut managers, &compare, Some(manager));
    if !force && !conflicts.is_empty() {
        return Err(conflict(&conflicts));
    }
    let changed = !typed::same(&live, &merged);
    if changed && let Some(entry) = managers.get_mut(manager) {
        entry.time = Some(now.to_owned());
    }
    managers.retain(|_, entry| {
        entry.set = strip(&entry.set);
        !entry.set.is_empty()
    });
    Ok(Applied { object: changed.then_some(merged), managed: encode(&managers) })
}

/// Takes out what this applier had applied before, does not apply now, and nobody else owns.
fn prune(scope: &Scope, merged: &Value, managers: &Managers, last: &Entry) -> Value {
    let (merged_then, ty) = match last.version == scope.version {
        true => (merged.clone(), scope.ty.clone()),
        false => match (scope.convert)(merged, &last.version) {
            Some(converted) => converted,
            None => return merged.clone(),
        },
    };
    let last_set = last.set.with_named_fields(&ty);
    let pruned = typed::remove(&ty, &merged_then, &last_set);
    let mut owned = Set::default();
    for entry in managers.values() {
        owned = owned.union(&entry.set);
    }
    let merged_set = typed::to_set(&ty, &merged_then).with_named_fields(&ty);
    let pruned_set = typed::to_set(&ty, &pruned).with_named_fields(&ty);
    let kept = pruned_set.union(&owned.with_named_fields(&ty));
    let pruned = typed::remove(&ty, &merged_then, &merged_set.difference(&kept));
    // What was removed along with an item but never belonged to this applier stays.
    let pruned_set = typed::to_set(&ty, &pruned).with_named_fields(&ty);
    let gone = merged_set.difference(&pruned_set).intersection(&last_set);
    let out = typed::remove(&ty, &merged_then, &gone);
    match last.version == scope.version {
        true => out,
        false => (scope.convert)(&out, scope.version).map_or_else(|| merged.clone(), |(value, _)| value),
    }
}

/// The fields that are nobody's, since the server alone writes them.
fn strip(set: &Set) -> Set {
    set.difference(&Set::of(&[
        "apiVersion",
        "kind",
        "metadata",
        "metadata.name",
        "metadata.namespace",
        "metadata.creationTimestamp",
        "metadata.selfLink",
        "metadata.uid",
        "metadata.clusterName",
        "metadata.generation",
        "metadata.managedFields",
        "metadata.resourceVersion",
    ]))
}

fn conflict(conflicts: &[(Manager, Set)]) -> Failure {
    let mut causes = Vec::new();
    let mut lines = Vec::new();
    for (manager, set) in conflicts {
        let name = manager.display();
        lines.push(format!("conflicts with {name}:"));
        for path in set.paths() {
            let path = display(&path);
            lines.push(format!("- {path}"));
            causes.push((path, format!("conflict with {name}")));
        }
    }
    let message = match causes.as_slice() {
        [(path, why)] => format!("Apply failed with 1 conflict: {why}: {path}"),
        many => format!("Apply failed with {} conflicts: {}", many.len(), lines.join("\n")),
    };
    Failure::apply_conflict(message, causes)
}

impl Operation {
    fn text(self) -> &'static str {
        match self {
            Operation::Apply => "Apply",
            Operation::Update => "Update",
        }
    }
}

impl Manager {
    pub fn updater(name: &str, version: &str, subresource: &str) -> Manager {
        let name = if name.is_empty() { "unknown" } else { name };
        Manager {
            name: name.to_owned(),
            operation: Operation::Update,
            version: version.to_owned(),
            subresource: subresource.to_owned(),
        }
    }

    pub fn applier(name: &str, subresource: &str) -> Manager {
        Manager {
            name: name.to_owned(),
            operation: Operation::Apply,
            version: String::new(),
            subresource: subresource.to_owned(),
        }
    }

    fn display(&self) -> String {
        let mut out = format!("{:?}", self.name);
        if !self.subresource.is_empty() {
            out.push_str(&format!(" with subresource {:?}", self.subresource));
        }
        if self.operation == Operation::Update {
            out.push_str(&format!(" using {}", self.version));
        }
        out
    }
}

fn without_managed(object: &Value) -> Value {
    let mut object = object.clone();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

fn decode(object: &Value) -> Option<Managers> {
    let mut managers = Managers::new();
    let Some(entries) = object.pointer("/metadata/managedFields").and_then(Value::as_array) else {
        return Some(managers);
    };
    for entry in entries {
        let text = |key: &str| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        let (operation, applied) = match text("operation") {
            "Apply" => (Operation::Apply, true),
            "Update" => (Operation::Update, false),
            _ => return None,
        };
        let version = Some(text("apiVersion")).filter(|version| !version.is_empty())?;
        if text("fieldsType") != "FieldsV1" {
            return None;
        }
        let manager = Manager {
            name: text("manager").to_owned(),
            operation,
            version: if applied { String::new() } else { version.to_owned() },
            subresource: text("subresource").to_owned(),
        };
        let fields = entry.get("fieldsV1").cloned().unwrap_or_else(|| json!({}));
        let entry = Entry {
            set: Set::decode(&fields)?,
            version: version.to_owned(),
            time: entry.get("time").and_then(Value::as_str).map(str::to_owned),
        };
        managers.insert(manager, entry);
    }
    Some(managers)
}

fn encode(managers: &Managers) -> Value {
    let mut entries: Vec<(&Manager, &Entry)> = managers.iter().collect();
    entries.sort_by_key(|(manager, entry)| {
        (manager.operation, &entry.time, &manager.name, &entry.version, &manager.subresource)
    });
    let list = entries.into_iter().map(|(manager, entry)| {
        let mut out = json!({
            "operation": manager.operation.text(),
            "apiVersion": entry.version,
            "fieldsType": "FieldsV1",
            "fieldsV1": entry.set.encode(),
        });
        if let Some(map) = out.as_object_mut() {
            for (key, text) in [
                ("manager", Some(&manager.name)),
                ("subresource", Some(&manager.subresource)),
                ("time", entry.time.as_ref()),
            ] {
                if let Some(text) = text.filter(|text| !text.is_empty()) {
                    map.insert(key.to_owned(), json!(text));
                }
            }
        }
        out
    });
    Value::Array(list.collect())
}

/// Merges the oldest entries of updaters into one per version when there are too many.
fn cap(mut managers: Managers) -> Managers {
    let mut updaters: Vec<(Option<String>, Manager)> = managers
        .iter()
        .filter(|(manager, _)| manager.operation == Operation::Update)
        .map(|(manager, entry)| (entry.time.clone(), manager.clone()))
        .collect();
    updaters.sort();
    let mut count = updaters.len();
    let mut first: BTreeMap<String, Manager> = BTreeMap::new();
    for (_, manager) in updaters {
        if count <= MAX_UPDATERS {
            break;
        }
        let version = manager.version.clone();
        let Some(oldest) = first.get(&version).cloned() else {
            first.insert(version, manager);
            continue;
        };
        let bucket = Manager::updater("ancient-changes", &version, "");
        if !managers.contains_key(&bucket)
            && let Some(entry) = managers.remove(&oldest)
        {
            managers.insert(bucket.clone(), entry);
        }
        if let Some(taken) = managers.remove(&manager)
            && let Some(entry) = managers.get_mut(&bucket)
        {
            entry.set = entry.set.union(&taken.set);
            entry.time = taken.time;
        }
        count -= 1;
    }
    managers
}
