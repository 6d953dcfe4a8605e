//! Codes of what people otherwise debug for hours: 0385 to 0399.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const SYMPTOMS: &[&Code] =
    &[&PROBE_GIVES_UP, &OUTSIDE_CONTEXT, &NO_SHELL, &SHELL_EXPRESSION, &HELM_TEMPLATE, &NO_DEFAULT_CLASS];

pub static PROBE_GIVES_UP: Code = Code {
    number: 385,
    name: "probe-gives-up",
    severity: Severity::Warning,
    summary: "a probe or a deadline gives up before the start-up can finish",
    explanation: "A liveness probe kills its container after `initialDelaySeconds` and `failureThreshold` failures in `periodSeconds`. Where that is before the readiness probe asks for the first time, a slow start never ends: the Pod is in `CrashLoopBackOff` though nothing is wrong with it. In the same way a Deployment or an environment may stop waiting before the time that a `startupProbe` allows is over.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
    - name: web
      image: example.com/web:1
      livenessProbe:
        httpGet: {path: /, port: 80}
      readinessProbe:
        httpGet: {path: /, port: 80}
        initialDelaySeconds: 60
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
    - name: web
      image: example.com/web:1
      livenessProbe:
        httpGet: {path: /, port: 80}
      startupProbe:
        httpGet: {path: /, port: 80}
        failureThreshold: 12
      readinessProbe:
        httpGet: {path: /, port: 80}
        initialDelaySeconds: 60
"##,
};

pub static OUTSIDE_CONTEXT: Code = Code {
    number: 387,
    name: "outside-context",
    severity: Severity::Error,
    summary: "a Dockerfile, or what it copies, lies outside the build context",
    explanation: "A builder gets the folder that `context` names and nothing else. A Dockerfile above it is not there; a `COPY ../file` takes another file than it says in most builders, and is refused here (a warning at check, an error at plan).",
    failing: r##"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "api" context="source/api" dockerfile="../Dockerfile" tag="${param.revision.short}"
}
--- api/main.txt
main
--- Dockerfile
FROM scratch
COPY api /api
"##,
    fixed: r##"project "shop"
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "api" context="source" dockerfile="Dockerfile" tag="${param.revision.short}"
}
--- api/main.txt
main
--- Dockerfile
FROM scratch
COPY api /api
"##,
};

pub static NO_SHELL: Code = Code {
    number: 388,
    name: "no-shell",
    severity: Severity::Error,
    summary: "a text is to be run in an image without a shell",
    explanation: "The text of a step is run by `/bin/sh`, or by the program of its `#!` line; an image that is built from `scratch` or distroless has neither. The container ends with `exec: no such file or directory`. Only images of which this is known are found.",
    failing: r##"project "shop"
task "publish" {
    step "push" image="gcr.io/go-containerregistry/crane:v0.20.2" {
        run "crane push image.tar registry.example.com/shop/api"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "publish" use="publish"
}
"##,
    fixed: r##"project "shop"
task "publish" {
    step "push" image="gcr.io/go-containerregistry/crane:debug" {
        run "crane push image.tar registry.example.com/shop/api"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "publish" use="publish"
}
"##,
};

pub static SHELL_EXPRESSION: Code = Code {
    number: 389,
    name: "shell-expression",
    severity: Severity::Warning,
    summary: "a shell expression in a manifest",
    explanation: "Nothing expands `${NAME}` or `$(command)` in a manifest: it is applied as it is written. Where a script ran `envsubst` over it before, the value must be written, or set by the overlay. In `command`, `args` and `env` Kubernetes expands `$(NAME)` of the container's own variables, and no shell runs unless the command is one.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
    - name: web
      image: example.com/web:${TAG}
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
    - name: web
      image: example.com/web:1
"##,
};

pub static HELM_TEMPLATE: Code = Code {
    number: 390,
    name: "helm-template",
    severity: Severity::Error,
    summary: "a Helm template among plain manifests",
    explanation: "Templates are rendered by Helm and by nothing else. Where an action makes the text no YAML it is an error; where it is a text in quotes it would be applied as it is written, which is a warning. Render the chart into the project, or write an overlay.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: {{ .Values.name }}
spec:
  ports: [{port: 80}]
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  ports: [{port: 80}]
"##,
};

pub static NO_DEFAULT_CLASS: Code = Code {
    number: 391,
    name: "no-default-class",
    severity: Severity::Warning,
    summary: "a claim names no StorageClass, and no class of the cluster is the default",
    explanation: "A claim without `storageClassName` waits for the default class (`storageclass.kubernetes.io/is-default-class`). The manifests of the `cluster` block have classes, and none is the default: the claim stays `Pending`, and so do its Pods.",
    failing: r##"project "shop"
cluster "default" {
    manifests "platform.yaml"
}
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/claim.yaml
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
--- platform.yaml
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: fast
provisioner: example.com/disk
"##,
    fixed: r##"project "shop"
cluster "default" {
    manifests "platform.yaml"
}
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/claim.yaml
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
--- platform.yaml
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata:
  name: fast
  annotations: {storageclass.kubernetes.io/is-default-class: "true"}
provisioner: example.com/disk
"##,
};
