//! Codes of rollouts and promotion: 0500 to 0599.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const ROLLOUTS: &[&Code] = &[
    &PROMOTION_CYCLE,
    &CANARY_WEIGHTS,
    &STAGE_WITHOUT_EFFECT,
    &ROLLOUT_WORKLOAD,
    &ROLLOUT_SERVICE,
    &ROLLOUT_AUTOSCALER,
    &ROLLOUT_ONE_SIDED,
    &ROLLOUT_SELECTORS,
    &AUTOSCALED_REPLICAS,
];

pub static PROMOTION_CYCLE: Code = Code {
    number: 500,
    name: "promotion-cycle",
    severity: Severity::Error,
    summary: "an environment is promoted from itself, or in a circle",
    explanation: "Promotion takes what another environment has proved. Environments that wait for each other in a circle would never get anything.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    promote from="dev"
}
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
}
environment "prod" {
    cluster "default" namespace="prod"
    promote from="dev"
}
"#,
};

pub static CANARY_WEIGHTS: Code = Code {
    number: 501,
    name: "canary-weights",
    severity: Severity::Error,
    summary: "the weights of a canary's stages are out of order or never reach 100",
    explanation: "Each stage gives the new version a larger share than the one before, and the last one gives it everything: a canary that never reaches 100 would leave two versions running for ever.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" strategy="canary" {
        stage weight=25
        stage weight=50
    }
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 4
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1.4.2
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" strategy="canary" {
        stage weight=25
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
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1.4.2
"#,
};

pub static STAGE_WITHOUT_EFFECT: Code = Code {
    number: 502,
    name: "stage-without-effect",
    severity: Severity::Error,
    summary: "a stage of a canary changes no replica",
    explanation: "A share of the replicas is rounded up to whole ones. Where the manifest says how many there are, a stage with the same count as the one before it would only wait.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    rollout "web" strategy="canary" {
        stage weight=25
        stage weight=50
        stage weight=100
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
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    rollout "web" strategy="canary" {
        stage weight=50
        stage weight=100
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

pub static ROLLOUT_WORKLOAD: Code = Code {
    number: 503,
    name: "rollout-workload",
    severity: Severity::Error,
    summary: "a rollout of something that is no Deployment of the environment",
    explanation: "A rollout names a Deployment that the manifests of its environment render, by its final name.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    rollout "wep" strategy="canary" {
        stage weight=50
        stage weight=100
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
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    rollout "web" strategy="canary" {
        stage weight=50
        stage weight=100
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

pub static ROLLOUT_SERVICE: Code = Code {
    number: 504,
    name: "rollout-service",
    severity: Severity::Error,
    summary: "a Service selects only one side of a canary",
    explanation: "The canary's Pods have the labels of the stable ones and `waybill.dev/track: canary`. A Service must select both sides: otherwise the new version gets all of the traffic or none.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    rollout "web" strategy="canary" {
        stage weight=50
        stage weight=100
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
--- manifests/service.yaml
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: {app: web, waybill.dev/track: canary}
  ports:
    - port: 80
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    rollout "web" strategy="canary" {
        stage weight=50
        stage weight=100
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

pub static ROLLOUT_AUTOSCALER: Code = Code {
    number: 505,
    name: "rollout-autoscaler",
    severity: Severity::Error,
    summary: "an autoscaler counts the Pods of a canary",
    explanation: "An autoscaler measures the Pods that its target's selector matches. With the canary's among them it would count wrong, and it would set the replicas that the stages set. This version cannot roll out what is autoscaled.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    rollout "web" strategy="canary" {
        stage weight=50
        stage weight=100
    }
}
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
--- manifests/scaler.yaml
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  maxReplicas: 9
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: web
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
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
--- manifests/scaler.yaml
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  maxReplicas: 9
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: web
"#,
};

pub static ROLLOUT_ONE_SIDED: Code = Code {
    number: 506,
    name: "rollout-one-sided",
    severity: Severity::Warning,
    summary: "a disruption budget or network policy sees only one side of a canary",
    explanation: "The canary's Pods have the labels of the stable ones and `waybill.dev/track: canary`. What selects only one side protects, or lets through, only that one.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    rollout "web" strategy="canary" {
        stage weight=50
        stage weight=100
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
--- manifests/budget.yaml
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {app: web}
    matchExpressions:
      - {key: waybill.dev/track, operator: DoesNotExist}
"#,
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    rollout "web" strategy="canary" {
        stage weight=50
        stage weight=100
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
--- manifests/budget.yaml
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {app: web}
"#,
};

pub static ROLLOUT_SELECTORS: Code = Code {
    number: 507,
    name: "rollout-selectors",
    severity: Severity::Note,
    summary: "what sees the Pods of a rollout",
    explanation: "Lists every selector that sees the stable Pods of a rollout. Those that see both sides, such as a Service, treat the Pods of both versions alike, each by its share.",
    failing: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    rollout "web" strategy="canary" {
        stage weight=50
        stage weight=100
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
    fixed: r#"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "manifests"
    rollout "web" strategy="canary" {
        stage weight=50
        stage weight=100
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

pub static AUTOSCALED_REPLICAS: Code = Code {
    number: 508,
    name: "autoscaled-replicas",
    severity: Severity::Error,
    summary: "`replicas` stands in the manifest of what an autoscaler scales",
    explanation: "Each apply would set the replicas back to what the manifest says, and the autoscaler would set them again. Leave `replicas` out. Where the workload has no rollout this is a warning.",
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
--- manifests/scaler.yaml
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  maxReplicas: 9
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: web
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
  selector:
    matchLabels: {app: web}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: example.com/web:1
--- manifests/scaler.yaml
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  maxReplicas: 9
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: web
"#,
};
