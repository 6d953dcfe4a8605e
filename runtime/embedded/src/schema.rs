//! The shape of the built-in kinds: which fields there are, how lists merge, and how an empty field is written.
//!
//! **Invariant:** the table is data generated from the published API schema (`schema/generate`), never edited by hand.
//! Not here: what the fields mean (defaults and validation have their own modules).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock};

use serde_json::{Value, json};

/// A type of the table. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub enum Type {
    Scalar(Scalar),
    Struct {
        shape: Arc<Struct>,
        atomic: bool,
    },
    Map {
        element: Arc<Type>,
        atomic: bool,
    },
    List {
        element: Arc<Type>,
        relation: Relation,
    },
    /// Free-form JSON: maps merge key by key, lists are replaced whole.
    Any,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    String,
    Int32,
    Int64,
    Float,
    Bool,
    Bytes,
    Time,
    MicroTime,
    Quantity,
    IntOrString,
}

/// How the items of a list are told apart when two lists are merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    Atomic,
    Set,
    Keys(Vec<String>),
}

#[derive(Debug, PartialEq)]
pub struct Struct {
    /// As in the table, such as `apps.v1.DeploymentSpec`.
    pub name: String,
    pub fields: BTreeMap<String, Field>,
    /// Whether fields that are not in `fields` are kept as they are (custom resources).
    pub open: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    pub ty: Type,
    pub empty: Empty,
    /// `x-kubernetes-patch-strategy`, such as `merge` or `merge,retainKeys`.
    pub strategy: String,
    /// `x-kubernetes-patch-merge-key`.
    pub merge_key: Option<String>,
    pub default: Option<Value>,
}

/// What the encoder writes for a field without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Empty {
    /// A pointer: present or absent, an empty value is kept.
    Pointer,
    /// An empty value is left out.
    Omitted,
    /// The zero value of the type is written.
    Zero,
    /// A pointer that is written as `null` when absent.
    Null,
}

impl Struct {
    /// The last part of the name: `DeploymentSpec`.
    pub fn short_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or(&self.name)
    }
}

impl Field {
    pub fn new(ty: Type, empty: Empty) -> Field {
        Field { ty, empty, strategy: String::new(), merge_key: None, default: None }
    }

    /// The value that stands for an absent list key.
    pub fn key_default(&self) -> Option<Value> {
        match (&self.default, &self.ty, self.empty) {
            (Some(value), _, _) => Some(value.clone()),
            (None, Type::Scalar(scalar), Empty::Zero) => Some(scalar.zero()),
            (None, _, _) => None,
        }
    }
}

impl Scalar {
    pub fn zero(self) -> Value {
        match self {
            Scalar::String => json!(""),
            Scalar::Int32 | Scalar::Int64 | Scalar::Float | Scalar::IntOrString => json!(0),
            Scalar::Bool => json!(false),
            Scalar::Quantity => json!("0"),
            Scalar::Bytes | Scalar::Time | Scalar::MicroTime => Value::Null,
        }
    }

    /// The Go name, as decoding errors print it.
    pub fn go_name(self) -> &'static str {
        match self {
            Scalar::String => "string",
            Scalar::Int32 => "int32",
            Scalar::Int64 => "int64",
            Scalar::Float => "float64",
            Scalar::Bool => "bool",
            Scalar::Bytes => "[]uint8",
            Scalar::Time => "v1.Time",
            Scalar::MicroTime => "v1.MicroTime",
            Scalar::Quantity => "resource.Quantity",
            Scalar::IntOrString => "intstr.IntOrString",
        }
    }
}

impl Type {
    /// The type of a field, or `Any` where there is none of that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        match self {
            Type::Struct { shape, .. } => shape.fields.get(name),
            Type::Scalar(_) | Type::Map { .. } | Type::List { .. } | Type::Any => None,
        }
    }

    pub fn strings() -> Type {
        Type::Map { element: Arc::new(Type::Scalar(Scalar::String)), atomic: false }
    }
}

static TABLE: LazyLock<HashMap<String, Type>> =
    LazyLock::new(|| Reader::new(include_str!("../schema/kubernetes.txt")).read());

/// The type with this name in the table, such as `apps.v1.Deployment`.
pub fn named(name: &str) -> Option<Type> {
    TABLE.get(name).cloned()
}

/// The type of a custom resource without a schema: typed metadata, everything else free-form.
pub fn custom() -> Type {
    custom_with(BTreeMap::new(), true)
}

/// A custom resource with these fields besides `apiVersion`, `kind` and `metadata`.
pub fn custom_with(mut fields: BTreeMap<String, Field>, open: bool) -> Type {
    let text = Field::new(Type::Scalar(Scalar::String), Empty::Omitted);
    fields.insert("apiVersion".to_owned(), text.clone());
    fields.insert("kind".to_owned(), text);
    let metadata = named("meta.v1.ObjectMeta").expect("BUG: the table has ObjectMeta");
    fields.insert("metadata".to_owned(), Field::new(metadata, Empty::Zero));
    Type::Struct { shape: Arc::new(Struct { name: String::new(), fields, open }), atomic: false }
}

/// Builds types bottom up from the lines of the table.
struct Reader {
    blocks: BTreeMap<&'static str, (bool, Vec<&'static str>)>,
    done: HashMap<String, Type>,
}

impl Reader {
    fn new(text: &'static str) -> Reader {
        let mut blocks: BTreeMap<&str, (bool, Vec<&str>)> = BTreeMap::new();
        let mut current = "";
        for line in text.lines() {
            if let Some(head) = line.strip_prefix("type ") {
                let mut words = head.split(' ');
                current = words.next().unwrap_or_default();
                blocks.insert(current, (words.next() == Some("atomic"), Vec::new()));
            } else if let (Some(field), Some(block)) = (line.strip_prefix(' '), blocks.get_mut(current)) {
                block.1.push(field);
            }
        }
        Reader { blocks, done: HashMap::new() }
    }

    fn read(mut self) -> HashMap<String, Type> {
        let names: Vec<&str> = self.blocks.keys().copied().collect();
        for name in names {
            self.structure(name);
        }
        self.done
    }

    fn structure(&mut self, name: &str) -> Type {
        if let Some(ty) = self.done.get(name) {
            return ty.clone();
        }
        let (atomic, lines) = self.blocks.get(name).cloned().expect("BUG: the table names a type it lacks");
        let fields = lines.into_iter().map(|line| self.field(line)).collect();
        let shape = Struct { name: name.to_owned(), fields, open: false };
        let ty = Type::Struct { shape: Arc::new(shape), atomic };
        self.done.insert(name.to_owned(), ty.clone());
        ty
    }

    fn field(&mut self, line: &str) -> (String, Field) {
        let mut words = line.split(' ');
        let name = words.next().unwrap_or_default().to_owned();
        let ty = self.parse(words.next().unwrap_or_default());
        let empty = match words.next() {
            Some("p") => Empty::Pointer,
            Some("o") => Empty::Omitted,
            Some("n") => Empty::Null,
            Some("k") => Empty::Zero,
            other => panic!("BUG: unknown flag {other:?} in the table"),
        };
        let mut field = Field::new(ty, empty);
        for word in words {
            match word.split_once('=') {
                Some(("patch", strategy)) => field.strategy = strategy.to_owned(),
                Some(("key", key)) => field.merge_key = Some(key.to_owned()),
                Some(("default", text)) => field.default = serde_json::from_str(text).ok(),
                _ => panic!("BUG: unknown word {word} in the table"),
            }
        }
        (name, field)
    }

    fn parse(&mut self, text: &str) -> Type {
        if let Some(name) = text.strip_prefix("@!") {
            return match self.structure(name) {
                Type::Struct { shape, .. } => Type::Struct { shape, atomic: true },
                other => other,
            };
        }
        if let Some(name) = text.strip_prefix('@') {
            return self.structure(name);
        }
        if let Some(rest) = text.strip_prefix("{}") {
            let element = Arc::new(self.parse(rest));
            return Type::Map { element, atomic: false };
        }
        if let Some(rest) = text.strip_prefix("{a}") {
            let element = Arc::new(self.parse(rest));
            return Type::Map { element, atomic: true };
        }
        if let Some((head, rest)) = text.strip_prefix('[').and_then(|text| text.split_once(']')) {
            let relation = match head.strip_prefix("m:") {
                Some(keys) => Relation::Keys(keys.split(',').map(str::to_owned).collect()),
                None if head == "s" => Relation::Set,
                None => Relation::Atomic,
            };
            let element = Arc::new(self.parse(rest));
            return Type::List { element, relation };
        }
        scalar(text)
    }
}

fn scalar(text: &str) -> Type {
    Type::Scalar(match text {
        "str" => Scalar::String,
        "i32" => Scalar::Int32,
        "i64" => Scalar::Int64,
        "f64" => Scalar::Float,
        "bool" => Scalar::Bool,
        "bytes" => Scalar::Bytes,
        "time" => Scalar::Time,
        "microtime" => Scalar::MicroTime,
        "quantity" => Scalar::Quantity,
        "intstr" => Scalar::IntOrString,
        "any" => return Type::Any,
        _ => panic!("BUG: unknown type {text} in the table"),
    })
}
