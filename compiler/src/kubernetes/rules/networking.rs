//! Ingresses, their classes, and network policies.

use std::net::IpAddr;

use super::at::At;
use super::labels::check_selector;
use super::services::is_cidr;
use super::values::{is_port_name, is_subdomain, one_of, required, within, word};
use super::{finding, probes};
use crate::diag::{Diagnostic, Diags, codes};

/// As in `pkg/apis/networking/validation`: `ValidateIngressSpec`.
pub(super) fn check_ingress(object: At<'_>, diags: &mut Diags) {
    let spec = object.get("spec").unwrap_or(object);
    if !spec.filled("rules") && !spec.has("defaultBackend") {
        diags.push(finding::none_of(spec, "the Ingress", &["rules", "defaultBackend"]));
    }
    if let Some(backend) = spec.get("defaultBackend") {
        check_backend(backend, diags);
    }
    for rule in spec.items("rules") {
        check_host(rule, diags);
        if let Some(http) = rule.get("http") {
            super::values::not_empty(http, "paths", "a rule of the Ingress", diags);
        }
        rule.items("http.paths").into_iter().for_each(|path| check_path(path, diags));
    }
    for tls in spec.items("tls") {
        for host in tls.items("hosts") {
            if let Some(text) = host.node.as_str().filter(|text| !is_host(text)) {
                diags.push(bad_host(host, text));
            }
        }
    }
}

fn is_host(text: &str) -> bool {
    is_subdomain(text.strip_prefix("*.").unwrap_or(text))
}

fn bad_host(host: At<'_>, text: &str) -> Diagnostic {
    let help = "write lower-case labels with dots, without scheme and port; only the first label can be `*`";
    finding::invalid(host.span(), format!("`{text}` is no host name"), help)
}

fn check_host(rule: At<'_>, diags: &mut Diags) {
    let Some((host, text)) = rule.get("host").zip(rule.text("host")) else { return };
    if text.parse::<IpAddr>().is_ok() {
        let message = format!("the host `{text}` is an address, not a name");
        diags.push(finding::invalid(host.span(), message, "write a DNS name, or leave it out for every host"));
    } else if !is_host(text) {
        diags.push(bad_host(host, text));
    }
}

/// As in `pkg/apis/networking/validation`: `validateHTTPIngressPath`.
fn check_path(path: At<'_>, diags: &mut Diags) {
    word(path, "pathType", &["Exact", "Prefix", "ImplementationSpecific"], diags);
    if let Some(backend) = path.get("backend") {
        check_backend(backend, diags);
    }
    let text = path.word("path");
    let strict = matches!(path.word("pathType"), "Exact" | "Prefix");
    if !text.starts_with('/') && (strict || !text.is_empty()) && path.filled("pathType") {
        let message = format!("the path `{text}` does not begin with `/`");
        let finding = Diagnostic::new(&codes::INVALID_PATH, path.place("path"), message);
        diags.push(finding.here("must be absolute").help("write it from the root: `/`"));
        return;
    }
    let parts = ["//", "/./", "/../", "%2f", "%2F"];
    let ends = ["/..", "/."];
    let bad = parts.iter().find(|part| text.contains(**part)).or_else(|| ends.iter().find(|end| text.ends_with(**end)));
    if let Some(part) = bad.filter(|_| strict) {
        let message = format!("the path `{text}` has `{part}`");
        let finding = Diagnostic::new(&codes::INVALID_PATH, path.place("path"), message);
        diags.push(finding.here("not a plain path").help("write it without"));
    }
}

/// As in `pkg/apis/networking/validation`: `validateIngressBackend`.
fn check_backend(backend: At<'_>, diags: &mut Diags) {
    // Fields of older versions are unknown to the structure, which says so.
    if backend.has("serviceName") || backend.has("servicePort") {
        return;
    }
    one_of(backend, "a backend of the Ingress", &["service", "resource"], true, diags);
    let Some(service) = backend.get("service") else { return };
    let name = service.word("name");
    let whose = format!("the backend `{name}`");
    super::values::not_empty(service, "name", "a backend of the Ingress", diags);
    match (service.filled("port.name"), service.int("port.number").is_some_and(|port| port != 0)) {
        (false, false) if !service.has("port.number") || service.int("port.number") == Some(0) => {
            let owner = service.get("port").unwrap_or(service);
            diags.push(
                finding::missing(owner, "port", &whose).help("write `port: {number: 80}` or `port: {name: http}`"),
            );
        }
        (true, true) => {
            let (first, second) =
                (service.get("port.name").unwrap_or(service), service.get("port.number").unwrap_or(service));
            diags.push(finding::exclusive(
                second,
                first,
                format!("{whose} has both the name and the number of a port"),
            ));
        }
        _ => {}
    }
    within(service, "port.number", (0, 65535), diags);
    if let Some(port) = service.text("port.name").filter(|port| !is_port_name(port)) {
        let message = format!("`{port}` is no name of a port");
        diags.push(finding::invalid(service.place("port.name"), message, "write a number as `number`"));
    }
}

/// As in `pkg/apis/networking/validation`: `ValidateIngressClass`.
pub(super) fn check_class(object: At<'_>, diags: &mut Diags) {
    let spec = object.get("spec").unwrap_or(object);
    required(spec, "controller", "the IngressClass", diags);
    if let Some(controller) = spec.text("controller").filter(|text| !is_prefixed(text)) {
        let message = format!("`{controller}` is no name of a controller");
        diags.push(finding::invalid(spec.place("controller"), message, "write it as `DOMAIN/NAME`"));
    }
    if let Some(parameters) = spec.get("parameters") {
        word(parameters, "scope", &["Cluster", "Namespace"], diags);
    }
}

fn is_prefixed(text: &str) -> bool {
    text.split_once('/').is_some_and(|(domain, rest)| is_subdomain(domain) && !rest.is_empty())
}

/// As in `pkg/apis/networking/validation`: `ValidateNetworkPolicySpec`.
pub(super) fn check_policy(spec: At<'_>, diags: &mut Diags) {
    if let Some(selector) = spec.get("podSelector") {
        check_selector(selector, diags);
    }
    for (direction, side) in [("ingress", "from"), ("egress", "to")] {
        for rule in spec.items(direction) {
            rule.items("ports").into_iter().for_each(|port| check_policy_port(port, diags));
            rule.items(side).into_iter().for_each(|peer| check_peer(peer, diags));
        }
    }
    let types = ["Ingress", "Egress"];
    for ty in spec.items("policyTypes") {
        if ty.node.as_str().is_some_and(|text| !types.contains(&text)) {
            diags.push(finding::unsupported(ty, "policyTypes", &types));
        }
    }
}

/// As in `pkg/apis/networking/validation`: `ValidateNetworkPolicyPort`.
fn check_policy_port(port: At<'_>, diags: &mut Diags) {
    word(port, "protocol", &["TCP", "UDP", "SCTP"], diags);
    probes::check_port(port, diags);
    let Some(end) = port.get("endPort") else { return };
    match (port.int("port"), port.int("endPort")) {
        (None, _) => diags.push(finding::forbidden(end, "`endPort` is for a `port` that is a number")),
        (Some(first), Some(last)) if last < first => {
            diags.push(finding::range(end, "endPort", last, &format!("at least `port` {first}")));
        }
        (Some(_), _) => super::values::port(port, "endPort", diags),
    }
}

/// As in `pkg/apis/networking/validation`: `ValidateNetworkPolicyPeer`, `ValidateIPBlock`.
fn check_peer(peer: At<'_>, diags: &mut Diags) {
    let selectors = ["podSelector", "namespaceSelector"];
    selectors.iter().filter_map(|name| peer.get(name)).for_each(|selector| check_selector(selector, diags));
    let Some(block) = peer.get("ipBlock") else {
        if !selectors.iter().any(|name| peer.has(name)) && peer.node.as_map().is_some() {
            diags.push(finding::none_of(peer, "a peer", &["podSelector", "namespaceSelector", "ipBlock"]));
        }
        return;
    };
    if let Some(first) = selectors.iter().find_map(|name| peer.get(name)) {
        diags.push(finding::exclusive(block, first, "a peer has both `ipBlock` and a selector"));
    }
    let cidr = block.word("cidr");
    if block.has("cidr") && !is_cidr(cidr) {
        let message = format!("`{cidr}` is no range of addresses");
        diags.push(finding::invalid(block.place("cidr"), message, "write it as `10.0.0.0/8`"));
        return;
    }
    for except in block.items("except") {
        let Some(text) = except.node.as_str() else { continue };
        if !is_cidr(text) {
            diags.push(finding::invalid(
                except.span(),
                format!("`{text}` is no range of addresses"),
                "write it as `10.1.0.0/16`",
            ));
        } else if !contains(cidr, text) {
            let finding = finding::invalid(
                except.span(),
                format!("`{text}` is not within `{cidr}`"),
                "except a smaller range of it",
            );
            diags.push(finding.label(block.place("cidr"), "this range"));
        }
    }
}

/// Whether a range lies within another one and is smaller.
fn contains(outer: &str, inner: &str) -> bool {
    let parts = |text: &str| -> Option<(u128, u32, u32)> {
        let (address, length) = text.split_once('/')?;
        let (bits, width) = match address.parse::<IpAddr>().ok()? {
            IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
            IpAddr::V6(address) => (u128::from(address), 128),
        };
        Some((bits, length.parse().ok()?, width))
    };
    let (Some((outer, length, width)), Some((inner, longer, same))) = (parts(outer), parts(inner)) else { return true };
    let prefix = |bits: u128| bits.checked_shr(width - length).unwrap_or(0);
    width == same && longer > length && prefix(outer) == prefix(inner)
}
