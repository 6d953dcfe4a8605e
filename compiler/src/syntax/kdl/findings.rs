//! What is said of a text that is not KDL version 2.
//!
//! **Invariant:** one mistake, one finding; what follows from a mistake is not reported.

use crate::diag::{Applicability, Code, Diagnostic, Edit, codes};
use crate::source::{FileId, Span};

/// Most findings of a text: what follows says nothing new.
const MOST: usize = 50;

/// The findings of one file.
pub struct Findings {
    pub file: FileId,
    /// Bytes that were looked at ahead of what was read: the work that could grow faster than the text.
    pub looked: usize,
    /// Whether a comment goes on to the end of the text: what is not closed before it may be closed inside it.
    pub swallowed: bool,
    list: Vec<Diagnostic>,
}

impl Findings {
    pub fn new(file: FileId) -> Findings {
        Findings { file, looked: 0, swallowed: false, list: Vec::new() }
    }

    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Takes back what was found since there were so many.
    pub fn truncate(&mut self, count: usize) {
        self.list.truncate(count);
    }

    /// The findings in the order of the text, the first of them where there are many.
    pub fn finish(mut self) -> Vec<Diagnostic> {
        self.list.sort_by_key(|found| found.span);
        self.list.truncate(MOST);
        self.list
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether what is found from here on is not kept.
    pub fn full(&self) -> bool {
        self.list.len() >= 4 * MOST
    }

    /// More than are shown are not kept, but those of two phases may add up.
    pub fn push(&mut self, finding: Diagnostic) {
        if !self.full() {
            self.list.push(finding);
        }
    }

    pub fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    pub fn make(&self, code: &'static Code, start: usize, end: usize, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(code, self.span(start, end), message)
    }

    pub fn syntax(&self, start: usize, end: usize, message: impl Into<String>) -> Diagnostic {
        self.make(&codes::SYNTAX_KDL, start, end, message)
    }

    pub fn forbidden(&mut self, at: usize, character: char) {
        let message = format!("the character U+{:04X} may not stand in KDL", character as u32);
        let end = at + character.len_utf8();
        let finding = self
            .make(&codes::KDL_CHARACTER, at, end, message)
            .here(if character == '\u{feff}' { "a byte order mark" } else { "it cannot be seen" })
            .help("remove it; in a string write it as an escape, `\\u{…}`");
        self.push(finding.fix("remove it", Applicability::Maybe, self.span(at, end), ""));
    }

    pub fn unclosed_comment(&mut self, at: usize) {
        self.swallowed = true;
        let finding = self.make(&codes::UNCLOSED_QUOTE, at, at + 2, "a comment is not closed");
        self.push(finding.here("no `*/` for it; comments nest").help("add `*/` where the comment ends"));
    }

    /// A string that begins at `at` with `open`, and is taken to end at `end`.
    pub fn unclosed_string(&mut self, at: usize, open: &str, end: usize, close: &str, applicability: Applicability) {
        let finding = self.make(&codes::UNCLOSED_QUOTE, at, at + open.len(), "a string is not closed");
        let lines = open.ends_with("\"\"\"");
        let finding = match lines {
            true => finding.here(format!("no line with `{close}` for it")),
            false => finding.here(format!("no `{close}` for it in this line")),
        };
        let help = match lines {
            true => format!("close it by `{close}` on a line of its own"),
            false => format!("close it by `{close}`; a text of several lines stands between `\"\"\"` and `\"\"\"`"),
        };
        let finding = finding.label(self.span(end, end), "it would have to end here").help(help);
        let fix = (!lines).then(|| self.span(end, end));
        self.push(match fix {
            Some(place) => finding.fix(format!("add `{close}`"), applicability, place, close),
            None => finding,
        });
    }

    /// A string from `at` that ends with a quote at `end` and begins with none.
    pub fn unopened_string(&mut self, at: usize, end: usize) {
        let finding = self.make(&codes::UNCLOSED_QUOTE, at, end, "a string is not opened");
        let finding =
            finding.here("it ends with `\"` and does not begin with it").help("write `\"` at both ends, or at none");
        self.push(finding.fix("add `\"`", Applicability::Maybe, self.span(at, at), "\""));
    }

    /// A quoted string over several lines, as version 1 allows it: from `at` to `end`.
    pub fn old_lines(&mut self, at: usize, end: usize) {
        let finding = self.make(&codes::KDL_VERSION_1, at, at + 1, "a string of several lines stands in `\"\"\"`");
        let edits = vec![
            Edit { span: self.span(at, at + 1), text: "\"\"\"".into() },
            Edit { span: self.span(end - 1, end), text: "\"\"\"".into() },
        ];
        let finding = finding.here("KDL version 1").label(self.span(end - 1, end), "it ends here");
        let help = "begin and end it by `\"\"\"`; the indentation of the last line is taken off all lines";
        self.push(finding.help(help).fix_edits("use `\"\"\"`", Applicability::Maybe, edits));
    }

    /// A word that is no name and no number: it needs quotes, or a `#`.
    pub fn old_word(&mut self, at: usize, word: &str) {
        let end = at + word.len();
        let finding = self.make(&codes::KDL_VERSION_1, at, end, format!("`{word}` is written `#{word}`"));
        let (applicability, help) = match word {
            "true" | "false" => (Applicability::Safe, "KDL version 2 has a `#` before truth values"),
            "null" => (Applicability::Placeholder, "leave it out, or write `#null`"),
            _ => (Applicability::Maybe, "as a text it stands in quotes"),
        };
        let finding = finding.here("KDL version 1").help(help);
        self.push(finding.fix("add the `#`", applicability, self.span(at, at), "#"));
    }

    /// `r"…"` or `r#"…"#`, which ends at `end`.
    pub fn old_raw(&mut self, at: usize, raw: &str) {
        let end = at + raw.len();
        let finding = self.make(&codes::KDL_VERSION_1, at, at + 1, "a raw string has no `r` in front");
        let finding = finding.here("KDL version 1").help("write `#\"…\"#`");
        let hashed = raw[1..].starts_with('#');
        let one_line = !raw.contains(['\n', '\r']) && !raw[1..].trim_start_matches('#').starts_with("\"\"\"");
        let finding = match (hashed, one_line) {
            (true, true) => finding.fix("remove the `r`", Applicability::Safe, self.span(at, at + 1), ""),
            (false, true) => finding.fix_edits(
                "write it with `#`",
                Applicability::Safe,
                vec![
                    Edit { span: self.span(at, at + 1), text: "#".into() },
                    Edit { span: self.span(end, end), text: "#".into() },
                ],
            ),
            (_, false) => finding.note("a raw string of several lines stands between `#\"\"\"` and `\"\"\"#`"),
        };
        self.push(finding);
    }
}
