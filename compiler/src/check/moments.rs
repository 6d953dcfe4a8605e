//! Hooks, waves and ignore rules against the manifests, and annotations that ask another tool for an order.

use super::rendered::Place;
use crate::diag::{Diagnostic, Diags, codes, suggest};
use crate::manifest::Object;
use crate::model::Model;
use crate::source::Span;
use crate::spec::delivery::{Delivery, Hook, Select};
use crate::spec::value;

/// Annotations by which other tools order objects.
const FOREIGN: &[&str] = &["argocd.argoproj.io/hook", "argocd.argoproj.io/sync-wave", "helm.sh/hook"];

/// Reports hooks that are no Jobs or Pods, and rules for objects that match nothing.
pub fn check(model: &Model, places: &[Place], diags: &mut Diags) {
    for environment in model.environments.iter().filter(|environment| environment.manifests.is_none()) {
        if let Some(span) = first(&environment.delivery) {
            let message = format!("environment `{}` has no manifests to match", environment.name.value);
            let finding = Diagnostic::new(&codes::SELECTS_NOTHING, span, message).here("for objects of the manifests");
            diags.push(finding.help("add `manifests \"PATH\"`"));
        }
    }
    for place in places {
        let delivery = &place.environment.delivery;
        delivery.hooks.iter().for_each(|hook| diags.extend(check_hook(place, hook)));
        for select in delivery.ignores.iter().map(|ignore| &ignore.select) {
            diags.extend(matches_nothing(place, select, "the ignore rule"));
        }
        check_waves(place, delivery, diags);
        place.rendered.objects.iter().for_each(|object| diags.extend(foreign(place, object)));
    }
}

/// The first rule for objects of an environment.
fn first(delivery: &Delivery) -> Option<Span> {
    let hooks = delivery.hooks.iter().map(|hook| hook.object.span);
    let ignores = delivery.ignores.iter().map(|ignore| ignore.select.kind.span);
    hooks.chain(delivery.waves.iter().map(|wave| wave.name.span)).chain(ignores).next()
}

/// Whether a rule means an object: by kind, with or without its group, and by name with `*`.
pub fn selects(select: &Select, object: &Object) -> bool {
    let kind = match select.kind.value.rsplit_once('/') {
        Some((group, kind)) => {
            let core = group == "v1" || group == "core";
            object.kind() == kind && (object.group() == group || (core && object.group().is_empty()))
        }
        None => object.kind() == select.kind.value,
    };
    kind && select.name.as_ref().is_none_or(|name| value::glob(&name.value, object.name()))
}

fn matches_nothing(place: &Place, select: &Select, what: &str) -> Option<Diagnostic> {
    let objects = &place.rendered.objects;
    if objects.iter().any(|object| selects(select, object)) {
        return None;
    }
    let any = Select { name: None, ..select.clone() };
    let of_kind: Vec<&str> =
        objects.iter().filter(|object| selects(&any, object)).map(|object| object.name()).collect();
    let finding = |span: Span, message: String| Diagnostic::new(&codes::SELECTS_NOTHING, span, message);
    if let (Some(name), false) = (&select.name, of_kind.is_empty()) {
        let message = format!("{what} matches no {} of environment `{}`", select.kind.value, place.name());
        let finding = finding(name.span, message).here("no such name");
        return Some(match suggest::closest(&name.value, of_kind.iter().copied()) {
            Some(real) => finding.help(format!("there is a {} with a similar name: `{real}`", select.kind.value)),
            None => finding.help(format!("the manifests have {}", listed(&of_kind))),
        });
    }
    let message = format!("environment `{}` has no object of the kind `{}`", place.name(), select.kind.value);
    let finding = finding(select.kind.span, message).here(format!("{what} matches nothing"));
    let mut kinds: Vec<&str> = objects.iter().map(Object::kind).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let kind = select.kind.value.rsplit('/').next().unwrap_or_default();
    Some(match suggest::closest(kind, kinds.iter().copied()) {
        Some(real) => finding.help(format!("the manifests have the kind `{real}`: write it with its own group")),
        None => finding.help(format!("the manifests have {}", listed(&kinds))),
    })
}

fn listed(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn check_hook(place: &Place, hook: &Hook) -> Option<Diagnostic> {
    let wanted = &hook.object;
    let ends = |object: &&Object| matches!((object.group(), object.kind()), ("batch", "Job") | ("", "Pod"));
    let objects = &place.rendered.objects;
    if objects.iter().filter(ends).any(|object| object.name() == wanted.value) {
        return None;
    }
    let finding = |message: String| Diagnostic::new(&codes::HOOK_OBJECT, wanted.span, message);
    let workloads =
        |object: &&Object| crate::manifest::images::pod_spec_pointer(object.group(), object.kind()).is_some();
    if let Some(other) = objects.iter().filter(workloads).find(|object| object.name() == wanted.value) {
        let message = format!("the hook `{}` is a {}, which does not end", wanted.value, other.kind());
        return Some(finding(message).here("neither a Job nor a Pod").label(other.place("/kind"), "this one"));
    }
    let names: Vec<&str> = objects.iter().filter(ends).map(Object::name).collect();
    let message = format!("environment `{}` has no Job or Pod `{}`", place.name(), wanted.value);
    let finding = finding(message).here("not in the manifests");
    Some(match suggest::closest(&wanted.value, names.iter().copied()) {
        Some(real) => finding.help(format!("there is one with a similar name: `{real}`")),
        None if names.is_empty() => finding.help("the manifests have no Job and no Pod"),
        None => finding.help(format!("the manifests have {}", listed(&names))),
    })
}

fn check_waves(place: &Place, delivery: &Delivery, diags: &mut Diags) {
    let selects_of = |at: usize| delivery.waves[at].objects.iter();
    for at in 0..delivery.waves.len() {
        for select in selects_of(at) {
            if let Some(finding) = matches_nothing(place, select, "the wave") {
                diags.push(finding);
                continue;
            }
            let earlier = (0..at).flat_map(|before| selects_of(before).map(move |other| (before, other)));
            for (before, other) in earlier {
                let both = |object: &&Object| selects(select, object) && selects(other, object);
                let Some(object) = place.rendered.objects.iter().find(both) else { continue };
                let (one, two) = (&delivery.waves[before].name.value, &delivery.waves[at].name.value);
                let message = format!("{} is in the waves `{one}` and `{two}`", object.key());
                let finding = Diagnostic::new(&codes::TWO_WAVES, select.kind.span, message).here("again");
                diags.push(finding.label(other.kind.span, "first here"));
                break;
            }
        }
    }
}

fn foreign(place: &Place, object: &Object) -> Option<Diagnostic> {
    let annotations = object.value.pointer("/metadata/annotations")?.as_object()?;
    let name = FOREIGN.iter().find(|name| annotations.contains_key(**name))?;
    let pointer = format!("/metadata/annotations/{}", name.replace('~', "~0").replace('/', "~1"));
    let message = format!("`{name}` of {} is not read here", object.key());
    let finding =
        Diagnostic::new(&codes::FOREIGN_HOOK, object.place(&pointer), message).here("an order for another tool");
    let help = if name.ends_with("hook") { "`hook`" } else { "`wave`" };
    Some(finding.help(format!("write a {help} in environment `{}`", place.name())))
}
