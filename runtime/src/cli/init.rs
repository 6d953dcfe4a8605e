//! `waybill init`: a first spec from the overlays, manifests and Dockerfiles of a folder.
//!
//! **Invariant:** an existing spec is never touched; what is written has been checked, and what did not check clean was
//! left out and is named.

mod guess;
mod survey;
mod write;

use std::collections::BTreeMap;
use std::path::PathBuf;

use waybill_compiler::diag::{Diagnostic, Severity};

use super::session::Session;
use super::{Exit, out};
use crate::load::{self, Edited, Folder, Loaded};
use crate::planfile;
use guess::Guess;

/// The file that is written.
const SPEC: &str = "waybill.kdl";

#[derive(clap::Args)]
pub struct Args {
    /// The project's folder
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Print the spec and write nothing
    #[arg(long)]
    print: bool,
}

/// Writes the first spec of a project, and says what it guessed.
pub fn run(args: &Args) -> Exit {
    let session = Session::open(&args.path);
    let Some(folder) = &session.folder else {
        return session.report(&session.loaded.diags.clone().sorted(), super::report::Format::Fancy);
    };
    let taken = ["waybill.kdl", "waybill.yaml", ".waybill"].into_iter().find(|name| folder.root().join(name).exists());
    if let Some(taken) = taken {
        out::say(&format!("error: there is a spec already: {}; nothing was written", session.display(taken)));
        return Exit::Failed;
    }
    let found = match survey::survey(folder.root()) {
        Ok(found) => found,
        Err(error) => {
            out::say(&format!("error: the folder cannot be read: {}", load::plain(&error)));
            return Exit::Failed;
        }
    };
    let guess = settled(folder, guess::environments(&found), &found);
    let text = write::spec(&guess);
    if args.print {
        return out::print(&text);
    }
    let path = folder.root().join(SPEC);
    if let Err(error) = planfile::write_atomically(&path, text.as_bytes()) {
        out::say(&format!("error: {} cannot be written: {}", session.display(SPEC), load::plain(&error)));
        return Exit::Failed;
    }
    let next = "Next: read it, then `waybill check` and `waybill plan`.";
    out::print(&format!("{} written.\n\n{}\n{next}\n", session.display(SPEC), write::told(&guess)))
}

/// The guess with everything left out that does not check clean: environments first, then images, then promotions.
fn settled(folder: &Folder, mut guess: Guess, found: &survey::Found) -> Guess {
    let names: Vec<String> = guess.environments.iter().map(|environment| environment.name.clone()).collect();
    for name in names {
        let alone = guess.only(&name);
        if let Some(reason) = problem(&compiled(folder, &alone)) {
            guess.drop_environment(&name, reason);
        }
    }
    let rendered = compiled(folder, &guess);
    let Some(checked) = &rendered.checking.checked else { return guess };
    for image in guess::images(&guess, found, checked) {
        let mut with = guess.clone();
        with.take_image(image.clone());
        match problem(&compiled(folder, &with)) {
            None => guess = with,
            Some(reason) => guess.left_out.push(format!("image {}: {reason}", image.name)),
        }
    }
    let mut promoted = guess.clone();
    for (environment, from) in guess::promotions(&guess) {
        let before = promoted.clone();
        promoted.promote(&environment, &from);
        if let Some(reason) = problem(&compiled(folder, &promoted)) {
            promoted = before;
            promoted.left_out.push(format!("promotion from {from} to {environment}: {reason}"));
        }
    }
    promoted
}

/// The project compiled as if the guess were its spec.
fn compiled(folder: &Folder, guess: &Guess) -> Loaded {
    let texts = BTreeMap::from([(SPEC.to_owned(), write::spec(guess))]);
    load::load(&Edited { below: folder, texts: &texts }, ".")
}

/// What keeps a compilation from being clean: an error anywhere, or a warning about the spec itself.
fn problem(loaded: &Loaded) -> Option<String> {
    let of_spec = |finding: &Diagnostic| loaded.sources.path(finding.span.file) == SPEC;
    let bad = |finding: &&Diagnostic| match finding.severity {
        Severity::Error => true,
        Severity::Warning => of_spec(finding),
        Severity::Note => false,
    };
    let finding = loaded.diags.iter().find(bad)?;
    let place = if of_spec(finding) { String::new() } else { format!("{}: ", loaded.sources.place(finding.span)) };
    Some(format!("{place}{} ({})", finding.message, finding.code.id()))
}
