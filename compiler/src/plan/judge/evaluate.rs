//! Evaluates one expression of a policy.

use crate::diag::Diags;
use crate::expr::{self, Bindings, Budget, Dialect, Value};
use crate::source::{FileId, Span};
use crate::syntax::Text;

/// Whether an expression is true. What is not a truth value is an error, and so is whatever it cannot be asked.
pub fn truth(expression: &str, action: &serde_json::Value, plan: &serde_json::Value) -> Result<bool, String> {
    let mut diags = Diags::default();
    let text = Text::plain(expression, Span::start_of(FileId(0)));
    let parsed = expr::whole(&text, Dialect::Waybill, &mut diags);
    if let Some(finding) = diags.iter().next() {
        return Err(finding.message.clone());
    }
    let bindings = Bindings::default().with("action", Value::from_json(action)).with("plan", Value::from_json(plan));
    match expr::eval(&parsed, &bindings, Budget::OBJECT) {
        Ok(Value::Bool(truth)) => Ok(truth),
        Ok(_) => Err("the expression is neither true nor false".into()),
        Err(error) => Err(error.message),
    }
}
