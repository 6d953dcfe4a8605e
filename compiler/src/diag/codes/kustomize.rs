//! Codes of what Kustomize has beyond fields: components, replacements, variables, transformers. 0619 to 0659.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const KUSTOMIZE: &[&Code] =
    &[&KUSTOMIZE_HELM, &KUSTOMIZE_FUNCTION, &REPLACEMENT, &VARIABLE, &COMPONENT_ROLE, &TRANSFORMER_CONFIG];

pub static KUSTOMIZE_HELM: Code = Code {
    number: 619,
    name: "kustomize-helm",
    severity: Severity::Error,
    summary: "a kustomization would have to run Helm",
    explanation: "Compiling runs no program and fetches nothing, so that the same commit always gives the same plan. \
`helmCharts` would run Helm. Commit what `helm template` prints: then a review shows what a new version of the chart \
changes.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml]
helmCharts:
  - name: redis
    version: 1.0.0
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  port: "80"
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
  name: a
data:
  port: "80"
"#,
};

pub static KUSTOMIZE_FUNCTION: Code = Code {
    number: 620,
    name: "kustomize-function",
    severity: Severity::Error,
    summary: "a kustomization would have to run a program",
    explanation: "Transformers, generators and validators that Kustomize has built in (`apiVersion: builtin`) are \
carried out. Others are programs or containers, and compiling runs none.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml]
transformers: [t.yaml]
--- manifests/t.yaml
apiVersion: example.com/v1
kind: Stamp
metadata:
  name: t
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  port: "80"
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml]
transformers: [t.yaml]
--- manifests/t.yaml
apiVersion: builtin
kind: LabelTransformer
metadata:
  name: t
labels: {team: shop}
fieldSpecs: [{path: metadata/labels, create: true}]
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  port: "80"
"#,
};

pub static REPLACEMENT: Code = Code {
    number: 621,
    name: "replacement",
    severity: Severity::Error,
    summary: "a replacement cannot be carried out",
    explanation: "A replacement copies a value from one field of exactly one object (or `sourceValue`) into fields \
that exist, or that `options: {create: true}` makes. A plain field keeps its type.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml]
replacements:
  - source: {kind: ConfigMap, name: b}
    targets: [{select: {kind: ConfigMap}, fieldPaths: [data.port]}]
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  port: "80"
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml]
replacements:
  - source: {kind: ConfigMap, name: a}
    targets: [{select: {kind: ConfigMap}, fieldPaths: [data.port]}]
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  port: "80"
"#,
};

pub static VARIABLE: Code = Code {
    number: 622,
    name: "kustomize-variable",
    severity: Severity::Error,
    summary: "a variable of `vars` has no value",
    explanation: "An entry of `vars` names one object, by apiVersion, kind and the name that it has in its file, and \
a plain field of it. Its name is used once.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml]
vars:
  - name: PORT
    objref: {apiVersion: v1, kind: ConfigMap, name: b}
    fieldref: {fieldPath: data.port}
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  port: "80"
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml]
vars:
  - name: PORT
    objref: {apiVersion: v1, kind: ConfigMap, name: a}
    fieldref: {fieldPath: data.port}
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  port: "80"
"#,
};

pub static COMPONENT_ROLE: Code = Code {
    number: 623,
    name: "component-role",
    severity: Severity::Error,
    summary: "a component is used as a base, or a base as a component",
    explanation: "A base is rendered alone, a component changes what the kustomization that lists it has gathered so \
far. Which one a folder is says its `kind`, and it must be listed accordingly: under `resources` or under \
`components`.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml, team]
--- manifests/team/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
labels: [{pairs: {team: shop}}]
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  port: "80"
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml]
components: [team]
--- manifests/team/kustomization.yaml
apiVersion: kustomize.config.k8s.io/v1alpha1
kind: Component
labels: [{pairs: {team: shop}}]
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  port: "80"
"#,
};

pub static TRANSFORMER_CONFIG: Code = Code {
    number: 624,
    name: "transformer-config",
    severity: Severity::Error,
    summary: "a transformer is configured wrongly",
    explanation: "What stands under `transformers`, `generators`, `validators`, `configurations` and `crds` has a \
fixed form: the kind must be built in, its fields must be known, field tables must agree with those that are there, \
and a validator may not change anything.",
    failing: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml]
transformers: [t.yaml]
--- manifests/t.yaml
apiVersion: builtin
kind: LabelsTransformer
metadata:
  name: t
labels: {team: shop}
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  port: "80"
"#,
    fixed: r#"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/kustomization.yaml
resources: [a.yaml]
transformers: [t.yaml]
--- manifests/t.yaml
apiVersion: builtin
kind: LabelTransformer
metadata:
  name: t
labels: {team: shop}
--- manifests/a.yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: a
data:
  port: "80"
"#,
};
