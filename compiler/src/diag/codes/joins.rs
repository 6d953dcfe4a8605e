//! Codes of joins between definitions: 0300 to 0399.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const JOINS: &[&Code] = &[
    &UNKNOWN_NAME,
    &TASK_CYCLE,
    &PARAM_MISSING,
    &WORKSPACE_UNBOUND,
    &BAD_IMAGE_TAG,
    &RESULT_NOT_WRITTEN,
    &FLOATING_IMAGE,
    &SECRET_SOURCE,
    &PIPELINE_IN_ENVIRONMENT,
    &UNUSED,
];

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
--- Dockerfile
FROM scratch
COPY api /api
"#,
    fixed: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "api" context="source" tag="${param.revision.short}"
}
--- Dockerfile
FROM scratch
COPY api /api
"#,
};

pub static RESULT_NOT_WRITTEN: Code = Code {
    number: 305,
    name: "result-not-written",
    severity: Severity::Error,
    summary: "a result that no step of its task writes",
    explanation: "A step writes a result to the file `${result.NAME.path}`. A task none of whose steps gets that path can never have the result, and what waits for it would get nothing.",
    failing: r#"project "shop"
task "version" {
    result "version"
    step "read" image="alpine:3.22" {
        run "cat VERSION"
    }
}
task "say" {
    param "text"
    step "print" image="alpine:3.22" {
        run "echo \"$TEXT\""
        env TEXT="${param.text}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "version" use="version"
    task "say" use="say" { param text="${task.version.result.version}"; }
}
"#,
    fixed: r#"project "shop"
task "version" {
    result "version"
    step "read" image="alpine:3.22" {
        run "cat VERSION > \"$RESULT\""
        env RESULT="${result.version.path}"
    }
}
task "say" {
    param "text"
    step "print" image="alpine:3.22" {
        run "echo \"$TEXT\""
        env TEXT="${param.text}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "version" use="version"
    task "say" use="say" { param text="${task.version.result.version}"; }
}
"#,
};

pub static FLOATING_IMAGE: Code = Code {
    number: 306,
    name: "floating-image",
    severity: Severity::Warning,
    summary: "an image without a tag, or with the tag `latest`",
    explanation: "Such an image is another one tomorrow: what was tested is not what runs, and a rollback brings nothing back. Name a version, or best a digest.",
    failing: r#"project "shop"
task "test" {
    step "unit" image="golang" {
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

pub static SECRET_SOURCE: Code = Code {
    number: 307,
    name: "secret-source",
    severity: Severity::Error,
    summary: "a secret with no source, or with two",
    explanation: "A `secret` block is a reference: the value lies in a secret store (`vault`), or the Secret exists because somebody else sees to it (`existing`). A Secret that the manifests use needs such a block, unless they make it themselves: otherwise its Pods wait for ever.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    secret "db"
}
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    secret "db" {
        existing "made by the database operator"
    }
}
"#,
};

pub static PIPELINE_IN_ENVIRONMENT: Code = Code {
    number: 308,
    name: "pipeline-in-environment",
    severity: Severity::Error,
    summary: "a pipeline runs in the namespace of an environment",
    explanation: "The namespace of an environment is not the place of a pipeline: its Pods would stand among the delivered objects, under their quotas and policies, and be seen by their selectors.",
    failing: r#"project "shop"
task "test" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="dev"
    task "test" use="test"
}
environment "dev" {
    cluster "default" namespace="dev"
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
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
};

pub static UNUSED: Code = Code {
    number: 309,
    name: "unused-definition",
    severity: Severity::Warning,
    summary: "a definition that nothing uses",
    explanation: "Nothing refers to this task, parameter, workspace, result, cluster or secret store. It does no harm, but most often a use was forgotten, or another name was meant.",
    failing: r#"project "shop"
cluster "prod" context="prod-eu"
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
    fixed: r#"project "shop"
cluster "prod" context="prod-eu"
environment "dev" {
    cluster "prod" namespace="dev"
}
"#,
};
