//! `waybill vendor`: modules from real git repositories, their copies and the lock file.

use crate::cli::Project;
use crate::repos::Bench;

const TASKS: &str = "module \"catalog\"
task \"hello\" {
    param \"whom\" default=\"world\"
    step \"say\" image=\"alpine:3.22\" {
        run \"printf 'hello %s' \\\"$WHOM\\\"\"
        env WHOM=\"${param.whom}\"
    }
}
";

/// A project with one pipeline that runs the task of a module.
fn project(uses: &str) -> Project {
    Project::edited("library", |clone| {
        std::fs::remove_file(clone.join("waybill.yaml")).unwrap();
        let spec = format!(
            "project \"shop\" {{\n    repo branch=\"main\"\n}}\n{uses}\npipeline \"ci\" {{\n    runs-on namespace=\"ci\" \
             create=#true\n    task \"greet\" use=\"catalog.hello\" {{\n        param whom=\"shop\"\n    }}\n}}\n"
        );
        std::fs::write(clone.join("waybill.kdl"), spec).unwrap();
    })
}

/// The only folder of copies.
fn copy(project: &Project, name: &str) -> String {
    let folder = project.clone().join("vendor/waybill");
    let mut names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let found = names.find(|found| found.starts_with(name)).unwrap();
    format!("vendor/waybill/{found}")
}

#[test]
fn a_module_at_a_commit_is_copied_locked_checked_and_planned() {
    let bench = Bench::new(&[("tasks/waybill.kdl", TASKS), ("README.md", "not a part of the module")]);
    let project = project(&format!("use \"git+{}#{}\" as=\"catalog\" path=\"tasks\"", bench.url(), bench.tip()));
    project.waybill("check").exits(1).says("is not in `waybill.lock`").says("run `waybill vendor`");
    project.waybill("vendor --check").exits(1).says("waybill.lock is missing");
    assert!(!project.clone().join("vendor").exists());
    project.waybill("vendor").exits(0).says("1 file").says("waybill.lock was written");
    let copy = copy(&project, "remote-");
    assert_eq!(project.read(&format!("{copy}/tasks/waybill.kdl")), TASKS);
    assert!(!project.clone().join(&copy).join("README.md").exists());
    let lock = project.read("waybill.lock");
    assert!(lock.contains(&bench.tip()) && lock.contains("content \"sha256:"), "{lock}");
    // From here on the repository is not needed.
    std::fs::rename(bench.remote(), bench.dir.path().join("gone.git")).unwrap();
    project.waybill("check").exits(0);
    project.waybill("vendor --check").exits(0).says("waybill.lock is up to date");
    project.commit("vendored");
    project.push();
    let plan = project.waybill("plan --offline").exits(0);
    assert!(plan.out.contains("pipeline.ci.pod.greet"), "{}", plan.told());
}

#[test]
fn a_branch_stays_at_its_locked_commit_until_an_update() {
    let bench = Bench::new(&[("waybill.kdl", TASKS)]);
    let first = bench.tip();
    let project = project(&format!("use \"git+{}#main\" as=\"catalog\"", bench.url()));
    project.waybill("vendor").exits(0);
    let lock = project.read("waybill.lock");
    let second = bench.commit(&[("waybill.kdl", &TASKS.replace("hello %s", "good day %s"))], "second");
    project.waybill("vendor").exits(0).says("is up to date");
    assert_eq!(project.read("waybill.lock"), lock);
    project.waybill("vendor --check").exits(0);
    project.waybill("vendor --update").exits(0).says("was written");
    let updated = project.read("waybill.lock");
    assert!(lock.contains(&first) && updated.contains(&second) && !updated.contains(&first), "{updated}");
    assert!(project.read(&format!("{}/waybill.kdl", copy(&project, "remote-"))).contains("good day"));
    let copies = std::fs::read_dir(project.clone().join("vendor/waybill")).unwrap().count();
    assert_eq!(copies, 2, "the copy of the first commit is gone, the attributes are there");
    project.waybill("check").exits(0);
    // The same pins and commits give the same bytes anywhere.
    let twin = project.twin();
    std::fs::remove_dir_all(twin.clone().join("vendor")).unwrap();
    twin.waybill("check").exits(1).says("has no module").says("run `waybill vendor`");
    twin.waybill("vendor").exits(0);
    assert_eq!(twin.read("waybill.lock"), updated);
    twin.waybill("check").exits(0);
}

#[test]
fn a_tag_is_followed_to_its_commit() {
    let bench = Bench::new(&[("waybill.kdl", TASKS)]);
    let git = bench.git();
    let commit = git.revparse_single("refs/heads/main").unwrap();
    let who = git2::Signature::new("Ada", "ada@example.com", &git2::Time::new(1_700_000_000, 60)).unwrap();
    git.tag("v1.0", &commit, &who, "the first", false).unwrap();
    git.tag_lightweight("v1", &commit, false).unwrap();
    for name in ["v1.0", "v1"] {
        let project = project(&format!("use \"git+{}#{name}\" as=\"catalog\"", bench.url()));
        project.waybill("vendor").exits(0);
        assert!(project.read("waybill.lock").contains(&format!("commit \"{}\"", bench.tip())), "{name}");
        project.waybill("check").exits(0);
    }
    let project = project(&format!("use \"git+{}#v2\" as=\"catalog\"", bench.url()));
    project.waybill("vendor").exits(1).says("`v2` is no commit");
    assert!(!project.clone().join("waybill.lock").exists());
}

#[test]
fn a_changed_copy_is_refused_and_restored() {
    let bench = Bench::new(&[("waybill.kdl", TASKS)]);
    let project = project(&format!("use \"git+{}#{}\" as=\"catalog\"", bench.url(), bench.tip()));
    project.waybill("vendor").exits(0);
    let path = format!("{}/waybill.kdl", copy(&project, "remote-"));
    project.replace(&path, "hello %s", "bye %s");
    project.waybill("check").exits(1).says("is not what `waybill.lock` says");
    project.waybill("plan --offline").exits(1);
    project.waybill("vendor --check").exits(1).says(&format!("{path} differs"));
    project.waybill("vendor").exits(0).says("was written");
    assert_eq!(project.read(&path), TASKS);
    // A file that the module does not have is one too many.
    project.write(&format!("{}/.waybill/more.kdl", copy(&project, "remote-")), "task \"more\" {\n}\n");
    project.waybill("check").exits(1).says("is not what `waybill.lock` says");
    project.waybill("vendor").exits(0);
    assert!(!project.clone().join(copy(&project, "remote-")).join(".waybill").exists());
    project.waybill("check").exits(0);
    // What is not a copy is nobody's business.
    project.write("vendor/waybill/notes.txt", "mine");
    project.waybill("vendor --check").exits(0);
    project.replace("waybill.kdl", "use \"git+", "// use \"git+");
    project.replace(
        "waybill.kdl",
        "    task \"greet\" use=\"catalog.hello\" {\n        param whom=\"shop\"\n    }\n",
        "",
    );
    project.waybill("vendor").exits(0).says("No module comes from git");
    assert!(!project.clone().join("waybill.lock").exists());
    assert_eq!(project.read("vendor/waybill/notes.txt"), "mine");
}

#[test]
fn modules_of_modules_are_locked_too() {
    let base = Bench::new(&[("waybill.kdl", &TASKS.replace("\"catalog\"", "\"base\""))]);
    let used = format!("module \"all\"\nuse \"parts/one\" as=\"one\"\nuse \"git+{}#main\" as=\"base\"\n", base.url());
    let one = TASKS.replace("\"catalog\"", "\"one\"");
    let all = Bench::new(&[("waybill.kdl", &used), ("parts/one/.waybill/tasks.kdl", &one)]);
    let project = project(&format!("use \"git+{}#{}\" as=\"catalog\"", all.url(), all.tip()));
    project.replace("waybill.kdl", "catalog.hello", "catalog.base.hello");
    project.waybill("vendor").exits(0).says("1 file\n").says("2 files\n");
    let lock = project.read("waybill.lock");
    assert!(lock.contains(&base.tip()) && lock.contains(&all.tip()), "{lock}");
    project.waybill("check").exits(0);
    project.replace("waybill.kdl", "catalog.base.hello", "catalog.one.hello");
    project.waybill("check").exits(0);
    project.replace("waybill.kdl", "catalog.one.hello", "catalog.one.helo");
    project.waybill("check").exits(1).says("there is no task `catalog.one.helo`").says("`catalog.one.hello`");
}

#[test]
fn repositories_that_use_one_another_are_a_circle() {
    let (left, right) = (Bench::empty(), Bench::empty());
    let uses = |of: &Bench| format!("module \"m\"\nuse \"git+{}#main\" as=\"other\"\n", of.url());
    left.commit(&[("waybill.kdl", &uses(&right))], "first");
    right.commit(&[("waybill.kdl", &uses(&left))], "first");
    let project = project(&format!("use \"git+{}#main\" as=\"catalog\"", left.url()));
    project.waybill("vendor").exits(1).says("modules use one another in a circle");
    assert!(!project.clone().join("waybill.lock").exists());
}

#[test]
fn what_a_repository_lacks_is_said() {
    let bench = Bench::new(&[("waybill.kdl", "project \"service\"\n")]);
    let with = |uses: String| project(&uses).waybill("vendor").exits(1);
    with(format!("use \"git+{}#main\" as=\"catalog\"", bench.url())).says("is not a module");
    with(format!("use \"git+{}#main\" as=\"catalog\" path=\"tasks\"", bench.url())).says("has no spec there");
    let commit = "0123456789abcdef0123456789abcdef01234567";
    with(format!("use \"git+{}#{commit}\" as=\"catalog\"", bench.url())).says("is no commit");
    with(format!("use \"git+https://git.example.com/a.git#{commit}\" as=\"catalog\""))
        .says("only repositories in the file system are supported");
    with("use \"git+file:///nowhere/at/all.git#main\" as=\"catalog\"".into()).says("cannot be read");
}
