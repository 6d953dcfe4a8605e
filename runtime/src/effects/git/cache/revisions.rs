//! Commits of a remote by any name that it has: for modules that are pinned to a commit, a tag or a branch.

use git2::{AutotagOption, Direction, FetchOptions, Oid};

use super::{Cache, GitError, hold};

impl Cache {
    /// Fetches every branch and tag; the commit that a tag or, where there is none, a branch stands for.
    pub fn fetch_named(&self, name: &str) -> Result<String, GitError> {
        let heads = self.fetch_all()?;
        // An annotated tag is listed twice, the second time as the commit that it names.
        let wanted = [format!("refs/tags/{name}^{{}}"), format!("refs/tags/{name}"), format!("refs/heads/{name}")];
        let found = wanted.iter().find_map(|wanted| heads.iter().find(|(known, _)| known == wanted));
        let unknown = || GitError::UnknownRevision { revision: name.to_owned() };
        found.map(|(_, id)| id.to_string()).filter(|id| self.repo().has_commit(id)).ok_or_else(unknown)
    }

    /// Makes a commit readable, fetching only if it is not here yet.
    pub fn fetch_commit(&self, sha: &str) -> Result<(), GitError> {
        if self.repo().has_commit(sha) {
            return Ok(());
        }
        self.fetch_all()?;
        let unknown = GitError::UnknownRevision { revision: sha.to_owned() };
        if self.repo().has_commit(sha) { Ok(()) } else { Err(unknown) }
    }

    /// What the remote lists, all of it fetched.
    fn fetch_all(&self) -> Result<Vec<(String, Oid)>, GitError> {
        let _held = hold(&self.lock)?;
        let unreadable = |error: git2::Error| GitError::opening(&self.remote, &error);
        let url = self.path.to_str().ok_or_else(|| GitError::Unreadable {
            remote: self.remote.clone(),
            message: "its path is not UTF-8".to_owned(),
        })?;
        let mut remote = self.own.git.remote_anonymous(url).map_err(unreadable)?;
        let heads = {
            let connection = remote.connect_auth(Direction::Fetch, None, None).map_err(unreadable)?;
            let heads = connection.list().map_err(unreadable)?;
            heads.iter().map(|head| (head.name().to_owned(), head.oid())).collect()
        };
        let mut options = FetchOptions::new();
        options.download_tags(AutotagOption::None).update_fetchhead(false);
        let all = ["+refs/heads/*:refs/waybill-heads/*", "+refs/tags/*:refs/waybill-tags/*"];
        remote.fetch(&all, Some(&mut options), None).map_err(unreadable)?;
        Ok(heads)
    }
}
