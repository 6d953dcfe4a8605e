//! Pods of pipeline runs that have not succeeded before.

use std::collections::BTreeMap;

use super::draft::{Draft, Place, rule, unknowns_in};
use super::{changes, objects};
use crate::desired::run::Run;
use crate::model::{Pipeline, PipelineId};
use crate::plan::effect::{Effect, Group};
use crate::plan::observed::RunRecord;
use crate::plan::{Action, Kind, Op, Segment};

/// By pipeline: the addresses of the Pods that must have ended well before its images are there.
pub type Pods = BTreeMap<PipelineId, Vec<String>>;

/// Drafts every run that is needed.
pub fn build(draft: &mut Draft) -> Pods {
    let mut pods = Pods::new();
    for (id, run) in &draft.facts.desired.runs {
        if run.needed {
            let pipeline = draft.facts.checked.model().pipeline(*id);
            pods.insert(*id, pipeline_run(draft, pipeline, run));
        }
    }
    pods
}

fn pipeline_run(draft: &mut Draft, pipeline: &Pipeline, run: &Run) -> Vec<String> {
    let name = &pipeline.name.value;
    let cluster = draft.facts.cluster_name(pipeline.cluster).to_owned();
    let place = Place { segment: format!("pipeline.{name}"), environment: None, cluster: cluster.clone() };
    let owner = format!("pipeline.{name}@{cluster}");
    let ready = objects::namespace(draft, &place, &owner, pipeline.cluster, &pipeline.namespace, pipeline.create);
    let several = run.groups.len() > 1;
    let mut addresses = Vec::new();
    for group in &run.groups {
        let mut action = pod(draft, pipeline, &place, group, run, several);
        action.waits_for = ready.iter().cloned().collect();
        addresses.push(action.address.clone());
        draft.actions.push(action);
    }
    for group in &run.finally {
        let mut action = pod(draft, pipeline, &place, group, run, false);
        action.waits_for = addresses.clone();
        draft.actions.push(action);
    }
    draft.segments.push(segment(&place, pipeline, run));
    if draft.facts.observed.git.as_ref().is_some_and(|git| git.unpushed) {
        draft.note("the revision is not on the remote's branch: push it, or its checkout will find nothing");
    }
    if draft.facts.cluster(pipeline.cluster).is_some_and(|facts| facts.embedded) {
        draft.note("embedded cluster: step images are not pulled; steps use the tools of this host");
        if run.groups.iter().chain(&run.finally).any(is_placed) {
            draft.note("embedded cluster: there is one node, so node selectors, tolerations, priorities, schedulers and runtime classes choose nothing");
        }
    }
    addresses
}

fn pod(draft: &Draft, pipeline: &Pipeline, place: &Place, group: &Group, run: &Run, several: bool) -> Action {
    let names: Vec<&str> =
        group.tasks.iter().map(|task| task.name.as_str()).filter(|name| !name.starts_with("checkout-")).collect();
    let kind = if group.finally { "pod.finally" } else { "pod" };
    let address = format!("pipeline.{}.{kind}.{}", pipeline.name.value, names.join("+"));
    let first = pipeline.jobs.iter().chain(&pipeline.finally).find(|job| names.contains(&job.name.value.as_str()));
    let reason = draft.because(why(group, several), first.map_or(pipeline.name.span, |job| job.span));
    let effect = Effect::Pod(group.clone());
    let mut action = place.action(address, Kind::Pod, Op::Run, reason, effect);
    action.unknowns = unknowns_in(&action.effect, &run.outputs);
    action.changes = changes::of_pod(group, &run.outputs);
    action.rbac = vec![
        rule("", "pods", &group.namespace, &["create", "delete", "get", "watch"]),
        rule("", "pods/log", &group.namespace, &["get"]),
    ];
    action
}

/// Why these tasks share a Pod, or why they have one of their own.
fn why(group: &Group, several: bool) -> String {
    let workspaces: Vec<&str> = group.workspaces.iter().map(|workspace| workspace.name.as_str()).collect();
    match (group.finally, group.tasks.len(), several) {
        (true, _, _) => "finally: a Pod of its own, whatever became of the others".into(),
        (false, 1, true) => "shares no workspace and no order with the other tasks: a Pod of its own".into(),
        (false, 1, false) => "the only task".into(),
        (false, count, _) if workspaces.is_empty() => format!("{count} tasks that come after one another"),
        (false, count, _) => format!("{count} tasks on workspace {}", workspaces.join(", ")),
    }
}

fn segment(place: &Place, pipeline: &Pipeline, run: &Run) -> Segment {
    let mut values: BTreeMap<String, String> =
        run.outputs.iter().map(|unknown| (unknown.expression.clone(), unknown.placeholder.clone())).collect();
    for (job, (reference, tag)) in &run.images {
        let name = &pipeline.job(*job).name.value;
        values.insert(format!("image.{name}.tag"), tag.clone());
        values.insert(format!("image.{name}.reference"), format!("{reference}:{tag}"));
    }
    let record = RunRecord {
        pipeline: pipeline.name.value.clone(),
        key: run.key.clone(),
        revision: run.revision.clone(),
        plan: String::new(),
        values,
    };
    Segment {
        name: place.segment.clone(),
        cluster: place.cluster.clone(),
        environment: None,
        images: Vec::new(),
        policies: Vec::new(),
        approvals_by: Vec::new(),
        inventory: Vec::new(),
        runs: vec![record],
        unknowns: run.outputs.clone(),
    }
}

/// Whether a Pod asks for a node, which the embedded cluster has only one of.
fn is_placed(group: &Group) -> bool {
    let fields = ["nodeSelector", "tolerations", "priorityClassName", "schedulerName", "runtimeClassName"];
    fields.iter().any(|field| group.fields.get(field).is_some())
}
