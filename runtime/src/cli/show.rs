//! `waybill show`.

use std::path::PathBuf;

use waybill_compiler::plan::render::{markdown, text};

use super::plan::Format;
use super::{Exit, TOOL, out};
use crate::planfile;

#[derive(clap::Args)]
pub struct Args {
    /// A plan file
    file: PathBuf,
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Prints a plan file. One that was changed is refused.
pub fn run(args: &Args) -> Exit {
    let plan = match planfile::read(&args.file, TOOL) {
        Ok(plan) => plan,
        Err(error) => return super::apply::refuse_file(&args.file, &error, args.format == Format::Json),
    };
    match args.format {
        Format::Text => out::print(&out::coloured(&text::render(&plan))),
        Format::Markdown => out::print(&markdown::render(&plan)),
        Format::Json => out::print(&String::from_utf8_lossy(&waybill_compiler::plan::digest::write(&plan))),
    }
}
