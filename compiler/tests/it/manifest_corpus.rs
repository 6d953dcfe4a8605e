//! Real kustomizations, rendered as Kustomize renders them.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use waybill_compiler::diag::Diags;
use waybill_compiler::manifest::{self, Rendered};
use waybill_compiler::source::{Entry, FileId, Missing, Sources, Span};
use waybill_compiler::syntax::yaml::{self, Node, Schema};

use crate::corpus::corpus;

/// Answers a need from a folder of the disk.
fn answer(sources: &mut Sources, root: &Path, path: &str) {
    let place = root.join(path);
    let entry = if place.is_dir() {
        let mut names: Vec<String> = std::fs::read_dir(&place)
            .expect(path)
            .map(|entry| {
                let entry = entry.expect(path);
                let end = if entry.path().is_dir() { "/" } else { "" };
                format!("{}{end}", entry.file_name().to_string_lossy())
            })
            .collect();
        names.sort();
        Entry::Folder(names)
    } else {
        match std::fs::read(&place).map(String::from_utf8) {
            Ok(Ok(text)) => {
                sources.answer_file(path, text);
                return;
            }
            Ok(Err(_)) => Entry::Missing(Missing::NotUtf8 { offset: 0 }),
            Err(_) => Entry::Missing(Missing::NotFound),
        }
    };
    sources.answer(path, entry);
}

pub fn render(sources: &mut Sources, root: &Path, folder: &str) -> (Rendered, Diags) {
    for _ in 0..64 {
        let mut diags = Diags::default();
        let rendered = manifest::render(sources, folder, Span::start_of(FileId(0)), &|_| None, &mut diags);
        if rendered.needs.is_empty() {
            return (rendered, diags);
        }
        for need in &rendered.needs {
            answer(sources, root, &need.path);
        }
    }
    panic!("{folder} needs more and more");
}

/// Objects by what identifies them: the order of Kustomize's own output depends on its options.
fn by_name(objects: impl IntoIterator<Item = Value>) -> BTreeMap<String, Vec<Value>> {
    let mut sorted: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for object in objects {
        let text = |pointer: &str| object.pointer(pointer).map(Value::to_string).unwrap_or_default();
        let name = ["/apiVersion", "/kind", "/metadata/namespace", "/metadata/name"].map(text).join(" ");
        sorted.entry(name).or_default().push(object);
    }
    sorted
}

#[test]
fn renders_what_kustomize_renders() {
    let Some(corpus) = corpus() else { return };
    let rows = std::fs::read_to_string(corpus.join("kustomize-expected/expected.jsonl")).unwrap();
    let mut sources = Sources::default();
    let (mut equal, mut refused, mut wrong) = (0, Vec::new(), Vec::new());
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let (folder, out) = (row["dir"].as_str().unwrap(), row["out"].as_str().unwrap());
        let (rendered, diags) = render(&mut sources, &corpus, folder);
        if let Some(finding) = diags.iter().find(|finding| finding.severity.as_str() == "error") {
            refused.push(format!("{}: {folder}: {}", finding.code.name, finding.message));
            continue;
        }
        let expected = yaml::parse(FileId(0), out, Schema::Kubernetes, &mut Diags::default());
        let expected = by_name(expected.iter().map(Node::to_json));
        let ours = by_name(rendered.objects.into_iter().map(|object| object.value));
        if ours == expected {
            equal += 1;
        } else {
            let missing: Vec<_> = expected.iter().filter(|(name, value)| ours.get(*name) != Some(*value)).collect();
            let extra: Vec<_> = ours.iter().filter(|(name, value)| expected.get(*name) != Some(*value)).collect();
            wrong.push(format!("{folder}: expected {missing:#?}, rendered {extra:#?}"));
        }
    }
    println!("{equal} equal, {} refused, {} wrong", refused.len(), wrong.len());
    for row in &refused {
        println!("refused {row}");
    }
    for row in wrong.iter().take(5) {
        println!("wrong {row}");
    }
    assert_eq!(wrong.len(), 0);
    assert!(equal >= 503, "{equal} equal");
}

/// Other rows of what Kustomize renders, compared in order: `WAYBILL_KUSTOMIZE_ROWS` is a file of lines `{dir, out}` (no
/// `out` where Kustomize refuses) and `WAYBILL_KUSTOMIZE_ROOT` the folder that they are relative to.
#[test]
fn renders_other_rows_alike() {
    let (Ok(rows), Ok(root)) = (std::env::var("WAYBILL_KUSTOMIZE_ROWS"), std::env::var("WAYBILL_KUSTOMIZE_ROOT"))
    else {
        println!("no other rows are given");
        return;
    };
    let rows = std::fs::read_to_string(rows).unwrap();
    let (mut equal, mut both_refuse, mut lenient, mut refused, mut wrong) = (0, 0, Vec::new(), Vec::new(), Vec::new());
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let folder = row["dir"].as_str().unwrap();
        let (rendered, diags) = render(&mut Sources::default(), Path::new(&root), folder);
        let finding = diags.iter().find(|finding| finding.severity.as_str() == "error");
        match (row["out"].as_str(), finding) {
            (None, Some(_)) => both_refuse += 1,
            (None, None) => lenient.push(format!("{folder}: {}", row["err"])),
            (Some(_), Some(finding)) => refused.push(format!("{}: {folder}: {}", finding.code.name, finding.message)),
            (Some(out), None) => {
                let expected = yaml::parse(FileId(0), out, Schema::Kubernetes, &mut Diags::default());
                let expected: Vec<Value> = expected.iter().map(Node::to_json).collect();
                let ours: Vec<Value> = rendered.objects.into_iter().map(|object| object.value).collect();
                let alike = ours == expected
                    || (row["ordered"].is_null() && by_name(ours.clone()) == by_name(expected.clone()));
                if alike { equal += 1 } else { wrong.push(format!("{folder}: {ours:#?} not {expected:#?}")) }
            }
        }
    }
    let (leniently, refusals) = (lenient.len(), refused.len());
    println!("{equal} equal, {both_refuse} refused by both, {leniently} rendered though refused, {refusals} refused");
    refused.iter().for_each(|row| println!("refused {row}"));
    lenient.iter().for_each(|row| println!("lenient {row}"));
    assert!(wrong.is_empty(), "{} wrong: {}", wrong.len(), wrong.concat());
}
