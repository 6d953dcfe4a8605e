//! Runs a group's Pod to its end and hands back what it gave.
//!
//! **Invariant:** a Pod that is there already is adopted: one that ended is never run again, one that runs is awaited.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::{AsyncBufRead, AsyncBufReadExt};
use serde_json::Value;
use tokio::task::JoinSet;
use waybill_compiler::plan::effect::{Group, ObjectRef};

use super::outcome::{Failure, Outcome, Verdict, outcome, started};
use super::{ACTION_ANNOTATION, PLAN_LABEL, Place, deadline_seconds, pod, reference};
use crate::apply::event::Event;
use crate::effects::kube::{Cluster, display, object};
use crate::effects::{Ctx, EffectError, Wait};

const TAIL_LINES: i64 = 20;
const LINE_LIMIT: usize = 16 * 1024;

/// Creates or adopts the Pod, awaits its end, and gives the values of its tasks by expression.
pub async fn run(
    cluster: &Cluster,
    group: &Group,
    attempt: u32,
    ctx: &Ctx,
) -> Result<BTreeMap<String, String>, EffectError> {
    let place = Place {
        plan_id: &ctx.plan_id,
        project: &ctx.project,
        address: &ctx.address,
        attempt,
        embedded: cluster.embedded,
    };
    let name = reference(group, place);
    if cluster.get(&name).await?.is_none() {
        object::service_account(cluster, &group.namespace, group.service_account.as_deref(), ctx).await?;
        ctx.may_write()?;
        match cluster.create(&name, &pod(group, place)).await {
            Ok(_) => {}
            Err(error) if error.already_exists() => {}
            Err(error) => return Err(error.into()),
        }
    }
    let ended = watch(cluster, group, &name, ctx).await?;
    ctx.events.event(Event::Tasks { address: ctx.address.clone(), tasks: ended.tasks });
    match ended.verdict {
        Verdict::Succeeded => Ok(ended.values),
        Verdict::NodeLost(why) => Err(EffectError::NodeLost(why)),
        Verdict::Failed(failure) => Err(failed(cluster, &name, failure).await),
        Verdict::Waiting(_) | Verdict::Running(_) => unreachable!("BUG: watch returns only ended Pods"),
    }
}

/// Deletes the Pod of an attempt; gone already is fine.
pub async fn clean(cluster: &Cluster, name: &ObjectRef) -> Result<(), EffectError> {
    Ok(cluster.delete(name, None).await?)
}

async fn watch(cluster: &Cluster, group: &Group, name: &ObjectRef, ctx: &Ctx) -> Result<Outcome, EffectError> {
    let mut wait = Wait::new(ctx, Duration::from_secs(deadline_seconds(group) + 120));
    let wait_at_most = Duration::from_millis(if cluster.embedded { 100 } else { 1000 });
    wait.look_every(wait_at_most);
    let mut followed = BTreeSet::new();
    let mut followers = JoinSet::new();
    loop {
        let Some(live) = cluster.get(name).await? else {
            return Err(EffectError::failed(format!("{} was deleted by others", display(name))));
        };
        check_ours(&live, name, ctx)?;
        let status = &live["status"];
        let outcome = outcome(group, status);
        if let Verdict::NodeLost(_) = outcome.verdict {
            return Ok(outcome);
        }
        for (container, task, step) in started(group, status) {
            if followed.insert(container.clone()) {
                let whose = (task.name.clone(), step.to_owned());
                followers.spawn(follow(cluster.clone(), name.clone(), container, whose, ctx.clone()));
            }
        }
        match &outcome.verdict {
            Verdict::Succeeded | Verdict::Failed(_) | Verdict::NodeLost(_) => {
                let drain = async { while followers.join_next().await.is_some() {} };
                // Output that is not there by now would hold up the plan; the log itself stays complete.
                let _ = tokio::time::timeout(Duration::from_secs(3), drain).await;
                return Ok(outcome);
            }
            Verdict::Running(step) => wait.pause(&format!("{step} runs")).await?,
            Verdict::Waiting(why) => wait.pause(why).await?,
        }
    }
}

fn check_ours(live: &Value, name: &ObjectRef, ctx: &Ctx) -> Result<(), EffectError> {
    let metadata = &live["metadata"];
    let ours = metadata["labels"][PLAN_LABEL] == ctx.plan_id.as_str()
        && metadata["annotations"][ACTION_ANNOTATION] == ctx.address.as_str();
    if ours { Ok(()) } else { Err(EffectError::failed(format!("{} is there and is not of this plan", display(name)))) }
}

async fn failed(cluster: &Cluster, name: &ObjectRef, failure: Failure) -> EffectError {
    let tail = match &failure.container {
        Some(container) => cluster.log_tail(name, container, TAIL_LINES).await.unwrap_or_default(),
        None => String::new(),
    };
    let lines: Vec<&str> = tail.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES as usize);
    let log_tail = lines[from..].iter().map(|line| line.chars().take(500).collect()).collect();
    EffectError::Failed { reason: failure.reason, log_tail }
}

/// Passes a container's log on, line by line, until it ends.
async fn follow(cluster: Cluster, pod: ObjectRef, container: String, whose: (String, String), ctx: Ctx) {
    let Ok(mut log) = cluster.log_stream(&pod, &container).await else { return };
    while let Ok(Some(line)) = next_line(&mut log).await {
        let (task, step) = whose.clone();
        ctx.events.event(Event::Log { address: ctx.address.clone(), task, step, line });
    }
}

/// The next line without its end, in pieces of at most `LINE_LIMIT` bytes; `None` at the end.
async fn next_line(log: &mut (impl AsyncBufRead + Unpin)) -> std::io::Result<Option<String>> {
    let mut line = Vec::new();
    loop {
        let piece = log.fill_buf().await?;
        if piece.is_empty() {
            return Ok((!line.is_empty()).then(|| String::from_utf8_lossy(&line).into_owned()));
        }
        let end = piece.iter().position(|byte| *byte == b'\n');
        let take = end.unwrap_or(piece.len()).min(LINE_LIMIT - line.len());
        line.extend_from_slice(&piece[..take]);
        let full = line.len() == LINE_LIMIT;
        let at_end = end == Some(take);
        log.consume_unpin(take + usize::from(at_end));
        if at_end || full {
            return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lines_are_cut_at_the_limit_and_the_last_one_needs_no_end() {
        let text = format!("one\n\n{}\nlast", "x".repeat(LINE_LIMIT + 1));
        let mut log = futures::io::BufReader::with_capacity(7, futures::io::Cursor::new(text));
        let mut lines = Vec::new();
        while let Some(line) = next_line(&mut log).await.unwrap() {
            lines.push(line.len());
        }
        assert_eq!(lines, [3, 0, LINE_LIMIT, 1, 4]);
    }
}
