//! Codes of `${…}` expressions: 0200 to 0299.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const EXPRESSIONS: &[&Code] = &[&BAD_EXPRESSION, &UNKNOWN_REFERENCE, &TYPE_MISMATCH, &SCRIPT_SPLICE];

pub static BAD_EXPRESSION: Code = Code {
    number: 200,
    name: "bad-expression",
    severity: Severity::Error,
    summary: "an expression cannot be read",
    explanation: "`${…}` holds an expression of CEL. Names are joined by dots, `==` compares, `&&` and `||` mean and and or. For the characters themselves write `$${`.",
    failing: r#"project "shop"
task "test" {
    workspace "source"
    step "unit" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.}"
    task "test" use="test" { workspace source="source"; }
}
"#,
    fixed: r#"project "shop"
task "test" {
    workspace "source"
    step "unit" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    task "test" use="test" { workspace source="source"; }
}
"#,
};

pub static UNKNOWN_REFERENCE: Code = Code {
    number: 201,
    name: "unknown-reference",
    severity: Severity::Error,
    summary: "an expression names something that is not in scope",
    explanation: "A reference must name a parameter, workspace, result, task or image that exists where the expression stands. In a task: `param.NAME`, `workspace.NAME`, `result.NAME.path`. In a pipeline: `param.NAME`, `task.NAME.result.NAME`, `image.NAME.digest`.",
    failing: r#"project "shop"
task "test" {
    param "package" default="./..."
    step "unit" image="golang:1.24" {
        run "go test \"$PACKAGE\""
        env PACKAGE="${param.packge}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
    fixed: r#"project "shop"
task "test" {
    param "package" default="./..."
    step "unit" image="golang:1.24" {
        run "go test \"$PACKAGE\""
        env PACKAGE="${param.package}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
};

pub static TYPE_MISMATCH: Code = Code {
    number: 202,
    name: "type-mismatch",
    severity: Severity::Error,
    summary: "a value has another type than its place takes",
    explanation: "Parameters, results and the places that take them are typed. A git ref is no image tag, a string is no commit.",
    failing: r#"project "shop"
task "test" {
    workspace "source"
    step "unit" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "ref" type="git-ref"
    workspace "source"
    checkout "source" revision="${param.ref}"
    task "test" use="test" { workspace source="source"; }
}
"#,
    fixed: r#"project "shop"
task "test" {
    workspace "source"
    step "unit" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "ref" type="commit"
    workspace "source"
    checkout "source" revision="${param.ref}"
    task "test" use="test" { workspace source="source"; }
}
"#,
};

pub static SCRIPT_SPLICE: Code = Code {
    number: 203,
    name: "script-splice",
    severity: Severity::Error,
    summary: "a value is spliced into a script",
    explanation: "What is pasted into a shell text is run by the shell: a value with a quote, a `$(…)` or a line end becomes code. Values reach a step as environment variables only.",
    failing: r#"project "shop"
task "test" {
    param "package" default="./..."
    step "unit" image="golang:1.24" {
        run "go test ${param.package}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
    fixed: r#"project "shop"
task "test" {
    param "package" default="./..."
    step "unit" image="golang:1.24" {
        run "go test \"$PACKAGE\""
        env PACKAGE="${param.package}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
"#,
};
