//! The one expression language: CEL, as whole values (`when`, policies) and as `${…}` in strings.
//!
//! `Text → parse → Expression → check against a Scope → eval with Bindings`. The language is that of the CEL language
//! definition with its macros `has`, `all`, `exists`, `exists_one`, `map` and `filter`, its standard functions, and the
//! functions on strings that Kubernetes has too; `Dialect::Kubernetes` adds those of `x-kubernetes-validations`.
//! Differences: no messages (`Name{…}`), no optional fields (`a.?b`), offsets but no names of time zones. In a spec
//! (`Dialect::Waybill`) a dash directly between two letters or digits of a name behind a dot is part of the name:
//! `image.api-server.digest` is one name, `a.b - c` with spaces is a subtraction; and a commit has `sha` and `short`.
//!
//! **Invariant:** nothing panics and everything is bounded: bytes, nesting, the cost of an evaluation, the size of what it
//! makes; and each limit has its own error. Not here: what the names of a spec stand for (`model::scope`).

mod ast;
mod check;
mod eval;
mod functions;
mod lex;
mod parse;
mod template;
mod ty;
mod value;

pub use ast::{Chain, Comprehension, Expr, Expression, Kind, Literal, Macro, Operator};
pub use check::check;
pub use eval::{Bindings, Budget, EvalError, Failure, eval};
pub use template::{Piece, Template, splices};
pub use ty::{Field, Object, Scope, Ty};
pub use value::{Key, Opaque, Url, Value};

use crate::diag::{Applicability, Diagnostic, Diags};
use crate::source::Spanned;
use crate::syntax::Text;

/// Deepest nesting of brackets and of choices in one another: the parser recurses.
const NESTING: usize = 96;

/// How many nodes may be below one another, operators in a row included.
const DEPTH: usize = 256;

/// The names with which an expression in a string of a spec can begin.
pub const ROOTS: &[&str] = &["param", "workspace", "result", "task", "image", "matrix"];

/// Which names and functions there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// Expressions of a spec.
    Waybill,
    /// `x-kubernetes-validations`: names have no dashes, and there is Kubernetes' library.
    Kubernetes,
}

impl Dialect {
    /// Longest expression in bytes.
    pub fn length(self) -> usize {
        match self {
            Dialect::Waybill => 4096,
            Dialect::Kubernetes => 65536,
        }
    }
}

/// The functions of expressions of a spec, each form with what it gives.
pub fn function_forms() -> Vec<[String; 2]> {
    functions::forms(Dialect::Waybill)
}

/// Reads a string with `${…}` in it.
pub fn parse(text: &Text, diags: &mut Diags) -> Template {
    template::template(text, diags)
}

/// Reads a text that is an expression as a whole. What cannot be read is reported and has a silent root.
pub fn whole(text: &Text, dialect: Dialect, diags: &mut Diags) -> Expression {
    parse::parse(text, 0, text.value.len(), dialect, diags)
}

/// A fix that turns a plain string into another one, quotes kept by replacing only what is between them.
pub fn replace_name(finding: Diagnostic, name: &Spanned<String>, real: &str) -> Diagnostic {
    finding.fix(format!("replace by `{real}`"), Applicability::Maybe, name.span, real)
}
