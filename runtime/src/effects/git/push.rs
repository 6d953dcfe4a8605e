//! Pushes one commit onto the tip that it was made on, or nothing.
//!
//! **Invariant:** the remote branch is replaced only while it is exactly the commit's parent. A repository with hooks
//! is pushed to by the `git` program, so that its hooks (branch protection) decide; none is ever passed by.
//! Not here: what to do when the tip moved.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use git2::{ErrorCode, ObjectType, Oid, Repository};

use super::{Cache, GitError};

/// How long another push may hold the branch's lock file.
const LOCK_WAIT: Duration = Duration::from_secs(10);
/// So old is no lock of a push that is alive.
const LEFT_LOCK: Duration = Duration::from_secs(2);
const LOCK_POLL: Duration = Duration::from_millis(5);

/// Hooks of a receiving repository that must see, or may refuse, a push.
const HOOKS: [&str; 6] =
    ["pre-receive", "update", "post-receive", "post-update", "reference-transaction", "proc-receive"];

pub(super) enum Push {
    Done,
    TipMoved,
}

pub(super) fn push(cache: &Cache, branch: &str, parent: Oid, commit: Oid) -> Result<Push, GitError> {
    let remote = Repository::open(&cache.path).map_err(|error| GitError::opening(cache.remote(), &error))?;
    let refused =
        |message: String| GitError::Refused { remote: cache.remote().to_owned(), branch: branch.to_owned(), message };
    if has_hooks(&remote) {
        return push_by_program(cache, branch, parent, commit, &refused);
    }
    let name = format!("refs/heads/{branch}");
    if !remote.is_bare() && remote.find_reference("HEAD").is_ok_and(|head| head.symbolic_target() == Ok(Some(&name))) {
        return Err(refused("it is checked out there, in a repository that is not bare".to_owned()));
    }
    let failed = |error: git2::Error| refused(format!("writing there failed: {}", error.message()));
    copy_commit(&cache.own.git, &remote, commit).map_err(failed)?;
    let mark = Mark::set(cache, &remote, &name)?;
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        let error = match remote.reference_matching(&name, commit, true, parent, "push") {
            Ok(_) => return Ok(Push::Done),
            Err(error) => error,
        };
        match error.code() {
            ErrorCode::Modified | ErrorCode::NotFound => return Ok(Push::TipMoved),
            ErrorCode::Locked if Instant::now() < deadline => {
                mark.break_lock_of_killed_push()?;
                std::thread::sleep(LOCK_POLL);
            }
            _ => return Err(failed(error)),
        }
    }
}

/// Says, for as long as it lives, that this home pushes to a branch. One process at a time has it; a file that a killed one
/// left tells the next that a lock of the branch may be that one's.
struct Mark {
    file: PathBuf,
    /// The branch's lock file.
    lock: PathBuf,
    /// When the mark of a killed push was made.
    killed: Option<SystemTime>,
    _held: std::fs::File,
}

impl Mark {
    fn set(cache: &Cache, remote: &Repository, name: &str) -> Result<Mark, GitError> {
        let file = cache.own.git.path().join("waybill-pushing");
        let held = super::cache::hold(&file.with_extension("lock"))?;
        let killed = std::fs::metadata(&file).and_then(|mark| mark.modified()).ok();
        if killed.is_none() {
            std::fs::write(&file, name).map_err(GitError::io(format!("marking the push in {}", file.display())))?;
        }
        Ok(Mark { file, lock: remote.commondir().join(format!("{name}.lock")), killed, _held: held })
    }

    /// Removes a lock that is younger than the mark and older than the instant for which a living push holds one.
    fn break_lock_of_killed_push(&self) -> Result<(), GitError> {
        let Some(killed) = self.killed else { return Ok(()) };
        let made = std::fs::metadata(&self.lock).and_then(|lock| lock.modified());
        let left = made.is_ok_and(|made| made >= killed && made.elapsed().is_ok_and(|age| age > LEFT_LOCK));
        if left {
            let doing = format!("removing {}, which a killed push has left", self.lock.display());
            std::fs::remove_file(&self.lock).map_err(GitError::io(doing))?;
        }
        Ok(())
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        // A mark that stays is as good as that of a killed push.
        let _ = std::fs::remove_file(&self.file);
    }
}

/// Writes what the remote lacks: the commit last, so that whatever is there is complete.
fn copy_commit(from: &Repository, to: &Repository, commit: Oid) -> Result<(), git2::Error> {
    let (source, target) = (from.odb()?, to.odb()?);
    copy_tree(from, &source, &target, from.find_commit(commit)?.tree_id())?;
    copy_object(&source, &target, commit)
}

fn copy_tree(from: &Repository, source: &git2::Odb<'_>, target: &git2::Odb<'_>, id: Oid) -> Result<(), git2::Error> {
    if target.exists(id) {
        return Ok(());
    }
    for entry in &from.find_tree(id)? {
        match entry.kind() {
            Some(ObjectType::Tree) => copy_tree(from, source, target, entry.id())?,
            Some(ObjectType::Blob) => copy_object(source, target, entry.id())?,
            // A submodule's commit lies elsewhere.
            Some(ObjectType::Commit | ObjectType::Tag | ObjectType::Any) | None => {}
        }
    }
    copy_object(source, target, id)
}

fn copy_object(source: &git2::Odb<'_>, target: &git2::Odb<'_>, id: Oid) -> Result<(), git2::Error> {
    if !target.exists(id) {
        let object = source.read(id)?;
        target.write(object.kind(), object.data())?;
    }
    Ok(())
}

fn has_hooks(remote: &Repository) -> bool {
    let configured = remote.config().and_then(|config| config.get_path("core.hooksPath")).ok();
    let folder = match configured {
        Some(path) if path.is_relative() => remote.path().join(path),
        Some(path) => path,
        None => remote.commondir().join("hooks"),
    };
    HOOKS.iter().any(|hook| is_executable(&folder.join(hook)))
}

fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Pushes with `git`, which runs the remote's hooks as they are meant to be run.
fn push_by_program(
    cache: &Cache,
    branch: &str,
    parent: Oid,
    commit: Oid,
    refused: &dyn Fn(String) -> GitError,
) -> Result<Push, GitError> {
    let folder: PathBuf = cache.own.git.path().to_owned();
    let mut command = Command::new("git");
    // What belongs to a surrounding git process, such as a hook that runs Waybill, is not for this one.
    for (key, _) in std::env::vars_os().filter(|(key, _)| key.to_str().is_some_and(|key| key.starts_with("GIT_"))) {
        command.env_remove(key);
    }
    command
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("LC_ALL", "C")
        .arg("--git-dir")
        .arg(&folder)
        .args(["push", "--porcelain", "--no-verify", "--no-follow-tags", "--no-signed"])
        .arg(format!("--force-with-lease=refs/heads/{branch}:{parent}"))
        .arg(&cache.path)
        .arg(format!("{commit}:refs/heads/{branch}"))
        .stdin(Stdio::null());
    let output = command.output().map_err(|error| {
        refused(format!("it has hooks, which only the `git` program runs, and that cannot be started: {error}"))
    })?;
    if output.status.success() {
        return Ok(Push::Done);
    }
    if cache.fetch_tip(branch)? != Some(parent) {
        return Ok(Push::TipMoved);
    }
    let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    Err(refused(reason(&text)))
}

/// What the remote said (`remote: …`) and why git says that it failed (`[remote rejected] (…)`), on one line.
fn reason(output: &str) -> String {
    let said = output.lines().filter_map(|line| line.strip_prefix("remote: ")).map(str::trim);
    let why = output.lines().filter(|line| line.starts_with('!')).filter_map(|line| line.rsplit('\t').next());
    let parts: Vec<&str> = said.chain(why).filter(|part| !part.is_empty()).collect();
    match parts.is_empty() {
        true => output.split_whitespace().collect::<Vec<_>>().join(" "),
        false => parts.join("; "),
    }
}
