//! What an API server would refuse of the objects that the environments render.

use super::rendered::Place;
use crate::diag::Diags;
use crate::kubernetes::{Object, rules};

/// Judges each object by the rules of its kind.
pub fn check(places: &[Place], diags: &mut Diags) {
    for object in places.iter().flat_map(|place| &place.rendered.objects) {
        let node = object.grafted();
        if let Some(object) = Object::of(&node) {
            rules::check(&object, diags);
        }
    }
}
