//! `crds`: OpenAPI definitions of custom kinds, of which field tables are made.
//!
//! **Invariant:** as Kustomize's `LoadConfigFromCRDs`: only definitions with `x-kubernetes-…` marks add anything, and a
//! CustomResourceDefinition is none of them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::config::{Config, Rule};
use super::fields::FieldSpec;
use crate::diag::{Diagnostic, Diags, codes};
use crate::syntax::yaml::Node;

/// References within references that are followed.
const MAX_DEPTH: usize = 32;

/// The tables that a file of definitions gives.
pub(super) fn config(node: &Node, diags: &mut Diags) -> Config {
    let mut config = Config::default();
    let definitions = node.to_json();
    if node.get("apiVersion").and_then(Node::as_str).is_some() {
        let message = "`crds` takes OpenAPI definitions, and this is an object";
        let finding = Diagnostic::new(&codes::TRANSFORMER_CONFIG, node.span, message);
        diags.push(finding.help("list a CustomResourceDefinition under `resources`"));
        return config;
    }
    for (name, definition) in definitions.as_object().into_iter().flatten() {
        let properties = properties(definition);
        if ["kind", "apiVersion", "metadata"].iter().all(|field| properties.is_some_and(|all| all.contains_key(*field)))
        {
            let kind = name.rsplit('.').next().unwrap_or(name);
            let mut walk = Walk { definitions: &definitions, kind, config: &mut config, open: BTreeSet::new() };
            walk.definition(name, &mut Vec::new());
        }
    }
    config
}

fn properties(definition: &Value) -> Option<&serde_json::Map<String, Value>> {
    let schema = definition.get("Schema").or_else(|| definition.get("schema"))?;
    schema.get("properties")?.as_object()
}

struct Walk<'a> {
    definitions: &'a Value,
    kind: &'a str,
    config: &'a mut Config,
    /// The definitions on the way, so that a circle ends.
    open: BTreeSet<String>,
}

impl Walk<'_> {
    fn definition(&mut self, name: &str, path: &mut Vec<String>) {
        if path.len() >= MAX_DEPTH || !self.open.insert(name.to_owned()) {
            return;
        }
        let found = self.definitions.get(name).and_then(properties);
        for (name, property) in found.into_iter().flatten() {
            path.push(name.clone());
            self.property(property, path);
            path.pop();
        }
        self.open.remove(name);
    }

    fn property(&mut self, property: &Value, path: &mut Vec<String>) {
        let mark = |name: &str| property.get(format!("x-kubernetes-{name}")).and_then(Value::as_str);
        let spec = |path: &[String]| FieldSpec {
            kind: Some(self.kind.to_owned()),
            path: path.to_vec(),
            ..FieldSpec::default()
        };
        let mut found = Config::default();
        if mark("annotation").is_some() {
            found.annotations.push(spec(path));
        }
        if mark("label-selector").is_some() {
            found.common_labels.push(spec(path));
        }
        if mark("identity").is_some() {
            found.name_prefix.push(spec(path));
        }
        if let (Some(version), Some(kind)) = (mark("object-ref-api-version"), mark("object-ref-kind")) {
            let mut named = path.clone();
            named.push(mark("object-ref-name-key").unwrap_or("name").to_owned());
            let text = |text: &str| Some(text.to_owned());
            let target = FieldSpec { kind: text(kind), version: text(version), ..FieldSpec::default() };
            found.references.push(Rule { target, referrer: spec(&named) });
        }
        // Fields of one definition agree about `create`, which none of them has.
        let _ = self.config.add(&found);
        if let Some(reference) = property.get("$ref").and_then(Value::as_str) {
            self.definition(reference, path);
        }
    }
}
