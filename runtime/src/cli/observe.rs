//! `waybill observe`.

use std::path::PathBuf;

use waybill_compiler::diag::codes;

use super::plan::{self, From, Request, Scope};
use super::session::Session;
use super::{Exit, out};
use crate::planfile;

#[derive(clap::Args)]
pub struct Args {
    /// The project's folder
    #[arg(default_value = ".")]
    path: PathBuf,
    #[command(flatten)]
    scope: Scope,
    /// Where the facts are written
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Writes the facts that `plan --observed` reads.
pub fn run(args: &Args) -> Exit {
    let session = Session::open(&args.path);
    let runtime = match plan::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return session.fail(&codes::OUTSIDE, error, false),
    };
    let request =
        Request { scope: args.scope.clone(), from: From::World { node: false }, retry: Vec::new(), json: false };
    let planned = match runtime.block_on(plan::make(&session, &request)) {
        Ok(planned) => planned,
        Err(exit) => return exit,
    };
    let text = serde_json::to_string_pretty(&planned.observed).expect("BUG: facts are always JSON");
    if let Some(clusters) = planned.clusters {
        runtime.block_on(clusters.close());
    }
    match planfile::write_atomically(&args.out, format!("{text}\n").as_bytes()) {
        Ok(()) => out::print(&format!(
            "Facts written to {}. To plan with them: waybill plan --observed {}\n",
            args.out.display(),
            args.out.display()
        )),
        Err(error) => {
            session.fail(&codes::OUTSIDE, format!("{}: {}", args.out.display(), crate::load::plain(&error)), false)
        }
    }
}
