//! What the node and its re-executed processes say to each other.
//!
//! One socket per container: it is standard input of the holder and of the init process. The node writes `Hold`
//! (read by the holder), then `Launch` (read by the init process), then any number of `Order`; the init process
//! answers with `Report`s. Each message is a big-endian `u32` length and that many bytes of JSON.
//!
//! **Invariant:** the end of the socket on the node's side is the life line. When it closes, whether by intent or
//! because the node was killed, everything behind it is killed.
//! Not here: who sends what when (`launch` on the node's side, `inside` on the other).

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// Longest message that is accepted, in bytes.
pub(super) const MESSAGE_BYTES: usize = 32 << 20;

/// `argv[0]` of a re-executed process; `argv[1]` is one of the stages below.
pub(super) const NAME: &str = "waybill-node";
/// Makes the namespaces and waits for the init process.
pub(super) const HOLD: &str = "hold";
/// First process of the namespaces: builds the root, runs the command, reaps.
pub(super) const INIT: &str = "init";
/// Tries whether namespaces can be made; says why not on standard output.
pub(super) const PROBE: &str = "probe";

/// First message: for the holder.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hold {
    /// Whether to make namespaces at all.
    pub namespaces: bool,
    /// User id that the caller has inside.
    pub user: u32,
    /// Group id that the caller has inside.
    pub group: u32,
}

/// Second message: for the init process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Launch {
    pub hostname: String,
    /// Program and arguments, never empty.
    pub command: Vec<String>,
    pub env: Vec<(String, String)>,
    /// Where the command starts; made if it is missing.
    pub workdir: String,
    /// Whether the command may keep the usual capabilities.
    pub capable: bool,
    /// The file system to build; `None` runs on the host's.
    pub root: Option<Root>,
}

/// The file system of one container.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Root {
    /// An empty directory on the host that becomes `/`.
    pub dir: PathBuf,
    /// What is mounted there, shallow targets first.
    pub mounts: Vec<Mount>,
    /// `readOnlyRootFilesystem`.
    pub read_only: bool,
}

/// One bind mount.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mount {
    /// Directory or file on the host.
    pub source: PathBuf,
    /// Path below the source, never followed out of it; made as a directory if missing.
    pub sub_path: Option<String>,
    /// Absolute path inside.
    pub target: String,
    pub read_only: bool,
}

/// What the node asks of a running container.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Sends SIGTERM to the process group of the command.
    Terminate,
}

/// What happened to the container.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Report {
    /// The command runs.
    Started,
    /// The command could not be started.
    Failed { code: i32, message: String },
    /// The command ended; a signal is 128 and its number.
    Exited { code: i32 },
}

/// The bytes of one message.
pub(super) fn encode<T: Serialize>(message: &T) -> io::Result<Vec<u8>> {
    let body = serde_json::to_vec(message).map_err(io::Error::other)?;
    let length = u32::try_from(body.len())
        .ok()
        .filter(|length| *length as usize <= MESSAGE_BYTES)
        .ok_or_else(|| io::Error::other("the description of the container is too large"))?;
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.extend_from_slice(&body);
    Ok(bytes)
}

/// Reads one message; `UnexpectedEof` when the other side is gone.
pub(super) fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > MESSAGE_BYTES {
        return Err(io::Error::other("a message is too long"));
    }
    let mut body = vec![0; length];
    from.read_exact(&mut body)?;
    serde_json::from_slice(&body).map_err(io::Error::other)
}

/// Writes one message.
pub(super) fn send<T: Serialize>(to: &mut impl Write, message: &T) -> io::Result<()> {
    to.write_all(&encode(message)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_the_way_and_a_cut_one_is_an_error() {
        let bytes = encode(&Report::Exited { code: 3 }).unwrap();
        let read: Report = receive(&mut bytes.as_slice()).unwrap();
        assert_eq!(read, Report::Exited { code: 3 });
        let cut = receive::<Report>(&mut &bytes[..bytes.len() - 1]).unwrap_err();
        assert_eq!(cut.kind(), io::ErrorKind::UnexpectedEof);
        assert!(receive::<Report>(&mut &[0xff; 8][..]).is_err());
    }
}
