//! The log of a container: standard output and error as they came, in one file.
//!
//! **Invariant:** the container is never held up by its log; past the limit, or on a full disk, the rest is dropped.
//! Not here: who reads it.

use std::io::SeekFrom;
use std::path::Path;
use tokio::fs::File;
use tokio::io::{self, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::net::unix::pipe::Receiver;

/// Bytes of a log that are kept.
pub(super) const LIMIT: u64 = 64 << 20;

/// Last line of a log that was cut.
pub(super) const CUT: &str = "\n[waybill: this log is longer than 64 MiB; the rest was dropped]\n";

/// Copies `from` into a new file until its writers are gone. An error is one of the file; reading went on.
pub(super) async fn copy(mut from: Receiver, path: &Path) -> io::Result<()> {
    let mut file = File::create(path).await;
    let mut buffer = vec![0; 64 << 10];
    let mut room = LIMIT;
    let mut cut = false;
    let mut failed = None;
    loop {
        let count = match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        let Ok(file) = &mut file else { continue };
        if failed.is_some() || cut {
            continue;
        }
        let keep = usize::try_from(room).map_or(count, |room| room.min(count));
        room -= keep as u64;
        cut = count > keep;
        if let Err(error) = append(file, &buffer[..keep], cut).await {
            failed = Some(error);
        }
    }
    file?;
    failed.map_or(Ok(()), Err)
}

async fn append(file: &mut File, bytes: &[u8], cut: bool) -> io::Result<()> {
    file.write_all(bytes).await?;
    if cut {
        file.write_all(CUT.as_bytes()).await?;
    }
    // Followers read the file while it grows.
    file.flush().await
}

/// The last lines of a file, at most `lines` of them and `bytes` bytes; empty if it cannot be read.
pub(super) async fn tail(path: &Path, lines: usize, bytes: u64) -> String {
    let text = last_bytes(path, bytes).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let start =
        text.trim_end_matches('\n').rmatch_indices('\n').nth(lines.saturating_sub(1)).map_or(0, |(at, _)| at + 1);
    text[start..].to_owned()
}

/// The last `most` bytes of a file.
pub(super) async fn last_bytes(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut file = File::open(path).await?;
    let length = file.metadata().await?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(most))).await?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).await?;
    Ok(bytes)
}
