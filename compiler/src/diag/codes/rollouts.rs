//! Codes of rollouts and promotion: 0500 to 0599.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const ROLLOUTS: &[&Code] = &[&PROMOTION_CYCLE, &CANARY_WEIGHTS];

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
