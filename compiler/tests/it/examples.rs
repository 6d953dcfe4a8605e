//! The projects under `examples/` pass every check, and their two forms mean the same.

use std::path::{Path, PathBuf};

use waybill_compiler::compile;
use waybill_compiler::diag::render::short;
use waybill_compiler::diag::{Diagnostic, Diags, Severity, codes};
use waybill_compiler::dockerfile;
use waybill_compiler::manifest::{self, Rendered};
use waybill_compiler::model;
use waybill_compiler::needs::ROUNDS;
use waybill_compiler::source::{FileId, Sources};
use waybill_compiler::spec::{self, Spec};

use crate::folder::{answer, load, load_without};

const FORMS: [&str; 2] = ["waybill.kdl", "waybill.yaml"];

/// The folders of all examples, sorted.
fn examples() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    assert!(folders.len() >= 6, "{folders:?}");
    folders
}

#[test]
fn every_example_passes_every_check_in_both_forms() {
    let mut found = String::new();
    for folder in examples() {
        for (form, other) in [(FORMS[0], FORMS[1]), (FORMS[1], FORMS[0])] {
            let sources = load_without(&folder, &[other]);
            assert!(sources.by_path(form).is_some(), "{} has no {form}", folder.display());
            let (checking, diags) = compile(&sources);
            let clean = diags.iter().all(is_listing);
            let text = shown(&sources, diags);
            if !clean || checking.checked.is_none() {
                found += &format!("{} by {form}:\n{text}\n", folder.display());
            }
        }
    }
    assert!(found.is_empty(), "{found}");
}

#[test]
fn where_both_forms_stand_the_kdl_is_read_and_a_note_says_so() {
    for folder in examples() {
        let sources = load(&folder);
        let (checking, diags) = compile(&sources);
        assert!(checking.checked.is_some());
        let note = "waybill.kdl:1:1: note[WB0005]: `waybill.yaml` is not read beside `waybill.kdl`\n";
        let others: Vec<Diagnostic> = diags.into_iter().filter(|finding| !is_listing(finding)).collect();
        assert_eq!(short::render(&sources, &others, &str::to_owned), note, "{}", folder.display());
    }
}

#[test]
fn both_forms_of_an_example_lower_to_the_same_spec() {
    for folder in examples() {
        let [kdl, yaml] = FORMS.map(|form| lowered(&folder.join(form)));
        assert_same(&kdl, &yaml, &folder);
    }
}

#[test]
fn the_manifests_of_every_environment_render() {
    let mut found = Vec::new();
    for folder in examples() {
        let mut sources = load(&folder);
        let (checking, _) = compile(&sources);
        let checked = checking.checked.unwrap();
        for environment in &checked.model().environments {
            let rendered = rendered(&folder, &mut sources, environment);
            let example = folder.file_name().unwrap().to_str().unwrap();
            let of_bumped = rendered.kustomization.iter().flat_map(|file| &file.images).count();
            assert!(of_bumped >= environment.images.len(), "{example} {}", environment.name.value);
            for object in &rendered.objects {
                let namespace = object.namespace();
                assert!(namespace.is_empty() || namespace == environment.namespace.value, "{example} {}", object.key());
                found.push(format!("{example} {} {}", environment.name.value, object.key()));
            }
        }
    }
    let of = |start: &str| found.iter().filter_map(|line| line.strip_prefix(start)).collect::<Vec<_>>();
    // The hash of the name is the one that Kustomize 5.5 gives.
    let fintech =
        ["ServiceAccount payments", "Deployment payments", "Service payments", "PodDisruptionBudget payments"];
    for environment in ["fintech staging ", "fintech production "] {
        assert_eq!(of(environment), [&fintech[..], &["ConfigMap payments-config-446kg49h9b"]].concat());
    }
    assert!(of("manifests prod ").contains(&"ConfigMap handbook-pages-7kgbhb6htd"), "{found:#?}");
    assert!(of("nightly live ").contains(&"ConfigMap settle-config-m4k4md9dkf"), "{found:#?}");
    assert!(of("monorepo production ").len() == 11 && of("deploy-only payments ").len() == 8, "{found:#?}");
}

fn rendered(folder: &Path, sources: &mut Sources, environment: &model::Environment) -> Rendered {
    let path = environment.manifests.as_ref().unwrap();
    for _ in 0..ROUNDS {
        let mut diags = Diags::default();
        let rendered = manifest::render(sources, &path.value, path.span, &|_| None, &mut diags);
        if rendered.needs.is_empty() {
            assert!(diags.is_empty(), "{}", shown(sources, diags));
            return rendered;
        }
        rendered.needs.iter().for_each(|need| answer(folder, &need.path, sources));
    }
    panic!("{} needs files after {ROUNDS} rounds", path.value);
}

#[test]
fn every_image_of_an_example_can_be_built_from_scratch() {
    let mut built = 0;
    for folder in examples() {
        let (checking, _) = compile(&load(&folder));
        let checked = checking.checked.unwrap();
        for job in checked.model().pipelines.iter().flat_map(|pipeline| &pipeline.jobs) {
            let model::Work::Image(image) = &job.work else { continue };
            let context = folder.join(&image.folder);
            let text = std::fs::read_to_string(context.join(&image.dockerfile.value)).unwrap();
            let build = dockerfile::buildable(&dockerfile::parse(&text)).unwrap();
            for step in &build.steps {
                let dockerfile::BuildStep::Copy(copy) = step else { continue };
                copy.sources.iter().for_each(|source| assert!(context.join(source).exists(), "{source}"));
            }
            built += 1;
        }
    }
    assert_eq!(built, 5);
}

#[test]
fn every_example_says_what_it_is() {
    for folder in examples() {
        let readme = std::fs::read_to_string(folder.join("README.md")).unwrap();
        let name = folder.file_name().unwrap().to_str().unwrap();
        assert!(readme.starts_with(&format!("# {name}\n")), "{}", folder.display());
    }
}

/// A finding that only lists what is there: what sees the Pods of a rollout.
fn is_listing(finding: &Diagnostic) -> bool {
    finding.severity == Severity::Note && *finding.code == codes::ROLLOUT_SELECTORS
}

fn shown(sources: &Sources, diags: Diags) -> String {
    short::render(sources, &diags.sorted(), &str::to_owned)
}

/// A spec file as the text of its spec, without places.
fn lowered(path: &Path) -> String {
    lowered_text(path.file_name().unwrap().to_str().unwrap(), &std::fs::read_to_string(path).unwrap())
}

/// A spec as text, without places.
pub fn lowered_text(name: &str, text: &str) -> String {
    let mut sources = Sources::default();
    let file = sources.add(name, text);
    let mut diags = Diags::default();
    let spec: Spec = spec::lower(&sources, &[file], &mut diags);
    assert!(diags.is_empty(), "{}", shown(&sources, diags));
    assert_eq!(file, FileId(0));
    without_places(&format!("{spec:#?}"))
}

/// Leaves out of a pretty `Debug` text the fields that say where something stands: spans and maps of offsets.
fn without_places(text: &str) -> String {
    let mut kept = String::new();
    let mut skipped_to: Option<String> = None;
    for line in text.lines() {
        if let Some(end) = &skipped_to {
            if line == end {
                skipped_to = None;
            }
            continue;
        }
        let indent = &line[..line.len() - line.trim_start().len()];
        let place = ["span: Span {", "head: Span {", "Span {"].contains(&line.trim_start());
        let map = line.trim_start() == "map: [";
        if place || map {
            skipped_to = Some(format!("{indent}{}", if map { "]," } else { "}," }));
        } else if line.trim_start() != "map: []," {
            kept += line;
            kept.push('\n');
        }
    }
    kept
}

/// Fails with the first lines that differ.
pub fn assert_same(kdl: &str, yaml: &str, folder: &Path) {
    let differ = kdl.lines().zip(yaml.lines()).enumerate().find(|(_, (kdl, yaml))| kdl != yaml);
    if let Some((at, (left, right))) = differ {
        let before: Vec<&str> = kdl.lines().take(at).collect();
        let context = before[before.len().saturating_sub(12)..].join("\n");
        panic!("{}: after\n{context}\nKDL has\n{left}\nYAML has\n{right}", folder.display());
    }
    assert_eq!(kdl.len(), yaml.len(), "{}", folder.display());
}

#[test]
fn places_are_left_out_and_values_are_not() {
    let spec = |path: &str, text: &str| {
        let mut sources = Sources::default();
        let file = sources.add(path, text);
        without_places(&format!("{:#?}", spec::lower(&sources, &[file], &mut Diags::default())))
    };
    let first = spec("a.kdl", "project \"shop\"\nsecret-store \"a\\nb\"\n");
    assert_eq!(first, spec("b.yaml", "# later\nproject: shop\nsecret-stores:\n  - name: \"a\\nb\"\n"));
    assert_ne!(first, spec("c.kdl", "project \"shops\"\nsecret-store \"a\\nb\"\n"));
    assert!(!first.contains("Span {") && first.contains("\"shop\""), "{first}");
}
