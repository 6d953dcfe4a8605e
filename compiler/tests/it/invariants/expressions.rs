//! Expressions: read, typed and evaluated within a budget; what is of a type gives a value of that type or an error.

use waybill_compiler::diag::Diags;
use waybill_compiler::expr::{self, Bindings, Budget, Dialect, Expression, Object, Scope, Ty, Value};
use waybill_compiler::source::{Sources, Span};
use waybill_compiler::syntax::Text;

pub fn hold(text: &str) {
    let mut sources = Sources::default();
    let file = sources.add("waybill.kdl", text);
    let whole = Text::plain(text, Span::new(file, 0, text.len()));
    for dialect in [Dialect::Waybill, Dialect::Kubernetes] {
        let mut diags = Diags::default();
        let expression = expr::whole(&whole, dialect, &mut diags);
        assert_typed(&expression, &mut diags);
        diags.iter().for_each(|finding| super::assert_finding(&sources, finding));
    }
    let mut diags = Diags::default();
    for piece in expr::parse(&whole, &mut diags).pieces {
        if let expr::Piece::Expression(expression) = piece {
            assert_typed(&expression, &mut diags);
        }
    }
    diags.iter().for_each(|finding| super::assert_finding(&sources, finding));
    for (from, to) in expr::splices(text) {
        assert!(text.get(from..to).is_some(), "{from}..{to} is no place");
    }
}

fn assert_typed(expression: &Expression, diags: &mut Diags) {
    let before = diags.errors();
    let ty = expr::check(expression, &scope(), &Ty::Dyn, diags);
    let value = expr::eval(expression, &bindings(), Budget { cost: 20_000, size: 1 << 14 });
    match value {
        Ok(value) if before == 0 && !diags.has_errors() => {
            assert!(is_of(&value, &ty), "{value:?} is not {ty}");
            let _ = value.text();
        }
        Ok(_) => {}
        Err(error) => {
            diags.push(error.finding());
        }
    }
}

fn scope() -> Scope {
    let param = Object::of("parameter").with("tags", Ty::list(Ty::String)).with("count", Ty::Int);
    let param = param.with("name", Ty::String).with("revision", Ty::Text("commit")).with("labels", Ty::map(Ty::String));
    Scope::default().with("param", param.ty()).with("self", Ty::Dyn).with("ratio", Ty::Double)
}

fn bindings() -> Bindings {
    let text = Value::string;
    let commit = [("sha", text("0123456789abcdef0123456789abcdef01234567")), ("short", text("0123456"))];
    let param = Value::map([
        ("tags", Value::list(vec![text("a"), text("é-b")])),
        ("count", Value::Int(-7)),
        ("name", text("shöp")),
        ("revision", Value::map(commit)),
        ("labels", Value::map([("app", text("shop"))])),
    ]);
    let itself = Value::map([("replicas", Value::Int(3)), ("names", Value::list(vec![text("x"), text("y")]))]);
    Bindings::default().with("param", param).with("self", itself).with("ratio", Value::Double(0.5))
}

/// Whether a value can be of a type; where nothing is known of the type, it can.
fn is_of(value: &Value, ty: &Ty) -> bool {
    match ty {
        Ty::Error | Ty::Dyn | Ty::Object(_) | Ty::Opaque(_) | Ty::Text(_) => true,
        Ty::Null => matches!(value, Value::Null),
        Ty::Bool => matches!(value, Value::Bool(_)),
        Ty::Int => matches!(value, Value::Int(_)),
        Ty::Uint => matches!(value, Value::Uint(_)),
        Ty::Double => matches!(value, Value::Double(_)),
        Ty::String => matches!(value, Value::String(_)),
        Ty::Bytes => matches!(value, Value::Bytes(_)),
        Ty::Duration => matches!(value, Value::Duration(_)),
        Ty::Timestamp => matches!(value, Value::Timestamp(_)),
        Ty::Type => matches!(value, Value::Type(_)),
        Ty::List(of) => match value {
            Value::List(items) => items.iter().all(|item| is_of(item, of)),
            _other => false,
        },
        Ty::Map(_, of) => match value {
            Value::Map(entries) => entries.values().all(|value| is_of(value, of)),
            _other => false,
        },
    }
}
