//! Byte-exact edits of kustomizations: cases, the corpus, random files.

use proptest::prelude::*;
use waybill_compiler::overlay::{self, BumpError, NewImage, ScalarChange};

use crate::corpus;

const DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn new(tag: &str) -> NewImage {
    NewImage { new_tag: Some(tag.to_owned()), digest: None }
}

fn both(tag: &str, digest: &str) -> NewImage {
    NewImage { new_tag: Some(tag.to_owned()), digest: Some(digest.to_owned()) }
}

fn bumped(text: &str, name: &str, new: &NewImage) -> String {
    let file = overlay::bump(text, name, new).unwrap_or_else(|e| panic!("{e} in\n{text}"));
    assert_eq!(overlay::splice(text, &file.splices), file.text);
    file.text
}

#[track_caller]
fn expect(text: &str, new: &NewImage, after: &str) {
    let got = bumped(text, "app", new);
    assert_eq!(got, after);
    // What a bump writes is what is read, and a second bump changes nothing.
    let read = overlay::read(&got, "app").unwrap().unwrap();
    assert_eq!(read.tag, new.new_tag);
    assert_eq!(bumped(&got, "app", new), got);
    assert_eq!(overlay::mask(&got, ["app"]).unwrap(), overlay::mask(text, ["app"]).unwrap());
}

#[test]
fn only_the_scalar_changes() {
    expect(
        "# top\nimages:\n  - name: app   # the app\n    newTag: v1 # now\n\n# end\n",
        &new("v2"),
        "# top\nimages:\n  - name: app   # the app\n    newTag: v2 # now\n\n# end\n",
    );
}

#[test]
fn quotes_stay() {
    expect(
        "images:\n- {name: 'app', newTag: 'v1'}\n- name: \"b\"\n  newTag: \"v1\"\n",
        &new("v2"),
        "images:\n- {name: 'app', newTag: 'v2'}\n- name: \"b\"\n  newTag: \"v1\"\n",
    );
    expect("images:\n- newTag: \"v1\"\n  name: app", &new("v2"), "images:\n- newTag: \"v2\"\n  name: app");
}

#[test]
fn a_plain_scalar_is_quoted_where_it_would_not_be_a_string() {
    for tag in [
        "1.10",
        "1e3",
        "no",
        "0755",
        "1_000",
        "0x1F",
        "true",
        "null",
        "NaN.",
        "2026-11-23",
        "12",
        "Yes",
        "y",
        "0b1",
        "1.",
        "007e2",
    ] {
        let text = bumped("images:\n- name: app\n  newTag: v1\n", "app", &new(tag));
        // `NaN.` is a string everywhere; the others need quotes.
        let quote = if tag == "NaN." { "" } else { "\"" };
        assert_eq!(text, format!("images:\n- name: app\n  newTag: {quote}{tag}{quote}\n"));
        let value: serde_yaml::Value = serde_yaml::from_str(&text).unwrap();
        assert_eq!(value["images"][0]["newTag"].as_str(), Some(tag));
    }
    expect(
        "namespace: 'x'\nimages:\n- name: app\n  newTag: v1\n",
        &new("1.10"),
        "namespace: 'x'\nimages:\n- name: app\n  newTag: '1.10'\n",
    );
}

#[test]
fn missing_keys_follow_the_last_key_of_the_entry() {
    expect(
        "images:\r\n  -   name: app\r\n      newName: r/app # moved\r\n  - name: b\r\n",
        &both("v2", DIGEST),
        &format!(
            "images:\r\n  -   name: app\r\n      newName: r/app # moved\r\n      newTag: v2\r\n      digest: {DIGEST}\r\n  - name: b\r\n"
        ),
    );
    expect(
        "images:\n- name: \"app\"\n  newTag: v1",
        &both("v2", DIGEST),
        &format!("images:\n- name: \"app\"\n  newTag: v2\n  digest: \"{DIGEST}\""),
    );
    expect("images: [{name: app}, {name: b}]\n", &new("v2"), "images: [{name: app, newTag: v2}, {name: b}]\n");
}

#[test]
fn a_missing_entry_is_added_in_the_style_of_the_others() {
    expect(
        "images:\n  -   name: b\n      newTag: v1 # b\n# behind\nnamespace: x\n",
        &new("v2"),
        "images:\n  -   name: b\n      newTag: v1 # b\n  -   name: app\n      newTag: v2\n# behind\nnamespace: x\n",
    );
    expect("images:\n- {name: b}\n", &new("v2"), "images:\n- {name: b}\n- {name: app, newTag: v2}\n");
    expect("images: [{name: b}]", &new("v2"), "images: [{name: b}, {name: app, newTag: v2}]");
    expect("images: []\n", &new("v2"), "images: [{name: app, newTag: v2}]\n");
    expect("images:\n", &new("v2"), "images:\n- name: app\n  newTag: v2\n");
    expect(
        "images: # none yet\nresources:\n  - a\n",
        &new("v2"),
        "images: # none yet\n  - name: app\n    newTag: v2\nresources:\n  - a\n",
    );
}

#[test]
fn a_missing_list_is_added_at_the_end() {
    expect(
        "\u{feff}resources:\r\n  - a\r\n",
        &both("v2", DIGEST),
        &format!(
            "\u{feff}resources:\r\n  - a\r\nimages:\r\n  - name: app\r\n    newTag: v2\r\n    digest: {DIGEST}\r\n"
        ),
    );
    expect(
        "patches:\n- patch: |-\n    - op: x\n      # not a comment\n\n# end",
        &new("v2"),
        "patches:\n- patch: |-\n    - op: x\n      # not a comment\nimages:\n- name: app\n  newTag: v2\n\n# end",
    );
    expect(
        "{\n  \"kind\": \"Kustomization\",\n  \"resources\": [\"a\"]\n}\n",
        &new("v2"),
        "{\n  \"kind\": \"Kustomization\",\n  \"resources\": [\"a\"],\n  \"images\": [{\"name\": \"app\", \"newTag\": \"v2\"}]\n}\n",
    );
    expect("", &new("v2"), "images:\n- name: app\n  newTag: v2\n");
    expect("# only", &new("v2"), "# only\nimages:\n- name: app\n  newTag: v2");
    expect("---\n", &new("v2"), "---\nimages:\n- name: app\n  newTag: v2\n");
}

#[test]
fn an_empty_value_is_filled() {
    expect(
        "images:\n- name: app\n  newTag: # none\n- name: b\n",
        &new("v2"),
        "images:\n- name: app\n  newTag: v2 # none\n- name: b\n",
    );
}

#[test]
fn changes_are_listed_with_old_and_new_value() {
    let text = "images:\n- name: app\n  newTag: 'v1'\n";
    let file = overlay::bump(text, "app", &both("v2", DIGEST)).unwrap();
    let change = |path: &str, before: Option<&str>, after: &str| ScalarChange {
        path: path.to_owned(),
        before: before.map(str::to_owned),
        after: Some(after.to_owned()),
    };
    assert_eq!(
        file.changes,
        [change("images[app].newTag", Some("v1"), "v2"), change("images[app].digest", None, DIGEST),]
    );
}

#[test]
fn restore_undoes_a_bump_byte_by_byte() {
    for text in [
        "",
        "# only\n",
        "# only",
        "a: 1",
        "a: 1\r\n# end\r\n",
        "images:\n- name: app\n  newTag: v1\n",
        "images: [{name: app, newTag: v1}, {name: c}]\n",
        "images: []\n",
        "images:\n  - name: b\nresources: []\n",
        "{\"a\": 1}\n",
        "\u{feff}images:\n- newTag: v1\n  name: app\n",
    ] {
        let old = overlay::read(text, "app").unwrap().unwrap_or_default();
        let after = bumped(text, "app", &both("v2", DIGEST));
        assert_ne!(after, text);
        let old = NewImage { new_tag: old.tag, digest: old.digest };
        assert_eq!(overlay::restore(&after, "app", &old).unwrap().text, text);
    }
}

#[test]
fn what_cannot_be_edited_is_refused_with_the_line() {
    let error = |text: &str, new: &NewImage| overlay::bump(text, "app", new).unwrap_err();
    let digest_wins = "images:\n- name: app\n  digest: sha256:aa\n";
    assert!(matches!(error(digest_wins, &new("v2")), BumpError::PinnedByDigest { .. }));
    let shared = BumpError::Shared { line: 2 };
    assert_eq!(error("images:\n- &a {name: app}\n- *a\n", &new("v2")), shared);
    assert_eq!(error("x: &t v1\nimages:\n- name: app\n  newTag: *t\n", &new("v2")), BumpError::Shared { line: 4 });
    assert_eq!(
        error("images:\n- name: app\n- name: app\n", &new("v2")),
        BumpError::Duplicate { line: 3, name: "app".to_owned() }
    );
    assert_eq!(error("a: 1\n---\nb: 1\n", &new("v2")), BumpError::SeveralDocuments);
    assert!(matches!(error("- a\n", &new("v2")), BumpError::Shape { line: 1, .. }));
    assert!(matches!(error("images:\n  app: 1\n", &new("v2")), BumpError::Shape { line: 2, .. }));
    assert!(matches!(error("a: [\n", &new("v2")), BumpError::Yaml { .. }));
    assert!(matches!(error("", &new("a b")), BumpError::BadValue { .. }));
    assert!(matches!(error("", &new("refs/heads/main")), BumpError::BadValue { .. }));
    assert_eq!(error("images:\n- name: app\n  newTag: |-\n    v1\n", &new("v2")), BumpError::Unsupported { line: 3 });
}

fn line_set(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

/// Every entry of every kustomization of the corpus: exactly the lines of its scalars change.
#[test]
fn the_corpus_is_edited_line_by_line() {
    let Some(root) = corpus::corpus() else { return };
    let named = |name: &str| ["kustomization.yaml", "kustomization.yml", "Kustomization"].contains(&name);
    let mut entries = 0;
    for path in corpus::files(&root, &named) {
        let text = std::fs::read_to_string(&path).unwrap();
        // A few files are templates or hold several documents; the parser of the tests must agree that they are bad.
        let Ok(value) = serde_yaml::from_str::<serde_yaml::Value>(&text) else {
            continue;
        };
        for image in value["images"].as_sequence().into_iter().flatten() {
            let Some(name) = image["name"].as_str() else {
                continue;
            };
            entries += 1;
            check_corpus_entry(&path, &text, name, image);
        }
        check_corpus_addition(&path, &text, &value);
    }
    assert!(entries >= 40, "only {entries} entries found");
}

fn check_corpus_entry(path: &std::path::Path, text: &str, name: &str, image: &serde_yaml::Value) {
    let bump = both("v9.9.9", DIGEST);
    let after = bumped(text, name, &bump);
    let value: serde_yaml::Value = serde_yaml::from_str(&after).unwrap();
    let entries = value["images"].as_sequence().unwrap();
    let entry = entries.iter().find(|entry| entry["name"] == name).unwrap();
    assert_eq!(entry["newTag"], "v9.9.9", "{}", path.display());
    assert_eq!(entry["digest"], DIGEST, "{}", path.display());
    let (old, new) = (line_set(text), line_set(&after));
    let diff = |a: &[&str], b: &[&str]| a.iter().filter(|line| !b.contains(line)).count();
    let written = ["newTag", "digest"];
    let present = written.iter().filter(|key| !image[*key].is_null()).count();
    // A line that was the last one without a line end gets one when a line follows.
    let unended = usize::from(!text.ends_with('\n') && present < 2);
    assert!(diff(&old, &new) <= present + unended, "{}", path.display());
    assert!(diff(&new, &old) <= 2 + unended, "{}", path.display());
    assert_eq!(new.len(), old.len() + 2 - present, "{}", path.display());
    let changed = new.iter().filter(|line| !old.contains(line));
    let values = changed.filter(|line| line.contains("v9.9.9") || line.contains(DIGEST));
    assert!(values.count() >= 2, "{}", path.display());
}

/// A new entry goes into every file that is a mapping, and comes out again.
fn check_corpus_addition(path: &std::path::Path, text: &str, value: &serde_yaml::Value) {
    if !value.is_mapping() {
        return;
    }
    let file = match overlay::bump(text, "waybill.test/app", &both("v1", DIGEST)) {
        Ok(file) => file,
        Err(error) => panic!("{}: {error}", path.display()),
    };
    assert_eq!(file.splices.len(), 1);
    let mut expected = value.clone();
    let list = &mut expected["images"];
    if list.is_null() {
        *list = serde_yaml::Value::Sequence(Vec::new());
    }
    let entry = format!("{{name: waybill.test/app, newTag: v1, digest: '{DIGEST}'}}");
    let list = list.as_sequence_mut().unwrap();
    list.push(serde_yaml::from_str(&entry).unwrap());
    let found: serde_yaml::Value = serde_yaml::from_str(&file.text).unwrap();
    assert_eq!(found, expected, "{}", path.display());
    assert_eq!(overlay::mask(&file.text, ["waybill.test/app"]).unwrap(), text, "{}", path.display());
}

fn kustomization() -> impl Strategy<Value = String> {
    let scalar = prop_oneof!["v[0-9]{1,3}", "'[0-9]\\.[0-9]{2}'", "\"[a-z]{1,5}\"", Just(String::new())];
    let entry = (0..4_u8, scalar, any::<bool>(), any::<bool>());
    let entries = prop::collection::vec(entry, 0..4);
    let shape = (any::<bool>(), any::<bool>(), any::<bool>(), 0..3_usize, any::<bool>());
    (entries, shape).prop_map(|(entries, (crlf, last_eol, flow, indent, tail))| {
        let mut seen = std::collections::BTreeSet::new();
        let mut text = "# head\nresources:\n- a.yaml # first\n".to_owned();
        if !entries.is_empty() {
            text.push_str("images:\n");
        }
        for (name, tag, comment, digest) in entries {
            if !seen.insert(name) {
                continue;
            }
            let note = if comment { " # ümlaut" } else { "" };
            let pad = " ".repeat(indent);
            let digest_text = if digest { "digest: sha256:ab" } else { "newName: r/x" };
            text.push_str(&match flow && !tag.is_empty() {
                true => format!("{pad}- {{name: i{name}, newTag: {tag}, {digest_text}}}{note}\n"),
                false => format!("{pad}- name: i{name}{note}\n{pad}  newTag: {tag}{note}\n{pad}  {digest_text}\n"),
            });
        }
        if tail {
            text.push_str("# between\nnamespace: x\n\n# end\n");
        }
        if !last_eol {
            text.pop();
        }
        if crlf { text.replace('\n', "\r\n") } else { text }
    })
}

proptest! {
    #[test]
    fn any_bump_is_exact_and_undone(text in kustomization(), idx in 0..5_u8, tag in "[a-z0-9_][a-zA-Z0-9_.-]{0,8}") {
        let name = format!("i{idx}");
        let old = overlay::read(&text, &name).unwrap();
        let file = overlay::bump(&text, &name, &both(&tag, DIGEST)).unwrap();
        let value: serde_yaml::Value = serde_yaml::from_str(&file.text).unwrap();
        let entries = value["images"].as_sequence().unwrap();
        let entry = entries.iter().find(|entry| entry["name"] == name.as_str()).unwrap();
        prop_assert_eq!(entry["newTag"].as_str(), Some(tag.as_str()));
        prop_assert_eq!(entry["digest"].as_str(), Some(DIGEST));
        let others = |text: &str| text.lines().filter(|line| !line.contains("newTag") && !line.contains("digest") && !line.contains(&name) && *line != "images:").count();
        prop_assert_eq!(others(&text), others(&file.text));
        prop_assert_eq!(overlay::mask(&text, [name.as_str()]).unwrap(), overlay::mask(&file.text, [name.as_str()]).unwrap());
        if old.is_none() {
            prop_assert_eq!(overlay::restore(&file.text, &name, &NewImage::default()).unwrap().text, text);
        }
    }

    #[test]
    fn no_text_panics(text in "[-a:&*{}\\[\\], \n#'\"|>!imagesnewTdgt]{0,60}") {
        let _ = overlay::bump(&text, "app", &both("v1", DIGEST));
    }
}
