//! What every command about a project begins with: its folder, its sources, and how paths are shown.

use std::path::{Component, Path, PathBuf};

use waybill_compiler::Checked;
use waybill_compiler::desired::{Options, Param};
use waybill_compiler::diag::{Code, Diagnostic, Diags, Severity, codes};
use waybill_compiler::source::{FileId, Sources, Span};

use super::manifests::Read;
use super::report::{self, Format};
use super::{Exit, out};
use crate::load::{self, Folder, Loaded};

/// A loaded project.
pub struct Session {
    pub root: PathBuf,
    pub home: PathBuf,
    pub loaded: Loaded,
    /// What was loaded; `None` if it could not be opened.
    pub folder: Option<Folder>,
    /// How the user called it.
    pub asked: String,
    prefix: String,
}

impl Session {
    /// Loads the project at `path`. A path that cannot be opened is a session with that finding.
    pub fn open(path: &Path) -> Session {
        let asked = path.to_string_lossy().into_owned();
        let environment = |name: &str| std::env::var(name).ok();
        let home = crate::home::folder(path, &environment);
        match Folder::open(path) {
            Ok(folder) => {
                let root = folder.root().to_owned();
                let loaded = load::load(&folder, &asked);
                Session { prefix: relative(&root), root, home, loaded, folder: Some(folder), asked }
            }
            Err(error) => {
                let mut sources = Sources::default();
                let file = sources.add(asked.clone(), "");
                let mut diags = Diags::default();
                let message = format!("`{asked}` cannot be opened: {}", load::plain(&error));
                diags.push(Diagnostic::new(&codes::UNREADABLE, Span::start_of(file), message));
                let checking = waybill_compiler::Checking { needs: Vec::new(), checked: None };
                let loaded = Loaded { sources, checking, diags };
                Session { root: path.to_owned(), home, loaded, folder: None, asked, prefix: String::new() }
            }
        }
    }

    /// A session about manifests that no spec names.
    pub fn plain(read: Read) -> Session {
        let home = crate::home::folder(&read.root, &|name: &str| std::env::var(name).ok());
        let prefix = if read.rooted { relative(&read.root) } else { String::new() };
        let asked = read.root.to_string_lossy().into_owned();
        Session { root: read.root, home, loaded: read.loaded, folder: None, asked, prefix }
    }

    /// A path of the sources as seen from the current folder.
    pub fn display(&self, path: &str) -> String {
        if path == self.loaded.sources.path(FileId(0)) { path.to_owned() } else { format!("{}{path}", self.prefix) }
    }

    pub fn checked(&self) -> Option<&Checked> {
        self.loaded.checking.checked.as_ref()
    }

    /// Prints findings; errors give `Failed`.
    pub fn report(&self, findings: &[Diagnostic], format: Format) -> Exit {
        report::print(&self.loaded.sources, findings, format, &|path| self.display(path))
    }

    /// A failure outside the spec, in the form of a finding.
    pub fn fail(&self, code: &'static Code, message: impl Into<String>, json: bool) -> Exit {
        let finding = Diagnostic::new(code, Span::start_of(FileId(0)), message);
        self.report(&[finding], if json { Format::Json } else { Format::Fancy });
        Exit::Failed
    }

    /// Warnings of a spec that is otherwise fine go to stderr, a line each.
    pub fn warn(&self) {
        let findings = self.loaded.diags.clone().sorted();
        let warnings: Vec<Diagnostic> =
            findings.into_iter().filter(|finding| finding.severity == Severity::Warning).collect();
        let text =
            waybill_compiler::diag::render::short::render(&self.loaded.sources, &warnings, &|path| self.display(path));
        if !text.is_empty() {
            out::say(text.trim_end());
        }
    }
}

/// `root` as seen from the current folder, empty or ending with `/`.
fn relative(root: &Path) -> String {
    let current = std::env::current_dir().and_then(|path| path.canonicalize()).unwrap_or_default();
    let (root_parts, here): (Vec<Component>, Vec<Component>) =
        (root.components().collect(), current.components().collect());
    let common = root_parts.iter().zip(&here).take_while(|(a, b)| a == b).count();
    let mut path = PathBuf::new();
    for _ in common..here.len() {
        path.push("..");
    }
    path.extend(&root_parts[common..]);
    let text = path.to_string_lossy().into_owned();
    if text.is_empty() { text } else { format!("{text}/") }
}

/// `[PIPELINE.]NAME=VALUE`.
pub fn parse_param(text: &str) -> Result<Param, String> {
    let (key, value) = text.split_once('=').ok_or("the form is [PIPELINE.]NAME=VALUE")?;
    let (pipeline, name) = match key.split_once('.') {
        Some((pipeline, name)) => (Some(pipeline.to_owned()), name),
        None => (None, key),
    };
    if name.is_empty() {
        return Err("the form is [PIPELINE.]NAME=VALUE".into());
    }
    Ok(Param { pipeline, name: name.to_owned(), value: value.to_owned() })
}

/// Options that name what the spec does not have.
pub fn check_names(checked: &Checked, options: &Options) -> Vec<Diagnostic> {
    let model = checked.model();
    let mut findings = Vec::new();
    let mut unknown = |flag: &str, what: &str, name: &str, known: Vec<&str>| {
        let finding = Diagnostic::new(
            &codes::UNKNOWN_OPTION,
            Span::start_of(FileId(0)),
            format!("{flag}: there is no {what} `{name}`"),
        );
        let closest = waybill_compiler::diag::suggest::closest(name, known.iter().copied());
        findings.push(match closest {
            Some(real) => finding.help(format!(
                "there is {} with a similar name: `{real}`",
                waybill_compiler::diag::suggest::with_article(what)
            )),
            None => finding.help(format!("the spec has: {}", known.join(", "))),
        });
    };
    let environments: Vec<&str> = model.environments.iter().map(|environment| environment.name.as_str()).collect();
    let pipelines: Vec<&str> = model.pipelines.iter().map(|pipeline| pipeline.name.as_str()).collect();
    for name in options.environments.iter().filter(|name| !environments.contains(&name.as_str())) {
        unknown("--env", "environment", name, environments.clone());
    }
    for name in options.pipelines.iter().filter(|name| !pipelines.contains(&name.as_str())) {
        unknown("--pipeline", "pipeline", name, pipelines.clone());
    }
    for param in &options.params {
        let mine =
            model.pipelines.iter().filter(|known| param.pipeline.as_ref().is_none_or(|name| name == &known.name.value));
        let known: Vec<&str> =
            mine.flat_map(|pipeline| pipeline.params.iter().map(|param| param.name.as_str())).collect();
        if !known.contains(&param.name.as_str()) {
            unknown("--param", "parameter", &param.name, known);
        }
    }
    findings
}
