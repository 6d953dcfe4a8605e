//! Codes of triggers, secrets, access, confinement and policies: 160 to 189, 350 to 379, and 700 to 749 for those that
//! only a plan can show.

use super::Code;
use crate::diag::Severity;

/// All codes of this file.
pub(super) const GOVERNANCE: &[&Code] =
    &[&SECRET_PROVIDER, &STORE_PROVIDERS, &SECRET_TYPE, &SECRET_KEYS, &STORE_IDENTITY];

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
