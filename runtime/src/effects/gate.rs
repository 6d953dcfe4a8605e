//! The gate that looks at the cluster: health. Times and approvals are the engine's, which needs no effect for them.

use std::time::Duration;

use waybill_compiler::plan::effect::ObjectRef;

use super::kube::{Cluster, object};
use super::{Ctx, EffectError};

/// Waits until every object is healthy, one after the other, all within one deadline.
pub async fn health(
    cluster: &Cluster,
    objects: &[ObjectRef],
    timeout_seconds: u64,
    ctx: &Ctx,
) -> Result<(), EffectError> {
    let end = tokio::time::Instant::now() + Duration::from_secs(timeout_seconds);
    for one in objects {
        object::healthy(cluster, one, end.saturating_duration_since(tokio::time::Instant::now()), ctx).await?;
    }
    Ok(())
}
