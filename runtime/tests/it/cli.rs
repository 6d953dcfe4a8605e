//! The program itself, run as a person runs it: an example in a clone of a real bare repository, local state in a folder
//! of its own, every command a process.
//!
//! **Invariant:** nothing of the machine's settings is seen; authors and times of commits are fixed, so the ids of the
//! commits that are not Waybill's are equal on every run.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use git2::build::CheckoutBuilder;
use git2::{IndexAddOption, Repository, Signature, Time};
use serde_json::Value;
use tempfile::TempDir;

/// A project with a clone, a remote, and local state.
pub struct Project {
    pub dir: TempDir,
}

/// A commit of the remote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub summary: String,
    /// Trailers by name.
    pub trailers: BTreeMap<String, String>,
}

/// A process that ended.
pub struct Ran {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
    what: String,
}

impl Ran {
    pub fn new(what: String, output: Output) -> Ran {
        let ran = Ran {
            code: output.status.code(),
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
            what,
        };
        assert!(!ran.err.contains("panicked"), "{}", ran.told());
        ran
    }

    /// Asserts the exit code.
    #[track_caller]
    pub fn exits(self, code: i32) -> Ran {
        assert_eq!(self.code, Some(code), "{}", self.told());
        self
    }

    /// Asserts that stdout or stderr has a text.
    #[track_caller]
    pub fn says(self, text: &str) -> Ran {
        assert!(self.out.contains(text) || self.err.contains(text), "does not say {text:?}\n{}", self.told());
        self
    }

    #[track_caller]
    pub fn says_not(self, text: &str) -> Ran {
        assert!(!self.out.contains(text) && !self.err.contains(text), "says {text:?}\n{}", self.told());
        self
    }

    /// Stdout as the one JSON document that it must be.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("not one document: {error}\n{}", self.told()))
    }

    pub fn told(&self) -> String {
        format!("{} exited with {:?}\n--- stdout\n{}\n--- stderr\n{}", self.what, self.code, self.out, self.err)
    }
}

/// `examples/` of the repository.
pub fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples")
}

/// Copies a folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(std::fs::read_link(entry.path()).unwrap(), target).unwrap();
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

impl Project {
    /// An example, committed and pushed.
    pub fn example(name: &str) -> Project {
        Project::edited(name, |_| {})
    }

    /// An example that is edited before its first commit.
    pub fn edited(name: &str, edit: impl FnOnce(&Path)) -> Project {
        let project = Project { dir: tempfile::tempdir().unwrap() };
        copy(&examples().join(name), &project.clone());
        edit(&project.clone());
        let mut bare = git2::RepositoryInitOptions::new();
        bare.bare(true).initial_head("main");
        Repository::init_opts(project.remote(), &bare).unwrap();
        let mut options = git2::RepositoryInitOptions::new();
        options.initial_head("main");
        let git = Repository::init_opts(project.clone(), &options).unwrap();
        git.remote("origin", project.remote().to_str().unwrap()).unwrap();
        project.commit("first");
        project.push();
        project
    }

    /// The same project with the same past, in another folder.
    pub fn twin(&self) -> Project {
        let twin = Project { dir: tempfile::tempdir().unwrap() };
        copy(self.dir.path(), twin.dir.path());
        twin.git().remote_set_url("origin", twin.remote().to_str().unwrap()).unwrap();
        twin
    }

    pub fn clone(&self) -> PathBuf {
        self.dir.path().join("clone")
    }

    pub fn remote(&self) -> PathBuf {
        self.dir.path().join("remote.git")
    }

    pub fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn git(&self) -> Repository {
        Repository::open(self.clone()).unwrap()
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.clone().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.clone().join(path)).unwrap()
    }

    /// Replaces a text that must be there.
    pub fn replace(&self, path: &str, from: &str, to: &str) {
        replace(&self.clone().join(path), from, to);
    }

    /// Commits the whole working tree, at a fixed time after its parent.
    pub fn commit(&self, message: &str) -> String {
        let git = self.git();
        let mut index = git.index().unwrap();
        index.add_all(["*"], IndexAddOption::DEFAULT, None).unwrap();
        index.update_all(["*"], None).unwrap();
        index.write().unwrap();
        let tree = git.find_tree(index.write_tree().unwrap()).unwrap();
        let parent = git.head().ok().map(|head| head.peel_to_commit().unwrap());
        let count = parent.as_ref().map_or(0, |parent| i64::from(parent.parent_count() > 0) + 1);
        let who = Signature::new("Ada", "ada@example.com", &Time::new(1_700_000_000 + 60 * count, 60)).unwrap();
        let parents: Vec<&git2::Commit<'_>> = parent.iter().collect();
        git.commit(Some("HEAD"), &who, &who, message, &tree, &parents).unwrap().to_string()
    }

    /// Makes the remote's `main` what HEAD is. It must be a descendant of it.
    pub fn push(&self) {
        let git = self.git();
        let head = git.head().unwrap().peel_to_commit().unwrap().id();
        let bare = Repository::open(self.remote()).unwrap();
        if let Ok(tip) = bare.refname_to_id("refs/heads/main") {
            let known = git.graph_descendant_of(head, tip).unwrap_or(false);
            assert!(known || head == tip, "the push would lose commits");
        }
        let url = self.clone();
        let mut remote = bare.remote_anonymous(url.to_str().unwrap()).unwrap();
        remote.fetch(&["+HEAD:refs/heads/main"], None, None).unwrap();
        self.fetch();
    }

    pub fn fetch(&self) {
        self.git().find_remote("origin").unwrap().fetch(&["main"], None, None).unwrap();
    }

    /// Takes over what the remote has.
    pub fn pull(&self) {
        self.fetch();
        let git = self.git();
        let tip = git.revparse_single("refs/remotes/origin/main").unwrap();
        git.reset(&tip, git2::ResetType::Hard, Some(CheckoutBuilder::new().force())).unwrap();
    }

    /// Commits of the remote's `main`, newest first.
    pub fn log(&self) -> Vec<Commit> {
        let bare = Repository::open(self.remote()).unwrap();
        let mut walk = bare.revwalk().unwrap();
        walk.push_ref("refs/heads/main").unwrap();
        walk.map(|id| {
            let commit = bare.find_commit(id.unwrap()).unwrap();
            let trailers = git2::message_trailers_strs(commit.message().unwrap()).unwrap();
            Commit {
                summary: commit.summary().unwrap().unwrap().to_owned(),
                trailers: trailers.iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
            }
        })
        .collect()
    }

    /// A file at the tip of the remote.
    pub fn remote_text(&self, path: &str) -> String {
        let bare = Repository::open(self.remote()).unwrap();
        let tree = bare.revparse_single("refs/heads/main").unwrap().peel_to_tree().unwrap();
        let entry = tree.get_path(Path::new(path)).unwrap();
        String::from_utf8(bare.find_blob(entry.id()).unwrap().content().to_vec()).unwrap()
    }

    /// The program in the clone, with nothing of the caller's environment but the search path.
    pub fn command<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_waybill"));
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOME", self.dir.path()).env("USER", "ada").env("WAYBILL_HOME", self.home());
        command.env("COLUMNS", "100");
        command.current_dir(self.clone()).stdin(Stdio::null()).args(args);
        command
    }

    #[track_caller]
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, args: &[S]) -> Ran {
        let mut command = self.command(args);
        let output = command.output().unwrap();
        Ran::new(format!("{:?}", command.get_args().collect::<Vec<_>>()), output)
    }

    /// Runs words that have no spaces in them.
    #[track_caller]
    pub fn waybill(&self, line: &str) -> Ran {
        self.run(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// Saves a plan that has changes.
    #[track_caller]
    pub fn save(&self, name: &str) -> String {
        let path = self.file(name).to_str().unwrap().to_owned();
        self.run(&["plan", "--detailed-exitcode", "--out", &path]).exits(2);
        path
    }

    /// Applies without asking, to the end.
    #[track_caller]
    pub fn apply(&self) -> Ran {
        self.waybill("apply --auto-approve --wait 30s").exits(0)
    }

    /// Asserts that nothing is left to do.
    #[track_caller]
    pub fn nothing_to_do(&self) -> Ran {
        self.waybill("plan --detailed-exitcode").exits(0).says("No changes.")
    }

    /// The facts that a plan would rest on, without what differs between two looks at the same world.
    #[track_caller]
    pub fn facts(&self) -> Value {
        let path = self.file("facts.json");
        self.run(&["observe", "--out", path.to_str().unwrap()]).exits(0);
        let mut facts: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        facts["nonce"] = Value::Null;
        facts["at"] = Value::Null;
        facts
    }

    /// Starts the program, kills it when it has written so many lines to stderr, and gives those. `None` for the lines
    /// that it never wrote: it ended before.
    pub fn kill_at(&self, args: &[&str], lines: usize) -> Option<Vec<String>> {
        use std::io::BufRead;
        let mut child = self.command(args).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut seen = Vec::new();
        let mut reader = std::io::BufReader::new(child.stderr.take().unwrap());
        while seen.len() < lines {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap() == 0 {
                child.wait().unwrap();
                return None;
            }
            seen.push(line.trim_end().to_owned());
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let mut rest = String::new();
        reader.read_to_string(&mut rest).unwrap();
        assert!(!rest.contains("panicked"), "{rest}");
        Some(seen)
    }
}

/// Replaces a text that must be there.
pub fn replace(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{} has no {from:?}", path.display());
    std::fs::write(path, text.replace(from, to)).unwrap();
}

/// A second version of the payments service, on top of what the remote has, pushed.
pub fn second_version(project: &Project) -> String {
    project.pull();
    second_version_here(project)
}

/// The same, with whatever else the working tree has.
pub fn second_version_here(project: &Project) -> String {
    let text = project.read("service/payments.sh");
    project.write("service/payments.sh", &format!("{text}# Second version.\n"));
    let sha = project.commit("second");
    project.push();
    sha
}
