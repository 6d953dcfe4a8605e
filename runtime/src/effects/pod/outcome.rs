//! What a Pod's status says of each task of its group: the other side of the manifest.
//!
//! **Invariant:** pure, and total: a status of any shape has an outcome.

use std::collections::BTreeMap;

use serde_json::Value;
use waybill_compiler::plan::effect::{Group, Program, Task};

use super::{Slot, slots};
use crate::apply::unknown::has_type;

/// What became of a Pod so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    pub verdict: Verdict,
    /// One per task, in order.
    pub tasks: Vec<(String, TaskState)>,
    /// By expression (`task.test.result.coverage`, `image.api.digest`): values of the tasks that succeeded.
    pub values: BTreeMap<String, String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// No step runs yet, or none right now; why.
    Waiting(String),
    /// `task/step`.
    Running(String),
    Succeeded,
    Failed(Failure),
    /// The node went away with the Pod; its steps are neither done nor failed.
    NodeLost(String),
}

/// The step that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The container whose log tells more; absent where none has run.
    pub container: Option<String>,
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskState {
    NotRun,
    Running,
    Succeeded,
    Failed {
        step: String,
        exit_code: Option<i64>,
        reason: String,
    },
    /// The node was lost while it ran.
    Unknown(String),
}

/// What one container's status says.
enum StepState {
    NotRun(Option<String>),
    /// It cannot start, and waiting will not help.
    Refused(String),
    Running,
    Ended {
        exit_code: i64,
        reason: String,
        message: String,
    },
}

/// Reads the Pod's `status`.
pub fn outcome(group: &Group, status: &Value) -> Outcome {
    let slots = slots(group);
    let states: Vec<StepState> = slots.iter().map(|(name, _)| step_state(status, name)).collect();
    let mut values = BTreeMap::new();
    let mut tasks: Vec<(String, TaskState)> = Vec::new();
    for task in &group.tasks {
        let of_task: Vec<(&Slot<'_>, &StepState)> = slots
            .iter()
            .zip(&states)
            .filter(|((_, slot), _)| std::ptr::eq(slot.task, task))
            .map(|((_, slot), state)| (slot, state))
            .collect();
        let mut state = task_state(&of_task);
        if state == TaskState::Succeeded
            && let Some((slot, StepState::Ended { message, .. })) = of_task.last()
        {
            match task_values(slot, message) {
                Ok(found) => values.extend(found),
                Err(reason) => {
                    state = TaskState::Failed { step: slot.step.name.clone(), exit_code: Some(0), reason };
                }
            }
        }
        tasks.push((task.name.clone(), state));
    }
    let verdict = verdict(status, &slots, &states, &tasks);
    if let Verdict::NodeLost(why) = &verdict {
        for (_, state) in &mut tasks {
            if matches!(state, TaskState::Running | TaskState::Failed { .. }) {
                *state = TaskState::Unknown(why.clone());
            }
        }
    }
    Outcome { verdict, tasks, values }
}

fn step_state(status: &Value, name: &str) -> StepState {
    let lists = ["initContainerStatuses", "containerStatuses"];
    let mut all = lists.iter().flat_map(|list| status[*list].as_array().into_iter().flatten());
    let Some(container) = all.find(|container| container["name"] == name) else { return StepState::NotRun(None) };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let state = &container["state"];
    if let Some(ended) = state.get("terminated").filter(|ended| ended.is_object()) {
        return StepState::Ended {
            exit_code: ended["exitCode"].as_i64().unwrap_or(-1),
            reason: text(&ended["reason"]),
            message: text(&ended["message"]),
        };
    }
    if state["running"].is_object() {
        return StepState::Running;
    }
    let waiting = &state["waiting"];
    let reason = text(&waiting["reason"]);
    let said = if waiting["message"].is_string() { format!("{reason}: {}", text(&waiting["message"])) } else { reason };
    match waiting["reason"].as_str().unwrap_or_default() {
        "InvalidImageName" | "ErrImageNeverPull" => StepState::Refused(said),
        "" | "PodInitializing" => StepState::NotRun(None),
        _ => StepState::NotRun(Some(said)),
    }
}

fn task_state(steps: &[(&Slot<'_>, &StepState)]) -> TaskState {
    let mut ended = 0;
    for (slot, state) in steps {
        match state {
            StepState::Ended { exit_code: 0, .. } => ended += 1,
            StepState::Ended { exit_code, reason, message } => {
                let reason = ended_reason(*exit_code, reason, message);
                return TaskState::Failed { step: slot.step.name.clone(), exit_code: Some(*exit_code), reason };
            }
            StepState::Refused(reason) => {
                return TaskState::Failed { step: slot.step.name.clone(), exit_code: None, reason: reason.clone() };
            }
            StepState::Running => return TaskState::Running,
            StepState::NotRun(_) => break,
        }
    }
    if ended == steps.len() {
        TaskState::Succeeded
    } else if ended > 0 {
        TaskState::Running
    } else {
        TaskState::NotRun
    }
}

/// The wrapper's own words where it has some, else the exit code, with Kubernetes' reason unless it says nothing.
fn ended_reason(exit_code: i64, reason: &str, message: &str) -> String {
    if let Some(said) = message.strip_prefix("! ") {
        return said.trim_end().to_owned();
    }
    match reason {
        "" | "Error" | "Completed" => format!("exited with {exit_code}"),
        other if message.is_empty() => format!("exited with {exit_code} ({other})"),
        other => format!("exited with {exit_code} ({other}: {})", message.trim_end()),
    }
}

/// The results that the last step handed over, by expression.
fn task_values(slot: &Slot<'_>, message: &str) -> Result<BTreeMap<String, String>, String> {
    let task = slot.task;
    let mut values = BTreeMap::new();
    if let Program::Image { .. } = slot.step.program {
        let digest = match frames(message) {
            Ok(frames) if frames.contains_key("digest") => frames["digest"].to_owned(),
            Ok(_) | Err(_) => message.trim().to_owned(),
        };
        if !has_type("digest", &digest) {
            return Err(format!("the image step gave no digest but `{digest}`"));
        }
        values.insert(format!("image.{}.digest", task.name), digest.clone());
        values.insert(format!("task.{}.result.digest", task.name), digest);
        return Ok(values);
    }
    if task.results.is_empty() {
        return Ok(values);
    }
    let frames = frames(message)?;
    for result in &task.results {
        let value = frames.get(result.name.as_str());
        let value = *value.ok_or_else(|| format!("result `{}` was not handed over", result.name))?;
        let value = value.strip_suffix('\n').unwrap_or(value);
        if !has_type(&result.r#type, value) {
            return Err(format!("result `{}` is not a {}: `{}`", result.name, result.r#type, shortened(value)));
        }
        values.insert(format!("task.{}.result.{}", task.name, result.name), value.to_owned());
    }
    Ok(values)
}

/// Takes `NAME LENGTH\nBYTES\n…` apart.
fn frames(message: &str) -> Result<BTreeMap<&str, &str>, String> {
    let mut frames = BTreeMap::new();
    let mut rest = message;
    while !rest.is_empty() {
        let damaged = || "the results were cut off or are not UTF-8 text".to_owned();
        let (head, body) = rest.split_once('\n').ok_or_else(damaged)?;
        let (name, length) = head.split_once(' ').ok_or_else(damaged)?;
        let length: usize = length.parse().map_err(|_| damaged())?;
        let value = body.get(..length).ok_or_else(damaged)?;
        rest = body[length..].strip_prefix('\n').ok_or_else(damaged)?;
        frames.insert(name, value);
    }
    Ok(frames)
}

fn shortened(value: &str) -> String {
    let mut short: String = value.chars().take(60).collect();
    if short.len() < value.len() {
        short.push('…');
    }
    short
}

fn verdict(
    status: &Value,
    slots: &[(String, Slot<'_>)],
    states: &[StepState],
    tasks: &[(String, TaskState)],
) -> Verdict {
    let text = |field: &str| status[field].as_str().unwrap_or_default().to_owned();
    let ended = matches!(status["phase"].as_str(), Some("Failed" | "Succeeded"));
    if text("reason") == "NodeLost" {
        return Verdict::NodeLost(if text("message").is_empty() {
            "its node went away".into()
        } else {
            text("message")
        });
    }
    for (task, state) in tasks {
        if let TaskState::Failed { step, exit_code, reason } = state
            && (ended || exit_code.is_none())
        {
            let container = slots.iter().find(|(_, slot)| slot.task.name == *task && slot.step.name == *step);
            let container = exit_code.and(container).map(|(name, _)| name.clone());
            let mut reason = format!("task `{task}` step `{step}` {}", with_verb(reason, *exit_code));
            if text("reason") == "DeadlineExceeded" {
                reason.push_str("; the deadline of the Pod has passed");
            }
            return Verdict::Failed(Failure { container, reason });
        }
    }
    if ended && tasks.iter().all(|(_, state)| *state == TaskState::Succeeded) {
        return Verdict::Succeeded;
    }
    if ended {
        let said = [text("reason"), text("message")].into_iter().filter(|part| !part.is_empty());
        let said = said.collect::<Vec<_>>().join(": ");
        let reason = format!("the Pod failed{}{said}", if said.is_empty() { "" } else { ": " });
        return Verdict::Failed(Failure { container: None, reason });
    }
    for ((_, slot), state) in slots.iter().zip(states) {
        match state {
            StepState::Running => return Verdict::Running(format!("{}/{}", slot.task.name, slot.step.name)),
            StepState::NotRun(Some(why)) => return Verdict::Waiting(why.clone()),
            StepState::NotRun(None) | StepState::Refused(_) | StepState::Ended { .. } => {}
        }
    }
    Verdict::Waiting(unscheduled(status).unwrap_or_else(|| "the Pod is starting".to_owned()))
}

fn with_verb(reason: &str, exit_code: Option<i64>) -> String {
    match exit_code {
        None => format!("cannot start: {reason}"),
        Some(0) => format!("succeeded, but {reason}"),
        Some(_) if reason.starts_with("exited") || reason.starts_with("stopped") => reason.to_owned(),
        Some(_) => format!("failed: {reason}"),
    }
}

/// Why the scheduler finds no node.
fn unscheduled(status: &Value) -> Option<String> {
    let conditions = status["conditions"].as_array()?;
    let found = conditions.iter().find(|entry| entry["type"] == "PodScheduled" && entry["status"] == "False")?;
    let message = found["message"].as_str().or(found["reason"].as_str())?;
    Some(format!("the Pod is not scheduled: {message}"))
}

/// Containers that have started, in order, with task and step.
pub fn started<'a>(group: &'a Group, status: &Value) -> Vec<(String, &'a Task, &'a str)> {
    slots(group)
        .into_iter()
        .filter(|(name, _)| matches!(step_state(status, name), StepState::Running | StepState::Ended { .. }))
        .map(|(name, slot)| (name, slot.task, slot.step.name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use waybill_compiler::plan::effect::TaskResult;

    use super::super::tests::step;
    use super::*;

    fn group() -> Group {
        let task = |name: &str, results: &[(&str, &str)], steps: &[&str]| Task {
            name: name.into(),
            steps: steps.iter().map(|name| step(name, "true")).collect(),
            results: results
                .iter()
                .map(|(name, kind)| TaskResult { name: (*name).into(), r#type: (*kind).into() })
                .collect(),
            timeout_seconds: None,
        };
        let mut image = task("api", &[("digest", "digest")], &["image"]);
        image.steps[0].program =
            Program::Image { context: "source".into(), dockerfile: "Dockerfile".into(), reference: "r/a:1".into() };
        Group {
            pipeline: "ci".into(),
            namespace: "ci".into(),
            service_account: None,
            workspaces: Vec::new(),
            tasks: vec![task("test", &[("coverage", "int")], &["a", "b"]), image],
            finally: false,
            runner_image: None,
            deadline_seconds: None,
            fields: Value::Null,
        }
    }

    fn ended(name: &str, code: i64, message: &str) -> Value {
        json!({"name": name, "state": {"terminated": {"exitCode": code, "reason": "Error", "message": message}}})
    }

    fn status(phase: &str, init: Vec<Value>, main: Option<Value>) -> Value {
        json!({"phase": phase, "initContainerStatuses": init, "containerStatuses": main.into_iter().collect::<Vec<_>>()})
    }

    #[test]
    fn success_gives_values() {
        let digest = format!("sha256:{}", "a".repeat(64));
        let init = vec![ended("00-test-a", 0, ""), ended("01-test-b", 0, "coverage 3\n85\n\n")];
        let outcome = outcome(&group(), &status("Succeeded", init, Some(ended("02-api-image", 0, &digest))));
        assert_eq!(outcome.verdict, Verdict::Succeeded);
        assert_eq!(outcome.values["task.test.result.coverage"], "85");
        assert_eq!(outcome.values["image.api.digest"], digest);
        assert_eq!(outcome.values["task.api.result.digest"], digest);
    }

    #[test]
    fn a_failing_step_is_named_and_later_tasks_did_not_run() {
        let init = vec![ended("00-test-a", 0, ""), ended("01-test-b", 3, "")];
        let found = outcome(&group(), &status("Failed", init, None));
        let Verdict::Failed(failure) = &found.verdict else { panic!("{found:?}") };
        assert_eq!(failure.container.as_deref(), Some("01-test-b"));
        assert_eq!(failure.reason, "task `test` step `b` exited with 3");
        assert_eq!(found.tasks[1].1, TaskState::NotRun);
        let cut = vec![ended("00-test-a", 0, ""), ended("01-test-b", 0, "coverage 30\n85")];
        let found = outcome(&group(), &status("Failed", cut, None));
        assert!(matches!(&found.verdict, Verdict::Failed(failure) if failure.reason.contains("cut off")), "{found:?}");
        let odd = vec![ended("00-test-a", 0, ""), ended("01-test-b", 0, "coverage 3\nx1\n\n")];
        let found = outcome(&group(), &status("Failed", odd, None));
        assert!(
            matches!(&found.verdict, Verdict::Failed(failure) if failure.reason.contains("not a int")),
            "{found:?}"
        );
    }

    #[test]
    fn a_lost_node_is_neither_success_nor_failure() {
        let mut lost = status("Failed", vec![ended("00-test-a", 137, "")], None);
        lost["reason"] = json!("NodeLost");
        let found = outcome(&group(), &lost);
        assert!(matches!(found.verdict, Verdict::NodeLost(_)));
        assert!(matches!(found.tasks[0].1, TaskState::Unknown(_)));
    }

    #[test]
    fn waiting_says_for_what() {
        let scheduling = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "message": "no node has 4 CPUs"}]});
        assert_eq!(
            outcome(&group(), &scheduling).verdict,
            Verdict::Waiting("the Pod is not scheduled: no node has 4 CPUs".into())
        );
        let pulling =
            json!([{"name": "00-test-a", "state": {"waiting": {"reason": "ImagePullBackOff", "message": "no"}}}]);
        let pending = json!({"phase": "Pending", "initContainerStatuses": pulling});
        assert_eq!(outcome(&group(), &pending).verdict, Verdict::Waiting("ImagePullBackOff: no".into()));
        let running = json!([{"name": "00-test-a", "state": {"running": {}}}]);
        let pending = json!({"phase": "Pending", "initContainerStatuses": running});
        assert_eq!(outcome(&group(), &pending).verdict, Verdict::Running("test/a".into()));
        assert_eq!(outcome(&group(), &json!(null)).verdict, Verdict::Waiting("the Pod is starting".into()));
    }
}
