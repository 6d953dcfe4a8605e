//! Codes of objects, their images and Dockerfiles: 0400 to 0449.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const OBJECTS: &[&Code] = &[
    &INLINE_SECRET,
    &OTHER_NAMESPACE,
    &CLUSTER_SCOPED,
    &OBJECT_SHARED,
    &NO_OVERLAY,
    &IMAGE_NOT_IN_MANIFESTS,
    &DOCKERFILE_MISSING,
    &DOCKERFILE_NOT_BUILDABLE,
    &OVERLAY_SHARED,
    &SERVICE_WITHOUT_PODS,
    &SELECTOR_MISMATCH,
];

pub static INLINE_SECRET: Code = Code {
    number: 400,
    name: "inline-secret",
    severity: Severity::Error,
    summary: "a manifest of kind Secret has its values in it",
    explanation: "Whoever reads the repository reads the values, and they stay in its history. A `secret` block refers to a value in a store, or to a Secret that exists. Change the values: they are known.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
--- manifests/db.yaml
apiVersion: v1
kind: Secret
metadata:
  name: db
stringData:
  password: hunter2
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    secret "db" {
        existing "made by the database operator"
    }
}
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
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

pub static OTHER_NAMESPACE: Code = Code {
    number: 401,
    name: "other-namespace",
    severity: Severity::Error,
    summary: "an object is in another namespace than its environment",
    explanation: "An environment is one namespace of one cluster: its lock, its inventory and its rights end there. An object elsewhere would be changed without them.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/settings.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: prod
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/settings.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  namespace: dev
"#,
};

pub static CLUSTER_SCOPED: Code = Code {
    number: 402,
    name: "cluster-scoped-object",
    severity: Severity::Error,
    summary: "an object of an environment belongs to no namespace",
    explanation: "Namespaces, ClusterRoles, CustomResourceDefinitions and their like belong to the whole cluster: two environments would fight over them. They will belong to a `cluster` block, which this version cannot do. The namespace of the environment itself is made by `create=#true`.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/settings.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
--- manifests/namespace.yaml
apiVersion: v1
kind: Namespace
metadata:
  name: dev
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev" create=#true
    manifests "manifests"
}
--- manifests/settings.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
"#,
};

pub static OBJECT_SHARED: Code = Code {
    number: 403,
    name: "object-shared",
    severity: Severity::Error,
    summary: "two environments render the same object",
    explanation: "Both would write the object, each undoing the other, and each would delete it when it leaves its manifests. An object belongs to one environment.",
    failing: r#"project "shop"
environment "one" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
environment "two" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/settings.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
"#,
    fixed: r#"project "shop"
environment "one" {
    cluster "default" namespace="one"
    manifests "manifests"
}
environment "two" {
    cluster "default" namespace="two"
    manifests "manifests"
}
--- manifests/settings.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
"#,
};

pub static NO_OVERLAY: Code = Code {
    number: 404,
    name: "no-overlay",
    severity: Severity::Error,
    summary: "an environment has images and no overlay to write them to",
    explanation: "The version of an image is written into `images` of the kustomization that `manifests` names. Plain manifests have no such place.",
    failing: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "web" context="source" tag="${param.revision.short}"
}
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    image "web" from="pipeline.ci.image.web" name="example.com/web"
}
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
--- Dockerfile
FROM scratch
COPY web /web
"#,
    fixed: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "web" context="source" tag="${param.revision.short}"
}
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    image "web" from="pipeline.ci.image.web" name="example.com/web"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
--- Dockerfile
FROM scratch
COPY web /web
"#,
};

pub static IMAGE_NOT_IN_MANIFESTS: Code = Code {
    number: 405,
    name: "image-not-in-manifests",
    severity: Severity::Error,
    summary: "an environment takes an image that none of its containers runs",
    explanation: "The version is written into an entry of `images` with this name, and the entry would change no container. The name is what the manifests write before the tag, registry included; `name` of the environment's `image` says another one.",
    failing: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "web" context="source" tag="${param.revision.short}"
}
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    image "web" from="pipeline.ci.image.web"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
--- Dockerfile
FROM scratch
COPY web /web
"#,
    fixed: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "web" context="source" tag="${param.revision.short}"
}
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    image "web" from="pipeline.ci.image.web" name="example.com/web"
}
--- manifests/kustomization.yaml
resources: [web.yaml]
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
--- Dockerfile
FROM scratch
COPY web /web
"#,
};

pub static DOCKERFILE_MISSING: Code = Code {
    number: 406,
    name: "dockerfile-missing",
    severity: Severity::Error,
    summary: "an image has no Dockerfile",
    explanation: "The context is a workspace with a checkout of the project, or a folder in it, and the Dockerfile is a path below the context. There is no such file in the project.",
    failing: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "web" context="source/web" tag="${param.revision.short}"
}
--- Dockerfile
FROM scratch
COPY web /web
"#,
    fixed: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "web" context="source" tag="${param.revision.short}"
}
--- Dockerfile
FROM scratch
COPY web /web
"#,
};

pub static DOCKERFILE_NOT_BUILDABLE: Code = Code {
    number: 407,
    name: "dockerfile-not-buildable",
    severity: Severity::Warning,
    summary: "a Dockerfile that this version cannot build",
    explanation: "Images are built reproducibly from a Dockerfile that runs nothing: `FROM scratch` with COPY, ENV, WORKDIR, USER, LABEL, ENTRYPOINT and CMD. Another one passes the check, and a plan that would build it is refused.",
    failing: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "web" context="source" tag="${param.revision.short}"
}
--- Dockerfile
FROM alpine:3.22
COPY web /web
"#,
    fixed: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "web" context="source" tag="${param.revision.short}"
}
--- Dockerfile
FROM scratch
COPY web /web
"#,
};

pub static OVERLAY_SHARED: Code = Code {
    number: 408,
    name: "overlay-shared",
    severity: Severity::Error,
    summary: "two environments write versions to one overlay",
    explanation: "A version reaches an environment by a commit to its overlay. Where two environments share the file, what one of them takes is at once in the other, without its gates. Give each an overlay of its own over a common base.",
    failing: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "web" context="source" tag="${param.revision.short}"
}
environment "staging" {
    cluster "default" namespace="staging"
    manifests "base"
    image "web" from="pipeline.ci.image.web" name="example.com/web"
}
environment "production" {
    cluster "default" namespace="production"
    manifests "base"
    promote from="staging"
}
--- base/kustomization.yaml
resources: [web.yaml]
--- base/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
--- Dockerfile
FROM scratch
COPY web /web
"#,
    fixed: r#"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "web" context="source" tag="${param.revision.short}"
}
environment "staging" {
    cluster "default" namespace="staging"
    manifests "staging"
    image "web" from="pipeline.ci.image.web" name="example.com/web"
}
environment "production" {
    cluster "default" namespace="production"
    manifests "production"
    promote from="staging"
}
--- staging/kustomization.yaml
resources: [../base]
--- production/kustomization.yaml
resources: [../base]
--- base/kustomization.yaml
resources: [web.yaml]
--- base/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
--- Dockerfile
FROM scratch
COPY web /web
"#,
};

pub static SERVICE_WITHOUT_PODS: Code = Code {
    number: 409,
    name: "service-without-pods",
    severity: Severity::Warning,
    summary: "a Service selects no Pods of its environment",
    explanation: "No Pod template in the manifests has the labels that the Service selects: requests to it would find nobody. Most often a label was renamed in one place.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
--- manifests/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: wbe}
  ports:
    - port: 80
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
--- manifests/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web}
  ports:
    - port: 80
"#,
};

pub static SELECTOR_MISMATCH: Code = Code {
    number: 410,
    name: "selector-mismatch",
    severity: Severity::Error,
    summary: "the selector of a workload does not match its own Pods",
    explanation: "The API server refuses a workload whose selector does not match the labels of its own template.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
  selector:
    matchLabels: {app: wbe}
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
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 2
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
