//! An OCI image layout on disk: blobs by digest, and an index of names.
//!
//! **Invariant:** a layout is complete at every moment: blobs come before the index that names them, and each file is
//! written next to its place and renamed. Writers of layouts in one folder wait for each other.
//! Not here: what the blobs mean.
//!
//! After <https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md>.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;
use serde_json::{Value, json};

use super::StepError;

const REF_NAME: &str = "org.opencontainers.image.ref.name";

/// Where a layout that exists is added to before its files get their places.
const WORK_INSIDE: &str = ".partial";

/// A layout that is being written: beside its place, or, if that is there already (it may be a mount), inside.
pub(super) struct Writer {
    place: PathBuf,
    work: PathBuf,
    manifests: Vec<Value>,
    /// The folder that holds the layout, locked.
    _lock: File,
}

/// Where a new layout is written before it gets its place.
pub(super) fn work_beside(place: &Path) -> Option<PathBuf> {
    let name = place.file_name()?.to_str()?;
    Some(place.with_file_name(format!(".{name}.partial")))
}

impl Writer {
    /// Waits for other writers and starts with an empty folder.
    pub fn begin(place: &Path) -> Result<Writer, StepError> {
        let nameless = || StepError::Layout { path: place.to_owned(), message: "it has no name".to_owned() };
        let beside = work_beside(place).ok_or_else(nameless)?;
        let parent = place.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let doing = |doing: &str, error: &std::io::Error| StepError::io(format!("{doing} {}", parent.display()), error);
        std::fs::create_dir_all(parent).map_err(|error| doing("making", &error))?;
        let lock = File::open(parent).map_err(|error| doing("opening", &error))?;
        rustix::fs::flock(&lock, FlockOperation::LockExclusive).map_err(|error| doing("locking", &error.into()))?;
        let manifests = manifests_of(place)?;
        let work = if place.is_dir() { place.join(WORK_INSIDE) } else { beside };
        // Left by a writer that was killed: nobody else has the lock.
        match std::fs::remove_dir_all(&work) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StepError::io(format!("removing {}", work.display()), &error));
            }
            Err(_) | Ok(()) => {}
        }
        let blobs = work.join("blobs/sha256");
        std::fs::create_dir_all(&blobs)
            .map_err(|error| StepError::io(format!("making {}", blobs.display()), &error))?;
        Ok(Writer { place: place.to_owned(), work, manifests, _lock: lock })
    }

    /// Adds a blob that `write` writes; it gives the digest in hex along with what else it found out.
    pub fn blob<T>(
        &self,
        write: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<(String, T)>,
    ) -> Result<T, StepError> {
        let path = self.work.join("blob");
        let failed = |error: std::io::Error| StepError::io(format!("writing {}", path.display()), &error);
        let mut file = std::io::BufWriter::new(File::create(&path).map_err(failed)?);
        let (digest, found) = write(&mut file).map_err(failed)?;
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        std::fs::rename(&path, self.work.join("blobs/sha256").join(digest)).map_err(failed)?;
        Ok(found)
    }

    /// Puts everything in its place and the manifest into the index under `name`.
    pub fn finish(mut self, name: &str, mut manifest: Value) -> Result<(), StepError> {
        let mut manifests = std::mem::take(&mut self.manifests);
        manifests.retain(|entry| entry["annotations"][REF_NAME] != name);
        manifest["annotations"] = json!({ REF_NAME: name });
        manifests.push(manifest);
        manifests.sort_by_key(|entry| entry["annotations"][REF_NAME].as_str().map(str::to_owned));
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": manifests,
        });
        write_file(&self.work.join("oci-layout"), &json!({ "imageLayoutVersion": "1.0.0" }))?;
        write_file(&self.work.join("index.json"), &index)?;
        self.publish().map_err(|error| StepError::io(format!("writing {}", self.place.display()), &error))
    }

    fn publish(&self) -> std::io::Result<()> {
        if self.work != self.place.join(WORK_INSIDE) {
            return std::fs::rename(&self.work, &self.place);
        }
        let blobs = self.place.join("blobs/sha256");
        std::fs::create_dir_all(&blobs)?;
        for blob in std::fs::read_dir(self.work.join("blobs/sha256"))? {
            let blob = blob?;
            std::fs::rename(blob.path(), blobs.join(blob.file_name()))?;
        }
        for file in ["oci-layout", "index.json"] {
            std::fs::rename(self.work.join(file), self.place.join(file))?;
        }
        Ok(())
    }
}

impl Drop for Writer {
    /// Takes away what did not get its place; the next writer would, too.
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.work);
    }
}

/// The entries of the index that is there.
fn manifests_of(place: &Path) -> Result<Vec<Value>, StepError> {
    let layout = |message: String| StepError::Layout { path: place.to_owned(), message };
    let listing = match std::fs::read_dir(place) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(layout(error.to_string())),
    };
    // A writer that was killed may have left blobs without an index.
    let own = ["blobs", "oci-layout", "index.json", WORK_INSIDE];
    for item in listing {
        let name = item.map_err(|error| layout(error.to_string()))?.file_name();
        if !own.iter().any(|own| name == *own) {
            return Err(layout(format!("it holds {}", name.to_string_lossy())));
        }
    }
    let text = match std::fs::read_to_string(place.join("index.json")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(layout(error.to_string())),
    };
    let index: Value = serde_json::from_str(&text).map_err(|error| layout(format!("its index.json: {error}")))?;
    match index["manifests"].as_array() {
        Some(manifests) => Ok(manifests.clone()),
        None => Err(layout("its index.json has no list of manifests".to_owned())),
    }
}

fn write_file(path: &Path, value: &Value) -> Result<(), StepError> {
    let write = || -> std::io::Result<()> {
        std::fs::write(path, value.to_string())?;
        File::open(path)?.sync_all()
    };
    write().map_err(|error| StepError::io(format!("writing {}", path.display()), &error))
}
