//! What can be wrong with a module, in words.

use super::lock::{self, Entry, Lock};
use super::{DEPTH, LIMIT, Link, Pin, Place};
use crate::diag::{Applicability, Diagnostic, codes, suggest};
use crate::source::Span;
use crate::spec::reuse::Use;

const VENDOR: &str = "run `waybill vendor`, and commit `waybill.lock` and `vendor/waybill`";

/// A path as seen from a folder above it.
pub fn below(root: &str, path: &str) -> String {
    let inner = path.strip_prefix(root).and_then(|rest| rest.strip_prefix('/'));
    inner.unwrap_or(path).to_owned()
}

pub fn too_many(span: Span) -> Diagnostic {
    let message = format!("the spec uses more than {LIMIT} modules");
    Diagnostic::new(&codes::TOO_MANY_MODULES, span, message).here("one too many").help("put their tasks into fewer")
}

pub fn too_deep(span: Span) -> Diagnostic {
    let message = format!("modules use one another more than {DEPTH} deep");
    let finding = Diagnostic::new(&codes::TOO_MANY_MODULES, span, message).here("one level too many");
    finding.help("use this module where its tasks are needed")
}

/// `links` are those of the circle, the first one of which is used again at `span`.
pub fn cycle(links: &[Link], again: &Place, span: Span) -> Diagnostic {
    let code = &codes::MODULE_CYCLE;
    let [_, rest @ ..] = links else {
        return Diagnostic::new(code, span, "modules use one another in a circle");
    };
    if rest.is_empty() {
        let message = format!("`{}` uses itself", again.shown());
        return Diagnostic::new(code, span, message).here("this is its own folder").help("remove the `use`");
    }
    let names: Vec<String> =
        links.iter().map(|link| &link.place).chain([again]).map(|place| format!("`{}`", place.shown())).collect();
    let message = format!("modules use one another in a circle: {}", names.join(" uses "));
    let finding = Diagnostic::new(code, span, message).here("closes the circle");
    rest.iter()
        .fold(finding, |finding, link| finding.label(link.span, format!("`{}` is used here", link.place.shown())))
}

pub fn not_a_module(place: &Place, span: Span, project: Option<Span>) -> Diagnostic {
    let message = format!("`{}` is not a module", place.shown());
    let finding = Diagnostic::new(&codes::NOT_A_MODULE, span, message).here("its spec has no `module` block");
    let finding = match project {
        Some(project) => finding.label(project, "it is a project"),
        None => finding,
    };
    finding.help("begin that spec with `module \"NAME\"`; it may have tasks, and modules that it uses itself")
}

pub fn not_found(used: &Use, parent: &str, last: &str, names: &[String]) -> Diagnostic {
    let message = format!("there is no module at `{}`", used.source.value);
    let finding = Diagnostic::new(&codes::MODULE_NOT_FOUND, used.source.span, message)
        .here("neither `waybill.kdl` nor `waybill.yaml` is there");
    let folders = names.iter().filter_map(|name| name.strip_suffix('/')).filter(|name| *name != last);
    match suggest::closest(last, folders) {
        Some(real) => {
            let before = used.source.value.trim_end_matches('/').rsplit_once('/').map_or("", |(before, _)| before);
            let path = if before.is_empty() { real.to_owned() } else { format!("{before}/{real}") };
            let finding = finding.help(format!("there is a folder with a similar name: `{path}`"));
            finding.fix(format!("replace by `{path}`"), Applicability::Maybe, inside(used), path)
        }
        None => {
            let place = if parent.is_empty() { "the project's folder".into() } else { format!("`{parent}`") };
            finding.help(format!("a module is a folder whose spec has a `module` block; looked for in {place}"))
        }
    }
}

/// The characters of the source, without its quotes.
fn inside(used: &Use) -> Span {
    used.source.place(0, used.source.value.len())
}

pub fn not_locked(pin: &Pin, span: Span, lock: Option<&Lock>) -> Diagnostic {
    let message = format!("`{}` is not in `{}`", pin.shown(), lock::PATH);
    let finding = Diagnostic::new(&codes::MODULE_NOT_LOCKED, span, message).here("no commit is locked");
    let other = lock.and_then(|lock| lock.entries.iter().find(|(known, _)| known.url == pin.url));
    let finding = match other {
        Some((_, entry)) => finding.label(entry.span, "locked at another revision"),
        None => finding,
    };
    finding.help(VENDOR)
}

pub fn not_vendored(pin: &Pin, place: &Place, span: Span) -> Diagnostic {
    let inner = place.inner.join("/");
    let at = if inner.is_empty() { String::new() } else { format!(" at `{inner}`") };
    let message = format!("the copy of `{}` in `{}` has no module{at}", pin.shown(), place.root);
    Diagnostic::new(&codes::MODULE_NOT_VENDORED, span, message).here("nothing is there").help(VENDOR)
}

pub fn changed(pin: &Pin, root: &str, span: Span, entry: &Entry) -> Diagnostic {
    let message = format!("the copy of `{}` in `{root}` is not what `{}` says", pin.shown(), lock::PATH);
    let finding = Diagnostic::new(&codes::MODULE_CHANGED, span, message).here("its files were changed");
    finding.label(entry.content_span, "the digest of what it had").help(VENDOR)
}

pub fn idle(pin: &Pin, entry: &Entry) -> Diagnostic {
    let message = format!("nothing uses `{}`, which `{}` has", pin.shown(), lock::PATH);
    Diagnostic::new(&codes::LOCK_ENTRY_UNUSED, entry.span, message).here("not used").help("run `waybill vendor`")
}
