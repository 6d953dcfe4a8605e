//! Codes of blocks, properties and values: 0100 to 0199.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const LANGUAGE: &[&Code] = &[
    &UNKNOWN_BLOCK,
    &UNKNOWN_PROPERTY,
    &WRONG_TYPE,
    &MISSING_VALUE,
    &DUPLICATE_BLOCK,
    &DUPLICATE_PROPERTY,
    &EXTRA_VALUE,
    &WRONG_SHAPE,
    &NOT_YET,
    &DUPLICATE_DEFINITION,
    &NO_PROJECT,
];

pub static UNKNOWN_BLOCK: Code = Code {
    number: 100,
    name: "unknown-block",
    severity: Severity::Error,
    summary: "a block that the language does not have",
    explanation: "The name of a block is not known at this place. Blocks that the language has are listed in the language reference; most often the name has a slip, or the block belongs into another one.",
    failing: r#"project "shop"
clutser "default"
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
    fixed: r#"project "shop"
cluster "default"
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
};

pub static UNKNOWN_PROPERTY: Code = Code {
    number: 101,
    name: "unknown-property",
    severity: Severity::Error,
    summary: "a property that the block does not have",
    explanation: "The block has no property or key of this name. An unknown name is never ignored: whoever wrote it wanted something that would otherwise silently not happen.",
    failing: r#"project "shop"
cluster "prod" contxt="prod-eu"
environment "dev" {
    cluster "prod" namespace="dev"
}
"#,
    fixed: r#"project "shop"
cluster "prod" context="prod-eu"
environment "dev" {
    cluster "prod" namespace="dev"
}
"#,
};

pub static WRONG_TYPE: Code = Code {
    number: 102,
    name: "wrong-type",
    severity: Severity::Error,
    summary: "a value of another type than its place wants",
    explanation: "Each value has a type: a duration has a unit, a name has letters, digits and dashes, a truth value is `#true` or `#false` in KDL and `true` or `false` in YAML.",
    failing: r#"project "shop"
task "test" timeout="10 minutes" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
    fixed: r#"project "shop"
task "test" timeout="10m" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
};

pub static MISSING_VALUE: Code = Code {
    number: 103,
    name: "missing-value",
    severity: Severity::Error,
    summary: "something that must be given is not",
    explanation: "The block does not work without this value, property or inner block.",
    failing: "project
",
    fixed: r#"project "shop"
"#,
};

pub static DUPLICATE_BLOCK: Code = Code {
    number: 104,
    name: "duplicate-block",
    severity: Severity::Error,
    summary: "a block stands twice where it may stand once",
    explanation: "Two blocks of this kind contradict each other; merge them.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    health timeout="5m"
    health timeout="10m"
}
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    health timeout="10m"
}
"#,
};

pub static DUPLICATE_PROPERTY: Code = Code {
    number: 105,
    name: "duplicate-property",
    severity: Severity::Error,
    summary: "a property is given twice",
    explanation: "Of two equal keys only one could count. Remove one.",
    failing: r#"project "shop"
cluster "prod" context="a" context="b"
environment "dev" {
    cluster "prod" namespace="dev"
}
"#,
    fixed: r#"project "shop"
cluster "prod" context="a"
environment "dev" {
    cluster "prod" namespace="dev"
}
"#,
};

pub static EXTRA_VALUE: Code = Code {
    number: 106,
    name: "extra-value",
    severity: Severity::Error,
    summary: "a value too many",
    explanation: "The block takes fewer values by position. In KDL a value without a key is positional; a property is written `key=value`.",
    failing: r#"project "shop" "web"
"#,
    fixed: r#"project "shop"
"#,
};

pub static WRONG_SHAPE: Code = Code {
    number: 107,
    name: "wrong-shape",
    severity: Severity::Error,
    summary: "a YAML list, mapping or scalar stands where another is wanted",
    explanation: "In YAML a block that may repeat is a list under its plural, a block that stands once is a mapping, and a property is a scalar.",
    failing: "--- waybill.yaml
project: shop
tasks: test
",
    fixed: "--- waybill.yaml
project: shop
",
};

pub static NOT_YET: Code = Code {
    number: 108,
    name: "not-supported-yet",
    severity: Severity::Error,
    summary: "something that this version cannot do yet",
    explanation: "The image of a step is written out: an expression in it would have to be known before its Pod is made, which this version does not see to. It is refused rather than ignored.",
    failing: r#"project "shop"
task "test" {
    param "go" default="1.24"
    step "unit" image="golang:${param.go}" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
    fixed: r#"project "shop"
task "test" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
};

pub static DUPLICATE_DEFINITION: Code = Code {
    number: 109,
    name: "duplicate-definition",
    severity: Severity::Error,
    summary: "two definitions have one name",
    explanation: "Names of one kind are unique in a project, or in the block that holds them: otherwise what refers to the name would be ambiguous.",
    failing: r#"project "shop"
cluster "prod" context="a"
cluster "prod" context="b"
environment "dev" {
    cluster "prod" namespace="dev"
}
"#,
    fixed: r#"project "shop"
cluster "prod" context="a"
environment "dev" {
    cluster "prod" namespace="dev"
}
"#,
};

pub static NO_PROJECT: Code = Code {
    number: 110,
    name: "no-project",
    severity: Severity::Error,
    summary: "the spec has no project",
    explanation: "The project's name is part of the names of locks, journals and records in the cluster. A spec has exactly one `project`.",
    failing: r#"cluster "prod" context="a"
"#,
    fixed: r#"project "shop"
"#,
};
