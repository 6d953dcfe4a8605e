//! Evaluates one expression of a policy.

use cel::{Context, Program, Value};

/// Whether an expression is true. What is not a truth value is an error, and so is whatever it cannot be asked.
pub fn truth(expression: &str, action: &serde_json::Value, plan: &serde_json::Value) -> Result<bool, String> {
    let program = Program::compile(expression).map_err(|error| error.to_string())?;
    let mut context = Context::default();
    for (name, value) in [("action", action), ("plan", plan)] {
        context.add_variable(name, value).map_err(|error| error.to_string())?;
    }
    match program.execute(&context) {
        Ok(Value::Bool(truth)) => Ok(truth),
        Ok(_) => Err(format!("`{expression}` is neither true nor false")),
        Err(error) => Err(error.to_string()),
    }
}
