//! Checks nodes against their tables, and reads the values of checked ones.
//!
//! **Invariant:** whatever a getter gives has the type that the table says; where it gives nothing, the value is absent or
//! the finding has been made.

use std::collections::BTreeMap;

use super::table::{Block, Count, Open, Type};
use super::value;
use crate::diag::{Applicability, Diagnostic, Diags, codes, suggest};
use crate::expr::{self, Dialect, Expression, Template};
use crate::source::{Span, Spanned};
use crate::syntax::{Node, Scalar, Text, Value};

/// How keys are written in the file at hand; only messages differ.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Syntax {
    Kdl,
    Yaml,
}

/// A node together with its table.
#[derive(Clone, Copy)]
pub struct View<'t> {
    pub block: &'static Block,
    pub node: &'t Node,
}

impl<'t> View<'t> {
    /// The value called `name`, by position or by key; of several equal keys the last.
    pub fn value(&self, name: &str) -> Option<&'t Value> {
        if let Some(at) = self.block.args.iter().position(|arg| arg.name == name) {
            return self.node.args.get(at);
        }
        self.node.props.iter().rev().find(|(key, _)| key.value == name).map(|(_, value)| value)
    }

    pub fn text(&self, name: &str) -> Option<Text> {
        self.value(name).and_then(as_text)
    }

    pub fn name(&self, name: &str) -> Option<Spanned<String>> {
        self.text(name).map(|text| Spanned::new(text.value, text.span))
    }

    /// A name that must be there and refers to something: empty, at the head, where it is missing or of the wrong type. The
    /// finding has been made then, and an empty name is silent from here on.
    pub fn reference(&self, name: &str) -> Spanned<String> {
        match self.fitting(name) {
            Some(text) => Spanned::new(text.value, text.span),
            None => Spanned::new(String::new(), self.head()),
        }
    }

    /// A text that is of the type that the table says.
    pub fn fitting(&self, name: &str) -> Option<Text> {
        let ty = self.block.args.iter().find(|arg| arg.name == name).map(|arg| arg.ty);
        let ty = ty.or(self.block.props.iter().find(|prop| prop.name == name).map(|prop| prop.ty))?;
        let value = self.value(name).filter(|value| wrong_scalar(value, ty).is_none())?;
        as_text(value).filter(|text| wrong_text(&text.value, ty).is_none())
    }

    /// The name of the block itself, as written even where it is not one; empty, at the head, where it is missing.
    pub fn definition(&self, name: &str) -> Spanned<String> {
        self.name(name).unwrap_or(Spanned::new(String::new(), self.head()))
    }

    /// A string with expressions; one without pieces, which is silent from here on, where it is missing.
    pub fn template(&self, name: &str, diags: &mut Diags) -> Template {
        match self.text(name) {
            Some(text) => expr::parse(&text, diags),
            None => Template { pieces: Vec::new(), span: self.head() },
        }
    }

    /// An expression as a whole, if it is there; one that cannot be read is silent from here on.
    pub fn expression(&self, name: &str, diags: &mut Diags) -> Option<Expression> {
        self.fitting(name).map(|text| expr::whole(&text, Dialect::Waybill, diags))
    }

    pub fn bool(&self, name: &str) -> bool {
        matches!(self.value(name).map(|value| &value.scalar), Some(Scalar::Bool(true)))
    }

    pub fn seconds(&self, name: &str) -> Option<Spanned<u64>> {
        let text = self.text(name)?;
        value::duration_seconds(&text.value).map(|seconds| Spanned::new(seconds, text.span))
    }

    pub fn percent(&self, name: &str) -> Option<Spanned<u32>> {
        let text = self.text(name)?;
        value::percent(&text.value).map(|percent| Spanned::new(percent, text.span))
    }

    /// All values by position.
    pub fn texts(&self) -> Vec<Text> {
        self.node.args.iter().filter_map(as_text).collect()
    }

    /// Properties with names of the writer's own choice.
    pub fn open(&self) -> Vec<(Text, Value)> {
        let known = |key: &str| self.block.props.iter().any(|prop| prop.name == key);
        self.node.props.iter().filter(|(key, _)| !known(&key.value)).cloned().collect()
    }

    /// Inner nodes with names of the writer's own choice.
    pub fn nested(&self) -> Vec<&'t Node> {
        let known = |name: &str| self.block.children.iter().any(|child| child.block.name == name);
        self.node.children.iter().filter(|node| !known(&node.name.value)).collect()
    }

    /// A whole number.
    pub fn int(&self, name: &str) -> Option<Spanned<i64>> {
        let value = self.value(name)?;
        match value.scalar {
            Scalar::Int(number) => i64::try_from(number).ok().map(|number| Spanned::new(number, value.span)),
            Scalar::Text(_) | Scalar::Float(_) | Scalar::Bool(_) | Scalar::Null | Scalar::Unread => None,
        }
    }

    /// All values by position that are whole numbers.
    pub fn ints(&self) -> Vec<Spanned<i64>> {
        let int = |value: &Value| match value.scalar {
            Scalar::Int(number) => i64::try_from(number).ok().map(|number| Spanned::new(number, value.span)),
            Scalar::Text(_) | Scalar::Float(_) | Scalar::Bool(_) | Scalar::Null | Scalar::Unread => None,
        };
        self.node.args.iter().filter_map(int).collect()
    }

    pub fn children(&self, name: &str) -> Vec<View<'t>> {
        let Some(child) = self.block.children.iter().find(|child| child.block.name == name) else {
            return Vec::new();
        };
        let nodes = self.node.children.iter().filter(|node| node.name.value == name);
        nodes.map(|node| View { block: child.block, node }).collect()
    }

    pub fn child(&self, name: &str) -> Option<View<'t>> {
        self.children(name).into_iter().next()
    }

    /// The place of the node's name: the smallest span that stands for all of it.
    pub fn head(&self) -> Span {
        self.node.name.span
    }
}

/// A scalar as text; nothing for null.
pub fn as_text(value: &Value) -> Option<Text> {
    match &value.scalar {
        Scalar::Text(text) => Some(text.clone()),
        Scalar::Int(number) => Some(Text::plain(number.to_string(), value.span)),
        Scalar::Float(number) => Some(Text::plain(number.to_string(), value.span)),
        Scalar::Bool(truth) => Some(Text::plain(truth.to_string(), value.span)),
        Scalar::Null | Scalar::Unread => None,
    }
}

/// Checks a node and all below it: names, counts and types. An unknown name that is nearly a known one is reported and
/// read as the known one, so that nothing else is said of the same slip.
pub fn check(node: &mut Node, block: &'static Block, syntax: Syntax, diags: &mut Diags) {
    if syntax == Syntax::Kdl {
        read_colons(node, block, diags);
    }
    check_args(node, block, syntax, diags);
    check_props(node, block, syntax, diags);
    check_children(node, block, syntax, diags);
}

/// `key: "value"`, as YAML has it: reported and read as `key="value"`.
fn read_colons(node: &mut Node, block: &'static Block, diags: &mut Diags) {
    let key_of = |value: &Value| -> Option<Text> {
        let text = value.text()?;
        let key = text.value.strip_suffix(':')?;
        let known = block.open.is_some() || block.props.iter().any(|prop| prop.name == key);
        let bare = (text.span.end - text.span.start) as usize == text.value.len();
        (known && bare).then(|| Text::plain(key, text.span.slice(0, key.len())))
    };
    while let Some((at, key)) = node.args.iter().enumerate().find_map(|(at, value)| Some((at, key_of(value)?))) {
        let span = Span::new(key.span.file, key.span.end as usize, key.span.end as usize + 1);
        let message = format!("`{}:` is written as in YAML", key.value);
        let finding = Diagnostic::new(&codes::KDL_COLON, span, message).here("a property has `=` after its name");
        node.args.remove(at);
        if at < node.args.len() {
            let value = node.args.remove(at);
            let blank = Span { end: value.span.start, ..span };
            diags.push(finding.fix("write `=`", Applicability::Safe, blank, "="));
            node.props.push((key, value));
        } else {
            diags.push(finding.help("write `=` and the value"));
            node.torn = true;
        }
    }
}

/// A value by position where the only thing that is missing goes by key: it is taken for that.
fn by_key(node: &mut Node, block: &'static Block, diags: &mut Diags) {
    let missing =
        |prop: &&super::table::Prop| prop.required && !node.props.iter().any(|(key, _)| key.value == prop.name);
    let mut missing = block.props.iter().filter(missing);
    let (Some(prop), None) = (missing.next(), missing.next()) else { return };
    let read = node.args.last().is_some_and(|value| !matches!(value.scalar, Scalar::Unread));
    if node.args.len() != block.args.len() + 1 || !read {
        return;
    }
    let Some(value) = node.args.pop() else { return };
    let before = Span { end: value.span.start, ..value.span };
    let message = format!("`{}` takes its `{}` by key", block.name, prop.name);
    diags.push(
        Diagnostic::new(&codes::EXTRA_VALUE, value.span, message)
            .here("a value by position")
            .help(format!("write `{}=…`", prop.name))
            .fix(format!("add `{}=`", prop.name), Applicability::Maybe, before, format!("{}=", prop.name)),
    );
    node.props.push((Text::plain(prop.name, value.span), value));
}

fn check_args(node: &mut Node, block: &'static Block, syntax: Syntax, diags: &mut Diags) {
    let many = block.args.last().is_some_and(|arg| arg.many);
    if !many && syntax == Syntax::Kdl {
        by_key(node, block, diags);
    }
    for (at, value) in node.args.iter().enumerate() {
        if let Some(arg) = block.args.get(at).or(if many { block.args.last() } else { None }) {
            check_type(value, arg.ty, arg.name, diags);
        }
    }
    // What could not be read has been said; it may have been a property.
    let extra = node.args.iter().skip(if many { node.args.len() } else { block.args.len() });
    let extra: Vec<Span> =
        extra.filter(|value| !matches!(value.scalar, Scalar::Unread)).map(|value| value.span).collect();
    if let (Some(first), Some(last)) = (extra.first(), extra.last()) {
        let message = format!("`{}` takes {}", block.name, count_values(block.args.len()));
        let here =
            if extra.len() == 1 { "one value too many".to_owned() } else { format!("{} values too many", extra.len()) };
        diags.push(Diagnostic::new(&codes::EXTRA_VALUE, Span { end: last.end, ..*first }, message).here(here));
    }
    let by_key = |name: &str| node.props.iter().any(|(key, _)| key.value == name);
    let missing = block.args.iter().skip(node.args.len()).filter(|arg| arg.required && !node.torn && !by_key(arg.name));
    for arg in missing {
        let message = match syntax {
            Syntax::Kdl => format!("`{}` needs its {}", block.name, arg.name),
            Syntax::Yaml => format!("`{}` needs the key `{}`", block.name, arg.name),
        };
        diags.push(
            Diagnostic::new(&codes::MISSING_VALUE, node.name.span, message)
                .here(format!("{} is missing", arg.name))
                .help(arg.doc),
        );
    }
}

fn count_values(count: usize) -> String {
    match count {
        0 => "no values by position, only `key=value`".into(),
        1 => "one value".into(),
        count => format!("{count} values"),
    }
}

fn check_props(node: &mut Node, block: &'static Block, syntax: Syntax, diags: &mut Diags) {
    for at in 0..node.props.len() {
        let key = node.props[at].0.clone();
        if block.open.is_none() && !block.props.iter().any(|prop| prop.name == key.value) {
            let finding = unknown_property(&key, block, syntax);
            let positional = syntax == Syntax::Kdl && block.args.iter().any(|arg| arg.name == key.value);
            diags.push(if positional { without_key(finding, &key, &node.props[at].1) } else { finding });
            let real = suggest::closest(&key.value, block.props.iter().map(|prop| prop.name));
            if let Some(real) = real.filter(|real| !node.props.iter().any(|(key, _)| key.value == *real)) {
                node.props[at].0.value = real.to_owned();
            }
        }
    }
    given_twice(node, diags);
    for (key, value) in &node.props {
        match (block.props.iter().find(|prop| prop.name == key.value), block.open) {
            (Some(prop), _) => check_type(value, prop.ty, prop.name, diags),
            (None, Some(open)) => check_type(value, open.ty, &key.value, diags),
            (None, None) => {}
        }
    }
    // A key that is not known is probably the one that is missing: one slip, one error.
    let unknown = |key: &Text| block.open.is_none() && !block.props.iter().any(|prop| prop.name == key.value);
    let slipped = node.props.iter().any(|(key, _)| unknown(key));
    for prop in block.props.iter().filter(|prop| prop.required && !slipped) {
        let as_block = node.children.iter().any(|child| child.name.value == prop.name);
        if !node.torn && !as_block && !node.props.iter().any(|(key, _)| key.value == prop.name) {
            let message = format!("`{}` needs `{}`", block.name, prop.name);
            let finding = Diagnostic::new(&codes::MISSING_VALUE, node.name.span, message);
            diags.push(finding.here(format!("`{}` is missing", prop.name)).help(prop.doc));
        }
    }
}

/// Reports each property that was given before.
fn given_twice(node: &Node, diags: &mut Diags) {
    if node.props.len() < 2 {
        return;
    }
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for (key, _) in &node.props {
        let first = *seen.entry(&key.value).or_insert(key.span);
        if first != key.span {
            let message = format!("`{}` is given twice", key.value);
            let finding = Diagnostic::new(&codes::DUPLICATE_PROPERTY, key.span, message).here("given again");
            diags.push(finding.label(first, "first given here"));
        }
    }
}

/// The fix of a value that stands behind a key although it goes by position.
fn without_key(mut finding: Diagnostic, key: &Text, value: &Value) -> Diagnostic {
    let span = Span { end: value.span.start, ..key.span };
    finding.fixes.clear();
    finding.help = None;
    finding.help("write the value without the key").fix("remove the key", Applicability::Maybe, span, "")
}

/// A key that the block does not have.
pub(super) fn unknown_property(key: &Text, block: &'static Block, syntax: Syntax) -> Diagnostic {
    let known = match syntax {
        Syntax::Kdl => block.props.iter().map(|prop| prop.name).collect(),
        Syntax::Yaml => super::yaml::keys(block),
    };
    let word = if syntax == Syntax::Yaml { "key" } else { "property" };
    let place = if block.name.is_empty() { "a spec".into() } else { format!("`{}`", block.name) };
    let message = format!("{place} has no {word} `{}`", key.value);
    let finding = Diagnostic::new(&codes::UNKNOWN_PROPERTY, key.span, message).here(format!("unknown {word}"));
    if syntax == Syntax::Kdl && block.children.iter().any(|child| child.block.name == key.value) {
        return finding.help(format!("`{}` is a block: write it inside the braces of `{}`", key.value, block.name));
    }
    with_closest(finding, key, &known, word)
}

fn with_closest(finding: Diagnostic, key: &Text, known: &[&str], word: &str) -> Diagnostic {
    match suggest::closest(&key.value, known.iter().copied()) {
        Some(real) => finding
            .help(format!("there is {} with a similar name: `{real}`", suggest::with_article(word)))
            .fix(format!("replace by `{real}`"), Applicability::Maybe, key.span, real),
        None if known.is_empty() => finding,
        None => finding.help(format!(
            "known here: {}",
            known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        )),
    }
}

fn check_children(node: &mut Node, block: &'static Block, syntax: Syntax, diags: &mut Diags) {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    for child in &mut node.children {
        if let Some(nested) = block.nested
            && !block.children.iter().any(|known| known.block.name == child.name.value)
        {
            check_nested(child, nested, &mut seen, diags);
            continue;
        }
        let find = |name: &str| block.children.iter().find(|known| known.block.name == name);
        let known = find(&child.name.value).or_else(|| {
            diags.push(unknown_block(&child.name, block));
            find(suggest::closest(&child.name.value, block.children.iter().map(|child| child.block.name))?)
        });
        let Some(known) = known else { continue };
        child.name.value = known.block.name.to_owned();
        let once = matches!(known.count, Count::Required | Count::Optional);
        if let Some(first) = seen.get(&child.name.value).filter(|_| once) {
            let place = if block.name.is_empty() { "at the top level".into() } else { format!("in `{}`", block.name) };
            let message = format!("`{}` stands twice {place}", child.name.value);
            diags.push(
                Diagnostic::new(&codes::DUPLICATE_BLOCK, child.name.span, message)
                    .here("again")
                    .label(*first, "first here"),
            );
        }
        first_place(&mut seen, &child.name);
        check(child, known.block, syntax, diags);
    }
    let known = |name: &Text| block.children.iter().any(|child| child.block.name == name.value);
    let slipped = block.nested.is_none() && node.children.iter().any(|child| !known(&child.name));
    let needed = |child: &&super::table::Child| matches!(child.count, Count::Required | Count::Several);
    for required in block.children.iter().filter(|child| needed(child) && !slipped) {
        let name = required.block.name;
        let as_property = node.props.iter().any(|(key, _)| key.value == name);
        if !as_property && !seen.contains_key(name) {
            let message = format!("`{}` needs a `{name}`", block.name);
            let finding = Diagnostic::new(&codes::MISSING_VALUE, node.name.span, message);
            diags.push(finding.here(format!("`{name}` is missing")).help(required.block.doc));
        }
    }
}

/// Remembers where a name stands for the first time.
fn first_place(seen: &mut BTreeMap<String, Span>, name: &Text) {
    if !seen.contains_key(&name.value) {
        seen.insert(name.value.clone(), name.span);
    }
}

/// An inner node with a name of the writer's own choice: values by position or by key, not both.
fn check_nested(node: &Node, nested: Open, seen: &mut BTreeMap<String, Span>, diags: &mut Diags) {
    let name = &node.name;
    if let Some(first) = seen.get(&name.value) {
        let finding =
            Diagnostic::new(&codes::DUPLICATE_PROPERTY, name.span, format!("`{}` is given twice", name.value));
        diags.push(finding.here("given again").label(*first, "first given here"));
    }
    first_place(seen, name);
    node.args.iter().for_each(|value| check_type(value, nested.ty, &name.value, diags));
    given_twice(node, diags);
    for (key, value) in &node.props {
        check_type(value, nested.ty, &key.value, diags);
    }
    if let (Some(value), Some((key, _))) = (node.args.first(), node.props.first()) {
        let message = format!("`{}` is a list and a mapping", name.value);
        let finding = Diagnostic::new(&codes::EXTRA_VALUE, key.span, message).here("a value by key");
        diags.push(finding.label(value.span, "a value by position"));
    }
    for child in &node.children {
        let message = format!("there is no block `{}` in `{}`", child.name.value, name.value);
        diags.push(
            Diagnostic::new(&codes::UNKNOWN_BLOCK, child.name.span, message).here("values are not nested deeper"),
        );
    }
}

fn unknown_block(name: &Text, block: &'static Block) -> Diagnostic {
    let known: Vec<&str> = block.children.iter().map(|child| child.block.name).collect();
    let place = if block.name.is_empty() { "at the top level".to_owned() } else { format!("in `{}`", block.name) };
    let finding =
        Diagnostic::new(&codes::UNKNOWN_BLOCK, name.span, format!("there is no block `{}` {place}", name.value))
            .here("unknown block");
    if let (None, Some(prop)) = (
        suggest::closest(&name.value, known.iter().copied()),
        suggest::closest(&name.value, block.props.iter().map(|prop| prop.name)),
    ) {
        return finding.help(format!("`{prop}` is a property: write `{} … {prop}=…`", block.name));
    }
    with_closest(finding, name, &known, "block")
}

fn check_type(value: &Value, ty: Type, what: &str, diags: &mut Diags) {
    if matches!(value.scalar, Scalar::Unread) {
        return;
    }
    let wrong = |found: String| {
        let message = format!("`{what}` must be {}, not {found}", ty.describe());
        Diagnostic::new(&codes::WRONG_TYPE, value.span, message).here(format!("expected {}", ty.describe()))
    };
    if let Some(found) = wrong_scalar(value, ty) {
        let mut finding = wrong(found);
        if let (Some(text), Scalar::Int(_) | Scalar::Float(_) | Scalar::Bool(_)) = (as_text(value), &value.scalar)
            && matches!(ty, Type::Text | Type::Template | Type::Name | Type::Reference | Type::Word)
            && wrong_text(&text.value, ty).is_none()
        {
            finding =
                finding.fix("write it as a string", Applicability::Safe, value.span, format!("\"{}\"", text.value));
        }
        diags.push(finding);
        return;
    }
    let Some(text) = as_text(value) else { return };
    if let Some(found) = wrong_text(&text.value, ty) {
        let mut finding = wrong(found);
        if let Type::Enum(names) = ty {
            finding = with_closest(finding, &text, names, "value");
            finding.fixes.retain(|_| value.span.end - value.span.start == text.value.len() as u32);
        }
        diags.push(finding);
    }
}

/// What was found instead, where the kind of scalar is wrong already.
fn wrong_scalar(value: &Value, ty: Type) -> Option<String> {
    let text = matches!(value.scalar, Scalar::Text(_));
    let number = matches!(value.scalar, Scalar::Int(_));
    let ok = match ty {
        Type::Bool => matches!(value.scalar, Scalar::Bool(_)),
        Type::Int => number,
        Type::Percent | Type::Quantity => text || number,
        Type::Any => !matches!(value.scalar, Scalar::Null),
        Type::Name | Type::Reference | Type::Word | Type::Text | Type::Template | Type::Script => text,
        Type::Duration | Type::Expression => text,
        Type::Path | Type::Url | Type::Image | Type::Enum(_) => text,
    };
    (!ok).then(|| value.describe().to_owned())
}

fn wrong_text(text: &str, ty: Type) -> Option<String> {
    let ok = match ty {
        Type::Name => value::is_name(text),
        Type::Reference => text.split('.').all(value::is_name),
        Type::Word => value::is_word(text),
        Type::Duration => value::duration_seconds(text).is_some(),
        Type::Quantity => value::is_quantity(text),
        Type::Percent => value::percent(text).is_some(),
        Type::Path => value::is_path(text),
        Type::Url => !text.trim().is_empty() && !text.contains(char::is_whitespace),
        Type::Image => value::is_image(text),
        Type::Enum(names) => names.contains(&text),
        Type::Text | Type::Template | Type::Expression | Type::Script | Type::Bool | Type::Int | Type::Any => true,
    };
    (!ok).then(|| format!("`{text}`"))
}
