//! Git: what a clone says, what a remote says, and commits pushed compare-and-swap.
//!
//! **Invariant:** the user's clone is only read. What is fetched lies in a private bare cache; a commit is made on the
//! fetched tip without a working tree, and a push replaces exactly the tip that it was made on.
//! Not here: what is edited (`compiler::overlay`), when and whether.
//!
//! What libgit2 is not trusted with:
//! - Its local push overwrites the remote branch without comparing the old tip, and runs no hooks. So a push to a local
//!   repository is done here: under the branch's lock if the repository has no hooks, else by the `git` program.
//! - A repository that belongs to somebody else is refused, as `git` does; the check stays on, because such a
//!   repository's configuration and hooks are somebody else's. `safe.directory` in the user's configuration allows it.
//! - The author of a commit is an input; neither configuration nor environment is asked.

mod cache;
mod edits;
mod error;
mod glob;
mod image;
mod inputs;
mod push;
mod repo;

pub use cache::Cache;
pub(crate) use cache::local_path;
pub use edits::{CommitOutcome, CommitRequest, FileEdit, Identity, Refusal, commit_edits};
pub use error::GitError;
pub use glob::matches;
pub(crate) use glob::{matches_one, matches_segment};
pub use image::{ImageEdit, Scalar, content_without_images, with_image_mask};
pub use inputs::Mask;
pub(crate) use repo::absolute;
pub use repo::{Behind, Facts, Repo, TreeFile};

/// Trailer: the id of the plan that a commit belongs to.
pub const TRAILER_PLAN: &str = "Waybill-Plan";
/// Trailer: the address of the action that made a commit.
pub const TRAILER_ACTION: &str = "Waybill-Action";
/// Trailer: the commit that the written values were built from.
pub const TRAILER_SOURCE: &str = "Waybill-Source";
