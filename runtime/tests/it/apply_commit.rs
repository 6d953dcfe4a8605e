//! Commit actions of plans against a real repository.

use waybill_runtime::effects::commit::Remotes;
use waybill_runtime::effects::{CommitOutcome, GitEffects};

use crate::plans;
use crate::repos::Bench;

const FILE: &str = "kustomization.yaml";

fn kustomization(tag: &str) -> String {
    format!("images:\n- name: app\n  newTag: {tag} # bumped\n")
}

fn remotes(bench: &Bench) -> Remotes {
    Remotes { home: bench.home(), name: "Waybill".into(), email: "waybill@example.com".into() }
}

fn commit(bench: &Bench, before: &str, after: &str, source: &str) -> waybill_compiler::plan::effect::Commit {
    waybill_compiler::plan::effect::Commit { remote: bench.url(), ..plans::commit(before, after, source) }
}

#[test]
fn a_bump_is_made_once_taken_back_and_never_overwrites_others() {
    let bench = Bench::new(&[(FILE, &kustomization("v1"))]);
    let source = bench.tip();
    let git = remotes(&bench);
    let bump = commit(&bench, "v1", "v2", &source);
    let CommitOutcome::Pushed { sha } = git.push(&bump, "plan1", "environment.s.commit").unwrap() else {
        panic!("the first push makes the commit")
    };
    assert_eq!(bench.text(FILE), kustomization("v2"));
    assert_eq!(git.push(&bump, "plan1", "environment.s.commit").unwrap(), CommitOutcome::Already { sha });
    let revert = commit(&bench, "v2", "v1", &source);
    let outcome = git.revert(&revert, "plan1", "environment.s.commit.undo").unwrap();
    assert!(matches!(outcome, CommitOutcome::Pushed { .. }), "{outcome:?}");
    assert_eq!(bench.text(FILE), kustomization("v1"));
    // The same version again, as `--retry` does it.
    let outcome = git.push(&bump, "plan2", "environment.s.commit").unwrap();
    assert!(matches!(outcome, CommitOutcome::Pushed { .. }), "{outcome:?}");
    bench.commit(&[(FILE, &kustomization("theirs"))], "by hand");
    let outcome = git.push(&commit(&bench, "v2", "v3", &source), "plan3", "environment.s.commit").unwrap();
    assert!(matches!(outcome, CommitOutcome::Moved { .. }), "{outcome:?}");
    assert_eq!(bench.text(FILE), kustomization("theirs"));
}

#[test]
fn of_two_merges_the_newer_one_wins_whichever_is_built_first() {
    let bench = Bench::new(&[(FILE, &kustomization("v0"))]);
    let a = bench.commit(&[("src", "a")], "merge a");
    let b = bench.commit(&[("src", "b")], "merge b");
    let git = remotes(&bench);
    let outcome = git.push(&commit(&bench, "v0", "b", &b), "planb", "environment.s.commit").unwrap();
    assert!(matches!(outcome, CommitOutcome::Pushed { .. }), "{outcome:?}");
    let outcome = git.push(&commit(&bench, "v0", "a", &a), "plana", "environment.s.commit").unwrap();
    assert_eq!(outcome, CommitOutcome::Superseded { by: b });
    assert_eq!(bench.text(FILE), kustomization("b"));
}
