//! `secret-store` and `secret`: where secret values lie, by reference. A table of its own for each kind of source, because
//! each asks for other things.
//!
//! **Invariant:** nothing here can hold a secret value. Not here: the objects that they become (`desired::secrets`).

use std::collections::BTreeMap;

use super::table::{Arg, BLOCK, Block, Prop, Type, arg, default, many, optional, prop, required};
use super::view::View;
use crate::source::{Span, Spanned};

pub static SECRET_STORE: Block = Block {
    name: "secret-store",
    plural: "secret-stores",
    doc: "A store of External Secrets that `secret` blocks name. With a provider inside, the plan makes the store in each namespace that uses it; without, somebody else has made it.",
    args: &[arg("name", Type::Text, "name of the store in the cluster")],
    props: &[default("kind", Type::Enum(&["SecretStore", "ClusterSecretStore"]), "SecretStore", "kind of the store")],
    children: &[
        optional(&VAULT_STORE),
        optional(&AWS_STORE),
        optional(&GCP_STORE),
        optional(&AZURE_STORE),
        optional(&KUBERNETES_STORE),
    ],
    ..BLOCK
};

pub static VAULT_STORE: Block = Block {
    name: "vault",
    plural: "vaults",
    doc: "HashiCorp Vault. It knows Waybill's operator by a role of its Kubernetes auth method, or by a token.",
    args: &[arg("server", Type::Url, "URL of the server")],
    props: &[
        default("path", Type::Text, "secret", "mount path of the key-value engine"),
        default("version", Type::Enum(&["v1", "v2"]), "v2", "version of the key-value engine"),
        prop("namespace", Type::Text, "Vault namespace (Vault Enterprise)"),
        prop("role", Type::Text, "role of Vault's Kubernetes auth method"),
        prop("service-account", Type::Name, "service account that takes the role; the operator's own without it"),
        default("auth-path", Type::Text, "kubernetes", "mount path of Vault's Kubernetes auth method"),
        prop("token", Type::Text, "Secret that holds a token, instead of a role"),
        default("token-key", Type::Text, "token", "key of that Secret"),
    ],
    ..BLOCK
};

pub static AWS_STORE: Block = Block {
    name: "aws",
    plural: "aws",
    doc: "AWS Secrets Manager or Parameter Store. Without a service account and credentials it is the operator's own identity.",
    args: &[arg("region", Type::Text, "AWS region")],
    props: &[
        default("service", Type::Enum(&["SecretsManager", "ParameterStore"]), "SecretsManager", "which of the two"),
        prop("role", Type::Text, "ARN of a role to assume"),
        prop("service-account", Type::Name, "service account with an IAM role"),
        prop("credentials", Type::Text, "Secret with the keys `access-key` and `secret-access-key`"),
    ],
    ..BLOCK
};

pub static GCP_STORE: Block = Block {
    name: "gcp",
    plural: "gcp",
    doc: "Google Cloud Secret Manager. Without a service account and credentials it is the operator's own identity.",
    args: &[arg("project", Type::Text, "id of the Google Cloud project")],
    props: &[
        prop("location", Type::Text, "location of regional secrets"),
        prop("service-account", Type::Name, "service account with workload identity"),
        prop("credentials", Type::Text, "Secret with the key `secret-access-credentials`"),
    ],
    ..BLOCK
};

pub static AZURE_STORE: Block = Block {
    name: "azure",
    plural: "azure",
    doc: "Azure Key Vault. Without a service account and credentials it is the managed identity of the nodes.",
    args: &[arg("url", Type::Url, "URL of the vault")],
    props: &[
        prop("tenant", Type::Text, "id of the tenant"),
        prop("identity", Type::Text, "client id of a managed identity"),
        prop("service-account", Type::Name, "service account with workload identity"),
        prop("credentials", Type::Text, "Secret with the keys `client-id` and `client-secret`; needs `tenant`"),
    ],
    ..BLOCK
};

pub static KUBERNETES_STORE: Block = Block {
    name: "kubernetes",
    plural: "kubernetes",
    doc: "Secrets of another namespace of the same cluster, or of another cluster.",
    args: &[arg("namespace", Type::Name, "namespace of the Secrets")],
    props: &[
        required("service-account", Type::Name, "service account that may read them"),
        prop("server", Type::Url, "URL of the other cluster's API"),
    ],
    ..BLOCK
};

pub static SECRET: Block = Block {
    name: "secret",
    plural: "secrets",
    doc: "A Secret that Pods use, by reference: never its value.",
    args: &[arg("name", Type::Name, "name of the Secret")],
    props: &[prop(
        "type",
        Type::Text,
        "`Opaque`, `dockerconfigjson`, `tls`, `basic-auth`, `ssh-auth`, or a type in full",
    )],
    children: &[
        optional(&VAULT),
        optional(&AWS),
        optional(&GCP),
        optional(&AZURE),
        optional(&KUBERNETES),
        optional(&SOPS),
        optional(&CSI),
        optional(&EXISTING),
    ],
    ..BLOCK
};

const STORE: Prop = required("store", Type::Text, "name of a `secret-store`");
const REFRESH: Prop = prop("refresh", Type::Duration, "how often it is read again");
const PROPERTY: Prop =
    prop("property", Type::Text, "one field of what lies there; without it and without keys, all of them");
const VERSION: Prop = prop("version", Type::Text, "a version; the newest without it");

pub static VAULT: Block = Block {
    name: "vault",
    plural: "vaults",
    doc: "The value lies in HashiCorp Vault.",
    args: &[arg("path", Type::Text, "path in the store")],
    props: &[STORE, PROPERTY, VERSION, REFRESH],
    children: &[many(&KEY)],
    ..BLOCK
};

pub static AWS: Block = Block {
    name: "aws",
    plural: "aws",
    doc: "The value lies in AWS Secrets Manager or Parameter Store.",
    args: &[arg("path", Type::Text, "name or ARN of the secret, or name of the parameter")],
    props: &[STORE, PROPERTY, VERSION, REFRESH],
    children: &[many(&KEY)],
    ..BLOCK
};

pub static GCP: Block = Block {
    name: "gcp",
    plural: "gcp",
    doc: "The value lies in Google Cloud Secret Manager.",
    args: &[arg("path", Type::Text, "name of the secret")],
    props: &[STORE, PROPERTY, VERSION, REFRESH],
    children: &[many(&KEY)],
    ..BLOCK
};

pub static AZURE: Block = Block {
    name: "azure",
    plural: "azure",
    doc: "The value lies in Azure Key Vault.",
    args: &[arg("path", Type::Text, "name of the secret, key or certificate")],
    props: &[
        STORE,
        PROPERTY,
        VERSION,
        REFRESH,
        default("object", Type::Enum(&["secret", "key", "cert"]), "secret", "what the name is the name of"),
    ],
    children: &[many(&KEY)],
    ..BLOCK
};

pub static KUBERNETES: Block = Block {
    name: "kubernetes",
    plural: "kubernetes",
    doc: "The value lies in a Secret of another namespace or cluster.",
    args: &[arg("path", Type::Text, "name of the Secret there")],
    props: &[STORE, PROPERTY, REFRESH],
    children: &[many(&KEY)],
    ..BLOCK
};

pub static KEY: Block = Block {
    name: "key",
    plural: "keys",
    doc: "One key of the Secret.",
    args: &[arg("name", Type::Text, "the key")],
    props: &[
        prop("property", Type::Text, "the field that it gets; without it the whole value"),
        prop("path", Type::Text, "another path than that of the block"),
        prop("version", Type::Text, "a version; the newest without it"),
    ],
    ..BLOCK
};

pub static SOPS: Block = Block {
    name: "sops",
    plural: "sops",
    doc: "The value lies in the repository, encrypted by SOPS.",
    args: &[arg("path", Type::Path, "path of the encrypted file below the project's folder")],
    props: &[prop("property", Type::Text, "one field of the file")],
    ..BLOCK
};

pub static CSI: Block = Block {
    name: "csi",
    plural: "csi",
    doc: "The Secrets Store CSI driver makes the Secret when a Pod mounts its class.",
    args: &[arg("class", Type::Name, "name of the `SecretProviderClass`")],
    ..BLOCK
};

pub static EXISTING: Block = Block {
    name: "existing",
    plural: "existing",
    doc: "The Secret is in the namespace already; somebody else sees to it.",
    args: &[Arg { name: "note", ty: Type::Text, doc: "who sees to it", required: false, many: false }],
    ..BLOCK
};

/// What keeps secret values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Provider {
    Vault,
    Aws,
    Gcp,
    Azure,
    Kubernetes,
}

impl Provider {
    pub const ALL: &[Provider] =
        &[Provider::Vault, Provider::Aws, Provider::Gcp, Provider::Azure, Provider::Kubernetes];

    pub fn as_str(self) -> &'static str {
        match self {
            Provider::Vault => "vault",
            Provider::Aws => "aws",
            Provider::Gcp => "gcp",
            Provider::Azure => "azure",
            Provider::Kubernetes => "kubernetes",
        }
    }
}

#[derive(Clone, Debug)]
pub struct SecretStore {
    pub name: Spanned<String>,
    pub kind: Option<Spanned<String>>,
    pub providers: Vec<StoreProvider>,
    pub span: Span,
}

/// How a provider is reached. `fields` are the properties as written.
#[derive(Clone, Debug)]
pub struct StoreProvider {
    pub provider: Provider,
    /// Its first value: server, region, project, URL or namespace.
    pub place: Spanned<String>,
    pub fields: BTreeMap<String, Spanned<String>>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Secret {
    pub name: Spanned<String>,
    pub ty: Option<Spanned<String>>,
    pub references: Vec<Reference>,
    pub sops: Option<Spanned<bool>>,
    pub csi: Option<Spanned<bool>>,
    pub existing: Option<Spanned<bool>>,
    pub span: Span,
}

/// A place in a store.
#[derive(Clone, Debug)]
pub struct Reference {
    pub provider: Provider,
    pub path: Spanned<String>,
    pub store: Spanned<String>,
    pub property: Option<Spanned<String>>,
    pub version: Option<Spanned<String>>,
    pub refresh_seconds: Option<u64>,
    /// Of Azure: `secret`, `key` or `cert`.
    pub object: Option<Spanned<String>>,
    pub keys: Vec<Key>,
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Key {
    pub name: Spanned<String>,
    pub property: Option<Spanned<String>>,
    pub path: Option<Spanned<String>>,
    pub version: Option<Spanned<String>>,
}

pub fn lower_store(view: &View) -> Option<SecretStore> {
    let provider = |provider: &Provider| {
        let view = view.child(provider.as_str())?;
        let place = view.block.args[0].name;
        let field = |prop: &Prop| Some((prop.name.to_owned(), view.name(prop.name)?));
        Some(StoreProvider {
            provider: *provider,
            place: view.definition(place),
            fields: view.block.props.iter().filter_map(field).collect(),
            span: view.head(),
        })
    };
    Some(SecretStore {
        name: view.name("name")?,
        kind: view.name("kind"),
        providers: Provider::ALL.iter().filter_map(provider).collect(),
        span: view.head(),
    })
}

pub fn lower(view: &View) -> Option<Secret> {
    let reference = |provider: &Provider| view.child(provider.as_str()).map(|view| reference(*provider, &view));
    let head = |name: &str| view.child(name).map(|view| Spanned::new(true, view.head()));
    Some(Secret {
        name: view.name("name")?,
        ty: view.name("type"),
        references: Provider::ALL.iter().filter_map(reference).collect(),
        sops: head("sops"),
        csi: head("csi"),
        existing: head("existing"),
        span: view.head(),
    })
}

fn reference(provider: Provider, view: &View) -> Reference {
    let key = |view: &View| {
        Some(Key {
            name: view.name("name")?,
            property: view.name("property"),
            path: view.name("path"),
            version: view.name("version"),
        })
    };
    Reference {
        provider,
        path: view.definition("path"),
        store: view.reference("store"),
        property: view.name("property"),
        version: view.name("version"),
        refresh_seconds: view.seconds("refresh").map(|seconds| seconds.value),
        object: view.name("object"),
        keys: view.children("key").iter().filter_map(key).collect(),
        span: view.head(),
    }
}
