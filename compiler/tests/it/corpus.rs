//! Where the shared corpus of real manifests is.

use std::path::{Path, PathBuf};

/// The folder `corpus` of the shared folder: `$WAYBILL_SHARED`, or a folder `shared` beside a parent of this crate.
/// `None`, said on stderr, where the machine has none.
pub fn corpus() -> Option<PathBuf> {
    let named = std::env::var_os("WAYBILL_SHARED").map(PathBuf::from);
    let beside = || {
        Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|parent| parent.join("shared")).find(|path| path.is_dir())
    };
    let found = named.or_else(beside).map(|shared| shared.join("corpus")).filter(|path| path.is_dir());
    if found.is_none() {
        eprintln!("no shared corpus on this machine (set WAYBILL_SHARED): this test has checked nothing");
    }
    found
}

/// All files below `dir` whose name passes, sorted; symbolic links are not followed.
pub fn files(dir: &Path, wanted: &dyn Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let entry = entry.unwrap();
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file() && entry.file_name().to_str().is_some_and(wanted) {
                out.push(entry.path());
            }
        }
    }
    out.sort();
    out
}
