//! Codes of how environments take their objects: 0330 to 0349.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const DELIVERY: &[&Code] = &[
    &SAME_CLUSTER_TWICE,
    &BAD_TIME,
    &WINDOW_NEVER_OPENS,
    &FREEZE_ORDER,
    &HOOK_OBJECT,
    &IGNORE_WITHOUT_FIELD,
    &SELECTS_NOTHING,
    &TWO_WAVES,
    &CHANNEL_WAY,
    &CREDENTIAL_IN_URL,
    &FOREIGN_HOOK,
    &NUMBER_TOO_SMALL,
    &NO_NAMESPACE_IN_CLUSTER,
];

pub static SAME_CLUSTER_TWICE: Code = Code {
    number: 330,
    name: "same-cluster-twice",
    severity: Severity::Error,
    summary: "an environment names one place twice",
    explanation: "Each `cluster` of an environment is a further place for the same objects. The same cluster and namespace again would write them twice.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    cluster "default" namespace="dev"
}
"##,
    fixed: r##"project "shop"
cluster "second" context="second"
environment "dev" {
    cluster "default" namespace="dev"
    cluster "second" namespace="dev"
}
"##,
};

pub static BAD_TIME: Code = Code {
    number: 331,
    name: "bad-time",
    severity: Severity::Error,
    summary: "a schedule, a time zone or a date cannot be read",
    explanation: "Schedules are five fields of cron, time zones are names of the IANA database such as `Europe/Berlin`, and moments are written as `2026-12-20` or `2026-12-20T18:00`.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    window "work" schedule="0 9 * * 1-5" duration="8h" timezone="Europe/Berlim"
}
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    window "work" schedule="0 9 * * 1-5" duration="8h" timezone="Europe/Berlin"
}
"##,
};

pub static WINDOW_NEVER_OPENS: Code = Code {
    number: 332,
    name: "window-never-opens",
    severity: Severity::Error,
    summary: "no apply could ever begin",
    explanation: "A schedule that never comes, or a `deny` window that is always open, would keep every version out for ever.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    window "leap" schedule="0 9 30 2 *" duration="8h"
}
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    window "leap" schedule="0 9 28 2 *" duration="8h"
}
"##,
};

pub static FREEZE_ORDER: Code = Code {
    number: 333,
    name: "freeze-order",
    severity: Severity::Error,
    summary: "a freeze ends before it begins",
    explanation: "A freeze lasts from its first moment to the first one after it. With both turned round it would never stop anything.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    freeze "winter" from="2027-01-03" until="2026-12-20" reason="holidays"
}
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    freeze "winter" from="2026-12-20" until="2027-01-03" reason="holidays"
}
"##,
};

pub static HOOK_OBJECT: Code = Code {
    number: 334,
    name: "hook-object",
    severity: Severity::Error,
    summary: "a hook is no Job or Pod of the manifests",
    explanation: "A hook runs an object of the environment's manifests to its end, so it must be there and be something that ends: a Job or a Pod.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    hook "web" at="before-sync"
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
    hook "migrate" at="before-sync"
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
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: migrate
          image: registry.example.com/web:1.4.2
"##,
};

pub static IGNORE_WITHOUT_FIELD: Code = Code {
    number: 335,
    name: "ignore-without-field",
    severity: Severity::Error,
    summary: "an ignore rule does not say what is ignored",
    explanation: "A rule names a `field` or a field `manager`. What makes an object itself - its kind, its version, its name and its namespace - cannot be ignored.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    ignore kind="apps/Deployment"
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
    ignore kind="apps/Deployment" field="spec.replicas"
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

pub static SELECTS_NOTHING: Code = Code {
    number: 336,
    name: "selects-nothing",
    severity: Severity::Error,
    summary: "a rule for objects matches no object of the manifests",
    explanation: "A wave or an ignore rule that matches nothing is most often a slip in a kind or a name: what was meant would go on without it.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    ignore kind="apps/Deployment" name="wbe" field="spec.replicas"
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
    ignore kind="apps/Deployment" name="web" field="spec.replicas"
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

pub static TWO_WAVES: Code = Code {
    number: 337,
    name: "two-waves",
    severity: Severity::Error,
    summary: "an object is in two waves",
    explanation: "Each object is applied once, in one wave. In two of them it would have to wait for itself.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    wave "first" {
        object kind="Deployment"
    }
    wave "second" {
        object kind="apps/Deployment" name="web"
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
    wave "first" {
        object kind="Deployment"
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

pub static CHANNEL_WAY: Code = Code {
    number: 338,
    name: "channel-way",
    severity: Severity::Error,
    summary: "a channel has no way to send, or several",
    explanation: "A channel is one address: `slack`, `teams`, `webhook` or `email`. For several of them define several channels.",
    failing: r##"project "shop"
channel "team"
environment "dev" {
    cluster "default" namespace="dev"
    notify "team" {
        events "failed"
    }
}
"##,
    fixed: r##"project "shop"
channel "team" {
    slack channel="#deploys" secret="slack"
}
environment "dev" {
    cluster "default" namespace="dev"
    notify "team" {
        events "failed"
    }
}
"##,
};

pub static CREDENTIAL_IN_URL: Code = Code {
    number: 339,
    name: "credential-in-url",
    severity: Severity::Error,
    summary: "an address holds a credential",
    explanation: "Whoever reads the repository reads the address. An address with a password in it, or one that is itself the key to a chat, belongs into a Secret.",
    failing: r##"project "shop"
channel "team" {
    webhook url="https://hooks.slack.com/services/T000/B000/XXXX"
}
environment "dev" {
    cluster "default" namespace="dev"
    notify "team" {
        events "failed"
    }
}
"##,
    fixed: r##"project "shop"
channel "team" {
    slack channel="#deploys" secret="slack"
}
environment "dev" {
    cluster "default" namespace="dev"
    notify "team" {
        events "failed"
    }
}
"##,
};

pub static FOREIGN_HOOK: Code = Code {
    number: 341,
    name: "foreign-hook",
    severity: Severity::Warning,
    summary: "an annotation asks another tool for an order",
    explanation: "Argo CD and Helm run objects with these annotations at a moment of their own. Nothing here reads them: the object would be applied with all others. Write a `hook` or a `wave` instead.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  annotations:
    argocd.argoproj.io/sync-wave: "2"
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
    wave "apps" {
        object kind="Deployment"
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

pub static NUMBER_TOO_SMALL: Code = Code {
    number: 342,
    name: "number-too-small",
    severity: Severity::Error,
    summary: "a count is smaller than what makes sense",
    explanation: "At least one cluster at a time, one measurement, one approval and one record are needed, and limits are not negative.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    retention records=0
}
"##,
    fixed: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    retention records=10
}
"##,
};

pub static NO_NAMESPACE_IN_CLUSTER: Code = Code {
    number: 343,
    name: "no-namespace-in-cluster",
    severity: Severity::Error,
    summary: "an object of a cluster has no namespace",
    explanation: "The manifests of a `cluster` block belong to no namespace, so an object that lives in one must say which.",
    failing: r##"project "shop"
cluster "default" {
    manifests "deploy.yaml"
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
cluster "default" {
    manifests "deploy.yaml"
}
--- deploy.yaml
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  namespace: platform
spec:
  replicas: 4
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "registry.example.com/web:1.4.2"}]}
"##,
};
