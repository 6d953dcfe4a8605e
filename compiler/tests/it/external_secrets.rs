//! The objects of External Secrets that secrets become, against the schemas of that project's CRDs.

use serde::Deserialize;
use serde_json::{Value, json};
use waybill_compiler::Checked;
use waybill_compiler::desired::{self, Options};
use waybill_compiler::plan::observed::{Cluster, ClusterFacts, Observed};

use crate::corpus::corpus;
use crate::project::Project;

const SPEC: &str = r#"project "shop"
secret-store "team" { vault "https://vault.example.com" path="kv" version="v1" namespace="shop" role="shop" service-account="eso"; }
secret-store "token" { vault "https://vault.example.com" token="vault-token"; }
secret-store "cloud" { aws "eu-central-1" role="arn:aws:iam::123456789012:role/shop" credentials="aws-login"; }
secret-store "parameters" { aws "eu-central-1" service="ParameterStore" service-account="eso"; }
secret-store "google" { gcp "shop-prod" location="europe-west3" service-account="eso"; }
secret-store "robot" { gcp "shop-prod" credentials="gcp-login"; }
secret-store "redmond" { azure "https://shop.vault.azure.net" tenant="0000" credentials="azure-login"; }
secret-store "managed" { azure "https://shop.vault.azure.net" identity="1111"; }
secret-store "workload" { azure "https://shop.vault.azure.net" service-account="eso"; }
secret-store "shared" { kubernetes "platform" service-account="reader" server="https://10.0.0.1:6443"; }
secret-store "backend" kind="ClusterSecretStore"
environment "dev" {
    cluster "default" namespace="dev"
    secret "a" { vault "apps/a" store="team" refresh="1h30m"; }
    secret "b" type="Opaque" { aws "apps/b" store="cloud" property="password" version="AWSCURRENT"; }
    secret "c" { gcp "apps-c" store="google"; }
    secret "d" { azure "web" store="redmond" object="cert"; }
    secret "e" { kubernetes "db" store="shared" { key "URL" property="url"; key "USER" property="user" path="other"; }; }
    secret "f" type="dockerconfigjson" { vault "registry" store="backend" property="config"; }
    secret "g" { vault "apps/g" store="token"; }
    secret "h" { aws "/apps/h" store="parameters"; }
    secret "i" { gcp "apps-i" store="robot"; }
    secret "j" { azure "j" store="managed"; }
    secret "k" { azure "k" store="workload"; }
    secret "l" { existing; }
}
"#;

fn checked() -> Checked {
    let outcome = Project::parse(SPEC, "waybill.kdl").compile();
    outcome.checked.unwrap_or_else(|| panic!("{:#?}", outcome.findings))
}

fn objects(observed: &Observed, options: &Options) -> Vec<Value> {
    let sources = Default::default();
    let desired = desired::desired(&sources, &checked(), observed, options);
    desired.environments.into_values().flat_map(|environment| environment.objects).map(|object| object.value).collect()
}

fn serving(version: &str) -> Observed {
    let facts = ClusterFacts { external_secrets: Some(version.into()), ..ClusterFacts::default() };
    let mut observed = Observed::default();
    observed.clusters.insert("default".into(), Cluster::Facts(Box::new(facts)));
    observed
}

/// The schema of a version, in which an unknown field is an error, as strict validation has it.
fn schema(kind: &str, version: &str) -> Option<Value> {
    let folder = corpus()?.join("schemas/external-secrets/external-secrets__external-secrets/config/crds/bases");
    let text = std::fs::read_to_string(folder.join(format!("external-secrets.io_{kind}.yaml"))).unwrap();
    let definition = Value::deserialize(serde_yaml::Deserializer::from_str(&text)).unwrap();
    let versions = definition["spec"]["versions"].as_array().unwrap();
    let found = versions.iter().find(|known| known["name"] == version)?;
    let mut schema = found["schema"]["openAPIV3Schema"].clone();
    schema["properties"]["metadata"]["additionalProperties"] = json!(true);
    close(&mut schema);
    Some(schema)
}

fn close(schema: &mut Value) {
    if let Some(fields) = schema.as_object_mut() {
        if fields.contains_key("properties") && !fields.contains_key("additionalProperties") {
            fields.insert("additionalProperties".into(), json!(false));
        }
        fields.values_mut().for_each(close);
    } else if let Some(items) = schema.as_array_mut() {
        items.iter_mut().for_each(close);
    }
}

fn errors(schema: &Value, object: &Value) -> Vec<String> {
    let validator = jsonschema::validator_for(schema).unwrap();
    validator.iter_errors(object).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn every_object_fits_the_schema_of_its_version() {
    let mut seen = 0;
    for version in ["v1", "v1beta1"] {
        for object in objects(&serving(version), &Options::default()) {
            let kind = format!("{}s", object["kind"].as_str().unwrap().to_lowercase());
            assert_eq!(object["apiVersion"], format!("external-secrets.io/{version}"));
            let Some(schema) = schema(&kind, version) else { continue };
            assert_eq!(errors(&schema, &object), Vec::<String>::new(), "{object:#}");
            let mut wrong = object.clone();
            wrong["spec"]["nothing"] = json!(1);
            assert_ne!(errors(&schema, &wrong), Vec::<String>::new());
            seen += 1;
        }
    }
    assert!(seen == 42 || corpus().is_none(), "{seen}");
}

#[test]
fn objects_say_what_the_spec_says() {
    let all = objects(&serving("v1"), &Options::default());
    let spec = |name: &str| all.iter().find(|object| object["metadata"]["name"] == name).unwrap()["spec"].clone();
    assert_eq!(
        spec("a"),
        json!({"refreshInterval": "1h30m", "secretStoreRef": {"name": "team", "kind": "SecretStore"},
            "target": {"name": "a", "creationPolicy": "Owner"}, "dataFrom": [{"extract": {"key": "apps/a"}}]})
    );
    assert_eq!(
        spec("f"),
        json!({"secretStoreRef": {"name": "backend", "kind": "ClusterSecretStore"},
            "target": {"name": "f", "creationPolicy": "Owner", "template": {"type": "kubernetes.io/dockerconfigjson"}},
            "data": [{"secretKey": ".dockerconfigjson", "remoteRef": {"key": "registry", "property": "config"}}]})
    );
    assert_eq!(spec("d")["dataFrom"], json!([{"extract": {"key": "cert/web"}}]));
    assert_eq!(spec("e")["data"][1], json!({"secretKey": "USER", "remoteRef": {"key": "other", "property": "user"}}));
    assert_eq!(spec("b")["data"][0]["remoteRef"]["version"], "AWSCURRENT");
    assert!(!all.iter().any(|object| object["metadata"]["name"] == "backend"), "somebody else makes it");
    assert_eq!(spec("team")["provider"]["vault"]["auth"]["kubernetes"]["role"], "shop");
}

#[test]
fn a_target_without_external_secrets_gets_no_objects_and_offline_the_newest_version_is_shown() {
    assert_eq!(objects(&Observed::default(), &Options::default()), Vec::<Value>::new());
    let offline = objects(&Observed::default(), &Options { offline: true, ..Options::default() });
    assert!(offline.iter().all(|object| object["apiVersion"] == "external-secrets.io/v1") && offline.len() == 21);
}
