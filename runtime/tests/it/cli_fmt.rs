//! `waybill fmt`: which files it takes, what it writes, and what it leaves alone.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Stdio;

use crate::cli::{Project, Ran};

const MESSY: &str = "// A spec.\nproject   \"shop\"\n\n\n\ntask \"a\"   timeout=\"5m\" {\n  step \"s\"   image=\"alpine:3.22\" {\n  run \"true\"\n  }\n}\n";
const NEAT: &str = "// A spec.\nproject \"shop\"\n\ntask \"a\" timeout=\"5m\" {\n    step \"s\" image=\"alpine:3.22\" {\n        run \"true\"\n    }\n}\n";
const BROKEN: &str = "task   \"b\" {\n    param \"x\n}\n";

/// A project with nothing but these files.
fn project(files: &[(&str, &str)]) -> Project {
    let project = Project::example("deploy-only");
    std::fs::remove_file(project.clone().join("waybill.kdl")).unwrap();
    files.iter().for_each(|(path, text)| project.write(path, text));
    project
}

/// Runs with a text on stdin.
fn piped(project: &Project, args: &[&str], text: &str) -> Ran {
    let mut command = project.command(args);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Ran::new(format!("{args:?}"), child.wait_with_output().unwrap())
}

#[test]
fn the_spec_files_of_a_project_are_formatted_and_no_others() {
    let files = [("waybill.kdl", MESSY), (".waybill/more/b.kdl", MESSY), (".waybill/a.kdl", NEAT), ("c.kdl", MESSY)];
    let project = project(&files);
    let ran = project.waybill("fmt").exits(0);
    assert_eq!(ran.out, "waybill.kdl\n.waybill/more/b.kdl\n");
    assert_eq!([project.read("waybill.kdl"), project.read(".waybill/more/b.kdl")], [NEAT, NEAT]);
    assert_eq!(project.read("c.kdl"), MESSY);
    let again = project.waybill("fmt").exits(0);
    assert_eq!((again.out.as_str(), again.err.as_str()), ("", ""));
}

#[test]
fn files_and_folders_can_be_named_and_each_is_done_once() {
    let project = project(&[("waybill.kdl", MESSY), ("other/deep/c.kdl", MESSY), ("other/d.kdl", MESSY)]);
    let ran = project.waybill("fmt other ./other/d.kdl other/deep/c.kdl").exits(0);
    assert_eq!(ran.out, "other/d.kdl\nother/deep/c.kdl\n");
    assert_eq!(project.read("waybill.kdl"), MESSY);
    project.waybill("fmt README.md").exits(1).says("its name does not end with `.kdl`");
    project.waybill("fmt nowhere").exits(1).says("`nowhere` cannot be read");
    project.write("empty/note.txt", "");
    project.waybill("fmt empty").exits(1).says("`empty` has no KDL files");
    project.write("yaml/waybill.yaml", "project: shop\n");
    project.waybill("fmt yaml").exits(0).says("YAML stays as it is");
}

#[test]
fn check_writes_nothing_and_shows_a_patch() {
    let project = project(&[("waybill.kdl", MESSY), (".waybill/a.kdl", NEAT)]);
    let ran = project.waybill("fmt --check").exits(1);
    assert!(ran.out.starts_with("waybill.kdl is not formatted\n--- waybill.kdl\n+++ waybill.kdl (formatted)\n"));
    let ran = ran.says("-project   \"shop\"\n+project \"shop\"\n").says_not("a.kdl");
    assert_eq!(project.read("waybill.kdl"), MESSY, "{}", ran.told());
    project.waybill("fmt").exits(0);
    assert_eq!(project.waybill("fmt --check").exits(0).out, "");
}

#[test]
fn a_file_with_errors_stays_and_the_others_are_formatted() {
    let project = project(&[("waybill.kdl", MESSY), (".waybill/b.kdl", BROKEN)]);
    let ran = project.waybill("fmt").exits(1).says("a string is not closed").says(".waybill/b.kdl:2:");
    assert!(ran.out.starts_with("waybill.kdl\n"), "{}", ran.told());
    assert_eq!(project.read("waybill.kdl"), NEAT);
    assert_eq!(project.read(".waybill/b.kdl"), BROKEN);
    std::fs::write(project.clone().join(".waybill/b.kdl"), b"project \"\xff\"\n").unwrap();
    project.waybill("fmt").exits(1).says("byte 9 is not UTF-8");
}

#[test]
fn stdin_goes_to_stdout_and_findings_to_stderr() {
    let project = project(&[("waybill.kdl", MESSY)]);
    assert_eq!(piped(&project, &["fmt", "-"], MESSY).exits(0).out, NEAT);
    let broken = piped(&project, &["fmt", "-"], BROKEN).exits(1);
    assert!(broken.out.is_empty() && broken.err.contains("a string is not closed"), "{}", broken.told());
    let checked = piped(&project, &["fmt", "--check", "-"], MESSY).exits(1).says("--- <stdin>");
    assert!(!checked.out.contains(NEAT), "{}", checked.told());
    assert_eq!(piped(&project, &["fmt", "--check", "-"], NEAT).exits(0).out, "");
    project.waybill("fmt - waybill.kdl").exits(64);
    assert_eq!(project.read("waybill.kdl"), MESSY);
}

#[test]
fn what_a_file_is_stays_and_links_out_are_not_followed() {
    let project = project(&[("waybill.kdl", MESSY), ("../outside.kdl", MESSY)]);
    let path = project.clone().join("waybill.kdl");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    std::fs::create_dir(project.clone().join(".waybill")).unwrap();
    std::os::unix::fs::symlink("../../outside.kdl", project.clone().join(".waybill/out.kdl")).unwrap();
    project.waybill("fmt").exits(1).says("a symbolic link leads out of the project's folder");
    assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    assert_eq!((project.read("waybill.kdl").as_str(), project.read("../outside.kdl").as_str()), (NEAT, MESSY));
    project.write("waybill.kdl", MESSY);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o440)).unwrap();
    std::fs::remove_file(project.clone().join(".waybill/out.kdl")).unwrap();
    project.waybill("fmt").exits(1).says("`waybill.kdl` was not written: it is read-only");
    assert_eq!(project.read("waybill.kdl"), MESSY);
    let left: Vec<String> = std::fs::read_dir(project.clone())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".tmp"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_nesting_that_no_spec_has_is_refused() {
    let project = project(&[("waybill.kdl", &format!("{}{}", "a {\n".repeat(300), "}\n".repeat(300)))]);
    project.waybill("fmt").exits(1).says("nested more than 256 deep");
}
