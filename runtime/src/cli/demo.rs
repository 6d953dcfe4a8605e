//! `waybill demo`: the story of a payments team, told by running the real commands.
//!
//! **Invariant:** every line that begins with `$ waybill` is a process that was run, and what follows is what it printed;
//! a step that does not do what is told ends the demo with exit 1.

mod repository;

use std::path::{Path, PathBuf};
use std::process::Command;

use repository::Repository;
use rust_embed::RustEmbed;

use super::{Exit, out};

/// The example project.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/../examples/fintech"]
#[exclude = "waybill.yaml"]
struct Fintech;

#[derive(clap::Args)]
pub struct Args {
    /// Where the project is laid out; must be empty or absent
    #[arg(default_value = "./waybill-demo")]
    dir: PathBuf,
}

/// Why the story stopped.
struct Broken(String);

/// Tells the story; a folder that is not empty is refused.
pub fn run(args: &Args) -> Exit {
    let full = std::fs::read_dir(&args.dir).map(|mut entries| entries.next().is_some());
    if full.unwrap_or(args.dir.exists()) {
        out::say(&format!("error: {} is not an empty folder; name another one: waybill demo DIR", args.dir.display()));
        return Exit::Refused;
    }
    match tell(&args.dir) {
        Ok(()) => Exit::Done,
        Err(Broken(why)) => {
            out::say(&format!("error: the demo stopped: {why}"));
            Exit::Failed
        }
    }
}

/// The clone, and how commands are run in it.
struct Stage {
    clone: PathBuf,
    repository: Repository,
    program: PathBuf,
}

fn tell(dir: &Path) -> Result<(), Broken> {
    let stage = set_up(dir)?;
    heading("1. A payments team has a service, its manifests and one delivery spec, waybill.kdl");
    stage.waybill(&["check"], 0, &["rollout-selectors"])?;
    heading("2. The first version: one plan shows the Pods, the commits and every object, in every environment");
    stage.waybill(
        &["plan", "--out", "plan.json"],
        0,
        &["tasks in 2 pods", "will be pushed", "the stages are skipped"],
    )?;
    stage.waybill(&["apply", "plan.json", "--wait", "20s"], 0, &["Apply complete."])?;
    stage.pull()?;
    heading("3. Plan again: nothing is left to do");
    stage.waybill(&["plan"], 0, &["No changes."])?;
    heading("4. Somebody changes the service, and pushes");
    stage.change()?;
    stage.waybill(&["plan", "--out", "plan.json"], 0, &["canary payments stage 1", "3 canary stages"])?;
    stage.waybill(&["apply", "plan.json", "--wait", "20s"], 0, &["Apply complete.", "3 canary stages"])?;
    stage.pull()?;
    heading("5. Plan again: nothing is left to do");
    stage.waybill(&["plan"], 0, &["No changes."])?;
    heading("6. A wrong edit: a branch's name as the image's tag");
    stage.wrong_edit()?;
    narrate("Nothing ran. The edit is taken back.");
    stage.leave(dir)
}

fn set_up(dir: &Path) -> Result<Stage, Broken> {
    let failed =
        |what: &'static str| move |error: std::io::Error| Broken(format!("{what}: {}", crate::load::plain(&error)));
    std::fs::create_dir_all(dir).map_err(failed("making the folder"))?;
    let dir = dir.canonicalize().map_err(failed("making the folder"))?;
    let clone = dir.join("fintech");
    for path in Fintech::iter() {
        let file = Fintech::get(&path).ok_or_else(|| Broken(format!("{path} is not in this program")))?;
        let target = clone.join(path.as_ref());
        std::fs::create_dir_all(target.parent().unwrap_or(&clone)).map_err(failed("laying out the project"))?;
        std::fs::write(&target, file.data).map_err(failed("laying out the project"))?;
    }
    let repository = Repository::create(&clone, &dir.join("fintech.git")).map_err(Broken)?;
    if std::env::var_os("WAYBILL_HOME").is_none() {
        std::fs::create_dir_all(clone.join(".waybill")).map_err(failed("naming the state folder"))?;
        std::fs::write(clone.join(".waybill").join("home"), "../state\n").map_err(failed("naming the state folder"))?;
        std::fs::create_dir_all(dir.join("state")).map_err(failed("making the state folder"))?;
    }
    let program = std::env::current_exe().map_err(failed("finding this program"))?;
    Ok(Stage { clone, repository, program })
}

fn heading(text: &str) {
    out::print(&format!("\n=== {text}\n"));
}

fn narrate(text: &str) {
    out::print(&format!("\n{text}\n"));
}

impl Stage {
    /// Runs a command in the clone, shows what it prints, and holds it to what is told.
    fn waybill(&self, args: &[&str], code: i32, said: &[&str]) -> Result<(), Broken> {
        let told = args.join(" ");
        out::print(&format!("\n$ waybill {told}\n"));
        let ran = Command::new(&self.program)
            .args(args)
            .current_dir(&self.clone)
            .stdin(std::process::Stdio::null())
            .stderr(std::process::Stdio::inherit())
            .output()
            .map_err(|error| Broken(format!("waybill {told}: {error}")))?;
        let text = String::from_utf8_lossy(&ran.stdout);
        out::print(&text);
        if ran.status.code() != Some(code) {
            return Err(Broken(format!("waybill {told} ended with {}, not {code}", ran.status)));
        }
        match said.iter().find(|word| !text.contains(**word)) {
            Some(word) => Err(Broken(format!("waybill {told} did not say `{word}`"))),
            None => Ok(()),
        }
    }

    fn edit(&self, path: &str, change: impl Fn(String) -> String) -> Result<(), Broken> {
        let file = self.clone.join(path);
        let failed = |error: std::io::Error| Broken(format!("editing {path}: {error}"));
        let text = std::fs::read_to_string(&file).map_err(failed)?;
        let changed = change(text.clone());
        if changed == text {
            return Err(Broken(format!("the edit of {path} changes nothing")));
        }
        std::fs::write(&file, changed).map_err(failed)
    }

    fn change(&self) -> Result<(), Broken> {
        self.edit("service/payments.sh", |text| format!("{text}# rounding is explained in the handbook\n"))?;
        let sha = self.repository.commit("Explain the rounding").map_err(Broken)?;
        self.repository.push().map_err(Broken)?;
        narrate(&format!("service/payments.sh is edited, committed as {} and pushed.", &sha[..7]));
        Ok(())
    }

    fn pull(&self) -> Result<(), Broken> {
        let commits = self.repository.pull().map_err(Broken)?;
        narrate(&format!("The clone pulls {commits} commits that Waybill made: the versions are in the overlays now."));
        Ok(())
    }

    fn wrong_edit(&self) -> Result<(), Broken> {
        let right = "tag=\"${param.revision.short}\"";
        let wrong = "tag=\"refs/heads/main\"";
        self.edit("waybill.kdl", |text| text.replace(right, wrong))?;
        let checked = self.waybill(&["check"], 1, &["bad-image-tag", "refs/heads/main"]);
        self.edit("waybill.kdl", |text| text.replace(wrong, right))?;
        checked
    }

    fn leave(&self, dir: &Path) -> Result<(), Broken> {
        if let Err(error) = std::fs::remove_file(self.clone.join("plan.json")) {
            return Err(Broken(format!("removing plan.json: {error}")));
        }
        let clone = dir.join("fintech");
        narrate(&format!(
            "The clone is {}, its remote {}.git. Try: cd {} && waybill plan",
            clone.display(),
            clone.display(),
            clone.display()
        ));
        Ok(())
    }
}
