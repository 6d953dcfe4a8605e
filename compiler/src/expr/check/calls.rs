//! Calls of functions and methods.

use super::{Checker, closest};
use crate::diag::{Diagnostic, codes};
use crate::expr::ast::Expr;
use crate::expr::functions::{self, Function};
use crate::expr::ty::Ty;
use crate::source::{Span, Spanned};

impl Checker<'_> {
    pub(super) fn call(&mut self, target: Option<&Expr>, name: &Spanned<String>, args: &[Expr]) -> Ty {
        let given: Vec<(Ty, Span)> = target.into_iter().chain(args).map(|arg| (self.ty(arg), arg.span)).collect();
        let named: Vec<&Function> = functions::all(self.dialect).filter(|known| known.name == name.value).collect();
        let fitting = |known: &&Function| known.method == target.is_some();
        let forms: Vec<&Function> = named.iter().copied().filter(fitting).collect();
        if forms.is_empty() {
            // A target that is wrong already may be the reason why the method is not known.
            if !given.iter().any(|(ty, _)| *ty == Ty::Error) {
                let finding = self.unknown_function(name, &named, target.is_some());
                self.diags.push(finding);
            }
            return Ty::Error;
        }
        let of_arity: Vec<&Function> = forms.iter().copied().filter(|form| form.args.len() == given.len()).collect();
        if of_arity.is_empty() {
            let finding = wrong_arity(name, &forms, given.len());
            self.diags.push(finding);
            return Ty::Error;
        }
        let accepts = |form: &&Function| form.args.iter().zip(&given).all(|(arg, (ty, _))| arg.accepts(ty));
        let mut results =
            of_arity.iter().copied().filter(accepts).map(|form| form.result.ty(given.first().map(|(ty, _)| ty)));
        match results.next() {
            Some(first) if results.all(|other| other == first) => first,
            Some(_) => Ty::Dyn,
            None => {
                let finding = wrong_argument(name, &of_arity, &given, target.is_some());
                self.diags.push(finding);
                Ty::Error
            }
        }
    }

    fn unknown_function(&self, name: &Spanned<String>, named: &[&Function], method: bool) -> Diagnostic {
        let finding = |message: String| Diagnostic::new(&codes::UNKNOWN_FUNCTION, name.span, message);
        if !named.is_empty() {
            let called = if method { format!("`{}(…)`", name.value) } else { format!("`value.{}(…)`", name.value) };
            let message = format!("`{}` is called as {called}", name.value);
            return finding(message).here(if method { "not a method" } else { "a method needs a value before it" });
        }
        let form = if method { "method" } else { "function" };
        let message = format!("there is no {form} `{}`", name.value);
        let mut known: Vec<&str> =
            functions::all(self.dialect).filter(|known| known.method == method).map(|known| known.name).collect();
        known.sort_unstable();
        known.dedup();
        let habit = match name.value.as_str() {
            "len" | "length" | "count" => Some("`size(…)` counts"),
            "not" => Some("write `!` for not"),
            "toLower" | "lower" | "lowercase" | "toLowerCase" => Some("write `text.lowerAscii()`"),
            "toUpper" | "upper" | "uppercase" | "toUpperCase" => Some("write `text.upperAscii()`"),
            "hasPrefix" => Some("write `text.startsWith(\"…\")`"),
            "hasSuffix" => Some("write `text.endsWith(\"…\")`"),
            "includes" => Some("write `value in list`, or `text.contains(\"…\")`"),
            "now" => Some("the time is no input of an expression"),
            "any" | "some" => Some("write `list.exists(item, …)`"),
            "every" => Some("write `list.all(item, …)`"),
            _ => None,
        };
        let finding = finding(message).here("not known");
        match habit {
            Some(help) => finding.help(help),
            None => closest(finding, &name.value, name.span, form, &known),
        }
    }
}

fn wrong_arity(name: &Spanned<String>, forms: &[&Function], given: usize) -> Diagnostic {
    // The target is no argument to whoever writes it.
    let shift = usize::from(forms[0].method);
    let mut counts: Vec<usize> = forms.iter().map(|form| form.args.len() - shift).collect();
    counts.sort_unstable();
    counts.dedup();
    let wanted = match counts.as_slice() {
        [1] => "1 argument".to_owned(),
        [0] => "no argument".to_owned(),
        counts => {
            format!("{} arguments", counts.iter().map(usize::to_string).collect::<Vec<_>>().join(" or "))
        }
    };
    let message = format!("`{}` takes {wanted}, not {}", name.value, given - shift);
    Diagnostic::new(&codes::WRONG_ARGUMENT, name.span, message).here("called with another number of arguments")
}

fn wrong_argument(name: &Spanned<String>, forms: &[&Function], given: &[(Ty, Span)], method: bool) -> Diagnostic {
    // The first argument that no form accepts whose earlier arguments fit.
    let mut left: Vec<&Function> = forms.to_vec();
    let mut at = 0;
    while at < given.len() {
        let next: Vec<&Function> = left.iter().copied().filter(|form| form.args[at].accepts(&given[at].0)).collect();
        if next.is_empty() {
            break;
        }
        left = next;
        at += 1;
    }
    let at = at.min(given.len().saturating_sub(1));
    let mut wanted: Vec<&str> = Vec::new();
    for form in &left {
        let name = form.args[at].as_str();
        if !wanted.contains(&name) {
            wanted.push(name);
        }
    }
    let wanted = match wanted.as_slice() {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    };
    let (ty, span) = &given[at];
    let what = if method && at == 0 { "works on" } else { "takes" };
    let message = format!("`{}` {what} {wanted}, not {ty}", name.value);
    Diagnostic::new(&codes::WRONG_ARGUMENT, *span, message).here(format!("of type {ty}"))
}
