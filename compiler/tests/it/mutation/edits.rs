//! Mistakes in a KDL spec: what may be wrong is read from the tables of the language.

use std::ops::Range;

use waybill_compiler::diag::Diags;
use waybill_compiler::source::{Sources, Span};
use waybill_compiler::spec::ROOT;
use waybill_compiler::spec::table::{Block, Count, Type};
use waybill_compiler::syntax::{Node, Scalar, Value, kdl};

use super::Edit;

/// Every mistake of a spec that is right.
pub fn all(text: &str) -> Vec<Edit> {
    let mut sources = Sources::default();
    let file = sources.add("waybill.kdl", text);
    let nodes = kdl::parse(file, text, &mut Diags::default());
    let mut walk = Walk { text, nodes: &nodes, edits: Vec::new() };
    for node in &nodes {
        walk.node(node, &ROOT, None);
    }
    walk.edits
}

/// Properties whose values name nothing in the spec, although another block may have the same name.
const NO_REFERENCES: &[&str] =
    &["namespace", "at", "kind", "name", "description", "path", "image", "manifests", "type", "label", "size", "file"];

struct Walk<'a> {
    text: &'a str,
    nodes: &'a [Node],
    edits: Vec<Edit>,
}

fn range(span: Span) -> Range<usize> {
    span.start as usize..span.end as usize
}

impl Walk<'_> {
    fn add(&mut self, kind: &'static str, range: Range<usize>, text: impl Into<String>) {
        self.add_seen(kind, range, text, Vec::new());
    }

    fn add_seen(
        &mut self,
        kind: &'static str,
        range: Range<usize>,
        text: impl Into<String>,
        places: Vec<Range<usize>>,
    ) {
        self.edits.push(Edit { kind, range, text: text.into(), places });
    }

    fn node(&mut self, node: &Node, parent: &'static Block, above: Option<&Node>) {
        let child = parent.children.iter().find(|child| child.block.name == node.name.value);
        let Some(child) = child else { return };
        self.name(node);
        self.structure(node, child.count, child.block, above);
        self.syntax(node);
        for (at, value) in node.args.iter().enumerate() {
            if let Some(arg) = child.block.args.get(at.min(child.block.args.len().saturating_sub(1))) {
                self.value(value, arg.ty);
            }
        }
        for (key, value) in &node.props {
            // Any name is right for what is open, unless it names what another block defines.
            let free = child.block.open.is_some() && !["param", "workspace"].contains(&node.name.value.as_str());
            self.property(node, key.span, &key.value, free);
            if let Some(prop) = child.block.props.iter().find(|prop| prop.name == key.value) {
                self.value(value, prop.ty);
            }
        }
        for below in &node.children {
            self.node(below, child.block, Some(node));
        }
    }

    fn name(&mut self, node: &Node) {
        let (at, name) = (range(node.name.span), node.name.value.as_str());
        self.add("unknown block", at.clone(), "zzz");
        self.add("block in the plural", at.clone(), format!("{name}ss"));
        self.add("block in capitals", at.clone(), name.to_uppercase());
        if let Some(swapped) = swapped(name) {
            self.add("block misspelt", at.clone(), swapped);
        }
        self.add("block with a doubled letter", at.start..at.start, &name[..1]);
    }

    fn property(&mut self, node: &Node, key: Span, name: &str, free: bool) {
        let at = range(key);
        if !free {
            self.add("unknown property", at.clone(), "zzz");
            if let Some(swapped) = swapped(name) {
                self.add("property misspelt", at.clone(), swapped);
            }
        }
        let Some((_, value)) = node.props.iter().find(|(key, _)| key.value == name) else { return };
        let value = range(value.span);
        let both = format!(" {}", &self.text[at.start..value.end]);
        let whole = at.start..value.end;
        self.add_seen("property twice", value.end..value.end, both, vec![whole]);
        if self.text.get(at.end..at.end + 1) == Some("=") {
            self.add_seen("no `=`", at.end..at.end + 1, "", vec![at.clone(), value.clone()]);
            self.add("`==` for `=`", at.end..at.end + 1, "==");
            self.add("`:` for `=`", at.end..at.end + 1, ": ");
            self.add_seen("property without its value", at.end + 1..value.end, "", vec![at]);
        }
    }

    fn structure(&mut self, node: &Node, count: Count, block: &'static Block, above: Option<&Node>) {
        let (head, whole) = (self.head(node), range(node.span));
        let copy = format!("{}\n", &self.text[whole.clone()]);
        let named =
            node.args.first().and_then(|value| value.text()).filter(|_| {
                block.args.first().is_some_and(|arg| matches!(arg.ty, Type::Name | Type::Word) && !arg.many)
            });
        let once = matches!(count, Count::Required | Count::Optional);
        if once || (named.is_some() && above.is_none()) {
            self.add_seen("block twice", whole.start..whole.start, copy, vec![head.clone()]);
        }
        if let (Some(arg), Some(value)) = (block.args.first(), node.args.first()) {
            if arg.required && !arg.many {
                self.add_seen("no required value", range(value.span), "", vec![head.clone()]);
            }
            if block.args.len() == 1 && !arg.many {
                let end = range(value.span).end;
                self.add("a value too many", end..end, " \"surplus\"");
            }
        }
        for prop in block.props.iter().filter(|prop| prop.required) {
            if let Some((key, value)) = node.props.iter().find(|(key, _)| key.value == prop.name) {
                self.add_seen(
                    "no required property",
                    range(key.span).start..range(value.span).end,
                    "",
                    vec![head.clone()],
                );
            }
        }
        if let Some(name) = named {
            let uses = self.uses(node, &name.value, name.span, above.is_some());
            // The cluster `default` is there without being written.
            if !uses.is_empty()
                && name.value != "default"
                && above.is_none_or(|above| above.name.value != "environment")
            {
                self.add_seen("definition gone", whole.clone(), "", uses.clone());
                let mut seen = uses;
                seen.push(range(name.span));
                self.add_seen("definition renamed", range(name.span), "\"quite-different\"", seen);
            }
        }
        if above.is_some() && !ROOT.children.iter().any(|child| child.block.name == block.name) {
            self.add("block at the top", 0..0, format!("{}\n", self.text[head.clone()].trim_end_matches(['{', ' '])));
        }
        self.add("unknown block inside", whole.end..whole.end, "\nsurplus #true\n");
    }

    fn syntax(&mut self, node: &Node) {
        let whole = range(node.span);
        if node.children.is_empty() || !self.text[whole.clone()].ends_with('}') {
            return;
        }
        let head = self.head(node);
        let open =
            self.text[head.end.saturating_sub(1)..whole.end].find('{').map(|found| head.end.saturating_sub(1) + found);
        let Some(open) = open else { return };
        self.add_seen("brace not closed", whole.end - 1..whole.end, "", vec![open..open + 1, head.clone()]);
        self.add_seen("brace not opened", open..open + 1, "", vec![head.clone(), whole.end - 1..whole.end]);
        // Of two braces in the same column, each may be the one too many.
        let behind = &self.text[whole.end..];
        let twin = whole.end + behind.len() - behind.trim_start().len();
        let twin = twin..twin + 1;
        self.add_seen("brace too many", whole.end..whole.end, "\n}", vec![twin]);
        self.add("comment not closed", head.start..head.start, "/* ");
    }

    fn value(&mut self, value: &Value, ty: Type) {
        let at = range(value.span);
        match &value.scalar {
            Scalar::Text(text) => {
                let quoted = self.text[at.clone()].starts_with('"') && !self.text[at.clone()].starts_with("\"\"\"");
                if quoted {
                    self.add_seen("quote not closed", at.end - 1..at.end, "", vec![at.clone()]);
                    self.add_seen("quote not opened", at.start..at.start + 1, "", vec![at.clone()]);
                }
                if ty != Type::Script {
                    self.expression(&at);
                }
                self.reference(&text.value, &at);
            }
            Scalar::Bool(truth) => {
                self.add("truth value of version 1", at.clone(), truth.to_string());
                self.add("truth value as a string", at.clone(), "\"yes\"");
                self.add("truth value as a number", at.clone(), "1");
            }
            Scalar::Int(_) | Scalar::Float(_) => {
                self.add("number as a string", at.clone(), "\"many\"");
            }
            Scalar::Null | Scalar::Unread => {}
        }
        for (kind, text) in wrong_values(ty) {
            self.add(kind, at.clone(), *text);
        }
    }

    /// Mistakes in the first expression of a string.
    fn expression(&mut self, at: &Range<usize>) {
        let text = &self.text[at.clone()];
        let Some(open) = text.find("${") else { return };
        let Some(close) = text[open..].find('}').map(|found| open + found) else { return };
        let (from, to) = (at.start + open, at.start + close);
        self.add_seen("expression not closed", to..to + 1, "", vec![at.clone()]);
        self.add("expression empty", from + 2..to, "");
        self.add("unknown function", from + 2..to, format!("nofunction({})", &self.text[from + 2..to]));
        self.add("operator without operand", to..to, " +");
        self.add("unknown name in an expression", from + 2..to, "nothing.here");
        if let Some(dot) = self.text[from + 2..to].rfind('.') {
            let last = from + 2 + dot + 1;
            if self.text[last..to].chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
                self.add("field misspelt in an expression", to..to, "x");
            }
        }
    }

    /// A reference to a definition, misspelt.
    fn reference(&mut self, value: &str, at: &Range<usize>) {
        let uses = self.nodes.iter().chain(self.nodes.iter().flat_map(|node| &node.children));
        let defined = uses.filter(|node| {
            node.args
                .first()
                .and_then(|value| value.text())
                .is_some_and(|text| text.value == value && range(text.span) != *at)
        });
        if defined.count() > 0 && at.len() > 4 && self.refers(at.start) {
            self.add("reference misspelt", at.end - 1..at.end - 1, "x");
            self.add("reference to nothing", at.clone(), "\"quite-different\"");
        }
    }

    /// Where a name is used, as a whole value or in an expression.
    fn uses(&self, node: &Node, name: &str, but: Span, nested: bool) -> Vec<Range<usize>> {
        let kind = node.name.value.as_str();
        // What is inside a block is known inside it alone.
        let scope = match kind {
            "param" | "workspace" | "task" if nested => {
                self.nodes.iter().map(|top| range(top.span)).find(|top| top.contains(&range(but).start))
            }
            _ => None,
        };
        let mut found = Vec::new();
        for (at, _) in self.text.match_indices(name) {
            let place = at..at + name.len();
            let before = self.text[..at].chars().next_back();
            let after = self.text[place.end..].chars().next();
            let whole = |c: Option<char>| c.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
            let own = range(but).contains(&at) || scope.as_ref().is_some_and(|scope| !scope.contains(&at));
            let as_value = before == Some('"') && after == Some('"') && self.refers(at - 1);
            let job = !self.text[..at].ends_with("after=\"") && !self.text[..at].ends_with("after \"");
            let as_value = as_value
                && match (kind, nested) {
                    ("task", true) => !job,
                    ("task", false) => self.text[..at].ends_with("use=\""),
                    _ => job,
                };
            let in_chain = self.text[..at].ends_with(&format!("{kind}.")) && (kind != "task" || nested);
            if whole(before) && whole(after) && !own && (as_value || in_chain) {
                found.push(place);
            }
        }
        found
    }

    /// Whether the value that begins at `at` is that of a property that names something, or of `after`.
    fn refers(&self, at: usize) -> bool {
        let Some(before) = self.text[..at].strip_suffix('=') else {
            return self.text[..at].ends_with("after ") || self.text[..at].ends_with("checkout ");
        };
        let key = before.rsplit([' ', '\n', ';', '{']).next().unwrap_or("");
        !NO_REFERENCES.contains(&key)
    }

    /// A node without its children.
    fn head(&self, node: &Node) -> Range<usize> {
        let whole = range(node.span);
        let values = node.args.iter().chain(node.props.iter().map(|(_, value)| value));
        let end = values.map(|value| range(value.span).end).max().unwrap_or(range(node.name.span).end);
        let end = self.text[end..whole.end]
            .find('{')
            .map_or(end, |found| if node.children.is_empty() { end } else { end + found + 1 });
        whole.start..end
    }
}

/// Values that a type does not take.
fn wrong_values(ty: Type) -> &'static [(&'static str, &'static str)] {
    match ty {
        Type::Name => &[("name with blanks", "\"Not A Name\""), ("name as a number", "42")],
        Type::Word => &[("name with blanks", "\"not a name\"")],
        Type::Duration => &[("duration in words", "\"10 minutes\""), ("duration without unit", "10")],
        Type::Quantity => &[("quantity of an unknown unit", "\"1GiB\"")],
        Type::Percent => &[("percent over 100", "150"), ("percent in words", "\"half\"")],
        Type::Bool => &[("truth value as a word", "\"on\"")],
        Type::Path => &[("absolute path", "\"/etc/passwd\""), ("path that leads out", "\"../../outside\"")],
        Type::Enum(_) => &[("unknown choice", "\"quite-different\"")],
        Type::Text | Type::Template | Type::Script => &[("string as a truth value", "#true")],
        _ => &[],
    }
}

/// A word with its second and third letter swapped; `None` where that gives the same word.
fn swapped(word: &str) -> Option<String> {
    let mut letters: Vec<char> = word.chars().collect();
    if letters.len() < 4 || letters[1] == letters[2] {
        return None;
    }
    letters.swap(1, 2);
    Some(letters.into_iter().collect())
}
