//! What is committed, told to those who want to know: a watermark per room, read from the database in one query for
//! all rooms that somebody waits for. Nothing is read while nobody waits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use ahash::RandomState;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::outbound::{Class, Item, Outbound};
use crate::ports::{PortError, Store};
use crate::words::{ConnectionId, Position, RoomId};

/// Rooms asked for in one query.
const AT_ONCE: usize = 1000;

struct Waiting {
    outbound: Weak<Outbound>,
    through: Position,
}

type Rooms = HashMap<RoomId, HashMap<ConnectionId, Waiting>, RandomState>;

/// Who waits for which commit.
pub(super) struct Watermarks {
    pause: Duration,
    // One per connection and room that it sent to, until told. Held for a look, never across an await.
    waiting: Mutex<Rooms>,
    called: Notify,
}

impl Watermarks {
    pub(super) fn new(pause: Duration) -> Self {
        Self { pause, waiting: Mutex::default(), called: Notify::new() }
    }

    fn waiting(&self) -> MutexGuard<'_, Rooms> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection is told once everything up to `through` is committed.
    pub(super) fn want(&self, room: &RoomId, through: Position, outbound: &Arc<Outbound>) {
        let mut waiting = self.waiting();
        let room = waiting.entry(room.clone()).or_default();
        let place = room
            .entry(outbound.id())
            .or_insert_with(|| Waiting { outbound: Arc::downgrade(outbound), through });
        place.through = place.through.max(through);
        self.called.notify_one();
    }

    /// Tells watermarks for as long as the node lives.
    pub(super) async fn tell_forever(&self, store: &dyn Store) {
        loop {
            let rooms: Vec<RoomId> = self.waiting().keys().cloned().collect();
            if rooms.is_empty() {
                self.called.notified().await;
                continue;
            }
            for rooms in rooms.chunks(AT_ONCE) {
                if let Err(error) = self.tell(store, rooms).await {
                    tracing::debug!(%error, "what is stored cannot be told now");
                }
            }
            sleep(self.pause).await;
        }
    }

    async fn tell(&self, store: &dyn Store, rooms: &[RoomId]) -> Result<(), PortError> {
        for (room, head) in store.heads_of(rooms).await? {
            for (connection, through) in self.reached(&room, head) {
                // A later epoch says nothing of an earlier one, whose end may be lost.
                let is_there = head.epoch == through.epoch || is_stored(store, &room, through).await?;
                self.tell_one(&room, connection, through, is_there.then_some(head));
            }
        }
        self.waiting().retain(|_, connections| {
            connections.retain(|_, place| place.outbound.strong_count() > 0);
            !connections.is_empty()
        });
        Ok(())
    }

    /// Who waits for something at or below `head`.
    fn reached(&self, room: &RoomId, head: Position) -> Vec<(ConnectionId, Position)> {
        let waiting = self.waiting();
        let Some(connections) = waiting.get(room) else { return Vec::new() };
        let reached = connections.iter().filter(|(_, place)| place.through <= head);
        reached.map(|(connection, place)| (*connection, place.through)).collect()
    }

    /// Tells one connection, unless what it waits for is lost; whatever it sent meanwhile is still waited for.
    fn tell_one(&self, room: &RoomId, connection: ConnectionId, through: Position, head: Option<Position>) {
        let mut waiting = self.waiting();
        let Some(connections) = waiting.get_mut(room) else { return };
        let Some(place) = connections.get(&connection) else { return };
        if let (Some(head), Some(outbound)) = (head, place.outbound.upgrade()) {
            outbound.push(Item::Stored(room.clone(), head), Class::Durable);
        }
        if place.through == through {
            connections.remove(&connection);
        }
    }
}

/// Whether the event at this very place is committed.
async fn is_stored(store: &dyn Store, room: &RoomId, at: Position) -> Result<bool, PortError> {
    let found = store.after(room, at.previous(), 1).await?;
    Ok(found.first().is_some_and(|entry| entry.position == at))
}
