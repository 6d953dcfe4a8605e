//! `waybill graph`.

use std::path::PathBuf;

use clap::ValueEnum;
use waybill_compiler::diag::codes;
use waybill_compiler::plan::render::graph;

use super::plan::{self, From, Request, Scope};
use super::session::Session;
use super::{Exit, TOOL, out};
use crate::planfile;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Mermaid,
    Dot,
}

#[derive(clap::Args)]
pub struct Args {
    /// The project's folder, or a plan file
    #[arg(default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    scope: Scope,
    #[arg(long, value_enum, default_value_t = Format::Mermaid)]
    format: Format,
    /// Reach nothing: compare with the base revision
    #[arg(long)]
    offline: bool,
}

/// Prints what waits for what.
pub fn run(args: &Args) -> Exit {
    let plan = if super::apply::is_plan_file(&args.path) {
        match planfile::read(&args.path, TOOL) {
            Ok(plan) => plan,
            Err(error) => return super::apply::refuse_file(&args.path, &error, false),
        }
    } else {
        let session = Session::open(&args.path);
        let runtime = match plan::runtime() {
            Ok(runtime) => runtime,
            Err(error) => return session.fail(&codes::OUTSIDE, error, false),
        };
        let from = if args.offline { From::Base(None) } else { From::World { node: false } };
        let request = Request { scope: args.scope.clone(), from, retry: Vec::new(), json: false };
        match runtime.block_on(plan::make(&session, &request)) {
            Ok(planned) => planned.plan,
            Err(exit) => return exit,
        }
    };
    out::print(&match args.format {
        Format::Mermaid => graph::mermaid(&plan),
        Format::Dot => graph::dot(&plan),
    })
}
