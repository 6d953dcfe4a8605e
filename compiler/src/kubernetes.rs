//! Kubernetes objects as they are written, and what an API server would say of them.
//!
//! **Invariant:** a check only reads and reports; an `error` means that the API server refuses the object.
//! Not here: how a kustomization is rendered (`manifest`), and references between the objects of a set.

pub mod graft;
pub mod plain;
pub mod rules;
pub mod schema;
pub mod templating;
pub mod validate;

use crate::diag::{Diags, codes};
use crate::source::{Sources, Span};
use crate::syntax::yaml::Node;
use schema::Schemas;

/// Reports what an API server with these schemas refuses of an object, by its structure and then by the rules in code.
pub fn check(sources: &Sources, object: &Object<'_>, schemas: &Schemas, diags: &mut Diags) {
    let mut found = Diags::default();
    validate::check(sources, object, schemas, &mut found);
    // A field with a wrong name or type is the one that a rule would miss.
    let mistaken = found.iter().any(|finding| [&codes::FIELD_UNKNOWN, &codes::FIELD_TYPE].contains(&finding.code));
    let structure = found.len();
    rules::check(object, &mut found);
    let lacks = [&codes::REQUIRED_BY_RULE, &codes::RBAC_RULE, &codes::RESTART_POLICY, &codes::UNKNOWN_VOLUME];
    let kept = found.into_iter().enumerate();
    let kept = kept.filter(|(at, finding)| *at < structure || !mistaken || !lacks.contains(&finding.code));
    let mut judged = Diags::default();
    judged.extend(kept.map(|(_, finding)| finding));
    templating::check(object, &mut judged);
    diags.extend(judged);
}

/// One object: what identifies it, and all of it with places.
#[derive(Clone, Copy, Debug)]
pub struct Object<'a> {
    /// `""` for the core group.
    pub group: &'a str,
    pub version: &'a str,
    pub kind: &'a str,
    /// As written, `""` where none is.
    pub namespace: &'a str,
    /// `""` where none is written.
    pub name: &'a str,
    /// A mapping: the whole object.
    pub node: &'a Node,
}

impl<'a> Object<'a> {
    /// The object that a node is; `None` if it is no mapping with texts as `apiVersion` and `kind`.
    pub fn of(node: &'a Node) -> Option<Object<'a>> {
        let text = |node: Option<&'a Node>| node.and_then(Node::as_str).filter(|text| !text.is_empty());
        let api_version = text(node.get("apiVersion"))?;
        let kind = text(node.get("kind"))?;
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let metadata = node.get("metadata");
        let of_metadata = |key: &str| text(metadata.and_then(|metadata| metadata.get(key))).unwrap_or("");
        let (namespace, name) = (of_metadata("namespace"), of_metadata("name"));
        Some(Object { group, version, kind, namespace, name, node })
    }

    /// The apiVersion as written.
    pub fn api_version(&self) -> &'a str {
        self.node.get("apiVersion").and_then(Node::as_str).unwrap_or("")
    }

    /// The node at a JSON pointer; `None` where nothing, or `null`, is written.
    pub fn at(&self, pointer: &str) -> Option<&'a Node> {
        self.node.at(pointer).filter(|node| !node.is_null())
    }

    /// The text at a JSON pointer.
    pub fn text(&self, pointer: &str) -> Option<&'a str> {
        self.at(pointer).and_then(Node::as_str)
    }

    /// The smallest place that stands for the whole object: its name, else its kind.
    pub fn place(&self) -> Span {
        let named = self.node.at("/metadata/name").filter(|_| !self.name.is_empty());
        named.or_else(|| self.node.get("kind")).map_or(self.node.span, |node| node.span)
    }

    /// What messages call it: `Deployment web`.
    pub fn title(&self) -> String {
        if self.name.is_empty() { self.kind.to_owned() } else { format!("{} {}", self.kind, self.name) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::diag::Diags;
    use crate::source::FileId;
    use crate::syntax::yaml::{self, Schema};

    #[test]
    fn an_object_is_known_by_its_head() {
        let text =
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web, namespace: shop}\nspec: {replicas: 2}\n";
        let nodes = yaml::parse(FileId(0), text, Schema::Kubernetes, &mut Diags::default());
        let object = Object::of(&nodes[0]).unwrap();
        assert_eq!((object.group, object.version, object.kind), ("apps", "v1", "Deployment"));
        assert_eq!((object.namespace, object.name, object.api_version()), ("shop", "web", "apps/v1"));
        assert_eq!(object.title(), "Deployment web");
        assert!(object.at("/spec/replicas").is_some() && object.at("/spec/none").is_none());
        let other = yaml::parse(FileId(0), "kind: [a]", Schema::Kubernetes, &mut Diags::default());
        assert!(Object::of(&other[0]).is_none());
    }
}
