//! Findings as plain data.
//!
//! **Invariant:** every finding has a registered code (`diag::codes`), and every error stops the line after its phase.
//! The message is worded next to the check that finds the problem. Not here: how findings are shown (`render`).

pub mod cascade;
pub mod codes;
pub mod reference;
pub mod render;
pub mod repair;
pub mod suggest;

use std::collections::BTreeSet;

pub use codes::Code;

use crate::source::Span;

/// How bad a finding is. Only errors stop the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Error,
    Warning,
    Note,
}

impl Severity {
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        }
    }
}

/// A second place that says why.
#[derive(Clone, Debug)]
pub struct Label {
    pub span: Span,
    pub message: String,
}

/// Whether a fix may be applied without looking: `safe` keeps the meaning, `maybe` is a guess, `placeholder` needs filling in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applicability {
    Safe,
    Maybe,
    Placeholder,
}

impl Applicability {
    pub fn as_str(self) -> &'static str {
        match self {
            Applicability::Safe => "safe",
            Applicability::Maybe => "maybe",
            Applicability::Placeholder => "placeholder",
        }
    }
}

/// Replaces the text of `span` by `text`.
#[derive(Clone, Debug)]
pub struct Edit {
    pub span: Span,
    pub text: String,
}

/// A way out that a tool can take.
#[derive(Clone, Debug)]
pub struct Fix {
    pub title: String,
    pub applicability: Applicability,
    pub edits: Vec<Edit>,
}

/// One finding. `message` is a lower-case phrase that stands alone; `label` says what is wrong at `span`.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    pub code: &'static Code,
    pub severity: Severity,
    pub message: String,
    pub span: Span,
    pub label: String,
    pub labels: Vec<Label>,
    pub help: Option<String>,
    pub notes: Vec<String>,
    pub fixes: Vec<Fix>,
    /// Set where a name stands for nothing: one definition would end all findings about it.
    pub unresolved: Option<cascade::Unresolved>,
}

impl Diagnostic {
    /// A finding of a code at a place, as bad as the code says.
    pub fn new(code: &'static Code, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: code.severity,
            message: message.into(),
            span,
            label: String::new(),
            labels: Vec::new(),
            help: None,
            notes: Vec::new(),
            fixes: Vec::new(),
            unresolved: None,
        }
    }

    /// What is wrong at the primary place.
    pub fn here(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = label.into();
        self
    }

    /// A second place that says why.
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Diagnostic {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    pub fn note(mut self, note: impl Into<String>) -> Diagnostic {
        self.notes.push(note.into());
        self
    }

    /// Says that `name` should be a `what` and is nothing.
    pub fn unresolved(mut self, what: &str, name: &str) -> Diagnostic {
        self.unresolved = Some(cascade::Unresolved { what: what.to_owned(), name: name.to_owned() });
        self
    }

    /// A fix of one edit.
    pub fn fix(
        self,
        title: impl Into<String>,
        applicability: Applicability,
        span: Span,
        text: impl Into<String>,
    ) -> Diagnostic {
        self.fix_edits(title, applicability, vec![Edit { span, text: text.into() }])
    }

    /// A fix of several edits.
    pub fn fix_edits(mut self, title: impl Into<String>, applicability: Applicability, edits: Vec<Edit>) -> Diagnostic {
        self.fixes.push(Fix { title: title.into(), applicability, edits });
        self
    }
}

/// Findings in the order they were made; `sorted` gives the order in which they are shown.
#[derive(Clone, Debug, Default)]
pub struct Diags {
    list: Vec<Diagnostic>,
    errors: usize,
}

impl IntoIterator for Diags {
    type Item = Diagnostic;
    type IntoIter = std::vec::IntoIter<Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl Diags {
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.errors += usize::from(diagnostic.severity == Severity::Error);
        self.list.push(diagnostic);
    }

    /// The first error about exactly this place.
    pub fn error_at(&mut self, span: Span) -> Option<&mut Diagnostic> {
        self.list.iter_mut().find(|finding| finding.severity == Severity::Error && finding.span == span)
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    pub fn extend(&mut self, others: impl IntoIterator<Item = Diagnostic>) {
        others.into_iter().for_each(|diagnostic| self.push(diagnostic));
    }

    pub fn has_errors(&self) -> bool {
        self.errors() > 0
    }

    /// How many of them are errors.
    pub fn errors(&self) -> usize {
        self.errors
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Keeps one finding of a code for each place inside of these spans: blocks that are read several times.
    pub fn once_in(&mut self, spans: &[Span]) {
        if spans.is_empty() {
            return;
        }
        let mut seen: BTreeSet<(u16, Span)> = BTreeSet::new();
        self.list.retain(|found| {
            let at = found.span;
            let inside = |span: &Span| span.file == at.file && span.start <= at.start && at.end <= span.end;
            let again = !seen.insert((found.code.number, at));
            !again || !spans.iter().any(inside)
        });
    }

    /// By file and offset, errors first at one place, without exact repeats.
    pub fn sorted(mut self) -> Vec<Diagnostic> {
        self.list.sort_by(|a, b| {
            (a.span, a.severity, a.code.number, &a.message).cmp(&(b.span, b.severity, b.code.number, &b.message))
        });
        self.list.dedup_by(|a, b| a.span == b.span && a.code.number == b.code.number && a.message == b.message);
        self.list
    }
}
