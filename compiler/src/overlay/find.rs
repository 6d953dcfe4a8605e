//! Finds the list `images` and one entry of it in a parsed kustomization.
//!
//! **Invariant:** what is found is written out in place: no alias, anchor, tag or merge key takes part in it.
//! Not here: edits.

use super::tree::{Kind, Node, line_of};
use super::{BumpError, ImageRef};

pub(super) type Pairs = [(Node, Node)];

/// A mapping's pairs and whether it is written in flow style.
pub(super) struct Mapping<'a> {
    pub flow: bool,
    pub pairs: &'a Pairs,
}

/// The list `images`: which pair of the root it is.
pub(super) struct List<'a> {
    pub pair_idx: usize,
    pub node: &'a Node,
    pub flow: bool,
    pub items: &'a [Node],
}

pub(super) fn current(text: &str, root: Option<&Node>, image_name: &str) -> Result<Option<ImageRef>, BumpError> {
    let Some(root) = mapping_of_root(text, root)? else {
        return Ok(None);
    };
    let Some(list) = images(text, &root)? else {
        return Ok(None);
    };
    let Some(idx) = entry(text, list.items, image_name)? else {
        return Ok(None);
    };
    let entry = item(text, &list.items[idx])?;
    let value = |key: &str| -> Result<Option<String>, BumpError> {
        let found = pair(text, entry.pairs, key)?;
        Ok(found.and_then(|idx| {
            let value = &entry.pairs[idx].1;
            (!value.is_null()).then(|| value.scalar().map(str::to_owned))?
        }))
    };
    Ok(Some(ImageRef { new_name: value("newName")?, tag: value("newTag")?, digest: value("digest")? }))
}

/// The root mapping; `None` for a file without content.
pub(super) fn mapping_of_root<'a>(text: &str, root: Option<&'a Node>) -> Result<Option<Mapping<'a>>, BumpError> {
    match root {
        None => Ok(None),
        Some(root) if root.is_null() => Ok(None),
        Some(Node { kind: Kind::Map { flow, pairs }, .. }) => Ok(Some(Mapping { flow: *flow, pairs })),
        Some(other) => Err(shape(text, other, "a kustomization is a mapping")),
    }
}

/// The list, if the key is there; `images:` without a value is an empty list.
pub(super) fn images<'a>(text: &str, root: &Mapping<'a>) -> Result<Option<List<'a>>, BumpError> {
    let mut found = None;
    for (idx, (key, value)) in root.pairs.iter().enumerate() {
        if key.scalar() != Some("images") {
            continue;
        }
        if found.is_some() {
            return Err(duplicate(text, key, "images"));
        }
        found = Some((idx, value));
    }
    let Some((pair_idx, node)) = found else {
        return Ok(None);
    };
    let (flow, items): (bool, &[Node]) = match &node.kind {
        Kind::Alias => return Err(shared(text, node)),
        Kind::Seq { flow, items } => (*flow, items),
        Kind::Scalar { .. } if node.is_null() => (false, &[]),
        Kind::Scalar { .. } | Kind::Map { .. } => {
            return Err(shape(text, node, "`images` is a list"));
        }
    };
    if node.decorated {
        return Err(shared(text, node));
    }
    Ok(Some(List { pair_idx, node, flow, items }))
}

/// Which entry is called `image_name`.
pub(super) fn entry(text: &str, items: &[Node], image_name: &str) -> Result<Option<usize>, BumpError> {
    let mut found = None;
    for (idx, node) in items.iter().enumerate() {
        let entry = item(text, node)?;
        let name = pair(text, entry.pairs, "name")?;
        let name = name.and_then(|idx| entry.pairs[idx].1.scalar());
        if name == Some(image_name) {
            if found.is_some() {
                return Err(duplicate(text, node, image_name));
            }
            found = Some(idx);
        }
    }
    Ok(found)
}

pub(super) fn item<'a>(text: &str, node: &'a Node) -> Result<Mapping<'a>, BumpError> {
    if node.decorated {
        return Err(shared(text, node));
    }
    match &node.kind {
        Kind::Map { flow, pairs } => Ok(Mapping { flow: *flow, pairs }),
        Kind::Alias => Err(shared(text, node)),
        Kind::Scalar { .. } | Kind::Seq { .. } => Err(shape(text, node, "an entry of `images` is a mapping")),
    }
}

/// Which pair of an entry has this key; its value is a scalar that is written out.
pub(super) fn pair(text: &str, pairs: &Pairs, wanted: &str) -> Result<Option<usize>, BumpError> {
    let mut found = None;
    for (idx, (key, value)) in pairs.iter().enumerate() {
        if key.scalar() == Some("<<") || key.scalar().is_none() {
            return Err(shared(text, key));
        }
        if key.scalar() != Some(wanted) {
            continue;
        }
        if found.is_some() {
            return Err(duplicate(text, key, wanted));
        }
        match &value.kind {
            Kind::Scalar { .. } if !value.decorated && !key.decorated => found = Some(idx),
            Kind::Scalar { .. } | Kind::Alias => return Err(shared(text, key)),
            Kind::Seq { .. } | Kind::Map { .. } => {
                return Err(shape(text, value, "a value of an image is a string"));
            }
        }
    }
    Ok(found)
}

fn shape(text: &str, node: &Node, what: &'static str) -> BumpError {
    let line = line_of(text, node.span.start);
    BumpError::Shape { line, what }
}

fn shared(text: &str, node: &Node) -> BumpError {
    let line = line_of(text, node.span.start);
    BumpError::Shared { line }
}

fn duplicate(text: &str, node: &Node, name: &str) -> BumpError {
    let line = line_of(text, node.span.start);
    let name = name.to_owned();
    BumpError::Duplicate { line, name }
}
