//! The folder of the cluster and the lock on it.
//!
//! **Invariant:** at most one process holds a home. The lock is the kernel's (flock), so that it goes with its process;
//! the process id in the file only serves messages.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, flock};

/// Why a cluster cannot be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another process has it; its process id, if it could be read.
    Held {
        home: PathBuf,
        pid: Option<u32>,
    },
    Io {
        path: PathBuf,
        error: std::io::Error,
    },
    Store {
        path: PathBuf,
        error: Box<redb::Error>,
    },
    Setup(Box<crate::status::Failure>),
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            OpenError::Held { home, pid: Some(pid) } => {
                write!(f, "the embedded cluster in {} is in use by process {pid}", home.display())
            }
            OpenError::Held { home, pid: None } => {
                write!(f, "the embedded cluster in {} is in use by another process", home.display())
            }
            OpenError::Io { path, error } => write!(f, "{}: {error}", path.display()),
            OpenError::Store { path, error } => write!(f, "{}: {error}", path.display()),
            OpenError::Setup(failure) => write!(f, "cannot set up the embedded cluster: {failure}"),
        }
    }
}

impl std::error::Error for OpenError {}

const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Takes the lock of the folder `home/cluster`, making it if need be. Waits ten seconds for another holder.
pub async fn lock(home: &Path) -> Result<Lock, OpenError> {
    let folder = home.join("cluster");
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |error| OpenError::Io { path, error }
    };
    fs::create_dir_all(&folder).map_err(failed(&folder))?;
    let path = folder.join("lock");
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed(&path))?;
    let deadline = Instant::now() + PATIENCE;
    while flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
        if Instant::now() >= deadline {
            let mut text = String::new();
            // Where the id cannot be read, the message goes without it.
            let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
            return Err(OpenError::Held { home: home.to_owned(), pid: text.trim().parse().ok() });
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    let write = |file: &mut File| {
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())
    };
    write(&mut file).map_err(failed(&path))?;
    Ok(Lock { _file: file })
}
