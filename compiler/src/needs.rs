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
    let mut needs = Vec::new();
    let mut asked = |path: &str| {
        let entry = sources.entry(path).cloned();
        if entry.is_none() {
            needs.push(Need { path: path.to_owned() });
        }
        entry
    };
    let kdl = asked("waybill.kdl");
    let yaml = asked("waybill.yaml");
    let mut inner: Vec<(String, Option<Entry>)> = Vec::new();
    if let Some(Entry::Folder(names)) = asked(FOLDER) {
        let chosen = choose(&names, sources, diags);
        inner.extend(chosen.into_iter().map(|name| (format!("{FOLDER}/{name}"), None)));
    }
    for (path, entry) in &mut inner {
        *entry = asked(path);
    }
    if !needs.is_empty() {
        return Err(needs);
    }
    let mut files = Vec::new();
    let present = |entry: &Option<Entry>| !matches!(entry, None | Some(Entry::Missing(Missing::NotFound)));
    if present(&kdl) {
        if let (Some(Entry::File(kdl)), Some(Entry::File(_))) = (&kdl, &yaml) {
            let finding = Diagnostic::new(
                &codes::BOTH_SYNTAXES,
                Span::start_of(*kdl),
                "`waybill.yaml` is not read beside `waybill.kdl`",
            );
            diags.push(finding);
        }
        push(&mut files, "waybill.kdl", kdl, diags);
    } else if present(&yaml) {
        push(&mut files, "waybill.yaml", yaml, diags);
    }
    for (path, entry) in inner {
        push(&mut files, &path, entry, diags);
    }
    Ok(files)
}

/// The KDL files of a folder's names, or the YAML files where there is no KDL.
fn choose(names: &[String], _sources: &Sources, _diags: &mut Diags) -> Vec<String> {
    let with = |end: &str| names.iter().filter(|name| name.ends_with(end)).cloned().collect::<Vec<_>>();
    let kdl = with(".kdl");
    if kdl.is_empty() { with(".yaml") } else { kdl }
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
