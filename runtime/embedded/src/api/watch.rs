//! Watches: the changes of one kind from a revision on, seen through the client's selectors.
//!
//! **Invariant:** every change after the start is delivered once and in order, or the watch ends with 410. An object
//! that comes to match is ADDED, one that ceases to is DELETED.

use std::collections::VecDeque;
use std::sync::Arc;

use serde_json::{Value, json};

use super::convert;
use super::read::{ListOptions, too_new};
use crate::kinds::Kind;
use crate::status::Failure;
use crate::store::{Change, Key, State};

#[derive(Clone, Debug, Default)]
pub struct WatchOptions {
    pub selection: ListOptions,
    pub bookmarks: bool,
    pub send_initial_events: Option<bool>,
}

pub struct Watch {
    kind: Arc<Kind>,
    namespace: Option<String>,
    name: Option<String>,
    options: WatchOptions,
    /// The last revision that was looked at.
    pub revision: u64,
    pending: VecDeque<Value>,
    ended: bool,
}

impl Watch {
    /// Starts at the revision of the options; without one, with the objects that there are.
    pub fn start(
        state: &State,
        kind: Arc<Kind>,
        (namespace, name): (Option<&str>, Option<&str>),
        options: WatchOptions,
    ) -> Result<Watch, Failure> {
        let wanted = options.selection.resource_version.clone().unwrap_or_default();
        let from: Option<u64> = match wanted.as_str() {
            "" | "0" => None,
            text => Some(text.parse().map_err(|_| Failure::bad_request(format!("invalid resource version {text:?}")))?),
        };
        if let Some(revision) = from.filter(|revision| *revision > state.revision) {
            return Err(too_new(revision, state.revision));
        }
        let initial = options.send_initial_events.unwrap_or(from.is_none());
        let mut watch = Watch {
            kind,
            namespace: namespace.map(str::to_owned),
            name: name.map(str::to_owned),
            revision: if initial { state.revision } else { from.unwrap_or(state.revision) },
            options,
            pending: VecDeque::new(),
            ended: false,
        };
        if initial {
            watch.list(state);
        }
        Ok(watch)
    }

    fn list(&mut self, state: &State) {
        for (key, object) in state.list(&self.kind.table(), self.namespace.as_deref()) {
            if self.wants(&key) && self.options.selection.selects(&object) {
                self.push("ADDED", &object);
            }
        }
        if self.options.send_initial_events == Some(true) && self.options.bookmarks {
            let mut bookmark = self.bookmark();
            bookmark["object"]["metadata"]["annotations"] = json!({"k8s.io/initial-events-end": "true"});
            self.pending.push_back(bookmark);
        }
    }

    fn wants(&self, key: &Key) -> bool {
        self.name.as_ref().is_none_or(|name| *name == key.name)
    }

    fn push(&mut self, event: &str, object: &Value) {
        let object = convert::served(&self.kind, object);
        self.pending.push_back(json!({"type": event, "object": object}));
    }

    /// An event that only tells the revision.
    pub fn bookmark(&self) -> Value {
        let object = json!({"kind": self.kind.kind, "apiVersion": self.kind.api_version(), "metadata": {"resourceVersion": self.revision.to_string()}});
        json!({"type": "BOOKMARK", "object": object})
    }

    pub fn wants_bookmarks(&self) -> bool {
        self.options.bookmarks
    }

    /// Takes up what has changed; false where the watch has ended.
    pub fn advance(&mut self, state: &State) -> bool {
        if self.ended {
            return false;
        }
        let Some(changes) = state.since(self.revision) else {
            let message = format!("too old resource version: {} ({})", self.revision, state.horizon);
            self.pending.push_back(json!({"type": "ERROR", "object": Failure::gone(message).body()}));
            self.ended = true;
            return true;
        };
        for change in changes {
            self.revision = change.revision;
            self.see(&change);
        }
        true
    }

    fn see(&mut self, change: &Change) {
        let key = &change.key;
        let table = key.table == self.kind.table();
        let place = self.namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace);
        if !table || !place || !self.wants(key) {
            return;
        }
        let selects = |object: &Value| self.options.selection.selects(object);
        let before = change.before.as_ref().is_some_and(|object| selects(object));
        match (&change.after, &change.last) {
            (Some(after), _) => match (before, selects(after)) {
                (false, true) => self.push("ADDED", after),
                (true, true) => self.push("MODIFIED", after),
                (true, false) => self.gone(change, after),
                (false, false) => {}
            },
            (None, Some(last)) if before => self.push("DELETED", last),
            (None, _) => {}
        }
    }

    /// The object is there but no longer selected: its last selected state with the new revision.
    fn gone(&mut self, change: &Change, after: &Value) {
        if let Some(before) = &change.before {
            let mut last = (**before).clone();
            last["metadata"]["resourceVersion"] = after["metadata"]["resourceVersion"].clone();
            self.push("DELETED", &last);
        }
    }

    /// The next event that is ready.
    pub fn next(&mut self) -> Option<Value> {
        self.pending.pop_front()
    }
}
