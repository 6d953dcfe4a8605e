//! Commits: edits of files on the tip of a branch, pushed compare-and-swap.
//!
//! **Invariant:** at most one commit per plan and action reaches the branch, however often this is called and wherever
//! it was cut off: the branch itself is asked first, by trailer. Values only go forward.
//! Not here: pushing itself.

use std::collections::BTreeMap;
use std::fmt;

use git2::build::TreeUpdateBuilder;
use git2::{Commit, FileMode, Oid, Signature, Time};

use super::push::{Push, push};
use super::repo::trailers;
use super::{Cache, GitError, TRAILER_ACTION, TRAILER_PLAN, TRAILER_SOURCE};

/// Who commits, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub email: String,
    /// Seconds since 1970, written as UTC.
    pub time_seconds: i64,
}

/// Why an edit is not made on the text that is there now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// What the edit replaces is not there any more.
    Moved(String),
    /// The file is not of a form that can be edited.
    Broken(String),
}

type Rebuild<'a> = dyn Fn(Option<&str>) -> Result<String, Refusal> + Send + Sync + 'a;

/// An edit of one file, made anew on whatever text is at the tip.
pub struct FileEdit<'a> {
    /// From the root of the repository, with `/`.
    pub path: String,
    /// From the text that is there (`None`: no such file) to the new text.
    pub rebuild: Box<Rebuild<'a>>,
}

/// A commit to be made.
pub struct CommitRequest<'a> {
    pub branch: String,
    pub edits: Vec<FileEdit<'a>>,
    /// Subject and body, without trailers.
    pub message: String,
    pub plan: String,
    /// The address of the action.
    pub action: String,
    /// Addresses of all actions that write the same scalars; `action` belongs to them anyway.
    pub same_scalars: Vec<String>,
    /// The commit that the new values were built from.
    pub source: Option<String>,
    /// Whether values of an older source are dropped where a newer one's are written; off for an undo.
    pub forward_only: bool,
    /// A commit before which this action cannot have been made, such as the tip that the plan saw; shortens the search.
    pub since: Option<String>,
    pub identity: Identity,
    /// How often to try when the branch moves.
    pub attempts: u32,
}

/// How a commit ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommitOutcome {
    Pushed {
        sha: String,
        parent: String,
    },
    /// This action's commit is on the branch: an earlier call made it.
    AlreadyThere {
        sha: String,
    },
    /// The files say so already, by somebody else's commit.
    Unchanged {
        tip: String,
    },
    /// `by`, a descendant of this request's source, is written there.
    Superseded {
        by: String,
        sha: String,
    },
    /// A scalar is not what the plan replaces; nothing was written.
    Moved {
        tip: String,
        what: String,
    },
}

impl fmt::Display for CommitOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CommitOutcome::Pushed { sha, .. } => write!(f, "pushed {sha}"),
            CommitOutcome::AlreadyThere { sha } => write!(f, "{sha} is there already"),
            CommitOutcome::Unchanged { tip } => write!(f, "nothing to change at {tip}"),
            CommitOutcome::Superseded { by, sha } => {
                write!(f, "superseded: {sha} wrote the values of the newer {by}")
            }
            CommitOutcome::Moved { what, .. } => write!(f, "the branch moved on: {what}"),
        }
    }
}

/// Makes the commit on the fetched tip and pushes it; when the branch moves meanwhile, makes it anew, bounded.
pub fn commit_edits(cache: &Cache, request: &CommitRequest<'_>) -> Result<CommitOutcome, GitError> {
    for _ in 0..request.attempts.max(1) {
        let tip = cache
            .fetch_tip(&request.branch)?
            .ok_or_else(|| GitError::NoBranch { remote: cache.remote().to_owned(), branch: request.branch.clone() })?;
        if let Some(ended) = what_is_there(cache, request, tip)? {
            return Ok(ended);
        }
        let made = match commit_on(cache, request, tip)? {
            Made::Commit(id) => id,
            Made::Ended(outcome) => return Ok(outcome),
        };
        match push(cache, &request.branch, tip, made)? {
            Push::Done => return Ok(CommitOutcome::Pushed { sha: made.to_string(), parent: tip.to_string() }),
            Push::TipMoved => {}
        }
    }
    Err(GitError::Contended {
        remote: cache.remote().to_owned(),
        branch: request.branch.clone(),
        attempts: request.attempts.max(1),
    })
}

enum Made {
    Commit(Oid),
    Ended(CommitOutcome),
}

/// Looks for this action's own commit, and for the values of a newer source.
fn what_is_there(cache: &Cache, request: &CommitRequest<'_>, tip: Oid) -> Result<Option<CommitOutcome>, GitError> {
    let git = &cache.repo().git;
    let failed = GitError::git("reading the history of the branch");
    let mut walk = git.revwalk().map_err(&failed)?;
    walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::TIME).map_err(&failed)?;
    walk.push(tip).map_err(&failed)?;
    let source = request.source.as_deref().filter(|_| request.forward_only);
    if let Some(since) = request.since.as_deref().filter(|since| source.is_none() && cache.repo().has_commit(since)) {
        walk.hide(cache.repo().commit(since)?.id()).map_err(&failed)?;
    }
    let mut written = None;
    for id in walk {
        let commit = git.find_commit(id.map_err(&failed)?).map_err(&failed)?;
        let Some(own) = Own::of(&commit) else {
            continue;
        };
        if own.plan == request.plan && own.action == request.action {
            return Ok(Some(CommitOutcome::AlreadyThere { sha: commit.id().to_string() }));
        }
        let same = own.action == request.action || request.same_scalars.contains(&own.action);
        if written.is_none() && same && own.source.is_some() {
            written = own.source.map(|source| (source, commit.id().to_string()));
        }
    }
    let (Some(source), Some((by, sha))) = (source, written) else {
        return Ok(None);
    };
    let repo = cache.repo();
    // A source that is not on the branch, such as one that was rebased away, has no place in this order.
    let older = repo.has_commit(source) && repo.has_commit(&by) && repo.is_ancestor(source, &by)?;
    Ok(older.then_some(CommitOutcome::Superseded { by, sha }))
}

/// What the trailers of one of Waybill's commits say.
struct Own {
    plan: String,
    action: String,
    source: Option<String>,
}

impl Own {
    fn of(commit: &Commit<'_>) -> Option<Own> {
        let found = trailers(commit);
        let value = |wanted: &str| found.iter().find(|(key, _)| key == wanted).map(|(_, value)| value.clone());
        Some(Own { plan: value(TRAILER_PLAN)?, action: value(TRAILER_ACTION)?, source: value(TRAILER_SOURCE) })
    }
}

/// Writes blobs, trees and the commit into the cache.
fn commit_on(cache: &Cache, request: &CommitRequest<'_>, tip: Oid) -> Result<Made, GitError> {
    let git = &cache.own.git;
    let failed = GitError::git("making the commit");
    let parent = git.find_commit(tip).map_err(&failed)?;
    let baseline = parent.tree().map_err(&failed)?;
    // Several edits of one file are made one after the other.
    let mut written: BTreeMap<&str, (String, FileMode)> = BTreeMap::new();
    for edit in &request.edits {
        let now = match written.get(edit.path.as_str()) {
            Some(written) => Some(written.clone()),
            None => current(cache, &tip.to_string(), &edit.path)?,
        };
        let (text, mode) = now.map_or((None, FileMode::Blob), |(text, mode)| (Some(text), mode));
        let new = match (edit.rebuild)(text.as_deref()) {
            Ok(new) => new,
            Err(Refusal::Moved(what)) => {
                return Ok(Made::Ended(CommitOutcome::Moved { tip: tip.to_string(), what }));
            }
            Err(Refusal::Broken(message)) => {
                return Err(GitError::Edit { path: edit.path.clone(), message });
            }
        };
        if text.as_deref() != Some(new.as_str()) {
            written.insert(&edit.path, (new, mode));
        }
    }
    if written.is_empty() {
        return Ok(Made::Ended(CommitOutcome::Unchanged { tip: tip.to_string() }));
    }
    let mut update = TreeUpdateBuilder::new();
    for (path, (text, mode)) in &written {
        update.upsert(*path, git.blob(text.as_bytes()).map_err(&failed)?, *mode);
    }
    let tree = update.create_updated(git, &baseline).map_err(&failed)?;
    let tree = git.find_tree(tree).map_err(&failed)?;
    let who = &request.identity;
    let who = Signature::new(&who.name, &who.email, &Time::new(who.time_seconds, 0)).map_err(&failed)?;
    let id = git.commit(None, &who, &who, &message(request), &tree, &[&parent]).map_err(&failed)?;
    Ok(Made::Commit(id))
}

/// Text and mode of a regular file; a link is not edited.
fn current(cache: &Cache, sha: &str, path: &str) -> Result<Option<(String, FileMode)>, GitError> {
    let normal = |part: &str| !part.is_empty() && part != "." && part != ".." && !part.eq_ignore_ascii_case(".git");
    if !path.split('/').all(normal) {
        let message = "it is not a path inside the repository".to_owned();
        return Err(GitError::Edit { path: path.to_owned(), message });
    }
    let Some((id, mode)) = cache.own.file(sha, path)? else {
        return Ok(None);
    };
    let mode = match mode {
        0o120000 => {
            let message = "it is a symbolic link; name the file that it leads to".to_owned();
            return Err(GitError::Edit { path: path.to_owned(), message });
        }
        0o100755 => FileMode::BlobExecutable,
        _ => FileMode::Blob,
    };
    let blob = cache.own.git.find_blob(id).map_err(GitError::git("reading a file of a commit"))?;
    let text = String::from_utf8(blob.content().to_vec()).map_err(|_| GitError::NotText { path: path.to_owned() })?;
    Ok(Some((text, mode)))
}

/// The message with its trailers; a line break in a value cannot make another trailer.
fn message(request: &CommitRequest<'_>) -> String {
    let one_line = |value: &str| value.replace(['\n', '\r'], " ");
    let mut out = format!("{}\n\n", request.message.trim());
    let mut trailer = |key: &str, value: &str| out.push_str(&format!("{key}: {}\n", one_line(value)));
    trailer(TRAILER_PLAN, &request.plan);
    trailer(TRAILER_ACTION, &request.action);
    if let Some(source) = &request.source {
        trailer(TRAILER_SOURCE, source);
    }
    out
}
