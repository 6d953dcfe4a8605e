//! What environments and rollouts ask for and apply cannot do yet: a plan refuses each of it, at its place.

use std::path::Path;

use waybill_compiler::check;

use crate::project::Project;

fn refused(form: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/ok").join(form);
    let extension = path.extension().and_then(|end| end.to_str()).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let outcome = Project::parse(&text, &format!("waybill.{extension}")).compile();
    let refused = check::refused_at_plan(&outcome.checked.unwrap());
    refused.iter().map(|found| format!("{} {}", found.code.name, found.message)).collect()
}

#[test]
fn a_plan_refuses_what_apply_would_leave_out() {
    let mut found = refused("delivery.kdl");
    let rest = " is not supported yet by apply";
    assert!(found.iter().all(|line| line.starts_with("not-supported-by-apply ")), "{found:#?}");
    let mut what: Vec<String> = found.iter().map(|line| line[23..].replace(rest, "")).collect();
    what.sort();
    what.dedup();
    let wanted = [
        "`analysis`",
        "`fan-out`",
        "`freeze`",
        "`header`",
        "`hook`",
        "`hotfix`",
        "`ignore`",
        "`mirror`",
        "`notify`",
        "`on-failure \"stop\"`",
        "`on-newer=\"finish\"`",
        "`retention`",
        "`traffic`",
        "`wave`",
        "`window`",
        "a manual stage",
        "an approval by several people",
        "an environment with several clusters",
        "manifests of cluster `default`",
        "the strategy `blue-green`",
    ];
    assert_eq!(what, wanted);
    let mut twin = refused("delivery.yaml");
    found.sort();
    twin.sort();
    assert_eq!(found, twin);
}

#[test]
fn a_plan_takes_what_apply_can_do() {
    assert_eq!(refused("small.kdl"), Vec::<String>::new());
}
