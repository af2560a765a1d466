//! Memory behind the ports: any number of nodes and workers of one process share one [`Memory`].
//!
//! Owns the shared state and hands out the ports. Makes the same promises as Redis within the life of the process; what
//! outlives it is the wiring's: it says by [`Numbering`] where numbers must go on.

mod budgets;
mod claims;
mod journal;
mod node;
mod notes;
mod numbering;
mod online;
mod presence;
mod queue;
mod recent;
mod room;
mod shard;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::ports::{CensusChange, Delivery, Inbox, Record};
use domain::words::{ConnectionId, NodeId, RoomId};

use budgets::Budgets;
use claims::Claims;
pub use journal::MemoryJournal;
pub use node::MemoryNode;
use notes::NoteBook;
pub use numbering::Numbering;
use presence::Seating;
use shard::{Rules, Shard};

/// What one [`Memory`] keeps, and for how long.
#[derive(Debug, Clone)]
pub struct MemoryOptions {
    /// Number of shards; rooms are spread over them. At least 1.
    pub shards: u16,
    /// Newest entries of each room that are kept at hand.
    pub hot_log: usize,
    /// Entries that the hot logs of one shard hold together; beyond it the oldest of any room goes.
    pub hot_entries: usize,
    /// Entries of one shard that may wait for the persister; from then on drafts are refused.
    pub journal_max_length: u64,
    /// How long a repeated client id is recognised.
    pub dedupe_window: Duration,
    /// Client ids of one shard that are remembered; beyond it the oldest goes.
    pub dedupe_names: usize,
    /// Life of a node's and of a worker's lease.
    pub lease: Duration,
    /// Where numbers go on.
    pub numbering: Numbering,
}

impl Default for MemoryOptions {
    fn default() -> Self {
        Self {
            shards: 16,
            hot_log: 1000,
            hot_entries: 65_536,
            journal_max_length: 1_000_000,
            dedupe_window: Duration::from_secs(24 * 60 * 60),
            dedupe_names: 65_536,
            lease: Duration::from_secs(10),
            numbering: Numbering::first(),
        }
    }
}

/// What all nodes and workers of this process share.
///
/// Locks are taken in the order claims or seats, then one shard; notes, budgets, letters and inboxes alone.
pub struct Memory {
    // One room's numbering, journal, hot log and deliveries happen under its shard's lock: that is its one order.
    shards: Box<[Mutex<Shard>]>,
    // Rooms are told under it who came and left: that is the one order of a census.
    seating: Mutex<Seating>,
    notes: Mutex<NoteBook>,
    budgets: Mutex<Budgets>,
    claims: Mutex<Claims>,
    // At most `journal::LETTERS`.
    letters: Mutex<VecDeque<(Record, String)>>,
    // Of every living node that has one; for what concerns one node alone.
    inboxes: Mutex<HashMap<u64, Arc<dyn Inbox>>>,
    hasher: ahash::RandomState,
    handles: AtomicU64,
}

impl Memory {
    /// An empty state whose numbers go on where the options say.
    pub fn new(options: MemoryOptions) -> Arc<Self> {
        let shards = options.shards.max(1);
        let lease = options.lease;
        let rules = Arc::new(Rules::from(options));
        Arc::new(Self {
            shards: (0..shards).map(|_| Mutex::new(Shard::new(rules.clone()))).collect(),
            seating: Mutex::new(Seating::new(lease)),
            notes: Mutex::default(),
            budgets: Mutex::default(),
            claims: Mutex::new(Claims::new(shards, lease)),
            letters: Mutex::default(),
            inboxes: Mutex::default(),
            hasher: ahash::RandomState::new(),
            handles: AtomicU64::new(0),
        })
    }

    /// The ports of one node. Dropping the last handle ends its deliveries; its seats live until its lease lapses.
    pub fn node(self: &Arc<Self>, id: NodeId) -> Arc<MemoryNode> {
        Arc::new(MemoryNode::new(self.clone(), id, self.handle()))
    }

    /// The port of one worker. Two of the same name are two workers.
    pub fn journal(self: &Arc<Self>, worker: &str) -> Arc<MemoryJournal> {
        Arc::new(MemoryJournal::new(self.clone(), worker, self.handle()))
    }

    /// Copies of the dead letters, oldest first, with their reasons.
    pub fn dead_letters(&self) -> Vec<(Record, String)> {
        lock(&self.letters).iter().cloned().collect()
    }

    /// Tells every node that a connection must go; the one that has it obeys.
    fn evict(&self, connection: ConnectionId) {
        let inboxes: Vec<_> = lock(&self.inboxes).values().cloned().collect();
        inboxes.iter().for_each(|inbox| inbox.deliver(Delivery::Evict(connection)));
    }

    /// Tells the subscribers of each room who came or left. Called with the seats locked.
    fn tell_census(&self, changes: impl IntoIterator<Item = CensusChange>) {
        for change in changes {
            let room = change.room.clone();
            self.shard_of(&room).tell(&room, &Delivery::Census(change));
        }
    }

    fn handle(&self) -> u64 {
        self.handles.fetch_add(1, Ordering::Relaxed)
    }

    /// The shard that a room hashes to.
    fn shard_of(&self, room: &RoomId) -> MutexGuard<'_, Shard> {
        let index = self.hasher.hash_one(room.key()) % self.shards.len() as u64;
        lock(&self.shards[usize::try_from(index).expect("it is below the number of shards")])
    }

    /// The shard of that number, if there is one.
    fn shard(&self, number: u16) -> Option<MutexGuard<'_, Shard>> {
        self.shards.get(usize::from(number)).map(lock)
    }
}

/// An inbox that panicked leaves whole state behind: deliveries come last in every step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
