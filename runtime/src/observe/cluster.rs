//! What one cluster says: its identity, the records of earlier applies, and for each desired object what is there and what
//! server-side apply would make of it.

use futures::{StreamExt, TryStreamExt};
use serde_json::Value;
use waybill_compiler::Checked;
use waybill_compiler::desired::{Desired, secrets};
use waybill_compiler::model::ClusterId;
use waybill_compiler::plan::build::{compare, system};
use waybill_compiler::plan::effect::ObjectRef;
use waybill_compiler::plan::observed::{ClusterFacts, DryRun, ObjectFacts};

use crate::effects::kube::{self, Cluster, KubeError};
use crate::journal::records;

/// Requests at a time.
const CONCURRENCY: usize = 16;

/// Identity and records of a cluster.
pub async fn records(cluster: &Cluster, project: &str, secrets: bool) -> Result<ClusterFacts, String> {
    let uid = cluster.uid().await.map_err(|error| error.to_string())?;
    let version = cluster.client.apiserver_version().await.map_err(|error| error.to_string())?;
    let found = records::read_all(cluster, project).await?;
    let external_secrets = if secrets { external_secrets(cluster).await? } else { None };
    Ok(ClusterFacts {
        external_secrets,
        uid,
        version: version.git_version,
        embedded: cluster.embedded,
        records: found.newest.into_values().map(|record| (record.segment.clone(), record)).collect(),
        runs: found.runs,
        holds: found.holds,
        unfinished: found.unfinished,
        ..ClusterFacts::default()
    })
}

/// The newest version of External Secrets that the cluster serves and a plan can write.
async fn external_secrets(cluster: &Cluster) -> Result<Option<String>, String> {
    for version in secrets::VERSIONS {
        let object = ObjectRef {
            group: secrets::GROUP.into(),
            version: (*version).into(),
            kind: "ExternalSecret".into(),
            namespace: String::new(),
            name: String::new(),
            uid: None,
        };
        match cluster.kind(&object).await {
            Ok(_) => return Ok(Some((*version).to_owned())),
            Err(KubeError::NotServed(_)) => {}
            Err(error) => return Err(error.to_string()),
        }
    }
    Ok(None)
}

/// Completes the facts with every object that the plan looks at.
pub async fn objects(
    cluster: &Cluster,
    name: &str,
    checked: &Checked,
    desired: &Desired,
    facts: &mut ClusterFacts,
) -> Result<(), String> {
    let model = checked.model();
    let here = |id: ClusterId| model.cluster(id).name == name;
    let mut looked_at = vec![kube::namespace(system::NAMESPACE)];
    let pipelines =
        desired.scope.pipelines.iter().map(|id| model.pipeline(*id)).filter(|pipeline| here(pipeline.cluster));
    looked_at.extend(pipelines.map(|pipeline| kube::namespace(&pipeline.namespace.value)));
    let mut wanted: Vec<&Value> = Vec::new();
    let mut named = Vec::new();
    for id in desired.scope.environments.iter().filter(|id| here(model.environment(**id).cluster)) {
        let environment = model.environment(*id);
        looked_at.push(kube::namespace(&environment.namespace.value));
        wanted.extend(desired.environments[id].objects.iter().map(|object| &object.value));
        named.extend(
            environment
                .secrets
                .iter()
                .map(|secret| kube::core("Secret", &environment.namespace.value, &secret.name.value)),
        );
        let record = facts.records.get(&format!("environment.{}", environment.name.value));
        looked_at.extend(record.iter().flat_map(|record| record.inventory.iter().cloned()));
    }
    if cluster.embedded {
        let references = wanted.iter().map(|value| compare::reference(value));
        let idle = references.filter(|object| !waybill_embedded::has_controller(&object.group, &object.kind));
        facts.stored_only = idle.map(|object| object.kind).collect();
        facts.stored_only.sort();
        facts.stored_only.dedup();
    }
    looked_at.retain(|object| !wanted.iter().any(|value| compare::same(&compare::reference(value), object)));
    looked_at.sort();
    looked_at.dedup();
    let seen = futures::stream::iter(looked_at).map(|object| look(cluster, object)).buffered(CONCURRENCY);
    facts.objects = seen.try_collect().await?;
    let missing = missing_namespaces(&facts.objects);
    let asked = futures::stream::iter(wanted).map(|value| ask(cluster, value, &missing)).buffered(CONCURRENCY);
    facts.objects.extend(asked.try_collect::<Vec<_>>().await?);
    for secret in named {
        let found = if missing.contains(&secret.namespace) {
            None
        } else {
            cluster.get(&secret).await.map_err(|error| error.to_string())?
        };
        facts.secrets.insert(format!("{}/{}", secret.namespace, secret.name), found.is_some());
    }
    Ok(())
}

fn missing_namespaces(seen: &[ObjectFacts]) -> Vec<String> {
    let namespaces = seen.iter().filter(|facts| facts.object.kind == "Namespace" && facts.live.is_none());
    namespaces.map(|facts| facts.object.name.clone()).collect()
}

/// An object that is only looked at. A kind that is not served any more has no objects.
async fn look(cluster: &Cluster, object: ObjectRef) -> Result<ObjectFacts, String> {
    let live = match cluster.get(&object).await {
        Ok(live) => live,
        Err(KubeError::NotServed(_)) => None,
        Err(error) => return Err(format!("{}: {error}", kube::display(&object))),
    };
    Ok(ObjectFacts {
        object: ObjectRef { uid: None, ..object },
        live: live.map(without_values),
        dry_run: DryRun::NotAsked,
    })
}

/// A desired object: what is there, and what an apply would make of it.
async fn ask(cluster: &Cluster, value: &Value, missing: &[String]) -> Result<ObjectFacts, String> {
    let object = compare::reference(value);
    if missing.contains(&object.namespace) {
        let why = format!("namespace {} is not there yet", object.namespace);
        return Ok(ObjectFacts { object, live: None, dry_run: DryRun::Pending(why) });
    }
    let live = match cluster.get(&object).await {
        Ok(live) => live,
        Err(error @ KubeError::NotServed(_)) => {
            return Ok(ObjectFacts { object, live: None, dry_run: DryRun::NotServed(error.to_string()) });
        }
        Err(error) => return Err(format!("{}: {error}", kube::display(&object))),
    };
    let dry_run = match cluster.apply(&object, value, false, true).await {
        Ok(answer) => DryRun::Object(answer),
        // A rollout of ours has set the fields by another operation: nothing is taken from anybody.
        Err(error) if error.is_with_ourselves() => {
            let forced = cluster.apply(&object, value, true, true).await.map_err(|error| error.to_string())?;
            DryRun::Object(forced)
        }
        Err(error) => {
            let conflicts = error.field_conflicts();
            if !conflicts.is_empty() {
                let forced = cluster.apply(&object, value, true, true).await.map_err(|error| error.to_string())?;
                let conflicts = conflicts.into_iter().map(|(manager, field)| (field, manager)).collect();
                DryRun::Conflict(conflicts, forced)
            } else if matches!(error, KubeError::Refused(_)) {
                DryRun::Refused(error.to_string())
            } else {
                return Err(format!("{}: {error}", kube::display(&object)));
            }
        }
    };
    Ok(ObjectFacts { object, live, dry_run })
}

/// Values of Secrets never enter the facts.
fn without_values(mut object: Value) -> Value {
    if object["kind"] == "Secret"
        && let Some(fields) = object.as_object_mut()
    {
        fields.remove("data");
        fields.remove("stringData");
    }
    object
}
