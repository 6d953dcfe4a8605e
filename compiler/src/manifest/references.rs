//! Names that follow: where one object names another whose name was changed, the new name is written.
//!
//! **Invariant:** the rules and the choice among candidates are Kustomize's (`nameref`); every object is looked up by
//! its earlier names, so that the work grows with the references.
//! Not here: the table of references (`config`).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::config::Rule;
use super::fields::{Make, visit};
use super::resource::{CLUSTER, Gvk, Resource, group_version};

/// What of an object matters to those that name it.
struct Candidate {
    name: String,
    namespace: String,
    api_version: String,
    kind: String,
    previous: Vec<(String, String)>,
    current: String,
    first: String,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
}

impl Candidate {
    fn new(resource: &Resource) -> Candidate {
        let previous = resource.previous.iter().map(|previous| (previous.name.clone(), previous.kind.clone()));
        Candidate {
            name: resource.name().to_owned(),
            namespace: resource.namespace().to_owned(),
            api_version: resource.api_version().to_owned(),
            kind: resource.kind().to_owned(),
            previous: previous.collect(),
            current: resource.current_namespace().to_owned(),
            first: resource.first_namespace().to_owned(),
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
        }
    }

    fn was(&self, selects: impl Fn(Gvk<'_>) -> bool) -> bool {
        let (group, version) = group_version(&self.api_version);
        self.previous.iter().any(|(_, kind)| selects(Gvk { group, version, kind }))
    }

    fn is_cluster_scoped(&self) -> bool {
        self.current == CLUSTER
    }
}

/// A name that could mean more than one object, or a reference that has no name.
pub(super) struct Problem {
    /// Index of the object with the reference.
    pub(super) resource: usize,
    pub(super) message: String,
}

/// Rewrites the references among `resources`; the problems are errors for Kustomize too.
pub(super) fn fix(resources: &mut [Resource], rules: &[Rule]) -> Vec<Problem> {
    let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (at, resource) in resources.iter().enumerate() {
        let names: BTreeSet<&String> = resource.previous.iter().map(|previous| &previous.name).collect();
        for name in names {
            by_name.entry(name.clone()).or_default().push(at);
        }
    }
    if by_name.is_empty() {
        return Vec::new();
    }
    let candidates: Vec<Candidate> = resources.iter().map(Candidate::new).collect();
    let mut problems = Vec::new();
    for (at, resource) in resources.iter_mut().enumerate() {
        let gvk = resource.first_gvk();
        let rules: Vec<&Rule> = rules.iter().filter(|rule| rule.referrer.selects(gvk)).collect();
        if rules.is_empty() {
            continue;
        }
        let referrer = Referrer {
            candidate: &candidates[at],
            candidates: &candidates,
            by_name: &by_name,
            namespaces: subject_namespaces(&resource.value),
            role: role(&resource.value),
        };
        for rule in rules {
            let fixed =
                visit(&mut resource.value, &rule.referrer, Make::Nothing, &mut |value| referrer.set(value, rule));
            problems.extend(fixed.err().map(|message| Problem { resource: at, message }));
        }
    }
    problems
}

/// Namespaces of the service accounts that a RoleBinding names.
fn subject_namespaces(object: &Value) -> BTreeSet<String> {
    if object.get("kind").and_then(Value::as_str) != Some("RoleBinding") {
        return BTreeSet::new();
    }
    let subjects = object.get("subjects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let accounts = subjects.iter().filter(|subject| subject.get("kind").is_some_and(|kind| kind == "ServiceAccount"));
    accounts.filter_map(|subject| subject.get("namespace")?.as_str().map(str::to_owned)).collect()
}

/// Group and kind of a binding's `roleRef`.
fn role(object: &Value) -> Option<(String, String)> {
    let role = object.get("roleRef")?;
    Some((role.get("apiGroup")?.as_str()?.to_owned(), role.get("kind")?.as_str()?.to_owned()))
}

/// How an object is named: by its name alone, or by a mapping with a name and perhaps a namespace.
#[derive(Clone, Copy)]
enum Asked<'a> {
    Name,
    Mapping(Option<&'a str>),
}

struct Referrer<'a> {
    candidate: &'a Candidate,
    candidates: &'a [Candidate],
    by_name: &'a BTreeMap<String, Vec<usize>>,
    namespaces: BTreeSet<String>,
    role: Option<(String, String)>,
}

impl Referrer<'_> {
    fn set(&self, value: &mut Value, rule: &Rule) -> Result<(), String> {
        match value {
            Value::String(name) => {
                if let Some(target) = self.select(name, rule, Asked::Name)? {
                    name.clone_from(&target.name);
                }
                Ok(())
            }
            Value::Object(_) => self.set_map(value, rule),
            Value::Array(items) => items.iter_mut().try_for_each(|item| match item {
                Value::Array(_) => Err("a list within a list cannot name an object".to_owned()),
                _ => self.set(item, rule),
            }),
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
        }
    }

    /// A reference of name and namespace takes both from what it names.
    fn set_map(&self, value: &mut Value, rule: &Rule) -> Result<(), String> {
        let text = |field: &str| value.get(field).and_then(Value::as_str).map(str::to_owned);
        let Some(old) = text("name") else {
            return Err(format!("the reference at `{}` has no `name`", rule.referrer.path.join(".")));
        };
        let namespace = text("namespace");
        let asked = Asked::Mapping(namespace.as_deref());
        let Some(target) = self.select(&old, rule, asked)? else { return Ok(()) };
        let (name, namespace) = (target.name.clone(), target.namespace.clone());
        if let Some(map) = value.as_object_mut() {
            map.insert("name".to_owned(), Value::from(name));
            if !namespace.is_empty() {
                map.insert("namespace".to_owned(), Value::from(namespace));
            }
        }
        Ok(())
    }

    /// The object that a name means.
    fn select(&self, name: &str, rule: &Rule, asked: Asked<'_>) -> Result<Option<&Candidate>, String> {
        let by_role = rule.referrer.path.ends_with(&["roleRef".to_owned(), "name".to_owned()]);
        let mut found: Vec<&Candidate> = self
            .by_name
            .get(name)
            .into_iter()
            .flatten()
            .map(|at| &self.candidates[*at])
            .filter(|target| self.may_name(target))
            .filter(|target| target.was(|gvk| rule.target.selects(gvk)))
            .filter(|target| !by_role || self.is_role(target))
            .filter(|target| self.shares_namespace(target))
            .collect();
        if let Asked::Mapping(Some(namespace)) = asked {
            found = self.in_namespace(found, namespace);
        }
        if found.len() > 1 {
            found.retain(|target| self.same_affixes(target, true));
        }
        if found.len() > 1 {
            found.retain(|target| self.same_affixes(target, false));
        }
        let Some(first) = found.first() else { return Ok(None) };
        let same = |target: &&Candidate| match asked {
            Asked::Name => target.name == first.name,
            Asked::Mapping(_) => target.name == first.name && target.namespace == first.namespace,
        };
        if found.iter().all(same) {
            return Ok(Some(first));
        }
        let names: Vec<String> = found.iter().map(|target| format!("{} `{}`", target.kind, target.name)).collect();
        Err(format!("`{name}` could mean {}", names.join(" or ")))
    }

    /// Objects that were in the namespace at first, or, where there is none at all, those that are in it now.
    fn in_namespace<'c>(&self, found: Vec<&'c Candidate>, namespace: &str) -> Vec<&'c Candidate> {
        let first = |target: &Candidate| target.first == namespace;
        let any = self.candidates.iter().any(|target| first(target) && self.may_name(target));
        let fits = |target: &&Candidate| if any { first(target) } else { target.current == namespace };
        found.into_iter().filter(fits).collect()
    }

    fn may_name(&self, target: &Candidate) -> bool {
        self.candidate.is_cluster_scoped()
            || target.is_cluster_scoped()
            || target.current == self.candidate.current
            || self.namespaces.contains(&target.namespace)
    }

    fn is_role(&self, target: &Candidate) -> bool {
        let Some((group, kind)) = &self.role else { return true };
        target.was(|gvk| (group.is_empty() || gvk.group == group) && (kind.is_empty() || gvk.kind == kind))
    }

    fn shares_namespace(&self, target: &Candidate) -> bool {
        self.candidate.is_cluster_scoped()
            || target.is_cluster_scoped()
            || target.kind == "ServiceAccount"
            || target.current == self.candidate.current
    }

    fn same_affixes(&self, target: &Candidate, or_none: bool) -> bool {
        let same = |mine: &[String], other: &[String]| {
            (or_none && (mine.is_empty() || other.is_empty())) || same_ending(mine, other)
        };
        same(&target.prefixes, &self.candidate.prefixes) && same(&target.suffixes, &self.candidate.suffixes)
    }
}

/// Whether the shorter list is the end of the longer one; an empty list is the end only of an empty one.
fn same_ending(left: &[String], right: &[String]) -> bool {
    let (short, long) = if left.len() <= right.len() { (left, right) } else { (right, left) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}
