//! The examples of the language reference: parts of the specs of `tests/suite/ok` and of `examples/`, which other tests
//! compile, in both syntaxes. A block of the language without an example fails.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use waybill_compiler::check;
use waybill_compiler::diag::Diags;
use waybill_compiler::source::{FileId, Span};
use waybill_compiler::spec::reference::{Example, Examples};
use waybill_compiler::spec::table::{Block, Count};
use waybill_compiler::spec::{ROOT, reference, yaml as spec_yaml};
use waybill_compiler::syntax::yaml::Schema;
use waybill_compiler::syntax::{Node, kdl, yaml};

use crate::project::Project;

/// Longer examples are shown only where there is no shorter one.
const LINES: usize = 16;

/// The specs that examples are taken from, each without its ending, which is `.kdl` and `.yaml`.
fn stems() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = |folder: PathBuf| std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let suites = entries(root.join("tests/suite/ok")).filter(|path| path.extension().is_some_and(|end| end == "kdl"));
    let examples = entries(root.join("../examples")).map(|folder| folder.join("waybill.kdl"));
    let mut stems: Vec<PathBuf> = suites.chain(examples.filter(|path| path.exists())).collect();
    stems.sort();
    stems.into_iter().map(|path| path.with_extension("")).collect()
}

/// The spec files of a suite by their paths without the ending: the first one has none, the others stand behind
/// `--- path`.
fn texts(stem: &Path, extension: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(stem.with_extension(extension)).unwrap();
    let mut parts = text.split("\n--- ");
    let first = (String::new(), parts.next().unwrap().to_owned() + "\n");
    let named = parts.filter_map(|part| {
        let (path, text) = part.split_once('\n')?;
        let (stem, ending) = path.rsplit_once('.')?;
        let spec = stem == "waybill" || stem.ends_with("/waybill") || stem.contains(".waybill/");
        (spec && ending == extension).then(|| (stem.to_owned(), text.to_owned() + "\n"))
    });
    std::iter::once(first).chain(named).collect()
}

/// The root nodes of both forms of a spec.
fn roots(stem: &Path, kdl_text: &str, yaml_text: &str) -> (Vec<Node>, Vec<Node>) {
    let mut diags = Diags::default();
    let kdl = kdl::parse(FileId(0), kdl_text, &mut diags);
    let documents = yaml::parse(FileId(0), yaml_text, Schema::Core, &mut diags);
    let yaml = documents.iter().filter_map(|document| spec_yaml::document(document, &ROOT, &mut diags));
    let yaml = yaml.flat_map(|root| root.children).collect();
    assert!(diags.is_empty(), "{}: {diags:?}", stem.display());
    (kdl, yaml)
}

/// A block's node in both forms.
type Pair<'n> = (&'static Block, Count, &'n Node, &'n Node);

/// The inner blocks that both forms have, by name and number.
fn pairs<'n>(block: &'static Block, kdl: &'n [Node], yaml: &'n [Node]) -> Vec<Pair<'n>> {
    let mut found = Vec::new();
    for child in block.children {
        let of = |nodes: &'n [Node]| nodes.iter().filter(|node| node.name.value == child.block.name);
        let alike = |key: &'n str, nodes: &'n [Node]| nodes.iter().filter(move |node| node.name.value == key);
        let twins: Vec<&Node> = match child.count {
            Count::Several => of(yaml).chain(alike(child.block.plural, yaml)).collect(),
            Count::Required | Count::Optional | Count::Many | Count::Merged => of(yaml).collect(),
        };
        if of(kdl).count() == twins.len() {
            found.extend(of(kdl).zip(twins).map(|(kdl, yaml)| (child.block, child.count, kdl, yaml)));
        }
    }
    found
}

/// The lines of a place without the indentation of its first one.
fn lines(text: &str, span: Span) -> Vec<String> {
    let (start, end) = (span.start as usize, span.end as usize);
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let (indent, column) = (text[line..].len() - text[line..].trim_start().len(), start - line);
    let mut lines = text[start..end].trim_end().lines();
    let first = lines.next().unwrap_or_default().to_owned();
    let rest = lines.map(|line| {
        let spaces = line.len() - line.trim_start().len();
        line[spaces.min(column.max(indent))..].trim_end().to_owned()
    });
    std::iter::once(first).chain(rest).collect()
}

/// A KDL node's lines: inner lines are indented as the node's own line is.
fn kdl_example(text: &str, span: Span) -> String {
    let start = span.start as usize;
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let indent = text[line..].len() - text[line..].trim_start().len();
    let mut found = Vec::new();
    for (at, line) in text[start..span.end as usize].trim_end().trim_end_matches(';').lines().enumerate() {
        let spaces = line.len() - line.trim_start().len();
        found.push(if at == 0 { line.to_owned() } else { line[spaces.min(indent)..].trim_end().to_owned() });
    }
    found.join("\n")
}

fn yaml_example(block: &Block, count: Count, text: &str, span: Span) -> String {
    let lines = lines(text, span);
    let item = |lines: &[String]| lines.join("\n      ");
    if count == Count::Many {
        return format!("{}:\n  - {}", block.plural, lines.join("\n    "));
    }
    let flow = lines[0].starts_with(['{', '[', '|', '>', '"', '\'']) || lines.len() == 1 && !lines[0].contains(": ");
    if flow {
        return format!("{}: {}", block.name, item(&lines));
    }
    format!("{}:\n  {}", block.name, lines.join("\n  "))
}

fn collect(block: &'static Block, kdl: &[Node], yaml: &[Node], texts: (&str, &str), all: &mut Found) {
    for (inner, count, one, other) in pairs(block, kdl, yaml) {
        let example =
            Example { kdl: kdl_example(texts.0, one.span), yaml: yaml_example(inner, count, texts.1, other.span) };
        all.entry(std::ptr::from_ref(inner) as usize).or_default().push(example);
        collect(inner, &one.children, &other.children, texts, all);
    }
}

type Found = BTreeMap<usize, Vec<Example>>;

/// Of all examples of a block the richest that is short, or the shortest.
fn best(mut examples: Vec<Example>) -> Example {
    let lines = |example: &Example| example.kdl.lines().count().max(example.yaml.lines().count());
    examples.sort_by_key(|example| match lines(example) {
        short if short <= LINES => (0, usize::MAX - example.kdl.len()),
        long => (long, 0),
    });
    examples.remove(0)
}

pub fn examples() -> Examples {
    let mut found = Found::new();
    for stem in stems() {
        let mut twins = texts(&stem, "yaml");
        for (path, kdl_text) in texts(&stem, "kdl") {
            let Some(yaml_text) = twins.remove(&path) else { continue };
            let (kdl, yaml) = roots(&stem, &kdl_text, &yaml_text);
            collect(&ROOT, &kdl, &yaml, (&kdl_text, &yaml_text), &mut found);
        }
    }
    found.into_iter().map(|(block, examples)| (block, best(examples))).collect()
}

/// What a plan of the specs refuses, without the names that they chose.
pub fn unsupported() -> Vec<String> {
    let mut found = std::collections::BTreeSet::new();
    for stem in stems().iter().filter(|stem| !stem.ends_with("waybill")) {
        let text = std::fs::read_to_string(stem.with_extension("kdl")).unwrap();
        let checked = Project::parse(&text, "waybill.kdl").compile().checked.unwrap();
        for refused in check::refused_at_plan(&checked) {
            if refused.code.name != "not-supported-by-apply" {
                continue;
            }
            let what = refused.message.split(" is not supported yet").next().unwrap().to_owned();
            let what = if what.starts_with("manifests of cluster") { "manifests of a cluster".into() } else { what };
            found.insert(what);
        }
    }
    found.into_iter().collect()
}

fn missing(block: &'static Block, path: &str, examples: &Examples, found: &mut Vec<String>) {
    for child in block.children {
        let path = format!("{path} / {}", child.block.name);
        if !examples.contains_key(&reference::key(child.block)) {
            found.push(path.clone());
        }
        missing(child.block, &path, examples, found);
    }
}

#[test]
fn every_block_has_an_example() {
    let mut found = Vec::new();
    missing(&ROOT, "", &examples(), &mut found);
    assert!(found.is_empty(), "add these to a pair of files of tests/suite/ok:\n{}", found.join("\n"));
}

#[test]
fn every_example_reads_alike_in_both_syntaxes() {
    for (_, example) in examples() {
        let mut diags = Diags::default();
        let nodes = kdl::parse(FileId(0), &example.kdl, &mut diags);
        assert!(diags.is_empty() && nodes.len() == 1, "{}\n{diags:?}", example.kdl);
        let documents = yaml::parse(FileId(0), &example.yaml, Schema::Core, &mut diags);
        assert!(diags.is_empty() && documents.len() == 1, "{}\n{diags:?}", example.yaml);
        let key = documents[0].to_json();
        let key = key.as_object().unwrap().keys().next().unwrap().clone();
        let name = &nodes[0].name.value;
        assert!(&key == name || key.starts_with(&name[..name.len() - 2]), "{key} is not {name}");
    }
}
