//! Create and update, and the common end of every change of an object.
//!
//! **Invariant:** as in `api`. Follows apiserver's `registry/rest` and `generic/registry`.

use serde_json::{Value, json};

use super::{FieldValidation, Target, WriteOptions, Written, convert, in_version, metadata, read_body, text};
use crate::kinds::Kind;
use crate::managed::{self, Manager};
use crate::status::{Failure, FieldError, GroupResource};
use crate::store::{Key, Txn};
use crate::{clock, decode, random, strategy, validate};

/// POST. The name in `target` is not used.
pub fn create(txn: &mut Txn, target: Target, body: &Value, options: &WriteOptions) -> Result<Written, Failure> {
    let kind = target.kind;
    txn.dry_run |= options.dry_run;
    let (mut object, warnings) = read_body(txn.catalogue(), kind, body, options)?;
    fit_namespace(&target, &mut object)?;
    metadata(&mut object).remove("uid");
    live_namespace(txn, &target, text(&object, "/metadata/name"))?;
    let manager = options.updater(kind, "");
    let blank = decode::empty(&kind.ty);
    record(txn, kind, &blank, &mut object, &manager);
    let object = insert(txn, target, object)?;
    Ok(Written { object, created: true, warnings })
}

/// Stores an object that was not there, ownership already recorded.
pub fn insert(txn: &mut Txn, target: Target, mut object: Value) -> Result<Value, Failure> {
    let kind = target.kind;
    strategy::admit_create(kind, &mut object);
    let generated = text(&object, "/metadata/name").is_empty() && !text(&object, "/metadata/generateName").is_empty();
    if generated {
        let name = format!("{}{}", text(&object, "/metadata/generateName"), random::suffix());
        metadata(&mut object).insert("name".to_owned(), json!(name));
    }
    let meta = metadata(&mut object);
    meta.insert("uid".to_owned(), json!(random::uid()));
    meta.insert("creationTimestamp".to_owned(), json!(clock::now()));
    for key in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        meta.remove(key);
    }
    let versioned = meta.remove("resourceVersion").is_some_and(|version| version != "0");
    let mut stored = convert::stored(kind, &object);
    let storage = convert::storage_kind(txn, kind);
    strategy::prepare_create(txn, &storage, &mut stored);
    validate::create(&storage, &stored)?;
    let name = text(&stored, "/metadata/name").to_owned();
    let key = Key::new(&kind.table(), target.namespace, &name);
    if let Some(known) = txn.get(&key) {
        return Err(taken(kind, &name, generated, &known));
    }
    if versioned {
        let message = "resourceVersion should not be set on objects to be created";
        return Err(Failure::plain(message));
    }
    if kind.kind == "Namespace" && kind.group.is_empty() {
        service_account(txn, &name);
    }
    let stored = txn.put(key, stored);
    Ok(convert::served(kind, &stored))
}

fn taken(kind: &Kind, name: &str, generated: bool, known: &Value) -> Failure {
    let resource = kind.group_resource();
    let mut failure = match generated {
        true => Failure::generated_name_taken(&resource, name),
        false => Failure::already_exists(&resource, name),
    };
    if !known["metadata"]["deletionTimestamp"].is_null() {
        failure.message = format!("object is being deleted: {}", failure.message);
    }
    failure
}

/// Every namespace has the account that Pods run as unless they say otherwise.
fn service_account(txn: &mut Txn, namespace: &str) {
    let key = Key::new("serviceaccounts", namespace, "default");
    if txn.get(&key).is_none() {
        let object = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {
            "name": "default", "namespace": namespace, "uid": random::uid(), "creationTimestamp": clock::now()}});
        txn.put(key, object);
    }
}

/// The namespace must be there, and not on its way out.
pub fn live_namespace(txn: &Txn, target: &Target, name: &str) -> Result<(), Failure> {
    if !target.kind.namespaced {
        return Ok(());
    }
    let resource = GroupResource { group: String::new(), resource: "namespaces".to_owned() };
    let Some(namespace) = txn.get(&Key::new("namespaces", "", target.namespace)) else {
        return Err(Failure::not_found(&resource, target.namespace));
    };
    match text(&namespace, "/status/phase") {
        "Terminating" => Err(Failure::terminating(&target.kind.group_resource(), name, target.namespace)),
        _ => Ok(()),
    }
}

fn fit_namespace(target: &Target, object: &mut Value) -> Result<(), Failure> {
    let given = text(object, "/metadata/namespace").to_owned();
    if given.is_empty() {
        if target.kind.namespaced {
            metadata(object).insert("namespace".to_owned(), json!(target.namespace));
        }
        return Ok(());
    }
    match given == target.namespace {
        true => Ok(()),
        false => Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )),
    }
}

/// The object of a PUT or patch must be the one that the URL names.
pub fn fit_name(target: &Target, object: &mut Value) -> Result<(), Failure> {
    let name = text(object, "/metadata/name").to_owned();
    if name.is_empty() {
        return Err(Failure::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            target.name
        )));
    }
    if name != target.name {
        return Err(Failure::bad_request(format!(
            "the name of the object ({name}) does not match the name on the URL ({})",
            target.name
        )));
    }
    let namespace = text(object, "/metadata/namespace").to_owned();
    if !namespace.is_empty() && namespace != target.namespace {
        return Err(Failure::bad_request(format!(
            "the namespace of the object ({namespace}) does not match the namespace on the request ({})",
            target.namespace
        )));
    }
    fit_namespace(target, object)
}

/// PUT, of the object (`subresource` empty) or its status.
pub fn update(
    txn: &mut Txn,
    target: Target,
    subresource: &str,
    body: &Value,
    options: &WriteOptions,
) -> Result<Written, Failure> {
    txn.dry_run |= options.dry_run;
    let (mut object, warnings) = read_body(txn.catalogue(), target.kind, body, options)?;
    fit_name(&target, &mut object)?;
    let old = txn.get(&target.key()).ok_or_else(|| target.not_found())?;
    let live = convert::served(target.kind, &old);
    let version = text(&object, "/metadata/resourceVersion");
    if version.is_empty() && target.kind.custom {
        let problem = FieldError::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
        // The API names the resource here instead of the kind.
        let kind = target.kind;
        return Err(Failure::invalid(&kind.group, &kind.plural, target.name, &[problem]));
    }
    let manager = options.updater(target.kind, subresource);
    record(txn, target.kind, &live, &mut object, &manager);
    let object = replace(txn, target, subresource, object)?;
    Ok(Written { object, created: false, warnings })
}

/// Writes into the new object who owns what after a change that is not an apply.
pub fn record(txn: &Txn, kind: &Kind, live: &Value, object: &mut Value, manager: &Manager) {
    let reset = strategy::reset_fields(kind, &manager.subresource);
    let catalogue = txn.catalogue();
    let convert = |value: &Value, version: &str| in_version(catalogue, kind, value, version);
    let scope = managed::Scope { ty: &kind.ty, version: &kind.api_version(), reset: &reset, convert: &convert };
    let list = managed::update(&scope, live, object, manager, &clock::now());
    set_managed(object, list);
}

pub fn set_managed(object: &mut Value, list: Option<Value>) {
    let meta = metadata(object);
    match list {
        Some(Value::Array(entries)) if !entries.is_empty() => {
            meta.insert("managedFields".to_owned(), Value::Array(entries))
        }
        _ => meta.remove("managedFields"),
    };
}

/// The end of every change: preconditions, what the server writes itself, validation, storing, and the removal of an
/// object that was only waiting for this. `object` is in the version of the request, with ownership recorded.
pub fn replace(txn: &mut Txn, target: Target, subresource: &str, object: Value) -> Result<Value, Failure> {
    let kind = target.kind;
    let key = target.key();
    let old = txn.get(&key).ok_or_else(|| target.not_found())?;
    let mut new = convert::stored(kind, &object);
    preconditions(&target, &new, &old)?;
    restore(&mut new, &old);
    let storage = convert::storage_kind(txn, kind);
    strategy::prepare_update(txn, &storage, subresource, &mut new, &old);
    validate::update(&storage, subresource, &new, &old)?;
    keep_times(&mut new, &old);
    if new == *old {
        return Ok(convert::served(kind, &old));
    }
    if finished(&new) {
        let last = txn.remove(&key, &new);
        return Ok(convert::served(kind, &last));
    }
    let stored = txn.put(key, new);
    Ok(convert::served(kind, &stored))
}

fn preconditions(target: &Target, new: &Value, old: &Value) -> Result<(), Failure> {
    let resource = target.kind.group_resource();
    let uid = text(new, "/metadata/uid");
    if !uid.is_empty() && uid != text(old, "/metadata/uid") {
        let place = match target.namespace {
            "" => format!("{}/{}", target.kind.plural, target.name),
            namespace => format!("{}/{namespace}/{}", target.kind.plural, target.name),
        };
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: /registry/{place}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {uid}, UID in object meta: {}",
            text(old, "/metadata/uid")
        );
        return Err(Failure::conflict(&resource, target.name, &why));
    }
    let version = text(new, "/metadata/resourceVersion");
    match version.is_empty() || version == "0" || version == text(old, "/metadata/resourceVersion") {
        true => Ok(()),
        false => Err(Failure::modified(&resource, target.name)),
    }
}

/// What no write can change.
fn restore(new: &mut Value, old: &Value) {
    let meta = metadata(new);
    for key in ["uid", "creationTimestamp", "deletionTimestamp", "resourceVersion"] {
        match old["metadata"].get(key) {
            Some(value) => meta.insert(key.to_owned(), value.clone()),
            None => meta.remove(key),
        };
    }
    let grace = &old["metadata"]["deletionGracePeriodSeconds"];
    if !grace.is_null() && !meta.contains_key("deletionGracePeriodSeconds") {
        meta.insert("deletionGracePeriodSeconds".to_owned(), grace.clone());
    }
    meta.remove("selfLink");
}

/// A write that changes nothing but the times of its ownership entries changes nothing at all.
fn keep_times(new: &mut Value, old: &Value) {
    let timeless = |object: &Value| {
        let mut entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
        for entry in &mut entries {
            if let Some(map) = entry.as_object_mut() {
                map.remove("time");
            }
        }
        // The order of the entries depends on their times.
        entries.sort_by_key(ToString::to_string);
        entries
    };
    if timeless(new) != timeless(old) {
        return;
    }
    let before = old["metadata"]["managedFields"].clone();
    let mut candidate = new.clone();
    set_managed(&mut candidate, Some(before));
    if candidate == *old {
        *new = candidate;
    }
}

/// Whether the object is to go, and nothing holds it any more.
pub fn finished(object: &Value) -> bool {
    let meta = &object["metadata"];
    let held = |list: &Value| list.as_array().is_some_and(|items| !items.is_empty());
    let namespace = object["kind"] == "Namespace" && object["apiVersion"] == "v1";
    let waits = meta["deletionGracePeriodSeconds"].as_i64().unwrap_or(0) > 0;
    let held = held(&meta["finalizers"]) || (namespace && held(&object["spec"]["finalizers"]));
    !meta["deletionTimestamp"].is_null() && !held && !waits
}

/// Unknown fields that a patch left behind, by the client's wish.
pub fn judge(
    strict: Vec<String>,
    options: &WriteOptions,
    refuse: impl FnOnce(&str) -> Failure,
) -> Result<Vec<String>, Failure> {
    match (options.validation, strict.is_empty()) {
        (_, true) | (FieldValidation::Ignore, _) => Ok(Vec::new()),
        (FieldValidation::Warn, false) => Ok(strict),
        (FieldValidation::Strict, false) => Err(refuse(&format!("strict decoding error: {}", strict.join(", ")))),
    }
}

/// Replaces an object or its status on behalf of a controller, if that changes anything.
pub fn rewrite(txn: &mut Txn, target: Target, subresource: &str, object: &Value, manager: &str) -> Result<(), Failure> {
    let Some(live) = txn.get(&target.key()) else {
        return Ok(());
    };
    let (mut object, _) = super::read_object(target.kind, object).map_err(Failure::internal)?;
    if object == *live {
        return Ok(());
    }
    let manager = Manager::updater(manager, &target.kind.api_version(), subresource);
    record(txn, target.kind, &live, &mut object, &manager);
    replace(txn, target, subresource, object).map(drop)
}
