//! The command line: one file per command, each an argument struct, a call and a print.
//!
//! **Invariant:** reports and plans go to stdout, progress to stderr; the exit code is a return value.

mod apply;
mod approve;
mod check;
mod clusters;
mod completions;
mod demo;
mod explain;
mod fix;
mod fmt;
mod graph;
mod init;
mod manifests;
mod observe;
mod out;
mod plan;
mod progress;
mod report;
mod session;
mod show;
mod vendor;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Version of the program, as plans name it.
pub const TOOL: &str = env!("CARGO_PKG_VERSION");

/// How a command ended: the exit codes of every command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, clean, or nothing to do.
    Done = 0,
    /// Errors in the input, or a failed run.
    Failed = 1,
    /// Changes, where `--detailed-exitcode` asks.
    Changes = 2,
    /// Waits for a person.
    Waits = 3,
    /// Refused: plan file damaged, used, stale, of another target or version; branch moved on; lock held.
    Refused = 4,
    /// Wrong use of the command line.
    Usage = 64,
}

#[derive(Parser)]
#[command(
    name = "waybill",
    version,
    about = "Compiles a delivery spec into a plan, and does exactly that plan on Kubernetes"
)]
#[command(
    after_help = "Exit codes: 0 done or nothing to do, 1 errors or a failed run, 2 changes (plan --detailed-exitcode), \
3 waits for a person, 4 refused, 64 wrong use of the command line."
)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Check a spec: every error that can be found before anything runs
    Check(check::Args),
    /// Write a first spec from the overlays, manifests and Dockerfiles of a folder
    Init(init::Args),
    /// Repair what is surely right to repair
    Fix(fix::Args),
    /// Explain a code of a finding
    Explain(explain::Args),
    /// Put KDL files into the one layout
    Fmt(fmt::Args),
    /// Fetch the modules that come from git, and lock them
    Vendor(vendor::Args),
    /// Show what would happen, and save it
    Plan(plan::Args),
    /// Show a plan file
    Show(show::Args),
    /// Write the facts that a plan rests on
    Observe(observe::Args),
    /// Print the graph of a plan
    Graph(graph::Args),
    /// Do a plan
    Apply(apply::Args),
    /// Say yes to a gate
    Approve(approve::Args),
    /// Deliver an example project, twice, on the embedded cluster
    Demo(demo::Args),
    /// Print the completion script of a shell
    Completions(completions::Args),
    /// Print the man page, or write one for each command
    Man(completions::ManArgs),
    /// Run one of Waybill's own steps inside a Pod
    #[command(hide = true)]
    Step {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

/// Runs the command line `args`, the program's name first.
pub fn run(args: impl Iterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            let wrong = error.use_stderr();
            // Nobody is left to tell where printing the usage fails.
            let _ = error.print();
            return ExitCode::from(if wrong { Exit::Usage as u8 } else { Exit::Done as u8 });
        }
    };
    // Kubernetes clients need it; it fails only where somebody installed one before.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let exit = match args.command {
        Command::Check(args) => check::run(&args),
        Command::Init(args) => init::run(&args),
        Command::Fix(args) => fix::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Vendor(args) => vendor::run(&args),
        Command::Plan(args) => plan::run(&args),
        Command::Show(args) => show::run(&args),
        Command::Observe(args) => observe::run(&args),
        Command::Graph(args) => graph::run(&args),
        Command::Apply(args) => apply::run(&args),
        Command::Approve(args) => approve::run(&args),
        Command::Demo(args) => demo::run(&args),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => completions::man(&args),
        Command::Step { args } => return crate::step::main(&args),
    };
    ExitCode::from(exit as u8)
}
