//! Manifests: files from a text with `--- PATH` lines, rendered as a kustomization and checked one by one.

use waybill_compiler::diag::Diags;
use waybill_compiler::kubernetes::plain;
use waybill_compiler::kubernetes::schema::Schemas;
use waybill_compiler::manifest;
use waybill_compiler::needs::ROUNDS;
use waybill_compiler::source::{FileId, Sources, Span};

use crate::project::Project;

pub fn hold(text: &str) {
    let project = Project::parse(text, "kustomization.yaml");
    let mut sources = Sources::default();
    let start = Span::start_of(sources.add(".", ""));
    for _ in 0..ROUNDS {
        let mut diags = Diags::default();
        let rendered = manifest::render(&sources, ".", start, &|_| None, &mut diags);
        if !rendered.needs.is_empty() {
            rendered.needs.iter().for_each(|need| project.answer(&need.path, &mut sources));
            continue;
        }
        for object in &rendered.objects {
            let node = object.grafted();
            assert_eq!(node.to_json(), object.value, "places changed the object");
        }
        plain::check_rendered(&sources, &rendered.objects, Schemas::newest(), &mut diags);
        diags.iter().for_each(|finding| super::assert_finding(&sources, finding));
        break;
    }
    let mut sources = Sources::default();
    let files: Vec<FileId> = project.files.iter().map(|(path, text)| sources.add(path, text.as_str())).collect();
    if !files.is_empty() {
        let mut diags = Diags::default();
        plain::check(&sources, &files, Schemas::newest(), &mut diags);
        diags.iter().for_each(|finding| super::assert_finding(&sources, finding));
    }
}
