//! Codes of what stands in the Pods of tasks: 0313 to 0315, 0318 to 0320, 0322, 0323.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const CONTAINERS: &[&Code] = &[
    &CACHE_KEY_CONSTANT,
    &CONTAINER_NAME_TAKEN,
    &SIDECAR_NEVER_READY,
    &REQUEST_ABOVE_LIMIT,
    &SECURITY_CONFLICT,
    &TOLERATION_CONFLICT,
    &PATH_TWICE,
    &BAD_PROBE,
];

pub static CACHE_KEY_CONSTANT: Code = Code {
    number: 313,
    name: "cache-key-constant",
    severity: Severity::Error,
    summary: "the key of a cache never changes",
    explanation: "A cache under a constant key is filled once and then stays as it is, so it goes stale without anybody noticing. The key must depend on the files that say what is in it, or on a parameter.",
    failing: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
    cache "go" path="/root/.cache/go-build" key="go"
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
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
    cache "go" path="/root/.cache/go-build" key="go" { files "go.sum"; }
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

pub static CONTAINER_NAME_TAKEN: Code = Code {
    number: 314,
    name: "container-name-taken",
    severity: Severity::Error,
    summary: "a sidecar has the name of a step",
    explanation: "Steps and sidecars are containers of one Pod, whose names differ.",
    failing: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
    sidecar "go" image="postgres:17" { port 5432; }
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
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
    sidecar "db" image="postgres:17" { port 5432; }
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

pub static SIDECAR_NEVER_READY: Code = Code {
    number: 315,
    name: "sidecar-never-ready",
    severity: Severity::Warning,
    summary: "nothing says when a sidecar is ready",
    explanation: "Without a port or `ready` the steps start while the sidecar may still be starting: what they connect to is sometimes there and sometimes not.",
    failing: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
    sidecar "db" image="postgres:17"
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
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
    sidecar "db" image="postgres:17" { ready tcp=5432; }
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

pub static REQUEST_ABOVE_LIMIT: Code = Code {
    number: 318,
    name: "task-request-above-limit",
    severity: Severity::Error,
    summary: "more of a resource is asked for than may be used",
    explanation: "Kubernetes refuses a container whose request is larger than its limit.",
    failing: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
        resources { memory request="1Gi" limit="512Mi"; }
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
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
        resources { memory request="512Mi" limit="1Gi"; }
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

pub static SECURITY_CONFLICT: Code = Code {
    number: 319,
    name: "security-conflict",
    severity: Severity::Error,
    summary: "settings of `security` contradict each other",
    explanation: "Kubernetes refuses the container, or it never starts: user 0 where root is forbidden, or a privileged container that must not gain rights.",
    failing: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
        security run-as-user=0 run-as-non-root=#true
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
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
        security run-as-user=1000 run-as-non-root=#true
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

pub static TOLERATION_CONFLICT: Code = Code {
    number: 320,
    name: "toleration-conflict",
    severity: Severity::Error,
    summary: "a toleration does not make sense",
    explanation: "Kubernetes takes a time only for the effect `NoExecute`, and a value only together with the taint's key (`k8s.io/kubernetes/pkg/apis/core/validation`).",
    failing: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    pod { toleration "spot" effect="NoSchedule" for="5m"; }
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
    pod { toleration "spot" effect="NoExecute" for="5m"; }
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    task "unit" use="unit" { workspace source="source"; }
}
"#,
};

pub static PATH_TWICE: Code = Code {
    number: 322,
    name: "path-twice",
    severity: Severity::Error,
    summary: "two caches or artefacts have the same path",
    explanation: "What one restores the other overwrites, and which one wins is chance.",
    failing: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
    artefact "a" path="${workspace.source}/out"
    artefact "b" path="${workspace.source}/out"
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
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
    artefact "a" path="${workspace.source}/out"
    artefact "b" path="${workspace.source}/report"
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

pub static BAD_PROBE: Code = Code {
    number: 323,
    name: "bad-probe",
    severity: Severity::Error,
    summary: "a readiness probe does not make sense",
    explanation: "`ready` has one of `tcp`, `http` and `run`; ports are between 1 and 65535; `http` needs a port.",
    failing: r#"project "shop"
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
    sidecar "db" image="postgres:17" { ready tcp=70000; }
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
task "unit" {
    workspace "source"
    step "go" image="golang:1.24" workdir="${workspace.source}" {
        run "go test ./..."
    }
    sidecar "db" image="postgres:17" { ready tcp=5432; }
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
