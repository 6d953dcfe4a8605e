//! Which fields the transformers write and where names are referred to: Kustomize's tables, and what a project adds.
//!
//! **Invariant:** the tables are Kustomize's own, pinned (`fields.txt`, `references.txt`); what `configurations` and
//! `crds` add is merged as Kustomize merges it, and goes along with a base into every overlay of it.

use std::sync::{Arc, LazyLock};

use super::fields::{FieldSpec, parse, split};
use super::kustomization::Reader;
use crate::diag::{Diagnostic, codes};
use crate::source::Span;
use crate::syntax::yaml::Node;

const FIELDS: &str = include_str!("fields.txt");
const REFERENCES: &str = include_str!("references.txt");

/// Who names objects of a kind, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) target: FieldSpec,
    pub(super) referrer: FieldSpec,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    pub(super) name_prefix: Vec<FieldSpec>,
    pub(super) name_suffix: Vec<FieldSpec>,
    pub(super) namespace: Vec<FieldSpec>,
    /// Labels with selectors.
    pub(super) common_labels: Vec<FieldSpec>,
    /// What an entry of `labels` always covers: nothing by default.
    pub(super) labels: Vec<FieldSpec>,
    pub(super) template_labels: Vec<FieldSpec>,
    pub(super) annotations: Vec<FieldSpec>,
    pub(super) replicas: Vec<FieldSpec>,
    pub(super) images: Vec<FieldSpec>,
    pub(super) variables: Vec<FieldSpec>,
    pub(super) references: Vec<Rule>,
}

static BUILT_IN: LazyLock<Arc<Config>> = LazyLock::new(|| {
    let mut config = Config::default();
    let mut section = "";
    for line in FIELDS.lines().filter(|line| !line.starts_with('#')) {
        let Some(row) = line.strip_prefix("  ") else {
            section = line;
            continue;
        };
        let spec = parse(row);
        match section {
            "labels-with-selectors" => config.common_labels.push(spec),
            "labels-with-templates" => config.template_labels.push(spec),
            "annotations" => config.annotations.push(spec),
            "replicas" => config.replicas.push(spec),
            "namespace" => config.namespace.push(spec),
            "images" => config.images.push(spec),
            "variables" => config.variables.push(spec),
            "names" => {
                config.name_prefix.push(spec.clone());
                config.name_suffix.push(spec);
            }
            other => panic!("BUG: fields.txt has a section {other}"),
        }
    }
    let mut target = FieldSpec::default();
    for line in REFERENCES.lines().filter(|line| !line.starts_with('#')) {
        match line.strip_prefix("  ") {
            Some(row) => config.references.push(Rule { target: target.clone(), referrer: parse(row) }),
            None => target = parse(line),
        }
    }
    Arc::new(config)
});

/// Kustomize's own tables.
pub(super) fn built_in() -> Arc<Config> {
    Arc::clone(&BUILT_IN)
}

/// The other tables put in; the error names a field that both have differently.
pub(super) fn merge(config: &mut Arc<Config>, other: &Arc<Config>) -> Result<(), String> {
    if Arc::ptr_eq(config, other) {
        return Ok(());
    }
    if Arc::ptr_eq(config, &BUILT_IN) {
        // What has the built-in tables has them first, and the rest after them.
        config.clone_from(other);
        return Ok(());
    }
    Arc::make_mut(config).add(other)
}

impl Config {
    /// Adds other tables; of a field that is there already nothing is added.
    pub(super) fn add(&mut self, other: &Config) -> Result<(), String> {
        for (list, more) in [
            (&mut self.name_prefix, &other.name_prefix),
            (&mut self.name_suffix, &other.name_suffix),
            (&mut self.namespace, &other.namespace),
            (&mut self.common_labels, &other.common_labels),
            (&mut self.labels, &other.labels),
            (&mut self.template_labels, &other.template_labels),
            (&mut self.annotations, &other.annotations),
            (&mut self.replicas, &other.replicas),
            (&mut self.images, &other.images),
            (&mut self.variables, &other.variables),
        ] {
            more.iter().try_for_each(|spec| add_spec(list, spec))?;
        }
        other.references.iter().try_for_each(|rule| self.add_rule(rule))
    }

    fn add_rule(&mut self, rule: &Rule) -> Result<(), String> {
        let same = |other: &&Rule| other.target == rule.target;
        let known = self.references.iter().filter(same).find(|other| other.referrer.is_same_field(&rule.referrer));
        if let Some(known) = known {
            return agree(&known.referrer, &rule.referrer);
        }
        let at = self.references.iter().rposition(|other| same(&other)).map_or(self.references.len(), |at| at + 1);
        self.references.insert(at, rule.clone());
        Ok(())
    }
}

/// Adds a field unless it is there.
pub(super) fn add_spec(list: &mut Vec<FieldSpec>, spec: &FieldSpec) -> Result<(), String> {
    match list.iter().find(|known| known.is_same_field(spec)) {
        Some(known) => agree(known, spec),
        None => {
            list.push(spec.clone());
            Ok(())
        }
    }
}

fn agree(known: &FieldSpec, spec: &FieldSpec) -> Result<(), String> {
    if known.create == spec.create {
        return Ok(());
    }
    Err(format!("`create` of the field `{}` is both true and false", spec.path.join("/")))
}

impl Reader<'_> {
    /// A file of `configurations`.
    pub(super) fn config(&mut self, node: &Node) -> Config {
        const FIELDS: [&str; 11] = [
            "namePrefix",
            "nameSuffix",
            "namespace",
            "commonLabels",
            "labels",
            "templateLabels",
            "commonAnnotations",
            "nameReference",
            "varReference",
            "images",
            "replicas",
        ];
        let mut config = Config::default();
        for (key, value) in self.map(node, "a transformer configuration") {
            let field = key.value.as_str();
            let list = match field {
                "namePrefix" => &mut config.name_prefix,
                "nameSuffix" => &mut config.name_suffix,
                "namespace" => &mut config.namespace,
                "commonLabels" => &mut config.common_labels,
                "labels" => &mut config.labels,
                "templateLabels" => &mut config.template_labels,
                "commonAnnotations" => &mut config.annotations,
                "varReference" => &mut config.variables,
                "images" => &mut config.images,
                "replicas" => &mut config.replicas,
                "nameReference" => {
                    let rules = self.each(value, field, Reader::rules);
                    config.references.extend(rules.into_iter().flatten());
                    continue;
                }
                _ => {
                    self.unknown(key, "a transformer configuration", &FIELDS);
                    continue;
                }
            };
            *list = self.field_specs(value, field);
        }
        config
    }

    pub(super) fn field_specs(&mut self, node: &Node, what: &str) -> Vec<FieldSpec> {
        self.each(node, what, |reader, node| reader.field_spec(node, &mut Vec::new()))
    }

    fn rules(&mut self, node: &Node) -> Option<Vec<Rule>> {
        let mut referrers = Vec::new();
        let target = self.field_spec(node, &mut referrers)?;
        Some(referrers.into_iter().map(|referrer| Rule { target: target.clone(), referrer }).collect())
    }

    fn field_spec(&mut self, node: &Node, referrers: &mut Vec<FieldSpec>) -> Option<FieldSpec> {
        const FIELDS: [&str; 6] = ["group", "version", "kind", "path", "create", "fieldSpecs"];
        let mut spec = FieldSpec::default();
        for (key, value) in self.map(node, "a field") {
            let field = key.value.as_str();
            let text = match field {
                "group" => &mut spec.group,
                "version" => &mut spec.version,
                "kind" => &mut spec.kind,
                "path" => {
                    spec.path = self.text(value, field).map(|path| split(&path.value)).unwrap_or_default();
                    continue;
                }
                "create" => {
                    spec.create = self.flag(value, field);
                    continue;
                }
                "fieldSpecs" => {
                    referrers.extend(self.field_specs(value, field));
                    continue;
                }
                _ => {
                    self.unknown(key, "a field", &FIELDS);
                    continue;
                }
            };
            *text = self.text(value, field).map(|text| text.value);
        }
        Some(spec)
    }
}

/// The finding for tables that cannot be merged.
pub(super) fn conflict(span: Span, reason: &str) -> Diagnostic {
    Diagnostic::new(&codes::TRANSFORMER_CONFIG, span, format!("the field tables cannot be merged: {reason}"))
        .help("say `create` as the other table does, or leave the field out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_merged_without_repetition() {
        let mut config = built_in();
        let more = Config { replicas: vec![parse("Rollout - - spec/replicas create")], ..Config::default() };
        let mut one = Config::clone(&config);
        one.add(&more).unwrap();
        one.add(&more).unwrap();
        assert_eq!(one.replicas.len(), config.replicas.len() + 1);
        merge(&mut config, &Arc::new(one)).unwrap();
        assert_eq!(config.replicas.len(), 5);
        let other = Config { replicas: vec![parse("Rollout - - spec/replicas")], ..Config::default() };
        assert!(Arc::make_mut(&mut config).add(&other).is_err());
    }
}
