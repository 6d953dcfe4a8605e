//! Of environments and rollouts.

use crate::diag::{Diagnostic, codes};
use crate::model::{Environment, Model};
use crate::source::Span;
use crate::spec::delivery::Delivery;
use crate::spec::environment::Promote;
use crate::spec::rollout::{Rollout, Stage};

/// Everything that apply would leave out, at the places where it is written.
pub fn refused(model: &Model) -> Vec<Diagnostic> {
    let mut found: Vec<(Span, String)> = Vec::new();
    found.extend(model.project.pull_request.map(|span| (span, "`via=\"pull-request\"`".to_owned())));
    for environment in &model.environments {
        of_environment(environment, &mut found);
        of_delivery(&environment.delivery, &mut found);
        environment.promote.iter().for_each(|promote| of_promote(&promote.written, &mut found));
        environment.rollouts.iter().for_each(|rollout| of_rollout(&rollout.written, &mut found));
    }
    for cluster in &model.clusters {
        let manifests = cluster.manifests.iter();
        found.extend(manifests.map(|root| (root.span, format!("manifests of cluster `{}`", cluster.name))));
    }
    // Environments of one generator have their parts in common.
    found.sort();
    found.dedup();
    found.into_iter().map(|(span, what)| not_yet(span, &what)).collect()
}

fn not_yet(span: Span, what: &str) -> Diagnostic {
    let finding =
        Diagnostic::new(&codes::NOT_SUPPORTED_BY_APPLY, span, format!("{what} is not supported yet by apply"));
    finding.here("apply would go on without it")
}

fn of_environment(environment: &Environment, found: &mut Vec<(Span, String)>) {
    let others = environment.others.iter();
    found.extend(others.map(|(_, namespace)| (namespace.span, "an environment with several clusters".to_owned())));
}

fn of_delivery(delivery: &Delivery, found: &mut Vec<(Span, String)>) {
    let mut say = |span: Span, what: &str| found.push((span, what.to_owned()));
    delivery.fan_out.iter().for_each(|fan_out| say(fan_out.span, "`fan-out`"));
    delivery.waves.iter().for_each(|wave| say(wave.span, "`wave`"));
    delivery.hooks.iter().for_each(|hook| say(hook.span, "`hook`"));
    delivery.ignores.iter().for_each(|ignore| say(ignore.span, "`ignore`"));
    delivery.windows.iter().for_each(|window| say(window.span, "`window`"));
    delivery.freezes.iter().for_each(|freeze| say(freeze.span, "`freeze`"));
    delivery.retention.iter().for_each(|retention| say(retention.span, "`retention`"));
    delivery.notifies.iter().for_each(|notify| say(notify.span, "`notify`"));
}

fn of_promote(promote: &Promote, found: &mut Vec<(Span, String)>) {
    let mut say = |span: Span, what: &str| found.push((span, what.to_owned()));
    promote.finish.iter().for_each(|span| say(*span, "`on-newer=\"finish\"`"));
    promote.hotfix.iter().for_each(|hotfix| say(hotfix.span, "`hotfix`"));
    let several = promote.approvals.iter().filter(|count| count.value != 1);
    several.for_each(|count| say(count.span, "an approval by several people"));
}

fn of_rollout(rollout: &Rollout, found: &mut Vec<(Span, String)>) {
    let mut say = |span: Span, what: &str| found.push((span, what.to_owned()));
    if let Some(span) = rollout.blue_green {
        say(span, "the strategy `blue-green`");
        return;
    }
    rollout.anti_affinity.iter().for_each(|kind| say(kind.span, "`anti-affinity`"));
    rollout.traffic.iter().for_each(|traffic| say(traffic.span, "`traffic`"));
    rollout.analyses.iter().for_each(|analysis| say(analysis.span, "`analysis`"));
    rollout.stop.iter().for_each(|span| say(*span, "`on-failure \"stop\"`"));
    rollout.stages.iter().for_each(|stage| of_stage(stage, &mut say));
}

fn of_stage(stage: &Stage, say: &mut dyn FnMut(Span, &str)) {
    stage.manual.iter().for_each(|span| say(*span, "a manual stage"));
    stage.analyses.iter().for_each(|analysis| say(analysis.span, "`analysis`"));
    stage.headers.iter().for_each(|header| say(header.span, "`header`"));
    stage.mirror.iter().for_each(|mirror| say(mirror.span, "`mirror`"));
    // A time limit of its own means something only for a manual stage, which is refused already.
    let limit = stage.timeout.iter().filter(|_| stage.manual.is_none());
    limit.for_each(|timeout| say(timeout.span, "`timeout` of a stage"));
}
