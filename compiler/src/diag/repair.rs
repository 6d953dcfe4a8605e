//! Fixes applied to texts.
//!
//! **Invariant:** a fix is applied whole or not at all, and no two that touch the same bytes in one round.
//! Not here: whether a finding is made again afterwards (the caller compiles once more), and writing files.

use std::collections::BTreeMap;

use super::{Applicability, Diagnostic, Edit, Fix};
use crate::source::{FileId, Sources};

/// What a round of repair gave.
#[derive(Debug, Default)]
pub struct Repaired {
    /// New texts of the files that changed.
    pub texts: BTreeMap<FileId, String>,
    /// The findings whose fix was applied, with the title of that fix, in order.
    pub applied: Vec<(Diagnostic, String)>,
}

/// Applies the first safe fix of each finding.
pub fn repair(sources: &Sources, findings: &[Diagnostic]) -> Repaired {
    let mut taken: Vec<&Edit> = Vec::new();
    let mut repaired = Repaired::default();
    for finding in findings {
        let safe = |fix: &&Fix| fix.applicability == Applicability::Safe && !fix.edits.is_empty();
        let Some(fix) = finding.fixes.iter().find(safe) else { continue };
        let mut edits: Vec<&Edit> = fix.edits.iter().collect();
        // Two findings may have the same way out: it is taken once.
        edits.retain(|edit| !taken.iter().any(|other| other.span == edit.span && other.text == edit.text));
        if edits.iter().any(|edit| taken.iter().any(|other| touch(edit, other)) || !fits(sources, edit)) {
            continue;
        }
        taken.extend(edits);
        repaired.applied.push((finding.clone(), fix.title.clone()));
    }
    repaired.texts = rewrite(sources, taken);
    repaired
}

/// Whether two edits cannot both be made: they overlap, or insert at the same place.
fn touch(left: &Edit, right: &Edit) -> bool {
    let (a, b) = (left.span, right.span);
    a.file == b.file && (a.start < b.end && b.start < a.end || a.start == b.start)
}

/// Whether the place of an edit is one of the file's text.
fn fits(sources: &Sources, edit: &Edit) -> bool {
    sources.text(edit.span.file).get(edit.span.start as usize..edit.span.end as usize).is_some()
}

/// The texts with the edits made, from the back to the front so that offsets stay true.
fn rewrite(sources: &Sources, mut edits: Vec<&Edit>) -> BTreeMap<FileId, String> {
    edits.sort_by_key(|edit| std::cmp::Reverse((edit.span.file, edit.span.start, edit.span.end)));
    let mut texts: BTreeMap<FileId, String> = BTreeMap::new();
    for edit in edits {
        let text = texts.entry(edit.span.file).or_insert_with(|| sources.text(edit.span.file).to_owned());
        text.replace_range(edit.span.start as usize..edit.span.end as usize, &edit.text);
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::codes;
    use crate::source::Span;

    fn finding(file: FileId, fixes: &[(usize, usize, &str, Applicability)]) -> Diagnostic {
        let mut finding = Diagnostic::new(&codes::UNKNOWN_PROPERTY, Span::start_of(file), "wrong");
        for (start, end, text, applicability) in fixes {
            finding = finding.fix("repair", *applicability, Span::new(file, *start, *end), *text);
        }
        finding
    }

    #[test]
    fn safe_fixes_are_made_and_others_are_not() {
        let mut sources = Sources::default();
        let file = sources.add("a", "one two three");
        let findings = [
            finding(file, &[(0, 3, "1", Applicability::Safe)]),
            finding(file, &[(4, 7, "2", Applicability::Maybe)]),
            finding(file, &[(8, 13, "3", Applicability::Safe)]),
        ];
        let repaired = repair(&sources, &findings);
        assert_eq!(repaired.texts[&file], "1 two 3");
        assert_eq!(repaired.applied.len(), 2);
    }

    #[test]
    fn of_two_that_overlap_the_first_is_made() {
        let mut sources = Sources::default();
        let file = sources.add("a", "one two");
        let findings = [
            finding(file, &[(0, 5, "x", Applicability::Safe)]),
            finding(file, &[(4, 7, "y", Applicability::Safe)]),
            finding(file, &[(7, 7, "!", Applicability::Safe)]),
            finding(file, &[(7, 7, "!", Applicability::Safe)]),
        ];
        let repaired = repair(&sources, &findings);
        assert_eq!(repaired.texts[&file], "xwo!");
    }
}
