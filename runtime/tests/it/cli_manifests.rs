//! `waybill check` on plain manifests, without any spec.

use crate::cli::Project;

const CRD: &str = r#"apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: widgets.example.com}
spec:
  group: example.com
  names: {kind: Widget, plural: widgets}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [size]
              properties:
                size: {type: integer, minimum: 1}
                parts:
                  type: array
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [name]
                  items: {type: object, required: [name], properties: {name: {type: string}}}
              oneOf: [{required: [size]}, {required: [parts]}]
"#;

const WIDGET: &str = "apiVersion: example.com/v1\nkind: Widget\nmetadata: {name: w}\nspec: {size: 0}\n";

#[test]
fn a_file_and_a_folder_are_checked_without_a_spec() {
    let project = Project::example("deploy-only");
    project.write("plain/good.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: b}\n");
    project.waybill("check plain").exits(0).says("No problems found");
    project.write("plain/sub/bad.yml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: yes}\n");
    project.waybill("check plain --format short").exits(1).says("plain/sub/bad.yml:4:11").says("WB0903");
    project.waybill("check plain/good.yaml").exits(0);
    project.write("plain/values.json", "{\"replicas\": 2}\n");
    project.waybill("check plain/values.json --format short").exits(0).says("WB0909");
    project.write(
        "plain/list.yaml",
        "apiVersion: v1\nkind: List\nitems:\n  - {apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {}}\n",
    );
    project.waybill("check plain/list.yaml --format short").exits(1).says("`spec.containers` is missing");
}

#[test]
fn versions_and_schemas_are_chosen() {
    let project = Project::example("deploy-only");
    project.write(
        "plain/service.yaml",
        "apiVersion: v1\nkind: Service\nmetadata: {name: 1a}\nspec: {ports: [{port: 80}]}\n",
    );
    project.waybill("check plain").exits(0);
    project.waybill("check plain --kubernetes-version 1.34 --format short").exits(1).says("WB0906");
    let refused = project.waybill("check plain --kubernetes-version 1.20").exits(64);
    assert!(refused.err.contains("1.36"), "{}", refused.told());
    project.waybill("check . --kubernetes-version 1.36").exits(64);
    project.write("other/widget.yaml", WIDGET);
    project.waybill("check other --format short").exits(0).says("WB0908");
    project.write("crds/deep/crd.yaml", CRD);
    project.write("crds/README.yaml", "just: text\n");
    project.waybill("check other --schemas crds --format short").exits(1).says("must be at least 1");
    project.waybill("check other --schemas plain --format short").exits(1).says("WB0910");
    project.write("other/crd.yaml", CRD);
    project.waybill("check other --format short").exits(1).says("must be at least 1");
}

#[test]
fn the_folder_of_a_kustomization_is_rendered() {
    let project = Project::example("deploy-only");
    project.write("base/kustomization.yaml", "resources: [map.yaml]\n");
    project.write("base/map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: 1}\n");
    project.write("over/kustomization.yaml", "resources: [../base]\nnamePrefix: x-\n");
    project.waybill("check over --format short").exits(1).says("base/map.yaml:4:11");
    project.waybill("check base/kustomization.yaml --format short").exits(0).says("WB0909");
}

#[test]
fn kustomizations_below_a_folder_are_rendered_once_and_their_patches_are_no_objects() {
    let project = Project::example("deploy-only");
    let deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  \
                      template:\n    metadata: {labels: {app: web}}\n    spec: {containers: [{name: web, image: web, imagePullPolicy: always}]}\n";
    project.write("plain/base/kustomization.yaml", "resources: [web.yaml]\n");
    project.write("plain/base/web.yaml", deployment);
    let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 2}\n";
    for overlay in ["dev", "prod"] {
        project.write(
            &format!("plain/{overlay}/kustomization.yaml"),
            "resources: [../base]\npatches: [{path: more.yaml}]\nnamePrefix: a-\n",
        );
        project.write(&format!("plain/{overlay}/more.yaml"), patch);
    }
    project.write("plain/alone.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Bad_Name}\n");
    let told = project.waybill("check plain --format short").exits(1);
    assert_eq!(told.out.lines().filter(|line| line.contains(": error")).count(), 2, "{}", told.told());
    told.says("plain/base/web.yaml:8:66").says("WB0905").says("plain/alone.yaml:3:18").says("WB0906");
}
