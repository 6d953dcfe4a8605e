//! `waybill plan`, and the planning that apply, observe and graph share.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use waybill_compiler::desired::{Desired, Options, Param};
use waybill_compiler::diag::{Diagnostic, Severity, codes};
use waybill_compiler::plan::Plan;
use waybill_compiler::plan::build::{self, Facts};
use waybill_compiler::plan::observed::Observed;
use waybill_compiler::plan::render::{markdown, text};
use waybill_compiler::source::{FileId, Span};
use waybill_compiler::{Checked, check};

use super::clusters::{self, Clusters};
use super::report::Format as Findings;
use super::session::{self, Session};
use super::{Exit, TOOL, out};
use crate::load::{self, Tree};
use crate::observe::{self, git, offline};
use crate::planfile;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    Text,
    /// For one comment in a pull request
    Markdown,
    /// The plan file's document
    Json,
}

/// What is planned; shared by every command that plans.
#[derive(clap::Args, Clone, Default)]
pub struct Scope {
    /// Plan this environment, with the pipelines that its images come from
    #[arg(long = "env", value_name = "NAME")]
    pub environments: Vec<String>,
    /// Plan this pipeline alone
    #[arg(long = "pipeline", value_name = "NAME")]
    pub pipelines: Vec<String>,
    /// The commit to deliver; HEAD unless given
    #[arg(long, value_name = "REV")]
    pub revision: Option<String>,
    /// Value of a parameter
    #[arg(long = "param", value_name = "[PIPELINE.]K=V", value_parser = session::parse_param)]
    pub params: Vec<Param>,
    /// Run pipelines whose run has succeeded before
    #[arg(long)]
    pub rerun: bool,
}

#[derive(clap::Args)]
pub struct Args {
    /// The project's folder
    #[arg(default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    scope: Scope,
    /// Save the plan
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Exit 2 where there are changes
    #[arg(long)]
    detailed_exitcode: bool,
    /// Take the facts from a file that `waybill observe` wrote
    #[arg(long, value_name = "FILE", conflicts_with = "offline")]
    observed: Option<PathBuf>,
    /// Reach nothing: compare with the base revision
    #[arg(long)]
    offline: bool,
    /// Base of an offline plan; the remote branch as last fetched unless given
    #[arg(long, value_name = "REV", requires = "offline")]
    base: Option<String>,
}

/// Where the facts come from.
pub enum From {
    World { node: bool },
    File(PathBuf),
    Base(Option<String>),
}

/// What to plan, and how.
pub struct Request {
    pub scope: Scope,
    pub from: From,
    pub retry: Vec<String>,
    pub json: bool,
}

/// A plan without problems, and what it was made from.
pub struct Planned {
    pub plan: Plan,
    pub observed: Observed,
    /// Commits of others at the tip of the branch that HEAD lacks.
    pub behind: u32,
    /// The connected clusters, if the facts came from the world.
    pub clusters: Option<Clusters>,
}

/// Prints the plan, and saves it where asked.
pub fn run(args: &Args) -> Exit {
    let session = Session::open(&args.path);
    let from = match (&args.observed, args.offline) {
        (Some(file), _) => From::File(file.clone()),
        (None, true) => From::Base(args.base.clone()),
        (None, false) => From::World { node: false },
    };
    let json = args.format == Format::Json;
    let request = Request { scope: args.scope.clone(), from, retry: Vec::new(), json };
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return session.fail(&codes::OUTSIDE, error, json),
    };
    let planned = match runtime.block_on(make(&session, &request)) {
        Ok(planned) => planned,
        Err(exit) => return exit,
    };
    let exit = show(args, &session, &planned);
    if let Some(clusters) = planned.clusters {
        runtime.block_on(clusters.close());
    }
    exit
}

/// Threads for what talks to clusters.
pub fn runtime() -> Result<tokio::runtime::Runtime, String> {
    let built = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    built.map_err(|error| format!("starting: {error}"))
}

fn show(args: &Args, session: &Session, planned: &Planned) -> Exit {
    let plan = &planned.plan;
    if let Some(path) = &args.out
        && let Err(error) = planfile::write(path, plan)
    {
        return session.fail(&codes::OUTSIDE, error.to_string(), args.format == Format::Json);
    }
    let printed = match args.format {
        Format::Text => out::print(&out::coloured(&format!("{}{}", text::render(plan), footer(args, planned)))),
        Format::Markdown => out::print(&markdown::render(plan)),
        Format::Json => out::print(&String::from_utf8_lossy(&waybill_compiler::plan::digest::write(plan))),
    };
    let changed = !plan.actions.is_empty() && args.detailed_exitcode;
    out::either(printed, if changed { Exit::Changes } else { Exit::Done })
}

/// What to do next.
fn footer(args: &Args, planned: &Planned) -> String {
    let mut text = String::new();
    if planned.behind > 0 {
        let branch = planned.observed.git.as_ref().map(|git| git.branch.clone()).unwrap_or_default();
        text.push_str(&format!(
            "The branch {branch} has {} commits that HEAD lacks: apply will refuse until they are here.\n",
            planned.behind
        ));
    }
    match &args.out {
        Some(path) if planned.plan.offline => text.push_str(&format!(
            "Plan {} saved to {}, for reading: it was made offline.\n",
            planned.plan.id,
            path.display()
        )),
        Some(path) => {
            text.push_str(&format!(
                "Plan {} saved to {}. To do exactly this: waybill apply {}\n",
                planned.plan.id,
                path.display(),
                path.display()
            ));
        }
        None if planned.plan.actions.is_empty() || planned.plan.offline => {}
        None => text.push_str("Not saved: apply will plan again. To save it: waybill plan --out FILE\n"),
    }
    text
}

/// Makes a plan. Findings that keep it from being one are printed, and the exit code given.
pub async fn make(session: &Session, request: &Request) -> Result<Planned, Exit> {
    let json = request.json;
    let format = if json { Findings::Json } else { Findings::Fancy };
    let Some(checked) = session.checked() else {
        return Err(session.report(&session.loaded.diags.clone().sorted(), format));
    };
    let options = options(request);
    let mut early = session::check_names(checked, &options);
    early.extend(check::refused_at_plan(checked));
    if early.iter().any(|finding| finding.severity == Severity::Error) {
        return Err(session.report(&early, format));
    }
    let (observed, desired, clusters) = match &request.from {
        From::World { node } => world(session, checked, request, &options, *node).await?,
        From::File(path) => from_file(session, checked, path, &options, json)?,
        From::Base(base) => from_base(session, checked, request, base.as_deref(), &options)?,
    };
    let unknown = unknown_retries(&observed, &options);
    if !unknown.is_empty() {
        return Err(session.report(&unknown, format));
    }
    let facts =
        Facts { sources: &session.loaded.sources, checked, desired: &desired, observed: &observed, options: &options };
    let built = build::build(facts);
    let problems = built.problems.sorted();
    if problems.iter().any(|finding| finding.severity == Severity::Error) {
        if let Some(held) = clusters.as_ref().and_then(|clusters| clusters.held.clone()) {
            session.fail(&codes::CLUSTER_UNREACHABLE, held, json);
            return Err(Exit::Refused);
        }
        let mut exit = session.report(&problems, format);
        let mut errors = problems.iter().filter(|finding| finding.severity == Severity::Error);
        if errors.all(|finding| finding.code == &codes::POLICY_REFUSES || finding.code == &codes::POLICY_FAILED) {
            exit = Exit::Refused;
        }
        if let Some(clusters) = clusters {
            clusters.close().await;
        }
        return Err(exit);
    }
    session.warn();
    let behind = observed.git.as_ref().map_or(0, |git| git.behind);
    Ok(Planned { plan: built.plan, observed, behind, clusters })
}

/// `--retry` of what is not held.
fn unknown_retries(observed: &Observed, options: &Options) -> Vec<Diagnostic> {
    let mut held: Vec<&str> = Vec::new();
    for cluster in observed.clusters.values() {
        if let waybill_compiler::plan::observed::Cluster::Facts(facts) = cluster {
            held.extend(facts.holds.iter().map(|hold| hold.address.as_str()));
        }
    }
    held.sort_unstable();
    held.dedup();
    let unknown = options.retry.iter().filter(|address| !held.contains(&address.as_str()));
    let finding = |address: &String| {
        let message = format!("--retry: nothing is held at `{address}`");
        let finding = Diagnostic::new(&codes::UNKNOWN_OPTION, Span::start_of(FileId(0)), message);
        let known = if held.is_empty() { "nothing".to_owned() } else { held.join(", ") };
        finding.help(format!("held: {known}"))
    };
    unknown.map(finding).collect()
}

pub fn options(request: &Request) -> Options {
    Options {
        environments: request.scope.environments.clone(),
        pipelines: request.scope.pipelines.clone(),
        params: request.scope.params.clone(),
        rerun: request.scope.rerun,
        retry: request.retry.clone(),
        offline: matches!(request.from, From::Base(_)),
        tool: TOOL.into(),
    }
}

type Seen = (Observed, Desired, Option<Clusters>);

async fn world(
    session: &Session,
    checked: &Checked,
    request: &Request,
    options: &Options,
    node: bool,
) -> Result<Seen, Exit> {
    let observed = git_facts(session, checked, request, true)?;
    let model = checked.model();
    let ids = observe::clusters_in_scope(checked, options);
    let wanted: BTreeMap<String, Option<String>> =
        ids.into_iter().map(|id| (model.cluster(id).name.clone(), model.cluster(id).context.clone())).collect();
    let clusters = clusters::connect(&wanted, &session.home, node).await;
    let (observed, desired) =
        observe::clusters(&session.loaded.sources, checked, observed, &clusters.connected, options).await;
    Ok((observed, desired, Some(clusters)))
}

/// Facts of git alone, with nonce and time.
fn git_facts(session: &Session, checked: &Checked, request: &Request, fetch: bool) -> Result<Observed, Exit> {
    let fail = |message: String| session.fail(&codes::OUTSIDE, message, request.json);
    let clone = git::discover(&session.root).map_err(|error| fail(error.to_string()))?;
    let ask = git::Request { home: session.home.clone(), revision: request.scope.revision.as_deref(), fetch };
    let git = match &clone {
        Some(clone) => {
            Some(git::observe(clone, &session.loaded.sources, checked, &ask).map_err(|error| fail(error.to_string()))?)
        }
        None => None,
    };
    let at =
        i64::try_from(std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs())
            .unwrap_or(i64::MAX);
    Ok(Observed { format: observe::FORMAT, nonce: nonce(), at, git, clusters: BTreeMap::new() })
}

fn nonce() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("BUG: the system gives no random bytes");
    hex::encode(bytes)
}

fn from_file(session: &Session, checked: &Checked, path: &Path, options: &Options, json: bool) -> Result<Seen, Exit> {
    let fail = |why: String| session.fail(&codes::OUTSIDE, format!("{}: {why}", path.display()), json);
    let bytes = std::fs::read(path).map_err(|error| fail(load::plain(&error)))?;
    let observed: Observed =
        serde_json::from_slice(&bytes).map_err(|error| fail(format!("these are no facts: {error}")))?;
    if observed.format != observe::FORMAT {
        return Err(fail(format!("the facts have format {}, this version reads {}", observed.format, observe::FORMAT)));
    }
    let desired = waybill_compiler::desired::desired(&session.loaded.sources, checked, &observed, options);
    Ok((observed, desired, None))
}

fn from_base(
    session: &Session,
    checked: &Checked,
    request: &Request,
    base: Option<&str>,
    options: &Options,
) -> Result<Seen, Exit> {
    let fail = |message: String| session.fail(&codes::OUTSIDE, message, request.json);
    let observed = git_facts(session, checked, request, false)?;
    let clone = git::discover(&session.root).map_err(|error| fail(error.to_string()))?;
    let Some(clone) = clone else {
        let (observed, desired) = offline::facts(&session.loaded.sources, checked, observed, None, options);
        return Ok((observed, desired, None));
    };
    let commit = base_commit(&clone, &checked.model().project.branch, base).map_err(|error| fail(error.to_string()))?;
    let tree = Tree::open(&clone.repo, &commit, &clone.prefix).map_err(|error| fail(error.to_string()))?;
    let loaded = load::load(&tree, "the base revision");
    let Some(before) = &loaded.checking.checked else {
        let (mut observed, desired) = offline::facts(&session.loaded.sources, checked, observed, None, options);
        set_base(&mut observed, &commit);
        return Ok((observed, desired, None));
    };
    let ask = git::Request { home: session.home.clone(), revision: Some(&commit), fetch: false };
    let facts = git::observe(&clone, &loaded.sources, before, &ask).map_err(|error| fail(error.to_string()))?;
    let base = offline::Base {
        sources: &loaded.sources,
        checked: before,
        observed: Observed { git: Some(facts), ..Observed::default() },
    };
    let (mut observed, desired) = offline::facts(&session.loaded.sources, checked, observed, Some(base), options);
    set_base(&mut observed, &commit);
    Ok((observed, desired, None))
}

/// The base is shown where an online plan shows the branch's tip.
fn set_base(observed: &mut Observed, commit: &str) {
    if let Some(git) = &mut observed.git {
        git.tip = Some(commit.to_owned());
    }
}

/// `--base`, else the branch as last fetched, else the first parent of HEAD, else HEAD.
fn base_commit(clone: &git::Clone, branch: &str, base: Option<&str>) -> Result<String, crate::effects::git::GitError> {
    if let Some(base) = base {
        return clone.repo.resolve(base);
    }
    let candidates = [format!("refs/remotes/origin/{branch}"), "HEAD~1".to_owned()];
    let head = clone.repo.resolve("HEAD")?;
    let found = candidates.iter().filter_map(|name| clone.repo.resolve(name).ok()).find(|sha| *sha != head);
    Ok(found.unwrap_or(head))
}

/// A finding about nothing in the spec.
pub fn outside(message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(&codes::OUTSIDE, Span::start_of(FileId(0)), message)
}
