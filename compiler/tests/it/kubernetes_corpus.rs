//! Real manifests against the verdicts of the real validators: recall and false positives by family.
//!
//! `cargo test -p waybill-compiler --test it -- kubernetes_corpus --nocapture` prints the tables; with `WAYBILL_SHOW=1`
//! also every object that is judged differently.
//!
//! The verdicts come from validation code that ran without a server. Five things that it refuses are no mistakes; they
//! have a column of their own (`apart`) and count neither as invalid nor as found:
//! - `spec.clusterIPs` of a headless Service is "required": a server sets it before it validates;
//! - `privileged` is "disallowed by cluster policy": the flag `--allow-privileged` of the server, which nearly all have;
//! - `metadata.namespace` of a kind that belongs to none is "not allowed on this type": a server drops it before it
//!   validates, which is a warning here;
//! - `Chart.yaml` and `index.yaml` of Helm have an `apiVersion` and no kind: they are no objects, and a note says so;
//! - the four documents with characters beyond U+FFFF reached a YAML reader with the escapes of JSON, as halves of
//!   characters (`\ud83d\ude00`), and none of them writes such an escape. (Where one is written, it is an error here too.)
//!
//! An API server 1.36.1 created all 22 objects of the first two sorts with `--dry-run=server --validate=strict`.
//! What is counted as found but not placed is refused at its `apiVersion` already: no release serves that version.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use waybill_compiler::diag::{Diagnostic, Diags, Severity};
use waybill_compiler::kubernetes::schema::Schemas;
use waybill_compiler::kubernetes::{Object, plain};
use waybill_compiler::source::Sources;
use waybill_compiler::syntax::yaml::{self, Node, Schema};

use crate::corpus::corpus;

/// How often objects were judged as the real validator judges them.
#[derive(Clone, Copy, Debug, Default)]
struct Score {
    invalid: usize,
    found: usize,
    /// Found, with a finding at the field that the validator names.
    placed: usize,
    valid: usize,
    wrong: usize,
    /// Refused for what the validator does not judge (`BEYOND`).
    beyond: usize,
    /// Refused by the validator for how it was run.
    apart: usize,
}

impl Score {
    fn add(&mut self, other: Score) {
        self.invalid += other.invalid;
        self.found += other.found;
        self.placed += other.placed;
        self.valid += other.valid;
        self.wrong += other.wrong;
        self.beyond += other.beyond;
        self.apart += other.apart;
    }
}

/// Findings about what the validators of the corpus do not judge and an API server does: they decode versions that no
/// pinned release serves, see no repeated keys, and, of custom objects, judge only what the definition says.
const BEYOND: &[&str] = &["api-version-removed", "duplicate-key"];
const BEYOND_CUSTOM: &[&str] = &["api-version-removed", "duplicate-key", "object-name", "object-metadata"];

/// A file of the corpus, parsed once.
struct File {
    sources: Sources,
    documents: Vec<Node>,
    syntax: Vec<Diagnostic>,
}

fn open(path: &Path) -> File {
    let mut sources = Sources::default();
    let text = String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
    let id = sources.add(path.to_string_lossy(), text);
    let mut diags = Diags::default();
    let documents = yaml::parse(id, sources.text(id), Schema::Kubernetes, &mut diags);
    File { sources, documents, syntax: diags.sorted() }
}

fn schemas(corpus: &Path) -> Schemas {
    let mut schemas = Schemas::newest();
    let mut folders = vec![corpus.join("schemas")];
    while let Some(folder) = folders.pop() {
        let mut entries: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") {
                let mut sources = Sources::default();
                let id = sources.add("", String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned());
                plain::definitions(&sources, id, &mut schemas);
            }
        }
    }
    schemas
}

/// The findings about one document, errors only.
fn judge(file: &File, node: &Node, schemas: &Schemas) -> Vec<Diagnostic> {
    let mut diags = Diags::default();
    plain::judge(&file.sources, node, schemas, &mut diags);
    let within = |finding: &&Diagnostic| node.span.start <= finding.span.start && finding.span.end <= node.span.end;
    let syntax = file.syntax.iter().filter(within).cloned();
    diags.into_iter().chain(syntax).filter(|finding| finding.severity == Severity::Error).collect()
}

/// Whether a finding is at the field that the validator names, or at the nearest part around it.
fn covers(node: &Node, field: &str, findings: &[Diagnostic]) -> bool {
    let field = field.replace('[', ".").replace(']', "");
    let (mut at, mut key) = (node, node.span);
    let mut rest = field.as_str();
    while !rest.is_empty() {
        // Keys may hold points themselves: the longest key that fits is taken.
        let entry = at.as_map().and_then(|entries| {
            let fits = |name: &str| rest == name || rest.strip_prefix(name).is_some_and(|after| after.starts_with('.'));
            entries.iter().filter(|(key, _)| fits(&key.value)).max_by_key(|(key, _)| key.value.len())
        });
        if let Some((name, value)) = entry {
            (at, key, rest) = (value, name.span, rest[name.value.len()..].trim_start_matches('.'));
            continue;
        }
        let (first, after) = rest.split_once('.').unwrap_or((rest, ""));
        match at.as_seq().and_then(|items| items.get(first.parse::<usize>().ok()?)) {
            Some(item) => (at, key, rest) = (item, item.span, after),
            None => break,
        }
    }
    let (start, end) = (key.start.min(at.span.start), key.end.max(at.span.end));
    findings.iter().any(|finding| finding.span.start < end.max(start + 1) && finding.span.end > start)
}

fn fields(row: &Value) -> Vec<String> {
    let errors = row["errors"].as_array().into_iter().flatten().filter_map(|error| error["field"].as_str());
    let unknown = row["unknownFields"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let strict = row["strictError"].as_str().unwrap_or("");
    let named = strict.split("field \"").skip(1).filter_map(|part| part.split('"').next());
    errors.chain(unknown).chain(named).map(str::to_owned).collect()
}

/// Whether the validator refuses a document only for how it was run: see the head of this file.
fn apart(row: &Value, node: &Node) -> bool {
    let of_the_server = |error: &Value| match error["type"].as_str() {
        Some("FieldValueRequired") => error["field"] == "spec.clusterIPs",
        Some("FieldValueForbidden") => {
            error["detail"] == "disallowed by cluster policy" || error["detail"] == "not allowed on this type"
        }
        _ => false,
    };
    let of_helm = ["entries", "version"].iter().any(|key| node.get(key).is_some())
        && ["kind", "metadata", "spec"].iter().all(|key| node.get(key).is_none());
    let errors = row["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let strict = row.get("unknownFields").is_some() || row.get("strictError").is_some();
    let escaped =
        row["decodeError"].as_str().is_some_and(|error| error.ends_with("invalid Unicode character escape code"));
    let rare = escaped && node.to_json().to_string().chars().any(|character| character > '\u{ffff}');
    (!errors.is_empty() && !strict && errors.iter().all(of_the_server)) || of_helm || rare
}

fn score(row: &Value, file: &File, schemas: &Schemas, beyond: &[&str]) -> Option<Score> {
    let valid = row["valid"].as_bool()?;
    let id = row["id"].as_str().unwrap();
    let index: usize = id.rsplit_once('#').unwrap().1.parse().unwrap();
    let show = std::env::var_os("WAYBILL_SHOW").is_some();
    let refused = !valid || row.get("strictError").is_some() || row.get("unknownFields").is_some();
    let Some(node) = file.documents.get(index) else {
        // A document that is no YAML is left out; the validator says so too.
        let found = usize::from(!file.syntax.is_empty());
        assert!(refused || found == 1, "{id}: there is no such document");
        return Some(Score { invalid: usize::from(refused), found, placed: found, ..Score::default() });
    };
    let findings = judge(file, node, schemas);
    let said = || findings.iter().map(|finding| finding.message.as_str()).collect::<Vec<_>>().join(" | ");
    if !refused {
        let wrong = usize::from(findings.iter().any(|finding| !beyond.contains(&finding.code.name)));
        let beyond = usize::from(!findings.is_empty() && wrong == 0);
        if show && wrong > 0 {
            println!("FALSE {id}: {}", said());
        }
        return Some(Score { valid: 1, wrong, beyond, ..Score::default() });
    }
    if findings.is_empty() && apart(row, node) {
        return Some(Score { apart: 1, ..Score::default() });
    }
    let fields = fields(row);
    let placed =
        !findings.is_empty() && (fields.is_empty() || fields.iter().any(|field| covers(node, field, &findings)));
    if show && findings.is_empty() {
        println!("MISSED {id}: {row}");
    } else if show && !placed {
        println!("ELSEWHERE {id}: {fields:?}: {}", said());
    }
    let (found, placed) = (usize::from(!findings.is_empty()), usize::from(placed));
    Some(Score { invalid: 1, found, placed, ..Score::default() })
}

fn table(title: &str, rows: &BTreeMap<String, Score>) -> Score {
    println!(
        "{title:<52} {:>7} {:>6} {:>7} {:>6} {:>6} {:>7} {:>6}",
        "invalid", "found", "placed", "valid", "false", "beyond", "apart"
    );
    let mut total = Score::default();
    let line = |name: &str, score: &Score| {
        let Score { invalid, found, placed, valid, wrong, beyond, apart } = score;
        println!("{name:<52} {invalid:>7} {found:>6} {placed:>7} {valid:>6} {wrong:>6} {beyond:>7} {apart:>6}");
    };
    for (name, score) in rows {
        line(name, score);
        total.add(*score);
    }
    line("all", &total);
    total
}

fn run(verdicts: &str, beyond: &[&str]) -> Option<Score> {
    let corpus = corpus()?;
    let schemas = schemas(&corpus);
    let rows = std::fs::read_to_string(corpus.join("oracle-verdicts").join(verdicts)).unwrap();
    let (mut families, mut kinds): (BTreeMap<String, Score>, BTreeMap<String, Score>) = Default::default();
    let mut files: BTreeMap<String, File> = BTreeMap::new();
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let (path, index) = row["id"].as_str().unwrap().rsplit_once('#').unwrap();
        let file = files.entry(path.to_owned()).or_insert_with(|| open(&corpus.join(path)));
        let Some(score) = score(&row, file, &schemas, beyond) else { continue };
        let node = file.documents.get(index.parse::<usize>().unwrap());
        let kind = node.and_then(Object::of).map_or("no object", |object| object.kind).to_owned();
        families.entry(path.split('/').next().unwrap().to_owned()).or_default().add(score);
        kinds.entry(kind).or_default().add(score);
    }
    table(&format!("{verdicts} by kind"), &kinds);
    Some(table(&format!("{verdicts} by family"), &families))
}

#[test]
fn built_in_kinds_are_judged_as_the_api_server_judges_them() {
    let Some(score) = run("k8s-validate.jsonl", BEYOND) else { return };
    assert_eq!(score.wrong, 0, "false positives");
    assert!(score.apart <= 34, "{score:?}");
    assert!(score.found * 1000 >= score.invalid * 995, "{score:?}");
    assert!(score.placed * 100 >= score.found * 99, "{score:?}");
}

#[test]
fn custom_kinds_are_judged_as_their_definitions_say() {
    let Some(score) = run("crd-validate.jsonl", BEYOND_CUSTOM) else { return };
    assert_eq!(score.wrong, 0, "false positives");
    assert!(score.apart <= 4, "{score:?}");
    assert!(score.found * 1000 >= score.invalid * 995, "{score:?}");
    assert!(score.placed * 100 >= score.found * 97, "{score:?}");
}
