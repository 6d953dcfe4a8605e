//! `waybill explain`.

use waybill_compiler::diag::{codes, suggest};

use super::{Exit, out};

#[derive(clap::Args)]
pub struct Args {
    /// A code such as WB0304, or a name such as bad-image-tag
    code: String,
}

/// Prints what a code means, with an example of what fails and of what is right.
pub fn run(args: &Args) -> Exit {
    let Some(code) = codes::find(&args.code) else {
        let names: Vec<&str> = codes::all().iter().map(|code| code.name).collect();
        let closest = suggest::closest(&args.code, names);
        let hint = closest.map_or_else(String::new, |name| format!("; there is one with a similar name: {name}"));
        out::say(&format!("error: there is no code `{}`{hint}", args.code));
        return Exit::Failed;
    };
    let mut text = format!(
        "{} {} ({})\n\n{}\n\n{}\n",
        code.id(),
        code.name,
        code.severity.as_str(),
        code.summary,
        code.explanation
    );
    for (title, example) in [("Fails", code.failing), ("Right", code.fixed)] {
        if !example.is_empty() {
            text.push_str(&format!("\n{title}:\n\n{}\n", indent(example)));
        }
    }
    out::print(&text)
}

fn indent(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { String::new() } else { format!("    {line}") };
    text.trim_end().lines().map(line).collect::<Vec<_>>().join("\n")
}
