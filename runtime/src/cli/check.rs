//! `waybill check`.

use std::path::PathBuf;

use super::manifests::{self, Judge};
use super::report::Format;
use super::session::Session;
use super::{Exit, out};

#[derive(clap::Args)]
pub struct Args {
    /// The project's folder, or its spec file; or, where there is no spec, a manifest or a folder of manifests
    #[arg(default_value = ".")]
    path: PathBuf,
    /// How findings are printed
    #[arg(long, value_enum, default_value_t = Format::Fancy)]
    format: Format,
    /// Release of Kubernetes that plain manifests are checked against: 1.34, 1.35 or 1.36 (the default)
    #[arg(long, value_name = "VERSION")]
    kubernetes_version: Option<String>,
    /// Folder with CustomResourceDefinitions for plain manifests; all other files below it are passed over
    #[arg(long, value_name = "DIR")]
    schemas: Option<PathBuf>,
}

/// Prints every finding. Warnings alone are no failure.
pub fn run(args: &Args) -> Exit {
    let session = match open(args) {
        Ok(session) => session,
        Err(message) => {
            out::say(&message);
            return Exit::Usage;
        }
    };
    let findings = session.loaded.diags.clone().sorted();
    if findings.is_empty() && args.format == Format::Short {
        return out::print("");
    }
    session.report(&findings, args.format)
}

fn open(args: &Args) -> Result<Session, String> {
    if manifests::are_at(&args.path) {
        let judge = Judge { version: args.kubernetes_version.clone(), schemas: args.schemas.clone() };
        return Ok(Session::plain(manifests::read(&args.path, &judge)?));
    }
    if args.kubernetes_version.is_some() || args.schemas.is_some() {
        return Err(
            "--kubernetes-version and --schemas are for plain manifests, and no manifests without a spec are here"
                .into(),
        );
    }
    Ok(Session::open(&args.path))
}
