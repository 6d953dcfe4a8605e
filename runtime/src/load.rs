//! Answers the compiler's needs: from a folder, or from the tree of a commit.
//!
//! **Invariant:** nothing outside the project's root is read; a symbolic link that leads out is a finding.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};

use waybill_compiler::diag::Diags;
use waybill_compiler::source::{Entry, Missing, Sources};
use waybill_compiler::{Checking, needs};

use crate::effects::git::{GitError, Repo};

/// Largest file that is read.
pub const SIZE: u64 = 16 << 20;

/// A place that files come from.
pub trait Files {
    /// What is at `path`, `/` between parts.
    fn find(&self, path: &str) -> Found;
}

/// What is at a path.
pub enum Found {
    File(Vec<u8>),
    /// Names, those of folders with a `/` at the end.
    Folder(Vec<String>),
    Missing(Missing),
}

/// A compilation as far as it went.
pub struct Loaded {
    pub sources: Sources,
    pub checking: Checking,
    pub diags: Diags,
}

/// Compiles, reading what is asked for. `asked` is how the user called the place: findings without a place name it.
pub fn load(files: &dyn Files, asked: &str) -> Loaded {
    let mut sources = Sources::default();
    sources.add(asked, "");
    let mut kept = waybill_compiler::Kept::default();
    for _ in 0..needs::ROUNDS {
        let (checking, diags) = waybill_compiler::compile_again(&sources, &mut kept);
        if checking.needs.is_empty() {
            return Loaded { sources, checking, diags };
        }
        for need in &checking.needs {
            answer(files, &mut sources, &need.path);
        }
    }
    let (checking, diags) = waybill_compiler::compile_again(&sources, &mut kept);
    Loaded { sources, checking, diags }
}

/// Answers one need.
pub fn answer(files: &dyn Files, sources: &mut Sources, path: &str) {
    match files.find(path) {
        Found::File(bytes) => match String::from_utf8(bytes) {
            Ok(text) => {
                sources.answer_file(path, text);
            }
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                sources.answer(path, Entry::Missing(Missing::NotUtf8 { offset }));
            }
        },
        Found::Folder(names) => sources.answer(path, Entry::Folder(names)),
        Found::Missing(missing) => sources.answer(path, Entry::Missing(missing)),
    }
}

/// A folder of the file system.
pub struct Folder {
    root: PathBuf,
    /// Answers that differ from what is there: a single spec file that was asked for.
    hidden: Vec<String>,
}

impl Folder {
    /// A project's folder, or the folder of a single spec file.
    pub fn open(path: &Path) -> std::io::Result<Folder> {
        let real = path.canonicalize()?;
        if real.is_dir() {
            return Ok(Folder { root: real, hidden: Vec::new() });
        }
        let root = real.parent().map(Path::to_owned).unwrap_or_default();
        let hidden =
            if real.extension().is_some_and(|end| end == "yaml") { vec!["waybill.kdl".into()] } else { Vec::new() };
        Ok(Folder { root, hidden })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }
}

impl Files for Folder {
    fn find(&self, path: &str) -> Found {
        if self.hidden.iter().any(|hidden| hidden == path) {
            return Found::Missing(Missing::NotFound);
        }
        match read(&self.root, path) {
            Ok(found) => found,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Found::Missing(Missing::NotFound),
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => Found::Missing(Missing::NotFound),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                Found::Missing(Missing::Link { reason: "its symbolic links lead in a circle".into() })
            }
            Err(error) => Found::Missing(Missing::Unreadable { reason: plain(&error) }),
        }
    }
}

/// Files with other texts in place of some of them.
pub struct Edited<'a> {
    pub below: &'a dyn Files,
    pub texts: &'a BTreeMap<String, String>,
}

impl Files for Edited<'_> {
    fn find(&self, path: &str) -> Found {
        match self.texts.get(path) {
            Some(text) => Found::File(text.clone().into_bytes()),
            None => self.below.find(path),
        }
    }
}

/// An error's text without the number that Rust adds.
pub fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

fn read(root: &Path, path: &str) -> std::io::Result<Found> {
    let real = root.join(path).canonicalize()?;
    if !real.starts_with(root) {
        let reason = "a symbolic link leads out of the project's folder".into();
        return Ok(Found::Missing(Missing::Link { reason }));
    }
    let metadata = std::fs::metadata(&real)?;
    if metadata.is_dir() {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&real)? {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let folder = std::fs::metadata(entry.path()).is_ok_and(|metadata| metadata.is_dir());
            names.push(if folder { format!("{name}/") } else { name });
        }
        names.sort();
        return Ok(Found::Folder(names));
    }
    if !metadata.is_file() {
        return Ok(Found::Missing(Missing::Unreadable { reason: "it is neither a file nor a folder".into() }));
    }
    let mut bytes = Vec::new();
    std::fs::File::open(&real)?.take(SIZE + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > SIZE {
        return Ok(Found::Missing(Missing::TooLarge { bytes: metadata.len(), limit: SIZE }));
    }
    Ok(Found::File(bytes))
}

/// The tree of a commit, below the project's folder in it.
pub struct Tree<'a> {
    repo: &'a Repo,
    commit: String,
    prefix: String,
    /// Every file of the commit below the prefix.
    folders: BTreeMap<String, Vec<String>>,
    paths: Vec<String>,
}

impl<'a> Tree<'a> {
    /// `prefix` is the project's folder in the repository, empty or ending with `/`.
    pub fn open(repo: &'a Repo, commit: &str, prefix: &str) -> Result<Tree<'a>, GitError> {
        let mut folders: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut paths = Vec::new();
        for file in repo.list_tree(commit)? {
            let Some(path) = file.path.strip_prefix(prefix) else { continue };
            paths.push(path.to_owned());
            let mut rest = path;
            while let Some((folder, name)) = rest.rsplit_once('/').or(Some(("", rest))) {
                let name = if rest.len() == path.len() { name.to_owned() } else { format!("{name}/") };
                let names = folders.entry(folder.to_owned()).or_default();
                if !names.contains(&name) {
                    names.push(name);
                }
                if folder.is_empty() {
                    break;
                }
                rest = folder;
            }
        }
        folders.values_mut().for_each(|names| names.sort());
        paths.sort();
        Ok(Tree { repo, commit: commit.to_owned(), prefix: prefix.to_owned(), folders, paths })
    }
}

impl Files for Tree<'_> {
    fn find(&self, path: &str) -> Found {
        if let Some(names) = self.folders.get(path) {
            return Found::Folder(names.clone());
        }
        if self.paths.binary_search_by(|known| known.as_str().cmp(path)).is_err() {
            return Found::Missing(Missing::NotFound);
        }
        match self.repo.read_file(&self.commit, &format!("{}{path}", self.prefix)) {
            Ok(Some(bytes)) if bytes.len() as u64 > SIZE => {
                Found::Missing(Missing::TooLarge { bytes: bytes.len() as u64, limit: SIZE })
            }
            Ok(Some(bytes)) => Found::File(bytes),
            Ok(None) => Found::Missing(Missing::NotFound),
            Err(error) => Found::Missing(Missing::Unreadable { reason: error.to_string() }),
        }
    }
}
