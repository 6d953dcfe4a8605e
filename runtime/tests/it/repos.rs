//! Real repositories in temporary folders for the tests of git.
//!
//! **Invariant:** made with libgit2 alone; times and authors are fixed, so ids are equal on every run.

use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Oid, Repository, Signature, Time};
use tempfile::TempDir;

/// A bare repository `remote.git` with one commit on `main`, and a folder for local state.
pub struct Bench {
    pub dir: TempDir,
}

impl Bench {
    pub fn new(files: &[(&str, &str)]) -> Bench {
        let bench = Bench::empty();
        bench.commit(files, "first");
        bench
    }

    pub fn empty() -> Bench {
        let dir = tempfile::tempdir().unwrap();
        let git = Repository::init_bare(dir.path().join("remote.git")).unwrap();
        git.set_head("refs/heads/main").unwrap();
        Bench { dir }
    }

    pub fn remote(&self) -> PathBuf {
        self.dir.path().join("remote.git")
    }

    pub fn url(&self) -> String {
        format!("file://{}", self.remote().display())
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub fn git(&self) -> Repository {
        Repository::open(self.remote()).unwrap()
    }

    /// Commits files on `main` of the remote, as somebody who pushes there.
    pub fn commit(&self, files: &[(&str, &str)], message: &str) -> String {
        commit(&self.git(), files, message)
    }

    pub fn tip(&self) -> String {
        self.git().refname_to_id("refs/heads/main").unwrap().to_string()
    }

    pub fn text(&self, path: &str) -> String {
        let git = self.git();
        let tree = git.revparse_single("refs/heads/main").unwrap().peel_to_tree().unwrap();
        let entry = tree.get_path(Path::new(path)).unwrap();
        String::from_utf8(git.find_blob(entry.id()).unwrap().content().to_vec()).unwrap()
    }

    /// How many commits `main` has.
    pub fn count(&self) -> usize {
        let git = self.git();
        let mut walk = git.revwalk().unwrap();
        walk.push_ref("refs/heads/main").unwrap();
        walk.count()
    }

    pub fn clone_to(&self, name: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        Repository::clone(&self.url(), &path).unwrap();
        path
    }

    /// Makes the remote refuse pushes, or take them, by a hook that is a shell script.
    pub fn hook(&self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.remote().join("hooks").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, script).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
}

/// Commits files on the branch `main` of any repository.
pub fn commit(git: &Repository, files: &[(&str, &str)], message: &str) -> String {
    let parent = git.find_reference("refs/heads/main").ok().map(|head| head.peel_to_commit().unwrap());
    let empty = git.find_tree(git.treebuilder(None).unwrap().write().unwrap()).unwrap();
    let baseline = parent.as_ref().map_or(empty, |parent| parent.tree().unwrap());
    let mut update = TreeUpdateBuilder::new();
    for (path, text) in files {
        let mode = if path.ends_with(".sh") { FileMode::BlobExecutable } else { FileMode::Blob };
        update.upsert(*path, git.blob(text.as_bytes()).unwrap(), mode);
    }
    let tree = git.find_tree(update.create_updated(git, &baseline).unwrap()).unwrap();
    let seconds = 1_700_000_000 + parent.as_ref().map_or(0, |parent| parent.time().seconds() - 1_699_999_990);
    let who = Signature::new("Ada", "ada@example.com", &Time::new(seconds, 60)).unwrap();
    let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
    let id: Oid = git.commit(Some("refs/heads/main"), &who, &who, message, &tree, &parents).unwrap();
    id.to_string()
}
