//! Commits of a plan, by `effects::git`.

use std::path::PathBuf;

use waybill_compiler::plan::effect::{Commit, FileEdit, Scalar};

use super::git::{self, Cache, CommitRequest, Identity, ImageEdit};
use super::{CommitOutcome, GitEffects, GitError};

/// How often a push is tried when the branch moves.
const ATTEMPTS: u32 = 20;

/// Pushes through a private cache below `home`.
pub struct Pusher {
    pub home: PathBuf,
}

impl GitEffects for Pusher {
    fn push(&self, commit: &Commit, plan_id: &str, address: &str) -> Result<CommitOutcome, GitError> {
        self.commit(commit, plan_id, address, true)
    }

    fn revert(&self, commit: &Commit, plan_id: &str, address: &str) -> Result<CommitOutcome, GitError> {
        self.commit(commit, plan_id, address, false)
    }
}

impl Pusher {
    fn commit(
        &self,
        commit: &Commit,
        plan_id: &str,
        address: &str,
        forward_only: bool,
    ) -> Result<CommitOutcome, GitError> {
        let failed = |error: git::GitError| GitError(error.to_string());
        let cache = Cache::open(&self.home, &commit.remote).map_err(failed)?;
        let now = crate::apply::now_millis() / 1000;
        let request = CommitRequest {
            branch: commit.branch.clone(),
            edits: commit.edits.iter().map(|edit| image_edit(edit).file_edit()).collect(),
            message: commit.message.clone(),
            plan: plan_id.to_owned(),
            action: address.to_owned(),
            same_scalars: Vec::new(),
            source: Some(commit.source.clone()).filter(|source| !source.is_empty() && forward_only),
            forward_only,
            since: None,
            identity: Identity { name: "Waybill".into(), email: "waybill@localhost".into(), time_seconds: now },
            attempts: ATTEMPTS,
        };
        Ok(match git::commit_edits(&cache, &request).map_err(failed)? {
            git::CommitOutcome::Pushed { sha, .. } => CommitOutcome::Pushed { sha },
            git::CommitOutcome::AlreadyThere { sha } => CommitOutcome::Already { sha },
            git::CommitOutcome::Unchanged { tip } => CommitOutcome::Already { sha: tip },
            git::CommitOutcome::Superseded { by, .. } => CommitOutcome::Superseded { by },
            git::CommitOutcome::Moved { what, .. } => CommitOutcome::Moved { what },
        })
    }
}

fn image_edit(edit: &FileEdit) -> ImageEdit {
    let scalar = |scalar: &Scalar| git::Scalar { before: scalar.before.clone(), after: scalar.after.clone() };
    ImageEdit {
        path: edit.path.clone(),
        image: edit.image.clone(),
        tag: scalar(&edit.tag),
        digest: scalar(&edit.digest),
    }
}
