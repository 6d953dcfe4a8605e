//! Fixes that add a `secret` block to an environment, in the syntax of its file.

use crate::diag::Edit;
use crate::source::{Sources, Span};
use crate::spec::environment::Environment;

/// The block to add.
pub struct Secret<'a> {
    pub name: &'a str,
    pub ty: Option<&'a str>,
    /// With a store to fill in; else the Secret is said to exist.
    pub vault: bool,
}

/// The edit that adds the block after the environment's `manifests`; `None` where that does not stand on a line of its own.
pub fn secret(sources: &Sources, environment: &Environment, secret: &Secret) -> Option<Edit> {
    let manifests = environment.manifests.as_ref()?;
    let text = sources.text(manifests.span.file);
    let line_start = text[..manifests.span.start as usize].rfind('\n').map_or(0, |at| at + 1);
    let line_end =
        text[manifests.span.end as usize..].find('\n').map_or(text.len(), |at| manifests.span.end as usize + at);
    let line = &text[line_start..line_end];
    let indent = &line[..line.len() - line.trim_start().len()];
    let starts = line.trim_start().starts_with("manifests");
    let kdl = sources.path(manifests.span.file).ends_with(".kdl");
    let ends = !kdl || text[manifests.span.end as usize..line_end].trim().is_empty();
    // A list that is there already would get a second key of the same name.
    if !starts || !ends || (!kdl && !environment.secrets.is_empty()) {
        return None;
    }
    let block = if kdl { in_kdl(indent, secret) } else { in_yaml(indent, secret) };
    Some(Edit { span: Span::new(manifests.span.file, line_end, line_end), text: block })
}

fn in_kdl(indent: &str, secret: &Secret) -> String {
    let ty = secret.ty.map_or(String::new(), |ty| format!(" type={ty:?}"));
    let source = if secret.vault { "vault \"PATH\" store=\"STORE\"" } else { "existing" };
    format!("\n{indent}secret {:?}{ty} {{\n{indent}    {source}\n{indent}}}", secret.name)
}

fn in_yaml(indent: &str, secret: &Secret) -> String {
    let ty = secret.ty.map_or(String::new(), |ty| format!("\n{indent}    type: {ty:?}"));
    let source = if secret.vault { "vault: {path: PATH, store: STORE}" } else { "existing: true" };
    format!("\n{indent}secrets:\n{indent}  - name: {:?}{ty}\n{indent}    {source}", secret.name)
}
