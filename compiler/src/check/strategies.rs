//! Rollouts as written: what belongs to their strategy, and what a stage can have.

use super::delivery::at_least;
use crate::diag::{Diagnostic, Diags, codes};
use crate::source::Span;
use crate::spec::Spec;
use crate::spec::rollout::{Header, Rollout, Stage, Switch};

/// Reports parts of another strategy, waits without an end, and routes that nobody named.
pub fn check(spec: &Spec, diags: &mut Diags) {
    for rollout in spec.environments.iter().flat_map(|environment| &environment.rollouts) {
        match rollout.blue_green {
            Some(strategy) => check_blue_green(rollout, strategy, diags),
            None => check_canary(rollout, diags),
        }
    }
}

fn mismatch(span: Span, message: String) -> Diagnostic {
    Diagnostic::new(&codes::STRATEGY_MISMATCH, span, message)
}

fn check_blue_green(rollout: &Rollout, strategy: Span, diags: &mut Diags) {
    let name = &rollout.workload.value;
    match &rollout.switch {
        None if rollout.stages.is_empty() => {
            let message = format!("the blue-green rollout of `{name}` does not say what it switches");
            let finding = mismatch(strategy, message).here("no `switch`");
            diags.push(finding.help("add `switch active=\"SERVICE\" preview=\"SERVICE\"`"));
        }
        None => {}
        Some(switch) => check_switch(switch, diags),
    }
    if let Some(stage) = rollout.stages.first() {
        let message = format!("the blue-green rollout of `{name}` has stages");
        let finding = mismatch(stage.span, message).here("a stage of a canary").label(strategy, "blue-green");
        diags.push(finding.help("remove the stages, or make it strategy=\"canary\""));
    }
    if let Some(traffic) = &rollout.traffic {
        let message = format!("the blue-green rollout of `{name}` has a route with weights");
        diags.push(mismatch(traffic.span, message).here("for a canary").help("its Services are those of `switch`"));
    }
}

fn check_switch(switch: &Switch, diags: &mut Diags) {
    at_least(1, "preview-replicas", &switch.preview_replicas, diags);
    if let Some(preview) = switch.preview.as_ref().filter(|preview| preview.value == switch.active.value) {
        let message = format!("both sides of the switch are the Service `{}`", preview.value);
        let finding = mismatch(preview.span, message).here("the same");
        diags.push(finding.label(switch.active.span, "users reach this one").help("name a Service of its own"));
    }
    if let (Some(place), None) = (switch.by_hand, &switch.timeout) {
        diags.push(endless(place, "a switch by hand"));
    }
}

fn endless(place: Span, what: &str) -> Diagnostic {
    let finding = Diagnostic::new(&codes::MANUAL_WITHOUT_TIMEOUT, place, format!("{what} waits without an end"));
    finding.here("somebody must let it go on").help("add timeout=\"24h\"")
}

fn check_canary(rollout: &Rollout, diags: &mut Diags) {
    if let Some(switch) = &rollout.switch {
        let message = format!("the canary of `{}` has a switch", rollout.workload.value);
        let finding = mismatch(switch.span, message).here("for a blue-green rollout");
        diags.push(finding.help("remove it, or write strategy=\"blue-green\""));
    }
    let of_switch = |at: &str| at.ends_with("-switch");
    for at in rollout.analyses.iter().filter_map(|used| used.at.as_ref()).filter(|at| of_switch(&at.value)) {
        let message = format!("the canary of `{}` has no switch", rollout.workload.value);
        diags.push(mismatch(at.span, message).here("there is none to be before or after"));
    }
    for at in rollout.stages.iter().flat_map(|stage| &stage.analyses).filter_map(|used| used.at.as_ref()) {
        let message = "an analysis of a stage is of that stage alone".to_owned();
        diags.push(mismatch(at.span, message).here("only for the rollout as a whole").help("leave `at` out"));
    }
    let last = rollout.stages.len().saturating_sub(1);
    for (at, stage) in rollout.stages.iter().enumerate() {
        check_stage(rollout, stage, at == last, diags);
    }
}

fn check_stage(rollout: &Rollout, stage: &Stage, last: bool, diags: &mut Diags) {
    let parts = stage.headers.iter().map(|header| (header.span, "a header rule"));
    let parts: Vec<(Span, &str)> = parts.chain(stage.mirror.iter().map(|mirror| (mirror.span, "a mirror"))).collect();
    let manual = stage.manual.iter().map(|span| (*span, "a wait for somebody"));
    if let Some((span, what)) = parts.iter().copied().chain(manual).find(|_| last) {
        let message = format!("the last stage of `{}` has {what}", rollout.workload.value);
        let finding = Diagnostic::new(&codes::LAST_STAGE, span, message).here("the new version has everything here");
        diags.push(finding.help("move it to the stage before"));
        return;
    }
    if let (Some(place), None) = (stage.manual, &stage.timeout) {
        diags.push(endless(place, "a manual stage"));
    }
    stage.headers.iter().for_each(|header| diags.extend(header_value(header)));
    let mirrored = stage.mirror.as_ref().map(|mirror| mirror.span);
    match (&rollout.traffic, parts.first()) {
        (None, Some((span, what))) => {
            let message = format!("{what} of `{}` has no route", rollout.workload.value);
            let finding = Diagnostic::new(&codes::ROUTE_MISSING, *span, message).here("nothing says which route");
            diags.push(finding.help("add `traffic \"ROUTE\" stable=\"SERVICE\" canary=\"SERVICE\"` to the rollout"));
        }
        (Some(traffic), Some(_)) if traffic.ingress => {
            if let Some(span) = mirrored {
                let finding = Diagnostic::new(&codes::ROUTE_MISSING, span, "an Ingress cannot mirror requests");
                diags.push(finding.here("needs an HTTPRoute").label(traffic.span, "the route"));
            }
        }
        (Some(_) | None, _) => {}
    }
}

fn header_value(header: &Header) -> Option<Diagnostic> {
    let finding = |span, message| Diagnostic::new(&codes::HEADER_VALUE, span, message);
    match header.matches.as_slice() {
        [_] => None,
        [] => {
            let message = format!("the rule for the header `{}` wants no value", header.name.value);
            Some(
                finding(header.name.span, message)
                    .here("any value")
                    .help("add exact=\"…\", prefix=\"…\" or regex=\"…\""),
            )
        }
        [(first, _), (second, value), ..] => {
            let message = format!("the rule for the header `{}` has `{first}` and `{second}`", header.name.value);
            Some(finding(value.span, message).here("a second one").help("keep one of them"))
        }
    }
}
