//! Text to trees, KDL and YAML alike, every part with its place.
//!
//! **Invariant:** parsing never fails: what cannot be read becomes a finding, and what can be read is in the tree.
//! Not here: what the names mean (`spec`).

pub mod kdl;
pub mod yaml;

use crate::diag::{Diagnostic, Diags, codes};
use crate::source::{FileId, Sources, Span};

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
    /// A text that stands in the source just as it is decoded.
    pub fn plain(value: impl Into<String>, span: Span) -> Text {
        Text { value: value.into(), span, map: vec![(0, span.start)] }
    }

    /// A text that stands just as it is decoded, but begins at the byte `source`.
    pub fn at(value: impl Into<String>, span: Span, source: usize) -> Text {
        Text { value: value.into(), span, map: vec![(0, u32::try_from(source).unwrap_or(u32::MAX))] }
    }

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

/// A node: a name, values, named values and children. The form that both syntaxes share.
#[derive(Clone, Debug)]
pub struct Node {
    pub name: Text,
    pub args: Vec<Value>,
    pub props: Vec<(Text, Value)>,
    pub children: Vec<Node>,
    /// The whole node, children included.
    pub span: Span,
    /// Whether the values and properties could not be read, which has been said: what is missing may stand there.
    pub torn: bool,
}

#[derive(Clone, Debug)]
pub struct Value {
    pub scalar: Scalar,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub enum Scalar {
    Text(Text),
    Int(i128),
    Float(f64),
    Bool(bool),
    Null,
    /// Something else stood there, which has been said.
    Unread,
}

impl Value {
    /// What kind of value it is, as messages name it.
    pub fn describe(&self) -> &'static str {
        match self.scalar {
            Scalar::Text(_) => "a string",
            Scalar::Int(_) => "a whole number",
            Scalar::Float(_) => "a number with a fraction",
            Scalar::Bool(_) => "a truth value",
            Scalar::Null | Scalar::Unread => "nothing",
        }
    }

    pub fn text(&self) -> Option<&Text> {
        match &self.scalar {
            Scalar::Text(text) => Some(text),
            Scalar::Int(_) | Scalar::Float(_) | Scalar::Bool(_) | Scalar::Null | Scalar::Unread => None,
        }
    }
}

/// A parsed spec file.
#[derive(Clone, Debug)]
pub enum Tree {
    Kdl(Vec<Node>),
    Yaml(Vec<yaml::Node>),
}

/// Largest spec file in bytes.
pub const SIZE: usize = 1 << 20;

/// Parses a spec file: YAML where its name ends so, else KDL.
pub fn parse(sources: &Sources, file: FileId, diags: &mut Diags) -> Tree {
    let (path, bytes) = (sources.path(file), sources.text(file).len());
    if bytes > SIZE {
        let message = format!("the file has {bytes} bytes, more than the {SIZE} that a spec file may have");
        let finding = Diagnostic::new(&codes::FILE_TOO_LARGE, Span::start_of(file), message);
        diags.push(finding.help("split it into files under `.waybill/`"));
        return Tree::Kdl(Vec::new());
    }
    if path.ends_with(".yaml") || path.ends_with(".yml") {
        Tree::Yaml(yaml::parse(file, sources.text(file), yaml::Schema::Core, diags))
    } else {
        Tree::Kdl(kdl::parse(file, sources.text(file), diags))
    }
}
