//! Where the objects of an environment may be: in its namespace, each in one environment only, and no secret values.

use std::collections::BTreeMap;

use super::insert;
use super::namespaces::same;
use super::rendered::Place;
use crate::diag::{Applicability, Diagnostic, Diags, Edit, codes};
use crate::manifest::scope::Kinds;
use crate::manifest::{Key, Object};
use crate::model::Model;
use crate::source::{Sources, Span};
use crate::spec::Spec;

/// Reports objects that do not belong into the environment that renders them.
pub fn check(sources: &Sources, spec: &Spec, model: &Model, places: &[Place], diags: &mut Diags) {
    for place in places {
        let kinds = Kinds::with_definitions(place.rendered.objects.iter().map(|object| &object.value));
        let mut elsewhere: BTreeMap<Span, Vec<&Object>> = BTreeMap::new();
        for object in &place.rendered.objects {
            diags.extend(scope(place, object, &kinds, &mut elsewhere));
            diags.extend(inline_secret(sources, spec, place, object));
        }
        diags.extend(elsewhere.into_iter().map(|(span, objects)| other_namespace(place, span, &objects)));
    }
    for (at, place) in places.iter().enumerate() {
        for other in &places[..at] {
            diags.extend(shared(model, other, place));
        }
    }
}

/// Reports a kind that is of no namespace; an object in another namespace is collected by the place that says so.
fn scope<'a>(
    place: &Place,
    object: &'a Object,
    kinds: &Kinds,
    elsewhere: &mut BTreeMap<Span, Vec<&'a Object>>,
) -> Option<Diagnostic> {
    let own = &place.environment.namespace.value;
    if kinds.get(object.group(), object.kind()).is_some_and(|kind| !kind.namespaced) {
        return Some(cluster_scoped(place, object, own));
    }
    if !object.namespace().is_empty() && !own.is_empty() && object.namespace() != own {
        elsewhere.entry(object.place("/metadata/namespace")).or_default().push(object);
    }
    None
}

/// One place may give many objects their namespace.
fn other_namespace(place: &Place, span: Span, objects: &[&Object]) -> Diagnostic {
    let (first, own) = (objects[0], &place.environment.namespace.value);
    let message = match objects.len() {
        1 => format!("{} is in namespace `{}`, not `{own}`", first.key(), first.namespace()),
        count => {
            format!("{} and {} more are in namespace `{}`, not `{own}`", first.key(), count - 1, first.namespace())
        }
    };
    let finding = Diagnostic::new(&codes::OTHER_NAMESPACE, span, message)
        .here(format!("environment `{}` renders it", place.name()))
        .label(place.environment.namespace.span, "the environment's namespace");
    finding.help("leave the namespace out of the manifest, or render the object in an environment of its own")
}

fn cluster_scoped(place: &Place, object: &Object, own: &str) -> Diagnostic {
    let message = format!("{} belongs to no namespace, so to no environment", object.key());
    let finding = Diagnostic::new(&codes::CLUSTER_SCOPED, object.place("/kind"), message)
        .here(format!("environment `{}` renders it", place.name()));
    if object.kind() == "Namespace" && object.name() == own {
        let finding = finding.label(place.environment.namespace.span, "the environment's own namespace");
        return finding.help("remove it from the manifests: `create=#true` in `cluster` makes the namespace");
    }
    finding.help("such objects belong to a `cluster` block: move it to a folder that `cluster \"NAME\" { manifests \"PATH\"; }` names")
}

fn inline_secret(sources: &Sources, spec: &Spec, place: &Place, object: &Object) -> Option<Diagnostic> {
    if (object.group(), object.kind()) != ("", "Secret") {
        return None;
    }
    let filled =
        |field: &&str| object.value.get(*field).and_then(|value| value.as_object()).is_some_and(|map| !map.is_empty());
    let field = ["data", "stringData"].into_iter().find(filled)?;
    let message = format!("Secret `{}` has its values inline", object.name());
    let finding = Diagnostic::new(&codes::INLINE_SECRET, object.place(&format!("/{field}")), message)
        .here("whoever reads the repository reads them")
        .help(format!("refer to it in environment `{}` by a `secret` block, and change the values", place.name()));
    let environment = spec.environments.iter().find(|environment| environment.name.value == place.name())?;
    let block =
        insert::Secret { name: object.name(), ty: object.value.get("type").and_then(|ty| ty.as_str()), vault: true };
    let Some(edit) = insert::secret(sources, environment, &block) else { return Some(finding) };
    let title = format!("refer to `{}` in a store", object.name());
    let edits = vec![edit, Edit { span: document(sources, object.origin), text: String::new() }];
    Some(finding.fix_edits(title, Applicability::Placeholder, edits))
}

/// A document with the rest of its last line, so that no empty line stays.
fn document(sources: &Sources, span: Span) -> Span {
    let text = sources.text(span.file);
    let end = text[span.end as usize..].find('\n').map_or(text.len(), |at| span.end as usize + at + 1);
    Span::new(span.file, span.start as usize, end)
}

/// What both environments would write to one cluster.
fn shared(model: &Model, first: &Place, second: &Place) -> Option<Diagnostic> {
    if !same(model.cluster(first.environment.cluster), model.cluster(second.environment.cluster)) {
        return None;
    }
    let keys = |place: &Place| -> BTreeMap<Key, Span> {
        let key = |object: &Object| Key { namespace: place.namespace(object).to_owned(), ..object.key() };
        place.rendered.objects.iter().map(|object| (key(object), object.origin)).collect()
    };
    let theirs = keys(first);
    let both: Vec<(Key, Span)> = keys(second).into_iter().filter(|(key, _)| theirs.contains_key(key)).collect();
    let (key, origin) = both.first()?;
    let more = if both.len() > 1 { format!(" and {} more", both.len() - 1) } else { String::new() };
    let (one, two) = (first.name(), second.name());
    let message = format!("environments `{one}` and `{two}` both render {key} of namespace `{}`{more}", key.namespace);
    let place =
        |place: &Place| place.environment.manifests.as_ref().map_or(place.environment.name.span, |root| root.span);
    let finding = Diagnostic::new(&codes::OBJECT_SHARED, place(second), message)
        .here(format!("`{two}` renders it"))
        .label(place(first), format!("`{one}` renders it"))
        .label(*origin, "this object");
    Some(finding.help("give the environments namespaces of their own, or render the object in one of them"))
}
