//! A group of tasks as a Pod.
//!
//! **Invariant:** pure: the manifest depends on the group and its place alone, so a resumed apply makes the same Pod.
//! `outcome` beside it reads such a Pod's status; `run` talks to the cluster.

pub mod outcome;
pub mod run;
pub mod script;

use serde_json::{Value, json};
use waybill_compiler::plan::digest::sha256;
use waybill_compiler::plan::effect::{Env, Group, ObjectRef, Part, Program, Step, Task};

/// Where results lie: `RESULTS/TASK/NAME`.
pub const RESULTS: &str = "/waybill/results";
/// Where image steps lay their OCI layouts.
pub const IMAGES: &str = "/waybill/images";
/// Waybill's own program inside a step.
pub const PROGRAM: &str = "/waybill/bin/waybill";
/// Host folders that the embedded node shows to a Pod.
pub const HOST_PATHS: &str = "waybill.dev/host-paths";
pub const PLAN_LABEL: &str = "waybill.dev/plan";
pub const PROJECT_LABEL: &str = "waybill.dev/project";
pub const ACTION_ANNOTATION: &str = "waybill.dev/action";

/// A task without a timeout may take so long.
const TASK_SECONDS: u64 = 3600;
/// For pulling images and scheduling.
const START_SECONDS: u64 = 300;

/// What a Pod's name and labels come from.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    pub plan_id: &'a str,
    pub project: &'a str,
    pub address: &'a str,
    /// How many times the node was lost under this action.
    pub attempt: u32,
    pub embedded: bool,
}

/// One step with where it runs.
#[derive(Clone, Copy, Debug)]
pub struct Slot<'a> {
    pub task: &'a Task,
    pub step: &'a Step,
    /// Whether it is its task's last step, which hands over the results.
    pub last: bool,
}

/// The steps in order, with their containers' names.
pub fn slots(group: &Group) -> Vec<(String, Slot<'_>)> {
    let mut slots = Vec::new();
    for task in &group.tasks {
        for (at, step) in task.steps.iter().enumerate() {
            let name = dns_label(&format!("{:02}-{}-{}", slots.len(), task.name, step.name), 63);
            slots.push((name, Slot { task, step, last: at + 1 == task.steps.len() }));
        }
    }
    slots
}

/// The Pod's name and namespace, at most 63 characters: the same for the same plan, action and attempt.
pub fn reference(group: &Group, place: Place<'_>) -> ObjectRef {
    let part = place.address.rsplit('.').next().unwrap_or(place.address);
    let readable = dns_label(&format!("{}-{part}", group.pipeline), 40);
    let hash = sha256(format!("{}\n{}", place.plan_id, place.address).as_bytes());
    let attempt = if place.attempt == 0 { String::new() } else { format!("-r{}", place.attempt) };
    super::kube::core("Pod", &group.namespace, &format!("{readable}-{}{attempt}", &hash[..10]))
}

/// Seconds after which Kubernetes ends the Pod.
pub fn deadline_seconds(group: &Group) -> u64 {
    let tasks = group.tasks.iter().map(|task| {
        let steps: Option<u64> = task.steps.iter().map(|step| step.timeout_seconds).sum();
        task.timeout_seconds.or(steps).unwrap_or(TASK_SECONDS)
    });
    let own = tasks.fold(START_SECONDS, u64::saturating_add);
    group.deadline_seconds.map_or(own, |limit| limit.min(own))
}

/// The Pod: all steps but the last are init containers in their order, the last one is the main container.
pub fn pod(group: &Group, place: Place<'_>) -> Value {
    let slots = slots(group);
    let room = script::result_room(slots.len());
    let mut containers: Vec<Value> = slots.iter().map(|(name, slot)| container(group, name, *slot, room)).collect();
    let main: Vec<Value> = containers.pop().into_iter().collect();
    let reference = reference(group, place);
    let mut pod = json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": reference.name,
            "namespace": reference.namespace,
            "labels": {
                "app.kubernetes.io/managed-by": "waybill",
                PLAN_LABEL: place.plan_id,
                PROJECT_LABEL: dns_label(place.project, 63),
            },
            "annotations": {ACTION_ANNOTATION: place.address},
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": deadline_seconds(group),
            "terminationGracePeriodSeconds": 5,
            "initContainers": containers,
            "containers": main,
            "volumes": volumes(group),
        },
    });
    match &group.service_account {
        Some(account) => pod["spec"]["serviceAccountName"] = json!(account),
        None => pod["spec"]["automountServiceAccountToken"] = json!(false),
    }
    add_fields(&mut pod, &group.fields);
    let host_paths = host_paths(group);
    if place.embedded && !host_paths.is_empty() {
        pod["metadata"]["annotations"][HOST_PATHS] = json!(host_paths.join(":"));
    }
    pod
}

/// Further fields of the Pod. Waybill's own labels and annotations stay what they are.
fn add_fields(pod: &mut Value, fields: &Value) {
    for (key, value) in fields.as_object().into_iter().flatten() {
        if key != "labels" && key != "annotations" {
            pod["spec"][key] = value.clone();
            continue;
        }
        for (name, text) in value.as_object().into_iter().flatten() {
            if pod["metadata"][key].get(name).is_none() {
                pod["metadata"][key][name] = text.clone();
            }
        }
    }
}

fn container(group: &Group, name: &str, slot: Slot<'_>, room: usize) -> Value {
    let step = slot.step;
    let own = || group.runner_image.clone().unwrap_or_else(|| "waybill".to_owned());
    let (image, command) = match &step.program {
        Program::Shell { image, text } => (image.clone(), script::command(slot, text, room)),
        Program::Checkout { remote, revision, workspace } => {
            let into = format!("/workspace/{workspace}");
            (own(), words(&["checkout", "--remote", remote, "--revision", revision, "--into", &into]))
        }
        Program::Image { context, dockerfile, reference } => {
            let context = format!("/workspace/{context}");
            let mut all = vec!["image", "--context", &context, "--dockerfile", dockerfile, "--tag", reference];
            all.extend(["--layout", IMAGES, "--result", "/dev/termination-log"]);
            (own(), words(&all))
        }
    };
    let mut container = json!({
        "name": name,
        "image": image,
        "command": command.iter().map(|word| no_expansion(word)).collect::<Vec<_>>(),
        "env": step.env.iter().filter_map(plain).collect::<Vec<_>>(),
        "volumeMounts": mounts(group),
    });
    if let Some(workdir) = &step.workdir {
        container["workingDir"] = json!(workdir);
    }
    for (resource, quantity) in [("cpu", &step.cpu), ("memory", &step.memory)] {
        if let Some(quantity) = quantity {
            container["resources"]["requests"][resource] = json!(quantity);
            container["resources"]["limits"][resource] = json!(quantity);
        }
    }
    for (key, value) in step.fields.as_object().into_iter().flatten() {
        container[key] = value.clone();
    }
    container
}

fn words(arguments: &[&str]) -> Vec<String> {
    [PROGRAM, "step"].iter().chain(arguments).map(|word| (*word).to_owned()).collect()
}

/// Variables whose value is known when the Pod is made; the others are put together inside (`script`).
fn plain(env: &Env) -> Option<Value> {
    let mut value = String::new();
    for part in &env.parts {
        match part {
            Part::Text(text) => value.push_str(text),
            Part::Result { .. } => return None,
        }
    }
    Some(json!({"name": env.name, "value": no_expansion(&value)}))
}

/// Kubernetes replaces `$(NAME)` in commands and values, and reads `$$` as `$`; nothing of ours is meant so.
fn no_expansion(text: &str) -> String {
    text.replace('$', "$$")
}

fn volumes(group: &Group) -> Vec<Value> {
    let mut volumes = vec![json!({"name": "results", "emptyDir": {}})];
    if has_image(group) {
        volumes.push(json!({"name": "images", "emptyDir": {}}));
    }
    for (at, workspace) in group.workspaces.iter().enumerate() {
        let mut source = json!({});
        if let Some(size) = &workspace.size {
            source["sizeLimit"] = json!(size);
        }
        volumes.push(json!({"name": format!("workspace-{at}"), "emptyDir": source}));
    }
    volumes
}

fn mounts(group: &Group) -> Vec<Value> {
    let mut mounts = vec![json!({"name": "results", "mountPath": RESULTS})];
    if has_image(group) {
        mounts.push(json!({"name": "images", "mountPath": IMAGES}));
    }
    for (at, workspace) in group.workspaces.iter().enumerate() {
        let path = format!("/workspace/{}", workspace.name);
        mounts.push(json!({"name": format!("workspace-{at}"), "mountPath": path}));
    }
    mounts
}

fn has_image(group: &Group) -> bool {
    programs(group).any(|program| matches!(program, Program::Image { .. }))
}

fn programs(group: &Group) -> impl Iterator<Item = &Program> {
    group.tasks.iter().flat_map(|task| &task.steps).map(|step| &step.program)
}

/// Folders of local remotes, which a checkout on the embedded node must see.
fn host_paths(group: &Group) -> Vec<String> {
    let mut paths: Vec<String> = programs(group)
        .filter_map(|program| match program {
            Program::Checkout { remote, .. } => {
                let path = remote.strip_prefix("file://").unwrap_or(remote);
                path.starts_with('/').then(|| path.trim_end_matches('/').to_owned())
            }
            Program::Shell { .. } | Program::Image { .. } => None,
        })
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// Lower case, digits and `-`, no longer than `limit`; where characters are lost, a piece of the hash keeps names apart.
pub fn dns_label(text: &str, limit: usize) -> String {
    let mut label: String =
        text.chars().map(|char| if char.is_ascii_lowercase() || char.is_ascii_digit() { char } else { '-' }).collect();
    let lossless = label == text && label.len() <= limit;
    if !lossless {
        label.truncate(limit.saturating_sub(7));
        label = format!("{}-{}", label.trim_matches('-'), &sha256(text.as_bytes())[..6]);
    }
    label.trim_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use waybill_compiler::plan::effect::{TaskResult, Workspace};

    use super::*;

    pub(super) fn step(name: &str, text: &str) -> Step {
        Step {
            name: name.into(),
            workdir: None,
            env: Vec::new(),
            cpu: None,
            memory: None,
            timeout_seconds: None,
            continue_on_error: false,
            fields: Value::Null,
            program: Program::Shell { image: "alpine:3.20".into(), text: text.into() },
        }
    }

    fn group() -> Group {
        let mut test = step("unit", "echo $(date) $$ > /waybill/results/test/coverage");
        test.timeout_seconds = Some(60);
        test.env = vec![
            Env { name: "PLAIN".into(), parts: vec![Part::Text("a$(B)".into())] },
            Env {
                name: "MIXED".into(),
                parts: vec![Part::Text("it's ".into()), Part::Result { task: "lint".into(), name: "score".into() }],
            },
        ];
        let checkout = Step {
            program: Program::Checkout {
                remote: "file:///srv/demo.git".into(),
                revision: "a".repeat(40),
                workspace: "source".into(),
            },
            ..step("checkout", "")
        };
        let task = |name: &str, steps: Vec<Step>, results: &[&str]| Task {
            name: name.into(),
            steps,
            results: results.iter().map(|name| TaskResult { name: (*name).into(), r#type: "string".into() }).collect(),
            timeout_seconds: None,
        };
        Group {
            pipeline: "ci".into(),
            namespace: "ci".into(),
            service_account: None,
            workspaces: vec![Workspace { name: "source".into(), size: Some("2Gi".into()) }],
            tasks: vec![task("checkout", vec![checkout], &[]), task("test", vec![test], &["coverage"])],
            finally: false,
            runner_image: None,
            deadline_seconds: None,
            fields: Value::Null,
        }
    }

    #[test]
    fn the_manifest_has_steps_in_order_and_nothing_is_expanded() {
        let place =
            Place { plan_id: "0123", project: "demo", address: "pipeline.ci.pod.test", attempt: 0, embedded: true };
        let pod = pod(&group(), place);
        assert_eq!(pod["spec"]["initContainers"][0]["name"], "00-checkout-checkout");
        assert_eq!(pod["spec"]["initContainers"][0]["command"][1], "step");
        assert_eq!(pod["spec"]["containers"][0]["name"], "01-test-unit");
        assert_eq!(pod["spec"]["activeDeadlineSeconds"], 300 + 3600 + 60);
        assert_eq!(pod["metadata"]["annotations"][HOST_PATHS], "/srv/demo.git");
        let main = &pod["spec"]["containers"][0];
        assert_eq!(main["env"], json!([{"name": "PLAIN", "value": "a$$(B)"}]));
        let text = main["command"]
            .as_array()
            .unwrap()
            .iter()
            .any(|word| word.as_str().unwrap() == "echo $$(date) $$$$ > /waybill/results/test/coverage");
        assert!(text, "the script is one argument of its own: {main}");
        assert_eq!(pod["spec"]["volumes"][1]["emptyDir"]["sizeLimit"], "2Gi");
        let on_cluster = Place { embedded: false, ..place };
        assert!(super::pod(&group(), on_cluster)["metadata"]["annotations"][HOST_PATHS].is_null());
    }

    #[test]
    fn names_are_labels_apart_for_each_action_and_attempt() {
        let place = |address, attempt| Place { plan_id: "p", project: "x", address, attempt, embedded: true };
        let long = format!("pipeline.ci.pod.{}", "build+".repeat(30));
        let names: Vec<String> = [place("pipeline.ci.pod.a", 0), place("pipeline.ci.pod.a", 1), place(&long, 12)]
            .into_iter()
            .map(|place| reference(&group(), place).name)
            .collect();
        for name in &names {
            assert!(name.len() <= 63 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
        }
        assert_ne!(names[0], names[1]);
        assert_eq!(dns_label("a_b", 63).len(), "a-b-123456".len());
        assert_ne!(dns_label("a_b", 63), dns_label("a-b", 63));
    }
}
