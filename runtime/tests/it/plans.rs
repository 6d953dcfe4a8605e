//! Plans made by hand for the tests of apply.

use serde_json::{Value, json};
use waybill_compiler::plan::effect::{
    Apply, Commit, Delete, Effect, FileEdit, Gate, Group, ObjectRef, Program, Scalar, Step, Task, TaskResult, Traffic,
    UndoRollout, Workspace,
};
use waybill_compiler::plan::observed::{ImageState, RunRecord};
use waybill_compiler::plan::{
    Action, FORMAT, Kind, Op, Plan, Reason, Revision, Segment, Summary, Target, Unknown, digest,
};

pub const TOOL: &str = "0.0.0-test";
pub const PROJECT: &str = "demo";

/// A sealed plan with one target, `default`.
pub fn plan(uid: &str, nonce: &str, actions: Vec<Action>, undo: Vec<Action>, segments: Vec<Segment>) -> Plan {
    let mut plan = Plan {
        format: FORMAT,
        id: String::new(),
        tool: TOOL.into(),
        project: PROJECT.into(),
        targets: vec![Target { cluster: "default".into(), context: None, uid: uid.into(), version: "v1.36.1".into() }],
        revision: Some(Revision { sha: "a".repeat(40), branch: Some("main".into()), uncommitted: Vec::new() }),
        base: None,
        home: "default".into(),
        offline: false,
        summary: Summary::default(),
        segments,
        actions,
        undo,
        foreign: Vec::new(),
        held: Vec::new(),
        notes: Vec::new(),
        policies: Vec::new(),
        nonce: nonce.into(),
        digest: String::new(),
    };
    digest::seal(&mut plan);
    plan
}

pub fn segment(name: &str, images: Vec<ImageState>, inventory: Vec<ObjectRef>, runs: Vec<RunRecord>) -> Segment {
    Segment {
        name: name.into(),
        cluster: "default".into(),
        environment: name.strip_prefix("environment.").map(str::to_owned),
        images,
        inventory,
        runs,
        policies: Vec::new(),
        approvals_by: Vec::new(),
        unknowns: Vec::new(),
    }
}

/// An action of that segment with kind and op as its effect says.
pub fn action(address: &str, segment: &str, effect: Effect, waits_for: &[&str]) -> Action {
    let (kind, op) = match &effect {
        Effect::Apply(_) => (Kind::Object, Op::Create),
        Effect::Delete(_) => (Kind::Object, Op::Delete),
        Effect::Pod(_) => (Kind::Pod, Op::Run),
        Effect::Commit(_) => (Kind::Commit, Op::Push),
        Effect::Traffic(_) => (Kind::Traffic, Op::Shift),
        Effect::Gate(_) => (Kind::Gate, Op::Wait),
        Effect::UndoRollout(_) => (Kind::Traffic, Op::Undo),
        Effect::UndoCommit(_) => (Kind::Commit, Op::Undo),
    };
    Action {
        address: address.into(),
        kind,
        op,
        environment: segment.strip_prefix("environment.").map(str::to_owned),
        cluster: "default".into(),
        segment: segment.into(),
        intent: String::new(),
        reason: Reason { text: "test".into(), file: "waybill.kdl".into(), line: 1 },
        changes: Vec::new(),
        waits_for: waits_for.iter().map(|address| (*address).to_owned()).collect(),
        undone_by: None,
        rbac: Vec::new(),
        unknowns: Vec::new(),
        effect,
    }
}

pub fn undone_by(mut action: Action, undo: &str) -> Action {
    action.undone_by = Some(undo.into());
    action
}

pub fn with_unknown(mut action: Action, unknown: &Unknown) -> Action {
    action.unknowns.push(unknown.clone());
    action
}

pub fn config_map(namespace: &str, name: &str, value: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}, "data": {"k": value}})
}

pub fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}

pub fn create(object: Value) -> Effect {
    Effect::Apply(Apply { object, found: None, force: false })
}

pub fn delete(object: ObjectRef) -> Effect {
    Effect::Delete(Delete { object, cause: "removed".into() })
}

pub fn shell(name: &str, text: &str) -> Step {
    Step {
        name: name.into(),
        workdir: None,
        env: Vec::new(),
        cpu: None,
        memory: None,
        timeout_seconds: Some(60),
        continue_on_error: false,
        fields: serde_json::Value::Null,
        program: Program::Shell { image: "alpine:3.20".into(), text: text.into() },
    }
}

pub fn task(name: &str, steps: Vec<Step>, results: &[&str]) -> Task {
    let result = |name: &&str| TaskResult { name: (*name).into(), r#type: "string".into() };
    Task { name: name.into(), steps, results: results.iter().map(result).collect(), timeout_seconds: None }
}

/// A Pod of the pipeline `ci` in the namespace `ci`.
pub fn pod(tasks: Vec<Task>, finally: bool) -> Effect {
    Effect::Pod(Group {
        pipeline: "ci".into(),
        namespace: "ci".into(),
        service_account: None,
        workspaces: vec![Workspace { name: "source".into(), size: None }],
        tasks,
        finally,
        runner_image: None,
        deadline_seconds: None,
        fields: serde_json::Value::Null,
    })
}

pub fn commit(before: &str, after: &str, source: &str) -> Commit {
    let scalar = Scalar { before: Some(before.into()), after: Some(after.into()) };
    let edit = FileEdit {
        path: "kustomization.yaml".into(),
        image: "app".into(),
        tag: scalar,
        digest: Scalar { before: None, after: None },
    };
    Commit {
        remote: "test".into(),
        branch: "main".into(),
        edits: vec![edit],
        message: "Deliver app".into(),
        source: source.into(),
    }
}

pub fn deployment(namespace: &str, name: &str, replicas: u32, image: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}},
                "spec": {"containers": [{"name": "app", "image": image}]},
            },
        },
    })
}

pub fn deployment_ref(namespace: &str, name: &str) -> ObjectRef {
    ObjectRef {
        group: "apps".into(),
        version: "v1".into(),
        kind: "Deployment".into(),
        namespace: namespace.into(),
        name: name.into(),
        uid: None,
    }
}

/// The manifest of a Deployment's canary.
pub fn canary(namespace: &str, name: &str, replicas: u32, image: &str) -> Value {
    let mut canary = deployment(namespace, name, replicas, image);
    canary["metadata"]["name"] = json!(format!("{name}-canary"));
    canary["spec"]["selector"]["matchLabels"]["waybill.dev/track"] = json!("canary");
    canary["spec"]["template"]["metadata"]["labels"]["waybill.dev/track"] = json!("canary");
    canary
}

pub fn stage(namespace: &str, name: &str, at: u32, stable: u32, canary: Option<Value>) -> Effect {
    let canary_replicas =
        canary.as_ref().and_then(|canary| canary["spec"]["replicas"].as_u64()).map_or(0, |count| count as u32);
    Effect::Traffic(Traffic {
        rollout: name.into(),
        stage: at,
        weight: 50,
        stable: deployment_ref(namespace, name),
        stable_replicas: Some(stable),
        canary,
        canary_ref: deployment_ref(namespace, &format!("{name}-canary")),
        canary_replicas,
        timeout_seconds: 20,
    })
}

pub fn undo_rollout(namespace: &str, name: &str, replicas: u32, template: Value, hold: Vec<ImageState>) -> Effect {
    Effect::UndoRollout(UndoRollout {
        rollout: name.into(),
        stable: deployment_ref(namespace, name),
        replicas,
        template,
        canary: deployment_ref(namespace, &format!("{name}-canary")),
        timeout_seconds: 20,
        hold,
    })
}

pub fn hold(seconds: u64) -> Effect {
    Effect::Gate(Gate::Hold { seconds })
}

pub fn approval() -> Effect {
    Effect::Gate(Gate::Approval { by: vec!["group:sre".into()] })
}
