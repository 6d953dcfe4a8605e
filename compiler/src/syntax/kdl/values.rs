//! The names, values and properties of a node.
//!
//! **Invariant:** after a mistake that leaves the rest of a line without a meaning the node is broken, and nothing more is
//! said of it up to its block or end.

use super::build::Builder;
use super::number::{self, Bare};
use super::text::{self, Wrong};
use super::tree::{ItemKind, Kind};
use crate::diag::{Applicability, codes};

/// Reads a node's name.
pub fn name(builder: &mut Builder<'_, '_>, node: usize) {
    let at = builder.at;
    builder.at += 1;
    if glued(builder, node, at) {
        return;
    }
    if builder.tree.kind(at) == Kind::Unclosed {
        return give_up(builder, node);
    }
    word_as_name(builder, at, "a name");
    check_text(builder, at);
}

/// Says that no name stands where a node begins.
pub fn no_name(builder: &mut Builder<'_, '_>, node: usize) {
    let at = builder.at;
    let (start, end) = (builder.tree.start(at), builder.tree.end(at));
    if !builder.tree.items[node].broken {
        let token = builder.tree.token(at);
        let message = match builder.kind() {
            Kind::OpenBrace => "a block has no name".to_owned(),
            Kind::Newline | Kind::LineComment | Kind::End => "a type annotation stands before nothing".to_owned(),
            _other => format!("a node cannot begin with `{token}`"),
        };
        let finding = builder.found.syntax(start, end.max(start), message);
        builder.found.push(finding.here("expected a name").help("a node is a name, then values, then `{ … }`"));
    }
    if builder.kind() == Kind::OpenBrace {
        builder.tree.items[node].broken = true;
    } else {
        give_up(builder, node);
    }
}

/// Reads a value or a property; `first` is its first token, or the `/-` before it.
pub fn entry(builder: &mut Builder<'_, '_>, node: usize, first: usize, commented: bool) {
    let item = builder.item(ItemKind::Value, first, commented);
    let start = builder.at;
    if builder.kind() == Kind::OpenParen {
        annotation(builder, node);
    }
    let typed = builder.at > start;
    if builder.kind().is_text() && !builder.tree.items[node].broken {
        let key = builder.at;
        if equals_behind(builder) {
            property(builder, node, item, key, typed);
        } else {
            value(builder, node, item);
        }
    } else if builder.kind() == Kind::Keyword && !builder.tree.items[node].broken {
        value(builder, node, item);
    } else {
        builder.tree.items[item].broken = true;
        if !builder.tree.items[node].broken {
            no_value(builder, start, typed);
        }
        give_up(builder, node);
    }
    let last = builder.at;
    builder.end(item, last);
}

/// Whether `=` stands behind the token at hand, blanks between.
fn equals_behind(builder: &Builder<'_, '_>) -> bool {
    let mut at = builder.at + 1;
    while builder.tree.kind(at).is_space() {
        at += 1;
    }
    builder.tree.kind(at) == Kind::Equals
}

fn property(builder: &mut Builder<'_, '_>, node: usize, item: usize, key: usize, typed: bool) {
    if typed {
        let (start, end) = (builder.tree.start(key), builder.tree.end(key));
        let finding = builder.found.syntax(start, end, "a type annotation stands before a key");
        builder.found.push(finding.here("this is a key").help("write the annotation behind the `=`"));
    }
    builder.tree.items[item].kind = ItemKind::Property;
    builder.tree.items[item].name = key as u32;
    word_as_name(builder, key, "a key");
    check_text(builder, key);
    builder.at += 1;
    builder.skip_spaces();
    let equals = builder.at;
    builder.at += 1;
    let behind = builder.at;
    builder.skip_spaces();
    if builder.kind() == Kind::OpenParen {
        annotation(builder, node);
    }
    if builder.tree.items[node].broken {
        builder.tree.items[item].broken = true;
    } else if builder.at > behind && builder.kind().is_text() && equals_behind(builder) {
        // The key of the next property stands where the value should.
        builder.tree.items[item].broken = true;
        no_value_of(builder, key, equals);
        builder.at = behind;
    } else if builder.kind().is_text() || builder.kind() == Kind::Keyword {
        value(builder, node, item);
    } else {
        builder.tree.items[item].broken = true;
        if matches!(builder.kind(), Kind::Newline | Kind::LineComment | Kind::Semicolon | Kind::End)
            || matches!(builder.kind(), Kind::OpenBrace | Kind::CloseBrace)
        {
            builder.at = behind;
            no_value_of(builder, key, equals);
        } else {
            no_value(builder, builder.at, false);
            give_up(builder, node);
        }
    }
}

fn no_value_of(builder: &mut Builder<'_, '_>, key: usize, equals: usize) {
    let (start, end) = (builder.tree.start(key), builder.tree.end(equals));
    let name = builder.tree.token(key);
    let finding = builder.found.syntax(start, end, format!("`{name}` has no value"));
    builder.found.push(finding.here("nothing behind the `=`").help(format!("write {name}=\"…\"")));
}

/// Reads the token at hand as the value of `item`.
fn value(builder: &mut Builder<'_, '_>, node: usize, item: usize) {
    let at = builder.at;
    builder.at += 1;
    builder.tree.items[item].value = at as u32;
    if glued(builder, node, at) {
        builder.tree.items[item].broken = true;
        return;
    }
    match builder.tree.kind(at) {
        Kind::Unclosed => {
            builder.tree.items[item].broken = true;
            give_up(builder, node);
        }
        Kind::Keyword => keyword(builder, item, at),
        Kind::Word => bare(builder, item, at),
        _string => check_text(builder, at),
    }
}

fn keyword(builder: &mut Builder<'_, '_>, item: usize, at: usize) {
    const KNOWN: [&str; 6] = ["#true", "#false", "#null", "#inf", "#-inf", "#nan"];
    let (token, start) = (builder.tree.token(at), builder.tree.start(at));
    if KNOWN.contains(&token) {
        return;
    }
    builder.tree.items[item].broken = true;
    let finding = builder.found.syntax(start, start + token.len(), format!("there is no keyword `{token}`"));
    let finding = finding.here("unknown keyword");
    let span = builder.found.span(start, start + token.len());
    let finding = match crate::diag::suggest::closest(token, KNOWN) {
        Some(real) => finding.fix(format!("replace by `{real}`"), Applicability::Maybe, span, real),
        None => finding.help(format!("as a text it stands in quotes: \"{token}\"")),
    };
    builder.found.push(finding);
}

fn bare(builder: &mut Builder<'_, '_>, item: usize, at: usize) {
    let (word, start) = (builder.tree.token(at), builder.tree.start(at));
    let end = start + word.len();
    let quoted = |builder: &mut Builder<'_, '_>, message: String, label: &str| {
        let span = builder.found.span(start, end);
        let finding = builder.found.make(&codes::KDL_WORD, start, end, message).here(label);
        let finding = finding.help(format!("as a text it stands in quotes: \"{word}\""));
        builder.found.push(finding.fix("put it in quotes", Applicability::Maybe, span, format!("\"{word}\"")));
    };
    match number::read(word) {
        Bare::Name | Bare::Number(_) => {}
        Bare::Reserved => {
            // Nothing is what a value can be, so nothing more is said of one.
            builder.tree.items[item].broken = word == "null";
            builder.found.old_word(start, word);
        }
        Bare::NoNumber => quoted(builder, format!("`{word}` is neither a number nor a word"), "begins like a number"),
        Bare::TooLarge => {
            builder.tree.items[item].broken = true;
            quoted(builder, format!("the number `{word}` is too large"), "more than 128 bits");
        }
    }
}

/// Checks that a bare word can be a name or key.
fn word_as_name(builder: &mut Builder<'_, '_>, at: usize, what: &str) {
    if builder.tree.kind(at) != Kind::Word {
        return;
    }
    let (word, start) = (builder.tree.token(at), builder.tree.start(at));
    let end = start + word.len();
    let why = match number::read(word) {
        Bare::Name => return,
        Bare::Reserved => "a word of KDL itself",
        Bare::Number(_) | Bare::NoNumber | Bare::TooLarge => "begins like a number",
    };
    let finding = builder.found.make(&codes::KDL_WORD, start, end, format!("`{word}` cannot be {what}")).here(why);
    let finding = finding.help(format!("put it in quotes: \"{word}\""));
    let span = builder.found.span(start, end);
    builder.found.push(finding.fix("put it in quotes", Applicability::Maybe, span, format!("\"{word}\"")));
}

/// Reads `(name)` and the blanks behind it.
pub fn annotation(builder: &mut Builder<'_, '_>, node: usize) {
    let open = builder.at;
    builder.at += 1;
    builder.skip_spaces();
    let name = builder.at;
    if builder.kind().is_text() {
        builder.at += 1;
        builder.skip_spaces();
        if builder.kind() == Kind::CloseParen {
            word_as_name(builder, name, "a type");
            check_text(builder, name);
            builder.at += 1;
            builder.skip_spaces();
            return;
        }
    }
    let start = builder.tree.start(open);
    let finding = builder.found.syntax(start, start + 1, "a type annotation is not complete");
    builder.found.push(finding.here("expected `(name)`").help("text with brackets stands in quotes"));
    give_up(builder, node);
}

/// Says that no value stands at the token at hand; the entry began at `first`.
fn no_value(builder: &mut Builder<'_, '_>, first: usize, typed: bool) {
    let at = builder.at;
    if typed {
        let (start, end) = (builder.tree.start(first), builder.tree.start(at));
        let finding = builder.found.syntax(start, end, "a type annotation stands before nothing");
        builder.found.push(finding.here("expected a value behind it"));
        return;
    }
    builder.at += 1;
    while !ends_word(builder.kind()) {
        builder.at += 1;
    }
    lump(builder, at);
}

fn ends_word(kind: Kind) -> bool {
    kind.is_between() || matches!(kind, Kind::Semicolon | Kind::OpenBrace | Kind::CloseBrace | Kind::End)
}

/// Whether something stands right behind the token `at`, the last one read, that would need a blank before it. It is said
/// then, and the node is broken.
fn glued(builder: &mut Builder<'_, '_>, node: usize, at: usize) -> bool {
    let block = builder.kind() == Kind::Slashdash && builder.tree.kind(builder.at + 1) == Kind::OpenBrace;
    if ends_word(builder.kind()) || block {
        return false;
    }
    while !ends_word(builder.kind()) {
        builder.at += 1;
    }
    lump(builder, at);
    give_up(builder, node);
    true
}

/// Says that the tokens from `first` up to the one at hand, which no blank separates, are nothing.
fn lump(builder: &mut Builder<'_, '_>, first: usize) {
    if (first..builder.at).any(|at| builder.tree.kind(at) == Kind::Unclosed) {
        return;
    }
    let (start, end) = (builder.tree.start(first), builder.start());
    let written = &builder.tree.text[start..end];
    let plain = !written.contains(['"', '\\', '(', ')']) && !written.starts_with('=');
    if plain && builder.tree.kind(first) != Kind::Slashdash {
        let span = builder.found.span(start, end);
        let finding = builder.found.make(&codes::KDL_WORD, start, end, format!("`{written}` needs quotes"));
        let finding = finding.here("a bare word has none of `/ \\ ( ) { } [ ] ; \" # =`");
        let fix = finding.fix("put it in quotes", Applicability::Maybe, span, format!("\"{written}\""));
        return builder.found.push(fix);
    }
    let message = match builder.at - first {
        1 => format!("`{written}` means nothing here"),
        _ => "a blank is missing, or a quote is one too many".to_owned(),
    };
    let finding = builder.found.syntax(start, end, message).here("cannot be read as one value");
    builder.found.push(finding.help("values stand apart from each other; a quote in a text is written `\\\"`"));
}

/// The rest of the node up to its block or end has no meaning any more.
fn give_up(builder: &mut Builder<'_, '_>, node: usize) {
    builder.tree.items[node].broken = true;
    while !matches!(
        builder.kind(),
        Kind::Newline | Kind::LineComment | Kind::Semicolon | Kind::OpenBrace | Kind::CloseBrace | Kind::End
    ) {
        builder.at += 1;
    }
}

/// Says what is wrong inside a string.
fn check_text(builder: &mut Builder<'_, '_>, at: usize) {
    let kind = builder.tree.kind(at);
    if !matches!(kind, Kind::Escaped | Kind::Lines | Kind::RawLines) {
        return;
    }
    let (token, start) = (builder.tree.token(at), builder.tree.start(at));
    let mut wrong: Vec<(usize, usize, Wrong)> = Vec::new();
    let file = builder.found.file;
    text::decode(file, token, kind, start, &mut |from, to, what| wrong.push((from, to, what)));
    // Lines that are not indented as the last one are one mistake.
    wrong.dedup_by(|next, first| next.2 == Wrong::Indent && first.2 == Wrong::Indent);
    for (from, to, what) in wrong {
        wrong_text(builder, from, to, what);
    }
}

fn wrong_text(builder: &mut Builder<'_, '_>, from: usize, to: usize, what: Wrong) {
    let span = builder.found.span(from, to);
    let written = &builder.tree.text[from..to];
    let code = if what == Wrong::Solidus { &codes::KDL_VERSION_1 } else { &codes::KDL_ESCAPE };
    let make = |message: String| builder.found.make(code, from, to, message);
    let finding = match what {
        Wrong::Escape => make(format!("there is no escape `{written}`"))
            .here("unknown escape")
            .help("a backslash itself is written `\\\\`; in `#\"…\"#` it stands for itself")
            .fix("write the backslash", Applicability::Maybe, span, format!("\\{written}")),
        Wrong::Solidus => make("a `/` has no backslash in front".into()).here("KDL version 1").fix(
            "remove the backslash",
            Applicability::Safe,
            span,
            "/",
        ),
        Wrong::Unicode => make("an escape names no character".into())
            .here("no Unicode scalar value")
            .help("write `\\u{…}` with one to six hexadecimal digits"),
        Wrong::FirstLine => make("text stands behind the opening quotes".into())
            .here("the text begins in the next line")
            .help("for a text of one line use one quote at each end"),
        Wrong::LastLine => make("text stands before the closing quotes".into()).here("they need a line of their own"),
        Wrong::Indent => make("a line is indented less than the closing quotes".into())
            .here("other blanks than in the last line")
            .help("all lines begin with the same blanks as the line of the closing quotes"),
    };
    builder.found.push(finding);
}
