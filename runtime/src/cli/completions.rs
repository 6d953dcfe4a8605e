//! `waybill completions` and `waybill man`: what shells and `man` know of the commands, from the same definitions.

use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Exit, out};
use crate::load;

#[derive(clap::Args)]
pub struct Args {
    /// The shell that will read it
    #[arg(value_enum)]
    shell: Shell,
}

#[derive(clap::Args)]
pub struct ManArgs {
    /// Write a page for each command into this folder; without it, the main page is printed
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Prints the completion script of a shell.
pub fn run(args: &Args) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut super::Args::command(), "waybill", &mut script);
    out::print(&String::from_utf8_lossy(&script))
}

/// Prints or writes the man pages.
pub fn man(args: &ManArgs) -> Exit {
    let written = match &args.out {
        Some(folder) => {
            std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(super::Args::command(), folder))
        }
        None => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(super::Args::command()).render(&mut page);
            out::print(&String::from_utf8_lossy(&page));
            rendered
        }
    };
    match written {
        Ok(()) => Exit::Done,
        Err(error) => {
            out::say(&format!("error: the man pages cannot be written: {}", load::plain(&error)));
            Exit::Failed
        }
    }
}
