//! Source texts and places in them.
//!
//! **Invariant:** a `Span` is a byte range of one file of one `Sources`; both ends lie on character boundaries.
//! Not here: reading files (`runtime::load`).

use std::collections::BTreeMap;
use std::sync::Arc;

/// Index of a file in its `Sources`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// Byte range `start..end` of a file, `end` exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

impl Span {
    /// A span of `file` from byte `start` to byte `end`, exclusive.
    pub fn new(file: FileId, start: usize, end: usize) -> Span {
        let cap = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { file, start: cap(start), end: cap(end.max(start)) }
    }

    /// The empty span at the start of a file: the place of findings without a place.
    pub fn start_of(file: FileId) -> Span {
        Span { file, start: 0, end: 0 }
    }

    /// The part of this span from `from` to `to`, both relative to its start.
    pub fn slice(self, from: usize, to: usize) -> Span {
        Span::new(self.file, self.start as usize + from, self.start as usize + to)
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub struct Spanned<T> {
    pub value: T,
    pub span: Span,
}

impl<T> Spanned<T> {
    pub fn new(value: T, span: Span) -> Spanned<T> {
        Spanned { value, span }
    }
}

impl Spanned<String> {
    pub fn as_str(&self) -> &str {
        &self.value
    }
}

/// One text with the path it is known by (relative to the project's root, `/` between parts).
#[derive(Clone, Debug)]
pub struct File {
    pub path: String,
    pub text: Arc<str>,
    line_starts: Vec<u32>,
}

/// Line and column of an offset: both from 1, columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineColumn {
    pub line: usize,
    pub column: usize,
}

/// What the compiler asks for: a path below the project's root, `/` between parts, never `..`.
/// The path may be a file or a folder; the answer says which.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    pub path: String,
}

/// What is at a path.
#[derive(Clone, Debug)]
pub enum Entry {
    File(FileId),
    /// The names in a folder, sorted; those of folders end with `/`.
    Folder(Vec<String>),
    Missing(Missing),
}

/// Why a path gives neither a text nor a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    NotFound,
    NotUtf8 {
        offset: usize,
    },
    TooLarge {
        bytes: u64,
        limit: u64,
    },
    /// A symbolic link that leads out of the project or in a circle.
    Link {
        reason: String,
    },
    Unreadable {
        reason: String,
    },
}

/// All texts of one compilation, and what was found at the paths that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<File>,
    entries: BTreeMap<String, Entry>,
}

impl Sources {
    /// Adds a text and gives its id.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        let text = text.into();
        let mut line_starts = vec![0];
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        line_starts.extend(newlines.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX)));
        let id = FileId(u32::try_from(self.files.len()).expect("BUG: more than 2^32 files"));
        self.files.push(File { path: path.into(), text, line_starts });
        id
    }

    /// Adds the text found at `path` as the answer to a need.
    pub fn answer_file(&mut self, path: &str, text: impl Into<Arc<str>>) -> FileId {
        let id = self.add(path, text);
        self.entries.insert(path.to_owned(), Entry::File(id));
        id
    }

    /// Records that `path` is a folder with these names or is missing.
    pub fn answer(&mut self, path: &str, entry: Entry) {
        self.entries.insert(path.to_owned(), entry);
    }

    /// What is at `path`; `None` as long as nobody has looked (the caller then asks for it as a `Need`).
    pub fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.get(path)
    }

    pub fn file(&self, id: FileId) -> &File {
        &self.files[id.0 as usize]
    }

    pub fn text(&self, id: FileId) -> &str {
        &self.file(id).text
    }

    pub fn path(&self, id: FileId) -> &str {
        &self.file(id).path
    }

    /// The id of the file known by `path`.
    pub fn by_path(&self, path: &str) -> Option<FileId> {
        match self.entries.get(path)? {
            Entry::File(id) => Some(*id),
            Entry::Folder(_) | Entry::Missing(_) => None,
        }
    }

    pub fn ids(&self) -> impl Iterator<Item = FileId> + use<> {
        (0..u32::try_from(self.files.len()).expect("BUG: more than 2^32 files")).map(FileId)
    }

    /// The text that a span covers.
    pub fn slice(&self, span: Span) -> &str {
        self.text(span.file).get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// The line in which a span begins.
    pub fn line_text(&self, span: Span) -> &str {
        let text = self.text(span.file);
        let at = (span.start as usize).min(text.len());
        let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |found| found + 1);
        let end = text.get(at..).and_then(|after| after.find('\n')).map_or(text.len(), |found| at + found);
        text.get(start..end).unwrap_or("")
    }

    /// Line and column of a byte offset; offsets past the end give the end.
    pub fn line_column(&self, file: FileId, offset: u32) -> LineColumn {
        let file = self.file(file);
        let line = file.line_starts.partition_point(|start| *start <= offset).max(1);
        let start = file.line_starts[line - 1] as usize;
        let end = (offset as usize).min(file.text.len());
        let column = file.text.get(start..end).map_or(end - start.min(end), |part| part.chars().count()) + 1;
        LineColumn { line, column }
    }

    /// Line of a span's start, from 1.
    pub fn line(&self, span: Span) -> usize {
        self.line_column(span.file, span.start).line
    }

    /// `path:line` of a span, as reasons print it.
    pub fn place(&self, span: Span) -> String {
        format!("{}:{}", self.path(span.file), self.line(span))
    }
}
