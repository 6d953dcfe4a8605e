//! The objects that environments and clusters render, judged as an API server would.
//!
//! **Invariant:** an object that several environments render alike is reported once.

use super::platform::Platforms;
use super::rendered::Place;
use crate::diag::Diags;
use crate::kubernetes::plain;
use crate::kubernetes::schema::{Schemas, definition};
use crate::source::Sources;

/// Reports what the API server refuses of the objects of each environment and cluster; a definition counts in all of them.
pub fn check(sources: &Sources, places: &[Place], platforms: &Platforms, diags: &mut Diags) {
    let mut schemas = Schemas::newest();
    let sets = || places.iter().map(|place| place.rendered).chain(platforms.values());
    let objects = sets().flat_map(|rendered| &rendered.objects);
    objects.filter_map(|object| definition::of(&object.value)).for_each(|definition| schemas.add(definition));
    for rendered in sets() {
        plain::check_rendered(sources, &rendered.objects, schemas.clone(), diags);
    }
}
