//! The command `waybill`.

use std::process::ExitCode;

fn main() -> ExitCode {
    // The embedded node runs this program again to set up a container: nothing may come before.
    waybill_embedded::node::enter();
    waybill_runtime::cli::run(std::env::args_os())
}
