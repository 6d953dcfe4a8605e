//! `waybill approve`.

use std::path::PathBuf;

use waybill_compiler::diag::codes;

use super::session::Session;
use super::{Exit, apply, out, plan};

#[derive(clap::Args)]
pub struct Args {
    /// Address of the gate: environment.NAME.gate.approval
    address: String,
    /// The project's folder
    #[arg(default_value = ".")]
    path: PathBuf,
}

/// Journals who said yes and when; `waybill apply --resume` goes on.
pub fn run(args: &Args) -> Exit {
    let session = Session::open(&args.path);
    let Some(checked) = session.checked() else {
        return session.report(&session.loaded.diags.clone().sorted(), super::report::Format::Fancy);
    };
    let runtime = match plan::runtime() {
        Ok(runtime) => runtime,
        Err(error) => return session.fail(&codes::OUTSIDE, error, false),
    };
    runtime.block_on(async {
        let (world, clusters) = match apply::project_world(&session, checked, false).await {
            Ok(world) => world,
            Err(exit) => return exit,
        };
        let by = apply::user();
        let at = crate::apply::now_millis() / 1000;
        let approved = crate::apply::approve(&checked.model().project.name, &args.address, &by, at, &world).await;
        drop(world);
        clusters.close().await;
        match approved {
            Ok(plan) => out::print(&format!(
                "{} approved by {by} for plan {plan}. To go on: waybill apply --resume\n",
                args.address
            )),
            Err(refusal) => {
                out::say(&format!("error: {refusal}"));
                Exit::Refused
            }
        }
    })
}
