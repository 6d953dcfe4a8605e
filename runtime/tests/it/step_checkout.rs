//! Checkout: the working tree of one commit in a workspace.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use waybill_runtime::effects::git::{GitError, Repo};
use waybill_runtime::step::StepError;
use waybill_runtime::step::checkout::checkout;

use crate::repos::Bench;

/// A commit with a link, a program, CRLF text that attributes would change, and a folder.
fn bench() -> (Bench, String) {
    let bench = Bench::new(&[("old", "1")]);
    bench
        .commit(&[("run.sh", "#!/bin/sh\n"), ("a/b/c", "x\r\ny\n"), (".gitattributes", "* text eol=crlf\n")], "second");
    let git = bench.git();
    let parent = git.find_reference("refs/heads/main").unwrap().peel_to_commit().unwrap();
    let mut update = git2::build::TreeUpdateBuilder::new();
    update.upsert("a/link", git.blob(b"b/c").unwrap(), git2::FileMode::Link);
    update.remove("old");
    let tree = git.find_tree(update.create_updated(&git, &parent.tree().unwrap()).unwrap()).unwrap();
    let who = parent.author().to_owned();
    let id = git.commit(Some("refs/heads/main"), &who, &who, "third", &tree, &[&parent]).unwrap();
    (bench, id.to_string())
}

#[test]
fn a_checkout_is_a_shallow_clone_with_the_bytes_of_the_commit() {
    let (bench, sha) = bench();
    let target = bench.dir.path().join("workspace/source");
    assert_eq!(checkout(&bench.url(), &sha, &target).unwrap().sha, sha);
    assert_eq!(std::fs::read(target.join("a/b/c")).unwrap(), b"x\r\ny\n");
    assert_eq!(std::fs::read_link(target.join("a/link")).unwrap(), Path::new("b/c"));
    assert!(!target.join("old").exists());
    let mode = |path: &str| std::fs::metadata(target.join(path)).unwrap().permissions().mode() & 0o111;
    assert_ne!(mode("run.sh"), 0);
    assert_eq!(mode("a/b/c"), 0);

    let repo = Repo::discover(&target).unwrap();
    let facts = repo.facts().unwrap();
    assert_eq!((facts.head.as_str(), facts.branch, facts.origin), (sha.as_str(), None, Some(bench.url())));
    let git = git2::Repository::open(&target).unwrap();
    // The index is HEAD's tree. Not `uncommitted`: git itself calls CRLF under `eol=crlf` changed once it looks inside.
    let head = git.head().unwrap().peel_to_tree().unwrap();
    let staged = git.diff_tree_to_index(Some(&head), None, None).unwrap();
    assert_eq!(staged.deltas().len(), 0);
    assert!(git.is_shallow());
    assert_eq!(git.head().unwrap().peel_to_commit().unwrap().parent_count(), 0);

    // An older commit, and one that has no parents.
    let first = Repo::discover(&bench.remote()).unwrap().resolve("main~2").unwrap();
    let target = bench.dir.path().join("first");
    std::fs::create_dir(&target).unwrap();
    checkout(bench.remote().to_str().unwrap(), &first, &target).unwrap();
    assert_eq!(std::fs::read_to_string(target.join("old")).unwrap(), "1");
    assert!(!git2::Repository::open(&target).unwrap().is_shallow());
}

#[test]
fn a_checkout_fails_with_the_reason_and_leaves_nothing() {
    let (bench, sha) = bench();
    let target = bench.dir.path().join("target");
    let error = |remote: &str, revision: &str| checkout(remote, revision, &target).unwrap_err();
    assert!(matches!(error("/absent.git", &sha), StepError::Git(GitError::Unreadable { .. })));
    assert!(matches!(error("ssh://host/x.git", &sha), StepError::Git(GitError::Transport { .. })));
    let unknown = "0123456789012345678901234567890123456789";
    assert!(matches!(error(&bench.url(), unknown), StepError::Git(GitError::UnknownRevision { .. })));
    assert!(matches!(error(&Bench::empty().url(), "HEAD"), StepError::Git(_)));
    assert!(!target.exists());

    // An object that is missing breaks off in the middle.
    let git = bench.git();
    let blob = git.revparse_single("main:a/b/c").unwrap().id().to_string();
    std::fs::remove_file(bench.remote().join("objects").join(&blob[..2]).join(&blob[2..])).unwrap();
    let broken = error(&bench.url(), &sha);
    assert!(matches!(broken, StepError::Git(GitError::Git { .. })), "{broken}");
    assert_eq!(std::fs::read_dir(&target).unwrap().count(), 0);

    std::fs::write(target.join("file"), "").unwrap();
    assert_eq!(error(&bench.url(), "main~1"), StepError::NotEmpty { path: target.clone() });
}

#[test]
fn submodules_are_refused_by_name() {
    let bench = Bench::new(&[("a", "1")]);
    let git = bench.git();
    let parent = git.find_reference("refs/heads/main").unwrap().peel_to_commit().unwrap();
    let mut update = git2::build::TreeUpdateBuilder::new();
    update.upsert("vendor/lib", parent.id(), git2::FileMode::Commit);
    let tree = git.find_tree(update.create_updated(&git, &parent.tree().unwrap()).unwrap()).unwrap();
    let who = parent.author().to_owned();
    git.commit(Some("refs/heads/main"), &who, &who, "submodule", &tree, &[&parent]).unwrap();
    let error = checkout(&bench.url(), "main", &bench.dir.path().join("t")).unwrap_err();
    assert!(error.to_string().contains("submodule at `vendor/lib`"), "{error}");
}
