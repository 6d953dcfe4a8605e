//! Rules of policies and filters of triggers, typed before anything is planned.

use crate::diag::{Diagnostic, Diags, codes, suggest};
use crate::event;
use crate::expr::{self, Dialect, Object, Scope, Ty};
use crate::spec::Spec;
use crate::spec::trigger::Event;

/// Reports rules and filters that cannot be true or false.
pub fn check(spec: &Spec, diags: &mut Diags) {
    let rules = scope();
    for rule in spec.policies.iter().flat_map(|policy| &policy.rules) {
        let expression = expr::whole(&rule.expression, Dialect::Waybill, diags);
        expr::check(&expression, &rules, &Ty::Bool, diags);
    }
    for trigger in &spec.triggers {
        let [source] = trigger.sources.as_slice() else { continue };
        let shape = match &source.event {
            Event::Webhook { forge, event: Some(name) } => event::shape(*forge, &name.value),
            Event::Registry { .. } => Some(event::registry()),
            Event::Webhook { event: None, .. } | Event::Schedule { .. } => None,
        };
        let body = shape.as_ref().map_or(Ty::Dyn, event::Shape::ty);
        for when in &trigger.when {
            let before = diags.errors();
            let expression = expr::whole(when, Dialect::Waybill, diags);
            expr::check(&expression, &Scope::default().with("body", body.clone()), &Ty::Bool, diags);
            if let Some(shape) = shape.as_ref().filter(|_| diags.errors() == before) {
                expression.chains.iter().for_each(|chain| slip(chain, shape, diags));
            }
        }
    }
}

/// Payloads have more fields than are known here; but one that is nearly a known one is a slip.
fn slip(chain: &expr::Chain, shape: &event::Shape, diags: &mut Diags) {
    let mut path = String::new();
    for name in chain.names.iter().skip(1) {
        let known = shape.fields(&path);
        let Some(real) = suggest::closest(&name.value, known.iter().copied()) else { return };
        if real != name.value {
            let message = format!("the payload has no field `{}`", name.value);
            let finding = Diagnostic::new(&codes::PAYLOAD_FIELD, name.span, message).here("nearly a field that it has");
            diags.push(finding.help(format!("there is a field with a similar name: `{real}`; for a field that is really called so, write `['{}']`", name.value)).fix(
                format!("replace by `{real}`"),
                crate::diag::Applicability::Maybe,
                name.span,
                real,
            ));
            return;
        }
        path = if path.is_empty() { name.value.clone() } else { format!("{path}.{}", name.value) };
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
