//! How long a start-up may take, and how long an environment waits for it.

use serde_json::Value;

use super::rendered::Place;
use crate::diag::{Diagnostic, Diags, codes};
use crate::kubernetes::rules::allowance;
use crate::manifest::Object;
use crate::manifest::images::pod_spec_pointer;

/// Reports start-ups that may take longer than their environment waits for health.
pub fn check(places: &[Place], diags: &mut Diags) {
    for place in places {
        let waits = place.environment.health_seconds;
        for object in &place.rendered.objects {
            let Some(spec) = pod_spec_pointer(object.group(), object.kind()) else { continue };
            if object.group() != "apps" {
                continue;
            }
            let containers = object.value.pointer(&format!("{spec}/containers")).and_then(Value::as_array);
            let slow = containers.into_iter().flatten().enumerate().find_map(|(at, container)| {
                let seconds = allowance(container.get("startupProbe")?);
                (seconds > waits).then_some((at, seconds))
            });
            diags.extend(slow.map(|(at, seconds)| {
                let span = object.place(&format!("{spec}/containers/{at}/startupProbe"));
                gives_up(place, object, span, seconds)
            }));
        }
    }
}

fn gives_up(place: &Place, object: &Object, span: crate::source::Span, seconds: u64) -> Diagnostic {
    let (name, waits) = (place.name(), place.environment.health_seconds);
    let message = format!("environment `{name}` gives up after {waits} s, before {} must have started", object.key());
    Diagnostic::new(&codes::PROBE_GIVES_UP, span, message)
        .here(format!("this allows a start of {seconds} s"))
        .label(place.environment.name.span, format!("waits {waits} s for health"))
        .help(format!("write `health timeout=\"{seconds}s\"` or more, or let the probe allow less"))
}
