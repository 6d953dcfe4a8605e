//! Ports that are named: of Services and of probes, each the port of a container.

use serde_json::Value;

use super::super::pods::Pods;
use super::super::rendered::Place;
use crate::diag::{Diagnostic, Diags, codes, suggest};
use crate::manifest::images::pod_spec_pointer;
use crate::manifest::selectors::Selector;
use crate::manifest::{Object, scope};

/// Reports target ports that no container of the Pods has which the Service selects, and probes of ports that their
/// container does not have.
pub fn check(place: &Place, diags: &mut Diags) {
    for object in &place.rendered.objects {
        if let Some(spec) = pod_spec_pointer(object.group(), object.kind()) {
            ["containers", "initContainers"].iter().for_each(|list| probed(object, &format!("{spec}/{list}"), diags));
        }
    }
    // An object of another kind may make Pods that nobody knows here.
    let known = |object: &Object| scope::built_in(object.group(), object.kind()).is_some();
    if !place.rendered.objects.iter().all(known) {
        return;
    }
    let pods = Pods::of(place);
    for service in place.of_kind("", "Service") {
        let selector = service.value.pointer("/spec/selector").and_then(|map| Selector::from_map(map).ok());
        let Some(selector) = selector.filter(|selector| !selector.is_empty()) else { continue };
        let selected: Vec<(&Object, &Value)> =
            pods.selected(&selector).into_iter().map(|pod| (pod.object, pod.spec)).collect();
        if !selected.is_empty() {
            diags.extend(unknown(service, &selected));
        }
    }
}

/// Where a container names one of its ports to be asked.
const ASKED: &[&str] = &[
    "livenessProbe/httpGet",
    "livenessProbe/tcpSocket",
    "readinessProbe/httpGet",
    "readinessProbe/tcpSocket",
    "startupProbe/httpGet",
    "startupProbe/tcpSocket",
    "lifecycle/postStart/httpGet",
    "lifecycle/preStop/httpGet",
];

/// As the kubelet looks a port up (`pkg/probe`: `ResolveContainerPort`): among those of the same container.
fn probed(object: &Object, list: &str, diags: &mut Diags) {
    let containers = object.value.pointer(list).and_then(Value::as_array).map(Vec::as_slice);
    for (at, container) in containers.unwrap_or_default().iter().enumerate() {
        let ports = container.get("ports").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let named: Vec<&str> = ports.iter().filter_map(|port| port.get("name")?.as_str()).collect();
        for asked in ASKED {
            let Some(port) = container.pointer(&format!("/{asked}/port")).and_then(Value::as_str) else { continue };
            if named.contains(&port) || port.bytes().all(|byte| byte.is_ascii_digit()) {
                continue;
            }
            let name = container.get("name").and_then(Value::as_str).unwrap_or("");
            let message = format!("container `{name}` has no port called `{port}`");
            let place = object.place(&format!("{list}/{at}/{asked}/port"));
            let field = asked.split('/').next().unwrap_or(asked);
            let finding = Diagnostic::new(&codes::PROBE_PORT_MISSING, place, message)
                .here(format!("`{field}` of {} asks it", object.key()));
            diags.push(match suggest::closest(port, named.iter().copied()) {
                Some(real) => finding.help(format!("there is a port with a similar name: `{real}`")),
                None => finding.help("give a port of the container this name, or write its number here"),
            });
        }
    }
}

fn unknown(service: &Object, pods: &[(&Object, &Value)]) -> Vec<Diagnostic> {
    let named: Vec<&str> = pods.iter().flat_map(|(_, spec)| container_ports(spec)).collect();
    let ports = service.value.pointer("/spec/ports").and_then(Value::as_array).map(Vec::as_slice);
    let mut found = Vec::new();
    for (at, port) in ports.unwrap_or_default().iter().enumerate() {
        let Some(target) = port.get("targetPort").and_then(Value::as_str) else { continue };
        // A text with digits only is no name, which another check says.
        if named.contains(&target) || target.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let (workload, _) = pods[0];
        let message = format!("no container of {} has a port called `{target}`", workload.key());
        let finding = Diagnostic::new(
            &codes::TARGET_PORT_MISSING,
            service.place(&format!("/spec/ports/{at}/targetPort")),
            message,
        )
        .here("requests to this port reach nobody")
        .label(workload.place("/metadata/name"), format!("{} selects its Pods", service.key()));
        found.push(match suggest::closest(target, named.iter().copied()) {
            Some(real) => finding.help(format!("there is a port with a similar name: `{real}`")),
            None => finding.help("give a port of the container this name, or write its number here"),
        });
    }
    found
}

/// The names of the ports of all containers; init containers are among them, since they may go on as sidecars.
fn container_ports(spec: &Value) -> Vec<&str> {
    let lists = ["containers", "initContainers"].into_iter().filter_map(|list| spec.get(list)?.as_array());
    let ports = lists.flatten().filter_map(|container| container.get("ports")?.as_array()).flatten();
    ports.filter_map(|port| port.get("name")?.as_str()).collect()
}

/// What a port of a Service is called: its name and its number.
pub fn names(port: &Value) -> Vec<String> {
    let name = port.get("name").and_then(Value::as_str).map(str::to_owned);
    let number = port.get("port").and_then(Value::as_u64).map(|number| number.to_string());
    name.into_iter().chain(number).collect()
}
