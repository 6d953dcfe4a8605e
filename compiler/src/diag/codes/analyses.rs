//! Codes of analyses: 0509 to 0514.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const ANALYSES: &[&Code] =
    &[&ANALYSIS_SOURCE, &ANALYSIS_CONDITION, &ANALYSIS_INTERVAL, &ANALYSIS_LIMIT, &ANALYSIS_PARAM, &ANALYSIS_TOO_LONG];

pub static ANALYSIS_SOURCE: Code = Code {
    number: 509,
    name: "analysis-source",
    severity: Severity::Error,
    summary: "a metric measures nothing, or two things",
    explanation: "A metric takes its value from one place: `prometheus`, `web`, `job` or `kubernetes`. An analysis needs at least one metric.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        stage weight=50 {
            analysis "errors"
        }
        stage weight=100
    }
}
analysis "errors" {
    metric "rate" success="result > 0" {
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
        stage weight=50 {
            analysis "errors"
        }
        stage weight=100
    }
}
analysis "errors" {
    metric "rate" success="result > 0" {
        prometheus "http://prometheus:9090" query="up"
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

pub static ANALYSIS_CONDITION: Code = Code {
    number: 510,
    name: "analysis-condition",
    severity: Severity::Error,
    summary: "nothing says when a measurement is good",
    explanation: "A number alone does not say whether a version is well: `success` or `failure` judge it. A job succeeds or fails by itself, and an object has its `condition`.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        stage weight=50 {
            analysis "errors"
        }
        stage weight=100
    }
}
analysis "errors" {
    metric "rate" interval="30s" count=5 {
        prometheus "http://prometheus:9090" query="up"
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
        stage weight=50 {
            analysis "errors"
        }
        stage weight=100
    }
}
analysis "errors" {
    metric "rate" interval="30s" count=5 success="result > 0" {
        prometheus "http://prometheus:9090" query="up"
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

pub static ANALYSIS_INTERVAL: Code = Code {
    number: 511,
    name: "analysis-interval",
    severity: Severity::Error,
    summary: "measurements have no time between them, or no end",
    explanation: "Several measurements need an `interval`. In a stage they need a `count` too, or the stage would never end; only in the background may they go on until the rollout ends.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        stage weight=50 {
            analysis "errors"
        }
        stage weight=100
    }
}
analysis "errors" {
    metric "rate" count=5 success="result > 0" {
        prometheus "http://prometheus:9090" query="up"
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
        stage weight=50 {
            analysis "errors"
        }
        stage weight=100
    }
}
analysis "errors" {
    metric "rate" interval="30s" count=5 success="result > 0" {
        prometheus "http://prometheus:9090" query="up"
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

pub static ANALYSIS_LIMIT: Code = Code {
    number: 512,
    name: "analysis-limit",
    severity: Severity::Error,
    summary: "an analysis can never fail",
    explanation: "As many bad measurements are borne as are taken at all, so the analysis would let every version pass.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        stage weight=50 {
            analysis "errors"
        }
        stage weight=100
    }
}
analysis "errors" {
    metric "rate" interval="30s" count=5 failure-limit=5 success="result > 0" {
        prometheus "http://prometheus:9090" query="up"
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
        stage weight=50 {
            analysis "errors"
        }
        stage weight=100
    }
}
analysis "errors" {
    metric "rate" interval="30s" count=5 failure-limit=1 success="result > 0" {
        prometheus "http://prometheus:9090" query="up"
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

pub static ANALYSIS_PARAM: Code = Code {
    number: 513,
    name: "analysis-param",
    severity: Severity::Error,
    summary: "a parameter of an analysis gets no value, or is not there",
    explanation: "What a rollout gives to an analysis and what the analysis takes must be the same: a query with a hole in it measures something else.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        stage weight=50 {
            analysis "errors"
        }
        stage weight=100
    }
}
analysis "errors" {
    param "job"
    metric "rate" success="result > 0" {
        prometheus "http://prometheus:9090" query="up{job=\"${param.job}\"}"
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
        stage weight=50 {
            analysis "errors" { param job="web"; }
        }
        stage weight=100
    }
}
analysis "errors" {
    param "job"
    metric "rate" success="result > 0" {
        prometheus "http://prometheus:9090" query="up{job=\"${param.job}\"}"
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

pub static ANALYSIS_TOO_LONG: Code = Code {
    number: 514,
    name: "analysis-too-long",
    severity: Severity::Error,
    summary: "an analysis takes longer than its stage may",
    explanation: "The measurements of a stage must fit into the time that the rollout gives a stage, and what runs after a switch into the soak behind it; else every version would fail, or pass before it is judged.",
    failing: r##"project "shop"
environment "dev" {
    cluster "default" namespace="dev"
    manifests "deploy.yaml"
    rollout "web" {
        stage weight=50 {
            analysis "errors"
        }
        stage weight=100
    }
}
analysis "errors" {
    metric "rate" interval="5m" count=5 success="result > 0" {
        prometheus "http://prometheus:9090" query="up"
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
        stage weight=50 {
            analysis "errors"
        }
        stage weight=100
    }
}
analysis "errors" {
    metric "rate" interval="30s" count=5 success="result > 0" {
        prometheus "http://prometheus:9090" query="up"
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
