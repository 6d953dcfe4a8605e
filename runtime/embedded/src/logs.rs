//! The log of a container, from the file that the node writes.
//!
//! **Invariant:** reads only; follows a file until its container has ended. Not here: who writes the file.

use std::convert::Infallible;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream;
use http::{Response, header};
use http_body::Frame;
use http_body_util::{Full, StreamBody, combinators::UnsyncBoxBody};
use serde_json::Value;

use crate::request::{Query, find, flag};
use crate::service::Body;
use crate::status::{Failure, GroupResource};
use crate::store::{Key, Store};

/// Where the log of a container lies, given the uid of its Pod and its name.
pub type LogPath = dyn Fn(&str, &str) -> PathBuf + Send + Sync;

/// The parameters of a log request.
#[derive(Clone, Debug, Default)]
pub struct Options {
    container: Option<String>,
    follow: bool,
    tail_lines: Option<usize>,
    limit_bytes: Option<usize>,
}

/// How long after a write its bytes may wait to be sent to a follower.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

pub fn options(query: &Query) -> Result<Options, Failure> {
    let number = |key: &str| -> Result<Option<usize>, Failure> {
        match find(query, key) {
            None | Some("") => Ok(None),
            Some(text) => text.parse().map(Some).map_err(|_| Failure::bad_request(format!("invalid {key} {text:?}"))),
        }
    };
    Ok(Options {
        container: find(query, "container").filter(|name| !name.is_empty()).map(str::to_owned),
        follow: flag(query, "follow"),
        tail_lines: number("tailLines")?,
        limit_bytes: number("limitBytes")?,
    })
}

/// Answers a log request.
pub fn respond(
    store: &Store,
    path_of: Arc<LogPath>,
    (namespace, name): (&str, &str),
    options: Options,
) -> Result<Response<Body>, Failure> {
    let key = Key::new("pods", namespace, name);
    let pods = GroupResource { group: String::new(), resource: "pods".to_owned() };
    let pod = store.get(&key).ok_or_else(|| Failure::not_found(&pods, name))?;
    let container = container(&pod, name, options.container.as_deref())?;
    if pod["spec"]["nodeName"].as_str().unwrap_or_default().is_empty() {
        // Nobody could have a log of it yet.
        let mut response = Response::new(UnsyncBoxBody::new(Full::default()));
        *response.status_mut() = http::StatusCode::NO_CONTENT;
        return Ok(response);
    }
    let path = path_of(pod["metadata"]["uid"].as_str().unwrap_or_default(), &container);
    if !started(&pod, &container) && !path.exists() {
        let reason = waiting_reason(&pod, &container);
        return Err(Failure::bad_request(format!(
            "container {container:?} in pod {name:?} is waiting to start: {reason}"
        )));
    }
    let text = std::fs::read(&path).unwrap_or_default();
    let from = options.tail_lines.map_or(0, |lines| tail_start(&text, lines));
    let mut first = text[from..].to_vec();
    if let Some(limit) = options.limit_bytes {
        first.truncate(limit);
    }
    let body: Body = match options.follow {
        false => UnsyncBoxBody::new(Full::new(Bytes::from(first))),
        true => {
            let follower = Follower {
                store: store.clone(),
                key,
                container,
                path,
                offset: text.len() as u64,
                left: options.limit_bytes.map(|limit| limit - first.len().min(limit)),
                first: Some(first),
                over: false,
            };
            let chunks = stream::unfold(follower, |mut follower| async move {
                let chunk = follower.next().await?;
                Some((Ok::<_, Infallible>(Frame::data(Bytes::from(chunk))), follower))
            });
            UnsyncBoxBody::new(StreamBody::new(chunks))
        }
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("text/plain"));
    Ok(response)
}

fn names(pod: &Value, list: &str) -> Vec<String> {
    pod["spec"][list]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["name"].as_str())
        .map(str::to_owned)
        .collect()
}

fn container(pod: &Value, name: &str, wanted: Option<&str>) -> Result<String, Failure> {
    let (main, init) = (names(pod, "containers"), names(pod, "initContainers"));
    match (wanted, main.as_slice()) {
        (Some(wanted), _) if main.iter().chain(&init).any(|one| one == wanted) => Ok(wanted.to_owned()),
        (Some(wanted), _) => Err(Failure::bad_request(format!("container {wanted} is not valid for pod {name}"))),
        (None, [only]) => Ok(only.clone()),
        (None, many) => {
            let mut message =
                format!("a container name must be specified for pod {name}, choose one of: [{}]", many.join(" "));
            if !init.is_empty() {
                message.push_str(&format!(" or one of the init containers: [{}]", init.join(" ")));
            }
            Err(Failure::bad_request(message))
        }
    }
}

fn state<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    ["containerStatuses", "initContainerStatuses"]
        .iter()
        .flat_map(|list| pod["status"][list].as_array().into_iter().flatten())
        .find(|status| status["name"] == container)
        .map(|status| &status["state"])
}

fn started(pod: &Value, container: &str) -> bool {
    state(pod, container).is_some_and(|state| state.get("waiting").is_none())
}

fn waiting_reason(pod: &Value, container: &str) -> String {
    let reason = state(pod, container).and_then(|state| state["waiting"]["reason"].as_str());
    reason.unwrap_or("ContainerCreating").to_owned()
}

/// The offset at which the last `lines` lines start.
fn tail_start(text: &[u8], lines: usize) -> usize {
    let end = text.strip_suffix(b"\n").map_or(text.len(), <[u8]>::len);
    let breaks = text[..end].iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n');
    match lines {
        0 => text.len(),
        _ => breaks.map(|(index, _)| index + 1).nth(lines - 1).unwrap_or(0),
    }
}

struct Follower {
    store: Store,
    key: Key,
    container: String,
    path: PathBuf,
    offset: u64,
    left: Option<usize>,
    first: Option<Vec<u8>>,
    over: bool,
}

impl Follower {
    async fn next(&mut self) -> Option<Vec<u8>> {
        if let Some(first) = self.first.take().filter(|first| !first.is_empty()) {
            return Some(first);
        }
        loop {
            if self.left == Some(0) {
                return None;
            }
            let chunk = self.read();
            if !chunk.is_empty() {
                return Some(chunk);
            }
            if self.over {
                return None;
            }
            // What was written before the container ended is read once more after its end is known.
            self.over = self.ended();
            if !self.over {
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        }
    }

    fn read(&mut self) -> Vec<u8> {
        use std::io::{Read, Seek, SeekFrom};
        let mut chunk = Vec::new();
        let Ok(mut file) = std::fs::File::open(&self.path) else {
            return chunk;
        };
        if file.seek(SeekFrom::Start(self.offset)).is_err() || file.take(1 << 20).read_to_end(&mut chunk).is_err() {
            return Vec::new();
        }
        if let Some(left) = &mut self.left {
            chunk.truncate(*left);
            *left -= chunk.len();
        }
        self.offset += chunk.len() as u64;
        chunk
    }

    fn ended(&self) -> bool {
        let Some(pod) = self.store.get(&self.key) else {
            return true;
        };
        let phase = pod["status"]["phase"].as_str().unwrap_or_default();
        matches!(phase, "Succeeded" | "Failed")
            || state(&pod, &self.container).is_some_and(|state| state.get("terminated").is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::tail_start;

    #[test]
    fn tails() {
        let text = b"one\ntwo\nthree\n";
        assert_eq!(&text[tail_start(text, 1)..], b"three\n");
        assert_eq!(&text[tail_start(text, 2)..], b"two\nthree\n");
        assert_eq!(tail_start(text, 9), 0);
        assert_eq!(tail_start(text, 0), text.len());
    }
}
