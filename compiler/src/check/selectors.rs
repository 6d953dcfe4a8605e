//! Selectors and the labels that they are meant for: those of Services, budgets and policies select some Pods.

use super::pods::Pods;
use super::rendered::Place;
use crate::diag::{Diagnostic, Diags, codes};
use crate::manifest::Object;
use crate::manifest::scope;
use crate::manifest::selectors::Selector;
use crate::plan::canary::TRACK_LABEL;

/// Reports Services, disruption budgets and network policies that select no Pods.
pub fn check(places: &[Place], diags: &mut Diags) {
    for place in places {
        // An object of another kind may make Pods that nobody knows here.
        let known =
            place.rendered.objects.iter().all(|object| scope::built_in(object.group(), object.kind()).is_some());
        let pods = Pods::of(place);
        if known && !pods.is_empty() {
            place.of_kind("", "Service").for_each(|service| diags.extend(service_without_pods(place, service, &pods)));
            for (group, kind, pointer) in [
                ("policy", "PodDisruptionBudget", "/spec/selector"),
                ("networking.k8s.io", "NetworkPolicy", "/spec/podSelector"),
            ] {
                let objects = place.of_kind(group, kind);
                objects.for_each(|object| diags.extend(without_pods(place, object, pointer, &pods)));
            }
        }
    }
}

fn service_without_pods(place: &Place, service: &Object, pods: &Pods) -> Option<Diagnostic> {
    let selector = Selector::from_map(service.value.pointer("/spec/selector")?).ok()?;
    // Those of a canary are not in the manifests; another rule looks at them.
    let canary = selector.requirements.iter().any(|requirement| requirement.key == TRACK_LABEL);
    if selector.is_empty() || canary || !pods.selected(&selector).is_empty() {
        return None;
    }
    let message = format!("{} selects no Pods of environment `{}`", service.key(), place.name());
    let finding = Diagnostic::new(&codes::SERVICE_WITHOUT_PODS, service.place("/spec/selector"), message);
    Some(finding.here("no Pod has these labels").help("requests to it would find nobody"))
}

fn without_pods(place: &Place, object: &Object, pointer: &str, pods: &Pods) -> Option<Diagnostic> {
    let selector = Selector::from_label_selector(object.value.pointer(pointer)?).ok()??;
    let canary = selector.requirements.iter().any(|requirement| requirement.key == TRACK_LABEL);
    if selector.is_empty() || canary || !pods.selected(&selector).is_empty() {
        return None;
    }
    let message = format!("{} selects no Pods of environment `{}`", object.key(), place.name());
    let finding = Diagnostic::new(&codes::SELECTS_NO_PODS, object.place(pointer), message);
    Some(finding.here("no Pod has these labels").help("compare it with the labels of the Pod templates"))
}
