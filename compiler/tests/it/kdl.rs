//! The KDL reader: every name and value has the place where it is written, and every character of a text its own.

use waybill_compiler::diag::Diags;
use waybill_compiler::source::FileId;
use waybill_compiler::syntax::{Node, Scalar, Text, kdl};

fn parse(text: &str) -> (Vec<Node>, Diags) {
    let mut diags = Diags::default();
    let nodes = kdl::parse(FileId(0), text, &mut diags);
    (nodes, diags)
}

/// Checks that each character of a text stands at its place, as itself or as an escape; gives how many there were.
fn check_text(source: &str, text: &Text) -> usize {
    for (at, character) in text.value.char_indices() {
        let span = text.place(at, at + character.len_utf8());
        let written = &source[span.start as usize..];
        assert!(
            written.starts_with(character) || written.starts_with('\\'),
            "{character:?} of {text:?} at {written:.20}"
        );
    }
    text.value.chars().count()
}

fn check(source: &str, nodes: &[Node]) -> usize {
    let mut characters = 0;
    for node in nodes {
        characters += check_text(source, &node.name);
        characters += node.props.iter().map(|(key, _)| check_text(source, key)).sum::<usize>();
        for value in node.args.iter().chain(node.props.iter().map(|(_, value)| value)) {
            let written = &source[value.span.start as usize..value.span.end as usize];
            match &value.scalar {
                Scalar::Text(text) => characters += check_text(source, text),
                Scalar::Int(number) => assert_eq!(written.parse::<i128>().ok(), Some(*number)),
                Scalar::Bool(truth) => assert_eq!(written, format!("#{truth}")),
                Scalar::Float(_) | Scalar::Null | Scalar::Unread => {}
            }
        }
        characters += check(source, &node.children);
    }
    characters
}

#[test]
fn every_character_has_its_place_after_non_ascii_text() {
    let source = concat!(
        "/* ä 日本 🚀 */ näme \"wörth\" kéy=\"ü\\n\\u{1f680}x\" n=-12 t=#true f=1.5 {\n",
        "    inner #\"raw \\n \"ö\" text\"# (type)\"typed\" k=(type)\"v\" // ß\n",
        "    long \"\"\"\n        erste Zeile é\n          ${a.b} \"quoted\"\n        \"\"\" \\\n        more=1\n",
        "    bare ident-ifier; second \"a\\   b\"\n",
        "}\n",
    );
    let (nodes, diags) = parse(source);
    assert!(diags.is_empty(), "{diags:?}");
    assert!(check(source, &nodes) > 100);
    let text = nodes[0].children[1].args[0].text().unwrap();
    let from = text.value.find("${a.b}").unwrap();
    let span = text.place(from, from + 6);
    assert_eq!(&source[span.start as usize..span.end as usize], "${a.b}");
}

#[test]
fn places_hold_in_what_is_left_of_a_broken_text() {
    let source =
        "prüf \"é\" x=\nheil \"ß ö\" k=\"ü\" {\n    kind \"日本\" n=1\n    bad=\n    gut \"🚀 x\"\n}\n}\nende \"ä\"\n";
    let (nodes, diags) = parse(source);
    let places: Vec<&str> =
        diags.iter().map(|found| &source[found.span.start as usize..found.span.end as usize]).collect();
    assert_eq!(places, ["x=", "bad=", "}"], "{diags:?}");
    let names: Vec<&str> = nodes.iter().map(|node| node.name.value.as_str()).collect();
    assert_eq!(names, ["prüf", "heil", "ende"]);
    assert!(check(source, &nodes) > 20);
    let inner: Vec<&str> = nodes[1].children.iter().map(|node| node.name.value.as_str()).collect();
    assert_eq!(inner, ["kind", "bad", "gut"]);
}

#[test]
fn every_text_of_the_official_suite_is_read_or_refused_with_a_place() {
    let Some(corpus) = crate::corpus::corpus() else { return };
    let mut folders = vec![corpus.join("kdl-test-suite")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let Ok(source) = std::fs::read_to_string(&path) else { continue };
            if path.extension().is_none_or(|end| end != "kdl") {
                continue;
            }
            let (_, diags) = parse(&source);
            for found in diags.iter() {
                let range = found.span.start as usize..found.span.end as usize;
                assert!(source.get(range).is_some(), "{}: {found:?}", path.display());
            }
            files += 1;
        }
    }
    assert!(files > 100, "{files}");
}
