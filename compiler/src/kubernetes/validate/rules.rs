//! `x-kubernetes-validations`: the CEL rules of a definition over the value that they stand at.
//!
//! **Invariant:** a rule is only broken if it has the value `false`: what this evaluator cannot read or compute, and what
//! compares with an old value, is passed over. The value is seen as the API server shows it: with its defaults, without
//! unknown fields, numbers, times and bytes by the schema, names escaped.

use crate::diag::{Diagnostic, Diags};
use crate::expr::{self, Bindings, Budget, Dialect, Expression, Value};
use crate::kubernetes::schema::{Rule, Schema, Schemas, Type};
use crate::source::{FileId, Span};
use crate::syntax::Text;
use crate::syntax::yaml::{Kind, Node};

/// What one rule may cost: the evaluator counts the nodes that it visits.
const BUDGET: Budget = Budget { cost: 1_000_000, size: 1 << 20 };

/// Words that CEL keeps for itself; fields of these names are written with underscores around them.
const RESERVED: &[&str] = &[
    "true",
    "false",
    "null",
    "in",
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

/// Reports each rule of a schema that a value breaks. `path` names the value, `key` is the key that it stands at.
pub(super) fn check(
    path: &str,
    schemas: &Schemas,
    schema: &Schema,
    node: &Node,
    key: Span,
    root: bool,
    found: &mut Vec<Diagnostic>,
) {
    let own = value(schemas, schema, node, root || schema.embedded);
    let bindings = Bindings::default().with("self", own);
    for rule in &schema.rules {
        let Some(expression) = rule.compiled.get_or_init(|| compile(&rule.rule)) else { continue };
        if let Ok(Value::Bool(false)) = expr::eval(expression, &bindings, BUDGET) {
            found.push(broken(path, rule, node, key));
        }
    }
}

/// A rule that can be judged from the value alone.
fn compile(rule: &str) -> Option<Expression> {
    let compares = rule.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "oldSelf");
    if compares {
        return None;
    }
    let text = Text { value: rule.trim().to_owned(), span: Span::new(FileId(0), 0, 0), map: Vec::new() };
    let mut diags = Diags::default();
    let expression = expr::whole(&text, Dialect::Kubernetes, &mut diags);
    (!diags.has_errors()).then_some(expression)
}

fn broken(path: &str, rule: &Rule, node: &Node, key: Span) -> Diagnostic {
    let place = match node.kind {
        Kind::Map(_) | Kind::Seq(_) => key,
        Kind::Null | Kind::Bool(_) | Kind::Number(_) | Kind::Str(_) => node.span,
    };
    let field = rule.field_path.trim_start_matches('.');
    let (mut place, mut at) = (place, node);
    for name in field.split('.').filter(|name| !name.is_empty()) {
        let Some((key, inner)) = at.entry(name) else { break };
        (place, at) = (key.span, inner);
    }
    let why = if rule.message.is_empty() { format!("breaks the rule `{}`", rule.rule.trim()) } else { said(rule) };
    let name = if path.is_empty() { "the object" } else { path };
    super::findings::value(name, place, why).note(format!("the rule is `{}`", rule.rule.trim()))
}

fn said(rule: &Rule) -> String {
    format!("breaks a rule of its definition: {}", rule.message.trim().trim_end_matches('.'))
}

/// What a rule sees of a value.
fn value(schemas: &Schemas, schema: &Schema, node: &Node, headed: bool) -> Value {
    let schema = schemas.resolve(schema);
    match &node.kind {
        Kind::Null => Value::Null,
        Kind::Bool(truth) => Value::Bool(*truth),
        Kind::Number(number) => match (schema.ty, number.as_f64()) {
            (Type::Number, Some(number)) => Value::Double(number),
            _ => Value::from_json(&serde_json::Value::Number(number.clone())),
        },
        Kind::Str(text) => formatted(schema, &text.value),
        Kind::Seq(items) => {
            let inner = |item| match schema.items.as_deref() {
                Some(schema) => value(schemas, schema, item, schema.embedded),
                None => Value::from_json(&Node::to_json(item)),
            };
            Value::list(items.iter().map(inner).collect())
        }
        Kind::Map(entries) => {
            let mut fields: Vec<(String, Value)> = Vec::new();
            for (name, inner) in entries {
                let name = name.value.as_str();
                let known = schema.properties.get(name);
                let defaulted = known.is_some_and(|known| !known.nullable && known.default.is_some());
                if inner.is_null() && known.is_some_and(|known| !known.nullable) && !headed {
                    if !defaulted {
                        continue;
                    }
                } else if let Some(known) = known.filter(|_| !(headed && name == "metadata")) {
                    fields.push((escaped(name), value(schemas, known, inner, known.embedded)));
                } else if let Some(other) = schema.additional.as_deref() {
                    fields.push((name.to_owned(), value(schemas, other, inner, other.embedded)));
                } else if schema.preserves || headed && matches!(name, "apiVersion" | "kind" | "metadata") {
                    fields.push((escaped(name), Value::from_json(&inner.to_json())));
                }
            }
            let lacking = schema
                .properties
                .iter()
                .filter(|(name, _)| entries.iter().all(|(key, inner)| key.value != **name || inner.is_null()));
            for (name, known) in lacking {
                if let Some(default) = known.default.as_ref().filter(|default| !default.is_null()) {
                    fields.push((escaped(name), of_default(schemas, known, default)));
                }
            }
            Value::map(fields.iter().map(|(name, value)| (name.as_str(), value.clone())))
        }
    }
}

/// A default, with the defaults inside it.
fn of_default(schemas: &Schemas, schema: &Schema, default: &serde_json::Value) -> Value {
    let span = Span::new(FileId(0), 0, 0);
    value(schemas, schema, &crate::kubernetes::graft::graft(default, None, span), false)
}

/// A text as its format has it in rules.
fn formatted(schema: &Schema, text: &str) -> Value {
    let wanted = match schema.format.as_str() {
        "date-time" => "timestamp(self)",
        "date" => "timestamp(self + \"T00:00:00Z\")",
        "duration" => "duration(self)",
        _ => return Value::string(text),
    };
    let bindings = Bindings::default().with("self", Value::string(text));
    let made = compile(wanted).and_then(|expression| expr::eval(&expression, &bindings, BUDGET).ok());
    made.unwrap_or_else(|| Value::string(text))
}

/// As in `apiservercel.Escape`: what is no name of CEL is spelled out.
fn escaped(name: &str) -> String {
    if RESERVED.contains(&name) {
        return format!("__{name}__");
    }
    name.replace("__", "__underscores__").replace('.', "__dot__").replace('-', "__dash__").replace('/', "__slash__")
}
