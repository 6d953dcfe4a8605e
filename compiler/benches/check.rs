//! How long the compiler takes for large projects: `cargo bench -p waybill-compiler`. A table of how time and memory grow
//! with the lines of a spec: `cargo bench -p waybill-compiler --bench check -- --lines`.
//!
//! **Invariant:** nothing here is a test; the projects are generated and the same in every run.
//! Not here: reading files and starting a process (`benches/whole-process`).

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::disallowed_macros,
    reason = "a benchmark measures time and memory"
)]

use std::fmt::Write;
use std::hint::black_box;
use std::time::Instant;

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use waybill_compiler::desired::{Options, desired};
use waybill_compiler::diag::Diags;
use waybill_compiler::needs::ROUNDS;
use waybill_compiler::plan::build::{self, Facts};
use waybill_compiler::plan::observed::{Cluster, ClusterFacts, Git, Observed};
use waybill_compiler::source::{Entry, FileId, Missing, Sources};
use waybill_compiler::{Checked, Kept, compile_again, syntax};

fn main() {
    if std::env::args().any(|arg| arg == "--lines") {
        return lines();
    }
    divan::main();
}

/// Prints how time and memory grow with the lines of a spec. Projects grow, so that the peak is that of the last one.
fn lines() {
    println!("  lines  files  tasks      kB  median ms  fastest ms  us a line  peak MiB");
    for count in [6, 18, 57, 100, 170, 568] {
        let files = tasks(count, 10);
        let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
        let lines: usize = files.iter().map(|(_, text)| text.lines().count()).sum();
        let time = || {
            let start = Instant::now();
            black_box(checked(&files));
            start.elapsed().as_secs_f64() * 1e3
        };
        let mut times: Vec<f64> = (0..11).map(|_| time()).collect();
        times.sort_by(f64::total_cmp);
        let (fastest, median) = (times[0], times[times.len() / 2]);
        let (each, peak) = (median * 1e3 / lines as f64, peak().unwrap_or(f64::NAN));
        println!(
            "{lines:>7} {count:>6} {:>6} {:>7} {median:>10.1} {fastest:>11.1} {each:>10.2} {peak:>9.1}",
            count * 10,
            bytes / 1000
        );
    }
}

/// The most memory that this process has had, in MiB, where the system says.
fn peak() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches("kB").trim().parse::<f64>().ok()? / 1024.0)
}

/// Path and text of each file of a project.
type Files = Vec<(String, String)>;

/// Check of 1,000 tasks in 100 files; a pipeline in each file runs its ten.
#[divan::bench(sample_count = 20)]
fn check_1000_tasks(bencher: Bencher) {
    let files = tasks(100, 10);
    let bytes: usize = files.iter().map(|(_, text)| text.len()).sum();
    bencher.counter(ItemsCount::new(1000_usize)).counter(BytesCount::new(bytes)).bench(|| checked(&files));
}

/// The part of it that parses: what the syntax library takes, whatever Waybill does after it.
#[divan::bench(sample_count = 20)]
fn parse_1000_tasks(bencher: Bencher) {
    let mut sources = Sources::default();
    let ids: Vec<FileId> = tasks(100, 10).into_iter().map(|(path, text)| sources.add(path, text)).collect();
    bencher.bench(|| {
        let mut diags = Diags::default();
        ids.iter().map(|id| syntax::parse(&sources, *id, &mut diags)).collect::<Vec<_>>()
    });
}

/// Check and offline plan of manifests: everything that `waybill plan --offline` does but for reading files and git.
#[divan::bench(args = [1_000], sample_count = 20)]
fn plan_objects(bencher: Bencher, count: usize) {
    let files = objects(count);
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let (sources, checked) = checked(&files);
        plan(&sources, &checked)
    });
}

/// The plan alone, of a project that is compiled already.
#[divan::bench(sample_count = 20)]
fn build_1000_objects(bencher: Bencher) {
    let (sources, checked) = checked(&objects(1_000));
    bencher.counter(ItemsCount::new(1_000_usize)).bench(|| plan(&sources, &checked));
}

/// Compiles, answering needs from `files`, as `runtime::load` does from a folder.
fn checked(files: &Files) -> (Sources, Checked) {
    let mut sources = Sources::default();
    sources.add(".", "");
    let mut kept = Kept::default();
    for _ in 0..ROUNDS {
        let (checking, diags) = compile_again(&sources, &mut kept);
        if checking.needs.is_empty() {
            assert!(!diags.has_errors(), "BUG: the generated project has errors: {:?}", diags.sorted().first());
            return (sources, checking.checked.expect("BUG: no errors and nothing checked"));
        }
        for need in checking.needs {
            answer(files, &mut sources, &need.path);
        }
    }
    panic!("BUG: the needs do not end");
}

fn answer(files: &Files, sources: &mut Sources, path: &str) {
    if let Some((_, text)) = files.iter().find(|(name, _)| name == path) {
        sources.answer_file(path, text.as_str());
        return;
    }
    let prefix = format!("{path}/");
    let names: Vec<String> =
        files.iter().filter_map(|(name, _)| name.strip_prefix(&prefix)).map(str::to_owned).collect();
    let entry = if names.is_empty() { Entry::Missing(Missing::NotFound) } else { Entry::Folder(names) };
    sources.answer(path, entry);
}

/// Objects that are in the plan's actions, so that no part of the work can be left out.
fn plan(sources: &Sources, checked: &Checked) -> usize {
    let options = Options { offline: true, tool: "bench".into(), ..Options::default() };
    let facts = ClusterFacts { version: "offline".into(), embedded: true, ..ClusterFacts::default() };
    let observed = Observed {
        format: 1,
        nonce: "bench".into(),
        git: Some(Git { branch: "main".into(), revision: "0".repeat(40), ..Git::default() }),
        clusters: [("default".to_owned(), Cluster::Facts(Box::new(facts)))].into(),
        ..Observed::default()
    };
    let desired = desired(sources, checked, &observed, &options);
    let built = build::build(Facts { sources, checked, desired: &desired, observed: &observed, options: &options });
    assert!(
        !built.problems.has_errors(),
        "BUG: the generated plan has problems: {:?}",
        built.problems.sorted().first()
    );
    built.plan.actions.len()
}

/// `files` spec files under `.waybill/`, each with a pipeline and the `each` tasks that it runs.
fn tasks(files: usize, each: usize) -> Files {
    let mut project = vec![("waybill.kdl".to_owned(), "project \"bench\"\ncluster \"default\"\n".to_owned())];
    for file in 0..files {
        let mut text = String::new();
        let mut calls = String::new();
        for task in 0..each {
            let name = format!("t{file}-{task}");
            let after = if task == 0 { String::new() } else { format!(" after=\"job{}\"", task - 1) };
            write!(text, "{}", TASK.replace("NAME", &name)).expect("BUG: writing to a string");
            writeln!(
                calls,
                "    task \"job{task}\" use=\"{name}\"{after} {{\n        param package=\"./pkg{task}\" revision=\"${{param.revision}}\"\n        workspace source=\"source\"\n    }}"
            )
            .expect("BUG: writing to a string");
        }
        write!(text, "{}", PIPELINE.replace("NAME", &format!("p{file}")).replace("CALLS", calls.trim_end()))
            .expect("BUG: writing to a string");
        project.push((format!(".waybill/part{file:03}.kdl"), text));
    }
    project
}

const TASK: &str = r#"task "NAME" timeout="10m" {
    workspace "source"
    param "package" description="what is tested"
    param "revision" type="commit"
    step "unit" image="golang:1.26-alpine3.22" workdir="${workspace.source}" timeout="5m" {
        run "go test \"$PACKAGE\" > \"$REPORT\""
        env PACKAGE="${param.package}" REVISION="${param.revision.short}" REPORT="${result.report.path}"
        resources cpu="250m" memory="64Mi"
    }
    result "report"
}

"#;

const PIPELINE: &str = r#"pipeline "NAME" {
    runs-on cluster="default" namespace="ci"
    param "revision" type="commit"
    workspace "source" size="1Gi"
    checkout "source" revision="${param.revision}"
CALLS
}
"#;

/// A kustomization of `count` objects, a Deployment, a Service and a ConfigMap in turn, ten in a file.
fn objects(count: usize) -> Files {
    let spec = "project \"bench\"\ncluster \"default\"\nenvironment \"staging\" {\n    cluster \"default\" namespace=\"staging\" create=#true\n    manifests \"deploy\"\n}\n";
    let mut project = vec![("waybill.kdl".to_owned(), spec.to_owned())];
    let mut kustomization =
        "namespace: staging\nlabels:\n  - pairs: {part-of: bench}\nimages:\n  - {name: registry.example.com/app, newTag: 1.2.3}\nresources:\n".to_owned();
    for file in 0..count.div_ceil(10) {
        let first = file * 10;
        let bodies: Vec<String> = (first..count.min(first + 10))
            .map(|at| MANIFESTS[at % 3].replace("NAME", &format!("app-{}", at / 3)))
            .collect();
        let path = format!("part{file:04}.yaml");
        writeln!(kustomization, "  - {path}").expect("BUG: writing to a string");
        project.push((format!("deploy/{path}"), bodies.join("---\n")));
    }
    project.push(("deploy/kustomization.yaml".to_owned(), kustomization));
    project
}

const MANIFESTS: [&str; 3] = [
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: NAME\n  labels: {app: NAME}\ndata:\n  LOG_LEVEL: info\n  LIMIT: \"500\"\n",
    "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: NAME\n  labels: {app: NAME}\nspec:\n  replicas: 2\n  selector:\n    matchLabels: {app: NAME}\n  template:\n    metadata:\n      labels: {app: NAME}\n    spec:\n      containers:\n        - name: app\n          image: registry.example.com/app:1.0.0\n          envFrom:\n            - configMapRef: {name: NAME}\n          ports:\n            - {name: http, containerPort: 8080}\n          resources:\n            requests: {cpu: 100m, memory: 64Mi}\n            limits: {memory: 128Mi}\n          readinessProbe:\n            httpGet: {path: /ready, port: http}\n",
    "apiVersion: v1\nkind: Service\nmetadata:\n  name: NAME\n  labels: {app: NAME}\nspec:\n  selector: {app: NAME}\n  ports:\n    - {name: http, port: 80, targetPort: http}\n",
];
