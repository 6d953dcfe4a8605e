//! Service accounts and the Secrets that they read.
//!
//! **Invariant:** an account is judged only where the manifests hold it: what somebody bound by hand is not known here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::keepers::Keepers;
use super::namespaces::same;
use super::platform::Platforms;
use super::rendered::Place;
use crate::diag::{Diagnostic, Diags, codes, suggest};
use crate::manifest::Object;
use crate::manifest::images::pod_spec_pointer;
use crate::model::secret::Source;
use crate::model::{Cluster, Model, Secret};
use crate::source::{Span, Spanned};
use crate::spec::secret::Provider;

const RBAC: &str = "rbac.authorization.k8s.io";
/// With this a Pod of the account uses only the Secrets that the account lists; the API server refuses others
/// (`plugin/pkg/admission/serviceaccount`).
const ENFORCED: &str = "/metadata/annotations/kubernetes.io~1enforce-mountable-secrets";

/// Reports accounts of stores that may not read, Roles for Secrets that are not there, and Pods that use what their account
/// does not list.
pub fn check(model: &Model, places: &[Place], platforms: &Platforms, keepers: &Keepers, diags: &mut Diags) {
    for place in places {
        let cluster = model.cluster(place.environment.cluster);
        diags.extend(stores(model, place, &|| objects(model, cluster, places, platforms)));
        for role in place.of_kind(RBAC, "Role") {
            diags.extend(named(place, role, cluster, keepers));
        }
        let accounts = place.accounts();
        place.rendered.objects.iter().for_each(|object| diags.extend(unlisted(&accounts, object)));
    }
}

/// All objects of a cluster, with the namespace that each is in.
fn objects<'a>(
    model: &'a Model,
    cluster: &Cluster,
    places: &'a [Place],
    platforms: &'a Platforms,
) -> Vec<(&'a str, &'a Object)> {
    let mut all = Vec::new();
    for place in places.iter().filter(|place| same(model.cluster(place.environment.cluster), cluster)) {
        all.extend(place.rendered.objects.iter().map(|object| (place.namespace(object), object)));
    }
    for (_, rendered) in platforms.iter().filter(|(at, _)| same(&model.clusters[**at], cluster)) {
        all.extend(rendered.objects.iter().map(|object| (object.namespace(), object)));
    }
    all
}

/// Stores of other namespaces that an environment reads by an account of its manifests.
fn stores<'a>(model: &Model, place: &Place, all: &dyn Fn() -> Vec<(&'a str, &'a Object)>) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let used: BTreeSet<usize> = place.environment.secrets.iter().filter_map(store_of).collect();
    for at in used {
        let store = &model.stores[at];
        let Some(provider) = store.provider.as_ref().filter(|provider| provider.provider == Provider::Kubernetes)
        else {
            continue;
        };
        let Some(account) = provider.fields.get("service-account") else { continue };
        let objects = all();
        let home = place.environment.namespace.value.as_str();
        let there = |(namespace, object): &&(&str, &Object)| {
            object.group().is_empty()
                && object.kind() == "ServiceAccount"
                && *namespace == home
                && object.name() == account.value
        };
        let other_cluster = provider.fields.contains_key("server");
        let Some((_, object)) = objects.iter().find(there).filter(|_| !other_cluster) else { continue };
        if !may_read(&objects, (home, &account.value), &provider.place.value) {
            found.push(unread(account, home, &provider.place, object.place("/metadata/name")));
        }
    }
    found
}

fn store_of(secret: &Secret) -> Option<usize> {
    match &secret.source {
        Source::Store(store, _) => Some(*store),
        Source::Existing | Source::Sops(_) | Source::Csi(_) => None,
    }
}

fn unread(account: &Spanned<String>, home: &str, namespace: &Spanned<String>, object: Span) -> Diagnostic {
    let (name, read) = (&account.value, &namespace.value);
    let message = format!("service account `{name}` of namespace `{home}` may not read Secrets of `{read}`");
    let finding = Diagnostic::new(&codes::SERVICE_ACCOUNT_SECRET, account.span, message)
        .here("no binding in the manifests gives it `get` on `secrets`")
        .label(object, "the account");
    finding.help(format!("add a Role with `get` on `secrets` to namespace `{read}`, and a RoleBinding to the account"))
}

/// Whether a binding of the manifests lets an account (namespace, name) get Secrets of a namespace. A binding to a role that
/// the manifests lack may.
fn may_read(objects: &[(&str, &Object)], account: (&str, &str), namespace: &str) -> bool {
    objects.iter().filter(|(_, object)| object.group() == RBAC).any(|(at, object)| {
        let scoped = match object.kind() {
            "RoleBinding" => *at == namespace,
            "ClusterRoleBinding" => true,
            _ => false,
        };
        let subjects = object.value.get("subjects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        scoped && subjects.iter().any(|subject| is_account(subject, account)) && gives(objects, at, object)
    })
}

fn is_account(subject: &Value, (namespace, name): (&str, &str)) -> bool {
    let text = |field: &str| subject.get(field).and_then(Value::as_str).unwrap_or("");
    match text("kind") {
        "ServiceAccount" => text("name") == name && text("namespace") == namespace,
        "Group" => {
            let group = text("name");
            group == "system:serviceaccounts" || group == format!("system:serviceaccounts:{namespace}")
        }
        _ => false,
    }
}

/// Whether the role of a binding allows to get Secrets.
fn gives(objects: &[(&str, &Object)], namespace: &str, binding: &Object) -> bool {
    let text = |field: &str| binding.value.pointer(&format!("/roleRef/{field}")).and_then(Value::as_str).unwrap_or("");
    let is_role = |(at, object): &&(&str, &Object)| {
        let own = object.kind() == "ClusterRole" || *at == namespace;
        object.group() == RBAC && object.kind() == text("kind") && object.name() == text("name") && own
    };
    match objects.iter().find(is_role) {
        Some((_, role)) => rules(role).iter().any(|(_, rule)| reads_secrets(rule)),
        None => !matches!(text("name"), "view"),
    }
}

fn rules(role: &Object) -> Vec<(usize, &Value)> {
    let rules = role.value.get("rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    rules.iter().enumerate().collect()
}

fn reads_secrets(rule: &Value) -> bool {
    let has = |field: &str, words: &[&str]| {
        let list = rule.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(Value::as_str).any(|word| words.contains(&word))
    };
    has("apiGroups", &["", "*"]) && has("resources", &["secrets", "*"]) && has("verbs", &["get", "*"])
}

/// Secrets that a Role lets somebody read by name, and that its namespace does not have.
fn named(place: &Place, role: &Object, cluster: &Cluster, keepers: &Keepers) -> Vec<Diagnostic> {
    let namespace = place.namespace(role);
    let mut found = Vec::new();
    for (at, rule) in rules(role).into_iter().filter(|(_, rule)| reads_secrets(rule)) {
        let names = rule.get("resourceNames").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for (index, name) in names.iter().enumerate() {
            let Some(name) = name.as_str().filter(|name| !keepers.has(cluster, namespace, name)) else { continue };
            // An operator may make it.
            let own = place
                .rendered
                .objects
                .iter()
                .all(|object| crate::manifest::scope::built_in(object.group(), object.kind()).is_some());
            if !own {
                continue;
            }
            let message = format!("Role `{}` is for Secret `{name}`, which `{namespace}` does not have", role.name());
            let span = role.place(&format!("/rules/{at}/resourceNames/{index}"));
            let finding = Diagnostic::new(&codes::SERVICE_ACCOUNT_SECRET, span, message);
            let finding = finding.here("whoever is bound to it can read no Secret by this name");
            let known = place.environment.secrets.iter().map(|secret| secret.name.as_str());
            let written = place.of_kind("", "Secret").map(Object::name);
            let known: Vec<&str> = known.chain(written).collect();
            found.push(match suggest::closest(name, known) {
                Some(real) => finding.help(format!("there is a Secret with a similar name: `{real}`")),
                None => finding.help(format!("add `secret \"{name}\"` to environment `{}`", place.name())),
            });
        }
    }
    found
}

/// A Secret that a Pod uses and that its account, which says which ones are allowed, does not list.
fn unlisted(accounts: &BTreeMap<&str, &Object>, object: &Object) -> Option<Diagnostic> {
    let spec = pod_spec_pointer(object.group(), object.kind())?;
    let name = object.value.pointer(&format!("{spec}/serviceAccountName")).and_then(Value::as_str);
    let name = name.unwrap_or("default");
    let account = accounts.get(name)?;
    if account.value.pointer(ENFORCED).and_then(Value::as_str) != Some("true") {
        return None;
    }
    let listed = |field: &str| -> Vec<&str> {
        let list = account.value.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        list.iter().filter_map(|one| one.get("name")?.as_str()).collect()
    };
    let (secrets, pulls) = (listed("secrets"), listed("imagePullSecrets"));
    let allowed = |pointer: &str| if pointer.contains("/imagePullSecrets/") { &pulls } else { &secrets };
    let uses = super::references::used(object);
    let (secret, pointer) = uses.iter().find(|(secret, pointer)| !allowed(pointer).contains(&secret.as_str()))?;
    let message = format!("service account `{name}` does not list Secret `{secret}`");
    let finding = Diagnostic::new(&codes::SERVICE_ACCOUNT_SECRET, object.place(pointer), message)
        .here("the API server refuses the Pod")
        .label(account.place(ENFORCED), "its Pods use only what it lists");
    let field = if pointer.contains("/imagePullSecrets/") { "imagePullSecrets" } else { "secrets" };
    Some(finding.help(format!("add `{secret}` to `{field}` of the account")))
}
