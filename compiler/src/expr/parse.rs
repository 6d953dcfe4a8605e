//! Text to tree, by recursive descent.
//!
//! Source of the rules: the grammar and the macros of the CEL language definition.
//! **Invariant:** never panics, and neither nesting nor a long row of operators overflows the stack: both are limited.
//! An expression with a mistake gives that one finding and no tree.

use super::ast::{self, Comprehension, Expr, Expression, Kind, Literal, Macro, Operator};
use super::lex::{Lexer, Token, Wrong};
use super::{DEPTH, Dialect, NESTING};
use crate::diag::{Applicability, Diagnostic, Diags, codes};
use crate::source::{Span, Spanned};
use crate::syntax::Text;

/// Words that CEL keeps for itself.
const RESERVED: &[&str] = &[
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
];

/// Parses the bytes `from..to` of a text.
pub(super) fn parse(text: &Text, from: usize, to: usize, dialect: Dialect, diags: &mut Diags) -> Expression {
    let source = &text.value[from..to];
    let start = from + (source.len() - source.trim_start().len());
    let span = text.place(start, (start + source.trim().len()).max(start));
    let root = match read(text, from, to, dialect) {
        Ok(root) => root,
        Err(finding) => {
            diags.push(*finding);
            Expr { kind: Kind::Unread, span, depth: 1 }
        }
    };
    let chains = ast::chains(&root);
    Expression { root, dialect, source: source.trim().to_owned(), span, chains }
}

type Parsed<T> = Result<T, Box<Diagnostic>>;

fn read(text: &Text, from: usize, to: usize, dialect: Dialect) -> Parsed<Expr> {
    let source = &text.value[from..to];
    let whole = text.place(from, to);
    if source.len() > dialect.length() {
        let message =
            format!("an expression has {} bytes, more than the {} it may have", source.len(), dialect.length());
        let finding = Diagnostic::new(&codes::EXPRESSION_TOO_LONG, whole, message).here("too long");
        return Err(Box::new(finding.help("split it, or compute the value in a step")));
    }
    if source.trim().is_empty() {
        let finding = Diagnostic::new(&codes::BAD_EXPRESSION, whole, "an expression is empty");
        return Err(Box::new(finding.here("a value is wanted here")));
    }
    let lexer = Lexer { text: &text.value, at: from, end: to, dialect };
    let mut parser = Parser { text, lexer, token: Token::End, from, to: from, before: from, nesting: 0 };
    parser.advance(false)?;
    let root = parser.expression()?;
    if parser.token == Token::End { Ok(root) } else { Err(parser.left_over()) }
}

struct Parser<'a> {
    text: &'a Text,
    lexer: Lexer<'a>,
    token: Token,
    /// The place of `token`.
    from: usize,
    to: usize,
    /// Where the token before ended.
    before: usize,
    nesting: usize,
}

impl Parser<'_> {
    fn advance(&mut self, after_dot: bool) -> Parsed<Token> {
        let (token, from, to) = self.lexer.next(after_dot).map_err(|wrong| self.lexical(wrong))?;
        self.before = self.to;
        (self.from, self.to) = (from, to);
        Ok(std::mem::replace(&mut self.token, token))
    }

    fn lexical(&self, wrong: Wrong) -> Box<Diagnostic> {
        let place = self.text.place(wrong.from, wrong.to);
        let mut finding = Diagnostic::new(&codes::BAD_EXPRESSION, place, wrong.message).here(wrong.label);
        finding.help = wrong.help;
        match wrong.instead {
            Some("") => Box::new(finding.fix("remove it", Applicability::Maybe, place, "")),
            Some(text) => Box::new(finding.fix(format!("write `{text}`"), Applicability::Safe, place, text)),
            None => Box::new(finding),
        }
    }

    fn here(&self) -> Span {
        self.text.place(self.from, self.to)
    }

    /// From a node's start to the end of the last token taken.
    fn since(&self, from: usize) -> Span {
        self.text.place(from, self.before)
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.token, Token::Sign(found) if found == sign)
    }

    fn take(&mut self, sign: &str) -> Parsed<bool> {
        let found = self.is(sign);
        if found {
            self.advance(sign == ".")?;
        }
        Ok(found)
    }

    fn bad(&self, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(&codes::BAD_EXPRESSION, self.here(), message)
    }

    /// The token as messages name it.
    fn shown(&self) -> String {
        match &self.token {
            Token::End => "the end of the expression".into(),
            Token::Word(_) | Token::Quoted(_) | Token::Literal(_) | Token::Sign(_) => {
                format!("`{}`", &self.text.value[self.from..self.to])
            }
        }
    }

    fn node(&self, kind: Kind, span: Span) -> Parsed<Expr> {
        let depth = below(&kind) + 1;
        if usize::from(depth) > DEPTH { Err(too_deep(span)) } else { Ok(Expr { kind, span, depth }) }
    }

    fn expression(&mut self) -> Parsed<Expr> {
        self.nesting += 1;
        if self.nesting > NESTING {
            return Err(too_deep(self.here()));
        }
        let from = self.from;
        let test = self.any()?;
        let question = self.here();
        let expression = if self.take("?")? {
            let then = self.any()?;
            if !self.take(":")? {
                let finding = self.bad(format!("a choice needs its `:`, not {}", self.shown()));
                return Err(Box::new(finding.here("`:` is wanted").label(question, "the choice begins here")));
            }
            let otherwise = self.expression()?;
            let parts = [test, then, otherwise].map(Box::new);
            let [test, then, otherwise] = parts;
            self.node(Kind::Conditional { test, then, otherwise }, self.since(from))?
        } else {
            test
        };
        self.nesting -= 1;
        Ok(expression)
    }

    fn any(&mut self) -> Parsed<Expr> {
        let from = self.from;
        let mut parts = vec![self.all()?];
        while self.logical("||", &["or", "OR"])? {
            parts.push(self.all()?);
        }
        self.row(parts, Kind::Any, from)
    }

    fn all(&mut self) -> Parsed<Expr> {
        let from = self.from;
        let mut parts = vec![self.binary(0)?];
        while self.logical("&&", &["and", "AND"])? {
            parts.push(self.binary(0)?);
        }
        self.row(parts, Kind::All, from)
    }

    fn row(&self, mut parts: Vec<Expr>, kind: fn(Vec<Expr>) -> Kind, from: usize) -> Parsed<Expr> {
        match (parts.len(), parts.pop()) {
            (1, Some(only)) => Ok(only),
            (_, last) => {
                parts.extend(last);
                self.node(kind(parts), self.since(from))
            }
        }
    }

    /// Takes `&&` or `||`; the word that other languages have for it is a finding.
    fn logical(&mut self, sign: &'static str, words: &[&str]) -> Parsed<bool> {
        match &self.token {
            Token::Word(word) if words.contains(&word.as_str()) => {
                let finding = self.bad(format!("`{word}` is not an operator")).here(format!("write `{sign}`"));
                let help = if sign == "&&" { "`&&` means and" } else { "`||` means or" };
                let fix = format!("write `{sign}`");
                Err(Box::new(finding.help(help).fix(fix, Applicability::Safe, self.here(), sign)))
            }
            Token::Word(_) | Token::Quoted(_) | Token::Literal(_) | Token::Sign(_) | Token::End => self.take(sign),
        }
    }

    /// Operators that bind at least as strongly as `least`: comparisons 0, sums 1, products 2.
    fn binary(&mut self, least: u8) -> Parsed<Expr> {
        let from = self.from;
        let mut left = self.unary()?;
        while let Some((operator, strength)) = self.operator().filter(|(_, strength)| *strength >= least) {
            let place = self.here();
            self.advance(false)?;
            let right = Box::new(self.binary(strength + 1)?);
            left = self.node(Kind::Binary { operator, place, left: Box::new(left), right }, self.since(from))?;
        }
        Ok(left)
    }

    fn operator(&self) -> Option<(Operator, u8)> {
        let sign = match &self.token {
            Token::Sign(sign) => sign,
            Token::Word(word) if word == "in" => "in",
            Token::Word(_) | Token::Quoted(_) | Token::Literal(_) | Token::End => return None,
        };
        Some(match sign {
            "==" => (Operator::Equal, 0),
            "!=" => (Operator::Unequal, 0),
            "<" => (Operator::Less, 0),
            "<=" => (Operator::LessEqual, 0),
            ">" => (Operator::Greater, 0),
            ">=" => (Operator::GreaterEqual, 0),
            "in" => (Operator::In, 0),
            "+" => (Operator::Add, 1),
            "-" => (Operator::Subtract, 1),
            "*" => (Operator::Multiply, 2),
            "/" => (Operator::Divide, 2),
            "%" => (Operator::Modulo, 2),
            _ => return None,
        })
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let mut prefixes = Vec::new();
        while self.is("!") || self.is("-") {
            prefixes.push((self.is("!"), self.from));
            if prefixes.len() > DEPTH {
                return Err(too_deep(self.here()));
            }
            self.advance(false)?;
        }
        let negative = prefixes.last().is_some_and(|(not, _)| !not);
        let mut expr = if let (true, Token::Literal(literal)) = (negative, &self.token)
            && let Some(number) = negated(literal)
            && let Some((_, from)) = prefixes.pop()
        {
            self.advance(false)?;
            let literal = self.node(Kind::Literal(number), self.since(from))?;
            self.members(literal, from)?
        } else {
            self.member()?
        };
        for (not, from) in prefixes.into_iter().rev() {
            let inner = Box::new(expr);
            expr = self.node(if not { Kind::Not(inner) } else { Kind::Negative(inner) }, self.since(from))?;
        }
        Ok(expr)
    }

    fn member(&mut self) -> Parsed<Expr> {
        let from = self.from;
        let expr = self.primary()?;
        self.members(expr, from)
    }

    /// Fields, indexes and methods behind a value.
    fn members(&mut self, mut expr: Expr, from: usize) -> Parsed<Expr> {
        loop {
            let opened = self.here();
            if self.take(".")? {
                expr = self.field(expr, from)?;
            } else if self.take("[")? {
                let index = Box::new(self.expression()?);
                self.close("]", opened)?;
                expr = self.node(Kind::Index { of: Box::new(expr), index }, self.since(from))?;
            } else {
                return Ok(expr);
            }
        }
    }

    fn field(&mut self, of: Expr, from: usize) -> Parsed<Expr> {
        let place = self.here();
        let name = match &self.token {
            Token::Word(name) | Token::Quoted(name) => name.clone(),
            Token::Sign("?") => {
                let finding = self.bad("optional fields are not in the language").here("`?` after a dot");
                return Err(Box::new(finding.help("ask with `has(a.b)` first: `has(a.b) ? a.b : 'none'`")));
            }
            Token::Literal(_) | Token::Sign(_) | Token::End => {
                let finding = self.bad(format!("a name is wanted after `.`, not {}", self.shown()));
                return Err(Box::new(finding.here("no name")));
            }
        };
        self.advance(false)?;
        let field = Spanned::new(name, place);
        let opened = self.here();
        if !self.take("(")? {
            return self.node(Kind::Select { of: Box::new(of), field }, self.since(from));
        }
        let args = self.list(")", opened)?;
        match comprehension(&field.value) {
            Some(what) => {
                let inner = macro_of(what, of, &field, args)?;
                self.node(Kind::Macro(Box::new(inner)), self.since(from))
            }
            None => self.node(Kind::Call { target: Some(Box::new(of)), function: field, args }, self.since(from)),
        }
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let (from, opened) = (self.from, self.here());
        match self.token.clone() {
            Token::Literal(Literal::Int(i64::MIN)) => {
                Err(Box::new(self.bad(format!("{} is out of range", self.shown())).here("too large for an int")))
            }
            Token::Literal(literal) => {
                self.advance(false)?;
                self.node(Kind::Literal(literal), opened)
            }
            Token::Word(word) => self.word(word),
            Token::Sign("(") => {
                self.advance(false)?;
                let mut inner = self.expression()?;
                self.close(")", opened)?;
                inner.span = self.since(from);
                Ok(inner)
            }
            Token::Sign("[") => {
                self.advance(false)?;
                let items = self.list("]", opened)?;
                self.node(Kind::List(items), self.since(from))
            }
            Token::Sign("{") => {
                self.advance(false)?;
                let entries = self.entries(opened)?;
                self.node(Kind::Map(entries), self.since(from))
            }
            Token::Quoted(_) | Token::Sign(_) | Token::End => Err(self.no_value()),
        }
    }

    fn no_value(&self) -> Box<Diagnostic> {
        // At the end there is nothing to point to but the last character.
        let last = (0..self.before).rev().find(|at| self.text.value.is_char_boundary(*at));
        let place = match last.filter(|_| self.token == Token::End) {
            Some(last) => self.text.place(last, self.before),
            None => self.here(),
        };
        let message = format!("a value is wanted, not {}", self.shown());
        Box::new(Diagnostic::new(&codes::BAD_EXPRESSION, place, message).here("a value is missing"))
    }

    fn word(&mut self, word: String) -> Parsed<Expr> {
        let (from, place) = (self.from, self.here());
        if RESERVED.contains(&word.as_str()) || word == "in" {
            let finding = self.bad(format!("`{word}` is a word of the language and no name")).here("cannot stand here");
            return Err(Box::new(match word.as_str() {
                "if" => finding.help("write a choice as `test ? value : other`"),
                _ => finding,
            }));
        }
        self.advance(false)?;
        let literal = match word.as_str() {
            "true" => Some(Literal::Bool(true)),
            "false" => Some(Literal::Bool(false)),
            "null" => Some(Literal::Null),
            _ => None,
        };
        if let Some(literal) = literal {
            return self.node(Kind::Literal(literal), place);
        }
        let negated =
            matches!(word.as_str(), "not" | "NOT") && matches!(self.token, Token::Word(_) | Token::Literal(_));
        if negated {
            let finding = Diagnostic::new(&codes::BAD_EXPRESSION, place, format!("`{word}` is not an operator"));
            let gap = self.text.place(from, self.from);
            let finding = finding.here("write `!`").help("`!` means not");
            return Err(Box::new(finding.fix("write `!`", Applicability::Maybe, gap, "!")));
        }
        let opened = self.here();
        if !self.take("(")? {
            return self.node(Kind::Name(word), place);
        }
        let args = self.list(")", opened)?;
        let function = Spanned::new(word, place);
        if function.value == "has" {
            return self.has(&function, args, from);
        }
        self.node(Kind::Call { target: None, function, args }, self.since(from))
    }

    fn has(&self, function: &Spanned<String>, mut args: Vec<Expr>, from: usize) -> Parsed<Expr> {
        let only = if args.len() == 1 { args.pop() } else { None };
        match only.map(|only| only.kind) {
            Some(Kind::Select { of, field }) => self.node(Kind::Has { of, field }, self.since(from)),
            _ => {
                let finding = Diagnostic::new(&codes::BAD_EXPRESSION, function.span, "`has` asks for one field");
                Err(Box::new(finding.here("its argument is no field").help("write for instance `has(body.ref)`")))
            }
        }
    }

    /// Values up to the closing sign; a comma before it may stand.
    fn list(&mut self, close: &'static str, opened: Span) -> Parsed<Vec<Expr>> {
        let mut items = Vec::new();
        while !self.take(close)? {
            if self.token == Token::End {
                return Err(self.unclosed(opened));
            }
            items.push(self.expression()?);
            if !self.take(",")? {
                self.close(close, opened)?;
                break;
            }
        }
        Ok(items)
    }

    fn entries(&mut self, opened: Span) -> Parsed<Vec<(Expr, Expr)>> {
        let mut entries = Vec::new();
        while !self.take("}")? {
            if self.token == Token::End {
                return Err(self.unclosed(opened));
            }
            let key = self.expression()?;
            if !self.take(":")? {
                let finding = self.bad(format!("a key needs its `:`, not {}", self.shown())).here("`:` is wanted");
                return Err(Box::new(finding.label(key.span, "the key")));
            }
            entries.push((key, self.expression()?));
            if !self.take(",")? {
                self.close("}", opened)?;
                break;
            }
        }
        Ok(entries)
    }

    fn close(&mut self, close: &'static str, opened: Span) -> Parsed<()> {
        if self.take(close)? {
            return Ok(());
        }
        if self.token == Token::End {
            return Err(self.unclosed(opened));
        }
        let mut finding = self.left_over();
        finding.labels.push(crate::diag::Label { span: opened, message: format!("`{close}` is wanted for this") });
        Err(finding)
    }

    fn unclosed(&self, opened: Span) -> Box<Diagnostic> {
        let finding = Diagnostic::new(&codes::BAD_EXPRESSION, opened, "a bracket is not closed");
        Box::new(finding.here("opened here"))
    }

    /// What cannot go on an expression that could have ended.
    fn left_over(&self) -> Box<Diagnostic> {
        let shown = self.shown();
        let finding = match &self.token {
            Token::Sign(")" | "]" | "}") => self.bad(format!("{shown} closes nothing")).here("one too many"),
            Token::Sign("{") => self.bad("messages are not in the language").here("a map has no name before it"),
            Token::Word(word) if ["contains", "startsWith", "endsWith", "matches"].contains(&word.as_str()) => self
                .bad(format!("{shown} is a function and no operator"))
                .here("not an operator")
                .help(format!("write `text.{word}(\"…\")`")),
            Token::Word(word) if word == "is" => {
                self.bad("`is` is not an operator").here("write `==`").help("`==` compares")
            }
            Token::Word(word) if word == "not" => {
                self.bad("`not` is not an operator").here("write `!`").help("write `!(a in b)`")
            }
            Token::Sign(_) => self.bad(format!("{shown} cannot stand here")).here("not expected"),
            Token::Word(_) | Token::Quoted(_) | Token::Literal(_) | Token::End => {
                self.bad(format!("an operator is wanted, not {shown}")).here("an operator is missing before this")
            }
        };
        Box::new(finding)
    }
}

fn too_deep(span: Span) -> Box<Diagnostic> {
    let message = format!("an expression is nested more than {NESTING} deep");
    let finding = Diagnostic::new(&codes::EXPRESSION_TOO_DEEP, span, message).here("too deep");
    Box::new(finding.help("split it into several values"))
}

/// The depth of the deepest part.
fn below(kind: &Kind) -> u16 {
    let most = |parts: &[Expr]| parts.iter().map(|part| part.depth).max().unwrap_or(0);
    match kind {
        Kind::Unread | Kind::Literal(_) | Kind::Name(_) => 0,
        Kind::Select { of, .. } | Kind::Has { of, .. } | Kind::Not(of) | Kind::Negative(of) => of.depth,
        Kind::Index { of, index } => of.depth.max(index.depth),
        Kind::Call { target, args, .. } => target.as_ref().map_or(0, |target| target.depth).max(most(args)),
        Kind::Binary { left, right, .. } => left.depth.max(right.depth),
        Kind::All(parts) | Kind::Any(parts) | Kind::List(parts) => most(parts),
        Kind::Conditional { test, then, otherwise } => test.depth.max(then.depth).max(otherwise.depth),
        Kind::Map(entries) => entries.iter().map(|(key, value)| key.depth.max(value.depth)).max().unwrap_or(0),
        Kind::Macro(inner) => {
            let filter = inner.filter.as_ref().map_or(0, |filter| filter.depth);
            inner.range.depth.max(inner.body.depth).max(filter)
        }
    }
}

fn negated(literal: &Literal) -> Option<Literal> {
    match literal {
        // The smallest int has no positive twin: its literal stands for the magnitude.
        Literal::Int(number) => Some(Literal::Int(number.checked_neg().unwrap_or(i64::MIN))),
        Literal::Double(number) => Some(Literal::Double(-number)),
        Literal::Null | Literal::Bool(_) | Literal::Uint(_) | Literal::String(_) | Literal::Bytes(_) => None,
    }
}

fn comprehension(name: &str) -> Option<Comprehension> {
    let name = if name == "existsOne" { "exists_one" } else { name };
    Comprehension::ALL.iter().copied().find(|known| known.as_str() == name)
}

fn macro_of(what: Comprehension, range: Expr, name: &Spanned<String>, mut args: Vec<Expr>) -> Parsed<Macro> {
    let filtered = what == Comprehension::Map && args.len() == 3;
    if args.len() != 2 && !filtered {
        let message = format!("`{}` takes a variable and an expression", name.value);
        let finding = Diagnostic::new(&codes::BAD_EXPRESSION, name.span, message).here("not two arguments");
        return Err(Box::new(finding.help(format!("write `list.{}(item, item > 0)`", name.value))));
    }
    let body = args.pop().expect("BUG: the arguments were counted");
    let filter = if filtered { args.pop() } else { None };
    let variable = args.pop().expect("BUG: the arguments were counted");
    let Kind::Name(variable_name) = variable.kind else {
        let message = format!("the first argument of `{}` is a variable's name", name.value);
        let finding = Diagnostic::new(&codes::BAD_EXPRESSION, variable.span, message).here("not a name");
        return Err(Box::new(finding.help(format!("write `list.{}(item, …)`", name.value))));
    };
    Ok(Macro { what, range, variable: Spanned::new(variable_name, variable.span), filter, body })
}
