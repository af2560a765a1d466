//! One node's ports: `Broker`, `Presence` and `Notes`, as calls into the shared state. Nothing here waits.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::ports::{
    Admission, Attendance, Broker, Census, CensusChange, Delivery, Inbox, Lease, NodeStanding, Notes,
    PortError, Presence, Published, Rate, Span, Swept, Tally,
};
use domain::words::{Author, ConnectionId, Draft, NodeId, Passing, Position, RoomId, UserId};
use tokio::time::Instant;

use super::online::leaves;
use super::room::Listener;
use super::{Memory, lock};

/// One incarnation of one node.
pub struct MemoryNode {
    memory: Arc<Memory>,
    id: NodeId,
    handle: u64,
    inbox: OnceLock<Arc<dyn Inbox>>,
}

impl MemoryNode {
    pub(super) fn new(memory: Arc<Memory>, id: NodeId, handle: u64) -> Self {
        Self { memory, id, handle, inbox: OnceLock::new() }
    }
}

/// The shared state would keep the inbox of a dropped node alive, and deliver to it.
impl Drop for MemoryNode {
    fn drop(&mut self) {
        lock(&self.memory.inboxes).remove(&self.handle);
        for shard in &self.memory.shards {
            lock(shard).hush_everywhere(self.handle);
        }
    }
}

#[async_trait]
impl Broker for MemoryNode {
    async fn publish(&self, draft: Draft) -> Result<Published, PortError> {
        self.memory.shard_of(&draft.room).publish(draft, Instant::now())
    }

    async fn pass(&self, passing: Passing) -> Result<(), PortError> {
        let room = passing.room.clone();
        self.memory.shard_of(&room).tell(&room, &Delivery::Passing(passing));
        Ok(())
    }

    async fn erase(&self, room: &RoomId, position: Position) -> Result<(), PortError> {
        self.memory.shard_of(room).erase(room, position);
        Ok(())
    }

    async fn subscribe(&self, room: &RoomId) -> Result<(), PortError> {
        let inbox = self.inbox.get().ok_or_else(|| PortError::Unavailable("no inbox is attached".into()))?;
        let listener = Listener { handle: self.handle, inbox: inbox.clone() };
        self.memory.shard_of(room).listen(room, listener);
        Ok(())
    }

    async fn unsubscribe(&self, room: &RoomId) -> Result<(), PortError> {
        self.memory.shard_of(room).hush(room, self.handle);
        Ok(())
    }

    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Span, PortError> {
        Ok(self.memory.shard_of(room).after(room, after, limit))
    }

    async fn newest(&self, room: &RoomId, before: Option<u64>, limit: usize) -> Result<Span, PortError> {
        Ok(self.memory.shard_of(room).newest(room, before, limit))
    }

    /// A second inbox is not taken.
    fn attach(&self, inbox: Arc<dyn Inbox>) {
        let first = self.inbox.set(inbox.clone()).is_ok();
        lock(&self.memory.inboxes).entry(self.handle).or_insert(inbox);
        debug_assert!(first, "attach is called once");
    }

    /// Deliveries are function calls: they arrive by construction.
    fn probe_age(&self) -> Option<Duration> {
        Some(Duration::ZERO)
    }
}

#[async_trait]
impl Presence for MemoryNode {
    async fn enter(&self, room: &RoomId, who: &Author) -> Result<Census, PortError> {
        let mut seating = lock(&self.memory.seating);
        let census = seating.enter(&self.id, room, who, Instant::now());
        if census.edge {
            let (room, who) = (room.clone(), who.clone());
            self.memory.tell_census([CensusChange { room, who, entered: true, count: census.count }]);
        }
        Ok(census)
    }

    async fn leave(&self, room: &RoomId, user: &UserId) -> Result<Census, PortError> {
        let mut seating = lock(&self.memory.seating);
        let (change, count) = seating.leave(&self.id, room, user);
        let edge = change.is_some();
        self.memory.tell_census(change);
        Ok(Census { edge, count })
    }

    async fn members(&self, room: &RoomId, limit: usize) -> Result<(Vec<Author>, u64), PortError> {
        Ok(lock(&self.memory.seating).members(room, limit))
    }

    async fn admit(
        &self,
        who: &Author,
        connection: ConnectionId,
        limit: usize,
        replace_oldest: bool,
    ) -> Result<Admission, PortError> {
        let rule = (limit, replace_oldest);
        let admission = lock(&self.memory.seating).admit(&self.id, who, connection, rule, Instant::now());
        if let Admission::Replaces(older) = admission {
            self.memory.evict(older);
        }
        Ok(admission)
    }

    async fn release(
        &self,
        user: &UserId,
        connection: ConnectionId,
        grace: Duration,
    ) -> Result<bool, PortError> {
        let leaves = leaves(Instant::now(), grace);
        Ok(lock(&self.memory.seating).online.release(user, connection, leaves))
    }

    async fn is_online(&self, user: &UserId) -> Result<bool, PortError> {
        Ok(lock(&self.memory.seating).online.contains(user))
    }

    async fn held(&self) -> Result<Vec<(RoomId, UserId)>, PortError> {
        Ok(lock(&self.memory.seating).held(&self.id))
    }

    async fn renew(&self) -> Result<Lease, PortError> {
        Ok(lock(&self.memory.seating).renew(&self.id, Instant::now()))
    }

    async fn sweep(&self) -> Result<Swept, PortError> {
        let mut seating = lock(&self.memory.seating);
        let (changes, offline) = seating.sweep(Instant::now());
        let seats = changes.len();
        self.memory.tell_census(changes);
        Ok(Swept { seats, offline })
    }

    async fn retire(&self, grace: Duration) -> Result<(), PortError> {
        let mut seating = lock(&self.memory.seating);
        let changes = seating.retire(&self.id, leaves(Instant::now(), grace));
        self.memory.tell_census(changes);
        Ok(())
    }

    async fn tally(&self) -> Result<Tally, PortError> {
        Ok(lock(&self.memory.seating).tally(Instant::now()))
    }

    async fn attendance(&self, limit: usize) -> Result<Attendance, PortError> {
        let seating = lock(&self.memory.seating);
        Ok(Attendance { users: seating.online.newest(limit), tally: seating.tally(Instant::now()) })
    }

    async fn count(&self, room: &RoomId) -> Result<u64, PortError> {
        Ok(lock(&self.memory.seating).members(room, 0).1)
    }

    async fn connections_of(&self, users: &[UserId]) -> Result<Vec<u64>, PortError> {
        let seating = lock(&self.memory.seating);
        Ok(users.iter().map(|user| seating.online.connections_of(user)).collect())
    }

    async fn nodes(&self) -> Result<Vec<NodeStanding>, PortError> {
        Ok(lock(&self.memory.seating).standings(Instant::now()))
    }

    async fn spend(&self, user: &UserId, cost: u32, rate: Rate) -> Result<Option<Duration>, PortError> {
        Ok(lock(&self.memory.budgets).spend(user, cost, rate, Instant::now()))
    }
}

#[async_trait]
impl Notes for MemoryNode {
    async fn keep(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), PortError> {
        lock(&self.memory.notes).keep(key, value, ttl, Instant::now());
        Ok(())
    }

    async fn recall(&self, key: &str) -> Result<Option<Bytes>, PortError> {
        Ok(lock(&self.memory.notes).recall(key, Instant::now()))
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, PortError> {
        Ok(lock(&self.memory.notes).claim(key, value, ttl, Instant::now()))
    }

    async fn forget(&self, key: &str) -> Result<(), PortError> {
        lock(&self.memory.notes).forget(key);
        Ok(())
    }
}
