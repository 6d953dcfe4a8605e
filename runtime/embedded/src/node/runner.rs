//! Runs one Pod outside of any cluster: `waybill-node-runner HOME < pod.json`.
//!
//! Prints each status as a line of JSON; the last one is terminal. Exits 0 if the Pod succeeded, 1 if not, 64 on wrong
//! use. It is its own runner, and the tests of the node use it as theirs. There are no ConfigMaps and Secrets here.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use waybill_embedded::node::{self, Node};

fn main() -> ExitCode {
    node::enter();
    let mut text = String::new();
    let pod = std::io::stdin().read_to_string(&mut text).ok().and_then(|_| serde_json::from_str(&text).ok());
    let home = std::env::args_os().nth(1).map(PathBuf::from);
    let (Some(home), Some(pod), Ok(runner)) = (home, pod, std::env::current_exe()) else {
        eprintln!("use: waybill-node-runner HOME < pod.json");
        return ExitCode::from(64);
    };
    let Ok(runtime) = tokio::runtime::Runtime::new() else {
        eprintln!("cannot start");
        return ExitCode::FAILURE;
    };
    let node = Node::new(&home, &runner);
    let (sender, mut statuses) = tokio::sync::mpsc::unbounded_channel::<serde_json::Value>();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let phase = runtime.block_on(async {
        let lookup = Arc::new(|_: &str, _: &str, _: &str| None);
        let running = tokio::spawn(async move { node.run_pod(pod, lookup, sender, stopped).await });
        let mut phase = String::new();
        while let Some(status) = statuses.recv().await {
            phase = status["phase"].as_str().unwrap_or_default().to_owned();
            // A reader that went away does not stop the Pod.
            let _ = writeln!(std::io::stdout(), "{status}");
        }
        let _ = running.await;
        phase
    });
    if phase == "Succeeded" { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
