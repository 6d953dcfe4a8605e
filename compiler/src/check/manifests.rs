//! The objects that the environments render, judged as an API server would.
//!
//! **Invariant:** an object that several environments render alike is reported once.

use super::rendered::Place;
use crate::diag::Diags;
use crate::kubernetes::plain;
use crate::kubernetes::schema::{Schemas, definition};
use crate::source::Sources;

/// Reports what the API server refuses of the objects of each environment; a definition counts in all of them.
pub fn check(sources: &Sources, places: &[Place], diags: &mut Diags) {
    let mut schemas = Schemas::newest();
    let objects = places.iter().flat_map(|place| &place.rendered.objects);
    objects.filter_map(|object| definition::of(&object.value)).for_each(|definition| schemas.add(definition));
    for place in places {
        plain::check_rendered(sources, &place.rendered.objects, schemas.clone(), diags);
    }
}
