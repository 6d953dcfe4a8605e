//! The durable object store: one writer thread that commits in groups, and a snapshot in memory that everybody reads.
//!
//! **Invariant:** readers and watchers see a change only after it is on disk, in the order of its resourceVersion, which
//! is one counter for everything. A write either happens whole or not at all.
//! Not here: what an object means.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::mpsc;
use std::sync::{Arc, PoisonError, RwLock};

use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use serde_json::Value;
use tokio::sync::{oneshot, watch};

use crate::kinds::Catalogue;
use crate::status::Failure;

const OBJECTS: TableDefinition<&str, &[u8]> = TableDefinition::new("objects");
const COUNTERS: TableDefinition<&str, u64> = TableDefinition::new("counters");
const REVISION: &str = "resourceVersion";
const DEFINITIONS: &str = "customresourcedefinitions.apiextensions.k8s.io";

/// Changes that are kept for watches that start in the past.
const HISTORY: usize = 8_192;
/// Writes that share one commit.
const GROUP: usize = 256;

/// Where an object lies.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// As `Kind::table` gives it.
    pub table: String,
    /// Empty for cluster-scoped objects.
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(table: &str, namespace: &str, name: &str) -> Key {
        Key { table: table.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
    }

    fn encode(&self) -> String {
        format!("{}/{}/{}", self.table, self.namespace, self.name)
    }

    fn decode(text: &str) -> Option<Key> {
        let mut parts = text.splitn(3, '/');
        Some(Key::new(parts.next()?, parts.next()?, parts.next()?))
    }
}

pub type Object = Arc<Value>;

/// One committed change.
#[derive(Debug)]
pub struct Change {
    pub revision: u64,
    pub key: Key,
    pub before: Option<Object>,
    /// `None` for a deletion.
    pub after: Option<Object>,
    /// What a watch sends for a deletion: the last state with the revision of the deletion.
    pub last: Option<Object>,
}

/// Everything that is stored, at one revision.
pub struct State {
    pub revision: u64,
    objects: BTreeMap<Key, Object>,
    history: VecDeque<Arc<Change>>,
    /// The revision before the oldest change in `history`.
    pub horizon: u64,
    pub catalogue: Arc<Catalogue>,
}

impl State {
    pub fn get(&self, key: &Key) -> Option<&Object> {
        self.objects.get(key)
    }

    /// The objects of a table, of one namespace or of all (`None`), in key order.
    pub fn list(&self, table: &str, namespace: Option<&str>) -> Vec<(Key, Object)> {
        scan(&self.objects, table, namespace).map(|(key, object)| (key.clone(), Arc::clone(object))).collect()
    }

    /// The changes after a revision; `None` where they are no longer known.
    pub fn since(&self, revision: u64) -> Option<Vec<Arc<Change>>> {
        if revision < self.horizon {
            return None;
        }
        let start = self.history.partition_point(|change| change.revision <= revision);
        Some(self.history.range(start..).cloned().collect())
    }
}

fn scan<'a>(
    objects: &'a BTreeMap<Key, Object>,
    table: &'a str,
    namespace: Option<&'a str>,
) -> impl Iterator<Item = (&'a Key, &'a Object)> {
    let start = Key::new(table, namespace.unwrap_or_default(), "");
    objects
        .range(start..)
        .take_while(move |(key, _)| key.table == table && namespace.is_none_or(|namespace| key.namespace == namespace))
}

/// The view of one write: reads see what it and the writes before it in its group did.
pub struct Txn<'a> {
    state: &'a State,
    group: &'a BTreeMap<Key, Option<Object>>,
    own: BTreeMap<Key, Option<Object>>,
    changes: Vec<Change>,
    revision: u64,
    catalogue: Arc<Catalogue>,
    /// A dry run is thrown away, whatever it did.
    pub dry_run: bool,
}

impl Txn<'_> {
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    pub fn get(&self, key: &Key) -> Option<Object> {
        let staged = self.own.get(key).or_else(|| self.group.get(key));
        match staged {
            Some(object) => object.clone(),
            None => self.state.get(key).cloned(),
        }
    }

    pub fn list(&self, table: &str, namespace: Option<&str>) -> Vec<(Key, Object)> {
        let mut found: BTreeMap<Key, Object> = self.state.list(table, namespace).into_iter().collect();
        let wanted = |key: &Key| key.table == table && namespace.is_none_or(|namespace| key.namespace == namespace);
        for (key, object) in self.group.iter().chain(&self.own).filter(|(key, _)| wanted(key)) {
            match object {
                Some(object) => found.insert(key.clone(), Arc::clone(object)),
                None => found.remove(key),
            };
        }
        found.into_iter().collect()
    }

    /// Stores the object under the next resourceVersion, which it gets.
    pub fn put(&mut self, key: Key, mut object: Value) -> Object {
        let before = self.get(&key);
        self.revision += 1;
        match self.dry_run {
            false => stamp(&mut object, &self.revision.to_string()),
            true => stamp(&mut object, before.as_ref().map_or("", |before| text(before, "resourceVersion"))),
        }
        let object = Arc::new(object);
        self.changes.push(Change {
            revision: self.revision,
            key: key.clone(),
            before,
            after: Some(Arc::clone(&object)),
            last: None,
        });
        self.own.insert(key, Some(Arc::clone(&object)));
        object
    }

    /// Removes the object, giving its last state with the resourceVersion of the removal.
    pub fn remove(&mut self, key: &Key, last: &Value) -> Object {
        self.revision += 1;
        let mut last = last.clone();
        if !self.dry_run {
            stamp(&mut last, &self.revision.to_string());
        }
        let last = Arc::new(last);
        let before = self.get(key);
        self.changes.push(Change {
            revision: self.revision,
            key: key.clone(),
            before,
            after: None,
            last: Some(Arc::clone(&last)),
        });
        self.own.insert(key.clone(), None);
        last
    }
}

fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object["metadata"][key].as_str().unwrap_or_default()
}

/// An object that was only tried out has the revision of the one that is there, or none.
fn stamp(object: &mut Value, revision: &str) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        match revision {
            "" => metadata.remove("resourceVersion"),
            revision => metadata.insert("resourceVersion".to_owned(), Value::String(revision.to_owned())),
        };
    }
}

type Work = Box<dyn FnOnce(&mut Txn) -> Answer + Send>;

enum Job {
    Write(Work),
    /// Close the database, then tell.
    Close(oneshot::Sender<()>),
}

/// Sends the result to whoever waits; called after the commit with its outcome.
type Answer = (bool, Box<dyn FnOnce(Result<(), Failure>) + Send>);

/// A handle on the store. Clones share it.
#[derive(Clone)]
pub struct Store {
    state: Arc<RwLock<State>>,
    jobs: mpsc::Sender<Job>,
    revision: watch::Receiver<u64>,
}

/// Makes an empty database beside `path` and puts it in place: killed meanwhile, there is none and not half of one.
fn make(path: &Path) -> Result<(), redb::Error> {
    if path.exists() {
        return Ok(());
    }
    let new = path.with_extension("redb.new");
    if new.exists() {
        std::fs::remove_file(&new).map_err(redb::Error::Io)?;
    }
    drop(Database::create(&new)?);
    std::fs::rename(&new, path).map_err(redb::Error::Io)
}

impl Store {
    /// Opens the database file, creating it if it is not there.
    pub fn open(path: &Path) -> Result<Store, redb::Error> {
        make(path)?;
        let database = Database::create(path)?;
        let state = load(&database)?;
        let (announce, revision) = watch::channel(state.revision);
        let state = Arc::new(RwLock::new(state));
        let (jobs, queue) = mpsc::channel::<Job>();
        let shared = Arc::clone(&state);
        std::thread::Builder::new()
            .name("waybill-store".to_owned())
            .spawn(move || {
                let closed = write_all(&database, &shared, &queue, &announce);
                drop(database);
                if let Some(closed) = closed {
                    let _ = closed.send(());
                }
            })
            .map_err(redb::Error::Io)?;
        Ok(Store { state, jobs, revision })
    }

    /// Looks at the committed state. Keep it short: writers wait meanwhile.
    pub fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.read(|state| Arc::clone(&state.catalogue))
    }

    pub fn get(&self, key: &Key) -> Option<Object> {
        self.read(|state| state.get(key).cloned())
    }

    /// Follows the revision of the committed state.
    pub fn follow(&self) -> watch::Receiver<u64> {
        self.revision.clone()
    }

    /// Runs a write. It is on disk when this returns; an error of the write leaves nothing behind.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Failure>
    where
        T: Send + 'static,
        F: FnOnce(&mut Txn) -> Result<T, Failure> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Work = Box::new(move |txn| {
            let result = work(txn);
            let keep = result.is_ok() && !txn.dry_run;
            let answer = move |committed: Result<(), Failure>| {
                // Nobody may be waiting any more: the write stands all the same.
                let _ = sender.send(result.and_then(|value| committed.map(|()| value)));
            };
            (keep, Box::new(answer))
        });
        let stopped = || Failure::new(503, "ServiceUnavailable", "the store has stopped");
        self.jobs.send(Job::Write(job)).map_err(|_| stopped())?;
        receiver.await.map_err(|_| stopped())?
    }

    /// Closes the database after what was asked for before. Later writes fail, and watches end.
    pub async fn close(&self) {
        let (sender, receiver) = oneshot::channel();
        if self.jobs.send(Job::Close(sender)).is_ok() {
            // An error means that the writer is gone already.
            let _ = receiver.await;
        }
    }
}

fn load(database: &Database) -> Result<State, redb::Error> {
    let setup = database.begin_write()?;
    setup.open_table(OBJECTS)?;
    setup.open_table(COUNTERS)?;
    setup.commit()?;
    let view = database.begin_read()?;
    let mut objects = BTreeMap::new();
    for row in view.open_table(OBJECTS)?.iter()? {
        let (key, bytes) = row?;
        let object: Result<Value, _> = serde_json::from_slice(bytes.value());
        let text = key.value();
        let (Some(key), Ok(object)) = (Key::decode(text), object) else {
            return Err(redb::Error::Corrupted(format!("the object {text} cannot be read")));
        };
        objects.insert(key, Arc::new(object));
    }
    let revision = view.open_table(COUNTERS)?.get(REVISION)?.map_or(1, |value| value.value());
    let catalogue = Arc::new(catalogue(&objects));
    Ok(State { revision, objects, history: VecDeque::new(), horizon: revision, catalogue })
}

fn catalogue(objects: &BTreeMap<Key, Object>) -> Catalogue {
    let established = |object: &&Object| {
        object["status"]["conditions"]
            .as_array()
            .into_iter()
            .flatten()
            .any(|condition| condition["type"] == "Established" && condition["status"] == "True")
    };
    let definitions = scan(objects, DEFINITIONS, None).map(|(_, object)| object).filter(established);
    Catalogue::new(definitions.map(|object| &**object))
}

/// The writer thread: it ends when the store is closed or its last handle dropped.
fn write_all(
    database: &Database,
    state: &RwLock<State>,
    queue: &mpsc::Receiver<Job>,
    announce: &watch::Sender<u64>,
) -> Option<oneshot::Sender<()>> {
    let mut closing = None;
    while closing.is_none() {
        let mut group = Vec::new();
        let mut next = queue.recv().ok();
        while let Some(job) = next {
            match job {
                Job::Write(work) => group.push(work),
                Job::Close(sender) => closing = Some(sender),
            }
            next = match closing.is_none() && group.len() < GROUP {
                true => queue.try_recv().ok(),
                false => None,
            };
        }
        if group.is_empty() {
            break;
        }
        let (changes, staged, answers) = run(&state.read().unwrap_or_else(PoisonError::into_inner), group);
        let committed = match changes.is_empty() {
            true => Ok(()),
            false => commit(database, &changes).map_err(|error| Failure::internal(format!("store: {error}"))),
        };
        if committed.is_ok() && !changes.is_empty() {
            let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
            publish(&mut state, changes, staged);
            announce.send_replace(state.revision);
        }
        for answer in answers {
            answer(committed.clone());
        }
    }
    closing
}

type Answers = Vec<Box<dyn FnOnce(Result<(), Failure>) + Send>>;

fn run(state: &State, group: Vec<Work>) -> (Vec<Change>, BTreeMap<Key, Option<Object>>, Answers) {
    let mut staged: BTreeMap<Key, Option<Object>> = BTreeMap::new();
    let mut changes: Vec<Change> = Vec::new();
    let mut answers = Answers::new();
    for work in group {
        let revision = changes.last().map_or(state.revision, |change| change.revision);
        let mut txn = Txn {
            state,
            group: &staged,
            own: BTreeMap::new(),
            changes: Vec::new(),
            revision,
            catalogue: Arc::clone(&state.catalogue),
            dry_run: false,
        };
        // A panic in a write must not take the store along: its caller is told by the dropped channel.
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(&mut txn)));
        let Ok((keep, answer)) = outcome else {
            continue;
        };
        let (own, done) = (txn.own, txn.changes);
        if keep {
            staged.extend(own);
            changes.extend(done);
        }
        answers.push(answer);
    }
    (changes, staged, answers)
}

fn commit(database: &Database, changes: &[Change]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut table = transaction.open_table(OBJECTS)?;
        for change in changes {
            let key = change.key.encode();
            match &change.after {
                Some(object) => {
                    table.insert(key.as_str(), object.to_string().as_bytes())?;
                }
                None => {
                    table.remove(key.as_str())?;
                }
            }
        }
        let revision = changes.last().map_or(0, |change| change.revision);
        transaction.open_table(COUNTERS)?.insert(REVISION, revision)?;
    }
    transaction.commit()?;
    Ok(())
}

fn publish(state: &mut State, changes: Vec<Change>, staged: BTreeMap<Key, Option<Object>>) {
    let mut definitions_changed = false;
    for (key, object) in staged {
        definitions_changed |= key.table == DEFINITIONS;
        match object {
            Some(object) => state.objects.insert(key, object),
            None => state.objects.remove(&key),
        };
    }
    for change in changes {
        state.revision = change.revision;
        state.history.push_back(Arc::new(change));
    }
    while state.history.len() > HISTORY {
        if let Some(oldest) = state.history.pop_front() {
            state.horizon = oldest.revision;
        }
    }
    if definitions_changed {
        state.catalogue = Arc::new(catalogue(&state.objects));
    }
}
