//! Projects that are right, made from a seed.

use crate::project::Project;

/// A small generator of numbers that is the same everywhere (Knuth's MMIX constants).
struct Seed(u64);

impl Seed {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn of<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len() as u64) as usize]
    }
}

/// A project with tasks, a pipeline that uses all of them, and one or two environments.
pub fn project(seed: u64) -> Project {
    let mut seed = Seed(seed + 1);
    let tasks = 1 + seed.below(4);
    let mut spec = String::from("project \"generated\" {\n    repo branch=\"main\"\n}\n\n");
    for task in 0..tasks {
        spec += &self::task(&mut seed, task);
    }
    spec += &pipeline(&mut seed, tasks);
    let both = seed.below(2) == 1;
    spec += "environment \"first\" {\n    cluster \"default\" namespace=\"first\" create=#true\n    manifests \"deploy\"\n    image \"app\" from=\"pipeline.build.image.app\"\n}\n";
    if both {
        spec += "\nenvironment \"second\" {\n    cluster \"default\" namespace=\"second\" create=#true\n    manifests \"deploy2\"\n    promote from=\"first\" {\n        image \"app\"\n        soak \"10m\"\n    }\n    rollout \"app\" {\n        stage weight=50 hold=\"1m\"\n        stage weight=100\n    }\n}\n";
    }
    let mut text = spec;
    let folders: &[&str] = if both { &["deploy", "deploy2"] } else { &["deploy"] };
    for folder in folders {
        text += &manifests(folder);
    }
    text += "--- Dockerfile\nFROM scratch\nCOPY app /app\nENTRYPOINT [\"/app\"]\n--- app\nx\n";
    Project::parse(&text, "waybill.kdl")
}

fn task(seed: &mut Seed, number: u64) -> String {
    let steps = 1 + seed.below(3);
    let timeout = seed.of(&["5m", "90s", "1h"]);
    let mut text = format!(
        "task \"job-{number}\" timeout=\"{timeout}\" {{\n    workspace \"source\"\n    param \"level\" default=\"low\"\n"
    );
    for step in 0..steps {
        let image = seed.of(&["alpine:3.22", "golang:1.25.1", "registry.example.com/tools/node:22.9.0"]);
        text += &format!(
            "    step \"part-{step}\" image=\"{image}\" workdir=\"${{workspace.source}}\" {{\n        run \"make check\"\n        env LEVEL=\"${{param.level}}\"\n"
        );
        if seed.below(2) == 1 {
            text += "        resources cpu=\"250m\" memory=\"64Mi\"\n";
        }
        text += "    }\n";
    }
    text + "}\n\n"
}

fn pipeline(seed: &mut Seed, tasks: u64) -> String {
    let mut text = String::from(
        "pipeline \"build\" {\n    runs-on cluster=\"default\" namespace=\"build\" create=#true\n    param \"revision\" type=\"commit\"\n    workspace \"source\" size=\"1Gi\"\n    checkout \"source\" revision=\"${param.revision}\"\n",
    );
    for task in 0..tasks {
        let after = if task > 0 && seed.below(2) == 1 { format!(" after=\"run-{}\"", task - 1) } else { String::new() };
        text += &format!(
            "    task \"run-{task}\" use=\"job-{task}\"{after} {{\n        workspace source=\"source\"\n        param level=\"high\"\n    }}\n"
        );
    }
    text + "    image \"app\" context=\"source\" tag=\"${param.revision.short}\" name=\"registry.example.com/generated/app\"\n}\n\n"
}

fn manifests(folder: &str) -> String {
    format!(
        "--- {folder}/kustomization.yaml\napiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - deployment.yaml\n  - service.yaml\nimages:\n  - name: registry.example.com/generated/app\n    newTag: first\n--- {folder}/deployment.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: app\nspec:\n  replicas: 4\n  selector:\n    matchLabels:\n      app: app\n  template:\n    metadata:\n      labels:\n        app: app\n    spec:\n      containers:\n        - name: app\n          image: registry.example.com/generated/app\n          ports:\n            - containerPort: 8080\n          readinessProbe:\n            httpGet:\n              path: /ready\n              port: 8080\n            periodSeconds: 5\n--- {folder}/service.yaml\napiVersion: v1\nkind: Service\nmetadata:\n  name: app\nspec:\n  selector:\n    app: app\n  ports:\n    - port: 80\n      targetPort: 8080\n"
    )
}
