//! The route and the Services of a rollout against the manifests.

use serde_json::Value;

use super::rendered::Place;
use crate::diag::{Diagnostic, Diags, codes, suggest};
use crate::manifest::Object;
use crate::manifest::selectors::Selector;
use crate::model::Rollout;
use crate::source::Spanned;
use crate::spec::rollout::Traffic;

/// The route of a canary, and the Services that it shifts requests between.
pub fn check_route(place: &Place, rollout: &Rollout, workload: &Object, diags: &mut Diags) {
    let Some(traffic) = &rollout.written.traffic else { return };
    check_service(place, &traffic.stable, workload, diags);
    check_service(place, &traffic.canary, workload, diags);
    let (group, kind) =
        if traffic.ingress { ("networking.k8s.io", "Ingress") } else { ("gateway.networking.k8s.io", "HTTPRoute") };
    let routes: Vec<&Object> = place.of_kind(group, kind).collect();
    match routes.iter().find(|route| route.name() == traffic.route.value) {
        Some(route) => diags.extend(check_backends(traffic, route)),
        None if traffic.route.value.is_empty() => {}
        None => {
            let names: Vec<&str> = routes.iter().map(|route| route.name()).collect();
            let message = format!("environment `{}` has no {kind} `{}`", place.name(), traffic.route.value);
            let finding = Diagnostic::new(&codes::ROUTE_MISSING, traffic.route.span, message);
            diags.push(with_closest(finding.here("not in the manifests"), &traffic.route.value, &names, kind));
        }
    }
}

/// The two Services of a blue-green rollout.
pub fn check_switch(place: &Place, rollout: &Rollout, workload: &Object, diags: &mut Diags) {
    let Some(switch) = &rollout.written.switch else { return };
    check_service(place, &switch.active, workload, diags);
    switch.preview.iter().for_each(|preview| check_service(place, preview, workload, diags));
}

fn with_closest(finding: Diagnostic, name: &str, known: &[&str], kind: &str) -> Diagnostic {
    match suggest::closest(name, known.iter().copied()) {
        Some(real) => finding.help(format!("there is a {kind} with a similar name: `{real}`")),
        None if known.is_empty() => finding.help(format!("the manifests have no {kind}")),
        None => {
            let listed: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            finding.help(format!("the manifests have {}", listed.join(", ")))
        }
    }
}

fn check_service(place: &Place, name: &Spanned<String>, workload: &Object, diags: &mut Diags) {
    if name.value.is_empty() {
        return;
    }
    let missing = |message: String| Diagnostic::new(&codes::ROLLOUT_SERVICE_MISSING, name.span, message);
    let services: Vec<&Object> = place.of_kind("", "Service").collect();
    let Some(service) = services.iter().find(|service| service.name() == name.value) else {
        let names: Vec<&str> = services.iter().map(|service| service.name()).collect();
        let message = format!("environment `{}` has no Service `{}`", place.name(), name.value);
        diags.push(with_closest(missing(message).here("not in the manifests"), &name.value, &names, "Service"));
        return;
    };
    let selector = service.value.pointer("/spec/selector").and_then(|map| Selector::from_map(map).ok());
    let empty = Value::Object(serde_json::Map::new());
    let labels = workload.value.pointer("/spec/template/metadata/labels").unwrap_or(&empty);
    if !selector.is_some_and(|selector| !selector.is_empty() && selector.matches(labels)) {
        let message = format!("the Service `{}` does not select the Pods of `{}`", name.value, workload.name());
        let finding =
            missing(message).here("its Pods are others").label(service.place("/spec/selector"), "its selector");
        diags.push(finding.label(workload.place("/spec/template/metadata/labels"), "their labels"));
    }
}

/// The route must lead to the Service of the old version, or there is nothing to shift.
fn check_backends(traffic: &Traffic, route: &Object) -> Option<Diagnostic> {
    let mut names = Vec::new();
    backends(&route.value["spec"], &mut names);
    let stable = &traffic.stable;
    if stable.value.is_empty() || names.iter().any(|name| *name == stable.value) {
        return None;
    }
    let message = format!("the route `{}` does not lead to the Service `{}`", traffic.route.value, stable.value);
    let finding = Diagnostic::new(&codes::ROUTE_MISSING, stable.span, message).here("no backend of the route");
    let finding = finding.label(route.place("/spec"), "the route");
    Some(with_closest(finding, &stable.value, &names, "backend"))
}

/// Names of all Services that a route leads to.
fn backends<'a>(value: &'a Value, names: &mut Vec<&'a str>) {
    match value {
        Value::Object(map) => {
            let refs = map.get("backendRefs").and_then(Value::as_array).into_iter().flatten();
            names.extend(refs.filter_map(|backend| backend["name"].as_str()));
            names.extend(map.get("service").and_then(|service| service["name"].as_str()));
            map.values().for_each(|value| backends(value, names));
        }
        Value::Array(items) => items.iter().for_each(|value| backends(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
