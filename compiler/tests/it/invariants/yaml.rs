//! YAML: nodes and findings have places in the text, in each of its schemas, and what aliases add is bounded.

use waybill_compiler::diag::Diags;
use waybill_compiler::source::Sources;
use waybill_compiler::syntax::yaml::{self, Kind, MAX_ALIAS_NODES, Node, Schema};

pub fn hold(text: &str) {
    let mut sources = Sources::default();
    let file = sources.add("waybill.yaml", text);
    for schema in [Schema::Core, Schema::Kubernetes, Schema::Kustomize] {
        let mut diags = Diags::default();
        let nodes = yaml::parse(file, text, schema, &mut diags);
        diags.iter().for_each(|finding| super::assert_finding(&sources, finding));
        let mut count = 0;
        nodes.iter().for_each(|node| assert_places(text, node, &mut count));
        assert!(count <= 2 * text.len() + MAX_ALIAS_NODES + 1, "{count} nodes of {} bytes", text.len());
    }
}

fn assert_places(text: &str, node: &Node, count: &mut usize) {
    *count += 1;
    assert!(super::is_place(text, node.span), "{:?} of {:?}", node.span, node.what());
    match &node.kind {
        Kind::Str(part) => assert_text(text, part),
        Kind::Seq(items) => items.iter().for_each(|item| assert_places(text, item, count)),
        Kind::Map(entries) => {
            for (key, value) in entries {
                assert_text(text, key);
                assert_places(text, value, count);
            }
        }
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}

fn assert_text(text: &str, part: &waybill_compiler::syntax::Text) {
    assert!(super::is_place(text, part.span), "{part:?}");
    let ends = (0..=part.value.len()).filter(|at| part.value.is_char_boundary(*at));
    ends.for_each(|at| assert!(super::is_place(text, part.place(at, at)), "{at} of {part:?}"));
}
