//! Deletion: graceful for Pods, held up by finalizers, with the propagation that the client chose.
//!
//! **Invariant:** as in `api`. What depends on a deleted object is the garbage collector's work.

use serde_json::{Map, Value, json};

use super::read::ListOptions;
use super::write::finished;
use super::{Target, convert, definition, metadata, text};
use crate::clock;
use crate::kinds::Kind;
use crate::status::{Failure, FieldError, GroupResource};
use crate::store::{Key, Txn};

/// `DeleteOptions`, from body and query.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    pub dry_run: bool,
    pub grace_period_seconds: Option<i64>,
    pub uid: Option<String>,
    pub resource_version: Option<String>,
    pub propagation: Option<Propagation>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    Orphan,
    Background,
    Foreground,
}

impl DeleteOptions {
    /// Reads the body of a DELETE; parameters of the query that are set take precedence.
    pub fn read(body: &Value, query: &[(String, String)]) -> Result<DeleteOptions, Failure> {
        let find = |key: &str| query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
        let mut options = DeleteOptions {
            dry_run: body["dryRun"].as_array().is_some_and(|list| !list.is_empty())
                || find("dryRun").is_some_and(|v| !v.is_empty()),
            grace_period_seconds: body["gracePeriodSeconds"].as_i64(),
            uid: body["preconditions"]["uid"].as_str().map(str::to_owned),
            resource_version: body["preconditions"]["resourceVersion"].as_str().map(str::to_owned),
            propagation: None,
        };
        if let Some(seconds) = find("gracePeriodSeconds") {
            options.grace_period_seconds = seconds.parse().ok();
        }
        let orphan =
            body["orphanDependents"].as_bool().or_else(|| find("orphanDependents").map(|value| value == "true"));
        let policy = body["propagationPolicy"].as_str().or_else(|| find("propagationPolicy"));
        if orphan.is_some() && policy.is_some() {
            let detail = "orphanDependents and deletionPropagation cannot be both set";
            let problem = FieldError::invalid("propagationPolicy", &json!(policy), detail);
            return Err(Failure::invalid("meta.k8s.io", "DeleteOptions", "", &[problem]));
        }
        options.propagation = match (policy, orphan) {
            (Some("Orphan"), _) | (None, Some(true)) => Some(Propagation::Orphan),
            (Some("Background"), _) | (None, Some(false)) => Some(Propagation::Background),
            (Some("Foreground"), _) => Some(Propagation::Foreground),
            (None, None) => None,
            (Some(other), _) => {
                let problem = FieldError::unsupported(
                    "propagationPolicy",
                    &json!(other),
                    &["Foreground", "Background", "Orphan", "nil"],
                );
                return Err(Failure::invalid("meta.k8s.io", "DeleteOptions", "", &[problem]));
            }
        };
        Ok(options)
    }
}

/// What a DELETE answers: the object while it is still there (or for kinds that always show it), else a `Status`.
pub fn delete(txn: &mut Txn, target: Target, options: &DeleteOptions) -> Result<Value, Failure> {
    txn.dry_run |= options.dry_run;
    let key = target.key();
    let old = txn.get(&key).ok_or_else(|| target.not_found())?;
    preconditions(&target, &old, options)?;
    protected(&target)?;
    let mut object = (*old).clone();
    propagate(target.kind, &mut object, options);
    let definition = definition::is_definition(target.kind);
    if definition {
        definition::hold(&mut object);
    }
    let grace = grace_period(target.kind, &object, options);
    let namespace = target.kind.kind == "Namespace" && target.kind.group.is_empty();
    let held = !text_list(&object["metadata"]["finalizers"]).is_empty() || namespace;
    if held || grace > 0 {
        mark(&mut object, grace, namespace || definition);
        if namespace {
            object["status"]["phase"] = json!("Terminating");
        }
        if !finished(&object) {
            let stored = match object == *old {
                true => old,
                false => txn.put(key.clone(), object),
            };
            if definition {
                definition::sweep(txn, &key)?;
            }
            return Ok(convert::served(target.kind, &stored));
        }
    }
    if target.kind.kind == "Pod" && target.kind.group.is_empty() {
        mark(&mut object, 0, false);
    }
    let last = txn.remove(&key, &object);
    Ok(match shows_object(target.kind) {
        true => convert::served(target.kind, &last),
        false => success(target.kind, &last),
    })
}

fn preconditions(target: &Target, object: &Value, options: &DeleteOptions) -> Result<(), Failure> {
    let resource = GroupResource { group: target.kind.group.clone(), resource: target.kind.kind.clone() };
    let (uid, version) = (text(object, "/metadata/uid"), text(object, "/metadata/resourceVersion"));
    if let Some(wanted) = options.uid.as_deref().filter(|wanted| *wanted != uid) {
        let why = format!(
            "the UID in the precondition ({wanted}) does not match the UID in record ({uid}). The object might have been deleted and then recreated"
        );
        return Err(Failure::conflict(&resource, target.name, &why));
    }
    if let Some(wanted) = options.resource_version.as_deref().filter(|wanted| *wanted != version) {
        let why = format!(
            "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({version}). The object might have been modified"
        );
        return Err(Failure::conflict(&resource, target.name, &why));
    }
    Ok(())
}

/// Namespaces that the cluster cannot be without.
fn protected(target: &Target) -> Result<(), Failure> {
    let namespace = target.kind.kind == "Namespace" && target.kind.group.is_empty();
    match namespace && matches!(target.name, "default" | "kube-system" | "kube-public") {
        true => {
            Err(Failure::forbidden(&target.kind.group_resource(), target.name, "this namespace may not be deleted"))
        }
        false => Ok(()),
    }
}

fn text_list(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// The garbage collector's own finalizers follow the chosen propagation.
fn propagate(kind: &Kind, object: &mut Value, options: &DeleteOptions) {
    let before = text_list(&object["metadata"]["finalizers"]);
    let has = |name: &str| before.iter().any(|one| one == name);
    let (orphan, foreground) = match options.propagation {
        Some(Propagation::Orphan) => (true, false),
        Some(Propagation::Foreground) => (false, true),
        Some(Propagation::Background) => (false, false),
        // Where the API of old let dependents be, it still does unless told otherwise.
        None if before.is_empty() && orphans(kind) => (true, false),
        None => (has("orphan"), has("foregroundDeletion")),
    };
    if kind.kind == "Namespace" && kind.group.is_empty() {
        return;
    }
    let mut after: Vec<String> =
        before.iter().filter(|name| !matches!(name.as_str(), "orphan" | "foregroundDeletion")).cloned().collect();
    if orphan {
        after.push("orphan".to_owned());
    }
    if foreground {
        after.push("foregroundDeletion".to_owned());
    }
    let meta = metadata(object);
    match after.is_empty() {
        true => meta.remove("finalizers"),
        false => meta.insert("finalizers".to_owned(), json!(after)),
    };
}

fn orphans(kind: &Kind) -> bool {
    matches!((kind.group.as_str(), kind.kind.as_str()), ("batch", "Job") | ("", "ReplicationController"))
}

/// Seconds that a Pod gets to end; other kinds go at once.
fn grace_period(kind: &Kind, object: &Value, options: &DeleteOptions) -> i64 {
    if kind.kind != "Pod" || !kind.group.is_empty() {
        return 0;
    }
    let over = matches!(text(object, "/status/phase"), "Succeeded" | "Failed");
    if over || text(object, "/spec/nodeName").is_empty() {
        return 0;
    }
    let wanted = options.grace_period_seconds.or_else(|| object["spec"]["terminationGracePeriodSeconds"].as_i64());
    match wanted.unwrap_or(30) {
        negative if negative < 0 => 1,
        seconds => seconds,
    }
}

/// Marks the object as going away. A second deletion can only shorten the time that is left. Namespaces and definitions
/// are marked with the time alone.
fn mark(object: &mut Value, grace: i64, time_only: bool) {
    let generation = object["metadata"]["generation"].as_i64();
    let running = !object["metadata"]["deletionTimestamp"].is_null();
    let left = object["metadata"]["deletionGracePeriodSeconds"].as_i64();
    let meta = metadata(object);
    if !running || left.is_some_and(|left| grace < left) {
        meta.insert("deletionTimestamp".to_owned(), json!(clock::after(grace)));
        if !time_only {
            meta.insert("deletionGracePeriodSeconds".to_owned(), json!(grace));
        }
    }
    if let (Some(generation), false, false) = (generation, running, time_only) {
        meta.insert("generation".to_owned(), json!(generation + 1));
    }
}

/// Kinds whose last state is the answer to their deletion.
fn shows_object(kind: &Kind) -> bool {
    match kind.group.as_str() {
        "" => matches!(
            kind.kind.as_str(),
            "Pod"
                | "Service"
                | "PersistentVolume"
                | "PersistentVolumeClaim"
                | "ServiceAccount"
                | "PodTemplate"
                | "ResourceQuota"
                | "Namespace"
        ),
        "storage.k8s.io" => kind.kind != "CSIStorageCapacity",
        _ => false,
    }
}

fn success(kind: &Kind, last: &Value) -> Value {
    let mut details = Map::new();
    for (key, value) in [
        ("name", text(last, "/metadata/name")),
        ("group", kind.group.as_str()),
        ("kind", kind.plural.as_str()),
        ("uid", text(last, "/metadata/uid")),
    ] {
        if !value.is_empty() {
            details.insert(key.to_owned(), json!(value));
        }
    }
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details})
}

/// DELETE of a collection: gives the list of what was deleted.
pub fn delete_collection(
    txn: &mut Txn,
    kind: &Kind,
    namespace: Option<&str>,
    selection: &ListOptions,
    options: &DeleteOptions,
) -> Result<Value, Failure> {
    txn.dry_run |= options.dry_run;
    let mut items = Vec::new();
    for (key, object) in txn.list(&kind.table(), namespace) {
        if !selection.selects(&object) {
            continue;
        }
        let target = Target { kind, namespace: &key.namespace, name: &key.name };
        delete(txn, target, options)?;
        items.push(convert::served(kind, &object));
    }
    Ok(
        json!({"kind": kind.list_kind(), "apiVersion": kind.api_version(), "metadata": {"resourceVersion": ""}, "items": items}),
    )
}

/// Removes an object for good, whatever its grace period: what a node does once a Pod has ended.
pub fn release(txn: &mut Txn, key: &Key) {
    let Some(object) = txn.get(key) else { return };
    let mut object = (*object).clone();
    metadata(&mut object).insert("deletionGracePeriodSeconds".to_owned(), json!(0));
    match finished(&object) {
        true => drop(txn.remove(key, &object)),
        false => drop(txn.put(key.clone(), object)),
    }
}
