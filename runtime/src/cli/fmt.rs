//! `waybill fmt`.
//!
//! **Invariant:** a file with syntax errors stays as it is; any other is written whole or not at all.
//! Not here: the layout (`syntax::kdl::format` of the compiler).

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use similar::TextDiff;
use waybill_compiler::diag::{Diagnostic, Diags, codes};
use waybill_compiler::needs::missing_file;
use waybill_compiler::source::{FileId, Missing, Sources, Span};
use waybill_compiler::syntax::kdl::format::format;

use super::report::{self, Format};
use super::{Exit, out};
use crate::load::{self, Files, Folder, Found};
use crate::planfile;

#[derive(clap::Args)]
pub struct Args {
    /// Project folders, other folders with KDL files, or files; `-` is stdin to stdout
    #[arg(value_name = "PATH", default_value = ".")]
    paths: Vec<PathBuf>,
    /// Write nothing: print what would change, and fail if something would
    #[arg(long)]
    check: bool,
}

/// Formats KDL files and prints the names of those that changed.
pub fn run(args: &Args) -> Exit {
    let stdin = args.paths.iter().filter(|path| path.as_os_str() == "-").count();
    if stdin > 0 {
        if args.paths.len() > 1 {
            out::say("error: `-` stands for stdin, so it stands alone");
            return Exit::Usage;
        }
        return pipe(args.check);
    }
    let mut formatting = Formatting::new(args.check);
    for path in &args.paths {
        formatting.path(path);
    }
    formatting.end()
}

/// Stdin to stdout. Findings go to stderr: whoever reads stdout takes it for the file.
fn pipe(check: bool) -> Exit {
    const NAME: &str = "<stdin>";
    let mut formatting = Formatting::new(check);
    let mut bytes = Vec::new();
    let found = match std::io::stdin().lock().take(load::SIZE + 1).read_to_end(&mut bytes) {
        Ok(read) if read as u64 > load::SIZE => {
            Found::Missing(Missing::TooLarge { bytes: read as u64, limit: load::SIZE })
        }
        Ok(_) => Found::File(bytes),
        Err(error) => Found::Missing(Missing::Unreadable { reason: load::plain(&error) }),
    };
    let formatted = formatting.text(NAME, found);
    if let (Some((text, formatted)), true) = (&formatted, check) {
        formatting.differs(NAME, text, formatted);
    } else if let Some((_, formatted)) = formatted {
        formatting.printed = formatted;
    }
    if formatting.findings.is_empty() {
        return formatting.end();
    }
    report::say(&formatting.sources, &formatting.findings.sorted(), &str::to_owned);
    Exit::Failed
}

/// What has been done so far.
struct Formatting {
    check: bool,
    sources: Sources,
    findings: Diags,
    /// What goes to stdout.
    printed: String,
    /// Real paths of the files that were done.
    done: BTreeSet<PathBuf>,
    exit: Exit,
}

impl Formatting {
    fn new(check: bool) -> Formatting {
        let mut sources = Sources::default();
        sources.add("fmt", "");
        let findings = Diags::default();
        Formatting { check, sources, findings, printed: String::new(), done: BTreeSet::new(), exit: Exit::Done }
    }

    fn end(self) -> Exit {
        let printed = out::print(&self.printed);
        if self.findings.is_empty() {
            return out::either(self.exit, printed);
        }
        report::print(&self.sources, &self.findings.sorted(), Format::Fancy, &str::to_owned)
    }

    /// A file, or the KDL files of a folder.
    fn path(&mut self, path: &Path) {
        let opened = Folder::open(path).and_then(|folder| Ok((folder, path.canonicalize()?)));
        let (folder, real) = match opened {
            Ok(opened) => opened,
            Err(error) => return self.missing(&shown(path), &Missing::Unreadable { reason: load::plain(&error) }),
        };
        if real != folder.root() {
            let name = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            return self.file(&folder, &name, path);
        }
        match names(folder.root()) {
            Ok(names) if names.is_empty() => self.nothing(path),
            Ok(names) => names.iter().for_each(|name| self.file(&folder, name, &path.join(name))),
            Err(error) => self.missing(&shown(path), &Missing::Unreadable { reason: load::plain(&error) }),
        }
    }

    /// Formats the file `name` of a folder, which the user calls `path`.
    fn file(&mut self, folder: &Folder, name: &str, path: &Path) {
        let file = folder.root().join(name);
        if !self.done.insert(file.canonicalize().unwrap_or_else(|_| file.clone())) {
            return;
        }
        if !name.ends_with(".kdl") {
            let reason = "its name does not end with `.kdl`".to_owned();
            return self.missing(&shown(path), &Missing::Unreadable { reason });
        }
        let Some((text, formatted)) = self.text(&shown(path), folder.find(name)) else { return };
        if formatted == text {
            return;
        }
        if self.check {
            return self.differs(&shown(path), &text, &formatted);
        }
        match write(&file, &formatted) {
            Ok(()) => self.printed.push_str(&format!("{}\n", shown(path))),
            Err(error) => {
                let message = format!("`{}` was not written: {}", shown(path), load::plain(&error));
                self.findings.push(Diagnostic::new(&codes::UNREADABLE, Span::start_of(FileId(0)), message));
            }
        }
    }

    /// A text and how it is formatted; `None`, with findings, if it cannot be.
    fn text(&mut self, name: &str, found: Found) -> Option<(String, String)> {
        let missing = match found {
            Found::File(bytes) => match String::from_utf8(bytes) {
                Ok(text) => {
                    let file = self.sources.add(name, text.as_str());
                    return match format(file, &text) {
                        Ok(formatted) => Some((text, formatted)),
                        Err(findings) => {
                            self.findings.extend(findings);
                            None
                        }
                    };
                }
                Err(error) => Missing::NotUtf8 { offset: error.utf8_error().valid_up_to() },
            },
            Found::Folder(_) => Missing::Unreadable { reason: "it is a folder".into() },
            Found::Missing(missing) => missing,
        };
        self.missing(name, &missing);
        None
    }

    fn missing(&mut self, name: &str, missing: &Missing) {
        self.findings.push(missing_file(name, missing));
    }

    /// Says what would change, as a patch.
    fn differs(&mut self, name: &str, text: &str, formatted: &str) {
        if text == formatted {
            return;
        }
        self.exit = Exit::Failed;
        let diff = TextDiff::from_lines(text, formatted);
        let patch = diff.unified_diff().context_radius(2).header(name, &format!("{name} (formatted)")).to_string();
        self.printed.push_str(&format!("{name} is not formatted\n{patch}"));
    }

    /// A folder without KDL: one with a spec in YAML is fine as it is.
    fn nothing(&mut self, path: &Path) {
        if ["waybill.yaml", ".waybill"].iter().any(|name| path.join(name).exists()) {
            return out::say(&format!("{} has no KDL, and YAML stays as it is", shown(path)));
        }
        let message = format!("`{}` has no KDL files", shown(path));
        let finding = Diagnostic::new(&codes::NO_SPEC, Span::start_of(FileId(0)), message);
        self.findings.push(finding.help("a spec is `waybill.kdl`, or files under `.waybill/`"));
    }
}

/// Puts a text in the place of a file that may be written.
fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let permissions = std::fs::metadata(path)?.permissions();
    if permissions.readonly() {
        return Err(std::io::Error::other("it is read-only"));
    }
    planfile::write_atomically(path, text.as_bytes())?;
    std::fs::set_permissions(path, permissions)
}

/// The spec files of a project's folder, or all KDL files below another folder.
fn names(root: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    let (spec, folder) = (root.join("waybill.kdl").exists(), root.join(".waybill").is_dir());
    if spec {
        names.push("waybill.kdl".to_owned());
    }
    if folder {
        below(root, ".waybill", &mut names)?;
    } else if !spec && !root.join("waybill.yaml").exists() {
        below(root, "", &mut names)?;
    }
    Ok(names)
}

/// Adds the KDL files below a folder, by name. Links to folders and hidden folders, but for those of specs, are left out.
fn below(root: &Path, folder: &str, names: &mut Vec<String>) -> std::io::Result<()> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        found.push((name, entry.file_type()?.is_dir()));
    }
    found.sort();
    for (name, is_folder) in found {
        let path = if folder.is_empty() { name.clone() } else { format!("{folder}/{name}") };
        if is_folder && (!name.starts_with('.') || name == ".waybill") {
            below(root, &path, names)?;
        } else if !is_folder && name.ends_with(".kdl") {
            names.push(path);
        }
    }
    Ok(())
}

/// A path as the user would write it.
fn shown(path: &Path) -> String {
    let plain = path.strip_prefix(".").ok().filter(|rest| !rest.as_os_str().is_empty()).unwrap_or(path);
    plain.to_string_lossy().into_owned()
}
