//! Reading a repository: facts of a clone, history, trailers, trees, files.
//!
//! **Invariant:** nothing is written, neither refs nor index nor working tree.
//! Not here: remotes.

use std::path::{Path, PathBuf};

use git2::{Commit, ErrorCode, Oid, Repository, StatusOptions, TreeWalkMode, TreeWalkResult};

use super::cache::local_path;
use super::{GitError, TRAILER_PLAN};

/// A repository that is read: the user's clone or a cache.
pub struct Repo {
    pub(super) git: Repository,
}

/// What a clone says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The folder of the working tree.
    pub root: PathBuf,
    pub head: String,
    /// `None` with a detached HEAD.
    pub branch: Option<String>,
    /// Paths below `root`, sorted, that differ from HEAD; an untracked folder counts as one and ends in `/`.
    pub uncommitted: Vec<String>,
    /// The remote `origin`; a relative path is made absolute.
    pub origin: Option<String>,
}

/// How a commit stands to a fetched tip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behind {
    /// Commits that the tip lacks.
    pub ahead: usize,
    /// Commits at the tip, newest first, that do not carry Waybill's trailers.
    pub others: Vec<String>,
    /// How many of Waybill's own commits are at the tip only.
    pub own: usize,
}

/// A file of a commit's tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeFile {
    pub path: String,
    /// As git has it: 0o100644, 0o100755, 0o120000 (symbolic link) or 0o160000 (submodule).
    pub mode: u32,
    /// The blob's id.
    pub id: String,
}

impl Repo {
    /// Opens the repository that `path` lies in.
    pub fn discover(path: &Path) -> Result<Repo, GitError> {
        let not_there = || GitError::NotARepository { path: path.to_owned() };
        let error = |error: git2::Error| match error.code() {
            ErrorCode::Owner => GitError::Owner { path: path.display().to_string() },
            ErrorCode::NotFound => not_there(),
            _ => GitError::git("opening the repository")(error),
        };
        let git = Repository::discover(path).map_err(error)?;
        Ok(Repo { git })
    }

    pub fn facts(&self) -> Result<Facts, GitError> {
        let root = self.git.workdir().unwrap_or(self.git.path()).to_owned();
        let head = self.git.head().map_err(|error| match error.code() {
            ErrorCode::UnbornBranch | ErrorCode::NotFound => GitError::NoCommits { path: root.clone() },
            _ => GitError::git("reading HEAD")(error),
        })?;
        let commit = head.peel_to_commit().map_err(GitError::git("reading HEAD"))?;
        let branch = head.is_branch().then(|| head.shorthand().ok().map(str::to_owned)).flatten();
        let origin = self.git.find_remote("origin").ok();
        let origin = origin.and_then(|remote| remote.url().ok().map(|url| absolute(&root, url)));
        let uncommitted = self.uncommitted()?;
        Ok(Facts { root, head: commit.id().to_string(), branch, uncommitted, origin })
    }

    fn uncommitted(&self) -> Result<Vec<String>, GitError> {
        if self.git.is_bare() {
            return Ok(Vec::new());
        }
        let mut options = StatusOptions::new();
        options.include_untracked(true).exclude_submodules(true);
        let statuses = self.git.statuses(Some(&mut options)).map_err(GitError::git("reading the working tree"))?;
        let path = |entry: git2::StatusEntry<'_>| String::from_utf8_lossy(entry.path_bytes()).into_owned();
        let mut paths: Vec<String> = statuses.iter().map(path).collect();
        paths.sort();
        Ok(paths)
    }

    /// The commit that a revision (`HEAD`, a branch, a tag, a full or short id, `main~2`) stands for.
    pub fn resolve(&self, revision: &str) -> Result<String, GitError> {
        let unknown = || GitError::UnknownRevision { revision: revision.to_owned() };
        if self.git.is_empty().unwrap_or(false) && revision == "HEAD" {
            let path = self.git.workdir().unwrap_or(self.git.path()).to_owned();
            return Err(GitError::NoCommits { path });
        }
        let object = self.git.revparse_single(revision).map_err(|_| unknown())?;
        let commit = object.peel_to_commit().map_err(|_| unknown())?;
        Ok(commit.id().to_string())
    }

    pub(super) fn commit(&self, sha: &str) -> Result<Commit<'_>, GitError> {
        let unknown = |_| GitError::UnknownRevision { revision: sha.to_owned() };
        let id = Oid::from_str(sha).map_err(unknown)?;
        self.git.find_commit(id).map_err(unknown)
    }

    pub fn has_commit(&self, sha: &str) -> bool {
        self.commit(sha).is_ok()
    }

    /// The first parent; `None` for a root.
    pub(super) fn first_parent<'a>(&self, commit: &Commit<'a>) -> Result<Option<Commit<'a>>, GitError> {
        if commit.parent_count() == 0 {
            if self.git.is_shallow() && self.cuts_off(commit.id()) {
                return Err(self.shallow());
            }
            return Ok(None);
        }
        commit.parent(0).map(Some).map_err(|error| match error.code() {
            ErrorCode::NotFound => self.shallow(),
            _ => GitError::git("reading history")(error),
        })
    }

    fn shallow(&self) -> GitError {
        GitError::Shallow { path: self.git.workdir().unwrap_or(self.git.path()).to_owned() }
    }

    fn cuts_off(&self, id: Oid) -> bool {
        let roots = std::fs::read_to_string(self.git.path().join("shallow")).unwrap_or_default();
        roots.lines().any(|line| line == id.to_string())
    }

    /// `from` and its first-parent ancestors, newest first, at most `limit`.
    pub fn first_parents(&self, from: &str, limit: usize) -> Result<Vec<String>, GitError> {
        let mut out = Vec::new();
        let mut next = Some(self.commit(from)?);
        while let Some(commit) = next.filter(|_| out.len() < limit) {
            out.push(commit.id().to_string());
            next = if out.len() < limit { self.first_parent(&commit)? } else { None };
        }
        Ok(out)
    }

    /// Trailers of a commit's message, in order.
    pub fn trailers(&self, sha: &str) -> Result<Vec<(String, String)>, GitError> {
        Ok(trailers(&self.commit(sha)?))
    }

    /// The nearest first-parent ancestor of `sha`, itself included, that does not carry Waybill's trailers; the oldest
    /// commit if all do.
    pub fn delivered(&self, sha: &str) -> Result<String, GitError> {
        let mut commit = self.commit(sha)?;
        while is_own(&commit) {
            match self.first_parent(&commit)? {
                Some(parent) => commit = parent,
                None => break,
            }
        }
        Ok(commit.id().to_string())
    }

    /// Whether `ancestor` is reachable from `descendant`; a commit is not its own ancestor.
    pub fn is_ancestor(&self, ancestor: &str, descendant: &str) -> Result<bool, GitError> {
        let ancestor = self.commit(ancestor)?.id();
        let descendant = self.commit(descendant)?.id();
        self.git.graph_descendant_of(descendant, ancestor).map_err(GitError::git("reading history"))
    }

    /// How `head` stands to `tip`; both must be here (see [`super::Cache::attach`]).
    pub fn behind(&self, head: &str, tip: &str) -> Result<Behind, GitError> {
        let failed = GitError::git("comparing with the remote branch");
        let (head, tip) = (self.commit(head)?.id(), self.commit(tip)?.id());
        let (ahead, _) = self.git.graph_ahead_behind(head, tip).map_err(&failed)?;
        let mut walk = self.git.revwalk().map_err(&failed)?;
        walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::TIME).map_err(&failed)?;
        walk.push(tip).map_err(&failed)?;
        walk.hide(head).map_err(&failed)?;
        let mut behind = Behind { ahead, others: Vec::new(), own: 0 };
        for id in walk {
            let commit = self.git.find_commit(id.map_err(&failed)?).map_err(&failed)?;
            match is_own(&commit) {
                true => behind.own += 1,
                false => behind.others.push(commit.id().to_string()),
            }
        }
        Ok(behind)
    }

    /// The bytes of a file at a commit; `None` if there is no file or link of this path. Links are not followed.
    pub fn read_file(&self, sha: &str, path: &str) -> Result<Option<Vec<u8>>, GitError> {
        let found = self.file(sha, path)?;
        let Some((id, _)) = found else {
            return Ok(None);
        };
        let blob = self.git.find_blob(id).map_err(GitError::git("reading a file of a commit"))?;
        Ok(Some(blob.content().to_vec()))
    }

    /// The blob and mode of a file or link.
    pub(super) fn file(&self, sha: &str, path: &str) -> Result<Option<(Oid, i32)>, GitError> {
        let failed = GitError::git("reading the tree of a commit");
        let tree = self.commit(sha)?.tree().map_err(&failed)?;
        match tree.get_path(Path::new(path)) {
            Ok(entry) if entry.kind() == Some(git2::ObjectType::Blob) => Ok(Some((entry.id(), entry.filemode()))),
            Ok(_) => Ok(None),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    /// All files, links and submodules of a commit, sorted by path.
    pub fn list_tree(&self, sha: &str) -> Result<Vec<TreeFile>, GitError> {
        let failed = GitError::git("reading the tree of a commit");
        let tree = self.commit(sha)?.tree().map_err(&failed)?;
        let mut out = Vec::new();
        tree.walk(TreeWalkMode::PreOrder, |folder, entry| {
            if entry.kind() != Some(git2::ObjectType::Tree) {
                let path = format!("{folder}{}", String::from_utf8_lossy(entry.name_bytes()));
                let mode = u32::try_from(entry.filemode_raw()).unwrap_or(0);
                out.push(TreeFile { path, mode, id: entry.id().to_string() });
            }
            TreeWalkResult::Ok
        })
        .map_err(&failed)?;
        out.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(out)
    }
}

pub(super) fn trailers(commit: &Commit<'_>) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let Ok(found) = git2::message_trailers_bytes(commit.message_bytes()) else {
        return Vec::new();
    };
    found.iter().map(|(key, value)| (text(key), text(value))).collect()
}

/// Whether Waybill made this commit.
fn is_own(commit: &Commit<'_>) -> bool {
    trailers(commit).iter().any(|(key, _)| key == TRAILER_PLAN)
}

/// A remote as every process can use it: a local path is made absolute, without links and `..`, since a container must see
/// the same path.
pub(crate) fn absolute(root: &Path, url: &str) -> String {
    match local_path(url) {
        Some(path) if !url.contains("://") => {
            let joined = root.join(&path);
            joined.canonicalize().unwrap_or(joined).display().to_string()
        }
        Some(_) | None => url.to_owned(),
    }
}
