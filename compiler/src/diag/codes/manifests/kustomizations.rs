//! Codes of kustomizations: their files, fields, bases, patches and generators.

use crate::diag::Severity;
use crate::diag::codes::Code;

pub static KUSTOMIZATION_MISSING: Code = Code {
    number: 603,
    name: "kustomization-missing",
    severity: Severity::Error,
    summary: "a folder under `resources` has no kustomization",
    explanation: "A folder under `resources` is a base: a kustomization of its own. Kustomize refuses a plain folder of \
manifests, and so does Waybill.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [base]
--- manifests/base/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [base]
--- manifests/base/kustomization.yaml
resources: [web.yaml]
--- manifests/base/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
};

pub static KUSTOMIZATION_TWICE: Code = Code {
    number: 604,
    name: "kustomization-twice",
    severity: Severity::Error,
    summary: "a folder has two kustomization files",
    explanation: "`kustomization.yaml`, `kustomization.yml` and `Kustomization` mean the same; with two of them it would be \
unclear which one counts.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
--- manifests/kustomization.yml
resources: [web.yaml]
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
};

pub static KUSTOMIZATION_UNSUPPORTED: Code = Code {
    number: 605,
    name: "kustomization-unsupported",
    severity: Severity::Error,
    summary: "a kustomization uses what is not supported",
    explanation: "Waybill renders kustomizations itself, so that a plan needs no other program. A field that it does not \
know how to render is refused, never passed over: the plan would show something else than what was meant. \
The help names the way out.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
buildMetadata: [originAnnotations]
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
};

pub static KUSTOMIZATION_UNKNOWN: Code = Code {
    number: 606,
    name: "kustomization-unknown-field",
    severity: Severity::Error,
    summary: "a kustomization has a field that does not exist",
    explanation: "Kustomize knows no such field; mostly it is a slip of the fingers.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
namePrefx: a-
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
namePrefix: a-
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
};

pub static KUSTOMIZATION_TYPE: Code = Code {
    number: 607,
    name: "kustomization-type",
    severity: Severity::Error,
    summary: "a field of a kustomization has the wrong form",
    explanation: "The field is there, but its value is of another type than Kustomize reads, or a part that it needs is \
missing. A version such as `1.10` is a number in YAML: put it in quotes.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
images:
  - name: example.com/web
    newTag: 1.10
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
images:
  - name: example.com/web
    newTag: "1.10"
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
};

pub static REMOTE_BASE: Code = Code {
    number: 608,
    name: "remote-base",
    severity: Severity::Error,
    summary: "a base is not in this project",
    explanation: "URLs and git references under `resources` would make the same commit mean something else tomorrow. Copy \
what they give into the project, where a review sees it.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: ["https://example.com/base?ref=main"]
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
};

pub static BASE_CYCLE: Code = Code {
    number: 609,
    name: "base-cycle",
    severity: Severity::Error,
    summary: "bases go in a circle",
    explanation: "A kustomization reaches itself through its bases. The message shows the whole circle: remove one step of \
it.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [base]
--- manifests/base/kustomization.yaml
resources: [../../manifests]
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [base]
--- manifests/base/kustomization.yaml
resources: [web.yaml]
--- manifests/base/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
};

pub static PATCH: Code = Code {
    number: 613,
    name: "patch",
    severity: Severity::Error,
    summary: "a patch cannot be applied",
    explanation: "The patch has no form that Kustomize knows, or one of its operations does not fit the object: what it \
removes, replaces or tests must be there. A JSON patch needs a `target`.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
patches:
  - target: {kind: Deployment}
    patch: |
      - op: remove
        path: /spec/replicas
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
patches:
  - target: {kind: Deployment}
    patch: |
      - op: add
        path: /spec/replicas
        value: 2
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
};

pub static PATCH_UNUSED: Code = Code {
    number: 614,
    name: "patch-unused",
    severity: Severity::Warning,
    summary: "a patch selects no object",
    explanation: "The `target` of the patch fits no object, so that it changes nothing. Kustomize passes over this in \
silence; mostly a name has changed.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
patches:
  - target: {kind: StatefulSet}
    patch: |
      - op: add
        path: /spec/replicas
        value: 2
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
patches:
  - target: {kind: Deployment}
    patch: |
      - op: add
        path: /spec/replicas
        value: 2
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
"#,
};

pub static GENERATOR: Code = Code {
    number: 616,
    name: "config-map-generator",
    severity: Severity::Error,
    summary: "a ConfigMap cannot be generated",
    explanation: "A literal is `KEY=VALUE`, a file is `PATH` or `KEY=PATH`, an env file has lines `KEY=VALUE`; every key is \
given once. With `behavior: merge` or `replace` the ConfigMap must exist, and without it must not.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
configMapGenerator:
  - name: settings
    literals: [MODE]
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
configMapGenerator:
  - name: settings
    literals: [MODE=fast]
"#,
};
