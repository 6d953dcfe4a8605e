//! Analyses: what they measure, when a measurement is good, when they end, and what rollouts give them.

use super::delivery::at_least;
use crate::diag::{Diagnostic, Diags, codes};
use crate::model::resolve::{find, find_in, unique};
use crate::source::{Span, Spanned};
use crate::spec::Spec;
use crate::spec::analysis::{Analysis, Metric, SourceKind, Use};
use crate::spec::environment::Environment;
use crate::spec::rollout::Rollout;
use crate::spec::value::show_seconds;

/// Time that a stage has where the rollout does not say: its default.
const STAGE_SECONDS: u64 = 600;

/// Reports analyses that cannot judge, and uses of them that do not fit.
pub fn check(spec: &Spec, diags: &mut Diags) {
    unique(spec.analyses.iter().map(|analysis| &analysis.name), "analysis", diags);
    let tasks: Vec<&str> = spec.tasks.iter().map(|task| task.name.as_str()).collect();
    for analysis in &spec.analyses {
        check_analysis(analysis, &tasks, diags);
    }
    let known: Vec<&str> = spec.analyses.iter().map(|analysis| analysis.name.as_str()).collect();
    for environment in &spec.environments {
        for (rollout, stage, used) in uses(environment) {
            let Some(at) = find(&used.name, "analysis", &known, diags) else { continue };
            check_given(used, &spec.analyses[at], diags);
            check_length(spec, environment, rollout, stage, used, &spec.analyses[at], diags);
        }
    }
}

/// Every use of an analysis, and whether it is in a stage.
pub fn uses(environment: &Environment) -> impl Iterator<Item = (&Rollout, bool, &Use)> {
    environment.rollouts.iter().flat_map(|rollout| {
        let stages = rollout.stages.iter().flat_map(|stage| &stage.analyses);
        stages
            .map(|used| (true, used))
            .chain(rollout.analyses.iter().map(|used| (false, used)))
            .map(move |(stage, used)| (rollout, stage, used))
    })
}

fn check_analysis(analysis: &Analysis, tasks: &[&str], diags: &mut Diags) {
    unique(analysis.params.iter().map(|param| &param.name), "parameter", diags);
    unique(analysis.metrics.iter().map(|metric| &metric.name), "metric", diags);
    if analysis.metrics.is_empty() {
        let message = format!("analysis `{}` has no metric", analysis.name.value);
        let finding = Diagnostic::new(&codes::ANALYSIS_SOURCE, analysis.name.span, message);
        diags.push(finding.here("it would let everything pass").help("add `metric \"NAME\" { … }`"));
    }
    for metric in &analysis.metrics {
        check_metric(metric, tasks, diags);
        check_texts(analysis, metric, diags);
    }
}

fn check_metric(metric: &Metric, tasks: &[&str], diags: &mut Diags) {
    let name = &metric.name.value;
    at_least(1, "count", &metric.count, diags);
    let limits = [
        ("failure-limit", &metric.failure_limit),
        ("inconclusive-limit", &metric.inconclusive_limit),
        ("error-limit", &metric.error_limit),
    ];
    limits.iter().for_each(|(name, limit)| at_least(0, name, limit, diags));
    match metric.sources.as_slice() {
        [] => {
            let finding =
                Diagnostic::new(&codes::ANALYSIS_SOURCE, metric.name.span, format!("metric `{name}` measures nothing"));
            diags.push(finding.here("no source").help("add `prometheus`, `web`, `job` or `kubernetes`"));
        }
        [source] => {
            if let SourceKind::Job(task) = &source.kind {
                find(task, "task", tasks, diags);
            }
            check_condition(metric, &source.kind, diags);
        }
        [first, second, ..] => {
            let finding =
                Diagnostic::new(&codes::ANALYSIS_SOURCE, second.span, format!("metric `{name}` has two sources"));
            diags.push(finding.here("the second").label(first.span, "the first").help("make two metrics of it"));
        }
    }
    check_limits(metric, diags);
}

fn check_condition(metric: &Metric, source: &SourceKind, diags: &mut Diags) {
    let judged = match source {
        SourceKind::Prometheus | SourceKind::Web => false,
        SourceKind::Job(_) => true,
        SourceKind::Kubernetes { condition, .. } => condition.is_some(),
    };
    if !judged && metric.success.is_none() && metric.failure.is_none() {
        let message = format!("nothing says when metric `{}` is good", metric.name.value);
        let finding = Diagnostic::new(&codes::ANALYSIS_CONDITION, metric.name.span, message);
        diags.push(
            finding.here("neither `success` nor `failure`").help("write for instance success=\"result >= 0.99\""),
        );
    }
}

fn check_limits(metric: &Metric, diags: &mut Diags) {
    let Some(count) = metric.count.as_ref().filter(|count| count.value >= 1) else { return };
    if count.value > 1 && metric.interval.is_none() {
        let message = format!("the {} measurements of `{}` have no time between them", count.value, metric.name.value);
        let finding = Diagnostic::new(&codes::ANALYSIS_INTERVAL, count.span, message).here("several of them");
        diags.push(finding.help("add interval=\"30s\""));
    }
    if let Some(limit) = metric.failure_limit.as_ref().filter(|limit| limit.value >= count.value) {
        let message = format!("metric `{}` can never fail", metric.name.value);
        let finding = Diagnostic::new(&codes::ANALYSIS_LIMIT, limit.span, message);
        diags.push(finding.here("bad ones that are borne").label(count.span, "measurements in all"));
    }
}

/// `${param.NAME}` of the texts of a metric.
fn check_texts(analysis: &Analysis, metric: &Metric, diags: &mut Diags) {
    let known: Vec<&str> = analysis.params.iter().map(|param| param.name.as_str()).collect();
    for text in metric.sources.iter().flat_map(|source| &source.texts) {
        for (from, to) in holes(&text.value) {
            let inside = &text.value[from..to];
            let place = text.place(from, to);
            match inside.trim().strip_prefix("param.") {
                Some(name) => {
                    let name = Spanned::new(name.to_owned(), text.place(to - name.len(), to));
                    let place = format!(" in analysis `{}`", analysis.name.value);
                    find_in(&name, "parameter", &place, &known, diags);
                }
                None => {
                    let message = format!("`{}` names nothing in an analysis", inside.trim());
                    let finding = Diagnostic::new(&codes::UNKNOWN_REFERENCE, place, message);
                    diags.push(finding.here("the form is `param.NAME`"));
                }
            }
        }
    }
}

/// The insides of `${…}`; `$${` is none.
fn holes(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(open) = text[at..].find("${").map(|open| at + open) {
        let Some(length) = text[open..].find('}') else { break };
        if !text[..open].ends_with('$') {
            found.push((open + 2, open + length));
        }
        at = open + length + 1;
    }
    found
}

/// What a rollout gives, against what the analysis takes.
fn check_given(used: &Use, analysis: &Analysis, diags: &mut Diags) {
    let known: Vec<&str> = analysis.params.iter().map(|param| param.name.as_str()).collect();
    for (name, _) in &used.params {
        find_in(name, "parameter", &format!(" in analysis `{}`", analysis.name.value), &known, diags);
    }
    let open = analysis.params.iter().filter(|param| param.default.is_none());
    let missing = open.filter(|param| !used.params.iter().any(|(name, _)| name.value == param.name.value));
    for param in missing {
        let message = format!("analysis `{}` gets no value for `{}`", analysis.name.value, param.name.value);
        let finding = Diagnostic::new(&codes::ANALYSIS_PARAM, used.name.span, message)
            .here("not given here")
            .label(param.name.span, "it has no default");
        diags.push(finding.help(format!("add `param {}=…`", param.name.value)));
    }
}

/// Seconds that an analysis takes; the metric without an end, if one has none.
fn length(analysis: &Analysis) -> Result<(u64, Span), &Metric> {
    let mut longest = (0, analysis.name.span);
    for metric in &analysis.metrics {
        let interval = metric.interval.as_ref().map_or(0, |interval| interval.value);
        let count = match &metric.count {
            Some(count) => u64::try_from(count.value).unwrap_or(0),
            None if metric.interval.is_some() => return Err(metric),
            None => 1,
        };
        let delay = metric.delay.as_ref().map_or(0, |delay| delay.value);
        let seconds = delay.saturating_add(interval.saturating_mul(count.saturating_sub(1)));
        if seconds > longest.0 {
            longest = (seconds, metric.name.span);
        }
    }
    Ok(longest)
}

fn check_length(
    spec: &Spec,
    environment: &Environment,
    rollout: &Rollout,
    stage: bool,
    used: &Use,
    analysis: &Analysis,
    diags: &mut Diags,
) {
    let after = used.at.as_ref().is_some_and(|at| at.value == "after-switch");
    let switch = used.at.as_ref().is_some_and(|at| at.value == "before-switch") || after;
    if !stage && !switch {
        return;
    }
    let (seconds, place) = match length(analysis) {
        Ok(found) => found,
        Err(metric) => {
            let message = format!("the measurements of `{}` have no end", metric.name.value);
            let finding = Diagnostic::new(&codes::ANALYSIS_INTERVAL, metric.name.span, message).here("no `count`");
            diags.push(finding.label(used.name.span, "the rollout waits for it here").help("add count=10"));
            return;
        }
    };
    let too_long = |limit: u64, what: &str| {
        let (name, long) = (&analysis.name.value, show_seconds(seconds));
        let message = format!("analysis `{name}` takes {long}, and {what} {}", show_seconds(limit));
        Diagnostic::new(&codes::ANALYSIS_TOO_LONG, used.name.span, message)
            .here("used here")
            .label(place, format!("this metric takes {long}"))
    };
    let limit = rollout.timeout_seconds.unwrap_or(STAGE_SECONDS);
    if seconds > limit {
        diags.push(too_long(limit, "a stage has").help("give the rollout a longer `timeout`, or measure less"));
    } else if after {
        let from_here = spec.environments.iter().filter_map(|other| other.promote.as_ref());
        let soaks = from_here.filter(|promote| promote.from.value == environment.name.value);
        for soak in soaks.filter_map(|promote| promote.soak.as_ref()).filter(|soak| soak.value < seconds) {
            let finding = too_long(soak.value, "the soak behind it");
            diags.push(finding.label(soak.span, "this soak").help("make the soak longer"));
        }
    }
}
