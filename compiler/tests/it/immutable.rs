//! Fields that an update may not change: found when the plan is made, at their place.

use serde_json::{Value, json};
use waybill_compiler::desired::{self, Options};
use waybill_compiler::plan::build::{self, Facts, compare};
use waybill_compiler::plan::observed::{Cluster, ClusterFacts, DryRun, ObjectFacts, Observed};

use crate::project::Project;

const SPEC: &str = r#"project "shop"
environment "dev" {
    manifests "m"
    cluster "default" namespace="dev"
}
"#;

/// The lines of what keeps a plan from being applied, with the live object as the manifest says but for one change.
fn problems(manifest: &str, change: impl Fn(&mut Value)) -> Vec<String> {
    let outcome = Project::parse(&format!("{SPEC}--- m/a.yaml\n{manifest}"), "waybill.kdl").compile();
    let checked = outcome.checked.as_ref().unwrap_or_else(|| panic!("{:#?}", outcome.lines()));
    let options = Options::default();
    let empty = Observed::default();
    let wanted = desired::desired(&outcome.sources, checked, &empty, &options);
    let objects = wanted.environments.values().flat_map(|environment| &environment.objects);
    let live = |object: &waybill_compiler::manifest::Object| {
        let mut live = object.value.clone();
        live["metadata"]["uid"] = json!("1");
        change(&mut live);
        ObjectFacts { object: compare::reference(&object.value), live: Some(live), dry_run: DryRun::NotAsked }
    };
    let facts = ClusterFacts { objects: objects.map(live).collect(), ..ClusterFacts::default() };
    let mut observed = Observed::default();
    observed.clusters.insert("default".into(), Cluster::Facts(Box::new(facts)));
    let desired = desired::desired(&outcome.sources, checked, &observed, &options);
    let facts = Facts { sources: &outcome.sources, checked, desired: &desired, observed: &observed, options: &options };
    let found = build::build(facts).problems.sorted();
    let found = found.iter().filter(|finding| finding.code.name == "immutable-field");
    found.map(|finding| format!("{}: {}", outcome.sources.line(finding.span), finding.message)).collect()
}

const STATEFUL: &str = "apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db}
spec:
  serviceName: db
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: 'example.com/db:1'}]}
  volumeClaimTemplates:
    - metadata: {name: data}
      spec:
        accessModes: [ReadWriteOnce]
        resources: {requests: {storage: 1Gi}}
";

#[test]
fn what_the_server_fills_in_is_no_change() {
    let filled = |live: &mut Value| {
        live["spec"]["podManagementPolicy"] = json!("OrderedReady");
        live["spec"]["replicas"] = json!(3);
        live["spec"]["template"]["spec"]["containers"][0]["image"] = json!("example.com/db:2");
        live["spec"]["volumeClaimTemplates"][0]["spec"]["volumeMode"] = json!("Filesystem");
        live["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = json!("1024Mi");
        live["spec"]["volumeClaimTemplates"][0]["status"] = json!({"phase": "Pending"});
    };
    assert_eq!(problems(STATEFUL, filled), [] as [String; 0]);
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec:\n  accessModes: [ReadWriteOnce]\n  resources: {requests: {storage: 2Gi}}\n";
    let smaller = |live: &mut Value| {
        live["spec"]["storageClassName"] = json!("standard");
        live["spec"]["resources"]["requests"]["storage"] = json!("1Gi");
    };
    assert_eq!(problems(claim, smaller), [] as [String; 0]);
    let data = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: b}\n";
    assert_eq!(problems(data, |live| live["data"]["a"] = json!("c")), [] as [String; 0]);
}

#[test]
fn a_change_that_the_server_would_refuse_is_told_at_its_field() {
    let size = |live: &mut Value| {
        live["spec"]["volumeClaimTemplates"][0]["spec"]["resources"]["requests"]["storage"] = json!("2Gi");
    };
    let path = "spec.volumeClaimTemplates.0.spec.resources.requests.storage";
    let said = format!("14: `{path}` of apps/StatefulSet/dev/db cannot be changed once the object is there");
    assert_eq!(problems(STATEFUL, size), [said]);
    let label = |live: &mut Value| live["spec"]["selector"]["matchLabels"] = json!({"app": "db", "tier": "back"});
    let said = "6: `spec.selector` of apps/StatefulSet/dev/db cannot be changed once the object is there";
    assert_eq!(problems(STATEFUL, label), [said]);
}

#[test]
fn every_kind_has_its_own_fields() {
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  completions: 2\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n        - name: a\n          image: 'example.com/a:2'\n";
    let binding = "apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: r}\nroleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: ClusterRole\n  name: view\n";
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec:\n  clusterIP: 10.0.0.7\n  ports: [{port: 80}]\n";
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: c}\nspec:\n  accessModes: [ReadWriteOnce]\n  resources:\n    requests: {storage: 1Gi}\n";
    let data = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a: b\n";
    for (manifest, pointer, value, said) in [
        (
            job,
            "/spec/template/spec/containers/0/image",
            json!("example.com/a:1"),
            "11: `spec.template.spec.containers.0.image`",
        ),
        (job, "/spec/completions", json!(1), "5: `spec.completions`"),
        (binding, "/roleRef/name", json!("edit"), "7: `roleRef.name`"),
        (service, "/spec/clusterIP", json!("10.0.0.8"), "5: `spec.clusterIP`"),
        (claim, "/spec/resources/requests/storage", json!("2Gi"), "7: `spec.resources.requests.storage`"),
        (claim, "/spec/accessModes", json!(["ReadWriteMany"]), "5: `spec.accessModes"),
        (data, "/data", json!({"a": "c"}), "5: `data.a`"),
    ] {
        let change = |live: &mut Value| {
            *live.pointer_mut(pointer).unwrap() = value.clone();
            live["immutable"] = json!(true);
        };
        let found = problems(manifest, change);
        assert!(found.len() == 1 && found[0].starts_with(said), "{pointer}: {found:?}");
    }
}
