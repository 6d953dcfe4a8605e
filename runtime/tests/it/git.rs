//! Reading clones, remotes and histories.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use waybill_runtime::effects::git::{Cache, GitError, Mask, Repo, with_image_mask};

use crate::repos::{Bench, commit};

#[test]
fn facts_of_a_clone() {
    let bench = Bench::new(&[("a", "1"), ("b/c", "2")]);
    let clone = bench.clone_to("clone");
    std::fs::write(clone.join("a"), "changed").unwrap();
    std::fs::create_dir(clone.join("new")).unwrap();
    std::fs::write(clone.join("new/file"), "").unwrap();
    let facts = Repo::discover(&clone.join("b")).unwrap().facts().unwrap();
    assert_eq!(facts.root.canonicalize().unwrap(), clone.canonicalize().unwrap());
    assert_eq!(facts.head, bench.tip());
    assert_eq!(facts.branch.as_deref(), Some("main"));
    assert_eq!(facts.uncommitted, ["a", "new/"]);
    assert_eq!(facts.origin, Some(bench.url()));

    let git = git2::Repository::open(&clone).unwrap();
    git.set_head_detached(git.head().unwrap().target().unwrap()).unwrap();
    git.remote_set_url("origin", "../remote.git").unwrap();
    let facts = Repo::discover(&clone).unwrap().facts().unwrap();
    assert_eq!(facts.branch, None);
    assert_eq!(facts.origin, Some(bench.remote().canonicalize().unwrap().display().to_string()));
}

#[test]
fn each_way_to_fail_has_its_own_message() {
    let dir = tempfile::tempdir().unwrap();
    let error = Repo::discover(dir.path()).err().unwrap();
    assert!(matches!(error, GitError::NotARepository { .. }), "{error}");

    git2::Repository::init(dir.path()).unwrap();
    let repo = Repo::discover(dir.path()).unwrap();
    for error in [repo.facts().err().unwrap(), repo.resolve("HEAD").err().unwrap()] {
        assert!(matches!(error, GitError::NoCommits { .. }), "{error}");
        assert!(error.to_string().contains("no commits yet; commit"), "{error}");
    }

    let bench = Bench::new(&[("a", "1")]);
    let repo = Repo::discover(&bench.remote()).unwrap();
    let error = repo.resolve("nope").unwrap_err();
    assert_eq!(error, GitError::UnknownRevision { revision: "nope".to_owned() });
    assert_eq!(repo.resolve("main").unwrap(), bench.tip());
    assert_eq!(repo.resolve(&bench.tip()[..8]).unwrap(), bench.tip());

    let absent = format!("file://{}/absent.git", dir.path().display());
    let error = Cache::open(&bench.home(), &absent).unwrap().fetch("main").unwrap_err();
    assert!(matches!(error, GitError::Unreadable { .. }), "{error}");
    for remote in ["git@example.com:acme/app.git", "https://example.com/app.git"] {
        let error = Cache::open(&bench.home(), remote).err().unwrap();
        assert_eq!(error, GitError::Transport { remote: remote.to_owned() });
    }
    let cache = Cache::open(&bench.home(), &bench.url()).unwrap();
    assert_eq!(cache.fetch("other").unwrap(), None);
    assert!(matches!(cache.fetch("no such..branch"), Err(GitError::NoBranch { .. })));
    let empty = Bench::empty();
    assert_eq!(Cache::open(&bench.home(), &empty.url()).unwrap().fetch("main").unwrap(), None);
}

#[test]
fn a_fetch_follows_the_remote_and_leaves_the_clone_alone() {
    let bench = Bench::new(&[("a", "1")]);
    let clone = bench.clone_to("clone");
    let before = snapshot(&clone);
    // A path with a blank is a URL with %20.
    let spaced = bench.dir.path().join("a b.git");
    std::fs::rename(bench.remote(), &spaced).unwrap();
    let url = format!("file://{}", spaced.display()).replace(' ', "%20");
    let git = git2::Repository::open(&spaced).unwrap();
    for idx in 0..3 {
        let tip = commit(&git, &[("a", &format!("{idx}"))], "more");
        let cache = Cache::open(&bench.home(), &url).unwrap();
        cache.attach(&Repo::discover(&clone).unwrap()).unwrap();
        assert_eq!(cache.fetch("main").unwrap(), Some(tip.clone()));
        assert_eq!(cache.fetch("main").unwrap(), Some(tip.clone()));
        assert_eq!(cache.repo().read_file(&tip, "a").unwrap().unwrap(), format!("{idx}").as_bytes());
        assert_eq!(cache.repo().read_file(&tip, "b").unwrap(), None);
    }
    // A rewritten branch is followed too.
    git.find_reference("refs/heads/main").unwrap().delete().unwrap();
    let tip = commit(&git, &[("z", "1")], "rewritten");
    let cache = Cache::open(&bench.home(), &url).unwrap();
    assert_eq!(cache.fetch("main").unwrap(), Some(tip));
    assert_eq!(snapshot(&clone), before);
}

/// Every file below a folder with its bytes.
fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                out.insert(path.clone(), std::fs::read(&path).unwrap());
            }
        }
    }
    out
}

const OWN: &str = "bump\n\nWaybill-Plan: p1\nWaybill-Action: environment.staging.commit\n";

#[test]
fn the_delivered_revision_skips_own_commits() {
    let bench = Bench::new(&[("a", "1")]);
    let second = bench.commit(&[("a", "2")], "second");
    let own = bench.commit(&[("a", "3")], OWN);
    let tip = bench.commit(&[("a", "4")], OWN);
    let repo = Repo::discover(&bench.remote()).unwrap();
    assert_eq!(repo.delivered(&tip).unwrap(), second);
    assert_eq!(repo.delivered(&second).unwrap(), second);
    assert_eq!(repo.first_parents(&tip, 3).unwrap(), [tip.clone(), own, second]);
    assert_eq!(repo.first_parents(&tip, 99).unwrap().len(), 4);
    let trailers = repo.trailers(&tip).unwrap();
    assert_eq!(trailers[0], ("Waybill-Plan".to_owned(), "p1".to_owned()));
    assert_eq!(trailers.len(), 2);
}

#[test]
fn behind_tells_others_from_own() {
    let bench = Bench::new(&[("a", "1")]);
    let clone = bench.clone_to("clone");
    let local = commit(&git2::Repository::open(&clone).unwrap(), &[("l", "1")], "local");
    bench.commit(&[("a", "2")], OWN);
    let other = bench.commit(&[("a", "3")], "other");
    let cache = Cache::open(&bench.home(), &bench.url()).unwrap();
    let tip = cache.fetch("main").unwrap().unwrap();
    assert!(cache.repo().behind(&local, &tip).is_err());
    cache.attach(&Repo::discover(&clone).unwrap()).unwrap();
    let behind = cache.repo().behind(&local, &tip).unwrap();
    assert_eq!((behind.ahead, behind.others, behind.own), (1, vec![other.clone()], 1));
    assert!(cache.repo().is_ancestor(&other, &tip).is_ok_and(|is| !is));
    assert!(!cache.repo().is_ancestor(&local, &tip).unwrap());
}

fn kustomization(tag: &str) -> String {
    format!("resources: [a.yaml]\nimages:\n- name: app\n  newTag: {tag}\n")
}

#[test]
fn inputs_are_known_by_content_without_masked_scalars() {
    let path = "overlays/k.yaml";
    let bench = Bench::new(&[("api/a", "1"), ("api/run.sh", "x"), ("web/a", "1"), (path, &kustomization("v1"))]);
    let api = bench.commit(&[("api/a", "2")], "api");
    bench.commit(&[(path, &kustomization("v2"))], "a bump by hand");
    bench.commit(&[("web/a", "2")], "web");
    let web = bench.commit(&[("web/run.sh", "2")], "web");
    let tip = bench.commit(&[(path, &kustomization("v3"))], OWN);
    let repo = Repo::discover(&bench.remote()).unwrap();
    let images = BTreeMap::from([(path.to_owned(), vec!["app".to_owned()])]);
    let newest = |globs: &[&str]| {
        let globs: Vec<String> = globs.iter().map(|glob| (*glob).to_owned()).collect();
        with_image_mask(&images, |mask| {
            let newest = repo.newest_first_parent_change(&tip, &globs, mask).unwrap();
            let hash = |sha: &str| repo.inputs_hash(sha, &globs, mask).unwrap();
            // The definition, spelled out: the oldest of the newest commits with this hash.
            let history = repo.first_parents(&tip, 99).unwrap();
            let same = history.iter().take_while(|sha| hash(sha) == hash(&tip));
            assert_eq!(same.last(), Some(&newest));
            newest
        })
    };
    assert_eq!(newest(&["api/**"]), api);
    assert_eq!(newest(&["web"]), web);
    assert_eq!(newest(&[]), web);
    assert_eq!(newest(&["overlays/**"]), repo.first_parents(&tip, 99).unwrap()[5]);
    let unmasked = repo.newest_first_parent_change(&tip, &[], &Mask::none()).unwrap();
    assert_eq!(unmasked, tip);
    let listed: BTreeSet<String> = repo.list_tree(&tip).unwrap().into_iter().map(|file| file.path).collect();
    assert_eq!(listed.len(), 5);
}

#[test]
fn a_shallow_clone_reads_history_through_the_cache() {
    let bench = Bench::new(&[("api/a", "1"), ("web", "1")]);
    let second = bench.commit(&[("api/a", "2")], "second");
    let tip = bench.commit(&[("web", "2")], "third");
    let clone = bench.clone_to("clone");
    std::fs::write(clone.join(".git/shallow"), format!("{tip}\n")).unwrap();
    let repo = Repo::discover(&clone).unwrap();
    let globs = ["api/**".to_owned()];
    let error = repo.newest_first_parent_change(&tip, &globs, &Mask::none()).unwrap_err();
    assert!(matches!(error, GitError::Shallow { .. }), "{error}");
    let cache = Cache::open(&bench.home(), &bench.url()).unwrap();
    cache.fetch("main").unwrap();
    assert_eq!(cache.repo().newest_first_parent_change(&tip, &globs, &Mask::none()).unwrap(), second);
}

#[test]
fn a_cache_that_was_attached_to_a_clone_stands_alone() {
    let text = kustomization("v1");
    let bench = Bench::new(&[("a", "1"), ("k", &text)]);
    bench.commit(&[("a", "2")], "second");
    let clone = bench.clone_to("clone");
    let cache = Cache::open(&bench.home(), &bench.url()).unwrap();
    cache.attach(&Repo::discover(&clone).unwrap()).unwrap();
    bench.commit(&[("a", "3")], "third");
    let tip = cache.fetch("main").unwrap().unwrap();
    std::fs::remove_dir_all(&clone).unwrap();
    let cache = Cache::open(&bench.home(), &bench.url()).unwrap();
    assert_eq!(cache.repo().first_parents(&tip, 9).unwrap().len(), 3);
    assert_eq!(cache.repo().read_file(&tip, "k").unwrap().unwrap(), text.as_bytes());
}
