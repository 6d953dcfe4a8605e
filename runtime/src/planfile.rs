//! Plan files: written whole or not at all, read only if not a byte was changed.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};

use waybill_compiler::plan::Plan;
use waybill_compiler::plan::digest::{self, Damage};

/// A plan file is no larger; what is, is not one.
const LIMIT: u64 = 256 * 1024 * 1024;

/// Why a plan file cannot be used. Each has its own sentence.
#[derive(Debug)]
pub enum PlanFileError {
    Write {
        path: PathBuf,
        error: std::io::Error,
    },
    Read {
        path: PathBuf,
        error: std::io::Error,
    },
    NotAPlan {
        path: PathBuf,
        why: String,
    },
    /// Some byte was changed after the plan was made.
    Changed {
        path: PathBuf,
    },
    /// Written in another format.
    Format {
        path: PathBuf,
        format: u64,
    },
    /// Made by another version of the program.
    Tool {
        path: PathBuf,
        tool: String,
        ours: String,
    },
}

impl fmt::Display for PlanFileError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanFileError::Write { path, error } if error.kind() == std::io::ErrorKind::StorageFull => {
                write!(out, "{} was not written: the disk is full", path.display())
            }
            PlanFileError::Write { path, error } => {
                write!(out, "{} was not written: {}", path.display(), crate::load::plain(error))
            }
            PlanFileError::Read { path, error } => {
                write!(out, "{} cannot be read: {}", path.display(), crate::load::plain(error))
            }
            PlanFileError::NotAPlan { path, why } => write!(out, "{} is not a plan file: {why}", path.display()),
            PlanFileError::Changed { path } => {
                write!(out, "{} was changed after the plan was made; make a new plan", path.display())
            }
            PlanFileError::Format { path, format } => {
                write!(
                    out,
                    "{} has format {format}, this version reads {}",
                    path.display(),
                    waybill_compiler::plan::FORMAT
                )
            }
            PlanFileError::Tool { path, tool, ours } => {
                write!(out, "{} was made by version {tool}, this is {ours}; make a new plan", path.display())
            }
        }
    }
}

impl std::error::Error for PlanFileError {}

/// Writes the plan file. On any error what was at `path` before is still there, whole.
pub fn write(path: &Path, plan: &Plan) -> Result<(), PlanFileError> {
    write_atomically(path, &digest::write(plan)).map_err(|error| PlanFileError::Write { path: path.to_owned(), error })
}

/// Writes beside `path`, makes it durable, then puts it in place. A link is followed; a device or a pipe, which nothing
/// can be put in place of, is written to.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
        return std::fs::OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    let real = path.canonicalize();
    let path = real.as_deref().unwrap_or(path);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().ok_or_else(|| std::io::Error::other("it names no file"))?;
    if path.is_dir() {
        return Err(std::io::Error::from(std::io::ErrorKind::IsADirectory));
    }
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}.tmp", std::process::id()));
    let temporary = folder.join(hidden);
    let written = write_durably(&temporary, bytes).and_then(|()| std::fs::rename(&temporary, path));
    if written.is_err() {
        // What cannot be removed is hidden, named after us, and written over the next time.
        let _ = std::fs::remove_file(&temporary);
        return written;
    }
    // The new name itself must survive a crash; a folder that cannot be synced is as good as the system makes it.
    if let Ok(folder) = std::fs::File::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Reads a plan file made by version `tool` of the program.
pub fn read(path: &Path, tool: &str) -> Result<Plan, PlanFileError> {
    let read_error = |error| PlanFileError::Read { path: path.to_owned(), error };
    let size = std::fs::metadata(path).map_err(read_error)?.len();
    if size > LIMIT {
        let why = format!("it has {size} bytes");
        return Err(PlanFileError::NotAPlan { path: path.to_owned(), why });
    }
    let bytes = std::fs::read(path).map_err(read_error)?;
    let other_tool =
        |theirs: String| PlanFileError::Tool { path: path.to_owned(), tool: theirs, ours: tool.to_owned() };
    match digest::read(&bytes) {
        Ok(plan) if plan.tool == tool => Ok(plan),
        Ok(plan) => Err(other_tool(plan.tool)),
        // Another version may write other fields, which is no damage.
        Err(Damage::NotAPlan(why)) => Err(match tool_of(&bytes).filter(|theirs| theirs != tool) {
            Some(theirs) => other_tool(theirs),
            None => damaged(path, Damage::NotAPlan(why)),
        }),
        Err(damage) => Err(damaged(path, damage)),
    }
}

/// What the file says of its own making, if it is JSON at all.
fn tool_of(bytes: &[u8]) -> Option<String> {
    let value: serde_json::Value = serde_json::from_slice(bytes).ok()?;
    value["tool"].as_str().map(str::to_owned)
}

fn damaged(path: &Path, damage: Damage) -> PlanFileError {
    let path = path.to_owned();
    match damage {
        Damage::NotAPlan(why) => PlanFileError::NotAPlan { path, why },
        Damage::Format(format) => PlanFileError::Format { path, format },
        Damage::Changed => PlanFileError::Changed { path },
    }
}
