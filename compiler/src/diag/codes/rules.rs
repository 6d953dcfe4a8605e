//! Codes of the rules that an API server has in code: 0950 to 0999.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const RULES: &[&Code] = &[
    &REQUIRED_BY_RULE,
    &FIELD_FORBIDDEN,
    &DUPLICATE_ENTRY,
    &UNKNOWN_VOLUME,
    &OUT_OF_RANGE,
    &UNSUPPORTED_VALUE,
    &FIELDS_EXCLUDE,
    &INVALID_VALUE,
    &RESTART_POLICY,
    &INVALID_PATH,
    &RESOURCE_LIMITS,
    &PROBE,
    &INVALID_CRON,
    &INVALID_KEY,
    &SECRET_TYPE_KEYS,
    &RBAC_RULE,
];

pub static REQUIRED_BY_RULE: Code = Code {
    number: 950,
    name: "required-by-rule",
    severity: Severity::Error,
    summary: "an object lacks a field that the API server asks for in code",
    explanation: r#"Some fields are optional in the schema of a kind, and the API server refuses the object without them: the image of a container, the ports of a Service, one source of a volume."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      command: [serve]
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
"#,
};

pub static FIELD_FORBIDDEN: Code = Code {
    number: 951,
    name: "field-not-allowed",
    severity: Severity::Error,
    summary: "an object has a field that may not be where it is",
    explanation: r#"A field may be known and still not be allowed beside others: the `nodePort` of a Service of the type `ClusterIP`, the probes of an init container, a namespace for what belongs to none. The API server refuses the object."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
  initContainers:
    - name: first
      image: example.com/first:1
      readinessProbe: {exec: {command: [ls]}}
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
  initContainers:
    - {name: first, image: "example.com/first:1"}
"#,
};

pub static DUPLICATE_ENTRY: Code = Code {
    number: 952,
    name: "duplicate-entry",
    severity: Severity::Error,
    summary: "two entries of a list have the name or number that must be unique",
    explanation: r#"Containers, volumes, ports and their like are told apart by a name, a number or a path. The API server refuses an object in which two have the same."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
    - name: web
      image: example.com/side:1
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
    - name: side
      image: example.com/side:1
"#,
};

pub static UNKNOWN_VOLUME: Code = Code {
    number: 953,
    name: "unknown-volume",
    severity: Severity::Error,
    summary: "a container mounts a volume that its Pod does not have",
    explanation: r#"The name of a mount is the name of an entry of `volumes` of the same Pod. For a StatefulSet it can be one of `volumeClaimTemplates` too."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
      volumeMounts: [{name: data, mountPath: /data}]
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
      volumeMounts: [{name: data, mountPath: /data}]
  volumes: [{name: data, emptyDir: {}}]
"#,
};

pub static OUT_OF_RANGE: Code = Code {
    number: 954,
    name: "number-out-of-range",
    severity: Severity::Error,
    summary: "a number of an object is outside of what the API server allows",
    explanation: r#"Ports are from 1 to 65535, counts and seconds are not negative, and some numbers have limits of their own. The API server refuses the object."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
      ports: [{containerPort: 80800}]
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
      ports: [{containerPort: 8080}]
"#,
};

pub static UNSUPPORTED_VALUE: Code = Code {
    number: 955,
    name: "unsupported-value",
    severity: Severity::Error,
    summary: "a field has a word that is not one of those it can have",
    explanation: r#"Many fields have a closed set of words, in which upper and lower case matter. The API server refuses any other."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
      resources: {limits: {diskspace: 1Gi}}
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
      resources: {limits: {ephemeral-storage: 1Gi}}
"#,
};

pub static FIELDS_EXCLUDE: Code = Code {
    number: 956,
    name: "fields-exclude-each-other",
    severity: Severity::Error,
    summary: "an object has several fields of which one is allowed",
    explanation: r#"A volume has one source, a probe one handler, a variable either a value or where it comes from. The API server refuses an object that says more than one."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
  volumes: [{name: data, emptyDir: {}, hostPath: {path: /data}}]
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
  volumes: [{name: data, emptyDir: {}}]
"#,
};

pub static INVALID_VALUE: Code = Code {
    number: 957,
    name: "invalid-value",
    severity: Severity::Error,
    summary: "a field of an object has a text that the API server does not take",
    explanation: r#"Names within an object, addresses, host names, percentages and label selectors have a syntax that the API server checks in code. It refuses the object."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: Web_1
      image: example.com/web:1
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
"#,
};

pub static RESTART_POLICY: Code = Code {
    number: 958,
    name: "restart-policy",
    severity: Severity::Error,
    summary: "the Pods of a kind cannot have this `restartPolicy`",
    explanation: r#"The Pods of a Job run to an end: their `restartPolicy` is `OnFailure` or `Never`, and must be written, for the default is `Always`. The Pods of all other workloads run on: theirs is `Always`."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Always
          containers: [{name: work, image: "example.com/work:1"}]
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: work, image: "example.com/work:1"}]
"#,
};

pub static INVALID_PATH: Code = Code {
    number: 959,
    name: "invalid-path",
    severity: Severity::Error,
    summary: "a path of an object is absolute, relative or leads out where it must not",
    explanation: r#"Paths within a volume are relative and never go up by `..`; the paths of an Ingress begin with `/`. The API server refuses others."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
      volumeMounts: [{name: data, mountPath: /data, subPath: ../other}]
  volumes: [{name: data, emptyDir: {}}]
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
      volumeMounts: [{name: data, mountPath: /data, subPath: other}]
  volumes: [{name: data, emptyDir: {}}]
"#,
};

pub static RESOURCE_LIMITS: Code = Code {
    number: 960,
    name: "request-above-limit",
    severity: Severity::Error,
    summary: "more is requested than the limit allows",
    explanation: r#"What a container requests is kept free for it, and its limit is what it gets at most: a request is not more than the limit, and equals it for what cannot be shared, as GPUs. In a LimitRange the least is not more than the most."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
      resources: {requests: {memory: 2Gi}, limits: {memory: 1Gi}}
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
      resources: {requests: {memory: 1Gi}, limits: {memory: 1Gi}}
"#,
};

pub static PROBE: Code = Code {
    number: 961,
    name: "probe-threshold",
    severity: Severity::Error,
    summary: "a liveness or startup probe wants more than one success",
    explanation: r#"One success is enough for a liveness or a startup probe, and the API server takes no other `successThreshold`. Only a readiness probe can ask for several in a row."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
      livenessProbe: {exec: {command: [ls]}, successThreshold: 2}
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Pod
metadata: {name: web}
spec:
  containers:
    - name: web
      image: example.com/web:1
      livenessProbe: {exec: {command: [ls]}}
"#,
};

pub static INVALID_CRON: Code = Code {
    number: 962,
    name: "cron-schedule",
    severity: Severity::Error,
    summary: "the schedule or the time zone of a CronJob cannot be read",
    explanation: r#"A schedule has five fields: minute, hour, day of the month, month and day of the week, or is a word as `@daily`. Its time zone is not part of it, but the field `timeZone`."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 25 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: work, image: "example.com/work:1"}]
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: work, image: "example.com/work:1"}]
"#,
};

pub static INVALID_KEY: Code = Code {
    number: 963,
    name: "data-key",
    severity: Severity::Error,
    summary: "a key of a ConfigMap or Secret cannot be the name of a file",
    explanation: r#"Keys become names of files and variables: they have letters, digits, `-`, `_` and `.` only, and at most 253 of them. The path of a file in a volume is said by `items` of the volume."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {"etc/app.conf": "a"}
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {app.conf: "a"}
"#,
};

pub static SECRET_TYPE_KEYS: Code = Code {
    number: 965,
    name: "secret-type-keys",
    severity: Severity::Error,
    summary: "a Secret lacks what its type needs",
    explanation: r#"Some types of Secret promise certain keys: `kubernetes.io/tls` has `tls.crt` and `tls.key`, `kubernetes.io/dockerconfigjson` has `.dockerconfigjson` with JSON in it. The API server refuses a Secret without them."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: Secret
metadata: {name: cert}
type: kubernetes.io/tls
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: "b"}
"#,
};

pub static RBAC_RULE: Code = Code {
    number: 966,
    name: "rbac-rule",
    severity: Severity::Error,
    summary: "a rule of a Role allows nothing that can be asked for",
    explanation: r#"A rule names verbs, and either API groups with resources or, in a ClusterRole, the URLs of what is no resource. The core group is written as `""`."#,
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
  - resources: [pods]
    verbs: [get]
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/all.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
  - apiGroups: [""]
    resources: [pods]
    verbs: [get]
"#,
};
