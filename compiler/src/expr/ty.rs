//! Types of expressions, and the names that one may use.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::source::Span;

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ty {
    /// Of something wrong that has been reported: fits everywhere and silences what follows.
    Error,
    /// Known only when it is evaluated.
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    /// A string with a form of its own: `commit`, `digest`, `image-tag` … A `commit` has the fields `sha` and `short`.
    Text(&'static str),
    Bytes,
    Duration,
    Timestamp,
    Type,
    List(Box<Ty>),
    Map(Box<Ty>, Box<Ty>),
    Object(Arc<Object>),
    /// A value that only functions can look into: `quantity`, `url`, `ip`, `cidr`.
    Opaque(&'static str),
}

/// A record with named fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object {
    /// What it is, as messages call it: `parameter`, `field of an action`.
    pub what: String,
    pub fields: BTreeMap<String, Field>,
    /// Whether it may have fields that are not listed, of any type.
    pub open: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub ty: Ty,
    /// Where it is declared, for a second label.
    pub declared: Option<Span>,
}

/// The names that an expression may use.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    pub names: BTreeMap<String, Field>,
}

impl Scope {
    pub fn with(mut self, name: &str, ty: Ty) -> Scope {
        self.names.insert(name.to_owned(), Field { ty, declared: None });
        self
    }

    pub fn declared(mut self, name: &str, ty: Ty, place: Span) -> Scope {
        self.names.insert(name.to_owned(), Field { ty, declared: Some(place) });
        self
    }
}

impl Object {
    /// A closed record without fields.
    pub fn of(what: &str) -> Object {
        Object { what: what.to_owned(), ..Object::default() }
    }

    pub fn with(mut self, name: &str, ty: Ty) -> Object {
        self.fields.insert(name.to_owned(), Field { ty, declared: None });
        self
    }

    pub fn declared(mut self, name: &str, ty: Ty, place: Span) -> Object {
        self.fields.insert(name.to_owned(), Field { ty, declared: Some(place) });
        self
    }

    /// May have other fields too.
    pub fn open(mut self) -> Object {
        self.open = true;
        self
    }

    pub fn ty(self) -> Ty {
        Ty::Object(Arc::new(self))
    }
}

impl Ty {
    pub fn list(of: Ty) -> Ty {
        Ty::List(Box::new(of))
    }

    /// A map with strings as keys.
    pub fn map(of: Ty) -> Ty {
        Ty::Map(Box::new(Ty::String), Box::new(of))
    }

    /// Whether nothing can be said of it at check time.
    pub fn is_open(&self) -> bool {
        matches!(self, Ty::Error | Ty::Dyn)
    }

    pub fn is_text(&self) -> bool {
        matches!(self, Ty::String | Ty::Text(_))
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Ty::Int | Ty::Uint | Ty::Double)
    }

    /// Whether a value of this type can stand where `wanted` is.
    pub fn fits(&self, wanted: &Ty) -> bool {
        match (self, wanted) {
            (Ty::Error | Ty::Dyn, _) | (_, Ty::Error | Ty::Dyn) => true,
            (from, Ty::String) | (from, Ty::Text(_)) if *from == Ty::String => wanted.is_text(),
            (Ty::Text(_), Ty::String) => true,
            (Ty::Text("commit"), Ty::Text("image-tag" | "git-ref")) | (Ty::Text("url"), Ty::Text("path")) => true,
            (Ty::List(from), Ty::List(to)) => from.fits(to),
            (Ty::Map(from_key, from), Ty::Map(to_key, to)) => from_key.fits(to_key) && from.fits(to),
            (Ty::Object(_), Ty::Map(key, of)) => key.is_text() && of.is_open(),
            (Ty::Map(..), Ty::Object(object)) => object.open,
            (from, to) => from == to,
        }
    }

    /// The type of what is one of both; `None` if they have nothing in common.
    pub fn join(&self, other: &Ty) -> Option<Ty> {
        match (self, other) {
            (Ty::Error, _) | (_, Ty::Error) => Some(Ty::Error),
            (one, other) if one == other => Some(one.clone()),
            (Ty::Dyn, _) | (_, Ty::Dyn) | (Ty::Null, _) | (_, Ty::Null) => Some(Ty::Dyn),
            (one, other) if one.is_text() && other.is_text() => Some(Ty::String),
            (Ty::List(one), Ty::List(other)) => Some(Ty::list(one.join(other).unwrap_or(Ty::Dyn))),
            (Ty::Map(key, one), Ty::Map(other_key, other)) => {
                let key = key.join(other_key).unwrap_or(Ty::Dyn);
                Some(Ty::Map(Box::new(key), Box::new(one.join(other).unwrap_or(Ty::Dyn))))
            }
            (Ty::Object(_) | Ty::Map(..), Ty::Object(_) | Ty::Map(..)) => Some(Ty::Dyn),
            _ => None,
        }
    }

    /// Whether a value of this type could equal one of the other.
    pub(super) fn comparable(&self, other: &Ty) -> bool {
        (self.is_number() && other.is_number()) || self.join(other).is_some()
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, out: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Ty::Error | Ty::Dyn => out.write_str("any"),
            Ty::Null => out.write_str("null"),
            Ty::Bool => out.write_str("bool"),
            Ty::Int => out.write_str("int"),
            Ty::Uint => out.write_str("uint"),
            Ty::Double => out.write_str("double"),
            Ty::String => out.write_str("string"),
            Ty::Text(form) => out.write_str(form),
            Ty::Bytes => out.write_str("bytes"),
            Ty::Duration => out.write_str("duration"),
            Ty::Timestamp => out.write_str("timestamp"),
            Ty::Type => out.write_str("type"),
            Ty::List(of) if of.is_open() => out.write_str("list"),
            Ty::List(of) => write!(out, "list of {of}"),
            Ty::Map(_, of) if of.is_open() => out.write_str("map"),
            Ty::Map(key, of) => write!(out, "map of {key} to {of}"),
            Ty::Object(_) => out.write_str("object"),
            Ty::Opaque(name) => out.write_str(name),
        }
    }
}
