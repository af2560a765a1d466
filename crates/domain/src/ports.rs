//! What the domain asks of the world. Every promise here is asked of every implementation by one
//! contract suite; nothing outside the wiring knows which implementation stands behind a port.
//!
//! Every call has a deadline of the implementation's own and ends in [`PortError::Deadline`] when it passes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::words::{
    Author, ConnectionId, Draft, Entry, Identity, Kind, MessageId, Passing, Position, RoomId, Sealed,
    Timestamp, Unreadable, UserId,
};

mod bookings;
mod directory;
mod notes;
mod presence;
mod uploads;
mod vault;

pub use bookings::{Booked, Bookings, Cancelled, Courier, NewBooking, Receipt};
pub use directory::{Added, Assignment, Created, Credentials, Directory, Removed, Rulings, Touched};
pub use notes::Notes;
pub use presence::{
    Admission, Attendance, Attendee, Census, CensusChange, Lease, NodeStanding, Presence, Rate, Swept, Tally,
};
pub use uploads::{Pieces, Stowed, Upload, Uploads};
pub use vault::{SealedRow, Vault};

/// The world's fault. Never shown to clients as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PortError {
    /// Not reachable now; nothing was done.
    #[error("unavailable: {0}")]
    Unavailable(String),
    /// No answer in time; it may or may not have been done.
    #[error("no answer in time")]
    Deadline,
    /// Refused to protect what was accepted before; nothing was done.
    #[error("overloaded, retry in {} ms", .0.as_millis())]
    Overloaded(Duration),
    /// The data itself is refused (a database's class 22 or 23); repeating will not help.
    #[error("refused: {0}")]
    Refused(String),
    /// A newer owner holds the lease; nothing was done.
    #[error("the lease is held by a newer owner")]
    Fenced,
}

/// What became of a draft.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// Its place: its own, or the first one's.
    pub position: Position,
    /// Its id: its own, or the first one's.
    pub id: MessageId,
    /// The same (user, room, clientId) was accepted before: nothing new happened.
    pub repeated: bool,
}

/// A stretch of a room's hot log, with the room's newest position at the same instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The newest position: the last event's, or, in an epoch without events, the one before its first.
    pub head: Position,
    /// The oldest position that the hot log still holds; `None`: it holds nothing.
    pub oldest: Option<Position>,
    /// The entries asked for, oldest first, without a gap within an epoch.
    pub entries: Vec<Entry>,
}

/// What a broker hands to a node.
#[derive(Debug, Clone)]
pub enum Delivery {
    /// A durable event. Of one room, in seq order, except after a loss.
    Entry(Entry),
    /// Something that is neither numbered nor kept. Behind everything that was published in its room before it,
    /// ahead of everything after it.
    Passing(Passing),
    /// A user, not merely a connection, came into a room or left it, on any node.
    Census(CensusChange),
    /// A connection of this node has to make room for a newer one of its user.
    Evict(ConnectionId),
    /// Deliveries may have been lost: every subscribed room must be checked against its head.
    Suspect,
}

/// Where a broker hands over. Called from one task per stream, never blocks.
pub trait Inbox: Send + Sync {
    /// Takes one delivery.
    fn deliver(&self, delivery: Delivery);
}

/// How nodes exchange room events.
#[async_trait]
pub trait Broker: Send + Sync {
    /// Accepts a draft in one atomic step: deduplicate by (user, room, clientId), number, append to the journal
    /// and to the hot log, publish. `Ok` means accepted: numbered without a gap, and in the journal.
    /// `Overloaded` when the journal is full; nothing is ever trimmed from it to make room.
    async fn publish(&self, draft: Draft) -> Result<Published, PortError>;

    /// Tells everybody who is subscribed to the room, at most once each, without number, journal or hot log. When
    /// this returns it stands in the room's order: what is published later is delivered later, on every node.
    async fn pass(&self, passing: Passing) -> Result<(), PortError>;

    /// From now on the hot log shows the entry at `position` without its body: it was withdrawn. Idempotent; where
    /// the hot log does not hold it, nothing happens.
    async fn erase(&self, room: &RoomId, position: Position) -> Result<(), PortError>;

    /// From the moment this returns, everything published in `room` reaches the inbox. Idempotent.
    async fn subscribe(&self, room: &RoomId) -> Result<(), PortError>;

    /// Deliveries of `room` cease. Idempotent.
    async fn unsubscribe(&self, room: &RoomId) -> Result<(), PortError>;

    /// Up to `limit` entries above `after`, oldest first. One atomic look.
    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Span, PortError>;

    /// The newest `limit` entries whose seq is below `before`, oldest first. One atomic look.
    async fn newest(&self, room: &RoomId, before: Option<u64>, limit: usize) -> Result<Span, PortError>;

    /// Begins to hand deliveries to `inbox`; called once, before the first subscription.
    fn attach(&self, inbox: Arc<dyn Inbox>);

    /// Time since the last proof that deliveries arrive (an in-band echo); `None`: not proven yet.
    fn probe_age(&self) -> Option<Duration>;
}

/// Whose a token is.
#[async_trait]
pub trait Tokens: Send + Sync {
    /// The owner of a good token; `None`: it is not good.
    async fn verify(&self, token: &str) -> Option<Identity>;
}

/// The right to write one shard's entries, until it lapses or is released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardLease {
    /// Which shard.
    pub shard: u16,
    /// Higher than that of every earlier holder of this shard, for ever.
    pub fence: u64,
}

/// A journal entry as the persister reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The shard's journal it stands in.
    pub shard: u16,
    /// Its place in that journal, opaque; ordered.
    pub offset: (u64, u64),
    /// The entry, or the raw bytes and the reason why they are none.
    pub entry: Result<Entry, (Bytes, String)>,
}

/// How much waits to be persisted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Entries, all shards together.
    pub length: u64,
    /// Age of the oldest one.
    pub oldest: Duration,
}

/// The queue between acceptance and the database. It holds exactly what is not yet known to be committed.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Announces the worker, renews its leases, takes its fair share of free shards, gives back what exceeds it.
    /// Returns all that it now holds. A shard has one holder at a time; fences only rise.
    async fn claim(&self) -> Result<Vec<ShardLease>, PortError>;

    /// Up to `limit` records in all, a fair share of every lease's shard, behind the given offset (`None`: from the
    /// oldest), in order per shard.
    async fn read(
        &self,
        from: &[(ShardLease, Option<(u64, u64)>)],
        limit: usize,
    ) -> Result<Vec<Record>, PortError>;

    /// Forgets everything up to and including `through`: it is committed. `Fenced` when the lease is not held any more.
    async fn settle(&self, lease: &ShardLease, through: (u64, u64)) -> Result<(), PortError>;

    /// Copies a record that can never be written to the dead letters, with its reason. At least once; `settle` follows.
    async fn bury(&self, record: &Record, reason: &str) -> Result<(), PortError>;

    /// Gives all leases back, at shutdown.
    async fn release(&self) -> Result<(), PortError>;

    /// How much waits.
    async fn backlog(&self) -> Result<Backlog, PortError>;
}

/// What became of one entry in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is there now.
    Stored,
    /// It was there already, with the same id.
    Replayed,
    /// Its (user, room, clientId) was there already at another position: a void row holds its place.
    Repeated,
    /// Another id stands at its position. It was not written: dead letter and alarm.
    Conflict,
}

/// A message as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMessage {
    /// Its place.
    pub position: Position,
    /// Its identity.
    pub id: MessageId,
    /// Who wrote it.
    pub author: Author,
    /// The sender's own name for it.
    pub client_id: Option<crate::words::ClientId>,
    /// When it was accepted.
    pub sent_at: Timestamp,
    /// When its text last changed.
    pub edited_at: Option<Timestamp>,
    /// When it was withdrawn; then the body is empty.
    pub deleted_at: Option<Timestamp>,
    /// The current content, sealed.
    pub body: Sealed,
}

/// A message, or a change to one, found by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// Its room.
    pub room: RoomId,
    /// Its place.
    pub position: Position,
    /// What it is.
    pub kind: Kind,
    /// Who wrote it.
    pub author: UserId,
    /// When it was accepted.
    pub sent_at: Timestamp,
    /// Whether it is withdrawn.
    pub deleted: bool,
}

/// How history is kept.
#[async_trait]
pub trait Store: Send + Sync {
    /// Writes entries in one transaction: all outcomes or none, in the order given. Each (room, seq) is written
    /// once, whatever is repeated; edits and deletions change their message only forwards in seq.
    /// `Fenced` when a shard's fence is above the lease's; `Refused` when any entry's data is refused.
    async fn append(&self, leases: &[ShardLease], entries: &[Entry]) -> Result<Vec<Appended>, PortError>;

    /// The newest `limit` messages whose seq is below `before`, oldest first, with their current text.
    async fn page(
        &self,
        room: &RoomId,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<StoredMessage>, PortError>;

    /// The oldest `limit` messages whose seq is above `after`, oldest first, with their current text.
    async fn forward(&self, room: &RoomId, after: u64, limit: usize)
    -> Result<Vec<StoredMessage>, PortError>;

    /// Up to `limit` entries above `after`, oldest first, as they happened; void rows are left out.
    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Vec<Entry>, PortError>;

    /// The newest position of the room, void rows included; `None`: the room is not there.
    async fn head(&self, room: &RoomId) -> Result<Option<Position>, PortError>;

    /// The newest position of each of these rooms that is there, void rows included. One query.
    async fn heads_of(&self, rooms: &[RoomId]) -> Result<Vec<(RoomId, Position)>, PortError>;

    /// The entry with this id.
    async fn locate(&self, id: MessageId) -> Result<Option<Located>, PortError>;

    /// Reactions put on and taken off a message, oldest first.
    async fn reactions(&self, room: &RoomId, target: MessageId) -> Result<Vec<Entry>, PortError>;

    /// The newest position of every room. For one process that keeps its numbers in memory, at its start.
    async fn heads(&self) -> Result<Vec<(RoomId, Position)>, PortError>;

    /// Remembers for ever which instance of a broker was the first that anybody asked with. `true`: `broker` is that
    /// one, and no entry was ever written. Only then may it begin numbering at epoch 1: another instance that is empty
    /// has lost what the first one accepted.
    async fn begins(&self, broker: &str) -> Result<bool, PortError>;

    /// Whether it answers, and has the schema that this program needs.
    async fn ready(&self) -> Result<(), PortError>;
}

/// Seals content before it leaves the process. Associated data binds a body to its room and id.
pub trait Sealer: Send + Sync {
    /// Seals with the first key.
    fn seal(&self, room: &RoomId, id: MessageId, plain: &[u8]) -> Sealed;

    /// Opens with whichever key it names.
    fn open(&self, room: &RoomId, id: MessageId, sealed: &Sealed) -> Result<Bytes, Unreadable>;
}
