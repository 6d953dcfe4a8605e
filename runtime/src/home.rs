//! Where local state lives: `$WAYBILL_HOME`, else what `.waybill/home` of the project or a folder above it names, else
//! the state folder of the XDG base directory specification.

use std::path::{Path, PathBuf};

/// The folder for local state. `variable` reads the environment.
pub fn folder(project: &Path, variable: &dyn Fn(&str) -> Option<String>) -> PathBuf {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(home) = set("WAYBILL_HOME") {
        return std::path::absolute(&home).unwrap_or(home);
    }
    let start = project.canonicalize().unwrap_or_else(|_| project.to_owned());
    for folder in start.ancestors() {
        if let Ok(text) = std::fs::read_to_string(folder.join(".waybill").join("home")) {
            let named = folder.join(text.trim());
            return named.canonicalize().unwrap_or(named);
        }
    }
    let state = set("XDG_STATE_HOME").filter(|path| path.is_absolute());
    let user = || set("HOME").unwrap_or_else(|| PathBuf::from("/")).join(".local").join("state");
    state.unwrap_or_else(user).join("waybill")
}
