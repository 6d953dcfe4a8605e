//! A guess as the text of a spec, and as what is told about it.

use std::fmt::Write as _;

use super::guess::{Environment, Guess, Image};
use super::survey::{folder_of, name_of};

/// The spec's text.
pub fn spec(guess: &Guess) -> String {
    let mut text = String::from(
        "// A first spec, written by `waybill init` from what lies in this folder. Lines marked with `guess` are worth a look.\n\n",
    );
    let _ = writeln!(text, "project {} {{", quoted(&guess.project));
    text.push_str("    // guess: the branch that is delivered\n    repo branch=\"main\"\n}\n");
    if !guess.images.is_empty() {
        text.push_str(&pipeline(&guess.images));
    }
    for environment in &guess.environments {
        text.push_str(&self::environment(environment));
    }
    text
}

/// What was guessed and what was left out, as sentences.
pub fn told(guess: &Guess) -> String {
    let mut text = String::from("Guessed:\n");
    let _ = writeln!(text, "  the delivered branch is main");
    for image in &guess.images {
        let _ = writeln!(text, "  {} builds {}", image.dockerfile, image.reference);
    }
    for environment in &guess.environments {
        let _ = writeln!(
            text,
            "  {} is environment {}, in namespace {} of the embedded cluster",
            environment.manifests, environment.name, environment.namespace
        );
        if let Some(from) = &environment.promoted_from {
            let _ = writeln!(text, "  {} takes the images that {from} proved", environment.name);
        }
    }
    if !guess.left_out.is_empty() {
        text.push_str("Left out:\n");
        for reason in &guess.left_out {
            let _ = writeln!(text, "  {reason}");
        }
    }
    text
}

fn pipeline(images: &[Image]) -> String {
    let mut text = String::from(
        "\npipeline \"ci\" {\n    runs-on cluster=\"default\" namespace=\"ci\" create=#true\n\n    param \"revision\" type=\"commit\"\n\n    \
         workspace \"source\" size=\"1Gi\"\n    checkout \"source\" revision=\"${param.revision}\"\n",
    );
    for image in images {
        let folder = folder_of(&image.dockerfile);
        let context = if folder.is_empty() { "source".to_owned() } else { format!("source/{folder}") };
        let _ = write!(
            text,
            "\n    // guess: {} is this image, and its folder the context\n    image {} context={}",
            image.dockerfile,
            quoted(&image.name),
            quoted(&context)
        );
        if name_of(&image.dockerfile) != "Dockerfile" {
            let _ = write!(text, " dockerfile={}", quoted(name_of(&image.dockerfile)));
        }
        let _ = writeln!(text, " tag=\"${{param.revision.short}}\" name={}", quoted(&image.reference));
    }
    text.push_str("}\n");
    text
}

fn environment(environment: &Environment) -> String {
    let mut text = format!("\nenvironment {} {{\n", quoted(&environment.name));
    let _ = writeln!(
        text,
        "    // guess: the namespace; without a context of a kubeconfig the cluster is the embedded one"
    );
    let _ = writeln!(text, "    cluster \"default\" namespace={} create=#true", quoted(&environment.namespace));
    let _ = writeln!(text, "    manifests {}", quoted(&environment.manifests));
    match &environment.promoted_from {
        Some(from) => {
            let _ = writeln!(
                text,
                "\n    // guess: what {from} runs comes here next\n    promote from={} {{",
                quoted(from)
            );
            for image in &environment.images {
                let _ = writeln!(text, "        image {}", quoted(image));
            }
            text.push_str("    }\n");
        }
        None => {
            for image in &environment.images {
                let _ = writeln!(
                    text,
                    "    image {} from={}",
                    quoted(image),
                    quoted(&format!("pipeline.ci.image.{image}"))
                );
            }
        }
    }
    text.push_str("}\n");
    text
}

/// A string of KDL.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
