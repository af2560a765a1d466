//! One node's ports: `Broker` and `Presence`, as calls into the shared state. Nothing here waits.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use domain::ports::{
    Admission, Broker, Census, Departure, Inbox, Lease, PortError, Presence, Published, Span,
};
use domain::words::{Author, ConnectionId, Draft, NodeId, Position, RoomId, UserId};
use tokio::time::Instant;

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
        Ok(lock(&self.memory.seating).enter(&self.id, room, who, Instant::now()))
    }

    async fn leave(&self, room: &RoomId, user: &UserId) -> Result<Census, PortError> {
        Ok(lock(&self.memory.seating).leave(&self.id, room, user))
    }

    async fn members(&self, room: &RoomId, limit: usize) -> Result<(Vec<Author>, u64), PortError> {
        Ok(lock(&self.memory.seating).members(room, limit))
    }

    async fn admit(
        &self,
        user: &UserId,
        connection: ConnectionId,
        limit: usize,
        replace_oldest: bool,
    ) -> Result<Admission, PortError> {
        let rule = (limit, replace_oldest);
        let admission = lock(&self.memory.seating).admit(&self.id, user, connection, rule, Instant::now());
        if let Admission::Replaces(older) = admission {
            self.memory.evict(older);
        }
        Ok(admission)
    }

    async fn release(&self, user: &UserId, connection: ConnectionId) -> Result<(), PortError> {
        lock(&self.memory.seating).release(user, connection);
        Ok(())
    }

    async fn held(&self) -> Result<Vec<(RoomId, UserId)>, PortError> {
        Ok(lock(&self.memory.seating).held(&self.id))
    }

    async fn renew(&self) -> Result<Lease, PortError> {
        Ok(lock(&self.memory.seating).renew(&self.id, Instant::now()))
    }

    async fn sweep(&self) -> Result<Vec<Departure>, PortError> {
        Ok(lock(&self.memory.seating).sweep(Instant::now()))
    }

    async fn retire(&self) -> Result<(), PortError> {
        lock(&self.memory.seating).retire(&self.id);
        Ok(())
    }
}
