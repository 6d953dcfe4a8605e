//! What containers ask for: requests and limits.

use super::at::At;
use super::finding;
use super::values::{amount, is_qualified};
use crate::diag::{Diagnostic, Diags, codes};
use crate::syntax::Text;
use crate::syntax::yaml::Node;

/// As in `pkg/apis/core/validation`: `ValidateContainerResourceRequirements`.
pub(super) fn check(container: At<'_>, whose: &str, diags: &mut Diags) {
    let Some(resources) = container.get("resources") else { return };
    for side in ["limits", "requests"] {
        for (name, value) in resources.entries(side) {
            check_name(name, diags);
            check_amount(name, value, whose, diags);
        }
    }
    for (name, value) in resources.entries("requests") {
        let limit = resources.entries("limits").iter().find(|(other, _)| other.value == name.value);
        let Some((_, limit)) = limit else {
            if !overcommits(&name.value) {
                let message = format!("{whose} requests `{}` and has no limit of it", name.value);
                let finding = Diagnostic::new(&codes::RESOURCE_LIMITS, name.span, message);
                diags.push(finding.here("cannot be shared").help("give it a limit that equals the request"));
            }
            continue;
        };
        let (Some((asked, asked_text)), Some((most, most_text))) = (amount(value), amount(limit)) else { continue };
        let wrong = if overcommits(&name.value) { asked > most } else { (asked - most).abs() > f64::EPSILON };
        if wrong {
            let what = if asked > most { "more than" } else { "not" };
            let message = format!("{whose} requests {asked_text} of `{}`, {what} its limit {most_text}", name.value);
            diags.push(
                Diagnostic::new(&codes::RESOURCE_LIMITS, value.span, message)
                    .here(format!("{what} the limit"))
                    .label(limit.span, "the limit")
                    .help("lower the request, or raise the limit"),
            );
        }
    }
}

/// Native resources but huge pages may be promised more than once.
fn overcommits(name: &str) -> bool {
    let native = !name.contains('/') || name.contains("kubernetes.io/");
    native && !name.starts_with("hugepages-")
}

/// As in `pkg/apis/core/validation`: `validateContainerResourceName`.
fn check_name(name: &Text, diags: &mut Diags) {
    let standard = matches!(name.value.as_str(), "cpu" | "memory" | "ephemeral-storage");
    if standard || name.value.starts_with("hugepages-") || (name.value.contains('/') && is_qualified(&name.value)) {
        return;
    }
    let known = ["cpu", "memory", "ephemeral-storage"];
    let finding =
        Diagnostic::new(&codes::UNSUPPORTED_VALUE, name.span, format!("a container cannot ask for `{}`", name.value));
    let finding = finding.here("no such resource");
    diags.push(match crate::diag::suggest::closest(&name.value, known) {
        Some(real) => finding.help(format!("there is `{real}`")),
        None => finding.help("it is `cpu`, `memory`, `ephemeral-storage`, `hugepages-SIZE` or `DOMAIN/NAME`"),
    });
}

/// As in `pkg/apis/core/validation`: `ValidateResourceQuantityValue`: not negative, and whole where there are no parts.
pub(super) fn check_amount(name: &Text, value: &Node, whose: &str, diags: &mut Diags) {
    let Some((number, text)) = amount(value) else { return };
    if number < 0.0 {
        let message = format!("{whose} has {text} of `{}`", name.value);
        diags.push(finding::invalid(value.span, message, "a quantity is not negative"));
    } else if (name.value.contains('/') || name.value == "pods") && number.fract() != 0.0 {
        let message = format!("{whose} has {text} of `{}`, which has no parts", name.value);
        diags.push(finding::invalid(value.span, message, "write a whole number"));
    }
}

/// As in `pkg/apis/core/validation`: `validateResourceClaimNames`.
pub(super) fn check_claims(container: At<'_>, known: &[&str], diags: &mut Diags) {
    for claim in container.items("resources.claims") {
        if let Some(name) = claim.text("name").filter(|name| !known.contains(name)) {
            let message = format!("the Pod has no resource claim `{name}`");
            diags.push(finding::invalid(claim.place("name"), message, "add it to `resourceClaims` of the Pod"));
        }
    }
}
