//! What other tools expand and Kubernetes does not: shell expressions and Helm templates in plain manifests.
//!
//! **Invariant:** texts that are meant for other readers (data of ConfigMaps, annotations, commands of a shell, objects of
//! kinds that are not built in) are passed over.

use std::sync::LazyLock;

use regex::Regex;

use super::Object;
use crate::diag::{Diagnostic, Diags, Severity, codes};
use crate::manifest::images::pod_spec_pointer;
use crate::manifest::scope;
use crate::source::{FileId, Span};
use crate::syntax::Text;
use crate::syntax::yaml::{self, Kind, Node, Schema};

/// An action of a Helm chart in a text (<https://helm.sh/docs/chart_template_guide/builtin_objects/>).
static ACTION: LazyLock<Regex> = LazyLock::new(|| {
    let of_helm = r"\.(Values|Release|Chart|Capabilities|Files|Template)\b|(include|template|tpl|toYaml|required)\s";
    Regex::new(&format!(r"\{{\{{-?\s*\(?\s*({of_helm})[^}}\n]*\}}?\}}?")).expect("BUG: the pattern of Helm is wrong")
});

/// An action where YAML wants a value or a line: it makes the text no YAML.
static BARE_ACTION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^[ \t]*(?:- +)?(?:[^\s#'\x22:]+:[ \t]+)?(\{\{[^\n]*)$").expect("BUG: the pattern of Helm is wrong")
});

/// `${NAME}`, `${NAME:-…}`, `$(…)`.
static EXPRESSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\$\{[A-Za-z_][A-Za-z0-9_]*(?::?[-=?+][^}]*)?\}|\$\([^()]*\)").expect("BUG: the pattern is wrong")
});

/// Variables that a shell of almost every image has.
const COMMON: &[&str] = &["HOME", "HOSTNAME", "PATH", "PWD", "USER"];

const SHELLS: &[&str] = &["sh", "bash", "ash", "dash", "zsh", "envsubst"];

/// Reads manifests. A text that a Helm template keeps from being YAML gives one finding, at the first action, instead of
/// what YAML makes of it.
pub fn parse(file: FileId, text: &str, schema: Schema, diags: &mut Diags) -> Vec<Node> {
    let mut found = Diags::default();
    let nodes = yaml::parse(file, text, schema, &mut found);
    let action = found
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .find_map(|finding| bare_action(text, finding.span.start as usize));
    match action {
        Some((start, end)) => {
            let span = Span::new(file, start, end);
            diags.push(helm(span, "a Helm template is not a manifest").here("not YAML before Helm has rendered it"));
            Vec::new()
        }
        None => {
            diags.extend(found);
            nodes
        }
    }
}

/// The first bare action of a text if YAML failed in or right behind one.
fn bare_action(text: &str, failed: usize) -> Option<(usize, usize)> {
    let failed = text.get(..failed)?.rfind('\n').map_or(0, |at| at + 1);
    let before = text[..failed.saturating_sub(1)].rfind('\n').map_or(0, |at| at + 1);
    let mut actions = BARE_ACTION.captures_iter(text).filter_map(|captures| captures.get(1));
    let first = actions.next()?;
    let line = |at: usize| text[..at].rfind('\n').map_or(0, |at| at + 1);
    let near = std::iter::once(first).chain(actions).any(|action| [failed, before].contains(&line(action.start())));
    let shown = first.as_str();
    let end = shown.find("}}").map_or(shown.trim_end().len(), |end| end + 2);
    near.then_some((first.start(), first.start() + end))
}

fn helm(span: Span, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new(&codes::HELM_TEMPLATE, span, message)
        .help("render the chart (`helm template`) into the project, where a review can see it, or make it an overlay")
}

/// Reports expressions that nothing expands.
pub fn check(object: &Object<'_>, diags: &mut Diags) {
    let meant_for_others = match (object.group, object.kind) {
        ("apiextensions.k8s.io" | "admissionregistration.k8s.io", _) => true,
        (group, kind) => scope::built_in(group, kind).is_none(),
    };
    if meant_for_others {
        return;
    }
    let mut found = Vec::new();
    if let Some(spec) = pod_spec_pointer(object.group, object.kind).and_then(|spec| object.at(spec)) {
        for list in ["containers", "initContainers", "ephemeralContainers"] {
            let items = spec.get(list).and_then(Node::as_seq).unwrap_or_default();
            items.iter().for_each(|container| in_container(container, &mut found));
        }
    }
    let data = matches!((object.group, object.kind), ("", "ConfigMap" | "Secret"));
    for (key, value) in object.node.as_map().unwrap_or_default() {
        if !data || key.value == "metadata" {
            walk(key, value, &mut found);
        }
    }
    // Where the text is refused, that was said, and this is why.
    for finding in found {
        match diags.error_at(finding.span) {
            Some(said) => said.notes.push(finding.message),
            None => diags.push(finding),
        }
    }
}

fn walk(key: &Text, value: &Node, found: &mut Vec<Diagnostic>) {
    // Programs and shells read these; those of containers were looked at.
    if matches!(key.value.as_str(), "annotations" | "command" | "args" | "env" | "exec" | "subPathExpr") {
        return;
    }
    match &value.kind {
        Kind::Str(text) => {
            let helm = in_text(text, &ACTION).map(|(span, shown)| unrendered(span, &shown));
            let shell = || in_text(text, &EXPRESSION).map(|(span, shown)| unexpanded(span, &shown));
            found.extend(helm.or_else(shell));
        }
        Kind::Seq(items) => items.iter().for_each(|item| walk(key, item, found)),
        Kind::Map(entries) => entries.iter().for_each(|(key, value)| walk(key, value, found)),
        Kind::Null | Kind::Bool(_) | Kind::Number(_) => {}
    }
}

fn in_text(text: &Text, pattern: &Regex) -> Option<(Span, String)> {
    let found = pattern.find(&text.value).filter(|_| text.value.contains(['$', '{']))?;
    Some((text.span, found.as_str().to_owned()))
}

fn unrendered(span: Span, shown: &str) -> Diagnostic {
    let mut finding = helm(span, format!("a Helm template in a plain manifest: `{shown}`")).here("nothing renders it");
    finding.severity = Severity::Warning;
    finding
}

fn unexpanded(span: Span, shown: &str) -> Diagnostic {
    let message = format!("`{shown}` is a shell expression, which nothing expands in a manifest");
    let finding = Diagnostic::new(&codes::SHELL_EXPRESSION, span, message).here("taken as it is written");
    finding.help("write the value, or let the overlay set it (`replacements`, `images`, `configMapGenerator`)")
}

/// Variables of a container: Kubernetes expands `$(NAME)` of variables that stand before, and nothing else.
fn in_container(container: &Node, found: &mut Vec<Diagnostic>) {
    let variables = container.get("env").and_then(Node::as_seq).unwrap_or_default();
    let names: Vec<&str> = variables.iter().filter_map(|variable| variable.get("name")?.as_str()).collect();
    for variable in variables {
        let Some(Kind::Str(text)) = variable.get("value").map(|value| &value.kind) else { continue };
        found.extend(in_text(text, &ACTION).map(|(span, shown)| unrendered(span, &shown)));
        found.extend(in_argument(text, &names));
    }
    let texts: Vec<&Text> = ["command", "args"]
        .iter()
        .flat_map(|field| container.get(field).and_then(Node::as_seq).unwrap_or_default())
        .filter_map(|node| match &node.kind {
            Kind::Str(text) => Some(text),
            Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Seq(_) | Kind::Map(_) => None,
        })
        .collect();
    found.extend(texts.iter().filter_map(|text| in_text(text, &ACTION)).map(|(span, shown)| unrendered(span, &shown)));
    let shell = |text: &&Text| SHELLS.contains(&text.value.rsplit('/').next().unwrap_or("")) || text.value == "-c";
    if !texts.iter().any(shell) {
        found.extend(texts.iter().filter_map(|text| in_argument(text, &names)));
    }
}

/// An expression that only a shell would expand: a command, or a variable that the container has by this name.
fn in_argument(text: &Text, names: &[&str]) -> Option<Diagnostic> {
    let expression = EXPRESSION.find_iter(&text.value).find_map(|found| {
        let shown = found.as_str();
        let inner = &shown[2..shown.len() - 1];
        let is_command = shown.starts_with("$(") && inner.contains([' ', '/', '|']);
        let name = inner.split([':', '-', '=', '?', '+']).next().unwrap_or(inner);
        let is_variable = shown.starts_with("${") && (names.contains(&name) || COMMON.contains(&name));
        // `$$(NAME)` is the text `$(NAME)`.
        let escaped = text.value[..found.start()].ends_with('$');
        ((is_command || is_variable) && !escaped).then(|| (shown.to_owned(), is_variable.then(|| name.to_owned())))
    });
    let (shown, variable) = expression?;
    let finding = unexpanded(text.span, &shown);
    Some(match variable {
        Some(name) if names.contains(&name.as_str()) => {
            finding.help(format!("Kubernetes expands `$({name})`, with round brackets"))
        }
        _ => finding.help("nothing runs a shell here: write the value, or run `sh -c`"),
    })
}
