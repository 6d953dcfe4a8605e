//! The build context: which files it has, without what `.dockerignore` leaves out.
//!
//! **Invariant:** sorted and normalised, so that equal contents are equal contexts on every machine. Nothing outside
//! the context is read: links are kept as links.
//! Not here: layers.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{StepError, layout};
use crate::effects::git::{matches_one, matches_segment};

/// What lies at a path of the context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Folder,
    File {
        executable: bool,
    },
    /// With its target as written.
    Link(PathBuf),
    /// A socket, pipe or device.
    Special,
}

pub(super) struct Context {
    pub root: PathBuf,
    /// By path below the root, with `/`.
    pub entries: BTreeMap<String, Entry>,
}

/// Reads a context. `.git` in its root is left out, as it is for contexts that builders clone, and so is `layout`
/// where it lies inside.
pub(super) fn read(root: &Path, dockerfile: &Path, layout: &Path) -> Result<Context, StepError> {
    let reading = |error: &std::io::Error| StepError::io(format!("reading the context {}", root.display()), error);
    let root = root.canonicalize().map_err(|error| reading(&error))?;
    let rules = rules(&root, dockerfile)?;
    let layout = resolved(layout);
    let mut entries = BTreeMap::new();
    let mut folders = vec![String::new()];
    while let Some(folder) = folders.pop() {
        let listing = std::fs::read_dir(root.join(&folder)).map_err(|error| reading(&error))?;
        for item in listing {
            let item = item.map_err(|error| reading(&error))?;
            let name = item.file_name().into_string().map_err(|name| StepError::Io {
                doing: format!("reading the context {}", root.display()),
                message: format!("the file name {name:?} is not UTF-8"),
            })?;
            let path = if folder.is_empty() { name } else { format!("{folder}/{name}") };
            if path == ".git" || layout.contains(&item.path()) {
                continue;
            }
            let entry = entry(&item.path()).map_err(|error| reading(&error))?;
            let left_out = rules.leave_out(&path);
            if entry == Entry::Folder && (!left_out || rules.have_exceptions) {
                folders.push(path.clone());
            }
            if !left_out {
                entries.insert(path, entry);
            }
        }
    }
    Ok(Context { root, entries })
}

/// The layout's paths in the form that listing their folder gives, whether they exist or not.
fn resolved(layout: &Path) -> Vec<PathBuf> {
    [Some(layout.to_owned()), layout::work_beside(layout)]
        .into_iter()
        .flatten()
        .filter_map(|path| {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            Some(parent.canonicalize().ok()?.join(path.file_name()?))
        })
        .collect()
}

fn entry(path: &Path) -> std::io::Result<Entry> {
    let meta = std::fs::symlink_metadata(path)?;
    let kind = meta.file_type();
    Ok(if kind.is_symlink() {
        Entry::Link(std::fs::read_link(path)?)
    } else if kind.is_dir() {
        Entry::Folder
    } else if kind.is_file() {
        Entry::File { executable: meta.permissions().mode() & 0o111 != 0 }
    } else {
        Entry::Special
    })
}

impl Context {
    /// The paths that a source of COPY names: itself, or whatever its wildcards match; sorted.
    pub fn find(&self, source: &str) -> Vec<String> {
        if self.has(source) {
            return vec![source.to_owned()];
        }
        let pattern: Vec<&str> = source.split('/').collect();
        let matched = |path: &&String| {
            let path: Vec<&str> = path.split('/').collect();
            path.len() == pattern.len() && pattern.iter().zip(path).all(|(part, name)| matches_segment(part, name))
        };
        self.entries.keys().filter(matched).cloned().collect()
    }

    /// It is there, or something below it is.
    pub fn has(&self, path: &str) -> bool {
        path.is_empty() || self.entries.contains_key(path) || self.below(path).next().is_some()
    }

    /// What lies below a folder: path within it, entry. Folders come before what they hold.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = (&str, &Entry)> {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let from = self.entries.range(prefix.clone()..);
        let inside = from.take_while({
            let prefix = prefix.clone();
            move |(path, _)| path.starts_with(&prefix)
        });
        inside.map(move |(path, entry)| (&path[prefix.len()..], entry))
    }

    /// Follows links of a source path, which must stay inside; `None` if they lead out or nowhere.
    pub fn follow(&self, path: &str) -> Option<String> {
        let real = self.root.join(path).canonicalize().ok()?;
        real.strip_prefix(&self.root).ok()?.to_str().map(str::to_owned)
    }
}

/// The lines of `.dockerignore`; the last one that matches decides.
struct Rules {
    /// Pattern, and whether it brings back what earlier ones left out.
    patterns: Vec<(String, bool)>,
    have_exceptions: bool,
}

/// `DOCKERFILE.dockerignore` beside the Dockerfile goes before `.dockerignore` in the root of the context.
fn rules(root: &Path, dockerfile: &Path) -> Result<Rules, StepError> {
    let mut own = dockerfile.as_os_str().to_owned();
    own.push(".dockerignore");
    for path in [PathBuf::from(own), root.join(".dockerignore")] {
        match std::fs::read_to_string(&path) {
            Ok(text) => return Ok(parse_rules(&text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(StepError::io(format!("reading {}", path.display()), &error)),
        }
    }
    Ok(parse_rules(""))
}

fn parse_rules(text: &str) -> Rules {
    let mut patterns = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (line, exception) = line.strip_prefix('!').map_or((line, false), |line| (line.trim(), true));
        let pattern = clean(line);
        if !pattern.is_empty() {
            patterns.push((pattern, exception));
        }
    }
    let have_exceptions = patterns.iter().any(|(_, exception)| *exception);
    Rules { patterns, have_exceptions }
}

/// Without slashes around it, `.` and `..`, which cannot lead out of the context.
fn clean(pattern: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in pattern.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

impl Rules {
    fn leave_out(&self, path: &str) -> bool {
        let last = self.patterns.iter().rev().find(|(pattern, _)| matches_one(pattern, path));
        last.is_some_and(|(_, exception)| !exception)
    }
}
