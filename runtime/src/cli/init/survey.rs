//! What a folder has that a spec can speak of.
//!
//! **Invariant:** only names and YAML are read; hidden folders and those of package managers and builds are passed over.

use std::collections::BTreeSet;
use std::path::Path;

use waybill_compiler::diag::Diags;
use waybill_compiler::source::Sources;
use waybill_compiler::syntax::yaml::{self, Node};

/// Paths below the project's folder, `/` between parts, sorted.
#[derive(Debug, Default)]
pub struct Found {
    /// Name of the folder itself.
    pub project: String,
    /// Kustomizations that no other one takes in.
    pub overlays: Vec<Overlay>,
    /// Folders of plain manifests that belong to no kustomization.
    pub manifests: Vec<String>,
    pub dockerfiles: Vec<String>,
}

#[derive(Debug)]
pub struct Overlay {
    pub folder: String,
    pub namespace: Option<String>,
}

/// Folders that hold other people's files or what a build left.
const PASSED: &[&str] = &["node_modules", "target", "vendor", "dist", "build", "charts", "testdata"];
const KUSTOMIZATIONS: &[&str] = &["kustomization.yaml", "kustomization.yml", "Kustomization"];
const DEPTH: usize = 8;
/// Most files that are looked at.
const FILES: usize = 20_000;
/// Largest YAML file that is read.
const SIZE: u64 = 1 << 20;

pub fn survey(root: &Path) -> std::io::Result<Found> {
    let mut files = Vec::new();
    walk(root, "", DEPTH, &mut files)?;
    files.sort();
    let project = root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut found = Found { project, ..Found::default() };
    let mut taken_in = BTreeSet::new();
    let mut kustomized = BTreeSet::new();
    for path in files.iter().filter(|path| KUSTOMIZATIONS.contains(&name_of(path))) {
        let folder = folder_of(path).to_owned();
        kustomized.insert(folder.clone());
        let Some(document) = document(root, path) else { continue };
        taken_in.extend(["resources", "bases", "components"].iter().flat_map(|key| entries(&document, key, &folder)));
        if text(&document, "kind").is_some_and(|kind| kind == "Component") {
            continue;
        }
        found.overlays.push(Overlay { namespace: text(&document, "namespace"), folder });
    }
    found.overlays.retain(|overlay| !taken_in.contains(&overlay.folder));
    let below =
        |path: &str, folder: &String| folder.is_empty() || path == folder || path.starts_with(&format!("{folder}/"));
    let mut folders: BTreeSet<String> = BTreeSet::new();
    for path in files.iter().filter(|path| is_yaml(path)) {
        let folder = folder_of(path);
        let known = kustomized.iter().chain(&taken_in).any(|known| below(folder, known));
        if !known && !folder.is_empty() && !folders.contains(folder) && is_manifest(root, path) {
            folders.insert(folder.to_owned());
        }
    }
    found.manifests = folders
        .iter()
        .filter(|folder| !folders.iter().any(|other| other != *folder && below(folder, other)))
        .cloned()
        .collect();
    found.dockerfiles = files.into_iter().filter(|path| is_dockerfile(path)).collect();
    Ok(found)
}

fn walk(root: &Path, folder: &str, depth: usize, files: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') || files.len() >= FILES {
            continue;
        }
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        // Links are not followed: they may lead out of the project or in a circle.
        let kind = entry.file_type()?;
        if kind.is_file() {
            files.push(path);
        } else if kind.is_dir() && depth > 0 && !PASSED.contains(&name.as_str()) {
            walk(root, &path, depth - 1, files)?;
        }
    }
    Ok(())
}

pub fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

pub fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn is_yaml(path: &str) -> bool {
    path.ends_with(".yaml") || path.ends_with(".yml")
}

fn is_dockerfile(path: &str) -> bool {
    let name = name_of(path);
    name == "Dockerfile" || name.starts_with("Dockerfile.") || name.ends_with(".Dockerfile")
}

/// Whether the first document of a file says what object it is.
fn is_manifest(root: &Path, path: &str) -> bool {
    document(root, path).is_some_and(|document| {
        let named = document.get("metadata").and_then(|metadata| metadata.get("name")).is_some();
        named && text(&document, "apiVersion").is_some() && text(&document, "kind").is_some()
    })
}

fn document(root: &Path, path: &str) -> Option<Node> {
    let path = root.join(path);
    if std::fs::metadata(&path).ok()?.len() > SIZE {
        return None;
    }
    let content = std::fs::read_to_string(&path).ok()?;
    let mut sources = Sources::default();
    let file = sources.add("", content.as_str());
    yaml::parse(file, &content, yaml::Schema::Core, &mut Diags::default()).into_iter().next()
}

fn text(document: &Node, key: &str) -> Option<String> {
    document.get(key)?.as_str().map(str::to_owned)
}

/// The paths that a list of a kustomization names, as seen from the project's folder.
fn entries(document: &Node, key: &str, folder: &str) -> Vec<String> {
    let items = document.get(key).and_then(Node::as_seq).unwrap_or_default();
    let mut paths = Vec::new();
    for entry in items.iter().filter_map(Node::as_str).filter(|entry| !entry.contains("://")) {
        let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
        for part in entry.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop();
                }
                name => parts.push(name),
            }
        }
        paths.push(parts.join("/"));
    }
    paths
}
