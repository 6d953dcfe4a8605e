//! Names of tasks that stand in modules.

use super::scope::closest;
use crate::diag::{Applicability, Diagnostic, codes};
use crate::source::Spanned;

/// What is wrong with the name of a task that is not there; `modules` are those that are used.
pub fn unknown(name: &Spanned<String>, tasks: &[&str], modules: &[String]) -> Diagnostic {
    let finding = |message: String| Diagnostic::new(&codes::UNKNOWN_NAME, name.span, message).here("not defined");
    let no_task = || finding(format!("there is no task `{}`", name.value));
    let Some((module, _)) = name.value.rsplit_once('.') else {
        let same = tasks.iter().find(|task| task.rsplit_once('.').is_some_and(|(_, last)| last == name.value));
        return match same {
            Some(real) => no_task().help(format!("a module has it: `{real}`")).fix(
                format!("replace by `{real}`"),
                Applicability::Maybe,
                name.span,
                format!("\"{real}\""),
            ),
            None => closest(no_task(), name, "task", tasks),
        };
    };
    if modules.iter().any(|known| known == module) {
        let own: Vec<&str> =
            tasks.iter().copied().filter(|task| task.rsplit_once('.').is_some_and(|(of, _)| of == module)).collect();
        return closest(no_task(), name, "task", &own);
    }
    let known: Vec<&str> = tasks.iter().copied().filter(|task| task.contains('.')).collect();
    let none = finding(format!("there is no module `{module}`"));
    if known.is_empty() { none.help("bring one by `use`") } else { closest(none, name, "task", &known) }
}
