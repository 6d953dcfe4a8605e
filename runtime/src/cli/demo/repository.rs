//! The demo's clone and its bare remote, made with git2: no `git` program is needed.

use std::path::Path;

use git2::{BranchType, IndexAddOption, RepositoryInitOptions, Signature};

const BRANCH: &str = "main";

/// A clone with a bare remote beside it.
pub struct Repository {
    git: git2::Repository,
}

fn said(doing: &'static str) -> impl Fn(git2::Error) -> String {
    move |error| format!("{doing}: {}", error.message())
}

impl Repository {
    /// Makes a repository of the files in `clone`, with their first commit pushed to a new bare one at `remote`.
    pub fn create(clone: &Path, remote: &Path) -> Result<Repository, String> {
        let failed = said("making the repositories");
        let mut options = RepositoryInitOptions::new();
        options.initial_head(BRANCH).external_template(false);
        let mut bare = RepositoryInitOptions::new();
        bare.initial_head(BRANCH).external_template(false).bare(true);
        git2::Repository::init_opts(remote, &bare).map_err(&failed)?;
        let git = git2::Repository::init_opts(clone, &options).map_err(&failed)?;
        git.remote("origin", &remote.to_string_lossy()).map_err(&failed)?;
        let info = git.path().join("info");
        std::fs::create_dir_all(&info)
            .and_then(|()| std::fs::write(info.join("exclude"), "/.waybill/home\n/plan.json\n"))
            .map_err(|error| error.to_string())?;
        let repository = Repository { git };
        repository.commit("The payments service and how it is delivered")?;
        repository.push()?;
        let mut branch = repository.git.find_branch(BRANCH, BranchType::Local).map_err(&failed)?;
        repository
            .git
            .reference(&format!("refs/remotes/origin/{BRANCH}"), repository.head()?, true, "push")
            .map_err(&failed)?;
        branch.set_upstream(Some(&format!("origin/{BRANCH}"))).map_err(&failed)?;
        drop(branch);
        Ok(repository)
    }

    fn head(&self) -> Result<git2::Oid, String> {
        self.git.refname_to_id("HEAD").map_err(said("reading HEAD"))
    }

    /// Commits everything in the working tree; its id.
    pub fn commit(&self, message: &str) -> Result<String, String> {
        let failed = said("committing");
        let mut index = self.git.index().map_err(&failed)?;
        index.add_all(["*"], IndexAddOption::DEFAULT, None).map_err(&failed)?;
        index.write().map_err(&failed)?;
        let tree = self.git.find_tree(index.write_tree().map_err(&failed)?).map_err(&failed)?;
        let author = Signature::now("Payments team", "payments@example.com").map_err(&failed)?;
        let parent = self.head().ok().and_then(|head| self.git.find_commit(head).ok());
        let parents: Vec<&git2::Commit> = parent.iter().collect();
        let id = self.git.commit(Some("HEAD"), &author, &author, message, &tree, &parents).map_err(&failed)?;
        Ok(id.to_string())
    }

    pub fn push(&self) -> Result<(), String> {
        let failed = said("pushing");
        let mut remote = self.git.find_remote("origin").map_err(&failed)?;
        remote.push(&[format!("refs/heads/{BRANCH}:refs/heads/{BRANCH}")], None).map_err(&failed)
    }

    /// Fast-forwards to the remote branch; how many commits came.
    pub fn pull(&self) -> Result<usize, String> {
        let failed = said("pulling");
        let mut remote = self.git.find_remote("origin").map_err(&failed)?;
        remote.fetch(&[BRANCH], None, None).map_err(&failed)?;
        let tip = self.git.refname_to_id(&format!("refs/remotes/origin/{BRANCH}")).map_err(&failed)?;
        let (_, behind) = self.git.graph_ahead_behind(self.head()?, tip).map_err(&failed)?;
        let commit = self.git.find_commit(tip).map_err(&failed)?;
        self.git.checkout_tree(commit.as_object(), None).map_err(&failed)?;
        self.git.reference(&format!("refs/heads/{BRANCH}"), tip, true, "pull").map_err(&failed)?;
        Ok(behind)
    }
}
