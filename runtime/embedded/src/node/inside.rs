//! The re-executed side: what happens between the node's spawn and the container's command.
//!
//! The holder makes the namespaces and waits; its child, the init process, is the first one of the process
//! namespace. It builds the root, starts the command, passes orders on, reaps, reports the exit code and ends, which
//! ends everything else in there.
//!
//! **Invariant:** when the node's end of the socket closes, the init process ends, and with it the container.
//! Not here: mounts (`root`), the node's side (`launch`).

use super::wire::{self, Hold, Launch, Order, Report};
use super::{namespace, raw, root};
use rustix::process::{Pid, Resource, Rlimit, Signal, WaitOptions, WaitStatus};
use std::io;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio, exit};

/// Exit code of a container that could not be set up, as container runtimes give it.
const NOT_SET_UP: i32 = 128;

/// Runs the stage that this process was re-executed for and never returns; returns at once in any other process.
pub(super) fn enter() {
    let mut args = std::env::args_os();
    if args.next().is_none_or(|name| name != wire::NAME) {
        return;
    }
    let stage = args.next().unwrap_or_default();
    if stage == wire::HOLD {
        hold();
    } else if stage == wire::INIT {
        init();
    } else if stage == wire::PROBE {
        probe();
    }
    exit(NOT_SET_UP);
}

fn probe() {
    match namespace::make(0, 0).and_then(|()| spawn_stage("probe-child").map(drop)) {
        Ok(()) => println!("ok"),
        Err(reason) => println!("{reason}"),
    }
    exit(0);
}

/// A second use of this program, in the namespaces of this process.
fn spawn_stage(stage: &str) -> Result<Child, String> {
    let name = std::env::args().nth(2).unwrap_or_default();
    Command::new("/proc/self/exe")
        .arg0(wire::NAME)
        .args([stage, &name])
        .spawn()
        .map_err(|error| format!("cannot start a process in the new namespaces: {error}"))
}

/// The socket to the node, which is standard input.
fn socket() -> io::Result<UnixStream> {
    Ok(rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?.into())
}

fn hold() {
    let Ok(mut node) = socket() else { return };
    let Ok(order) = wire::receive::<Hold>(&mut node) else {
        return;
    };
    let made = if order.namespaces { namespace::make(order.user, order.group) } else { Ok(()) };
    let closed = raw::close_others_on_exec().map_err(|error| format!("cannot look at the open files: {error}"));
    match made.and(closed).and_then(|()| spawn_stage(wire::INIT)) {
        Ok(mut child) => {
            let _ = child.wait();
        }
        Err(message) => fail(&mut node, NOT_SET_UP, message),
    }
    exit(0);
}

fn fail(node: &mut UnixStream, code: i32, message: String) {
    // Nobody is left to tell when the node is gone.
    let _ = wire::send(node, &Report::Failed { code, message });
}

fn init() {
    let Ok(mut node) = socket() else { return };
    let Ok(launch) = wire::receive::<Launch>(&mut node) else {
        return;
    };
    let alone = launch.root.is_some();
    if alone {
        // The death of this process ends everything in its namespace; without one it would leave the command behind.
        let _ = rustix::process::set_parent_process_death_signal(Some(Signal::KILL));
    }
    match set_up(&launch).and_then(|()| start(&launch)) {
        Ok(child) => attend(node, child, alone),
        Err((code, message)) => fail(&mut node, code, message),
    }
    exit(0);
}

type Refused = (i32, String);

fn set_up(launch: &Launch) -> Result<(), Refused> {
    let not_set_up = |message: String| (NOT_SET_UP, message);
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    let no_core = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(Resource::Core, no_core);
    if let Some(wanted) = &launch.root {
        rustix::system::sethostname(launch.hostname.as_bytes())
            .map_err(|error| not_set_up(format!("cannot set the host name: {error}")))?;
        root::enter(wanted).map_err(not_set_up)?;
        namespace::drop_privileges(launch.capable)
            .map_err(|error| not_set_up(format!("cannot drop privileges: {error}")))?;
    }
    let workdir = Path::new(&launch.workdir);
    if launch.root.is_some() {
        std::fs::create_dir_all(workdir)
            .map_err(|error| not_set_up(format!("cannot make workingDir `{}`: {error}", launch.workdir)))?;
    }
    std::env::set_current_dir(workdir)
        .map_err(|error| not_set_up(format!("cannot enter workingDir `{}`: {error}", launch.workdir)))
}

fn start(launch: &Launch) -> Result<Child, Refused> {
    let (program, args) = launch.command.split_first().ok_or_else(|| (NOT_SET_UP, "no command".to_owned()))?;
    Command::new(program)
        .args(args)
        .env_clear()
        .envs(launch.env.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(|error| refused(program, launch, &error))
}

/// The exit codes of a shell: 127 for a command that is not there, 126 for one that cannot be run.
fn refused(program: &str, launch: &Launch, error: &io::Error) -> Refused {
    const HOST: &str = "images are not pulled on the embedded cluster, the host's tools are used";
    let path = launch.env.iter().find(|(name, _)| name == "PATH").map_or("", |(_, value)| value.as_str());
    let on_disk = program.contains('/') && Path::new(program).exists();
    match error.kind() {
        io::ErrorKind::NotFound if on_disk => {
            (127, format!("cannot run `{program}`: the interpreter that it names is not there; {HOST}"))
        }
        io::ErrorKind::NotFound if program.contains('/') => {
            (127, format!("cannot run `{program}`: no such file; {HOST}"))
        }
        io::ErrorKind::NotFound => (127, format!("cannot run `{program}`: not found in PATH ({path}); {HOST}")),
        io::ErrorKind::PermissionDenied => (126, format!("cannot run `{program}`: {error}; {HOST}")),
        _ => (NOT_SET_UP, format!("cannot run `{program}`: {error}")),
    }
}

/// Passes orders on and reaps until the command ends.
fn attend(mut node: UnixStream, child: Child, alone: bool) {
    let Some(leader) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return;
    };
    let listener = node.try_clone();
    let _ = wire::send(&mut node, &Report::Started);
    let listening = listener.map(|from| std::thread::spawn(move || listen(from, leader)));
    if listening.is_err() {
        // Without the life line the command must not run.
        let _ = rustix::process::kill_process_group(leader, Signal::KILL);
    }
    let code = reap(leader);
    if !alone {
        // Without a process namespace only the group can be ended with the command.
        let _ = rustix::process::kill_process_group(leader, Signal::KILL);
    }
    let _ = wire::send(&mut node, &Report::Exited { code });
}

/// Follows the node's orders; when it is gone, kills.
fn listen(mut node: UnixStream, leader: Pid) {
    while let Ok(order) = wire::receive::<Order>(&mut node) {
        match order {
            Order::Terminate => {
                let _ = rustix::process::kill_process_group(leader, Signal::TERM);
            }
        }
    }
    let _ = rustix::process::kill_process_group(leader, Signal::KILL);
    exit(0);
}

/// Waits for `leader`, and for orphans on the way, which the first process of a namespace inherits.
fn reap(leader: Pid) -> i32 {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == leader => return code(status),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(_) => return NOT_SET_UP,
        }
    }
}

fn code(status: WaitStatus) -> i32 {
    status.exit_status().or_else(|| status.terminating_signal().map(|signal| 128 + signal)).unwrap_or(NOT_SET_UP)
}
