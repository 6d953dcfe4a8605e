//! Codes of credentials and who may read them: 0380 to 0386.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const CREDENTIALS: &[&Code] = &[
    &SECRET_ELSEWHERE,
    &CREDENTIAL_MISSING,
    &PULL_SECRET_UNUSED,
    &WEBHOOK_SECRET,
    &WEBHOOK_HOST,
    &SERVICE_ACCOUNT_SECRET,
];

pub static SECRET_ELSEWHERE: Code = Code {
    number: 380,
    name: "secret-elsewhere",
    severity: Severity::Error,
    summary: "a Secret is in another namespace than the Pod that needs it",
    explanation: "A Pod reads Secrets of its own namespace only; `imagePullSecrets` are no exception. The Pods stay in `ContainerCreating`, or their image in `ImagePullBackOff`. Each namespace needs a Secret of its own, which a store can fill from one place.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
environment "tools" {
    cluster "default" namespace="tools"
    manifests "tools"
    secret "reg-cred" type="dockerconfigjson" { existing; }
}
--- manifests/web.yaml
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  imagePullSecrets: [{name: reg-cred}]
  containers:
    - name: web
      image: registry.example.com/shop/web:1
--- tools/settings.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    secret "reg-cred" type="dockerconfigjson" { existing; }
}
environment "tools" {
    cluster "default" namespace="tools"
    manifests "tools"
    secret "reg-cred" type="dockerconfigjson" { existing; }
}
--- manifests/web.yaml
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  imagePullSecrets: [{name: reg-cred}]
  containers:
    - name: web
      image: registry.example.com/shop/web:1
--- tools/settings.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
"##,
};

pub static CREDENTIAL_MISSING: Code = Code {
    number: 381,
    name: "credential-missing",
    severity: Severity::Warning,
    summary: "a build, a pull or a push needs a credential that is not known to be where it runs",
    explanation: "A build pushes with the `push` Secret of its registry, and pulls its base with the `pull` Secret; both are read in the namespace of the pipeline. A server pushes bumps with the `credentials` of the repository, from its own namespace. Say that they are there, by a `secret` block in the pipeline or the server.",
    failing: r##"project "shop" {
    registry "registry.example.com/shop" { push secret="reg-push"; }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "api" context="source" tag="${param.revision.short}" name="registry.example.com/shop/api"
}
--- Dockerfile
FROM scratch
COPY api /api
"##,
    fixed: r##"project "shop" {
    registry "registry.example.com/shop" { push secret="reg-push"; }
}
pipeline "ci" {
    runs-on namespace="ci"
    secret "reg-push" type="dockerconfigjson" { existing; }
    param "revision" type="commit"
    workspace "source"
    checkout "source" revision="${param.revision}"
    image "api" context="source" tag="${param.revision.short}" name="registry.example.com/shop/api"
}
--- Dockerfile
FROM scratch
COPY api /api
"##,
};

pub static PULL_SECRET_UNUSED: Code = Code {
    number: 382,
    name: "pull-secret-unused",
    severity: Severity::Warning,
    summary: "a Pod pulls from a registry without the Secret for it",
    explanation: "The project says that this registry is pulled from with a Secret, and neither the Pod nor its service account names it. Unless the nodes have credentials, the image stays in `ImagePullBackOff`.",
    failing: r##"project "shop" {
    registry "registry.example.com/shop" { pull secret="reg-pull"; }
}
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    secret "reg-pull" type="dockerconfigjson" { existing; }
}
--- manifests/web.yaml
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  containers:
    - name: web
      image: registry.example.com/shop/web:1
"##,
    fixed: r##"project "shop" {
    registry "registry.example.com/shop" { pull secret="reg-pull"; }
}
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    secret "reg-pull" type="dockerconfigjson" { existing; }
}
--- manifests/web.yaml
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}}
spec:
  imagePullSecrets: [{name: reg-pull}]
  containers:
    - name: web
      image: registry.example.com/shop/web:1
"##,
};

pub static WEBHOOK_SECRET: Code = Code {
    number: 383,
    name: "webhook-secret",
    severity: Severity::Error,
    summary: "the Secret that signs a webhook is not where the server runs",
    explanation: "The server checks the signature of every delivery with this key, and refuses all of them without it: nothing ever starts, and the forge shows failed deliveries. Without a `server` block nobody knows where the Secret should be, which is a warning.",
    failing: r##"project "shop"
task "test" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
server "https://hooks.example.com" namespace="waybill" {
    secret "webhook-hmca" { existing; }
}
trigger "push" {
    github event="push" secret="webhook-hmac"
    run "ci"
}
"##,
    fixed: r##"project "shop"
task "test" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
server "https://hooks.example.com" namespace="waybill" {
    secret "webhook-hmac" { existing; }
}
trigger "push" {
    github event="push" secret="webhook-hmac"
    run "ci"
}
"##,
};

pub static WEBHOOK_HOST: Code = Code {
    number: 384,
    name: "webhook-host",
    severity: Severity::Warning,
    summary: "webhooks are sent to another host than the one that is let in",
    explanation: "Forges send to the host of the server's URL, and the Ingresses and routes of its namespace let in other hosts only: the deliveries end in a 404 of the ingress controller. A proxy in front may rename the host; then all is well.",
    failing: r##"project "shop"
server "https://hooks.example.com" namespace="waybill"
environment "tools" {
    cluster "default" namespace="waybill"
    manifests "waybill"
}
--- waybill/ingress.yaml
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: waybill}
spec:
  rules:
    - host: hook.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: {service: {name: waybill, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: waybill}
spec:
  ports: [{port: 80}]
"##,
    fixed: r##"project "shop"
server "https://hooks.example.com" namespace="waybill"
environment "tools" {
    cluster "default" namespace="waybill"
    manifests "waybill"
}
--- waybill/ingress.yaml
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: waybill}
spec:
  rules:
    - host: hooks.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend: {service: {name: waybill, port: {number: 80}}}
---
apiVersion: v1
kind: Service
metadata: {name: waybill}
spec:
  ports: [{port: 80}]
"##,
};

pub static SERVICE_ACCOUNT_SECRET: Code = Code {
    number: 386,
    name: "service-account-secret",
    severity: Severity::Warning,
    summary: "a service account cannot read its Secret",
    explanation: "A store of another namespace is read with a service account that no Role of the manifests lets `get` the Secrets there; or a Role names a Secret that its namespace does not have; or an account with `kubernetes.io/enforce-mountable-secrets` does not list a Secret that its Pods use. What reads them fails with `forbidden`, long after it was applied.",
    failing: r##"project "shop"
secret-store "shared" { kubernetes "shared" service-account="reader"; }
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    secret "db" { kubernetes "db" store="shared"; }
}
cluster "default" {
    manifests "platform.yaml"
}
--- manifests/reader.yaml
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader}
--- platform.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shared}
rules:
  - apiGroups: [""]
    resources: [secrets]
    verbs: [list]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shared}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: dev}]
"##,
    fixed: r##"project "shop"
secret-store "shared" { kubernetes "shared" service-account="reader"; }
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    secret "db" { kubernetes "db" store="shared"; }
}
cluster "default" {
    manifests "platform.yaml"
}
--- manifests/reader.yaml
apiVersion: v1
kind: ServiceAccount
metadata: {name: reader}
--- platform.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader, namespace: shared}
rules:
  - apiGroups: [""]
    resources: [secrets]
    verbs: [get, list]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: reader, namespace: shared}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
subjects: [{kind: ServiceAccount, name: reader, namespace: dev}]
"##,
};
