//! Rules of policies, typed before anything is planned.

use crate::diag::Diags;
use crate::expr::{self, Dialect, Object, Scope, Ty};
use crate::spec::Spec;

/// Reports rules that cannot be true or false.
pub fn check(spec: &Spec, diags: &mut Diags) {
    let rules = scope();
    for rule in spec.policies.iter().flat_map(|policy| &policy.rules) {
        let expression = expr::whole(&rule.expression, Dialect::Waybill, diags);
        expr::check(&expression, &rules, &Ty::Bool, diags);
    }
}

/// What rules see: the fields of `plan::judge::view`.
pub fn scope() -> Scope {
    let change =
        Object::of("field of a change").with("path", Ty::String).with("before", Ty::Dyn).with("after", Ty::Dyn);
    let target = ["group", "version", "kind", "namespace", "name"]
        .into_iter()
        .fold(Object::of("field of a target"), |object, name| object.with(name, Ty::String));
    let texts = ["address", "kind", "op", "environment", "cluster", "segment", "cause", "reason", "file"];
    let action = texts.into_iter().fold(Object::of("field of an action"), |object, name| object.with(name, Ty::String));
    let action = ["images", "gates", "approvals", "unknowns"]
        .into_iter()
        .fold(action, |object, name| object.with(name, Ty::list(Ty::String)))
        .with("target", target.ty())
        .with("object", Ty::Dyn)
        .with("changes", Ty::list(change.with("known", Ty::Bool).ty()))
        .with("weight", Ty::Int);
    let plan = ["project", "revision", "branch"]
        .into_iter()
        .fold(Object::of("field of a plan"), |object, name| object.with(name, Ty::String));
    let plan = ["actions", "creates", "updates", "deletes"]
        .into_iter()
        .fold(plan, |object, name| object.with(name, Ty::Int))
        .with("uncommitted", Ty::list(Ty::String))
        .with("offline", Ty::Bool);
    Scope::default().with("action", action.ty()).with("plan", plan.ty())
}
