//! Codes of matrices, limits and results of runs: 0116 to 0119, 0310 to 0312, 0316, 0317, 0321.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const RUNS: &[&Code] = &[
    &MATRIX_EMPTY,
    &MATRIX_TOO_LARGE,
    &MATRIX_WRONG,
    &MATRIX_EXCLUDES_NOTHING,
    &TIMEOUT_UNREACHABLE,
    &TIMEOUTS_TOO_LONG,
    &RETRIES_OUT_OF_RANGE,
    &RESULT_MAYBE_MISSING,
    &FINALLY_RESULT_MISSING,
    &APPROVAL_BY_NOBODY,
];

pub static MATRIX_EMPTY: Code = Code {
    number: 116,
    name: "matrix-empty",
    severity: Severity::Error,
    summary: "a matrix runs nothing",
    explanation: "A matrix without axes and combinations, or one that excludes all of them, would leave the task out without saying so. Write the values, or leave the task out by `when`.",
    failing: r#"project "shop"
task "build" {
    param "os"
    step "go" image="golang:1.24" {
        run "GOOS=\"$TARGET\" go build ./..."
        env TARGET="${param.os}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "build" use="build" {
        param os="${matrix.os}"
        matrix {
            axes { os "linux"; }
            exclude os="linux"
        }
    }
}
"#,
    fixed: r#"project "shop"
task "build" {
    param "os"
    step "go" image="golang:1.24" {
        run "GOOS=\"$TARGET\" go build ./..."
        env TARGET="${param.os}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "build" use="build" {
        param os="${matrix.os}"
        matrix {
            axes { os "linux" "darwin"; }
            exclude os="darwin"
        }
    }
}
"#,
};

pub static MATRIX_TOO_LARGE: Code = Code {
    number: 117,
    name: "matrix-too-large",
    severity: Severity::Error,
    summary: "a matrix has too many combinations",
    explanation: "The number of runs is the product of the axes. More than 256 are refused: nobody reviews a plan with so many Pods.",
    failing: r#"project "shop"
task "build" {
    param "os"
    step "go" image="golang:1.24" {
        run "GOOS=\"$TARGET\" go build ./..."
        env TARGET="${param.os}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "build" use="build" {
        param os="${matrix.os}"
        matrix {
            axes { os "a" "b" "c" "d" "e" "f"; arch "a" "b" "c" "d" "e" "f" "g"; v 1 2 3 4 5 6 7; }
        }
    }
}
"#,
    fixed: r#"project "shop"
task "build" {
    param "os"
    step "go" image="golang:1.24" {
        run "GOOS=\"$TARGET\" go build ./..."
        env TARGET="${param.os}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "build" use="build" {
        param os="${matrix.os}"
        matrix {
            axes { os "linux" "darwin"; }
        }
    }
}
"#,
};

pub static MATRIX_WRONG: Code = Code {
    number: 118,
    name: "matrix-wrong",
    severity: Severity::Error,
    summary: "a matrix does not make sense",
    explanation: "Each axis has values one after the other, or one expression of type list. An `include` is one combination more and has a value for every axis.",
    failing: r#"project "shop"
task "build" {
    param "os"
    step "go" image="golang:1.24" {
        run "GOOS=\"$TARGET\" go build ./..."
        env TARGET="${param.os}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "build" use="build" {
        param os="${matrix.os}"
        matrix {
            axes { os "linux"; arch "arm64" "amd64"; }
            include os="darwin"
        }
    }
}
"#,
    fixed: r#"project "shop"
task "build" {
    param "os"
    step "go" image="golang:1.24" {
        run "GOOS=\"$TARGET\" go build ./..."
        env TARGET="${param.os}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "build" use="build" {
        param os="${matrix.os}"
        matrix {
            axes { os "linux"; arch "arm64" "amd64"; }
            include os="darwin" arch="arm64"
        }
    }
}
"#,
};

pub static MATRIX_EXCLUDES_NOTHING: Code = Code {
    number: 119,
    name: "matrix-excludes-nothing",
    severity: Severity::Warning,
    summary: "an `exclude` of a matrix leaves nothing out",
    explanation: "No combination has these values. Most often a value was renamed in the axis and not here.",
    failing: r#"project "shop"
task "build" {
    param "os"
    step "go" image="golang:1.24" {
        run "GOOS=\"$TARGET\" go build ./..."
        env TARGET="${param.os}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "build" use="build" {
        param os="${matrix.os}"
        matrix {
            axes { os "linux" "darwin"; }
            exclude os="macos"
        }
    }
}
"#,
    fixed: r#"project "shop"
task "build" {
    param "os"
    step "go" image="golang:1.24" {
        run "GOOS=\"$TARGET\" go build ./..."
        env TARGET="${param.os}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "build" use="build" {
        param os="${matrix.os}"
        matrix {
            axes { os "linux" "darwin"; }
            exclude os="darwin"
        }
    }
}
"#,
};

pub static TIMEOUT_UNREACHABLE: Code = Code {
    number: 310,
    name: "timeout-unreachable",
    severity: Severity::Warning,
    summary: "a time limit is longer than the one around it",
    explanation: "A step ends with its task and a task with its pipeline, so the longer limit inside never counts. One of the two is not what was meant.",
    failing: r#"project "shop"
task "unit" timeout="10m" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" timeout="30m" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    task "unit" use="unit" { workspace source="source"; }
}
"#,
    fixed: r#"project "shop"
task "unit" timeout="10m" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" timeout="5m" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    task "unit" use="unit" { workspace source="source"; }
}
"#,
};

pub static TIMEOUTS_TOO_LONG: Code = Code {
    number: 311,
    name: "timeouts-too-long",
    severity: Severity::Error,
    summary: "the time limits of a pipeline do not fit into the whole",
    explanation: "`tasks` and `finally` run one after the other: together they must fit into `all`.",
    failing: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    timeouts all="1h" tasks="50m" finally="20m"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    task "unit" use="unit" { workspace source="source"; }
}
"#,
    fixed: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    timeouts all="1h" tasks="50m" finally="10m"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    task "unit" use="unit" { workspace source="source"; }
}
"#,
};

pub static RETRIES_OUT_OF_RANGE: Code = Code {
    number: 312,
    name: "retries-out-of-range",
    severity: Severity::Error,
    summary: "a number of retries makes no sense",
    explanation: "A task is run again 1 to 10 times. Without retries leave the block out.",
    failing: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    task "unit" use="unit" { workspace source="source"; retries 0; }
}
"#,
    fixed: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    task "unit" use="unit" { workspace source="source"; retries 2; }
}
"#,
};

pub static RESULT_MAYBE_MISSING: Code = Code {
    number: 316,
    name: "result-maybe-missing",
    severity: Severity::Error,
    summary: "a result is read of a task that may be left out",
    explanation: "Where `when` is false the task gives no result, and what reads it has no value. Give the result a default, or the reader the same `when`.",
    failing: r#"project "shop"
task "version" {
    step "read" image="alpine:3.22" {
        run "cat VERSION > \"$OUT\""
        env OUT="${result.version.path}"
    }
    result "version"
}
task "release" {
    param "version"
    step "tag" image="alpine:3.22" {
        run "echo \"$VERSION\""
        env VERSION="${param.version}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "release" type="bool" default=#false
    task "version" use="version" { when "param.release"; }
    task "release" use="release" { param version="${task.version.result.version}"; }
}
"#,
    fixed: r#"project "shop"
task "version" {
    step "read" image="alpine:3.22" {
        run "cat VERSION > \"$OUT\""
        env OUT="${result.version.path}"
    }
    result "version" default="none"
}
task "release" {
    param "version"
    step "tag" image="alpine:3.22" {
        run "echo \"$VERSION\""
        env VERSION="${param.version}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "release" type="bool" default=#false
    task "version" use="version" { when "param.release"; }
    task "release" use="release" { param version="${task.version.result.version}"; }
}
"#,
};

pub static FINALLY_RESULT_MISSING: Code = Code {
    number: 317,
    name: "finally-result-missing",
    severity: Severity::Warning,
    summary: "`finally` reads a result that a failed task does not give",
    explanation: "`finally` runs after failures too; the value is empty then, which its parameter's type does not allow. Make the parameter a string that may be empty, or give the result a default.",
    failing: r#"project "shop"
task "count" {
    step "run" image="alpine:3.22" {
        run "echo 3 > \"$OUT\""
        env OUT="${result.passed.path}"
    }
    result "passed" type="int"
}
task "report" {
    param "passed" type="int"
    step "print" image="alpine:3.22" {
        run "echo \"${PASSED:-none}\""
        env PASSED="${param.passed}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "count" use="count"
    finally {
        task "report" use="report" { param passed="${task.count.result.passed}"; }
    }
}
"#,
    fixed: r#"project "shop"
task "count" {
    step "run" image="alpine:3.22" {
        run "echo 3 > \"$OUT\""
        env OUT="${result.passed.path}"
    }
    result "passed" type="int"
}
task "report" {
    param "passed"
    step "print" image="alpine:3.22" {
        run "echo \"${PASSED:-none}\""
        env PASSED="${param.passed}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "count" use="count"
    finally {
        task "report" use="report" { param passed="${task.count.result.passed}"; }
    }
}
"#,
};

pub static APPROVAL_BY_NOBODY: Code = Code {
    number: 321,
    name: "approval-by-nobody",
    severity: Severity::Error,
    summary: "an approval does not say who may give it",
    explanation: "`by` is `group:NAME` or `user:NAME`: without the kind nobody can tell whose name it is.",
    failing: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    approval "ok" by="qa"
    task "unit" use="unit" after="ok" { workspace source="source"; }
}
"#,
    fixed: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    approval "ok" by="group:qa"
    task "unit" use="unit" after="ok" { workspace source="source"; }
}
"#,
};
