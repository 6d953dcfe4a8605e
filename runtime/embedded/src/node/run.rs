//! Runs the containers of one Pod in their order.
//!
//! Init containers one after the other, then the main ones together; init containers with `restartPolicy: Always` are
//! started in their turn and ended after the main ones. Deletion and the deadline end what runs and start nothing more.
//!
//! **Invariant:** the last status sent is a terminal one, whatever happened before.
//! Not here: how one container is started (`launch`), how a status looks (`status`).

use super::Node;
use super::launch::{self, End, Ending, Start};
use super::log;
use super::mounts::{self, Prepared, RUNNER_PATH};
use super::objects::{Lookup, Objects};
use super::pod::{self, Pod, Refusal};
use super::status::{Board, State, Terminated};
use super::volume::{self, Place};
use super::wire::{Hold, Launch, Root};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::{Notify, watch};
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::sleep;

/// Times that a failed container of a Pod with `restartPolicy: OnFailure` is started again.
const RESTARTS: u32 = 5;
/// Longest pause before a restart; the first one is a second, and each is twice the one before.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Bytes of last words that are kept, as in the kubelet.
const MESSAGE_BYTES: u64 = 4096;
/// Lines and bytes of the log that stand in for last words, as in the kubelet.
const LOG_TAIL: (usize, u64) = (80, 2048);

/// One Pod on its way.
struct Job {
    node: Node,
    pod: Pod,
    board: Board,
    namespaces: bool,
    /// Removals of what containers left, which may take their time.
    clean_up: Mutex<JoinSet<()>>,
}

/// Runs the Pod in `object` to its end.
pub(super) async fn run(
    node: &Node,
    object: Value,
    lookup: Lookup,
    status: UnboundedSender<Value>,
    stop: watch::Receiver<bool>,
) {
    let pod = match pod::read(&object) {
        Ok(pod) => pod,
        Err(refusal) => {
            let last = json!({"phase": "Failed", "reason": refusal.reason, "message": refusal.message});
            // Nobody listens any more when the cluster is shutting down.
            let _ = status.send(last);
            return;
        }
    };
    let board = Board::new(&pod, &now(), status);
    let (job, containers) = match get_ready(node, pod, lookup, board).await {
        Ok(ready) => ready,
        Err((board, refusal)) => return board.refuse(&refusal, &now()),
    };
    let (end, ending) = watch::channel(false);
    let mut deleted = Ending(stop);
    let interrupted = async {
        let limit = job.pod.spec.active_deadline_seconds;
        tokio::select! {
            () = deleted.wait() => {}
            () = deadline(limit) => job.board.judge(
                "DeadlineExceeded",
                "Pod was active on the node longer than the specified deadline",
            ),
        }
        end.send_replace(true);
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = all(&job, containers, Ending(ending)) => {}
        () = interrupted => {}
    }
    job.board.finish(&now());
    job.left().join_all().await;
}

impl Job {
    /// What is still being removed.
    fn left(&self) -> JoinSet<()> {
        self.clean_up.lock().map(|mut left| std::mem::take(&mut *left)).unwrap_or_default()
    }
}

async fn deadline(seconds: Option<u64>) {
    match seconds {
        Some(seconds) => sleep(Duration::from_secs(seconds)).await,
        None => std::future::pending().await,
    }
}

/// Now, in the form of Kubernetes: whole seconds, UTC.
fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Init containers and main containers, prepared.
struct Containers {
    init: Vec<Prepared>,
    main: Vec<Prepared>,
}

/// Everything that can be refused, and the volumes.
async fn get_ready(
    node: &Node,
    pod: Pod,
    lookup: Lookup,
    board: Board,
) -> Result<(Arc<Job>, Containers), (Board, Refusal)> {
    let node = node.clone();
    let ready = spawn_blocking(move || {
        let prepared = prepare(&node, &pod, lookup);
        (node, pod, prepared)
    });
    let Ok((node, pod, prepared)) = ready.await else {
        let message = "the node is shutting down".to_owned();
        return Err((board, Refusal::pod("NodeShutdown", message)));
    };
    match prepared {
        Ok((containers, namespaces)) => {
            let job = Job { node, pod, board, namespaces, clean_up: Mutex::default() };
            Ok((Arc::new(job), containers))
        }
        Err(refusal) => Err((board, refusal)),
    }
}

fn prepare(node: &Node, pod: &Pod, lookup: Lookup) -> Result<(Containers, bool), Refusal> {
    pod::check(pod)?;
    let dir = node.pod_dir(&pod.metadata.uid);
    let disk = |error: std::io::Error| {
        let message = format!("cannot make {}: {error}", dir.display());
        Refusal::pod(pod::MOUNT_ERROR, message)
    };
    // What an earlier attempt left is of no use: its workspaces are in an unknown state.
    super::remove_tree(&dir);
    super::private_dir(&dir).map_err(disk)?;
    std::fs::create_dir_all(dir.join("logs")).map_err(disk)?;
    let objects = Objects { lookup, namespace: pod.metadata.namespace.clone() };
    let place = Place { volumes: &dir.join("volumes"), claims: &node.claims_dir(&pod.metadata.namespace) };
    let volumes = volume::make(pod, &place, &objects)?;
    let each = |containers: &[pod::Container]| {
        containers
            .iter()
            .map(|container| mounts::prepare(pod, container, &volumes, &objects, node.runner()))
            .collect::<Result<Vec<_>, _>>()
    };
    let containers = Containers { init: each(&pod.spec.init_containers)?, main: each(&pod.spec.containers)? };
    match node.namespaces() {
        Ok(()) => Ok((containers, true)),
        Err(setting) => plain(containers, &setting).map(|containers| (containers, false)),
    }
}

/// The same containers without namespaces, if they can do without.
fn plain(mut containers: Containers, setting: &str) -> Result<Containers, Refusal> {
    let own = rustix::process::geteuid().as_raw();
    for container in containers.init.iter_mut().chain(&mut containers.main) {
        if let Some(need) = container.needs_namespaces(own) {
            let message = format!("{need} needs namespaces, which this machine does not allow: {setting}");
            return Err(Refusal::container(&container.name, pod::MOUNT_ERROR, message));
        }
        let runner = container.mounts.iter().find(|mount| mount.target == RUNNER_PATH);
        if let (Some(program), Some(runner)) = (container.command.first_mut(), runner)
            && program == RUNNER_PATH
        {
            *program = runner.source.to_string_lossy().into_owned();
        }
    }
    Ok(containers)
}

async fn all(job: &Arc<Job>, containers: Containers, ending: Ending) {
    let (finish, finishing) = watch::channel(false);
    let mut sidecars = JoinSet::new();
    if init(job, containers.init, &mut sidecars, &ending, finishing).await {
        let mains = containers.main.iter().map(|container| until_done(job, container, ending.clone()));
        futures::future::join_all(mains).await;
    }
    finish.send_replace(true);
    while sidecars.join_next().await.is_some() {}
}

/// Whether all of them did their work.
async fn init(
    job: &Arc<Job>,
    containers: Vec<Prepared>,
    sidecars: &mut JoinSet<bool>,
    ending: &Ending,
    finishing: watch::Receiver<bool>,
) -> bool {
    for container in containers {
        if ending.has_come() {
            return false;
        }
        if !container.sidecar {
            if until_done(job, &container, ending.clone()).await != 0 {
                return false;
            }
            continue;
        }
        let started = Arc::new(Notify::new());
        let until = Ending(finishing.clone());
        sidecars.spawn(alongside(job.clone(), container, until, started.clone()));
        tokio::select! {
            () = started.notified() => {}
            ran = sidecars.join_next() => if ran.is_some_and(|ran| !matches!(ran, Ok(true))) {
                return false;
            },
        }
    }
    !ending.has_come()
}

/// Runs a container, again after failures if the Pod says so; answers with its exit code.
async fn until_done(job: &Job, container: &Prepared, mut ending: Ending) -> i32 {
    let mut restarts = 0;
    loop {
        let (ended, ran) = once(job, container, restarts, &mut ending, &|| {}).await;
        let code = ended.exit_code;
        let again = code != 0 && ran && job.pod.restarts_on_failure() && !ending.has_come();
        if again && restarts == RESTARTS {
            let message = format!("container `{}` failed {} times", container.name, restarts + 1);
            job.board.judge("RestartsExceeded", &message);
        }
        if !again || restarts == RESTARTS {
            let state = State::Terminated(ended);
            job.board.set(&container.name, state, &now());
            return code;
        }
        if !pause(job, container, ended, restarts, &mut ending).await {
            return code;
        }
        restarts += 1;
    }
}

/// Waits before a restart; false if the Pod ends first.
async fn pause(job: &Job, container: &Prepared, ended: Terminated, restarts: u32, ending: &mut Ending) -> bool {
    let length = Duration::from_secs(1 << restarts.min(5)).min(LONGEST_PAUSE);
    let words = format!("{}s", length.as_secs());
    let before = ended.clone();
    job.board.restart(&container.name, ended, &words, &now());
    tokio::select! {
        () = sleep(length) => true,
        () = ending.wait() => {
            job.board.set(&container.name, State::Terminated(before), &now());
            false
        }
    }
}

/// Keeps a sidecar running until the Pod is done; false if it cannot be started.
async fn alongside(job: Arc<Job>, container: Prepared, mut ending: Ending, started: Arc<Notify>) -> bool {
    let mut restarts = 0;
    loop {
        let note = || started.notify_one();
        let (ended, ran) = once(&job, &container, restarts, &mut ending, &note).await;
        if !ran || ending.has_come() {
            if !ran {
                let message = format!("container `{}`: {}", container.name, ended.message);
                job.board.judge(&ended.reason, &message);
            }
            job.board.set(&container.name, State::Terminated(ended), &now());
            return ran;
        }
        if !pause(&job, &container, ended, restarts, &mut ending).await {
            return true;
        }
        restarts += 1;
    }
}

/// One start of a container. The second answer is whether its command ran at all.
async fn once(
    job: &Job,
    container: &Prepared,
    attempt: u32,
    ending: &mut Ending,
    note: &(dyn Fn() + Sync),
) -> (Terminated, bool) {
    let name = &container.name;
    let pod_dir = job.node.pod_dir(&job.pod.metadata.uid);
    let dir = pod_dir.join("containers").join(name).join(attempt.to_string());
    let log = job.node.log_path(&job.pod.metadata.uid, name);
    let started_at = Mutex::new(now());
    let started = || {
        let at = now();
        if let Ok(mut started_at) = started_at.lock() {
            started_at.clone_from(&at);
        }
        job.board.set(name, State::Running { started_at: at }, &now());
        note();
    };
    let (end, log_error) = match lay_out(&dir) {
        Ok(()) => {
            let start = start(job, container, &dir, &log);
            launch::run(&start, &started, ending).await
        }
        Err(error) => {
            let message = format!("cannot make {}: {error}", dir.display());
            (End::NotStarted { code: 128, message }, None)
        }
    };
    let (exit_code, ran, mut message) = match end {
        End::Exited(code) => (code, true, last_words(container, &dir, &log, code).await),
        End::NotStarted { code, message } => (code, false, message),
    };
    if let Some(error) = log_error {
        message.push_str(&format!("\n[waybill: the log could not be written: {error}]"));
    }
    if let Ok(mut left) = job.clean_up.lock() {
        left.spawn_blocking(move || super::remove_tree(&dir));
    }
    let reason = match (ran, exit_code) {
        (false, _) => "StartError",
        (true, 0) => "Completed",
        (true, _) => "Error",
    };
    let started_at = started_at.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner());
    let ended = Terminated { exit_code, reason: reason.to_owned(), message, started_at, finished_at: now() };
    (ended, ran)
}

/// The directories of one attempt.
fn lay_out(dir: &Path) -> std::io::Result<()> {
    super::remove_tree(dir);
    std::fs::create_dir_all(dir.join("root"))?;
    std::fs::write(dir.join("termination-log"), "")
}

fn start<'a>(job: &'a Job, container: &Prepared, dir: &Path, log: &'a Path) -> Start<'a> {
    let meta = &job.pod.metadata;
    let root = dir.join("root");
    let mut env = container.env.clone();
    let mut scratch = "/".to_owned();
    if !job.namespaces {
        // Nothing of the host may be littered by a command that counts on a root of its own.
        scratch = root.to_string_lossy().into_owned();
        let home = env.iter_mut().find(|(name, _)| name == "HOME");
        if let Some((_, value)) = home.filter(|(_, value)| value == "/root" || value == "/") {
            value.clone_from(&scratch);
        }
    }
    Start {
        runner: job.node.runner(),
        label: format!("{}/{}/{}", meta.namespace, meta.name, container.name),
        hold: Hold { namespaces: job.namespaces, user: container.user, group: container.group },
        launch: Launch {
            hostname: mounts::hostname(&job.pod),
            command: container.command.clone(),
            env,
            workdir: container.workdir.clone().unwrap_or(scratch),
            capable: container.capable,
            root: job.namespaces.then(|| Root {
                dir: root,
                mounts: container.mounts_with(&dir.join("termination-log")),
                read_only: container.read_only,
            }),
        },
        log,
        grace: Duration::from_secs(job.pod.grace_seconds()),
    }
}

/// What the container wrote for the status.
async fn last_words(container: &Prepared, dir: &Path, log: &Path, code: i32) -> String {
    let file: PathBuf = dir.join("termination-log");
    let words = log::last_bytes(&file, MESSAGE_BYTES).await.unwrap_or_default();
    if words.is_empty() && code != 0 && container.logs_on_error {
        return log::tail(log, LOG_TAIL.0, LOG_TAIL.1).await;
    }
    String::from_utf8_lossy(&words).into_owned()
}
