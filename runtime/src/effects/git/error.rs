//! Why git work fails, each with the way out.
//!
//! **Invariant:** every message can stand alone in a terminal and says what to do next where something can be done.
//! Not here: exit codes.

use std::fmt;
use std::path::PathBuf;

/// A git operation that failed. `message` is what libgit2, `git` or the system said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GitError {
    NotARepository { path: PathBuf },
    NoCommits { path: PathBuf },
    UnknownRevision { revision: String },
    Shallow { path: PathBuf },
    Owner { path: String },
    Unreadable { remote: String, message: String },
    Transport { remote: String },
    NoBranch { remote: String, branch: String },
    Refused { remote: String, branch: String, message: String },
    Contended { remote: String, branch: String, attempts: u32 },
    Submodules { revision: String, path: String },
    NotText { path: String },
    Edit { path: String, message: String },
    Io { doing: String, message: String },
    Git { doing: &'static str, message: String },
}

impl GitError {
    pub(super) fn git(doing: &'static str) -> impl Fn(git2::Error) -> GitError {
        move |error| GitError::Git { doing, message: error.message().to_owned() }
    }

    pub(super) fn io(doing: String) -> impl Fn(std::io::Error) -> GitError {
        move |error| GitError::Io { doing: doing.clone(), message: error.to_string() }
    }

    /// What opening the repository of a remote says.
    pub(crate) fn opening(remote: &str, error: &git2::Error) -> GitError {
        match error.code() {
            git2::ErrorCode::Owner => GitError::Owner { path: remote.to_owned() },
            _ => GitError::Unreadable { remote: remote.to_owned(), message: error.message().to_owned() },
        }
    }
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GitError::NotARepository { path } => {
                write!(f, "{} is not in a git repository; run `git init` or give another path", path.display())
            }
            GitError::NoCommits { path } => {
                write!(f, "the repository {} has no commits yet; commit the spec first", path.display())
            }
            GitError::UnknownRevision { revision } => write!(
                f,
                "`{revision}` is no commit that this repository knows; check the name, or fetch the branch that has it"
            ),
            GitError::Shallow { path } => write!(
                f,
                "{} is a shallow clone without the history that is needed; run `git fetch --unshallow`",
                path.display()
            ),
            GitError::Owner { path } => write!(
                f,
                "the repository {path} belongs to another user; allow it with `git config --global --add safe.directory {path}`"
            ),
            GitError::Unreadable { remote, message } => write!(
                f,
                "the remote repository {remote} cannot be read: {message}; check its address and your access to it"
            ),
            GitError::Transport { remote } => write!(
                f,
                "{remote}: only repositories in the file system are supported as remotes; give a path or a file:// URL"
            ),
            GitError::NoBranch { remote, branch } => {
                write!(f, "the remote {remote} has no branch `{branch}`; push it first, or name another branch")
            }
            GitError::Refused { remote, branch, message } => write!(
                f,
                "the remote {remote} refused the push to `{branch}`: {message}; let this identity push there, or \
                 deliver through a branch that is not protected"
            ),
            GitError::Contended { remote, branch, attempts } => write!(
                f,
                "`{branch}` of {remote} moved during each of {attempts} attempts to push; run the command again"
            ),
            GitError::Submodules { revision, path } => write!(
                f,
                "{revision} has a submodule at `{path}`, and a checkout does not fetch submodules; put those files \
                 into the repository, or fetch them in a step"
            ),
            GitError::NotText { path } => write!(f, "`{path}` is not UTF-8 text, so it is not edited"),
            GitError::Edit { path, message } => write!(f, "`{path}` cannot be edited: {message}"),
            GitError::Io { doing, message } => write!(f, "{doing}: {message}"),
            GitError::Git { doing, message } => write!(f, "{doing}: {message}"),
        }
    }
}

impl std::error::Error for GitError {}
