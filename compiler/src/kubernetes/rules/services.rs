//! Services and EndpointSlices.

use std::net::IpAddr;

use super::at::At;
use super::labels::whose;
use super::values::{Unique, is_label, is_label_value, is_qualified, is_subdomain, port, required, within, word};
use super::{finding, probes};
use crate::diag::{Diagnostic, Diags, codes};

/// As in `pkg/apis/core/validation`: `validateService`.
pub(super) fn check(object: At<'_>, diags: &mut Diags) {
    let whose = whose(object);
    let Some(spec) = object.get("spec") else {
        diags.push(finding::missing(object, "spec", &whose).help("add `spec` with `ports`"));
        return;
    };
    word(spec, "type", &["ClusterIP", "NodePort", "LoadBalancer", "ExternalName"], diags);
    word(spec, "sessionAffinity", &["ClientIP", "None"], diags);
    word(spec, "externalTrafficPolicy", &["Cluster", "Local"], diags);
    word(spec, "internalTrafficPolicy", &["Cluster", "Local"], diags);
    word(spec, "ipFamilyPolicy", &["SingleStack", "PreferDualStack", "RequireDualStack"], diags);
    let ty = spec.text("type").unwrap_or("ClusterIP");
    let headless = spec.word("clusterIP") == "None";
    if !spec.filled("ports") && !headless && ty != "ExternalName" {
        diags.push(finding::missing(spec, "ports", &whose));
    }
    check_ports(spec, ty, &whose, diags);
    check_type(spec, ty, headless, &whose, diags);
    check_addresses(spec, ty, diags);
    for (key, value) in spec.entries("selector") {
        if !is_qualified(&key.value) || value.as_str().is_some_and(|text| !is_label_value(text)) {
            diags.push(finding::invalid(
                key.span,
                format!("the selector of {whose} has no label `{}`", key.value),
                "write a label that Pods can have",
            ));
        }
    }
}

/// As in `pkg/apis/core/validation`: `validateServicePort`, and ports that must differ.
fn check_ports(spec: At<'_>, ty: &str, whose: &str, diags: &mut Diags) {
    let ports = spec.items("ports");
    let (mut names, mut numbers, mut nodes) = (Unique::default(), Unique::default(), Unique::default());
    for entry in &ports {
        match entry.text("name") {
            None if ports.len() > 1 => {
                let finding = finding::missing(*entry, "name", &format!("a port of {whose}"));
                diags.push(finding.help("with several ports each has a name"));
            }
            None => {}
            Some(name) => {
                if !is_label(name) {
                    let help = "use lower-case letters, digits and `-`";
                    diags.push(finding::invalid(entry.place("name"), format!("`{name}` is no name for a port"), help));
                }
                diags.extend(names.add(name, entry.place("name"), || format!("{whose} has two ports `{name}`")));
            }
        }
        port(*entry, "port", diags);
        within(*entry, "targetPort", (1, 65535), diags);
        probes::check_port_name(*entry, "targetPort", diags);
        word(*entry, "protocol", &["TCP", "UDP", "SCTP"], diags);
        let protocol = entry.text("protocol").unwrap_or("TCP");
        if let Some(number) = entry.int("port") {
            let message = || format!("{whose} has port {number}/{protocol} twice");
            diags.extend(numbers.add((number, protocol), entry.place("port"), message));
        }
        let Some(node) = entry.int("nodePort").filter(|node| *node != 0) else { continue };
        let message = || format!("{whose} has `nodePort` {node}/{protocol} twice");
        diags.extend(nodes.add((node, protocol), entry.place("nodePort"), message));
        if !matches!(ty, "NodePort" | "LoadBalancer") {
            let field = entry.get("nodePort").unwrap_or(*entry);
            let message = format!("{whose} has a `nodePort` and the type `{ty}`");
            diags.push(finding::forbidden(field, message).help("remove it, or write `type: NodePort`"));
        } else {
            within(*entry, "nodePort", (1, 65535), diags);
        }
    }
}

fn check_type(spec: At<'_>, ty: &str, headless: bool, whose: &str, diags: &mut Diags) {
    let only = |field: &str, types: &[&str], diags: &mut Diags| {
        if let Some(at) = spec.get(field).filter(|_| spec.filled(field) && !types.contains(&ty)) {
            diags.push(finding::forbidden(at, format!("`{field}` is not for a Service of the type `{ty}`")));
        }
    };
    only("loadBalancerSourceRanges", &["LoadBalancer"], diags);
    only("loadBalancerClass", &["LoadBalancer"], diags);
    only("allocateLoadBalancerNodePorts", &["LoadBalancer"], diags);
    if !spec.filled("externalIPs") {
        only("externalTrafficPolicy", &["LoadBalancer", "NodePort"], diags);
    }
    if spec.int("healthCheckNodePort").is_some_and(|port| port != 0)
        && (ty != "LoadBalancer" || spec.word("externalTrafficPolicy") != "Local")
    {
        let at = spec.get("healthCheckNodePort").unwrap_or(spec);
        let message = "`healthCheckNodePort` is for the type `LoadBalancer` with `externalTrafficPolicy: Local`";
        diags.push(finding::forbidden(at, message));
    }
    if headless && matches!(ty, "NodePort" | "LoadBalancer") {
        let at = spec.get("clusterIP").unwrap_or(spec);
        let finding = Diagnostic::new(
            &codes::FIELDS_EXCLUDE,
            at.span(),
            format!("{whose} has no address of its own and the type `{ty}`"),
        );
        diags.push(finding.here("`None`").label(spec.place("type"), "needs an address").help("remove one of them"));
    }
    if ty == "ExternalName" {
        check_external(spec, whose, diags);
    } else if let Some(config) =
        spec.get("sessionAffinityConfig").filter(|_| spec.word("sessionAffinity") != "ClientIP")
    {
        diags.push(finding::forbidden(config, "`sessionAffinityConfig` is for `sessionAffinity: ClientIP`"));
    }
    within(spec, "sessionAffinityConfig.clientIP.timeoutSeconds", (1, 86400), diags);
}

fn check_external(spec: At<'_>, whose: &str, diags: &mut Diags) {
    if let Some(at) = spec.get("clusterIP").filter(|_| spec.filled("clusterIP") && spec.word("clusterIP") != "None") {
        diags.push(finding::forbidden(at, format!("{whose} only has another name and cannot have `clusterIP`")));
    }
    match spec.text("externalName") {
        None => diags.push(finding::missing(spec, "externalName", &format!("{whose} of the type `ExternalName`"))),
        Some(name) if !is_subdomain(name.strip_suffix('.').unwrap_or(name)) => {
            let message = format!("`{name}` is no DNS name");
            diags.push(finding::invalid(spec.place("externalName"), message, "write a name without scheme and port"));
        }
        Some(_) => {}
    }
}

fn check_addresses(spec: At<'_>, ty: &str, diags: &mut Diags) {
    let bad = |text: &str| text.parse::<IpAddr>().is_err();
    if let Some(address) = spec.text("clusterIP").filter(|text| ty != "ExternalName" && *text != "None" && bad(text)) {
        let message = format!("`{address}` is no IP address");
        diags.push(finding::invalid(spec.place("clusterIP"), message, "write an address, `None`, or leave it out"));
    }
    for address in spec.items("externalIPs") {
        if let Some(text) = address.node.as_str().filter(|text| bad(text)) {
            diags.push(finding::invalid(address.span(), format!("`{text}` is no IP address"), "write an address"));
        }
    }
    for range in spec.items("loadBalancerSourceRanges") {
        if let Some(text) = range.node.as_str().filter(|text| !is_cidr(text.trim())) {
            diags.push(finding::invalid(
                range.span(),
                format!("`{text}` is no range of addresses"),
                "write it as `10.0.0.0/8`",
            ));
        }
    }
}

/// `ADDRESS/LENGTH`.
pub(super) fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    !length.starts_with('+') && length.parse::<u8>().is_ok_and(|length| length <= most)
}

/// As in `pkg/apis/discovery/validation`: `ValidateEndpointSlice`.
pub(super) fn check_slice(object: At<'_>, diags: &mut Diags) {
    word(object, "addressType", &["IPv4", "IPv6", "FQDN"], diags);
    for endpoint in object.items("endpoints") {
        required(endpoint, "addresses", "an endpoint", diags);
        for address in endpoint.items("addresses") {
            let Some(text) = address.node.as_str() else { continue };
            let fits = match object.word("addressType") {
                "IPv4" => text.parse::<std::net::Ipv4Addr>().is_ok(),
                "IPv6" => text.parse::<std::net::Ipv6Addr>().is_ok(),
                "FQDN" => is_subdomain(text) && text.contains('.'),
                _ => true,
            };
            if !fits {
                let message = format!("`{text}` is no address of the type `{}`", object.word("addressType"));
                diags.push(finding::invalid(address.span(), message, "write an address of that type"));
            }
        }
    }
    let mut names = Unique::default();
    for entry in object.items("ports") {
        let name = entry.word("name");
        diags.extend(names.add(name, entry.place("name"), || format!("the slice has two ports `{name}`")));
        word(entry, "protocol", &["TCP", "UDP", "SCTP"], diags);
    }
}
