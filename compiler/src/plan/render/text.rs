//! A plan as text for a terminal, without colours: the command adds them by sign.

use super::lines::{self, Line};
use super::{header, summary};
use crate::plan::Plan;

/// Column of the remarks.
const REMARKS: usize = 76;

/// The whole plan. What to do with it next is the command's to say.
pub fn render(plan: &Plan) -> String {
    let mut text = format!("{}\n", header(plan));
    for note in uncommitted(plan).iter().chain(&plan.notes) {
        text.push_str(&format!("Note: {note}\n"));
    }
    for held in &plan.held {
        let what =
            if held.image.is_empty() { "the manifests".to_owned() } else { format!("{} {}", held.image, held.tag) };
        text.push_str(&format!(
            "Held: {what} in {}: {} (lift it by --retry {})\n",
            held.environment, held.cause, held.address
        ));
    }
    for section in lines::sections(plan) {
        text.push_str(&format!("\n{}\n", section.title));
        for line in &section.lines {
            text.push_str(&show(line));
        }
    }
    if !plan.foreign.is_empty() {
        text.push_str("\nFields that others set on our objects (no change)\n");
        for foreign in &plan.foreign {
            let object = format!("{}/{}", foreign.object.kind, foreign.object.name);
            text.push_str(&format!("  * {object} {}   by {}\n", foreign.path, foreign.manager));
        }
    }
    text.push('\n');
    text.push_str(&if plan.actions.is_empty() { "No changes.".to_owned() } else { summary(&plan.summary) });
    text.push('\n');
    text
}

/// Uncommitted changes are planned from, and said.
fn uncommitted(plan: &Plan) -> Vec<String> {
    let paths = plan.revision.as_ref().map(|revision| revision.uncommitted.as_slice()).unwrap_or_default();
    match paths {
        [] => Vec::new(),
        paths if paths.len() > 5 => {
            vec![format!("{} and {} more are not committed", paths[..4].join(", "), paths.len() - 4)]
        }
        [only] => vec![format!("{only} is not committed")],
        paths => vec![format!("{} are not committed", paths.join(", "))],
    }
}

fn show(line: &Line) -> String {
    let sign = if line.sign.is_empty() { String::new() } else { format!("{} ", line.sign) };
    let text = format!("{}{sign}{}", "  ".repeat(line.depth), line.text);
    if line.remark.is_empty() {
        return format!("{}\n", text.trim_end());
    }
    let width = text.chars().count();
    format!("{text}{}{}\n", " ".repeat(REMARKS.saturating_sub(width).max(2)), line.remark)
}
