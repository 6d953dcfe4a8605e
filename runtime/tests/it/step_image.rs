//! Images: what is in them, that they are reproducible, what is refused.

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use waybill_runtime::step::image::{BuiltImage, build};
use waybill_runtime::step::{self, StepError};

const NAME: &str = "registry.example.com:5000/acme/app:v1";

fn context(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join("context").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        let mode = if path.extension().is_some_and(|end| end == "sh") { 0o755 } else { 0o644 };
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }
    dir
}

fn build_in(dir: &TempDir, out: &str) -> Result<BuiltImage, StepError> {
    let context = dir.path().join("context");
    build(&context, &context.join("Dockerfile"), &dir.path().join(out), NAME)
}

struct Unpacked {
    manifest: Value,
    config: Value,
    /// By layer: path, then kind, mode, owner and content or target.
    layers: Vec<BTreeMap<String, String>>,
}

fn blob(layout: &Path, descriptor: &Value) -> Vec<u8> {
    let digest = descriptor["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap();
    let bytes = std::fs::read(layout.join("blobs/sha256").join(digest)).unwrap();
    assert_eq!(hex::encode(Sha256::digest(&bytes)), digest);
    assert_eq!(bytes.len() as u64, descriptor["size"].as_u64().unwrap());
    bytes
}

/// Reads an image as a registry client would, checking every digest and size.
fn unpack(layout: &Path, name: &str) -> Unpacked {
    let json = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).unwrap();
    let marker = json(&std::fs::read(layout.join("oci-layout")).unwrap());
    assert_eq!(marker["imageLayoutVersion"], "1.0.0");
    let index = json(&std::fs::read(layout.join("index.json")).unwrap());
    let named = |entry: &&Value| entry["annotations"]["org.opencontainers.image.ref.name"] == name;
    let entry = index["manifests"].as_array().unwrap().iter().find(named).unwrap();
    let manifest = json(&blob(layout, entry));
    let config = json(&blob(layout, &manifest["config"]));
    let mut layers = Vec::new();
    for (idx, descriptor) in manifest["layers"].as_array().unwrap().iter().enumerate() {
        let mut tar = Vec::new();
        flate2::read::GzDecoder::new(blob(layout, descriptor).as_slice()).read_to_end(&mut tar).unwrap();
        let diff_id = format!("sha256:{}", hex::encode(Sha256::digest(&tar)));
        assert_eq!(config["rootfs"]["diff_ids"][idx], diff_id);
        layers.push(entries(&tar));
    }
    Unpacked { manifest, config, layers }
}

fn entries(tar: &[u8]) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for entry in tar::Archive::new(tar).entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let header = entry.header();
        assert_eq!(header.mtime().unwrap(), 0);
        let what = match header.entry_type() {
            tar::EntryType::Directory => "folder".to_owned(),
            tar::EntryType::Symlink => format!("-> {}", entry.link_name().unwrap().unwrap().display()),
            _ => format!("{text:?}"),
        };
        let owner = format!("{}:{}", header.uid().unwrap(), header.gid().unwrap());
        let path = entry.path().unwrap().display().to_string();
        out.insert(path, format!("{:o} {owner} {what}", header.mode().unwrap()));
    }
    out
}

fn listed(layer: &BTreeMap<String, String>) -> Vec<String> {
    layer.iter().map(|(path, what)| format!("{path} {what}")).collect()
}

#[test]
fn an_image_has_what_the_dockerfile_says() {
    let dir = context(&[
        (
            "Dockerfile",
            "FROM scratch\nENV A=1\nWORKDIR /srv/app\nCOPY bin/ bin\nCOPY --chown=7:8 --chmod=0600 a b? ./x/\n\
          COPY . .\nLABEL l=v\nUSER 1000\nEXPOSE 80\nENTRYPOINT [\"/srv/app/bin/run.sh\"]\nCMD [\"x\"]\nSTOPSIGNAL SIGINT\n",
        ),
        (".dockerignore", "# comment\n*\n!bin\n!a\n!b?\n!deep\n**/*.tmp\ndeep/skip/**\n!deep/skip/keep\n"),
        ("bin/run.sh", "run"),
        ("bin/x.tmp", ""),
        ("a", "a"),
        ("b1", "b1"),
        ("b2", "b2"),
        ("secret", "s"),
        ("deep/skip/keep", "k"),
        ("deep/skip/not", "n"),
        (".git/config", "x"),
    ]);
    symlink("../../etc/passwd", dir.path().join("context/bin/link")).unwrap();
    let built = build_in(&dir, "out").unwrap();
    let image = unpack(&dir.path().join("out"), NAME);
    assert_eq!(built.layers.len(), 4);
    assert_eq!(listed(&image.layers[0]), ["srv/ 755 0:0 folder", "srv/app/ 755 0:0 folder"]);
    assert_eq!(
        listed(&image.layers[1]),
        [
            "srv/app/bin/ 755 0:0 folder",
            "srv/app/bin/link 777 0:0 -> ../../etc/passwd",
            "srv/app/bin/run.sh 755 0:0 \"run\""
        ]
    );
    assert_eq!(
        listed(&image.layers[2]),
        [
            "srv/app/x/ 755 0:0 folder",
            "srv/app/x/a 600 7:8 \"a\"",
            "srv/app/x/b1 600 7:8 \"b1\"",
            "srv/app/x/b2 600 7:8 \"b2\""
        ]
    );
    let all: Vec<&String> = image.layers[3].keys().collect();
    assert_eq!(
        all,
        [
            "srv/app/a",
            "srv/app/b1",
            "srv/app/b2",
            "srv/app/bin/",
            "srv/app/bin/link",
            "srv/app/bin/run.sh",
            "srv/app/deep/",
            "srv/app/deep/skip/",
            "srv/app/deep/skip/keep"
        ]
    );
    let config = serde_json::json!({
        "Env": ["A=1"], "WorkingDir": "/srv/app", "User": "1000", "Labels": {"l": "v"}, "ExposedPorts": {"80/tcp": {}},
        "Entrypoint": ["/srv/app/bin/run.sh"], "Cmd": ["x"], "StopSignal": "SIGINT",
    });
    assert_eq!(image.config["config"], config);
    assert_eq!((&image.config["os"], &image.config["architecture"]), (&Value::from("linux"), &Value::from("amd64")));
    assert_eq!(image.manifest["schemaVersion"], 2);
}

/// Every file of a folder with its bytes.
fn snapshot(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                out.insert(path.strip_prefix(dir).unwrap().to_owned(), std::fs::read(&path).unwrap());
            }
        }
    }
    out
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let long = format!("{}/{}.txt", "long".repeat(40), "name".repeat(30));
    let mut files = vec![("Dockerfile", "FROM scratch\nCOPY . /\n"), ("z", "1"), ("a/b", "2"), ("run.sh", "3")];
    files.push((&long, "4"));
    let one = context(&files);
    let digest = build_in(&one, "out").unwrap().digest;
    // Another order, other times, another umask, a build before.
    files.reverse();
    let two = context(&files);
    let context = two.path().join("context");
    for (path, mode) in [("z", 0o600), ("a/b", 0o664), ("a", 0o700), ("run.sh", 0o711)] {
        std::fs::set_permissions(context.join(path), std::fs::Permissions::from_mode(mode)).unwrap();
    }
    let time = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1);
    std::fs::File::options().write(true).open(context.join("z")).unwrap().set_modified(time).unwrap();
    assert_eq!(build_in(&two, "out").unwrap().digest, digest);
    assert_eq!(build_in(&two, "out").unwrap().digest, digest);
    assert_eq!(snapshot(&one.path().join("out")), snapshot(&two.path().join("out")));
    // The layout may lie inside the context without becoming part of it.
    assert_eq!(build_in(&two, "context/out").unwrap().digest, digest);
    assert_eq!(build_in(&two, "context/out").unwrap().digest, digest);
    assert!(unpack(&two.path().join("out"), NAME).layers[0].contains_key(&long));
    // The bytes are those of every machine: a change here changes every digest that was ever written.
    assert_eq!(digest, "sha256:98c551a7cc7e54b3246e26b26ff402870556a385385bd1eef8adbc5bee33577a");
}

#[test]
fn a_layout_takes_several_images() {
    let dir = context(&[("Dockerfile", "FROM scratch\nCOPY a /a\n"), ("a", "1")]);
    let (context, out) = (dir.path().join("context"), dir.path().join("out"));
    let named = |name: &str| build(&context, &context.join("Dockerfile"), &out, name).unwrap().digest;
    let first = named("app:v1");
    std::fs::write(context.join("a"), "2").unwrap();
    let second = named("app:v2");
    assert_ne!(first, second);
    assert_eq!(unpack(&out, "app:v1").layers[0]["a"], "644 0:0 \"1\"");
    assert_eq!(unpack(&out, "app:v2").layers[0]["a"], "644 0:0 \"2\"");
    // The same name again is replaced, and nothing half-written stays.
    assert_eq!(named("app:v1"), second);
    assert_eq!(unpack(&out, "app:v1").layers[0]["a"], "644 0:0 \"2\"");
    let index: Value = serde_json::from_slice(&std::fs::read(out.join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 2);
    let names: Vec<_> = std::fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 3, "{names:?}");

    // What a killed writer left does not matter, and a mount point is used as it is.
    let mount = dir.path().join("mount");
    std::fs::create_dir_all(mount.join(".partial/blobs")).unwrap();
    std::fs::create_dir_all(mount.join("blobs/sha256")).unwrap();
    build(&context, &context.join("Dockerfile"), &mount, NAME).unwrap();
    assert_eq!(unpack(&mount, NAME).layers.len(), 1);
    std::fs::write(mount.join("other"), "").unwrap();
    let error = build(&context, &context.join("Dockerfile"), &mount, NAME).unwrap_err();
    assert!(matches!(error, StepError::Layout { .. }), "{error}");
}

#[test]
fn eight_builds_into_one_layout_all_stay() {
    let dir = context(&[("Dockerfile", "FROM scratch\nCOPY a /a\n"), ("a", "1")]);
    let (context, out) = (dir.path().join("context"), dir.path().join("out"));
    std::thread::scope(|scope| {
        for idx in 0..8 {
            let (context, out) = (&context, &out);
            let name = format!("app{idx}:v1");
            scope.spawn(move || build(context, &context.join("Dockerfile"), out, &name).unwrap());
        }
    });
    for idx in 0..8 {
        assert_eq!(unpack(&out, &format!("app{idx}:v1")).layers.len(), 1);
    }
}

#[track_caller]
fn refused(dockerfile: &str, part: &str) {
    let dir = context(&[
        ("Dockerfile", dockerfile),
        ("a", "1"),
        ("d/x", "1"),
        ("hidden", "1"),
        (".dockerignore", "hidden\n"),
    ]);
    symlink("/etc/passwd", dir.path().join("context/out")).unwrap();
    symlink("d", dir.path().join("context/in")).unwrap();
    symlink("hidden", dir.path().join("context/to-hidden")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        dir.path().join("context/pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RWXU,
        0,
    )
    .unwrap();
    let error = build_in(&dir, "layout").unwrap_err().to_string();
    assert!(error.contains(part), "{error}");
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "something is left beside the context");
}

#[test]
fn what_cannot_be_built_is_refused_with_the_line() {
    refused("FROM scratch\nCOPY ../x /x\nRUN x\n", "line 2: `../x` lies outside the build context");
    refused("FROM scratch\nCOPY ../x /x\nRUN x\n", "line 3: RUN executes a command");
    refused("FROM scratch\n\nCOPY nope /x\n", "line 3: `nope` is not in the build context");
    refused("FROM scratch\nCOPY hidden /x\n", "`hidden` is not in the build context");
    refused("FROM scratch\nCOPY to-hidden /x\n", "leads to `hidden`, which `.dockerignore` leaves out");
    refused("FROM scratch\nCOPY out /x\n", "`out` is a link that leads out of the build context");
    refused("FROM scratch\nCOPY pipe /x\n", "`pipe` is neither a file, a folder nor a link");
    refused("FROM scratch\nCOPY * /x\n", "several files are copied");
    refused("FROM scratch\nCOPY a /x\nCOPY a /x/y\n", "line 3: /x is a file of the image");
    refused("FROM scratch\nCOPY d /x/\nCOPY a /x/x/\n", "line 3: /x/x is a file of the image");
    refused("FROM scratch\nWORKDIR /a\nCOPY a /\n", "`a` would replace the folder /a of the image");
    let dir = context(&[("Dockerfile", "FROM scratch\n")]);
    let context = dir.path().join("context");
    for name in ["app", "App:v1", "app:", "app:a b", ":v1", "a//b:v1", "app:refs/heads/main"] {
        let error = build(&context, &context.join("Dockerfile"), &dir.path().join("out"), name).unwrap_err();
        assert!(matches!(error, StepError::Name { .. }), "{name}: {error}");
    }
    let error = build(&context, &context, &dir.path().join("out"), NAME).unwrap_err();
    assert!(error.to_string().contains("not a file"), "{error}");
}

#[test]
fn links_of_the_context_are_followed_where_they_are_named() {
    let dir =
        context(&[("Dockerfile", "FROM scratch\nCOPY in /x\nCOPY in/x /y\nCOPY d /z\nCOPY d/x /z\n"), ("d/x", "1")]);
    symlink("d", dir.path().join("context/in")).unwrap();
    let error = build_in(&dir, "out").unwrap_err();
    // A path through a link is not one of the context's own.
    assert!(error.to_string().contains("line 3: `in/x` is not in the build context"), "{error}");
    std::fs::write(dir.path().join("context/Dockerfile"), "FROM scratch\nCOPY in /x\nCOPY d /z\nCOPY d/x /z\n")
        .unwrap();
    build_in(&dir, "out").unwrap();
    let image = unpack(&dir.path().join("out"), NAME);
    assert_eq!(listed(&image.layers[0]), ["x/ 755 0:0 folder", "x/x 644 0:0 \"1\""]);
    assert_eq!(listed(&image.layers[2]), ["z/x 644 0:0 \"1\""]);
}

fn run(args: &[&str]) -> ExitCode {
    step::main(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>())
}

#[test]
fn the_command_line_of_steps() {
    let dir = context(&[("Dockerfile", "FROM scratch\nCOPY a /a\n"), ("a", "1")]);
    let at = |path: &str| dir.path().join(path).display().to_string();
    let (context, layout, result) = (at("context"), at("out"), at("result"));
    let image = ["image", "--context", &context, "--dockerfile=Dockerfile", "--tag", NAME, "--layout", &layout];
    let with_result: Vec<&str> = image.iter().copied().chain(["--result", result.as_str()]).collect();
    assert_eq!(run(&with_result), ExitCode::SUCCESS);
    let digest = std::fs::read_to_string(&result).unwrap();
    assert_eq!(digest, build_in(&dir, "out").unwrap().digest);
    for wrong in [&image[..], &[], &["nope"], &["checkout", "--remote", "x"], &["checkout", "--x", "y"]] {
        assert_eq!(run(wrong), ExitCode::from(64), "{wrong:?}");
    }
    let absent = at("absent.git");
    let into = at("into");
    let checkout = ["checkout", "--remote", &absent, "--revision", "HEAD", "--into", &into];
    assert_eq!(run(&checkout), ExitCode::FAILURE);
}
