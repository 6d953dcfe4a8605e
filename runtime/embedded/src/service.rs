//! HTTP: a tower service that turns requests into the verbs of `api` and answers into responses.
//!
//! **Invariant:** a thin layer; what a request means is decided in `request` and `api`. Every answer is JSON, and every
//! failure a `Status`.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::{HeaderMap, Method, Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::api::{self, DeleteOptions, PatchType, Target, Watch, WriteOptions, Written};
use crate::discovery;
use crate::kinds::Kind;
use crate::logs::{self, LogPath};
use crate::request::{self, Place, Query, Route};
use crate::status::Failure;
use crate::store::{Store, Txn};

/// The body of a response.
pub type Body = UnsyncBoxBody<Bytes, Infallible>;

/// The API as a tower service. Clones share one store.
#[derive(Clone)]
pub struct Api {
    store: Store,
    logs: Arc<LogPath>,
}

const BOOKMARK_EVERY: Duration = Duration::from_secs(30);
const MAX_BODY_BYTES: usize = 3 * 1024 * 1024;

impl Api {
    pub fn new(store: Store, logs: Arc<LogPath>) -> Api {
        Api { store, logs }
    }
}

impl<B> tower::Service<Request<B>> for Api
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let api = self.clone();
        Box::pin(async move { Ok(api.answer(request).await) })
    }
}

/// A request with its body read.
struct Call {
    method: Method,
    headers: HeaderMap,
    query: Query,
    body: Bytes,
}

impl Call {
    fn header(&self, name: header::HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn write_options(&self, operation: &str) -> Result<WriteOptions, Failure> {
        request::write_options(&self.query, self.header(header::USER_AGENT), operation)
    }

    fn content_type(&self) -> &str {
        self.header(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim()
    }

    fn json(&self) -> Result<Value, Failure> {
        serde_json::from_slice(&self.body)
            .map_err(|error| Failure::bad_request(format!("couldn't read the body as JSON: {error}")))
    }

    /// The object of a create or update.
    fn object(&self) -> Result<Value, Failure> {
        match self.content_type() {
            "" | "application/json" | "*/*" => self.json(),
            _ => Err(Failure::unsupported_media_type(&[
                "application/json",
                "application/yaml",
                "application/vnd.kubernetes.protobuf",
            ])),
        }
    }

    fn metadata_only(&self) -> bool {
        self.header(header::ACCEPT).contains("as=PartialObjectMetadata")
    }
}

fn json_response(code: u16, body: &Value) -> Response<Body> {
    let bytes = Full::new(Bytes::from(body.to_string()));
    let mut response = Response::new(UnsyncBoxBody::new(bytes));
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

/// A path that belongs to no API is answered by the plain web server below it.
fn page_not_found() -> Response<Body> {
    let mut response = Response::new(UnsyncBoxBody::new(Full::new(Bytes::from_static(b"404 page not found\n"))));
    *response.status_mut() = StatusCode::NOT_FOUND;
    let plain = header::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

fn written_response(written: &Written) -> Response<Body> {
    let mut response = json_response(if written.created { 201 } else { 200 }, &written.object);
    for warning in &written.warnings {
        let text = format!("299 - \"{}\"", warning.replace('\\', "\\\\").replace('"', "\\\""));
        if let Ok(value) = header::HeaderValue::from_str(&text) {
            response.headers_mut().append(header::WARNING, value);
        }
    }
    response
}

impl Api {
    async fn answer<B>(self, request: Request<B>) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let route = request::route(parts.uri.path());
        let answer = async {
            let limited = http_body_util::Limited::new(body, MAX_BODY_BYTES);
            let body = limited.collect().await.map_err(|_| {
                let message = format!("Request entity too large: limit is {MAX_BODY_BYTES}");
                Failure::new(413, "RequestEntityTooLarge", message)
            })?;
            let call = Call {
                method: parts.method,
                query: request::query(parts.uri.query().unwrap_or_default()),
                headers: parts.headers,
                body: body.to_bytes(),
            };
            self.serve(route, call).await
        };
        answer.await.unwrap_or_else(|failure| json_response(failure.code, &failure.body()))
    }

    async fn serve(&self, route: Route, call: Call) -> Result<Response<Body>, Failure> {
        let catalogue = self.store.catalogue();
        let body = match route {
            Route::Resource(place) => return self.resource(place, call).await,
            Route::Unknown => None,
            _ if call.method != Method::GET => return Err(Failure::method_not_allowed()),
            Route::Health => Some(json!("ok")),
            Route::Version => Some(discovery::version()),
            Route::CoreVersions => Some(discovery::core_versions()),
            Route::Groups => Some(discovery::group_list(&catalogue)),
            Route::Group(name) => discovery::group(&catalogue, &name),
            Route::Resources { group, version } => discovery::resources(&catalogue, &group, &version),
        };
        Ok(body.map_or_else(page_not_found, |body| json_response(200, &body)))
    }

    async fn resource(&self, place: Place, call: Call) -> Result<Response<Body>, Failure> {
        if place.group == "authorization.k8s.io" {
            return review(&place, &call);
        }
        let catalogue = self.store.catalogue();
        if !catalogue.has_version(&place.group, &place.version) {
            return Ok(page_not_found());
        }
        let found =
            catalogue.resource(&place.group, &place.version, &place.resource).ok_or_else(Failure::no_such_path)?;
        let kind = Arc::clone(found);
        if place.namespace.is_some() != kind.namespaced && (place.namespace.is_some() || place.name.is_some()) {
            return Err(Failure::no_such_path());
        }
        match (place.subresource.as_str(), &place.name) {
            ("", None) => self.collection(kind, &place, call).await,
            ("", Some(_)) => self.object(kind, &place, "", call).await,
            ("status", Some(_)) if kind.has_status => self.object(kind, &place, "status", call).await,
            ("scale", Some(_)) if kind.scale.is_some() => self.scale(kind, &place, call).await,
            ("log", Some(name)) if is_pod(&kind) && call.method == Method::GET => {
                let namespace = place.namespace.as_deref().unwrap_or_default();
                let options = logs::options(&call.query)?;
                logs::respond(&self.store, Arc::clone(&self.logs), (namespace, name), options)
            }
            ("binding" | "eviction", Some(_)) if is_pod(&kind) => self.pod_action(kind, &place, call).await,
            ("finalize", Some(_)) if kind.plural == "namespaces" => self.finalize(kind, &place, call).await,
            (_, _) => Err(Failure::no_such_path()),
        }
    }

    async fn collection(&self, kind: Arc<Kind>, place: &Place, call: Call) -> Result<Response<Body>, Failure> {
        let namespace = place.namespace.clone();
        if call.method == Method::GET {
            if request::flag(&call.query, "watch") {
                return self.watch(kind, (namespace.as_deref(), None), &call);
            }
            let options = request::list_options(&call.query, &kind)?;
            let listed = self.store.read(|state| api::list(state, &kind, namespace.as_deref(), &options))?;
            return Ok(json_response(200, &shown(&call, listed.body(&kind))));
        }
        if call.method == Method::POST {
            if namespace.is_none() && kind.namespaced {
                return Err(Failure::method_not_allowed());
            }
            let (options, body) = (call.write_options("CreateOptions")?, call.object()?);
            let namespace = namespace.unwrap_or_default();
            let work = move |txn: &mut Txn| {
                let target = Target { kind: &kind, namespace: &namespace, name: "" };
                api::create(txn, target, &body, &options)
            };
            return Ok(written_response(&self.store.write(work).await?));
        }
        if call.method == Method::DELETE && kind.plural != "namespaces" {
            let selection = request::list_options(&call.query, &kind)?;
            let options = delete_options(&call)?;
            let work =
                move |txn: &mut Txn| api::delete_collection(txn, &kind, namespace.as_deref(), &selection, &options);
            return Ok(json_response(200, &self.store.write(work).await?));
        }
        Err(Failure::method_not_allowed())
    }

    async fn object(
        &self,
        kind: Arc<Kind>,
        place: &Place,
        subresource: &str,
        call: Call,
    ) -> Result<Response<Body>, Failure> {
        let namespace = place.namespace.clone().unwrap_or_default();
        let name = place.name.clone().unwrap_or_default();
        let subresource = subresource.to_owned();
        let written = match call.method {
            Method::GET if request::flag(&call.query, "watch") => {
                return self.watch(kind, (place.namespace.as_deref(), Some(&name)), &call);
            }
            Method::GET => {
                let target = Target { kind: &kind, namespace: &namespace, name: &name };
                let object = self.store.read(|state| api::get(state, target))?;
                return Ok(json_response(200, &shown(&call, object)));
            }
            Method::PUT => {
                let (options, body) = (call.write_options("UpdateOptions")?, call.object()?);
                let work = move |txn: &mut Txn| {
                    let target = Target { kind: &kind, namespace: &namespace, name: &name };
                    api::update(txn, target, &subresource, &body, &options)
                };
                self.store.write(work).await?
            }
            Method::PATCH => {
                let patch_type = PatchType::of(call.content_type(), &kind)?;
                let (options, body) = (call.write_options("PatchOptions")?, call.json()?);
                let work = move |txn: &mut Txn| {
                    let target = Target { kind: &kind, namespace: &namespace, name: &name };
                    api::patch(txn, target, &subresource, (patch_type, &body), &options)
                };
                self.store.write(work).await?
            }
            Method::DELETE if subresource.is_empty() => {
                let options = delete_options(&call)?;
                let work = move |txn: &mut Txn| {
                    let target = Target { kind: &kind, namespace: &namespace, name: &name };
                    api::delete(txn, target, &options)
                };
                return Ok(json_response(200, &self.store.write(work).await?));
            }
            _ => return Err(Failure::method_not_allowed()),
        };
        let object = shown(&call, written.object);
        Ok(written_response(&Written { object, ..written }))
    }
    async fn scale(&self, kind: Arc<Kind>, place: &Place, call: Call) -> Result<Response<Body>, Failure> {
        let namespace = place.namespace.clone().unwrap_or_default();
        let name = place.name.clone().unwrap_or_default();
        let target = Target { kind: &kind, namespace: &namespace, name: &name };
        let current =
            self.store.read(|state| api::get(state, target)).and_then(|object| api::scale_of(&kind, &object))?;
        let (operation, scale) = match call.method {
            Method::GET => return Ok(json_response(200, &current)),
            Method::PUT => ("UpdateOptions", call.object()?),
            Method::PATCH => ("PatchOptions", patched_scale(&call, &current)?),
            _ => return Err(Failure::method_not_allowed()),
        };
        let options = call.write_options(operation)?;
        let work = move |txn: &mut Txn| {
            let target = Target { kind: &kind, namespace: &namespace, name: &name };
            api::write_scale(txn, target, &scale, &options)
        };
        Ok(json_response(200, &self.store.write(work).await?))
    }

    async fn pod_action(&self, kind: Arc<Kind>, place: &Place, call: Call) -> Result<Response<Body>, Failure> {
        if call.method != Method::POST {
            return Err(Failure::method_not_allowed());
        }
        let namespace = place.namespace.clone().unwrap_or_default();
        let name = place.name.clone().unwrap_or_default();
        let eviction = place.subresource == "eviction";
        let (options, body) = (call.write_options("CreateOptions")?, call.object()?);
        let work = move |txn: &mut Txn| {
            txn.dry_run |= options.dry_run;
            let target = Target { kind: &kind, namespace: &namespace, name: &name };
            match eviction {
                true => api::evict(txn, target, &body),
                false => api::bind(txn, target, &body),
            }
        };
        Ok(json_response(201, &self.store.write(work).await?))
    }

    /// PUT of a namespace's finalizers, which its controller alone removes otherwise.
    async fn finalize(&self, kind: Arc<Kind>, place: &Place, call: Call) -> Result<Response<Body>, Failure> {
        if call.method != Method::PUT {
            return Err(Failure::method_not_allowed());
        }
        let (name, body) = (place.name.clone().unwrap_or_default(), call.object()?);
        let work = move |txn: &mut Txn| {
            api::finalize_namespace(txn, Target { kind: &kind, namespace: "", name: &name }, &body)
        };
        Ok(json_response(200, &self.store.write(work).await?))
    }

    fn watch(
        &self,
        kind: Arc<Kind>,
        (namespace, name): (Option<&str>, Option<&str>),
        call: &Call,
    ) -> Result<Response<Body>, Failure> {
        let options = request::watch_options(&call.query, &kind)?;
        let seconds = request::find(&call.query, "timeoutSeconds").and_then(|text| text.parse().ok());
        let deadline = Instant::now() + Duration::from_secs(seconds.unwrap_or(1800));
        let follow = self.store.follow();
        let watch = self.store.read(|state| Watch::start(state, kind, (namespace, name), options))?;
        let metadata_only = call.metadata_only();
        let feed =
            Feed { watch, store: self.store.clone(), follow, deadline, bookmark: Instant::now() + BOOKMARK_EVERY };
        let events = stream::unfold(feed, move |mut feed| async move {
            let mut event = feed.next().await?;
            if metadata_only {
                let object = partial(event["object"].take());
                event["object"] = object;
            }
            Some((Bytes::from(format!("{event}\n")), feed))
        });
        let mut response =
            Response::new(UnsyncBoxBody::new(StreamBody::new(events.map(|bytes| Ok(Frame::data(bytes))))));
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        Ok(response)
    }
}

/// A watch with what it waits for.
struct Feed {
    watch: Watch,
    store: Store,
    follow: tokio::sync::watch::Receiver<u64>,
    deadline: Instant,
    bookmark: Instant,
}

impl Feed {
    /// The next event; `None` where the watch is over.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(event) = self.watch.next() {
                return Some(event);
            }
            if Instant::now() >= self.deadline {
                return None;
            }
            if *self.follow.borrow_and_update() > self.watch.revision {
                let (watch, store) = (&mut self.watch, &self.store);
                if !store.read(|state| watch.advance(state)) {
                    return None;
                }
                continue;
            }
            tokio::select! {
                changed = self.follow.changed() => changed.ok()?,
                () = tokio::time::sleep_until(self.deadline) => {}
                () = tokio::time::sleep_until(self.bookmark) => {
                    self.bookmark = Instant::now() + BOOKMARK_EVERY;
                    if self.watch.wants_bookmarks() {
                        return Some(self.watch.bookmark());
                    }
                }
            }
        }
    }
}

fn is_pod(kind: &Kind) -> bool {
    kind.kind == "Pod" && kind.group.is_empty()
}

fn delete_options(call: &Call) -> Result<DeleteOptions, Failure> {
    let body = match call.body.is_empty() {
        true => Value::Null,
        false => call.json()?,
    };
    DeleteOptions::read(&body, &call.query)
}

fn patched_scale(call: &Call, current: &Value) -> Result<Value, Failure> {
    let mut scale = current.clone();
    let body = call.json()?;
    match call.content_type() {
        "application/json-patch+json" => {
            let patch: json_patch::Patch =
                serde_json::from_value(body).map_err(|error| Failure::bad_request(error.to_string()))?;
            json_patch::patch(&mut scale, &patch).map_err(|error| Failure::unprocessable(error.to_string()))?;
        }
        "application/merge-patch+json" | "application/strategic-merge-patch+json" | "application/apply-patch+yaml" => {
            json_patch::merge(&mut scale, &body);
        }
        _ => {
            return Err(Failure::unsupported_media_type(&[
                "application/json-patch+json",
                "application/merge-patch+json",
            ]));
        }
    }
    Ok(scale)
}

/// The object as the client wants to see it.
fn shown(call: &Call, object: Value) -> Value {
    match (call.metadata_only(), object.get("items").is_some_and(Value::is_array)) {
        (false, _) => object,
        (true, false) => partial(object),
        (true, true) => {
            let mut list = object;
            let items = list["items"].as_array_mut().map(std::mem::take).unwrap_or_default();
            let items: Vec<Value> = items.into_iter().map(partial).collect();
            json!({"kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": list["metadata"], "items": items})
        }
    }
}

fn partial(object: Value) -> Value {
    match object["kind"] == "Status" {
        true => object,
        false => {
            json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
        }
    }
}

/// Everything is allowed here: whoever can open the store owns it.
fn review(place: &Place, call: &Call) -> Result<Response<Body>, Failure> {
    let kind = match place.resource.as_str() {
        "selfsubjectaccessreviews" => "SelfSubjectAccessReview",
        _ => return Err(Failure::no_such_path()),
    };
    if call.method != Method::POST {
        return Err(Failure::method_not_allowed());
    }
    let body = call.object()?;
    let review = json!({
        "kind": kind, "apiVersion": "authorization.k8s.io/v1", "metadata": {}, "spec": body["spec"],
        "status": {"allowed": true, "reason": "the embedded cluster allows everything to its owner"},
    });
    Ok(json_response(201, &review))
}
