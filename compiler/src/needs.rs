//! Which files a compilation reads: asked round by round until nothing is missing.
//!
//! **Invariant:** nothing outside the project's folder is ever asked for.

use crate::diag::{Diagnostic, Diags, codes};
use crate::source::{Entry, FileId, Missing, Need, Sources, Span};

/// Most rounds of needs: a chain of bases longer than this is a mistake.
pub const ROUNDS: usize = 16;

/// Folder with further spec files.
const FOLDER: &str = ".waybill";

/// The spec files, or what must be looked at first.
pub fn spec_files(sources: &Sources, diags: &mut Diags) -> Result<Vec<FileId>, Vec<Need>> {
    files_in(sources, "", diags)
}

/// As `spec_files`, of a folder: empty for the project's own.
pub fn files_in(sources: &Sources, folder: &str, diags: &mut Diags) -> Result<Vec<FileId>, Vec<Need>> {
    let at = |name: &str| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
    let (kdl_path, yaml_path, inner_path) = (at("waybill.kdl"), at("waybill.yaml"), at(FOLDER));
    let mut needs = Vec::new();
    let mut asked = |path: &str| {
        let entry = sources.entry(path).cloned();
        if entry.is_none() {
            needs.push(Need { path: path.to_owned() });
        }
        entry
    };
    let kdl = asked(&kdl_path);
    let yaml = asked(&yaml_path);
    let folder = asked(&inner_path);
    let names = match &folder {
        Some(Entry::Folder(names)) => names.as_slice(),
        None | Some(Entry::File(_) | Entry::Missing(_)) => &[],
    };
    let (inner, unread) = choose(&inner_path, names);
    let inner: Vec<(String, Option<Entry>)> = inner.into_iter().map(|path| (path.clone(), asked(&path))).collect();
    if !needs.is_empty() {
        return Err(needs);
    }
    let mut files = Vec::new();
    if present(&kdl) {
        push(&mut files, &kdl_path, kdl.clone(), diags);
        if let (Some(Entry::File(kdl)), true) = (&kdl, present(&yaml)) {
            diags.push(both(*kdl, "`waybill.yaml` is not read beside `waybill.kdl`".into()));
        }
    } else if present(&yaml) {
        push(&mut files, &yaml_path, yaml, diags);
    }
    if let (true, Some(Entry::Missing(missing))) = (present(&folder), &folder) {
        diags.push(missing_file(&inner_path, missing));
    }
    for (path, entry) in inner {
        push(&mut files, &path, entry, diags);
    }
    if let (Some(yaml), Some(file)) = (unread, files.last()) {
        diags.push(both(*file, format!("`{yaml}` is not read beside the KDL files of `{FOLDER}`")));
    }
    Ok(files)
}

fn present(entry: &Option<Entry>) -> bool {
    !matches!(entry, None | Some(Entry::Missing(Missing::NotFound)))
}

fn both(kdl: FileId, message: String) -> Diagnostic {
    Diagnostic::new(&codes::BOTH_SYNTAXES, Span::start_of(kdl), message)
}

/// The paths of a folder's KDL files, or of its YAML files where there is no KDL; and a YAML file that is passed over.
fn choose(folder: &str, names: &[String]) -> (Vec<String>, Option<String>) {
    let with = |end: &str| -> Vec<String> {
        names.iter().filter(|name| name.ends_with(end)).map(|name| format!("{folder}/{name}")).collect()
    };
    let (kdl, yaml) = (with(".kdl"), with(".yaml"));
    if kdl.is_empty() { (yaml, None) } else { (kdl, yaml.into_iter().next()) }
}

fn push(files: &mut Vec<FileId>, path: &str, entry: Option<Entry>, diags: &mut Diags) {
    match entry {
        Some(Entry::File(id)) => files.push(id),
        Some(Entry::Folder(_)) => diags.push(unreadable(path, "it is a folder", &codes::UNREADABLE)),
        Some(Entry::Missing(missing)) => diags.push(missing_file(path, &missing)),
        None => {}
    }
}

/// A finding for a path that gives no text. It has no place: its span is the start of the first file.
pub fn missing_file(path: &str, missing: &Missing) -> Diagnostic {
    match missing {
        Missing::NotFound => unreadable(path, "it does not exist", &codes::UNREADABLE),
        Missing::NotUtf8 { offset } => unreadable(path, &format!("byte {offset} is not UTF-8"), &codes::NOT_UTF8),
        Missing::TooLarge { bytes, limit } => unreadable(
            path,
            &format!("it has {bytes} bytes, more than the {limit} that are read"),
            &codes::FILE_TOO_LARGE,
        ),
        Missing::Link { reason } | Missing::Unreadable { reason } => unreadable(path, reason, &codes::UNREADABLE),
    }
}

fn unreadable(path: &str, why: &str, code: &'static crate::diag::Code) -> Diagnostic {
    Diagnostic::new(code, Span::start_of(FileId(0)), format!("`{path}` cannot be read: {why}"))
}
