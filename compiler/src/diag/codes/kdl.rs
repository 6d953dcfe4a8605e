//! Codes of the text of KDL files: 0012 to 0039.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const KDL: &[&Code] =
    &[&KDL_VERSION_1, &UNCLOSED_BRACE, &UNCLOSED_QUOTE, &KDL_WORD, &KDL_ESCAPE, &KDL_CHARACTER, &KDL_COLON];

pub static KDL_VERSION_1: Code = Code {
    number: 12,
    name: "kdl-version-1",
    severity: Severity::Error,
    summary: "the text is written as KDL version 1 has it",
    explanation: "Specs are KDL version 2. There `true`, `false` and `null` have a `#` in front, a raw string is `#\"…\"#` without \
an `r`, a text of several lines stands between `\"\"\"` and `\"\"\"`, and `/` is not escaped.",
    failing: "project \"shop\"\ncluster \"prod\"\nenvironment \"dev\" {\n    cluster \"prod\" namespace=\"dev\" create=true\n}\n",
    fixed: "project \"shop\"\ncluster \"prod\"\nenvironment \"dev\" {\n    cluster \"prod\" namespace=\"dev\" create=#true\n}\n",
};

pub static UNCLOSED_BRACE: Code = Code {
    number: 13,
    name: "unclosed-brace",
    severity: Severity::Error,
    summary: "the braces of a block do not match",
    explanation: "Each block stands between `{` and `}`. Which brace is the one that lacks its other half is told from the \
indentation: a block ends before a line that stands no deeper than the block's own first line.",
    failing: "project \"shop\" {\n",
    fixed: "project \"shop\" {\n}\n",
};

pub static UNCLOSED_QUOTE: Code = Code {
    number: 14,
    name: "unclosed-quote",
    severity: Severity::Error,
    summary: "a string or comment is not closed",
    explanation: "A string in one pair of quotes ends in the line in which it begins; a text of several lines stands between \
`\"\"\"` and `\"\"\"`, each in a line of its own. A raw string needs as many `#` at its end as at its beginning.",
    failing: "project \"shop\n",
    fixed: "project \"shop\"\n",
};

pub static KDL_WORD: Code = Code {
    number: 15,
    name: "needs-quotes",
    severity: Severity::Error,
    summary: "a word has to stand in quotes",
    explanation: "Without quotes a text has no blanks, brackets, quotes, `/`, `=` or `;` in it, is no keyword such as `true`, and \
does not begin like a number. What is more than that stands in quotes.",
    failing: "project \"shop\"\ncluster \"prod\" context=3x\nenvironment \"dev\" {\n    cluster \"prod\" namespace=\"dev\"\n}\n",
    fixed: "project \"shop\"\ncluster \"prod\" context=\"3x\"\nenvironment \"dev\" {\n    cluster \"prod\" namespace=\"dev\"\n}\n",
};

pub static KDL_ESCAPE: Code = Code {
    number: 16,
    name: "bad-string",
    severity: Severity::Error,
    summary: "a string has a wrong escape, or lines that are not indented alike",
    explanation: "A backslash in quotes begins one of `\\n`, `\\r`, `\\t`, `\\b`, `\\f`, `\\s`, `\\\"`, `\\\\` and `\\u{…}`, or takes \
the blanks and line ends behind it away; between `#\"` and `\"#` it stands for itself. The lines of a text between `\"\"\"` and \
`\"\"\"` all begin with the blanks that stand before the closing quotes.",
    failing: "project \"shop\\d\"\n",
    fixed: "project \"shop\"\n",
};

pub static KDL_CHARACTER: Code = Code {
    number: 17,
    name: "forbidden-character",
    severity: Severity::Error,
    summary: "a character may not stand in KDL",
    explanation: "Control characters, marks that turn the direction of writing around, and byte order marks inside a file cannot be \
seen and are not allowed as themselves. In a string they can be written as escapes, such as `\\u{202e}`.",
    failing: "project \"shop\" // \u{200f}\n",
    fixed: "project \"shop\"\n",
};

pub static KDL_COLON: Code = Code {
    number: 18,
    name: "colon-for-equals",
    severity: Severity::Error,
    summary: "a property is written with a colon",
    explanation: "In KDL a property is `key=value`, without blanks. `key: value` is YAML, which a spec may be written in as a whole: \
in a file whose name ends with `.yaml`.",
    failing: "project \"shop\"\nenvironment \"dev\" {\n    cluster \"default\" namespace: \"dev\"\n}\n",
    fixed: "project \"shop\"\nenvironment \"dev\" {\n    cluster \"default\" namespace=\"dev\"\n}\n",
};
