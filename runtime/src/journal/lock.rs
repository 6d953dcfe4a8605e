//! One apply per segment: a Lease in `waybill-system`, held while the segment acts.
//!
//! **Invariant:** whoever holds a lock stops writing (`Fence::holds`) before its own Lease can have expired for others,
//! also when its renewals fail. A Lease is taken over at once if its holder was a process of this host that is gone, else
//! only after it has not been renewed for its whole duration.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use waybill_compiler::plan::effect::ObjectRef;

use super::SYSTEM_NAMESPACE;
use crate::effects::kube::{Cluster, KubeError};
use crate::effects::pod::dns_label;

/// How long a Lease lives without renewal, and how often it is renewed.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    pub lease: Duration,
    pub renewal: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing { lease: Duration::from_secs(15), renewal: Duration::from_secs(4) }
    }
}

/// A process that applies a plan, known well enough to say whether it is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Host name, boot and process namespace: where `pid` means something.
    pub host: String,
    pub pid: u32,
    /// Start time of the process in clock ticks since boot: a pid may be used again.
    pub started: u64,
    pub plan: String,
}

impl Holder {
    /// This process. Where the machine does not say who it is, the host is unlike any other and only expiry frees a lock.
    pub fn this_process(plan: &str) -> Self {
        let pid = std::process::id();
        let read = |path: &str| std::fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
        let name = read("/proc/sys/kernel/hostname");
        let boot: String = read("/proc/sys/kernel/random/boot_id").chars().take(8).collect();
        let space = std::fs::read_link("/proc/self/ns/pid").map(|link| link.display().to_string()).unwrap_or_default();
        let space: String = space.chars().filter(char::is_ascii_digit).collect();
        let host = if boot.is_empty() || space.is_empty() {
            format!("{name}:unknown:{pid}")
        } else {
            format!("{name}:{boot}:{space}")
        };
        Holder { host, pid, started: start_time(pid).unwrap_or(0), plan: plan.to_owned() }
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (host, pid, started, plan) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(Holder {
            host: host.to_owned(),
            pid: pid.parse().ok()?,
            started: started.parse().ok()?,
            plan: plan.to_owned(),
        })
    }

    /// Whether this process, seen from `here`, certainly runs no more.
    fn is_gone(&self, here: &Holder) -> bool {
        self.host == here.host && start_time(self.pid) != Some(self.started)
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}/{}/{}", self.host, self.pid, self.started, self.plan)
    }
}

/// Field 22 of `/proc/PID/stat`; `None` if there is no such process or it is a zombie.
fn start_time(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, after_name) = stat.rsplit_once(") ")?;
    if after_name.starts_with('Z') {
        return None;
    }
    after_name.split(' ').nth(19)?.parse().ok()
}

/// Tells whether a lock is certainly still ours. Clones share what they know.
#[derive(Clone)]
pub struct Fence {
    valid_until: Arc<Mutex<Option<Instant>>>,
}

impl Fence {
    /// A fence that always holds, for writes that no lock guards.
    pub fn open() -> Self {
        Fence { valid_until: Arc::default() }
    }

    fn until(time: Instant) -> Self {
        Fence { valid_until: Arc::new(Mutex::new(Some(time))) }
    }

    pub fn holds(&self) -> bool {
        self.holds_at(Instant::now())
    }

    fn holds_at(&self, now: Instant) -> bool {
        let until = *self.valid_until.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        until.is_none_or(|until| now < until)
    }

    fn extend(&self, time: Instant) {
        *self.valid_until.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(time);
    }
}

/// A held lock. Dropped without `release` it is left to others' judgement, as after a crash.
pub struct Lock {
    cluster: Cluster,
    lease: ObjectRef,
    holder: Holder,
    pub fence: Fence,
    renewal: tokio::task::JoinHandle<()>,
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.renewal.abort();
    }
}

/// Why a lock was not taken.
#[derive(Clone, Debug)]
pub enum LockError {
    Held { by: String },
    Api(String),
}

impl From<KubeError> for LockError {
    fn from(error: KubeError) -> Self {
        LockError::Api(error.to_string())
    }
}

/// The Lease of a segment.
pub fn lease(project: &str, segment: &str) -> ObjectRef {
    ObjectRef {
        group: "coordination.k8s.io".into(),
        version: "v1".into(),
        kind: "Lease".into(),
        namespace: SYSTEM_NAMESPACE.into(),
        name: format!("waybill-{}-{}", dns_label(project, 60), dns_label(segment, 60)),
        uid: None,
    }
}

/// Takes the lock of a segment. A holder that is seen to renew keeps it, which is an error; one that does not is waited
/// out. `waiting` is told the holder if there is a wait.
pub async fn acquire(
    cluster: &Cluster,
    project: &str,
    segment: &str,
    holder: &Holder,
    timing: Timing,
    waiting: &(dyn Fn(&str) + Sync),
) -> Result<Lock, LockError> {
    let lease = lease(project, segment);
    let mut first_seen: Option<(String, Instant)> = None;
    loop {
        let asked = Instant::now();
        let live = cluster.get(&lease).await?;
        let Some(live) = live else {
            match cluster.create(&lease, &body(&lease, holder, timing, 0)).await {
                Ok(_) => return Ok(held(cluster, lease, holder, timing, asked)),
                Err(error) if error.already_exists() => continue,
                Err(error) => return Err(error.into()),
            }
        };
        let identity = live["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned();
        let version = live["metadata"]["resourceVersion"].as_str().unwrap_or_default().to_owned();
        let other = Holder::parse(&identity).filter(|other| other != holder);
        let free = identity.is_empty()
            || identity == holder.to_string()
            || other.as_ref().is_some_and(|other| other.is_gone(holder))
            || first_seen.as_ref().is_some_and(|(seen, since)| *seen == version && since.elapsed() >= timing.lease)
            || long_expired(&live, timing);
        if free {
            match take_over(cluster, &lease, &live, holder, timing).await {
                Ok(()) => return Ok(held(cluster, lease, holder, timing, asked)),
                Err(error) if error.is_conflict() => continue,
                Err(error) => return Err(error.into()),
            }
        }
        if first_seen.as_ref().is_some_and(|(seen, _)| *seen != version) {
            return Err(LockError::Held { by: identity });
        }
        if first_seen.is_none() {
            waiting(&identity);
            first_seen = Some((version, Instant::now()));
        }
        tokio::time::sleep((timing.renewal / 2).min(Duration::from_secs(1))).await;
    }
}

/// Not renewed for so long that no difference of clocks explains it.
fn long_expired(live: &Value, timing: Timing) -> bool {
    let renewed = live["spec"]["renewTime"].as_str().and_then(|time| time.parse::<jiff::Timestamp>().ok());
    let age = renewed.map(|time| jiff::Timestamp::now().duration_since(time));
    age.is_some_and(|age| age.as_secs() > 60 + i64::try_from(timing.lease.as_secs()).unwrap_or(i64::MAX - 60))
}

fn held(cluster: &Cluster, lease: ObjectRef, holder: &Holder, timing: Timing, asked: Instant) -> Lock {
    let fence = Fence::until(asked + safe(timing));
    let renewal = tokio::spawn(renew(cluster.clone(), lease.clone(), holder.clone(), timing, fence.clone()));
    Lock { cluster: cluster.clone(), lease, holder: holder.clone(), fence, renewal }
}

/// How long after a request for renewal was sent we may write: less than the others wait.
fn safe(timing: Timing) -> Duration {
    timing.lease * 4 / 5
}

async fn renew(cluster: Cluster, lease: ObjectRef, holder: Holder, timing: Timing, fence: Fence) {
    loop {
        tokio::time::sleep(timing.renewal).await;
        let asked = Instant::now();
        let Ok(Some(live)) = cluster.get(&lease).await else { continue };
        if live["spec"]["holderIdentity"] != holder.to_string() {
            return;
        }
        // The fence falls by itself where this fails; a conflict means that another has taken over.
        let mut renewed = live;
        renewed["spec"]["renewTime"] = json!(micro_time());
        if cluster.replace(&lease, &renewed).await.is_ok() {
            fence.extend(asked + safe(timing));
        }
    }
}

async fn take_over(
    cluster: &Cluster,
    lease: &ObjectRef,
    live: &Value,
    holder: &Holder,
    timing: Timing,
) -> Result<(), KubeError> {
    let transitions = live["spec"]["leaseTransitions"].as_u64().unwrap_or(0);
    let mut taken = live.clone();
    taken["spec"] = body(lease, holder, timing, transitions + 1)["spec"].clone();
    cluster.replace(lease, &taken).await.map(|_| ())
}

fn body(lease: &ObjectRef, holder: &Holder, timing: Timing, transitions: u64) -> Value {
    let now = micro_time();
    json!({
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": lease.name, "namespace": lease.namespace},
        "spec": {
            "holderIdentity": holder.to_string(),
            "leaseDurationSeconds": timing.lease.as_secs().max(1),
            "acquireTime": now,
            "renewTime": now,
            "leaseTransitions": transitions,
        },
    })
}

fn micro_time() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string()
}

impl Lock {
    /// Gives the lock back, so that the next one need not wait.
    pub async fn release(self) {
        self.renewal.abort();
        for _ in 0..3 {
            let Ok(Some(mut live)) = self.cluster.get(&self.lease).await else { return };
            if live["spec"]["holderIdentity"] != self.holder.to_string() {
                return;
            }
            if let Some(spec) = live["spec"].as_object_mut() {
                spec.remove("holderIdentity");
            }
            match self.cluster.replace(&self.lease, &live).await {
                Err(error) if error.is_conflict() => {}
                // Where it cannot be given back it expires.
                Ok(_) | Err(_) => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_is_gone_only_if_its_process_of_this_host_is() {
        let here = Holder::this_process("p");
        assert!(here.started > 0);
        assert_eq!(Holder::parse(&here.to_string()), Some(here.clone()));
        assert!(!here.is_gone(&here));
        assert!(Holder { started: here.started + 1, ..here.clone() }.is_gone(&here), "the pid was used again");
        assert!(Holder { pid: u32::MAX, ..here.clone() }.is_gone(&here));
        assert!(!Holder { host: "elsewhere".into(), pid: u32::MAX, ..here.clone() }.is_gone(&here));
    }

    #[test]
    fn a_fence_falls_before_the_lease_expires_for_others() {
        let timing = Timing::default();
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let fence = Fence::until(start + safe(timing));
        assert!(fence.holds_at(after(11)));
        assert!(!fence.holds_at(after(13)));
        fence.extend(after(13) + safe(timing));
        assert!(fence.holds_at(after(13)));
        assert!(Fence::open().holds());
    }
}
