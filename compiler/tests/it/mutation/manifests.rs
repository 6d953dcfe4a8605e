//! Mistakes in a manifest, line by line.

use super::Edit;

/// Keys below which the writer chooses the names.
const FREE: &[&str] = &[
    "labels",
    "annotations",
    "matchLabels",
    "selector",
    "data",
    "stringData",
    "limits",
    "requests",
    "nodeSelector",
    "hard",
];

/// Whether a file is a manifest of an object that every Kubernetes serves.
pub fn is_object(path: &str, text: &str) -> bool {
    let kinds =
        ["Deployment", "Service", "ConfigMap", "PodDisruptionBudget", "Job", "CronJob", "Ingress", "ServiceAccount"];
    path.ends_with(".yaml") && kinds.iter().any(|kind| text.lines().any(|line| line == format!("kind: {kind}")))
}

/// Every mistake of a manifest that is right.
pub fn edits(text: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    let mut above: Vec<(usize, &str)> = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        let body = line.trim_end_matches('\n');
        let indent = body.len() - body.trim_start_matches([' ', '-']).len();
        let Some((key, value)) = body[indent..].split_once(':') else { continue };
        if key.is_empty() || !key.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            continue;
        }
        above.retain(|(depth, _)| *depth < indent);
        let free = above.iter().any(|(_, key)| FREE.contains(key));
        above.push((indent, key));
        if free || body.contains('#') || body.contains('|') {
            continue;
        }
        of_line(&mut edits, start, body, indent, key, value.trim());
    }
    edits
}

fn of_line(edits: &mut Vec<Edit>, start: usize, body: &str, indent: usize, key: &str, value: &str) {
    let line = start..start + body.len();
    let name = start + indent..start + indent + key.len();
    let mut add = |kind, range, text: String| edits.push(Edit { kind, range, text, places: vec![line.clone()] });
    let top = indent == 0 && ["apiVersion", "kind", "metadata"].contains(&key);
    if !top && key != "name" {
        add("manifest: unknown field", name.clone(), format!("{key}Zzz"));
    }
    if value.is_empty() {
        return;
    }
    let copy = format!("\n{}{key}: {value}", " ".repeat(indent));
    add("manifest: field twice", line.end..line.end, copy);
    let at = line.end - value.len()..line.end;
    add("manifest: quote not closed", at.clone(), format!("\"{}", value.trim_matches('"')));
    if !top {
        add("manifest: object for a scalar", at.clone(), "{surprise: true}".into());
    }
    if value.parse::<u32>().is_ok() {
        add("manifest: number in words", at.clone(), "many".into());
    }
    if key == "kind" && indent == 0 {
        add("manifest: unknown version", start..start, "surprise: true\n".into());
    }
}
