//! `waybill vendor`.

use std::path::PathBuf;

use waybill_compiler::modules::lock;

use super::report::{self, Format};
use super::session::Session;
use super::{Exit, out};
use crate::load;
use crate::vendor::{self, Failure, Vendored};

#[derive(clap::Args)]
pub struct Args {
    /// The project's folder
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Write nothing; exit 1 if the lock file or a copy is not what it should be
    #[arg(long)]
    check: bool,
    /// Ask the repositories anew what tags and branches stand for
    #[arg(long, conflicts_with = "check")]
    update: bool,
}

/// Fetches the modules of a project and writes them and the lock file.
pub fn run(args: &Args) -> Exit {
    let session = Session::open(&args.path);
    let Some(folder) = &session.folder else {
        return session.report(&session.loaded.diags.clone().sorted(), Format::Fancy);
    };
    let vendored = match vendor::gather(folder, &session.home, &session.asked, args.update) {
        Ok(vendored) => vendored,
        Err(Failure::Findings(sources, findings)) => {
            return report::print(&sources, &findings, Format::Fancy, &|path| session.display(path));
        }
        Err(Failure::Git(pin, error)) => {
            out::say(&format!("error: {}: {error}", pin.shown()));
            return Exit::Failed;
        }
    };
    match written(&session, &vendored, args.check) {
        Ok(exit) => exit,
        Err(error) => {
            out::say(&format!("error: the copies cannot be written: {}", load::plain(&error)));
            Exit::Failed
        }
    }
}

fn written(session: &Session, vendored: &Vendored, check: bool) -> std::io::Result<Exit> {
    let stale = vendored.stale(&session.root)?;
    if check && !stale.is_empty() {
        let lines: String = stale.iter().map(|line| format!("{}\n", session.display(line))).collect();
        out::print(&format!("{lines}Run `waybill vendor`.\n"));
        return Ok(Exit::Failed);
    }
    if !stale.is_empty() {
        vendored.write(&session.root)?;
    }
    if vendored.modules.is_empty() {
        return Ok(out::print("No module comes from git.\n"));
    }
    let line = |module: &vendor::Module| {
        let files = report::plural(module.files, "file", "files");
        format!("{}  {}  {files}\n", module.pin.shown(), &module.commit[..12])
    };
    let lines: String = vendored.modules.iter().map(line).collect();
    let what = match (stale.is_empty(), check) {
        (true, _) => "is up to date",
        (false, _) => "was written",
    };
    Ok(out::print(&format!("{lines}{} {what}.\n", session.display(lock::PATH))))
}
