//! Codes of triggers, secrets, access, confinement and policies: 160 to 189, 350 to 379, and 700 to 749 for those that
//! only a plan can show.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const GOVERNANCE: &[&Code] = &[
    &SECRET_PROVIDER,
    &STORE_PROVIDERS,
    &SECRET_TYPE,
    &SECRET_KEYS,
    &STORE_IDENTITY,
    &EXCEPTION_DAY,
    &EXCEPTION_UNUSED,
    &POLICY_EMPTY,
    &PRINCIPAL,
    &UNKNOWN_GROUP,
    &OUTSIDE_CONFINEMENT,
    &WILDCARD_PROJECT,
    &TRIGGER_SOURCE,
    &TRIGGER_PARAM,
    &BAD_SCHEDULE,
    &PAYLOAD_FIELD,
    &TIME_ZONE,
    &POLICY_REFUSES,
    &POLICY_FAILED,
];

pub static SECRET_PROVIDER: Code = Code {
    number: 160,
    name: "secret-provider",
    severity: Severity::Error,
    summary: "a secret is looked for in a store of another kind",
    explanation: "What a reference says depends on what keeps the value: a path of Vault is no name in AWS. The store that is named belongs to another provider.",
    failing: r#"project "shop"
secret-store "cloud" { aws "eu-central-1"; }
environment "dev" {
    cluster "default" namespace="dev"
    secret "db" { vault "apps/db" store="cloud"; }
}
"#,
    fixed: r#"project "shop"
secret-store "cloud" { aws "eu-central-1"; }
environment "dev" {
    cluster "default" namespace="dev"
    secret "db" { aws "apps/db" store="cloud"; }
}
"#,
};

pub static STORE_PROVIDERS: Code = Code {
    number: 161,
    name: "store-providers",
    severity: Severity::Error,
    summary: "a secret store has two providers",
    explanation: "A secret store is one place. A second provider inside would never be asked.",
    failing: r#"project "shop"
secret-store "keys" {
    aws "eu-central-1"
    gcp "shop-prod"
}
environment "dev" {
    cluster "default" namespace="dev"
    secret "db" { aws "apps/db" store="keys"; }
}
"#,
    fixed: r#"project "shop"
secret-store "keys" { aws "eu-central-1"; }
environment "dev" {
    cluster "default" namespace="dev"
    secret "db" { aws "apps/db" store="keys"; }
}
"#,
};

pub static SECRET_TYPE: Code = Code {
    number: 162,
    name: "secret-type",
    severity: Severity::Error,
    summary: "an unknown type of Secret",
    explanation: "Kubernetes takes any text as the type of a Secret, and what reads it then finds a Secret of a type that it does not look for. Known types have a short name; a type of your own has a `/`.",
    failing: r#"project "shop"
secret-store "keys"
environment "dev" {
    cluster "default" namespace="dev"
    secret "pull" type="dockerconfig" { vault "registry" store="keys"; }
}
"#,
    fixed: r#"project "shop"
secret-store "keys"
environment "dev" {
    cluster "default" namespace="dev"
    secret "pull" type="dockerconfigjson" { vault "registry" store="keys"; }
}
"#,
};

pub static SECRET_KEYS: Code = Code {
    number: 163,
    name: "secret-keys",
    severity: Severity::Error,
    summary: "a secret does not give the keys that its type asks for",
    explanation: "A Secret of type `kubernetes.io/tls` has the keys `tls.crt` and `tls.key`, and other types have theirs: the API server refuses the Secret without them. Each `key` says which field it gets.",
    failing: r#"project "shop"
secret-store "keys"
environment "dev" {
    cluster "default" namespace="dev"
    secret "web" type="tls" {
        vault "web" store="keys" { key "tls.crt" property="certificate"; }
    }
}
"#,
    fixed: r#"project "shop"
secret-store "keys"
environment "dev" {
    cluster "default" namespace="dev"
    secret "web" type="tls" {
        vault "web" store="keys" {
            key "tls.crt" property="certificate"
            key "tls.key" property="private"
        }
    }
}
"#,
};

pub static STORE_IDENTITY: Code = Code {
    number: 164,
    name: "store-identity",
    severity: Severity::Error,
    summary: "a secret store does not say, or says twice, who reads it",
    explanation: "A provider gives its values to an identity: a role, a service account, a token. A store needs one, whole, and not two.",
    failing: r#"project "shop"
secret-store "keys" { vault "https://vault.example.com"; }
environment "dev" {
    cluster "default" namespace="dev"
    secret "db" { vault "apps/db" store="keys"; }
}
"#,
    fixed: r#"project "shop"
secret-store "keys" { vault "https://vault.example.com" role="shop"; }
environment "dev" {
    cluster "default" namespace="dev"
    secret "db" { vault "apps/db" store="keys"; }
}
"#,
};

pub static EXCEPTION_DAY: Code = Code {
    number: 165,
    name: "exception-day",
    severity: Severity::Error,
    summary: "an exception does not say until when it holds",
    explanation: "An exception is a hole with an end. Its `until` is the last day that it holds, a day of the calendar in UTC: `2027-01-31`.",
    failing: r#"project "shop"
policy "no-deletes" {
    deny "action.op == 'delete'" message="deletes need an exception"
    exception for="*" until="next week" reason="a clean-up"
}
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
    fixed: r#"project "shop"
policy "no-deletes" {
    deny "action.op == 'delete'" message="deletes need an exception"
    exception for="*" until="2027-01-31" reason="a clean-up"
}
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
};

pub static EXCEPTION_UNUSED: Code = Code {
    number: 166,
    name: "exception-unused",
    severity: Severity::Warning,
    summary: "an exception that lifts nothing",
    explanation: "A policy of level `warn` refuses nothing, and one of level `forbid` takes no exceptions: only `deny` has use for them.",
    failing: r#"project "shop"
policy "no-deletes" level="forbid" {
    deny "action.op == 'delete'" message="nothing is deleted"
    exception for="*" until="2027-01-31" reason="a clean-up"
}
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
    fixed: r#"project "shop"
policy "no-deletes" level="forbid" {
    deny "action.op == 'delete'" message="nothing is deleted"
}
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
};

pub static POLICY_EMPTY: Code = Code {
    number: 167,
    name: "policy-empty",
    severity: Severity::Error,
    summary: "a policy without a rule",
    explanation: "A policy that has neither `deny` nor `require` lets everything pass, and looks as if it did not.",
    failing: r#"project "shop"
policy "no-deletes" level="deny"
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
    fixed: r#"project "shop"
policy "no-deletes" level="deny" {
    deny "action.op == 'delete'" message="deletes need an exception"
}
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
};

pub static PRINCIPAL: Code = Code {
    number: 170,
    name: "principal",
    severity: Severity::Error,
    summary: "neither a group nor a user",
    explanation: "Whoever approves or is allowed something is `group:NAME` or `user:NAME`.",
    failing: r#"project "shop"
identity "company" { group "sre"; }
environment "staging" {
    cluster "default" namespace="staging"
}
environment "production" {
    cluster "default" namespace="production"
    promote from="staging" { approval by="sre"; }
}
"#,
    fixed: r#"project "shop"
identity "company" { group "sre"; }
environment "staging" {
    cluster "default" namespace="staging"
}
environment "production" {
    cluster "default" namespace="production"
    promote from="staging" { approval by="group:sre"; }
}
"#,
};

pub static UNKNOWN_GROUP: Code = Code {
    number: 171,
    name: "unknown-group",
    severity: Severity::Error,
    summary: "a group that no identity source defines",
    explanation: "Nobody can be in a group that no `identity` block defines, so nobody could approve. Where the spec has no identity source at all this is a warning.",
    failing: r#"project "shop"
identity "company" { group "sre"; }
environment "staging" {
    cluster "default" namespace="staging"
}
environment "production" {
    cluster "default" namespace="production"
    promote from="staging" { approval by="group:srre"; }
}
"#,
    fixed: r#"project "shop"
identity "company" { group "sre"; }
environment "staging" {
    cluster "default" namespace="staging"
}
environment "production" {
    cluster "default" namespace="production"
    promote from="staging" { approval by="group:sre"; }
}
"#,
};

pub static OUTSIDE_CONFINEMENT: Code = Code {
    number: 173,
    name: "outside-confinement",
    severity: Severity::Error,
    summary: "something is outside what the project is confined to",
    explanation: "The `confine` block of the project lists the repositories, clusters, namespaces and kinds that it may touch. What is not on a list that is there is not allowed.",
    failing: r#"project "shop" {
    confine { namespaces "shop-*"; }
}
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
    fixed: r#"project "shop" {
    confine { namespaces "shop-*" "dev"; }
}
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
};

pub static WILDCARD_PROJECT: Code = Code {
    number: 174,
    name: "wildcard-project",
    severity: Severity::Warning,
    summary: "a confinement that allows everything",
    explanation: "A list with `*` confines nothing. Leave the list out if nothing is to be confined, or say what the project needs.",
    failing: r#"project "shop" {
    confine { namespaces "*"; }
}
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
    fixed: r#"project "shop" {
    confine { namespaces "dev"; }
}
environment "dev" {
    cluster "default" namespace="dev"
}
"#,
};

pub static TRIGGER_SOURCE: Code = Code {
    number: 176,
    name: "trigger-source",
    severity: Severity::Error,
    summary: "a trigger without a source or without a run, or with two sources",
    explanation: "A trigger is one source of events and the runs that they start.",
    failing: r#"project "shop"
task "test" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
trigger "nightly" {
    run "ci"
}
"#,
    fixed: r#"project "shop"
task "test" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
trigger "nightly" {
    schedule "0 3 * * *"
    run "ci"
}
"#,
};

pub static TRIGGER_PARAM: Code = Code {
    number: 177,
    name: "trigger-param",
    severity: Severity::Error,
    summary: "a trigger gives a parameter of its pipeline no value",
    explanation: "A parameter without a default needs a value whenever the pipeline is started, and nobody is there to ask. Only a `commit` takes the revision by itself.",
    failing: r#"project "shop"
task "test" {
    param "package"
    step "unit" image="golang:1.24" {
        run "go test \"$PACKAGE\""
        env PACKAGE="${param.package}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "package"
    task "test" use="test" { param package="${param.package}"; }
}
trigger "nightly" {
    schedule "0 3 * * *"
    run "ci"
}
"#,
    fixed: r#"project "shop"
task "test" {
    param "package"
    step "unit" image="golang:1.24" {
        run "go test \"$PACKAGE\""
        env PACKAGE="${param.package}"
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    param "package"
    task "test" use="test" { param package="${param.package}"; }
}
trigger "nightly" {
    schedule "0 3 * * *"
    run "ci" { param package="./..."; }
}
"#,
};

pub static BAD_SCHEDULE: Code = Code {
    number: 178,
    name: "bad-schedule",
    severity: Severity::Error,
    summary: "a schedule that is none",
    explanation: "A schedule has five fields, as in cron: minute, hour, day of month, month, day of week.",
    failing: r#"project "shop"
task "test" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
trigger "nightly" {
    schedule "0 25 * * *"
    run "ci"
}
"#,
    fixed: r#"project "shop"
task "test" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
trigger "nightly" {
    schedule "0 3 * * *"
    run "ci"
}
"#,
};

pub static TIME_ZONE: Code = Code {
    number: 179,
    name: "time-zone",
    severity: Severity::Error,
    summary: "an unknown time zone",
    explanation: "Time zones have the names of the tz database, such as `Europe/Berlin`.",
    failing: r#"project "shop"
task "test" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
trigger "nightly" {
    schedule "0 3 * * *" time-zone="Europe/Berln"
    run "ci"
}
"#,
    fixed: r#"project "shop"
task "test" {
    step "unit" image="golang:1.24" {
        run "go test ./..."
    }
}
pipeline "ci" {
    runs-on namespace="ci"
    task "test" use="test"
}
trigger "nightly" {
    schedule "0 3 * * *" time-zone="Europe/Berlin"
    run "ci"
}
"#,
};

pub static POLICY_REFUSES: Code = Code {
    number: 700,
    name: "policy-refuses",
    severity: Severity::Error,
    summary: "a policy refuses the plan",
    explanation: "A rule of a policy is broken by an action of the plan. The plan is refused with exit code 4. An exception in the policy lets actions pass until a day; the policies of the last applied spec judge too, so removing one lifts nothing yet.",
    failing: "",
    fixed: "",
};

pub static POLICY_FAILED: Code = Code {
    number: 701,
    name: "policy-failed",
    severity: Severity::Error,
    summary: "a policy cannot judge an action",
    explanation: "The expression of a rule has no value for an action, mostly since it reads a field that the object does not have. What cannot be judged does not pass.",
    failing: "",
    fixed: "",
};

pub static PAYLOAD_FIELD: Code = Code {
    number: 180,
    name: "payload-field",
    severity: Severity::Error,
    summary: "a field that is nearly one of a webhook's payload",
    explanation: "A filter reads a field that payloads of this event are not known to have, and that differs from one of theirs by a slip. A filter over a field that is not there lets nothing through.",
    failing: r#"project "shop"
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
    when "body.reff == 'refs/heads/main'"
    run "ci"
}
"#,
    fixed: r#"project "shop"
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
    when "body.ref == 'refs/heads/main'"
    run "ci"
}
"#,
};
