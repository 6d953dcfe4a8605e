//! `for-each`: one environment block that stands for several, one for each element of a list, of folders, of files or of
//! clusters. Expanded on the nodes, before their tables are checked: every copy keeps the places of the one block.
//!
//! **Invariant:** a generator without elements is an error unless the spec allows it, and so is a folder or file that
//! cannot be read: environments never vanish in silence.

use super::table::{Arg, BLOCK, Block, Open, Type, arg, default, many, merged, optional};
use super::value;
use super::view::{self, Syntax, View, as_text};
use crate::diag::{Diagnostic, Diags, codes};
use crate::model::scope::closest;
use crate::source::{Entry, Need, Sources, Span, Spanned};
use crate::syntax::yaml::{self, Kind};
use crate::syntax::{Node, Scalar, Text, Value};

const fn values(name: &'static str, doc: &'static str) -> Arg {
    Arg { name, ty: Type::Text, doc, required: true, many: true }
}

pub static FOR_EACH: Block = Block {
    name: "for-each",
    plural: "for-each",
    doc: "Makes an environment for each element; `${each.NAME}` is the element, and the name gets it as its end.",
    args: &[arg("name", Type::Word, "what an element is called: `region`")],
    props: &[default("allow-empty", Type::Bool, "#false", "whether there may be no element")],
    children: &[
        optional(&LIST),
        many(&ITEM),
        optional(&DIRECTORIES),
        optional(&FILES),
        optional(&CLUSTERS),
        optional(&EXCLUDE),
    ],
    ..BLOCK
};

pub static LIST: Block =
    Block { name: "list", plural: "lists", doc: "These elements.", args: &[values("value", "the elements")], ..BLOCK };

pub static ITEM: Block = Block {
    name: "item",
    plural: "items",
    doc: "An element with values: `${each.KEY}`.",
    args: &[arg("value", Type::Text, "the element")],
    open: Some(Open { key: "key", ty: Type::Any }),
    ..BLOCK
};

pub static DIRECTORIES: Block = Block {
    name: "directories",
    plural: "directories",
    doc: "The folders that fit; `${each.path}` is the path of one, the element its name.",
    args: &[values("pattern", "`*` stands for any characters of the last name: `deploy/*`")],
    ..BLOCK
};

pub static FILES: Block = Block {
    name: "files",
    plural: "files",
    doc: "The YAML files that fit; `${each.KEY}` is a value of one, `${each.path}` its path, the element its name.",
    args: &[values("pattern", "`*` stands for any characters of the last name: `envs/*.yaml`")],
    ..BLOCK
};

pub static CLUSTERS: Block = Block {
    name: "clusters",
    plural: "clusters",
    doc: "The `cluster` blocks that fit; `${each.labels.KEY}` is a label of one, the element its name.",
    args: &[Arg { name: "pattern", ty: Type::Text, doc: "names, `*` for any characters", required: false, many: true }],
    children: &[merged(&super::cluster::LABELS)],
    ..BLOCK
};

pub static EXCLUDE: Block = Block {
    name: "exclude",
    plural: "excludes",
    doc: "Elements that are left out.",
    args: &[values("value", "elements, `*` for any characters")],
    ..BLOCK
};

/// Most environments that one block may stand for.
pub const LIMIT: usize = 100;

/// What generators look at besides their own block.
pub struct Outer<'a> {
    pub sources: &'a Sources,
    /// Names and labels of all clusters.
    pub clusters: Vec<(String, Vec<(String, String)>)>,
}

/// What the generators of a spec gave besides environments.
#[derive(Clone, Debug, Default)]
pub struct Generated {
    /// Files and folders that must be looked at first.
    pub needs: Vec<Need>,
    /// Whether one failed, so that environments are missing.
    pub failed: bool,
    /// The blocks that stand for several environments.
    pub blocks: Vec<Span>,
}

/// Names and labels of the clusters of a file.
pub fn clusters(root: &Node) -> Vec<(String, Vec<(String, String)>)> {
    let text = |value: &Value| as_text(value).map(|text| text.value);
    let labels = |node: &Node| {
        let blocks = node.children.iter().filter(|child| child.name.value == "labels");
        blocks
            .flat_map(|block| &block.props)
            .filter_map(|(key, value)| Some((key.value.clone(), text(value)?)))
            .collect()
    };
    let named = root.children.iter().filter(|child| child.name.value == "cluster");
    named.filter_map(|node| Some((text(node.args.first()?)?, labels(node)))).collect()
}

/// Replaces each environment with generators by what it stands for.
pub fn expand(root: &mut Node, syntax: Syntax, outer: &Outer, generated: &mut Generated, diags: &mut Diags) {
    let mut children = Vec::with_capacity(root.children.len());
    for mut child in std::mem::take(&mut root.children) {
        let is_each = |node: &Node| node.name.value == "for-each";
        if child.name.value != "environment" {
            children.push(child);
        } else if child.children.iter().any(is_each) {
            let (generators, rest) = child.children.into_iter().partition(is_each);
            child.children = rest;
            let before = diags.errors();
            let needs = generated.needs.len();
            if let Some(copies) = copies(&child, generators, syntax, outer, generated, diags) {
                generated.blocks.push(child.span);
                children.extend(copies);
            }
            generated.failed |= diags.errors() > before && generated.needs.len() == needs;
        } else {
            substitute(&mut child, None, diags);
            children.push(child);
        }
    }
    root.children = children;
}

/// One element of a generator: what it is called, and its values by name.
#[derive(Clone)]
struct Element {
    key: String,
    values: Vec<(String, Scalar)>,
}

fn copies(
    block: &Node,
    generators: Vec<Node>,
    syntax: Syntax,
    outer: &Outer,
    generated: &mut Generated,
    diags: &mut Diags,
) -> Option<Vec<Node>> {
    let mut all = vec![Element { key: String::new(), values: Vec::new() }];
    let mut place = block.name.span;
    for mut generator in generators {
        view::check(&mut generator, &FOR_EACH, syntax, diags);
        let view = View { block: &FOR_EACH, node: &generator };
        place = view.head();
        let elements = elements(&view, outer, generated, diags)?;
        let join = |left: &Element, right: &Element| Element {
            key: if left.key.is_empty() { right.key.clone() } else { format!("{}-{}", left.key, right.key) },
            values: left.values.iter().chain(&right.values).cloned().collect(),
        };
        if all.len().saturating_mul(elements.len()) > LIMIT {
            let message = format!("a block stands for {} environments, more than {LIMIT}", all.len() * elements.len());
            let finding = Diagnostic::new(&codes::GENERATOR_LIMIT, view.head(), message);
            diags.push(finding.here("too many elements").help("split it, or choose fewer by `exclude`"));
            return None;
        }
        all = all.iter().flat_map(|left| elements.iter().map(move |right| join(left, right))).collect();
    }
    let mut copies: Vec<Node> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for element in &all {
        let mut copy = block.clone();
        let own = named_by_itself(block);
        substitute(&mut copy, Some(element), diags);
        if let Some(Value { scalar: Scalar::Text(name), .. }) = copy.args.first_mut() {
            if !own {
                *name = Text { value: format!("{}-{}", name.value, element.key), span: name.span, map: Vec::new() };
            }
            if names.contains(&name.value) || !value::is_name(&name.value) {
                let twice = names.contains(&name.value);
                let message = if twice {
                    format!("two elements make the environment `{}`", name.value)
                } else {
                    format!("`{}` is no name of an environment", name.value)
                };
                let finding = Diagnostic::new(&codes::GENERATOR_NAME, place, message);
                diags.push(finding.here(format!("by the element `{}`", element.key)));
                return None;
            }
            names.push(name.value.clone());
        }
        copies.push(copy);
    }
    Some(copies)
}

/// Whether the block's own name says where the element goes.
fn named_by_itself(block: &Node) -> bool {
    block.args.first().and_then(Value::text).is_some_and(|name| name.value.contains("${each."))
}

/// The elements of a generator; nothing where a finding was made or something must be looked at first.
fn elements(view: &View, outer: &Outer, generated: &mut Generated, diags: &mut Diags) -> Option<Vec<Element>> {
    let name = view.text("name")?.value;
    let mut found: Vec<Element> = Vec::new();
    let plain = |key: &str, more: Vec<(String, Scalar)>, span: Span| {
        let own = (name.clone(), Scalar::Text(Text { value: key.to_owned(), span, map: Vec::new() }));
        Element { key: key.to_owned(), values: std::iter::once(own).chain(more).collect() }
    };
    let errors = diags.errors();
    for text in view.child("list").map(|list| list.texts()).unwrap_or_default() {
        found.push(plain(&text.value, Vec::new(), text.span));
    }
    for item in view.children("item") {
        let more = item.open().into_iter().map(|(key, value)| (key.value, value.scalar)).collect();
        if let Some(key) = item.text("value") {
            found.push(plain(&key.value, more, key.span));
        }
    }
    for (kind, folders) in [("directories", true), ("files", false)] {
        for pattern in view.child(kind).map(|source| source.texts()).unwrap_or_default() {
            for path in matching(&pattern, folders, outer.sources, generated, diags)? {
                let last = path.rsplit('/').next().unwrap_or_default();
                let key = if folders { last } else { last.rsplit_once('.').map_or(last, |(stem, _)| stem) };
                let mut more = vec![("path".to_owned(), text(&path, pattern.span))];
                if !folders {
                    more.extend(file_values(&path, &pattern, outer.sources, generated, diags)?);
                }
                found.push(plain(key, more, pattern.span));
            }
        }
    }
    view.child("clusters").iter().for_each(|source| found.extend(of_clusters(source, outer, &plain)));
    for text in view.child("exclude").map(|list| list.texts()).unwrap_or_default() {
        found.retain(|element| !value::glob(&text.value, &element.key));
    }
    if found.is_empty() && diags.errors() == errors && generated.needs.is_empty() && !view.bool("allow-empty") {
        let finding = Diagnostic::new(&codes::GENERATOR_EMPTY, view.head(), format!("`for-each` finds no {name}"));
        let finding = finding.here("no environment comes of it");
        diags.push(finding.help("name what is there, or write allow-empty=#true if there may be none"));
        return None;
    }
    Some(found)
}

fn text(value: &str, span: Span) -> Scalar {
    Scalar::Text(Text { value: value.to_owned(), span, map: Vec::new() })
}

/// Makes an element of its name, further values and its place.
type Plain<'a> = dyn Fn(&str, Vec<(String, Scalar)>, Span) -> Element + 'a;

fn of_clusters(source: &View, outer: &Outer, plain: &Plain<'_>) -> Vec<Element> {
    let patterns = source.texts();
    let wanted: Vec<(Text, Value)> = source.children("labels").iter().flat_map(View::open).collect();
    let fits = |(name, labels): &&(String, Vec<(String, String)>)| {
        let named = patterns.is_empty() || patterns.iter().any(|pattern| value::glob(&pattern.value, name));
        let has = |key: &str, value: &str| labels.iter().any(|(label, found)| label == key && found == value);
        named && wanted.iter().all(|(key, value)| as_text(value).is_some_and(|text| has(&key.value, &text.value)))
    };
    let element = |(name, labels): &(String, Vec<(String, String)>)| {
        let labels = labels.iter().map(|(key, value)| (format!("labels.{key}"), text(value, source.head())));
        plain(name, labels.collect(), source.head())
    };
    outer.clusters.iter().filter(fits).map(element).collect()
}

/// The paths that fit a pattern, sorted.
fn matching(
    pattern: &Text,
    folders: bool,
    sources: &Sources,
    generated: &mut Generated,
    diags: &mut Diags,
) -> Option<Vec<String>> {
    let finding = |message: String| Diagnostic::new(&codes::GENERATOR_SOURCE, pattern.span, message);
    let split = pattern.value.rsplit_once('/').filter(|(folder, _)| value::is_path(folder) && !folder.contains('*'));
    let Some((folder, last)) = split else {
        let message = format!("`{}` is no pattern below a folder", pattern.value);
        diags.push(finding(message).here("`*` only in the last name").help("write for instance `deploy/*`"));
        return None;
    };
    let folder = value::clean_path(folder);
    match sources.entry(&folder) {
        None => {
            generated.needs.push(Need { path: folder });
            None
        }
        Some(Entry::Folder(names)) => {
            let wanted = names.iter().filter(|name| name.ends_with('/') == folders);
            let names = wanted.map(|name| name.trim_end_matches('/')).filter(|name| value::glob(last, name));
            Some(names.map(|name| format!("{folder}/{name}")).collect())
        }
        Some(Entry::File(_)) => {
            diags.push(finding(format!("`{folder}` is a file, not a folder")).here("looked for here"));
            None
        }
        Some(Entry::Missing(_)) => {
            diags.push(finding(format!("the folder `{folder}` cannot be read")).here("looked for here"));
            None
        }
    }
}

/// The values of a YAML file, nested ones by their path.
fn file_values(
    path: &str,
    pattern: &Text,
    sources: &Sources,
    generated: &mut Generated,
    diags: &mut Diags,
) -> Option<Vec<(String, Scalar)>> {
    let finding = |message: String| Diagnostic::new(&codes::GENERATOR_SOURCE, pattern.span, message);
    let id = match sources.entry(path) {
        None => {
            generated.needs.push(Need { path: path.to_owned() });
            // The other files are asked for in the same round.
            return Some(Vec::new());
        }
        Some(Entry::File(id)) => *id,
        Some(Entry::Folder(_) | Entry::Missing(_)) => {
            diags.push(finding(format!("`{path}` cannot be read")).here("this pattern names it"));
            return None;
        }
    };
    let documents = yaml::parse(id, sources.text(id), yaml::Schema::Core, diags);
    let [document] = documents.as_slice() else {
        diags.push(finding(format!("`{path}` has {} documents instead of one", documents.len())));
        return None;
    };
    let mut values = Vec::new();
    flatten("", document, &mut values);
    if !matches!(document.kind, Kind::Map(_)) {
        let finding = Diagnostic::new(&codes::GENERATOR_SOURCE, document.span, format!("`{path}` is no mapping"));
        diags.push(finding.here("values by name are wanted").label(pattern.span, "this pattern names it"));
        return None;
    }
    Some(values)
}

fn flatten(prefix: &str, node: &yaml::Node, values: &mut Vec<(String, Scalar)>) {
    let scalar = match &node.kind {
        Kind::Map(entries) => {
            for (key, value) in entries {
                let name = if prefix.is_empty() { key.value.clone() } else { format!("{prefix}.{}", key.value) };
                flatten(&name, value, values);
            }
            return;
        }
        // Lists have no form in a value.
        Kind::Null | Kind::Seq(_) => return,
        Kind::Bool(truth) => Scalar::Bool(*truth),
        Kind::Number(number) => match number.as_i64() {
            Some(number) => Scalar::Int(i128::from(number)),
            None => Scalar::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Kind::Str(found) => Scalar::Text(found.clone()),
    };
    if !prefix.is_empty() {
        values.push((prefix.to_owned(), scalar));
    }
}

/// Puts the values of an element in their places; without an element each such place is an error.
fn substitute(node: &mut Node, element: Option<&Element>, diags: &mut Diags) {
    let values = node.args.iter_mut().chain(node.props.iter_mut().map(|(_, value)| value));
    for value in values {
        if let Scalar::Text(text) = &value.scalar
            && text.value.contains("${each")
        {
            value.scalar = filled(text, element, diags).unwrap_or(Scalar::Unread);
        }
    }
    node.children.iter_mut().for_each(|child| substitute(child, element, diags));
}

/// A text with the values of an element; one that is nothing else keeps the value's type.
fn filled(text: &Text, element: Option<&Element>, diags: &mut Diags) -> Option<Scalar> {
    let mut all = String::new();
    let mut at = 0;
    while let Some(open) = text.value[at..].find("${each").map(|open| at + open) {
        let Some(close) = text.value[open..].find('}').map(|length| open + length) else { break };
        all.push_str(&text.value[at..open]);
        at = close + 1;
        if all.ends_with('$') {
            // `$${` stands for the characters themselves, which later reading undoes.
            all.push_str(&text.value[open..at]);
            continue;
        }
        let inside = text.value[open + 2..close].trim();
        let value = find(inside, text.place(open, at), element, diags)?;
        if open == 0 && at == text.value.len() {
            return Some(value);
        }
        all.push_str(&as_text(&Value { scalar: value, span: text.span })?.value);
    }
    all.push_str(&text.value[at..]);
    Some(Scalar::Text(Text { value: all, span: text.span, map: Vec::new() }))
}

fn find(inside: &str, place: Span, element: Option<&Element>, diags: &mut Diags) -> Option<Scalar> {
    let Some(element) = element else {
        let finding =
            Diagnostic::new(&codes::EACH_OUTSIDE, place, format!("`{inside}` stands outside of a `for-each`"));
        diags.push(finding.here("there is no element here").help("add `for-each` to the environment"));
        return None;
    };
    let name = inside.strip_prefix("each").and_then(|rest| rest.strip_prefix('.')).unwrap_or_default();
    if let Some((_, value)) = element.values.iter().rev().find(|(known, _)| known == name) {
        return Some(match value {
            Scalar::Text(found) => Scalar::Text(Text { value: found.value.clone(), span: place, map: Vec::new() }),
            other => other.clone(),
        });
    }
    let known: Vec<&str> = element.values.iter().map(|(known, _)| known.as_str()).collect();
    let message = format!("the element `{}` has no value `{name}`", element.key);
    let mut finding = Diagnostic::new(&codes::UNKNOWN_REFERENCE, place, message).here("not known of this element");
    finding = closest(finding, &Spanned::new(name.to_owned(), place), "value", &known);
    // What a fix would replace is more than the name.
    finding.fixes.clear();
    diags.push(finding);
    None
}
