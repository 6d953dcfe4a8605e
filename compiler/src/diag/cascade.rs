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
];

/// The findings without those that follow from others. `parts` are the blocks of the spec files `files`.
pub fn quiet(sources: &Sources, files: &[FileId], parts: &[Part], diags: Diags) -> Diags {
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
        if cause.code == &codes::UNKNOWN_BLOCK && structural(finding) {
            // The block that is missing is probably the one with the unknown name.
            let above = || {
                let inner = self.innermost(cause.span).map_or(0, |inner| inner.depth);
                let parent = self.around(cause.span).find(|part| part.depth + 1 == inner);
                parent.is_some_and(|parent| holds(parent, finding.span) && parent.span.start == finding.span.start)
            };
            return finding.code == &codes::NO_PROJECT || (finding.code == &codes::MISSING_VALUE && above());
        }
        match (structural(finding), structural(cause)) {
            (true, _) => false,
            (false, true) => self.hidden(finding, cause),
            (false, false) => self.unbound(finding, cause) || self.lost(finding, cause),
        }
    }

    /// Whether a mistake in the form of a block hides what `finding` misses.
    fn hidden(&self, finding: &Diagnostic, cause: &Diagnostic) -> bool {
        let Some(inner) = self.innermost(cause.span) else { return false };
        if finding.span == cause.span || (cause.code == &codes::UNKNOWN_BLOCK && inner.depth == 0) {
            return true;
        }
        if holds(inner, finding.span) {
            return cause.code == &codes::DUPLICATE_DEFINITION;
        }
        // A definition whose name could not be read may be any name of its kind.
        let unnamed = match inner.name.as_deref() {
            None => true,
            Some(name) => cause.code == &codes::WRONG_TYPE && self.sources.slice(cause.span).trim_matches('"') == name,
        };
        let of_kind = |what: &str| inner.kind == what || (inner.kind == "param" && what == "parameter");
        if unnamed && finding.unresolved.as_ref().is_some_and(|name| of_kind(&name.what)) {
            return true;
        }
        HIDING.contains(&cause.code) && quoted(&finding.message).any(|word| self.has_word(inner.span, word))
    }

    /// Whether a value is missing because it was given to a name that is not there.
    fn unbound(&self, finding: &Diagnostic, cause: &Diagnostic) -> bool {
        let unbound = [&codes::PARAM_MISSING, &codes::WORKSPACE_UNBOUND].contains(&finding.code);
        let meant = || {
            cause
                .fixes
                .iter()
                .flat_map(|fix| &fix.edits)
                .any(|edit| quoted(&finding.message).any(|name| name == edit.text))
        };
        unbound && cause.unresolved.is_some() && meant()
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
