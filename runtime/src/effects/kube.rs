//! Objects of one cluster, as plain JSON: read, server-side apply, delete, and the waits that go with them.
//!
//! **Invariant:** every write names its field manager, and every request has a deadline and a bounded number of tries.
//! What an object means is not known here; `health` and `stale` judge it, purely.

pub mod health;
pub mod managers;
pub mod object;
pub mod stale;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::AsyncBufRead;
use kube::Client;
use kube::api::{
    DeleteParams, ListParams, LogParams, Patch, PatchParams, PostParams, Preconditions, PropagationPolicy,
};
use kube::core::{Request, Status};
use serde_json::Value;
use waybill_compiler::plan::build::compare;
use waybill_compiler::plan::effect::ObjectRef;

/// The field manager of everything that apply writes.
pub use waybill_compiler::plan::managers::MANAGER;

const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
const TRIES: u32 = 5;

/// A cluster that apply talks to. Clones share the client and what is known of the served kinds.
#[derive(Clone)]
pub struct Cluster {
    pub client: Client,
    /// Whether it is the in-process cluster, whose node lends its own program to steps.
    pub embedded: bool,
    kinds: Arc<Mutex<BTreeMap<(String, String), Kind>>>,
}

/// How a kind is addressed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    pub plural: String,
    pub namespaced: bool,
}

/// Why a request gave no answer that can be used.
#[derive(Clone, Debug)]
pub enum KubeError {
    /// The cluster serves no such kind (any more).
    NotServed(String),
    /// The API server refused.
    Refused(Box<Status>),
    /// No answer, or one that cannot be understood.
    Unreachable(String),
}

impl KubeError {
    fn code(&self) -> u16 {
        match self {
            KubeError::Refused(status) => status.code,
            KubeError::NotServed(_) | KubeError::Unreachable(_) => 0,
        }
    }

    pub fn is_not_found(&self) -> bool {
        self.code() == 404
    }

    /// A lost race: `create` of what exists already.
    pub fn already_exists(&self) -> bool {
        matches!(self, KubeError::Refused(status) if status.code == 409 && status.reason == "AlreadyExists")
    }

    /// A precondition (uid, resourceVersion) does not hold, or other managers own fields.
    pub fn is_conflict(&self) -> bool {
        self.code() == 409 && !self.already_exists()
    }

    /// Whether only a patch or replace of ours, which Kubernetes counts as another manager than our applies, holds the
    /// fields: then forcing takes them from nobody.
    pub fn is_with_ourselves(&self) -> bool {
        let conflicts = self.field_conflicts();
        !conflicts.is_empty() && conflicts.iter().all(|(manager, _)| manager == MANAGER)
    }

    /// Managers that own fields which the apply would change, with the fields; empty for other conflicts.
    pub fn field_conflicts(&self) -> Vec<(String, String)> {
        let KubeError::Refused(status) = self else { return Vec::new() };
        let causes = status.details.iter().flat_map(|details| &details.causes);
        causes
            .filter(|cause| cause.reason == "FieldManagerConflict")
            .map(|cause| (conflicting_manager(&cause.message), cause.field.clone()))
            .collect()
    }

    fn worth_another_try(&self) -> bool {
        match self {
            KubeError::NotServed(_) => false,
            KubeError::Refused(status) => matches!(status.code, 429 | 500 | 502 | 503 | 504),
            KubeError::Unreachable(_) => true,
        }
    }
}

impl fmt::Display for KubeError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KubeError::NotServed(kind) => write!(out, "the cluster does not serve {kind}"),
            KubeError::Refused(status) => write!(out, "{}", status.message),
            KubeError::Unreachable(why) => write!(out, "the cluster does not answer: {why}"),
        }
    }
}

impl std::error::Error for KubeError {}

impl From<kube::Error> for KubeError {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => KubeError::Refused(status),
            other => KubeError::Unreachable(other.to_string()),
        }
    }
}

/// The manager's name in a message such as `conflict with "kubectl" using apps/v1`.
fn conflicting_manager(message: &str) -> String {
    message.split('"').nth(1).unwrap_or(message).to_owned()
}

impl Cluster {
    pub fn new(client: Client, embedded: bool) -> Self {
        Cluster { client, embedded, kinds: Arc::default() }
    }

    /// The object as it is now; `None` if it does not exist.
    pub async fn get(&self, object: &ObjectRef) -> Result<Option<Value>, KubeError> {
        let request = self.request(object).await?;
        let answer = self.send(|| request.get(&object.name, &Default::default())).await;
        match answer {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Server-side apply. `dry_run` writes nothing and gives the object as it would be.
    pub async fn apply(
        &self,
        object: &ObjectRef,
        body: &Value,
        force: bool,
        dry_run: bool,
    ) -> Result<Value, KubeError> {
        let request = self.request(object).await?;
        let mut params = PatchParams::apply(MANAGER);
        params.force = force;
        params.dry_run = dry_run;
        self.send(|| request.patch(&object.name, &params, &Patch::Apply(body))).await
    }

    /// Merge patch; put `metadata.uid` and `metadata.resourceVersion` into `patch` as preconditions.
    pub async fn merge(&self, object: &ObjectRef, patch: &Value) -> Result<Value, KubeError> {
        let request = self.request(object).await?;
        let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        self.send(|| request.patch(&object.name, &params, &Patch::Merge(patch))).await
    }

    /// Writes the whole object; its own uid and resourceVersion are the preconditions.
    pub async fn replace(&self, object: &ObjectRef, body: &Value) -> Result<Value, KubeError> {
        let request = self.request(object).await?;
        let params = PostParams { dry_run: false, field_manager: Some(MANAGER.to_owned()) };
        let bytes = body.to_string().into_bytes();
        self.send(|| request.replace(&object.name, &params, bytes.clone())).await
    }

    /// Creates; an object of that name is an error (`already_exists`).
    pub async fn create(&self, object: &ObjectRef, body: &Value) -> Result<Value, KubeError> {
        let request = self.request(object).await?;
        let params = PostParams { dry_run: false, field_manager: Some(MANAGER.to_owned()) };
        let bytes = body.to_string().into_bytes();
        self.send(|| request.create(&params, bytes.clone())).await
    }

    /// Asks for the deletion of exactly the object with `uid`. Gone already is success.
    pub async fn delete(&self, object: &ObjectRef, uid: Option<&str>) -> Result<(), KubeError> {
        let request = self.request(object).await?;
        let params = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Background),
            preconditions: uid.map(|uid| Preconditions { uid: Some(uid.to_owned()), resource_version: None }),
            ..DeleteParams::default()
        };
        match self.send(|| request.delete(&object.name, &params)).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// All objects of the kind of `like` in its namespace that carry `labels` (a label selector).
    pub async fn list(&self, like: &ObjectRef, labels: &str) -> Result<Vec<Value>, KubeError> {
        let request = self.request(like).await?;
        let mut all = Vec::new();
        let mut params = ListParams::default().labels(labels).limit(500);
        loop {
            let page = self.send(|| request.list(&params)).await?;
            all.extend(page["items"].as_array().cloned().unwrap_or_default());
            match page["metadata"]["continue"].as_str() {
                Some(token) if !token.is_empty() => params = params.continue_token(token),
                Some(_) | None => return Ok(all),
            }
        }
    }

    /// The last lines of a container's log.
    pub async fn log_tail(&self, pod: &ObjectRef, container: &str, lines: i64) -> Result<String, KubeError> {
        let request = self.request(pod).await?;
        let params =
            LogParams { container: Some(container.to_owned()), tail_lines: Some(lines), ..LogParams::default() };
        let call = request.logs(&pod.name, &params).map_err(|error| KubeError::Unreachable(error.to_string()))?;
        limited(self.client.request_text(call)).await
    }

    /// A container's log as it grows, until the container has ended.
    pub async fn log_stream(&self, pod: &ObjectRef, container: &str) -> Result<impl AsyncBufRead + use<>, KubeError> {
        let request = self.request(pod).await?;
        let params = LogParams { container: Some(container.to_owned()), follow: true, ..LogParams::default() };
        let call = request.logs(&pod.name, &params).map_err(|error| KubeError::Unreachable(error.to_string()))?;
        Ok(self.client.request_stream(call).await?)
    }

    /// The uid of `kube-system`: what the cluster is known by.
    pub async fn uid(&self) -> Result<String, KubeError> {
        let found = self.get(&namespace("kube-system")).await?;
        let uid = found.as_ref().and_then(|found| found["metadata"]["uid"].as_str());
        uid.map(str::to_owned).ok_or_else(|| KubeError::NotServed("the namespace kube-system".into()))
    }

    /// Where objects of this kind are served. A kind that is not served is asked for again at the next call: its CRD may
    /// have come since.
    pub async fn kind(&self, object: &ObjectRef) -> Result<Kind, KubeError> {
        let version = api_version(object);
        let key = (version.clone(), object.kind.clone());
        if let Some(kind) = self.known(&key) {
            return Ok(kind);
        }
        let path = if object.group.is_empty() { format!("/api/{version}") } else { format!("/apis/{version}") };
        let not_served = || KubeError::NotServed(format!("{}/{}", version, object.kind));
        let answer = self.send(|| discovery(&path)).await;
        let answer = answer.map_err(|error| if error.is_not_found() { not_served() } else { error })?;
        let resources = answer["resources"].as_array().cloned().unwrap_or_default();
        let found = resources.iter().find(|resource| {
            resource["kind"] == object.kind.as_str()
                && resource["name"].as_str().is_some_and(|name| !name.contains('/'))
        });
        let found = found.ok_or_else(not_served)?;
        let kind = Kind {
            plural: found["name"].as_str().unwrap_or_default().to_owned(),
            namespaced: found["namespaced"].as_bool().unwrap_or_default(),
        };
        self.kinds.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).insert(key, kind.clone());
        Ok(kind)
    }

    fn known(&self, key: &(String, String)) -> Option<Kind> {
        self.kinds.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).get(key).cloned()
    }

    async fn request(&self, object: &ObjectRef) -> Result<Request, KubeError> {
        let kind = self.kind(object).await?;
        let root = if object.group.is_empty() { "/api" } else { "/apis" };
        let version = api_version(object);
        let space = if kind.namespaced && !object.namespace.is_empty() {
            format!("namespaces/{}/", object.namespace)
        } else {
            String::new()
        };
        Ok(Request::new(format!("{root}/{version}/{space}{}", kind.plural)))
    }

    async fn send(
        &self,
        build: impl Fn() -> Result<http::Request<Vec<u8>>, kube::core::request::Error>,
    ) -> Result<Value, KubeError> {
        let mut pause = Duration::from_millis(200);
        for attempt in 1.. {
            let request = build().map_err(|error| KubeError::Unreachable(error.to_string()))?;
            match limited(self.client.request::<Value>(request)).await {
                Ok(value) => return Ok(value),
                Err(error) if attempt >= TRIES || !error.worth_another_try() => return Err(error),
                Err(_) => tokio::time::sleep(pause).await,
            }
            pause *= 2;
        }
        unreachable!("BUG: the last try returns")
    }
}

async fn limited<T>(call: impl Future<Output = Result<T, kube::Error>>) -> Result<T, KubeError> {
    match tokio::time::timeout(REQUEST_TIMEOUT, call).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(KubeError::Unreachable(format!("no answer within {} s", REQUEST_TIMEOUT.as_secs()))),
    }
}

fn discovery(path: &str) -> Result<http::Request<Vec<u8>>, kube::core::request::Error> {
    http::Request::get(path).body(Vec::new()).map_err(kube::core::request::Error::BuildRequest)
}

/// `apps/v1`, or `v1` of the core group.
pub fn api_version(object: &ObjectRef) -> String {
    if object.group.is_empty() { object.version.clone() } else { format!("{}/{}", object.group, object.version) }
}

pub fn namespace(name: &str) -> ObjectRef {
    core("Namespace", "", name)
}

/// An object of the core group, version v1.
pub fn core(kind: &str, namespace: &str, name: &str) -> ObjectRef {
    ObjectRef {
        group: String::new(),
        version: "v1".into(),
        kind: kind.into(),
        namespace: namespace.into(),
        name: name.into(),
        uid: None,
    }
}

/// The name of an object that is given as JSON.
pub fn object_ref(object: &Value) -> ObjectRef {
    let uid = object["metadata"]["uid"].as_str().map(str::to_owned);
    ObjectRef { uid, ..compare::reference(object) }
}

/// An object as people name it: `Deployment staging/api`.
pub fn display(object: &ObjectRef) -> String {
    if object.namespace.is_empty() {
        format!("{} {}", object.kind, object.name)
    } else {
        format!("{} {}/{}", object.kind, object.namespace, object.name)
    }
}
