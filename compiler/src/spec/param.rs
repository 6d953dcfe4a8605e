//! `param` and `result`: values with a type and rules, their defaults, and what a pipeline gives to a task.
//!
//! A list is written as values by position, a mapping as values by key; one value stands in a property.

use super::table::{Arg, BLOCK, Block, Child, Open, Prop, Type, arg, default, many, optional, prop};
use super::view::{View, as_text};
use crate::diag::Diags;
use crate::expr::{self, Template};
use crate::source::{Span, Spanned};
use crate::syntax::{Node, Text, Value};

/// Types of parameters and results.
pub const TYPES: &[&str] = &[
    "string",
    "int",
    "number",
    "bool",
    "commit",
    "git-ref",
    "image",
    "image-tag",
    "digest",
    "duration",
    "quantity",
    "url",
    "path",
    "enum",
    "list",
    "map",
    "object",
];

/// Types of the items of a list, the values of a map and the fields of an object.
pub const ITEM_TYPES: &[&str] = &[
    "string",
    "int",
    "number",
    "bool",
    "commit",
    "git-ref",
    "image",
    "image-tag",
    "digest",
    "duration",
    "quantity",
    "url",
    "path",
];

const TYPE: Prop = default("type", Type::Enum(TYPES), "string", "type of the value");
const OF: Prop = prop("of", Type::Enum(ITEM_TYPES), "type of a list's items or a map's values; `string` unless given");
const ONE_VALUE: Prop = prop("default", Type::Any, "the value where none is given");
const PATTERN: Prop = prop(
    "pattern",
    Type::Text,
    "regular expression that the value, or each item, must match somewhere; `^…$` for all of it",
);
const MIN: Prop = prop("min", Type::Int, "smallest number, or fewest items of a list");
const MAX: Prop = prop("max", Type::Int, "largest number, or most items of a list");
const CHILDREN: &[Child] = &[optional(&ONE_OF), many(&FIELD), optional(&DEFAULT)];

pub static PARAM: Block = Block {
    name: "param",
    plural: "params",
    doc: "A value from outside; without a default it must be given.",
    args: &[arg("name", Type::Word, "the parameter's name")],
    props: &[TYPE, OF, ONE_VALUE, PATTERN, MIN, MAX, prop("description", Type::Text, "what it is for")],
    children: CHILDREN,
    ..BLOCK
};

pub static PIPELINE_PARAM: Block = Block {
    props: &[
        TYPE,
        OF,
        ONE_VALUE,
        PATTERN,
        MIN,
        MAX,
        default(
            "propagate",
            Type::Bool,
            "#false",
            "whether every task of the pipeline that has a parameter of this name and is given none gets it",
        ),
        prop("description", Type::Text, "what it is for"),
    ],
    doc: "A value of the run, from `--param` or a trigger; without a default it must be given. A list, map or object is given as JSON.",
    ..PARAM
};

pub static RESULT: Block = Block {
    name: "result",
    plural: "results",
    doc: "A value that a step writes to the file `${result.NAME.path}`; a list, map or object as JSON.",
    args: &[arg("name", Type::Word, "the result's name")],
    props: &[
        TYPE,
        OF,
        prop("default", Type::Any, "the value where the task was left out by `when`"),
        prop("description", Type::Text, "what it is"),
    ],
    children: CHILDREN,
    ..BLOCK
};

pub static ONE_OF: Block = Block {
    name: "one-of",
    plural: "one-of",
    doc: "The values of an `enum`.",
    args: &[Arg { name: "values", ty: Type::Any, doc: "a value", required: true, many: true }],
    ..BLOCK
};

pub static FIELD: Block = Block {
    name: "field",
    plural: "fields",
    doc: "A field of an `object`.",
    args: &[arg("name", Type::Word, "the field's name")],
    props: &[
        default("type", Type::Enum(ITEM_TYPES), "string", "type of the field"),
        default("optional", Type::Bool, "#false", "whether it may be absent"),
    ],
    ..BLOCK
};

pub static DEFAULT: Block = Block {
    name: "default",
    plural: "default",
    doc: "The list (values by position), map or object (values by key) where none is given.",
    args: &[Arg { name: "items", ty: Type::Any, doc: "an item", required: false, many: true }],
    open: Some(Open { key: "a key of the map or object", ty: Type::Any }),
    ..BLOCK
};

pub static PARAM_VALUE: Block = Block {
    name: "param",
    plural: "param",
    doc: "Values of the task's parameters; a list or mapping is an inner block.",
    open: Some(Open { key: "a parameter of the task", ty: Type::Any }),
    nested: Some(Open { key: "a parameter of the task", ty: Type::Any }),
    ..BLOCK
};

/// A type and its rules, as written.
#[derive(Clone, Debug)]
pub struct Typing {
    /// `string` where nothing is written, at the name then.
    pub ty: Spanned<String>,
    pub of: Option<Spanned<String>>,
    pub one_of: Vec<Text>,
    pub fields: Vec<Field>,
    pub pattern: Option<Text>,
    pub min: Option<Spanned<i64>>,
    pub max: Option<Spanned<i64>>,
}

#[derive(Clone, Debug)]
pub struct Field {
    pub name: Spanned<String>,
    pub ty: String,
    pub optional: bool,
}

#[derive(Clone, Debug)]
pub struct Param {
    pub name: Spanned<String>,
    pub typing: Typing,
    pub default: Option<Literal>,
    pub propagate: bool,
}

#[derive(Clone, Debug)]
pub struct ResultDecl {
    pub name: Spanned<String>,
    pub typing: Typing,
    pub default: Option<Literal>,
}

/// A value without expressions.
#[derive(Clone, Debug)]
pub enum Literal {
    One(Text),
    List { items: Vec<Text>, span: Span },
    Map { entries: Vec<(Spanned<String>, Text)>, span: Span },
}

/// A value with expressions.
#[derive(Clone, Debug)]
pub enum Given {
    One(Template),
    List { items: Vec<Template>, span: Span },
    Map { entries: Vec<(Spanned<String>, Template)>, span: Span },
}

impl Literal {
    pub fn span(&self) -> Span {
        match self {
            Literal::One(text) => text.span,
            Literal::List { span, .. } | Literal::Map { span, .. } => *span,
        }
    }
}

impl Given {
    pub fn span(&self) -> Span {
        match self {
            Given::One(template) => template.span,
            Given::List { span, .. } | Given::Map { span, .. } => *span,
        }
    }

    /// All strings in it.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Given::One(template) => vec![template],
            Given::List { items, .. } => items.iter().collect(),
            Given::Map { entries, .. } => entries.iter().map(|(_, template)| template).collect(),
        }
    }
}

/// The `param` declarations of a task or pipeline.
pub fn params(view: &View) -> Vec<Param> {
    let param = |view: &View| {
        let name = view.name("name")?;
        let typing = typing(view, &name);
        Some(Param { typing, default: literal(view), propagate: view.bool("propagate"), name })
    };
    view.children("param").iter().filter_map(param).collect()
}

/// The `result` declarations of a task.
pub fn results(view: &View) -> Vec<ResultDecl> {
    let result = |view: &View| {
        let name = view.name("name")?;
        Some(ResultDecl { typing: typing(view, &name), default: literal(view), name })
    };
    view.children("result").iter().filter_map(result).collect()
}

fn typing(view: &View, name: &Spanned<String>) -> Typing {
    let field = |view: &View| {
        let ty = view.text("type").map_or("string".to_owned(), |text| text.value);
        Some(Field { name: view.name("name")?, ty, optional: view.bool("optional") })
    };
    Typing {
        ty: view.name("type").unwrap_or(Spanned::new("string".into(), name.span)),
        of: view.name("of"),
        one_of: view.child("one-of").map(|one_of| one_of.texts()).unwrap_or_default(),
        fields: view.children("field").iter().filter_map(field).collect(),
        pattern: view.text("pattern"),
        min: view.int("min"),
        max: view.int("max"),
    }
}

/// `default`, as a property or a block; in YAML one value is a block too.
fn literal(view: &View) -> Option<Literal> {
    if let Some(text) = view.text("default") {
        return Some(Literal::One(text));
    }
    let block = view.child("default")?;
    let list = view.text("type").is_some_and(|ty| ty.value == "list");
    let map = view.text("type").is_some_and(|ty| ty.value == "map" || ty.value == "object");
    let span = block.node.span;
    let entries = |(key, value): (Text, Value)| Some((Spanned::new(key.value, key.span), as_text(&value)?));
    match block.texts().as_slice() {
        [only] if !list => Some(Literal::One(only.clone())),
        [] if map || !block.node.props.is_empty() => {
            let entries = block.open().into_iter().filter_map(entries).collect();
            Some(Literal::Map { entries, span })
        }
        items => Some(Literal::List { items: items.to_vec(), span }),
    }
}

/// What a pipeline gives to the parameters of a task.
pub fn given(view: &View, diags: &mut Diags) -> Vec<(Spanned<String>, Given)> {
    let mut all = Vec::new();
    for block in view.children("param") {
        for (key, value) in block.open() {
            if let Some(text) = as_text(&value) {
                all.push((Spanned::new(key.value, key.span), Given::One(expr::parse(&text, diags))));
            }
        }
        all.extend(nested_values(&block, diags));
    }
    all
}

/// Inner blocks with names of the writer's own choice.
pub fn nested_values(view: &View, diags: &mut Diags) -> Vec<(Spanned<String>, Given)> {
    let named = |node: &&Node| Spanned::new(node.name.value.clone(), node.name.span);
    view.nested().iter().map(|node| (named(node), nested(node, diags))).collect()
}

/// The list or mapping of an inner block.
fn nested(node: &Node, diags: &mut Diags) -> Given {
    if !node.props.is_empty() {
        let entry = |(key, value): &(Text, Value)| Some((Spanned::new(key.value.clone(), key.span), as_text(value)?));
        let entries: Vec<(Spanned<String>, Text)> = node.props.iter().filter_map(entry).collect();
        let entries = entries.into_iter().map(|(key, text)| (key, expr::parse(&text, diags))).collect();
        return Given::Map { entries, span: node.span };
    }
    let items: Vec<Text> = node.args.iter().filter_map(as_text).collect();
    Given::List { items: items.iter().map(|text| expr::parse(text, diags)).collect(), span: node.span }
}
