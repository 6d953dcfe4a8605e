//! `waybill fix`: the safe repairs of a project's findings, made in its files.
//!
//! **Invariant:** files are written only if the repaired project has no error that it did not have before; each file is
//! replaced whole.

use std::collections::BTreeMap;
use std::path::PathBuf;

use similar::TextDiff;
use waybill_compiler::diag::{Diagnostic, Edit, repair};
use waybill_compiler::modules::lock;

use super::report::{self, Format};
use super::session::Session;
use super::{Exit, out};
use crate::load::{self, Edited, Loaded};
use crate::planfile;

#[derive(clap::Args)]
pub struct Args {
    /// The project's folder, or its spec file
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Print the changes and write nothing
    #[arg(long)]
    diff: bool,
}

/// Rounds of repair: a fix may uncover a finding that has one too.
const ROUNDS: usize = 16;

/// New texts by path.
type Texts = BTreeMap<String, String>;

/// Repairs what is surely right to repair, and prints what is left.
pub fn run(args: &Args) -> Exit {
    let mut session = Session::open(&args.path);
    let errors = session.loaded.diags.errors();
    let Some((texts, applied)) = repaired(&mut session) else {
        return session.report(&session.loaded.diags.clone().sorted(), Format::Fancy);
    };
    if session.loaded.diags.errors() > errors {
        out::say("error: the repaired files would have more errors than before, so nothing was written");
        return Exit::Failed;
    }
    if args.diff {
        return out::print(&texts.iter().map(|(path, text)| diff(&session, path, text)).collect::<String>());
    }
    for (path, text) in &texts {
        if let Err(error) = planfile::write_atomically(&session.root.join(path), text.as_bytes()) {
            out::say(&format!("error: {} cannot be written: {}", session.display(path), load::plain(&error)));
            return Exit::Failed;
        }
    }
    let (fixes, files) = (report::plural(applied, "fix", "fixes"), report::plural(texts.len(), "file", "files"));
    out::print(&format!("{fixes} in {files}.\n"));
    session.report(&session.loaded.diags.clone().sorted(), Format::Fancy)
}

/// The texts that repair changes, and how many fixes that took; the session is then that of the repaired project.
/// `None` if there is nothing to repair.
fn repaired(session: &mut Session) -> Option<(Texts, usize)> {
    let mut texts = Texts::new();
    let mut count = 0;
    for _ in 0..ROUNDS {
        let round = repair::repair(&session.loaded.sources, &own(session));
        if round.texts.is_empty() {
            break;
        }
        count += round.applied.len();
        let sources = &session.loaded.sources;
        texts.extend(round.texts.into_iter().map(|(file, text)| (sources.path(file).to_owned(), text)));
        session.loaded = reload(session, &texts)?;
    }
    (count > 0).then_some((texts, count))
}

/// The findings whose fixes are in files of the project: copies of modules are changed where they come from.
fn own(session: &Session) -> Vec<Diagnostic> {
    let copied = |edit: &Edit| session.loaded.sources.path(edit.span.file).starts_with(lock::FOLDER);
    let mut findings = session.loaded.diags.clone().sorted();
    for finding in &mut findings {
        finding.fixes.retain(|fix| !fix.edits.iter().any(copied));
    }
    findings
}

/// The project compiled with other texts in place of its files.
fn reload(session: &Session, texts: &Texts) -> Option<Loaded> {
    let folder = session.folder.as_ref()?;
    Some(load::load(&Edited { below: folder, texts }, &session.asked))
}

/// A unified diff of a file against its new text.
fn diff(session: &Session, path: &str, text: &str) -> String {
    let before = std::fs::read_to_string(session.root.join(path)).unwrap_or_default();
    let shown = session.display(path);
    TextDiff::from_lines(before.as_str(), text).unified_diff().header(&shown, &shown).to_string()
}
