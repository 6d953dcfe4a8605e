//! Triggers: one source each, a schedule that comes round, and runs whose parameters the pipeline has.

use croner::parser::{CronParser, Seconds};

use crate::diag::{Applicability, Diagnostic, Diags, codes, suggest};
use crate::source::Spanned;
use crate::spec::Spec;
use crate::spec::trigger::{Event, Run, Trigger};

/// Names of time zones (tz database), one a line.
const ZONES: &str = include_str!("zones.txt");

/// Reports what is wrong with the triggers of a spec.
pub fn check(spec: &Spec, diags: &mut Diags) {
    for trigger in &spec.triggers {
        sources(trigger, diags);
        for source in &trigger.sources {
            match &source.event {
                Event::Schedule { cron, zone } => {
                    cron.iter().for_each(|text| schedule(text, diags));
                    zone.iter().for_each(|text| time_zone(text, diags));
                }
                Event::Webhook { .. } | Event::Registry { .. } => {}
            }
        }
        if trigger.runs.is_empty() {
            let message = format!("trigger `{}` runs nothing", trigger.name.value);
            let finding = Diagnostic::new(&codes::TRIGGER_SOURCE, trigger.name.span, message).here("no `run` inside");
            diags.push(finding.help("add `run \"PIPELINE\"`"));
        }
        trigger.runs.iter().for_each(|run| parameters(spec, trigger, run, diags));
    }
}

fn sources(trigger: &Trigger, diags: &mut Diags) {
    let name = &trigger.name.value;
    match trigger.sources.as_slice() {
        [] => {
            let message = format!("trigger `{name}` has no source");
            let finding =
                Diagnostic::new(&codes::TRIGGER_SOURCE, trigger.name.span, message).here("it would never start");
            diags.push(
                finding
                    .help("add `github event=\"push\" secret=\"SECRET\"`, `schedule \"0 3 * * *\"` or another source"),
            );
        }
        [_] => {}
        [first, second, ..] => {
            let message = format!("trigger `{name}` has two sources");
            let finding = Diagnostic::new(&codes::TRIGGER_SOURCE, second.span, message).here("a second source");
            diags.push(finding.label(first.span, "the first").help("write two triggers: their events differ"));
        }
    }
}

fn schedule(text: &Spanned<String>, diags: &mut Diags) {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).build();
    let fields = text.value.split_whitespace().count();
    let why = if fields != 5 && !text.value.starts_with('@') {
        format!("it has {fields} fields, and a schedule has five")
    } else {
        match parser.parse(&text.value) {
            Ok(_) => return,
            Err(error) => error.to_string().trim_end_matches('.').to_lowercase(),
        }
    };
    let finding = Diagnostic::new(&codes::BAD_SCHEDULE, text.span, format!("`{}` is no schedule: {why}", text.value));
    diags
        .push(finding.here("minute, hour, day of month, month, day of week").help("every night at three: `0 3 * * *`"));
}

fn time_zone(text: &Spanned<String>, diags: &mut Diags) {
    if ZONES.lines().any(|zone| zone == text.value) {
        return;
    }
    let finding = Diagnostic::new(&codes::TIME_ZONE, text.span, format!("there is no time zone `{}`", text.value))
        .here("no name of the tz database");
    diags.push(match suggest::closest(&text.value, ZONES.lines()) {
        Some(real) => finding.help(format!("there is a time zone with a similar name: `{real}`")).fix(
            format!("replace by `{real}`"),
            Applicability::Maybe,
            text.span,
            format!("{real:?}"),
        ),
        None => finding.help("write a name such as `Europe/Berlin`, or `UTC`"),
    });
}

/// Every value goes to a parameter, and every parameter without a default gets one. A `commit` has the revision.
fn parameters(spec: &Spec, trigger: &Trigger, run: &Run, diags: &mut Diags) {
    if run.pipeline.value.is_empty() {
        return;
    }
    let Some(pipeline) = spec.pipelines.iter().find(|pipeline| pipeline.name.value == run.pipeline.value) else {
        let names: Vec<&str> = spec.pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect();
        let message = format!("there is no pipeline `{}`", run.pipeline.value);
        let finding = Diagnostic::new(&codes::UNKNOWN_NAME, run.pipeline.span, message).here("not defined");
        diags.push(crate::model::scope::closest(finding, &run.pipeline, "pipeline", &names));
        return;
    };
    let known: Vec<&str> = pipeline.params.iter().map(|param| param.name.as_str()).collect();
    let mut unknown = false;
    for (name, _) in run.params.iter().filter(|(name, _)| !known.contains(&name.as_str())) {
        unknown = true;
        let message = format!("pipeline `{}` has no parameter `{}`", pipeline.name.value, name.value);
        let finding = Diagnostic::new(&codes::UNKNOWN_NAME, name.span, message)
            .here("not declared")
            .label(pipeline.name.span, "the pipeline is defined here");
        diags.push(crate::model::scope::closest(finding, name, "parameter", &known));
    }
    let given = |name: &str| run.params.iter().any(|(param, _)| param.value == name);
    let missing = pipeline
        .params
        .iter()
        .find(|param| param.default.is_none() && param.typing.ty.value != "commit" && !given(&param.name.value));
    if let Some(param) = missing.filter(|_| !unknown) {
        let message = format!(
            "trigger `{}` gives no value to parameter `{}` of pipeline `{}`",
            trigger.name.value, param.name.value, pipeline.name.value
        );
        let finding = Diagnostic::new(&codes::TRIGGER_PARAM, run.pipeline.span, message)
            .here(format!("`{}` has no value", param.name.value))
            .label(param.name.span, "declared here, without a default");
        diags.push(finding.help(format!("add `param {}=\"…\"` to the `run`", param.name.value)));
    }
}
