//! Policies over a finished plan: what breaks one refuses the plan or is a note in it. The policies of an environment's
//! last applied spec judge its actions too: whoever removes one still has to pass it.

use serde_json::Value;

use super::Facts;
use crate::diag::{Diagnostic, Diags, codes};
use crate::model::governance::Policy;
use crate::plan::judge::{self, Rule, Verdict, Weight};
use crate::plan::observed::Record;
use crate::plan::{Effect, Plan};
use crate::source::Span;

/// A rule to judge by, and where findings about it point.
struct Judge<'a> {
    policy: &'a judge::Policy,
    rule: &'a Rule,
    span: Span,
    /// Said behind the policy's name: empty for one of this spec.
    of: String,
}

/// An action as rules see it.
struct Seen<'a> {
    value: Value,
    address: &'a str,
    environment: Option<&'a str>,
    place: Option<Span>,
}

/// Judges the plan, and puts into it what must be judged again and what the next plan is judged by.
pub fn judge(plan: &mut Plan, facts: Facts, problems: &mut Diags) {
    let policies = &facts.checked.model().governance.policies;
    let before = before(plan, facts);
    if policies.is_empty() && before.is_empty() {
        return;
    }
    let (view, mut notes, mut again) = (judge::of_plan(plan), Vec::new(), Vec::new());
    let seen: Vec<Seen> = plan.actions.iter().map(|action| see(action, plan, facts)).collect();
    for policy in policies {
        again.push(policy.plan.clone());
        for (rule, span) in policy.plan.rules.iter().zip(&policy.rules) {
            let judge = Judge { policy: &policy.plan, rule, span: *span, of: String::new() };
            let covered = seen.iter().filter(|seen| policy.plan.covers(seen.environment));
            by(&judge, covered, &view, facts, problems, &mut notes);
        }
    }
    for (environment, record, old) in &before {
        let gone = Seen {
            value: judge::removed(environment, "", "policy", &old.name, word(policies, old)),
            address: &old.name,
            environment: Some(environment),
            place: None,
        };
        notes.push(format!(
            "policy `{}` of {environment} is {} since plan {}; it judges this plan once more",
            old.name,
            if word(policies, old) == "delete" { "removed" } else { "changed" },
            record.plan
        ));
        let span = facts.checked.model().project.span;
        for rule in &old.rules {
            let of = format!(" of the spec that plan {} applied to {environment}", record.plan);
            let judge = Judge { policy: old, rule, span, of };
            let of_environment = seen.iter().filter(|seen| seen.environment == Some(environment.as_str()));
            by(&judge, of_environment.chain([&gone]), &view, facts, problems, &mut notes);
        }
        again.push(old.clone());
    }
    drop(seen);
    plan.notes.extend(notes);
    carry(plan, policies);
    if plan.actions.iter().any(|action| !action.unknowns.is_empty()) {
        plan.policies = again;
    }
}

fn word(policies: &[Policy], old: &judge::Policy) -> &'static str {
    if policies.iter().any(|policy| policy.plan.name == old.name) { "update" } else { "delete" }
}

/// Each segment says which policies it passed: the next plan reads them from its record.
fn carry(plan: &mut Plan, policies: &[Policy]) {
    for segment in &mut plan.segments {
        let mine = policies.iter().filter(|policy| policy.plan.covers(segment.environment.as_deref()));
        segment.policies = mine.map(|policy| policy.plan.clone()).collect();
    }
}

/// Policies of the last applied specs that this one has not, or has otherwise, by environment. Exceptions are those of
/// the new spec: they are written for what is refused now.
fn before(plan: &Plan, facts: Facts) -> Vec<(String, Record, judge::Policy)> {
    let model = facts.checked.model();
    let mut all = Vec::new();
    for segment in &plan.segments {
        let Some(name) = &segment.environment else { continue };
        let Some(environment) = model.environments.iter().find(|known| known.name.value == *name) else { continue };
        let cluster = facts.cluster(environment.cluster);
        let Some(record) = cluster.and_then(|cluster| cluster.records.get(&segment.name)) else { continue };
        for old in record.policies.iter().filter(|old| old.level != judge::Level::Warn) {
            let new = model.governance.policies.iter().find(|policy| policy.plan.name == old.name);
            let exceptions = new.map(|new| new.plan.exceptions.clone()).unwrap_or_default();
            let old = judge::Policy { exceptions, ..old.clone() };
            let as_strict = |new: &Policy| {
                let narrower = !new.plan.covers(Some(name));
                let level = new.plan.level != judge::Level::Warn
                    && (new.plan.level == old.level || new.plan.level == judge::Level::Forbid);
                !narrower && level && old.rules.iter().all(|rule| new.plan.rules.contains(rule))
            };
            if !new.is_some_and(as_strict) {
                all.push((name.clone(), record.clone(), old));
            }
        }
    }
    all
}

fn see<'a>(action: &'a crate::plan::Action, plan: &Plan, facts: Facts) -> Seen<'a> {
    let file = facts.sources.by_path(&action.reason.file);
    let place = file.filter(|_| action.reason.line > 0).and_then(|file| {
        let text = facts.sources.text(file);
        let line = text.split_inclusive('\n').nth(action.reason.line as usize - 1)?;
        let start = line.as_ptr() as usize - text.as_ptr() as usize + (line.len() - line.trim_start().len());
        Some(Span::new(file, start, start + line.trim().len()))
    });
    Seen {
        value: judge::action(action, &plan.actions),
        address: &action.address,
        environment: action.environment.as_deref(),
        place,
    }
}

/// Judges actions by one rule: at most one finding for all that it refuses.
fn by<'a>(
    judge: &Judge,
    seen: impl Iterator<Item = &'a Seen<'a>>,
    plan: &Value,
    facts: Facts,
    problems: &mut Diags,
    notes: &mut Vec<String>,
) {
    let mut refused: Vec<(&Seen, String)> = Vec::new();
    for seen in seen {
        let why = match judge.rule.judge(&seen.value, plan) {
            Verdict::Passes => continue,
            Verdict::Broken => judge.rule.message.clone(),
            Verdict::Failed(why) => {
                problems.push(failed(judge, seen, &why));
                return;
            }
        };
        let (name, address) = (&judge.policy.name, seen.address);
        match judge.policy.weigh(address, facts.observed.at) {
            Weight::Refused => refused.push((seen, String::new())),
            Weight::Expired(exception) => {
                refused.push((seen, format!(" (its exception ended on {}: {})", exception.until, exception.reason)));
            }
            Weight::Warned => notes.push(format!("policy `{name}`: {why}: {address}")),
            Weight::Excepted(exception) => notes
                .push(format!("policy `{name}` lets {address} pass until {}: {}", exception.until, exception.reason)),
        }
    }
    if !refused.is_empty() {
        problems.push(finding(judge, &refused));
    }
}

fn finding(judge: &Judge, refused: &[(&Seen, String)]) -> Diagnostic {
    let (first, ended) = &refused[0];
    let message =
        format!("policy `{}`{} refuses {}: {}", judge.policy.name, judge.of, first.address, judge.rule.message);
    let mut finding = Diagnostic::new(&codes::POLICY_REFUSES, judge.span, message).here("by this rule");
    if let Some(place) = first.place {
        finding = finding.label(place, "what it refuses comes from here");
    }
    for (seen, ended) in refused.iter().skip(1).take(9) {
        finding = finding.note(format!("it refuses {} too{ended}", seen.address));
    }
    if refused.len() > 10 {
        finding = finding.note(format!("and {} more", refused.len() - 10));
    }
    if !ended.is_empty() {
        finding = finding.note(format!("{}{ended}", first.address));
    }
    finding.help(match judge.policy.level {
        judge::Level::Forbid => "change what the plan does: a policy that forbids takes no exceptions".to_owned(),
        judge::Level::Warn | judge::Level::Deny => format!(
            "change what the plan does, or add to the policy: exception for=\"{}\" until=\"YYYY-MM-DD\" reason=\"…\"",
            first.address
        ),
    })
}

fn failed(judge: &Judge, seen: &Seen, why: &str) -> Diagnostic {
    let message = format!("policy `{}`{} cannot judge {}: {why}", judge.policy.name, judge.of, seen.address);
    let finding = Diagnostic::new(&codes::POLICY_FAILED, judge.span, message).here("this has no value for it");
    finding.help("what cannot be judged does not pass; test what the action is first: `action.kind == 'object' && …`")
}

/// Approvals that the last applied spec asked for and this one does not: they are asked for once more.
pub fn approvals(plan: &mut Plan, facts: Facts) {
    let model = facts.checked.model();
    for segment in plan.segments.clone() {
        let Some(name) = &segment.environment else { continue };
        let Some(environment) = model.environments.iter().find(|known| known.name.value == *name) else { continue };
        let cluster = facts.cluster(environment.cluster);
        let record = cluster.and_then(|cluster| cluster.records.get(&segment.name));
        let wanted = environment.promote.as_ref().and_then(|promote| promote.approval.as_ref());
        for by in record.map(|record| record.approvals_by.as_slice()).unwrap_or_default() {
            if wanted.is_none_or(|wanted| wanted.value != *by) {
                let why = format!(
                    "approval by {by}, which plan {} asked for and this spec does not",
                    record.map_or("", |record| &record.plan)
                );
                gate(plan, facts, environment, &segment, (by, why));
            }
        }
    }
    for segment in &mut plan.segments {
        let environment =
            model.environments.iter().find(|known| Some(&known.name.value) == segment.environment.as_ref());
        let by = environment.and_then(|known| known.promote.as_ref()).and_then(|promote| promote.approval.as_ref());
        segment.approvals_by = by.map(|by| by.value.clone()).into_iter().collect();
    }
}

/// Says in the plan what the spec asks for and nobody sees to yet: it changes no action, and is not passed over in silence.
pub fn unenforced(plan: &mut Plan, facts: Facts) {
    let triggers = &facts.checked.model().governance.triggers;
    if !triggers.is_empty() && !plan.actions.is_empty() {
        let names = triggers.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        plan.notes.push(format!("triggers start nothing yet: {names} need the server, which is not supported yet"));
    }
    let mut groups: Vec<String> = Vec::new();
    for action in &plan.actions {
        if let Effect::Gate(crate::plan::effect::Gate::Approval { by }) = &action.effect {
            groups.extend(by.iter().filter(|by| by.starts_with("group:")).cloned());
        }
    }
    groups.sort();
    groups.dedup();
    if !groups.is_empty() {
        let groups = groups.join(", ");
        plan.notes.push(format!(
            "approval by {groups}: who approves is recorded; that they are in the group is not checked yet"
        ));
    }
}

/// A gate in front of everything that the segment does.
fn gate(
    plan: &mut Plan,
    facts: Facts,
    environment: &crate::model::Environment,
    segment: &crate::plan::Segment,
    (by, why): (&str, String),
) {
    use crate::plan::effect::Gate;
    let address = format!("environment.{}.gate.approval-before", environment.name.value);
    let span = environment.name.span;
    let reason = crate::plan::Reason {
        text: why,
        file: facts.sources.path(span.file).to_owned(),
        line: u32::try_from(facts.sources.line(span)).unwrap_or(u32::MAX),
    };
    let place = super::draft::Place {
        segment: segment.name.clone(),
        environment: segment.environment.clone(),
        cluster: segment.cluster.clone(),
    };
    let effect = Effect::Gate(Gate::Approval { by: vec![by.to_owned()] });
    let action = place.action(address.clone(), crate::plan::Kind::Gate, crate::plan::Op::Approve, reason, effect);
    if plan.actions.iter().any(|known| known.address == address) {
        return;
    }
    for other in plan.actions.iter_mut().filter(|other| other.segment == segment.name) {
        other.waits_for.push(address.clone());
        other.waits_for.sort();
    }
    plan.actions.insert(0, action);
    plan.summary = crate::plan::Summary::of(&plan.actions);
}
