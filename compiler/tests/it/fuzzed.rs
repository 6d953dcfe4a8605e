//! What `fuzz` found, and the texts it starts from: each holds every invariant of its target.
//!
//! Not here: looking for more (`fuzz/README.md`).

use std::path::Path;

use crate::invariants;

/// Holds a target's invariants of every file that is kept of it.
fn hold(target: &str, holds: fn(&str)) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzzed").join(target);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty(), "{} is empty", folder.display());
    let broken = |path: &&std::path::PathBuf| {
        let text = std::fs::read_to_string(path).unwrap();
        std::panic::catch_unwind(|| holds(&text)).is_err()
    };
    let broken: Vec<_> = paths.iter().filter(broken).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn kdl() {
    hold("kdl", invariants::kdl::hold);
}

#[test]
fn yaml() {
    hold("yaml", invariants::yaml::hold);
}

#[test]
fn expressions() {
    hold("expressions", invariants::expressions::hold);
}

#[test]
fn manifests() {
    hold("manifests", invariants::manifests::hold);
}

#[test]
fn fix() {
    hold("fix", invariants::fix::hold);
}
