//! Byte-exact edits of the `images` of a kustomization: text and new values → new text.
//!
//! **Invariant:** an edit replaces only the bytes of the scalars `newTag` and `digest` of one entry, or adds or removes
//! whole keys; every other byte (comments, quotes, order, indentation, line ends, byte order mark) stays. The result is
//! parsed again and compared with what was meant, so an edit is right or an error.
//! Not here: what the values should be, files, git.
//!
//! How Kustomize reads an entry: `name` selects, `newName` replaces the name; with a `digest`, the digest decides what
//! is pulled, whatever `newTag` says.

mod edit;
mod expect;
mod find;
mod lines;
mod scalar;
mod tree;

use std::fmt;
use std::ops::Range;

use edit::{Change, Changes};

/// Values of an entry of `images`; what is `None` is absent there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageRef {
    pub new_name: Option<String>,
    pub tag: Option<String>,
    pub digest: Option<String>,
}

/// New values of an entry; `None` leaves what is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewImage {
    pub new_tag: Option<String>,
    pub digest: Option<String>,
}

/// Replaces the bytes of `range` (of the old text) by `text`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Splice {
    pub range: Range<usize>,
    pub text: String,
}

/// One scalar that an edit changes, as decoded values; `None` is its absence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalarChange {
    /// `images[NAME].newTag` or `images[NAME].digest`.
    pub path: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// An edited kustomization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BumpedFile {
    pub text: String,
    /// In order, without overlaps; empty if the file already says so.
    pub splices: Vec<Splice>,
    pub changes: Vec<ScalarChange>,
}

/// Why a kustomization is not edited. Lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BumpError {
    Yaml {
        line: usize,
        message: String,
    },
    SeveralDocuments,
    /// Something is not of the kind that a kustomization has there.
    Shape {
        line: usize,
        what: &'static str,
    },
    /// Two entries, or two keys of one entry, have the same name.
    Duplicate {
        line: usize,
        name: String,
    },
    /// The value is shared with other places of the file, which an edit would change too.
    Shared {
        line: usize,
    },
    /// The entry pins a digest, so that a new tag alone would change nothing.
    PinnedByDigest {
        image: String,
        digest: String,
    },
    BadValue {
        field: &'static str,
        value: String,
    },
    /// The edited text does not say what was meant: it is written in a form that is not edited here.
    Unsupported {
        line: usize,
    },
}

impl fmt::Display for BumpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BumpError::Yaml { line, message } => write!(f, "line {line} is not YAML: {message}"),
            BumpError::SeveralDocuments => {
                write!(f, "it holds several YAML documents; a kustomization is one")
            }
            BumpError::Shape { line, what } => write!(f, "line {line}: {what}"),
            BumpError::Duplicate { line, name } => {
                write!(f, "line {line}: `{name}` is there twice; keep one")
            }
            BumpError::Shared { line } => write!(
                f,
                "line {line} uses a YAML anchor, alias or merge key, which an edit would change in other places too; \
                 write the value out"
            ),
            BumpError::PinnedByDigest { image, digest } => write!(
                f,
                "`{image}` is pinned to the digest {digest}, which wins over `newTag`; give the new digest too"
            ),
            BumpError::BadValue { field, value } => write!(f, "`{value}` cannot be a `{field}`"),
            BumpError::Unsupported { line } => write!(
                f,
                "line {line} is written in a form that is not edited; write the entry as plain `key: value` lines"
            ),
        }
    }
}

impl std::error::Error for BumpError {}

/// The values of the entry called `image_name`, or `None` where there is no such entry.
pub fn read(text: &str, image_name: &str) -> Result<Option<ImageRef>, BumpError> {
    let root = tree::parse(text)?;
    find::current(text, root.as_ref(), image_name)
}

/// Writes new values into the entry called `image_name`, which is added if it is missing.
pub fn bump(text: &str, image_name: &str, new: &NewImage) -> Result<BumpedFile, BumpError> {
    let change = |value: &Option<String>| value.clone().map_or(Change::Keep, Change::Set);
    let changes = Changes { new_tag: change(&new.new_tag), digest: change(&new.digest) };
    if changes.digest == Change::Keep
        && changes.new_tag != Change::Keep
        && let Some(ImageRef { digest: Some(digest), .. }) = read(text, image_name)?
    {
        let image = image_name.to_owned();
        return Err(BumpError::PinnedByDigest { image, digest });
    }
    edit::apply(text, image_name, &changes)
}

/// Makes the entry called `image_name` say exactly this: what is `None` is removed, and so is an entry that is left
/// with nothing but its name, and a list that is left with nothing. So `restore` undoes `bump` byte by byte.
pub fn restore(text: &str, image_name: &str, old: &NewImage) -> Result<BumpedFile, BumpError> {
    let change = |value: &Option<String>| value.clone().map_or(Change::Remove, Change::Set);
    let changes = Changes { new_tag: change(&old.new_tag), digest: change(&old.digest) };
    edit::apply(text, image_name, &changes)
}

/// The text without what bumps of these images write; equal before and after any bump of them.
pub fn mask<'a>(text: &str, image_names: impl IntoIterator<Item = &'a str>) -> Result<String, BumpError> {
    let mut text = text.to_owned();
    for name in image_names {
        text = restore(&text, name, &NewImage::default())?.text;
    }
    edit::without_empty_list(&text)
}

/// Applies splices, which are in order and do not overlap, to the text that they were made for.
pub fn splice(text: &str, splices: &[Splice]) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut from = 0;
    for splice in splices {
        out.push_str(&text[from..splice.range.start]);
        out.push_str(&splice.text);
        from = splice.range.end;
    }
    out.push_str(&text[from..]);
    out
}
