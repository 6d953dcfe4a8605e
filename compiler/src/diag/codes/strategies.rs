//! Codes of what a rollout does besides its stages: 0515 to 0539.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const STRATEGIES: &[&Code] = &[
    &STRATEGY_MISMATCH,
    &ROUTE_MISSING,
    &LAST_STAGE,
    &MANUAL_WITHOUT_TIMEOUT,
    &HEADER_VALUE,
    &ROLLOUT_SERVICE_MISSING,
];

pub static STRATEGY_MISMATCH: Code = Code {
    number: 515,
    name: "strategy-mismatch",
    severity: Severity::Error,
    summary: "a rollout has parts of another strategy, or lacks its own",
    explanation: "A canary grows in stages. A blue-green rollout has no stages but a `switch` between two different Services, of which users reach one.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" strategy="blue-green" {
        stage weight=50
        stage weight=100
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" strategy="blue-green" {
        switch active="web" preview="web-preview"
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web-preview
spec:
  selector:
    app: web
  ports:
    - port: 80
"##,
};

pub static ROUTE_MISSING: Code = Code {
    number: 516,
    name: "route-missing",
    severity: Severity::Error,
    summary: "requests cannot be sent to the new version",
    explanation: "Headers and mirrors are rules of a route. The rollout must name it by `traffic`, and the route and its two Services must be in the manifests. An Ingress cannot mirror.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        stage weight=50 {
            header "x-canary" exact="1"
        }
        stage weight=100
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        traffic "web" stable="web" canary="web-canary"
        stage weight=50 {
            header "x-canary" exact="1"
        }
        stage weight=100
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web-canary
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
spec:
  rules:
    - backendRefs:
        - name: web
          port: 80
        - name: web-canary
          port: 80
"##,
};

pub static LAST_STAGE: Code = Code {
    number: 517,
    name: "last-stage",
    severity: Severity::Error,
    summary: "the last stage of a canary has something that it cannot have",
    explanation: "With the last stage the new version has everything and the old one goes: there is nobody left to mirror from, to single out by a header, or to wait for.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        traffic "web" stable="web" canary="web-canary"
        stage weight=50
        stage weight=100 {
            mirror percent=10
        }
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web-canary
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
spec:
  rules:
    - backendRefs:
        - name: web
          port: 80
        - name: web-canary
          port: 80
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        traffic "web" stable="web" canary="web-canary"
        stage weight=50 {
            mirror percent=10
        }
        stage weight=100
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web-canary
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
spec:
  rules:
    - backendRefs:
        - name: web
          port: 80
        - name: web-canary
          port: 80
"##,
};

pub static MANUAL_WITHOUT_TIMEOUT: Code = Code {
    number: 518,
    name: "manual-without-timeout",
    severity: Severity::Error,
    summary: "something waits for a person without an end",
    explanation: "Every wait has a deadline. A stage or switch that somebody must let go on fails when nobody did in time, and the old version comes back.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        stage weight=50 manual=#true
        stage weight=100
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        stage weight=50 manual=#true timeout="24h"
        stage weight=100
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
"##,
};

pub static HEADER_VALUE: Code = Code {
    number: 519,
    name: "header-value",
    severity: Severity::Error,
    summary: "a header rule does not say which value it wants",
    explanation: "A rule wants one thing of a header's value: `exact`, `prefix` or `regex`.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        traffic "web" stable="web" canary="web-canary"
        stage weight=50 {
            header "x-canary"
        }
        stage weight=100
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web-canary
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
spec:
  rules:
    - backendRefs:
        - name: web
          port: 80
        - name: web-canary
          port: 80
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        traffic "web" stable="web" canary="web-canary"
        stage weight=50 {
            header "x-canary" exact="1"
        }
        stage weight=100
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web-canary
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: web
spec:
  rules:
    - backendRefs:
        - name: web
          port: 80
        - name: web-canary
          port: 80
"##,
};

pub static ROLLOUT_SERVICE_MISSING: Code = Code {
    number: 520,
    name: "rollout-service-missing",
    severity: Severity::Error,
    summary: "a Service that a rollout switches is not there or selects other Pods",
    explanation: "The Services of a rollout are pointed at the Pods of one version. They must be in the environment's manifests and select the Pods of its Deployment.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" strategy="blue-green" {
        switch active="web" preview="web-preview"
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" strategy="blue-green" {
        switch active="web" preview="web-preview"
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector:
    app: web
  ports:
    - port: 80
---
apiVersion: v1
kind: Service
metadata:
  name: web-preview
spec:
  selector:
    app: web
  ports:
    - port: 80
"##,
};
