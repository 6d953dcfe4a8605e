//! The listed fields of webhook payloads, against real payloads.

use std::path::Path;

use serde_json::Value;
use waybill_compiler::event;
use waybill_compiler::spec::trigger::Forge;

use crate::corpus::{corpus, files};

/// Whether a value is of a listed type.
fn is(ty: &str, value: &Value) -> bool {
    let text = value.as_str();
    let hex = |text: &str| text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match ty {
        "string" => text.is_some(),
        "int" => value.is_i64(),
        "bool" => value.is_boolean(),
        "commit" => text.is_some_and(hex),
        "git-ref" => text.is_some_and(|text| text.starts_with("refs/")),
        "url" => text.is_some_and(|text| text.contains("://")),
        "dyn" => true,
        other => panic!("{other} is no type"),
    }
}

/// The values at a path, `[]` being every element of a list; nothing where a field is absent.
fn at<'a>(values: Vec<&'a Value>, path: &str) -> Vec<&'a Value> {
    path.split('.').fold(values, |values, part| {
        let name = part.trim_end_matches("[]");
        let found = values.into_iter().filter_map(|value| value.get(name));
        if part.ends_with("[]") { found.filter_map(Value::as_array).flatten().collect() } else { found.collect() }
    })
}

#[test]
fn every_listed_field_is_one_of_real_payloads() {
    let Some(corpus) = corpus() else { return };
    let octokit = "webhooks/github-octokit/octokit__webhooks/payload-examples/api.github.com";
    let playground = "webhooks/go-playground/go-playground__webhooks/testdata";
    let cases: [(Forge, &str, String); 9] = [
        (Forge::GitHub, "push", format!("{octokit}/push")),
        (Forge::GitHub, "pull_request", format!("{octokit}/pull_request")),
        (Forge::GitHub, "create", format!("{octokit}/create")),
        (Forge::GitHub, "delete", format!("{octokit}/delete")),
        (Forge::GitHub, "release", format!("{octokit}/release")),
        (Forge::GitHub, "issue_comment", format!("{octokit}/issue_comment")),
        (Forge::Gitea, "push", format!("{playground}/gitea/push-event.json")),
        (Forge::Bitbucket, "repo:push", format!("{playground}/bitbucket/repo-push.json")),
        (Forge::BitbucketServer, "repo:refs_changed", format!("{playground}/bitbucket-server/repo-refs-changed.json")),
    ];
    let mut wrong = Vec::new();
    for (forge, name, place) in cases {
        let place = corpus.join(place);
        let found = if place.is_dir() { files(&place, &|file| file.ends_with(".json")) } else { vec![place.clone()] };
        let payloads: Vec<Value> = found.iter().map(|path| payload(path)).collect();
        for (path, ty) in event::shape(forge, name).unwrap().all() {
            let values = at(payloads.iter().collect(), path);
            let list = path.ends_with("[]") || path.contains("[].");
            if values.is_empty() && !list {
                wrong.push(format!("{forge:?} {name}: no payload has {path}"));
            }
            let misfit = values.iter().find(|value| !is(ty, value));
            wrong.extend(misfit.map(|value| format!("{forge:?} {name}: {path} is {value}, not {ty}")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn payload(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}
