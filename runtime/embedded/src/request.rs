//! A request's path and query, taken apart.
//!
//! **Invariant:** pure. Not here: whether what is asked for exists.

use crate::api::{FieldValidation, ListOptions, WatchOptions, WriteOptions};
use crate::kinds::Kind;
use crate::selector::{FieldSelector, Selector};
use crate::status::{Failure, FieldError};

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    Version,
    Health,
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    Group(String),
    Resources {
        group: String,
        version: String,
    },
    Resource(Place),
    Unknown,
}

/// One resource, collection or subresource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub group: String,
    pub version: String,
    /// `None` where all namespaces are meant, or the kind has none.
    pub namespace: Option<String>,
    pub resource: String,
    pub name: Option<String>,
    pub subresource: String,
}

/// Decoded parameters, in order.
pub type Query = Vec<(String, String)>;

pub fn route(path: &str) -> Route {
    let parts: Vec<String> =
        path.split('/').filter(|part| !part.is_empty()).map(|part| percent_decode(part, false)).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match parts.as_slice() {
        ["version"] => Route::Version,
        ["healthz" | "livez" | "readyz", ..] => Route::Health,
        ["api"] => Route::CoreVersions,
        ["apis"] => Route::Groups,
        ["apis", group] => Route::Group((*group).to_owned()),
        ["api", version] => Route::Resources { group: String::new(), version: (*version).to_owned() },
        ["apis", group, version] => Route::Resources { group: (*group).to_owned(), version: (*version).to_owned() },
        ["api", version, rest @ ..] => place("", version, rest),
        ["apis", group, version, rest @ ..] => place(group, version, rest),
        _ => Route::Unknown,
    }
}

fn place(group: &str, version: &str, rest: &[&str]) -> Route {
    let base = Place { group: group.to_owned(), version: version.to_owned(), ..Place::default() };
    let with = |namespace: Option<&str>, resource: &str, name: Option<&str>, subresource: &str| {
        Route::Resource(Place {
            namespace: namespace.map(str::to_owned),
            resource: resource.to_owned(),
            name: name.map(str::to_owned),
            subresource: subresource.to_owned(),
            ..base.clone()
        })
    };
    match rest {
        ["namespaces", name, sub @ ("status" | "finalize")] if group.is_empty() => {
            with(None, "namespaces", Some(name), sub)
        }
        ["namespaces", namespace, resource] => with(Some(namespace), resource, None, ""),
        ["namespaces", namespace, resource, name] => with(Some(namespace), resource, Some(name), ""),
        ["namespaces", namespace, resource, name, sub] => with(Some(namespace), resource, Some(name), sub),
        [resource] => with(None, resource, None, ""),
        [resource, name] => with(None, resource, Some(name), ""),
        [resource, name, sub] => with(None, resource, Some(name), sub),
        _ => Route::Unknown,
    }
}

/// The parameters of a query string.
pub fn query(text: &str) -> Query {
    text.split('&')
        .filter(|part| !part.is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            (percent_decode(key, true), percent_decode(value, true))
        })
        .collect()
}

fn percent_decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let hex = |offset: usize| bytes.get(index + offset).and_then(|byte| char::from(*byte).to_digit(16));
        match (bytes[index], hex(1), hex(2)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                index += 2;
            }
            (b'+', _, _) if plus => out.push(b' '),
            (byte, _, _) => out.push(byte),
        }
        index += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub fn find<'a>(query: &'a Query, key: &str) -> Option<&'a str> {
    query.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
}

/// A boolean parameter: present without a value counts as true.
pub fn flag(query: &Query, key: &str) -> bool {
    find(query, key).is_some_and(|value| !matches!(value, "false" | "0"))
}

pub fn list_options(query: &Query, kind: &Kind) -> Result<ListOptions, Failure> {
    Ok(ListOptions {
        labels: Selector::parse(find(query, "labelSelector").unwrap_or_default())?,
        fields: FieldSelector::parse(find(query, "fieldSelector").unwrap_or_default(), &kind.kind)?,
        limit: find(query, "limit").and_then(|value| value.parse().ok()),
        continue_token: find(query, "continue").map(str::to_owned),
        resource_version: find(query, "resourceVersion").map(str::to_owned),
        resource_version_match: find(query, "resourceVersionMatch").map(str::to_owned),
    })
}

pub fn watch_options(query: &Query, kind: &Kind) -> Result<WatchOptions, Failure> {
    Ok(WatchOptions {
        selection: list_options(query, kind)?,
        bookmarks: flag(query, "allowWatchBookmarks"),
        send_initial_events: find(query, "sendInitialEvents").map(|value| value == "true"),
    })
}

const MAX_MANAGER_BYTES: usize = 128;

/// The parameters of a write. `operation` is `CreateOptions`, `UpdateOptions` or `PatchOptions`.
pub fn write_options(query: &Query, user_agent: &str, operation: &str) -> Result<WriteOptions, Failure> {
    let mut problems = Vec::new();
    let dry_run = match find(query, "dryRun") {
        None | Some("") => false,
        Some("All") => true,
        Some(other) => {
            problems.push(FieldError::unsupported("dryRun", &serde_json::json!([other]), &["All"]));
            false
        }
    };
    let validation = match find(query, "fieldValidation") {
        None | Some("" | "Warn") => FieldValidation::Warn,
        Some("Ignore") => FieldValidation::Ignore,
        Some("Strict") => FieldValidation::Strict,
        Some(other) => {
            problems.push(FieldError::unsupported(
                "fieldValidation",
                &serde_json::json!(other),
                &["Ignore", "Strict", "Warn"],
            ));
            FieldValidation::Warn
        }
    };
    let field_manager = find(query, "fieldManager").map(str::to_owned);
    if field_manager.as_ref().is_some_and(|name| name.len() > MAX_MANAGER_BYTES) {
        problems.push(FieldError::too_long("fieldManager", MAX_MANAGER_BYTES));
    }
    if !problems.is_empty() {
        return Err(Failure::invalid("meta.k8s.io", operation, "", &problems));
    }
    let mut user_agent = user_agent.split('/').next().unwrap_or_default().to_owned();
    user_agent.retain(|c| !c.is_control());
    user_agent.truncate(MAX_MANAGER_BYTES);
    Ok(WriteOptions { dry_run, field_manager, user_agent, force: flag(query, "force"), validation })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let Route::Resource(place) = route("/apis/apps/v1/namespaces/a/deployments/b/status") else {
            panic!("no resource")
        };
        assert_eq!(
            (place.namespace.as_deref(), place.name.as_deref(), place.subresource.as_str()),
            (Some("a"), Some("b"), "status")
        );
        let Route::Resource(place) = route("/api/v1/namespaces/a/status") else { panic!("no resource") };
        assert_eq!((place.resource.as_str(), place.name.as_deref(), place.namespace), ("namespaces", Some("a"), None));
        let Route::Resource(place) = route("/api/v1/namespaces/a") else { panic!("no resource") };
        assert_eq!((place.resource.as_str(), place.name.as_deref()), ("namespaces", Some("a")));
        assert_eq!(route("/foo"), Route::Unknown);
    }

    #[test]
    fn queries() {
        let query = query("&labelSelector=a%3Db%2Cc&watch=true&dryRun=All&x");
        assert_eq!(find(&query, "labelSelector"), Some("a=b,c"));
        assert!(flag(&query, "watch") && flag(&query, "x") && !flag(&query, "y"));
    }
}
