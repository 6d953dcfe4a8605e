//! `waybill check`.

use std::path::PathBuf;

use super::report::Format;
use super::session::Session;
use super::{Exit, out};

#[derive(clap::Args)]
pub struct Args {
    /// The project's folder, or its spec file
    #[arg(default_value = ".")]
    path: PathBuf,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t = Format::Fancy)]
    format: Format,
}

/// Prints every finding. Warnings alone are no failure.
pub fn run(args: &Args) -> Exit {
    let session = Session::open(&args.path);
    let findings = session.loaded.diags.clone().sorted();
    if findings.is_empty() && args.format == Format::Short {
        return out::print("");
    }
    session.report(&findings, args.format)
}
