//! Commit actions through `git`: a plan's edits as edits of kustomizations, and what came of them.

use std::path::PathBuf;

use waybill_compiler::plan::effect::{Commit, Scalar};

use super::git::{self, Cache, CommitRequest, Identity, ImageEdit};
use super::{CommitOutcome, GitEffects, GitError};
use crate::apply::now_millis;

/// How often a push is made anew when the branch moves.
const ATTEMPTS: u32 = 10;

/// Pushes to real repositories.
#[derive(Clone, Debug)]
pub struct Remotes {
    /// Where fetched branches are kept (`$WAYBILL_HOME`).
    pub home: PathBuf,
    /// Author of the commits.
    pub name: String,
    pub email: String,
}

impl GitEffects for Remotes {
    fn push(&self, commit: &Commit, plan_id: &str, address: &str) -> Result<CommitOutcome, GitError> {
        let source = Some(commit.source.clone()).filter(|source| !source.is_empty());
        self.commit(commit, plan_id, address, source, true)
    }

    fn revert(&self, commit: &Commit, plan_id: &str, address: &str) -> Result<CommitOutcome, GitError> {
        // No source: what is taken back is no version that later ones are compared with.
        self.commit(commit, plan_id, address, None, false)
    }
}

impl Remotes {
    fn commit(
        &self,
        commit: &Commit,
        plan_id: &str,
        address: &str,
        source: Option<String>,
        forward_only: bool,
    ) -> Result<CommitOutcome, GitError> {
        let scalar = |scalar: &Scalar| git::Scalar { before: scalar.before.clone(), after: scalar.after.clone() };
        let edits = commit.edits.iter().map(|edit| {
            let edit = ImageEdit {
                path: edit.path.clone(),
                image: edit.image.clone(),
                tag: scalar(&edit.tag),
                digest: scalar(&edit.digest),
            };
            edit.file_edit()
        });
        let request = CommitRequest {
            branch: commit.branch.clone(),
            edits: edits.collect(),
            message: commit.message.clone(),
            plan: plan_id.to_owned(),
            action: address.to_owned(),
            same_scalars: Vec::new(),
            source,
            forward_only,
            since: None,
            identity: Identity {
                name: self.name.clone(),
                email: self.email.clone(),
                time_seconds: now_millis() / 1000,
            },
            attempts: ATTEMPTS,
        };
        let failed = |error: git::GitError| GitError(error.to_string());
        let cache = Cache::open(&self.home, &commit.remote).map_err(failed)?;
        Ok(match git::commit_edits(&cache, &request).map_err(failed)? {
            git::CommitOutcome::Pushed { sha, .. } => CommitOutcome::Pushed { sha },
            git::CommitOutcome::AlreadyThere { sha } => CommitOutcome::Already { sha },
            git::CommitOutcome::Unchanged { tip } => CommitOutcome::Already { sha: tip },
            git::CommitOutcome::Superseded { by, .. } => CommitOutcome::Superseded { by },
            git::CommitOutcome::Moved { what, .. } => CommitOutcome::Moved { what },
        })
    }
}
