//! Codes of objects judged by the schemas of an API server: 0900 to 0949.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const SCHEMAS: &[&Code] = &[
    &KIND_UNKNOWN,
    &API_VERSION_REMOVED,
    &FIELD_UNKNOWN,
    &FIELD_TYPE,
    &FIELD_REQUIRED,
    &FIELD_VALUE,
    &OBJECT_NAME,
    &OBJECT_METADATA,
    &SCHEMA_UNKNOWN,
    &NOT_AN_OBJECT,
    &SCHEMAS_EMPTY,
    &IMMUTABLE_FIELD,
];

pub static KIND_UNKNOWN: Code = Code {
    number: 900,
    name: "kind-unknown",
    severity: Severity::Error,
    summary: "the API server has no such kind",
    explanation: "The group of `apiVersion` is one of Kubernetes itself, and it has no kind of this name: the object is refused. Where the kind belongs to another group, the help says which.",
    failing: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: v1
kind: ConfigMapp
metadata: {name: web}
data: {a: "1"}
"##,
    fixed: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {a: "1"}
"##,
};

pub static API_VERSION_REMOVED: Code = Code {
    number: 901,
    name: "api-version-removed",
    severity: Severity::Error,
    summary: "a kind is not served in this version",
    explanation: "Old versions of an API are removed after some releases, and what still names them is refused. The help names the version that is served; its fields may differ.",
    failing: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: tidy}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: tidy
              image: example.com/tidy:1
"##,
    fixed: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: batch/v1
kind: CronJob
metadata: {name: tidy}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers:
            - name: tidy
              image: example.com/tidy:1
"##,
};

pub static FIELD_UNKNOWN: Code = Code {
    number: 902,
    name: "field-unknown",
    severity: Severity::Error,
    summary: "an object has a field that its kind does not have",
    explanation: "A field that the schema of the kind does not name is refused by a strict API server, and silently dropped by a lenient one, which is worse: what was meant never happens.",
    failing: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
dat: {a: "1"}
"##,
    fixed: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {a: "1"}
"##,
};

pub static FIELD_TYPE: Code = Code {
    number: 903,
    name: "field-type",
    severity: Severity::Error,
    summary: "a field has a value of the wrong type",
    explanation: "The schema of the kind asks for another type. Often YAML took `yes`, `on` or `1.0` for a truth value or a number where a text is needed: put it into quotes.",
    failing: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {debug: yes}
"##,
    fixed: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {debug: "yes"}
"##,
};

pub static FIELD_REQUIRED: Code = Code {
    number: 904,
    name: "field-required",
    severity: Severity::Error,
    summary: "an object lacks a field that its kind needs",
    explanation: "Without this field the API server refuses the object. The finding points to where the field would stand.",
    failing: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules:
  - apiGroups: [""]
    resources: [pods]
"##,
    fixed: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: web}
rules:
  - apiGroups: [""]
    resources: [pods]
    verbs: [get]
"##,
};

pub static FIELD_VALUE: Code = Code {
    number: 905,
    name: "field-value",
    severity: Severity::Error,
    summary: "a field has a value that is not allowed",
    explanation: "The type is right and the value is not: it is not one of those that are allowed, not of the format, out of range, or it breaks a bound that the schema sets.",
    failing: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
binaryData: {logo: "not base64"}
"##,
    fixed: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
binaryData: {logo: "aGVsbG8="}
"##,
};

pub static OBJECT_NAME: Code = Code {
    number: 906,
    name: "object-name",
    severity: Severity::Error,
    summary: "an object has no name, or one that its kind does not take",
    explanation: "Names are parts of addresses and often of host names: most kinds take lower-case letters, digits, `-` and `.`, some no `.` and at most 63 characters.",
    failing: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: Web_1}
"##,
    fixed: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
"##,
};

pub static OBJECT_METADATA: Code = Code {
    number: 907,
    name: "object-metadata",
    severity: Severity::Error,
    summary: "labels, annotations or other metadata that the API server refuses",
    explanation: "Keys of labels and annotations are `NAME` or `PREFIX/NAME`, values of labels have at most 63 letters, digits, `-`, `_` and `.`; a kind without namespaces takes none.",
    failing: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web, labels: {team: "shop and cart"}}
"##,
    fixed: r##"project "shop"
environment "dev" {
    manifests "manifests"
    cluster "default" namespace="dev"
}
--- manifests/object.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: web, labels: {team: shop-and-cart}}
"##,
};

pub static SCHEMA_UNKNOWN: Code = Code {
    number: 908,
    name: "schema-unknown",
    severity: Severity::Note,
    summary: "a custom kind whose schema is not known",
    explanation: "The kind is not one of Kubernetes itself and no CustomResourceDefinition of it was found: only its metadata was checked. `--schemas` names a folder of definitions.",
    failing: "",
    fixed: "",
};

pub static NOT_AN_OBJECT: Code = Code {
    number: 909,
    name: "not-an-object",
    severity: Severity::Note,
    summary: "a document that is no Kubernetes object",
    explanation: "Documents without `apiVersion` and `kind`, and kustomizations, are passed over when plain manifests are checked. A kustomization is checked by naming its folder.",
    failing: "",
    fixed: "",
};

pub static SCHEMAS_EMPTY: Code = Code {
    number: 910,
    name: "schemas-empty",
    severity: Severity::Error,
    summary: "the folder of `--schemas` has no definitions",
    explanation: "No file below the folder holds a CustomResourceDefinition of `apiextensions.k8s.io/v1`, so that nothing would be checked with it.",
    failing: "",
    fixed: "",
};

pub static IMMUTABLE_FIELD: Code = Code {
    number: 911,
    name: "immutable-field",
    severity: Severity::Error,
    summary: "an update would change a field that stays as it was made",
    explanation: "Selectors of workloads, claim templates of a StatefulSet, the template of a Job, the `roleRef` of a binding and some other fields cannot be changed: the API server refuses the update. The plan finds it before anything is applied. The way out is another name, or to delete the object first.",
    failing: "",
    fixed: "",
};
