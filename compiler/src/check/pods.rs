//! The Pods that the objects of an environment make, found by their labels without looking at each.

use std::collections::BTreeMap;

use serde_json::Value;

use super::rendered::Place;
use crate::manifest::Object;
use crate::manifest::images::pod_spec_pointer;
use crate::manifest::selectors::{Operator, Selector};

/// What makes Pods, their labels and their spec.
pub struct Pod<'a> {
    pub object: &'a Object,
    pub labels: &'a Value,
    pub spec: &'a Value,
}

/// All of them; those without labels are selected by nothing and are left out.
pub struct Pods<'a> {
    all: Vec<Pod<'a>>,
    by_label: BTreeMap<(&'a str, &'a str), Vec<usize>>,
}

impl<'a> Pods<'a> {
    pub fn of(place: &Place<'a>) -> Pods<'a> {
        let rendered: &'a crate::manifest::Rendered = place.rendered;
        let all: Vec<Pod<'a>> = rendered.objects.iter().filter_map(pod).collect();
        let mut by_label: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
        for (at, pod) in all.iter().enumerate() {
            for (key, value) in pod.labels.as_object().into_iter().flatten() {
                by_label.entry((key.as_str(), value.as_str().unwrap_or(""))).or_default().push(at);
            }
        }
        Pods { all, by_label }
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Those that a selector fits, in the order of the objects.
    pub fn selected(&self, selector: &Selector) -> Vec<&Pod<'a>> {
        // A label that must have one value leaves few to look at.
        let one = selector.requirements.iter().find_map(|requirement| match &requirement.operator {
            Operator::In(values) if values.len() == 1 => {
                let value = values.first().map_or("", String::as_str);
                Some(self.by_label.get(&(requirement.key.as_str(), value)).map(Vec::as_slice).unwrap_or_default())
            }
            _ => None,
        });
        let (some, all) = match one {
            Some(some) => (some, &self.all[..0]),
            None => (&[][..], self.all.as_slice()),
        };
        let found = some.iter().map(|at| &self.all[*at]).chain(all);
        found.filter(|pod| selector.matches(pod.labels)).collect()
    }
}

fn pod(object: &Object) -> Option<Pod<'_>> {
    let pointer = pod_spec_pointer(object.group(), object.kind())?;
    let spec = object.value.pointer(pointer)?;
    let labels = object.value.pointer(&format!("{}/metadata/labels", pointer.strip_suffix("/spec")?))?;
    Some(Pod { object, labels, spec })
}
