//! One environment: its namespace, the commit that brings a version, its objects, gates and deletes.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Place, rule, unknowns_in};
use super::objects::{self, Compared};
use super::pipelines::Pods;
use super::{changes, rollout, secrets};
use crate::desired::environment::Environment as Desired;
use crate::model::{Environment, EnvironmentId, ImageSource};
use crate::plan::effect::{Commit, Effect, FileEdit, Gate, ObjectRef, Scalar};
use crate::plan::{Action, Kind, Op, Segment};
use crate::spec::value::show_seconds;

/// By environment: the address of its health gate in this plan.
pub type Health = BTreeMap<EnvironmentId, String>;

/// Drafts everything that an environment needs.
pub fn build(draft: &mut Draft, id: EnvironmentId, pods: &Pods, health: &mut Health) {
    let facts = draft.facts;
    let model = facts.checked.model();
    let environment = model.environment(id);
    let desired = &facts.desired.environments[&id];
    let Some(cluster) = facts.cluster(environment.cluster) else { return };
    let name = &environment.name.value;
    let place = Place {
        segment: format!("environment.{name}"),
        environment: Some(name.clone()),
        cluster: facts.cluster_name(environment.cluster).to_owned(),
    };
    secrets::missing(draft, environment, desired);
    let owner = format!("environment.{name}@{}", place.cluster);
    let known = objects::by_name(cluster);
    let record = cluster.records.get(&place.segment);
    let inventory = record.map(|record| record.inventory.clone()).unwrap_or_default();
    let listed: BTreeSet<String> = inventory.iter().map(objects::show).collect();
    let compared: Vec<Compared> = desired
        .objects
        .iter()
        .filter_map(|object| objects::compare(draft, object, &known, &listed, &desired.unknowns))
        .collect();
    if environment.sync.as_ref().is_some_and(|sync| sync.auto) {
        draft.note(format!(
            "environment {name}: sync \"auto\" needs a server; until one runs, only `waybill apply` applies"
        ));
    }
    let before = draft.actions.len();
    let ready =
        objects::namespace(draft, &place, &owner, environment.cluster, &environment.namespace, environment.create);
    let commit = commit(draft, &place, environment, desired, pods, health);
    let ready: Vec<String> = ready.into_iter().chain(commit).collect();
    let ready = with_approval(draft, &place, environment, ready, &compared);
    let scope = Scope { place: &place, owner: &owner, environment, desired, ready: &ready };
    draft_objects(draft, &scope, &compared);
    for compared in &compared {
        draft.foreign.extend(objects::foreign(&place.cluster, compared));
    }
    let wanted: Vec<ObjectRef> = compared.iter().map(|compared| compared.reference.clone()).collect();
    let deletes = objects::deletes(draft, &place, &owner, &wanted, &inventory, &known);
    finish(draft, &scope, id, wanted, deletes, before, health);
}

/// What the drafting of one environment's objects needs.
pub struct Scope<'a> {
    pub place: &'a Place,
    pub owner: &'a str,
    pub environment: &'a Environment,
    pub desired: &'a Desired,
    /// What every object waits for.
    pub ready: &'a [String],
}

fn address(environment: &Environment, rest: &str) -> String {
    format!("environment.{}.{rest}", environment.name.value)
}

/// The commit that writes new versions into the overlay, behind its gates.
fn commit(
    draft: &mut Draft,
    place: &Place,
    environment: &Environment,
    desired: &Desired,
    pods: &Pods,
    health: &Health,
) -> Option<String> {
    let changed: Vec<usize> =
        (0..desired.versions.images.len()).filter(|at| desired.versions.images[*at].changes()).collect();
    let path = desired.versions.overlay.clone()?;
    let git = draft.facts.observed.git.as_ref()?;
    if changed.is_empty() || draft.facts.options.offline && git.remote.is_empty() {
        return None;
    }
    let gates = promotion_gates(draft, place, environment, health);
    let mut waits: Vec<String> = gates;
    let versions: Vec<_> = changed.iter().map(|at| &desired.versions.images[*at]).collect();
    for at in &changed {
        if let ImageSource::Pipeline(pipeline, _) = environment.images[*at].from {
            waits.extend(pods.get(&pipeline).into_iter().flatten().cloned());
        }
    }
    waits.sort();
    waits.dedup();
    let promoted = environment
        .promote
        .as_ref()
        .map(|promote| draft.facts.checked.model().environment(promote.from).name.value.clone());
    let names: Vec<String> = versions
        .iter()
        .map(|version| format!("{} {}", version.name, version.tag.after.as_deref().unwrap_or_default()))
        .collect();
    let verb = promoted.as_ref().map_or("Deliver".to_owned(), |_| "Promote".to_owned());
    let edit = |version: &&crate::desired::versions::Version| FileEdit {
        path: format!("{}{path}", git.folder),
        image: version.reference.clone(),
        tag: version.tag.clone(),
        digest: version.digest.clone(),
    };
    let commit = Commit {
        remote: git.remote.clone(),
        branch: git.branch.clone(),
        edits: versions.iter().map(edit).collect(),
        message: format!("{verb} {} to {}", names.join(", "), environment.name.value),
        source: versions.first().map(|version| version.source.clone()).unwrap_or_default(),
    };
    let text = match promoted {
        Some(from) => format!(
            "promotes {} from {from}",
            versions.iter().map(|version| version.name.as_str()).collect::<Vec<_>>().join(", ")
        ),
        None => format!("brings {}", names.join(", ")),
    };
    let span = environment.images.get(changed[0]).map_or(environment.name.span, |image| image.span);
    let mut action = place.action(
        address(environment, "commit"),
        Kind::Commit,
        Op::Push,
        draft.because(text, span),
        Effect::Commit(commit.clone()),
    );
    action.changes = changes::of_commit(&commit, &desired.unknowns);
    action.unknowns = unknowns_in(&action.effect, &desired.unknowns);
    action.waits_for = waits;
    if !environment.rollouts.is_empty() {
        action.undone_by = Some(undo_commit(draft, place, environment, desired, commit));
    }
    let address = action.address.clone();
    draft.actions.push(action);
    Some(address)
}

/// The commit that writes the old versions back, drafted for the case of a failed rollout.
fn undo_commit(
    draft: &mut Draft,
    place: &Place,
    environment: &Environment,
    desired: &Desired,
    commit: Commit,
) -> String {
    let swap = |scalar: &Scalar| Scalar { before: scalar.after.clone(), after: scalar.before.clone() };
    let edits = commit
        .edits
        .iter()
        .map(|edit| FileEdit { tag: swap(&edit.tag), digest: swap(&edit.digest), ..edit.clone() })
        .collect();
    let message = format!("Revert: {}", commit.message);
    let effect = Effect::UndoCommit(Commit { edits, message, ..commit });
    let reason = draft.because("takes the version back if its rollout fails", environment.name.span);
    let mut action = place.action(address(environment, "commit.undo"), Kind::Commit, Op::Undo, reason, effect);
    action.unknowns = unknowns_in(&action.effect, &desired.unknowns);
    let address = action.address.clone();
    draft.undo.push(action);
    address
}

/// Soak and approval of a promotion.
fn promotion_gates(draft: &mut Draft, place: &Place, environment: &Environment, health: &Health) -> Vec<String> {
    let Some(promote) = &environment.promote else { return Vec::new() };
    let source = draft.facts.checked.model().environment(promote.from);
    let healthy = health.get(&promote.from).cloned();
    let mut last: Vec<String> = healthy.iter().cloned().collect();
    if let Some(soak) = &promote.soak {
        let record = draft
            .facts
            .cluster(source.cluster)
            .and_then(|facts| facts.records.get(&format!("environment.{}", source.name.value)));
        let since = record.filter(|_| healthy.is_none()).map(|record| record.finished);
        let gate = Gate::Soak { seconds: soak.value, environment: source.name.value.clone(), since };
        let text = format!("soak {} in {}", show_seconds(soak.value), source.name.value);
        let reason = draft.because(text, soak.span);
        let mut action =
            place.action(address(environment, "gate.soak"), Kind::Gate, Op::Wait, reason, Effect::Gate(gate));
        action.waits_for = last;
        last = vec![action.address.clone()];
        draft.actions.push(action);
    }
    last.extend(approval(draft, place, environment, &healthy.into_iter().collect::<Vec<_>>()));
    last
}

/// The approval gate of an environment, once.
fn approval(draft: &mut Draft, place: &Place, environment: &Environment, after: &[String]) -> Option<String> {
    let by = environment.promote.as_ref().and_then(|promote| promote.approval.as_ref())?;
    let address = address(environment, "gate.approval");
    if draft.actions.iter().any(|action| action.address == address) {
        return Some(address);
    }
    let reason = draft.because(format!("approval by {}", by.value), by.span);
    let effect = Effect::Gate(Gate::Approval { by: vec![by.value.clone()] });
    let mut action = place.action(address.clone(), Kind::Gate, Op::Approve, reason, effect);
    action.waits_for = after.to_vec();
    draft.actions.push(action);
    Some(address)
}

/// Changes of the manifests alone pass approval too, but no soak.
fn with_approval(
    draft: &mut Draft,
    place: &Place,
    environment: &Environment,
    mut ready: Vec<String>,
    compared: &[Compared],
) -> Vec<String> {
    let changes = compared.iter().any(|compared| !compared.differences.is_empty());
    if changes && !ready.iter().any(|address| address.ends_with(".commit")) {
        ready.extend(approval(draft, place, environment, &[]));
    }
    ready
}

fn draft_objects(draft: &mut Draft, scope: &Scope, compared: &[Compared]) {
    let mut drafted: BTreeMap<(String, String), String> = BTreeMap::new();
    let mut actions: Vec<(Action, usize)> = Vec::new();
    let synced = secrets::gate(draft, scope, compared);
    for (at, item) in compared.iter().enumerate() {
        let gate = synced.as_ref().filter(|gate| secrets::waits_for(Some(gate), &item.object.value));
        let ready: Vec<String> = scope.ready.iter().chain(gate.map(|gate| &gate.address)).cloned().collect();
        let scope = &Scope { ready: &ready, ..*scope };
        let staged = scope.environment.rollouts.iter().find(|rollout| rollout::is_for(rollout, &item.reference));
        if staged.is_some_and(|rollout| rollout::build(draft, scope, rollout, item)) {
            continue;
        }
        if let Some(mut action) = objects::action(draft, scope.place, scope.owner, item, &scope.desired.unknowns) {
            action.waits_for = scope.ready.to_vec();
            drafted.insert((item.reference.kind.clone(), item.reference.name.clone()), action.address.clone());
            actions.push((action, at));
        }
    }
    draft.actions.extend(synced.map(|gate| secrets::behind(gate, &actions)));
    for (mut action, at) in actions {
        let uses = objects::uses(&compared[at].object.value);
        let before = uses.iter().filter_map(|(kind, name)| drafted.get(&((*kind).to_owned(), name.clone())));
        action.waits_for.extend(before.filter(|address| **address != action.address).cloned());
        action.waits_for.extend(definition(&compared[at].reference, compared, &drafted));
        action.waits_for.sort();
        action.waits_for.dedup();
        draft.actions.push(action);
    }
}

/// The CRD of the same plan that defines an object's kind.
fn definition(
    object: &ObjectRef,
    compared: &[Compared],
    drafted: &BTreeMap<(String, String), String>,
) -> Option<String> {
    let defines = |item: &&Compared| {
        let spec = &item.object.value["spec"];
        item.reference.kind == "CustomResourceDefinition"
            && spec["group"] == object.group.as_str()
            && spec["names"]["kind"] == object.kind.as_str()
    };
    let crd = compared.iter().find(defines)?;
    drafted.get(&(crd.reference.kind.clone(), crd.reference.name.clone())).cloned()
}

/// The health gate, the deletes behind it, and the segment's record.
fn finish(
    draft: &mut Draft,
    scope: &Scope,
    id: EnvironmentId,
    wanted: Vec<ObjectRef>,
    mut deletes: Vec<Action>,
    before: usize,
    health: &mut Health,
) {
    let environment = scope.environment;
    let mine: Vec<String> = draft.actions[before..]
        .iter()
        .filter(|action| action.segment == scope.place.segment)
        .map(|action| action.address.clone())
        .collect();
    if !mine.is_empty() {
        let gate = Gate::Health { objects: wanted.clone(), timeout_seconds: environment.health_seconds };
        let text = format!("health of {} objects, up to {}", wanted.len(), show_seconds(environment.health_seconds));
        let reason = draft.because(text, environment.name.span);
        let mut action =
            scope.place.action(address(environment, "gate.health"), Kind::Gate, Op::Wait, reason, Effect::Gate(gate));
        action.waits_for = mine.clone();
        action.rbac = read_rules(&wanted);
        health.insert(id, action.address.clone());
        for delete in &mut deletes {
            delete.waits_for = vec![action.address.clone()];
        }
        draft.actions.push(action);
    }
    draft.actions.extend(deletes);
    draft.segments.push(Segment {
        name: scope.place.segment.clone(),
        cluster: scope.place.cluster.clone(),
        environment: Some(environment.name.value.clone()),
        images: scope.desired.versions.images.iter().filter_map(crate::desired::versions::Version::state).collect(),
        policies: Vec::new(),
        approvals_by: Vec::new(),
        inventory: wanted,
        runs: Vec::new(),
        unknowns: scope.desired.unknowns.clone(),
    });
    let embedded = draft.facts.cluster(environment.cluster).is_some_and(|facts| facts.embedded);
    if embedded && !mine.is_empty() {
        draft.note("embedded cluster: Pods of Deployments are simulated; nothing serves traffic");
        let stored = draft.facts.cluster(environment.cluster).map(|facts| facts.stored_only.join(", "));
        if let Some(kinds) = stored.filter(|kinds| !kinds.is_empty()) {
            draft.note(format!("embedded cluster: stored, and nothing acts on them here: {kinds}"));
        }
    }
}

pub fn read_rules(objects: &[ObjectRef]) -> Vec<crate::plan::Rule> {
    let mut rules: Vec<_> = objects
        .iter()
        .map(|object| rule(&object.group, &objects::resource(object), &object.namespace, &["get", "list", "watch"]))
        .collect();
    rules.sort();
    rules.dedup();
    rules
}
