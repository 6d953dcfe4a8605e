//! Facts without a cluster: what the base revision renders stands for what is there.

use std::collections::BTreeMap;

use waybill_compiler::Checked;
use waybill_compiler::desired::{self, Desired, Options};
use waybill_compiler::plan::build::compare;
use waybill_compiler::plan::effect::ObjectRef;
use waybill_compiler::plan::observed::{Cluster, ClusterFacts, DryRun, ObjectFacts, Observed, Record, RunRecord};
use waybill_compiler::source::Sources;

/// The base revision, compiled, with its own facts of git.
pub struct Base<'a> {
    pub sources: &'a Sources,
    pub checked: &'a Checked,
    pub observed: Observed,
}

/// Completes the facts of `head` from the base; without a base nothing is there.
pub fn facts(
    head_sources: &Sources,
    head: &Checked,
    mut observed: Observed,
    base: Option<Base>,
    options: &Options,
) -> (Observed, Desired) {
    let mut clusters: BTreeMap<String, ClusterFacts> = BTreeMap::new();
    for cluster in &head.model().clusters {
        let embedded = cluster.context.is_none();
        clusters.insert(
            cluster.name.clone(),
            ClusterFacts { version: "offline".into(), embedded, ..ClusterFacts::default() },
        );
    }
    if let Some(base) = base {
        add_base(&base, options, &mut clusters);
    }
    observed.clusters = clusters.into_iter().map(|(name, facts)| (name, Cluster::Facts(Box::new(facts)))).collect();
    let desired = desired::desired(head_sources, head, &observed, options);
    for (id, environment) in &desired.environments {
        let model = head.model();
        let name = &model.cluster(model.environment(*id).cluster).name;
        let Some(Cluster::Facts(facts)) = observed.clusters.get_mut(name) else { continue };
        for object in &environment.objects {
            let reference = compare::reference(&object.value);
            let known = facts.objects.iter_mut().find(|known| compare::same(&known.object, &reference));
            if let Some(known) = known {
                known.dry_run = DryRun::Object(object.value.clone());
            }
        }
    }
    (observed, desired)
}

/// Objects, inventory and runs of the base.
fn add_base(base: &Base, options: &Options, clusters: &mut BTreeMap<String, ClusterFacts>) {
    let model = base.checked.model();
    let observed = with_runs(base, options);
    let desired = desired::desired(base.sources, base.checked, &observed, options);
    for (id, environment) in &desired.environments {
        let written = model.environment(*id);
        let Some(facts) = clusters.get_mut(&model.cluster(written.cluster).name) else { continue };
        let inventory: Vec<_> = environment.objects.iter().map(|object| compare::reference(&object.value)).collect();
        for (object, reference) in environment.objects.iter().zip(&inventory) {
            let live = Some(object.value.clone());
            facts.objects.push(ObjectFacts { object: reference.clone(), live, dry_run: DryRun::NotAsked });
        }
        let namespaces = [crate::effects::kube::namespace(&written.namespace.value)];
        facts.objects.extend(namespaces.map(present));
        let segment = format!("environment.{}", written.name.value);
        facts.records.insert(segment.clone(), record(segment, inventory));
    }
    for (id, run) in &desired.runs {
        let pipeline = model.pipeline(*id);
        let Some(facts) = clusters.get_mut(&model.cluster(pipeline.cluster).name) else { continue };
        facts.objects.push(present(crate::effects::kube::namespace(&pipeline.namespace.value)));
        let record = RunRecord {
            pipeline: pipeline.name.value.clone(),
            key: run.key.clone(),
            revision: run.revision.clone(),
            ..RunRecord::default()
        };
        facts.runs.insert(run.key.clone(), record);
    }
}

/// The base's facts with its runs taken as done: its overlays say which versions there are.
fn with_runs(base: &Base, options: &Options) -> Observed {
    let mut observed = base.observed.clone();
    let model = base.checked.model();
    let wanted = desired::desired(base.sources, base.checked, &observed, options);
    for (id, run) in wanted.runs {
        let cluster = model.cluster(model.pipeline(id).cluster).name.clone();
        let facts = observed.clusters.entry(cluster).or_insert_with(|| Cluster::Facts(Box::default()));
        if let Cluster::Facts(facts) = facts {
            facts
                .runs
                .insert(run.key.clone(), RunRecord { key: run.key, revision: run.revision, ..RunRecord::default() });
        }
    }
    observed
}

/// An object that the base is taken to have made.
fn present(object: ObjectRef) -> ObjectFacts {
    let live = serde_json::json!({"metadata": {"name": object.name}});
    ObjectFacts { object, live: Some(live), dry_run: DryRun::NotAsked }
}

fn record(segment: String, inventory: Vec<ObjectRef>) -> Record {
    Record {
        segment,
        plan: String::new(),
        revision: String::new(),
        finished: 0,
        result: "succeeded".into(),
        images: Vec::new(),
        inventory,
        intents: Vec::new(),
        approvals: Vec::new(),
        applied_by: String::new(),
        policies: Vec::new(),
        approvals_by: Vec::new(),
        actions: Vec::new(),
    }
}
