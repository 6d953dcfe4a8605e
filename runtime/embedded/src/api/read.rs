//! Get and list.
//!
//! **Invariant:** as in `api`; a page after the first goes on behind the last key of the one before and carries the
//! revision of the first, so that a watch from there misses nothing.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::{Target, convert};
use crate::kinds::Kind;
use crate::selector::{FieldSelector, Selector};
use crate::status::Failure;
use crate::store::{Key, Object, State};

/// What a list or a watch asks for.
#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    pub labels: Selector,
    pub fields: FieldSelector,
    pub limit: Option<usize>,
    pub continue_token: Option<String>,
    pub resource_version: Option<String>,
    pub resource_version_match: Option<String>,
}

impl ListOptions {
    pub fn selects(&self, object: &Value) -> bool {
        self.labels.matches(&object["metadata"]["labels"]) && self.fields.matches(object)
    }
}

pub struct Listed {
    pub items: Vec<Object>,
    pub revision: u64,
    pub continue_token: Option<String>,
    pub remaining: Option<usize>,
}

pub fn get(state: &State, target: Target) -> Result<Value, Failure> {
    let object = state.get(&target.key()).ok_or_else(|| target.not_found())?;
    Ok(convert::served(target.kind, object))
}

struct Token {
    revision: u64,
    after: (String, String),
}

impl Token {
    fn encode(&self) -> String {
        let text =
            json!({"v": "meta.k8s.io/v1", "rv": self.revision, "start": [self.after.0, self.after.1]}).to_string();
        URL_SAFE_NO_PAD.encode(text)
    }

    fn decode(text: &str) -> Result<Token, Failure> {
        let invalid = || {
            Failure::bad_request(
                "invalid continue token: continue key is not valid: invalid character looking for beginning of value",
            )
        };
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid())?;
        let value: Value = serde_json::from_slice(&bytes).map_err(|_| invalid())?;
        let part = |index: usize| value["start"][index].as_str().map(str::to_owned).ok_or_else(invalid);
        Ok(Token { revision: value["rv"].as_u64().ok_or_else(invalid)?, after: (part(0)?, part(1)?) })
    }
}

/// The objects of a kind in one namespace or, with `None`, in all.
pub fn list(state: &State, kind: &Kind, namespace: Option<&str>, options: &ListOptions) -> Result<Listed, Failure> {
    check_version(state, options)?;
    let token = options.continue_token.as_deref().filter(|text| !text.is_empty()).map(Token::decode).transpose()?;
    let mut matching: Vec<(Key, Object)> = state.list(&kind.table(), namespace);
    if let Some(token) = &token {
        matching.retain(|(key, _)| (&key.namespace, &key.name) > (&token.after.0, &token.after.1));
    }
    matching.retain(|(_, object)| options.selects(object));
    let revision = token.map_or(state.revision, |token| token.revision);
    let limit = options.limit.filter(|limit| *limit > 0 && *limit < matching.len());
    let remaining = limit.map(|limit| matching.len() - limit);
    if let Some(limit) = limit {
        matching.truncate(limit);
    }
    let continue_token = remaining.and_then(|_| matching.last()).map(|(key, _)| {
        let after = (key.namespace.clone(), key.name.clone());
        Token { revision, after }.encode()
    });
    Ok(Listed { items: matching.into_iter().map(|(_, object)| object).collect(), revision, continue_token, remaining })
}

fn check_version(state: &State, options: &ListOptions) -> Result<(), Failure> {
    let wanted = options.resource_version.as_deref().unwrap_or_default();
    if wanted.is_empty() {
        return Ok(());
    }
    let revision: u64 = wanted.parse().map_err(|_| {
        Failure::bad_request(format!(
            "invalid resource version: resourceVersion: Invalid value: {wanted:?}: strconv.ParseUint: parsing {wanted:?}: invalid syntax"
        ))
    })?;
    if revision > state.revision {
        return Err(too_new(revision, state.revision));
    }
    if options.resource_version_match.as_deref() == Some("Exact") && revision != state.revision && revision != 0 {
        return Err(Failure::gone(format!(
            "The provided resource version is too old: {revision} ({})",
            state.revision
        )));
    }
    Ok(())
}

/// A revision that is yet to come.
pub fn too_new(wanted: u64, current: u64) -> Failure {
    let message = format!("Too large resource version: {wanted}, current: {current}");
    let mut failure = Failure::new(504, "Timeout", message);
    let cause = json!({"reason": "ResourceVersionTooLarge", "message": "Too large resource version"});
    failure.details = Some(Box::new(json!({"causes": [cause], "retryAfterSeconds": 1})));
    failure
}

impl Listed {
    /// The list object that is sent.
    pub fn body(&self, kind: &Kind) -> Value {
        let mut meta = json!({"resourceVersion": self.revision.to_string()});
        match &self.continue_token {
            Some(token) => meta["continue"] = json!(token),
            None if kind.custom => meta["continue"] = json!(""),
            None => {}
        }
        if let Some(remaining) = self.remaining {
            meta["remainingItemCount"] = json!(remaining);
        }
        let items: Vec<Value> = self
            .items
            .iter()
            .map(|object| {
                let mut item = convert::served(kind, object);
                if let (Some(map), false) = (item.as_object_mut(), kind.custom) {
                    map.remove("apiVersion");
                    map.remove("kind");
                }
                item
            })
            .collect();
        json!({"kind": kind.list_kind(), "apiVersion": kind.api_version(), "metadata": meta, "items": items})
    }
}
