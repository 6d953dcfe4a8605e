//! Loads project folders from disk, as the runtime does: what the compiler asks for and nothing else.
//!
//! **Invariant:** `FileId(0)` is the folder itself, with an empty text: the place of findings without a place.

use std::path::Path;

use waybill_compiler::compile;
use waybill_compiler::needs::ROUNDS;
use waybill_compiler::source::{Entry, Missing, Sources};

/// The sources of the project in `folder`, complete: compiling them needs nothing more.
pub fn load(folder: &Path) -> Sources {
    load_without(folder, &[])
}

/// As `load`, with the paths in `hidden` (relative to `folder`) said to be missing.
pub fn load_without(folder: &Path, hidden: &[&str]) -> Sources {
    let mut sources = Sources::default();
    sources.add(".", "");
    for _ in 0..ROUNDS {
        let needs = compile(&sources).0.needs;
        if needs.is_empty() {
            return sources;
        }
        for need in needs {
            if hidden.contains(&need.path.as_str()) {
                sources.answer(&need.path, Entry::Missing(Missing::NotFound));
            } else {
                answer(folder, &need.path, &mut sources);
            }
        }
    }
    panic!("{} needs files after {ROUNDS} rounds", folder.display());
}

/// Answers the need for one path.
pub fn answer(folder: &Path, path: &str, sources: &mut Sources) {
    let place = folder.join(path);
    if place.is_dir() {
        sources.answer(path, Entry::Folder(names(&place)));
        return;
    }
    match std::fs::read(&place) {
        Ok(bytes) => match String::from_utf8(bytes) {
            Ok(text) => {
                sources.answer_file(path, text);
            }
            Err(error) => {
                let offset = error.utf8_error().valid_up_to();
                sources.answer(path, Entry::Missing(Missing::NotUtf8 { offset }));
            }
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            sources.answer(path, Entry::Missing(Missing::NotFound));
        }
        Err(error) => sources.answer(path, Entry::Missing(Missing::Unreadable { reason: error.to_string() })),
    }
}

/// The names in a folder, sorted; those of folders end with `/`.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries
        .map(|entry| {
            let name = entry.file_name().into_string().unwrap();
            if entry.path().is_dir() { format!("{name}/") } else { name }
        })
        .collect();
    names.sort();
    names
}

/// Every text of a folder by its path below it.
pub fn files(folder: &Path) -> std::collections::BTreeMap<String, String> {
    let mut found = std::collections::BTreeMap::new();
    let mut open = vec![String::new()];
    while let Some(path) = open.pop() {
        for name in names(&folder.join(&path)) {
            match name.strip_suffix('/') {
                Some(inner) => open.push(format!("{path}{inner}/")),
                None => {
                    if let Ok(text) = std::fs::read_to_string(folder.join(format!("{path}{name}"))) {
                        found.insert(format!("{path}{name}"), text);
                    }
                }
            }
        }
    }
    found
}
