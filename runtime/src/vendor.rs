//! The modules of a project that come from git: fetched at their pins, copied below the project, locked.
//!
//! **Invariant:** what is written is a function of the spec, the pins and what their commits hold; the lock file is written
//! last and whole, so that a run that is killed leaves either the old state or a copy that nothing names yet.
//! Not here: how a spec uses modules (`waybill_compiler::modules`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use waybill_compiler::diag::{Diagnostic, codes};
use waybill_compiler::modules::address::{Pin, is_commit};
use waybill_compiler::modules::{self, Survey, lock};
use waybill_compiler::needs;
use waybill_compiler::source::{Missing, Sources};

use crate::effects::git::{Cache, GitError, absolute};
use crate::load::{self, Files, Folder, Found, Tree};
use crate::planfile;

/// What the modules of a project come to.
#[derive(Debug, Default)]
pub struct Vendored {
    /// The text of the lock file; `None` if no module comes from git.
    pub lock: Option<String>,
    /// Every file below the folder of the copies, by its path in the project.
    pub files: BTreeMap<String, String>,
    pub modules: Vec<Module>,
}

#[derive(Debug)]
pub struct Module {
    pub pin: Pin,
    pub commit: String,
    pub files: usize,
}

/// Why it cannot be said what the modules are.
pub enum Failure {
    Findings(Box<Sources>, Vec<Diagnostic>),
    Git(Pin, GitError),
}

/// Keeps the line ends of the copies as they are, whatever git is told elsewhere.
const ATTRIBUTES: &str = "# Written by `waybill vendor`: copies are compared byte by byte.\n* -text\n";

/// Commits of pins.
type Commits = BTreeMap<Pin, String>;

/// Follows all modules of the project; `update` asks the repositories anew what tags and branches stand for.
pub fn gather(folder: &Folder, home: &Path, asked: &str, update: bool) -> Result<Vendored, Failure> {
    let known = if update { Commits::new() } else { locked(folder) };
    let mut caches: BTreeMap<String, Cache> = BTreeMap::new();
    let mut commits = Commits::new();
    loop {
        let (survey, sources) = follow(folder, asked, &caches, &commits)?;
        if survey.unlocked.is_empty() {
            return finish(survey, sources, &commits);
        }
        for pin in survey.unlocked {
            let commit = fetch(&pin, known.get(&pin), folder.root(), home, &mut caches);
            commits.insert(pin.clone(), commit.map_err(|error| Failure::Git(pin, error))?);
        }
    }
}

/// What the lock file of the project says; nothing where it cannot be read, since it is written anew.
fn locked(folder: &Folder) -> Commits {
    let mut sources = Sources::default();
    load::answer(folder, &mut sources, lock::PATH);
    let Some(file) = sources.by_path(lock::PATH) else { return Commits::new() };
    let lock = lock::read(&sources, file, &mut waybill_compiler::diag::Diags::default());
    lock.entries.into_iter().map(|(pin, entry)| (pin, entry.commit)).collect()
}

/// The commit of a pin, readable in its cache.
fn fetch(
    pin: &Pin,
    known: Option<&String>,
    root: &Path,
    home: &Path,
    caches: &mut BTreeMap<String, Cache>,
) -> Result<String, GitError> {
    if !caches.contains_key(&pin.url) {
        caches.insert(pin.url.clone(), Cache::open(home, &absolute(root, &pin.url))?);
    }
    let cache = &caches[&pin.url];
    let commit = Some(&pin.reference).filter(|reference| is_commit(reference)).or(known);
    match commit {
        Some(commit) => cache.fetch_commit(commit).map(|()| commit.clone()),
        None => cache.fetch_named(&pin.reference),
    }
}

/// Follows the uses of the spec over the trees of the commits that are known so far.
fn follow(
    folder: &Folder,
    asked: &str,
    caches: &BTreeMap<String, Cache>,
    commits: &Commits,
) -> Result<(Survey, Sources), Failure> {
    let mut trees = BTreeMap::new();
    for (pin, commit) in commits {
        let tree = Tree::open(caches[&pin.url].repo(), commit, "");
        trees.insert(lock::folder(pin, commit), tree.map_err(|error| Failure::Git(pin.clone(), error))?);
    }
    let entries = commits.iter().map(|(pin, commit)| (pin.clone(), (commit.clone(), String::new())));
    let files = Copies { below: folder, lock: lock::write(&entries.collect()), trees };
    let mut sources = Sources::default();
    sources.add(asked, "");
    let mut survey = modules::survey(&sources);
    for _ in 0..needs::ROUNDS {
        survey.needs.iter().for_each(|need| load::answer(&files, &mut sources, &need.path));
        if survey.needs.is_empty() {
            break;
        }
        survey = modules::survey(&sources);
    }
    if survey.diags.has_errors() {
        let findings = survey.diags.sorted().into_iter().map(of_repository).collect();
        return Err(Failure::Findings(Box::new(sources), findings));
    }
    Ok((survey, sources))
}

/// The copy is the repository itself here.
fn of_repository(finding: Diagnostic) -> Diagnostic {
    if *finding.code == codes::MODULE_NOT_VENDORED {
        return finding.help("the repository has no spec there at this revision");
    }
    finding
}

/// A project whose copies are the commits themselves.
struct Copies<'a> {
    below: &'a Folder,
    lock: String,
    /// By the folder of the copy.
    trees: BTreeMap<String, Tree<'a>>,
}

impl Files for Copies<'_> {
    fn find(&self, path: &str) -> Found {
        if path == lock::PATH {
            return Found::File(self.lock.clone().into_bytes());
        }
        let Some(inner) = path.strip_prefix(lock::FOLDER).and_then(|rest| rest.strip_prefix('/')) else {
            return self.below.find(path);
        };
        let (name, inner) = inner.split_once('/').unwrap_or((inner, ""));
        match self.trees.get(&format!("{}/{name}", lock::FOLDER)) {
            Some(tree) => tree.find(inner),
            None => Found::Missing(Missing::NotFound),
        }
    }
}

fn finish(survey: Survey, sources: Sources, commits: &Commits) -> Result<Vendored, Failure> {
    let mut vendored = Vendored::default();
    let mut entries = BTreeMap::new();
    for pin in survey.locked {
        let commit = commits[&pin].clone();
        let root = lock::folder(&pin, &commit);
        let files: BTreeMap<String, &str> =
            survey.files[&root].iter().map(|(path, file)| (path.clone(), sources.text(*file))).collect();
        vendored.files.extend(files.iter().map(|(path, text)| (format!("{root}/{path}"), (*text).to_owned())));
        entries.insert(pin.clone(), (commit.clone(), lock::content(&files)));
        vendored.modules.push(Module { pin, commit, files: files.len() });
    }
    if !entries.is_empty() {
        vendored.lock = Some(lock::write(&entries));
        vendored.files.insert(format!("{}/.gitattributes", lock::FOLDER), ATTRIBUTES.to_owned());
    }
    Ok(vendored)
}

impl Vendored {
    /// What is not there as it should be, as paths with a word each; empty if nothing is stale.
    pub fn stale(&self, root: &Path) -> std::io::Result<Vec<String>> {
        let there = copies(root)?;
        let mut stale = Vec::new();
        let lock = read(&root.join(lock::PATH))?;
        if lock.as_deref() != self.lock.as_deref().map(str::as_bytes) {
            stale.push(format!("{} {}", lock::PATH, word(lock.is_some(), self.lock.is_some())));
        }
        let wanted: BTreeSet<&String> = self.files.keys().collect();
        for path in wanted.iter().copied().chain(there.iter().filter(|path| !wanted.contains(path))) {
            let (found, text) = (read(&root.join(path))?, self.files.get(path));
            if found.as_deref() != text.map(String::as_bytes) {
                stale.push(format!("{path} {}", word(found.is_some(), text.is_some())));
            }
        }
        Ok(stale)
    }

    /// Writes the copies, then the lock file, then removes what nothing names any more.
    pub fn write(&self, root: &Path) -> std::io::Result<()> {
        inside(root)?;
        for (path, text) in &self.files {
            let path = root.join(path);
            if read(&path)?.as_deref() != Some(text.as_bytes()) {
                std::fs::create_dir_all(path.parent().unwrap_or(root))?;
                planfile::write_atomically(&path, text.as_bytes())?;
            }
        }
        match &self.lock {
            Some(text) => planfile::write_atomically(&root.join(lock::PATH), text.as_bytes())?,
            None => remove(&root.join(lock::PATH))?,
        }
        for path in copies(root)?.iter().filter(|path| !self.files.contains_key(*path)) {
            remove(&root.join(path))?;
            let folders = Path::new(path).ancestors().skip(1).take_while(|folder| *folder != Path::new(lock::FOLDER));
            // A folder that still has something in it stays.
            folders.for_each(|folder| drop(std::fs::remove_dir(root.join(folder))));
        }
        Ok(())
    }
}

fn word(there: bool, wanted: bool) -> &'static str {
    match (there, wanted) {
        (false, _) => "is missing",
        (true, true) => "differs",
        (true, false) => "is not used any more",
    }
}

/// The bytes of a file; `None` if there is none.
fn read(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Refuses a folder of copies that is somewhere else: files would be written and removed there.
fn inside(root: &Path) -> std::io::Result<()> {
    let root = root.canonicalize()?;
    for folder in Path::new(lock::FOLDER).ancestors().filter(|folder| *folder != Path::new("")) {
        match root.join(folder).canonicalize() {
            Ok(real) if real != root.join(folder) => {
                return Err(std::io::Error::other(format!("{} is a symbolic link", folder.display())));
            }
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// The files of all copies that are there, by their path in the project; what is not named as a copy is left alone.
fn copies(root: &Path) -> std::io::Result<Vec<String>> {
    let mut found = Vec::new();
    for name in names(&root.join(lock::FOLDER))? {
        let path = format!("{}/{name}", lock::FOLDER);
        let commit = name.rsplit_once('-').map(|(_, commit)| commit);
        if name == ".gitattributes" {
            found.push(path);
        } else if commit.is_some_and(|end| end.len() == 12 && end.chars().all(|c| c.is_ascii_hexdigit())) {
            below(root, path, &mut found)?;
        }
    }
    found.sort();
    Ok(found)
}

fn below(root: &Path, path: String, found: &mut Vec<String>) -> std::io::Result<()> {
    if !std::fs::symlink_metadata(root.join(&path))?.is_dir() {
        found.push(path);
        return Ok(());
    }
    for name in names(&root.join(&path))? {
        below(root, format!("{path}/{name}"), found)?;
    }
    Ok(())
}

/// The names in a folder; none if there is no folder.
fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}
