//! The lines of a plan, before they get their looks: sections, actions, and what stands below them.

use serde_json::Value;

use super::sign;
use crate::plan::effect::{Effect, Gate, Program};
use crate::plan::{Action, Change, Kind, Op, Plan, Segment, diff};

/// Most fields of a new object that are shown.
const CREATE_FIELDS: usize = 10;
/// Most fields of a change that are shown.
const UPDATE_FIELDS: usize = 60;

/// A part of the plan with its heading.
pub struct Section {
    pub title: String,
    /// Name of the segment.
    pub segment: String,
    pub lines: Vec<Line>,
}

/// One line: how deep it stands, its sign if it has one, its text, and a remark for the right-hand column.
#[derive(Clone, Debug)]
pub struct Line {
    pub depth: usize,
    pub sign: &'static str,
    pub text: String,
    pub remark: String,
}

impl Line {
    fn new(depth: usize, sign: &'static str, text: impl Into<String>) -> Line {
        Line { depth, sign, text: text.into(), remark: String::new() }
    }
}

/// The sections of a plan, pipelines first, then environments in the order of promotion.
pub fn sections(plan: &Plan) -> Vec<Section> {
    let section = |segment: &Segment| {
        let mine = plan.actions.iter().filter(|action| action.segment == segment.name);
        let lines = mine.flat_map(action_lines).collect();
        Section { title: title(segment), segment: segment.name.clone(), lines }
    };
    plan.segments.iter().map(section).collect()
}

fn title(segment: &Segment) -> String {
    match &segment.environment {
        Some(name) => format!("environment {name} · cluster {}", segment.cluster),
        None => format!("{} · cluster {}", segment.name.replacen('.', " ", 1), segment.cluster),
    }
}

fn action_lines(action: &Action) -> Vec<Line> {
    let mut head = Line::new(1, sign(action.kind, action.op), headline(action));
    head.remark = format!("{} ({}:{})", action.reason.text, action.reason.file, action.reason.line);
    let mut lines = vec![head];
    if let Some(after) = after(action) {
        lines.push(Line::new(3, "", after));
    }
    match (action.kind, action.op) {
        (Kind::Pod, _) => lines.extend(pod_lines(action)),
        (Kind::Object, Op::Create) => lines.extend(create_lines(action)),
        (Kind::Object, _) => lines.extend(update_lines(action)),
        (Kind::Commit | Kind::Traffic | Kind::Gate | Kind::Hook, _) => {
            lines.extend(action.changes.iter().flat_map(change_lines))
        }
    }
    if let Some(undo) = &action.undone_by {
        lines.push(Line::new(3, "", format!("undone by {undo}")));
    }
    lines
}

fn headline(action: &Action) -> String {
    let object = action.address.split_once(".object.").map(|(_, object)| object.to_owned()).unwrap_or_default();
    match (&action.effect, action.op) {
        (_, Op::Create) => format!("{object} will be created"),
        (_, Op::Update) => format!("{object} will be updated in-place"),
        (_, Op::Replace) => format!("{object} must be replaced"),
        (_, Op::Delete) => format!("{object} will be deleted"),
        (_, Op::Adopt) => format!("{object} will be adopted"),
        (_, Op::Forget) => format!("{object} will be forgotten"),
        (Effect::Pod(_), _) => format!("{} will run", action.address),
        (Effect::Commit(commit), _) => format!("commit to {} will be pushed", commit.branch),
        (Effect::Gate(gate), _) => gate_line(gate),
        (Effect::Traffic(traffic), _) => format!("canary {} stage {}", traffic.rollout, traffic.stage + 1),
        (Effect::Apply(_) | Effect::Delete(_) | Effect::UndoRollout(_) | Effect::UndoCommit(_), _) => {
            action.address.clone()
        }
    }
}

fn gate_line(gate: &Gate) -> String {
    use crate::spec::value::show_seconds;
    match gate {
        Gate::Health { objects, timeout_seconds } => {
            format!("health of {} objects, up to {}", objects.len(), show_seconds(*timeout_seconds))
        }
        Gate::Hold { seconds } => format!("hold {}", show_seconds(*seconds)),
        Gate::Soak { seconds, environment, .. } => format!("soak {} in {environment}", show_seconds(*seconds)),
        Gate::Approval { by } => format!("approval by {}", by.join(" or ")),
    }
}

/// What an action waits for; a long list of one segment is counted.
fn after(action: &Action) -> Option<String> {
    const SHOWN: usize = 4;
    match action.waits_for.len() {
        0 => None,
        count if count > SHOWN => {
            Some(format!("after {} and {} more", action.waits_for[..SHOWN - 1].join(", "), count - SHOWN + 1))
        }
        _ => Some(format!("after {}", action.waits_for.join(", "))),
    }
}

fn pod_lines(action: &Action) -> Vec<Line> {
    let Effect::Pod(group) = &action.effect else { return Vec::new() };
    let steps: Vec<(String, String, String)> = group
        .tasks
        .iter()
        .flat_map(|task| task.steps.iter().map(move |step| (task, step)))
        .map(|(task, step)| match &step.program {
            Program::Shell { image, text } => (format!("{}.{}", task.name, step.name), first_line(text), image.clone()),
            Program::Checkout { revision, workspace, .. } => (
                task.name.clone(),
                format!("commit {} into workspace {workspace}", revision.chars().take(7).collect::<String>()),
                String::new(),
            ),
            Program::Image { context, dockerfile, reference } => (
                task.name.clone(),
                format!("image {reference}, digest (known after pipeline.{}.image.{})", group.pipeline, task.name),
                format!("{context}/{dockerfile}"),
            ),
        })
        .collect();
    let width = steps.iter().map(|(name, _, _)| name.chars().count()).max().unwrap_or(0);
    steps
        .into_iter()
        .map(|(name, text, remark)| {
            let padding = " ".repeat(width - name.chars().count());
            Line { depth: 3, sign: "", text: format!("{name}{padding}  {text}"), remark }
        })
        .collect()
}

fn first_line(text: &str) -> String {
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let first = lines.next().unwrap_or_default();
    let more = lines.count();
    let first: String =
        if first.chars().count() > 60 { first.chars().take(57).chain("...".chars()).collect() } else { first.into() };
    if more == 0 { first } else { format!("{first} (and {more} more lines)") }
}

fn create_lines(action: &Action) -> Vec<Line> {
    let shown = action.changes.iter().take(CREATE_FIELDS).flat_map(change_lines);
    let mut lines: Vec<Line> = shown.collect();
    let hidden = action.changes.len().saturating_sub(CREATE_FIELDS);
    if hidden > 0 {
        lines.push(Line::new(4, "", format!("# {hidden} more fields")));
    }
    lines
}

fn update_lines(action: &Action) -> Vec<Line> {
    let mut lines: Vec<Line> = action.changes.iter().take(UPDATE_FIELDS).flat_map(change_lines).collect();
    if action.changes.len() > UPDATE_FIELDS {
        lines.push(Line::new(4, "", format!("# {} more changed fields", action.changes.len() - UPDATE_FIELDS)));
    }
    if let Effect::Apply(apply) = &action.effect {
        let unchanged = diff::leaves(&apply.object).len().saturating_sub(action.changes.len());
        if unchanged > 0 {
            lines.push(Line::new(4, "", format!("# {unchanged} unchanged fields hidden")));
        }
    }
    lines
}

/// A field with its values; texts of several lines as a diff of their lines.
fn change_lines(change: &Change) -> Vec<Line> {
    let sign = match (&change.before, &change.after) {
        (None, _) => "+",
        (Some(_), None) => "-",
        (Some(_), Some(_)) => "~",
    };
    let old = change.before.as_ref().and_then(Value::as_str).filter(|text| text.trim_end().contains('\n'));
    let new = change.after.as_ref().and_then(Value::as_str).filter(|text| text.trim_end().contains('\n'));
    if old.is_some() || new.is_some() {
        let mut lines = vec![Line::new(3, sign, format!("{}:", change.path))];
        lines.extend(text_diff(old.unwrap_or_default(), new.unwrap_or_default()));
        return lines;
    }
    let text = match (&change.before, &change.after) {
        (Some(before), Some(after)) => format!("{}   {} -> {}", change.path, show(before), shown_after(after, change)),
        (None, Some(after)) => format!("{}   {}", change.path, shown_after(after, change)),
        (Some(before), None) => format!("{}   {} -> (removed)", change.path, show(before)),
        (None, None) => change.path.clone(),
    };
    vec![Line::new(3, sign, text)]
}

fn shown_after(after: &Value, change: &Change) -> String {
    match (&change.unknown, after.as_str()) {
        (Some(_), Some(text)) => text.to_owned(),
        (Some(from), None) => format!("(known after {from})"),
        (None, _) => show(after),
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "\"\"".into(),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

fn text_diff(old: &str, new: &str) -> Vec<Line> {
    let diff = similar::TextDiff::from_lines(old, new);
    let mut lines = Vec::new();
    for change in diff.iter_all_changes() {
        let sign = match change.tag() {
            similar::ChangeTag::Delete => "-",
            similar::ChangeTag::Insert => "+",
            similar::ChangeTag::Equal => continue,
        };
        lines.push(Line::new(4, sign, change.value().trim_end_matches(['\n', '\r'])));
    }
    lines
}
