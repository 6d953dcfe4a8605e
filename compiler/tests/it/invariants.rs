//! What holds of every text, whatever is written in it: asked of the suites by a test, and of anything by `fuzz`.
//!
//! **Invariant:** a text that breaks one panics and nothing else does; nothing is read or written. The paths of the modules
//! are written out because `fuzz` includes this file from another folder.

#[path = "invariants/expressions.rs"]
pub mod expressions;
#[path = "invariants/fix.rs"]
pub mod fix;
#[path = "invariants/kdl.rs"]
pub mod kdl;
#[path = "invariants/manifests.rs"]
pub mod manifests;
#[path = "invariants/yaml.rs"]
pub mod yaml;

use waybill_compiler::diag::Diagnostic;
use waybill_compiler::source::{Sources, Span};

/// The places of a finding are places of its file, and its message stands alone.
fn assert_finding(sources: &Sources, finding: &Diagnostic) {
    let labels = finding.labels.iter().map(|label| label.span);
    let edits = finding.fixes.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
    for span in labels.chain(edits).chain([finding.span]) {
        assert!(is_place(sources.text(span.file), span), "{span:?} is no place: {finding:?}");
    }
    assert!(!finding.message.is_empty() && !finding.message.ends_with('.'), "{finding:?}");
}

fn is_place(text: &str, span: Span) -> bool {
    text.get(span.start as usize..span.end as usize).is_some()
}
