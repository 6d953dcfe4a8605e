//! A private bare repository per remote, into which branches are fetched.
//!
//! **Invariant:** a cache holds nothing that the remote or the next run could not give again; it may be deleted at any
//! time. One process at a time fetches into it, under a lock that the system drops with the process.
//! Not here: pushing.

mod revisions;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git2::{AutotagOption, Direction, FetchOptions, Oid, Repository, RepositoryInitOptions};
use rustix::fs::FlockOperation;
use sha2::{Digest, Sha256};

use super::{GitError, Repo};

/// How long another process may hold the cache before that is an error.
const LOCK_WAIT: Duration = Duration::from_secs(60);
const LOCK_POLL: Duration = Duration::from_millis(20);

/// The cache of one remote.
pub struct Cache {
    /// For reading; may see the objects of a clone too.
    repo: Repo,
    /// For writing: never sees another repository's objects, or it would take them as its own and leave them out.
    pub(super) own: Repo,
    remote: String,
    /// Where the remote lies in the file system.
    pub(super) path: PathBuf,
    lock: PathBuf,
}

impl Cache {
    /// Opens or makes the cache of `remote`, a path or a `file://` URL, below `home` (`$WAYBILL_HOME`).
    pub fn open(home: &Path, remote: &str) -> Result<Cache, GitError> {
        let path = local_path(remote).ok_or_else(|| GitError::Transport { remote: remote.to_owned() })?;
        let folder = home.join("git");
        std::fs::create_dir_all(&folder).map_err(GitError::io(format!("making {}", folder.display())))?;
        let name = hex::encode(&Sha256::digest(remote.as_bytes())[..16]);
        let lock = folder.join(format!("{name}.lock"));
        let folder = folder.join(name);
        let _held = hold(&lock)?;
        let git = match Repository::open_bare(&folder) {
            Ok(git) => git,
            Err(error) if error.code() == git2::ErrorCode::NotFound => {
                let mut options = RepositoryInitOptions::new();
                // No templates: they may bring hooks.
                options.bare(true).external_template(false).no_reinit(true);
                Repository::init_opts(&folder, &options).map_err(GitError::git("making the git cache"))?
            }
            Err(error) => return Err(damaged(&folder)(error)),
        };
        let own = Repository::open_bare(&folder).map_err(damaged(&folder))?;
        Ok(Cache { repo: Repo { git }, own: Repo { git: own }, remote: remote.to_owned(), path, lock })
    }

    pub fn repo(&self) -> &Repo {
        &self.repo
    }

    pub fn remote(&self) -> &str {
        &self.remote
    }

    /// Lets this cache read the objects of a clone too, for as long as it is open: to compare the clone's HEAD with a
    /// fetched tip, and to read history that a shallow clone lacks.
    pub fn attach(&self, clone: &Repo) -> Result<(), GitError> {
        let failed = GitError::git("reading the objects of the clone");
        let objects = clone.git.commondir().join("objects");
        let odb = self.repo.git.odb().map_err(&failed)?;
        let path = objects.to_str().ok_or_else(|| GitError::Io {
            doing: format!("reading {}", objects.display()),
            message: "the path is not UTF-8".to_owned(),
        })?;
        odb.add_disk_alternate(path).map_err(&failed)
    }

    /// Fetches a branch; its tip, or `None` if the remote has no such branch.
    pub fn fetch(&self, branch: &str) -> Result<Option<String>, GitError> {
        Ok(self.fetch_tip(branch)?.map(|id| id.to_string()))
    }

    pub(super) fn fetch_tip(&self, branch: &str) -> Result<Option<Oid>, GitError> {
        let remote_ref = format!("refs/heads/{branch}");
        if !git2::Reference::is_valid_name(&remote_ref) {
            let (remote, branch) = (self.remote.clone(), branch.to_owned());
            return Err(GitError::NoBranch { remote, branch });
        }
        let _held = hold(&self.lock)?;
        let own_ref = format!("refs/waybill/{branch}");
        // Who was killed while it held the cache left this file; nobody else writes here now.
        let stale = self.own.git.path().join(format!("{own_ref}.lock"));
        if stale.exists() {
            std::fs::remove_file(&stale).map_err(GitError::io(format!("removing {}", stale.display())))?;
        }
        let unreadable = |error: git2::Error| GitError::opening(&self.remote, &error);
        let url = self.path.to_str().ok_or_else(|| GitError::Unreadable {
            remote: self.remote.clone(),
            message: "its path is not UTF-8".to_owned(),
        })?;
        let mut remote = self.own.git.remote_anonymous(url).map_err(unreadable)?;
        let tip = {
            let connection = remote.connect_auth(Direction::Fetch, None, None).map_err(unreadable)?;
            let heads = connection.list().map_err(unreadable)?;
            heads.iter().find(|head| head.name() == remote_ref).map(|head| head.oid())
        };
        let Some(tip) = tip else {
            return Ok(None);
        };
        let known = self.own.git.refname_to_id(&own_ref).ok();
        if known == Some(tip) && self.own.git.find_commit(tip).is_ok() {
            return Ok(Some(tip));
        }
        let mut options = FetchOptions::new();
        options.download_tags(AutotagOption::None).update_fetchhead(false);
        let refspec = format!("+{remote_ref}:{own_ref}");
        remote.fetch(&[refspec.as_str()], Some(&mut options), None).map_err(unreadable)?;
        // The branch may have moved between the listing and the fetch.
        self.own.git.refname_to_id(&own_ref).map(Some).map_err(GitError::git("reading the fetched branch"))
    }
}

fn damaged(folder: &Path) -> impl Fn(git2::Error) -> GitError {
    move |error| GitError::Io {
        doing: format!("opening the git cache {}, which may be deleted", folder.display()),
        message: error.message().to_owned(),
    }
}

/// Takes the lock file for as long as the result lives.
pub(super) fn hold(path: &Path) -> Result<File, GitError> {
    let doing = || format!("locking {}", path.display());
    let mut options = File::options();
    options.create(true).truncate(false).write(true);
    let file = options.open(path).map_err(GitError::io(doing()))?;
    let deadline = Instant::now() + LOCK_WAIT;
    loop {
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(file),
            Err(rustix::io::Errno::WOULDBLOCK | rustix::io::Errno::INTR) if Instant::now() < deadline => {
                std::thread::sleep(LOCK_POLL);
            }
            Err(error) => {
                let message = match error {
                    rustix::io::Errno::WOULDBLOCK => "another process is fetching there".to_owned(),
                    other => other.to_string(),
                };
                return Err(GitError::Io { doing: doing(), message });
            }
        }
    }
}

/// The path of a repository in the file system; `None` for an address in the network.
pub(crate) fn local_path(remote: &str) -> Option<PathBuf> {
    if let Some(rest) = remote.strip_prefix("file://") {
        let path = rest.strip_prefix("localhost").unwrap_or(rest);
        return path.starts_with('/').then(|| PathBuf::from(percent_decode(path)));
    }
    if remote.contains("://") {
        return None;
    }
    // `host:path` is an address of ssh, unless a slash comes first.
    let colon = remote.find(':');
    let slash = remote.find('/');
    let is_scp = colon.is_some_and(|colon| slash.is_none_or(|slash| colon < slash));
    (!is_scp && !remote.is_empty()).then(|| PathBuf::from(remote))
}

fn percent_decode(path: &str) -> String {
    let bytes = path.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = path.get(at + 1..at + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match code.filter(|_| bytes[at] == b'%') {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
