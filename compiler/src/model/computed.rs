//! Expressions in strings that are more than a name: typed against the names that they read, and kept with what each of
//! these names stands for.
//!
//! **Invariant:** a name means in an expression what it means alone. Not here: the evaluation (`desired::run`).

use std::collections::BTreeMap;

use super::scope::{self, Scope};
use super::shape::{Kind, Shape};
use super::{Atom, ValueType};
use crate::diag::{Diagnostic, Diags, codes};
use crate::expr::{self, Bindings, Budget, Chain, Expression, Object, Ty};

/// An expression and what the names in it stand for.
#[derive(Clone, Debug)]
pub struct Computed {
    pub expression: Expression,
    pub inputs: Vec<Input>,
}

/// A name that an expression reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Input {
    /// `["param", "revision"]`: a part of a commit, an object or a map is read from the whole.
    pub path: Vec<String>,
    pub atom: Atom,
    pub ty: Ty,
}

impl PartialEq for Computed {
    fn eq(&self, other: &Computed) -> bool {
        self.expression.source == other.expression.source && self.inputs == other.inputs
    }
}

impl Eq for Computed {}

/// Types an expression and finds what its names stand for.
pub fn resolve(expression: &Expression, scope: &Scope, diags: &mut Diags) -> Option<(Atom, ValueType)> {
    let mut inputs: Vec<Input> = Vec::new();
    let mut paths: Vec<(Vec<String>, Ty)> = Vec::new();
    let mut complete = true;
    for chain in &expression.chains {
        match input(chain, scope) {
            Ok(input) => {
                paths.push((input.path.clone(), input.ty.clone()));
                if !inputs.contains(&input) {
                    inputs.push(input);
                }
            }
            Err(finding) => {
                diags.push(*finding);
                complete = false;
                paths.push((chain.parts().iter().map(|part| (*part).to_owned()).collect(), Ty::Error));
            }
        }
    }
    let ty = expr::check(expression, &names(&paths), &Ty::Dyn, diags);
    let ty = result(&ty, expression, diags)?;
    complete.then(|| (Atom::Computed(Box::new(Computed { expression: expression.clone(), inputs })), ty))
}

/// What a chain reads: of `param.revision.short` it is the commit `param.revision`.
fn input(chain: &Chain, scope: &Scope) -> Result<Input, Box<Diagnostic>> {
    let path = |length: usize| chain.parts().iter().take(length).map(|part| (*part).to_owned()).collect();
    if let ["param", name, ..] = chain.parts().as_slice()
        && let Some(at) = scope.params.iter().position(|param| param.name.value == *name)
        && !matches!(scope.params[at].ty, ValueType::Commit)
    {
        return Ok(Input { path: path(2), atom: Atom::Param(at), ty: of_shape(&scope.params[at].shape) });
    }
    let (atom, ty) = scope::name(chain, scope)?;
    Ok(match atom {
        Atom::Param(at) | Atom::ParamShort(at) => {
            Input { path: path(2), atom: Atom::Param(at), ty: of(scope.params[at].ty) }
        }
        atom => {
            let shape = scope::shape_of(&atom, scope);
            Input { path: path(chain.names.len()), ty: shape.map_or_else(|| of(ty), |shape| of_shape(&shape)), atom }
        }
    })
}

/// Nested objects with the paths as fields; where one path is the beginning of another, the shorter one counts.
fn names(paths: &[(Vec<String>, Ty)]) -> expr::Scope {
    let mut scope = expr::Scope::default();
    let mut roots: BTreeMap<&str, Vec<(Vec<String>, Ty)>> = BTreeMap::new();
    for (path, ty) in paths {
        if let Some((first, rest)) = path.split_first() {
            roots.entry(first).or_default().push((rest.to_vec(), ty.clone()));
        }
    }
    for (name, rest) in roots {
        scope = scope.with(name, nested(&rest));
    }
    scope
}

fn nested(paths: &[(Vec<String>, Ty)]) -> Ty {
    if let Some((_, ty)) = paths.iter().find(|(path, _)| path.is_empty()) {
        return ty.clone();
    }
    let mut object = Object::of("field");
    for (name, field) in names(paths).names {
        object = object.with(&name, field.ty);
    }
    object.ty()
}

/// The type that expressions know a value by.
pub fn of_shape(shape: &Shape) -> Ty {
    match &shape.kind {
        Kind::Plain(ty) => of(*ty),
        Kind::Enum(_) => Ty::String,
        Kind::List(item) => Ty::list(of(*item)),
        Kind::Map(item) => Ty::map(of(*item)),
        Kind::Object(fields) => {
            let object = Object::of("field");
            fields.iter().fold(object, |object, field| object.with(&field.name, of(field.ty))).ty()
        }
    }
}

fn of(ty: ValueType) -> Ty {
    match ty {
        ValueType::String | ValueType::Enum => Ty::String,
        ValueType::Int => Ty::Int,
        ValueType::Bool => Ty::Bool,
        ValueType::Number => Ty::Double,
        ValueType::List => Ty::list(Ty::Dyn),
        ValueType::Map | ValueType::Object => Ty::map(Ty::Dyn),
        ValueType::Commit
        | ValueType::GitRef
        | ValueType::Image
        | ValueType::ImageTag
        | ValueType::Digest
        | ValueType::Duration
        | ValueType::Quantity
        | ValueType::Url
        | ValueType::Path => Ty::Text(ty.as_str()),
    }
}

/// The type of a value that can stand in a string; `None` for what cannot.
pub fn value_type(ty: &Ty) -> Option<ValueType> {
    match ty {
        Ty::Int | Ty::Uint => Some(ValueType::Int),
        Ty::Bool => Some(ValueType::Bool),
        Ty::Text(form) => ValueType::parse(form),
        Ty::Double => Some(ValueType::Number),
        Ty::String | Ty::Timestamp | Ty::Dyn => Some(ValueType::String),
        Ty::Duration => Some(ValueType::Duration),
        Ty::Error | Ty::Null | Ty::Bytes | Ty::Type => None,
        Ty::List(_) | Ty::Map(..) | Ty::Object(_) | Ty::Opaque(_) => None,
    }
}

/// The type of the value that an expression puts into a string.
fn result(ty: &Ty, expression: &Expression, diags: &mut Diags) -> Option<ValueType> {
    match ty {
        Ty::Error | Ty::Int | Ty::Uint | Ty::Bool | Ty::Text(_) | Ty::Double => value_type(ty),
        Ty::String | Ty::Timestamp | Ty::Dyn | Ty::Duration => value_type(ty),
        Ty::Null | Ty::Bytes | Ty::Type | Ty::List(_) | Ty::Map(..) | Ty::Object(_) | Ty::Opaque(_) => {
            let message = format!("this gives {ty}, which cannot stand in a string");
            let finding = Diagnostic::new(&codes::EXPRESSION_RESULT, expression.span, message);
            let finding = finding.here(format!("of type {ty}"));
            diags.push(match ty {
                Ty::List(_) => finding.help("join a list of strings: `….join(\",\")`"),
                Ty::Bytes => finding.help("convert it: `string(…)`"),
                _ => finding,
            });
            None
        }
    }
}

/// The text that an expression gives where `read` gives the texts of its names.
pub fn text(computed: &Computed, read: &dyn Fn(&Atom) -> String) -> Result<String, Box<Diagnostic>> {
    let leaves: Vec<(&[String], expr::Value)> =
        computed.inputs.iter().map(|input| (input.path.as_slice(), value(&input.ty, &read(&input.atom)))).collect();
    let mut bindings = Bindings::default();
    for name in computed.inputs.iter().filter_map(|input| input.path.first()) {
        bindings = bindings.with(name, tree(&leaves, 0, std::slice::from_ref(name)));
    }
    let found = expr::eval(&computed.expression, &bindings, Budget::SPEC).map_err(|error| Box::new(error.finding()))?;
    found.text().ok_or_else(|| {
        let message = format!("an expression has no value: {} cannot stand in a string", found.type_name());
        Box::new(Diagnostic::new(&codes::EVALUATION_FAILED, computed.expression.span, message))
    })
}

/// The value below a path: a leaf, or a map of what goes on there.
fn tree(leaves: &[(&[String], expr::Value)], depth: usize, path: &[String]) -> expr::Value {
    if let Some((_, value)) = leaves.iter().find(|(leaf, _)| *leaf == path) {
        return value.clone();
    }
    let below = leaves.iter().filter(|(leaf, _)| leaf.starts_with(path) && leaf.len() > depth + 1);
    let names: BTreeMap<&str, &[String]> =
        below.map(|(leaf, _)| (leaf[depth + 1].as_str(), &leaf[..depth + 2])).collect();
    expr::Value::map(names.into_iter().map(|(name, path)| (name, tree(leaves, depth + 1, path))))
}

/// The text of a parameter or result as a value of its type; its text was checked against it.
fn value(ty: &Ty, text: &str) -> expr::Value {
    let json = || serde_json::from_str(text).map_or(expr::Value::Null, |json| expr::Value::from_json(&json));
    match ty {
        Ty::Int => text.parse().map_or_else(|_| expr::Value::string(text), expr::Value::Int),
        Ty::Double => text.parse().map_or_else(|_| expr::Value::string(text), expr::Value::Double),
        Ty::Bool => expr::Value::Bool(text == "true"),
        Ty::List(_) | Ty::Map(..) | Ty::Object(_) => json(),
        Ty::Error | Ty::Dyn | Ty::Null | Ty::Uint | Ty::String | Ty::Text(_) | Ty::Bytes => expr::Value::string(text),
        Ty::Duration | Ty::Timestamp | Ty::Type | Ty::Opaque(_) => expr::Value::string(text),
    }
}
