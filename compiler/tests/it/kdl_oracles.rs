//! The KDL reader against others: the official suite, and the crates `kdl` and `just-kdl` on generated texts.
//!
//! Deliberate differences: whole numbers outside of 128 bits are refused, as `kdl` does.

use proptest::prelude::*;
use waybill_compiler::diag::Diags;
use waybill_compiler::source::FileId;
use waybill_compiler::syntax::{Node, Scalar, kdl};

/// What a text says, without places; `None` where it is refused.
fn read(text: &str) -> Option<Vec<Node>> {
    let mut diags = Diags::default();
    let nodes = kdl::parse(FileId(0), text, &mut diags);
    diags.is_empty().then_some(nodes)
}

fn number(value: f64) -> String {
    if value.is_nan() { "nan".into() } else { format!("{value:e}") }
}

/// A text's nodes as comparable lines; of equal keys the last counts, keys sorted.
fn plain(nodes: &[Node], depth: usize, out: &mut String) {
    let scalar = |scalar: &Scalar| match scalar {
        Scalar::Text(text) => format!("{:?}", text.value),
        Scalar::Int(number) => number.to_string(),
        Scalar::Float(value) => number(*value),
        Scalar::Bool(truth) => truth.to_string(),
        Scalar::Null => "null".into(),
        Scalar::Unread => "unread".into(),
    };
    for node in nodes {
        *out += &format!("{depth} {:?}", node.name.value);
        node.args.iter().for_each(|arg| *out += &format!(" {}", scalar(&arg.scalar)));
        let props: std::collections::BTreeMap<_, _> =
            node.props.iter().map(|(key, value)| (&key.value, scalar(&value.scalar))).collect();
        props.iter().for_each(|(key, value)| *out += &format!(" {key:?}={value}"));
        *out += "\n";
        plain(&node.children, depth + 1, out);
    }
}

fn by_kdl(document: &::kdl::KdlDocument, depth: usize, out: &mut String) {
    let scalar = |value: &::kdl::KdlValue| match value {
        ::kdl::KdlValue::String(text) => format!("{text:?}"),
        ::kdl::KdlValue::Integer(number) => number.to_string(),
        ::kdl::KdlValue::Float(value) => number(*value),
        ::kdl::KdlValue::Bool(truth) => truth.to_string(),
        ::kdl::KdlValue::Null => "null".into(),
    };
    for node in document.nodes() {
        *out += &format!("{depth} {:?}", node.name().value());
        let mut props = std::collections::BTreeMap::new();
        for entry in node.entries() {
            match entry.name() {
                Some(name) => drop(props.insert(name.value().to_owned(), scalar(entry.value()))),
                None => *out += &format!(" {}", scalar(entry.value())),
            }
        }
        props.iter().for_each(|(key, value)| *out += &format!(" {key:?}={value}"));
        *out += "\n";
        if let Some(children) = node.children() {
            by_kdl(children, depth + 1, out);
        }
    }
}

fn just_kdl_reads(text: &str) -> bool {
    just_kdl::reader::Reader::new(text.as_bytes()).collect::<Result<just_kdl::dom::Document, _>>().is_ok()
}

#[test]
fn the_official_suite_is_read_as_it_expects() {
    let Some(corpus) = crate::corpus::corpus() else { return };
    let folder = corpus.join("kdl-test-suite/kdl-org__kdl-rs/tests/test_cases");
    let inputs = crate::corpus::files(&folder.join("input"), &|name| name.ends_with(".kdl"));
    let (mut wrong, mut expected) = (Vec::new(), 0);
    for path in &inputs {
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let nodes = read(&text);
        if name.ends_with("_fail.kdl") != nodes.is_none() {
            wrong.push(format!("{name}: refused: {}: {text:?}", nodes.is_none()));
            continue;
        }
        let canonical = std::fs::read_to_string(folder.join("expected_kdl").join(name));
        if let (Some(nodes), Ok(canonical)) = (nodes, canonical) {
            let (mut ours, mut theirs) = (String::new(), String::new());
            plain(&nodes, 0, &mut ours);
            plain(&read(&canonical).expect("the expected text is KDL"), 0, &mut theirs);
            if ours != theirs {
                wrong.push(format!("{name}: {ours} instead of {theirs}"));
            }
            expected += 1;
        }
    }
    println!("{} inputs, {expected} expected outputs, {} differ", inputs.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(inputs.len() > 100 && expected > 20, "{} {expected}", inputs.len());
}

/// Texts of parts that KDL has, more or less in its order.
fn parts() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        10 => Just(" "), 6 => Just("\n"), 4 => Just("a"), 3 => Just("\"t\\n \\u{e9}\""), 2 => Just("k="),
        2 => Just("{"), 3 => Just("}"), 1 => Just(";"), 1 => Just("/-"), 1 => Just("/* c */"), 1 => Just("// c\n"),
        1 => Just("\\\n"), 1 => Just("(t)"), 2 => Just("#true"), 1 => Just("#null"), 2 => Just("12"), 1 => Just("-0x1F"),
        1 => Just("1.5e3"), 1 => Just("1_0"), 1 => Just("#\"r\\\"#"), 1 => Just("\"\"\"\n  x\n    y\\\n  z\n  \"\"\""),
        1 => Just("true"), 1 => Just("="), 1 => Just("#\"\"\"\n x\n \"\"\"#"), 1 => Just("é"), 1 => Just("\\"),
        1 => Just("\""), 1 => Just("-"), 1 => Just("."), 1 => Just("#inf"),
    ];
    prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat())
}

/// Lines that are KDL: nodes with values, properties and blocks.
fn valid() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("a-b"),
        Just("\"t\\t\\\\ \\u{1F680}\""),
        Just("#false"),
        Just("#null"),
        Just("0b101"),
        Just("-1_000"),
        Just("2.5E-3"),
        Just("(u8)7"),
        Just("##\"a\"#b\"##"),
        Just("\"\"\"\n    one\n\n      two \\\"\n    \"\"\""),
        Just("#nan"),
        Just("/-gone"),
        Just("\\ // c\n  x"),
        Just("k = v"),
        Just("\"k k\"=1"),
        Just("k=(t) \"v\""),
    ];
    let line = (prop::collection::vec(value, 0..5), 0..4usize).prop_map(|(values, block)| (values.join(" "), block));
    prop::collection::vec(line, 0..12).prop_map(|lines| {
        let (mut text, mut depth) = (String::new(), 0);
        for (values, block) in lines {
            text += &format!("{}node {values}", "    ".repeat(depth));
            match block {
                0 => {
                    text += " {\n";
                    depth += 1;
                }
                1 if depth > 0 => {
                    text += "; }\n";
                    depth -= 1;
                }
                2 => text += "; // c\n",
                _ => text += "\n",
            }
        }
        text + &"}\n".repeat(depth)
    })
}

fn assert_as_others(text: &str) -> Result<(), TestCaseError> {
    let theirs = ::kdl::KdlDocument::parse_v2(text);
    let nodes = read(text);
    // Where the two disagree there is no telling from them.
    if theirs.is_ok() == just_kdl_reads(text) {
        prop_assert_eq!(nodes.is_some(), theirs.is_ok(), "{:?}", text);
    }
    if let (Some(nodes), Ok(document)) = (nodes, theirs) {
        let (mut ours, mut expected) = (String::new(), String::new());
        plain(&nodes, 0, &mut ours);
        by_kdl(&document, 0, &mut expected);
        prop_assert_eq!(ours, expected, "{:?}", text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn parts_are_read_and_refused_as_others_do(text in parts()) {
        assert_as_others(&text)?;
    }

    #[test]
    fn valid_texts_are_read_as_others_do(text in valid()) {
        prop_assert!(read(&text).is_some(), "{text}");
        assert_as_others(&text)?;
    }

    #[test]
    fn tokens_are_the_whole_text(bytes in prop::collection::vec(any::<u8>(), 0..80), marks in parts()) {
        for text in [String::from_utf8_lossy(&bytes).into_owned(), marks] {
            let (tree, _) = kdl::tree(FileId(0), &text);
            let whole: String = (0..tree.tokens.len()).map(|at| tree.token(at)).collect();
            prop_assert_eq!(&whole, &text);
            for item in &tree.items {
                prop_assert!(item.first <= item.last && (item.last as usize) < tree.tokens.len(), "{item:?}");
                prop_assert!(item.next as usize <= tree.items.len(), "{item:?}");
            }
        }
    }
}

/// Checks that formatting keeps what a text says and is done at once.
fn assert_formatted(text: &str) -> Result<(), TestCaseError> {
    let Ok(once) = kdl::format::format(FileId(0), text) else {
        prop_assert!(read(text).is_none(), "{text:?}");
        return Ok(());
    };
    let (mut before, mut after) = (String::new(), String::new());
    plain(&read(text).expect("a text that is formatted is KDL"), 0, &mut before);
    let Some(nodes) = read(&once) else { return Err(TestCaseError::fail(format!("{text:?} became {once:?}"))) };
    plain(&nodes, 0, &mut after);
    prop_assert_eq!(before, after, "{:?} became {:?}", text, &once);
    let comments = |text: &str| text.matches("// c").count() + text.matches("/* c */").count();
    prop_assert_eq!(comments(text), comments(&once), "{:?} became {:?}", text, &once);
    prop_assert_eq!(kdl::format::format(FileId(0), &once).ok(), Some(once.clone()), "{:?} became {:?}", text, &once);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn formatting_keeps_the_meaning_of_parts(text in parts()) {
        assert_formatted(&text)?;
    }

    #[test]
    fn formatting_keeps_the_meaning_of_valid_texts(text in valid()) {
        assert_formatted(&text)?;
    }
}

#[test]
fn formatting_keeps_the_meaning_of_the_official_suite() {
    let Some(corpus) = crate::corpus::corpus() else { return };
    for path in crate::corpus::files(&corpus.join("kdl-test-suite"), &|name| name.ends_with(".kdl")) {
        let text = std::fs::read_to_string(&path).unwrap();
        assert_formatted(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[test]
fn every_example_is_formatted() {
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("examples");
    let files = crate::corpus::files(&examples, &|name| name.ends_with(".kdl"));
    let mut wrong = Vec::new();
    for path in &files {
        let text = std::fs::read_to_string(path).unwrap();
        let formatted = kdl::format::format(FileId(0), &text).unwrap();
        if formatted != text {
            let at = formatted.lines().zip(text.lines()).position(|(a, b)| a != b);
            wrong.push(format!("{}: first at line {:?}", path.display(), at.map(|at| at + 1)));
        }
    }
    assert!(wrong.is_empty(), "`waybill fmt` changes\n{}", wrong.join("\n"));
    assert!(files.len() > 2, "{}", files.len());
}
