//! From the changes of one entry to splices, in the style that the file has.
//!
//! **Invariant:** the edited text is parsed again and compared with `expect`; a difference is an error.
//! Not here: finding the entry, how a scalar is quoted.

use std::ops::Range;

use granit_parser::ScalarStyle;

use super::find::{self, List, Mapping};
use super::tree::{self, Kind, Node, colon_end, line_of, pair_end};
use super::{BumpError, BumpedFile, ImageRef, ScalarChange, Splice, expect, lines, scalar};

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Change {
    Keep,
    Set(String),
    Remove,
}

pub(super) struct Changes {
    pub new_tag: Change,
    pub digest: Change,
}

impl Changes {
    pub fn each(&self) -> [(&'static str, &Change); 2] {
        [("newTag", &self.new_tag), ("digest", &self.digest)]
    }

    pub fn adds(&self) -> bool {
        self.each().iter().any(|(_, change)| matches!(change, Change::Set(_)))
    }

    pub fn removes(&self) -> bool {
        self.each().iter().any(|(_, change)| **change == Change::Remove)
    }
}

pub(super) fn apply(text: &str, image_name: &str, changes: &Changes) -> Result<BumpedFile, BumpError> {
    validate(image_name, changes)?;
    let root = tree::parse(text)?;
    let before = find::current(text, root.as_ref(), image_name)?.unwrap_or_default();
    let file = File { text, eol: lines::eol(text), quote: root.as_ref().and_then(first_quote) };
    let mut splices = file.splices(root.as_ref(), image_name, changes)?;
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let line = splices.first().map_or(1, |splice| line_of(text, splice.range.start));
    let unsupported = BumpError::Unsupported { line };
    if splices.windows(2).any(|pair| pair[0].range.end > pair[1].range.start) {
        return Err(unsupported);
    }
    let new_text = super::splice(text, &splices);
    let expected = expect::model(root.as_ref(), image_name, changes);
    let meant = tree::parse(&new_text)
        .is_ok_and(|found| expect::same(found.as_ref().map(Node::model).as_ref(), expected.as_ref()));
    if !meant {
        return Err(unsupported);
    }
    Ok(BumpedFile { text: new_text, splices, changes: scalar_changes(image_name, &before, changes) })
}

/// The text without a key `images` that has no value: a bump fills it, and taking the entry away takes the key too.
pub(super) fn without_empty_list(text: &str) -> Result<String, BumpError> {
    let root = tree::parse(text)?;
    if let Some(root) = find::mapping_of_root(text, root.as_ref())?
        && let Some(list) = find::images(text, &root)?
        && !root.flow
        && list.node.is_null()
    {
        let file = File { text, eol: lines::eol(text), quote: None };
        return Ok(super::splice(text, &[file.remove_pair(&root, list.pair_idx)?]));
    }
    Ok(text.to_owned())
}

fn validate(image_name: &str, changes: &Changes) -> Result<(), BumpError> {
    let bad = |field, value: &str| {
        let value = value.to_owned();
        Err(BumpError::BadValue { field, value })
    };
    if image_name.is_empty() || image_name.chars().any(|c| c.is_control() || c == ' ') {
        return bad("name", image_name);
    }
    if let Change::Set(tag) = &changes.new_tag
        && !is_tag(tag)
    {
        return bad("newTag", tag);
    }
    if let Change::Set(digest) = &changes.digest
        && !is_digest(digest)
    {
        return bad("digest", digest);
    }
    Ok(())
}

/// The grammar of a tag in the OCI distribution specification.
fn is_tag(tag: &str) -> bool {
    tag.len() <= 128
        && tag.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && tag.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
}

/// `ALGORITHM:ENCODED`, as the OCI image specification has it.
fn is_digest(digest: &str) -> bool {
    digest.split_once(':').is_some_and(|(algorithm, encoded)| {
        algorithm.starts_with(|c: char| c.is_ascii_lowercase())
            && algorithm.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+._-".contains(c))
            && !encoded.is_empty()
            && encoded.chars().all(|c| c.is_ascii_alphanumeric() || "=_-".contains(c))
    })
}

fn scalar_changes(image_name: &str, before: &ImageRef, changes: &Changes) -> Vec<ScalarChange> {
    let olds = [&before.tag, &before.digest];
    let mut out = Vec::new();
    for ((key, change), old) in changes.each().into_iter().zip(olds) {
        let after = match change {
            Change::Keep => old.clone(),
            Change::Set(value) => Some(value.clone()),
            Change::Remove => None,
        };
        if after != *old {
            let path = format!("images[{image_name}].{key}");
            let before = old.clone();
            out.push(ScalarChange { path, before, after });
        }
    }
    out
}

/// The first quote style in the file, for values that need quotes.
fn first_quote(node: &Node) -> Option<ScalarStyle> {
    match &node.kind {
        Kind::Scalar { style, .. } => match style {
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => Some(*style),
            ScalarStyle::Plain | ScalarStyle::Literal | ScalarStyle::Folded => None,
        },
        Kind::Seq { items, .. } => items.iter().find_map(first_quote),
        Kind::Map { pairs, .. } => {
            pairs.iter().find_map(|(key, value)| first_quote(key).or_else(|| first_quote(value)))
        }
        Kind::Alias => None,
    }
}

fn style_of(node: &Node) -> ScalarStyle {
    match &node.kind {
        Kind::Scalar { style, .. } => *style,
        Kind::Seq { .. } | Kind::Map { .. } | Kind::Alias => ScalarStyle::Plain,
    }
}

/// How keys and values of a mapping are quoted.
#[derive(Clone, Copy)]
struct Quoting {
    key: ScalarStyle,
    value: ScalarStyle,
}

impl Quoting {
    fn of(pairs: &find::Pairs) -> Quoting {
        let name = pairs.iter().find(|(key, _)| key.scalar() == Some("name")).or(pairs.first());
        Quoting {
            key: name.map_or(ScalarStyle::Plain, |(key, _)| style_of(key)),
            value: name.map_or(ScalarStyle::Plain, |(_, value)| style_of(value)),
        }
    }

    /// JSON that is also YAML quotes its values as it quotes its keys.
    fn of_root(root: &Mapping<'_>) -> Quoting {
        let key = root.pairs.first().map_or(ScalarStyle::Plain, |(key, _)| style_of(key));
        Quoting { key, value: key }
    }
}

struct File<'a> {
    text: &'a str,
    eol: &'static str,
    quote: Option<ScalarStyle>,
}

impl File<'_> {
    fn splices(&self, root: Option<&Node>, image_name: &str, changes: &Changes) -> Result<Vec<Splice>, BumpError> {
        let Some(root) = find::mapping_of_root(self.text, root)? else {
            return Ok(self.fill_empty_file(image_name, changes).into_iter().collect());
        };
        let Some(list) = find::images(self.text, &root)? else {
            return Ok(self.add_list(&root, image_name, changes).into_iter().collect());
        };
        let Some(idx) = find::entry(self.text, list.items, image_name)? else {
            let added = match list.items.is_empty() {
                true => self.fill_list(&root, &list, image_name, changes),
                false => self.add_entry(&list, image_name, changes)?,
            };
            return Ok(added.into_iter().collect());
        };
        let entry = find::item(self.text, &list.items[idx])?;
        if changes.removes() && self.leaves_only_name(&entry, changes) {
            return Ok(vec![self.remove_entry(&root, &list, idx)?]);
        }
        self.change_entry(&entry, changes)
    }

    fn leaves_only_name(&self, entry: &Mapping<'_>, changes: &Changes) -> bool {
        let stays = |key: &Node| {
            changes.each().iter().all(|(name, change)| key.scalar() != Some(name) || **change != Change::Remove)
        };
        !changes.adds() && entry.pairs.iter().filter(|(key, _)| stays(key)).count() == 1
    }

    fn change_entry(&self, entry: &Mapping<'_>, changes: &Changes) -> Result<Vec<Splice>, BumpError> {
        let mut out = Vec::new();
        let mut missing = Vec::new();
        for (key, change) in changes.each() {
            match (change, find::pair(self.text, entry.pairs, key)?) {
                (Change::Set(value), Some(idx)) => out.extend(self.set(entry, idx, value)?),
                (Change::Set(value), None) => missing.push((key, value.as_str())),
                (Change::Remove, Some(idx)) => out.push(self.remove_pair(entry, idx)?),
                (Change::Remove, None) | (Change::Keep, _) => {}
            }
        }
        if let Some((key, value)) = entry.pairs.last().filter(|_| !missing.is_empty()) {
            let quoting = Quoting::of(entry.pairs);
            let pairs = missing.iter().map(|(key, value)| self.pair(key, value, quoting));
            let end = pair_end(self.text, key, value);
            out.push(match entry.flow {
                true => self.after_in_flow(key.span.start, entry.pairs[0].0.span.start, end, pairs),
                false => {
                    let indent = " ".repeat(lines::column(self.text, entry.pairs[0].0.span.start));
                    let lines = pairs.map(|pair| format!("{}{indent}{pair}", self.eol)).collect();
                    insert(lines::content_end(self.text, end), lines)
                }
            });
        }
        Ok(out)
    }

    /// Replaces a value that is another string.
    fn set(&self, entry: &Mapping<'_>, idx: usize, new: &str) -> Result<Option<Splice>, BumpError> {
        let (key, value) = &entry.pairs[idx];
        if value.scalar() == Some(new) {
            return Ok(None);
        }
        if value.is_null() && value.span.is_empty() {
            let at = colon_end(self.text, key).ok_or_else(|| self.unsupported(key.span.start))?;
            let style = Quoting::of(entry.pairs).value;
            return Ok(Some(insert(at, format!(" {}", self.emit(new, style)))));
        }
        match style_of(value) {
            style @ (ScalarStyle::Plain | ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) => {
                Ok(Some(Splice { range: value.span.clone(), text: self.emit(new, style) }))
            }
            ScalarStyle::Literal | ScalarStyle::Folded => Err(self.unsupported(key.span.start)),
        }
    }

    fn remove_pair(&self, map: &Mapping<'_>, idx: usize) -> Result<Splice, BumpError> {
        let (key, value) = &map.pairs[idx];
        let end = pair_end(self.text, key, value);
        let next = map.pairs.get(idx + 1).map(|(key, _)| key.span.start);
        let range = match (map.flow, idx, next) {
            (true, 1.., _) => {
                let (key, value) = &map.pairs[idx - 1];
                pair_end(self.text, key, value)..end
            }
            (true, 0, Some(next)) => key.span.start..next,
            (true, 0, None) => key.span.start..end,
            (false, ..) if lines::is_first(self.text, key.span.start) => lines::removal(self.text, key.span.start, end),
            // The first key of an entry shares its line with the dash, which the next key takes over.
            (false, 0, Some(next)) => key.span.start..next,
            (false, ..) => return Err(self.unsupported(key.span.start)),
        };
        Ok(remove(range))
    }

    /// Removes an entry; with the last one goes the list, unless it was written as `[…]`.
    fn remove_entry(&self, root: &Mapping<'_>, list: &List<'_>, idx: usize) -> Result<Splice, BumpError> {
        let item = &list.items[idx];
        let end = item.end(self.text);
        if list.items.len() == 1 && (root.flow || !list.flow) {
            return self.remove_pair(root, list.pair_idx);
        }
        if list.flow {
            let range = match (idx, list.items.get(idx + 1)) {
                (1.., _) => list.items[idx - 1].end(self.text)..end,
                (0, Some(next)) => item.span.start..next.span.start,
                (0, None) => list.node.span.start + 1..list.node.span.end - 1,
            };
            return Ok(remove(range));
        }
        let dash = self.dash(item)?;
        match lines::is_first(self.text, dash) {
            true => Ok(remove(lines::removal(self.text, dash, end))),
            false => Err(self.unsupported(dash)),
        }
    }

    /// Adds an entry behind the last one, in its style.
    fn add_entry(&self, list: &List<'_>, image_name: &str, changes: &Changes) -> Result<Option<Splice>, BumpError> {
        let (Some(first), Some(last)) = (list.items.first(), list.items.last()) else {
            return Ok(None);
        };
        let like = find::item(self.text, last)?;
        let quoting = Quoting::of(like.pairs);
        let Some(pairs) = self.entry_pairs(image_name, changes, quoting) else {
            return Ok(None);
        };
        let end = last.end(self.text);
        if list.flow {
            let entry = std::iter::once(flow_map(&pairs));
            return Ok(Some(self.after_in_flow(last.span.start, first.span.start, end, entry)));
        }
        let dash = self.dash(last)?;
        let gap = &self.text[dash + 1..last.span.start];
        let gap = match gap.trim_matches(' ').is_empty() && !like.flow {
            true => gap,
            false => " ",
        };
        let indent = " ".repeat(lines::column(self.text, dash));
        let entry = match like.flow {
            true => format!("{}{indent}-{gap}{}", self.eol, flow_map(&pairs)),
            false => format!("{}{}", self.eol, self.block_entry(&indent, gap, &pairs)),
        };
        Ok(Some(insert(lines::content_end(self.text, end), entry)))
    }

    /// Adds the first entry of `images:` or `images: []`.
    fn fill_list(&self, root: &Mapping<'_>, list: &List<'_>, image_name: &str, changes: &Changes) -> Option<Splice> {
        let quoting = match root.flow {
            true => Quoting::of_root(root),
            false => PLAIN,
        };
        let pairs = self.entry_pairs(image_name, changes, quoting)?;
        let key = &root.pairs[list.pair_idx].0;
        if list.flow {
            let range = list.node.span.start + 1..list.node.span.end - 1;
            let text = flow_map(&pairs);
            return Some(Splice { range, text });
        }
        if root.flow || !list.node.span.is_empty() {
            let text = format!("[{}]", flow_map(&pairs));
            let range = list.node.span.clone();
            return Some(match range.is_empty() {
                true => insert(colon_end(self.text, key)?, format!(" {text}")),
                false => Splice { range, text },
            });
        }
        let indent = self.list_indent(root);
        let entry = self.block_entry(&indent, " ", &pairs);
        let at = lines::content_end(self.text, key.span.end);
        Some(insert(at, format!("{}{entry}", self.eol)))
    }

    /// Adds `images` with one entry behind the last key of the file.
    fn add_list(&self, root: &Mapping<'_>, image_name: &str, changes: &Changes) -> Option<Splice> {
        let (key, value) = root.pairs.last()?;
        let end = pair_end(self.text, key, value);
        if root.flow {
            let quoting = Quoting::of_root(root);
            let pairs = self.entry_pairs(image_name, changes, quoting)?;
            let list = format!("{}: [{}]", self.emit("images", quoting.key), flow_map(&pairs));
            let first = root.pairs[0].0.span.start;
            return Some(self.after_in_flow(key.span.start, first, end, std::iter::once(list)));
        }
        let pairs = self.entry_pairs(image_name, changes, PLAIN)?;
        let entry = self.block_entry(&self.list_indent(root), " ", &pairs);
        let at = lines::content_end(self.text, end);
        Some(insert(at, format!("{0}images:{0}{entry}", self.eol)))
    }

    /// Adds `images` to a file that holds at most comments.
    fn fill_empty_file(&self, image_name: &str, changes: &Changes) -> Option<Splice> {
        let pairs = self.entry_pairs(image_name, changes, PLAIN)?;
        let body = format!("images:{}{}", self.eol, self.block_entry("", " ", &pairs));
        let content = self.text.trim_start_matches('\u{feff}');
        let text = match content.is_empty() || content.ends_with('\n') {
            true => format!("{body}{}", self.eol),
            false => format!("{}{body}", self.eol),
        };
        Some(insert(self.text.len(), text))
    }

    /// `key: value` of a new entry; `None` if there is nothing to write.
    fn entry_pairs(&self, image_name: &str, changes: &Changes, quoting: Quoting) -> Option<Vec<String>> {
        if !changes.adds() {
            return None;
        }
        let mut pairs = vec![self.pair("name", image_name, quoting)];
        for (key, change) in changes.each() {
            if let Change::Set(value) = change {
                pairs.push(self.pair(key, value, quoting));
            }
        }
        Some(pairs)
    }

    fn pair(&self, key: &str, value: &str, quoting: Quoting) -> String {
        let key = self.emit(key, quoting.key);
        format!("{key}: {}", self.emit(value, quoting.value))
    }

    fn emit(&self, value: &str, style: ScalarStyle) -> String {
        let plain = scalar::emit(value, style);
        match self.quote {
            Some(quote) if style == ScalarStyle::Plain && plain != value => scalar::emit(value, quote),
            Some(_) | None => plain,
        }
    }

    fn block_entry(&self, indent: &str, gap: &str, pairs: &[String]) -> String {
        let separator = format!("{}{indent} {}", self.eol, " ".repeat(gap.len()));
        format!("{indent}-{gap}{}", pairs.join(&separator))
    }

    /// How far the file indents the dashes of its top-level lists.
    fn list_indent(&self, root: &Mapping<'_>) -> String {
        let dashes = root.pairs.iter().filter_map(|(_, value)| match &value.kind {
            Kind::Seq { flow: false, items } => self.dash(items.first()?).ok(),
            Kind::Seq { .. } | Kind::Scalar { .. } | Kind::Map { .. } | Kind::Alias => None,
        });
        let first = dashes.map(|dash| lines::column(self.text, dash)).next();
        " ".repeat(first.unwrap_or(0))
    }

    /// The offset of the dash in front of an item of a block list.
    fn dash(&self, item: &Node) -> Result<usize, BumpError> {
        let before = self.text[..item.span.start].trim_end();
        match before.ends_with('-') {
            true => Ok(before.len() - 1),
            false => Err(self.unsupported(item.span.start)),
        }
    }

    /// Puts things behind the last one of a flow collection, on lines of their own if the last one has one.
    fn after_in_flow(&self, last: usize, first: usize, end: usize, added: impl Iterator<Item = String>) -> Splice {
        let own_line = lines::is_first(self.text, last) && lines::is_first(self.text, first);
        let separator = match own_line {
            true => {
                let indent = &self.text[lines::start(self.text, last)..last];
                format!(",{}{indent}", self.eol)
            }
            false => ", ".to_owned(),
        };
        insert(end, added.map(|one| format!("{separator}{one}")).collect())
    }

    fn unsupported(&self, offset: usize) -> BumpError {
        let line = line_of(self.text, offset);
        BumpError::Unsupported { line }
    }
}

const PLAIN: Quoting = Quoting { key: ScalarStyle::Plain, value: ScalarStyle::Plain };

fn flow_map(pairs: &[String]) -> String {
    format!("{{{}}}", pairs.join(", "))
}

fn insert(at: usize, text: String) -> Splice {
    let range = at..at;
    Splice { range, text }
}

fn remove(range: Range<usize>) -> Splice {
    let text = String::new();
    Splice { range, text }
}
