//! Patches: JSON patch, merge patch, strategic merge patch and server-side apply.
//!
//! **Invariant:** as in `api`. A patch is applied to the object as its version shows it.

use serde_json::{Value, json};

use super::write::{fit_name, insert, judge, live_namespace, record, replace, set_managed};
use super::{Target, WriteOptions, Written, convert, in_version, read_object, strategic, text, wrong_type};
use crate::kinds::Kind;
use crate::managed::{self, Manager};
use crate::status::{Failure, FieldError};
use crate::store::Txn;
use crate::{clock, decode, strategy, typed};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    Json,
    Merge,
    Strategic,
    Apply,
}

impl PatchType {
    const ALL: [(PatchType, &str); 4] = [
        (PatchType::Json, "application/json-patch+json"),
        (PatchType::Merge, "application/merge-patch+json"),
        (PatchType::Apply, "application/apply-patch+yaml"),
        (PatchType::Strategic, "application/strategic-merge-patch+json"),
    ];

    /// From a Content-Type, without its parameters.
    pub fn of(content_type: &str, kind: &Kind) -> Result<PatchType, Failure> {
        let allowed = |patch: PatchType| !(kind.custom && patch == PatchType::Strategic);
        let found = PatchType::ALL.iter().find(|(_, name)| *name == content_type);
        match found {
            Some((patch, _)) if allowed(*patch) => Ok(*patch),
            Some(_) => {
                let known = PatchType::ALL.iter().filter(|(patch, _)| allowed(*patch));
                let names: Vec<&str> = known.map(|(_, name)| *name).collect();
                Err(Failure::unsupported_media_type(&names))
            }
            None => Err(Failure::unsupported_patch()),
        }
    }
}

/// PATCH of the object (`subresource` empty) or its status.
pub fn patch(
    txn: &mut Txn,
    target: Target,
    subresource: &str,
    (patch_type, body): (PatchType, &Value),
    options: &WriteOptions,
) -> Result<Written, Failure> {
    txn.dry_run |= options.dry_run;
    check_options(patch_type, options)?;
    match patch_type {
        PatchType::Apply => apply(txn, target, subresource, body, options),
        PatchType::Json | PatchType::Merge | PatchType::Strategic => {
            change(txn, target, subresource, (patch_type, body), options)
        }
    }
}

fn check_options(patch_type: PatchType, options: &WriteOptions) -> Result<(), Failure> {
    let mut problems = Vec::new();
    let named = options.field_manager.as_deref().is_some_and(|name| !name.is_empty());
    if patch_type == PatchType::Apply {
        if !named {
            problems.push(FieldError::required("fieldManager", "is required for apply patch"));
        }
    } else if options.force {
        problems.push(FieldError::forbidden("force", "may not be specified for non-apply patch"));
    }
    match problems.as_slice() {
        [] => Ok(()),
        _ => Err(Failure::invalid("meta.k8s.io", "PatchOptions", "", &problems)),
    }
}

fn change(
    txn: &mut Txn,
    target: Target,
    subresource: &str,
    (patch_type, body): (PatchType, &Value),
    options: &WriteOptions,
) -> Result<Written, Failure> {
    let kind = target.kind;
    let stored = txn.get(&target.key()).ok_or_else(|| target.not_found())?;
    let live = convert::served(kind, &stored);
    let patched = match patch_type {
        PatchType::Json => json_patch(&live, body)?,
        PatchType::Merge => {
            if !body.is_object() {
                return Err(Failure::bad_request("Invalid JSON Patch"));
            }
            let mut merged = live.clone();
            json_patch::merge(&mut merged, body);
            merged
        }
        PatchType::Strategic => strategic::merge(&kind.ty, &live, body).map_err(Failure::bad_request)?,
        PatchType::Apply => unreachable!("BUG: an apply is not a change"),
    };
    let refuse = |error: &str| {
        let problem = FieldError::invalid("patch", &Value::String(patched.to_string()), error);
        Failure::invalid("", "", "", &[problem])
    };
    let (mut object, strict) = match read_object(kind, &patched) {
        Ok(read) => read,
        Err(problem) if kind.custom => return Err(wrong_type(kind, &patched, &problem)),
        Err(problem) => return Err(refuse(&problem.message)),
    };
    let warnings = judge(strict, options, refuse)?;
    for (key, expected) in [("apiVersion", kind.api_version()), ("kind", kind.kind.clone())] {
        if patched[key] != json!(expected) && !patched[key].is_null() {
            return Err(refuse(&format!("the {key} of the object cannot be changed")));
        }
    }
    fit_name(&target, &mut object)?;
    record(txn, kind, &live, &mut object, &options.updater(kind, subresource));
    let object = replace(txn, target, subresource, object)?;
    Ok(Written { object, created: false, warnings })
}

const MAX_OPERATIONS: usize = 10_000;

fn json_patch(live: &Value, body: &Value) -> Result<Value, Failure> {
    if !body.is_array() {
        let found = super::json_kind(body);
        let message = format!(
            "error decoding patch: json: cannot unmarshal {found} into Go value of type []handlers.jsonPatchOp"
        );
        return Err(Failure::bad_request(message));
    }
    let patch: json_patch::Patch = serde_json::from_value(body.clone())
        .map_err(|error| Failure::bad_request(format!("error decoding patch: {error}")))?;
    if patch.0.len() > MAX_OPERATIONS {
        let message =
            format!("The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}", patch.0.len());
        return Err(Failure::new(413, "RequestEntityTooLarge", message));
    }
    let mut patched = live.clone();
    if json_patch::patch(&mut patched, &patch).is_err() {
        let mut failure = Failure::unprocessable("the server rejected our request due to an error in our request");
        failure.details = Some(Box::new(json!({})));
        return Err(failure);
    }
    Ok(patched)
}

fn apply(
    txn: &mut Txn,
    target: Target,
    subresource: &str,
    config: &Value,
    options: &WriteOptions,
) -> Result<Written, Failure> {
    let kind = target.kind;
    check_config(&target, config)?;
    let stored = txn.get(&target.key());
    if stored.is_none() {
        if !subresource.is_empty() {
            return Err(target.not_found());
        }
        let uid = text(config, "/metadata/uid");
        if !uid.is_empty() {
            let why =
                format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
            return Err(Failure::conflict(&kind.group_resource(), target.name, &why));
        }
        live_namespace(txn, &target, target.name)?;
    }
    let live = stored.as_ref().map_or_else(|| decode::empty(&kind.ty), |stored| convert::served(kind, stored));
    let name = options.field_manager.as_deref().unwrap_or_default();
    let manager = Manager::applier(name, subresource);
    let applied = merge(txn, kind, (&live, config), &manager, options.force)?;
    let mut object = match applied.object {
        Some(merged) => {
            let read = read_object(kind, &merged);
            read.map_err(|error| {
                Failure::plain(format!(
                    "failed to convert new object ({}) to proper version: {error}",
                    described(&target, config)
                ))
            })?
            .0
        }
        None => live.clone(),
    };
    set_managed(&mut object, Some(applied.managed));
    fit_name(&target, &mut object)?;
    let created = stored.is_none();
    let object = match created {
        false => replace(txn, target, subresource, object)?,
        true => insert(txn, target, object)?,
    };
    Ok(Written { object, created, warnings: Vec::new() })
}

fn merge(
    txn: &Txn,
    kind: &Kind,
    (live, config): (&Value, &Value),
    manager: &Manager,
    force: bool,
) -> Result<managed::Applied, Failure> {
    let reset = strategy::reset_fields(kind, &manager.subresource);
    let catalogue = txn.catalogue();
    let convert = |value: &Value, version: &str| in_version(catalogue, kind, value, version);
    let scope = managed::Scope { ty: &kind.ty, version: &kind.api_version(), reset: &reset, convert: &convert };
    managed::apply(&scope, live, config, manager, force, &clock::now())
}

/// The applied object, as errors name it.
fn described(target: &Target, config: &Value) -> String {
    let kind = target.kind;
    let (namespace, name) = (text(config, "/metadata/namespace"), text(config, "/metadata/name"));
    format!("{namespace}/{name}; {}, Kind={}", kind.api_version(), kind.kind)
}

fn check_config(target: &Target, config: &Value) -> Result<(), Failure> {
    let kind = target.kind;
    if !config.is_object() {
        return Err(Failure::bad_request(
            "error decoding YAML: json: cannot unmarshal into Go value of type map[string]interface {}",
        ));
    }
    let (version, name) = (text(config, "/apiVersion"), text(config, "/kind"));
    if version != kind.api_version() || name != kind.kind {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        return Err(Failure::bad_request(format!("invalid object type: {group}/{version}, Kind={name}")));
    }
    if !config["metadata"]["managedFields"].is_null() {
        return Err(Failure::bad_request("metadata.managedFields must be nil"));
    }
    let mut bare = config.clone();
    if let Some(metadata) = bare.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|_, value| !value.is_null());
    }
    let problems = typed::check(&kind.ty, &bare);
    match problems.as_slice() {
        [] => Ok(()),
        [one] => {
            Err(Failure::plain(format!("failed to create typed patch object ({}): {one}", described(target, config))))
        }
        many => {
            let lines: Vec<String> = many.iter().map(|problem| format!("  {problem}")).collect();
            let text = lines.join("\n");
            Err(Failure::plain(format!(
                "failed to create typed patch object ({}): errors:\n{text}",
                described(target, config)
            )))
        }
    }
}
