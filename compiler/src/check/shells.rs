//! Images that have no shell, where something asks for one: a step's text is run by `/bin/sh`.

use serde_json::Value;

use super::rendered::Place;
use crate::diag::{Diagnostic, Diags, codes};
use crate::manifest::Object;
use crate::manifest::images::{Reference, pod_spec_pointer};
use crate::model::Model;

/// Images without any shell, by their names; those that end in `/` stand for all below. Their publishers say so: distroless
/// (<https://github.com/GoogleContainerTools/distroless>), and those that are built from `scratch`.
const SHELL_LESS: &[&str] = &[
    "scratch",
    "hello-world",
    "gcr.io/distroless/",
    "gcr.io/kaniko-project/executor",
    "gcr.io/kaniko-project/warmer",
    "gcr.io/go-containerregistry/crane",
    "gcr.io/projectsigstore/cosign",
    "ghcr.io/sigstore/cosign/cosign",
    "cgr.dev/chainguard/static",
    "cgr.dev/chainguard/glibc-dynamic",
    "registry.k8s.io/pause",
    "registry.k8s.io/kube-apiserver",
    "registry.k8s.io/kube-controller-manager",
    "registry.k8s.io/kube-scheduler",
    "registry.k8s.io/kubectl",
    "rancher/kubectl",
    "anchore/grype",
    "anchore/syft",
    "coredns/coredns",
];

/// Beginnings of programs that are shells.
const SHELLS: &[&str] = &["sh", "bash", "ash", "dash", "zsh"];

/// Reports steps with a text, and containers with a shell as command, whose image has none.
pub fn check(model: &Model, places: &[Place], diags: &mut Diags) {
    for step in model.tasks.iter().flat_map(|task| &task.steps) {
        if !step.script.value.is_empty() && is_shell_less(&step.image.value) {
            let message = format!("image `{}` of step `{}` has no shell", step.image.value, step.name.value);
            let finding = Diagnostic::new(&codes::NO_SHELL, step.image.span, message).here("nothing in it runs a text");
            diags.push(finding.label(step.script.span, "this needs one").help(with_shell(&step.image.value)));
        }
    }
    for place in places {
        place.rendered.objects.iter().for_each(|object| diags.extend(containers(object)));
    }
}

fn with_shell(image: &str) -> String {
    let debug = ["distroless/", "kaniko-project/", "crane", "anchore/"].iter().any(|part| image.contains(part));
    match debug {
        true => "its tag `debug` has a shell; or take an image with one, such as `alpine`".to_owned(),
        false => "take an image with a shell, such as `alpine`".to_owned(),
    }
}

/// Variants for people who look into them have a shell: `:debug`, `:v1-debug`, `:nonroot-debug`.
fn is_shell_less(image: &str) -> bool {
    let reference = Reference::parse(image);
    let name = reference.name.trim_start_matches("docker.io/").trim_start_matches("library/");
    let listed =
        SHELL_LESS.iter().any(|known| if known.ends_with('/') { name.starts_with(known) } else { name == *known });
    listed && !reference.tag.is_some_and(|tag| tag.contains("debug"))
}

fn containers(object: &Object) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let Some(spec) = pod_spec_pointer(object.group(), object.kind()) else { return found };
    for list in ["initContainers", "containers"] {
        let items = object.value.pointer(&format!("{spec}/{list}")).and_then(Value::as_array);
        for (at, container) in items.into_iter().flatten().enumerate() {
            let image = container.get("image").and_then(Value::as_str).unwrap_or("");
            if !is_shell_less(image) {
                continue;
            }
            let commands = [
                "command",
                "livenessProbe/exec/command",
                "readinessProbe/exec/command",
                "startupProbe/exec/command",
                "lifecycle/postStart/exec/command",
                "lifecycle/preStop/exec/command",
            ];
            for command in commands {
                let program = container.pointer(&format!("/{command}/0")).and_then(Value::as_str).unwrap_or("");
                if SHELLS.contains(&program.rsplit('/').next().unwrap_or(program)) {
                    let message = format!("image `{image}` has no shell, and `{program}` is to be run in it");
                    let span = object.place(&format!("{spec}/{list}/{at}/{command}/0"));
                    let finding = Diagnostic::new(&codes::NO_SHELL, span, message).here("no such program in the image");
                    let label = object.place(&format!("{spec}/{list}/{at}/image"));
                    found.push(finding.label(label, "the image").help(with_shell(image)));
                }
            }
        }
    }
    found
}
