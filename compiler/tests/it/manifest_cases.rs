//! Own kustomizations, each with what Kustomize (5.5 or 5.8) renders of it, in the order `fifo` where it says no other
//! (`expected.yaml`).

use std::path::Path;

use serde_json::Value;
use waybill_compiler::diag::Diags;
use waybill_compiler::source::{FileId, Sources};
use waybill_compiler::syntax::yaml::{self, Node, Schema};

use crate::manifest_corpus::render;

#[test]
fn cases_are_rendered_as_by_kustomize() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/manifest_cases");
    let mut names: Vec<String> = std::fs::read_dir(&cases)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert!(names.len() >= 15, "{names:?}");
    let mut different = Vec::new();
    for name in names {
        let (rendered, diags) = render(&mut Sources::default(), &cases, &name);
        let findings: Vec<_> = diags.iter().map(|found| format!("{}: {}", found.code.name, found.message)).collect();
        let expected = std::fs::read_to_string(cases.join(&name).join("expected.yaml")).unwrap();
        let expected = yaml::parse(FileId(0), &expected, Schema::Kubernetes, &mut Diags::default());
        let expected: Vec<Value> = expected.iter().map(Node::to_json).collect();
        let ours: Vec<Value> = rendered.objects.into_iter().map(|object| object.value).collect();
        if diags.has_errors() || ours != expected {
            different.push(format!("{name}: {findings:#?} {}", difference(&ours, &expected)));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n\n"));
}

fn difference(ours: &[Value], expected: &[Value]) -> String {
    let only = |these: &[Value], others: &[Value]| {
        let only: Vec<&Value> = these.iter().filter(|object| !others.contains(object)).collect();
        serde_json::to_string_pretty(&only).unwrap()
    };
    let names = |these: &[Value]| these.iter().map(|object| object["metadata"]["name"].to_string()).collect::<Vec<_>>();
    format!(
        "rendered {}\nexpected {}\nin order {:?}\ninstead of {:?}",
        only(ours, expected),
        only(expected, ours),
        names(ours),
        names(expected)
    )
}
