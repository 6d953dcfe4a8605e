//! What a pipeline run is known by: the content of its inputs at a commit, and the newest commit that changed it.
//!
//! **Invariant:** both look at the same things (paths, modes, blobs, masked content), so the inputs of a commit and of
//! the commit that `newest_first_parent_change` names are equal.
//! Not here: which inputs, which scalars are masked.

use std::collections::BTreeSet;

use git2::{Commit, DiffDelta, DiffFile, DiffOptions, ObjectType, Oid};
use sha2::{Digest, Sha256};

use super::{GitError, Repo, glob};

/// From path and bytes of a file to what counts of them.
pub type Content<'a> = dyn Fn(&str, &[u8]) -> Option<Vec<u8>> + 'a;

/// Files of which not every byte counts.
pub struct Mask<'a> {
    /// Only these are asked for.
    pub paths: BTreeSet<String>,
    /// What counts of a file's content; `None` if all does.
    pub content: &'a Content<'a>,
}

impl Mask<'_> {
    /// A mask that leaves everything.
    pub fn none() -> Mask<'static> {
        Mask { paths: BTreeSet::new(), content: &|_, _| None }
    }
}

impl Repo {
    /// SHA-256, in hex, over sorted path, mode and content id of the files that `globs` name at `commit`.
    pub fn inputs_hash(&self, commit: &str, globs: &[String], mask: &Mask<'_>) -> Result<String, GitError> {
        let mut hash = Sha256::new();
        for file in self.list_tree(commit)? {
            if !glob::matches(globs, &file.path) {
                continue;
            }
            let id = Oid::from_str(&file.id).map_err(GitError::git("reading the tree of a commit"))?;
            let id = self.counted(&file.path, id, mask)?;
            hash.update(format!("{}\0{:o}\0{id}\n", file.path, file.mode));
        }
        Ok(hex::encode(hash.finalize()))
    }

    /// The newest first-parent ancestor of `commit`, itself included, that changed what `inputs_hash` hashes; the
    /// oldest one if none did.
    pub fn newest_first_parent_change(
        &self,
        commit: &str,
        globs: &[String],
        mask: &Mask<'_>,
    ) -> Result<String, GitError> {
        let mut commit = self.commit(commit)?;
        while let Some(parent) = self.first_parent(&commit)? {
            if self.changes_inputs(&parent, &commit, globs, mask)? {
                break;
            }
            commit = parent;
        }
        Ok(commit.id().to_string())
    }

    fn changes_inputs(
        &self,
        old: &Commit<'_>,
        new: &Commit<'_>,
        globs: &[String],
        mask: &Mask<'_>,
    ) -> Result<bool, GitError> {
        if old.tree_id() == new.tree_id() {
            return Ok(false);
        }
        let failed = GitError::git("comparing two commits");
        let (old, new) = (old.tree().map_err(&failed)?, new.tree().map_err(&failed)?);
        let mut options = DiffOptions::new();
        options.include_typechange(true);
        let diff = self.git.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options)).map_err(&failed)?;
        for delta in diff.deltas() {
            if self.counts(&delta, globs, mask)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn counts(&self, delta: &DiffDelta<'_>, globs: &[String], mask: &Mask<'_>) -> Result<bool, GitError> {
        let (old, new) = (delta.old_file(), delta.new_file());
        let path = String::from_utf8_lossy(new.path_bytes().or(old.path_bytes()).unwrap_or_default()).into_owned();
        if !glob::matches(globs, &path) {
            return Ok(false);
        }
        if !old.exists() || !new.exists() || old.mode() != new.mode() {
            return Ok(true);
        }
        let id = |file: &DiffFile<'_>| self.counted(&path, file.id(), mask);
        Ok(id(&old)? != id(&new)?)
    }

    /// The id of what counts of a file.
    fn counted(&self, path: &str, id: Oid, mask: &Mask<'_>) -> Result<Oid, GitError> {
        if !mask.paths.contains(path) {
            return Ok(id);
        }
        let failed = GitError::git("reading a file of a commit");
        let Ok(blob) = self.git.find_blob(id) else {
            return Ok(id);
        };
        match (mask.content)(path, blob.content()) {
            Some(content) => Oid::hash_object(ObjectType::Blob, &content).map_err(failed),
            None => Ok(id),
        }
    }
}
