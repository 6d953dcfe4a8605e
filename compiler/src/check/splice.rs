//! A value pasted into a shell text would be run by the shell: it must come as an environment variable.

use crate::diag::{Applicability, Diagnostic, Diags, Edit, codes};
use crate::expr;
use crate::source::{Sources, Span};
use crate::spec::Spec;
use crate::spec::task::{Script, Step};

/// Reports each `${param.…}` and its like in the scripts of all tasks.
pub fn check(sources: &Sources, spec: &Spec, diags: &mut Diags) {
    for step in spec.tasks.iter().flat_map(|task| &task.steps) {
        let Some(script) = &step.script else { continue };
        for (from, to) in expr::splices(&script.text.value) {
            diags.push(splice(sources, step, script, from, to));
        }
    }
}

fn splice(sources: &Sources, step: &Step, script: &Script, from: usize, to: usize) -> Diagnostic {
    let written = &script.text.value[from..to];
    let inside = written.trim_start_matches("${").trim_end_matches('}').trim();
    let variable = variable(inside, step);
    let place = script.text.place(from, to);
    let message = format!("`{written}` is spliced into a script");
    let finding =
        Diagnostic::new(&codes::SCRIPT_SPLICE, place, message).here("the shell would run what the value holds");
    let finding = finding.help(format!("give it to the step as an environment variable and write \"${variable}\""));
    let known = step.env.iter().any(|(name, _)| name.value == variable);
    let mut edits = vec![Edit { span: place, text: format!("${{{variable}}}") }];
    if !known {
        edits.push(insert_env(sources, step, script, &variable, written));
    }
    finding.fix_edits(format!("pass it as `{variable}`"), Applicability::Maybe, edits)
}

/// The variable that holds the value already, or a name for a new one.
fn variable(inside: &str, step: &Step) -> String {
    let holds = |template: &expr::Template| match template.pieces.as_slice() {
        [expr::Piece::Chain(chain)] => chain.show() == inside,
        _ => false,
    };
    if let Some((name, _)) = step.env.iter().find(|(_, template)| holds(template)) {
        return name.value.clone();
    }
    let names: Vec<&str> = inside.split('.').filter(|name| !["param", "path", "sha"].contains(name)).collect();
    names.join("_").to_uppercase().replace('-', "_")
}

/// A new line with the variable, beside the script in its own syntax.
fn insert_env(sources: &Sources, step: &Step, script: &Script, variable: &str, written: &str) -> Edit {
    let file = script.head.file;
    let text = sources.text(file);
    let line_start = text[..script.head.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let lead = &text[line_start..script.head.start as usize];
    let indent: String =
        lead.chars().map(|c| if c == '-' { ' ' } else { c }).take_while(|c| c.is_whitespace()).collect();
    if sources.path(file).ends_with(".kdl") {
        let end = script.span.end as usize;
        let at = Span::new(file, end, end);
        let separator = if lead.trim().is_empty() { format!("\n{indent}") } else { "; ".into() };
        return Edit { span: at, text: format!("{separator}env {variable}=\"{written}\"") };
    }
    if let Some((first, _)) = step.env.first() {
        let at = first.span.start as usize;
        let line = text[..at].rfind('\n').map_or(0, |at| at + 1);
        let span = Span::new(file, at, at);
        let block = text[line..at].trim().is_empty();
        let indent = &text[line..at];
        let value = format!("{variable}: \"{written}\"");
        return Edit { span, text: if block { format!("{value}\n{indent}") } else { format!("{value}, ") } };
    }
    let at = script.head.start as usize;
    let block = ["", "-"].contains(&lead.trim());
    let separator = if block { format!("\n{indent}") } else { ", ".into() };
    Edit { span: Span::new(file, at, at), text: format!("env: {{{variable}: \"{written}\"}}{separator}") }
}
