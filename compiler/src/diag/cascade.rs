//! One primary error per mistake: what only follows from another finding is left out.
//!
//! **Invariant:** of the errors that came in, at least one stays; warnings and notes are not touched.
//! Not here: findings that their own check already keeps back.

use super::{Code, Diagnostic, Diags, Label, Severity, codes};
use crate::source::{FileId, Sources, Span};

/// A name that stands for nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unresolved {
    /// What it should be: `task`, `parameter`.
    pub what: String,
    pub name: String,
}

/// A block of a spec file, for telling what a mistake in it may have hidden.
#[derive(Clone, Debug)]
pub struct Part {
    /// The whole block.
    pub span: Span,
    /// Its keyword.
    pub kind: String,
    /// Its first value, where it is a string.
    pub name: Option<String>,
    /// How many blocks it lies in.
    pub depth: usize,
}

/// Texts that cannot be read: what they would have given is missing everywhere else.
const UNREADABLE: &[&Code] = &[&codes::SYNTAX_YAML, &codes::NOT_UTF8, &codes::FILE_TOO_LARGE, &codes::UNREADABLE];

/// Mistakes after which a block is not what it was meant to be.
const HIDING: &[&Code] = &[
    &codes::UNKNOWN_BLOCK,
    &codes::UNKNOWN_PROPERTY,
    &codes::WRONG_TYPE,
    &codes::MISSING_VALUE,
    &codes::DUPLICATE_DEFINITION,
    &codes::SYNTAX_KDL,
    &codes::KDL_WORD,
    &codes::UNCLOSED_QUOTE,
];

/// Mistakes in a name: what has the name is probably meant to be what is missing beside it.
const MISNAMED: &[&Code] = &[&codes::UNKNOWN_BLOCK, &codes::UNKNOWN_PROPERTY];

/// Findings that say that something lacks, or fits nothing, in the block where they are.
const LACKING: &[&Code] = &[
    &codes::MISSING_VALUE,
    &codes::TYPE_INCOMPLETE,
    &codes::MATRIX_EMPTY,
    &codes::NO_OVERLAY,
    &codes::ROLLOUT_WORKLOAD,
    &codes::CANARY_WEIGHTS,
    &codes::PARAM_MISSING,
    &codes::WORKSPACE_UNBOUND,
    &codes::UNKNOWN_REFERENCE,
    &codes::TYPE_MISMATCH,
    &codes::VALUE_NOT_ALLOWED,
    &codes::RESULT_NOT_WRITTEN,
    &codes::IMAGE_NOT_IN_MANIFESTS,
    &codes::SECRET_SOURCE,
    &codes::STORE_PROVIDERS,
    &codes::ANALYSIS_SOURCE,
    &codes::CHANNEL_WAY,
];

/// With more errors than this nothing is left out: who has so many does not miss a few, and each pair is compared.
const MOST: usize = 500;

/// The findings without those that follow from others. `parts` are the blocks of the spec files `files`.
pub fn quiet(sources: &Sources, files: &[FileId], parts: &[Part], diags: Diags) -> Diags {
    if diags.errors() > MOST {
        return diags;
    }
    let findings: Vec<Diagnostic> = diags.into_iter().collect();
    let outline = Outline { sources, parts };
    let mut kept: Vec<Diagnostic> = Vec::new();
    for (at, finding) in findings.iter().enumerate() {
        let others = findings.iter().enumerate().filter(|(other, _)| *other != at).map(|(_, other)| other);
        let mut errors = others.filter(|other| other.severity == Severity::Error);
        if finding.severity == Severity::Error && errors.any(|other| outline.follows(finding, other, files)) {
            continue;
        }
        match kept.iter_mut().find(|earlier| same_name(earlier, finding)) {
            Some(earlier) => earlier.labels.push(Label { span: finding.span, message: "and here".into() }),
            None => kept.push(finding.clone()),
        }
    }
    let mut diags = Diags::default();
    diags.extend(if kept.iter().any(|finding| finding.severity == Severity::Error) { kept } else { findings });
    diags
}

/// Whether both look for the same name, which one definition would give. A slip of the fingers is one mistake each time.
fn same_name(left: &Diagnostic, right: &Diagnostic) -> bool {
    match (&left.unresolved, &right.unresolved) {
        (Some(a), Some(b)) => a.name == b.name && left.fixes.is_empty() && right.fixes.is_empty(),
        (Some(_) | None, None) | (None, Some(_)) => false,
    }
}

/// Whether a finding is about the form of a file, so that what stands there was not read as it was meant.
fn structural(finding: &Diagnostic) -> bool {
    finding.code.number < 200 && finding.unresolved.is_none()
}

struct Outline<'a> {
    sources: &'a Sources,
    parts: &'a [Part],
}

impl Outline<'_> {
    /// Whether `finding` may be nothing but a consequence of `cause`.
    fn follows(&self, finding: &Diagnostic, cause: &Diagnostic, specs: &[FileId]) -> bool {
        if UNREADABLE.contains(&cause.code) && !specs.contains(&cause.span.file) {
            // Manifests that could not be read leave holes in everything that is said of the rest.
            return !UNREADABLE.contains(&finding.code) && (300..700).contains(&finding.code.number);
        }
        if self.refused(finding, cause) {
            return true;
        }
        if cause.code == &codes::NO_PROJECT && finding.code == &codes::IMAGE_NOT_IN_MANIFESTS {
            // Where images come from is said in the project.
            return true;
        }
        if MISNAMED.contains(&cause.code) && finding.code == &codes::NO_PROJECT {
            return self.innermost(cause.span).is_none_or(|inner| inner.depth == 0);
        }
        if MISNAMED.contains(&cause.code) && LACKING.contains(&finding.code) && self.beside(finding, cause) {
            return true;
        }
        if self.defined(finding) && !self.defined(cause) && (structural(cause) || cause.unresolved.is_some()) {
            return true;
        }
        let of_type = [&codes::TYPE_INCOMPLETE, &codes::VALUE_NOT_ALLOWED].contains(&finding.code);
        match (structural(finding) && !of_type, structural(cause)) {
            (true, _) => false,
            (false, true) => self.hidden(finding, cause),
            (false, false) => self.unbound(finding, cause) || self.lost(finding, cause),
        }
    }

    /// Whether an object that an API server refuses hides what is missing between objects: it is of the same file, or has
    /// what is missed in its file.
    fn refused(&self, finding: &Diagnostic, cause: &Diagnostic) -> bool {
        let object = (900..1000).contains(&cause.code.number) || cause.code == &codes::MANIFEST_INCOMPLETE;
        let between = (400..700).contains(&finding.code.number) && finding.code != &codes::MANIFEST_INCOMPLETE;
        let text = || self.sources.text(cause.span.file);
        object
            && between
            && (finding.span.file == cause.span.file || quoted(&finding.message).any(|word| has_word(text(), word)))
    }

    /// Whether a mistake in the form of a block hides what `finding` misses.
    fn hidden(&self, finding: &Diagnostic, cause: &Diagnostic) -> bool {
        let Some(inner) = self.innermost(cause.span) else { return false };
        if finding.span == cause.span || (cause.code == &codes::UNKNOWN_BLOCK && inner.depth == 0) {
            return true;
        }
        if holds(inner, finding.span) {
            return cause.code == &codes::DUPLICATE_DEFINITION || finding.code == &codes::TYPE_INCOMPLETE;
        }
        if finding.code == &codes::RESULT_NOT_WRITTEN {
            return self.outermost(cause.span).is_some_and(|task| holds(task, finding.span));
        }
        // A definition whose name could not be read may be any name of its kind.
        let unnamed = match inner.name.as_deref() {
            None => true,
            Some(name) => cause.code == &codes::WRONG_TYPE && self.sources.slice(cause.span).trim_matches('"') == name,
        };
        if unnamed && finding.unresolved.as_ref().is_some_and(|name| of_kind(inner, &name.what)) {
            return true;
        }
        let lacks = finding.unresolved.is_some() || LACKING.contains(&finding.code);
        if !lacks || !HIDING.contains(&cause.code) {
            return false;
        }
        // The type of a parameter that could not be read fits no value, and a task that could not be read gives no result.
        let line = self.sources.line_text(finding.span);
        let typed = |part: &Part| match part.kind.as_str() {
            "param" | "task" => {
                holds(part, finding.span) || part.name.as_deref().is_some_and(|name| has_word(line, name))
            }
            _ => false,
        };
        let untyped = self.around(cause.span).filter(|part| part.depth > 0).any(typed);
        untyped || quoted(&finding.message).any(|word| self.has_word(inner.span, word))
    }

    /// Whether a finding is about the block in which the mistake in a name stands, or about what lies in that block.
    fn beside(&self, finding: &Diagnostic, cause: &Diagnostic) -> bool {
        let Some(mistaken) = self.innermost(cause.span) else { return false };
        let parent = if cause.code == &codes::UNKNOWN_BLOCK {
            self.around(cause.span).find(|part| part.depth + 1 == mistaken.depth)
        } else {
            Some(mistaken)
        };
        parent.is_some_and(|parent| holds(parent, finding.span))
    }

    /// Whether the spec does define what is said to be missing: then only its definition could not be read.
    fn defined(&self, finding: &Diagnostic) -> bool {
        let Some(missing) = &finding.unresolved else { return false };
        let own = self.outermost(finding.span);
        let within = |part: &Part| {
            let scope = quoted(&finding.message).filter(|word| *word != missing.name);
            let mut named = scope.map(|word| self.around(part.span).any(|outer| outer.name.as_deref() == Some(word)));
            named.next().unwrap_or_else(|| part.depth == 0 || own.is_some_and(|own| holds(own, part.span)))
        };
        self.parts.iter().any(|part| {
            let itself = holds(part, finding.span) && part.depth > 0;
            // Expressions name what is inside a block.
            let nested = finding.code != &codes::UNKNOWN_REFERENCE || part.depth > 0;
            !itself
                && nested
                && of_kind(part, &missing.what)
                && part.name.as_deref() == Some(&missing.name)
                && within(part)
        })
    }

    /// Whether a value is missing because it was given to a name that is not there, or its name was changed where it is
    /// defined and not where the definition uses it.
    fn unbound(&self, finding: &Diagnostic, cause: &Diagnostic) -> bool {
        if ![&codes::PARAM_MISSING, &codes::WORKSPACE_UNBOUND].contains(&finding.code) || cause.unresolved.is_none() {
            return false;
        }
        let definition = finding.labels.first().and_then(|label| self.outermost(label.span));
        let inside = definition.is_some_and(|part| holds(part, cause.span));
        inside || self.around(cause.span).any(|part| part.depth > 0 && holds(part, finding.span))
    }

    /// Whether a name is missing because the block that would give it has a reference to nothing.
    fn lost(&self, finding: &Diagnostic, cause: &Diagnostic) -> bool {
        let (Some(name), Some(wanted)) = (&finding.unresolved, &cause.unresolved) else { return false };
        if same_name(finding, cause) {
            return false;
        }
        let line = self.sources.line_text(finding.span);
        let of_job = || {
            let inner = self.innermost(cause.span).filter(|inner| !holds(inner, finding.span));
            name.what == "result" && inner.and_then(|inner| inner.name.as_ref()).is_some_and(|job| has_word(line, job))
        };
        let of_place = || {
            let outer = self.outermost(cause.span).filter(|outer| !holds(outer, finding.span));
            wanted.what == "cluster" && outer.is_some_and(|outer| self.has_word(outer.span, &name.name))
        };
        of_job() || of_place()
    }

    fn around(&self, span: Span) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(move |part| holds(part, span))
    }

    fn innermost(&self, span: Span) -> Option<&Part> {
        self.around(span).max_by_key(|part| part.depth)
    }

    fn outermost(&self, span: Span) -> Option<&Part> {
        self.around(span).min_by_key(|part| part.depth)
    }

    fn has_word(&self, span: Span, word: &str) -> bool {
        has_word(self.sources.slice(span), word)
    }
}

/// Whether a block defines what a message calls `what`.
fn of_kind(part: &Part, what: &str) -> bool {
    let called = if part.kind == "param" { "parameter" } else { &part.kind };
    what.split(" or ").any(|what| what == called)
}

fn holds(part: &Part, span: Span) -> bool {
    part.span.file == span.file && part.span.start <= span.start && span.end <= part.span.end
}

/// The words of a message that stand in backticks.
fn quoted(message: &str) -> impl Iterator<Item = &str> {
    message.split('`').skip(1).step_by(2).filter(|word| !word.is_empty())
}

/// Whether a text has a word that stands alone.
fn has_word(text: &str, word: &str) -> bool {
    let outside = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '-' && c != '_');
    text.match_indices(word)
        .any(|(at, _)| outside(text[..at].chars().next_back()) && outside(text[at + word.len()..].chars().next()))
}
