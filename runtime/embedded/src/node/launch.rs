//! Starts one container once and sees it through to its end.
//!
//! **Invariant:** when `run` returns, or is dropped, no process of the container is left; in a process namespace that
//! holds for every process, without one for the process group of the command.
//! Not here: what happens on the other side of the socket (`inside`), what to start (`mounts`), whether again (`run`).

use super::log;
use super::wire::{self, Hold, Launch, MESSAGE_BYTES, Order, Report};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedReadHalf;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout};

/// Exit code of a command that was killed.
const KILLED: i32 = 137;

/// How long what should follow at once may take: processes that end after a kill, a log that closes after its
/// container (without a process namespace somebody else may hold it).
const PATIENCE: Duration = Duration::from_secs(2);

/// What to start.
pub(super) struct Start<'a> {
    pub runner: &'a Path,
    /// Shown in the process list.
    pub label: String,
    pub hold: Hold,
    pub launch: Launch,
    pub log: &'a Path,
    pub grace: Duration,
}

/// How it ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum End {
    Exited(i32),
    NotStarted { code: i32, message: String },
}

/// Becomes true when the container must end.
#[derive(Clone)]
pub(super) struct Ending(pub watch::Receiver<bool>);

impl Ending {
    /// Waits for that; for ever if nobody can say so any more.
    pub(super) async fn wait(&mut self) {
        if self.0.wait_for(|ending| *ending).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    pub(super) fn has_come(&self) -> bool {
        *self.0.borrow()
    }
}

struct Running {
    child: Child,
    reports: mpsc::Receiver<Report>,
    /// Dropping it is the order to kill.
    orders: Option<tokio::net::unix::OwnedWriteHalf>,
    log: JoinHandle<io::Result<()>>,
}

/// Runs the container; `started` is called when its command runs. The second answer is a failure of the log alone.
pub(super) async fn run(
    start: &Start<'_>,
    started: &(dyn Fn() + Sync),
    ending: &mut Ending,
) -> (End, Option<io::Error>) {
    let mut running = match spawn(start).await {
        Ok(running) => running,
        Err(error) => {
            let message = format!("cannot start {}: {error}", start.runner.display());
            return (End::NotStarted { code: 128, message }, None);
        }
    };
    let end = attend(&mut running, start.grace, started, ending).await;
    // The holder has nothing left to wait for; should it not know, the init process dies with it.
    drop(running.orders.take());
    if timeout(PATIENCE, running.child.wait()).await.is_err() {
        let _ = running.child.kill().await;
    }
    let log = match timeout(PATIENCE, &mut running.log).await {
        Ok(Ok(copied)) => copied.err(),
        Ok(Err(_)) => None,
        Err(_) => {
            running.log.abort();
            None
        }
    };
    (end, log)
}

async fn spawn(start: &Start<'_>) -> io::Result<Running> {
    let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
    let (reader, writer) = io::pipe()?;
    let mut command = Command::new(start.runner);
    command
        .arg0(wire::NAME)
        .args([wire::HOLD, &start.label])
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(writer.try_clone()?)
        .stderr(writer)
        .process_group(0)
        .kill_on_drop(start.hold.namespaces);
    let child = command.spawn()?;
    // The command still holds the other ends; they must close with the container.
    drop(command);
    ours.set_nonblocking(true)?;
    let (from, mut orders) = UnixStream::from_std(ours)?.into_split();
    let (sender, reports) = mpsc::channel(4);
    tokio::spawn(listen(from, sender));
    let log = Receiver::from_owned_fd(OwnedFd::from(reader))?;
    let path = start.log.to_owned();
    let log = tokio::spawn(async move { log::copy(log, &path).await });
    let mut messages = wire::encode(&start.hold)?;
    messages.extend(wire::encode(&start.launch)?);
    // A holder that failed has said why and does not read on.
    let _ = orders.write_all(&messages).await;
    Ok(Running { child, reports, orders: Some(orders), log })
}

async fn listen(mut from: OwnedReadHalf, reports: mpsc::Sender<Report>) {
    while let Ok(report) = receive(&mut from).await {
        if reports.send(report).await.is_err() {
            break;
        }
    }
}

async fn receive(from: &mut OwnedReadHalf) -> io::Result<Report> {
    let length = from.read_u32().await? as usize;
    if length > MESSAGE_BYTES {
        return Err(io::Error::other("a report is too long"));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body).await?;
    serde_json::from_slice(&body).map_err(io::Error::other)
}

async fn attend(running: &mut Running, grace: Duration, started: &(dyn Fn() + Sync), ending: &mut Ending) -> End {
    let mut kill_at = None;
    let mut runs = false;
    loop {
        let patience = async {
            match kill_at {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            report = running.reports.recv() => match report {
                Some(Report::Started) => {
                    runs = true;
                    started();
                }
                Some(Report::Failed { code, message }) => return End::NotStarted { code, message },
                Some(Report::Exited { code }) => return End::Exited(code),
                // Killed, by us or by somebody else, before it could say anything.
                None if runs || kill_at.is_some() => return End::Exited(KILLED),
                None => return End::NotStarted {
                    code: 128,
                    message: "the process that starts the command ended before it did".to_owned(),
                },
            },
            () = ending.wait(), if kill_at.is_none() => {
                kill_at = Some(Instant::now() + grace);
                if !grace.is_zero() && let Some(orders) = &mut running.orders
                    && let Ok(order) = wire::encode(&Order::Terminate)
                {
                    let _ = orders.write_all(&order).await;
                }
            }
            () = patience => {
                kill_at = Some(Instant::now() + PATIENCE);
                if running.orders.take().is_none() {
                    // The init process did not see its life line close.
                    let _ = running.child.start_kill();
                }
            }
        }
    }
}
