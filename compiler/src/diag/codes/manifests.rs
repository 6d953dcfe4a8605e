//! Codes of manifests and kustomizations: 0600 to 0799.

mod kustomizations;

pub use kustomizations::*;

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const MANIFESTS: &[&Code] = &[
    &MANIFEST_MISSING,
    &OUTSIDE_PROJECT,
    &NO_MANIFESTS,
    &KUSTOMIZATION_MISSING,
    &KUSTOMIZATION_TWICE,
    &KUSTOMIZATION_UNSUPPORTED,
    &KUSTOMIZATION_UNKNOWN,
    &KUSTOMIZATION_TYPE,
    &REMOTE_BASE,
    &BASE_CYCLE,
    &MANIFEST_INCOMPLETE,
    &OBJECT_TWICE,
    &TARGET_MISSING,
    &PATCH,
    &PATCH_UNUSED,
    &IMAGE_UNUSED,
    &GENERATOR,
    &TRANSFORMER_CONFLICT,
    &REFERENCE_AMBIGUOUS,
];

pub static MANIFEST_MISSING: Code = Code {
    number: 600,
    name: "manifest-missing",
    severity: Severity::Error,
    summary: "a file or folder of manifests does not exist",
    explanation: "A path of `manifests`, of `resources`, of a patch or of a generator leads to nothing, or to a folder \
where a file is expected. Paths in a kustomization are relative to its folder.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [wep.yaml]
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

pub static OUTSIDE_PROJECT: Code = Code {
    number: 601,
    name: "outside-project",
    severity: Severity::Error,
    summary: "a path leads out of the project",
    explanation: "Everything that is deployed stands in the project, so that a commit says all of it. Absolute paths and \
paths above the project's folder are refused.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [../../elsewhere.yaml]
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

pub static NO_MANIFESTS: Code = Code {
    number: 602,
    name: "no-manifests",
    severity: Severity::Error,
    summary: "there is nothing to deploy",
    explanation: "The folder that `manifests` names has neither a kustomization nor a file of manifests, or its \
kustomization is empty. Subfolders are not searched.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
# nothing yet
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

pub static MANIFEST_INCOMPLETE: Code = Code {
    number: 610,
    name: "manifest-incomplete",
    severity: Severity::Error,
    summary: "a manifest is not a Kubernetes object",
    explanation: "Every object has a text as `apiVersion`, as `kind` and as `metadata.name`; without them nothing can be \
applied.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
--- manifests/web.yaml
kind: ConfigMap
metadata:
  name: settings
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
--- manifests/web.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
"#,
};

pub static OBJECT_TWICE: Code = Code {
    number: 611,
    name: "object-twice",
    severity: Severity::Error,
    summary: "an object is defined twice",
    explanation: "Two manifests have the same apiVersion, kind, namespace and name. One of them would overwrite the other.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml, b.yaml]
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
--- manifests/b.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml]
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
"#,
};

pub static TARGET_MISSING: Code = Code {
    number: 612,
    name: "target-missing",
    severity: Severity::Error,
    summary: "there is nothing to change",
    explanation: "A strategic merge patch is for the object of its apiVersion, kind, namespace and name, and an entry of \
`replicas` for a workload of its name; there is none.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
replicas:
  - name: wep
    count: 3
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
replicas:
  - name: web
    count: 3
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

pub static IMAGE_UNUSED: Code = Code {
    number: 615,
    name: "image-unused",
    severity: Severity::Warning,
    summary: "an entry of `images` names no container's image",
    explanation: "The `name` of an entry is what the manifests write before the tag, registry included. No container has \
it, so that the entry changes nothing.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
images:
  - name: web
    newTag: "2"
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
    newTag: "2"
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

pub static TRANSFORMER_CONFLICT: Code = Code {
    number: 617,
    name: "transformer-conflict",
    severity: Severity::Error,
    summary: "a transformer meets a value of another type",
    explanation: "Labels, annotations, namespaces and replicas are written at fixed places of an object. One of these \
places holds a plain value or a list where a mapping is expected.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
commonLabels: {team: shop}
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  selector:
    matchLabels: web
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
commonLabels: {team: shop}
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

pub static REFERENCE_AMBIGUOUS: Code = Code {
    number: 618,
    name: "reference-ambiguous",
    severity: Severity::Error,
    summary: "a name could mean more than one object",
    explanation: "A prefix, a suffix or a content hash changed the names of two objects that were called the same, and a \
third one refers to that name. Give the two different names.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
namePrefix: shop-
resources: [a, b, web.yaml]
--- manifests/a/kustomization.yaml
namePrefix: a-
resources: [settings.yaml]
--- manifests/a/settings.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
--- manifests/b/kustomization.yaml
namePrefix: b-
resources: [settings.yaml]
--- manifests/b/settings.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
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
          envFrom:
            - configMapRef: {name: settings}
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
namePrefix: shop-
resources: [a, web.yaml]
--- manifests/a/kustomization.yaml
namePrefix: a-
resources: [settings.yaml]
--- manifests/a/settings.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
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
          envFrom:
            - configMapRef: {name: settings}
"#,
};
