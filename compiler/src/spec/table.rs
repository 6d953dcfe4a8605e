//! The form of the tables that describe the language: one `Block` for each kind of node, as data. Checks of names and
//! types, the JSON Schema, the language reference and the YAML form all read them.
//!
//! Not here: the tables themselves, which stand beside the struct that they describe.

/// One kind of node.
#[derive(Debug)]
pub struct Block {
    /// Name in KDL, and in YAML where it stands once.
    pub name: &'static str,
    /// Key of the list in YAML where it may repeat.
    pub plural: &'static str,
    pub doc: &'static str,
    pub args: &'static [Arg],
    pub props: &'static [Prop],
    /// Properties with names of the writer's own choice: what they mean.
    pub open: Option<Open>,
    /// Inner nodes with names of the writer's own choice, each with values by position (a list) or by key (a mapping).
    pub nested: Option<Open>,
    pub children: &'static [Child],
}

/// An empty table to fill in.
pub const BLOCK: Block =
    Block { name: "", plural: "", doc: "", args: &[], props: &[], open: None, nested: None, children: &[] };

/// A value by position. In YAML it is the key `name`.
#[derive(Debug)]
pub struct Arg {
    pub name: &'static str,
    pub ty: Type,
    pub doc: &'static str,
    pub required: bool,
    /// Any number of values from here on.
    pub many: bool,
}

/// A `key=value`.
#[derive(Debug)]
pub struct Prop {
    pub name: &'static str,
    pub ty: Type,
    pub doc: &'static str,
    pub required: bool,
    /// What holds where it is absent, as it would be written.
    pub default: Option<&'static str>,
}

/// Free keys: what a key is, and the type of the values.
#[derive(Clone, Copy, Debug)]
pub struct Open {
    pub key: &'static str,
    pub ty: Type,
}

#[derive(Debug)]
pub struct Child {
    pub block: &'static Block,
    pub count: Count,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count {
    Required,
    Optional,
    Many,
    /// At least one; in YAML the only one under the block's name, several as a list under its plural.
    Several,
    /// May repeat, and all of them together count as one (`env`): a mapping in YAML.
    Merged,
}

/// What a value must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    /// Lower-case letters, digits, `-`; begins with a letter.
    Name,
    /// A name, or a name in a module: `catalog.go-test`.
    Reference,
    /// Letters, digits, `-` and `_`; begins with a letter or `_`.
    Word,
    Text,
    /// Text with `${…}`.
    Template,
    /// An expression as a whole: `body.ref == "refs/heads/main"`.
    Expression,
    /// Shell text: `$` belongs to the shell.
    Script,
    Bool,
    /// `1h30m`, `90s`.
    Duration,
    /// A Kubernetes quantity: `500m`, `2Gi`.
    Quantity,
    /// A whole number.
    Int,
    /// A whole number from 0 to 100, with or without `%`.
    Percent,
    /// A path below the project's root.
    Path,
    Url,
    /// An image reference; may hold `${…}`.
    Image,
    Enum(&'static [&'static str]),
    /// Any scalar; what it must be depends on something else.
    Any,
}

impl Type {
    /// As messages and the reference call it.
    pub fn describe(self) -> String {
        match self {
            Type::Name => "a name (lower-case letters, digits and `-`)".into(),
            Type::Reference => "a name, or a name of a module such as `catalog.go-test`".into(),
            Type::Word => "a name (letters, digits, `-` and `_`)".into(),
            Type::Text => "a string".into(),
            Type::Template => "a string, with `${…}` for values".into(),
            Type::Expression => "an expression".into(),
            Type::Script => "a shell text".into(),
            Type::Bool => "`#true` or `#false`".into(),
            Type::Duration => "a duration such as `90s` or `1h30m`".into(),
            Type::Quantity => "a quantity such as `500m` or `2Gi`".into(),
            Type::Int => "a whole number".into(),
            Type::Percent => "a whole number from 0 to 100".into(),
            Type::Path => "a path below the project's folder".into(),
            Type::Url => "a URL or a path of a repository".into(),
            Type::Image => "an image reference".into(),
            Type::Enum(names) => {
                format!("one of {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
            }
            Type::Any => "a value".into(),
        }
    }
}

/// A required positional value.
pub const fn arg(name: &'static str, ty: Type, doc: &'static str) -> Arg {
    Arg { name, ty, doc, required: true, many: false }
}

/// An optional `key=value`.
pub const fn prop(name: &'static str, ty: Type, doc: &'static str) -> Prop {
    Prop { name, ty, doc, required: false, default: None }
}

/// A `key=value` that must be there.
pub const fn required(name: &'static str, ty: Type, doc: &'static str) -> Prop {
    Prop { name, ty, doc, required: true, default: None }
}

/// An optional `key=value` with what holds without it.
pub const fn default(name: &'static str, ty: Type, value: &'static str, doc: &'static str) -> Prop {
    Prop { name, ty, doc, required: false, default: Some(value) }
}

pub const fn one(block: &'static Block) -> Child {
    Child { block, count: Count::Required }
}

pub const fn optional(block: &'static Block) -> Child {
    Child { block, count: Count::Optional }
}

pub const fn many(block: &'static Block) -> Child {
    Child { block, count: Count::Many }
}

pub const fn several(block: &'static Block) -> Child {
    Child { block, count: Count::Several }
}

pub const fn merged(block: &'static Block) -> Child {
    Child { block, count: Count::Merged }
}
