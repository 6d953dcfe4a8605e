//! The tree of an expression, each node with its place in the source.

use super::Dialect;
use crate::source::{Span, Spanned};

/// A parsed expression: a whole value, or a piece of a string.
#[derive(Clone, Debug)]
pub struct Expression {
    pub root: Expr,
    pub dialect: Dialect,
    /// As written, without `${` and `}`.
    pub source: String,
    pub span: Span,
    /// The names that it reads, each as long as its dots go; variables of macros are not among them.
    pub chains: Vec<Chain>,
}

/// `param.revision.short`: names joined by dots.
#[derive(Clone, Debug)]
pub struct Chain {
    pub names: Vec<Spanned<String>>,
    /// From the first name to the last.
    pub span: Span,
}

#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: Kind,
    pub span: Span,
    /// How many nodes are below one another here, this one included.
    pub depth: u16,
}

#[derive(Clone, Debug)]
pub enum Kind {
    /// Could not be read, which has been said.
    Unread,
    Literal(Literal),
    Name(String),
    /// `of.field`
    Select {
        of: Box<Expr>,
        field: Spanned<String>,
    },
    /// `has(of.field)`
    Has {
        of: Box<Expr>,
        field: Spanned<String>,
    },
    /// `of[index]`
    Index {
        of: Box<Expr>,
        index: Box<Expr>,
    },
    /// `function(args)` or `target.function(args)`
    Call {
        target: Option<Box<Expr>>,
        function: Spanned<String>,
        args: Vec<Expr>,
    },
    Not(Box<Expr>),
    Negative(Box<Expr>),
    Binary {
        operator: Operator,
        /// The operator itself.
        place: Span,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `a && b && c`
    All(Vec<Expr>),
    /// `a || b || c`
    Any(Vec<Expr>),
    Conditional {
        test: Box<Expr>,
        then: Box<Expr>,
        otherwise: Box<Expr>,
    },
    List(Vec<Expr>),
    Map(Vec<(Expr, Expr)>),
    Macro(Box<Macro>),
}

/// `range.all(variable, body)` and its like.
#[derive(Clone, Debug)]
pub struct Macro {
    pub what: Comprehension,
    pub range: Expr,
    pub variable: Spanned<String>,
    /// The test of `map` with three arguments.
    pub filter: Option<Expr>,
    pub body: Expr,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comprehension {
    All,
    Exists,
    ExistsOne,
    Map,
    Filter,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    String(String),
    Bytes(Vec<u8>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    Equal,
    Unequal,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    In,
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

impl Operator {
    pub fn as_str(self) -> &'static str {
        match self {
            Operator::Equal => "==",
            Operator::Unequal => "!=",
            Operator::Less => "<",
            Operator::LessEqual => "<=",
            Operator::Greater => ">",
            Operator::GreaterEqual => ">=",
            Operator::In => "in",
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Modulo => "%",
        }
    }
}

impl Comprehension {
    pub const ALL: &[Comprehension] = &[
        Comprehension::All,
        Comprehension::Exists,
        Comprehension::ExistsOne,
        Comprehension::Map,
        Comprehension::Filter,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Comprehension::All => "all",
            Comprehension::Exists => "exists",
            Comprehension::ExistsOne => "exists_one",
            Comprehension::Map => "map",
            Comprehension::Filter => "filter",
        }
    }
}

impl Chain {
    /// The chain as text: `param.revision`.
    pub fn show(&self) -> String {
        self.names.iter().map(|name| name.value.as_str()).collect::<Vec<_>>().join(".")
    }

    /// The names, for matching.
    pub fn parts(&self) -> Vec<&str> {
        self.names.iter().map(|name| name.value.as_str()).collect()
    }
}

impl Expression {
    /// The expression as names joined by dots, if it is nothing else.
    pub fn chain(&self) -> Option<&Chain> {
        match self.chains.as_slice() {
            [only] if chain(&self.root).is_some() => Some(only),
            _ => None,
        }
    }

    /// Whether it could be read.
    pub fn is_read(&self) -> bool {
        !matches!(self.root.kind, Kind::Unread)
    }
}

/// The chain that a node is as a whole: `a.b["c"]` is one too.
pub(super) fn chain(expr: &Expr) -> Option<Chain> {
    let mut names = Vec::new();
    let mut at = expr;
    loop {
        match &at.kind {
            Kind::Name(name) => {
                names.push(Spanned::new(name.clone(), at.span));
                names.reverse();
                return Some(Chain { names, span: expr.span });
            }
            Kind::Select { of, field } => {
                names.push(field.clone());
                at = of;
            }
            Kind::Index { of, index } => {
                let Kind::Literal(Literal::String(key)) = &index.kind else { return None };
                names.push(Spanned::new(key.clone(), index.span));
                at = of;
            }
            Kind::Unread
            | Kind::Literal(_)
            | Kind::Has { .. }
            | Kind::Call { .. }
            | Kind::Not(_)
            | Kind::Negative(_)
            | Kind::Binary { .. }
            | Kind::All(_)
            | Kind::Any(_)
            | Kind::Conditional { .. }
            | Kind::List(_)
            | Kind::Map(_)
            | Kind::Macro(_) => return None,
        }
    }
}

/// All chains of a tree from left to right, each as long as it goes.
pub(super) fn chains(expr: &Expr) -> Vec<Chain> {
    let mut found = Vec::new();
    collect(expr, &mut Vec::new(), &mut found);
    found
}

fn collect<'e>(expr: &'e Expr, bound: &mut Vec<&'e str>, found: &mut Vec<Chain>) {
    if let Some(chain) = chain(expr) {
        if !bound.contains(&chain.names[0].value.as_str()) {
            found.push(chain);
        }
        return;
    }
    match &expr.kind {
        Kind::Unread | Kind::Literal(_) | Kind::Name(_) => {}
        Kind::Has { of, field } => match chain(of) {
            // What is asked for is read as far as it goes.
            Some(mut chain) if !bound.contains(&chain.names[0].value.as_str()) => {
                chain.names.push(field.clone());
                chain.span = chain.span.to(field.span);
                found.push(chain);
            }
            Some(_) => {}
            None => collect(of, bound, found),
        },
        Kind::Select { of, .. } | Kind::Not(of) | Kind::Negative(of) => collect(of, bound, found),
        Kind::Index { of, index } => {
            collect(of, bound, found);
            collect(index, bound, found);
        }
        Kind::Call { target, args, .. } => {
            target.iter().for_each(|target| collect(target, bound, found));
            args.iter().for_each(|arg| collect(arg, bound, found));
        }
        Kind::Binary { left, right, .. } => {
            collect(left, bound, found);
            collect(right, bound, found);
        }
        Kind::All(parts) | Kind::Any(parts) | Kind::List(parts) => {
            parts.iter().for_each(|part| collect(part, bound, found));
        }
        Kind::Conditional { test, then, otherwise } => {
            [test, then, otherwise].into_iter().for_each(|part| collect(part, bound, found));
        }
        Kind::Map(entries) => entries.iter().for_each(|(key, value)| {
            collect(key, bound, found);
            collect(value, bound, found);
        }),
        Kind::Macro(inner) => {
            collect(&inner.range, bound, found);
            bound.push(&inner.variable.value);
            inner.filter.iter().for_each(|filter| collect(filter, bound, found));
            collect(&inner.body, bound, found);
            bound.pop();
        }
    }
}
