//! What an action changes, as lines that people read.

use serde_json::{Value, json};

use crate::plan::diff::{self, Difference};
use crate::plan::effect::{Commit, Group, Part, Program, Step};
use crate::plan::{Change, Unknown, unknown};

/// Differences of an object, placeholders replaced by where their values come from.
pub fn of_object(differences: &[Difference], unknowns: &[Unknown]) -> Vec<Change> {
    differences.iter().map(|difference| of_field(diff::show(&difference.path), difference, unknowns)).collect()
}

fn of_field(path: String, difference: &Difference, unknowns: &[Unknown]) -> Change {
    let text = difference.after.as_ref().and_then(Value::as_str).unwrap_or_default();
    let found = unknowns.iter().find(|unknown| text.contains(&unknown.placeholder));
    Change {
        path,
        before: difference.before.clone(),
        after: match found {
            Some(_) => Some(json!(unknown::shown(text, unknowns))),
            None => difference.after.clone(),
        },
        unknown: found.map(|unknown| unknown.from.clone()),
    }
}

/// The scalars that a commit writes.
pub fn of_commit(commit: &Commit, unknowns: &[Unknown]) -> Vec<Change> {
    let mut changes = Vec::new();
    for edit in &commit.edits {
        for (key, scalar) in [("newTag", &edit.tag), ("digest", &edit.digest)] {
            if scalar.before == scalar.after {
                continue;
            }
            let path = format!("{}:images[{}].{key}", edit.path, edit.image);
            let difference = Difference {
                path: Vec::new(),
                before: scalar.before.clone().map(Value::from),
                after: scalar.after.clone().map(Value::from),
            };
            changes.push(of_field(path, &difference, unknowns));
        }
    }
    changes
}

/// What the steps of a Pod run and with which values: a review approves them.
pub fn of_pod(group: &Group, unknowns: &[Unknown]) -> Vec<Change> {
    let mut changes = Vec::new();
    let of_whole =
        |path: &str, after: Value| Change { path: path.into(), before: None, after: Some(after), unknown: None };
    changes.extend(group.deadline_seconds.map(|seconds| of_whole("deadline", json!(format!("{seconds}s")))));
    for (key, value) in group.fields.as_object().into_iter().flatten() {
        changes.push(of_whole(&format!("pod.{key}"), value.clone()));
    }
    for task in &group.tasks {
        for step in &task.steps {
            let at = format!("tasks[{}].steps[{}]", task.name, step.name);
            of_step(&at, step, unknowns, &mut changes);
        }
    }
    changes
}

fn of_step(at: &str, step: &Step, unknowns: &[Unknown], changes: &mut Vec<Change>) {
    let mut add = |name: &str, value: String| {
        let from =
            unknowns.iter().find(|unknown| value.contains(&unknown.placeholder)).map(|unknown| unknown.from.clone());
        let after = Some(json!(unknown::shown(&value, unknowns)));
        changes.push(Change { path: format!("{at}.{name}"), before: None, after, unknown: from });
    };
    match &step.program {
        Program::Shell { image, text } => {
            add("image", image.clone());
            add("run", text.clone());
        }
        Program::Checkout { remote: _, revision, workspace } => {
            // The remote is left out: a laptop and a runner reach one repository by different URLs.
            add("checkout", format!("{revision} into {workspace}"));
        }
        Program::Image { context, dockerfile, reference } => {
            add("build", format!("{reference} from {context}/{dockerfile}"))
        }
    }
    if let Some(workdir) = &step.workdir {
        add("workdir", workdir.clone());
    }
    if step.continue_on_error {
        add("on-error", "continue".into());
    }
    for (key, value) in step.fields.as_object().into_iter().flatten() {
        add(key, value.to_string());
    }
    for variable in &step.env {
        add(&format!("env[{}]", variable.name), variable.parts.iter().map(show_part).collect());
    }
}

fn show_part(part: &Part) -> String {
    match part {
        Part::Text(text) => text.clone(),
        Part::Result { task, name } => format!("(result {name} of {task})"),
    }
}
