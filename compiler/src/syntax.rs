//! Text to trees, KDL and YAML alike, every part with its place.
//!
//! **Invariant:** parsing never fails: what cannot be read becomes a finding, and what can be read is in the tree.
//! Not here: what the names mean (`spec`).

pub mod yaml;

use crate::source::Span;

/// A scalar's decoded text, with a map from decoded offsets to source bytes.
#[derive(Clone, Debug)]
pub struct Text {
    pub value: String,
    /// The whole scalar as written, quotes included.
    pub span: Span,
    /// Ascending pairs (decoded offset, source offset): from each pair on, both run in step.
    pub map: Vec<(u32, u32)>,
}

impl Text {
    /// The source bytes that gave the decoded bytes `from..to`.
    pub fn place(&self, from: usize, to: usize) -> Span {
        if self.map.is_empty() {
            return self.span;
        }
        Span::new(self.span.file, self.source(from), self.source(to.saturating_sub(1)) + usize::from(to > from))
    }

    fn source(&self, decoded: usize) -> usize {
        let at = self.map.partition_point(|(from, _)| *from as usize <= decoded);
        match self.map.get(at.wrapping_sub(1)) {
            Some((from, source)) => *source as usize + (decoded - *from as usize),
            None => self.span.start as usize,
        }
    }
}
