//! Plan files: whole or not at all, and every damage by its own name.

use waybill_compiler::plan::digest;
use waybill_runtime::planfile::{self, PlanFileError};

use crate::plans;

fn plan() -> waybill_compiler::plan::Plan {
    let object = plans::create(plans::config_map("n", "c", "value"));
    plans::plan("uid", "nonce", vec![plans::action("a", "environment.e", object, &[])], Vec::new(), Vec::new())
}

#[test]
fn a_plan_comes_back_and_any_changed_byte_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    planfile::write(&path, &plan()).unwrap();
    assert_eq!(planfile::read(&path, plans::TOOL).unwrap().id, plan().id);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left");
    let bytes = digest::write(&plan());
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&path, &changed).unwrap();
        assert!(planfile::read(&path, plans::TOOL).is_err(), "byte {at}");
    }
    let text = String::from_utf8(bytes).unwrap().replace("\"value\"", "\"other\"");
    std::fs::write(&path, text).unwrap();
    assert!(matches!(planfile::read(&path, plans::TOOL), Err(PlanFileError::Changed { .. })));
}

#[test]
fn other_files_are_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    let read = |text: &[u8]| {
        std::fs::write(&path, text).unwrap();
        planfile::read(&path, plans::TOOL).unwrap_err()
    };
    assert!(matches!(read(b""), PlanFileError::NotAPlan { .. }));
    assert!(matches!(read(b"\xff\xfe"), PlanFileError::NotAPlan { .. }));
    assert!(matches!(read(b"{\"format\":2}"), PlanFileError::Format { format: 2, .. }));
    // Another version may write other fields: its version is what is said.
    assert!(matches!(read(b"{\"format\":1,\"tool\":\"9.0.0\",\"new\":1}"), PlanFileError::Tool { .. }));
    assert!(matches!(planfile::read(&path, "0.0.1"), Err(PlanFileError::Tool { .. })));
    assert!(matches!(planfile::read(folder.path(), plans::TOOL), Err(PlanFileError::Read { .. })));
    assert!(matches!(planfile::read(&folder.path().join("no"), plans::TOOL), Err(PlanFileError::Read { .. })));
}

#[test]
fn what_cannot_be_written_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(planfile::write(folder.path(), &plan()), Err(PlanFileError::Write { .. })));
    let nowhere = folder.path().join("no/plan.json");
    assert!(matches!(planfile::write(&nowhere, &plan()), Err(PlanFileError::Write { .. })));
    let full = std::path::Path::new("/dev/full");
    if full.exists() {
        let error = PlanFileError::Write { path: "plan.json".into(), error: std::fs::write(full, "x").unwrap_err() };
        assert_eq!(error.to_string(), "plan.json was not written: the disk is full");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
