//! A journal in memory that tests can break, and a real SQLite store behind a wire that tests can cut.
//!
//! The real pair, Redis and Postgres, is tested where whole programs are; here the failures must be exact.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::ports::{
    Appended, Backlog, Journal, Located, PortError, Record, ShardLease, Store, StoredMessage,
};
use domain::words::{Author, Draft, Entry, Kind, MessageId, Position, RoomId, Sealed, Timestamp, UserId};
use store::StoreOptions;
use testkit::Folder;
use tokio::sync::watch;

/// Longest wait for anything in a test.
const PATIENCE: Duration = Duration::from_secs(20);

/// One shard as the journal keeps it.
#[derive(Default)]
pub(crate) struct Shard {
    pub(crate) records: VecDeque<Record>,
    pub(crate) holder: Option<u32>,
    pub(crate) fence: u64,
    next: u64,
}

/// All that the workers of one journal share.
#[derive(Default)]
pub(crate) struct State {
    pub(crate) shards: Vec<Shard>,
    /// The dead letters: what, and why.
    pub(crate) dead: Vec<(Record, String)>,
    pub(crate) claims: usize,
    /// The most records that one look gave.
    pub(crate) largest_read: usize,
    /// While set, every call fails.
    pub(crate) away: bool,
    /// Calls that failed so.
    pub(crate) failures: usize,
}

/// The journal itself; each worker gets its own [`Access`].
#[derive(Clone)]
pub(crate) struct MemoryJournal {
    state: Arc<Mutex<State>>,
    changes: watch::Sender<()>,
}

impl MemoryJournal {
    pub(crate) fn new(shards: usize) -> Self {
        let shards = (0..shards).map(|_| Shard::default()).collect();
        let state = Arc::new(Mutex::new(State { shards, ..State::default() }));
        Self { state, changes: watch::Sender::new(()) }
    }

    /// What worker number `worker` sees.
    pub(crate) fn access(&self, worker: u32) -> Arc<Access> {
        Arc::new(Access { journal: self.clone(), worker })
    }

    pub(crate) fn add(&self, shard: usize, entry: Entry) {
        self.add_record(shard, Ok(entry));
    }

    pub(crate) fn add_record(&self, shard: usize, entry: Result<Entry, (Bytes, String)>) {
        self.change(|state| {
            let place = &mut state.shards[shard];
            place.next += 1;
            let number = u16::try_from(shard).unwrap();
            place.records.push_back(Record { shard: number, offset: (place.next, 0), entry });
        });
    }

    /// Gives a shard to nobody or to another worker, as a lapsed lease would.
    pub(crate) fn transfer(&self, shard: usize, to: Option<u32>) {
        self.change(|state| {
            state.shards[shard].holder = to;
            state.shards[shard].fence += 1;
        });
    }

    pub(crate) fn change<T>(&self, how: impl FnOnce(&mut State) -> T) -> T {
        let answer = how(&mut self.state.lock().unwrap());
        self.changes.send_replace(());
        answer
    }

    /// Waits until `what` holds.
    pub(crate) async fn until(&self, what: impl Fn(&State) -> bool) {
        let mut changes = self.changes.subscribe();
        let reached = async {
            while !what(&self.state.lock().unwrap()) {
                changes.changed().await.unwrap();
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("the journal comes to it in time");
    }

    /// Waits until nothing is left to write.
    pub(crate) async fn drained(&self) {
        self.until(|state| state.shards.iter().all(|shard| shard.records.is_empty())).await;
    }
}

/// The journal through one worker's eyes.
pub(crate) struct Access {
    journal: MemoryJournal,
    worker: u32,
}

impl Access {
    fn call<T>(&self, work: impl FnOnce(&mut State) -> Result<T, PortError>) -> Result<T, PortError> {
        self.journal.change(|state| {
            if state.away {
                state.failures += 1;
                return Err(PortError::Unavailable("the journal is away".into()));
            }
            work(state)
        })
    }
}

#[async_trait]
impl Journal for Access {
    async fn claim(&self) -> Result<Vec<ShardLease>, PortError> {
        self.call(|state| {
            state.claims += 1;
            let mut held = Vec::new();
            for (number, shard) in (0..).zip(&mut state.shards) {
                if shard.holder.is_none() {
                    shard.holder = Some(self.worker);
                    shard.fence += 1;
                }
                if shard.holder == Some(self.worker) {
                    held.push(ShardLease { shard: number, fence: shard.fence });
                }
            }
            Ok(held)
        })
    }

    async fn read(
        &self,
        from: &[(ShardLease, Option<(u64, u64)>)],
        limit: usize,
    ) -> Result<Vec<Record>, PortError> {
        self.call(|state| {
            let waiting = |(lease, after): &(ShardLease, Option<(u64, u64)>)| {
                let records = &state.shards[usize::from(lease.shard)].records;
                records.iter().filter(|record| Some(record.offset) > *after).cloned().collect::<VecDeque<_>>()
            };
            let mut waiting: Vec<_> = from.iter().map(waiting).collect();
            // One of each in turn, as long as there are any: a fair share, and the whole limit.
            let mut found = Vec::new();
            while found.len() < limit && waiting.iter().any(|records| !records.is_empty()) {
                found.extend(waiting.iter_mut().filter_map(VecDeque::pop_front));
            }
            found.truncate(limit);
            state.largest_read = state.largest_read.max(found.len());
            Ok(found)
        })
    }

    async fn settle(&self, lease: &ShardLease, through: (u64, u64)) -> Result<(), PortError> {
        self.call(|state| {
            let shard = &mut state.shards[usize::from(lease.shard)];
            if shard.holder != Some(self.worker) || shard.fence != lease.fence {
                return Err(PortError::Fenced);
            }
            shard.records.retain(|record| record.offset > through);
            Ok(())
        })
    }

    async fn bury(&self, record: &Record, reason: &str) -> Result<(), PortError> {
        self.call(|state| {
            state.dead.push((record.clone(), reason.to_owned()));
            Ok(())
        })
    }

    async fn release(&self) -> Result<(), PortError> {
        self.call(|state| {
            let held = state.shards.iter_mut().filter(|shard| shard.holder == Some(self.worker));
            held.for_each(|shard| shard.holder = None);
            Ok(())
        })
    }

    async fn backlog(&self) -> Result<Backlog, PortError> {
        self.call(|state| {
            let length = state.shards.iter().map(|shard| shard.records.len() as u64).sum();
            Ok(Backlog { length, oldest: Duration::ZERO })
        })
    }
}

/// What the wire to the store does at present.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wire {
    Sound,
    /// Every append fails so, and does nothing.
    Cut(PortError),
    /// Every append is done, and its answer is lost.
    Mute,
    /// No append ever answers.
    Hung,
}

/// A real store behind a wire.
pub(crate) struct WiredStore {
    store: Arc<dyn Store>,
    pub(crate) wire: watch::Sender<Wire>,
    pub(crate) attempts: watch::Sender<usize>,
    pub(crate) largest: AtomicUsize,
    _folder: Folder,
}

impl WiredStore {
    /// Over a new SQLite file.
    pub(crate) async fn new() -> Arc<Self> {
        let folder = Folder::new();
        let url = format!("sqlite://{}", folder.path().join("history.db").display());
        store::migrate(&url).await.unwrap();
        let store = store::open(&url, StoreOptions::default()).await.unwrap().store;
        let (wire, attempts) = (watch::Sender::new(Wire::Sound), watch::Sender::new(0));
        Arc::new(Self { store, wire, attempts, largest: AtomicUsize::new(0), _folder: folder })
    }

    /// Waits until appends were tried `more` times from now on.
    pub(crate) async fn attempted(&self, more: usize) {
        let mut attempts = self.attempts.subscribe();
        let goal = *attempts.borrow() + more;
        let reached = attempts.wait_for(|count| *count >= goal);
        tokio::time::timeout(PATIENCE, reached).await.expect("it is tried in time").unwrap();
    }

    /// Seqs of a room in the order of replay.
    pub(crate) async fn seqs(&self, room: &str) -> Vec<u64> {
        let room = RoomId::parse(room).unwrap();
        let entries = self.store.after(&room, Position::START, usize::MAX).await.unwrap();
        entries.iter().map(|entry| entry.position.seq).collect()
    }
}

#[async_trait]
impl Store for WiredStore {
    async fn append(&self, leases: &[ShardLease], entries: &[Entry]) -> Result<Vec<Appended>, PortError> {
        self.largest.fetch_max(entries.len(), Ordering::Relaxed);
        self.attempts.send_modify(|count| *count += 1);
        let wire = self.wire.borrow().clone();
        match wire {
            Wire::Sound => self.store.append(leases, entries).await,
            Wire::Cut(error) => Err(error),
            Wire::Mute => {
                self.store.append(leases, entries).await?;
                Err(PortError::Deadline)
            }
            Wire::Hung => std::future::pending().await,
        }
    }

    async fn page(
        &self,
        room: &RoomId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, PortError> {
        self.store.page(room, before, limit).await
    }

    async fn forward(
        &self,
        room: &RoomId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, PortError> {
        self.store.forward(room, after, limit).await
    }

    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Vec<Entry>, PortError> {
        self.store.after(room, after, limit).await
    }

    async fn head(&self, room: &RoomId) -> Result<Option<Position>, PortError> {
        self.store.head(room).await
    }

    async fn heads_of(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Position)>, PortError> {
        self.store.heads_of(rooms).await
    }

    async fn locate(&self, id: MessageId) -> Result<Option<Located>, PortError> {
        self.store.locate(id).await
    }

    async fn reactions(&self, room: &RoomId, target: MessageId) -> Result<Vec<Entry>, PortError> {
        self.store.reactions(room, target).await
    }

    async fn heads(&self) -> Result<Vec<(RoomId, Position)>, PortError> {
        self.store.heads().await
    }

    async fn begins(&self, broker: &str) -> Result<bool, PortError> {
        self.store.begins(broker).await
    }

    async fn ready(&self) -> Result<(), PortError> {
        self.store.ready().await
    }
}

/// A message in `room`. Seq 0 is what the database's own check refuses.
pub(crate) fn message(room: &str, seq: u64) -> Entry {
    let draft = Draft {
        room: RoomId::parse(room).unwrap(),
        id: MessageId::new(),
        kind: Kind::Message,
        target: None,
        author: Author { user: UserId::text("anna").unwrap(), name: None },
        client_id: None,
        sent_at: Timestamp::now(),
        origin: None,
        body: Sealed { key: None, bytes: Bytes::from_static(b"text") },
    };
    Entry { position: Position { epoch: 1, seq }, draft }
}
