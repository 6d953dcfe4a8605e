//! KDL: the tree is the whole text, findings have places, the work is bounded, and formatting keeps what is said.

use waybill_compiler::diag::Diags;
use waybill_compiler::source::Sources;
use waybill_compiler::syntax::kdl::{self, format::format};
use waybill_compiler::syntax::{Node, Scalar};

pub fn hold(text: &str) {
    let mut sources = Sources::default();
    let file = sources.add("waybill.kdl", text);
    let (tree, found) = kdl::tree(file, text);
    let whole: String = (0..tree.tokens.len()).map(|at| tree.token(at)).collect();
    assert_eq!(whole, text, "the tokens are not the text");
    for item in &tree.items {
        assert!(item.first <= item.last && (item.last as usize) < tree.tokens.len(), "{item:?}");
        assert!(item.next as usize <= tree.items.len(), "{item:?}");
    }
    found.iter().for_each(|finding| super::assert_finding(&sources, finding));
    let looked = kdl::looked_ahead(text);
    assert!(looked <= 4 * text.len() + 100, "{looked} bytes of {} were looked at ahead", text.len());

    let mut diags = Diags::default();
    let nodes = kdl::parse(file, text, &mut diags);
    assert_places(text, &nodes);
    diags.iter().for_each(|finding| super::assert_finding(&sources, finding));
    match format(file, text) {
        Ok(once) => assert_formatted(&nodes, &diags, &once),
        Err(findings) => assert!(!findings.is_empty() && !diags.is_empty(), "refused without a reason"),
    }
}

fn assert_formatted(nodes: &[Node], diags: &Diags, once: &str) {
    assert!(diags.is_empty(), "formatted, but {diags:?}");
    let mut sources = Sources::default();
    let file = sources.add("waybill.kdl", once);
    let mut after = Diags::default();
    let again = kdl::parse(file, once, &mut after);
    assert!(after.is_empty(), "{once:?} is not KDL: {after:?}");
    let (mut said, mut kept) = (String::new(), String::new());
    plain(nodes, 0, &mut said);
    plain(&again, 0, &mut kept);
    assert_eq!(said, kept, "formatting changed what is said");
    assert_eq!(format(file, once).ok().as_deref(), Some(once), "formatting twice changes more");
}

fn assert_places(text: &str, nodes: &[Node]) {
    for node in nodes {
        let values = node.args.iter().chain(node.props.iter().map(|(_, value)| value));
        let names = [&node.name].into_iter().chain(node.props.iter().map(|(key, _)| key));
        let texts = names.chain(values.clone().filter_map(|value| value.text()));
        for part in texts {
            assert!(super::is_place(text, part.span), "{part:?}");
            let ends = (0..=part.value.len()).filter(|at| part.value.is_char_boundary(*at));
            ends.for_each(|at| assert!(super::is_place(text, part.place(at, at)), "{at} of {part:?}"));
        }
        values.for_each(|value| assert!(super::is_place(text, value.span), "{value:?}"));
        assert!(super::is_place(text, node.span), "{:?}", node.span);
        assert_places(text, &node.children);
    }
}

/// Nodes as lines, without places.
fn plain(nodes: &[Node], depth: usize, out: &mut String) {
    let scalar = |scalar: &Scalar| match scalar {
        Scalar::Text(text) => format!("{:?}", text.value),
        Scalar::Int(number) => number.to_string(),
        Scalar::Float(number) => format!("{number:e}"),
        Scalar::Bool(truth) => truth.to_string(),
        Scalar::Null => "null".into(),
        Scalar::Unread => "unread".into(),
    };
    for node in nodes {
        *out += &format!("{depth} {:?}", node.name.value);
        node.args.iter().for_each(|arg| *out += &format!(" {}", scalar(&arg.scalar)));
        node.props.iter().for_each(|(key, value)| *out += &format!(" {:?}={}", key.value, scalar(&value.scalar)));
        *out += "\n";
        plain(&node.children, depth + 1, out);
    }
}
