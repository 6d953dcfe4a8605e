//! Layers: what each step of a build puts into the image, and the archive that says so.
//!
//! **Invariant:** an archive's bytes follow from paths, contents and the executable bit alone: sorted, owner as told,
//! time 0, modes 0755 or 0644 unless told, gzip without name and time.
//! Not here: configuration and manifest.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::PathBuf;

use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use sha2::{Digest, Sha256};
use tar::{EntryType, Header};
use waybill_compiler::dockerfile::{BuildStep, Copy};

use super::context::{Context, Entry};

/// What one step adds: by path in the image, without a leading slash.
pub(super) type Layer = BTreeMap<String, Item>;

#[derive(Clone, Debug)]
pub(super) struct Item {
    pub content: Content,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Folder,
    File(PathBuf),
    Link(PathBuf),
}

/// The kind of everything that the layers so far have put into the image.
#[derive(Default)]
pub(super) struct Image {
    kinds: BTreeMap<String, Kind>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Folder,
    Other,
    Link,
}

impl Image {
    /// The layer of one step; an error says why the step cannot be carried out.
    pub fn layer(&mut self, context: &Context, step: &BuildStep) -> Result<Layer, String> {
        let mut layer = Layer::new();
        match step {
            BuildStep::Workdir(path) => {
                let path = path.trim_matches('/');
                self.folders(&mut layer, path)?;
                self.folder(&mut layer, path, None)?;
            }
            BuildStep::Copy(copy) => {
                let mut found = Vec::new();
                for source in &copy.sources {
                    let sources = context.find(source);
                    if sources.is_empty() {
                        return Err(format!(
                            "`{source}` is not in the build context, or `.dockerignore` leaves it out"
                        ));
                    }
                    found.extend(sources);
                }
                if found.len() > 1 && !copy.destination.ends_with('/') {
                    let message = "several files are copied, so the destination is a folder and must end with `/`";
                    return Err(message.to_owned());
                }
                for source in found {
                    self.copy(context, copy, &source, &mut layer)?;
                }
            }
        }
        Ok(layer)
    }

    fn copy(&mut self, context: &Context, copy: &Copy, source: &str, layer: &mut Layer) -> Result<(), String> {
        let real = match context.entries.get(source) {
            Some(Entry::Link(_)) => {
                let real = context.follow(source);
                real.ok_or_else(|| format!("`{source}` is a link that leads out of the build context or nowhere"))?
            }
            Some(Entry::Folder | Entry::File { .. } | Entry::Special) | None => source.to_owned(),
        };
        if !context.has(&real) {
            return Err(format!("`{source}` leads to `{real}`, which `.dockerignore` leaves out"));
        }
        let destination = copy.destination.trim_matches('/');
        match context.entries.get(&real) {
            Some(Entry::Folder) | None => {
                self.folders(layer, destination)?;
                self.folder(layer, destination, None)?;
                for (path, entry) in context.below(&real) {
                    let target = join(destination, path);
                    // A folder that is left out may hold files that are not.
                    self.folders(layer, &target)?;
                    let origin = join(&real, path);
                    self.put(context, copy, entry, &origin, &target, layer)?;
                }
                Ok(())
            }
            Some(entry) => {
                let into = copy.destination.ends_with('/') || self.is_folder(destination);
                let name = source.rsplit('/').next().unwrap_or(source);
                let target = if into { join(destination, name) } else { destination.to_owned() };
                self.folders(layer, &target)?;
                self.put(context, copy, entry, &real, &target, layer)
            }
        }
    }

    fn put(
        &mut self,
        context: &Context,
        copy: &Copy,
        entry: &Entry,
        origin: &str,
        target: &str,
        layer: &mut Layer,
    ) -> Result<(), String> {
        let (content, mode) = match entry {
            Entry::Folder => return self.folder(layer, target, Some(copy)),
            Entry::Special => return Err(format!("`{origin}` is neither a file, a folder nor a link")),
            Entry::File { executable } => {
                (Content::File(context.root.join(origin)), if *executable { 0o755 } else { 0o644 })
            }
            Entry::Link(to) => (Content::Link(to.clone()), 0o777),
        };
        if self.is_folder(target) || target.is_empty() {
            return Err(format!("`{origin}` would replace the folder /{target} of the image"));
        }
        let is_link = matches!(content, Content::Link(_));
        let mode = copy.mode.filter(|_| !is_link).unwrap_or(mode);
        layer.insert(target.to_owned(), Item { content, mode, uid: copy.uid, gid: copy.gid });
        self.kinds.insert(target.to_owned(), if is_link { Kind::Link } else { Kind::Other });
        Ok(())
    }

    /// Makes the folders above a path that the image lacks.
    fn folders(&mut self, layer: &mut Layer, path: &str) -> Result<(), String> {
        for (at, _) in path.match_indices('/') {
            self.folder(layer, &path[..at], None)?;
        }
        Ok(())
    }

    /// Adds a folder: as it is copied, or, if the image has it already, not at all.
    fn folder(&mut self, layer: &mut Layer, path: &str, copy: Option<&Copy>) -> Result<(), String> {
        if path.is_empty() {
            return Ok(());
        }
        match self.kinds.get(path) {
            Some(Kind::Folder) if copy.is_none() => return Ok(()),
            Some(Kind::Folder) | None => {}
            Some(Kind::Other) => return Err(format!("/{path} is a file of the image, where a folder is needed")),
            Some(Kind::Link) => return Err(format!("/{path} is a link of the image; copy to where it leads")),
        }
        let mode = copy.and_then(|copy| copy.mode).unwrap_or(0o755);
        let (uid, gid) = copy.map_or((0, 0), |copy| (copy.uid, copy.gid));
        layer.insert(path.to_owned(), Item { content: Content::Folder, mode, uid, gid });
        self.kinds.insert(path.to_owned(), Kind::Folder);
        Ok(())
    }

    fn is_folder(&self, path: &str) -> bool {
        path.is_empty() || self.kinds.get(path) == Some(&Kind::Folder)
    }
}

fn join(folder: &str, path: &str) -> String {
    match folder.is_empty() {
        true => path.to_owned(),
        false => format!("{folder}/{path}"),
    }
}

/// A written archive: digests in hex, size in bytes.
pub(super) struct Archive {
    pub digest: String,
    /// Of the archive before compression.
    pub diff_id: String,
    pub size: u64,
}

/// Writes a layer as a compressed archive.
pub(super) fn write(layer: &Layer, out: &mut dyn Write) -> std::io::Result<Archive> {
    let compressed = Hashing { out, hash: Sha256::new(), size: 0 };
    // Operating system 255 is `unknown`; the level decides the bytes, so it is fixed here.
    let gzip: GzEncoder<_> = GzBuilder::new().mtime(0).operating_system(255).write(compressed, Compression::new(6));
    let mut tar = tar::Builder::new(Hashing { out: gzip, hash: Sha256::new(), size: 0 });
    for (path, item) in layer {
        append(&mut tar, path, item)?;
    }
    let plain = tar.into_inner()?;
    let mut compressed = plain.out.finish()?;
    compressed.flush()?;
    Ok(Archive {
        digest: hex::encode(compressed.hash.finalize()),
        diff_id: hex::encode(plain.hash.finalize()),
        size: compressed.size,
    })
}

fn append<W: Write>(tar: &mut tar::Builder<W>, path: &str, item: &Item) -> std::io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(item.mode);
    header.set_uid(u64::from(item.uid));
    header.set_gid(u64::from(item.gid));
    header.set_mtime(0);
    header.set_size(0);
    match &item.content {
        Content::Folder => {
            header.set_entry_type(EntryType::Directory);
            tar.append_data(&mut header, format!("{path}/"), std::io::empty())
        }
        Content::Link(to) => {
            header.set_entry_type(EntryType::Symlink);
            tar.append_link(&mut header, path, to)
        }
        Content::File(source) => {
            let named = |error: std::io::Error| {
                std::io::Error::new(error.kind(), format!("reading {}: {error}", source.display()))
            };
            let file = File::open(source).map_err(named)?;
            let size = file.metadata().map_err(named)?.len();
            header.set_entry_type(EntryType::Regular);
            header.set_size(size);
            let mut counted = Counting { from: file.take(size), read: 0 };
            tar.append_data(&mut header, path, &mut counted)?;
            match counted.read == size {
                true => Ok(()),
                false => Err(named(std::io::Error::other("it became shorter while it was read"))),
            }
        }
    }
}

struct Counting<R> {
    from: R,
    read: u64,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.read += count as u64;
        Ok(count)
    }
}

/// Hashes and counts what passes through.
struct Hashing<W> {
    out: W,
    hash: Sha256,
    size: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.out.flush()
    }
}
