//! SARIF 2.1.0 (OASIS): one run, one rule per code that occurs, fixes included. Columns count Unicode characters.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use crate::diag::{Code, Diagnostic, Edit, Fix, Severity};
use crate::source::{FileId, Sources, Span};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Findings as a SARIF log; `display` turns a path of the sources into the one to show, `version` is that of the program.
pub fn report(
    sources: &Sources,
    findings: &[Diagnostic],
    display: &dyn Fn(&str) -> String,
    version: &str,
) -> serde_json::Value {
    let writer = Writer { sources, display };
    let codes: BTreeMap<u16, &Code> = findings.iter().map(|finding| (finding.code.number, finding.code)).collect();
    let index: Vec<u16> = codes.keys().copied().collect();
    let results: Vec<Value> = findings.iter().map(|finding| writer.result(finding, &index)).collect();
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "waybill",
                "semanticVersion": version,
                "rules": codes.values().map(|code| rule(code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn rule(code: &Code) -> Value {
    json!({
        "id": code.id(),
        "name": code.name,
        "shortDescription": {"text": code.summary},
        "fullDescription": {"text": code.explanation},
        "defaultConfiguration": {"level": level(code.severity)},
    })
}

fn level(severity: Severity) -> &'static str {
    severity.as_str()
}

struct Writer<'a> {
    sources: &'a Sources,
    display: &'a dyn Fn(&str) -> String,
}

impl Writer<'_> {
    fn result(&self, finding: &Diagnostic, rules: &[u16]) -> Value {
        let mut text = finding.message.clone();
        for line in finding.help.iter().chain(&finding.notes) {
            text.push('\n');
            text.push_str(line);
        }
        let mut result = json!({
            "ruleId": finding.code.id(),
            "ruleIndex": rules.iter().position(|number| *number == finding.code.number),
            "level": level(finding.severity),
            "message": {"text": text},
            "locations": [self.location(finding.span, None, &finding.label)],
        });
        let related = finding.labels.iter().enumerate();
        let related: Vec<Value> =
            related.map(|(id, label)| self.location(label.span, Some(id + 1), &label.message)).collect();
        if !related.is_empty() {
            result["relatedLocations"] = related.into();
        }
        let fixes: Vec<Value> = finding.fixes.iter().map(|fix| self.fix(fix)).collect();
        if !fixes.is_empty() {
            result["fixes"] = fixes.into();
        }
        result
    }

    fn location(&self, span: Span, id: Option<usize>, message: &str) -> Value {
        let mut location =
            json!({"physicalLocation": {"artifactLocation": self.file(span.file), "region": self.region(span)}});
        if let Some(id) = id {
            location["id"] = id.into();
        }
        if !message.is_empty() {
            location["message"] = json!({"text": message});
        }
        location
    }

    fn file(&self, file: FileId) -> Value {
        json!({"uri": uri(&(self.display)(self.sources.path(file)))})
    }

    fn region(&self, span: Span) -> Value {
        let start = self.sources.line_column(span.file, span.start);
        let end = self.sources.line_column(span.file, span.end);
        json!({"startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column})
    }

    fn fix(&self, fix: &Fix) -> Value {
        let files: BTreeSet<FileId> = fix.edits.iter().map(|edit| edit.span.file).collect();
        let change = |file: &FileId| {
            let of_file = fix.edits.iter().filter(|edit| edit.span.file == *file);
            json!({
                "artifactLocation": self.file(*file),
                "replacements": of_file.map(|edit| self.replacement(edit)).collect::<Vec<_>>(),
            })
        };
        json!({"description": {"text": fix.title}, "artifactChanges": files.iter().map(change).collect::<Vec<_>>()})
    }

    fn replacement(&self, edit: &Edit) -> Value {
        json!({"deletedRegion": self.region(edit.span), "insertedContent": {"text": edit.text}})
    }
}

/// A path as a URI reference: what may not stand in one is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
