//! Secrets as objects of External Secrets (`external-secrets.io`): its operator reads the store and makes the Secret.
//!
//! **Invariant:** an object names places, never values. The fields are those of the project's own CRDs, the same in `v1`
//! and `v1beta1`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::manifest::Object;
use crate::model::secret::{self, Datum, Secret, Source, Store};
use crate::model::{Environment, Model};
use crate::plan::observed::{Cluster, Observed};
use crate::spec::secret::{Provider, Reference, StoreProvider};

/// Group of the objects.
pub const GROUP: &str = "external-secrets.io";

/// Versions that this program writes, the best first.
pub const VERSIONS: &[&str] = &["v1", "v1beta1"];

/// The objects of an environment's secrets, stores first; none where the target serves no External Secrets.
pub fn objects(
    model: &Model,
    environment: &Environment,
    manifests: &[Object],
    observed: &Observed,
    offline: bool,
) -> Vec<Object> {
    let Some(version) = version(model, environment, manifests, observed, offline) else { return Vec::new() };
    let mut stores = BTreeSet::new();
    let mut objects = Vec::new();
    for secret in &environment.secrets {
        let Source::Store(store, reference) = &secret.source else { continue };
        let written = &model.stores[*store];
        if made_here(written) && stores.insert(*store) {
            let value = store_object(&version, written, &environment.namespace.value);
            objects.insert(stores.len() - 1, Object::new(value, written.span));
        }
        let value = secret_object(&version, secret, reference, written, &environment.namespace.value);
        objects.push(Object::new(value, secret.span));
    }
    objects
}

/// Whether the plan makes a store: one of a namespace, whose provider is known.
pub fn made_here(store: &Store) -> bool {
    store.provider.is_some() && store.kind == "SecretStore"
}

/// The version that the target serves, or will serve by a CRD among the manifests. Offline it is the newest one.
fn version(
    model: &Model,
    environment: &Environment,
    manifests: &[Object],
    observed: &Observed,
    offline: bool,
) -> Option<String> {
    if offline {
        return Some(VERSIONS[0].to_owned());
    }
    let served = match observed.clusters.get(&model.cluster(environment.cluster).name) {
        Some(Cluster::Facts(facts)) => facts.external_secrets.clone(),
        Some(Cluster::Failure(_)) | None => None,
    };
    served.or_else(|| manifests.iter().find_map(|object| defined(&object.value)))
}

fn defined(object: &Value) -> Option<String> {
    let spec = &object["spec"];
    let is_it = object["kind"] == "CustomResourceDefinition"
        && spec["group"] == GROUP
        && spec["names"]["kind"] == "ExternalSecret";
    let versions = spec["versions"].as_array().filter(|_| is_it)?;
    let served = |name: &&&str| versions.iter().any(|version| version["name"] == **name && version["served"] == true);
    VERSIONS.iter().find(served).map(|name| (*name).to_owned())
}

fn secret_object(version: &str, secret: &Secret, reference: &Reference, store: &Store, namespace: &str) -> Value {
    let data = secret::data(reference, secret.ty.as_deref());
    let mut spec = Map::new();
    if let Some(seconds) = reference.refresh_seconds {
        spec.insert("refreshInterval".into(), go_duration(seconds).into());
    }
    spec.insert("secretStoreRef".into(), json!({"name": store.name.value, "kind": store.kind}));
    let mut target = json!({"name": secret.name.value, "creationPolicy": "Owner"});
    if let Some(ty) = secret.ty.as_ref().filter(|ty| *ty != "Opaque") {
        target["template"] = json!({"type": ty});
    }
    spec.insert("target".into(), target);
    if data.is_empty() {
        let whole = secret::whole(reference);
        spec.insert("dataFrom".into(), json!([{"extract": remote(&whole)}]));
    } else {
        let entry = |datum: &Datum| json!({"secretKey": datum.key, "remoteRef": remote(datum)});
        spec.insert("data".into(), data.iter().map(entry).collect());
    }
    object(version, "ExternalSecret", &secret.name.value, namespace, Value::Object(spec))
}

fn remote(datum: &Datum) -> Value {
    let mut remote = json!({"key": datum.path});
    for (field, value) in [("property", &datum.property), ("version", &datum.version)] {
        if let Some(value) = value {
            remote[field] = json!(value);
        }
    }
    remote
}

fn store_object(version: &str, store: &Store, namespace: &str) -> Value {
    let provider = store.provider.as_ref().map_or(Value::Null, provider);
    object(version, "SecretStore", &store.name.value, namespace, json!({"provider": provider}))
}

fn object(version: &str, kind: &str, name: &str, namespace: &str, spec: Value) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/{version}"),
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    })
}

fn provider(provider: &StoreProvider) -> Value {
    let (name, spec) = match provider.provider {
        Provider::Vault => ("vault", vault(provider)),
        Provider::Aws => ("aws", aws(provider)),
        Provider::Gcp => ("gcpsm", gcp(provider)),
        Provider::Azure => ("azurekv", azure(provider)),
        Provider::Kubernetes => ("kubernetes", kubernetes(provider)),
    };
    json!({name: spec})
}

impl StoreProvider {
    fn text(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(|field| field.value.as_str())
    }

    /// Puts a field under the name that the CRD has for it, if it is written.
    fn put(&self, spec: &mut Value, field: &str, name: &str) {
        if let Some(value) = self.text(name) {
            spec[field] = json!(value);
        }
    }
}

fn vault(store: &StoreProvider) -> Value {
    let auth = match store.text("token") {
        Some(token) => json!({"tokenSecretRef": {"name": token, "key": store.text("token-key").unwrap_or("token")}}),
        None => {
            let path = store.text("auth-path").unwrap_or("kubernetes");
            let mut auth = json!({"mountPath": path, "role": store.text("role").unwrap_or_default()});
            if let Some(account) = store.text("service-account") {
                auth["serviceAccountRef"] = json!({"name": account});
            }
            json!({"kubernetes": auth})
        }
    };
    let mut spec = json!({
        "server": store.place.value,
        "path": store.text("path").unwrap_or("secret"),
        "version": store.text("version").unwrap_or("v2"),
        "auth": auth,
    });
    store.put(&mut spec, "namespace", "namespace");
    spec
}

fn aws(store: &StoreProvider) -> Value {
    let mut spec = json!({"service": store.text("service").unwrap_or("SecretsManager"), "region": store.place.value});
    store.put(&mut spec, "role", "role");
    if let Some(account) = store.text("service-account") {
        spec["auth"] = json!({"jwt": {"serviceAccountRef": {"name": account}}});
    }
    if let Some(secret) = store.text("credentials") {
        spec["auth"] = json!({"secretRef": {
            "accessKeyIDSecretRef": {"name": secret, "key": "access-key"},
            "secretAccessKeySecretRef": {"name": secret, "key": "secret-access-key"},
        }});
    }
    spec
}

fn gcp(store: &StoreProvider) -> Value {
    let mut spec = json!({"projectID": store.place.value});
    store.put(&mut spec, "location", "location");
    if let Some(account) = store.text("service-account") {
        spec["auth"] = json!({"workloadIdentity": {"serviceAccountRef": {"name": account}}});
    }
    if let Some(secret) = store.text("credentials") {
        let reference = json!({"name": secret, "key": "secret-access-credentials"});
        spec["auth"] = json!({"secretRef": {"secretAccessKeySecretRef": reference}});
    }
    spec
}

fn azure(store: &StoreProvider) -> Value {
    let mut spec = json!({"vaultUrl": store.place.value, "authType": "ManagedIdentity"});
    store.put(&mut spec, "tenantId", "tenant");
    store.put(&mut spec, "identityId", "identity");
    if let Some(account) = store.text("service-account") {
        spec["authType"] = json!("WorkloadIdentity");
        spec["serviceAccountRef"] = json!({"name": account});
    }
    if let Some(secret) = store.text("credentials") {
        spec["authType"] = json!("ServicePrincipal");
        spec["authSecretRef"] = json!({
            "clientId": {"name": secret, "key": "client-id"},
            "clientSecret": {"name": secret, "key": "client-secret"},
        });
    }
    spec
}

fn kubernetes(store: &StoreProvider) -> Value {
    let account = store.text("service-account").unwrap_or_default();
    let mut spec = json!({"remoteNamespace": store.place.value, "auth": {"serviceAccount": {"name": account}}});
    let ca = json!({"type": "ConfigMap", "name": "kube-root-ca.crt", "key": "ca.crt"});
    spec["server"] = json!({"caProvider": ca});
    if let Some(url) = store.text("server") {
        spec["server"]["url"] = json!(url);
    }
    spec
}

/// Seconds as Go writes them: `1h30m`.
fn go_duration(seconds: u64) -> String {
    let parts = [(seconds / 3600, "h"), (seconds / 60 % 60, "m"), (seconds % 60, "s")];
    let text: String =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, unit)| format!("{count}{unit}")).collect();
    if text.is_empty() { "0s".into() } else { text }
}
