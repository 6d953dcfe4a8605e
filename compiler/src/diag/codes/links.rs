//! Codes of references between the objects of an environment: 0411 to 0439.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const LINKS: &[&Code] = &[
    &CONFIG_MAP_MISSING,
    &CONFIG_KEY_MISSING,
    &SERVICE_ACCOUNT_MISSING,
    &CLAIM_MISSING,
    &ROLE_MISSING,
    &CLASS_MISSING,
    &SERVICE_MISSING,
    &SERVICE_PORT_MISSING,
    &SCALE_TARGET_MISSING,
    &TARGET_PORT_MISSING,
    &SELECTS_NO_PODS,
    &PROBE_PORT_MISSING,
];

pub static CONFIG_MAP_MISSING: Code = Code {
    number: 411,
    name: "config-map-missing",
    severity: Severity::Warning,
    summary: "an object needs a ConfigMap that its environment does not have",
    explanation: "The Pods cannot start before somebody makes the ConfigMap. If it is made by hand or by an operator, all is well; most often its name was changed in one place. With `optional: true` nothing is said.",
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
      env:
        - name: LEVEL
          valueFrom:
            configMapKeyRef: {name: wbe, key: level}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {level: info}
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
      env:
        - name: LEVEL
          valueFrom:
            configMapKeyRef: {name: web, key: level}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {level: info}
"##,
};

pub static CONFIG_KEY_MISSING: Code = Code {
    number: 412,
    name: "config-key-missing",
    severity: Severity::Error,
    summary: "a key of a ConfigMap is read that it does not have",
    explanation: "The ConfigMap is in the manifests of the same environment, and the key is not in it: the container is never started (`CreateContainerConfigError`), or the volume never mounted.",
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
      env:
        - name: LEVEL
          valueFrom:
            configMapKeyRef: {name: web, key: lvel}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {level: info}
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
      env:
        - name: LEVEL
          valueFrom:
            configMapKeyRef: {name: web, key: level}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data: {level: info}
"##,
};

pub static SERVICE_ACCOUNT_MISSING: Code = Code {
    number: 413,
    name: "service-account-missing",
    severity: Severity::Warning,
    summary: "a ServiceAccount is named that the environment does not have",
    explanation: "The API server refuses Pods of a ServiceAccount that is not there: a Deployment then stands without Pods, and only an event says why.",
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
  serviceAccountName: wbe
  containers:
    - name: web
      image: example.com/web:1
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
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
  serviceAccountName: web
  containers:
    - name: web
      image: example.com/web:1
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: web}
"##,
};

pub static CLAIM_MISSING: Code = Code {
    number: 414,
    name: "claim-missing",
    severity: Severity::Warning,
    summary: "a Pod mounts a claim that the environment does not have",
    explanation: "Pods with a claim that is not there stay `Pending`. A claim that was made by hand is not in the manifests; then this is no mistake.",
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
  volumes:
    - name: data
      persistentVolumeClaim: {claimName: wbe-data}
  containers:
    - name: web
      image: example.com/web:1
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web-data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
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
  volumes:
    - name: data
      persistentVolumeClaim: {claimName: web-data}
  containers:
    - name: web
      image: example.com/web:1
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web-data}
spec:
  accessModes: [ReadWriteOnce]
  resources: {requests: {storage: 1Gi}}
"##,
};

pub static ROLE_MISSING: Code = Code {
    number: 415,
    name: "role-missing",
    severity: Severity::Warning,
    summary: "a binding gives a role that nothing provides",
    explanation: "A binding to a role that is not there is accepted, and gives nothing. The roles `admin`, `edit`, `view`, `cluster-admin` and those that begin with `system:` are in every cluster.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
subjects:
  - {kind: ServiceAccount, name: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: raeder}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
  - {apiGroups: [""], resources: [pods], verbs: [get]}
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: web}
subjects:
  - {kind: ServiceAccount, name: default}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: reader}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: reader}
rules:
  - {apiGroups: [""], resources: [pods], verbs: [get]}
"##,
};

pub static CLASS_MISSING: Code = Code {
    number: 416,
    name: "class-missing",
    severity: Severity::Warning,
    summary: "a class of storage, ingress, priority or runtime is named that nothing provides",
    explanation: "Classes belong to the cluster. Where the `cluster` block has manifests and the class is not among them, it has to be there by other means: a claim of an unknown StorageClass stays `Pending`, and a Pod of an unknown PriorityClass is refused.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
cluster "default" {
    manifests "platform"
}
--- manifests/web.yaml
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: fast
  resources: {requests: {storage: 1Gi}}
--- platform/classes.yaml
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: quick}
provisioner: example.com/disks
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
cluster "default" {
    manifests "platform"
}
--- manifests/web.yaml
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web}
spec:
  accessModes: [ReadWriteOnce]
  storageClassName: quick
  resources: {requests: {storage: 1Gi}}
--- platform/classes.yaml
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: quick}
provisioner: example.com/disks
"##,
};

pub static SERVICE_MISSING: Code = Code {
    number: 417,
    name: "service-missing",
    severity: Severity::Warning,
    summary: "a Service is named that the environment does not have",
    explanation: "An Ingress, a route or a StatefulSet names a Service that is not in the manifests: requests get an error, and the Pods of a StatefulSet get no names.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  defaultBackend:
    service: {name: wbe, port: {name: http}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
    - {name: http, port: 80}
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  defaultBackend:
    service: {name: web, port: {name: http}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
    - {name: http, port: 80}
"##,
};

pub static SERVICE_PORT_MISSING: Code = Code {
    number: 418,
    name: "service-port-missing",
    severity: Severity::Error,
    summary: "a port of a Service is named that it does not have",
    explanation: "The Service is in the manifests of the same environment, and has no port of this name or number: requests get an error for ever.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  defaultBackend:
    service: {name: web, port: {name: https}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
    - {name: http, port: 80}
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec:
  defaultBackend:
    service: {name: web, port: {name: http}}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
    - {name: http, port: 80}
"##,
};

pub static SCALE_TARGET_MISSING: Code = Code {
    number: 419,
    name: "scale-target-missing",
    severity: Severity::Warning,
    summary: "an autoscaler scales a workload that the environment does not have",
    explanation: "A HorizontalPodAutoscaler whose target is not there scales nothing; only its status says so.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: wbe}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "example.com/web:1"}]
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
}
--- manifests/web.yaml
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: web}
spec:
  maxReplicas: 3
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "example.com/web:1"}]
"##,
};

pub static TARGET_PORT_MISSING: Code = Code {
    number: 420,
    name: "target-port-missing",
    severity: Severity::Error,
    summary: "a Service leads to a port that no container of its Pods has",
    explanation: "A `targetPort` that is a name is looked up in the containers of each Pod that the Service selects. No container has it, so the Service leads nowhere.",
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
      ports:
        - {name: http, containerPort: 8080}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
    - {port: 80, targetPort: web}
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
      ports:
        - {name: http, containerPort: 8080}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  selector: {app: web}
  ports:
    - {port: 80, targetPort: http}
"##,
};

pub static SELECTS_NO_PODS: Code = Code {
    number: 421,
    name: "selects-no-pods",
    severity: Severity::Warning,
    summary: "a disruption budget or network policy selects no Pods of its environment",
    explanation: "No Pod template of the manifests has the labels: the budget protects nothing, the policy confines nobody.",
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
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  minAvailable: 1
  selector: {matchLabels: {app: wbe}}
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
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: web}
spec:
  minAvailable: 1
  selector: {matchLabels: {app: web}}
"##,
};

pub static PROBE_PORT_MISSING: Code = Code {
    number: 422,
    name: "probe-port-missing",
    severity: Severity::Error,
    summary: "a probe asks a port that its container does not have",
    explanation: "The port of a probe that is a name is looked up among the ports of the same container. It has none of this name, so the probe fails each time: the container is never ready, or is restarted for ever.",
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
      ports:
        - {name: http, containerPort: 8080}
      readinessProbe: {tcpSocket: {port: web}}
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
      ports:
        - {name: http, containerPort: 8080}
      readinessProbe: {tcpSocket: {port: http}}
"##,
};
