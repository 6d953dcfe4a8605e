//! The gate that looks at the cluster: health. Times and approvals are the engine's, which needs no effect for them.

use std::time::Duration;

use waybill_compiler::desired::secrets::GROUP;
use waybill_compiler::plan::effect::ObjectRef;

use super::kube::{Cluster, object};
use super::{Ctx, EffectError};

/// Waits until every object is healthy, one after the other, all within one deadline. On the embedded cluster nothing acts
/// on some kinds (a Service gets no load balancer there): they are stored, and the plan says so. Secrets are waited for
/// there too: what uses them needs them.
pub async fn health(
    cluster: &Cluster,
    objects: &[ObjectRef],
    timeout_seconds: u64,
    ctx: &Ctx,
) -> Result<(), EffectError> {
    let end = tokio::time::Instant::now() + Duration::from_secs(timeout_seconds);
    let acted_on = |one: &&ObjectRef| {
        !cluster.embedded || one.group == GROUP || waybill_embedded::has_controller(&one.group, &one.kind)
    };
    for one in objects.iter().filter(acted_on) {
        object::healthy(cluster, one, end.saturating_duration_since(tokio::time::Instant::now()), ctx).await?;
    }
    Ok(())
}
