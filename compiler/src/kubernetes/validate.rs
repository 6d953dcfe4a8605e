//! An object against the schema of its kind.
//!
//! **Invariant:** one finding per mistake: below a value of the wrong type nothing is looked at, and a field that is
//! missing because its name is misspelled is not missed once more. Built-in kinds are judged as the API server decodes
//! them (`null` is nothing), custom ones as it judges custom objects (`null` must be allowed).
//! Not here: rules that the API server has in code (`kubernetes::rules`).

mod findings;
mod formats;
mod kinds;
mod metadata;
mod names;
mod rules;
mod values;
mod walk;

pub use kinds::check_kind;

use super::Object;
use super::schema::Schemas;
use crate::diag::Diags;
use crate::source::Sources;

/// Reports what an API server with these schemas refuses of an object before its code rules run.
pub fn check(sources: &Sources, object: &Object<'_>, schemas: &Schemas, diags: &mut Diags) {
    let before = diags.errors();
    kinds::check_kind(object, schemas, diags);
    if diags.errors() > before {
        return;
    }
    let known = schemas.get(object.group, object.version, object.kind);
    walk::object(sources, object, schemas, known.as_ref(), diags);
    metadata::check(object, schemas, diags);
}
