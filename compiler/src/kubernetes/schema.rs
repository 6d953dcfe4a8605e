//! What an API server knows of its kinds: structural schemas, built in or from CustomResourceDefinitions.
//!
//! **Invariant:** a built-in schema is one of a pinned release, reduced from its `/openapi/v3`; a custom one is just what
//! its definition says. Not here: the walk over an object (`validate`).

pub mod definition;
mod parse;
mod release;

pub use definition::Definition;
pub use release::{Release, VERSIONS};

use std::collections::BTreeMap;
use std::sync::OnceLock;

use regex::Regex;
use serde_json::Value;

use crate::expr::Expression;

/// The type that a value must have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Type {
    /// No type is asked for.
    #[default]
    Any,
    Object,
    Array,
    Text,
    Integer,
    Number,
    Boolean,
    IntOrText,
    Quantity,
}

/// How the elements of a list are told apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    #[default]
    Atomic,
    Set,
    Map(Vec<String>),
}

/// A structural schema, with value validations.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    pub ty: Type,
    /// The type of the release that it stands for; then nothing else is set.
    pub reference: Option<String>,
    pub properties: BTreeMap<String, Schema>,
    /// What values of other keys must be.
    pub additional: Option<Box<Schema>>,
    pub items: Option<Box<Schema>>,
    pub required: Vec<String>,
    pub nullable: bool,
    /// Unknown fields are kept here.
    pub preserves: bool,
    /// An object with apiVersion, kind and metadata.
    pub embedded: bool,
    pub default: Option<Value>,
    pub allowed: Vec<Value>,
    pub format: String,
    pub limits: Limits,
    pub list: ListType,
    pub all_of: Vec<Schema>,
    pub any_of: Vec<Schema>,
    pub one_of: Vec<Schema>,
    pub not: Option<Box<Schema>>,
    /// CEL rules, as they are written.
    pub rules: Vec<Rule>,
}

/// An entry of `x-kubernetes-validations`.
#[derive(Clone, Debug)]
pub struct Rule {
    pub rule: String,
    pub message: String,
    /// Where in the value it is told, such as `.spec.name`; may be empty.
    pub field_path: String,
    /// Read when it is first used; `None` if it cannot be judged here.
    pub compiled: OnceLock<Option<Expression>>,
}

/// Bounds of a value.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub above: bool,
    pub below: bool,
    pub multiple_of: Option<f64>,
    pub length: (Option<u64>, Option<u64>),
    pub items: (Option<u64>, Option<u64>),
    pub properties: (Option<u64>, Option<u64>),
    pub unique: bool,
    pub pattern: Option<Pattern>,
}

/// A regular expression, compiled when it is first used.
#[derive(Clone, Debug)]
pub struct Pattern {
    pub text: String,
    compiled: OnceLock<Option<Regex>>,
}

impl Pattern {
    pub fn new(text: &str) -> Pattern {
        Pattern { text: text.to_owned(), compiled: OnceLock::new() }
    }

    /// Whether a text has a match; `None` if the pattern is none that can be read.
    pub fn matches(&self, text: &str) -> Option<bool> {
        self.compiled.get_or_init(|| Regex::new(&self.text).ok()).as_ref().map(|regex| regex.is_match(text))
    }
}

/// The kinds of one API server.
#[derive(Clone, Debug)]
pub struct Schemas {
    pub release: &'static Release,
    custom: BTreeMap<(String, String), Definition>,
}

/// What is known of a kind in a version.
pub struct Known<'a> {
    pub schema: &'a Schema,
    pub namespaced: bool,
    /// Whether it comes from a CustomResourceDefinition.
    pub custom: bool,
}

impl Schemas {
    /// The built-in kinds of a release, such as `1.36`; `None` if it is not pinned here.
    pub fn of(version: &str) -> Option<Schemas> {
        Some(Schemas { release: release::find(version)?, custom: BTreeMap::new() })
    }

    /// Those of the newest release.
    pub fn newest() -> Schemas {
        Schemas { release: release::newest(), custom: BTreeMap::new() }
    }

    /// Adds the kind of a definition; a later definition of the same kind wins.
    pub fn add(&mut self, definition: Definition) {
        self.custom.insert((definition.group.clone(), definition.kind.clone()), definition);
    }

    pub fn definition(&self, group: &str, kind: &str) -> Option<&Definition> {
        self.custom.get(&(group.to_owned(), kind.to_owned()))
    }

    /// The schema of a kind in a version.
    pub fn get(&self, group: &str, version: &str, kind: &str) -> Option<Known<'_>> {
        if let Some(known) = self.release.kind(group, version, kind) {
            let schema = self.release.ty(known.ty)?;
            return Some(Known { schema, namespaced: known.namespaced, custom: false });
        }
        let definition = self.definition(group, kind)?;
        let version = definition.versions.iter().find(|known| known.name == version && known.served)?;
        Some(Known { schema: version.schema.as_ref()?, namespaced: definition.namespaced, custom: true })
    }

    /// The schema behind a reference, else the schema itself.
    pub fn resolve<'s>(&'s self, schema: &'s Schema) -> &'s Schema {
        match schema.reference.as_deref().and_then(|name| self.release.ty(name)) {
            Some(target) => target,
            None => schema,
        }
    }
}
