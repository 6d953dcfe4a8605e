//! The lossless tree: every byte of a text is in one token, and every node knows its tokens.
//!
//! **Invariant:** the texts of all tokens, one after the other, are the whole text; the items stand in the order of the
//! text, each before those inside it, so that no walk over them needs to recurse.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    ByteOrderMark,
    Space,
    Newline,
    /// `// …`, without the line end.
    LineComment,
    /// `/* … */`.
    BlockComment,
    /// A backslash that takes the end of its line away, to the beginning of the next line.
    Continuation,
    /// `/-`.
    Slashdash,
    OpenBrace,
    CloseBrace,
    OpenParen,
    CloseParen,
    Equals,
    Semicolon,
    /// Without quotes: a name, a text or a number.
    Word,
    /// `#true` and the like.
    Keyword,
    /// `"…"` without a backslash.
    Quoted,
    /// `"…"` with backslashes.
    Escaped,
    /// `"""` and lines.
    Lines,
    /// `#"…"#`.
    Raw,
    /// `#"""` and lines.
    RawLines,
    /// `r"…"`, as version 1 has it.
    OldRaw,
    /// A string that nothing closes, which has been said.
    Unclosed,
    /// What means nothing in KDL where it stands.
    Stray,
    End,
}

impl Kind {
    /// Whether it is a string or a word: what a name can be.
    pub fn is_text(self) -> bool {
        match self {
            Kind::Word
            | Kind::Quoted
            | Kind::Escaped
            | Kind::Lines
            | Kind::Raw
            | Kind::RawLines
            | Kind::OldRaw
            | Kind::Unclosed => true,
            Kind::ByteOrderMark
            | Kind::Space
            | Kind::Newline
            | Kind::LineComment
            | Kind::BlockComment
            | Kind::Continuation
            | Kind::Slashdash
            | Kind::OpenBrace
            | Kind::CloseBrace
            | Kind::OpenParen
            | Kind::CloseParen
            | Kind::Equals
            | Kind::Semicolon
            | Kind::Keyword
            | Kind::Stray
            | Kind::End => false,
        }
    }

    /// Whether it may stand between the parts of a node.
    pub fn is_space(self) -> bool {
        matches!(self, Kind::Space | Kind::BlockComment | Kind::Continuation)
    }

    /// Whether it may stand between nodes.
    pub fn is_between(self) -> bool {
        self.is_space() || matches!(self, Kind::Newline | Kind::LineComment | Kind::ByteOrderMark)
    }
}

/// A token: it ends where the next one starts.
#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub kind: Kind,
    pub start: u32,
}

/// No token.
pub const NONE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    Node,
    Value,
    Property,
    Block,
}

/// A node, or a part of one. Fields that are token indices are `NONE` where the part is missing.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    pub kind: ItemKind,
    /// Whether a `/-` takes it away.
    pub commented: bool,
    /// Whether it could not be read in full, which has been said.
    pub broken: bool,
    /// First token.
    pub first: u32,
    /// One past its last token.
    pub last: u32,
    /// Index of the item behind it and all that is in it.
    pub next: u32,
    /// The name of a node, the key of a property, the opening brace of a block.
    pub name: u32,
    /// The value of a value or property, the closing brace of a block.
    pub value: u32,
}

/// A parsed text.
#[derive(Clone, Debug)]
pub struct Tree<'t> {
    pub text: &'t str,
    /// The last one is `End`, which is empty.
    pub tokens: Vec<Token>,
    pub items: Vec<Item>,
}

impl<'t> Tree<'t> {
    pub fn kind(&self, token: usize) -> Kind {
        self.tokens[token].kind
    }

    pub fn start(&self, token: usize) -> usize {
        self.tokens[token].start as usize
    }

    pub fn end(&self, token: usize) -> usize {
        self.tokens.get(token + 1).map_or(self.text.len(), |next| next.start as usize)
    }

    /// The text of a token.
    pub fn token(&self, token: usize) -> &'t str {
        &self.text[self.start(token)..self.end(token)]
    }

    /// The items in the range that stand side by side, by their index.
    pub fn side_by_side(&self, from: usize, to: usize) -> impl Iterator<Item = usize> {
        std::iter::successors((from < to).then_some(from), move |at| {
            let next = self.items[*at].next as usize;
            (next < to).then_some(next)
        })
    }
}
