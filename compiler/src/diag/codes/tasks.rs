//! Codes of parameters, results, tasks and pipelines: 0111 to 0139 and 0310 to 0329.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const TASKS: &[&Code] =
    &[&TYPE_INCOMPLETE, &VALUE_NOT_ALLOWED, &BAD_PATTERN, &EMPTY_RANGE, &DUPLICATE_VALUE];

pub static TYPE_INCOMPLETE: Code = Code {
    number: 111,
    name: "type-incomplete",
    severity: Severity::Error,
    summary: "what describes a type is missing or belongs to another one",
    explanation: "An `enum` needs its values in `one-of`, an `object` its fields. `of` is the type of the items of a list or of the values of a map; `min` and `max` bound numbers and the length of lists; `pattern` is for texts.",
    failing: r#"project "shop"
task "test" {
    param "level" type="enum"
    step "unit" image="golang:1.24" {
        run "go test -v=\"$LEVEL\""
        env LEVEL="${param.level}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test" { param level="low"; }
}
"#,
    fixed: r#"project "shop"
task "test" {
    param "level" type="enum" { one-of "low" "high"; }
    step "unit" image="golang:1.24" {
        run "go test -v=\"$LEVEL\""
        env LEVEL="${param.level}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test" { param level="low"; }
}
"#,
};

pub static VALUE_NOT_ALLOWED: Code = Code {
    number: 112,
    name: "value-not-allowed",
    severity: Severity::Error,
    summary: "a value is of the right type and not allowed",
    explanation: "The parameter says which values it takes: `one-of`, `pattern`, `min` or `max`. Defaults, what a pipeline passes to a task and what `--param` gives are held against that before anything runs.",
    failing: r#"project "shop"
task "test" {
    param "level" type="enum" { one-of "low" "high"; }
    step "unit" image="golang:1.24" {
        run "go test -v=\"$LEVEL\""
        env LEVEL="${param.level}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test" { param level="hihg"; }
}
"#,
    fixed: r#"project "shop"
task "test" {
    param "level" type="enum" { one-of "low" "high"; }
    step "unit" image="golang:1.24" {
        run "go test -v=\"$LEVEL\""
        env LEVEL="${param.level}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test" { param level="high"; }
}
"#,
};

pub static BAD_PATTERN: Code = Code {
    number: 113,
    name: "bad-pattern",
    severity: Severity::Error,
    summary: "a pattern is not a regular expression",
    explanation: "Patterns have the syntax of RE2 and of Rust's `regex`: no look-around and no back-references, so that matching takes linear time.",
    failing: r#"project "shop"
task "release" {
    param "tag" pattern="^v([0-9]+$"
    step "push" image="alpine:3.22" {
        run "echo \"$TAG\""
        env TAG="${param.tag}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "release" use="release" { param tag="v1"; }
}
"#,
    fixed: r#"project "shop"
task "release" {
    param "tag" pattern="^v([0-9]+)$"
    step "push" image="alpine:3.22" {
        run "echo \"$TAG\""
        env TAG="${param.tag}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "release" use="release" { param tag="v1"; }
}
"#,
};

pub static EMPTY_RANGE: Code = Code {
    number: 114,
    name: "empty-range",
    severity: Severity::Error,
    summary: "no value is in a range",
    explanation: "`min` is larger than `max`, so every value would be refused. Most often the two are swapped.",
    failing: r#"project "shop"
task "test" {
    param "shards" type="int" min=10 max=1
    step "unit" image="alpine:3.22" {
        run "echo \"$SHARDS\""
        env SHARDS="${param.shards}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "shards" type="int"
    task "test" use="test" { param shards="${param.shards}"; }
}
"#,
    fixed: r#"project "shop"
task "test" {
    param "shards" type="int" min=1 max=10
    step "unit" image="alpine:3.22" {
        run "echo \"$SHARDS\""
        env SHARDS="${param.shards}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "shards" type="int"
    task "test" use="test" { param shards="${param.shards}"; }
}
"#,
};

pub static DUPLICATE_VALUE: Code = Code {
    number: 115,
    name: "duplicate-value",
    severity: Severity::Error,
    summary: "a value stands twice where each may stand once",
    explanation: "The values of an enum or of a matrix axis are a set. The second one is most often a copy that was not edited.",
    failing: r#"project "shop"
task "test" {
    param "level" type="enum" { one-of "low" "low"; }
    step "unit" image="golang:1.24" {
        run "go test -v=\"$LEVEL\""
        env LEVEL="${param.level}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test" { param level="low"; }
}
"#,
    fixed: r#"project "shop"
task "test" {
    param "level" type="enum" { one-of "low" "high"; }
    step "unit" image="golang:1.24" {
        run "go test -v=\"$LEVEL\""
        env LEVEL="${param.level}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test" { param level="low"; }
}
"#,
};
