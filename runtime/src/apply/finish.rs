//! What a finished segment leaves: its record, its pipeline runs.
//!
//! **Invariant:** the records are computed from plan and state, purely; only uids that nobody noted are asked for.

use std::collections::{BTreeMap, BTreeSet};

use waybill_compiler::plan::effect::{Group, ObjectRef};
use waybill_compiler::plan::observed::{Hold, ImageState, Record, RunRecord};
use waybill_compiler::plan::{Action, Effect, Plan, Segment, Unknown};

use super::engine::Summary;
use super::{now_millis, unknown};
use crate::effects::kube::{Cluster, object_ref};
use crate::journal::fold::{Phase, State};
use crate::journal::record::ActionResult;
use crate::journal::records;

/// How a segment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SegmentEnd {
    Succeeded,
    Failed,
    /// A newer version made the rest needless.
    Superseded,
}

impl SegmentEnd {
    pub fn word(self) -> &'static str {
        match self {
            SegmentEnd::Succeeded => "succeeded",
            SegmentEnd::Failed => "failed",
            SegmentEnd::Superseded => "superseded",
        }
    }
}

/// Judges a segment whose actions have all come to an end.
pub(super) fn segment_end(plan: &Plan, segment: &str, summary: &Summary) -> SegmentEnd {
    let mut actions = plan.actions.iter().chain(&plan.undo).filter(|action| action.segment == segment);
    let of_segment: BTreeSet<&str> = actions.by_ref().map(|action| action.address.as_str()).collect();
    if summary.failed.iter().any(|(address, ..)| of_segment.contains(address.as_str())) {
        return SegmentEnd::Failed;
    }
    if summary.superseded.iter().any(|(address, _)| of_segment.contains(address.as_str())) {
        return SegmentEnd::Superseded;
    }
    let not_run = summary.not_run.iter().any(|(address, _)| of_segment.contains(address.as_str()));
    if not_run { SegmentEnd::Failed } else { SegmentEnd::Succeeded }
}

/// Writes the record of the segment and of each of its pipeline runs that succeeded. Both can be written again.
pub(super) async fn write(
    cluster: &Cluster,
    plan: &Plan,
    state: &State,
    segment: &str,
    end: SegmentEnd,
    applied_by: &str,
) -> Result<(), String> {
    let Some(planned) = plan.segments.iter().find(|planned| planned.name == segment) else { return Ok(()) };
    for run in succeeded_runs(plan, state, planned) {
        records::write_run(cluster, &plan.project, &run).await.map_err(|error| error.to_string())?;
    }
    if end == SegmentEnd::Superseded {
        return Ok(());
    }
    let mut record = record(plan, state, planned, end, applied_by);
    if end == SegmentEnd::Failed {
        let before = records::read_all(cluster, &plan.project).await?;
        let before =
            before.history.into_iter().rev().find(|before| before.segment == segment && before.plan != plan.id);
        keep_what_is_there(&mut record, before, plan, state);
    }
    for object in &mut record.inventory {
        if object.uid.is_none()
            && let Ok(Some(live)) = cluster.get(object).await
        {
            object.uid = live["metadata"]["uid"].as_str().map(str::to_owned);
        }
    }
    records::write_segment(cluster, &plan.project, &record).await.map_err(|error| error.to_string())?;
    if end == SegmentEnd::Succeeded { release_holds(cluster, plan, planned, &record).await } else { Ok(()) }
}

/// A held version that was tried again and is there now is held no more.
async fn release_holds(cluster: &Cluster, plan: &Plan, planned: &Segment, record: &Record) -> Result<(), String> {
    let holds = records::read_all(cluster, &plan.project).await?.holds;
    let here = |hold: &&Hold| {
        let is_there =
            |image: &ImageState| (&image.name, &image.tag, &image.digest) == (&hold.image, &hold.tag, &hold.digest);
        planned.environment.as_ref() == Some(&hold.environment) && record.images.iter().any(is_there)
    };
    for hold in holds.iter().filter(here) {
        records::release_hold(cluster, &plan.project, hold).await.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn record(plan: &Plan, state: &State, planned: &Segment, end: SegmentEnd, applied_by: &str) -> Record {
    let actions: Vec<&Action> = plan.actions.iter().filter(|action| action.segment == planned.name).collect();
    let done: Vec<&Action> = actions.iter().copied().filter(|action| is_done(state, &action.address)).collect();
    let mut inventory = planned.inventory.clone();
    note_uids(&mut inventory, state, &done);
    let of_segment = |address: &str| actions.iter().any(|action| action.address == address);
    Record {
        segment: planned.name.clone(),
        plan: plan.id.clone(),
        revision: plan.revision.as_ref().map(|revision| revision.sha.clone()).unwrap_or_default(),
        finished: now_millis() / 1000,
        result: end.word().to_owned(),
        images: filled_images(plan, state, planned),
        inventory,
        intents: done.iter().map(|action| action.intent.clone()).collect(),
        approvals: state.approvals.iter().filter(|approval| of_segment(&approval.address)).cloned().collect(),
        applied_by: applied_by.to_owned(),
        policies: planned.policies.clone(),
        approvals_by: planned.approvals_by.clone(),
        actions: done.iter().map(|action| action.address.clone()).collect(),
    }
}

/// After a failure the environment runs what it ran before, and owns that and whatever was made.
fn keep_what_is_there(record: &mut Record, before: Option<Record>, plan: &Plan, state: &State) {
    let (images, mut inventory) = before.map(|before| (before.images, before.inventory)).unwrap_or_default();
    record.images = images;
    let done = plan.actions.iter().filter(|action| action.segment == record.segment);
    let done: Vec<&Action> = done.filter(|action| is_done(state, &action.address)).collect();
    for action in &done {
        match &action.effect {
            Effect::Apply(effect) => {
                let object = ObjectRef { uid: None, ..object_ref(&effect.object) };
                if !inventory.iter().any(|known| same_object(known, &object)) {
                    inventory.push(object);
                }
            }
            Effect::Delete(effect) => inventory.retain(|known| !same_object(known, &effect.object)),
            Effect::Pod(_)
            | Effect::Commit(_)
            | Effect::Traffic(_)
            | Effect::Gate(_)
            | Effect::UndoRollout(_)
            | Effect::UndoCommit(_) => {}
        }
    }
    // Only what the segment may own: its namespace, which is never deleted, is not in the planned inventory either.
    let planned = std::mem::take(&mut record.inventory);
    inventory.retain(|object| object.uid.is_some() || planned.iter().any(|known| same_object(known, object)));
    note_uids(&mut inventory, state, &done);
    record.inventory = inventory;
}

fn same_object(one: &ObjectRef, two: &ObjectRef) -> bool {
    (&one.group, &one.kind, &one.namespace, &one.name) == (&two.group, &two.kind, &two.namespace, &two.name)
}

/// Fills in the uids that the journal has.
fn note_uids(inventory: &mut [ObjectRef], state: &State, done: &[&Action]) {
    let mut noted: BTreeMap<(String, String, String, String), String> = BTreeMap::new();
    for action in done {
        if let Effect::Apply(effect) = &action.effect
            && let Some(Phase::Ended(ActionResult::Done { facts, .. })) =
                state.actions.get(&action.address).map(|progress| &progress.phase)
            && let Some(uid) = facts.get("uid")
        {
            let object = object_ref(&effect.object);
            noted.insert((object.group, object.kind, object.namespace, object.name), uid.clone());
        }
    }
    for object in inventory {
        let key = (object.group.clone(), object.kind.clone(), object.namespace.clone(), object.name.clone());
        if let Some(uid) = noted.get(&key) {
            object.uid = Some(uid.clone());
        }
    }
}

fn is_done(state: &State, address: &str) -> bool {
    let phase = state.actions.get(address).map(|progress| &progress.phase);
    matches!(phase, Some(Phase::Ended(ActionResult::Done { .. })))
}

/// Values of the unknowns that are known by now.
pub(super) fn known_values(plan: &Plan, state: &State, unknowns: &[Unknown]) -> BTreeMap<String, String> {
    let known =
        unknowns.iter().filter_map(|one| Some((one.placeholder.clone(), unknown::value(plan, state, one).ok()?)));
    known.collect()
}

fn filled_images(plan: &Plan, state: &State, planned: &Segment) -> Vec<ImageState> {
    let values = known_values(plan, state, &planned.unknowns);
    unknown::fill(&planned.images, &values).unwrap_or_else(|_| planned.images.clone())
}

/// Runs whose every Pod is done, with all values that they gave.
fn succeeded_runs(plan: &Plan, state: &State, planned: &Segment) -> Vec<RunRecord> {
    let known = known_values(plan, state, &planned.unknowns);
    let mut runs = Vec::new();
    for run in &planned.runs {
        let pods: Vec<&Action> =
            plan.actions.iter().filter(|action| pipeline(action) == Some(run.pipeline.as_str())).collect();
        if !pods.iter().all(|action| is_done(state, &action.address)) {
            continue;
        }
        let mut run = unknown::fill(run, &known).unwrap_or_else(|_| run.clone());
        run.plan.clone_from(&plan.id);
        for action in pods {
            let phase = state.actions.get(&action.address).map(|progress| &progress.phase);
            if let Some(Phase::Ended(ActionResult::Done { values, .. })) = phase {
                run.values.extend(values.clone());
            }
        }
        runs.push(run);
    }
    runs
}

fn pipeline(action: &Action) -> Option<&str> {
    let group: Option<&Group> = match &action.effect {
        Effect::Pod(group) => Some(group),
        Effect::Apply(_)
        | Effect::Delete(_)
        | Effect::Commit(_)
        | Effect::Traffic(_)
        | Effect::Gate(_)
        | Effect::UndoRollout(_)
        | Effect::UndoCommit(_) => None,
    };
    group.map(|group| group.pipeline.as_str())
}

/// The versions that an undo of a rollout keeps back, with the failure as the cause.
pub(super) fn holds(action: &Action, effect: &Effect, summary: &Summary) -> Vec<Hold> {
    let Effect::UndoRollout(undo) = effect else { return Vec::new() };
    let cause = match summary.failed.first() {
        Some((address, reason, _)) => format!("{address}: {reason}"),
        None => "the rollout was taken back".to_owned(),
    };
    let hold = |image: &ImageState| Hold {
        environment: action.environment.clone().unwrap_or_default(),
        image: image.name.clone(),
        tag: image.tag.clone(),
        digest: image.digest.clone(),
        source: image.source.clone(),
        cause: cause.clone(),
        address: action.address.strip_suffix(".undo").unwrap_or(&action.address).to_owned(),
    };
    undo.hold.iter().map(hold).collect()
}
