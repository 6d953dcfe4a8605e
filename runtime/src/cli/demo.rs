//! demo placeholder
use super::Exit;
#[derive(clap::Args)]
pub struct Args {}
pub fn run(_args: &Args) -> Exit {
    Exit::Failed
}
