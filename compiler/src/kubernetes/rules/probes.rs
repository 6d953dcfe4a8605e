//! Probes and lifecycle hooks of a container.

use super::at::At;
use super::finding;
use super::values::{is_port_name, not_negative, one_of, within, word};
use crate::diag::{Diagnostic, Diags, codes};

/// As in `pkg/apis/core/validation`: `validateLivenessProbe` and its like, `validateLifecycle`.
pub(super) fn check(container: At<'_>, diags: &mut Diags) {
    for name in ["livenessProbe", "startupProbe", "readinessProbe"] {
        let Some(probe) = container.get(name) else { continue };
        one_of(probe, &format!("`{name}`"), &["exec", "httpGet", "tcpSocket", "grpc"], true, diags);
        check_handler(probe, name, diags);
        check_times(probe, name, diags);
    }
    check_patience(container, diags);
    for name in ["postStart", "preStop"] {
        let Some(hook) = container.get(&format!("lifecycle.{name}")) else { continue };
        one_of(hook, &format!("`{name}`"), &["exec", "httpGet", "tcpSocket", "sleep"], true, diags);
        check_handler(hook, name, diags);
        not_negative(hook, &["sleep.seconds"], diags);
    }
}

/// The longest start, in seconds, that a probe waits for.
pub fn allowance(probe: &serde_json::Value) -> u64 {
    let number = |field: &str| probe.get(field).and_then(serde_json::Value::as_u64);
    let failures = number("failureThreshold").unwrap_or(3).max(1);
    number("initialDelaySeconds").unwrap_or(0) + number("periodSeconds").unwrap_or(10).max(1) * failures
}

/// When a probe fails for the last time, in seconds after the start of its container; the kubelet then kills that.
fn gives_up(probe: At<'_>) -> i64 {
    let (delay, period) = (probe.int("initialDelaySeconds").unwrap_or(0), probe.int("periodSeconds").unwrap_or(10));
    let failures = probe.int("failureThreshold").unwrap_or(3);
    delay.saturating_add(period.max(1).saturating_mul(failures.max(1) - 1))
}

/// A container that is killed before it is first asked whether it is ready: its author says that it starts more slowly.
fn check_patience(container: At<'_>, diags: &mut Diags) {
    let name = if container.has("startupProbe") { "startupProbe" } else { "livenessProbe" };
    let (Some(probe), Some(readiness)) = (container.get(name), container.get("readinessProbe")) else { return };
    let (last, ready) = (gives_up(probe), readiness.int("initialDelaySeconds").unwrap_or(0));
    if last >= ready {
        return;
    }
    let message =
        format!("`{name}` gives up {last} s after the start, before the container is asked whether it is ready");
    let finding = Diagnostic::new(&codes::PROBE_GIVES_UP, probe.key, message)
        .here("a container that has not started by then is killed, again and again")
        .label(readiness.place("initialDelaySeconds"), format!("it may need {ready} s"));
    diags.push(finding.help("give it a `startupProbe` that allows the longest start, or a larger `failureThreshold`"));
}

/// A Deployment that is given up before the start-up that its probe allows.
/// As in `pkg/controller/deployment`: `DeploymentTimedOut`; ten minutes where nothing is written.
pub(super) fn check_deadline(spec: At<'_>, diags: &mut Diags) {
    let deadline = spec.int("progressDeadlineSeconds").unwrap_or(600);
    for container in spec.items("template.spec.containers") {
        let Some(probe) = container.get("startupProbe") else { continue };
        let allowed = allowance(&probe.node.to_json());
        if i64::try_from(allowed).is_ok_and(|allowed| allowed > deadline) && deadline > 0 {
            let message = format!("the Deployment is given up after {deadline} s, and may take {allowed} s to start");
            let finding = Diagnostic::new(&codes::PROBE_GIVES_UP, probe.key, message)
                .here("this allows a longer start")
                .label(spec.place("progressDeadlineSeconds"), "the deadline");
            diags.push(finding.help(format!("write `progressDeadlineSeconds: {}` or more", allowed + 60)));
        }
    }
}

fn check_times(probe: At<'_>, name: &str, diags: &mut Diags) {
    let counts = ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];
    not_negative(probe, &counts, diags);
    within(probe, "terminationGracePeriodSeconds", (1, i64::MAX), diags);
    let successes = probe.int("successThreshold");
    if let Some(count) = successes.filter(|count| name != "readinessProbe" && *count > 1) {
        let message = format!("`successThreshold` of a `{name}` is {count}, and must be 1");
        let finding = Diagnostic::new(&codes::PROBE, probe.place("successThreshold"), message);
        diags.push(finding.here("one success is enough").help("remove it, or write 1"));
    }
    if let Some(field) = probe.get("terminationGracePeriodSeconds").filter(|_| name == "readinessProbe") {
        diags.push(finding::forbidden(field, "a `readinessProbe` stops nothing: no `terminationGracePeriodSeconds`"));
    }
}

/// As in `pkg/apis/core/validation`: `validateHTTPGetAction`, `validateTCPSocketAction`, `validateExecAction`.
fn check_handler(handler: At<'_>, whose: &str, diags: &mut Diags) {
    if let Some(exec) = handler.get("exec") {
        super::values::required(exec, "command", &format!("`exec` of `{whose}`"), diags);
    }
    for action in ["httpGet", "tcpSocket"] {
        let Some(action) = handler.get(action) else { continue };
        word(action, "scheme", &["HTTP", "HTTPS"], diags);
        check_port(action, diags);
        for header in action.items("httpHeaders") {
            let name = header.word("name");
            let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || "!#$%&'*+.^_`|~".contains(c);
            if header.has("name") && (name.is_empty() || !name.chars().all(fits)) {
                let message = format!("`{name}` is no name of a header");
                diags.push(finding::invalid(header.place("name"), message, "use letters, digits and `-`"));
            }
        }
    }
    if let Some(grpc) = handler.get("grpc") {
        within(grpc, "port", (1, 65535), diags);
    }
}

/// A number, or the name of a port. As in `pkg/apis/core/validation`: `ValidatePortNumOrName`.
pub(super) fn check_port(owner: At<'_>, diags: &mut Diags) {
    within(owner, "port", (1, 65535), diags);
    check_port_name(owner, "port", diags);
}

pub(super) fn check_port_name(owner: At<'_>, field: &str, diags: &mut Diags) {
    let Some(name) = owner.get(field).and_then(|at| at.node.as_str()) else { return };
    if is_port_name(name) {
        return;
    }
    let message = format!("`{field}` `{name}` is neither a number nor the name of a port");
    let finding = finding::invalid(owner.place(field), message, "write the number without quotes, or a port's name");
    diags.push(match name.parse::<u16>() {
        Ok(number) => {
            finding.fix("write the number", crate::diag::Applicability::Safe, owner.place(field), number.to_string())
        }
        Err(_) => finding,
    });
}
