//! What an edited kustomization must say, worked out on the model alone.
//!
//! **Invariant:** knows nothing of bytes, so that it can judge the edit that was made on them.
//! Not here: parsing, editing.

use super::edit::{Change, Changes};
use super::tree::{Kind, Model, Node};

/// The model after `changes`, given the model before.
pub(super) fn model(root: Option<&Node>, image_name: &str, changes: &Changes) -> Option<Model> {
    let before = root.map(Node::model);
    let keeps_empty_list = has_flow_list(root);
    let mut pairs = match &before {
        Some(Model::Map(pairs)) => pairs.clone(),
        Some(_) | None => Vec::new(),
    };
    let at = pairs.iter().position(|(key, _)| is(key, "images"));
    let mut items = match at.map(|idx| &pairs[idx].1) {
        Some(Model::Seq(items)) => items.clone(),
        Some(_) | None => Vec::new(),
    };
    let untouched = items.clone();
    change_items(&mut items, image_name, changes);
    if items == untouched {
        return before;
    }
    match at {
        Some(idx) if items.is_empty() && !keeps_empty_list => {
            pairs.remove(idx);
        }
        Some(idx) => pairs[idx].1 = Model::Seq(items),
        None => pairs.push((string("images"), Model::Seq(items))),
    }
    match pairs.is_empty() {
        true => None,
        false => Some(Model::Map(pairs)),
    }
}

/// A file that says nothing may be without a document or hold a null.
pub(super) fn same(left: Option<&Model>, right: Option<&Model>) -> bool {
    let nothing = |model: Option<&Model>| match model {
        None => true,
        Some(Model::Scalar { text, string }) => !string && ["", "~"].contains(&text.as_str()),
        Some(Model::Seq(_) | Model::Map(_) | Model::Alias) => false,
    };
    left == right || (nothing(left) && nothing(right))
}

fn has_flow_list(root: Option<&Node>) -> bool {
    let Some(Kind::Map { pairs, flow: false }) = root.map(|root| &root.kind) else {
        return false;
    };
    let is_flow = |node: &Node| matches!(node.kind, Kind::Seq { flow: true, .. });
    pairs.iter().any(|(key, value)| key.scalar() == Some("images") && is_flow(value))
}

fn change_items(items: &mut Vec<Model>, image_name: &str, changes: &Changes) {
    let named = |item: &Model| match item {
        Model::Map(pairs) => pairs.iter().any(|(key, value)| is(key, "name") && is(value, image_name)),
        Model::Scalar { .. } | Model::Seq(_) | Model::Alias => false,
    };
    let Some(idx) = items.iter().position(named) else {
        if changes.adds() {
            let mut pairs = vec![(string("name"), string(image_name))];
            change_pairs(&mut pairs, changes);
            items.push(Model::Map(pairs));
        }
        return;
    };
    if let Model::Map(pairs) = &mut items[idx] {
        change_pairs(pairs, changes);
        if pairs.len() == 1 && changes.removes() {
            items.remove(idx);
        }
    }
}

fn change_pairs(pairs: &mut Vec<(Model, Model)>, changes: &Changes) {
    for (key, change) in changes.each() {
        let at = pairs.iter().position(|(found, _)| is(found, key));
        match (change, at) {
            (Change::Set(value), Some(idx)) if is(&pairs[idx].1, value) => {}
            (Change::Set(value), Some(idx)) => pairs[idx].1 = string(value),
            (Change::Set(value), None) => pairs.push((string(key), string(value))),
            (Change::Remove, Some(idx)) => {
                pairs.remove(idx);
            }
            (Change::Remove, None) | (Change::Keep, _) => {}
        }
    }
}

fn string(text: &str) -> Model {
    Model::Scalar { text: text.to_owned(), string: true }
}

fn is(model: &Model, wanted: &str) -> bool {
    match model {
        Model::Scalar { text, .. } => text == wanted,
        Model::Seq(_) | Model::Map(_) | Model::Alias => false,
    }
}
