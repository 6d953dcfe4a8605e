//! A plan for people: text for a terminal, markdown for a pull request, and its graph.
//!
//! **Invariant:** whatever is shown is in the plan document; nothing is looked up.

pub mod graph;
pub mod lines;
pub mod markdown;
pub mod text;

use super::{Kind, Op, Plan, Summary};

/// The sign of an action, as the legend explains it.
pub fn sign(kind: Kind, op: Op) -> &'static str {
    match (kind, op) {
        (Kind::Pod | Kind::Hook, _) => ">",
        (Kind::Commit, _) => "^",
        (Kind::Traffic, _) => "%",
        (Kind::Gate, _) => "?",
        (Kind::Object, Op::Create) => "+",
        (Kind::Object, Op::Delete) => "-",
        (Kind::Object, Op::Replace) => "-/+",
        (Kind::Object, Op::Forget) => ".",
        (Kind::Object, Op::Update | Op::Adopt | Op::Run | Op::Push | Op::Shift | Op::Wait | Op::Approve | Op::Undo) => {
            "~"
        }
    }
}

/// `Plan: 2 tasks in 1 pod, 1 commit, 2 to add, 3 to change, 0 to delete, 3 canary stages, 1 gate.`
pub fn summary(summary: &Summary) -> String {
    let count = |count: u32, one: &str, many: &str| format!("{count} {}", if count == 1 { one } else { many });
    let mut parts = Vec::new();
    if summary.pods > 0 {
        parts.push(format!("{} in {}", count(summary.tasks, "task", "tasks"), count(summary.pods, "pod", "pods")));
    }
    if summary.commits > 0 {
        parts.push(count(summary.commits, "commit", "commits"));
    }
    parts.push(format!("{} to add", summary.create));
    parts.push(format!("{} to change", summary.update));
    if summary.replace > 0 {
        parts.push(format!("{} to replace", summary.replace));
    }
    parts.push(format!("{} to delete", summary.delete));
    if summary.stages > 0 {
        parts.push(count(summary.stages, "canary stage", "canary stages"));
    }
    if summary.gates > 0 {
        parts.push(count(summary.gates, "gate", "gates"));
    }
    format!("Plan: {}.", parts.join(", "))
}

/// `fintech @ 3f9c2e1 on main, base 8a01d77 · cluster default (embedded)`.
pub fn header(plan: &Plan) -> String {
    let short = |sha: &str| sha.chars().take(7).collect::<String>();
    let mut text = plan.project.clone();
    if let Some(revision) = &plan.revision {
        text.push_str(&format!(" @ {}", short(&revision.sha)));
        if let Some(branch) = &revision.branch {
            text.push_str(&format!(" on {branch}"));
        }
    }
    if let Some(base) = &plan.base {
        text.push_str(&format!(", base {}", short(base)));
    }
    if plan.offline {
        text.push_str(" · offline");
    }
    for target in plan.targets.iter().filter(|_| !plan.offline) {
        let kind = target.context.as_ref().map_or("embedded".to_owned(), |context| format!("context {context}"));
        text.push_str(&format!(" · cluster {} ({kind})", target.cluster));
    }
    text
}
