//! A result is what a step writes to its file: a task none of whose steps gets the file's path never has it.

use crate::diag::{Diagnostic, Diags, codes};
use crate::expr::{self, Piece, Template};
use crate::source::Spanned;
use crate::spec::Spec;
use crate::spec::task::Task;

/// Reports each result whose `${result.NAME.path}` no step of its task mentions.
pub fn check(spec: &Spec, diags: &mut Diags) {
    for task in spec.tasks.iter().filter(|task| !doubtful(task)) {
        for (at, result) in task.results.iter().enumerate() {
            let again = task.results[..at].iter().any(|first| first.name.value == result.name.value);
            if !again && !written(task, &result.name.value) {
                diags.push(unwritten(&result.name));
            }
        }
    }
}

fn unwritten(name: &Spanned<String>) -> Diagnostic {
    let message = format!("no step writes result `{}`", name.value);
    let variable = name.value.to_uppercase().replace('-', "_");
    let finding = Diagnostic::new(&codes::RESULT_NOT_WRITTEN, name.span, message).here("no step gets its file");
    finding.help(format!(
        "add `env {variable}=\"${{result.{}.path}}\"` to a step and write the value to the file \"${variable}\"",
        name.value
    ))
}

/// The names of the results that steps mention.
fn mentioned(task: &Task) -> impl Iterator<Item = &str> {
    task.strings().into_iter().flat_map(Template::chains).filter_map(|chain| match chain.parts().as_slice() {
        ["result", _, ..] => Some(chain.names[1].value.as_str()),
        _ => None,
    })
}

fn written(task: &Task, result: &str) -> bool {
    mentioned(task).any(|name| name == result)
}

/// Whether another finding may be the reason: an unread expression, an unknown result, a result spliced into a script.
fn doubtful(task: &Task) -> bool {
    let unread =
        task.strings().into_iter().flat_map(|template| &template.pieces).any(|piece| matches!(piece, Piece::Unread));
    let unknown = mentioned(task).any(|name| !task.results.iter().any(|result| result.name.value == name));
    let spliced = task.steps.iter().filter_map(|step| step.script.as_ref()).any(|script| {
        let text = &script.text.value;
        expr::splices(text).into_iter().any(|(from, to)| text[from..to].contains("result"))
    });
    unread || unknown || spliced
}
