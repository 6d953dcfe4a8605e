//! A plan as markdown for one comment in a pull request: folded by environment, within the size that forges accept.

use super::lines::{self, Line, Section};
use super::{header, summary};
use crate::plan::Plan;

/// Largest comment in bytes; GitHub takes 65,536 characters.
const SIZE: usize = 60_000;

/// The whole plan, or its counts where it would be too large.
pub fn render(plan: &Plan) -> String {
    let mut text = head(plan);
    if plan.actions.is_empty() {
        return text;
    }
    let sections = lines::sections(plan);
    let full: Vec<String> = sections.iter().map(fold).collect();
    let length: usize = full.iter().map(String::len).sum();
    if text.len() + length <= SIZE {
        text.push_str(&full.concat());
        return text;
    }
    text.push_str("\nThe plan is too large for a comment; the attached plan file holds all of it.\n\n");
    text.push_str("| part | actions |\n| --- | --- |\n");
    for section in &sections {
        let actions = plan.actions.iter().filter(|action| action.segment == section.segment).count();
        text.push_str(&format!("| {} | {actions} |\n", section.title));
    }
    text
}

fn head(plan: &Plan) -> String {
    let line = if plan.actions.is_empty() { "No changes.".to_owned() } else { summary(&plan.summary) };
    let mut text = format!("**{line}** Plan `{}`\n\n{}\n", plan.id, header(plan));
    for note in &plan.notes {
        text.push_str(&format!("\n> {note}\n"));
    }
    for held in &plan.held {
        text.push_str(&format!("\n> held in {}: {} {}, {}\n", held.environment, held.image, held.tag, held.cause));
    }
    text
}

fn fold(section: &Section) -> String {
    let longest = section.lines.iter().map(|line| longest_ticks(&line.text)).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    let mut text = format!("\n<details><summary>{}</summary>\n\n{fence}diff\n", section.title);
    for line in &section.lines {
        text.push_str(&diff_line(line));
    }
    text.push_str(&format!("{fence}\n\n</details>\n"));
    text
}

/// A text with backticks must not end the fence that it stands in.
fn longest_ticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Signs at the first column, where forges colour them; `~` becomes `!`.
fn diff_line(line: &Line) -> String {
    let sign = match line.sign {
        "~" | "-/+" => "!",
        "" => " ",
        other => other,
    };
    let remark = if line.remark.is_empty() { String::new() } else { format!("   # {}", line.remark) };
    format!("{sign}{}{}{remark}\n", "  ".repeat(line.depth), line.text)
}
