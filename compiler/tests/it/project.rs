//! Projects in memory: a text with `--- PATH` lines as the sources of a compilation, and fixes applied to them.
//!
//! Not here: projects on disk (`folder`).

use std::collections::BTreeMap;

use waybill_compiler::diag::{Diagnostic, Fix};
use waybill_compiler::needs::ROUNDS;
use waybill_compiler::source::{Entry, Missing, Sources};
use waybill_compiler::{Checked, Kept, compile_again};

/// The files of a project by path.
#[derive(Clone, Debug, Default)]
pub struct Project {
    pub files: BTreeMap<String, String>,
}

/// What a compilation gave.
pub struct Outcome {
    pub sources: Sources,
    pub findings: Vec<Diagnostic>,
    pub checked: Option<Checked>,
}

impl Project {
    /// Files from a text; what stands before the first `--- PATH` line is `first`.
    pub fn parse(text: &str, first: &str) -> Project {
        let mut project = Project::default();
        let mut path = first.to_owned();
        let mut body = String::new();
        for line in text.split_inclusive('\n') {
            match line.trim_end().strip_prefix("--- ").filter(|next| !next.contains(' ')) {
                Some(next) => {
                    project.push(std::mem::replace(&mut path, next.to_owned()), std::mem::take(&mut body));
                }
                None => body.push_str(line),
            }
        }
        project.push(path, body);
        project
    }

    fn push(&mut self, path: String, body: String) {
        if !body.is_empty() {
            self.files.insert(path, body);
        }
    }

    pub fn answer(&self, path: &str, sources: &mut Sources) {
        if let Some(text) = self.files.get(path) {
            sources.answer_file(path, text.as_str());
            return;
        }
        let prefix = if path.is_empty() || path == "." { String::new() } else { format!("{path}/") };
        let below = self.files.keys().filter_map(|file| file.strip_prefix(&prefix));
        let mut names: Vec<String> = below
            .map(|rest| rest.split_once('/').map_or(rest.to_owned(), |(folder, _)| format!("{folder}/")))
            .collect();
        names.dedup();
        let entry = if names.is_empty() { Entry::Missing(Missing::NotFound) } else { Entry::Folder(names) };
        sources.answer(path, entry);
    }

    /// Compiles, answering needs from the files.
    pub fn compile(&self) -> Outcome {
        let mut sources = Sources::default();
        sources.add(".", "");
        let mut kept = Kept::default();
        for _ in 0..ROUNDS {
            let (checking, diags) = compile_again(&sources, &mut kept);
            if checking.needs.is_empty() {
                return Outcome { sources, findings: diags.sorted(), checked: checking.checked };
            }
            for need in checking.needs {
                self.answer(&need.path, &mut sources);
            }
        }
        panic!("the needs do not end");
    }

    /// The project after the edits of a fix.
    pub fn fixed(&self, outcome: &Outcome, fix: &Fix) -> Project {
        let mut project = self.clone();
        let mut edits: Vec<_> = fix.edits.iter().collect();
        edits.sort_by_key(|edit| std::cmp::Reverse((edit.span.file, edit.span.start, edit.span.end)));
        for edit in edits {
            let path = outcome.sources.path(edit.span.file).to_owned();
            let text = project.files.get_mut(&path).unwrap();
            text.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
        }
        project
    }
}

impl Outcome {
    /// The findings as lines.
    pub fn lines(&self) -> Vec<String> {
        let shown = waybill_compiler::diag::render::short::render(&self.sources, &self.findings, &str::to_owned);
        shown.lines().map(str::to_owned).collect()
    }
}
