//! Printing that survives a closed pipe, with colours where a terminal wants them.

use std::io::Write;

use anstyle::{AnsiColor, Style};

use super::Exit;

/// Prints to stdout. A closed pipe is no failure: whoever read has seen enough. A full disk is one.
pub fn print(text: &str) -> Exit {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => Exit::Done,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Exit::Done,
        Err(error) => {
            say(&format!("error: writing the output: {}", crate::load::plain(&error)));
            Exit::Failed
        }
    }
}

/// Prints a document and a line end.
pub fn json(value: &impl serde::Serialize) -> Exit {
    let text = serde_json::to_string_pretty(value).expect("BUG: documents are always JSON");
    print(&format!("{text}\n"))
}

/// One line of progress to stderr; where nobody reads it, it is lost.
pub fn say(line: &str) {
    let mut out = anstream::stderr().lock();
    let _ = writeln!(out, "{line}");
}

/// The worse of two ends.
pub fn either(first: Exit, then: Exit) -> Exit {
    if first == Exit::Done { then } else { first }
}

/// A plan's text with its lines coloured by sign.
pub fn coloured(text: &str) -> String {
    text.split_inclusive('\n').map(coloured_line).collect()
}

fn coloured_line(line: &str) -> String {
    let colour = match line.trim_start().split(' ').next() {
        Some("+") => AnsiColor::Green,
        Some("-" | "-/+") => AnsiColor::Red,
        Some("~") => AnsiColor::Yellow,
        Some(">" | "^") => AnsiColor::Cyan,
        Some("%" | "?") => AnsiColor::Magenta,
        Some("*") => AnsiColor::Blue,
        _ => return line.to_owned(),
    };
    let style = Style::new().fg_color(Some(colour.into()));
    let (text, end) = line.strip_suffix('\n').map_or((line, ""), |text| (text, "\n"));
    format!("{style}{text}{style:#}{end}")
}
