//! Who may do what, and what no plan may do: policies, identities, access, confinement and triggers, resolved.

use super::Environment;
use super::resolve::{find, unique};
use crate::diag::{Diagnostic, Diags, codes};
use crate::plan::judge::{self, Level};
use crate::source::{Span, Spanned};
use crate::spec::{Spec, policy as written};

#[derive(Clone, Debug, Default)]
pub struct Governance {
    pub policies: Vec<Policy>,
    /// Where access rules are written, if they are.
    pub access: Option<Span>,
    /// Names of triggers.
    pub triggers: Vec<String>,
}

/// A policy as plans have it, and where its rules are written.
#[derive(Clone, Debug)]
pub struct Policy {
    pub plan: judge::Policy,
    pub rules: Vec<Span>,
}

pub(super) fn resolve(spec: &Spec, environments: &[Environment], diags: &mut Diags) -> Governance {
    unique(spec.policies.iter().map(|policy| &policy.name), "policy", diags);
    // What did not resolve has been reported, and is no unknown name.
    let mut names: Vec<&str> = environments.iter().map(|environment| environment.name.as_str()).collect();
    names.extend(spec.environments.iter().map(|environment| environment.name.as_str()));
    unique(spec.triggers.iter().map(|trigger| &trigger.name), "trigger", diags);
    unique(spec.identities.iter().map(|identity| &identity.name), "identity", diags);
    let groups = spec.identities.iter().flat_map(|identity| &identity.groups);
    unique(groups.map(|group| &group.name), "group", diags);
    Governance {
        policies: spec.policies.iter().map(|policy| resolve_policy(policy, &names, diags)).collect(),
        access: spec.accesses.first().map(|access| access.span),
        triggers: spec.triggers.iter().map(|trigger| trigger.name.value.clone()).collect(),
    }
}

fn resolve_policy(policy: &written::Policy, environments: &[&str], diags: &mut Diags) -> Policy {
    for name in &policy.environments {
        find(name, "environment", environments, diags);
    }
    let level = match policy.level.as_ref().map(Spanned::as_str) {
        Some("warn") => Level::Warn,
        Some("forbid") => Level::Forbid,
        Some(_) | None => Level::Deny,
    };
    if policy.rules.is_empty() {
        let message = format!("policy `{}` has no rule", policy.name.value);
        let finding = Diagnostic::new(&codes::POLICY_EMPTY, policy.name.span, message).here("it lets everything pass");
        diags.push(finding.help("add `deny \"CEL\" message=\"…\"` or `require \"CEL\" message=\"…\"`"));
    }
    for exception in &policy.exceptions {
        judge_exception(policy, level, exception, diags);
    }
    let rule = |rule: &written::Rule| judge::Rule {
        expression: rule.expression.value.clone(),
        denies: rule.denies,
        message: rule.message.clone(),
    };
    let exception = |exception: &written::Exception| judge::Exception {
        r#for: exception.matching.value.clone(),
        until: exception.until.value.clone(),
        reason: exception.reason.clone(),
    };
    Policy {
        plan: judge::Policy {
            name: policy.name.value.clone(),
            level,
            environments: policy.environments.iter().map(|name| name.value.clone()).collect(),
            rules: policy.rules.iter().map(rule).collect(),
            exceptions: policy.exceptions.iter().map(exception).collect(),
        },
        rules: policy.rules.iter().map(|rule| rule.expression.span).collect(),
    }
}

fn judge_exception(policy: &written::Policy, level: Level, exception: &written::Exception, diags: &mut Diags) {
    if judge::end_of_day(&exception.until.value).is_none() {
        let message = format!("`{}` is no day", exception.until.value);
        let finding = Diagnostic::new(&codes::EXCEPTION_DAY, exception.until.span, message).here("until when?");
        diags.push(finding.help("write the last day that the exception holds, as `2027-01-31`"));
    }
    if level == Level::Deny {
        return;
    }
    let (word, why) = if level == Level::Warn { ("warn", "warns only") } else { ("forbid", "takes no exceptions") };
    let message = format!("an exception from policy `{}`, which {why}, is never used", policy.name.value);
    let finding = Diagnostic::new(&codes::EXCEPTION_UNUSED, exception.span, message).here("lifts nothing");
    let place = policy.level.as_ref().map_or(policy.span, |level| level.span);
    diags.push(
        finding
            .label(place, format!("level `{word}` is set here"))
            .help("remove the exception, or write level=\"deny\""),
    );
}
