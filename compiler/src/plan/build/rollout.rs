//! A canary over a Deployment: a second Deployment with the new template grows stage by stage, then the stable one takes
//! the template, then the second one goes.

use serde_json::{Value, json};

use super::draft::{Draft, rule, unknowns_in};
use super::environment::Scope;
use super::{changes, objects};
use crate::model::Rollout;
use crate::plan::canary::{self, Split};
use crate::plan::effect::{Effect, Gate, ObjectRef, Traffic, UndoRollout};
use crate::plan::observed::ImageState;
use crate::plan::{Action, Change, Kind, Op};
use crate::spec::value::show_seconds;

/// Whether a rollout is about this object.
pub fn is_for(rollout: &Rollout, object: &ObjectRef) -> bool {
    object.group == "apps" && object.kind == "Deployment" && object.name == rollout.workload.value
}

/// Drafts the stages. `false` where the object is to be applied as any other: there is no stable version, or its Pods
/// do not change.
pub fn build(draft: &mut Draft, scope: &Scope, rollout: &Rollout, compared: &objects::Compared) -> bool {
    let name = &rollout.workload.value;
    let Some(live) = compared.live else {
        draft.note(format!(
            "rollout {name} in {}: there is no stable version yet, the stages are skipped",
            scope.environment.name.value
        ));
        return false;
    };
    let changed = compared
        .differences
        .iter()
        .any(|difference| super::super::diff::show(&difference.path).starts_with("spec.template"));
    if !changed || draft.facts.options.offline && live.pointer("/spec/template").is_none() {
        return false;
    }
    let replicas =
        live.pointer("/spec/replicas").and_then(Value::as_u64).and_then(|count| u32::try_from(count).ok()).unwrap_or(1);
    if replicas == 0 {
        draft.note(format!("rollout {name}: the Deployment has no replicas, the stages are skipped"));
        return false;
    }
    if held(draft, scope, rollout) {
        return true;
    }
    let Some(mut update) = objects::action(draft, scope.place, scope.owner, compared, &scope.desired.unknowns) else {
        return false;
    };
    without_replicas(&mut update);
    let stages = Stages { scope, rollout, compared, live, replicas, undo: stage_address(scope, rollout, "undo") };
    let mut last = scope.ready.to_vec();
    let partial: Vec<usize> = (0..rollout.stages.len()).filter(|at| rollout.stages[*at].weight.value < 100).collect();
    for at in partial {
        last = stages.partial(draft, at, last);
    }
    update.waits_for = last;
    update.undone_by = Some(stages.undo.clone());
    let address = update.address.clone();
    draft.actions.push(update);
    stages.last(draft, address);
    stages.undo_action(draft);
    true
}

/// Whether this very revision failed here before: its manifests are kept back as its images are.
fn held(draft: &mut Draft, scope: &Scope, rollout: &Rollout) -> bool {
    let facts = draft.facts.cluster(scope.environment.cluster);
    let revision = draft.facts.observed.git.as_ref().map(|git| git.revision.as_str());
    let of_rollout = stage_address(scope, rollout, "");
    let found = facts.into_iter().flat_map(|facts| &facts.holds).find(|hold| {
        hold.image.is_empty()
            && hold.environment == scope.environment.name.value
            && Some(hold.source.as_str()) == revision
            && hold.address == of_rollout.trim_end_matches('.')
    });
    let found = found.filter(|hold| !draft.facts.options.retry.contains(&hold.address)).cloned();
    draft.held.extend(found.clone());
    found.is_some()
}

/// Our own stages change the replicas before the update comes: they are no sign of somebody else.
fn without_replicas(update: &mut Action) {
    if let Effect::Apply(apply) = &mut update.effect {
        apply.force = true;
        if let Some(found) = &mut apply.found {
            found.fields.retain(|field| field.path != "/spec/replicas");
        }
    }
}

fn stage_address(scope: &Scope, rollout: &Rollout, rest: &str) -> String {
    format!("environment.{}.rollout.{}.{rest}", scope.environment.name.value, rollout.workload.value)
}

struct Stages<'a> {
    scope: &'a Scope<'a>,
    rollout: &'a Rollout,
    compared: &'a objects::Compared<'a>,
    live: &'a Value,
    replicas: u32,
    undo: String,
}

impl Stages<'_> {
    /// A stage below 100 percent, and its hold. Gives what comes next waits for.
    fn partial(&self, draft: &mut Draft, at: usize, after: Vec<String>) -> Vec<String> {
        let stage = &self.rollout.stages[at];
        let split = canary::split(self.replicas, stage.weight.value);
        let first = at == 0;
        let before = if first {
            Split { stable: self.replicas, canary: 0 }
        } else {
            canary::split(self.replicas, self.rollout.stages[at - 1].weight.value)
        };
        let traffic = self.traffic(at, Some(split.stable), Some(self.canary(split.canary)), split.canary);
        let reached = split.canary * 100 / (split.stable + split.canary).max(1);
        let text = format!(
            "stage {} of {}, {} % asked for, {reached} % reached",
            at + 1,
            self.rollout.stages.len(),
            stage.weight.value
        );
        let mut action = self.action(draft, at, text, traffic);
        action.changes =
            vec![replicas("stable", before.stable, split.stable), replicas("canary", before.canary, split.canary)];
        if first {
            let image = changes::of_object(&self.compared.differences, &self.scope.desired.unknowns);
            let template = image.into_iter().filter(|change| change.path.starts_with("spec.template"));
            action.changes.extend(template.map(|change| Change { path: format!("canary.{}", change.path), ..change }));
        }
        action.waits_for = after;
        let address = action.address.clone();
        draft.actions.push(action);
        if stage.hold_seconds == 0 {
            return vec![address];
        }
        let reason = draft.because(format!("hold {}", show_seconds(stage.hold_seconds)), stage.span);
        let effect = Effect::Gate(Gate::Hold { seconds: stage.hold_seconds });
        let mut hold = self.scope.place.action(format!("{address}.hold"), Kind::Gate, Op::Wait, reason, effect);
        hold.waits_for = vec![address];
        hold.undone_by = Some(self.undo.clone());
        let address = hold.address.clone();
        draft.actions.push(hold);
        vec![address]
    }

    /// The stable Deployment has the new template: wait for it, then remove the canary.
    fn last(&self, draft: &mut Draft, update: String) {
        let at = self.rollout.stages.len().saturating_sub(1);
        let wanted = self
            .compared
            .object
            .value
            .pointer("/spec/replicas")
            .and_then(Value::as_u64)
            .and_then(|count| u32::try_from(count).ok());
        let traffic = self.traffic(at, Some(wanted.unwrap_or(self.replicas)), None, 0);
        let text = format!(
            "stage {} of {}, 100 %: the stable Deployment takes the new version, the canary goes",
            at + 1,
            self.rollout.stages.len()
        );
        let mut action = self.action(draft, at, text, traffic);
        let partial = self.rollout.stages.iter().rfind(|stage| stage.weight.value < 100);
        let before = partial.map_or(Split { stable: self.replicas, canary: 0 }, |stage| {
            canary::split(self.replicas, stage.weight.value)
        });
        action.changes = vec![
            replicas("stable", before.stable, wanted.unwrap_or(self.replicas)),
            replicas("canary", before.canary, 0),
        ];
        action.waits_for = vec![update];
        draft.actions.push(action);
    }

    fn action(&self, draft: &Draft, at: usize, text: String, traffic: Traffic) -> Action {
        let address = stage_address(self.scope, self.rollout, &format!("stage[{at}]"));
        let span = self.rollout.stages.get(at).map_or(self.rollout.span, |stage| stage.span);
        let namespace = &self.scope.environment.namespace.value;
        let mut action = self.scope.place.action(
            address,
            Kind::Traffic,
            Op::Shift,
            draft.because(text, span),
            Effect::Traffic(traffic),
        );
        action.unknowns = unknowns_in(&action.effect, &self.scope.desired.unknowns);
        action.rbac = vec![rule("apps", "deployments", namespace, &["create", "delete", "get", "patch", "watch"])];
        action.undone_by = Some(self.undo.clone());
        action
    }

    fn traffic(&self, at: usize, stable: Option<u32>, canary: Option<Value>, canary_replicas: u32) -> Traffic {
        Traffic {
            rollout: self.rollout.workload.value.clone(),
            stage: u32::try_from(at).unwrap_or(u32::MAX),
            weight: self.rollout.stages.get(at).map_or(100, |stage| stage.weight.value),
            stable: self.compared.reference.clone(),
            stable_replicas: stable,
            canary,
            canary_ref: self.canary_ref(),
            canary_replicas,
            timeout_seconds: self.rollout.timeout_seconds,
        }
    }

    fn canary_ref(&self) -> ObjectRef {
        ObjectRef {
            name: format!("{}-canary", self.compared.reference.name),
            uid: None,
            ..self.compared.reference.clone()
        }
    }

    /// The stable Deployment's manifest under another name, its template and selector told apart by the track label.
    fn canary(&self, replicas: u32) -> Value {
        let mut object = self.compared.object.value.clone();
        object["metadata"]["name"] = json!(self.canary_ref().name);
        object["spec"]["replicas"] = json!(replicas);
        for labels in ["/metadata", "/spec/template/metadata"] {
            if let Some(metadata) = object.pointer_mut(labels) {
                metadata["labels"][canary::TRACK_LABEL] = json!(canary::TRACK);
            }
        }
        object["spec"]["selector"]["matchLabels"][canary::TRACK_LABEL] = json!(canary::TRACK);
        object
    }

    fn undo_action(&self, draft: &mut Draft) {
        let states: Vec<ImageState> = self
            .scope
            .desired
            .versions
            .images
            .iter()
            .filter(|version| version.changes())
            .filter_map(crate::desired::versions::Version::state)
            .collect();
        let revision = draft.facts.observed.git.as_ref().map(|git| git.revision.clone());
        let manifests = revision.map(|source| ImageState { source, ..ImageState::default() });
        let states: Vec<ImageState> = states.into_iter().chain(manifests).collect();
        let effect = Effect::UndoRollout(UndoRollout {
            rollout: self.rollout.workload.value.clone(),
            stable: self.compared.reference.clone(),
            replicas: self.replicas,
            template: self.live.pointer("/spec/template").cloned().unwrap_or(Value::Null),
            canary: self.canary_ref(),
            timeout_seconds: self.rollout.timeout_seconds,
            hold: states,
        });
        let reason = draft.because("gives the Deployment its old version back if a stage fails", self.rollout.span);
        let mut action = self.scope.place.action(self.undo.clone(), Kind::Traffic, Op::Undo, reason, effect);
        action.unknowns = unknowns_in(&action.effect, &self.scope.desired.unknowns);
        draft.undo.push(action);
    }
}

fn replicas(what: &str, before: u32, after: u32) -> Change {
    Change { path: format!("{what}.replicas"), before: Some(json!(before)), after: Some(json!(after)), unknown: None }
}
