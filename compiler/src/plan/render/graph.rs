//! The graph of a plan: what waits for what.

use super::sign;
use crate::plan::Plan;

/// Mermaid flowchart, left to right, a subgraph for each segment.
pub fn mermaid(plan: &Plan) -> String {
    let mut text = String::from("flowchart LR\n");
    for segment in &plan.segments {
        text.push_str(&format!("  subgraph {}\n", quote(&segment.name)));
        for (at, action) in plan.actions.iter().enumerate().filter(|(_, action)| action.segment == segment.name) {
            text.push_str(&format!(
                "    a{at}[{}]\n",
                quote(&format!("{} {}", sign(action.kind, action.op), action.address))
            ));
        }
        text.push_str("  end\n");
    }
    for (from, to) in edges(plan) {
        text.push_str(&format!("  a{from} --> a{to}\n"));
    }
    text
}

/// Graphviz.
pub fn dot(plan: &Plan) -> String {
    let mut text = String::from("digraph plan {\n  rankdir=LR;\n  node [shape=box];\n");
    for (at, segment) in plan.segments.iter().enumerate() {
        text.push_str(&format!("  subgraph cluster_{at} {{\n    label={};\n", quote(&segment.name)));
        for (index, action) in plan.actions.iter().enumerate().filter(|(_, action)| action.segment == segment.name) {
            text.push_str(&format!(
                "    a{index} [label={}];\n",
                quote(&format!("{} {}", sign(action.kind, action.op), action.address))
            ));
        }
        text.push_str("  }\n");
    }
    for (from, to) in edges(plan) {
        text.push_str(&format!("  a{from} -> a{to};\n"));
    }
    text.push_str("}\n");
    text
}

/// Pairs of action indexes: what comes first, what waits for it.
fn edges(plan: &Plan) -> Vec<(usize, usize)> {
    let index = |address: &str| plan.actions.iter().position(|action| action.address == address);
    let mut edges = Vec::new();
    for (to, action) in plan.actions.iter().enumerate() {
        edges.extend(action.waits_for.iter().filter_map(|address| index(address)).map(|from| (from, to)));
    }
    edges
}

fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "#quot;"))
}
