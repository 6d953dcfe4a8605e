//! The working tree of one commit, as a clone with exactly that commit.
//!
//! **Invariant:** file contents are the blobs' bytes: no filters, no line-end conversion, no hooks, no templates.
//! Not here: later commits, submodules, large-file storage.

use std::path::Path;

use git2::build::CheckoutBuilder;
use git2::{ObjectType, Oid, Repository, RepositoryInitOptions, TreeWalkMode, TreeWalkResult};

use super::StepError;
use crate::effects::git::{GitError, local_path};

/// What was checked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkout {
    pub sha: String,
}

/// Makes `target`, which is empty or not there, a shallow clone of `remote` (a path or a `file://` URL) with a detached
/// HEAD at `revision`. After a failure `target` is empty again.
pub fn checkout(remote: &str, revision: &str, target: &Path) -> Result<Checkout, StepError> {
    let path = local_path(remote).ok_or_else(|| GitError::Transport { remote: remote.to_owned() })?;
    let source = Repository::open(&path).map_err(|error| GitError::opening(remote, &error))?;
    let unknown = || GitError::UnknownRevision { revision: revision.to_owned() };
    let object = source.revparse_single(revision).map_err(|_| unknown())?;
    let commit = object.peel_to_commit().map_err(|_| unknown())?;
    refuse_submodules(&commit)?;
    let making = |error: &std::io::Error| StepError::io(format!("making {}", target.display()), error);
    std::fs::create_dir_all(target).map_err(|error| making(&error))?;
    let mut entries = std::fs::read_dir(target).map_err(|error| making(&error))?;
    if entries.next().is_some() {
        return Err(StepError::NotEmpty { path: target.to_owned() });
    }
    let done = fill(&source, &commit, remote, target);
    if let Err(error) = done {
        // What is left would stand in the way of another attempt.
        if let Err(cleaning) = empty(target) {
            return Err(StepError::io(format!("{}; cleaning {}", error.message(), target.display()), &cleaning));
        }
        return Err(GitError::Git { doing: "checking out", message: error.message().to_owned() }.into());
    }
    Ok(Checkout { sha: commit.id().to_string() })
}

fn refuse_submodules(commit: &git2::Commit<'_>) -> Result<(), StepError> {
    let mut found = None;
    let failed = |error: git2::Error| GitError::Git {
        doing: "reading the tree of a commit",
        message: error.message().to_owned(),
    };
    let tree = commit.tree().map_err(failed)?;
    tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
        if entry.kind() == Some(ObjectType::Commit) && found.is_none() {
            found = Some(format!("{folder}{}", String::from_utf8_lossy(entry.name_bytes())));
        }
        TreeWalkResult::Ok
    })
    .map_err(failed)?;
    match found {
        Some(path) => Err(GitError::Submodules { revision: commit.id().to_string(), path }.into()),
        None => Ok(()),
    }
}

fn fill(source: &Repository, commit: &git2::Commit<'_>, remote: &str, target: &Path) -> Result<(), git2::Error> {
    let mut options = RepositoryInitOptions::new();
    options.external_template(false).initial_head("main");
    let repo = Repository::init_opts(target, &options)?;
    repo.remote("origin", remote)?;
    copy_objects(source, &repo, commit.id())?;
    if commit.parent_count() > 0 {
        let shallow = repo.path().join("shallow");
        std::fs::write(&shallow, format!("{}\n", commit.id()))
            .map_err(|error| git2::Error::from_str(&format!("writing {}: {error}", shallow.display())))?;
    }
    repo.set_head_detached(commit.id())?;
    let mut builder = CheckoutBuilder::new();
    builder.force().disable_filters(true);
    repo.checkout_head(Some(&mut builder))
}

/// One pack with the commit, its trees and its blobs.
fn copy_objects(source: &Repository, target: &Repository, commit: Oid) -> Result<(), git2::Error> {
    let mut pack = source.packbuilder()?;
    pack.insert_commit(commit)?;
    let folder = target.path().join("objects/pack");
    std::fs::create_dir_all(&folder)
        .map_err(|error| git2::Error::from_str(&format!("making {}: {error}", folder.display())))?;
    pack.write(&folder, 0)
}

fn empty(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_type()?.is_dir() {
            true => std::fs::remove_dir_all(entry.path())?,
            false => std::fs::remove_file(entry.path())?,
        }
    }
    Ok(())
}
