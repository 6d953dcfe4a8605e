//! Codes of files and their syntax: 0001 to 0099.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const FILES: &[&Code] = &[
    &NO_SPEC,
    &NOT_UTF8,
    &FILE_TOO_LARGE,
    &UNREADABLE,
    &BOTH_SYNTAXES,
    &NESTING,
    &SYNTAX_KDL,
    &SYNTAX_YAML,
    &YAML_ALIAS,
    &EMPTY_SPEC,
    &DUPLICATE_KEY,
];

pub static NO_SPEC: Code = Code {
    number: 1,
    name: "no-spec",
    severity: Severity::Error,
    summary: "no delivery spec was found",
    explanation: "A project's spec is `waybill.kdl` or `waybill.yaml` in its folder, or `*.kdl` or `*.yaml` files under `.waybill/`. \
Nothing of that kind is at the path that was given.",
    failing: "",
    fixed: "project \"shop\"",
};

pub static NOT_UTF8: Code = Code {
    number: 2,
    name: "not-utf8",
    severity: Severity::Error,
    summary: "a file is not UTF-8 text",
    explanation: "Specs and manifests are read as UTF-8. Convert the file, for instance with `iconv -t utf-8`.",
    failing: "",
    fixed: "",
};

pub static FILE_TOO_LARGE: Code = Code {
    number: 3,
    name: "file-too-large",
    severity: Severity::Error,
    summary: "a file is larger than Waybill reads",
    explanation: "Spec files may have one megabyte and manifests sixteen: what is larger is rarely written by hand, and \
reading it would cost more memory than a check should. Split the file.",
    failing: "",
    fixed: "",
};

pub static UNREADABLE: Code = Code {
    number: 4,
    name: "unreadable",
    severity: Severity::Error,
    summary: "a path cannot be read",
    explanation: "The operating system refused to give the file or folder, or a symbolic link leads out of the project or \
in a circle. The message says what it said.",
    failing: "",
    fixed: "",
};

pub static BOTH_SYNTAXES: Code = Code {
    number: 5,
    name: "both-syntaxes",
    severity: Severity::Note,
    summary: "a folder holds the spec in KDL and in YAML",
    explanation: "Where a folder holds both syntaxes the KDL is read and the YAML is not. Keep one of them.",
    failing: "project \"shop\"\n--- waybill.yaml\nproject: shop\n",
    fixed: "project \"shop\"\n",
};

pub static NESTING: Code = Code {
    number: 6,
    name: "nesting-too-deep",
    severity: Severity::Error,
    summary: "blocks are nested too deeply",
    explanation: "The language needs about six levels; more than 256 in KDL, or 128 in YAML, is refused before it is parsed.",
    failing: "",
    fixed: "",
};

pub static SYNTAX_KDL: Code = Code {
    number: 7,
    name: "kdl-syntax",
    severity: Severity::Error,
    summary: "the text is not KDL",
    explanation: "Specs are KDL version 2: a node is a name, then arguments and `key=value` properties, then children in \
braces; strings stand in double quotes, truth values are `#true` and `#false`.",
    failing: "project \"shop\"\n}\n",
    fixed: "project \"shop\"\n",
};

pub static SYNTAX_YAML: Code = Code {
    number: 8,
    name: "yaml-syntax",
    severity: Severity::Error,
    summary: "the text is not YAML",
    explanation: "Specs and manifests are YAML 1.2. The message is the parser's own, at the place where it gave up.",
    failing: "--- waybill.yaml\nproject: [\n",
    fixed: "--- waybill.yaml\nproject: shop\n",
};

pub static YAML_ALIAS: Code = Code {
    number: 9,
    name: "yaml-expansion",
    severity: Severity::Error,
    summary: "YAML aliases expand to too much",
    explanation: "Each alias stands for a copy of what its anchor marks. A document whose aliases would expand to more than \
a hundred thousand nodes is refused: it is a mistake or an attack.",
    failing: "",
    fixed: "",
};

pub static EMPTY_SPEC: Code = Code {
    number: 10,
    name: "empty-spec",
    severity: Severity::Error,
    summary: "the spec is empty",
    explanation: "The file was found and read, but it defines nothing. A spec needs at least a `project`.",
    failing: "// nothing here\n",
    fixed: "project \"shop\"\n",
};

pub static DUPLICATE_KEY: Code = Code {
    number: 11,
    name: "duplicate-key",
    severity: Severity::Error,
    summary: "a YAML mapping has one key twice",
    explanation: "YAML forbids equal keys in one mapping, and the API server refuses them under strict validation: \
one of the two values would be lost.",
    failing: "--- waybill.yaml\nproject: shop\nproject: shop\n",
    fixed: "--- waybill.yaml\nproject: shop\n",
};
