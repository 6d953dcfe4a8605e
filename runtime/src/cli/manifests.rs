//! Plain manifests, without a spec: which files `waybill check` reads, and by which schemas they are judged.
//!
//! **Invariant:** hidden folders are not walked, symbolic links to folders are not followed, and what is read is sorted.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use waybill_compiler::Checking;
use waybill_compiler::diag::{Diagnostic, Diags, codes, suggest};
use waybill_compiler::kubernetes::plain;
use waybill_compiler::kubernetes::schema::{Schemas, VERSIONS};
use waybill_compiler::manifest::{self, FILE_NAMES};
use waybill_compiler::needs;
use waybill_compiler::source::{FileId, Missing, Sources, Span};

use crate::load::{self, Folder, Loaded};

/// Endings of files that may hold manifests.
const ENDINGS: &[&str] = &["yaml", "yml", "json"];
/// Most files that are read of a folder.
const FILES: usize = 100_000;
/// Largest file that is read, in bytes.
const SIZE: u64 = 16 << 20;

/// What plain manifests are judged by.
pub struct Judge {
    pub version: Option<String>,
    pub schemas: Option<PathBuf>,
}

/// What was read, and where its paths begin.
pub struct Read {
    pub root: PathBuf,
    pub loaded: Loaded,
    /// Whether paths of the sources are relative to `root`.
    pub rooted: bool,
}

/// Whether a path holds manifests and no spec.
pub fn are_at(path: &Path) -> bool {
    if !path.is_dir() {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("");
        let of_spec = name == "waybill.yaml" || path.parent().is_some_and(|folder| folder.ends_with(".waybill"));
        return path.is_file() && ends_well(path) && !of_spec;
    }
    let has = |name: &str| path.join(name).exists();
    !["waybill.kdl", "waybill.yaml", ".waybill"].into_iter().any(has) && !walk(path, 1).is_empty()
}

/// Reads and judges; an error is a wrong use of the command line.
pub fn read(path: &Path, judge: &Judge) -> Result<Read, String> {
    let mut sources = Sources::default();
    sources.add(path.to_string_lossy(), "");
    let mut diags = Diags::default();
    let schemas = schemas(judge, &mut diags)?;
    let files = if path.is_dir() { walk(path, FILES) } else { vec![path.to_owned()] };
    let folders = kustomized(&files);
    let root = (path.is_dir() && !folders.is_empty()).then(|| root_of(path)).flatten();
    let Some(root) = root else {
        let files: Vec<FileId> = files.iter().filter_map(|file| open(file, &mut sources, &mut diags)).collect();
        plain::check(&sources, &files, schemas, &mut diags);
        return Ok(finished(path.to_owned(), sources, diags, false));
    };
    let mut found = Diags::default();
    for folder in &folders {
        render(&root, folder, &mut sources, &schemas, &mut found);
    }
    // What a kustomization reads is judged as it is rendered: by itself a patch is no object.
    let others = files.iter().filter_map(|file| below(&root, file)).filter(|file| sources.by_path(file).is_none());
    let others: Vec<String> = others.filter(|file| !is_kustomization(Path::new(file))).collect();
    let opened = |file: &String| open_as(&root.join(file), file, &mut sources, &mut found);
    let others: Vec<FileId> = others.iter().filter_map(opened).collect();
    plain::check(&sources, &others, schemas, &mut found);
    // Overlays share their bases, and with them what is wrong there.
    let mut said = BTreeSet::new();
    diags.extend(found.into_iter().filter(|finding| said.insert((finding.span, finding.message.clone()))));
    Ok(finished(root, sources, diags, true))
}

fn finished(root: PathBuf, sources: Sources, diags: Diags, rooted: bool) -> Read {
    let checking = Checking { needs: Vec::new(), checked: None };
    Read { root, loaded: Loaded { sources, checking, diags }, rooted }
}

fn is_kustomization(file: &Path) -> bool {
    file.file_name().and_then(|name| name.to_str()).is_some_and(|name| FILE_NAMES.contains(&name))
}

/// The folders with a kustomization that no other one takes in; a component is rendered where it is used.
fn kustomized(files: &[PathBuf]) -> Vec<PathBuf> {
    let (mut folders, mut taken) = (BTreeSet::new(), BTreeSet::new());
    for file in files.iter().filter(|file| is_kustomization(file)) {
        let Some(folder) = file.parent().and_then(|folder| folder.canonicalize().ok()) else { continue };
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let used = manifest::folders(&text);
        taken.extend(used.iter().filter_map(|path| folder.join(path).canonicalize().ok()).filter(|path| path.is_dir()));
        if !manifest::is_component(&text) {
            folders.insert(folder);
        }
    }
    folders.into_iter().filter(|folder| !taken.contains(folder)).collect()
}

/// The folder that paths are relative to: bases may lie anywhere below the one that holds `.git`; without one, below the
/// folder itself.
fn root_of(path: &Path) -> Option<PathBuf> {
    let real = path.canonicalize().ok()?;
    Some(real.ancestors().find(|folder| folder.join(".git").exists()).unwrap_or(&real).to_owned())
}

/// A path as the sources name it.
fn below(root: &Path, file: &Path) -> Option<String> {
    let real = file.canonicalize().ok()?;
    Some(real.strip_prefix(root).ok()?.to_string_lossy().into_owned())
}

fn schemas(judge: &Judge, diags: &mut Diags) -> Result<Schemas, String> {
    let mut schemas = match &judge.version {
        None => Schemas::newest(),
        Some(version) => Schemas::of(version).ok_or_else(|| {
            let known = VERSIONS.join(", ");
            let closest = suggest::closest(version, VERSIONS.iter().copied()).unwrap_or("");
            let help = if closest.is_empty() { String::new() } else { format!(" (`{closest}` is near)") };
            format!("--kubernetes-version: `{version}` is not pinned here, only {known}{help}")
        })?,
    };
    let Some(folder) = &judge.schemas else { return Ok(schemas) };
    if !folder.is_dir() {
        return Err(format!("--schemas: `{}` is no folder", folder.display()));
    }
    let mut count = 0;
    for file in walk(folder, FILES) {
        let mut sources = Sources::default();
        if let Some(id) = open(&file, &mut sources, &mut Diags::default()) {
            count += plain::definitions(&sources, id, &mut schemas);
        }
    }
    if count == 0 {
        let message = format!("`{}` has no CustomResourceDefinition", folder.display());
        diags.push(Diagnostic::new(&codes::SCHEMAS_EMPTY, Span::start_of(FileId(0)), message));
    }
    Ok(schemas)
}

fn ends_well(path: &Path) -> bool {
    path.extension().and_then(|end| end.to_str()).is_some_and(|end| ENDINGS.contains(&end))
}

/// The files below a folder that may hold manifests, at most so many.
fn walk(folder: &Path, most: usize) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![folder.to_owned()], Vec::new());
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        // What a Helm chart has in `templates` is no YAML before Helm has read it.
        let chart = folder.join("Chart.yaml").is_file();
        for entry in entries.flatten() {
            let hidden =
                entry.file_name().to_string_lossy().starts_with('.') || (chart && entry.file_name() == "templates");
            let Ok(kind) = entry.file_type() else { continue };
            if kind.is_dir() && !hidden {
                folders.push(entry.path());
            } else if !kind.is_dir() && ends_well(&entry.path()) && entry.path().is_file() {
                found.push(entry.path());
            }
        }
        if found.len() >= most {
            break;
        }
    }
    found.sort();
    found
}

fn open(file: &Path, sources: &mut Sources, diags: &mut Diags) -> Option<FileId> {
    open_as(file, &file.strip_prefix("./").unwrap_or(file).to_string_lossy(), sources, diags)
}

fn open_as(file: &Path, path: &str, sources: &mut Sources, diags: &mut Diags) -> Option<FileId> {
    let missing = match std::fs::metadata(file).map(|metadata| metadata.len()) {
        Ok(bytes) if bytes > SIZE => Missing::TooLarge { bytes, limit: SIZE },
        Ok(_) | Err(_) => match std::fs::read(file).map(String::from_utf8) {
            Ok(Ok(text)) => return Some(sources.add(path, text)),
            Ok(Err(error)) => Missing::NotUtf8 { offset: error.utf8_error().valid_up_to() },
            Err(error) => Missing::Unreadable { reason: load::plain(&error) },
        },
    };
    diags.push(needs::missing_file(path, &missing));
    None
}

/// Renders the kustomization of a folder below `root` and judges its objects.
fn render(root: &Path, path: &Path, sources: &mut Sources, schemas: &Schemas, diags: &mut Diags) {
    let Ok(folder) = Folder::open(root) else { return };
    let Some(below) = below(root, path) else { return };
    let below = if below.is_empty() { ".".to_owned() } else { below };
    for _ in 0..needs::ROUNDS {
        let mut found = Diags::default();
        let rendered = manifest::render(sources, &below, Span::start_of(FileId(0)), &|_| None, &mut found);
        if rendered.needs.is_empty() {
            plain::check_rendered(sources, &rendered.objects, schemas.clone(), &mut found);
            diags.extend(found);
            return;
        }
        for need in &rendered.needs {
            load::answer(&folder, sources, &need.path);
        }
    }
    let message = format!("the bases of `{}` lead on and on", path.display());
    diags.push(Diagnostic::new(&codes::UNREADABLE, Span::start_of(FileId(0)), message));
}
