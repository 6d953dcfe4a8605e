//! All codes as one page.

use super::codes;

/// The page of all codes as Markdown, with their examples.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Diagnostics\n\nGenerated from the codes of the compiler; do not edit. `waybill explain CODE` shows one of them.\n",
    );
    page.push_str("\n| code | name | severity | |\n|---|---|---|---|\n");
    for code in codes::all() {
        let (id, name, severity) = (code.id(), code.name, code.severity.as_str());
        page.push_str(&format!("| [{id}](#{}) | `{name}` | {severity} | {} |\n", id.to_lowercase(), code.summary));
    }
    for code in codes::all() {
        page.push_str(&format!(
            "\n## {}\n\n`{}`, {}: {}\n\n",
            code.id(),
            code.name,
            code.severity.as_str(),
            code.summary
        ));
        page.push_str(&format!("{}\n", code.explanation));
        if !code.failing.is_empty() {
            page.push_str(&format!("\nWrong:\n\n```kdl\n{}\n```\n", code.failing.trim_end()));
        }
        if !code.fixed.is_empty() {
            page.push_str(&format!("\nRight:\n\n```kdl\n{}\n```\n", code.fixed.trim_end()));
        }
    }
    page
}
