//! House rules that no lint knows: sizes and names of files, headers, forgotten snapshots, and what we depend on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Longest file in lines.
const LINES: usize = 700;
/// Names that say nothing of what is in a file.
const EMPTY_NAMES: &[&str] = &["util", "utils", "helper", "helpers", "common", "types", "misc", "stuff", "shared"];
/// Crates that bring OpenSSL, a second TLS library, or a YAML library without spans.
const BANNED: &[&str] = &["openssl", "openssl-sys", "aws-lc-rs", "aws-lc-sys", "native-tls", "serde_yml"];
/// What would make the compiler impure: it must not depend on them, directly or not.
const IMPURE: &[&str] = &[
    "tokio",
    "mio",
    "socket2",
    "hyper",
    "reqwest",
    "rustls",
    "kube",
    "kube-client",
    "git2",
    "libgit2-sys",
    "redb",
    "getrandom",
    "rand",
    "tempfile",
    "async-std",
    "ureq",
];
const LICENCES: &[&str] = &[
    "MIT",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "Unlicense",
    "0BSD",
    "MIT-0",
    "BSL-1.0",
    "MPL-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "CDLA-Permissive-2.0",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The files of the workspace with this extension, sorted, without what builds leave.
fn files(extension: &str) -> Vec<PathBuf> {
    let mut folders = vec![root()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && !path.is_symlink() {
                let built = name.starts_with("target") || name.starts_with('.');
                folders.extend((!built).then_some(path));
            } else if path.extension().is_some_and(|end| end == extension) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

fn sources() -> Vec<(String, String)> {
    let read = |path: PathBuf| {
        let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    let all: Vec<(String, String)> = files("rs").into_iter().map(read).collect();
    assert!(all.len() > 100, "{}", all.len());
    all
}

fn assert_none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn files_are_short_and_say_what_they_are() {
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        let lines = text.lines().count();
        if lines > LINES {
            wrong.push(format!("{path}: {lines} lines, more than {LINES}: split it by subject"));
        }
        if !text.starts_with("//! ") {
            wrong.push(format!("{path}: no `//!` header"));
        }
        let stem = Path::new(&path).file_stem().unwrap().to_str().unwrap();
        if EMPTY_NAMES.contains(&stem) || path.split('/').any(|part| EMPTY_NAMES.contains(&part)) {
            wrong.push(format!("{path}: a name that says nothing"));
        }
    }
    assert_none(wrong);
}

#[test]
fn nothing_is_left_for_later() {
    let mark = |parts: [&str; 2]| parts.concat();
    let marks = [
        mark(["FIX", "ME"]),
        mark(["TO", "DO"]),
        mark(["XX", "X:"]),
        mark(["#[ign", "ore"]),
        mark(["should_", "panic"]),
    ];
    let mut wrong = Vec::new();
    for (path, text) in sources() {
        for (at, line) in text.lines().enumerate() {
            wrong.extend(
                marks.iter().filter(|mark| line.contains(*mark)).map(|mark| format!("{path}:{}: {mark}", at + 1)),
            );
        }
    }
    assert_none(wrong);
}

#[test]
fn every_snapshot_is_used_and_none_waits_for_a_review() {
    let texts: String = sources().into_iter().map(|(_, text)| text).collect();
    let examples: BTreeSet<String> = std::fs::read_dir(root().join("examples"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    // A name may be put together: `check-{name}`, `{name}.plan`.
    let known = |part: &str| texts.contains(&format!("\"{part}\"")) || examples.contains(part);
    let composed = |name: &str| {
        (1..name.len()).filter(|at| name.is_char_boundary(*at)).any(|at| {
            let (head, tail) = name.split_at(at);
            texts.contains(&format!("\"{head}{{")) && known(tail)
                || texts.contains(&format!("}}{tail}\"")) && known(head)
        })
    };
    let mut wrong = Vec::new();
    for path in files("snap") {
        let stem = path.file_stem().unwrap().to_str().unwrap();
        let name = stem.rsplit("__").next().unwrap().split('@').next().unwrap();
        if !texts.contains(name) && !composed(name) {
            wrong.push(format!("{}: no test writes it", path.display()));
        }
    }
    wrong.extend(files("new").iter().map(|path| format!("{}: not reviewed", path.display())));
    assert_none(wrong);
}

/// `cargo metadata` of what is built on this machine.
fn metadata() -> Value {
    let rustc = Command::new("rustc").arg("-vV").output().unwrap();
    let version = String::from_utf8(rustc.stdout).unwrap();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    let run = |offline: &[&str]| {
        let cargo = std::env::var("CARGO").unwrap_or("cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(root()).args(["metadata", "--format-version=1", "--locked", "--filter-platform", &host]);
        command.args(offline).output().unwrap()
    };
    let output = Some(run(&["--offline"])).filter(|output| output.status.success()).unwrap_or_else(|| run(&[]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or("")
}

fn list<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    value[key].as_array().into_iter().flatten()
}

/// Whether a licence expression can be met with the licences that we take.
fn acceptable(expression: &str) -> bool {
    let plain = expression.replace(['(', ')'], " ").replace('/', " OR ");
    plain.split(" AND ").all(|part| part.split(" OR ").any(|licence| LICENCES.contains(&licence.trim())))
}

#[test]
fn dependencies_have_a_licence_and_a_source_that_we_take() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in list(&metadata, "packages") {
        let (name, source) = (text(package, "name"), text(package, "source"));
        if BANNED.contains(&name) {
            wrong.push(format!("{name} is banned"));
        }
        if !acceptable(text(package, "license")) {
            wrong.push(format!("{name}: licence `{}`", text(package, "license")));
        }
        if !source.is_empty() && source != "registry+https://github.com/rust-lang/crates.io-index" {
            wrong.push(format!("{name} comes from {source}"));
        }
    }
    assert_none(wrong);
}

#[test]
fn no_banned_crate_is_locked_for_another_platform() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    let locked: BTreeSet<&str> =
        lock.lines().filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"')).collect();
    assert!(locked.len() > 100);
    assert_none(BANNED.iter().filter(|name| locked.contains(*name)).map(|name| format!("{name} is locked")).collect());
}

/// Names of what a package needs to be built, directly or not.
fn closure(metadata: &Value, package: &str) -> BTreeSet<String> {
    let names: BTreeMap<&str, &str> =
        list(metadata, "packages").map(|package| (text(package, "id"), text(package, "name"))).collect();
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"], "nodes").map(|node| (text(node, "id"), node)).collect();
    let start = names.iter().find(|(_, name)| **name == package).map(|(id, _)| *id).unwrap();
    let (mut open, mut seen) = (vec![start], BTreeSet::new());
    while let Some(id) = open.pop() {
        for dependency in list(nodes[id], "deps") {
            let normal = list(dependency, "dep_kinds").any(|kind| kind["kind"].is_null());
            let id = text(dependency, "pkg");
            if normal && seen.insert(id) {
                open.push(id);
            }
        }
    }
    seen.into_iter().map(|id| names[id].to_owned()).collect()
}

#[test]
fn the_compiler_depends_on_nothing_impure() {
    let closure = closure(&metadata(), "waybill-compiler");
    assert!(!closure.contains("kdl") && closure.contains("serde_json"), "{closure:?}");
    assert_none(IMPURE.iter().filter(|name| closure.contains(**name)).map(|name| name.to_string()).collect());
}

#[test]
fn the_yaml_oracle_is_for_tests_of_the_compiler_only() {
    let metadata = metadata();
    let members = ["waybill-compiler", "waybill-runtime", "waybill-embedded"];
    for package in list(&metadata, "packages").filter(|package| members.contains(&text(package, "name"))) {
        for dependency in list(package, "dependencies").filter(|dependency| text(dependency, "name") == "serde_yaml") {
            let place = (text(package, "name"), text(dependency, "kind"));
            assert_eq!(place, ("waybill-compiler", "dev"));
        }
    }
    let closures = members.map(|member| closure(&metadata, member));
    assert!(closures.iter().all(|closure| !closure.contains("serde_yaml")));
    assert!(
        !closure(&metadata, "waybill-embedded").contains("waybill-compiler"),
        "the embedded cluster knows no specs"
    );
}
