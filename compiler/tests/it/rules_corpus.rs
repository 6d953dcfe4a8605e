//! The rules of kinds against what a real API server says of real manifests.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use waybill_compiler::diag::{Diagnostic, Diags, Severity};
use waybill_compiler::kubernetes::{Object, rules};
use waybill_compiler::source::FileId;
use waybill_compiler::syntax::yaml::{self, Node, Schema};

use crate::corpus::corpus;

/// Errors that the structure, names and labels of an object give already.
fn of_structure(field: &str, kind: &str) -> bool {
    let required = [
        "selector",
        "containers",
        "pathType",
        "roleRef.name",
        "roleRef.kind",
        "schedule",
        "jobTemplate",
        "metadata.name",
    ];
    let named = ["metadata.name", "metadata.namespace", "metadata.generateName", "labels"];
    field == "roleRef.kind"
        || (kind == "FieldValueRequired" && required.iter().any(|end| field.ends_with(end)))
        || (kind == "FieldValueInvalid" && named.iter().any(|end| field.ends_with(end)))
}

/// What a server with allocated addresses and privileged Pods allows, unlike the one that gave the verdicts.
fn of_the_server(field: &str) -> bool {
    // A namespace of what belongs to none is dropped, which is a warning here.
    ["clusterIPs", "securityContext.privileged", "metadata.namespace"].iter().any(|end| field.ends_with(end))
}

fn documents<'a>(corpus: &Path, cache: &'a mut BTreeMap<String, Vec<Node>>, path: &str) -> &'a [Node] {
    cache.entry(path.to_owned()).or_insert_with(|| {
        let text = std::fs::read_to_string(corpus.join(path)).unwrap_or_default();
        yaml::parse(FileId(0), &text, Schema::Kubernetes, &mut Diags::default())
    })
}

fn judge(node: &Node) -> Vec<Diagnostic> {
    let mut diags = Diags::default();
    if let Some(object) = Object::of(node) {
        rules::check(&object, &mut diags);
    }
    diags.sorted()
}

/// Values that the server fills in or passes over where the names of the mutants promise otherwise are `valid` there too.
#[test]
fn mutants_get_the_verdicts_of_a_real_api_server() {
    let text = include_str!("../rules/mutants.yaml");
    let verdicts: Vec<&str> = include_str!("../rules/verdicts.txt").lines().collect();
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# ")).collect();
    let nodes = yaml::parse(FileId(0), text, Schema::Kubernetes, &mut Diags::default());
    assert!(nodes.len() == verdicts.len() && nodes.len() == names.len() && nodes.len() > 150);
    let (mut wrong, mut refused, mut several) = (Vec::new(), 0, 0);
    for ((node, verdict), name) in nodes.iter().zip(&verdicts).zip(&names) {
        let found = judge(node).into_iter().filter(|found| found.severity == Severity::Error).count();
        refused += usize::from(*verdict != "valid");
        several += usize::from(found > 1);
        if (found == 0) != (*verdict == "valid") {
            wrong.push(format!("{name}: {found} findings; the API server says: {verdict}"));
        }
    }
    println!("{} of {refused} wrong, {several} with several findings", wrong.len());
    wrong.iter().for_each(|row| println!("{row}"));
    assert!(wrong.is_empty() && refused > 150, "{wrong:#?}");
}

#[test]
fn rules_find_what_the_api_server_refuses_and_nothing_else() {
    let Some(corpus) = corpus() else { return };
    let rows = std::fs::read_to_string(corpus.join("oracle-verdicts/k8s-validate.jsonl")).unwrap();
    let mut cache = BTreeMap::new();
    let (mut valid, mut wanted, mut found, mut wrong, mut missed) = (0, 0, 0, Vec::new(), Vec::new());
    for row in rows.lines() {
        let row: Value = serde_json::from_str(row).unwrap();
        let id = row["id"].as_str().unwrap();
        let (path, at) = id.rsplit_once('#').unwrap();
        let Some(node) = documents(&corpus, &mut cache, path).get(at.parse::<usize>().unwrap()) else { continue };
        let mut findings = judge(node);
        findings.retain(|finding| finding.severity == Severity::Error);
        if row["valid"] == true {
            valid += 1;
            wrong.extend(findings.iter().map(|finding| format!("{id}: {}: {}", finding.code.name, finding.message)));
            continue;
        }
        let text = |error: &Value, name: &str| error[name].as_str().unwrap_or("").to_owned();
        let errors = row["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        let ours: Vec<String> = errors
            .iter()
            .filter(|error| !of_structure(&text(error, "field"), &text(error, "type")))
            .map(|error| text(error, "field"))
            .filter(|field| !of_the_server(field))
            .collect();
        if !ours.is_empty() {
            wanted += 1;
            found += usize::from(!findings.is_empty());
            if findings.is_empty() {
                missed.push(format!("{id}: {ours:?}"));
            }
        }
    }
    println!("{valid} valid with {} findings; of {wanted} that are refused by rules {found} are found", wrong.len());
    missed.iter().for_each(|row| println!("missed {row}"));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(valid > 2000 && wanted > 100 && found * 100 >= wanted * 97, "{found} of {wanted}: {missed:#?}");
}
