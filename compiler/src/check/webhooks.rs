//! Webhooks: the Secret that signs their deliveries is where the server runs, and the host that forges send them to is one
//! that is let in there.

use serde_json::Value;

use super::keepers::Keepers;
use super::platform::Platforms;
use super::rendered::Place;
use crate::diag::{Diagnostic, Diags, Severity, codes, suggest};
use crate::manifest::Object;
use crate::model::secret::{self, Source};
use crate::model::{Model, Server};
use crate::source::{Span, Spanned};
use crate::spec::Spec;
use crate::spec::trigger::Trigger;

/// Reports Secrets of webhooks that are not there, and hosts that nobody listens to.
pub fn check(
    spec: &Spec,
    model: &Model,
    places: &[Place],
    platforms: &Platforms,
    keepers: &Keepers,
    diags: &mut Diags,
) {
    for trigger in &spec.triggers {
        for source in &trigger.sources {
            let Some(secret) = source.secret.as_ref().filter(|secret| !secret.value.is_empty()) else { continue };
            match &model.server {
                None if spec.servers.is_empty() => diags.push(without_server(trigger, secret)),
                None => {}
                Some(server) => diags.extend(signed(model, server, secret, &source.key, keepers)),
            }
        }
    }
    diags.extend(model.server.as_ref().and_then(|server| let_in(model, server, places, platforms)));
}

fn without_server(trigger: &Trigger, secret: &Spanned<String>) -> Diagnostic {
    let message = format!("nothing says where Secret `{}` of trigger `{}` is", secret.value, trigger.name.value);
    let finding = Diagnostic::new(&codes::WEBHOOK_SECRET, secret.span, message).here("deliveries are signed with it");
    let mut finding = finding.help(format!(
        "say where the server runs: `server \"https://HOST\" namespace=\"NAME\" {{ secret \"{}\" {{ existing; }}; }}`",
        secret.value
    ));
    finding.severity = Severity::Warning;
    finding
}

/// The Secret of a webhook, with its key, in the server's namespace.
fn signed(
    model: &Model,
    server: &Server,
    secret: &Spanned<String>,
    key: &str,
    keepers: &Keepers,
) -> Option<Diagnostic> {
    let (cluster, namespace) = (model.cluster(server.cluster), &server.namespace.value);
    let finding = |message| Diagnostic::new(&codes::WEBHOOK_SECRET, secret.span, message);
    if !keepers.has(cluster, namespace, &secret.value) {
        let message = format!("namespace `{namespace}` of the server has no Secret `{}`", secret.value);
        let found = finding(message).here("every delivery would be refused").label(server.span, "the server");
        if let Some(other) = keepers.elsewhere(cluster, namespace, &secret.value) {
            let found = found.label(other.span, format!("this one is in namespace `{}`", other.namespace));
            return Some(found.help("a server reads the Secrets of its own namespace: add one there"));
        }
        let known = server.secrets.iter().map(|secret| secret.name.as_str());
        return Some(match suggest::closest(&secret.value, known) {
            Some(real) => found.help(format!("there is a secret with a similar name: `{real}`")),
            None => found.help(format!("add `secret \"{}\"` to the server", secret.value)),
        });
    }
    let declared = server.secrets.iter().find(|declared| declared.name.value == secret.value)?;
    let Source::Store(_, reference) = &declared.source else { return None };
    let keys = secret::data(reference, declared.ty.as_deref());
    if keys.is_empty() || keys.iter().any(|datum| datum.key == key) {
        return None;
    }
    let listed: Vec<String> = keys.iter().map(|datum| format!("`{}`", datum.key)).collect();
    let found = finding(format!("Secret `{}` has no key `{key}`", secret.value)).here("deliveries are signed with it");
    Some(found.label(declared.span, format!("it has {}", listed.join(", "))).help("name one of them by key=\"…\""))
}

/// The first host that the Ingresses and routes of the server's namespace let in, if none of them is that of its URL.
fn let_in(model: &Model, server: &Server, places: &[Place], platforms: &Platforms) -> Option<Diagnostic> {
    let wanted = host(&server.url.value)?;
    let cluster = model.cluster(server.cluster);
    let mut objects: Vec<&Object> = Vec::new();
    for place in
        places.iter().filter(|place| super::namespaces::same(model.cluster(place.environment.cluster), cluster))
    {
        let there = place.rendered.objects.iter();
        objects.extend(there.filter(|object| place.namespace(object) == server.namespace.value));
    }
    for (_, rendered) in platforms.iter().filter(|(at, _)| super::namespaces::same(&model.clusters[**at], cluster)) {
        objects.extend(rendered.objects.iter().filter(|object| object.namespace() == server.namespace.value));
    }
    let hosts: Vec<(&str, Span)> = objects.iter().flat_map(|object| hosts(object)).collect();
    let (first, span) = *hosts.first()?;
    if hosts.iter().any(|(host, _)| covers(host, &wanted)) {
        return None;
    }
    let message = format!("webhooks go to `{wanted}`, and namespace `{}` lets in `{first}`", server.namespace.value);
    let finding = Diagnostic::new(&codes::WEBHOOK_HOST, span, message).here("another host");
    Some(finding.label(server.url.span, "forges send to this").help("make the two the same"))
}

/// The host of a URL, in lower case.
fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    (!host.is_empty() && !host.starts_with('[')).then(|| host.to_ascii_lowercase())
}

/// The hosts that an Ingress or a route lets in; `""` is every host.
fn hosts(object: &Object) -> Vec<(&str, Span)> {
    let text = |pointer: String| {
        let text = object.value.pointer(&pointer).and_then(Value::as_str);
        (text.unwrap_or(""), object.place(&pointer))
    };
    let count = |pointer: &str| object.value.pointer(pointer).and_then(Value::as_array).map_or(0, Vec::len);
    match (object.group(), object.kind()) {
        ("networking.k8s.io", "Ingress") => {
            let all = object.value.pointer("/spec/defaultBackend").map(|_| ("", object.place("/spec/defaultBackend")));
            all.into_iter().chain((0..count("/spec/rules")).map(|at| text(format!("/spec/rules/{at}/host")))).collect()
        }
        ("gateway.networking.k8s.io", "HTTPRoute") => match count("/spec/hostnames") {
            0 => vec![("", object.place("/metadata/name"))],
            count => (0..count).map(|at| text(format!("/spec/hostnames/{at}"))).collect(),
        },
        _ => Vec::new(),
    }
}

/// Whether a host of an Ingress is or covers a name; a `*` stands for one label.
fn covers(host: &str, name: &str) -> bool {
    let wild = host.strip_prefix("*.").zip(name.split_once('.')).is_some_and(|(domain, (_, rest))| domain == rest);
    host.is_empty() || host.eq_ignore_ascii_case(name) || wild
}
