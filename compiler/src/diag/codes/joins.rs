//! Codes of joins between definitions: 0300 to 0499.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const JOINS: &[&Code] = &[&UNKNOWN_NAME, &TASK_CYCLE, &PARAM_MISSING, &WORKSPACE_UNBOUND, &BAD_IMAGE_TAG];

pub static UNKNOWN_NAME: Code = Code {
    number: 300,
    name: "unknown-name",
    severity: Severity::Error,
    summary: "a name that nothing in the spec has",
    explanation: "Tasks, workspaces, pipelines, environments, clusters and images are referred to by name, and the name must be defined. The closest real one is shown.",
    failing: r#"project "shop"
task "test" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="tests"
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

pub static TASK_CYCLE: Code = Code {
    number: 301,
    name: "task-cycle",
    severity: Severity::Error,
    summary: "tasks wait for each other in a circle",
    explanation: "Each task of the circle waits, by `after` or by a result that it uses, for the next one. None could ever start.",
    failing: r#"project "shop"
task "test" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "one" use="test" after="two"
    task "two" use="test" after="one"
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
    task "one" use="test"
    task "two" use="test" after="one"
}
"#,
};

pub static PARAM_MISSING: Code = Code {
    number: 302,
    name: "param-missing",
    severity: Severity::Error,
    summary: "a task's parameter gets no value",
    explanation: "A parameter without a default must be given where the task is used.",
    failing: r#"project "shop"
task "test" {
    param "package"
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
    fixed: r#"project "shop"
task "test" {
    param "package"
    step "unit" image="golang:1.24" {
        run "go test \"$PACKAGE\""
        env PACKAGE="${param.package}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test" {
        param package="./..."
    }
}
"#,
};

pub static WORKSPACE_UNBOUND: Code = Code {
    number: 303,
    name: "workspace-not-bound",
    severity: Severity::Error,
    summary: "a task's workspace is not bound",
    explanation: "A task that works in a workspace must be told which workspace of the pipeline that is.",
    failing: r#"project "shop"
task "build" {
    workspace "source"
    step "compile" image="golang:1.24" workdir="${workspace.source}" {
        run "go build ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    workspace "source"
    task "build" use="build"
}
"#,
    fixed: r#"project "shop"
task "build" {
    workspace "source"
    step "compile" image="golang:1.24" workdir="${workspace.source}" {
        run "go build ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    workspace "source"
    task "build" use="build" {
        workspace source="source"
    }
}
"#,
};

pub static BAD_IMAGE_TAG: Code = Code {
    number: 304,
    name: "bad-image-tag",
    severity: Severity::Error,
    summary: "an image tag that cannot be one",
    explanation: "A tag has letters, digits, `_`, `.` and `-`, at most 128 of them, and begins with neither `.` nor `-` (OCI distribution specification). A git ref such as `refs/heads/main` is not a tag, and a branch's name would give every build the same one: use the commit.",
    failing: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "api" context="source" tag="refs/heads/main"
}
"#,
    fixed: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "api" context="source" tag="${param.revision.short}"
}
"#,
};
