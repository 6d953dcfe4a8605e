//! The YAML reader: places, schemas, limits, and agreement with serde_yaml over real files.

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};
use waybill_compiler::diag::Diags;
use waybill_compiler::source::FileId;
use waybill_compiler::syntax::yaml::{self, Kind, Node, Schema};

use crate::corpus::corpus;

fn parse(text: &str, schema: Schema) -> (Vec<Node>, Vec<String>) {
    let mut diags = Diags::default();
    let nodes = yaml::parse(FileId(0), text, schema, &mut diags);
    let findings = diags.iter().map(|found| format!("{}: {}", found.code.name, found.message)).collect();
    (nodes, findings)
}

fn one(text: &str) -> Node {
    let (mut nodes, findings) = parse(text, Schema::Kubernetes);
    assert_eq!(findings, Vec::<String>::new(), "{text}");
    assert_eq!(nodes.len(), 1, "{text}");
    nodes.remove(0)
}

/// The source text of the decoded bytes `from..to` of the text at `pointer`.
fn placed<'a>(source: &'a str, node: &Node, pointer: &str, part: &str) -> &'a str {
    let text = node.at(pointer).and_then(Node::as_text).expect(pointer);
    let from = text.value.find(part).expect(part);
    let span = text.place(from, from + part.len());
    &source[span.start as usize..span.end as usize]
}

#[test]
fn documents_have_values_and_places() {
    let source = "a: 1\nb:\n  - x\n  - {c: 'd'}\ne: \"f\"\n";
    let node = one(source);
    assert_eq!(node.to_json(), json!({"a": 1, "b": ["x", {"c": "d"}], "e": "f"}));
    let slice = |pointer: &str| {
        let span = node.at(pointer).expect(pointer).span;
        &source[span.start as usize..span.end as usize]
    };
    assert_eq!(slice("/a"), "1");
    assert_eq!(slice("/b"), "- x\n  - {c: 'd'}");
    assert_eq!(slice("/b/1"), "{c: 'd'}");
    assert_eq!(slice("/b/1/c"), "'d'");
    assert_eq!(slice("/e"), "\"f\"");
    assert_eq!(slice(""), source.trim_end());
    let (key, _) = node.entry("b").unwrap();
    assert_eq!((key.span.start, key.span.end), (5, 6));
}

#[test]
fn decoded_offsets_lead_back_to_the_source() {
    let source = concat!(
        "plain: see ${a.b} there\n",
        "double: \"tab\\t\\u00e9 ${c.d} \\\"end\\\"\"\n",
        "single: 'it''s ${e.f}'\n",
        "wrapped: one\n  ${g.h}\n\n  three\n",
        "literal: |\n  #!/bin/sh\n\n    deep ${i.j}\n  last ${k.l}\n",
        "folded: >-\n  first\n  ${m.n}\n\n  para ${o.p}\n    more ${q.r}\n  end ${s.t}\n",
        "joined: \"a \\\n   ${u.v}\"\n",
        "crlf: |\r\n  one\r\n  ${w.x}\r\n",
        "indented: |2\n   one ${y.z}\n"
    );
    let node = one(source);
    for (pointer, part) in [
        ("/plain", "${a.b}"),
        ("/double", "${c.d}"),
        ("/single", "${e.f}"),
        ("/wrapped", "${g.h}"),
        ("/wrapped", "three"),
        ("/literal", "deep ${i.j}"),
        ("/literal", "${k.l}"),
        ("/folded", "${m.n}"),
        ("/folded", "${o.p}"),
        ("/folded", "${q.r}"),
        ("/folded", "${s.t}"),
        ("/joined", "${u.v}"),
        ("/crlf", "${w.x}"),
        ("/indented", "${y.z}"),
    ] {
        assert_eq!(placed(source, &node, pointer, part), part, "{pointer}");
    }
    assert!(placed(source, &node, "/double", "é").starts_with("\\u"));
    assert_eq!(placed(source, &node, "/single", "'"), "'");
}

#[test]
fn merge_keys_and_aliases_are_resolved() {
    let node = one("base: &b {x: 1, z: 2}\nuse:\n  z: 3\n  <<: *b\nlist: [*b]\nboth:\n  <<: [{x: 7}, *b]\n");
    assert_eq!(
        node.to_json(),
        json!({"base": {"x": 1, "z": 2}, "use": {"z": 3, "x": 1}, "list": [{"x": 1, "z": 2}], "both": {"x": 7, "z": 2}})
    );
}

#[test]
fn keys_become_texts() {
    let source = "1: a\ntrue: b\n1.5: d\n'': e\non: f\n0x10: g\n";
    let (nodes, findings) = parse(source, Schema::Kubernetes);
    assert_eq!(findings, vec!["duplicate-key: key `true` is given twice"]);
    assert_eq!(nodes[0].to_json(), json!({"1": "a", "true": "b", "1.5": "d", "": "e", "16": "g"}));
    let (nodes, findings) = parse(source, Schema::Core);
    assert_eq!(findings, Vec::<String>::new());
    assert_eq!(nodes[0].to_json(), json!({"1": "a", "true": "b", "1.5": "d", "": "e", "on": "f", "0x10": "g"}));
    assert_eq!(parse("? [a]\n: b\n~: c\nd: e\n", Schema::Core).1.len(), 2);
}

#[test]
fn mistakes_are_findings_and_the_next_document_is_read() {
    let (nodes, findings) =
        parse("a: [1\n---\nb: 1\nb: 2\n---\n---\nc: *no\n---\nd: !x 1\n---\ne: .nan\n---\nf: 1", Schema::Core);
    let values: Vec<Value> = nodes.iter().map(Node::to_json).collect();
    assert_eq!(values, vec![json!({"b": 1}), Value::Null, json!({"f": 1})]);
    assert_eq!(findings.len(), 5, "{findings:#?}");
    assert!(findings[0].starts_with("yaml-syntax: this is not YAML"), "{findings:#?}");
    assert_eq!(findings[1], "duplicate-key: key `b` is given twice");
    assert!(findings[2].contains("alias `*no` has no anchor"), "{findings:#?}");
    assert!(findings[3].contains("the tag `!x`"), "{findings:#?}");
}

#[test]
fn limits_hold() {
    let nested = "[".repeat(5_000);
    let (_, findings) = parse(&nested, Schema::Core);
    assert_eq!(findings, vec!["nesting-too-deep: YAML is nested more than 128 levels deep"]);
    let mixed = format!("{}{}", "- ".repeat(100), "[".repeat(100));
    assert_eq!(parse(&mixed, Schema::Core).1.len(), 1);

    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..12 {
        let last = format!("*a{}", level - 1);
        bomb += &format!("a{level}: &a{level} [{}]\n", [last.as_str(); 10].join(", "));
    }
    let (nodes, findings) = parse(&bomb, Schema::Core);
    assert!(nodes.is_empty());
    assert_eq!(findings, vec!["yaml-expansion: the aliases of this file expand to too much"]);

    let mut deep = "a0: &a0 [x]\n".to_owned();
    for level in 1..400 {
        deep += &format!("a{level}: &a{level} [*a{}]\n", level - 1);
    }
    assert_eq!(parse(&deep, Schema::Core).1, vec!["nesting-too-deep: YAML is nested more than 128 levels deep"]);
    assert_eq!(parse("a: &a [*a]", Schema::Core).1, vec!["yaml-syntax: an anchor's value contains its own alias"]);

    let keys: String = (0..20_000).map(|at| format!("k{at}: &x{at} 1\n")).collect();
    assert_eq!(parse(&keys, Schema::Core).0[0].as_map().map(<[_]>::len), Some(20_000));
}

fn yaml_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() && !path.is_symlink() {
            yaml_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            found.push(path);
        }
    }
}

/// Values of the two readers are the same but for what the schemas say differently.
fn same(ours: &Value, theirs: &serde_yaml::Value) -> bool {
    match (ours, theirs) {
        (_, serde_yaml::Value::Tagged(_)) => true,
        (Value::Object(ours), serde_yaml::Value::Mapping(theirs)) => {
            ours.len() == theirs.len()
                && theirs.iter().all(|(key, value)| {
                    let key = match key {
                        serde_yaml::Value::String(key) => key.clone(),
                        other => serde_yaml::to_string(other).unwrap_or_default().trim().to_owned(),
                    };
                    ours.get(&key).is_some_and(|ours| same(ours, value))
                })
        }
        (Value::Array(ours), serde_yaml::Value::Sequence(theirs)) => {
            ours.len() == theirs.len() && ours.iter().zip(theirs).all(|(ours, theirs)| same(ours, theirs))
        }
        (Value::String(ours), serde_yaml::Value::String(theirs)) => ours == theirs,
        (Value::Number(ours), serde_yaml::Value::Number(theirs)) => ours.as_f64() == theirs.as_f64(),
        // `0777`: a text for serde_yaml, a decimal number in YAML 1.2.
        (Value::Number(_), serde_yaml::Value::String(theirs)) => theirs.starts_with('0'),
        (Value::Bool(ours), serde_yaml::Value::Bool(theirs)) => ours == theirs,
        (Value::Null, serde_yaml::Value::Null) => true,
        _ => false,
    }
}

#[test]
fn agrees_with_serde_yaml_over_the_corpus() {
    let Some(corpus) = corpus() else { return };
    let mut files = Vec::new();
    yaml_files(&corpus, &mut files);
    let (mut equal, mut refused_by_both, mut refused_by_one) = (0, 0, Vec::new());
    for path in &files {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        let theirs: Result<Vec<serde_yaml::Value>, _> =
            serde_yaml::Deserializer::from_str(&text).map(serde::Deserialize::deserialize).collect();
        let (ours, findings) = parse(&text, Schema::Core);
        match (theirs, findings.is_empty()) {
            (Ok(mut theirs), true) => {
                theirs.iter_mut().for_each(|value| value.apply_merge().unwrap());
                // An empty file is one null for serde_yaml and no document for us.
                theirs.retain(|value| !value.is_null());
                let ours: Vec<Value> = ours.iter().map(Node::to_json).filter(|value| !value.is_null()).collect();
                assert_eq!(ours.len(), theirs.len(), "{}", path.display());
                for (ours, theirs) in ours.iter().zip(&theirs) {
                    assert!(same(ours, theirs), "{}: {ours:#} {theirs:#?}", path.display());
                }
                equal += 1;
            }
            (Err(_), false) => refused_by_both += 1,
            (theirs, _) => refused_by_one.push(format!("{}: {:?} {findings:?}", path.display(), theirs.err())),
        }
    }
    println!("{equal} equal, {refused_by_both} refused by both, {} by one", refused_by_one.len());
    assert!(equal >= 6000 && refused_by_one.len() * 50 <= equal, "{refused_by_one:#?}");
}

/// Every text's map leads to equal bytes, or to an escape.
fn check_maps(source: &str, node: &Node) {
    match &node.kind {
        Kind::Str(text) => {
            for (at, character) in text.value.char_indices() {
                let span = text.place(at, at + character.len_utf8());
                let written = source.get(span.start as usize..span.end as usize);
                let escaped = source[text.span.start as usize..].starts_with(['"', '\'']) || character.is_whitespace();
                let exact = written.is_some_and(|written| written.starts_with(character));
                assert!(
                    text.map.is_empty() || exact || escaped,
                    "{source:?}: {character:?} at {span:?} is {written:?}"
                );
            }
        }
        Kind::Seq(items) => items.iter().for_each(|item| check_maps(source, item)),
        Kind::Map(entries) => entries.iter().for_each(|(_, value)| check_maps(source, value)),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}

#[test]
fn offset_maps_hold_over_the_corpus() {
    let Some(corpus) = corpus() else { return };
    let mut files = Vec::new();
    yaml_files(&corpus, &mut files);
    let (mut texts, mut unmapped) = (0, Vec::new());
    for path in files.iter().step_by(3) {
        let Ok(text) = std::fs::read_to_string(path) else { continue };
        for node in parse(&text, Schema::Kubernetes).0 {
            check_maps(&text, &node);
            count_maps(&node, &mut texts, &mut unmapped);
        }
    }
    println!("{texts} texts, {} without a map", unmapped.len());
    assert!(texts > 1000 && unmapped.len() * 1000 <= texts, "{unmapped:#?}");
}

fn count_maps(node: &Node, texts: &mut usize, unmapped: &mut Vec<String>) {
    match &node.kind {
        Kind::Str(text) => {
            *texts += 1;
            if text.map.is_empty() && !text.value.is_empty() {
                unmapped.push(text.value.chars().take(80).collect());
            }
        }
        Kind::Seq(items) => items.iter().for_each(|item| count_maps(item, texts, unmapped)),
        Kind::Map(entries) => entries.iter().for_each(|(_, value)| count_maps(value, texts, unmapped)),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}

const SEED: &str = "a: &x [1, 'two', \"thr\\u00e9e\"]\nb: *x\nc: |\n  text\n   more\nd: >-\n  folded\n  line\n? e\n: {f: !!str 5, <<: {g: ~}}\n---\n- - k: v\n";

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[-a-c\\[\\]{}:,&*!|>'\"#%@`? \t\r\n\u{e9}\\\\0-9x.~<]{0,80}") {
        for node in parse(&text, Schema::Kubernetes).0 {
            check_maps_do_not_panic(&node);
        }
    }

    #[test]
    fn no_mutation_makes_it_panic(at in 0usize..SEED.len(), length in 0usize..12, insert in "[-\\[{:&*|>'\"\n \\\\]{0,3}") {
        let from = (0..=at).rev().find(|at| SEED.is_char_boundary(*at)).unwrap();
        let to = (from + length.min(SEED.len() - from)..=SEED.len()).find(|at| SEED.is_char_boundary(*at)).unwrap();
        let text = format!("{}{insert}{}", &SEED[..from], &SEED[to..]);
        for node in parse(&text, Schema::Core).0 {
            check_maps_do_not_panic(&node);
        }
    }
}

fn check_maps_do_not_panic(node: &Node) {
    let _ = node.to_json();
    if let Kind::Str(text) = &node.kind {
        let _ = text.place(0, text.value.len());
    }
}
