//! Reading the fields of a kustomization: texts, lists, mappings, each with a finding where it is something else.
//!
//! **Invariant:** what cannot be read is a finding and left out; nothing is passed over in silence.

use super::{HELM, SUPPORTED};
use crate::diag::suggest;
use crate::diag::{Applicability, Diagnostic, Diags, codes};
use crate::source::Span;
use crate::syntax::Text;
use crate::syntax::yaml::Node;

pub(in crate::manifest) struct Reader<'a> {
    pub(in crate::manifest) diags: &'a mut Diags,
}

impl Reader<'_> {
    pub(in crate::manifest) fn wrong(&mut self, node: &Node, what: &str, expected: &str) {
        let message = format!("`{what}` is {}, and {expected} is expected", node.what());
        self.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_TYPE, node.span, message).here(node.what()));
    }

    pub(in crate::manifest) fn refuse(&mut self, key: &Text) {
        if HELM.contains(&key.value.as_str()) {
            self.diags.push(helm(key.span, &key.value));
        } else {
            self.unknown(key, "a kustomization", &SUPPORTED);
        }
    }

    pub(in crate::manifest) fn unknown(&mut self, key: &Text, place: &str, known: &[&str]) {
        let message = format!("{place} has no field `{}`", key.value);
        let finding = Diagnostic::new(&codes::KUSTOMIZATION_UNKNOWN, key.span, message);
        let finding = match suggest::closest(&key.value, known.iter().copied()) {
            Some(name) => finding.here(format!("did you mean `{name}`?")).fix(
                format!("rename it to `{name}`"),
                Applicability::Maybe,
                key.span,
                name,
            ),
            None => finding.here(format!("the fields are {}", known.join(", "))),
        };
        self.diags.push(finding);
    }

    pub(in crate::manifest) fn map<'n>(&mut self, node: &'n Node, what: &str) -> &'n [(Text, Node)] {
        if !node.is_null() && node.as_map().is_none() {
            self.wrong(node, what, "a mapping");
        }
        node.as_map().unwrap_or_default()
    }

    pub(in crate::manifest) fn each<T>(
        &mut self,
        node: &Node,
        what: &str,
        read: fn(&mut Self, &Node) -> Option<T>,
    ) -> Vec<T> {
        if !node.is_null() && node.as_seq().is_none() {
            self.wrong(node, what, "a list");
        }
        node.as_seq().unwrap_or_default().iter().filter_map(|item| read(self, item)).collect()
    }

    pub(in crate::manifest) fn text(&mut self, node: &Node, what: &str) -> Option<Text> {
        if !node.is_null() && node.as_text().is_none() {
            self.wrong(node, what, "a text (put it in quotes)");
        }
        node.as_text().filter(|text| !text.value.is_empty()).cloned()
    }

    pub(in crate::manifest) fn texts(&mut self, node: &Node, what: &str) -> Vec<Text> {
        if !node.is_null() && node.as_seq().is_none() {
            self.wrong(node, what, "a list");
        }
        let mut texts = Vec::new();
        for item in node.as_seq().unwrap_or_default() {
            if item.as_text().is_none() {
                self.wrong(item, what, "a text");
            }
            texts.extend(item.as_text().cloned());
        }
        texts
    }

    pub(in crate::manifest) fn flag(&mut self, node: &Node, what: &str) -> bool {
        if !node.is_null() && node.as_bool().is_none() {
            self.wrong(node, what, "`true` or `false`");
        }
        node.as_bool().unwrap_or_default()
    }

    pub(in crate::manifest) fn pairs(&mut self, node: &Node, what: &str) -> Vec<(Text, Text)> {
        let mut pairs = Vec::new();
        for (key, value) in self.map(node, what) {
            if value.as_text().is_none() {
                self.wrong(value, &key.value, "a text (put it in quotes)");
            }
            pairs.extend(value.as_text().map(|value| (key.clone(), value.clone())));
        }
        pairs
    }

    pub(in crate::manifest) fn fixed(&mut self, node: &Node, field: &str, expected: &str) {
        if let Some(text) = self.text(node, field)
            && text.value != expected
        {
            let message = format!("`{field}` of a kustomization is `{expected}`, not `{}`", text.value);
            let code =
                if text.value == "Component" { &codes::KUSTOMIZATION_UNSUPPORTED } else { &codes::KUSTOMIZATION_TYPE };
            self.diags.push(Diagnostic::new(code, node.span, message));
        }
    }

    pub(in crate::manifest) fn required(
        &mut self,
        node: &Node,
        found: Option<Text>,
        place: &str,
        field: &str,
    ) -> Option<Text> {
        if found.is_none() && node.get(field).is_none_or(|value| value.is_null() || value.as_text().is_some()) {
            let message = format!("{place} has no `{field}`");
            self.diags.push(Diagnostic::new(&codes::KUSTOMIZATION_TYPE, node.span, message));
        }
        found
    }
}

/// The finding for what would need Helm.
pub(in crate::manifest) fn helm(span: Span, name: &str) -> Diagnostic {
    Diagnostic::new(&codes::KUSTOMIZE_HELM, span, format!("`{name}` would have to run Helm"))
        .here("rendering runs no program")
        .help("commit what `helm template` prints, and list that file under `resources`")
}
