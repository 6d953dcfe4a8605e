//! Desired and observed to a plan: which actions, in which order, and why.
//!
//! **Invariant:** building never fails; what keeps a plan from being applied is a finding in `Built::problems`.

mod changes;
mod draft;
mod environment;
mod immutable;
mod objects;
mod pipelines;
mod policies;
mod rollout;
mod secrets;
pub mod system;

/// Objects by name, for whoever observes them.
pub mod compare {
    pub use super::objects::{reference, resource, same, show};
}

use std::collections::BTreeMap;

use draft::Draft;

use crate::check::Checked;
use crate::desired::{Desired, Options};
use crate::diag::{Diagnostic, Diags, codes};
use crate::model::ClusterId;
use crate::plan::observed::{Cluster, ClusterFacts, Observed};
use crate::plan::{FORMAT, Plan, Revision, Summary, Target, digest};
use crate::source::Sources;

/// A plan and what keeps it from being applied.
pub struct Built {
    pub plan: Plan,
    pub problems: Diags,
}

/// Everything that building looks at.
#[derive(Clone, Copy)]
pub struct Facts<'a> {
    pub sources: &'a Sources,
    pub checked: &'a Checked,
    pub desired: &'a Desired,
    pub observed: &'a Observed,
    pub options: &'a Options,
}

impl<'a> Facts<'a> {
    /// What is known of a cluster.
    fn cluster(&self, id: ClusterId) -> Option<&'a ClusterFacts> {
        match self.observed.clusters.get(&self.checked.model().cluster(id).name)? {
            Cluster::Facts(facts) => Some(facts),
            Cluster::Failure(_) => None,
        }
    }

    fn cluster_name(&self, id: ClusterId) -> &'a str {
        &self.checked.model().cluster(id).name
    }
}

/// The plan that leads from what is there to what should be.
pub fn build(facts: Facts) -> Built {
    let mut draft = Draft::new(facts);
    draft.problems.extend(facts.desired.problems.clone());
    unreachable(&mut draft);
    let pods = pipelines::build(&mut draft);
    let mut health = BTreeMap::new();
    for id in facts.desired.environments.keys() {
        environment::build(&mut draft, *id, &pods, &mut health);
    }
    system::build(&mut draft);
    finish(draft)
}

/// A cluster without facts spoils what runs there, and says so.
fn unreachable(draft: &mut Draft) {
    let model = draft.facts.checked.model();
    for (name, cluster) in &draft.facts.observed.clusters {
        let Cluster::Failure(reason) = cluster else { continue };
        let known = model.clusters.iter().find(|known| &known.name == name);
        let span = known.and_then(|cluster| cluster.span).unwrap_or(model.project.span);
        let finding =
            Diagnostic::new(&codes::CLUSTER_UNREACHABLE, span, format!("cluster `{name}` cannot be read: {reason}"));
        draft.problems.push(finding.help("plan without it by `--env`, or against the base revision by `--offline`"));
    }
}

fn finish(draft: Draft) -> Built {
    let Draft { facts, actions, undo, segments, foreign, notes, held, mut problems } = draft;
    let git = facts.observed.git.as_ref();
    let revision = git.map(|git| Revision {
        sha: git.revision.clone(),
        branch: Some(git.branch.clone()),
        uncommitted: git.uncommitted.clone(),
    });
    let mut plan = Plan {
        format: FORMAT,
        id: String::new(),
        tool: facts.options.tool.clone(),
        project: facts.checked.model().project.name.clone(),
        targets: targets(facts),
        home: facts.cluster_name(facts.checked.model().home()).to_owned(),
        revision,
        base: git.and_then(|git| git.tip.clone()),
        offline: facts.options.offline,
        summary: Summary::of(&actions),
        segments,
        actions: draft::in_order(actions),
        undo,
        foreign,
        held,
        notes,
        policies: Vec::new(),
        nonce: facts.observed.nonce.clone(),
        digest: String::new(),
    };
    plan.segments.retain(|segment| plan.actions.iter().any(|action| action.segment == segment.name));
    policies::approvals(&mut plan, facts);
    policies::unenforced(&mut plan, facts);
    policies::judge(&mut plan, facts, &mut problems);
    digest::seal(&mut plan);
    Built { plan, problems }
}

fn targets(facts: Facts) -> Vec<Target> {
    let target = |(name, cluster): (&String, &Cluster)| match cluster {
        Cluster::Facts(found) => {
            let known = facts.checked.model().clusters.iter().find(|known| &known.name == name);
            Some(Target {
                cluster: name.clone(),
                context: known.and_then(|known| known.context.clone()),
                uid: found.uid.clone(),
                version: found.version.clone(),
            })
        }
        Cluster::Failure(_) => None,
    };
    facts.observed.clusters.iter().filter_map(target).collect()
}
