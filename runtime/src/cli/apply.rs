//! `waybill apply`.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use waybill_compiler::Checked;
use waybill_compiler::diag::codes;
use waybill_compiler::plan::Plan;
use waybill_compiler::plan::render::{self, text};
use waybill_compiler::spec::value;

use super::clusters::{self, Clusters};
use super::plan::{self, From, Request, Scope};
use super::progress::{self, Lines};
use super::session::Session;
use super::{Exit, TOOL, out};
use crate::apply::{self, End, Outcome, Refusal};
use crate::effects::World;
use crate::effects::commit::Remotes;
use crate::journal::lock::{Holder, Timing};
use crate::journal::store::JournalError;
use crate::planfile::{self, PlanFileError};

#[derive(clap::Args)]
pub struct Args {
    /// A plan file, or the project's folder
    #[arg(default_value = ".", value_name = "PLANFILE|PATH")]
    target: PathBuf,
    #[command(flatten)]
    scope: Scope,
    /// Go on without asking if every action was in this reviewed plan
    #[arg(long, value_name = "PLANFILE")]
    reviewed: Option<PathBuf>,
    /// Do not ask; gates are not passed by it
    #[arg(long)]
    auto_approve: bool,
    /// Actions at a time
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=256))]
    parallelism: u16,
    /// Go on with an apply that was cut off
    #[arg(long)]
    resume: bool,
    /// How long to stay at a gate that is not open
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    wait: Option<u64>,
    /// Lift the hold of a version
    #[arg(long, value_name = "ADDRESS")]
    retry: Vec<String>,
    /// Show what the steps write
    #[arg(long)]
    logs: bool,
}

/// More deletes than this are not waved through: they are typed out, or stand in a saved plan.
const DELETES: u32 = 10;

fn seconds(text: &str) -> Result<u64, String> {
    value::duration_seconds(text).ok_or_else(|| "a duration such as `90s` or `1h30m`".into())
}

/// Applies, and says how it ended.
pub fn run(args: &Args) -> Exit {
    let runtime = match plan::runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            out::say(&format!("error: {error}"));
            return Exit::Failed;
        }
    };
    runtime.block_on(async {
        if args.resume {
            resume(args).await
        } else if is_plan_file(&args.target) {
            from_file(args).await
        } else {
            from_folder(args).await
        }
    })
}

/// Whether a path is a file other than a spec.
pub fn is_plan_file(path: &Path) -> bool {
    let spec = path.extension().is_some_and(|end| end == "kdl" || end == "yaml" || end == "yml");
    path.is_file() && !spec
}

/// Says why a plan file cannot be used: a damaged one is refused, an absent one is a failure.
pub fn refuse_file(path: &Path, error: &PlanFileError, json: bool) -> Exit {
    if json {
        let mut sources = waybill_compiler::source::Sources::default();
        sources.add(path.to_string_lossy().into_owned(), "");
        let finding = plan::outside(error.to_string());
        super::report::print(&sources, &[finding], super::report::Format::Json, &str::to_owned);
    } else {
        out::say(&format!("error: {error}"));
    }
    match error {
        PlanFileError::Read { .. } | PlanFileError::Write { .. } => Exit::Failed,
        PlanFileError::NotAPlan { .. }
        | PlanFileError::Changed { .. }
        | PlanFileError::Format { .. }
        | PlanFileError::Tool { .. } => Exit::Refused,
    }
}

async fn from_file(args: &Args) -> Exit {
    let plan = match planfile::read(&args.target, TOOL) {
        Ok(plan) => plan,
        Err(error) => return refuse_file(&args.target, &error, false),
    };
    if plan.offline {
        out::say(&format!("error: {}", Refusal::Offline));
        return Exit::Refused;
    }
    out::say(&format!("plan {} of {}: connecting", plan.id, plan.project));
    let home = crate::home::folder(Path::new("."), &|name| std::env::var(name).ok());
    let wanted: BTreeMap<String, Option<String>> =
        plan.targets.iter().map(|target| (target.cluster.clone(), target.context.clone())).collect();
    let clusters = clusters::connect(&wanted, &home, true).await;
    execute(args, &plan, clusters, home).await
}

async fn from_folder(args: &Args) -> Exit {
    let session = Session::open(&args.target);
    out::say("planning");
    let request =
        Request { scope: args.scope.clone(), from: From::World { node: true }, retry: args.retry.clone(), json: false };
    let mut planned = match plan::make(&session, &request).await {
        Ok(planned) => planned,
        Err(exit) => return exit,
    };
    let Some(clusters) = planned.clusters.take() else { return Exit::Failed };
    if planned.behind > 0 {
        let branch = planned.observed.git.as_ref().map(|git| git.branch.clone()).unwrap_or_default();
        let message = format!(
            "the branch {branch} moved on: it has {} commits that HEAD lacks; the newer one's apply carries both",
            planned.behind
        );
        return close(clusters, refuse(&message)).await;
    }
    let plan = &planned.plan;
    if plan.actions.is_empty() {
        let printed = out::print(&out::coloured(&text::render(plan)));
        return close(clusters, printed).await;
    }
    let decided = match &args.reviewed {
        Some(file) => reviewed(file, plan),
        None => ask(args, plan),
    };
    match decided {
        Exit::Done => execute(args, plan, clusters, session.home.clone()).await,
        exit => close(clusters, exit).await,
    }
}

async fn close(clusters: Clusters, exit: Exit) -> Exit {
    clusters.close().await;
    exit
}

fn refuse(message: &str) -> Exit {
    out::say(&format!("error: {message}"));
    Exit::Refused
}

/// Shows the plan and asks. Without a terminal nobody can be asked.
fn ask(args: &Args, plan: &Plan) -> Exit {
    let printed = out::print(&out::coloured(&text::render(plan)));
    let many = plan.summary.delete > DELETES;
    if args.auto_approve && many {
        let count = plan.summary.delete;
        out::say(&format!("{count} deletes are more than {DELETES}: save the plan, review it, and apply the file"));
        return Exit::Waits;
    }
    if args.auto_approve || printed != Exit::Done {
        return printed;
    }
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        out::say("nobody can be asked here: run it in a terminal, give --auto-approve, or apply a saved plan");
        return Exit::Waits;
    }
    let wanted = if many { format!("delete {}", plan.summary.delete) } else { "yes".to_owned() };
    out::say(&format!("Do exactly this? Only `{wanted}` goes on:"));
    let mut answer = String::new();
    match std::io::stdin().read_line(&mut answer) {
        Ok(_) if answer.trim() == wanted => Exit::Done,
        Ok(_) | Err(_) => {
            out::say("nothing was done");
            Exit::Waits
        }
    }
}

/// Whether every action of the plan was reviewed. An intent names the gates in front, so fewer gates are another intent.
fn reviewed(file: &Path, plan: &Plan) -> Exit {
    let reviewed = match planfile::read(file, TOOL) {
        Ok(reviewed) => reviewed,
        Err(error) => return refuse_file(file, &error, false),
    };
    let approved: std::collections::BTreeSet<&str> =
        reviewed.actions.iter().map(|action| action.intent.as_str()).collect();
    let new: Vec<&str> = plan
        .actions
        .iter()
        .filter(|action| !approved.contains(action.intent.as_str()))
        .map(|action| action.address.as_str())
        .collect();
    if new.is_empty() {
        return Exit::Done;
    }
    out::say(&format!("error: {} actions were not in the reviewed plan {}:", new.len(), reviewed.id));
    for address in new {
        let changed = reviewed.actions.iter().any(|action| action.address == address);
        out::say(&format!("  {address}{}", if changed { " (differs from the reviewed one)" } else { "" }));
    }
    out::say("make a new plan and review it");
    Exit::Refused
}

/// Who applies or approves, as far as this machine knows.
pub fn user() -> String {
    let name = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|name| !name.is_empty());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}@{}", name.unwrap_or_else(|| format!("uid-{}", rustix::process::getuid().as_raw())), host.trim())
}

fn options(args: &Args) -> apply::Options {
    let terminal = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    apply::Options {
        tool: TOOL.into(),
        parallelism: usize::from(args.parallelism),
        wait_seconds: args.wait.unwrap_or(if terminal { 3600 } else { 0 }),
        applied_by: user(),
        holder: Holder::this_process(""),
        timing: Timing::default(),
    }
}

fn world(clusters: &Clusters, home: PathBuf, home_cluster: &str) -> Result<Arc<World>, String> {
    let git = Remotes { home, name: "Waybill".into(), email: "waybill@localhost".into() };
    let world = World { home: home_cluster.to_owned(), clusters: clusters.all()?, git: Arc::new(git) };
    Ok(Arc::new(world))
}

async fn execute(args: &Args, plan: &Plan, clusters: Clusters, home: PathBuf) -> Exit {
    let world = match world(&clusters, home, &plan.home) {
        Ok(world) => world,
        Err(reason) => {
            let held = clusters.held.is_some();
            out::say(&format!("error: {reason}"));
            return close(clusters, if held { Exit::Refused } else { Exit::Failed }).await;
        }
    };
    let sink = Arc::new(Lines::new(args.logs));
    let ended = apply::run(plan, world, &options(args), sink, stop_signal()).await;
    let exit = ended.map_or_else(|refusal| refused(&refusal), |outcome| tell(&outcome, plan));
    close(clusters, exit).await
}

/// A cluster's world for a project without a plan at hand.
pub async fn project_world(session: &Session, checked: &Checked, node: bool) -> Result<(Arc<World>, Clusters), Exit> {
    let model = checked.model();
    let wanted = model.clusters.iter().map(|cluster| (cluster.name.clone(), cluster.context.clone()));
    let used = |name: &String| {
        let ids = model
            .environments
            .iter()
            .map(|environment| environment.cluster)
            .chain(model.pipelines.iter().map(|pipeline| pipeline.cluster));
        ids.chain([model.home()]).any(|id| &model.cluster(id).name == name)
    };
    let wanted: BTreeMap<String, Option<String>> = wanted.filter(|(name, _)| used(name)).collect();
    let clusters = clusters::connect(&wanted, &session.home, node).await;
    match world(&clusters, session.home.clone(), &model.cluster(model.home()).name) {
        Ok(world) => Ok((world, clusters)),
        Err(reason) => {
            let held = clusters.held.is_some();
            session.fail(&codes::CLUSTER_UNREACHABLE, reason, false);
            Err(if held { Exit::Refused } else { Exit::Failed })
        }
    }
}

async fn resume(args: &Args) -> Exit {
    let (id, path) = match is_plan_file(&args.target).then(|| planfile::read(&args.target, TOOL)) {
        Some(Ok(plan)) => (Some(plan.id), PathBuf::from(".")),
        Some(Err(error)) => return refuse_file(&args.target, &error, false),
        None => (None, args.target.clone()),
    };
    let session = Session::open(&path);
    let Some(checked) = session.checked() else {
        return session.report(&session.loaded.diags.clone().sorted(), super::report::Format::Fancy);
    };
    let (world, clusters) = match project_world(&session, checked, true).await {
        Ok(world) => world,
        Err(exit) => return exit,
    };
    let project = &checked.model().project.name;
    let sink = Arc::new(Lines::new(args.logs));
    let ended = apply::resume(project, id.as_deref(), world, &options(args), sink, stop_signal()).await;
    let exit = match ended {
        Ok(Some(outcome)) => tell_resumed(&outcome),
        Ok(None) => out::print("Nothing to resume.\n"),
        Err(refusal) => refused(&refusal),
    };
    close(clusters, exit).await
}

fn refused(refusal: &Refusal) -> Exit {
    out::say(&format!("error: {refusal}"));
    match refusal {
        // Another apply goes on with this plan.
        Refusal::Journal(JournalError::Fenced { .. }) => Exit::Refused,
        Refusal::Journal(_) | Refusal::Unreachable(_) | Refusal::LockLost { .. } => Exit::Failed,
        Refusal::Offline
        | Refusal::Tool { .. }
        | Refusal::Target { .. }
        | Refusal::Used { .. }
        | Refusal::Unfinished { .. }
        | Refusal::Superseded { .. }
        | Refusal::LockHeld { .. }
        | Refusal::Stale { .. }
        | Refusal::NoGate { .. } => Exit::Refused,
    }
}

fn tell(outcome: &Outcome, plan: &Plan) -> Exit {
    if outcome.end == End::Done {
        let summary = render::summary(&plan.summary)
            .replacen("Plan: ", "Done: ", 1)
            .replace(" to add", " added")
            .replace(" to change", " changed")
            .replace(" to delete", " deleted");
        return out::print(&format!("Apply complete. {summary}\n"));
    }
    tell_resumed(outcome)
}

fn tell_resumed(outcome: &Outcome) -> Exit {
    for (segment, reason) in &outcome.stopped {
        out::say(&format!("{segment}: {reason}"));
    }
    let mut text = String::new();
    let exit = match outcome.end {
        End::Done => {
            text.push_str(&format!("Apply of plan {} complete.\n", outcome.plan));
            Exit::Done
        }
        End::Failed => {
            text.push_str(&format!("Apply of plan {} failed.\n", outcome.plan));
            Exit::Failed
        }
        End::Refused if outcome.resumable => {
            text.push_str(&format!("Apply of plan {} stopped: another apply is at work.\n", outcome.plan));
            Exit::Refused
        }
        End::Refused => {
            text.push_str(&format!(
                "Apply of plan {} stopped: what it rests on has moved. Make a new plan.\n",
                outcome.plan
            ));
            Exit::Refused
        }
        End::Waiting => {
            text.push_str(&waiting(outcome));
            Exit::Waits
        }
        End::Interrupted => {
            text.push_str(&format!("Apply of plan {} was interrupted.\n", outcome.plan));
            Exit::Failed
        }
    };
    if outcome.resumable {
        text.push_str("To go on: waybill apply --resume\n");
    }
    out::either(out::print(&text), exit)
}

fn waiting(outcome: &Outcome) -> String {
    let mut text = format!("Apply of plan {} waits:\n", outcome.plan);
    for gate in &outcome.waiting {
        text.push_str(&format!("  {}: {}{}\n", gate.address, gate.what, progress::not_before(gate.not_before_millis)));
        if gate.approval {
            text.push_str(&format!("    to approve: waybill approve {}\n", gate.address));
        }
    }
    text
}

/// Becomes true at the first SIGINT or SIGTERM.
fn stop_signal() -> tokio::sync::watch::Receiver<bool> {
    let (sender, receiver) = tokio::sync::watch::channel(false);
    tokio::spawn(async move {
        let terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate());
        let Ok(mut terminate) = terminate else { return };
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        out::say("stopping: what runs is ended or taken back");
        // Nobody listens where apply has ended already.
        let _ = sender.send(true);
        sender.closed().await;
    });
    receiver
}
