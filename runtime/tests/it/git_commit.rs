//! Commits pushed compare-and-swap: races, refusals, repetition, order.

use std::sync::Mutex;

use waybill_runtime::effects::git::{
    Cache, CommitOutcome, CommitRequest, FileEdit, GitError, Identity, ImageEdit, Refusal, Repo, Scalar, commit_edits,
};

use crate::repos::Bench;

const PATH: &str = "overlays/staging/kustomization.yaml";
const TEXT: &str = "# staging\r\nimages:\r\n  - name: \"app\"   # ours\r\n    newTag: \"v0\"\r\n\r\n# end\r\n";

fn scalar(before: Option<&str>, after: Option<&str>) -> Scalar {
    Scalar { before: before.map(str::to_owned), after: after.map(str::to_owned) }
}

fn edit(image: &str, before: &str, after: &str) -> ImageEdit {
    ImageEdit {
        path: PATH.to_owned(),
        image: image.to_owned(),
        tag: scalar(Some(before), Some(after)),
        digest: scalar(None, None),
    }
}

fn request<'a>(plan: &str, edits: Vec<FileEdit<'a>>) -> CommitRequest<'a> {
    CommitRequest {
        branch: "main".to_owned(),
        edits,
        message: format!("Bring {plan} to staging"),
        plan: plan.to_owned(),
        action: "environment.staging.commit".to_owned(),
        same_scalars: Vec::new(),
        source: None,
        forward_only: true,
        since: None,
        identity: Identity {
            name: "Waybill".to_owned(),
            email: "waybill@example.com".to_owned(),
            time_seconds: 1_800_000_000,
        },
        attempts: 20,
    }
}

fn cache(bench: &Bench) -> Cache {
    Cache::open(&bench.home(), &bench.url()).unwrap()
}

#[test]
fn a_bump_is_one_commit_that_changes_the_bytes_of_one_scalar() {
    let bench = Bench::new(&[(PATH, TEXT), ("run.sh", "x"), ("deep/er/file", "y")]);
    let parent = bench.tip();
    let mut wanted = request("p1", vec![edit("app", "v0", "v1").file_edit()]);
    wanted.source = Some(parent.clone());
    let outcome = commit_edits(&cache(&bench), &wanted).unwrap();
    let CommitOutcome::Pushed { sha, parent: onto } = outcome else { panic!("{outcome:?}") };
    assert_eq!((sha.clone(), onto), (bench.tip(), parent.clone()));
    assert_eq!(bench.text(PATH), TEXT.replace("v0", "v1"));
    assert_eq!((bench.text("run.sh"), bench.text("deep/er/file")), ("x".to_owned(), "y".to_owned()));

    let git = bench.git();
    let commit = git.find_commit(git2::Oid::from_str(&sha).unwrap()).unwrap();
    assert_eq!(commit.author().name(), Ok("Waybill"));
    assert_eq!((commit.time().seconds(), commit.time().offset_minutes()), (1_800_000_000, 0));
    assert_eq!(
        commit.message().unwrap(),
        format!(
            "Bring p1 to staging\n\nWaybill-Plan: p1\nWaybill-Action: environment.staging.commit\n\
             Waybill-Source: {parent}\n"
        )
    );
    let repo = Repo::discover(&bench.remote()).unwrap();
    let mode = |path: &str| repo.list_tree(&sha).unwrap().into_iter().find(|file| file.path == path).unwrap().mode;
    assert_eq!((mode(PATH), mode("run.sh")), (0o100644, 0o100755));
    assert_eq!(repo.delivered(&sha).unwrap(), parent);

    // The same call again finds its commit; another plan with the same values has nothing to do.
    assert_eq!(commit_edits(&cache(&bench), &wanted).unwrap(), CommitOutcome::AlreadyThere { sha: sha.clone() });
    let other = request("p2", vec![edit("app", "v0", "v1").file_edit()]);
    assert_eq!(commit_edits(&cache(&bench), &other).unwrap(), CommitOutcome::Unchanged { tip: sha });
    assert_eq!(bench.count(), 2);
}

#[test]
fn eight_committers_at_once_all_land() {
    let mut text = "images:\n".to_owned();
    for idx in 0..8 {
        text.push_str(&format!("- name: app{idx}\n  newTag: v0 # {idx}\n"));
    }
    let bench = Bench::new(&[(PATH, &text)]);
    let attempts = Mutex::new(0);
    std::thread::scope(|scope| {
        for idx in 0..8 {
            let (bench, attempts) = (&bench, &attempts);
            scope.spawn(move || {
                // Half of them share a cache, as processes of one machine do.
                let home = if idx < 4 { bench.home() } else { bench.dir.path().join(format!("home{idx}")) };
                let cache = Cache::open(&home, &bench.url()).unwrap();
                let bump = edit(&format!("app{idx}"), "v0", "v1").file_edit();
                let counted = FileEdit {
                    path: bump.path.clone(),
                    rebuild: Box::new(move |text| {
                        *attempts.lock().unwrap() += 1;
                        (bump.rebuild)(text)
                    }),
                };
                let wanted = request(&format!("p{idx}"), vec![counted]);
                let outcome = commit_edits(&cache, &wanted).unwrap();
                assert!(matches!(outcome, CommitOutcome::Pushed { .. }), "{outcome:?}");
            });
        }
    });
    assert_eq!(bench.text(PATH), text.replace("v0", "v1"));
    assert_eq!(bench.count(), 9);
    let attempts = *attempts.lock().unwrap();
    assert!((8..=8 * 8).contains(&attempts), "{attempts}");
}

#[test]
fn a_push_that_lost_is_made_anew_on_the_new_tip() {
    let bench = Bench::new(&[(PATH, TEXT), ("other", "1")]);
    let bump = edit("app", "v0", "v1").file_edit();
    let first = Mutex::new(true);
    let late = FileEdit {
        path: PATH.to_owned(),
        rebuild: Box::new(|text| {
            // Somebody pushes between our fetch and our push.
            if std::mem::take(&mut *first.lock().unwrap()) {
                bench.commit(&[("other", "2")], "meanwhile");
            }
            (bump.rebuild)(text)
        }),
    };
    let outcome = commit_edits(&cache(&bench), &request("p1", vec![late])).unwrap();
    assert!(matches!(outcome, CommitOutcome::Pushed { .. }), "{outcome:?}");
    assert_eq!((bench.text("other"), bench.text(PATH)), ("2".to_owned(), TEXT.replace("v0", "v1")));
    assert_eq!(bench.count(), 3);
}

#[test]
fn attempts_are_bounded() {
    let bench = Bench::new(&[(PATH, TEXT)]);
    let bump = edit("app", "v0", "v1").file_edit();
    let busy = FileEdit {
        path: PATH.to_owned(),
        rebuild: Box::new(|text| {
            bench.commit(&[("other", &bench.tip())], "busy");
            (bump.rebuild)(text)
        }),
    };
    let mut wanted = request("p1", vec![busy]);
    wanted.attempts = 3;
    let error = commit_edits(&cache(&bench), &wanted).unwrap_err();
    assert!(matches!(error, GitError::Contended { attempts: 3, .. }), "{error}");
    assert_eq!(bench.text(PATH), TEXT);
}

#[test]
fn a_scalar_that_moved_is_left_alone() {
    let bench = Bench::new(&[(PATH, TEXT)]);
    let tip = bench.commit(&[(PATH, &TEXT.replace("v0", "hotfix"))], "by hand");
    let outcome = commit_edits(&cache(&bench), &request("p1", vec![edit("app", "v0", "v1").file_edit()])).unwrap();
    let what = format!("{PATH}: images[app].newTag is hotfix, and the plan replaces v0");
    assert_eq!(outcome, CommitOutcome::Moved { tip: tip.clone(), what });
    assert_eq!(bench.tip(), tip);

    let mut gone = edit("app", "v0", "v1");
    gone.path = "gone.yaml".to_owned();
    let outcome = commit_edits(&cache(&bench), &request("p1", vec![gone.file_edit()])).unwrap();
    assert!(matches!(outcome, CommitOutcome::Moved { .. }), "{outcome:?}");
}

#[test]
fn what_cannot_be_edited_is_an_error_that_names_the_file() {
    let bench = Bench::new(&[(PATH, "images: &a\n- name: app\n"), ("x", "")]);
    let error = commit_edits(&cache(&bench), &request("p1", vec![edit("app", "v0", "v1").file_edit()])).unwrap_err();
    assert!(matches!(&error, GitError::Edit { path, .. } if path == PATH), "{error}");
    for path in ["../x", "/x", "a//b", ".git/config", ""] {
        let edit = FileEdit { path: path.to_owned(), rebuild: Box::new(|_| Ok::<_, Refusal>("y".to_owned())) };
        let error = commit_edits(&cache(&bench), &request("p1", vec![edit])).unwrap_err();
        assert!(matches!(error, GitError::Edit { .. }), "{path}: {error}");
    }
    let mut wanted = request("p1", Vec::new());
    wanted.branch = "absent".to_owned();
    assert!(matches!(commit_edits(&cache(&bench), &wanted), Err(GitError::NoBranch { .. })));
    assert_eq!(bench.count(), 1);
}

/// The hook is run by the `git` program; a machine without it fails here, as a push to such a remote does.
#[test]
fn a_protected_branch_refuses_with_its_own_words_and_a_later_call_pushes_once() {
    let bench = Bench::new(&[(PATH, TEXT)]);
    let tip = bench.tip();
    bench.hook("pre-receive", "#!/bin/sh\necho 'main is protected, open a pull request' >&2\nexit 1\n");
    let wanted = request("p1", vec![edit("app", "v0", "v1").file_edit()]);
    let error = commit_edits(&cache(&bench), &wanted).unwrap_err();
    assert!(matches!(error, GitError::Refused { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains("main is protected, open a pull request"), "{text}");
    assert!(text.contains("pre-receive hook declined"), "{text}");
    assert_eq!(bench.tip(), tip);

    // The commit was made but never arrived, as after a kill between commit and push; now it goes through, once.
    bench.hook("pre-receive", "#!/bin/sh\ncat > \"$GIT_DIR/seen\"\n");
    let outcome = commit_edits(&cache(&bench), &wanted).unwrap();
    assert!(matches!(outcome, CommitOutcome::Pushed { .. }), "{outcome:?}");
    let seen = std::fs::read_to_string(bench.remote().join("seen")).unwrap();
    assert_eq!(seen, format!("{tip} {} refs/heads/main\n", bench.tip()));
    // Killed after the push: the commit is found by its trailers.
    let again = commit_edits(&cache(&bench), &wanted).unwrap();
    assert_eq!(again, CommitOutcome::AlreadyThere { sha: bench.tip() });
    assert_eq!(bench.count(), 2);
}

#[test]
fn a_hooked_remote_that_moved_is_tried_again() {
    let bench = Bench::new(&[(PATH, TEXT)]);
    bench.hook("post-receive", "#!/bin/sh\nexit 0\n");
    let bump = edit("app", "v0", "v1").file_edit();
    let first = Mutex::new(true);
    let late = FileEdit {
        path: PATH.to_owned(),
        rebuild: Box::new(|text| {
            if std::mem::take(&mut *first.lock().unwrap()) {
                bench.commit(&[("other", "2")], "meanwhile");
            }
            (bump.rebuild)(text)
        }),
    };
    let outcome = commit_edits(&cache(&bench), &request("p1", vec![late])).unwrap();
    assert!(matches!(outcome, CommitOutcome::Pushed { .. }), "{outcome:?}");
    assert_eq!(bench.text("other"), "2");
    assert_eq!(bench.count(), 3);
}

#[test]
fn a_checked_out_branch_is_not_pushed_to() {
    let bench = Bench::new(&[(PATH, TEXT)]);
    let clone = bench.clone_to("clone");
    let cache = Cache::open(&bench.home(), clone.to_str().unwrap()).unwrap();
    let error = commit_edits(&cache, &request("p1", vec![edit("app", "v0", "v1").file_edit()])).unwrap_err();
    assert!(error.to_string().contains("checked out"), "{error}");
}

/// Two merges A and B, where B's build ends first: the environment ends at B.
#[test]
fn the_newer_merge_wins_whichever_build_ends_first() {
    let bench = Bench::new(&[(PATH, TEXT)]);
    let a = bench.commit(&[("src", "a")], "A");
    let b = bench.commit(&[("src", "b")], "B");
    let by = |plan: &str, source: &str, tag: &str| {
        let mut wanted = request(plan, vec![edit("app", "v0", tag).file_edit()]);
        wanted.source = Some(source.to_owned());
        commit_edits(&cache(&bench), &wanted).unwrap()
    };
    let CommitOutcome::Pushed { sha, .. } = by("plan-b", &b, "vb") else { panic!() };
    assert_eq!(by("plan-a", &a, "va"), CommitOutcome::Superseded { by: b.clone(), sha });
    assert_eq!(bench.text(PATH), TEXT.replace("v0", "vb"));

    // In the order of the merges, the later plan was made on values that moved on, and is to be made again.
    let bench = Bench::new(&[(PATH, TEXT)]);
    let a = bench.commit(&[("src", "a")], "A");
    let b = bench.commit(&[("src", "b")], "B");
    let by = |plan: &str, source: &str, before: &str, tag: &str| {
        let mut wanted = request(plan, vec![edit("app", before, tag).file_edit()]);
        wanted.source = Some(source.to_owned());
        commit_edits(&cache(&bench), &wanted).unwrap()
    };
    assert!(matches!(by("plan-a", &a, "v0", "va"), CommitOutcome::Pushed { .. }));
    assert!(matches!(by("plan-b", &b, "v0", "vb"), CommitOutcome::Moved { .. }));
    assert!(matches!(by("plan-b2", &b, "va", "vb"), CommitOutcome::Pushed { .. }));
    assert_eq!(bench.text(PATH), TEXT.replace("v0", "vb"));
}

#[test]
fn an_undo_gives_the_file_back_byte_by_byte() {
    let text = "resources:\n- a.yaml\n";
    let bench = Bench::new(&[(PATH, text)]);
    let source = bench.tip();
    let bump = ImageEdit {
        path: PATH.to_owned(),
        image: "app".to_owned(),
        tag: scalar(None, Some("v1")),
        digest: scalar(None, Some("sha256:ab")),
    };
    let mut wanted = request("p1", vec![bump.clone().file_edit()]);
    wanted.source = Some(source.clone());
    commit_edits(&cache(&bench), &wanted).unwrap();
    assert_ne!(bench.text(PATH), text);
    let mut undo = request("p1", vec![bump.undo().file_edit()]);
    undo.action = "environment.staging.undo".to_owned();
    undo.forward_only = false;
    undo.source = Some(source);
    let outcome = commit_edits(&cache(&bench), &undo).unwrap();
    assert!(matches!(outcome, CommitOutcome::Pushed { .. }), "{outcome:?}");
    assert_eq!(bench.text(PATH), text);
    assert_eq!(bench.count(), 3);
}

#[test]
fn own_commits_are_found_behind_a_merge_of_somebody_else() {
    let bench = Bench::new(&[(PATH, TEXT)]);
    let base = bench.tip();
    let mut wanted = request("p1", vec![edit("app", "v0", "v1").file_edit()]);
    wanted.since = Some(base.clone());
    let CommitOutcome::Pushed { sha, .. } = commit_edits(&cache(&bench), &wanted).unwrap() else { panic!() };
    // A developer had a local commit, pulled, and pushed the merge: our commit is its second parent.
    let git = bench.git();
    let find = |sha: &str| git.find_commit(git2::Oid::from_str(sha).unwrap()).unwrap();
    let (ours, base) = (find(&sha), find(&base));
    let who = ours.author();
    let local = git.commit(None, &who, &who, "local", &base.tree().unwrap(), &[&base]).unwrap();
    let local = git.find_commit(local).unwrap();
    let merge = git.commit(None, &who, &who, "merge", &ours.tree().unwrap(), &[&local, &ours]).unwrap();
    git.reference("refs/heads/main", merge, true, "push").unwrap();
    assert_eq!(commit_edits(&cache(&bench), &wanted).unwrap(), CommitOutcome::AlreadyThere { sha });
}
