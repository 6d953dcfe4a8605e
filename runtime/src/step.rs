//! The programs of Waybill's own steps, which run inside Pods: `checkout` and `image`.
//!
//! **Invariant:** they know their arguments and the file system, nothing of plans, clusters or configuration.
//! Not here: how a Pod runs them.

pub mod checkout;
mod context;
pub mod image;
mod layer;
mod layout;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::effects::git::GitError;

const USAGE: &str = "usage: waybill step checkout --remote URL --revision COMMIT --into FOLDER
       waybill step image --context FOLDER --dockerfile FILE --tag NAME:TAG --layout FOLDER --result FILE";

/// Why a step failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepError {
    Git(GitError),
    Io {
        doing: String,
        message: String,
    },
    NotEmpty {
        path: PathBuf,
    },
    /// `NAME:TAG` is not one.
    Name {
        name: String,
    },
    /// Instructions that need a builder, by line from 1.
    Refused {
        dockerfile: PathBuf,
        refusals: Vec<(usize, String)>,
    },
    /// An instruction that cannot be carried out on this context.
    Copy {
        dockerfile: PathBuf,
        line: usize,
        message: String,
    },
    /// What lies at the place of the layout is no layout.
    Layout {
        path: PathBuf,
        message: String,
    },
}

impl StepError {
    fn io(doing: impl fmt::Display, error: &std::io::Error) -> StepError {
        StepError::Io { doing: doing.to_string(), message: error.to_string() }
    }
}

impl From<GitError> for StepError {
    fn from(error: GitError) -> StepError {
        StepError::Git(error)
    }
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StepError::Git(error) => error.fmt(f),
            StepError::Io { doing, message } => write!(f, "{doing}: {message}"),
            StepError::NotEmpty { path } => {
                write!(f, "{} is not empty; a checkout needs an empty folder", path.display())
            }
            StepError::Name { name } => {
                write!(f, "`{name}` is not an image name with a tag, such as registry.example.com/acme/app:v1")
            }
            StepError::Refused { dockerfile, refusals } => {
                write!(f, "{} needs a builder that is not part of Waybill:", dockerfile.display())?;
                refusals.iter().try_for_each(|(line, text)| write!(f, "\n  line {line}: {text}"))
            }
            StepError::Copy { dockerfile, line, message } => {
                write!(f, "{} line {line}: {message}", dockerfile.display())
            }
            StepError::Layout { path, message } => {
                write!(f, "{} is not an OCI layout to add to: {message}; give another folder", path.display())
            }
        }
    }
}

impl std::error::Error for StepError {}

/// Runs `waybill step ARGS`: 0 done, 1 failed, 64 wrong use.
pub fn main(args: &[String]) -> ExitCode {
    let run = args.split_first().and_then(|(name, args)| match name.as_str() {
        "checkout" => Some(run_checkout(options(args, &["remote", "revision", "into"])?)),
        "image" => Some(run_image(options(args, &["context", "dockerfile", "tag", "layout", "result"])?)),
        _ => None,
    });
    match run {
        None => {
            eprintln!("{USAGE}");
            ExitCode::from(64)
        }
        Some(Ok(done)) => {
            println!("{done}");
            ExitCode::SUCCESS
        }
        Some(Err(error)) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// `--name value` or `--name=value`, each exactly once.
fn options<'a>(args: &'a [String], names: &[&'a str]) -> Option<BTreeMap<&'a str, &'a str>> {
    let mut out = BTreeMap::new();
    let mut args = args.iter().map(String::as_str);
    while let Some(arg) = args.next() {
        let arg = arg.strip_prefix("--")?;
        let (name, value) = match arg.split_once('=') {
            Some((name, value)) => (name, value),
            None => (arg, args.next()?),
        };
        if !names.contains(&name) || out.insert(name, value).is_some() {
            return None;
        }
    }
    (out.len() == names.len()).then_some(out)
}

fn run_checkout(options: BTreeMap<&str, &str>) -> Result<String, StepError> {
    let done = checkout::checkout(options["remote"], options["revision"], Path::new(options["into"]))?;
    Ok(format!("checked out {} into {}", done.sha, options["into"]))
}

fn run_image(options: BTreeMap<&str, &str>) -> Result<String, StepError> {
    let context = Path::new(options["context"]);
    // An absolute path stays itself when it is joined.
    let dockerfile = context.join(options["dockerfile"]);
    let image = image::build(context, &dockerfile, Path::new(options["layout"]), options["tag"])?;
    let result = Path::new(options["result"]);
    std::fs::write(result, &image.digest)
        .map_err(|error| StepError::io(format!("writing {}", result.display()), &error))?;
    Ok(format!("{} {}", options["tag"], image.digest))
}
