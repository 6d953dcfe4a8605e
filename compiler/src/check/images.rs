//! Images that are another one tomorrow: no tag, or the tag `latest`.

use crate::diag::{Diagnostic, Diags, codes};
use crate::source::Span;
use crate::spec::Spec;

/// Reports such images of steps and of the project, and builds that are tagged so.
pub fn check(spec: &Spec, diags: &mut Diags) {
    for step in spec.tasks.iter().flat_map(|task| &task.steps) {
        if let Some(at) = step.image.value.find("${") {
            let message = "an expression in the image of a step is not supported yet";
            let place = step.image.place(at, at + 2);
            diags.push(Diagnostic::new(&codes::NOT_YET, place, message).help("write the image itself"));
        } else {
            diags.extend(floating(&step.image.value, step.image.span));
        }
    }
    for image in spec.projects.iter().filter_map(|project| project.runner_image.as_ref()) {
        diags.extend(floating(&image.value, image.span));
    }
    for image in spec.pipelines.iter().flat_map(|pipeline| &pipeline.images) {
        if image.tag.literal().as_deref() == Some("latest") {
            let message = format!("image `{}` is tagged `latest`", image.name.value);
            let finding =
                Diagnostic::new(&codes::FLOATING_IMAGE, image.tag.span, message).here("every build has this tag");
            diags.push(finding.help("use the commit: tag=\"${param.revision.short}\""));
        }
    }
}

/// A finding if the image has neither a digest nor a tag that stays.
pub fn floating(image: &str, span: Span) -> Option<Diagnostic> {
    let last = image.rsplit('/').next().unwrap_or(image);
    if image.is_empty() || last.contains('@') {
        return None;
    }
    let message = match last.split_once(':').map(|(_, tag)| tag) {
        None | Some("") => format!("image `{image}` has no tag"),
        Some("latest") => format!("image `{image}` has the tag `latest`"),
        Some(_) => return None,
    };
    let finding = Diagnostic::new(&codes::FLOATING_IMAGE, span, message).here("tomorrow this may be another image");
    Some(finding.help("name a version, or a digest"))
}
