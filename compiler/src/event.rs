//! What webhooks send: the fields of their payloads that filters and parameters read, by forge and event.
//!
//! **Invariant:** every field is one of real payloads, with that type (a test looks at the corpus). A payload has more
//! fields than are listed: those have no known type.

use std::collections::BTreeMap;

use crate::expr::{Object, Ty};
use crate::spec::trigger::Forge;

/// `[FORGE EVENT …]`, then a field a line: its path and type; `[]` behind a name is a list.
const FIELDS: &str = include_str!("event/fields.txt");

/// The listed fields of one event, by path.
#[derive(Clone, Debug, Default)]
pub struct Shape {
    fields: BTreeMap<&'static str, &'static str>,
}

/// The payload of a forge's event; `None` if nothing is listed for it.
pub fn shape(forge: Forge, event: &str) -> Option<Shape> {
    section(&format!("{} {event}", forge.as_str()))
}

/// What the push of an image looks like, whatever the registry.
pub fn registry() -> Shape {
    section("registry push").unwrap_or_default()
}

fn section(wanted: &str) -> Option<Shape> {
    let (mut shape, mut here, mut found) = (Shape::default(), false, false);
    for line in FIELDS.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(heads) => {
                here = heads.split(',').any(|head| head.trim() == wanted);
                found |= here;
            }
            None if here => {
                let (path, ty) = line.split_once(": ").unwrap_or((line, "dyn"));
                shape.fields.insert(path, ty);
            }
            None => {}
        }
    }
    found.then_some(shape)
}

impl Shape {
    /// All listed fields: path and type.
    pub fn all(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.fields.iter().map(|(path, ty)| (*path, *ty))
    }

    /// Names of the fields directly below a path.
    pub fn fields(&self, path: &str) -> Vec<&'static str> {
        let below = self.fields.keys().filter_map(|field| match path {
            "" => Some(*field),
            path => field.strip_prefix(path)?.strip_prefix('.'),
        });
        let mut names: Vec<&str> =
            below.filter_map(|rest| rest.split('.').next()).map(|name| name.trim_end_matches("[]")).collect();
        names.dedup();
        names
    }

    /// As the type of `body`.
    pub fn ty(&self) -> Ty {
        self.object("")
    }

    fn object(&self, path: &str) -> Ty {
        let mut object = Object::of("field of the payload").open();
        let join = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        for name in self.fields(path) {
            let (one, many) = (join(name), format!("{}[]", join(name)));
            let listed = |path: &str| self.fields.keys().any(|field| field.starts_with(&format!("{path}.")));
            let ty = if let Some(ty) = self.fields.get(one.as_str()) {
                scalar(ty)
            } else if let Some(ty) = self.fields.get(many.as_str()) {
                Ty::list(scalar(ty))
            } else if listed(&many) {
                Ty::list(self.object(&many))
            } else {
                self.object(&one)
            };
            object = object.with(name, ty);
        }
        object.ty()
    }
}

fn scalar(name: &str) -> Ty {
    match name {
        "string" => Ty::String,
        "int" => Ty::Int,
        "bool" => Ty::Bool,
        "commit" => Ty::Text("commit"),
        "git-ref" => Ty::Text("git-ref"),
        "url" => Ty::Text("url"),
        _ => Ty::Dyn,
    }
}
