//! Input that no spec should be, and outputs that nobody takes: a clear sentence, the right exit code, never a panic.

use std::process::Stdio;

use serde_json::Value;

use crate::cli::{Project, Ran};

/// The one document of a failed command, its only finding.
fn finding(ran: &Ran) -> Value {
    let document = ran.json();
    let findings = document["diagnostics"].as_array().unwrap().clone();
    assert_eq!(findings.len(), 1, "{}", ran.told());
    findings[0].clone()
}

fn position(line: u64, column: u64, offset: u64) -> Value {
    serde_json::json!({"line": line, "column": column, "offset": offset})
}

#[test]
fn wrong_use_of_the_command_line_exits_64() {
    let project = Project::example("deploy-only");
    for line in [
        "",
        "bogus",
        "check --format xml",
        "plan --param novalue",
        "plan --base x",
        "apply --wait soon",
        "approve",
        "show",
    ] {
        let ran = project.waybill(line).exits(64);
        assert!(ran.out.is_empty() && !ran.err.is_empty(), "{}", ran.told());
    }
    project.waybill("--version").exits(0).says("waybill ");
    project.waybill("plan --help").exits(0).says("--detailed-exitcode");
}

#[test]
fn json_is_one_document_on_every_exit() {
    let project = Project::example("fintech");
    project.waybill("check --format json").exits(0).json();
    let plan = project.waybill("plan --format json --detailed-exitcode").exits(2).json();
    assert_eq!(plan["format"], 1);
    assert!(plan["actions"].as_array().is_some_and(|actions| !actions.is_empty()));
    let unknown = finding(&project.waybill("plan --env prodution --format json").exits(1));
    assert_eq!((&unknown["name"], &unknown["file"]), (&"unknown-option-name".into(), &".".into()));
    assert!(unknown["help"].as_str().unwrap().contains("`production`"), "{unknown}");
    assert_eq!(unknown["span"], serde_json::json!({"start": position(1, 1, 0), "end": position(1, 1, 0)}));
    finding(&project.waybill("plan --revision nope --format json").exits(1));
    finding(&project.waybill("plan --observed README.md --format json").exits(1));
    finding(&project.waybill("check nowhere --format json").exits(1));
    finding(&project.waybill("show README.md --format json").exits(4));
    finding(&project.waybill("show nowhere --format json").exits(1));
    project.replace(
        "waybill.kdl",
        "param \"revision\" type=\"commit\"\n\n    workspace",
        "param \"revision\" type=\"commit\"\n    param \"flavour\"\n\n    workspace",
    );
    let ran = project.waybill("plan --format json").exits(1);
    assert!(ran.out.contains("--param"), "{}", ran.told());
    ran.json();
    project.replace("waybill.kdl", "environment \"staging\"", "enviroment \"staging\"");
    project.waybill("plan --format json").exits(1).json();
    project.waybill("check --format json").exits(1).json();
}

#[test]
fn places_count_characters_and_are_seen_from_the_current_folder() {
    let project = Project::example("deploy-only");
    project.write("sub/waybill.kdl", "project \"äöü\"; taks \"x\"\n");
    let ran = project.waybill("check sub --format json").exits(1);
    let document = ran.json();
    let found = document["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["message"].as_str().unwrap().contains("taks"));
    let found = found.unwrap_or_else(|| panic!("{}", ran.told()));
    assert_eq!(found["file"], "sub/waybill.kdl");
    assert_eq!(found["severity"], "error");
    assert!(found["code"].as_str().unwrap().starts_with("WB"));
    assert_eq!(found["span"], serde_json::json!({"start": position(1, 16, 18), "end": position(1, 20, 22)}), "{found}");
    assert!(found["help"].to_string().contains("task") || found["fixes"].to_string().contains("task"), "{found}");
    let mut command = project.command(&["check", "../sub", "--format", "json"]);
    let ran = Ran::new("check ../sub".into(), command.current_dir(project.clone().join("manifests")).output().unwrap());
    assert!(ran.exits(1).out.contains("\"../sub/waybill.kdl\""));
}

#[test]
fn explain_takes_a_code_or_a_name() {
    let project = Project::example("deploy-only");
    let by_code = project.waybill("explain WB0304").exits(0).says("bad-image-tag").says("Fails:").says("Right:");
    assert_eq!(by_code.out, project.waybill("explain bad-image-tag").exits(0).out);
    project.waybill("explain bad-image-tagg").exits(1).says("similar name: bad-image-tag");
}

#[test]
fn files_that_are_no_spec_are_named() {
    let project = Project::example("deploy-only");
    let files: [(&str, &[u8], &str); 4] = [
        ("waybill.kdl", b"project \"x\"\n\xff", "byte 12 is not UTF-8"),
        ("waybill.kdl", b"", "the spec defines nothing"),
        ("waybill.kdl", &b"a {".repeat(5000), "nested"),
        ("waybill.yaml", &b"[".repeat(50_000), "nested"),
    ];
    for (at, (name, bytes, says)) in files.iter().enumerate() {
        let folder = format!("bad{at}");
        project.write(&format!("{folder}/{name}"), "");
        std::fs::write(project.clone().join(&folder).join(name), bytes).unwrap();
        project.run(&["check", &folder]).exits(1).says(says);
        project.run(&["plan", &folder]).exits(1).says(says);
        project.run(&["apply", &folder]).exits(1).says(says);
        project.run(&["check", &folder, "--format", "json"]).exits(1).json();
    }
    project.write("large/waybill.kdl", "");
    std::fs::File::create(project.clone().join("large/waybill.kdl")).unwrap().set_len(50 << 20).unwrap();
    project.waybill("check large").exits(1).says("52428800 bytes");
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for at in 1..12 {
        bomb.push_str(&format!("a{at}: &a{at} [{}]\n", vec![format!("*a{}", at - 1); 10].join(", ")));
    }
    project.write("bomb/waybill.yaml", &bomb);
    project.waybill("check bomb").exits(1).says("expand to too much");
    project.write("folder/waybill.kdl/x", "");
    project.waybill("check folder").exits(1).says("it is a folder");
    assert!(!project.home().exists(), "a spec with errors touches nothing");
}

#[test]
fn links_are_followed_inside_the_project_only() {
    let project = Project::example("deploy-only");
    for (folder, target, says) in [
        ("circle", "waybill.kdl", "lead in a circle"),
        ("out", "../../outside.kdl", "leads out of the project's folder"),
    ] {
        std::fs::create_dir(project.clone().join(folder)).unwrap();
        std::os::unix::fs::symlink(target, project.clone().join(folder).join("waybill.kdl")).unwrap();
        std::fs::write(project.file("outside.kdl"), "project \"x\"").unwrap();
        project.run(&["check", folder]).exits(1).says(says);
    }
}

#[test]
fn an_unreadable_file_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::example("deploy-only");
    let file = project.clone().join("waybill.kdl");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o0)).unwrap();
    if std::fs::read(&file).is_ok() {
        // Root reads everything: what can be seen here is that the mode does not matter then.
        eprintln!("run by root: unreadable files cannot be made");
        project.waybill("check").exits(0);
    } else {
        project.waybill("check").exits(1).says("permission denied");
    }
}

#[test]
fn without_a_repository_or_without_commits() {
    let project = Project::example("fintech");
    std::fs::remove_dir_all(project.clone().join(".git")).unwrap();
    project.waybill("check").exits(0);
    let none = project.waybill("plan").exits(1);
    assert!(none.out.contains("repository"), "{}", none.told());
    git2::Repository::init(project.clone()).unwrap();
    for line in ["plan", "plan --offline", "apply --auto-approve"] {
        project.waybill(line).exits(1).says("has no commits yet");
    }
    let bare = Project::example("deploy-only");
    std::fs::remove_dir_all(bare.clone().join(".git")).unwrap();
    bare.apply();
    bare.nothing_to_do();
}

#[test]
fn a_closed_pipe_is_no_failure_and_a_full_disk_is_one() {
    let project = Project::example("fintech");
    for line in [vec!["plan"], vec!["plan", "--format", "json"], vec!["check"], vec!["--help"]] {
        let mut child = project.command(&line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        Ran::new(format!("{line:?} into a closed pipe"), child.wait_with_output().unwrap()).exits(0);
    }
    for line in [vec!["plan"], vec!["plan", "--format", "json"], vec!["explain", "bad-image-tag"]] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = project.command(&line).stdout(full).stderr(Stdio::piped()).output().unwrap();
        Ran::new(format!("{line:?} to a full disk"), output).exits(1).says("no space left on device");
    }
    let before = std::fs::symlink_metadata("/dev/full").unwrap().file_type();
    project.waybill("plan --out /dev/full").exits(1).says("the disk is full");
    assert_eq!(std::fs::symlink_metadata("/dev/full").unwrap().file_type(), before, "a device is no place for a file");
    project.waybill("plan --out missing/p").exits(1).says("no such file or directory");
    project.waybill("plan --out manifests/../deploy").exits(1).says("was not written");
    project.waybill("observe --out missing/f").exits(1).says("no such file or directory");
    std::fs::write(project.file("kept"), "before").unwrap();
    std::os::unix::fs::symlink("kept", project.file("link")).unwrap();
    project.waybill("plan --out ../link").exits(0);
    assert!(project.file("link").is_symlink(), "a link is followed");
    assert_ne!(std::fs::read_to_string(project.file("kept")).unwrap(), "before");
}

#[test]
fn facts_of_a_file_give_the_same_bytes_and_offline_plans_touch_nothing() {
    let project = Project::example("fintech");
    project.waybill("plan --offline").exits(0);
    project.waybill("plan --offline --format json").exits(0).json();
    project.waybill("graph --offline").exits(0);
    assert!(!project.home().exists(), "an offline plan makes no state");
    let facts = project.file("f.json").to_str().unwrap().to_owned();
    project.run(&["observe", "--out", &facts]).exits(0);
    let plan = || project.run(&["plan", "--observed", &facts, "--format", "json"]).exits(0).out;
    let first = plan();
    assert_eq!(first, plan());
    let refused = project.run(&["plan", "--observed", &facts, "--offline"]).exits(64);
    assert!(refused.out.is_empty());
    assert!(first.contains("environment.production.commit"));
}
