//! What a name in an expression stands for.
//!
//! Source of the rule: the roots `param`, `workspace`, `result`, `task`, `image` of the language reference.

use std::sync::Arc;

use super::shape::{Kind, Shape};
use super::{Atom, JobId, Param, ResultDecl, Value, ValueType};
use crate::diag::{Applicability, Diagnostic, Diags, codes, suggest};
use crate::expr::{Chain, Piece, ROOTS, Template};
use crate::source::Spanned;

/// The names that an expression may use.
#[derive(Clone, Default)]
pub struct Scope<'a> {
    pub params: &'a [Param],
    pub workspaces: Vec<&'a str>,
    pub results: &'a [ResultDecl],
    /// Jobs by name, with their results; images have `None`.
    pub jobs: Arc<[ScopedJob<'a>]>,
    /// Axes of the matrix at hand with the types of their values.
    pub axes: Vec<(String, Option<ValueType>)>,
    /// Whether it can be asked what became of the jobs.
    pub finally: bool,
}

/// A job that an expression of the same pipeline can name.
#[derive(Clone)]
pub struct ScopedJob<'a> {
    pub name: &'a str,
    pub id: JobId,
    pub image: bool,
    /// Whether it runs once for each combination of a matrix: its results are lists.
    pub matrix: bool,
    pub results: &'a [ResultDecl],
}

/// A resolved value and its type; `None` for the type where a finding silences what follows.
pub struct Typed {
    pub value: Value,
    pub ty: Option<ValueType>,
    /// The whole type, where the value is one name alone.
    pub shape: Option<Shape>,
}

/// Resolves every name of a template.
pub fn resolve(template: &Template, scope: &Scope, diags: &mut Diags) -> Typed {
    let mut atoms = Vec::new();
    let mut types = Vec::new();
    for piece in &template.pieces {
        match piece {
            Piece::Text(text) => {
                atoms.push(Atom::Text(text.clone()));
                types.push(Some(ValueType::String));
            }
            Piece::Unread => types.push(None),
            Piece::Expression(expression) => {
                let found = super::computed::resolve(expression, scope, diags);
                types.push(found.as_ref().map(|(_, ty)| *ty));
                atoms.extend(found.map(|(atom, _)| atom));
            }
            Piece::Chain(chain) => match name(chain, scope) {
                Ok((atom, ty)) => {
                    atoms.push(atom);
                    types.push(Some(ty));
                }
                Err(finding) => {
                    diags.push(*finding);
                    types.push(None);
                }
            },
        }
    }
    let ty = match types.as_slice() {
        [] => None,
        [only] => *only,
        all if all.iter().any(Option::is_none) => None,
        _ => Some(ValueType::String),
    };
    let shape = if let [atom] = atoms.as_slice() { shape_of(atom, scope) } else { None };
    Typed { value: Value { atoms, span: template.span }, ty, shape }
}

/// The whole type of what a name stands for.
pub(super) fn shape_of(atom: &Atom, scope: &Scope) -> Option<Shape> {
    match atom {
        Atom::Param(at) => Some(scope.params[*at].shape.clone()),
        Atom::ParamField(at, name) => field(&scope.params[*at].shape, name).map(Shape::plain),
        Atom::JobResult(id, name) => {
            let job = scope.jobs.iter().find(|job| !job.image && job.id == *id)?;
            job.results.iter().find(|result| result.name.value == *name).map(|result| result.shape.clone())
        }
        Atom::JobResults(_, _, of) => Some(Shape::of(Kind::List(*of))),
        Atom::Matrix(_) | Atom::JobStatus(_) | Atom::Computed(_) => None,
        Atom::Text(_) | Atom::ParamShort(_) | Atom::Workspace(_) | Atom::ResultPath(_) | Atom::ImageDigest(_) => None,
    }
}

/// The type of a field of an object.
fn field(shape: &Shape, name: &str) -> Option<ValueType> {
    match &shape.kind {
        Kind::Object(fields) => fields.iter().find(|field| field.name == name).map(|field| field.ty),
        Kind::Plain(_) | Kind::Enum(_) | Kind::List(_) | Kind::Map(_) => None,
    }
}

type Named = Result<(Atom, ValueType), Box<Diagnostic>>;

pub(super) fn name(chain: &Chain, scope: &Scope) -> Named {
    match chain.parts().as_slice() {
        ["param", _, rest @ ..] => param(chain, rest, scope),
        ["workspace", name] => match scope.workspaces.iter().position(|known| known == name) {
            Some(at) => Ok((Atom::Workspace(at), ValueType::Path)),
            None => Err(unknown(chain, 1, "workspace", &scope.workspaces)),
        },
        ["result", name, "path"] => {
            let names: Vec<&str> = scope.results.iter().map(|result| result.name.as_str()).collect();
            match names.iter().position(|known| known == name) {
                Some(at) => Ok((Atom::ResultPath(at), ValueType::Path)),
                None => Err(unknown(chain, 1, "result", &names)),
            }
        }
        ["result", _] => Err(Box::new(
            bad(chain, format!("`{}` is not a value", chain.show()))
                .help(format!("a step writes a result to a file: `{}.path`", chain.show()))
                .fix("name the file", Applicability::Safe, chain.span, format!("{}.path", chain.show())),
        )),
        ["task", _, "result", result] => job_result(chain, result, scope),
        ["task", _, "status"] => job_status(chain, scope),
        ["matrix", name] => axis(chain, name, scope),
        ["image", _, "digest"] => image(chain, scope),
        _ => Err(wrong_chain(chain)),
    }
}

fn param(chain: &Chain, rest: &[&str], scope: &Scope) -> Named {
    let names: Vec<&str> = scope.params.iter().map(|param| param.name.as_str()).collect();
    let Some(at) = names.iter().position(|known| *known == chain.names[1].value) else {
        return Err(unknown(chain, 1, "parameter", &names));
    };
    let ty = scope.params[at].ty;
    match (ty, rest) {
        (_, []) => Ok((Atom::Param(at), ty)),
        (ValueType::Commit, ["sha"]) => Ok((Atom::Param(at), ValueType::String)),
        (ValueType::Commit, ["short"]) => Ok((Atom::ParamShort(at), ValueType::String)),
        (ValueType::Object, [name]) => match field(&scope.params[at].shape, name) {
            Some(ty) => Ok((Atom::ParamField(at, (*name).to_owned()), ty)),
            None => {
                let Kind::Object(fields) = &scope.params[at].shape.kind else { return Err(wrong_chain(chain)) };
                let known: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
                Err(unknown(chain, 2, "field", &known))
            }
        },
        (ValueType::Commit, [_]) => Err(unknown(chain, 2, "field of a commit", &["sha", "short"])),
        _ => {
            let message = format!("`{}` is of type {} and has no fields", names[at], ty.as_str());
            let finding = Diagnostic::new(&codes::UNKNOWN_REFERENCE, chain.names[2].span, message);
            Err(Box::new(finding.label(scope.params[at].name.span, "declared here")))
        }
    }
}

fn job_result(chain: &Chain, result: &str, scope: &Scope) -> Named {
    let names: Vec<&str> = scope.jobs.iter().filter(|job| !job.image).map(|job| job.name).collect();
    let Some(job) = scope.jobs.iter().find(|job| !job.image && job.name == chain.names[1].value) else {
        return Err(unknown(chain, 1, "task", &names));
    };
    let results: Vec<&str> = job.results.iter().map(|result| result.name.as_str()).collect();
    match job.results.iter().find(|known| known.name.value == result) {
        Some(known) if job.matrix => {
            Ok((Atom::JobResults(vec![job.id], known.name.value.clone(), known.ty), ValueType::List))
        }
        Some(known) => Ok((Atom::JobResult(job.id, known.name.value.clone()), known.ty)),
        None => Err(unknown(chain, 3, "result", &results)),
    }
}

fn job_status(chain: &Chain, scope: &Scope) -> Named {
    let names: Vec<&str> = scope.jobs.iter().map(|job| job.name).collect();
    let Some(job) = scope.jobs.iter().find(|job| job.name == chain.names[1].value) else {
        return Err(unknown(chain, 1, "task", &names));
    };
    if !scope.finally {
        let finding = bad(chain, format!("`{}` is known only to `finally`", chain.show()));
        return Err(Box::new(finding.here("a task that comes after it runs only if it succeeded")));
    }
    Ok((Atom::JobStatus(job.id), ValueType::String))
}

fn axis(chain: &Chain, name: &str, scope: &Scope) -> Named {
    let names: Vec<&str> = scope.axes.iter().map(|(name, _)| name.as_str()).collect();
    match scope.axes.iter().find(|(known, _)| known == name) {
        // What is wrong with the axis was said; its values are of any type.
        Some((_, ty)) => Ok((Atom::Matrix(name.to_owned()), ty.unwrap_or(ValueType::String))),
        None => Err(unknown(chain, 1, "axis", &names)),
    }
}

fn image(chain: &Chain, scope: &Scope) -> Named {
    let names: Vec<&str> = scope.jobs.iter().filter(|job| job.image).map(|job| job.name).collect();
    match scope.jobs.iter().find(|job| job.image && job.name == chain.names[1].value) {
        Some(job) => Ok((Atom::ImageDigest(job.id), ValueType::Digest)),
        None => Err(unknown(chain, 1, "image", &names)),
    }
}

fn bad(chain: &Chain, message: String) -> Diagnostic {
    Diagnostic::new(&codes::UNKNOWN_REFERENCE, chain.span, message)
}

fn wrong_chain(chain: &Chain) -> Box<Diagnostic> {
    let root = &chain.names[0];
    if !ROOTS.contains(&root.value.as_str()) {
        return unknown(chain, 0, "name", ROOTS);
    }
    let form = match root.value.as_str() {
        "task" => "`task.NAME.result.NAME`",
        "matrix" => "`matrix.AXIS`",
        "image" => "`image.NAME.digest`",
        "result" => "`result.NAME.path`",
        "workspace" => "`workspace.NAME`",
        _ => "`param.NAME`",
    };
    Box::new(bad(chain, format!("`{}` names nothing", chain.show())).here(format!("the form is {form}")))
}

/// An unknown name at position `at` of a chain, with the closest known one.
fn unknown(chain: &Chain, at: usize, what: &str, known: &[&str]) -> Box<Diagnostic> {
    let name: &Spanned<String> = &chain.names[at];
    let finding = Diagnostic::new(&codes::UNKNOWN_REFERENCE, name.span, format!("there is no {what} `{}`", name.value));
    Box::new(closest(finding.here("not known here"), name, what, known))
}

/// Adds the closest known name, or what is known at all.
pub fn closest(finding: Diagnostic, name: &Spanned<String>, what: &str, known: &[&str]) -> Diagnostic {
    let finding = finding.unresolved(what, &name.value);
    match suggest::closest(&name.value, known.iter().copied()) {
        Some(real) => {
            let finding =
                finding.help(format!("there is {} with a similar name: `{real}`", suggest::with_article(what)));
            finding.fix(format!("replace by `{real}`"), Applicability::Maybe, inner(name), real)
        }
        None if known.is_empty() => finding.help(format!("no {what} is defined here")),
        None => finding.help(format!(
            "defined here: {}",
            known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        )),
    }
}

/// The part of a name's span that its letters take: without the quotes around them.
fn inner(name: &Spanned<String>) -> crate::source::Span {
    let (length, wide) = (name.value.len() as u32, name.span.end - name.span.start);
    if wide == length + 2 { name.span.slice(1, 1 + length as usize) } else { name.span }
}

/// Why a value of type `from` cannot go where `to` is wanted; `None` if it can.
pub fn mismatch(from: ValueType, to: ValueType) -> Option<String> {
    let fits = from == to
        || to == ValueType::String
        || (from == ValueType::String && !matches!(to, ValueType::List | ValueType::Map | ValueType::Object))
        || (from == ValueType::Int && to == ValueType::Number)
        || (from == ValueType::Commit && matches!(to, ValueType::ImageTag | ValueType::GitRef))
        || (from == ValueType::Url && to == ValueType::Path);
    (!fits).then(|| format!("{} is wanted, this is {}", to.as_str(), from.as_str()))
}

/// Why a text is no value of type `ty`; `None` if it is one.
pub fn bad_literal(text: &str, ty: ValueType) -> Option<String> {
    use crate::spec::value;
    let hex = |length: usize, text: &str| text.len() == length && text.chars().all(|c| c.is_ascii_hexdigit());
    let ok = match ty {
        ValueType::String | ValueType::Path | ValueType::Url => !text.contains('\0'),
        ValueType::Enum | ValueType::List | ValueType::Map | ValueType::Object => !text.contains('\0'),
        ValueType::Image => value::is_image(text) && !text.is_empty(),
        ValueType::Number => text.parse::<f64>().is_ok_and(f64::is_finite),
        ValueType::Int => text.parse::<i64>().is_ok(),
        ValueType::Bool => matches!(text, "true" | "false"),
        ValueType::Commit => hex(40, text) || hex(64, text),
        ValueType::GitRef => {
            !text.is_empty() && !text.contains([' ', '~', '^', ':', '\\', '?', '*', '[']) && !text.contains("..")
        }
        ValueType::ImageTag => return value::bad_tag(text),
        ValueType::Digest => text.strip_prefix("sha256:").is_some_and(|rest| hex(64, rest)),
        ValueType::Duration => value::duration_seconds(text).is_some(),
        ValueType::Quantity => value::is_quantity(text),
    };
    (!ok).then(|| format!("`{text}` is not of type {}", ty.as_str()))
}
