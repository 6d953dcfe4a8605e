//! What triggers read of events: their filters, and the values that they give to parameters, typed against the payload.

use crate::diag::{Applicability, Diagnostic, Diags, codes, suggest};
use crate::event::{self, Shape};
use crate::expr::{self, Chain, Dialect, Object, Piece, Scope, Template, Ty};
use crate::model::scope::{Typed, closest};
use crate::model::{Atom, Param, Value, ValueType, computed, given, param};
use crate::source::Spanned;
use crate::spec::Spec;
use crate::spec::trigger::{Event, Run, Source};

/// Reports filters that cannot be true or false, and values that do not fit their parameter.
pub fn check(spec: &Spec, diags: &mut Diags) {
    for trigger in &spec.triggers {
        let [source] = trigger.sources.as_slice() else { continue };
        let payload = Payload::of(source);
        for when in &trigger.when {
            let before = diags.errors();
            let expression = expr::whole(when, Dialect::Waybill, diags);
            expr::check(&expression, &payload.scope, &Ty::Bool, diags);
            if diags.errors() == before {
                expression.chains.iter().for_each(|chain| payload.slip(chain, diags));
            }
        }
        trigger.runs.iter().for_each(|run| bindings(spec, &payload, run, diags));
    }
}

/// What an event brings.
struct Payload {
    /// `None` where nothing is known of it.
    shape: Option<Shape>,
    /// The names `event` and, but for schedules, `body`.
    scope: Scope,
}

impl Payload {
    fn of(source: &Source) -> Payload {
        let event = ["source", "name"]
            .into_iter()
            .fold(Object::of("field of an event"), |object, name| object.with(name, Ty::String));
        let scope = Scope::default().with("event", event.ty());
        let shape = match &source.event {
            Event::Webhook { forge, event: Some(name) } => event::shape(*forge, &name.value),
            Event::Registry { .. } => Some(event::registry()),
            Event::Webhook { event: None, .. } => None,
            Event::Schedule { .. } => return Payload { shape: None, scope },
        };
        let body = shape.as_ref().map_or(Ty::Dyn, Shape::ty);
        Payload { shape, scope: scope.with("body", body) }
    }

    /// Payloads have more fields than are known here; but one that is nearly a known one is a slip.
    fn slip(&self, chain: &Chain, diags: &mut Diags) {
        let Some(shape) = self.shape.as_ref().filter(|_| chain.names[0].value == "body") else { return };
        let mut path = String::new();
        for name in chain.names.iter().skip(1) {
            let known = shape.fields(&path);
            let Some(real) = suggest::closest(&name.value, known.iter().copied()) else { return };
            if real != name.value {
                diags.push(nearly(name, real));
                return;
            }
            path = if path.is_empty() { name.value.clone() } else { format!("{path}.{}", name.value) };
        }
    }

    /// The type of what names joined by dots stand for.
    fn of_chain(&self, chain: &Chain, diags: &mut Diags) -> Ty {
        let unknown = |name: &Spanned<String>, what: &str, known: &[&str]| {
            let message = format!("there is no {what} `{}`", name.value);
            let finding = Diagnostic::new(&codes::UNKNOWN_REFERENCE, name.span, message).here("not known here");
            closest(finding, name, what, known)
        };
        let root = &chain.names[0];
        let Some(field) = self.scope.names.get(&root.value) else {
            let known: Vec<&str> = self.scope.names.keys().map(String::as_str).collect();
            diags.push(unknown(root, "name", &known));
            return Ty::Error;
        };
        let mut ty = field.ty.clone();
        for name in &chain.names[1..] {
            ty = match &ty {
                Ty::Object(object) => match object.fields.get(&name.value) {
                    Some(field) => field.ty.clone(),
                    None if object.open => Ty::Dyn,
                    None => {
                        let known: Vec<&str> = object.fields.keys().map(String::as_str).collect();
                        diags.push(unknown(name, &object.what, &known));
                        return Ty::Error;
                    }
                },
                Ty::Map(_, value) => (**value).clone(),
                Ty::Text("commit") if matches!(name.value.as_str(), "sha" | "short") => Ty::String,
                Ty::Dyn | Ty::Error => ty,
                other => {
                    let message = format!("this is of type {other} and has no field `{}`", name.value);
                    diags.push(Diagnostic::new(&codes::UNKNOWN_REFERENCE, name.span, message).here("not known here"));
                    return Ty::Error;
                }
            };
        }
        self.slip(chain, diags);
        ty
    }
}

fn nearly(name: &Spanned<String>, real: &str) -> Diagnostic {
    let message = format!("the payload has no field `{}`", name.value);
    let finding = Diagnostic::new(&codes::PAYLOAD_FIELD, name.span, message).here("nearly a field that it has");
    let help = format!(
        "there is a field with a similar name: `{real}`; for a field that is really called so, write `['{}']`",
        name.value
    );
    finding.help(help).fix(format!("replace by `{real}`"), Applicability::Maybe, name.span, real)
}

/// Values that a run gives to parameters of its pipeline; which parameters there are is judged with the triggers.
fn bindings(spec: &Spec, payload: &Payload, run: &Run, diags: &mut Diags) {
    let pipeline = spec.pipelines.iter().find(|pipeline| pipeline.name.value == run.pipeline.value);
    // What is wrong with the parameters themselves is said where they are resolved.
    let params = pipeline.map(|pipeline| param::params(&pipeline.params, &mut Diags::default())).unwrap_or_default();
    for (name, template) in &run.params {
        let param = params.iter().find(|param| param.name.value == name.value);
        binding(payload, param, template, diags);
    }
}

fn binding(payload: &Payload, param: Option<&Param>, template: &Template, diags: &mut Diags) {
    let literal = template.literal();
    let mut types = Vec::new();
    for piece in &template.pieces {
        match piece {
            Piece::Text(_) => {}
            Piece::Unread => types.push(Ty::Error),
            Piece::Chain(chain) => types.push(payload.of_chain(chain, diags)),
            Piece::Expression(expression) => {
                let before = diags.errors();
                types.push(expr::check(expression, &payload.scope, &Ty::Dyn, diags));
                if diags.errors() == before {
                    expression.chains.iter().for_each(|chain| payload.slip(chain, diags));
                }
            }
        }
    }
    let Some(param) = param.filter(|_| !types.contains(&Ty::Error)) else { return };
    let whole = match (template.pieces.as_slice(), types.as_slice()) {
        ([_], [only]) => of(only),
        _ => Some(ValueType::String),
    };
    let atoms = literal.into_iter().map(Atom::Text).collect();
    given::expect(&Typed { value: Value { atoms, span: template.span }, ty: whole, shape: None }, &param.shape, diags);
}

/// The type of a value of the payload; `None` where only the event tells.
fn of(ty: &Ty) -> Option<ValueType> {
    match ty {
        Ty::List(_) => Some(ValueType::List),
        Ty::Map(..) | Ty::Object(_) => Some(ValueType::Map),
        Ty::Dyn => None,
        other => computed::value_type(other),
    }
}
