//! Weights of canary stages: each larger than the one before, the last one 100.

use crate::diag::{Diagnostic, Diags, codes};
use crate::source::Spanned;
use crate::spec::Spec;
use crate::spec::rollout::Rollout;

/// Reports weights that make no way from nothing to everything.
pub fn check(spec: &Spec, diags: &mut Diags) {
    let rollouts = spec.environments.iter().flat_map(|environment| &environment.rollouts);
    for rollout in rollouts.filter(|rollout| rollout.blue_green.is_none()) {
        check_rollout(rollout, diags);
    }
}

fn check_rollout(rollout: &Rollout, diags: &mut Diags) {
    let Some(last) = rollout.stages.last() else {
        let message = format!("the rollout of `{}` has no stage", rollout.workload.value);
        let finding = Diagnostic::new(&codes::CANARY_WEIGHTS, rollout.workload.span, message);
        diags.push(finding.here("no way to the new version").help("add stages, the last with weight=100"));
        return;
    };
    let weights: Vec<&Spanned<u32>> = rollout.stages.iter().filter_map(|stage| stage.weight.as_ref()).collect();
    if weights.len() < rollout.stages.len() {
        return;
    }
    if let Some(zero) = weights.iter().find(|weight| weight.value == 0) {
        let finding = Diagnostic::new(&codes::CANARY_WEIGHTS, zero.span, "a stage with the weight 0 shifts nothing");
        diags.push(finding.here("a canary has at least one replica").help("remove the stage, or give it a weight"));
    }
    for pair in weights.windows(2) {
        let (before, weight) = (pair[0], pair[1]);
        if weight.value <= before.value && weight.value > 0 {
            let message = format!("the weight {} does not come after {}", weight.value, before.value);
            let finding = Diagnostic::new(&codes::CANARY_WEIGHTS, weight.span, message).here("weights must rise");
            diags.push(finding.label(before.span, "the stage before it"));
        }
    }
    if weights.iter().all(|weight| weight.value < 100) {
        let message = format!("the canary of `{}` never reaches 100", rollout.workload.value);
        let place = last.weight.as_ref().map_or(last.span, |weight| weight.span);
        let finding = Diagnostic::new(&codes::CANARY_WEIGHTS, place, message).here("the last stage");
        diags.push(finding.help("add `stage weight=100` after it"));
    }
}
