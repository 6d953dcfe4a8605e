//! Canonical bytes and digests of plans and actions.
//!
//! Canonical JSON is RFC 8785; it rounds integers above 2^53, so plans must not hold larger ones (`manifest` refuses
//! them in objects).

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Action, Kind, Plan};

/// Why bytes are not a plan that may be applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Not the JSON of a plan.
    NotAPlan(String),
    /// Another format than this program writes.
    Format(u64),
    /// Some byte was changed after the plan was made.
    Changed,
}

/// SHA-256 in lower-case hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Fills in `intent` of every action, then `digest` and `id`.
pub fn seal(plan: &mut Plan) {
    let gates = gates_in_front(&plan.actions);
    let commits = commits(plan);
    for (action, gates) in plan.actions.iter_mut().zip(gates) {
        action.intent = intent(action, &gates, &commits);
    }
    for action in &mut plan.undo {
        action.intent = intent(action, &[], &commits);
    }
    plan.id.clear();
    plan.digest.clear();
    plan.digest = sha256(&canonical(plan));
    plan.id = plan.digest.chars().take(12).collect();
}

/// The bytes of the plan file: one line of canonical JSON and a line end.
pub fn write(plan: &Plan) -> Vec<u8> {
    let mut bytes = canonical(plan);
    bytes.push(b'\n');
    bytes
}

/// Reads a plan file and checks that not one byte was changed.
pub fn read(bytes: &[u8]) -> Result<Plan, Damage> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| Damage::NotAPlan(error.to_string()))?;
    match value.get("format").and_then(Value::as_u64) {
        Some(format) if format == u64::from(super::FORMAT) => {}
        Some(format) => return Err(Damage::Format(format)),
        None => return Err(Damage::NotAPlan("it has no `format`".into())),
    }
    let plan: Plan = serde_json::from_value(value).map_err(|error| Damage::NotAPlan(error.to_string()))?;
    let mut sealed = plan.clone();
    seal(&mut sealed);
    // The sealed plan, not the one that was read: its intents are computed, so a changed intent is found too.
    if write(&sealed) != bytes {
        return Err(Damage::Changed);
    }
    Ok(plan)
}

fn canonical(plan: &Plan) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(plan).expect("BUG: a plan is always JSON")
}

/// The commits that the plan delivers: a merge gives them other ids without changing what was reviewed.
fn commits(plan: &Plan) -> Vec<String> {
    let revision = plan.revision.iter().map(|revision| revision.sha.clone());
    let runs = plan.segments.iter().flat_map(|segment| segment.runs.iter().map(|run| run.revision.clone()));
    let sources = plan.segments.iter().flat_map(|segment| segment.images.iter().map(|image| image.source.clone()));
    let mut all: Vec<String> = revision.chain(runs).chain(sources).filter(|sha| sha.len() >= 40).collect();
    all.sort();
    all.dedup();
    all
}

fn without_commits(text: &str, commits: &[String]) -> String {
    commits.iter().fold(text.to_owned(), |text, sha| text.replace(sha.as_str(), "COMMIT").replace(&sha[..7], "COMMIT"))
}

/// Address, operation, changed fields and the gates in front; commit ids, unknown values and facts are left out.
fn intent(action: &Action, gates: &[String], commits: &[String]) -> String {
    let changes: Vec<Value> = action
        .changes
        .iter()
        .map(|change| {
            let after = match (&change.unknown, &change.after) {
                (Some(_), _) | (None, None) => Value::Null,
                (None, Some(Value::String(text))) => json!(without_commits(text, commits)),
                (None, Some(after)) => after.clone(),
            };
            json!([change.path, change.before, after, change.unknown])
        })
        .collect();
    let text = json!([action.address, action.op, changes, gates]);
    sha256(&serde_json_canonicalizer::to_vec(&text).expect("BUG: an intent is always JSON"))
}

/// For each action the addresses of all gates that it comes after, sorted.
fn gates_in_front(actions: &[Action]) -> Vec<Vec<String>> {
    let mut seen: std::collections::BTreeMap<&str, std::collections::BTreeSet<&str>> = Default::default();
    let mut all = Vec::with_capacity(actions.len());
    for action in actions {
        let mut gates = std::collections::BTreeSet::new();
        for before in &action.waits_for {
            gates.extend(seen.get(before.as_str()).into_iter().flatten().copied());
        }
        all.push(gates.iter().map(|gate| (*gate).to_owned()).collect());
        if action.kind == Kind::Gate {
            gates.insert(action.address.as_str());
        }
        seen.insert(action.address.as_str(), gates);
    }
    all
}
