//! What rendering says of wrong manifests, and where it says it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;
use waybill_compiler::diag::{Diagnostic, Diags, codes};
use waybill_compiler::manifest::{self, Rendered};
use waybill_compiler::source::{Entry, FileId, Missing, Sources, Span};

/// Files of an example: a line `--- PATH` starts each but the first, which is the spec.
fn sections(example: &str) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut path = "waybill.kdl".to_owned();
    for line in example.split_inclusive('\n') {
        match line.strip_prefix("--- ") {
            Some(name) => name.trim().clone_into(&mut path),
            None => files.entry(path.clone()).or_insert_with(String::new).push_str(line),
        }
    }
    files
}

fn answer(sources: &mut Sources, files: &BTreeMap<String, String>, path: &str) {
    if let Some(text) = files.get(path) {
        sources.answer_file(path, text.as_str());
        return;
    }
    let below: BTreeSet<String> = files
        .keys()
        .filter_map(|file| file.strip_prefix(path)?.strip_prefix('/'))
        .map(|rest| rest.split_once('/').map_or(rest.to_owned(), |(folder, _)| format!("{folder}/")))
        .collect();
    let entry =
        if below.is_empty() { Entry::Missing(Missing::NotFound) } else { Entry::Folder(below.into_iter().collect()) };
    sources.answer(path, entry);
}

fn render(files: &BTreeMap<String, String>, root: &str) -> (Sources, Rendered, Vec<Diagnostic>) {
    let mut sources = Sources::default();
    sources.add(".", "");
    loop {
        let mut diags = Diags::default();
        let rendered = manifest::render(&sources, root, Span::start_of(FileId(0)), &|_| None, &mut diags);
        if rendered.needs.is_empty() {
            return (sources, rendered, diags.sorted());
        }
        for need in &rendered.needs {
            answer(&mut sources, files, &need.path);
        }
    }
}

/// `path:text: code: message` of each finding.
fn findings(files: &[(&str, &str)]) -> Vec<String> {
    let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let (sources, _, diags) = render(&files, "m");
    let show = |found: &Diagnostic| {
        format!("{} `{}`: {}: {}", sources.place(found.span), sources.slice(found.span), found.code.name, found.message)
    };
    diags.iter().map(show).collect()
}

#[test]
fn examples_of_codes_give_their_code() {
    for code in codes::all().into_iter().filter(|code| (600..700).contains(&code.number)) {
        let names = |example: &str| -> Vec<&str> {
            render(&sections(example), "manifests").2.iter().map(|found| found.code.name).collect()
        };
        assert!(names(code.failing).contains(&code.name), "{}: {:?}", code.name, names(code.failing));
        assert_eq!(names(code.fixed), Vec::<&str>::new(), "{}", code.name);
    }
}

const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata: {k: v}\n";

#[test]
fn findings_stand_where_the_mistake_is() {
    assert_eq!(
        findings(&[
            ("m/kustomization.yaml", "resources: [a.yaml, b]\nnamePrefx: x\nhelmCharts: []\n"),
            ("m/a.yaml", "kind: X\n")
        ]),
        [
            "m/kustomization.yaml:1 `b`: manifest-missing: `m/b` does not exist",
            "m/kustomization.yaml:2 `namePrefx`: kustomization-unknown-field: a kustomization has no field `namePrefx`",
            "m/kustomization.yaml:3 `helmCharts`: kustomize-helm: `helmCharts` would have to run Helm",
            "m/a.yaml:1 `kind`: manifest-incomplete: this manifest has no `apiVersion`",
        ]
    );
    let patch = "resources: [a.yaml]\npatches:\n  - target: {kind: ConfigMap}\n    patch: |\n      - op: add\n        path: /data/x\n        value: '1'\n      - op: remove\n        path: /data/none\n";
    assert_eq!(
        findings(&[("m/kustomization.yaml", patch), ("m/a.yaml", MAP)]),
        [
            "m/kustomization.yaml:8 `op: remove\n        path: /data/none`: patch: the patch does not fit ConfigMap a: `/data/none`: there is no `none` to remove"
        ]
    );
    assert_eq!(
        findings(&[("m/kustomization.yaml", "resources: [../n]\n"), ("n/kustomization.yaml", "resources: [../m]\n")]),
        ["n/kustomization.yaml:1 `../m`: base-cycle: bases go in a circle: `m` → `n` → `m`"]
    );
    assert_eq!(
        findings(&[("m/a.yaml", "a: [\n---\n- x\n"), ("m/b.json", "{\"apiVersion\": \"v1\"}"), ("m/c.txt", "no")]),
        [
            "m/a.yaml:1 `[`: yaml-syntax: this is not YAML: unclosed bracket '['",
            "m/a.yaml:3 `- x`: manifest-incomplete: a manifest is a mapping, and this is a list",
            "m/b.json:1 `\"apiVersion\"`: manifest-incomplete: this manifest has no `kind`",
        ]
    );
}

#[test]
fn fields_are_found_where_they_are_written() {
    let files = [
        ("m/kustomization.yaml", "resources: [a.yaml]\nnamespace: x\npatches:\n  - path: p.yaml\n"),
        (
            "m/a.yaml",
            "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n    - {name: x, image: 'i:1'}\n",
        ),
        ("m/p.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: y, image: j}]}\n"),
    ];
    let files = files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let (sources, rendered, diags) = render(&files, "m");
    assert!(diags.is_empty(), "{diags:#?}");
    let object = &rendered.objects[0];
    assert_eq!(object.value["spec"]["containers"][1], json!({"name": "x", "image": "i:1"}));
    assert_eq!(sources.slice(object.place("/spec/containers/1/image")), "'i:1'");
    // What a patch or a transformer wrote stands there.
    assert_eq!(sources.slice(object.place("/metadata/namespace")), "x");
    assert_eq!(sources.slice(object.place("/spec/containers/0/image")), "j");
    assert_eq!(object.key().to_string(), "Pod a");
}

#[test]
fn what_transformers_write_leads_to_its_source() {
    let kustomization = "resources: [a.yaml]\nlabels: [{pairs: {team: shop}}]\nreplicas: [{name: w, count: 5}]\n\
        configMapGenerator: [{name: g, literals: [K=V], options: {disableNameSuffixHash: true}}]\n\
        vars: [{name: V, objref: {apiVersion: v1, kind: ConfigMap, name: a}, fieldref: {fieldpath: data.v}}]\n\
        replacements:\n\
        - {source: {kind: ConfigMap, name: a, fieldPath: data.k}, targets: [{select: {kind: Deployment}, fieldPaths: [\
        'spec.template.spec.containers.[name=x].image'], options: {delimiter: ':', index: 1}}]}\n\
        - {sourceValue: hot, targets: [{select: {kind: Deployment}, fieldPaths: [metadata.annotations.mood], options: \
        {create: true}}]}\n\
        patches: [{target: {kind: Deployment}, patch: '[{op: add, path: /spec/paused, value: true}]'}]\n";
    let web = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: tag, v: value}\n---\n\
        apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: w}\nspec: {template: {spec: {containers: [{name: x, \
        image: 'i:1', args: ['$(V)']}]}}}\n";
    let files = [("m/kustomization.yaml", kustomization), ("m/a.yaml", web)];
    let files = files.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())).collect();
    let (sources, rendered, diags) = render(&files, "m");
    assert!(diags.is_empty(), "{diags:#?}");
    let [_, web, map] = &rendered.objects[..] else { panic!("{:#?}", rendered.objects) };
    let container = "/spec/template/spec/containers/0";
    for (object, pointer, value, written) in [
        (web, "/metadata/labels/team".to_owned(), json!("shop"), "shop"),
        (web, "/metadata/annotations/mood".to_owned(), json!("hot"), "hot"),
        (web, "/spec/replicas".to_owned(), json!(5), "5"),
        (web, "/spec/paused".to_owned(), json!(true), "true"),
        (web, format!("{container}/image"), json!("i:tag"), "tag"),
        (web, format!("{container}/args/0"), json!("value"), "value"),
        (web, format!("{container}/name"), json!("x"), "x"),
        (map, "/data/K".to_owned(), json!("V"), "K=V"),
    ] {
        assert_eq!(object.value.pointer(&pointer), Some(&value), "{pointer} of {:#}", object.value);
        assert_eq!(sources.slice(object.place(&pointer)), written, "{pointer}");
    }
}

#[test]
fn replacement_texts_are_used() {
    let mut sources = Sources::default();
    sources.answer("m", Entry::Folder(vec!["a.yaml".to_owned(), "kustomization.yaml".to_owned()]));
    sources.answer_file(
        "m/a.yaml",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: x, image: i}]}\n",
    );
    sources.answer_file("m/kustomization.yaml", "resources: [a.yaml]\nimages: [{name: i, newTag: old}]\n");
    let bumped = |path: &str| {
        (path == "m/kustomization.yaml").then(|| "resources: [a.yaml]\nimages: [{name: i, newTag: new}]\n".to_owned())
    };
    let rendered = manifest::render(&sources, "m", Span::start_of(FileId(0)), &bumped, &mut Diags::default());
    assert_eq!(rendered.objects[0].value["spec"]["containers"][0]["image"], "i:new");
    let file = rendered.kustomization.unwrap();
    assert_eq!((file.path.as_str(), file.images[0].name.value.as_str()), ("m/kustomization.yaml", "i"));
}

const SEEDS: [&str; 3] = [
    "resources: [a.yaml]\nnamePrefix: p-\nlabels: [{pairs: {a: b}, includeSelectors: true}]\nimages: [{name: i, newTag: '1'}]\nreplicas: [{name: a, count: 2}]\n",
    "resources: [a.yaml]\npatches:\n  - target: {kind: Deployment}\n    patch: |\n      - {op: add, path: /spec/x/-, value: [1]}\n  - patch: |-\n      apiVersion: apps/v1\n      kind: Deployment\n      metadata: {name: a}\n      spec: {template: {spec: {containers: [{name: c, env: [{$patch: replace}]}]}}}\n",
    "resources: [a.yaml]\nnamespace: n\nconfigMapGenerator: [{name: c, literals: [a=b], files: [x=a.yaml], envs: [a.yaml]}]\n",
];

const DEPLOYMENT: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  x: []\n  selector: {matchLabels: {a: b}}\n  template: {spec: {containers: [{name: c, image: i, env: [{name: e}], envFrom: [{configMapRef: {name: c}}]}]}}\n";

proptest! {
    #[test]
    fn no_mutation_makes_it_panic(
        seed in 0usize..3,
        which in any::<bool>(),
        at in 0usize..400,
        length in 0usize..20,
        insert in "[-\\[{:&*|>'\"\n \\\\a-c$/1~]{0,4}",
    ) {
        let mutate = |text: &str| {
            let from = at.min(text.len());
            let to = (from + length).min(text.len());
            format!("{}{insert}{}", &text[..from], &text[to..])
        };
        let (kustomization, object) =
            if which { (mutate(SEEDS[seed]), DEPLOYMENT.to_owned()) } else { (SEEDS[seed].to_owned(), mutate(DEPLOYMENT)) };
        let files = BTreeMap::from([("m/kustomization.yaml".to_owned(), kustomization), ("m/a.yaml".to_owned(), object)]);
        render(&files, "m");
    }
}
