//! Reads the world for a plan: git first, then what each cluster says of the objects that should be there.
//!
//! **Invariant:** nothing is written but Waybill's own git cache; a cluster that cannot be read is a failure in the facts,
//! never an empty set.

pub mod cluster;
pub mod git;
pub mod offline;

use std::collections::BTreeMap;

use waybill_compiler::Checked;
use waybill_compiler::desired::{self, Desired, Options};
use waybill_compiler::model::secret::Source;
use waybill_compiler::model::{ClusterId, Model};
use waybill_compiler::plan::observed::{Cluster as Facts, Observed};
use waybill_compiler::source::Sources;

use crate::effects::kube::Cluster;

/// Version of the facts document.
pub const FORMAT: u32 = 1;

/// Connected clusters, or why one is not.
pub type Connected = BTreeMap<String, Result<Cluster, String>>;

/// Names of the clusters that the scope of a plan touches.
pub fn clusters_in_scope(checked: &Checked, options: &Options) -> Vec<ClusterId> {
    let model = checked.model();
    let scope = desired::scope(model, options);
    let pipelines = scope.pipelines.iter().map(|id| model.pipeline(*id).cluster);
    let environments = scope.environments.iter().map(|id| model.environment(*id).cluster);
    let mut all: Vec<ClusterId> = pipelines.chain(environments).chain([model.home()]).collect();
    all.sort();
    all.dedup();
    all
}

/// Whether an environment on a cluster has secrets from a store: only then it matters whether External Secrets is there.
fn stored_secrets(model: &Model, cluster: &str) -> bool {
    let here = model.environments.iter().filter(|environment| model.cluster(environment.cluster).name == cluster);
    here.flat_map(|environment| &environment.secrets).any(|secret| matches!(secret.source, Source::Store(..)))
}

/// Completes `observed`, which holds git's facts, with those of the clusters. Gives what should be, too, since the
/// question to the clusters depends on it.
pub async fn clusters(
    sources: &Sources,
    checked: &Checked,
    mut observed: Observed,
    connected: &Connected,
    options: &Options,
) -> (Observed, Desired) {
    let model = checked.model();
    for (name, cluster) in connected {
        let facts = match cluster {
            Ok(cluster) => cluster::records(cluster, &model.project.name, stored_secrets(model, name)).await,
            Err(reason) => Err(reason.clone()),
        };
        let facts = facts.map_or_else(Facts::Failure, |facts| Facts::Facts(Box::new(facts)));
        observed.clusters.insert(name.clone(), facts);
    }
    let desired = desired::desired(sources, checked, &observed, options);
    for (name, cluster) in connected {
        let Ok(cluster) = cluster else { continue };
        let Some(Facts::Facts(facts)) = observed.clusters.get_mut(name) else { continue };
        if let Err(reason) = cluster::objects(cluster, name, checked, &desired, facts).await {
            observed.clusters.insert(name.clone(), Facts::Failure(reason));
        }
    }
    (observed, desired)
}
